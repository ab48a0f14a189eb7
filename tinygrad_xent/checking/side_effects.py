"""Side effects of functions and rules: in-place changes, reused buffers, randomness.

A rule with side effects may return the right numbers and still spoil a backward pass. There several
rules are handed the same array, and gradients are held while other rules run.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_xent.checking.diagnosis import Diagnosis
from tinygrad_xent.visualization.naming import entry_name

_ARRAYS = (np.ndarray, np.generic)
_SAME = 1e-6  # of the largest entry: threads may add up in another order, and no more


class SideEffects:
    """Watches the calls of one function and its rule; `found` holds what was seen.

    Attributes
    ----------
    found : dict
        Diagnoses by the code and what they are about, in the order in which they were made.
    """

    def __init__(self) -> None:
        self.found: dict[tuple[str, ...], Diagnosis] = {}
        self._returned: list[tuple[str, Any, Any]] = []  # by the last call: name, array, copy

    def call(
        self,
        who: str,
        function: Callable[..., Any],
        arguments: Sequence[Any],
        names: Sequence[str],
        params: Mapping[str, Any],
    ) -> Any:
        """Call with copies of the arguments, and note which of them the call has changed."""
        handed = [np.array(x) if isinstance(x, _ARRAYS) else x for x in arguments]
        result = function(*handed, **params)
        self.compare_arguments(who, names, arguments, handed)
        return result

    def compare_arguments(
        self, who: str, names: Sequence[str], before: Sequence[Any], after: Sequence[Any]
    ) -> None:
        """Note which arguments have changed."""
        for name, old, new in zip(names, before, after, strict=True):
            if isinstance(new, np.ndarray) and old.tobytes() != new.tobytes():  # NaN is itself
                self._note(
                    "in-place",
                    f"{who} changes `{name}` in place. Other rules read the same array, and would "
                    "compute with the changed numbers.",
                    name,
                    f"Make a new array: `{name} = {name} * 2` instead of `{name} *= 2`.",
                )

    def copy_results(self, results: Sequence[Any], names: Sequence[str]) -> tuple[Any, ...]:
        """Copy what a rule returned, and note whether this call changed what the last returned."""
        for name, array, copy in self._returned:
            if array.tobytes() != copy.tobytes():
                self._note(
                    "not-repeatable",
                    f"The rule keeps the array that it returns for {name}, and overwrites it at "
                    "its next call: the earlier gradient changes.",
                    name,
                    "Return a new array each time.",
                )
        copies = tuple(map(copy_array, results))
        named = zip(names, results, copies, strict=False)
        self._returned = [entry for entry in named if isinstance(entry[1], np.ndarray)]
        return copies

    def compare_answers(
        self, who: str, names: Sequence[str], first: Sequence[Any], then: Sequence[Any]
    ) -> None:
        """Note where two answers to the same question differ."""
        for name, one, other in zip(names, first, then, strict=False):
            if one is None and other is None:
                continue
            a, b = np.asarray(one), np.asarray(other)
            if a.shape == b.shape and a.dtype == b.dtype:
                if a.dtype.kind not in "fiub":
                    continue
                finite = np.isfinite(a)
                size = np.max(np.abs(a), initial=0.0, where=finite)
                off = np.where(finite, ~(np.abs(np.subtract(a, b, dtype=float)) <= _SAME * size), 0)
                if not off.any():
                    continue
                at = tuple(map(int, np.argwhere(off)[0]))
                where = f" at {entry_name('', at)}" if at else ""
                numbers = f": {float(a[at]):.6g}{where}, then {float(b[at]):.6g}"
            else:
                numbers = ""
            self._note(
                "not-repeatable",
                f"{who} returns a different result for {name} each time it is called with the same "
                f"numbers{numbers}.",
                name,
                "Random numbers, counters and arrays kept between calls do this. Draw random "
                "numbers before the call, and pass them as an argument.",
            )

    def _note(self, code: str, message: str, name: str, hint: str) -> None:
        self.found.setdefault((code, message[:20], name), Diagnosis(code, message, name, (), hint))


def copy_array(x: Any) -> Any:
    """Return a copy of an array, for somebody who may write into it; other things as they are.

    NumPy's scalars become arrays again: its functions turn results without axes into scalars.
    """
    return np.array(x) if isinstance(x, _ARRAYS) else x

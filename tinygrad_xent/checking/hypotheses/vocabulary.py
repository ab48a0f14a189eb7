"""What formulas are made of: short pieces of Python, and the numbers that they are tried on."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, permutations, product
from numbers import Real
from types import CodeType
from typing import Any

import numpy as np

from tinygrad_xent.checking.case import Case
from tinygrad_xent.checking.hypotheses.shapes import fits
from tinygrad_xent.checking.slopes import slopes
from tinygrad_xent.checking.subjects import Subject, is_real, precise

_MOVES = (0.4, 0.1, 0.02)  # relative: fresh inputs lie so far from the given ones, or less far
_SURE = 1e-7  # of the largest slope: what a slope may be off
_HOLDS = 1e-6  # of the largest entry
_ARRAYS = 4


def _softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


_FUNCTIONS = {
    name: getattr(np, name)
    for name in ["exp", "log", "sqrt", "sin", "cos", "tanh", "abs", "sign", "pi"]
}
_FUNCTIONS |= {"sigmoid": lambda x: 1 / (1 + np.exp(-x)), "softmax": _softmax}
# Factors that are made of an array, or of an array and a number, the plainest first.
_OF_THE_OUTPUT = [
    "1 - {0}", "1 + {0}", "exp({0})", "tanh({0})", "sigmoid({0})", "1 - {0}**2", "1 + {0}**2",
    "sqrt(1 - {0}**2)", "sqrt(1 + {0}**2)",
]  # fmt: skip
_OF_ONE = [
    "{0} > 0", "{0} <= 0", *_OF_THE_OUTPUT, "log({0})", "sqrt({0})", "sign({0})", "sin({0})",
    "cos({0})", "abs({0})", "1 + abs({0})",
]  # fmt: skip
_WITH_A_NUMBER = [
    "{0} > {1}", "{0} < {1}", "{0}**({1} - 1)", "abs({0}) < {1}", "abs({0}) > {1}", "{0}**{1}",
    "{1}**{0}", "exp({1} * {0})", "sigmoid({1} * {0})",
]  # fmt: skip
_ALONG = {"softmax({0}{1})": 0.8, "{0} == {0}.max({2})": 0.7, "{0} - {0}.mean({2})": 0.8}
_NAMED = {
    "std": "{0}.std({2})", "norm": "sqrt(({0}**2).sum({2}))",
    "x_hat": "({0} - {0}.mean({2})) / {0}.std({2})",
}  # fmt: skip


@lru_cache(maxsize=2000)
def _compiled(text: str) -> CodeType:
    return compile(text, "formula", "eval")


@dataclass(frozen=True)
class Point:
    """Numbers: what names stand for, what the rule returned, and what it should return."""

    names: Mapping[str, Any]
    got: Any = None
    expected: Any = None

    def value(self, text: str) -> Any:
        """Compute a piece of Python; NaN where it computes nothing."""
        try:
            with np.errstate(all="ignore"):
                return np.asarray(eval(_compiled(text), {**self.names}), float)  # noqa: S307
        except Exception:  # noqa: BLE001 - whatever shapes and kinds of numbers do
            return np.full((), np.nan)

    def wanted(self, what: str) -> Any:
        """Return what was `got` or is `expected`, the difference, or the quotient."""
        with np.errstate(all="ignore"):
            if what == "factor":
                return self.expected / self.got
            return self.expected - self.got if what == "missing" else getattr(self, what)

    def holds(self, text: str, what: str) -> bool:
        """Whether a formula gives these numbers."""
        target, made = self.wanted(what), self.value(text)
        if what == "factor":
            target, made = self.expected, made * self.got
        known = np.isfinite(target)
        off = np.abs(made - target)
        if off.shape != target.shape or not known.any():
            return False
        return bool((off[known] <= _HOLDS * np.abs(target[known]).max()).all())


class Vocabulary:
    """The factors that formulas of a case may have.

    Attributes
    ----------
    grads : list of str
        How the upstream gradient may be written beside the input, the right way first.
    out, x : str
    arrays : list of str
        The names of arrays that stand beside the input, the input first.
    plain : dict
        Factors without the upstream gradient, and how complicated they are.
    carriers : dict
        Factors with it, once each.
    numbers : dict
        Factors that are single numbers.
    glossary : dict
        Factors with a name of their own, and what they stand for.
    """

    def __init__(self, case: Case) -> None:
        subject, self.case, self.x = case.subject, case, case.name
        self._inputs = dict(zip(subject.names, subject.inputs, strict=True))
        self._given = self._inputs | dict(subject.params)
        self._out = "out" if "y" in self._given else "y"
        self.glossary: dict[str, str] = {}
        self.here = Point(self.names(subject, case.out, case.upstream[0]))
        ways = self._beside()
        self.grads, self.out = [f"grad{way}" for way in ways], self._out + ways[0]
        grad = self.here.value(self.grads[0]).shape
        wider = len(grad) > case.x.ndim
        shape = grad if wider or fits(case.x.shape, grad) else case.x.shape
        single = {
            name: float(n)
            for name, n in subject.params.items()
            if isinstance(n, Real) and not isinstance(n, bool) and name.isidentifier()
        }
        self.numbers = _numbers(case, single)
        beside = [
            name for name, value in self._given.items()
            if name not in (self.x, *single)
            and np.asarray(value).dtype.kind in "fiub" and fits(np.shape(value), shape)
        ]  # fmt: skip
        self.arrays = [self.x, *([self.out] if case.out.ndim else []), *beside][:_ARRAYS]
        self.plain = {name: 1 + 0.1 * k for k, name in enumerate(self.arrays)}
        self._add_entries(beside, single)
        axes = [axis for axis, n in enumerate(shape) if n > 1]
        alone = case.out.shape == case.x.shape == shape and all(map(case.apart, axes))
        whole = [name for name in (self.x, *beside) if np.shape(self._given[name]) == shape]
        if whole and not alone:
            axes.sort(key=case.apart if whole[0] == self.x else abs)
            ways = [_how(axis, len(shape)) for axis in axes]
            for how in dict.fromkeys([""] * (case.out.size == 1) + ways):
                self._add_rows(whole[0], how, single)
        self.here = Point(self.names(subject, case.out, case.upstream[0]))
        self.carriers = dict.fromkeys(self.grads, 0.0) | self._sums(shape)
        self._add_products()

    def _beside(self) -> list[str]:
        """Return how to index the output to stand beside the input, the right way first."""
        case, x, y = self.case, self.case.x, self.case.out
        ways = [""]
        for gone in combinations(range(x.ndim), max(0, x.ndim - y.ndim) if y.ndim else 0):
            parts = ["None" if k in gone else ":" for k in range(max(gone, default=-1) + 1)]
            ways += [f"[{', '.join(parts)}]"] * (":" in parts)
        wide = {way: self.here.value(f"grad{way}").shape for way in ways}
        ways = [way for way, g in reversed(wide.items()) if fits(g, x.shape) or fits(x.shape, g)]

        def entry_by_entry(way: str) -> bool:
            one, other = (case.expected[k] / case.upstream[k].reshape(wide[way]) for k in (0, 1))
            return one.shape == x.shape and np.allclose(one, other, rtol=1e-4, equal_nan=True)

        with np.errstate(all="ignore"):
            return sorted(ways, key=entry_by_entry, reverse=True) or [""]

    def _add_entries(self, others: list[str], single: Mapping[str, float]) -> None:
        x, kinds = self.x, {name: np.asarray(self._given[name]) for name in others}
        floating = [name for name, value in kinds.items() if value.dtype.kind == "f"]
        for name in (x, *floating[:2], self.out):
            parts = _OF_THE_OUTPUT if name == self.out else _OF_ONE
            cost = self.plain.setdefault(name, 1.4)
            self.plain |= {f.format(name): cost + 0.4 + 0.06 * k for k, f in enumerate(parts)}
        for n in single:
            self.plain |= {f.format(x, n): 1.4 + 0.1 * k for k, f in enumerate(_WITH_A_NUMBER)}
        for a, b in permutations(single, 2):
            self.plain[f"({x} > {a}) * ({x} < {b})"] = 2.0
        self.plain |= {f"{x} {sign} {other}": 1.6 for other in floating for sign in "<>"}
        whole = (
            n for n, v in self._given.items() if isinstance(v, np.ndarray) and v.dtype.kind in "iu"
        )
        self.plain |= {f"onehot({name})": 1.2 for name in whole}

    def _add_rows(self, x: str, how: str, single: Mapping[str, float]) -> None:
        """Add what rules that work by rows are made of, where sums run in some way."""
        axis = how.split(",", maxsplit=1)[0]
        parts = x, f", {axis}" if axis else "", how
        again = f"_{axis[5:]}" if self.glossary else ""
        meant = {name + again: part.format(*parts) for name, part in _NAMED.items()}
        if eps := next((n for n in single if "eps" in n), ""):
            std = meant["std" + again] = f"sqrt({x}.var({how}) + {eps})"
            meant["x_hat" + again] = f"({x} - {x}.mean({how})) / {std}"
        if not self._given.keys() & meant.keys():
            self.glossary |= meant
            self.plain |= dict.fromkeys(meant, 1.5)
        self.plain |= {part.format(*parts): 1 + c for part, c in _ALONG.items()}

    def _sums(self, shape: tuple[int, ...]) -> dict[str, float]:
        """Return sums of the upstream gradient times something, and how complicated they are."""
        rows = [part for part in self.plain if part.startswith(("softmax", "x_hat", "onehot"))]
        scaled = (f"{a} * {b}" for a in self.arrays[2:] for b in rows if "x_hat" in b)
        inner = ["", *self.arrays, *rows, *scaled]
        axes = [axis for axis, n in enumerate(shape) if n > 1]
        axes.sort(key=lambda axis: self.case.x.shape == shape and self.case.apart(axis))
        ways = [_how(axis, len(shape)) for axis in axes]
        ways = [f"{way})" for way in (*ways, "", *(w.split(",")[0] for w in ways if "," in w))]
        small = self.case.x.shape
        if small != shape:
            inner += [f"{a} * {b}" for a, b in combinations([*self.arrays, *rows], 2)]
            front = len(shape) - len(small)
            repeated = [front + k for k, n in enumerate(small) if n == 1 < shape[front + k]]
            first = (*range(front), *repeated)
            end = ")" if front else ", keepdims=True)"
            end += f".reshape({self.x}.shape)" if front and repeated else ""
            every = dict.fromkeys((first, *combinations(range(len(shape)), len(first))))
            ways = [f"axis={a[0] if len(a) == 1 else a}{end}" for a in every] if small else [")"]
        sums = {}
        for (i, how), (k, part) in product(enumerate(dict.fromkeys(ways)), enumerate(inner)):
            what = f"({self.grads[0]} * {part})" if part else self.grads[0]
            sums[f"{what}.sum({how}"] = 0.5 + 0.8 * i + 0.1 * k
        return sums

    def _add_products(self) -> None:
        """Add matrix products."""
        scalar = self.case.out.size == 1
        arrays = {n: np.ndim(x) for n, x in self._inputs.items() if np.ndim(x) in (1, 2)}
        arrays |= {} if scalar else {"grad": self.case.out.ndim}
        for a, b in product(arrays, repeat=2):
            if not scalar and (a == "grad") == (b == "grad"):
                continue
            turned = product((a, f"{a}.T")[: arrays[a]], (b, f"{b}.T")[: arrays[b]])
            made = [f"{p} @ {q}" for p, q in turned if arrays[a] >= arrays[b]]  # matrices first
            made += [f"{a}[:, None] * {b}"] * (arrays[a] == arrays[b] == 1)
            made = [p for p in made if self.here.value(p).shape == self.case.x.shape != ()]
            self.plain |= dict.fromkeys(made if scalar else [], 2.0)
            self.carriers |= dict.fromkeys([] if scalar else made, 0.0)

    def names(self, subject: Subject, out: Any, grad: Any) -> dict[str, Any]:
        """Return what the names of formulas stand for at some numbers."""
        x = subject.inputs[self.case.index]
        given = dict(zip(subject.names, subject.inputs, strict=True)) | dict(subject.params)
        names = _FUNCTIONS | {"onehot": lambda labels: np.eye(x.shape[-1])[labels]}
        names |= {"grad": grad, self._out: out} | given
        for name in [name for name in given if name.endswith("]")]:  # "xs[1]", of several
            several, number = name[:-1].split("[")
            names.setdefault(several, {})[int(number)] = given[name]
        here = Point(names)
        return names | {word: here.value(part) for word, part in self.glossary.items()}


def points(case: Case, words: Vocabulary, entries: Any) -> Iterator[Point]:
    """Yield the numbers of the case with two upstream gradients, then fresh ones.

    Slopes are known at some entries only, and are NaN where they are not sure.
    """
    for k in range(2):
        sure = case.tolerance[k] <= 1e-5 * np.abs(case.expected[k]).max(initial=0)
        names = words.names(case.subject, case.out, case.upstream[k])
        yield Point(names, case.got[k], np.where(sure, case.expected[k], np.nan))
    rng = np.random.default_rng(0)
    for spread in [False] * 3 + [True] * 5:
        subject, out = _fresh(case.subject, spread, rng)
        upstream, x = rng.normal(size=(1, *out.shape)), subject.inputs[case.index]
        got = subject.gradients(case.index, upstream, out, subject.inputs, x.shape)
        if got is None or out.shape != case.out.shape:
            return
        f = subject.function_of(case.index)

        def of_entries(moved: Any, x: Any = x, f: Any = f) -> Any:
            whole = np.array(x, dtype=moved.dtype)
            whole.flat[entries] = moved
            return f(whole)

        found = slopes(of_entries, x.ravel()[entries], upstream)
        size = np.abs(found.value[np.isfinite(found.value)]).max(initial=0)
        expected = np.full(x.shape, np.nan)
        sure = (found.error[0] <= _SURE * size) & ~found.kink
        expected.flat[entries] = np.where(sure, found.value[0], np.nan)
        yield Point(words.names(subject, out, upstream[0]), got[0], expected)


def _fresh(subject: Subject, spread: bool, rng: np.random.Generator) -> tuple[Subject, Any]:
    """Return the subject with other numbers, where its function is finite."""
    for move in _MOVES:
        moved = subject.at([_other(x, move, spread, rng) for x in subject.inputs])
        moved.params = {
            name: _other(v, move, spread, rng) if np.ndim(v) else v
            for name, v in subject.params.items()
        }
        out = moved.value(moved.inputs)
        if np.isfinite(out).all():
            break
    return moved, out


def _other(x: Any, move: float, spread: bool, rng: np.random.Generator) -> Any:
    """Move the numbers of an array, and exchange rows and columns; rows that sum to 1 still do.

    Or spread them from the smallest to the largest: a formula holds between the numbers, too.
    """
    if not is_real(x):
        return x
    x = precise(x)
    for axis, n in enumerate(x.shape):
        x = x.take(rng.permutation(n), axis)
    near = x * rng.uniform(1 - move, 1 + move, size=x.shape)
    if spread and x.size:
        places = (rng.permutation(x.size) + rng.uniform()) / x.size
        near = x.min() + np.ptp(x) * places.reshape(x.shape)
    if {*np.unique(x)} == {0.0, 1.0}:
        near = np.where(x == 0, rng.uniform(0, move, size=x.shape), np.minimum(near, 1))
    for axis in range(x.ndim):
        if (x >= 0).all() and np.allclose(x.sum(axis=axis), 1):
            near /= near.sum(axis=axis, keepdims=True)
    return near


def _numbers(case: Case, single: Mapping[str, float]) -> dict[str, float]:
    """Return the single numbers that a formula may contain, the most telling first."""
    x = case.name
    derived = {f"1 - {name}": 1 - n for name, n in single.items()}
    derived |= {f"log({name})": math.log(n) for name, n in single.items() if n > 0}
    lengths = {f"{x}.shape[{k}]": n for k, n in enumerate(case.x.shape)}
    lengths[f"{x}.size"] = case.x.size
    plain = {"2": 2, "3": 3, "4": 4, "log(2)": math.log(2), "log(10)": math.log(10)}
    plain |= {"pi": math.pi, "exp(1)": math.e}
    fewer = case.out.size < case.x.size  # else nothing is divided by a length
    found = {**single, **derived, **(lengths | plain if fewer else plain | lengths)}
    return {name: float(n) for name, n in found.items() if abs(n) not in (0, 1, math.inf)}


def _how(axis: int, ndim: int) -> str:
    """Return how a sum runs so that it broadcasts."""
    return "" if ndim == 1 else f"axis={axis}, keepdims=True" if axis else f"axis={axis}"

"""Noticing that an answer lets this package do the work.

An answer may use the package's ops as a rule does: `exp`, `sum`, `matmul`. It may not use what it
is to write itself, nor any backward rule, nor the engine, which would find every gradient.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import tinygrad_xent
from tinygrad_xent.op import Op
from tinygrad_xent.ops import OPS

_PACKAGE = str(Path(tinygrad_xent.__file__).parent)
_HERE = str(Path(__file__).parent)


class Watch:
    """A profile function that notes the package's code when an answer calls it."""

    def __init__(self) -> None:
        self._plain = {op.function.__code__ for op in OPS.values()}
        self._calls = {method.__code__ for method in (Op.__call__, Op.on, Op._bind)}
        self._rules = {op.rule.__code__ for op in OPS.values() if op.rule}
        self._own: frozenset[CodeType] | None = None
        self.found = ""

    def start(self) -> None:
        """Look at every call from now on; nobody can stop it, once the doors are shut."""
        sys.setprofile(self._look)

    def begin(self, own: Collection[str] | None) -> None:
        """Look at a call of an answer that is to do without these ops; None: look away."""
        self.found = ""
        if own is not None:
            self._own = frozenset(OPS[name].function.__code__ for name in own) | self._rules

    def end(self) -> None:
        """The call is over."""
        self._own = None

    def _look(self, frame: FrameType, event: str, _: Any) -> None:
        if self._own is None or event != "call" or self.found:
            return
        code = frame.f_code
        if code in self._own:
            self.found = code.co_qualname
        elif code.co_filename.startswith(_PACKAGE) and not code.co_filename.startswith(_HERE):
            caller = frame.f_back
            inside = caller is not None and caller.f_code.co_filename.startswith(_PACKAGE)
            if not inside and code not in self._plain and code not in self._calls:
                self.found = code.co_qualname

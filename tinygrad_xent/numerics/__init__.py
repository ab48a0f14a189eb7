"""Where numbers go bad: the first NaN or infinity, and the op that loses the digits."""

from __future__ import annotations

from tinygrad_xent.numerics.first_bad import BadNumber, first_bad
from tinygrad_xent.numerics.stability import Stability, stability

__all__ = ["BadNumber", "Stability", "first_bad", "stability"]

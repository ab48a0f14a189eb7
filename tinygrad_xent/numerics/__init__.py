"""Where numbers go bad: the first NaN or infinity, and the op that loses the digits."""

from __future__ import annotations

from tinygrad_xent.numerics.bad_numbers import BadNumber, first_bad
from tinygrad_xent.numerics.digits import Stability, stability

__all__ = ["BadNumber", "Stability", "first_bad", "stability"]

"""The same loss in every dialect, side by side."""

from __future__ import annotations

from tinygrad_xent.comparing.comparison import Comparison, compare

__all__ = ["Comparison", "compare"]

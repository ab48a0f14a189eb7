"""Gradients against differences: what backpropagation gives, checked by what derivatives are."""

from __future__ import annotations

from tinygrad_xent.checking.differences import Differences, differences
from tinygrad_xent.checking.graph_check import GradientCheck, TensorCheck, check_gradients

__all__ = ["Differences", "GradientCheck", "TensorCheck", "check_gradients", "differences"]

"""Gradients, checked against differences and against the laws that they must obey."""

from tinygrad_xent.checking.diagnosis import Diagnosis
from tinygrad_xent.checking.gradient_check import gradcheck
from tinygrad_xent.checking.laws import Invariants, Law, invariants
from tinygrad_xent.checking.report import GradcheckReport
from tinygrad_xent.checking.slopes import differences

__all__ = [
    "Diagnosis",
    "GradcheckReport",
    "Invariants",
    "Law",
    "differences",
    "gradcheck",
    "invariants",
]

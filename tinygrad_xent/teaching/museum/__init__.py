"""The museum of wrong rules: backward rules with typical mistakes, and their diagnoses.

>>> from tinygrad_xent.teaching.museum import WRONG_RULES, op_of
>>> wrong = {rule.name: rule for rule in WRONG_RULES}["softmax_diagonal_only"]
>>> print(wrong.source)
def softmax_diagonal_only(grad, y, x, *, axis):
    return grad * y * (1 - y)
>>> wrong.code
'missing-cross-term'
>>> softmax = op_of(wrong)  # an op with a wrong gradient
"""

from __future__ import annotations

from tinygrad_xent.teaching.museum.collection import RIGHT_RULES, WRONG_RULES, answer, op_of, puzzle
from tinygrad_xent.teaching.museum.rules import Rule, WrongRule

__all__ = ["RIGHT_RULES", "WRONG_RULES", "Rule", "WrongRule", "answer", "op_of", "puzzle"]

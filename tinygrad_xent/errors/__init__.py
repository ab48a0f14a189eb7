"""One class for each kind of mistake, so that programs can tell them apart.

Each message says what is wrong, where, and what to do. Every class also derives from the
built-in exception that it makes precise, so `except ValueError` keeps working for those who do not
care which mistake it was.
"""

import sys
import typing
import warnings
from importlib import import_module


class TinygradXentError(Exception):
    """The ancestor of every error that this package raises on purpose."""


class OpCallError(TinygradXentError, TypeError):
    """A function was called with an argument that it does not have, or an op with too many."""


class OpDefinitionError(TinygradXentError, TypeError):
    """An op or its backward rule is defined in a way that cannot work."""


class MissingRuleError(TinygradXentError, TypeError):
    """The backward pass reached an op that has no backward rule."""


class RuleResultError(TinygradXentError, ValueError):
    """A backward rule returned the wrong number of gradients, a wrong shape, or no numbers."""


class NotRecordedError(TinygradXentError, TypeError):
    """A gradient was asked of something that is no Tensor: nothing was recorded."""


class NotScalarError(TinygradXentError, ValueError):
    """A backward pass was started from several numbers without saying how to weigh them."""


class GradcheckError(TinygradXentError, AssertionError):
    """A gradient check that was asserted to find nothing found something."""


class StaleGraphError(TinygradXentError, RuntimeError):
    """A tensor got new data after an op had used it: the rule would mix old numbers with new."""


class InPlaceError(TinygradXentError, TypeError):
    """A Tensor was to be changed in place in a way that no graph could record."""


class NotInGraphError(TinygradXentError, ValueError):
    """A tensor was asked about that is not part of the graph."""


class NumpyFunctionError(TinygradXentError, TypeError):
    """A NumPy function was given a Tensor; it would lose the graph."""


class CopyError(TinygradXentError, TypeError):
    """A computed Tensor was to be copied or pickled with its graph."""


class DtypeError(TinygradXentError, TypeError):
    """Data of this dtype cannot be used here."""


class ShapeError(TinygradXentError, ValueError):
    """Shapes do not match, or the axis of classes is missing."""


class BatchSizeError(ShapeError):
    """There are not as many labels as rows."""


class BroadcastError(ShapeError):
    """Labels and rows do not broadcast."""


class AxisError(TinygradXentError, ValueError):
    """An axis that the array does not have."""


class ArgumentError(TinygradXentError, ValueError):
    """An argument is missing, or was given by position where only its name is allowed."""


class LabelDtypeError(TinygradXentError, TypeError):
    """Integer class labels were expected."""


class LabelRangeError(TinygradXentError, ValueError):
    """A class label is negative, or not below the number of classes."""


class DialectError(TinygradXentError, ValueError):
    """A framework was asked for a loss that it does not offer."""


class DialectFaultError(TinygradXentError, RuntimeError):
    """A gradient that the framework, by a fault of its own, does not give."""


class UsageError(TinygradXentError, ValueError):
    """Options of the command line that it does not have, or that make no sense together."""


class TableError(TinygradXentError, ValueError):
    """A file does not hold a table of numbers and labels to train a classifier on."""


class MessageError(TinygradXentError, ValueError):
    """A value cannot be sent to, or taken from, the process that runs a learner's code."""


class SubmissionError(TinygradXentError, ValueError):
    """A file or folder holds no Python code that could be checked or graded."""


class OutputError(TinygradXentError, ValueError):
    """A result cannot be written where it was to go."""


class GraphTooLargeError(TinygradXentError, ValueError):
    """A graph has more tensors than a picture or a worksheet can show."""


class FileFormatError(TinygradXentError, ValueError):
    """A picture was to be saved under a name whose ending says nothing about its form."""


class MissingRendererError(TinygradXentError, RuntimeError):
    """Nothing on this machine can make a picture of the form asked for."""


class ExerciseError(TinygradXentError, ValueError):
    """The docstring of an exercise's module is not written as that of an exercise."""


class UnknownExerciseError(TinygradXentError, KeyError):
    """There is no exercise of this name, or no hint of this number."""

    __str__ = Exception.__str__  # KeyError would put the message in quotes


class LabelsWarning(UserWarning):
    """A row of dense labels is not a probability distribution."""


class ProbabilitiesWarning(UserWarning):
    """Numbers given as probabilities are negative, or larger than 1: logits, perhaps."""


class DoubleSoftmaxWarning(UserWarning):
    """A loss that applies a softmax itself was given the output of a softmax."""


class OneClassWarning(UserWarning):
    """A loss was given a single class, whose probability is always 1."""


class HiddenSoftmaxWarning(UserWarning):
    """A loss clips a saturated softmax, because another op hides its logits."""


class UnconnectedWarning(UserWarning):
    """The output does not depend on the tensor whose gradient was asked for."""


def __getattr__(name: str) -> typing.Any:
    if name != "hints":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("tinygrad_xent.errors.hints")  # read once something has gone wrong


def warn(message: str, category: type[Warning]) -> None:
    """Warn of the line that called this package, however deep inside it the reason was found."""
    level = 1
    while sys._getframe(level).f_globals.get("__name__", "").startswith("tinygrad_xent."):
        level += 1
    warnings.warn(message, category, stacklevel=level + 1)

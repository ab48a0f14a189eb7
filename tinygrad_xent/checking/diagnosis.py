"""The diagnosis of a wrong gradient."""

from dataclasses import dataclass

from tinygrad_xent.visualization.readable import Readable

CODES = (
    "wrong-sign",
    "constant-factor",
    "ignores-upstream",
    "missing-cross-term",
    "transposed",
    "wrong-axis",
    "not-summed-over-broadcast",
    "wrong-shape",
    "gradients-swapped",
    "missing-gradient",
    "few-entries-wrong",
    "wrong-formula",
    "kink",
    "non-finite",
    "second-order-only",
    "wrong-dtype",
    "in-place",
    "not-repeatable",
    "unknown",
)


@dataclass(frozen=True, repr=False)
class Diagnosis(Readable):
    """What is wrong with the gradient of one input.

    Attributes
    ----------
    code : str
        One of `CODES`, for programs.
    message : str
        A sentence or two.
    input : str
        The name of the input whose gradient is meant.
    evidence : tuple of str
        What was tried and seen, a line each.
    hint : str
        Where to look.
    of_rule : bool
        Whether the rule is wrong. It is not where the function has a kink, or is not finite.

    Examples
    --------
    >>> from tinygrad_xent.checking import gradcheck
    >>> from tinygrad_xent import op
    >>> @op
    ... def square(x):
    ...     return x * x
    >>> @square.backward
    ... def square_backward(grad, y, x):
    ...     return x * grad
    >>> print(gradcheck(square, [1.0, 2.0, 3.0]).diagnosis)
    The gradient of x is exactly 1/2 times what it should be, in every entry.
    Look for a factor 2 that differentiating brings down, as in the derivative of a square.
    """

    code: str
    message: str
    input: str
    evidence: tuple[str, ...] = ()
    hint: str = ""
    of_rule: bool = True

    def __str__(self) -> str:
        return "\n".join(filter(None, (self.message, self.hint)))

"""The docstring of an op, completed from its definition in numpydoc's sections."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence

from tinygrad_xent.domains import Domain

# What the parameters that ops share mean, said once.
_PARAMETERS = {
    "axis": "Along which axis, or axes; negative ones count from the end, None means all.",
    "axes": "The old axes in their new order; None reverses them.",
    "axis1": "The one axis.",
    "axis2": "The other axis.",
    "ddof": "What is subtracted from the number of entries: 0, or 1 for the unbiased estimate.",
    "dtype": "The new dtype.",
    "index": "Whatever NumPy indexes with: integers, slices, masks, arrays, or a tuple of them.",
    "keepdims": "Whether reduced axes stay, with length 1.",
    "probs": "The softmax Tensor that was looked through.",
    "shape": "The lengths of the axes.",
    "subscripts": "One letter for each axis, as `numpy.einsum` takes them.",
}


def complete(
    doc: str | None,
    inputs: Sequence[str],
    domains: Sequence[Domain],
    parameters: Mapping[str, str],
    shapes: str,
) -> str:
    """Give the docstring with what a reader of `help` looks for.

    Parameters
    ----------
    doc : str or None
        The function's own: a summary, perhaps more, perhaps an example.
    inputs : sequence of str
        What gets a gradient, in order.
    domains : sequence of Domain
        Where each input comes from.
    parameters : Mapping
        What does not, with the defaults as text ("" where there is none).
    shapes : str
        NumPy's gufunc notation.

    Returns
    -------
    str
    """
    text, mark, example = inspect.cleandoc(doc or "").partition(">>> ")
    lines = [text.rstrip(), "", "Parameters", "----------"]
    for name, domain in zip(inputs, domains, strict=True):
        lines.append(f"{name} : array_like or Tensor")
        lines.append(f"    From the domain: {domain.name}.")
    for name, default in parameters.items():
        lines.append(f"{name} : keyword{f', default {default}' if default else ''}")
        lines += [f"    {_PARAMETERS[name]}"] if name in _PARAMETERS else []
    lines += ["", "Returns", "-------", "ndarray or Tensor"]
    lines += [f"    A Tensor if an input is one. Axes of one call: ``{shapes}``; others broadcast."]
    return "\n".join([*lines, "", "Examples", "--------", mark + example] if mark else lines)

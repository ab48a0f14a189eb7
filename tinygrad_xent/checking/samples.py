"""Calls of an op made from its own definition: sizes from `shapes`, values from `domains`."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_xent.op import Op

_SIZES = {"m": 2, "n": 3, "k": 4}
_BATCH = (2,)

Sample = tuple[tuple[Any, ...], Mapping[str, Any]]


def samples(op: Op, rng: np.random.Generator) -> Iterator[Sample]:
    """Yield inputs and parameters of valid calls of an op.

    Parameters
    ----------
    op : Op
        Its `examples` give the parameters, one call at least for each.
    rng : numpy.random.Generator
        What the values are drawn with.

    Yields
    ------
    inputs : tuple of ndarray
        Values from the inside of each input's domain. Symbolic axes come with a batch axis in
        front; inputs without axes of their own also in shapes that broadcast.
    params : Mapping
        Keyword parameters.

    Examples
    --------
    >>> from tinygrad_xent import softmax
    >>> for inputs, params in samples(softmax, np.random.default_rng(0)):
    ...     print(inputs[0].shape, params)
    (2, 3) {}
    (2, 3) {'axis': 0}
    (2, 3) {'axis': None}
    (2, 3) {'where': array([ True, False,  True])}
    """
    groups = re.findall(r"\(([^)]*)\)", op.shapes.split("->")[0])
    cores = [list(filter(None, group.split(","))) for group in groups]
    domains = op.domains * len(cores) if op.variadic else op.domains
    if any(cores):
        fixed = any(axis.isdigit() for core in cores for axis in core)
        front = () if fixed else _BATCH
        layouts = [[front + tuple(_SIZES.get(a) or int(a) for a in core) for core in cores]]
    else:
        layouts = [[(2, 3)] * len(cores)]
        if len(cores) > 1:
            layouts += [
                [(2, 3), *[(3,)] * (len(cores) - 1)],
                [(3, 1), *[(1, 2)] * (len(cores) - 1)],
            ]
    for params in op.examples:
        inputs = {name: value for name, value in params.items() if name in op.inputs}
        for shapes in layouts:
            pairs = zip(domains, shapes, strict=True)
            drawn = [np.asarray(d.draw(rng, shape)) for d, shape in pairs]
            given = [
                inputs.get(name, x) for name, x in zip(op.names_of(len(drawn)), drawn, strict=True)
            ]
            yield tuple(given), {k: v for k, v in params.items() if k not in inputs}

r"""Trigonometric and hyperbolic functions, and their inverses. Angles are in radians."""

from typing import Any

import numpy as np

from tinygrad_xent.op import op
from tinygrad_xent.ops.elementwise import sqrt
from tinygrad_xent.ops.powers import hypot


@op(symbol="sin")
def sin(x: Any) -> Any:
    r"""Sine: $y = \sin x$.

    >>> sin([0.0, np.pi / 2])
    array([0., 1.])
    """
    return np.sin(x)


@sin.backward
def sin_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = \cos(x)\,\bar y$"""
    return grad * cos(x)


@op(symbol="cos")
def cos(x: Any) -> Any:
    r"""Cosine: $y = \cos x$.

    >>> cos([0.0, np.pi])
    array([ 1., -1.])
    """
    return np.cos(x)


@cos.backward
def cos_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = -\sin(x)\,\bar y$"""
    return -grad * sin(x)


@op(symbol="tan", domain="first_branch")
def tan(x: Any) -> Any:
    r"""Tangent: $y = \tan x$.

    >>> tan([0.0, 1.0])
    array([0.        , 1.55740772])
    """
    return np.tan(x)


@tan.backward
def tan_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = (1 + y^2)\,\bar y$"""
    return grad * (1 + y * y)


@op(symbol="arcsin", domain="inside_one")
def arcsin(x: Any) -> Any:
    r"""Angle between -π/2 and π/2 whose sine is x: $y = \arcsin x$.

    >>> arcsin([0.0, 1.0])
    array([0.        , 1.57079633])
    """
    return np.arcsin(x)


@arcsin.backward
def arcsin_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = \bar y / \sqrt{1 - x^2}$"""
    return grad / sqrt((1 - x) * (1 + x))  # the product keeps its digits near 1, 1 - x * x does not


@op(symbol="arccos", domain="inside_one")
def arccos(x: Any) -> Any:
    r"""Angle between 0 and π whose cosine is x: $y = \arccos x$.

    >>> arccos([1.0, 0.0])
    array([0.        , 1.57079633])
    """
    return np.arccos(x)


@arccos.backward
def arccos_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = -\bar y / \sqrt{1 - x^2}$"""
    return -grad / sqrt((1 - x) * (1 + x))


@op(symbol="arctan")
def arctan(x: Any) -> Any:
    r"""Angle between -π/2 and π/2 whose tangent is x: $y = \arctan x$.

    >>> arctan([0.0, 1.0])
    array([0.        , 0.78539816])
    """
    return np.arctan(x)


@arctan.backward
def arctan_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = \bar y / (1 + x^2)$"""
    root = hypot(x, 1)  # the square of a large x would overflow
    return grad / root / root


@op(symbol="arctan2", domain="nonzero")
def arctan2(y: Any, x: Any) -> Any:
    r"""Angle of the point (x, y), between -π and π: $z = \arctan(y / x)$, in the right quadrant.

    The origin has no angle; the gradient there is 0.

    >>> arctan2([1.0, -1.0], [-1.0, -1.0])
    array([ 2.35619449, -2.35619449])
    """
    return np.arctan2(y, x)


@arctan2.backward
def arctan2_backward(grad: Any, z: Any, y: Any, x: Any) -> Any:
    r"""$\bar y = \frac{x}{x^2 + y^2}\,\bar z$ and $\bar x = -\frac{y}{x^2 + y^2}\,\bar z$"""
    radius = hypot(x, y)
    radius = radius + (radius == 0)
    return lambda: grad * (x / radius) / radius, lambda: -grad * (y / radius) / radius


@op(symbol="sinh")
def sinh(x: Any) -> Any:
    r"""Hyperbolic sine: $y = (e^x - e^{-x}) / 2$.

    >>> sinh([0.0, 1.0])
    array([0.        , 1.17520119])
    """
    return np.sinh(x)


@sinh.backward
def sinh_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = \cosh(x)\,\bar y$"""
    return grad * cosh(x)


@op(symbol="cosh")
def cosh(x: Any) -> Any:
    r"""Hyperbolic cosine: $y = (e^x + e^{-x}) / 2$.

    >>> cosh([0.0, 1.0])
    array([1.        , 1.54308063])
    """
    return np.cosh(x)


@cosh.backward
def cosh_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = \sinh(x)\,\bar y$"""
    return grad * sinh(x)


@op(symbol="arcsinh")
def arcsinh(x: Any) -> Any:
    r"""Number whose hyperbolic sine is x: $y = \ln(x + \sqrt{x^2 + 1})$.

    >>> arcsinh([0.0, 1.0])
    array([0.        , 0.88137359])
    """
    return np.arcsinh(x)


@arcsinh.backward
def arcsinh_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = \bar y / \sqrt{x^2 + 1}$"""
    return grad / hypot(x, 1)


@op(symbol="arccosh", domain="above_one")
def arccosh(x: Any) -> Any:
    r"""Number from 0 up whose hyperbolic cosine is x: $y = \ln(x + \sqrt{x^2 - 1})$.

    >>> arccosh([1.0, 2.0])
    array([0.        , 1.3169579])
    """
    return np.arccosh(x)


@arccosh.backward
def arccosh_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = \bar y / \sqrt{x^2 - 1}$"""
    return grad / sqrt(x - 1) / sqrt(x + 1)


@op(symbol="arctanh", domain="inside_one")
def arctanh(x: Any) -> Any:
    r"""Number whose hyperbolic tangent is x: $y = \frac12 \ln \frac{1 + x}{1 - x}$.

    >>> arctanh([0.0, 0.5])
    array([0.        , 0.54930614])
    """
    return np.arctanh(x)


@arctanh.backward
def arctanh_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = \bar y / (1 - x^2)$"""
    return grad / ((1 - x) * (1 + x))

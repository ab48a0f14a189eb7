r"""Elementwise functions of one variable: the shortest ops, and the place to start reading.

In formulas, $\bar x$ is the gradient ∂L/∂x of the final result, the loss L, with respect to x. A
backward rule takes $\bar y$, the upstream gradient of its output (`grad` in the code), and returns
$\bar x$: by the chain rule, $\bar y$ times the derivative of the op. For $y = e^x$ the derivative
is $y$, so $\bar x = y\,\bar y$.
"""

from typing import Any

import numpy as np

from tinygrad_xent.op import op


@op(symbol="exp")
def exp(x: Any) -> Any:
    r"""Exponential: $y = e^x$.

    >>> exp([0.0, 1.0])
    array([1.        , 2.71828183])
    """
    return np.exp(x)


@exp.backward
def exp_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = y\,\bar y$"""
    return grad * y


@op(symbol="ln", domain="positive")
def log(x: Any) -> Any:
    r"""Natural logarithm: $y = \ln x$.

    >>> log([1.0, 10.0])
    array([0.        , 2.30258509])
    """
    return np.log(x)


@log.backward
def log_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = \bar y / x$"""
    return grad / x


@op(symbol="ln(1+x)", domain="above_minus_one")
def log1p(x: Any) -> Any:
    r"""Logarithm of 1 + x, accurate even for tiny x: $y = \ln(1 + x)$.

    >>> log1p([0.0, 1e-20])
    array([0.e+00, 1.e-20])
    """
    return np.log1p(x)


@log1p.backward
def log1p_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = \bar y / (1 + x)$"""
    return grad / (1 + x)


@op(symbol="exp(x)−1")
def expm1(x: Any) -> Any:
    r"""Exponential minus 1, accurate even for tiny x: $y = e^x - 1$.

    >>> expm1([0.0, 1e-20])
    array([0.e+00, 1.e-20])
    """
    return np.expm1(x)


@expm1.backward
def expm1_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = e^x\,\bar y$"""
    return grad * exp(x)  # y + 1 would lose the digits of a small exponential


@op(symbol="√", domain="positive")
def sqrt(x: Any) -> Any:
    r"""Square root: $y = \sqrt{x}$.

    >>> sqrt([4.0, 9.0])
    array([2., 3.])
    """
    return np.sqrt(x)


@sqrt.backward
def sqrt_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = \bar y / (2 y)$"""
    return grad / (2 * y)


@op(symbol="tanh")
def tanh(x: Any) -> Any:
    r"""Hyperbolic tangent: $y = \tanh x$.

    >>> tanh([0.0, 1.0])
    array([0.        , 0.76159416])
    """
    return np.tanh(x)


@tanh.backward
def tanh_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = (1 - y^2)\,\bar y$"""
    return grad * sech2(x)  # as a difference it would lose its digits where y is close to 1


@op(symbol="sech²")
def sech2(x: Any) -> Any:
    r"""Square of the hyperbolic secant: $y = 1 / \cosh^2 x$.

    The derivative of tanh, $1 - \tanh^2 x$, with all its digits: $4 e / (1 + e)^2$ with
    $e = e^{-2 |x|}$, which neither cancels nor overflows.

    >>> sech2([0.0, 1000.0])
    array([1., 0.])
    """
    e = np.exp(-2.0 * np.absolute(x))
    whole = 1 + e
    whole *= whole  # in place, as memory for large arrays costs more than what is done with it
    e *= 4
    e /= whole
    return e


@sech2.backward
def sech2_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = -2\,y \tanh(x)\,\bar y$"""
    return grad * -2 * y * tanh(x)


@op(symbol="σ")
def sigmoid(x: Any) -> Any:
    r"""Logistic function: $y = 1 / (1 + e^{-x})$.

    >>> sigmoid([0.0, 1000.0, -1000.0])
    array([0.5, 1. , 0. ])
    """
    small = np.exp(-1.0 * np.absolute(x))  # exp of a negative number cannot overflow
    return np.where(np.less(x, 0), small, 1) / (1 + small)


@sigmoid.backward
def sigmoid_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = y\,(1 - y)\,\bar y$"""
    return grad * (sech2(x / 2) / 4)  # the same, and no difference that loses its digits

"""Wrong rules of functions that work entry by entry."""

from __future__ import annotations

import numpy as np
from strangers.case import normal, positive, wrong
from strangers.functions import (
    absolute,
    arctan,
    choose,
    clip,
    cosine,
    divide,
    dropout,
    elu,
    exp,
    gelu,
    huber,
    leaky_relu,
    log1p,
    log2,
    logaddexp,
    maximum,
    monomial,
    multiply,
    power_of_base,
    relu,
    sigmoid,
    silu,
    sinc,
    softplus,
    sqrt,
    square,
    squared_error,
    subtract,
    tanh,
)

import tinygrad_xent as tx

X34 = normal(3, 4, seed=1)
X8 = np.array([-1.3, 0.4, -0.2, 2.1, -0.7, -1.9, 0.9, -0.5])
A23, B23 = normal(2, 3, seed=2), positive(2, 3, seed=3)


INPUT_FOR_OUTPUT = (r"input|\bx\b", r"output|\by\b|instead|result")


@wrong(
    tanh,
    X34,
    kind="parentheses",
    words=(r"parenthes|bracket|not multipl|grad [-−] y|minus|without (the )?(up|grad)",),
)
def tanh_without_parentheses(grad, y, x):
    return grad * 1 - y * y


@wrong(tanh, X8, kind="input for output", words=INPUT_FOR_OUTPUT)
def tanh_of_the_input(grad, y, x):
    return grad * (1 - x**2)


@wrong(sigmoid, X34, kind="input for output", words=INPUT_FOR_OUTPUT)
def sigmoid_of_the_input(grad, y, x):
    return grad * x * (1 - x)


@wrong(exp, X34.astype(np.float32), kind="input for output", words=INPUT_FOR_OUTPUT)
def exp_of_the_input(grad, y, x):
    return grad * x


@wrong(
    sigmoid,
    X8,
    kind="upstream",
    words=(r"grad|upstream", r"square|twice|instead|place|proportional|linear|scale"),
)
def sigmoid_of_the_upstream_gradient(grad, y, x):
    return grad * grad * (1 - grad)


@wrong(sqrt, positive(5, seed=4), kind="inverted", words=(r"divi|1 ?/|/ ?\(?2|invers|reciproc",))
def sqrt_multiplied_not_divided(grad, y, x):
    return grad * 0.5 * y


@wrong(
    log2,
    positive(4, seed=5),
    kind="constant",
    codes="constant-factor",
    words=(r"ln ?2|ln\(2\)|log\(2\)|1\.44|0\.693",),
)
def log2_without_ln2(grad, y, x):
    return grad / x


@wrong(
    power_of_base,
    positive(3, 2, seed=7),
    base=2.0,
    kind="other function",
    words=(
        r"power|exponent|base|\*\*|\^",
        r"instead|other|rule of|belongs|swap|exchang|should|right is",
    ),
)
def power_of_base_as_if_x_were_the_base(grad, y, x, *, base):
    return grad * base * x ** (base - 1)


@wrong(
    monomial,
    positive(6, seed=8),
    n=3,
    kind="power",
    words=(r"power|exponent|factor x|times x|by x|x\s*(\*\*|\^|²|³)",),
)
def monomial_without_lowering_the_exponent(grad, y, x, *, n):
    return grad * n * x**n


@wrong(subtract, A23, B23, kind="sign", codes="wrong-sign", words=(r"sign", r"\bb\b"))
def subtract_adds(grad, y, a, b):
    return grad, grad


@wrong(divide, A23, B23, kind="sign", codes="wrong-sign", words=(r"sign", r"\bb\b"))
def divide_without_the_minus(grad, y, a, b):
    return grad / b, grad * a / b**2


@wrong(
    divide,
    A23,
    B23,
    kind="power",
    words=(r"\bb\b", r"square|power|b\s*(\*\*|\^)|b²|1 ?/ ?b|divi|factor"),
)
def divide_by_the_plain_denominator(grad, y, a, b):
    return grad / b, -grad * a / b


@wrong(
    multiply, A23, B23, kind="swapped", codes="gradients-swapped", words=(r"swap|exchang|other",)
)
def multiply_each_by_itself(grad, y, a, b):
    return grad * a, grad * b


@wrong(
    relu, X34, kind="mask", words=(r"mask|x > 0|positive|0 or 1|\b1\b", r"\by\b|output|value|\bx\b")
)
def relu_with_values_for_the_mask(grad, y, x):
    return grad * y


@wrong(relu, X8, kind="mask", codes="few-entries-wrong", words=(r"negativ|x [<≤]=? ?0|below|mask",))
def relu_without_mask(grad, y, x):
    return grad


@wrong(
    relu,
    X34,
    kind="upstream",
    codes="few-entries-wrong",
    words=(r"grad|upstream", r"negativ|positiv|sign|[<>] ?0|clip|below"),
)
def relu_masked_by_the_upstream_gradient(grad, y, x):
    return np.where(grad > 0, grad, 0) * (x > 0)


@wrong(
    leaky_relu,
    X8,
    kind="upstream",
    codes="few-entries-wrong ignores-upstream",
    words=(r"negativ|x [<≤]=? ?0|below", r"grad|upstream"),
)
def leaky_relu_forgets_the_upstream_on_one_side(grad, y, x, *, slope):
    return np.where(x > 0, grad, slope)


@wrong(
    leaky_relu,
    X34,
    kind="sides",
    words=(r"exchang|swap|other (way|side|branch)|invert|revers|opposite|sides",),
)
def leaky_relu_sides_exchanged(grad, y, x, *, slope):
    return np.where(x > 0, slope * grad, grad)


@wrong(
    elu,
    X8,
    kind="missing term",
    codes="few-entries-wrong",
    words=(r"negativ|x [<≤]=? ?0|below|alpha",),
)
def elu_without_plus_alpha(grad, y, x, *, alpha):
    return np.where(x > 0, grad, grad * y)


@wrong(softplus, X34, kind="sign of argument", words=(r"-x|−x|1 [-−]|sigmoid|sign|exp\(x\)|minus",))
def softplus_with_the_other_sigmoid(grad, y, x):
    return grad / (1 + np.exp(x))


@wrong(silu, X34, kind="missing term", words=(r"term|product rule|missing|add|forg",))
def silu_with_half_the_product_rule(grad, y, x):
    return grad / (1 + np.exp(-x))


@wrong(gelu, X8, kind="missing term", words=(r"term|chain rule|inner|missing|forg|factor",))
def gelu_without_the_inner_derivative(grad, y, x):
    t = np.tanh(0.7978845608028654 * (x + 0.044715 * x**3))
    return grad * (0.5 * (1 + t) + 0.5 * x * (1 - t * t))


@wrong(clip, 2 * X8, kind="zeros", codes="missing-gradient", words=(r"zero|\b0\b",))
def clip_with_an_empty_mask(grad, y, x, *, lo, hi):
    return grad * ((x <= lo) & (x >= hi))


@wrong(
    clip,
    2 * X8,
    kind="mask",
    codes="few-entries-wrong",
    words=(r"outside|clip|beyond|x [<>]|bound|\bor\b|mask",),
)
def clip_with_or_for_and(grad, y, x, *, lo, hi):
    return grad * ((x > lo) | (x < hi))


@wrong(
    clip,
    normal(4, 4, seed=9),
    kind="upstream",
    words=(r"grad|upstream", r"square|twice|proportional|linear|scale"),
)
def clip_with_the_upstream_twice(grad, y, x, *, lo, hi):
    inside = np.where((x > lo) & (x < hi), grad, 0)
    return grad * inside


@wrong(
    clip,
    normal(4, 4, seed=9),
    kind="ignores upstream",
    codes="ignores-upstream",
    words=(r"grad|upstream", r"arriv|ignor|change|multipl|depend"),
)
def clip_returns_the_mask(grad, y, x, *, lo, hi):
    return ((x > lo) & (x < hi)).astype(float)


@wrong(absolute, X34, kind="other function", words=(r"sign|\|x\||±1|-1|magnitude|value",))
def absolute_times_the_input(grad, y, x):
    return grad * x


@wrong(cosine, np.array(0.8), kind="sign", codes="wrong-sign", words=(r"sign",))
def cosine_without_the_minus(grad, y, x):
    return np.sin(x) * grad


@wrong(
    squared_error,
    A23,
    B23,
    kind="constant",
    codes="constant-factor",
    words=(r"\b2\b|half|0\.5|1/2|twice",),
)
def squared_error_without_the_2(grad, y, prediction, target):
    d = grad * (prediction - target)
    return d, -d


@wrong(
    huber,
    1.5 * X8,
    kind="branch",
    codes="few-entries-wrong",
    words=(r"delta|outside|> ?1|large|beyond|above|magnitude",),
    delta=0.6,
)
def huber_without_delta_outside(grad, y, error, *, delta):
    return np.where(np.abs(error) <= delta, grad * error, grad * np.sign(error))


@wrong(
    logaddexp,
    A23,
    normal(2, 3, seed=11),
    kind="swapped",
    codes="gradients-swapped",
    words=(r"swap|exchang|other",),
)
def logaddexp_swapped(grad, y, a, b):
    return grad * np.exp(b - y), grad * np.exp(a - y)


@wrong(
    choose,
    X34 > 0.1,
    X34,
    normal(3, 4, seed=12),
    kind="mask",
    codes="few-entries-wrong",
    words=(r"condition|mask|chosen|false|where",),
)
def choose_without_the_condition(grad, y, condition, a, b):
    return None, grad, grad


@wrong(
    maximum,
    X34,
    normal(3, 4, seed=13),
    kind="zeros",
    codes="missing-gradient few-entries-wrong",
    words=(r"\bb\b|larger|winner|where",),
)
def maximum_all_to_the_first(grad, y, a, b):
    return grad, np.zeros_like(b)


@wrong(
    arctan,
    normal(2, 2, seed=15),
    kind="sign of argument",
    words=(r"1 ?\+|plus|sign|x²|x ?(\*\*|\^) ?2",),
)
def arctan_with_minus(grad, y, x):
    return grad / (1 - x**2)


@wrong(
    log1p,
    positive(4, 2, seed=16),
    kind="other function",
    words=(r"1 ?\+ ?x|x ?\+ ?1|rule of `?l(og|n)|plus 1",),
)
def log1p_as_log(grad, y, x):
    return grad / x


MASK = np.array([[1.0, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 1]])


@wrong(
    dropout,
    X34,
    MASK > 0,
    kind="scale",
    codes="constant-factor",
    words=(r"keep|rate|1 ?/|0\.75|1\.33|drop",),
)
def dropout_without_the_scale(grad, y, x, mask, *, rate):
    return grad * mask, None


@wrong(
    dropout,
    X34,
    MASK > 0,
    kind="mask",
    codes="few-entries-wrong",
    words=(r"mask|dropped|where|zero|\b0\b",),
)
def dropout_without_the_mask(grad, y, x, mask, *, rate):
    return grad / (1 - rate), None


@wrong(
    dropout,
    X34,
    MASK > 0,
    rate=0.4,
    kind="scale",
    codes="constant-factor",
    words=(r"keep|rate|1 ?/|0\.36|2\.7|drop",),
)
def dropout_multiplied_by_the_keep_rate(grad, y, x, mask, *, rate):
    return grad * mask * (1 - rate), None


@wrong(
    sinc,
    np.array([-1.0, 0.0, 0.5, 2.0]),
    kind="non-finite",
    codes="non-finite few-entries-wrong",
    words=(r"nan|finite|infin", r"\b0\b|zero|x\["),
)
def sinc_divides_by_zero(grad, y, x):
    with np.errstate(all="ignore"):
        return grad * (np.cos(x) - y) / x


@wrong(
    softplus,
    np.array([-3.0, 1.0, 705.0, 20.0]),
    kind="non-finite",
    codes="non-finite few-entries-wrong",
    words=(r"nan|finite|infin|overflow",),
)
def softplus_overflows(grad, y, x):
    with np.errstate(all="ignore"):
        e = np.exp(2 * x)
        return grad * e / (np.exp(x) + e)


@wrong(
    log2,
    positive(3, 3, seed=17),
    kind="two mistakes",
    codes="constant-factor wrong-sign",
    words=(r"sign|minus|-1\.44|-0\.69", r"ln ?2|ln\(2\)|log\(2\)|1\.44|0\.69"),
)
def log2_negative_and_without_ln2(grad, y, x):
    return -grad / x


@wrong(square, X34, kind="double counting", codes="constant-factor", words=(r"\b2\b|twice|double",))
def square_counts_each_factor_twice(grad, y, x):
    return 2 * grad * x + 2 * grad * x


def detached(t):
    return t.data if isinstance(t, tx.Tensor) else t


@wrong(
    tanh,
    X8,
    second=True,
    kind="second order",
    codes="second-order-only",
    words=(r"second|derivative|rule of the rule|own derivative",),
)
def tanh_with_a_detached_output(grad, y, x):
    return grad * (1 - detached(y) ** 2)

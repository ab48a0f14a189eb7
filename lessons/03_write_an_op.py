# %% [markdown]
# # 3. Write an op
#
# *About 40 minutes. [All lessons](00_start.ipynb)*
#
# An op is a NumPy function together with the rule that sends gradients back through it. In this lesson
# you add ops of your own: first the function, then its rule, then a check that the two belong
# together. From then on the pictures, the traces and the player know your op like any other.
#
# From lesson 1 you know $\bar y$, in code `grad`: the gradient of the loss with respect to the op's
# output. From lesson 2 you know who supplies it: the backward pass, once it is complete.

# %%
import matplotlib.pyplot as plt
import numpy as np

import tinygrad_xent as tx

# %% [markdown]
# ## The function
#
# `@tx.op` makes an op of a function. Write it with NumPy, as if there were no gradients. The formula
# in the docstring is for pictures and traces.


# %%
@tx.op
def cube(x):
    """Third power: $y = x^3$."""
    return x**3


# %% [markdown]
# Handed an array, it is the function and nothing else. Handed a Tensor, it gives a Tensor that remembers.

# %%
x = tx.Tensor([1.0, 2.0, -3.0], name="x")
print(cube(np.array([1.0, 2.0, -3.0])))
print(cube(x))

# %% [markdown]
# Going forward works. Going back cannot work yet, since nobody has said how. The library
# says so:

# %%
try:
    cube(x).sum().backward()
except tx.errors.MissingRuleError as error:
    print(error)

# %% [markdown]
# ## The rule
#
# The slope of $x^3$ is $3x^2$, so a nudge of $x$ reaches $y$ multiplied by $3x^2$, and the loss
# multiplied by $\bar y$ once more: $\bar x = 3 x^2\,\bar y$.
#
# A rule is a function as well. Its arguments come always in the same order: `grad`, then the output,
# then the inputs. It answers with one gradient for each input, as large as the input.


# %%
@cube.backward
def cube_backward(grad, y, x):
    r"""$\bar x = 3 x^2\,\bar y$"""
    return 3 * x**2 * grad


# %%
result = cube(x).sum()
x.grad = None
result.backward()
print(x.grad)

# %% [markdown]
# At 1, 2 and $-3$ the slopes of the cube are 3, 12 and 27. The picture shows the op by its name, and
# the rule that you wrote:

# %%
tx.draw(result, names=locals())

# %% [markdown]
# Two things go wrong most often in a rule. One forgets to multiply by `grad`; then the rule is right
# only where the op is the last one before the loss. Or one takes the derivative of another function.
# Try it with the square.

# %% [markdown] tags=["exercise"]
# ### Exercise: The backward rule of a square
#
# The function is $y = x^2$, entry by entry, on an array of any shape. Its backward rule receives
# `grad` (the gradient of the loss with respect to $y$, the upstream gradient, written $\bar y$), the
# output `y` and the input `x`. All three have the same shape.
#
# Write the rule: return the gradient of the loss with respect to $x$, an array of the same shape.
#
#     >>> square_backward(np.array([1.0, 10.0]), np.array([4.0, 9.0]), np.array([2.0, -3.0]))
#     array([  4., -60.])


# %% tags=["exercise"]
def square_backward(grad, y, x):
    """Return the gradient of x, where y = x**2."""
    raise NotImplementedError


# %%
tx.check("square_backward", square_backward)

# %% [markdown]
# ## The check
#
# How do you know that a rule is right, without a teacher beside you? By the nudges of lesson 1. They
# are slow and a little inexact, but they need only the function, not the rule; so they are an
# independent witness. `tx.gradcheck` nudges every entry of every tensor and compares. To be
# closer to the truth it nudges to both sides: $\big(f(x + h) - f(x - h)\big) / 2h$.

# %%
print(tx.gradcheck(result))

# %% [markdown]
# Now a rule with a mistake of the second kind: $2x^3$ has been made of $3x^2$.


# %%
@tx.op
def wrong_cube(x):
    """Third power: $y = x^3$."""
    return x**3


@wrong_cube.backward
def wrong_cube_backward(grad, y, x):
    r"""$\bar x = 2 x^3\,\bar y$"""
    return 2 * x**3 * grad


# %%
print(tx.gradcheck(wrong_cube(x).sum()))

# %% [markdown]
# The check finds it, and says at which tensor. Do check on several random numbers, never on a round one
# alone: at $x = 1.5$ this wrong rule happens to give $2 \cdot 3.375 = 6.75$, which is just what
# $3 \cdot 2.25$ gives.

# %%
by_chance = wrong_cube(tx.Tensor(1.5))
print(tx.gradcheck(by_chance))

# %% [markdown]
# It has done its duty. Take it away, so that nobody uses it by mistake:

# %%
del wrong_cube, wrong_cube_backward

# %% [markdown]
# ## A rule that uses the output
#
# The rule is handed the output `y`, because for many functions the derivative is easiest to say by
# means of it. The *sigmoid*, or logistic function, squeezes every number into the range from 0 to 1:
#
# $$y = \frac{1}{1 + e^{-x}}.$$
#
# Its derivative, by the chain rule, is
#
# $$\frac{e^{-x}}{(1 + e^{-x})^2} = \frac{1}{1 + e^{-x}} \cdot \frac{e^{-x}}{1 + e^{-x}}.$$
#
# The first factor is $y$. The second can be said by means of $y$ too: add the two factors and see.
# Written in this way, the rule needs no exponential of its own, and it stays right at $x = -1000$, where
# $e^{-x}$ overflows.

# %% mystnb={"image": {"alt": "The sigmoid rises from 0 to 1; its slope is a low bump, highest at 0 with 1/4."}}
x = tx.Tensor(np.linspace(-6, 6, 121))
y = tx.sigmoid(x)
figure, axes = plt.subplots(figsize=(6, 3.5))
axes.plot(x.data, y.data, label="sigmoid")
axes.plot(x.data, tx.gradients(y.sum(), x), "--", label="its slope")
axes.set(xlabel="x")
axes.legend()
plt.show()

# %% [markdown]
# The slope is largest at 0, and there it is only 1/4. Far out it is close to 0: whatever gradient
# arrives, next to nothing of it gets through. Many sigmoids in a row pass on next to nothing even in
# the best case, at most $(1/4)^n$ through $n$ of them. This is known as the *vanishing gradient*.

# %% [markdown] tags=["exercise"]
# ### Exercise: The backward rule of the logistic function
#
# The function is $y = \frac{1}{1 + e^{-x}}$, entry by entry, on an array of any shape. Its backward
# rule receives `grad` ($\bar y$, the gradient of the loss with respect to $y$), the output `y` and
# the input `x`, all of one shape.
#
# Write the rule with `y` alone, without another exponential: return the gradient with respect to $x$,
# of the same shape.
#
#     >>> sigmoid_backward(np.array([1.0, 8.0]), np.array([0.5, 0.75]), np.array([0.0, 1.0986]))
#     array([0.25, 1.5 ])


# %% tags=["exercise"]
def sigmoid_backward(grad, y, x):
    """Return the gradient of x, where y = 1 / (1 + exp(-x))."""
    raise NotImplementedError


# %%
tx.check("sigmoid_backward", sigmoid_backward)

# %% [markdown]
# ## A rule that chooses
#
# Not every function has a formula for its slope that holds everywhere. The larger one of two numbers,
# $y = \max(a, b)$, moves with $a$ while $a$ is larger, and does not care about $b$ then. So the
# gradient goes all the way to one of them, and not at all to the other.

# %%
a = tx.Tensor([5.0, 2.0, 4.0], name="a")
b = tx.Tensor([3.0, 5.0, 4.0], name="b")
larger = tx.maximum(a, b)
larger.sum().backward()
print("a", a.grad)
print("b", b.grad)

# %% [markdown]
# In the third entry both are 4. If $a$ grows there, $y$ grows with it; if $a$ shrinks, $y$ stays. So
# there are two slopes, 1 to the right and 0 to the left: a *kink*. No answer is *the* derivative.
# This library gives each half of the gradient, which does not depend on who stands first. A nudge to
# both sides finds the same half, because it takes the mean of the two slopes.

# %% [markdown] tags=["exercise"]
# ### Exercise: The backward rule of a maximum
#
# The function is $y = \max(a, b)$, entry by entry, on two arrays of one shape. Its backward rule
# receives `grad` ($\bar y$, the gradient of the loss with respect to $y$), the output `y`, and the
# inputs `a` and `b`. All have one shape.
#
# Write the rule: return the tuple `(da, db)`. Only the larger one changes $y$, so it gets the whole
# gradient. Where they are equal, $y$ has a kink, and several answers are valid; here each gets half.
#
#     >>> grad, y = np.array([1.0, 1.0, 1.0]), np.array([5.0, 5.0, 4.0])
#     >>> maximum_backward(grad, y, np.array([5.0, 2.0, 4.0]), np.array([3.0, 5.0, 4.0]))
#     (array([1. , 0. , 0.5]), array([0. , 1. , 0.5]))


# %% tags=["exercise"]
def maximum_backward(grad, y, a, b):
    """Return the gradients (da, db), where y is the larger one of a and b."""
    raise NotImplementedError


# %%
tx.check("maximum_backward", maximum_backward)

# %% [markdown]
# ## Rules are plain arithmetic
#
# `cube_backward` contains nothing but `*` and `**`. Handed arrays it computes numbers. Handed Tensors,
# the same three lines make Tensors, and those remember how they were computed. So the gradient has a
# graph too, and you can take the gradient of the gradient. `create_graph=True` asks for it.

# %%
x = tx.Tensor(2.0, name="x")
first = tx.gradients(cube(x), x, create_graph=True)
second = tx.gradients(first, x, create_graph=True)
third = tx.gradients(second, x)
print(first.data, second.data, third)

# %% [markdown]
# $3x^2 = 12$, $6x = 12$ and 6, from a rule that says nothing about second or third derivatives. This
# is why a rule uses operators and the library's ops, such as `tx.exp`. NumPy's functions work where
# the library has an op of the same name: `np.exp` hands a Tensor to `tx.exp`. A function without
# an op, such as `np.interp`, cannot be recorded, and raises an error.
#
# ## Summary
#
# * An op is a function with `@tx.op` above it, and a rule with `@name.backward` above it.
# * A rule is called with `grad`, the output and the inputs. It returns one gradient for each input.
# * Every rule multiplies by `grad`.
# * A rule may use the output, where that saves work or digits.
# * `tx.gradcheck` compares a rule with nudges. Use several random numbers.
# * At a kink there are several defensible answers; decide on one and say which.
#
# ## Further reading
#
# * M. Johnson, D. Duvenaud, D. Maclaurin, *Autodidact*, github.com/mattjj/autodidact: a framework of
#   about 400 lines whose ops are functions with rules beside them.
# * A. Karpathy, *micrograd*, github.com/karpathy/micrograd: the same idea for single numbers, in about
#   100 lines.
# * Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller, "Efficient BackProp", in *Neural Networks: Tricks of the
#   Trade*, Springer, 1998: what the shape of the sigmoid does to learning.
# * X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks",
#   *AISTATS*, 2010: vanishing gradients, measured.

# %% [markdown]
# [Back: 2. The chain rule, one step at a time](02_the_chain_rule.ipynb)  |  [All lessons](00_start.ipynb)  |  [Next: 4. Broadcasting and sums](04_broadcasting_and_sums.ipynb)

# %% [markdown]
# # 1. A tensor remembers
#
# *About 40 minutes. [All lessons](00_start.ipynb)*
#
# To train a model you need to know how its error changes when one of its numbers changes: a slope,
# for each of perhaps a million numbers. This lesson shows why asking for the slopes one by one is
# hopeless, and the idea that gives all of them at once: while you compute, write down what was
# computed from what. That record is a graph. You will build one, look at it, walk through it, and
# write the first rule that sends a gradient back through it.
#
# You need Python, a little NumPy, and derivatives as in school: $x^2$ has slope $2x$, and $3x$ has
# slope 3. In JupyterLab, Shift + Enter runs a cell and goes to the next; run them from top to
# bottom. Under the heading *Exercise* a cell waits for you to fill it in.

# %%
import matplotlib.pyplot as plt
import numpy as np

import tinygrad_xent as tx

# %% [markdown]
# ## A slope is what a nudge does
#
# Here is a model with one weight $w$ and one bias $b$. From the size $s$ of a flat it predicts the
# rent, $ws + b$. The true rent is $t$, and the loss says how wrong the prediction is: the square of
# the difference.
#
# $$\text{loss} = (w s + b - t)^2$$


# %%
def loss_of(w, b, size=2.0, truth=1.0):
    return (w * size + b - truth) ** 2


loss_of(1.5, 0.5)

# %% [markdown]
# The prediction is $1.5 \cdot 2 + 0.5 = 3.5$, which is 2.5 too much, so the loss is 6.25. Should $w$
# grow or shrink, and does it matter more than $b$? Nudge each of them a little and see.

# %%
nudge = 1e-6
slope_w = (loss_of(1.5 + nudge, 0.5) - loss_of(1.5, 0.5)) / nudge
slope_b = (loss_of(1.5, 0.5 + nudge) - loss_of(1.5, 0.5)) / nudge
print(f"slope in w {slope_w:.7f}, slope in b {slope_b:.7f}")

# %% [markdown]
# When $w$ grows by a little, the loss grows by 10 times as much; when $b$ grows, by 5 times as
# much. Both should shrink. The slope in $w$ is the slope of the straight line that touches the curve
# below at $w = 1.5$.

# %% mystnb={"image": {"alt": "A parabola, the loss against w, and a dashed straight line that touches it at w = 1.5."}}
w_axis = np.linspace(-1, 2.5, 100)
figure, axes = plt.subplots(figsize=(6, 3.5))
axes.plot(w_axis, loss_of(w_axis, 0.5), label="loss")
near = np.array([0.9, 2.1])
axes.plot(near, 6.25 + slope_w * (near - 1.5), "--", label="slope 10 at w = 1.5")
axes.plot(1.5, 6.25, "ko")
axes.set(xlabel="w", ylabel="loss")
axes.legend()
plt.show()

# %% [markdown]
# A nudge costs one evaluation of the whole loss for each number that is nudged. With two numbers that
# is nothing. A model with a million weights would have to run a million times for a single step of
# training. The slopes are also a little wrong in their last digits, because the nudge is small but
# not zero.
#
# There is a way that costs about as much as computing the loss a few times, however many weights
# there are, and that is exact up to rounding. It goes backwards through the computation. For
# that, the computation has to be remembered.

# %% [markdown]
# ## An array that remembers
#
# A `Tensor` is a NumPy array that remembers how it was computed. You make one from numbers, and
# may give it a name:

# %%
w = tx.Tensor(1.5, name="w")
b = tx.Tensor(0.5, name="b")
product = w * 2.0
product

# %% [markdown]
# The numbers are in `.data`. The memory is in two attributes: `.op` says which operation (an *op*)
# made the tensor, `.inputs` lists what it was made from.

# %%
print("data:  ", product.data)
print("op:    ", product.op)
print("inputs:", product.inputs)
print("the first input is w itself:", product.inputs[0] is w)

# %% [markdown]
# The second input, the size, is the plain number 2.0. It is not a Tensor, so nothing will ask how the loss
# changes with it: it is a constant. That is the whole rule for what gets a gradient and what does
# not.
#
# `w` was not computed from anything. It has no op and no inputs, and is called a *leaf*.

# %%
print(w.op, w.inputs)

# %% [markdown]
# Now the whole loss, step by step. There is no new arithmetic here; each line makes one more tensor
# that remembers the line.

# %%
prediction = product + b
error = prediction - 1.0
loss = error**2
loss

# %% [markdown]
# ## The picture of what is remembered
#
# `tx.draw` draws a tensor with everything it was computed from. `names=locals()` lets the picture
# use the names of your variables. Turn the gradients off for now; they come at the end.

# %%
tx.draw(loss, names=locals(), gradients=False)

# %% [markdown]
# Read it from top to bottom, as the numbers were computed:
#
# * A **green** head marks a leaf: `w` and `b`.
# * A **blue** head marks a tensor that an op made. The head says how: `product = w × 2`.
# * An **arrow** leads from what was used to what was made of it. Below the head are the shape (a
#   single number is a *scalar*), the dtype and the value.
# * A plain number has no box. It is shown where it is used, as in `y = 2`. Whatever your variables are
#   called, an op of two numbers calls the first x and the second y: here x is `w`, and y is the
#   size. Where two arrows come in, a small x and y show which is which.
#
# Mathematicians call boxes and arrows a *graph*. The arrows never lead in a circle, because a
# tensor can only be made of tensors that exist already.
#
# The picture is drawn from `.op` and `.inputs`, and from nothing else. You can follow them by hand,
# from the loss back to a leaf:

# %%
print(loss.op, "of", loss.inputs)
print(loss.inputs[0].op, "of", loss.inputs[0].inputs)
print(loss.inputs[0].inputs[0].op, "of", loss.inputs[0].inputs[0].inputs)

# %% [markdown]
# ## A graph is not a tree
#
# A tensor may be used more than once. Then arrows from one box lead to several others, and the paths
# meet again further down:

# %%
side = tx.Tensor(3.0, name="side")
square = side * side
result = square + side
tx.draw(result, names=locals(), gradients=False)

# %% [markdown]
# `side` is used three times: twice in `square`, and once in `result`. It is still one box, because it
# is one tensor. Code that collects everything that a result depends on has to notice what it has met
# already. Otherwise `side` would be counted three times here, and in a deep graph some tensors would
# be counted millions of times.

# %% [markdown] tags=["exercise"]
# ### Exercise: Everything that a result was computed from
#
# A graph is given as a dict: `inputs[name]` is the list of the names that `name` was computed from. A
# name that was not computed, a leaf, has an empty list. Nothing is computed from itself, not even
# through others.
#
# Write a function that returns the set of all names that `name` was computed from, directly or
# through others. `name` itself is not one of them.
#
#     >>> inputs = {"x": [], "w": [], "a": ["w", "x"], "y": ["a"], "z": ["y"]}
#     >>> sorted(ancestors_of(inputs, "y"))
#     ['a', 'w', 'x']


# %% tags=["exercise"]
def ancestors_of(inputs, name):
    """Return the set of all names that `name` was computed from."""
    raise NotImplementedError


# %%
tx.check("ancestors_of", ancestors_of)

# %% [markdown]
# The check calls your function on graphs it makes up and says what it finds. When you are stuck,
# `tx.hint("ancestors_of", 1)` gives a hint, 2 instead of 1 gives a stronger one, 3 nearly the answer,
# and `tx.solution("ancestors_of")` shows one way to write it.
#
# The library has nearly the same function for tensors. It lists the oldest first, and the tensor
# itself last, here the one that `power` made:

# %%
[tensor.name or str(tensor.op) for tensor in tx.ancestors(loss)]

# %% [markdown]
# ## The gradient, one step back
#
# The graph lists the steps. What remains is to find out, for each kind of step, how a small change
# passes through it. Take a product $y = ab$. Nudge $a$ by $\varepsilon$:
#
# $$(a + \varepsilon)\, b = ab + \varepsilon b$$
#
# The product changes by $b$ times the nudge, so its slope in $a$ is $b$.
#
# But we do not want the slope of $y$. We want that of the final result, the loss, which was computed
# from $y$ later on. Suppose somebody has already found out that the loss changes by $\bar y$ times as
# much as $y$ does. Read $\bar y$ as "the gradient of the loss with respect to $y$"; in code it is
# called `grad`, and in words the *upstream gradient*. Then a nudge $\varepsilon$ of $a$ changes $y$
# by $b\,\varepsilon$, and that changes the loss by $\bar y\, b\, \varepsilon$. So
#
# $$\bar a = \bar y\, b.$$
#
# This is one half of the *backward rule* of the product. A rule takes the gradient of what came out,
# and returns the gradients of what went in, here $\bar a$ and $\bar b$. It takes the output and the
# inputs, too, since the slopes depend on them. (Not every rule uses all of them. This one does not
# need $y$; lesson 3 shows one that does.)
#
# Repeat the argument with a nudge of $b$; then write the rule.

# %% [markdown] tags=["exercise"]
# ### Exercise: The gradients of a product
#
# The function is $y = a\,b$, entry by entry, on two arrays of one shape. Its backward rule receives
# `grad` (the gradient of the loss with respect to $y$, written $\bar y$), the output `y`, and the
# inputs `a` and `b`. All have the same shape.
#
# Write the rule: return the tuple `(da, db)`, the gradients of the loss with respect to $a$ and to
# $b$, each of the same shape.
#
#     >>> product_backward(np.array([10.0]), np.array([6.0]), np.array([2.0]), np.array([3.0]))
#     (array([30.]), array([20.]))


# %% tags=["exercise"]
def product_backward(grad, y, a, b):
    """Return the gradients (da, db), where y = a * b."""
    raise NotImplementedError


# %%
tx.check("product_backward", product_backward)

# %% [markdown]
# ## All slopes at once
#
# Each op of the library carries such a rule. `loss.backward()` starts at the loss, whose gradient
# with respect to itself is 1, goes through the graph against the arrows, applies one rule at each
# box, and leaves in `.grad` of every leaf the gradient that has arrived there. One walk gives all
# slopes.

# %%
w.grad = b.grad = None
loss.backward()
print("slope in w:", w.grad, "  by nudging:", slope_w)
print("slope in b:", b.grad, "  by nudging:", slope_b)

# %% [markdown]
# Why the first line? `backward` *adds* to what is in `.grad` already, so that the gradients of several
# losses can be collected. That is useful, and a trap: run the walk a second time, and the slopes are
# twice as large. So empty `.grad` before each walk. (`tx.gradients(loss, [w, b])` returns the
# gradients instead, and leaves `.grad` alone.)

# %%
loss.backward()
print("slope in w after a second walk:", w.grad)
w.grad = b.grad = None
loss.backward()
print("emptied, and walked once more: ", w.grad)

# %% [markdown]
# The same numbers, and this time exact. The picture now has the gradient beside each value, the rule
# inside each box, and beside each arrow what the rule sent back along it. Read it from the bottom up:
# 1, then $2 \cdot 2.5 = 5$, then 5 again through the subtraction and the sum, and $5 \cdot 2 = 10$ at
# `w`. In the picture, $\partial w$ stands for the gradient with respect to `w`, which was $\bar w$
# above; below the picture it is written in full, $\partial L/\partial \text{value}$. In the last box,
# $2\,\text{error}^{2-1}$ is the $2x$ that you know from school.

# %%
tx.draw(loss, names=locals())

# %% [markdown]
# One step of training is one step against the slope. Move both numbers a little downhill and the
# loss shrinks:

# %%
step = 0.05
print("before:", loss_of(w.data, b.data))
print("after: ", loss_of(w.data - step * w.grad, b.data - step * b.grad))

# %% [markdown]
# ## Summary
#
# * The gradient of a loss with respect to a number is the factor by which a small nudge of the number
#   shows up in the loss.
# * A Tensor is an array with a memory: `.op` and `.inputs`. What is not a Tensor is a constant.
# * Following `.inputs` from the loss gives its graph. A tensor that is used several times is one box
#   with several arrows.
# * Each op has a backward rule. It takes the gradient of the output and returns those of the inputs.
#   For $y = ab$: $\bar a = \bar y\,b$ and $\bar b = \bar y\,a$.
# * `loss.backward()` applies the rules once each, from the loss to the leaves, and adds to `.grad`. Empty
#   it first: `w.grad = None`.
#
# The next lesson takes that walk one step at a time, and shows why its order matters.
#
# ## Further reading
#
# * R. E. Wengert, "A simple automatic derivative evaluation program", *Communications of the ACM* 7(8),
#   1964: two pages, and the idea of writing down each step.
# * A. Griewank, "Who invented the reverse mode of differentiation?", *Documenta Mathematica*, extra
#   volume ISMP, 2012: the history of going backwards.
# * A. G. Baydin, B. A. Pearlmutter, A. A. Radul, J. M. Siskind, "Automatic differentiation in machine
#   learning: a survey", *Journal of Machine Learning Research* 18(153), 2018: what else there is
#   besides nudging and going backwards.

# %% [markdown]
# [All lessons](00_start.ipynb)  |  [Next: 2. The chain rule, one step at a time](02_the_chain_rule.ipynb)

# %% [markdown]
# # 13. Gradients of gradients
#
# *About 45 minutes. [All lessons](00_start.ipynb)*
#
# A gradient tells you which way is down. It does not tell you how far: whether the slope stays as it
# is or is about to end. For that you need the slope of the slope. In lesson 3 you saw that rules are
# plain arithmetic, and that a gradient therefore has a graph of its own. In this lesson you look at
# that graph, go backwards through it, find the second derivatives of the cross-entropy, and use them
# for steps that know their length.
#
# You need the rule of the softmax and its Jacobian from lesson 5, and $p - t$ from lesson 9.

# %%
import matplotlib.pyplot as plt
import numpy as np

import tinygrad_xent as tx

# %% [markdown]
# ## The graph of a backward pass
#
# A small case first: $y = \ln x$ at $x = 2$. The rule of the logarithm is $\bar x = \bar y / x$. It
# contains one division, and a division is an op. So the backward pass is a computation like the
# forward pass, and can be drawn like one:

# %%
x = tx.Tensor(2.0, name="x")
y = tx.log(x)
tx.draw(y, names=locals(), backward=True)

# %% [markdown]
# Grey is the forward pass, red the backward pass. Here the gradients are not written beside the
# values; they are boxes themselves. `∂y` is the 1 from which every backward pass starts, and `∂x`
# is made by dividing it by `x`. The result is the slope of the logarithm at 2, a half.
#
# Usually the library computes these boxes and forgets how. `create_graph=True` makes it remember:
# then the gradient is a Tensor. To be able to see it in the next pictures, we also give the 1 a
# name; `seed` is where the backward pass starts, as in lesson 4.

# %%
start = tx.Tensor(1.0, name="start")
slope = tx.gradients(y, x, seed=start, create_graph=True)
slope

# %% [markdown]
# ## The slope of the slope
#
# `slope` is a Tensor that was computed from `x`. So you can ask how it changes with `x`, in the usual
# way: go back through its graph.

# %%
tx.draw(slope, names=locals())

# %% [markdown]
# The rule of the division $s = a / x$ sends $-s\,\bar s / x$ to $x$. With $s = 0.5$ and $x = 2$
# that is $-0.25$. From school: the derivative of $\ln x$ is $1/x$, and that of $1/x$ is $-1/x^2$,
# which is $-\frac14$ at 2. The slope of the slope is called the *second derivative*, or
# *curvature*.
#
# `start` has a gradient too, since it is a Tensor. Nobody asked for it; ignore it.
#
# Here are all three for many $x$. While the slope falls, the curvature is negative:

# %% mystnb={"image": {"alt": "Three curves: ln x rises and flattens, its slope falls towards 0, its curvature is negative and rises towards 0."}}
x_axis = tx.Tensor(np.linspace(0.5, 4, 100))
curve = tx.log(x_axis)
slopes = tx.gradients(curve.sum(), x_axis, create_graph=True)
curvatures = tx.gradients(slopes.sum(), x_axis)
figure, axes = plt.subplots(figsize=(6, 3.5))
axes.plot(x_axis.data, curve.data, label="ln x")
axes.plot(x_axis.data, slopes.data, "--", label="slope")
axes.plot(x_axis.data, curvatures, ":", label="curvature")
axes.set(xlabel="x")
axes.legend()
plt.show()

# %% [markdown]
# ## The backward of the backward
#
# The second backward pass can be drawn as a graph as well. Now what was red before is grey: for the
# second pass it is part of what was computed before. Try to find the product $-s\,\bar s / x$ among
# the red boxes before you read on.

# %%
tx.draw(slope, names=locals(), backward=True)

# %% [markdown]
# From the 1 at `∂slope` there is a minus, then a product with `slope`, then a division by `x`:
# three ops, because the rule of the division is written with three. Each of them has a rule, and so
# a third backward pass could follow, and a fourth. The graph grows with each of them.

# %% [markdown]
# ## Many inputs: the Hessian
#
# With several inputs the gradient has several entries, and each of them changes with each input.
# For $f = x_0^2\, x_1$ the gradient is $(2 x_0 x_1,\; x_0^2)$. Its first entry has the slope
# $2 x_1$ in $x_0$ and $2 x_0$ in $x_1$; its second entry $2 x_0$ and 0. All of them together are a
# table, the *Hessian*:
#
# $$H_{ij} = \frac{\partial^2 f}{\partial x_i\, \partial x_j}, \qquad
# H = \begin{pmatrix} 2 x_1 & 2 x_0 \\ 2 x_0 & 0 \end{pmatrix}.$$
#
# It is the Jacobian of the gradient. At $(1, 2)$:

# %%
x = tx.Tensor([1.0, 2.0])
f = x[0] * x[0] * x[1]
print(tx.hessian(f, x))

# %% [markdown]
# The table is symmetric, $H_{ij} = H_{ji}$: it makes no difference which input you nudge first. That
# holds for every function whose second derivatives are continuous. `tx.hessian` makes one backward
# pass through the graph of the gradient for each row.

# %% [markdown]
# ## The Hessian of the cross-entropy
#
# Three logits, chosen so that their softmax is $\frac12, \frac14, \frac14$, and class 0 is the
# right one. The gradient is $p - t$:

# %%
z = tx.Tensor(np.log([2.0, 1.0, 1.0]), name="z")
loss = tx.sparse_softmax_cross_entropy_with_logits(labels=0, logits=z)
gradient = tx.gradients(loss, z, seed=start, create_graph=True)
print(gradient.data)

# %% [markdown]
# Differentiate $p - t$ once more. The labels $t$ are constant and drop out. What is left is the
# derivatives of $p$ with respect to $z$, and you know those: they are the Jacobian of the softmax.
#
# $$H_{ij} = \frac{\partial p_i}{\partial z_j} = [i = j]\,p_i - p_i\,p_j,
# \qquad H = \operatorname{diag}(p) - p\,p^T.$$
#
# ($\operatorname{diag}(p)$ is the matrix with $p$ on its diagonal and 0 elsewhere; $p\,p^T$, a
# column times a row, has the entries $p_i\,p_j$.) In our case the first entry is
# $\frac12 - \frac14 = \frac14$, and the one beside it $-\frac12 \cdot \frac14 = -\frac18$. A batch
# has such a matrix for each row.

# %% [markdown] tags=["exercise"]
# ### Exercise: The second derivative of a cross-entropy
#
# The gradient of the cross-entropy of one row with respect to its logits is $p - t$. Differentiate
# once more, and the labels drop out. What remains is the Hessian $H_{ij} = \frac{\partial^2
# \ell}{\partial z_i\,\partial z_j} = \frac{\partial p_i}{\partial z_j}$, a symmetric matrix for each
# row.
#
# Write it for a batch: `p` holds probabilities of shape `(..., C)`. The result has the shape `(...,
# C, C)`, one matrix for each row of `p`.
#
#     >>> cross_entropy_hessian(np.array([[0.5, 0.5]]))
#     array([[[ 0.25, -0.25],
#             [-0.25,  0.25]]])


# %% tags=["exercise"]
def cross_entropy_hessian(p):
    """Return the Hessian of the cross-entropy of each row, from its probabilities."""
    raise NotImplementedError


# %%
tx.check("cross_entropy_hessian", cross_entropy_hessian)

# %% [markdown]
# The library finds the same matrix from the rules. It does not matter which class is the right one:

# %%
for label in (0, 1, 2):
    again = tx.sparse_softmax_cross_entropy_with_logits(labels=label, logits=z)
    print(f"class {label} is right")
    print(tx.hessian(again, z))

# %% [markdown]
# ## What the matrix says
#
# Leave $z$ in the direction $v$, that is, to $z + \varepsilon v$. The slope of the loss in that
# direction is $\sum_i v_i\,(p_i - t_i)$, and the slope of this slope is $v^T H v$. Insert the
# formula:
#
# $$v^T H v = \sum_i p_i\,v_i^2 - \Big(\sum_i p_i\,v_i\Big)^2.$$
#
# This is the mean of the squares minus the square of the mean: the *variance* of the numbers $v_i$,
# where $v_i$ comes up with probability $p_i$. A variance is never negative. So the loss is nowhere
# curved downwards; a function like that is called *convex*. It has one valley, and whoever goes
# downhill ends there.
#
# Three directions, by hand. For $v = (1, 0, 0)$ the variance is $\frac12 - \frac14 = \frac14$. For
# $(0, 1, -1)$ the mean is 0 and the variance $\frac14 + \frac14 = \frac12$. For $(1, 1, 1)$ all
# numbers are equal and the variance is 0: that is the shift of lesson 5, which changes nothing.

# %% mystnb={"image": {"alt": "The loss along three directions: two lines that bend upwards, and one that is level at 0.693."}}
directions = {"(1, 0, 0)": [1, 0, 0], "(0, 1, −1)": [0, 1, -1], "(1, 1, 1)": [1, 1, 1]}
steps = np.linspace(-4, 4, 101)
figure, axes = plt.subplots(figsize=(6, 3.5))
for (name, v), style in zip(directions.items(), ["-", "--", ":"], strict=True):
    rows = z.data + steps[:, None] * np.array(v)
    losses = tx.sparse_softmax_cross_entropy_with_logits(labels=[0] * 101, logits=rows)
    axes.plot(steps, losses, style, label=f"v = {name}")
axes.set(xlabel="ε", ylabel="loss at z + ε v")
axes.legend()
plt.show()

# %% [markdown]
# None of the lines bends down. The dashed one is the most curved at 0; along the dotted one the
# loss stays at $\ln 2 = 0.693$. Far out all of them are straight: when the softmax is saturated,
# $p$ hardly moves, and the curvature is gone.

# %% [markdown]
# ## A product without the matrix
#
# For 100,000 classes the matrix has $10^{10}$ entries, 80 gigabytes for one row of a batch. But who
# needs the matrix? To ask how the gradient changes in a direction $v$, the product $H v$ is enough,
# and that is as small as $v$.
#
# Automatic differentiation computes it for the price of one more backward pass. Multiply the gradient
# by $v$, add up, and differentiate the number that comes out:
#
# $$\frac{\partial}{\partial z_j} \sum_i v_i\, \frac{\partial \ell}{\partial z_i}
# = \sum_i v_i\, H_{ij} = (H v)_j.$$
#
# In the last step $H_{ij} = H_{ji}$ was used. Here it is for $v = (1, 0, 0)$, which picks the first
# column of the matrix:

# %%
v = np.array([1.0, 0.0, 0.0])
along_v = (gradient * v).sum()
print(tx.gradients(along_v, z))

# %%
tx.draw(along_v, names=locals())

# %% [markdown]
# Follow what is sent back from `along_v`. At the box with *p − one-hot* the upstream gradient is the
# vector $v$, and the rule there turns it into $H v$. Read that rule: it needs $p$ and one sum, and no
# matrix. You have written it before, for another op.

# %% [markdown] tags=["exercise"]
# ### Exercise: A Hessian times a vector, without the Hessian
#
# For one row of $C$ logits, the Hessian $H = \operatorname{diag}(p) - p\,p^T$ of the cross-entropy
# (and of $\ln \sum_i e^{z_i}$) has $C^2$ entries. With a vocabulary of 100,000 words it would take 80
# GB. But to multiply it by a vector $v$, you do not need the matrix.
#
# Write the product $H v$ for `logits` and `v` of shape `(C,)`; the result has the same shape. The
# logits may be large. Do not form any `(C, C)` matrix.
#
#     >>> hessian_vector_product(np.array([0.0, 0.0]), np.array([1.0, 0.0]))
#     array([ 0.25, -0.25])


# %% tags=["exercise"]
def hessian_vector_product(logits, v):
    """Return the Hessian of the log-sum-exp of the logits, times v."""
    raise NotImplementedError


# %%
tx.check("hessian_vector_product", hessian_vector_product)

# %% [markdown]
# The trick with $\sum_i v_i \frac{\partial \ell}{\partial z_i}$ works for every loss and every
# network, even where nobody has a formula for $H$. This is why a gradient with a graph is worth
# having.

# %% [markdown]
# ## Steps that know their length
#
# What is curvature good for? A coin has shown heads in 7 of 10 throws. Let $b$ be the logit of
# heads. The mean cross-entropy of the ten throws is
#
# $$\ell(b) = \ln(1 + e^b) - 0.7\,b,$$
#
# and its lowest point is where $e^b / (1 + e^b) = 0.7$, at $b = \ln \frac73 = 0.8473$. Start at
# $b = 0$, with slope and curvature from two backward passes:


# %%
def coin_loss(b):
    return tx.log(1 + tx.exp(b)) - 0.7 * b


def slope_and_curvature(b):
    b = tx.Tensor(b)
    slope = tx.gradients(coin_loss(b), b, create_graph=True)
    return slope.data, tx.gradients(slope, b)


print(slope_and_curvature(0.0))

# %% [markdown]
# The slope is $-0.2$: go to the right. How far? The slope changes by 0.25 for each unit that we go.
# If it went on changing like that, it would be 0 after $0.2 / 0.25 = 0.8$ units. This is *Newton's
# method*: go to where the slope would be 0 if the curvature stayed as it is,
#
# $$b \leftarrow b - \frac{\text{slope}}{\text{curvature}}.$$
#
# Put differently: replace the loss by the parabola that has the same value, slope and curvature
# here, and go to its lowest point.

# %% mystnb={"image": {"alt": "The loss against b with two parabolas that touch it: the one at 0 has nearly the same lowest point, the one at 3 is far too flat."}}
b_axis = np.linspace(-4, 4.5, 200)
figure, axes = plt.subplots(figsize=(6, 3.8))
axes.plot(b_axis, coin_loss(b_axis), "k", label="loss")
for b, style in ((0.0, "--"), (3.0, ":")):
    slope, curvature = slope_and_curvature(b)
    away = b_axis - b
    parabola = coin_loss(b) + slope * away + curvature * away**2 / 2
    axes.plot(b_axis, parabola, style, label=f"parabola at b = {b}")
axes.set(xlabel="b", ylabel="loss", ylim=(0.1, 1.6))
axes.legend()
plt.show()

# %% [markdown]
# The dashed parabola, at 0, has its lowest point close to that of the loss. Five steps from there,
# beside five steps against the slope with a learning rate of 1:

# %%
best = np.log(7 / 3)
newton = descent = 0.0
print("step  error of Newton  error of descent")
for step in range(1, 6):
    slope, curvature = slope_and_curvature(newton)
    newton -= slope / curvature
    descent -= slope_and_curvature(descent)[0]
    print(f"{step:4}  {abs(newton - best):15.1e}  {abs(descent - best):16.1e}")

# %% [markdown]
# Descent takes away about the same part of its error with every step. Newton's error is, near the
# goal, about squared with every step: the number of right digits doubles, until rounding ends it.
#
# The dotted parabola in the plot, at $b = 3$, shows the weakness. There the loss is almost
# straight, its curvature is small, and the lowest point of the parabola is far to the left, at
# $-2.59$. The step goes much too far, and the next one even further:

# %%
b = 3.0
for _ in range(3):
    slope, curvature = slope_and_curvature(b)
    b -= slope / curvature
    print(f"to b = {b:8.2f}, where the loss is {coin_loss(b):.2f}")

# %% [markdown]
# So one does not trust the parabola blindly. The simplest safeguard is to halve the step until the
# loss has become smaller:

# %%
b = 3.0
for _ in range(5):
    slope, curvature = slope_and_curvature(b)
    step = -slope / curvature
    while coin_loss(b + step) > coin_loss(b):
        step /= 2
    b += step
    print(f"to b = {b:.7f}, where the loss is {coin_loss(b):.7f}")

# %% [markdown]
# ## Newton with a matrix
#
# With several logits, the curvature is the Hessian, and dividing by it means solving a system of
# equations: the step $d$ is the solution of $H d = -(p - t)$. In a survey 50 of 100 people chose
# tea, 30 coffee and 20 water. Which logits have these shares as their softmax?
#
# One obstacle: along $(1, 1, 1)$ the curvature is 0, so $H$ has no inverse, and `np.linalg.solve`
# would fail or give anything. `np.linalg.lstsq` takes, of all solutions, the shortest; it does not
# move along $(1, 1, 1)$ at all.

# %%
shares = np.array([0.5, 0.3, 0.2])


def survey_step(z):
    z = tx.Tensor(z)
    loss = tx.softmax_cross_entropy_with_logits(labels=shares, logits=z)
    slope = tx.gradients(loss, z)
    return slope, np.linalg.lstsq(tx.hessian(loss, z), -slope, rcond=1e-12)[0]


# %%
newton = descent = np.zeros(3)
print("step  error of Newton  error of descent")
for step in range(1, 6):
    newton = newton + survey_step(newton)[1]
    descent = descent - survey_step(descent)[0]
    errors = [np.abs(tx.softmax(z) - shares).max() for z in (newton, descent)]
    print(f"{step:4}  {errors[0]:15.1e}  {errors[1]:16.1e}")

# %% [markdown]
# The same picture as with the coin. Then why is not everything trained like this? A model with a
# million weights has a Hessian of $10^{12}$ entries, and solving with it takes more than $10^{17}$
# multiplications. With products $H v$ alone one can still solve approximately; and the methods that
# train today's networks keep one number for each weight that stands in for the curvature. The
# gradient remains what everything is made of.

# %% [markdown]
# ## Summary
#
# * A rule is arithmetic, so a backward pass is a computation with a graph. `create_graph=True`
#   keeps it, and it can be drawn and differentiated again.
# * The Hessian has all second derivatives of a loss. It is symmetric.
# * That of a cross-entropy with respect to the logits of a row is
#   $\operatorname{diag}(p) - p\,p^T$. The labels are not in it. $v^T H v$ is a variance, so the
#   loss is convex in the logits.
# * $H v$ costs one more backward pass, and for the cross-entropy it is $p \odot (v - p^T v)$, where
#   $\odot$ multiplies entry by entry.
# * Newton's method divides the slope by the curvature. Near the lowest point it doubles the right
#   digits with each step; far away it needs a safeguard.
#
# ## Further reading
#
# * B. A. Pearlmutter, "Fast exact multiplication by the Hessian", *Neural Computation* 6(1), 1994:
#   the product $H v$ for networks.
# * J. Nocedal, S. J. Wright, *Numerical Optimization*, second edition, Springer, 2006, chapters 3,
#   4 and 7: safeguards for Newton's method, and how to use it for large problems.
# * D. Böhning, "Multinomial logistic regression algorithm", *Annals of the Institute of Statistical
#   Mathematics* 44(1), 1992: one fixed matrix that is above $\operatorname{diag}(p) - p\,p^T$ for
#   all $p$, and makes Newton's method safe.
# * J. Martens, "Deep learning via Hessian-free optimization", *ICML*, 2010: training a network with
#   products $H v$.

# %% [markdown]
# [Back: 12. Becoming a backprop ninja](12_backprop_ninja.ipynb)  |  [All lessons](00_start.ipynb)  |  [Next: 14. One loss, five frameworks](14_one_loss_five_frameworks.ipynb)

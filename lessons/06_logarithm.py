# %% [markdown]
# # 6. The logarithm, and where digits are lost
#
# *About 50 minutes. [All lessons](00_start.ipynb)*
#
# A softmax that is sure and wrong lets hardly any gradient through. The logarithm makes up for it,
# and is the reason why classifiers are trained with one. It also brings an infinity of its own, and a
# slow loss of digits without any warning. In this lesson you find out where digits are lost, and
# compute softmax and logarithm in one step, so that none get lost.
#
# You need the softmax and its rule from lesson 5.

# %%
import matplotlib.pyplot as plt
import numpy as np

import tinygrad_xent as tx
from tinygrad_xent.teaching.museum import answer, op_of

# %% [markdown]
# ## Why a logarithm
#
# A model is good if it gave a high probability to what then happened. For many examples the
# probabilities multiply. Take 2000 photos, each with a probability of 0.5 for the class it really
# has:

# %%
given = np.full(2000, 0.5)
print("product:          ", np.prod(given))
print("sum of logarithms:", np.sum(np.log(given)).round(2))

# %% [markdown]
# $0.5^{2000}$ is about $10^{-602}$. The smallest positive number that a float64 can hold is about
# $5 \cdot 10^{-324}$, and anything much smaller becomes 0. This is *underflow*, the other end of
# the overflow of lesson 5. The logarithm turns the product into a sum, $\ln(ab) = \ln a + \ln b$,
# and a sum of 2000 ordinary numbers is no trouble.
#
# With a minus sign it is a loss: $-\ln p$, where $p$ is the probability that the model gave to the
# truth. Being sure and right costs nothing, every halving of $p$ costs another $\ln 2 = 0.693$, and
# calling the truth impossible costs infinitely much.

# %% mystnb={"image": {"alt": "The loss against p: infinite at 0, falling to 0 at 1, with three dots whose heights differ by the same step."}}
p_axis = np.linspace(0.004, 1, 300)
figure, axes = plt.subplots(figsize=(6, 3.5))
axes.plot(p_axis, -np.log(p_axis), label="loss: -ln p")
for p in [0.5, 0.25, 0.125]:
    axes.plot(p, -np.log(p), "ko", markersize=4)
axes.set(xlabel="p, the probability given to the truth", ylabel="loss")
axes.legend()
plt.show()

# %% [markdown]
# The three dots are at 1/2, 1/4 and 1/8, at heights 0.69, 1.39 and 2.08: each halving is one step
# up.
#
# ## The rule of the logarithm
#
# The logarithm undoes the exponential: if $y = \ln x$, then $e^y = x$. Take the derivative of both
# sides of $e^y = x$ with respect to $x$. On the left it is $e^y$ times the slope of $y$, by the chain
# rule; on the right it is 1. Now solve for the slope, and write it with $x$.

# %% [markdown] tags=["exercise"]
# ### Exercise: The backward rule of the logarithm
#
# The function is the natural logarithm $y = \ln x$, entry by entry, on an array of positive numbers.
# Its backward rule receives `grad` ($\bar y$, the gradient of the loss with respect to $y$), the
# output `y` and the input `x`, all of one shape.
#
# Write the rule: return the gradient with respect to $x$, of the same shape. Near 0 it becomes very
# large; that is right, so do nothing about it.
#
#     >>> log_backward(np.array([1.0, 6.0]), np.array([0.0, 1.0986]), np.array([1.0, 3.0]))
#     array([1., 2.])


# %% tags=["exercise"]
def log_backward(grad, y, x):
    """Return the gradient of x, where y = log(x)."""
    raise NotImplementedError


# %%
tx.check("log_backward", log_backward)

# %% [markdown]
# ## What the logarithm makes up for
#
# Here is a model that is sure and wrong. The truth is class 0, but class 1 has a lead of 10. The
# trace shows what the loss $-\ln p_0$ sends back. (`log_p[0]` picks entry 0; its rule puts the
# gradient back into that place.)

# %%
scores = tx.Tensor([0.0, 10.0], name="scores")
p = tx.softmax(scores)
log_p = tx.log(p)
loss = -log_p[0]
print(tx.trace(loss, names=locals()))

# %% [markdown]
# Look at the last three lines of *sends*. The logarithm multiplies by $1/p_0$, which is about 22,000.
# The softmax multiplies by $p_0\,(1 - p_0)$, which is about 1/22,000. Together they leave almost
# exactly 1:
#
# $$\frac{1}{p_0} \cdot p_0\,(1 - p_0) = 1 - p_0.$$
#
# The one is steep just where the other is flat. However wrong the model is, its scores feel it with
# full force. That is why the two belong together.

# %% [markdown]
# ## The logarithm of 0
#
# On paper, the two make up for each other at every lead. Let it be 800. Then $p_0 = e^{-800}$, which underflows to 0. The loss
# should be 800, and its gradient $-1$ and 1.

# %%
scores = tx.Tensor([0.0, 800.0], name="scores")
with np.errstate(all="ignore"):
    p = tx.softmax(scores)
    log_p = tx.log(p)
    loss = -log_p[0]
    picture = tx.draw(loss, names=locals())
picture

# %% [markdown]
# Follow it down: $p_0$ is 0, its logarithm is $-\infty$, the loss is $\infty$. Then back up: the
# logarithm sends $-1/0 = -\infty$. The softmax multiplies this by its 0, and 0 times infinity is
# not a number. One such example in a batch is enough, and after the next step of training all
# weights are `nan`.

# %%
print(tx.first_bad(loss))

# %% [markdown]
# (It does not know the names: `v2` is `log_p`, and `x` is the input of the logarithm.)
#
# A common remedy adds a small number inside, $\ln(p + 10^{-12})$. Then nothing is infinite. Is it
# right?

# %%
p = tx.softmax(scores)
patched = -tx.log(p + 1e-12)[0]
print("loss:    ", patched.item())
print("gradient:", tx.gradients(patched, scores))

# %% [markdown]
# The loss is 27.6 and should be 800. Worse, the gradient is 0: the patch hides the `nan`, and the
# example that the model gets most wrong teaches the model nothing. The digits of $p_0$ were gone
# before the logarithm, and nothing that comes after the softmax can bring them back.

# %% [markdown]
# ## Digits are lost long before
#
# An infinity at least is noticed. There is a quieter loss of digits, and it begins long before a lead
# of 800.
#
# A float64 holds about 16 digits, a float32 about 7. They are counted from the first digit that is
# not 0, wherever it stands. So $10^{-20}$ is held with full precision. But $1 - 10^{-20}$ is
# 0.99999999999999999999, and 20 nines are too many:

# %%
print("1e-20 is held:     ", 1e-20)
print("1 - 1e-20 is just 1:", 1 - 1e-20 == 1)

# %% [markdown]
# Now let the model be sure and *right*, with a lead of 20. The other class has
# $p_1 = 2.06 \cdot 10^{-9}$, and the right one $p_0 = 1 - p_1 = 0.99999999794$. The loss is
# $-\ln p_0$, which is nearly $p_1$ again, $2.06 \cdot 10^{-9}$. But it was computed from $p_0$, and
# that holds the number in its last digits only. In float32 it does not hold it at all.
#
# `tx.stability` runs a computation in several precisions and in the highest that the machine has,
# and counts the right digits after each step:

# %%
print(tx.stability(lambda x: tx.log(tx.softmax(x)), [20.0, 0.0]))

# %% [markdown]
# Look at the column of float32. The softmax has all of its 7 digits. The logarithm has none: its
# input is 1, and $\ln 1$ is 0. The logarithm itself makes no mistake. It removes the 1 in front, and
# what is left was lost in rounding before. (Float16 has 3 digits and a narrow range: there $p_1$
# itself has underflowed.)
#
# Here are the right digits of $\ln p_0$ for many leads, in float64. The exact value is $-\ln(1 +
# e^{-\text{lead}})$, for which NumPy has `log1p`, a logarithm of $1 + x$ that never adds the 1. The
# op `tx.log_softmax`, which you will come to in a moment, is there for comparison.


# %%
def right_digits(found, exact):
    error = np.abs(found / exact - 1)
    return -np.log10(np.maximum(error, 1e-16))


leads = np.linspace(0, 40, 161)
rows = np.stack([leads, np.zeros_like(leads)], axis=1)
exact = -np.log1p(np.exp(-leads))
two_steps = right_digits(np.log(tx.softmax(rows))[:, 0], exact)
one_step = right_digits(tx.log_softmax(rows)[:, 0], exact)

# %% mystnb={"image": {"alt": "Right digits against the lead: log of softmax falls in a line to 0 at 37, log-softmax stays at the top."}}
figure, axes = plt.subplots(figsize=(6, 3.5))
axes.plot(leads, two_steps, label="log(softmax(x))")
axes.plot(leads, one_step, label="log_softmax(x)")
axes.set(xlabel="lead of the right class", ylabel="right digits of ln p")
axes.legend()
plt.show()

# %% [markdown]
# The two steps lose about one digit for every 2.3 by which the lead grows ($e^{2.3} = 10$), until at
# 37 none is left. In float32, in which most networks are trained, none is left from a lead of 17 on.
# There is no warning on the way.

# %% [markdown]
# ## Do not leave the logarithm
#
# The way out is never to compute $p$. The logarithm of a fraction is a difference, and the
# logarithm of $e^{x_i}$ is $x_i$:
#
# $$\ln p_i = \ln \frac{e^{x_i}}{\sum_j e^{x_j}} = x_i - \ln \sum_j e^{x_j}.$$
#
# The second term is one number for the whole row, called *log-sum-exp*. Two rows by hand: for $(0,
# 0)$ it is $\ln(1 + 1) = \ln 2 = 0.693$. For $(100, 0)$ it is $\ln(e^{100} + 1)$, which is 100 to
# all digits that a float64 holds.
#
# In a sum of exponentials the largest one often makes up nearly everything, so log-sum-exp is close
# to the maximum: a maximum with a rounded corner.

# %% mystnb={"image": {"alt": "Log-sum-exp follows the bent line max(x, 0) with its corner rounded; its slope rises from 0 to 1 in an S."}}
x_axis = tx.Tensor(np.linspace(-5, 5, 101))
rows = tx.stack([x_axis, np.zeros(101)], axis=1)
smooth = tx.logsumexp(rows, axis=1)
figure, axes = plt.subplots(figsize=(6, 3.5))
axes.plot(x_axis.data, smooth.data, label="log-sum-exp of (x, 0)")
axes.plot(x_axis.data, np.maximum(x_axis.data, 0), "k:", label="max(x, 0)")
axes.plot(x_axis.data, tx.gradients(smooth.sum(), x_axis), "--", label="slope of log-sum-exp")
axes.set(xlabel="x")
axes.legend()
plt.show()

# %% [markdown]
# Its slope goes from 0 to 1, along a curve that you know from lesson 3. With $S = \sum_j e^{x_j}$,
# the slope of $\ln S$ in $x_i$ is $\frac{1}{S} \cdot e^{x_i}$, and this is the softmax:
#
# $$\frac{\partial}{\partial x_i} \ln \sum_j e^{x_j} = p_i.$$
#
# **The gradient of log-sum-exp is the softmax.** The step function that a maximum has as its slope
# becomes a smooth one: hence *soft* max.

# %%
scores = tx.Tensor([2.0, 1.0, 0.1])
print(tx.gradients(tx.logsumexp(scores), scores))
print(tx.softmax(scores.data))

# %% [markdown]
# One thing remains. $e^{x_j}$ overflows as it did in lesson 5, and the shift helps again. Take the
# largest score $m$ out of the sum; inside the logarithm it is a factor, so outside it is a term:
#
# $$\ln \sum_j e^{x_j} = m + \ln \sum_j e^{x_j - m}.$$
#
# Scores may also be $-\infty$. That is how you forbid a class: its probability is then exactly 0. In
# a row where every class is forbidden, $m$ is $-\infty$ as well. What is $-\infty - (-\infty)$? The
# exercise wants $-\infty$ as the answer for such a row, the logarithm of an empty sum.

# %% [markdown] tags=["exercise"]
# ### Exercise: The logarithm of a sum of exponentials
#
# The function is $\ell = \ln \sum_i e^{x_i}$, over the last axis of an array of any shape; the result
# lacks that axis. It is a smooth maximum, and the core of every cross-entropy.
#
# Write it so that it is right for entries of any size: no exponential may overflow, and a row of only
# $-\infty$ gives $-\infty$, not NaN.
#
#     >>> x = np.array([[0.0, 0.0], [100.0, 0.0], [-np.inf, -np.inf]])
#     >>> with np.errstate(divide="ignore"):
#     ...     logsumexp(x).round(3)
#     array([  0.693, 100.   ,    -inf])


# %% tags=["exercise"]
def logsumexp(x):
    """Return the log of the sum of exp(x) over the last axis."""
    raise NotImplementedError


# %%
tx.check("logsumexp", logsumexp)

# %% [markdown]
# ## Log-softmax
#
# Softmax and logarithm in one op, $y_i = x_i - \ln \sum_j e^{x_j}$, is called *log-softmax*. Its rule
# is shorter than that of the softmax. A score $x_i$ moves $y_i$ directly, with slope 1. And through
# the log-sum-exp it moves *all* outputs of its row, each with slope $-p_i$. Add up the contributions
# of all these paths.
#
# The probabilities that you need are not among the arguments of the rule. But the output is $y =
# \ln p$.

# %% [markdown] tags=["exercise"]
# ### Exercise: The backward rule of log-softmax
#
# The function is $y_i = x_i - \ln \sum_j e^{x_j}$, over the last axis of an array of any shape: the
# logarithm of the softmax. Its backward rule receives `grad` ($\bar y$, the gradient of the loss with
# respect to $y$), the output `y` and the input `x`, all of one shape.
#
# Write the rule: return the gradient with respect to $x$, of the same shape.
#
#     >>> y = np.log(np.array([0.25, 0.75]))
#     >>> log_softmax_backward(np.array([1.0, 0.0]), y, y).round(3)
#     array([ 0.75, -0.75])


# %% tags=["exercise"]
def log_softmax_backward(grad, y, x):
    """Return the gradient of x, where y is the log of the softmax of x over the last axis."""
    raise NotImplementedError


# %%
tx.check("log_softmax_backward", log_softmax_backward)

# %% [markdown]
# The example that gave `nan` above, once more:

# %%
scores = tx.Tensor([0.0, 800.0], name="scores")
log_p = tx.log_softmax(scores)
loss = -log_p[0]
tx.draw(loss, names=locals())

# %% [markdown]
# The loss is 800, the gradient $-1$ and 1. Nothing was patched. $e^{-800}$ is rounded to 0 here as
# well, but within the log-sum-exp, in a sum beside 1, where it is not missed.

# %% [markdown]
# ## Find the mistake
#
# This rule for the log-softmax is from the museum. Somebody has combined the rules of softmax and
# logarithm, and on paper that is correct. Work out the product to see it:

# %%
suspect = op_of("log_softmax_in_two_steps")
print(answer(suspect).source)

# %% [markdown]
# Check it with ordinary scores, and it is right to the last digits. Where will it fail?

# %%
print(tx.gradcheck(suspect, [2.0, 1.0, 0.1]))

# %%
print(tx.gradcheck(suspect, [0.0, 800.0]))

# %% [markdown]
# At 800 the rule divides by $p_0 = 0$ and then multiplies by it. Two steps that undo each other on
# paper do not undo each other in numbers. A rule must be checked where it is hard, not only where
# it is easy.

# %% [markdown]
# ## Summary
#
# * $-\ln p$ of the truth is a loss that adds up over examples. The rule of the logarithm is
#   $\bar x = \bar y / x$; its steep slope makes up for the flat softmax.
# * A softmax that underflows to 0 makes the loss infinite and the gradient `nan`. A small number
#   added inside the logarithm hides this, and removes the gradient.
# * Near 1, floats have no digits left for the small rest. `tx.stability` shows the step at which
#   digits are lost.
# * $\ln p_i = x_i - \ln \sum_j e^{x_j}$ never leaves the logarithm. Its second term is computed
#   with the maximum taken out, and its gradient is the softmax.
# * The rule of log-softmax: $\bar x_i = \bar y_i - p_i \sum_j \bar y_j$.
#
# ## Further reading
#
# * P. Blanchard, D. J. Higham, N. J. Higham, "Accurately computing the log-sum-exp and softmax
#   functions", *IMA Journal of Numerical Analysis* 41(4), 2021: how many digits each way of writing
#   them keeps, with proofs.
# * D. Goldberg, "What every computer scientist should know about floating-point arithmetic", *ACM
#   Computing Surveys* 23(1), 1991: what a float can hold, and what a subtraction does to it.
# * N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, second edition, SIAM, 2002,
#   chapter 1: the same in a book, with many small examples.

# %% [markdown]
# [Back: 5. Softmax](05_softmax.ipynb)  |  [All lessons](00_start.ipynb)  |  [Next: 7. Cross-entropy from dense labels](07_cross_entropy.ipynb)

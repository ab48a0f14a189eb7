# %% [markdown]
# # 9. Fusion: why p - t
#
# *About 40 minutes. [All lessons](00_start.ipynb)*
#
# Softmax, logarithm, choice of an entry: three ops with three rules, and at the end of the backward
# pass there is $p - t$. Every framework also offers the three as a single op, and advises you to use
# that one. This lesson shows why. You will multiply the rules and see what cancels, look for the
# digits that $p - t$ itself still loses and save them, divide by the size of a batch, and measure
# what each way costs in memory and in time.
#
# You need the rule of the softmax from lesson 5, the log-softmax from lesson 6, and the cross-entropies
# from lessons 7 and 8.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import tinygrad_xent as tx

# %% [markdown]
# ## One loss, in pieces and in one piece
#
# Three logits, and class 0 is the right one. In pieces: a softmax, a logarithm, the entry of the right
# class, a minus.

# %%
z = tx.Tensor([2.0, 1.0, 0.1], name="z")
p = tx.softmax(z)
log_p = tx.log(p)
picked = log_p[0]
loss = -picked
tx.draw(loss, names=locals())

# %% [markdown]
# In one piece: a *fused* op, which computes what several ops would, behind one rule.

# %%
fused = tx.sparse_softmax_cross_entropy_with_logits(labels=0, logits=z)
tx.draw(fused, names=locals())

# %% [markdown]
# The same loss, 0.417, and the same gradient at `z`. The rule of the fused op is $p - t$, written
# $p_i - [i = t]$: the bracket is 1 for the right class and 0 elsewhere. Lesson 7 found it from the
# log-sum-exp. The pieces must arrive at the same result, by rules that look nothing like it.
#
# ## Two rules that cancel
#
# Go backwards through the pieces. The minus and the choice send $-1$ to the right class of `log_p`, and
# 0 to the others. The logarithm divides by $p$:
#
# $$\bar p_t = -\frac{1}{p_t}, \qquad \bar p_i = 0 \text{ elsewhere.}$$
#
# With $p_0 = 0.659$ that is $-1.52$, the first entry of the gradient in the box `p` of the picture. Then
# comes the rule of the softmax:
#
# $$\bar z_i = p_i\,\Big(\bar p_i - \sum_j \bar p_j\,p_j\Big).$$
#
# Insert one into the other. A single term of the sum is left, $-\frac{1}{p_t}\,p_t = -1$, whatever
# $p$ is. So
#
# $$\bar z_t = p_t\,\Big(-\frac{1}{p_t} + 1\Big) = p_t - 1, \qquad
# \bar z_i = p_i\,(0 + 1) = p_i \text{ elsewhere.}$$
#
# The logarithm divides by $p_t$, and the softmax multiplies by $p_t$ again. Step through it: the last
# step shows the rule with its numbers.

# %%
tx.play(loss, names=locals())

# %% [markdown]
# ## A model that is sure and wrong
#
# On paper it does not matter by how much you divide first if you multiply by the same afterwards. In
# a computer the intermediate number has to be stored. Give the wrong class a larger and larger lead,
# and look at the number that the logarithm sends to `p`:

# %%
print("lead   p of the right class   sent to p   gradient of its logit")
for lead in (1, 10, 100, 700, 800):
    row = tx.Tensor([0.0, float(lead)])
    with np.errstate(all="ignore"):
        probabilities = tx.softmax(row)
        sent, arrived = tx.gradients(-tx.log(probabilities)[0], [probabilities, row])
    print(f"{lead:4} {probabilities.data[0]:22.3g} {sent[0]:11.3g} {arrived[0]:23.3g}")

# %% [markdown]
# At a lead of 700 the intermediate number is about $10^{304}$, and still cancels. At 800 it is the
# $-1/0$ of lesson 6, and the end is `nan`. The right answer is $-1$: the model is as wrong as can be,
# and this is the example that it should learn most from. The trouble begins where $1/p_t$ becomes too
# large to be stored: at a lead of about 710 in float64, 89 in float32, and 11 in float16.
#
# The fused op never forms $1/p_t$, and has no such limit. The log-softmax has none either: it is a fused op
# too, of softmax and logarithm.

# %% [markdown]
# ## A model that is sure and right
#
# The log-softmax does not overflow. Is it as good as the whole? Let the right class lead by 40. `tx.unfuse`, which
# you know from lesson 7, shows all three ways side by side.

# %%
tx.unfuse(0, [40.0, 0.0, 1.0])

# %% [markdown]
# The log-softmax has the loss, about $1.6 \cdot 10^{-17}$, and the gradient. But it had to
# take care. Its rule is $\bar y_i - p_i \sum_j \bar y_j$, which is $-1 + p_t$ for the right class. Compute
# that as it is written:

# %%
print(-1 + tx.softmax([40.0, 0.0, 1.0])[0])

# %% [markdown]
# $p_t$ is so close to 1 that it is stored as 1. What was lost is what mattered: $1 - p_t$. A small
# difference of two numbers that were rounded before is called *cancellation*. In lesson 6 it spoilt the
# loss; here it spoils a rule. Note that $p - t$, as written, does just this.
#
# With two classes and a lead of $d$, $p_t = 1 / (1 + e^{-d})$, and $p_t - 1$ can be written without a
# difference, as $-e^{-d} / (1 + e^{-d})$. Compare both:

# %% mystnb={"image": {"alt": "The relative error of p - 1 against the lead, for three dtypes: each climbs to 1, float16 first and float64 last."}}
leads = np.linspace(0.5, 42, 400)
figure, axes = plt.subplots(figsize=(6, 3.5))
for dtype, colour in ((np.float16, "tab:green"), (np.float32, "tab:orange"), (float, "tab:blue")):
    others = np.exp(-leads).astype(dtype)
    minus_one = 1 / (1 + others) - dtype(1)
    exact = np.exp(-leads) / (1 + np.exp(-leads))
    error = np.abs(minus_one + exact) / exact
    axes.semilogy(leads, error, color=colour, label=np.dtype(dtype).name)
axes.set(xlabel="lead of the right class", ylabel="relative error of p - 1", ylim=(1e-17, 5))
axes.legend()
plt.show()

# %% [markdown]
# Each line climbs steadily: every step to the right costs digits, until the error is 1, which means that
# the gradient is 0. That is the case from a lead of 7.6 in float16, 16.6 in float32, and 36.7 in
# float64.
#
# Does it matter? In float64 hardly ever: a gradient of $10^{-16}$ moves nothing. In float16 it does.
# At a lead of 8 the loss is $3.4 \cdot 10^{-4}$, and a model has thousands of such examples: $p - 1$
# gives all of them a gradient of 0. That is one reason why models that are trained in half precision
# compute their cross-entropy in single precision. It also matters where a gradient is divided by
# something small, as Newton's method does in lesson 13.
#
# The way out needs no more precision. The probabilities sum to 1, so $1 - p_t$ is something else too.

# %% [markdown] tags=["exercise"]
# ### Exercise: The last digits of p - t
#
# The gradient of a sparse cross-entropy with respect to one row of logits is $p_i - [i = t]$. When a
# model is sure and right, $p_t$ is close to 1, and $p_t - 1$ cancels. First its last digits are
# wrong; in the end it is exactly 0. TensorFlow and PyTorch lose digits this way.
#
# Write the gradient with all its digits. `logits` has the shape `(C,)`, and so has the result;
# `target` is the number of the true class. Every entry must be accurate relative to its own size,
# however small it is.
#
#     >>> exact_top_gradient(np.array([40.0, 0.0]), 0)
#     array([-4.24835426e-18,  4.24835426e-18])


# %% tags=["exercise"]
def exact_top_gradient(logits, target):
    """Return p - t for one row, right to the last digits."""
    raise NotImplementedError


# %%
tx.check("exact_top_gradient", exact_top_gradient)

# %% [markdown]
# Only an op that has both logits and labels can do this. The logarithm gets a rounded $p$ and cannot
# know what was lost; the softmax does not know the labels. Digits are lost *between* ops. Fusing
# moves the border between ops to a place where the numbers that cross it can be stored.

# %% [markdown]
# ## A batch
#
# A batch of $N$ rows has $N$ losses, and their mean is minimised. The mean is an op, too: each loss
# enters it with the factor $1/N$, so each gets $1/N$ of the gradient.

# %%
logits = tx.Tensor([[2.0, 1.0, 0.1], [0.0, 3.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 5.0]])
losses = tx.sparse_softmax_cross_entropy_with_logits(labels=[0, 1, 2, 0], logits=logits)
print("losses\n", losses.data.round(3))
print("gradient of the sum\n", tx.gradients(losses.sum(), logits).round(3))
print("gradient of the mean\n", tx.gradients(losses.mean(), logits).round(3))

# %% [markdown]
# All entries of the second gradient are a quarter of those of the first. The last row is confident
# and wrong, and has almost $-1$ at its right class and almost 1 at the class that it predicts.
#
# With a sum in place of the mean, a step of training would be twice as long for a batch twice as
# large. With the mean, the learning rate keeps its meaning when the batch grows. Somebody has to
# divide by $N$, exactly once. In hand-written gradients this is often forgotten, and training still
# runs, with steps $N$ times too long.

# %% [markdown] tags=["exercise"]
# ### Exercise: Dividing by N in the rule of a mean
#
# The function is the mean of a sparse cross-entropy over a batch, $\ell = \frac{1}{N} \sum_n \ell_n$
# with $\ell_n = -\ln p_{n,t_n}$. `logits` has the shape `(N, C)`, `target` holds `N` class numbers,
# and `loss` is a single number. So is `grad` ($\bar\ell$, the gradient of the final result with
# respect to the loss).
#
# Write the backward rule: return the gradient with respect to `logits`, of shape `(N, C)`.
#
#     >>> logits, target = np.array([[0.0, 0.0], [0.0, 0.0]]), np.array([0, 1])
#     >>> mean_cross_entropy_backward(np.array(1.0), None, logits, target=target)
#     array([[-0.25,  0.25],
#            [ 0.25, -0.25]])


# %% tags=["exercise"]
def mean_cross_entropy_backward(grad, loss, logits, *, target):
    """Return the gradient of the logits of a mean cross-entropy."""
    raise NotImplementedError


# %%
tx.check("mean_cross_entropy_backward", mean_cross_entropy_backward)

# %% [markdown]
# ## What a gradient costs in memory
#
# A backward pass needs the numbers of the forward pass: the logarithm its `p`, the softmax its `p`. All
# that was computed is kept until then. Below are 256 rows of 100 classes; the logits themselves take
# 204,800 bytes.

# %%
rng = np.random.default_rng(0)
some_logits = rng.normal(size=(256, 100))
some_labels = rng.integers(100, size=256)
print(tx.unfuse(some_labels, some_logits))

# %% [markdown]
# The graph of the primitives has three more arrays of the size of the logits ($e^z$, $p$ and
# $\ln p$), in that of the log-softmax one, and in that of the fused op nothing but the 256 losses.
# (It may keep its exponentials for the backward pass. But there they become the gradient, in the same
# memory, so it needs no more than the gradient itself.) For a language model that chooses among
# 100,000 words, arrays of this size are often the largest of all, and this decides how large a batch
# can be.

# %% [markdown]
# ## What a gradient costs in time
#
# To see what fusing alone does to the time, here are both ways in plain NumPy: first with a line for
# every op and every rule, and then fused, loss and gradient in one go, in one array.


# %%
def pieces(logits, target):
    rows = np.arange(len(logits))
    e = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    p = e / np.sum(e, axis=1, keepdims=True)
    log_p = np.log(p)
    d_log_p = np.zeros(log_p.shape)
    d_log_p[rows, target] = -1
    d_p = d_log_p / p
    d_logits = p * (d_p - np.sum(d_p * p, axis=1, keepdims=True))
    return -log_p[rows, target], d_logits


# %%
def in_one_go(logits, target):
    rows = np.arange(len(logits))
    p = logits - np.max(logits, axis=1, keepdims=True)
    picked = p[rows, target]
    np.exp(p, out=p)
    total = np.sum(p, axis=1, keepdims=True)
    p /= total
    p[rows, target] -= 1
    return np.log(total[:, 0]) - picked, p


# %%
for result, other in zip(
    pieces(some_logits, some_labels), in_one_go(some_logits, some_labels), strict=True
):
    print("the same", result.shape, np.allclose(result, other))

# %% [markdown]
# The third way is the library's fused op, with everything else that a Tensor does. The three take
# turns, so that a moment in which the computer is busy with something else hits all of them; the
# shortest time of each counts. Absolute times say little about another computer, so look at the
# ratios.


# %%
def library(logits, target):
    z = tx.Tensor(logits)
    loss = tx.sparse_softmax_cross_entropy_with_logits(labels=target, logits=z)
    return loss, tx.gradients(loss.sum(), z)


# %%
ways = (in_one_go, pieces, library)
times = {way: [] for way in ways}
for _ in range(20):
    for way in ways:
        start = time.perf_counter()
        way(some_logits, some_labels)
        times[way].append(time.perf_counter() - start)

# %%
for way in ways:
    print(f"{way.__name__:10} {min(times[way]) / min(times[in_one_go]):5.2f} times in_one_go")

# %% [markdown]
# All three need the same exponentials, one for each logit. What differs is the rest: each line on
# whole arrays reads them from memory and writes a new one, and `pieces` has more such lines. The
# library's op has work that `in_one_go` does not do: it makes a graph, checks the labels, and saves
# the last digits. Fusing gives an op the *chance* to save time. Whether it does, only a measurement
# can tell, and the answer may differ for other sizes and on another computer.

# %% [markdown]
# ## One box, and still a graph
#
# Does the fused op hide too much? Its rule is arithmetic like any other, and its backward pass can
# be drawn. With `backward=True` the gradient is a graph of its own.

# %%
tx.draw(fused, names=locals(), backward=True)

# %% [markdown]
# The box with $p - t$ is an op, `softmax_minus_one_hot`, with a rule of its own. That is how the
# second derivative of the loss comes out right as well; lesson 13 takes it from here. And `why`
# explains the gradient of a single logit in words:

# %%
print(tx.why(z, fused, names=locals()))

# %% [markdown]
# ## Summary
#
# * The logarithm's rule divides by $p_t$, the softmax's multiplies by it. What remains is $p - t$.
# * In pieces the intermediate number is stored, and can be infinite. The fused op never forms it.
# * $p_t - 1$ cancels where the model is sure and right. Minus the sum of the other
#   probabilities is the same number with all its digits.
# * Fusing saves memory: no copies of the logits wait for the backward pass. Whether it saves time has to
#   be measured.
# * The mean divides by $N$, once.
#
# ## Further reading
#
# * N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, second edition, SIAM, 2002, chapter 1:
#   what cancellation is, and what it is not.
# * P. Blanchard, D. J. Higham, N. J. Higham, "Accurately computing the log-sum-exp and softmax
#   functions", *IMA Journal of Numerical Analysis* 41(4), 2021: error bounds for the ways of writing
#   them.
# * P. Micikevicius and others, "Mixed precision training", *ICLR*, 2018: which parts of training need
#   single precision, and what becomes of small gradients in half precision.
# * T. Dao, D. Y. Fu, S. Ermon, A. Rudra, C. Ré, "FlashAttention: fast and memory-efficient exact attention
#   with IO-awareness", *NeurIPS*, 2022: the same thought, fewer trips through memory, for a softmax
#   between two matrix products.

# %% [markdown]
# [Back: 8. Integer targets](08_integer_targets.ipynb)  |  [All lessons](00_start.ipynb)  |  [Next: 10. Checking gradients](10_checking_gradients.ipynb)

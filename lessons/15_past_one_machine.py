# %% [markdown]
# # 15. Past one machine
#
# *About 35 minutes. [All lessons](00_start.ipynb)*
#
# Everything so far fitted into the memory of one computer. Real data often do not: a hundred
# million rows are read from disks, one piece at a time, perhaps by several machines. This lesson
# shows that the loss and its gradient can be computed in pieces, that the rules you have written do
# not have to be changed for it, and where care is needed: when a single row is cut.
#
# You need the mean of a batch from lesson 9, and the log-sum-exp from lesson 6. The lesson uses
# Dask, a library for arrays in blocks. If the next cell does not find it:
# `pip install "dask[array]"`.

# %%
import dask
import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
from dask.diagnostics import Profiler

import tinygrad_xent as tx

# %% [markdown]
# ## A sum can wait
#
# A batch has a mean loss. A mean is a sum divided by $N$, and a sum can be taken in any grouping:
#
# $$\ell = \frac{1}{N} \big(\ell_0 + \ell_1 + \ell_2 + \ell_3\big)
# = \frac{1}{N} \big((\ell_0 + \ell_1) + (\ell_2 + \ell_3)\big).$$
#
# The gradient of a sum is the sum of the gradients. So the batch may be cut into blocks of rows.
# Each block computes its part of the loss and its part of the gradient, without the others; in the
# end the parts are added. Here are four rows in one piece and in two:

# %%
rng = np.random.default_rng(0)
x_small, t_small = rng.normal(size=(4, 2)), np.array([0, 2, 1, 0])
w = tx.Tensor(rng.normal(size=(2, 3)), name="w")


def slope_of_sum(x, t):
    losses = tx.sparse_softmax_cross_entropy_with_logits(labels=t, logits=x @ w)
    return tx.gradients(losses.sum(), w)


# %%
parts = slope_of_sum(x_small[:2], t_small[:2]) + slope_of_sum(x_small[2:], t_small[2:])
print("in one piece:\n", slope_of_sum(x_small, t_small) / 4)
print("in two:\n", parts / 4)

# %% [markdown]
# Note what has to be sent. A block may have a million rows; its part of the gradient is as large as
# `w`, here six numbers. That is why this works so well: the data stay where they are, and what is
# sent back and forth is small.

# %% [markdown]
# ## An array that is not there yet
#
# Now a hundred thousand rows in five blocks. In real life a block is read from a file, and there are
# many more. Here a function makes it: points in a plane, each from one of three clouds, with the
# number of its cloud in the last column. So that we can watch, it records each call.

# %%
ROWS, BLOCKS = 20_000, 5
centres = np.array([[-2.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
made = []


@dask.delayed
def block_of_rows(number):
    made.append(number)
    rng = np.random.default_rng(number)
    cloud = rng.integers(3, size=ROWS)
    return np.column_stack([centres[cloud] + rng.normal(size=(ROWS, 2)), cloud])


# %% [markdown]
# `@dask.delayed` makes a function that does nothing when it is called. It returns a note: *to get
# this, call that function with these arguments*. Five such notes, one below the other, are a Dask
# array. It has a shape and a dtype, and no numbers.

# %%
notes = [block_of_rows(number) for number in range(BLOCKS)]
data = da.concatenate([da.from_delayed(note, (ROWS, 3), float) for note in notes])
x, t = data[:, :2], data[:, 2].astype(int)
print(x)
print("blocks made so far:", len(made))

# %% [markdown]
# `chunksize` is the shape of a block. `x` and `t` are not numbers either; they are notes that refer
# to the notes of `data`. An array that is computed only when somebody wants its numbers is called
# *lazy*. You ask for them with `.compute()`, for a piece as well as for the whole. The first 600 rows
# need only the first block:

# %% mystnb={"image": {"alt": "Points of three overlapping clouds in a plane."}}
few, clouds = dask.compute(x[:600], t[:600])
print("blocks made so far:", len(made))
figure, axes = plt.subplots(figsize=(5, 3.5))
for number, marker in enumerate("os^"):
    axes.plot(*few[clouds == number].T, marker, markersize=3, label=f"cloud {number}")
axes.set(xlabel="x₀", ylabel="x₁", aspect="equal")
axes.legend(fontsize="small")
plt.show()

# %% [markdown]
# ## Tensors of lazy arrays
#
# The ops of this library call NumPy: `np.exp(x)`, `np.sum(x)`. NumPy looks at `x` first. If it is an
# array of another library, NumPy hands the call to that library. So `tx.exp` of a Dask array becomes
# Dask's exponential, another note. And since a rule is made of the same ops, the backward pass
# becomes notes too.

# %%
w = tx.Tensor(np.zeros((2, 3)), name="w")
b = tx.Tensor(np.zeros(3), name="b")
losses = tx.sparse_softmax_cross_entropy_with_logits(labels=t, logits=x @ w + b)
loss = tx.mean(losses)
slope_w, slope_b = tx.gradients(loss, [w, b])
print(losses)
print(slope_w)
print("blocks made so far:", len(made))

# %% [markdown]
# Nothing in these lines says Dask, except that `x` and `t` are what they are. The forward pass was
# done, and the backward pass, and no other block was made. There are two graphs now, one above the
# other: that of the Tensors, through which the gradient has gone back; and that of Dask's notes,
# which is the whole computation, forward and backward. Only now is it run. `Profiler` records who did
# what, and when:

# %%
made.clear()
with Profiler() as profile:
    value, d_w, d_b = dask.compute(loss.data, slope_w, slope_b)
print("loss", value, " blocks made:", len(made))
print(d_w.round(3))

# %% [markdown]
# With all weights 0 each class has a third, so the loss is $\ln 3 = 1.0986$. All five blocks were
# made, each once. Dask gives the notes to several *threads*, workers within one program that share
# its memory. Here is what they did:

# %% mystnb={"image": {"alt": "A bar for each thread: short orange pieces, which make a block, alternate with blue ones, which compute."}}
tasks = profile.results
threads = list(dict.fromkeys(task.worker_id for task in tasks))
first = min(task.start_time for task in tasks)
begin = [1000 * (task.start_time - first) for task in tasks]
end = [1000 * (task.end_time - first) for task in tasks]
colours = ["tab:orange" if "block_of_rows" in str(task.key) else "tab:blue" for task in tasks]
figure, axes = plt.subplots(figsize=(7, 1 + 0.5 * len(threads)))
axes.hlines([threads.index(task.worker_id) for task in tasks], begin, end, colours, linewidth=20)
axes.set_yticks(range(len(threads)), [f"thread {i}" for i in range(len(threads))])
axes.set_ylim(-0.6, len(threads) - 0.4)
axes.set(xlabel="milliseconds", title="orange makes a block, blue computes")
plt.show()

# %% [markdown]
# How many threads there are, and how long they take, depends on your computer. Orange and blue
# alternate. The blocks are not all made at the beginning: a thread makes one, does what can be done
# with it, forward *and* backward, drops it, and makes the next. So the memory has to hold a few
# blocks at a time, and not all five.
#
# All three results were asked for in one call. Asked for one after the other, each of them needs
# all blocks again:

# %%
made.clear()
for wanted in (loss.data, slope_w, slope_b):
    wanted.compute()
print("blocks made:", len(made))

# %% [markdown]
# Are the numbers right? These rows do fit into memory after all, so they can be put together and
# computed in the usual way:

# %%
everything = data.compute()
whole = tx.sparse_softmax_cross_entropy_with_logits(
    labels=everything[:, 2].astype(int), logits=everything[:, :2] @ w + b
)
print("largest difference:", np.abs(d_w - tx.gradients(whole.mean(), w)).max())

# %% [markdown]
# It need not be exactly 0. Dask adds up each block first and then the five sums; NumPy adds up in
# another grouping. On paper that is the same, and so we have argued above. In a computer each
# addition rounds, and another grouping rounds differently: `(0.1 + 0.2) + 0.3` and
# `0.1 + (0.2 + 0.3)` are two numbers in Python. This is why you cannot expect bitwise equal results
# from two different machines.

# %% [markdown]
# ## Training
#
# The weights are small and stay NumPy arrays. Each step writes a new computation, runs it, and goes
# downhill, as in lesson 11.

# %%
history = []
for _ in range(4):
    loss = tx.mean(tx.sparse_softmax_cross_entropy_with_logits(labels=t, logits=x @ w + b))
    value, d_w, d_b = dask.compute(loss.data, *tx.gradients(loss, [w, b]))
    history.append(value)
    w.data -= 1.0 * d_w
    b.data -= 1.0 * d_b
print(np.round(history, 4))

# %% mystnb={"image": {"alt": "The plane in three coloured parts, with straight borders between the three clouds of points."}}
grid = np.stack(np.meshgrid(np.linspace(-5, 5, 200), np.linspace(-3, 5, 160)), axis=-1)
best = np.argmax(grid @ w.data + b.data, axis=-1)
figure, axes = plt.subplots(figsize=(5, 3.5))
axes.imshow(best, extent=(-5, 5, -3, 5), origin="lower", cmap="tab10", vmax=9, alpha=0.25)
for number, marker in enumerate("os^"):
    axes.plot(*few[clouds == number].T, marker, markersize=3, label=f"cloud {number}")
axes.set(xlabel="x₀", ylabel="x₁", xlim=(-5, 5), ylim=(-3, 5))
axes.legend(fontsize="small")
plt.show()

# %% [markdown]
# After four steps the plane is divided into three parts, one for each cloud. Where two clouds
# overlap, no straight line can do it without mistakes.

# %% [markdown]
# ## A mistake in the data
#
# Somewhere among the labels stands a 7, although there are three classes. As long as nothing is
# computed, nobody can tell. The label is looked at when its block is computed, and the message says
# where it is in the whole array:

# %%
bad_t = da.where(da.arange(len(t), chunks=ROWS) == 56_789, 7, t)
bad = tx.sparse_softmax_cross_entropy_with_logits(labels=bad_t, logits=x @ w + b)
try:
    bad.data.sum().compute()
except tx.errors.LabelRangeError as error:
    print(error)

# %% [markdown]
# ## When a row is cut
#
# So far every row was in one block. What if a row itself is too long? A model that recommends one of
# a hundred million articles has that many logits per row, spread over many machines. The
# cross-entropy needs the log-sum-exp of all of them, $\ln \sum_j e^{z_j}$, and from lesson 6 you know
# that the maximum has to be subtracted first, so that nothing overflows. But no block knows the
# maximum of the others.
#
# The remedy: each block takes its *own* maximum $m$, and the sum $s$ of its exponentials relative to
# that. Two numbers for each row. That is all that is needed, since $e^m \cdot s$ is the sum of its
# exponentials.
#
# An example: the logits are $\ln 1, \ln 2$ in the first block, and $\ln 4$ in the second. (So the
# sum of all exponentials is 7.) The first block has $m_1 = \ln 2$ and $s_1 = \frac12 + 1 = 1.5$.
# The second has $m_2 = \ln 4$ and $s_2 = 1$.
#
# The maximum of both is $m = \ln 4$. The first sum was relative to $\ln 2$. To be relative to
# $\ln 4$, it has to be multiplied by a factor; which one? With the right factor the two sums add up
# to 1.75, and $\ln 4 + \ln 1.75 = \ln 7$.

# %% [markdown] tags=["exercise"]
# ### Exercise: A log-sum-exp from two blocks
#
# A row that is too long for one machine, or for its memory, is cut into blocks. Each block keeps two
# numbers: its maximum $m$, and $s = \sum_i e^{x_i - m}$, the sum of its exponentials relative to that
# maximum. The log-sum-exp of the block is $m + \ln s$.
#
# Write a function that merges two blocks: from `m1, s1` and `m2, s2` it returns the tuple `(m, s)` of
# both together. The four are arrays of one shape, with one entry for each row. Nothing may overflow.
# A block without entries has $m = -\infty$ and $s = 0$; so do two such blocks together.
#
#     >>> merge_logsumexp(np.array([5.0]), np.array([1.5]), np.array([5.0]), np.array([2.0]))
#     (array([5.]), array([3.5]))


# %% tags=["exercise"]
def merge_logsumexp(m1, s1, m2, s2):
    """Return the pair (m, s) of two blocks together."""
    raise NotImplementedError


# %%
tx.check("merge_logsumexp", merge_logsumexp)

# %% [markdown]
# Your function takes two pairs and returns one. So it can be applied again to its results: eight
# blocks become four pairs, two, one, and with a thousand machines it takes ten rounds. In which order
# they are merged makes no difference (but for rounding).
#
# NumPy has the same for two numbers of the form $m + \ln s$: `np.logaddexp(a, b)` is
# $\ln(e^a + e^b)$. A row of a million logits, all of them close to 1000, in eight blocks:

# %%
logits = 1000 + np.random.default_rng(0).normal(size=1_000_000)
blocks = np.split(logits, 8)
found = [tx.logsumexp(block) for block in blocks]
print("of the blocks:", np.round(found, 3))
print("merged:       ", np.logaddexp.reduce(found))
print("in one piece: ", tx.logsumexp(logits))

# %% [markdown]
# Eight blocks that are about equal have eight times the sum of one, and so a log-sum-exp that is
# larger by $\ln 8 = 2.08$.
#
# Then each block can do its part of the backward pass alone: the gradient is $p - t$, and
# $p_j = e^{z_j - \text{log-sum-exp}}$ needs, besides its own logit, only the one number that all
# have found together. The same merging is at the heart of FlashAttention, which computes a softmax
# over long rows block by block within a single chip.
#
# This library does not cut rows: if the classes of a Dask array lie in several blocks, it puts each
# row together first. Cut along the rows, as above, as long as a row fits.

# %% [markdown]
# ## On a cluster
#
# A *cluster* is a number of machines that work on one computation. Dask has a scheduler, which
# knows the notes, and workers, which carry them out. On a cluster the lines of this lesson stay as
# they are; two come before them (this is no cell, since it needs a cluster):
#
# ```python
# from dask.distributed import Client
#
# client = Client("tcp://scheduler:8786")  # or Client() for several processes on this machine
# ```
#
# What else changes:
#
# * **Where the data come from.** Each worker reads its blocks itself, from a storage that all of
#   them reach: `da.from_zarr("...")` in place of our function. No machine ever has all rows.
# * **What is sent.** With each step the weights go to the workers, and each block's part of the
#   gradient comes back. That is little as long as the model is small. With a billion weights it is
#   what takes the time, and one computes more between two exchanges, or cuts the model as well.
# * **What may break.** Among a thousand machines one will fail. Its blocks are lost, but not the
#   notes of how they were made: Dask hands these to another worker, and they are computed again.
#
# The last point brings us back to the beginning. In lesson 1 a tensor remembered how it was computed,
# so that a gradient could go back. Here an array remembers how it is to be computed, so that it can
# be done elsewhere, later, in pieces, or once more. Both times the idea is the same: keep the graph.

# %% [markdown]
# ## Summary
#
# * Mean loss and gradient are sums over rows. Blocks of rows compute their parts independently, and
#   only something as large as the weights has to be sent.
# * A lazy array is a graph of what is to be done. Ops and rules in NumPy's functions work on it as
#   they stand, and forward and backward pass become one computation.
# * Ask for loss and gradients in one call, so that each block is made once.
# * Sums in another grouping are rounded differently.
# * A log-sum-exp in blocks: each keeps its maximum and a sum relative to it; to merge two, bring
#   both sums to the larger maximum.
#
# ## Further reading
#
# * M. Rocklin, "Dask: parallel computation with blocked algorithms and task scheduling",
#   *Proceedings of the 14th Python in Science Conference*, 2015: arrays in blocks, and the graph
#   behind them.
# * S. Hoyer, M. Rocklin and others, "A dispatch mechanism for NumPy's high level array functions",
#   NEP 18, numpy.org/neps, 2018: how NumPy hands a call to another library.
# * M. Milakov, N. Gimelshein, "Online normalizer calculation for softmax", arXiv:1805.02867, 2018:
#   the pair $(m, s)$, and how to merge two of them.
# * J. Dean and others, "Large scale distributed deep networks", *NeurIPS*, 2012: training on
#   thousands of machines, and what to do when some are slow.
# * M. Shoeybi and others, "Megatron-LM: training multi-billion parameter language models using
#   model parallelism", arXiv:1909.08053, 2019: a model that is cut, with a cross-entropy over
#   classes in blocks.

# %% [markdown]
# [Back: 14. One loss, five frameworks](14_one_loss_five_frameworks.ipynb)  |  [All lessons](00_start.ipynb)

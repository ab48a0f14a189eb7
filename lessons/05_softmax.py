# %% [markdown]
# # 5. Softmax
#
# *About 50 minutes. [All lessons](00_start.ipynb)*
#
# A classifier ends with a row of numbers, one score for each class. *Softmax* turns the scores into
# probabilities. It is the first function of this course in which every output depends on every input,
# so it has not one slope but a whole table of them. You will write the function so that it never
# overflows, find the table, and then a backward rule that needs no table.
#
# From lesson 2 you need that contributions add up, from lesson 3 how a rule is called, and from
# lesson 4 that a rule may be seen as a matrix.

# %%
import matplotlib.pyplot as plt
import numpy as np

import tinygrad_xent as tx
from tinygrad_xent.teaching.museum import answer, op_of, puzzle

# %% [markdown]
# ## From scores to probabilities
#
# A model has looked at a photo, and its scores are 2 for *cat*, 1 for *dog* and 0.1 for *bird*. A
# score may be any number; a larger one means that the model finds the class more likely. We want
# probabilities instead: not negative, with a sum of 1, and in the same order.
#
# Two steps do it. The exponential makes every number positive and keeps the order. Dividing by the
# sum makes the sum 1:
#
# $$p_i = \frac{e^{x_i}}{\sum_j e^{x_j}}.$$

# %%
classes = ["cat", "dog", "bird"]
scores = np.array([2.0, 1.0, 0.1])
powers = np.exp(scores)
probabilities = powers / powers.sum()
print("exponentials: ", powers.round(3), " sum", powers.sum().round(3))
print("probabilities:", probabilities.round(3), " sum", probabilities.sum().round(3))

# %% mystnb={"image": {"alt": "Three bar charts of cat, dog and bird: the exponentials stretch the differences of the scores, the probabilities look like the exponentials and sum to 1."}}
figure, axes = plt.subplots(1, 3, figsize=(7, 2.4))
titles = ["scores", "exponentials", "probabilities"]
for panel, title, heights in zip(axes, titles, [scores, powers, probabilities], strict=True):
    panel.bar(classes, heights)
    panel.set(title=title)
figure.tight_layout()
plt.show()

# %% [markdown]
# The exponential stretches: a lead of 1 in the score has become a probability 2.7 times as large. It
# is the same factor wherever the two scores lie, because the denominator cancels:
#
# $$\frac{p_i}{p_k} = \frac{e^{x_i}}{e^{x_k}} = e^{x_i - x_k}.$$
#
# So softmax depends only on the differences of scores.

# %% [markdown]
# ## The shift
#
# If only differences count, then adding the same number $c$ to all scores must change nothing. And so
# it is: a factor $e^c$ appears in the numerator and in every term of the denominator, and cancels.
#
# $$\frac{e^{x_i + c}}{\sum_j e^{x_j + c}} = \frac{e^c\, e^{x_i}}{e^c \sum_j e^{x_j}} = p_i$$
#
# On paper, that is. Let us add 10, and then 1000.


# %%
def naive_softmax(x):
    powers = tx.exp(x)
    return powers / tx.sum(powers)


with np.errstate(all="ignore"):
    print(naive_softmax(scores + 10).round(3))
    print(naive_softmax(scores + 1000))

# %% [markdown]
# The largest number that a float64 can hold is about $1.8 \cdot 10^{308}$. $e^{1000}$ is larger and
# becomes infinity, `inf`; this is called *overflow*. Infinity divided by infinity is not a number,
# `nan`. (`np.errstate` silences NumPy's warnings, since we ask for trouble on purpose.)
#
# In a long computation the `nan` appears far from where the trouble began. Pass Tensors to the
# function, and `tx.first_bad` walks the graph and names the first step that went wrong:

# %%
with np.errstate(all="ignore"):
    broken = naive_softmax(tx.Tensor(scores + 1000))
print(tx.first_bad(broken))

# %% [markdown]
# (A tensor without a name of its own gets a number, counted in the order in which they were made:
# `v1` is the exponential. `x` is the op's input.)
#
# The remedy is in the formula above. We are free to add any $c$ before the exponential. Which $c$
# makes sure that no exponential is too large, and that the denominator is never 0?
#
# From here on there may be many rows of scores, one for each example, and each has its own softmax:
# along `axis=-1`, the last axis. `keepdims=True`, which you know from lesson 4, keeps one number for
# each row in a shape that lines up with the rows.

# %% [markdown] tags=["exercise"]
# ### Exercise: A softmax that never overflows
#
# The softmax of a row is $p_i = e^{x_i} / \sum_j e^{x_j}$. Computed like this it fails: $e^{1000}$ is
# more than a float can hold. But adding a number to a whole row changes nothing, because it cancels
# in the fraction.
#
# Write the softmax over the last axis of an array `x` of any shape, right for entries of any size.
# Entries may be $-\infty$ (their probability is 0), but not all entries of a row.
#
#     >>> stable_softmax(np.array([[1000.0, 1000.0], [0.0, -np.inf]]))
#     array([[0.5, 0.5],
#            [1. , 0. ]])


# %% tags=["exercise"]
def stable_softmax(x):
    """Return the softmax over the last axis."""
    raise NotImplementedError


# %%
tx.check("stable_softmax", stable_softmax)

# %% [markdown]
# The library's op does the same, along the last axis or along another: `tx.softmax(x, axis=0)`.

# %%
print(tx.softmax(scores + 1000).round(3))

# %% [markdown]
# ## A table of slopes
#
# Raise the score of *cat*, and leave the other two alone:

# %% mystnb={"image": {"alt": "Three curves against the score of cat: its probability rises in an S, those of dog and bird fall."}}
cat_axis = np.linspace(-4, 6, 101)
rows = np.stack([cat_axis, np.full(101, 1.0), np.full(101, 0.1)], axis=1)
figure, axes = plt.subplots(figsize=(6, 3.5))
for name, curve in zip(classes, tx.softmax(rows).T, strict=True):
    axes.plot(cat_axis, curve, label=name)
axes.axvline(2.0, color="grey", linestyle=":")
axes.set(xlabel="score of cat", ylabel="probability")
axes.legend()
plt.show()

# %% [markdown]
# *Cat* rises. *Dog* and *bird* fall, although their scores have not moved: the three share a sum of
# 1, and what one gains the others lose. At the dotted line, where the score is 2, there are three
# slopes, one for each curve. Moving the score of *dog* gives three more, and *bird* another three.
#
# All of them together are a table with a row for each output and a column for each input:
#
# $$J_{ij} = \frac{\partial p_i}{\partial x_j}.$$
#
# Such a table is called a *Jacobian*. ($\partial$ instead of $d$ says that the other inputs stay
# where they are.)
#
# Take an entry off the diagonal first, $i \ne j$. Write $S$ for the denominator, so that
# $p_i = e^{x_i} / S$. When $x_j$ moves, the numerator $e^{x_i}$ stays, and $S$ moves with the slope
# $e^{x_j}$. The derivative of $1/S$ is $-1/S^2$, so
#
# $$J_{ij} = e^{x_i} \cdot \Big(-\frac{1}{S^2}\Big) \cdot e^{x_j} = -p_i\, p_j.$$
#
# On the diagonal, $i = j$, the numerator moves as well, and one more term appears. Find it with the
# quotient rule. The whole table can then be written with $p$ alone.

# %% [markdown] tags=["exercise"]
# ### Exercise: All derivatives of a softmax at once
#
# Let $p$ be the softmax of a row $x$ of $n$ numbers. Its Jacobian is the $n \times n$ matrix of all
# derivatives, $J_{ij} = \frac{\partial p_i}{\partial x_j}$.
#
# Write a function that computes this matrix from the probabilities `p` alone, an array of shape
# `(n,)`.
#
#     >>> softmax_jacobian(np.array([0.5, 0.5]))
#     array([[ 0.25, -0.25],
#            [-0.25,  0.25]])


# %% tags=["exercise"]
def softmax_jacobian(p):
    """Return the matrix of the derivatives dp[i]/dx[j], where p is the softmax of x."""
    raise NotImplementedError


# %%
tx.check("softmax_jacobian", softmax_jacobian)

# %% [markdown]
# `tx.jacobian` gives the same table from the backward pass, one row for each output. Red is
# positive, blue is negative.

# %% mystnb={"image": {"alt": "A table of three by three slopes: red and positive on the diagonal, blue and negative elsewhere."}}
x = tx.Tensor(scores, name="x")
table = tx.jacobian(tx.softmax(x), x)
figure, axes = plt.subplots(figsize=(3.8, 3.2))
axes.imshow(table, cmap="RdBu_r", vmin=-0.3, vmax=0.3)
for (i, j), slope in np.ndenumerate(table):
    axes.text(j, i, f"{slope:.3f}", ha="center", va="center")
axes.set_xticks(range(3), [f"score of\n{name}" for name in classes])
axes.set_yticks(range(3), [f"p of {name}" for name in classes])
figure.tight_layout()
plt.show()

# %% [markdown]
# Three things can be seen, and each has its reason:
#
# * **Signs.** Positive on the diagonal, negative elsewhere: a class gains by its own score and
#   loses by the others'.
# * **Each column sums to 0.** Whatever score moves, the probabilities keep their sum of 1, so gains
#   and losses cancel.
# * **Each row sums to 0.** Moving all scores together is the shift, and the shift changes nothing.
#
# The table is also symmetric, because $p_i\,p_j = p_j\,p_i$.

# %%
print("columns:", table.sum(axis=0).round(12))
print("rows:   ", table.sum(axis=1).round(12))

# %% [markdown]
# ## The rule, without the table
#
# The rule receives $\bar p$, how the loss changes with each probability, and has to return $\bar x$.
# A score changes all probabilities, so its gradient is a sum over all of them:
#
# $$\bar x_i = \sum_j \bar p_j\, J_{ji}.$$
#
# ($J_{ji}$ is in row $j$ and column $i$: the slope of $p_j$ in $x_i$.) One could build the table
# and multiply. For three classes that is fine. A model that chooses the next word of a text has
# perhaps 50,000 classes, and the table 2.5 billion entries, 20 gigabytes, for one row of one batch.
#
# But the table depends on $p$ alone, so it is simple enough to sum on paper. With $[i = j]$ for 1
# where $i$ equals $j$ and 0 elsewhere, both cases of $J$ fit into one line:
#
# $$\bar x_i = \sum_j \bar p_j\; p_j\, \big([i = j] - p_i\big).$$
#
# Split the sum at the minus sign. In the first sum only one term is left. In the second $p_i$ does
# not depend on $j$, and can be pulled out. What remains needs one sum for the whole row, and no
# table.
#
# In the exercise the output is called $y$, as always in a rule, where we have written $p$.

# %% [markdown] tags=["exercise"]
# ### Exercise: The backward rule of softmax
#
# The function is the softmax $y_i = e^{x_i} / \sum_j e^{x_j}$ along the axis `axis`, on an array of
# any shape. Its backward rule receives `grad` (the gradient of the loss with respect to $y$, written
# $\bar y$), the output `y`, the input `x`, and `axis`. The three arrays have the same shape.
#
# Write the rule without forming the Jacobian matrix: return the gradient of the loss with respect to
# $x$, an array of the same shape.
#
#     >>> y = np.array([0.25, 0.75])
#     >>> softmax_backward(np.array([1.0, 0.0]), y, np.log(y), axis=-1)
#     array([ 0.1875, -0.1875])


# %% tags=["exercise"]
def softmax_backward(grad, y, x, *, axis):
    """Return the gradient of x, where y is the softmax of x along an axis."""
    raise NotImplementedError


# %%
tx.check("softmax_backward", softmax_backward)

# %% [markdown]
# ## What the rule says
#
# Read the finished rule as a sentence. The sum $\sum_j \bar p_j\, p_j$ is a mean of the upstream
# gradients, weighted by the probabilities. A score receives its own upstream gradient *minus this
# mean*, times its probability.
#
# Here is a case that shows it. A machine has three buttons that pay 10, 2 and 6. You press them with
# the probabilities $p$, so on average you get $\sum_j p_j \cdot \text{pay}_j$. So the upstream
# gradient of $p_j$ is the pay of button $j$. The scores below are chosen so that $p$ is 1/2, 1/4,
# 1/4; the mean pay is then $5 + 0.5 + 1.5 = 7$.
#
# The first button pays 3 more than the mean, so its score has the gradient $\frac12 \cdot 3 = 1.5$:
# press it more often. The second pays 5 less: $\frac14 \cdot (-5) = -1.25$. What does the third
# get, although it pays 6? Work it out, then step through with **Predict first**.

# %%
x = tx.Tensor(np.log([2.0, 1.0, 1.0]), name="x")
pay = np.array([10.0, 2.0, 6.0])
p = tx.softmax(x)
mean_pay = (p * pay).sum()
tx.play(mean_pay, names=locals())

# %% [markdown]
# The third gets $\frac14 \cdot (6 - 7) = -0.25$. It pays, but less than the mean, and its share is
# better spent on the first. The three gradients sum to 0, because every row of the table does.

# %% [markdown]
# ## Find the mistake
#
# The gradients of a row sum to 0. This law holds for whatever a softmax sends back, whatever the
# upstream gradient. There are more of this kind. `tx.invariants` finds out by trying which laws follow from
# what a function does, and whether its rule keeps them. (*shift* is the law of the rows of the table,
# and *total* that of its columns. *symmetry* speaks of second derivatives; they come in lesson 13.)

# %%
batch = [[2.0, 1.0, 0.1], [0.0, 1.0, 5.0]]
tx.invariants(tx.softmax, batch)

# %% [markdown]
# Now a softmax with a wrong rule from the library's museum of wrong rules. Its forward pass is
# right, its gradients have the right shape, and no error is raised. Which laws does it break?

# %%
mystery = puzzle(0, "softmax")
tx.invariants(mystery, batch)

# %% [markdown]
# Its gradients do not sum to 0: *shift* is broken, and with it *total*. A broken law tells you that
# something is wrong, and often what kind of thing. `tx.gradcheck` compares with nudges, as the check
# of lesson 3 does, and then looks for the reason. It tries several random upstream gradients, and
# shows one of them in its tables. Before you run the next cell, guess: which part of the table of
# slopes does this rule know?

# %%
tx.gradcheck(mystery, batch)

# %%
print(answer(mystery).source)

# %% [markdown]
# It has the diagonal alone, $p_i (1 - p_i)$. That is the rule of the sigmoid, where each output has
# one input, and a common mistake with a softmax.
#
# The next wrong rule is harder to catch. It forgets `axis` in its sum, so that the mean is taken
# over the whole batch. Check it with one row, and then with two:

# %%
careless = op_of("softmax_summed_over_the_batch")
print(tx.gradcheck(careless, [[2.0, 1.0, 0.1]]))
print()
print(tx.gradcheck(careless, batch))

# %% [markdown]
# With one row the whole batch *is* the row, and the check has nothing to find. Check rules with at
# least two rows, and never with as many rows as columns, which hides other mistakes.

# %% [markdown]
# ## Far out, nothing gets through
#
# Look once more at the curves: far to the left and far to the right they are flat. Every entry of the
# table is a product, either of $p_i$ and $p_j$ or of $p_i$ and $1 - p_i$, and when the model is sure,
# all of these products are small.

# %%
for lead in [0.0, 5.0, 10.0, 20.0]:
    x = tx.Tensor([lead, 0.0])
    p = tx.softmax(x)
    largest = np.abs(tx.jacobian(p, x)).max()
    print(f"lead {lead:4}  p[1] {p.data[1]:.1e}  largest slope {largest:.1e}")

# %% [markdown]
# The softmax is then *saturated*. That is as it should be when the model is sure and right. When it
# is sure and wrong, it ought to learn most of all, and hardly anything gets through the softmax. The
# next three lessons are about the function that makes up for it: the logarithm.

# %% [markdown]
# ## Summary
#
# * Softmax turns scores into probabilities: $p_i = e^{x_i} / \sum_j e^{x_j}$. Only differences of
#   scores count.
# * Subtract the largest score of each row first. It changes nothing on paper, and no exponential
#   overflows.
# * Its Jacobian is $J_{ij} = [i = j]\,p_i - p_i\,p_j$: rows and columns sum to 0.
# * The rule needs no table: $\bar x_i = p_i\,(\bar p_i - \sum_j \bar p_j\,p_j)$. Each score receives
#   its upstream gradient minus the mean, times its probability.
# * A softmax that is sure lets hardly any gradient through.
#
# ## Further reading
#
# * J. S. Bridle, "Probabilistic interpretation of feedforward classification network outputs, with
#   relationships to statistical pattern recognition", in *Neurocomputing: Algorithms, Architectures
#   and Applications*, Springer, 1990: where the name softmax comes from.
# * I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning*, MIT Press, 2016, sections 4.1 and
#   6.2.2.3: overflow, underflow, and softmax as the last layer.
# * B. Gao, L. Pavel, "On the properties of the softmax function with application in game theory and
#   reinforcement learning", arXiv:1704.00805, 2017: the Jacobian and what follows from it.
# * R. J. Williams, "Simple statistical gradient-following algorithms for connectionist
#   reinforcement learning", *Machine Learning* 8, 1992: the machine with buttons, when the pay is
#   not known.

# %% [markdown]
# [Back: 4. Broadcasting and sums](04_broadcasting_and_sums.ipynb)  |  [All lessons](00_start.ipynb)  |  [Next: 6. The logarithm, and where digits are lost](06_logarithm.ipynb)

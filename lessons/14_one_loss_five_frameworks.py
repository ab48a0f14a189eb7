# %% [markdown]
# # 14. One loss, five frameworks
#
# *About 35 minutes. [All lessons](00_start.ipynb)*
#
# You know one cross-entropy by now, its value, its gradient and its last digits. Out there it comes
# under a dozen names. On ordinary numbers all frameworks say the same. At the edges they do not:
# the same labels and the same numbers give another loss, another gradient, or an error. This lesson
# puts the same questions to TensorFlow 1, TensorFlow 2, Keras, PyTorch and JAX, shows where they
# part, and finds the step of each that makes the difference.
#
# You need the cross-entropies of lessons 7 and 8, and the check by nudges from lesson 3.

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np

import tinygrad_xent as tx

# %% [markdown]
# ## Who calls it what
#
# * **TensorFlow 1.4**: `tf.nn.softmax_cross_entropy_with_logits(labels=, logits=)`
# * **TensorFlow 2**: the same, and `tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)`
# * **Keras**: `categorical_crossentropy(target, output)` and
#   `sparse_categorical_crossentropy(target, output)`
# * **PyTorch**: `torch.nn.functional.cross_entropy(input, target)`
# * **JAX**, with the library Optax: `optax.softmax_cross_entropy(logits, labels)` and
#   `optax.softmax_cross_entropy_with_integer_labels(logits, labels)`
#
# Before any number, four things are different:
#
# * **The order.** PyTorch and Optax want the logits first, the others the labels. Dense labels and
#   logits have the same shape, so to swap them is no error; it is another function. TensorFlow 1
#   therefore refuses arguments without names.
# * **What goes in.** Keras takes *probabilities* unless one says `from_logits=True`. The others
#   take logits and nothing else.
# * **Where the classes are.** Along the last axis; in PyTorch along axis 1, so that a batch of
#   images has the shape (images, classes, height, width).
# * **What comes out.** One loss for each row; from PyTorch their mean, unless one says
#   `reduction="none"`.

# %% [markdown]
# ## Ten dialects
#
# Installing all of them is a matter of gigabytes, and two versions of one framework do not go
# together. This library has their algorithms instead: for each framework the steps that it goes
# through, made of the ops that you know. They are called *dialects* here. Each was compared with
# what the framework itself said to some 160 questions, losses, gradients and errors; the tests hold
# them to these records.
#
# Keras comes in several dialects, because it does not compute the same everywhere: Keras in
# TensorFlow 2.2 (`keras2`, and `keras2-graph` in a compiled function), and Keras 3 on TensorFlow,
# JAX, PyTorch and NumPy.

# %%
z = [[2.0, 1.0, 0.1]]
for dialect in ("tf2", "keras2", "torch", "optax"):
    print(f"{dialect:7}", tx.crossentropy_as(dialect, [0], z, from_logits=True))

# %% [markdown]
# The loss from lesson 9, four times. If you have one of the frameworks, compare: in PyTorch it is
#
# ```python
# import torch
#
# logits = torch.tensor([[2.0, 1.0, 0.1]], dtype=torch.float64)
# torch.nn.functional.cross_entropy(logits, torch.tensor([0]), reduction="none")
# ```
#
# A dialect is made of ordinary ops, so it has a graph, which can be drawn, traced and
# differentiated. The same loss is not the same computation. These are the ops, in the order in
# which they are made:

# %%
logits = tx.Tensor(z, name="logits")
for dialect in ("tf2", "torch", "optax", "keras3-jax"):
    loss = tx.crossentropy_as(dialect, [0], logits, from_logits=True)
    print(f"{dialect:10}", ", ".join(str(step.op) for step in tx.ancestors(loss) if step.op))

# %% [markdown]
# TensorFlow takes the log-softmax, picks the entry of the right class (`take_along_axis`) and
# changes its sign. PyTorch does the same; its `where` is there for a label that means "no class",
# of which more below. Keras on JAX multiplies with a row of 0 and 1, and adds up. Optax takes the
# log-sum-exp and subtracts the logit of the right class:

# %%
loss = tx.crossentropy_as("optax", [0], logits, from_logits=True)
tx.draw(loss, names=locals())

# %% [markdown]
# `tx.compare` puts a question to all dialects at once, and groups those that agree in loss and
# gradient:

# %%
tx.compare([0], z, from_logits=True)

# %% [markdown]
# ## A probability of 0
#
# Now Keras's default: probabilities. A model gives the row $(1, 0, 0)$, and class 1 is the right
# one. The cross-entropy is $-\ln 0 = \infty$. Keras does not want infinite losses, and clips: every
# entry is moved into the range from $\varepsilon = 10^{-7}$ to $1 - \varepsilon$. Then the loss is
# $-\ln 10^{-7} = 16.1$, and no more. Before you run the cell: what is the gradient?

# %%
tx.compare([1], [[1.0, 0.0, 0.0]])

# %% [markdown]
# It is 0 in all entries. A nudge of a clipped number does not get through the clip. The model that
# is as wrong as can be is told that nothing needs to change.
#
# There are two groups, though both say 16.1. They differ in the seventh digit behind the point,
# because the second group does one thing more. Ask about the right class, and it shows:

# %%
tx.compare([0], [[1.0, 0.0, 0.0]])

# %% [markdown]
# Keras in TensorFlow clips and then takes the logarithms for logits: it hands them to
# `sparse_softmax_cross_entropy_with_logits`. The softmax in there divides by the sum of the row
# once more, after the clip. The sum is $1 - 10^{-7} + 2 \cdot 10^{-7}$, a little more than 1, and
# that is the second $10^{-7}$.
#
# Write these three steps down, and you have one of the frameworks in your own code.

# %% [markdown] tags=["exercise"]
# ### Exercise: What Keras makes of probabilities
#
# `sparse_categorical_crossentropy` of Keras 2.2 takes probabilities by default. If it gets a plain
# array (and not the output of a softmax layer), it does three things to each row:
#
# 1. clip every entry to the range from $\varepsilon = 10^{-7}$ to $1 - \varepsilon$,
# 2. take the logarithm of each entry, and use it as a logit,
# 3. compute the sparse cross-entropy of these logits: $\ln \sum_j e^{z_j} - z_t$.
#
# In effect, the last step divides the clipped entries by their sum. So any row of positive numbers
# has a loss, and even a certain and right prediction has a loss above 0.
#
# Write it for `target`, integers of shape `(N,)`, and `p` of shape `(N, C)`: one loss per row.
#
#     >>> keras_probability_loss(np.array([0, 1]), np.array([[0.5, 0.5], [1.0, 0.0]])).round(3)
#     array([ 0.693, 16.118])


# %% tags=["exercise"]
def keras_probability_loss(target, p):
    """Return the loss of each row, as Keras 2.2 computes it from an array of probabilities."""
    raise NotImplementedError


# %%
tx.check("keras_probability_loss", keras_probability_loss)

# %% [markdown]
# A difference of $10^{-7}$ harms nobody. But the order of two steps was exchanged, and there are rows
# for which that matters. Somebody has forgotten the softmax, and passes $(2, 2, 4)$. Work out both
# ways: first clip, then divide by the sum; first divide, then clip.
#
# `tinygrad_xent` warns about a row that cannot be probabilities. Here it is on purpose, so the
# warning is switched off:

# %%
warnings.simplefilter("ignore", tx.errors.ProbabilitiesWarning)
tx.compare([0], [[2.0, 2.0, 4.0]])

# %% [markdown]
# Clipped first, all entries become $1 - 10^{-7}$, so each class has a third, and the loss is
# $\ln 3 = 1.10$, with a gradient of 0. Divided first, the right class has a quarter: $\ln 4 = 1.39$,
# and there is a gradient. The report shows the row before and after the step that makes the
# difference. It found that step by trying: it gave one dialect the steps of the other until both
# answered alike.
#
# For a row of zeros the first way still says $\ln 3$, and the second $0/0$, which is NaN. Neither
# framework complains.
#
# The *dense* loss of Keras divides first on all backends. So within one library, the sparse and the
# dense loss of the same labels need not be the same:

# %%
row = [[2.0, 2.0, 4.0]]
print("sparse:", tx.crossentropy_as("keras2", [0], row))
print("dense: ", tx.crossentropy_as("keras2", [[1.0, 0.0, 0.0]], row))

# %% [markdown]
# ## The same program, compiled
#
# Lesson 8 showed the cliff of the clip, and the way round it: to look through the softmax to its
# logits. Keras 2 does that, but only where it can see the softmax, which is in a compiled function
# (`tf.function`, or `model.fit`). Called directly, it gets numbers and does not know where they
# come from. So the same two lines of a program have two losses and two gradients. The wrong class
# leads by 50:

# %%
logits = tx.Tensor([[0.0, 50.0]], name="logits")
probabilities = tx.softmax(logits)
for dialect in ("keras2-graph", "keras2"):
    loss = tx.crossentropy_as(dialect, [0], probabilities)
    slope = tx.gradients(loss.sum(), logits)
    print(f"{dialect:12}  loss {loss.data[0]:.3f}  gradient {slope[0]}")

# %% [markdown]
# Up to a lead of 16 both are the same. Beyond it the compiled program goes on learning at full
# strength, and the other one does not learn at all. If you pass logits, with `from_logits=True`, you
# get the first in both.

# %% [markdown]
# ## A label that is not a class
#
# Sequences have different lengths. To put them into one array, the short ones are padded, and the
# labels of the padding are often $-1$. What should the loss of such a row be? Make a guess for each
# framework.

# %%
tx.compare([-1], z, from_logits=True)

# %% [markdown]
# Three answers. TensorFlow and PyTorch refuse. JAX compiles a program first and runs it later,
# perhaps on a GPU, and then it cannot raise an error because of a number. So Keras on JAX turns the
# label into a row of zeros, and the loss is 0; and Optax reads $-1$ as Python does, as the last
# class. The model then learns to predict the last class for all padding, without any sign of it.
#
# PyTorch has a number for "no class", and it is $-100$. With it, the loss is 0, and the mean does not
# count the row. And what about a class number that is too large? Try `[-100]` and `[3]` in the cell
# above.
#
# The safe way is the same in all of them: put any class that exists, and multiply the loss of that
# row by 0.

# %% [markdown]
# ## Labels that do not sum to 1
#
# Dense labels $t$ are meant to be probabilities. If they are weights instead, such as $(2, 1)$,
# then the loss is still defined, and all frameworks agree about it. Lesson 7 had the gradient: with
# $s$ for the sum of the labels it is $s\,p - t$, and only for $s = 1$ it is $p - t$.

# %%
tx.compare([[2.0, 1.0]], [[0.0, 1.0]], from_logits=True)

# %% [markdown]
# TensorFlow sends back $p - t$ in any case: the op computes the gradient together with the loss,
# before anybody could ask about the labels. The dialects have this fault on purpose. You can find out
# who is right, without asking anybody:

# %%
z_two = tx.Tensor([0.0, 1.0], name="z")
for dialect in ("tf2", "torch"):
    loss = tx.crossentropy_as(dialect, [2.0, 1.0], z_two, from_logits=True)
    print(dialect, "sum of the gradient:", tx.gradients(loss, z_two).sum().round(3))
    print(tx.gradcheck(loss), "\n")

# %% [markdown]
# The nudges show it, and so does the law of lesson 5: a shift of all logits changes nothing, so the
# gradient must sum to 0. In TensorFlow's answer it sums to $-2$. Training with it is not training on
# this loss.

# %% [markdown]
# ## Zero times infinity
#
# A class is forbidden, so its logit is set to $-\infty$: its probability is 0. The right class is
# another one, and the label of the forbidden class is 0. Nothing is wrong with that.

# %%
tx.compare([[1.0, 0.0]], [[0.0, -np.inf]], from_logits=True)

# %%
tx.compare([0], [[0.0, -np.inf]], from_logits=True)

# %% [markdown]
# With dense labels all of them compute $\sum_i t_i \ln p_i$, and $0 \cdot \ln 0 = 0 \cdot (-\infty)$
# is NaN for a computer, although it should be 0. With a class number most frameworks pick one entry,
# and never touch the others. Keras on JAX and NumPy first turns the class number into a one-hot row,
# and falls into the same trap. (This library's own losses leave the term out; you saw it in lesson
# 7.)

# %% [markdown]
# ## Whose mean?
#
# The last difference is not within the rows: it is what becomes of $N$ losses. With a weight for each
# class, PyTorch's mean divides by the sum of the weights if the labels are class numbers, and by $N$
# if they are rows of probabilities. Both are called `reduction="mean"`:

# %%
logits = np.array([[1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0]])
target, class_weights = [3, 0], np.array([1.0, 2.0, 3.0, 4.0])
losses = tx.crossentropy_as("torch", target, logits, from_logits=True)
weights = class_weights[target]
print("class numbers:", (weights * losses).sum() / weights.sum())
print("one-hot rows: ", (weights * losses).sum() / len(losses))

# %% [markdown]
# The same labels, the same weights, and steps of training that are 2.5 times as long in one case.
# The weights of the two rows are 4 and 1, their sum is 5, and $N$ is 2.

# %% [markdown]
# ## All at a glance
#
# Here are the questions of this lesson once more. In each row, equal colours are equal answers, in
# loss and gradient; grey has no such call.

# %%
questions = {
    "logits 2, 1, 0.1; class 0": ([0], z, True),
    "probabilities 1, 0, 0; class 0": ([0], [[1.0, 0.0, 0.0]], False),
    "probabilities 2, 2, 4; class 0": ([0], [[2.0, 2.0, 4.0]], False),
    "probabilities 0, 0, 0; class 0": ([0], [[0.0, 0.0, 0.0]], False),
    "logits 2, 1, 0.1; class −1": ([-1], z, True),
    "logits 2, 1, 0.1; class −100": ([-100], z, True),
    "logits 0, 1; labels 2, 1": ([[2.0, 1.0]], [[0.0, 1.0]], True),
    "logits 0, −∞; labels 1, 0": ([[1.0, 0.0]], [[0.0, -np.inf]], True),
    "logits 0, −∞; class 0": ([0], [[0.0, -np.inf]], True),
}

# %%
dialects = ["tf1", "tf2", "torch", "optax", "keras2", "keras3-tf", "keras3-jax", "keras3-torch"]
colours = np.full((len(questions), len(dialects)), np.nan)
words = np.full(colours.shape, "", dtype=object)
for i, (labels, x, from_logits) in enumerate(questions.values()):
    for number, group in enumerate(tx.compare(labels, x, from_logits=from_logits).groups):
        answer = "error" if group.first.error else f"{group.first.loss[0] + 0:.3g}"
        for dialect in set(group.dialects) & set(dialects):
            colours[i, dialects.index(dialect)] = number
            words[i, dialects.index(dialect)] = answer

# %% mystnb={"image": {"alt": "A table of questions and dialects, coloured by answer: only the first row has a single colour."}}
figure, axes = plt.subplots(figsize=(8, 4.4))
axes.set_facecolor("0.85")
axes.imshow(colours, cmap="Pastel2", vmin=0, vmax=7, aspect="auto")
for (i, j), answer in np.ndenumerate(words):
    axes.text(j, i, answer, ha="center", va="center", color="black")
axes.set_xticks(range(len(dialects)), dialects, rotation=30, ha="right")
axes.set_yticks(range(len(questions)), questions)
figure.tight_layout()
plt.show()

# %% [markdown]
# Only the first row has a single colour and good numbers. The row of labels that sum to 3 has two
# colours and one loss; only the gradients differ. And in the row of the dense labels with $-\infty$
# all agree on NaN.
#
# ## How to avoid the differences
#
# * Pass logits, not probabilities. Then most of the differences are gone.
# * Look at the labels before training: class numbers from 0 to $C - 1$, rows that sum to 1.
# * When a model moves from one framework to another, first compare loss and gradient of a batch, and
#   not only of an ordinary one.
# * Pass `reduction`, `axis` and `from_logits` even where the default is what you want.

# %% [markdown]
# ## Summary
#
# * On ordinary logits and labels the frameworks agree in loss and gradient. They differ in names,
#   in the order of the arguments, in the axis, and in who takes the mean.
# * From probabilities Keras clips to $[10^{-7}, 1 - 10^{-7}]$. The clip bounds the loss, and takes
#   the gradient away where the model is most wrong. Whether the row is divided by its sum before or
#   after the clip depends on loss and backend.
# * A label that is not a class is an error, a loss of 0, the last class or NaN.
# * TensorFlow's gradient is $p - t$ even where that is not the derivative of the loss. A check by
#   nudges shows it.
# * $0 \cdot \infty$ is NaN: a forbidden class and dense labels do not go together.
#
# ## Further reading
#
# * This library's documentation, page "One loss, ten answers": 49 kinds of edge case, with every
#   answer and the step that makes the difference.
# * TensorFlow API documentation, `tf.nn.softmax_cross_entropy_with_logits`,
#   tensorflow.org/api_docs: read the warning about labels, and what it does not check.
# * PyTorch documentation, `torch.nn.CrossEntropyLoss`, docs.pytorch.org: class numbers and
#   probabilities, weights, and both ways of taking the mean, as formulas.
# * Keras documentation, "Probabilistic losses", keras.io/api/losses: which losses there are, and
#   `from_logits`.
# * Optax documentation, "Losses", optax.readthedocs.io: the functions for JAX, and one that counts
#   $0 \cdot \ln 0$ as 0.

# %% [markdown]
# [Back: 13. Gradients of gradients](13_gradients_of_gradients.ipynb)  |  [All lessons](00_start.ipynb)  |  [Next: 15. Past one machine](15_past_one_machine.ipynb)

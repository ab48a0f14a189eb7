# %% [markdown]
# # 2. The chain rule, one step at a time
#
# *About 40 minutes. [All lessons](00_start.ipynb)*
#
# The last lesson ended with `loss.backward()`: one walk through the graph, and every gradient is
# there. This lesson takes the walk apart. You will multiply slopes along a path, see why one starts
# at the loss and not at the inputs, add up where paths meet, and find out what goes wrong when the
# walk visits the tensors in a wrong order. At the end you will have written the whole backward pass
# of a graph of numbers yourself.

# %%
import matplotlib.pyplot as plt
import numpy as np

import tinygrad_xent as tx

# %% [markdown]
# ## Slopes along a path multiply
#
# Take $y = e^{-x^2}$, the bell curve. A computer does it in three steps:
#
# $$a = x^2, \qquad b = -a, \qquad y = e^b.$$
#
# Nudge $x$ by a tiny $\varepsilon$ and follow the nudge. The square has slope $2x$, so $a$ moves by
# $2x\,\varepsilon$. The minus turns that into $-2x\,\varepsilon$ at $b$. The exponential is its own
# slope, so $y$ moves by $y \cdot (-2x)\,\varepsilon$. Each step multiplies what arrives by its own
# slope. In one line:
#
# $$\frac{dy}{dx} = \frac{dy}{db} \cdot \frac{db}{da} \cdot \frac{da}{dx} = e^b \cdot (-1) \cdot 2x.$$
#
# This is the *chain rule*. At $x = 1$ it gives $e^{-1} \cdot (-1) \cdot 2 = -0.736$.

# %% [markdown] tags=["exercise"]
# ### Exercise: The chain rule, by hand
#
# The function is $y = e^{-x^2}$, entry by entry. It is made of three steps: $a = x^2$, then $b = -a$,
# then $y = e^b$. Each step has its own derivative, and the chain rule multiplies them.
#
# Write a function that returns $\frac{dy}{dx}$ for an array `x` of any shape, as an array of that
# shape.
#
#     >>> chain_rule(np.array([1.0, 2.0])).round(3)
#     array([-0.736, -0.073])


# %% tags=["exercise"]
def chain_rule(x):
    """Return dy/dx, where y = exp(-x**2)."""
    raise NotImplementedError


# %%
tx.check("chain_rule", chain_rule)

# %% [markdown]
# The same derivative from the library, for a hundred places at once, beside the curve.
# `tx.gradients(result, x)` is a backward pass like `result.backward()`, but returns the gradient
# instead of leaving it in `x.grad`. Where the curve rises the slope is positive, at its top 0, and it
# is steepest at $x = \pm 0.71$.

# %% mystnb={"image": {"alt": "A bell curve, and its slope: positive on the left, 0 at the top, negative on the right."}}
x = tx.Tensor(np.linspace(-3, 3, 101))
bell = tx.exp(-(x**2))
slope = tx.gradients(bell.sum(), x)
figure, axes = plt.subplots(figsize=(6, 3.5))
axes.plot(x.data, bell.data, label="y")
axes.plot(x.data, slope, "--", label="dy/dx")
axes.axhline(0, color="grey", linewidth=0.5)
axes.set(xlabel="x")
axes.legend()
plt.show()

# %% [markdown]
# (Why `.sum()`? A backward pass starts from a single number. In the sum every entry of `bell` counts
# once, and entry 7 of `bell` depends on entry 7 of `x` alone. So the gradient of the sum has all the
# slopes, each at its place.)

# %% [markdown]
# ## Why one starts at the loss
#
# There are three numbers to multiply: $e^b \cdot (-1) \cdot 2x$. From right to left, you follow the
# nudge: begin with how fast $x$ moves, then $a$, then $b$, then $y$. This is called *forward mode*.
# It answers the question: if *this input* moves, how does everything after it move? With a million
# inputs you have to ask it a million times.
#
# From left to right, it is the other way around. Begin with $y$, and ask for each tensor: by how much
# does the *result* move if this one does?
#
# $$\bar y = 1, \qquad \bar b = \bar y\, e^b,$$
#
# $$\bar a = \bar b \cdot (-1), \qquad \bar x = \bar a \cdot 2x.$$
#
# As before, $\bar a$ is the gradient of the result with respect to $a$. This is *reverse mode*; for
# neural networks it is called *backpropagation*. One walk from the result answers the question for
# everything that went into it. A loss is one number that depends on millions of others: that is why
# you begin at the loss.
#
# The trace lists both walks. In its rules, `∂a` stands for $\bar a$.

# %%
x = tx.Tensor(1.0, name="x")
a = x**2
b = -a
y = tx.exp(b)
print(tx.trace(y, names=locals()))

# %% [markdown]
# Look at the column *sends* from top to bottom: 0.368, then times $-1$, then times 2. That is the
# product from the left.
#
# ## Step through both walks
#
# The player shows the same steps in the graph. **Next** goes one step on; first come the values, top
# to bottom, then the gradients, from the bottom up. At each step the rule and its numbers appear
# beside the graph, or below it. Go to the end once. Then tick **Predict first**, go back to the first
# step with **First**, and type each gradient before it is shown.

# %%
tx.play(y, names=locals())

# %% [markdown]
# ## Where paths meet, gradients add up
#
# So far there was one path. Now let $x$ reach the result in two ways:
#
# $$a = x^2, \qquad b = 3x, \qquad y = a\,b.$$
#
# A nudge of $x$ moves $a$, and that moves $y$. It also moves $b$, and that moves $y$ a second time.
# Both happen, so $y$ moves by the sum:
#
# $$\bar x = \underbrace{\bar a \cdot 2x}_{\text{through } a} +
# \underbrace{\bar b \cdot 3}_{\text{through } b}.$$
#
# At $x = 2$ we have $a = 4$ and $b = 6$. The rule of the product from lesson 1 gives
# $\bar a = b = 6$ and $\bar b = a = 4$. So $\bar x = 6 \cdot 4 + 4 \cdot 3 = 36$. And indeed
# $y = 3x^3$ has the slope $9x^2 = 36$.

# %%
x = tx.Tensor(2.0, name="x")
a = x**2
b = 3 * x
y = a * b
tx.draw(y, names=locals())

# %% [markdown]
# Look at the two arrows that leave `x`: 24 comes back along one, 12 along the other, and `x` has 36.
#
# In general: **multiply along each path, add up over all paths**. A sum over all paths sounds like a
# lot of work, and it can be. In the graph below each tensor is the sum of the previous one with
# itself, so there are two arrows from each to the next, and with every step the number of paths
# doubles.

# %%
start = tx.Tensor(1.0)
end = start
for _ in range(30):
    end = end + end
print("paths:              ", 2**30)
print("steps backward:     ", len(tx.trace(end).backward))
print("gradient of start:  ", tx.gradients(end, start))

# %% [markdown]
# A billion paths, 60 steps. Each tensor first collects what arrives from all paths behind it, in one
# number, and then sends on that number along each of its arrows. This collecting is what makes
# reverse mode cheap.

# %% [markdown]
# ## Why the order matters
#
# Collecting has a price: a tensor must not send before everything has arrived. Here is a graph
# where that can go wrong. `a` is used by `b`, and once more by `y`:
#
# $$a = x^2, \qquad b = 3a, \qquad y = a + b.$$
#
# Since $y = 4x^2$, the slope at $x = 1$ is 8. Suppose we are hasty: as soon as a tensor receives
# something, it sends it on. From $y$ both $a$ and $b$ receive 1. Now it is $a$'s turn, and it sends
# $1 \cdot 2x = 2$ to $x$. Then $b$ sends 3 to $a$, which has 4 now. But $a$ has already sent, so $x$
# stays at 2.
#
# Tick **Wrong order** in the player and watch it happen. Then untick it, and compare.

# %%
x = tx.Tensor(1.0, name="x")
a = x**2
b = 3 * a
y = a + b
tx.play(y, names=locals())

# %% [markdown]
# The remedy is an order in which every tensor comes after all that it receives from. Seen from the
# other end: list the tensors so that each comes after everything it was computed from, and go through
# the list backwards. Such a list is called a *topological order*.

# %% [markdown] tags=["exercise"]
# ### Exercise: Inputs before what uses them
#
# A graph is given as a dict: `inputs[name]` is the list of the names that `name` was computed from,
# empty for a leaf. A backward pass may pass a gradient on only when it is complete; for that it needs
# an order.
#
# Write a function that returns a list of `output` and all names that it was computed from, each once.
# Every name must come after all its inputs. There may be several such orders: any will do. Leave out
# names that `output` does not depend on.
#
#     >>> inputs = {"y": ["a", "x"], "a": ["x"], "x": [], "z": ["y"]}
#     >>> topological_order(inputs, "y")
#     ['x', 'a', 'y']


# %% tags=["exercise"]
def topological_order(inputs, output):
    """Return a list of output and its ancestors, inputs first."""
    raise NotImplementedError


# %%
tx.check("topological_order", topological_order)

# %% [markdown]
# The library makes it even simpler. A tensor is always made after its inputs, so it is enough to
# number the tensors as they are made; in `.birth` each has its number. Sorted by birth, they are in
# topological order.

# %%
order = tx.ancestors(y)
names = {x: "x", a: "a", b: "b", y: "y"}
for tensor in order:
    print(names[tensor], "was made as number", tensor.birth - order[0].birth)

# %% [markdown]
# ## The whole backward pass
#
# Now you have all the parts. Put 1 at the output. Go through the topological order backwards. At each
# tensor its gradient is complete; for each of its inputs multiply it by the slope, and *add* the
# product to what the input has received so far.

# %% [markdown] tags=["exercise"]
# ### Exercise: Where paths meet, gradients add up
#
# A graph of numbers is given by two dicts. `inputs[name]` is the list of the names that `name` was
# computed from, empty for a leaf. `slopes[name]` is a list of the same length: the derivative of
# `name` with respect to each of its inputs, in the same order. A name may be in a list twice, like
# `x` in `x * x`.
#
# Write the backward pass. Return a dict with the gradient of `output` with respect to every name that
# it was computed from, and to itself, which is 1. Leave out all other names.
#
#     >>> inputs = {"x": [], "a": ["x"], "y": ["a", "x"]}
#     >>> slopes = {"x": [], "a": [3.0], "y": [2.0, 10.0]}
#     >>> accumulate(inputs, slopes, "y")
#     {'x': 16.0, 'a': 2.0, 'y': 1.0}


# %% tags=["exercise"]
def accumulate(inputs, slopes, output):
    """Return the gradient of output with respect to each name that it depends on."""
    raise NotImplementedError


# %%
tx.check("accumulate", accumulate)

# %% [markdown]
# With arrays in place of numbers, and rules in place of slopes, this function is the heart of every
# framework that trains neural networks. In this library it is `tx.backpropagate`, a generator that
# yields each tensor with its finished gradient, so that you can watch it from a loop:

# %%
for tensor, gradient in tx.backpropagate(y):
    print(f"{names[tensor]} has its gradient complete: {gradient}")

# %% [markdown]
# ## Summary
#
# * Along a path the slopes of the steps multiply: the chain rule.
# * Reverse mode multiplies from the result's end. One walk gives the gradient of one result with
#   respect to everything that went into it.
# * Where paths meet at a tensor, their contributions add up. Adding before sending on is what saves
#   reverse mode from following every path.
# * A tensor may send only when all contributions have arrived. Going through a topological order
#   backwards ensures it.
#
# ## Further reading
#
# * D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by back-propagating
#   errors", *Nature* 323, 1986: four pages that made backpropagation known.
# * C. Olah, "Calculus on computational graphs: backpropagation", colah.github.io, 2015: forward and
#   reverse mode on one small graph, in pictures.
# * A. B. Kahn, "Topological sorting of large networks", *Communications of the ACM* 5(11), 1962: another
#   way to find a topological order, which counts arrows.
# * A. Griewank, A. Walther, *Evaluating Derivatives*, second edition, SIAM, 2008, chapter 3: why reverse
#   mode costs only a small multiple of the function itself.

# %% [markdown]
# [Back: 1. A tensor remembers](01_a_tensor_remembers.ipynb)  |  [All lessons](00_start.ipynb)  |  [Next: 3. Write an op](03_write_an_op.ipynb)

# %% [markdown]
# # 4. Broadcasting and sums
#
# *About 45 minutes. [All lessons](00_start.ipynb)*
#
# Most of what a network computes is linear: sums, copies, rearrangements, matrix products. Their
# rules need no calculus at all, only bookkeeping about what contributed to what. And they come in
# pairs: the rule of a sum is a copy, the rule of a copy is a sum. This lesson shows why, and with it
# where most wrong shapes in hand-written gradients come from.

# %%
import matplotlib.pyplot as plt
import numpy as np

import tinygrad_xent as tx

# %% [markdown]
# ## A sum sends copies
#
# Let $y = x_0 + x_1 + x_2$. Nudge any one of the three, and $y$ moves by just as much: all slopes are
# 1. So the gradient of $y$ goes unchanged to each entry, $\bar x_i = \bar y$. The gradient is copied.

# %%
x = tx.Tensor([2.0, 5.0, 1.0], name="x")
y = 10 * x.sum()
y.backward()
print(x.grad)

# %% [markdown]
# With an axis there are several sums at once. Below each row has its own sum, so the gradient of a
# row's sum goes to all entries of that row, and to no other row.

# %%
x = tx.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], name="x")
row_sums = tx.sum(x, axis=1)
print("two sums:", row_sums.data)
print(tx.gradients(row_sums, x, seed=[10.0, 20.0]))

# %% [markdown]
# Here `row_sums` is two numbers, not a loss. `seed` is their upstream gradient, as if a loss had
# followed: 10 for the first and 20 for the second.
#
# The bookkeeping is in the shapes. `x` has shape (2, 3), the upstream gradient has shape (2,). To
# copy it to the right places, the axis that the sum removed must first be put back with length 1: (2,
# 1), which NumPy then stretches to (2, 3). With `keepdims=True` the axis was never removed.

# %% [markdown] tags=["exercise"]
# ### Exercise: The backward rule of a sum
#
# The function is `y = np.sum(x, axis=axis, keepdims=keepdims)`, with one integer `axis`. Its backward
# rule receives `grad`, the output `y`, the input `x`, and the two parameters. `grad` is the gradient
# of the loss with respect to `y`, and has its shape.
#
# Write the rule: return the gradient with respect to `x`, an array of the shape of `x`. Without
# `keepdims`, `grad` lacks the summed axis; with it, that axis has length 1.
#
#     >>> x, grad = np.ones((2, 3)), np.array([10.0, 20.0])
#     >>> sum_backward(grad, np.sum(x, axis=1), x, axis=1, keepdims=False)
#     array([[10., 10., 10.],
#            [20., 20., 20.]])


# %% tags=["exercise"]
def sum_backward(grad, y, x, *, axis, keepdims):
    """Return the gradient of x, where y is the sum of x along an axis."""
    raise NotImplementedError


# %%
tx.check("sum_backward", sum_backward)

# %% [markdown]
# ## A copy sends a sum
#
# Now the other way around. NumPy's *broadcasting* stretches a small array to fit a larger one. A bias
# of three numbers is added to every row of a table:

# %%
table = tx.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], name="table")
bias = tx.Tensor([0.1, 0.2, 0.3], name="bias")
shifted = table + bias
shifted

# %% [markdown]
# `bias[0]` went into two entries of the result, one in each row. A nudge of it moves both. In lesson
# 2 you saw what happens where one number has an effect along two paths: the contributions add up. So
# the gradient of `bias[0]` is the sum over the rows of the upstream gradient in column 0.

# %%
arriving = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
d_table, d_bias = tx.gradients(shifted, [table, bias], seed=arriving)
print("to the table:", d_table.tolist())
print("to the bias: ", d_bias)

# %% [markdown]
# The rule of broadcasting thus has two parts, and they undo its two parts. Axes that broadcasting
# added in front are summed away. Axes that it stretched from length 1 are summed to length 1. The
# result must have exactly the shape of the array before it was stretched:
#
# | array before | stretched to | summed over |
# |---|---|---|
# | (3,) | (2, 3) | axis 0, which goes away |
# | (2, 1) | (2, 3) | axis 1, which stays with length 1 |
# | () | (2, 3) | both axes, which go away |

# %% [markdown] tags=["exercise"]
# ### Exercise: Broadcasting, undone
#
# NumPy stretches an array of the shape `shape` to fit a larger one: it adds axes in front, and
# repeats entries along axes of length 1. A repeated entry acts in several places, so its gradient is
# the sum of the gradients of all these places.
#
# Write a function that takes `grad`, the gradient of the stretched array, and `shape`, that of the
# original one. Return the gradient of the original array: `grad`, summed to exactly that shape. Every
# axis of `shape`, counted from the end, is as long as that of `grad`, or has length 1.
#
#     >>> grad = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
#     >>> unbroadcast(grad, (3,))
#     array([11., 22., 33.])
#     >>> unbroadcast(grad, (2, 1))
#     array([[ 6.],
#            [60.]])


# %% tags=["exercise"]
def unbroadcast(grad, shape):
    """Return grad, summed to the shape that was broadcast to its own."""
    raise NotImplementedError


# %%
tx.check("unbroadcast", unbroadcast)

# %% [markdown]
# In this library no rule has to take care of this. The backward pass sees that a gradient is larger
# than its tensor, and inserts the op `sum_to`, which is what you have just written. Here is the
# backward pass drawn as a graph of its own, with the forward pass in grey. The loss is chosen so that
# `shifted` has the same upstream gradient as above. Follow them to the box `∂bias`, where
# `Σ to shape` stands for `sum_to`.

# %%
loss = (arriving * shifted).sum()
tx.draw(loss, names=locals(), backward=True)

# %% [markdown]
# The op refuses what broadcasting cannot explain. That is deliberate. A gradient whose shape does not
# fit comes from a wrong rule, and a sum that makes everything fit would hide that:

# %%
try:
    tx.sum_to(np.ones((2, 3)), shape=(2,))
except tx.errors.RuleResultError as error:
    print(error)

# %% [markdown]
# ## Why rules come in pairs
#
# A sum of three numbers is a linear function, so it is a matrix times $x$: one row of ones. A copy
# of one number to three places is one column of ones.
#
# $$\text{sum} = \begin{pmatrix} 1 & 1 & 1 \end{pmatrix}, \qquad
# \text{copy} = \begin{pmatrix} 1 \\ 1 \\ 1 \end{pmatrix}.$$
#
# Each is the other one transposed. That is no accident. Let $y = A x$ be any linear function. Entry
# $y_i = \sum_j A_{ij} x_j$ moves $A_{ij}$ times as much as $x_j$. The gradient of $x_j$ is a sum over
# all $i$ that it influences:
#
# $$\bar x_j = \sum_i A_{ij}\, \bar y_i, \qquad\text{that is}\qquad \bar x = A^T \bar y.$$
#
# **The rule of a linear function is its transpose.** Mathematicians call the transpose the *adjoint*.
# The adjoint of the adjoint is the function you began with: hence the pairs.
#
# You can see the matrix of a linear op without knowing it: its columns are the op's results for
# arrays with a single 1. Do it for the op and for its rule, and compare.


# %%
def matrix_of(function, shape):
    size = int(np.prod(shape))
    ones_at = np.eye(size).reshape(size, *shape)
    return np.stack([np.ravel(function(one)) for one in ones_at], axis=1)


def pull_back(function, x, grad):
    x = tx.Tensor(x)
    return tx.gradients(function(x), x, seed=grad)


# %%
def row_sum(x):
    return tx.sum(x, axis=1)


forward = matrix_of(row_sum, (2, 3))
backward = matrix_of(lambda grad: pull_back(row_sum, np.zeros((2, 3)), grad), (2,))
print("the rule is the transpose:", np.array_equal(backward, forward.T))

# %% mystnb={"image": {"alt": "Two grids of coloured and white cells; the right one is the left one with rows and columns exchanged."}}
figure, (left, right) = plt.subplots(1, 2, figsize=(6, 2.6))
left.imshow(forward, cmap="Purples", vmin=0, vmax=1.5)
left.set(title="row sums, (2, 3) to (2,)", xlabel="entry of x", ylabel="entry of y")
right.imshow(backward, cmap="Purples", vmin=0, vmax=1.5)
right.set(title="its rule, (2,) to (2, 3)", xlabel="entry of grad", ylabel="entry of the answer")
figure.tight_layout()
plt.show()

# %% [markdown]
# Coloured is 1, white is 0. Each column on the left has one entry: an entry of `x` goes into one sum.
# So each row on the right has one entry: it receives from one sum.
#
# There is a test for pairs that needs no matrix. If $B$ is the adjoint of $A$, then for all $x$ and all $g$
#
# $$g \cdot (A x) = (B g) \cdot x,$$
#
# where the dot multiplies entry by entry and sums everything. Here it is for some ops of the library,
# with random numbers:

# %%
rng = np.random.default_rng(0)
x = rng.normal(size=(2, 3))
for name, linear in {
    "sum": lambda x: tx.sum(x, axis=0),
    "broadcast_to": lambda x: tx.broadcast_to(x, shape=(4, 2, 3)),
    "transpose": tx.transpose,
    "take": lambda x: tx.take(x, np.array([0, 2, 2]), axis=1),
}.items():
    g = rng.normal(size=linear(x).shape)
    left, right = np.sum(g * linear(x)), np.sum(pull_back(linear, x, g) * x)
    print(f"{name:12}  {left:.12f}  {right:.12f}")

# %% [markdown]
# `take` picks columns, here column 2 twice. Its adjoint puts gradients back to where they were
# picked from, and since column 2 was picked twice, it receives a sum of two. In lesson 12 this is the
# rule of an embedding.

# %% [markdown]
# ## The matrix product
#
# $Y = A B$ is linear in $A$ while $B$ is fixed, and linear in $B$ while $A$ is fixed. Write out one
# entry:
#
# $$Y_{ij} = \sum_k A_{ik} B_{kj}.$$
#
# Which entries of $Y$ does $A_{ik}$ influence? Those of row $i$: each $Y_{ij}$, with slope $B_{kj}$.
# Add up the contributions:
#
# $$\bar A_{ik} = \sum_j \bar Y_{ij} B_{kj}.$$
#
# The sum over $j$ runs over the second index of both. That is a matrix product with one
# factor transposed; find out which, and do the same for $B$. The shapes help: $\bar Y$ is $m \times n$,
# and $\bar A$ must come out as $m \times k$.

# %% [markdown] tags=["exercise"]
# ### Exercise: The backward rule of a matrix product
#
# The function is $Y = A B$, `y = a @ b`, with `a` of shape `(m, k)` and `b` of shape `(k, n)`. Its
# backward rule receives `grad`, the output `y`, and the inputs `a` and `b`. `grad` is $\bar Y$, the
# gradient of the loss with respect to $Y$, of shape `(m, n)`.
#
# Write the rule: return the tuple `(da, db)`, of the shapes of `a` and `b`.
#
#     >>> a, b = np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])
#     >>> matmul_backward(np.array([[10.0]]), a @ b, a, b)
#     (array([[30., 40.]]), array([[10.],
#            [20.]]))


# %% tags=["exercise"]
def matmul_backward(grad, y, a, b):
    """Return the gradients (da, db), where y = a @ b."""
    raise NotImplementedError


# %%
tx.check("matmul_backward", matmul_backward)

# %% [markdown]
# A layer of a network, $X W + b$, is made of these parts: a matrix product, a broadcast, and a sum
# for the loss. Step through it, and at each step name the shape of the gradient before you look.

# %%
inputs = np.array([[1.0, 0.0], [1.0, 2.0], [0.0, 1.0]])
weights = tx.Tensor([[0.5, -1.0], [1.0, 0.5]], name="weights")
bias = tx.Tensor([0.1, -0.1], name="bias")
layer = inputs @ weights + bias
loss = (layer**2).sum()
tx.play(loss, names=locals())

# %% [markdown]
# And a check of every entry, by nudges:

# %%
print(tx.gradcheck(loss))

# %% [markdown]
# ## Summary
#
# * A sum sends copies of its gradient; a copy sends the sum of its gradients.
# * Broadcasting is copying. Its rule sums over the axes that were added or stretched, and the result has
#   the shape of the array before.
# * The rule of a linear function is its transpose, its adjoint. Sum and copy, take and put, reshape and
#   reshape back are pairs.
# * For $Y = AB$: $\bar A = \bar Y B^T$ and $\bar B = A^T \bar Y$.
# * Shapes catch many mistakes: a gradient has the shape of its tensor.
#
# ## Further reading
#
# * NumPy's user guide, chapter "Broadcasting", numpy.org/doc: the rules of stretching, with pictures.
# * C. R. Harris and others, "Array programming with NumPy", *Nature* 585, 2020: why arrays are computed
#   with in this way.
# * M. B. Giles, "An extended collection of matrix derivative results for forward and reverse mode
#   algorithmic differentiation", Oxford University, 2008: rules for products, inverses and determinants.
# * M. Blondel, V. Roulet, *The Elements of Differentiable Programming*, arXiv:2403.14606, 2024: adjoints
#   of linear maps as the foundation of reverse mode.

# %% [markdown]
# [Back: 3. Write an op](03_write_an_op.ipynb)  |  [All lessons](00_start.ipynb)  |  [Next: 5. Softmax](05_softmax.ipynb)

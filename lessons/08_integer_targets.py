# %% [markdown]
# # 8. Integer targets
#
# *About 50 minutes. [All lessons](00_start.ipynb)*
#
# Most labels are a single number: the true class. This lesson is about the cross-entropy for such
# labels, which Keras calls `sparse_categorical_crossentropy`. The mathematics is that of lesson 7, and
# becomes even shorter. What is new is four questions that the function has to settle, and that
# frameworks answer differently: Are these logits or probabilities? Which axis holds the classes?
# Which numbers are classes? And what happens where a probability is 0?

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np

import tinygrad_xent as tx

# %% [markdown]
# ## One number instead of a row
#
# The label of a photo is "class 2 of 3", as a row $(0, 0, 1)$. With 50,000 classes the row has 50,000
# numbers, all 0 but one. All that it says is where the 1 is, so keep this position, $t$, and nothing
# else. Rows of almost only zeros are called *sparse*, hence the name. In
#
# $$\ell = -\sum_i t_i \ln p_i$$
#
# only one term is left, and with log-sum-exp from lesson 6 it is
#
# $$\ell = -\ln p_t = \ln \sum_j e^{z_j} - z_t.$$
#
# By hand, for the logits $(0, 0)$ and either class: $\ln 2 - 0 = 0.693$.

# %%
logits = np.array([[2.0, 1.0, 0.1], [0.0, 3.0, 0.0]])
target = np.array([2, 0])
one_hot = np.eye(3)[target]
print("from rows:   ", tx.softmax_cross_entropy_with_logits(labels=one_hot, logits=logits))
print("from numbers:", tx.sparse_categorical_crossentropy(target, logits, from_logits=True))

# %% [markdown]
# `np.eye(3)[target]` makes the one-hot rows. The second line makes none: it picks one entry from each
# row of logits. NumPy picks with `np.take_along_axis`; it takes the positions as an array with as
# many axes as the array from which it picks. `np.expand_dims` inserts the missing axis. The result
# has that axis, too, with length 1.

# %%
where = np.expand_dims(target, -1)
print("places:", where.tolist())
print("picked:", np.take_along_axis(logits, where, axis=-1).tolist())

# %% [markdown] tags=["exercise"]
# ### Exercise: Cross-entropy from class numbers
#
# Often a row has one true class, and its number is the whole label. The loss is then the logarithm of
# one probability: $\ell = -\ln p_t$ with $p = \operatorname{softmax}(z)$.
#
# Write it for `logits` of shape `(..., C)`, with the classes on the last axis, and integers `target`
# of shape `(...)`. Return one loss for each row, in the shape of `target`. For a single row of logits
# `target` is a single number. You need no table of one-hot labels. The result must be right for
# logits of any size. Logits may be $-\infty$, but not that of the true class.
#
#     >>> sparse_cross_entropy(np.array([0, 1]), np.array([[0.0, 0.0], [90.0, 0.0]])).round(3)
#     array([ 0.693, 90.   ])


# %% tags=["exercise"]
def sparse_cross_entropy(target, logits):
    """Return the cross-entropy of each row from the number of its class."""
    raise NotImplementedError


# %%
tx.check("sparse_cross_entropy", sparse_cross_entropy)

# %% [markdown]
# ## Numbers that are not a class
#
# With 3 classes the numbers 0, 1 and 2 name one, and no other number does. This sounds too simple
# to be worth a check. But data have labels that count from 1, or that use $-1$ for "unknown".
# Nothing in the formula notices: in Python, entry $-1$ of a row is its last.

# %%
for wrong in ([-1, 0], [3, 0], [1.9, 0.0]):
    try:
        tx.sparse_categorical_crossentropy(wrong, logits, from_logits=True)
    except (tx.errors.LabelRangeError, tx.errors.LabelDtypeError) as error:
        print(f"{error}\n")

# %% [markdown]
# Others differ. For the label $-1$ TensorFlow and PyTorch raise an error, Optax trains the last
# class, and Keras 3 on JAX gives the loss 0. Keras of TensorFlow 2.2 makes a 1 of 1.9.

# %% [markdown]
# ## Which axis holds the classes?
#
# So far each row was an example. When every pixel of an image gets a class of its own, the logits
# are an image for each class: shape (classes, height, width). The classes lie along axis 0, and
# there is one target, one softmax and one loss for each pixel. `axis=0` says so.
#
# Below, the truth is a disc (class 1) on a background (class 0). The logits are noise with a little
# of the truth in them.

# %%
rng = np.random.default_rng(0)
rows, columns = np.mgrid[0:16, 0:24]
truth = ((rows - 8) ** 2 + (columns - 12) ** 2 < 30).astype(int)
noise = rng.normal(size=(2, 16, 24))
image = tx.Tensor(noise + 2 * np.stack([1 - truth, truth]), name="image")
losses = tx.sparse_categorical_crossentropy(truth, image, from_logits=True, axis=0)
losses.sum().backward()
print("logits", image.shape, " losses", losses.shape, " gradient", image.grad.shape)

# %% mystnb={"image": {"alt": "Three images: a disc; the loss, high at single pixels; and the gradient of class 1, blue within the disc and red outside."}}
figure, axes = plt.subplots(1, 3, figsize=(7.5, 2), layout="constrained")
pictures = {"truth": truth, "loss": losses.data, "gradient, class 1": image.grad[1]}
for panel, (title, picture) in zip(axes, pictures.items(), strict=True):
    gradient = title.startswith("gradient")
    colours = {"cmap": "RdBu_r", "vmin": -1, "vmax": 1} if gradient else {"cmap": "viridis"}
    figure.colorbar(panel.imshow(picture, **colours), ax=panel, shrink=0.75)
    panel.set(title=title, xticks=[], yticks=[])
plt.show()

# %% [markdown]
# The loss is high at single pixels, those that the noise has led astray. The gradient for class 1
# is $p - 1$ within the disc, so negative (blue), and $p$ outside, so positive (red). Where the
# model is right and sure it is nearly white.
#
# An axis that does not exist is an error. The documentation of Keras promises the same. In fact,
# TensorFlow 2.2 takes the remainder: `axis=5` of an array with two axes is its axis 1.

# %%
try:
    tx.sparse_categorical_crossentropy(target, logits, from_logits=True, axis=5)
except tx.errors.AxisError as error:
    print(error)

# %% [markdown]
# Now the rule. It is $p - t$ once more, with a one-hot $t$ that you need not build: compute the
# softmax along `axis`, and subtract 1 at one position of each row. `np.put_along_axis` is the
# counterpart of `np.take_along_axis`: `np.put_along_axis(p, where, values, axis)` writes into `p`
# itself, and returns nothing. The upstream gradient has one entry for each row; `np.expand_dims`
# restores the axis of the classes, as you did for the sum in lesson 4.

# %% [markdown] tags=["exercise"]
# ### Exercise: The backward rule of the fused sparse cross-entropy
#
# The function is $\ell = -\ln p_t$ with $p = \operatorname{softmax}(z)$ along the axis `axis` of
# `logits`. `target` holds the number of the true class for each row. It has the shape of `logits`
# without that axis, and so do `loss` and `grad`. `grad` is $\bar\ell$, the gradient of the final
# result with respect to each loss.
#
# Write the rule: return the gradient with respect to `logits`, an array of its shape. The axis may be
# any axis, counted from the end if negative, and logits may be large.
#
#     >>> logits, target = np.array([[0.0, 0.0], [0.0, 0.0]]), np.array([0, 1])
#     >>> sparse_cross_entropy_backward(np.array([1.0, 2.0]), None, logits, target=target, axis=-1)
#     array([[-0.5,  0.5],
#            [ 1. , -1. ]])


# %% tags=["exercise"]
def sparse_cross_entropy_backward(grad, loss, logits, *, target, axis):
    """Return the gradient of the logits of a sparse cross-entropy along an axis."""
    raise NotImplementedError


# %%
tx.check("sparse_cross_entropy_backward", sparse_cross_entropy_backward)

# %% [markdown]
# ## Logits or probabilities?
#
# Without `from_logits=True` the function takes its input for probabilities. Then the loss is simply
# $-\ln p_t$.

# %%
p = np.array([[0.5, 0.3, 0.2]])
print(tx.sparse_categorical_crossentropy([1], p), -np.log(0.3))

# %% [markdown]
# And if $p_t$ is 0? The loss would be infinite. So Keras first moves every probability into the
# range from $\varepsilon = 10^{-7}$ to $1 - \varepsilon$, which is called *clipping*. The worst
# possible loss is then $-\ln 10^{-7} = 16.118$.

# %%
print(tx.sparse_categorical_crossentropy([1], np.array([[1.0, 0.0]])))

# %% [markdown]
# Remember that number: a loss of 16.118 means that a probability was clipped.
#
# What does clipping do to the gradient? Inside the range the clip returns its input, and its slope is
# 1. Outside, it returns the limit, whatever the input: the slope is 0. Write the rule for the clip
# and the logarithm together.

# %% [markdown] tags=["exercise"]
# ### Exercise: The cliff in Keras's loss
#
# Before it takes a logarithm, Keras 2.2 clips probabilities: $y = \ln c$, where
# $c = \min(\max(p, \varepsilon), 1 - \varepsilon)$, entry by entry. The loss is then never infinite.
# But a clipped probability no longer changes the loss, so the worst predictions get no gradient at
# all.
#
# The backward rule receives `grad` ($\bar y$, the gradient of the loss with respect to $y$), the
# output `y`, the input `p`, and the parameter `epsilon`. Write it: return the gradient with respect
# to $p$, an array of its shape. `p` may be exactly 0 or 1; the result must be finite.
#
#     >>> grad, p = np.ones(3), np.array([0.0, 0.25, 1.0])
#     >>> clipped_log_backward(grad, None, p, epsilon=1e-7)
#     array([0., 4., 0.])


# %% tags=["exercise"]
def clipped_log_backward(grad, y, p, *, epsilon):
    """Return the gradient of p, where y = log(clip(p, epsilon, 1 - epsilon))."""
    raise NotImplementedError


# %%
tx.check("clipped_log_backward", clipped_log_backward)

# %% [markdown]
# ## The cliff
#
# Watch the gradient of the right class's probability when that probability becomes smaller and
# smaller:

# %%
for p_right in [1e-5, 1e-6, 1.1e-7, 0.9e-7, 1e-8]:
    p = tx.Tensor([p_right, 1 - p_right])
    loss = tx.sparse_categorical_crossentropy(0, p)
    print(f"p {p_right:.1e}  loss {loss.item():6.3f}  gradient {tx.gradients(loss, p)[0]:12,.0f}")

# %% [markdown]
# It grows up to nine million, and then it is 0. The worse the prediction, the harder the push, until
# the prediction is as bad as can be: then there is no push.
#
# Here are three ways to compute the same loss, in float32, for a model that is ever more sure of
# the wrong class. *Naive* is a logarithm after a softmax. *Clipped* is what Keras does with
# probabilities. *Logits* has `from_logits=True`.


# %%
def naive(z):
    return -tx.log(tx.softmax(z))[:, 0]


def clipped(z):
    return tx.sparse_categorical_crossentropy(np.zeros(len(z.data), int), 1 * tx.softmax(z))


def from_logits(z):
    return tx.sparse_categorical_crossentropy(np.zeros(len(z.data), int), z, from_logits=True)


# %%
leads = np.linspace(0, 120, 481)
z = tx.Tensor(np.stack([-leads, 0 * leads], axis=1).astype(np.float32))
curves = {}
with np.errstate(all="ignore"):
    for way in [naive, clipped, from_logits]:
        losses = way(z)
        curves[way.__name__] = losses.data, tx.gradients(losses.sum(), z)[:, 0]

# %% mystnb={"image": {"alt": "Loss and gradient against p on a logarithmic axis, for three ways: with logits the loss rises for ever and the gradient stays at -1; clipped, both end in a step at 1e-7; naively, the lines break off."}}
p_right = 1 / (1 + np.exp(leads))
figure, (top, bottom) = plt.subplots(2, 1, figsize=(6.5, 5), sharex=True)
for (name, (loss, gradient)), style in zip(curves.items(), ["-", "--", ":"], strict=True):
    top.plot(p_right, loss, style, linewidth=2.5, label=name)
    bottom.plot(p_right, gradient, style, linewidth=2.5)
top.set(ylabel="loss", xscale="log", xlim=(1, 1e-52))
top.legend(handlelength=3)
bottom.set(xlabel="p of the right class", ylabel="gradient of its logit")
figure.tight_layout()
plt.show()

# %% [markdown]
# Read it from left to right, from an even guess to a model that is sure and wrong.
#
# * **Logits** (dotted): the loss rises without end, and the gradient stays at $-1$.
# * **Clipped** (dashed): at $10^{-7}$ the loss stops at 16.118, and the gradient falls to 0. This
#   is the cliff. An example beyond it is never learned.
# * **Naive** (solid): the same as *logits* for a long way, then the lines end. Near $10^{-39}$ the
#   slope $1/p$ overflows and the gradient is `nan`; near $10^{-45}$ $p$ itself underflows.
#
# Clipping has exchanged a loud failure for a silent one.

# %% [markdown]
# ## Seeing through the softmax
#
# In `clipped` above, there is `1 * tx.softmax(z)`. Why the 1? Because without it there is no cliff:

# %%
z = tx.Tensor([100.0, 0.0], name="z")
p = tx.softmax(z)
loss = tx.sparse_categorical_crossentropy(1, p)
print("the tensor p:", loss.item(), tx.gradients(loss, z))
blind = tx.sparse_categorical_crossentropy(1, 1 * p)
print("1 * p:       ", blind.item(), tx.gradients(blind, z))

# %% [markdown]
# A Tensor remembers how it was made. When the function receives probabilities that a softmax made, it
# goes one step back in the graph, takes the logits that went into the softmax, and computes the loss
# from these. The picture shows the detour:

# %%
tx.draw(loss, names=locals())

# %% [markdown]
# The box `p` is there and has its value, but no gradient is sent to it. The loss looks past it, to
# `z`. Multiply by 1, and the last op is a product; the function does not look through a product,
# since it would have to know what the product does. An array of numbers remembers nothing, and is
# clipped, too.
#
# The same two lines of Keras in TensorFlow 2.2 give 100 inside a `tf.function`, which has a graph,
# and 16.118 with a gradient of 0 outside, where TensorFlow keeps none.

# %%
print(tx.why(z, loss, names=locals()))

# %% [markdown]
# ## Softmax twice
#
# There are two ways to get `from_logits` wrong. Logits taken for probabilities are clipped like
# probabilities, and the loss means nothing. The other is harder to notice: probabilities taken for
# logits get a second softmax.

# %%
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    twice = tx.sparse_categorical_crossentropy(0, p, from_logits=True)
print(caught[0].message)
print("\nsure and right, and still the loss is", round(twice.item(), 3))

# %% [markdown]
# The library can warn because `p` remembers its softmax; for a plain array nobody can. A second
# softmax sees numbers between 0 and 1, whose difference is at most 1. So with two classes the loss
# cannot get below $\ln(1 + e^{-1}) = 0.313$, nor above $\ln(1 + e) = 1.313$:

# %% mystnb={"image": {"alt": "The loss against the lead: from logits it falls to 0, after a second softmax it only falls from 1.3 to 0.3."}}
leads = np.linspace(-8, 8, 161)
z = np.stack([leads, 0 * leads], axis=1)
zeros = np.zeros(161, int)
once = tx.sparse_categorical_crossentropy(zeros, z, from_logits=True)
twice = tx.sparse_categorical_crossentropy(zeros, tx.softmax(z), from_logits=True)
figure, axes = plt.subplots(figsize=(6, 3.5))
axes.plot(leads, once, label="logits")
axes.plot(leads, twice, "--", label="probabilities taken for logits")
axes.set(xlabel="lead of the right class", ylabel="loss")
axes.legend()
plt.show()

# %% [markdown]
# The dashed curve goes down, so training works, but slowly, because the slopes are small, and it ends
# at a loss that seems too high. If a loss of two classes will not go below 0.31, look for an extra
# softmax.

# %% [markdown]
# ## Summary
#
# * With one right class, $\ell = \ln \sum_j e^{z_j} - z_t$, and the gradient is the softmax with 1
#   subtracted at $t$. No one-hot row is made.
# * Labels that are not a class, and axes that do not exist, are errors here. Elsewhere they may
#   silently mean something else.
# * From probabilities, Keras clips to $[10^{-7}, 1 - 10^{-7}]$. The loss ends at 16.118, and what
#   is clipped has the gradient 0.
# * Probabilities that a softmax made are seen through to its logits, and nothing is lost.
# * An extra softmax keeps the loss of two classes above 0.313.
#
# When in doubt, keep the logits, and pass `from_logits=True`.
#
# ## Further reading
#
# * TensorFlow's API pages, `tf.keras.backend.sparse_categorical_crossentropy` and
#   `tf.nn.sparse_softmax_cross_entropy_with_logits`, tensorflow.org: what the arguments are said to
#   do.
# * PyTorch's documentation, `torch.nn.CrossEntropyLoss`, pytorch.org: the same loss, which takes
#   only logits, has its classes along axis 1, and leaves out a label of your choice.
# * J. Long, E. Shelhamer, T. Darrell, "Fully convolutional networks for semantic segmentation",
#   *CVPR*, 2015: a class for each pixel, trained with this loss.

# %% [markdown]
# [Back: 7. Cross-entropy from dense labels](07_cross_entropy.ipynb)  |  [All lessons](00_start.ipynb)  |  [Next: 9. Fusion: why p - t](09_fusion.ipynb)

# %% [markdown]
# # 7. Cross-entropy from dense labels
#
# *About 40 minutes. [All lessons](00_start.ipynb)*
#
# Now the two halves come together: scores go in, a loss comes out, and what comes back to the
# scores is the shortest gradient of all, *probability minus label*. You will find out why, and what
# the loss measures, write it and its rule, and see which of its properties need labels that sum to
# 1.
#
# You need the softmax from lesson 5, and log-softmax and log-sum-exp from lesson 6.

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np

import tinygrad_xent as tx
from tinygrad_xent.teaching.museum import answer, puzzle

# %% [markdown]
# ## A label for each class
#
# Seven of ten people say that a photo shows a cat, two say a dog, one says a bird. So the label is
# itself a row of probabilities, $t = (0.7, 0.2, 0.1)$. Labels in this form, with a number for each
# class, are called *dense*. Where all agree it is $(1, 0, 0)$, a *one-hot* row.
#
# The model gives $p$. In lesson 6 the loss of one example was $-\ln p$ of what is true. The truth is
# *cat* with a share of 0.7, *dog* with 0.2, and *bird* with 0.1; so take the mean of the three
# losses, weighted by these shares:
#
# $$\ell = -\sum_i t_i \ln p_i.$$
#
# This is the *cross-entropy* of $t$ and $p$. By hand: for $t = (0, 1)$ and $p = (0.5, 0.5)$ it is
# $-(0 + \ln 0.5) = \ln 2 = 0.693$.

# %%
labels = np.array([0.7, 0.2, 0.1])
for p in [[0.7, 0.2, 0.1], [0.9, 0.05, 0.05], [0.1, 0.2, 0.7]]:
    print(p, " loss", -np.sum(labels * np.log(p)).round(3))

# %% [markdown]
# The first is the best of the three, although its loss is not 0. Is there a better one? Here is the
# loss for two classes, against the probability of the first, for three different labels.

# %% mystnb={"image": {"alt": "Three curves of the loss against p; a dot marks the lowest point of each, where p equals the label."}}
p_axis = np.linspace(0.003, 0.997, 300)
figure, axes = plt.subplots(figsize=(6, 3.8))
for share in [1.0, 0.7, 0.5]:
    loss = -(share * np.log(p_axis) + (1 - share) * np.log(1 - p_axis))
    (line,) = axes.plot(p_axis, loss, label=f"label ({share}, {1 - share:.1f})")
    lowest = np.argmin(loss)
    axes.plot(p_axis[lowest], loss[lowest], "o", color=line.get_color())
axes.set(xlabel="p of the first class", ylabel="loss", ylim=(0, 3))
axes.legend()
plt.show()

# %% [markdown]
# The dots mark the lowest points. Each lies where $p$ is equal to the label. So the loss asks the
# model for the label itself: to be as sure as the label is, and no surer. What is left at the
# lowest point, $-\sum_i t_i \ln t_i$, is called the *entropy* of the label. It measures how far the
# ten people disagree, and no model can get below it.

# %% [markdown]
# ## From the logits
#
# Scores that go into a softmax are called *logits*, and we write $z$ for them from here on. From
# lesson 6 we know not to compute $p$ and then its logarithm, but
#
# $$\ln p_i = z_i - \ln \sum_j e^{z_j}$$
#
# in one go. TensorFlow 1 gave this function a long name that says just that, and the library has it,
# too. Its arguments must be named, since they are easily confused:

# %%
try:
    tx.softmax_cross_entropy_with_logits([1.0, 0.0], [2.0, 3.0])
except tx.errors.ArgumentError as error:
    print(error)

# %%
logits = tx.Tensor([[2.0, 1.0, 0.1], [0.0, 3.0, 0.0]], name="logits")
labels = np.array([[0.7, 0.2, 0.1], [1.0, 0.0, 0.0]])
losses = tx.softmax_cross_entropy_with_logits(labels=labels, logits=logits)
losses

# %% [markdown]
# Two rows, two losses: one for each example. To get a single number, take their mean or their sum;
# that is a separate step, and your choice. The second row has the larger loss. There the label says
# class 0, and the logits prefer class 1.

# %% [markdown] tags=["exercise"]
# ### Exercise: Cross-entropy from dense labels
#
# A row of logits $z$ and a row of labels $t$, a probability for each class, have the loss $\ell =
# -\sum_i t_i \ln p_i$ with $p = \operatorname{softmax}(z)$.
#
# Write it for arrays `labels` and `logits` of one shape, `(..., C)`, with the classes on the last
# axis. Return one loss for each row, of shape `(...)`. It must be right for logits of any finite
# size, even where a probability is so small that it is rounded to 0.
#
#     >>> labels = np.array([[0.0, 1.0], [0.5, 0.5]])
#     >>> softmax_cross_entropy(labels, np.array([[0.0, 0.0], [1000.0, 0.0]])).round(3)
#     array([  0.693, 500.   ])


# %% tags=["exercise"]
def softmax_cross_entropy(labels, logits):
    """Return the cross-entropy of each row."""
    raise NotImplementedError


# %%
tx.check("softmax_cross_entropy", softmax_cross_entropy)

# %% [markdown]
# What is at stake in writing it well? `tx.unfuse` computes one and the same cross-entropy in three
# ways: from exponentials, sums and logarithms; from a log-softmax; and as the one op that you have
# just written. Here is a row that is sure and wrong:

# %%
ways = tx.unfuse([0.0, 1.0], [800.0, 0.0])
for way in ways:
    print(f"{way.title:20}  loss {way.loss.item():5}  gradient {way.gradient}, tensors {way.kept}")
print("\nThe first way:", ways[0].trouble)

# %% [markdown]
# The first way ends in `nan`, and `tx.unfuse` knows where. The other two give the right loss of 800
# and the right gradient; the last makes only one tensor. An op that does the work of several ops in
# one step is called *fused*; in pictures its head is yellow. Lesson 9 looks further into this.

# %% [markdown]
# ## Probability minus label
#
# Now for the gradient. Insert $\ln p_j$ into the loss. The log-sum-exp is the same in every term, so
# take it out of the sum:
#
# $$\ell = \Big(\sum_j t_j\Big) \ln \sum_k e^{z_k} - \sum_j t_j z_j.$$
#
# How does it move with $z_i$? The log-sum-exp has the slope $p_i$, as lesson 6 showed. In the last
# sum, $z_i$ occurs once, with the factor $t_i$. So
#
# $$\frac{\partial \ell}{\partial z_i} = p_i \sum_j t_j - t_i,$$
#
# and if the labels of the row sum to 1, this is
#
# $$\frac{\partial \ell}{\partial z_i} = p_i - t_i.$$
#
# All the logarithms and exponentials are gone. A class that has too much probability is pushed down,
# one that has too little is pushed up, each by exactly as much as it is off.

# %%
z = tx.Tensor([2.0, 1.0, 0.1], name="z")
loss = tx.softmax_cross_entropy_with_logits(labels=[1.0, 0.0, 0.0], logits=z)
print(tx.why(z, loss, names=locals()))

# %%
tx.draw(loss, names=locals())

# %% [markdown]
# The same as a picture, for the label of the ten people: what the model predicts, what the label asks
# for, and the difference, which is the gradient.

# %% mystnb={"image": {"alt": "Three bar charts of cat, dog and bird: p, the label t, and the gradient, negative for cat and positive for dog."}}
names = ["cat", "dog", "bird"]
start = np.array([0.5, 1.5, 0.1])
p, t = tx.softmax(start), np.array([0.7, 0.2, 0.1])
figure, axes = plt.subplots(1, 3, figsize=(7, 2.5), sharey=True)
for panel, title, heights in zip(axes, ["p", "t", "gradient: p - t"], [p, t, p - t], strict=True):
    panel.bar(names, heights, color=np.where(heights < 0, "tab:red", "tab:blue"))
    panel.axhline(0, color="grey", linewidth=0.5)
    panel.set(title=title)
figure.tight_layout()
plt.show()

# %% [markdown]
# *Cat* has too little, so its gradient is negative: a step against the gradient raises its logit.
# The three bars on the right sum to 0, as they must after a softmax.
#
# Take steps against the gradient, and watch $p$ move to $t$. The gradient becomes 0 when the two
# are equal, and the loss then stays at the entropy of the label.

# %% mystnb={"image": {"alt": "Three probabilities against the step; each curve levels off at the dotted line of its label."}}
z, history = start, []
for _ in range(40):
    p = tx.softmax(z)
    history.append(p)
    z = z - 0.5 * (p - t)
figure, axes = plt.subplots(figsize=(6, 3.5))
for name, curve, goal in zip(names, np.transpose(history), t, strict=True):
    (line,) = axes.plot(curve, label=name)
    axes.axhline(goal, color=line.get_color(), linestyle=":")
axes.set(xlabel="step", ylabel="probability")
axes.legend()
plt.show()

# %% [markdown]
# The dotted lines are the label's 0.7, 0.2 and 0.1.
#
# ## Labels may have gradients
#
# Labels from a file are constants. But labels may also be computed: when a large network teaches a
# small one, they are the large network's output. Then you may ask for their gradient. The loss is a
# sum of terms $-t_i \ln p_i$, so it is linear in the labels, and the slope is the factor of $t_i$:
#
# $$\frac{\partial \ell}{\partial t_i} = -\ln p_i.$$
#
# There are two functions for it. The one above takes labels as constants, whatever they are. The
# one with `_v2` at the end lets gradients through to both:

# %%
t = tx.Tensor([0.7, 0.2, 0.1], name="t")
z = tx.Tensor([2.0, 1.0, 0.1], name="z")
loss = tx.softmax_cross_entropy_with_logits_v2(t, z)
tx.draw(loss, names=locals())

# %% [markdown]
# Both gradients make a rule. In the exercise there are several rows and so several losses, each with
# its upstream gradient: `grad` has the shape of `loss`, one axis less than the logits. You met the
# same in lesson 4, with a sum along an axis.

# %% [markdown] tags=["exercise"]
# ### Exercise: Both gradients of a cross-entropy
#
# The function is $\ell = -\sum_i t_i \ln p_i$ with $p = \operatorname{softmax}(z)$, one loss per row.
# `labels` and `logits` have the shape `(N, C)`, `loss` has `(N,)`. The backward rule receives `grad`
# ($\bar\ell$, the gradient of the final result with respect to each loss, of shape `(N,)`), `loss`,
# `labels` and `logits`.
#
# Write the rule: return the tuple `(dlabels, dlogits)`, both of shape `(N, C)`. The labels of a row
# need not sum to 1. Logits may be large.
#
#     >>> labels, logits = np.array([[1.0, 0.0]]), np.array([[0.0, 0.0]])
#     >>> dlabels, dlogits = softmax_cross_entropy_backward(np.ones(1), None, labels, logits)
#     >>> dlabels.round(3), dlogits
#     (array([[0.693, 0.693]]), array([[-0.5,  0.5]]))


# %% tags=["exercise"]
def softmax_cross_entropy_backward(grad, loss, labels, logits):
    """Return the gradients (dlabels, dlogits) of the cross-entropy of each row."""
    raise NotImplementedError


# %%
tx.check("softmax_cross_entropy_backward", softmax_cross_entropy_backward)

# %% [markdown]
# ## Labels that do not sum to 1
#
# The statement of the exercise says that labels need not sum to 1. Where would that happen? By
# mistake, if somebody passes counts, (7, 2, 1). On purpose, if the classes have weights and the
# labels are multiplied by them. The library computes the loss anyway, and warns:

# %%
z = tx.Tensor([0.0, 1.0], name="z")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    loss = tx.softmax_cross_entropy_with_logits(labels=[2.0, 1.0], logits=z)
print("warning: ", caught[0].message)
print("gradient:", tx.gradients(loss, z).round(3))

# %% [markdown]
# The labels sum to 3, so the gradient is $3p - t$. Its entries sum to 0, as they must. TensorFlow
# computes $p - t$ even here. `tx.crossentropy_as` computes as other frameworks do:

# %%
loss = tx.crossentropy_as("tf1", [[2.0, 1.0]], tx.reshape(z, shape=(1, 2)), from_logits=True)
print("TensorFlow's:", tx.gradients(loss.sum(), z).round(3))

# %% [markdown]
# Both entries are negative, so a step against this gradient raises both logits. But raising both
# by the same amount does not change the loss at all. It is not the gradient of this loss, or of any
# function of a softmax.

# %% [markdown]
# ## A class that is forbidden
#
# There is one more case where the formula alone is not enough. A class that cannot occur gets the
# logit $-\infty$. Its probability is 0, its logarithm is $-\infty$, and its label, we hope, is 0.
# What is $0 \cdot (-\infty)$? For floats it is `nan`. But a label of 0 means that the class has no
# part in the sum, and so the library leaves the term out:

# %%
z = tx.Tensor([1.0, -np.inf, 0.0], name="z")
loss = tx.softmax_cross_entropy_with_logits(labels=[1.0, 0.0, 0.0], logits=z)
print("loss:    ", loss.item())
print("gradient:", tx.gradients(loss, z))

# %% [markdown]
# This is $\ln(1 + e^{-1}) = 0.313$, as if the class were not there. TensorFlow and PyTorch give
# `nan` for dense labels at this place.

# %% [markdown]
# ## Find the mistake
#
# Another wrong rule from the museum, this time of the cross-entropy. The loss is right, and training
# does something: it makes everything worse. Compare the two gradients below with $p$ and $t$, and
# find out what is wrong before you look at the answer.

# %%
mystery = puzzle(0, "softmax_cross_entropy")
z = tx.Tensor([[2.0, 1.0, 0.1], [0.0, 3.0, 0.0]])
wrong = tx.gradients(mystery(labels, z).sum(), z)
print("p\n", tx.softmax(z.data).round(3))
print("t\n", labels)
print("its gradient\n", wrong.round(3))

# %%
print(tx.gradcheck(mystery, labels, z.data))
print(answer(mystery).source)

# %% [markdown]
# ## Summary
#
# * Dense labels are a row of probabilities for each example. The cross-entropy $-\sum_i t_i \ln
#   p_i$ is lowest where $p = t$, and what remains there is the entropy of the label.
# * It is computed from the logits, $\ln p_i = z_i - \ln \sum_j e^{z_j}$, and gives one loss for
#   each example.
# * Its gradient with respect to the logits is $p - t$ if the labels sum to 1, and $p \sum_j t_j -
#   t$ in general.
# * Its gradient with respect to the labels is $-\ln p$.
# * A label of 0 leaves its class out, even where the logit is $-\infty$.
#
# ## Further reading
#
# * C. E. Shannon, "A mathematical theory of communication", *Bell System Technical Journal* 27,
#   1948: entropy, and why it is a sum of $-p \ln p$.
# * T. M. Cover, J. A. Thomas, *Elements of Information Theory*, second edition, Wiley, 2006,
#   chapter 2: why the cross-entropy is lowest where the two distributions agree.
# * C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna, "Rethinking the Inception architecture
#   for computer vision", *CVPR*, 2016, section 7: labels that are made a little less sure on
#   purpose.
# * G. Hinton, O. Vinyals, J. Dean, "Distilling the knowledge in a neural network",
#   arXiv:1503.02531, 2015: a large network's output as the labels of a small one.

# %% [markdown]
# [Back: 6. The logarithm, and where digits are lost](06_logarithm.ipynb)  |  [All lessons](00_start.ipynb)  |  [Next: 8. Integer targets](08_integer_targets.ipynb)

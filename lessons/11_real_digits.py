# %% [markdown]
# # 11. A classifier of real digits
#
# *About 45 minutes. [All lessons](00_start.ipynb)*
#
# So far everything was one step: one loss, one gradient. Training repeats the step until the loss is
# small. In this lesson a network of two layers learns to read handwritten digits in a second or two.
# You write the rule of its layers and the step of its training, and then look at what happened: the
# loss, the mistakes, and $p - t$, which drives all of it and shrinks as the network learns.
#
# You need the matrix product from lesson 4 and the cross-entropy with integer targets from lesson 8.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import tinygrad_xent as tx

# %% [markdown]
# ## The digits
#
# The library ships 1,797 digits that 13 people wrote on forms. Each is an image of 8 by 8 pixels, with
# whole numbers from 0 (paper) to 16 (ink), in one row of a table; the last column says which digit it
# is. Divided by 16 the pixels lie between 0 and 1.

# %%
file = Path(tx.__file__).parent / "teaching" / "data" / "digits.csv.gz"
table = np.loadtxt(file, delimiter=",", skiprows=1)
images, labels = table[:, :64] / 16, table[:, 64].astype(int)
print("images", images.shape, "  labels", labels.shape, "  classes", np.unique(labels))

# %% mystnb={"image": {"alt": "Sixteen handwritten digits of 8 by 8 pixels, each with its label above."}}
figure, places = plt.subplots(2, 8, figsize=(7, 2.2))
for place, image, label in zip(places.flat, images, labels, strict=False):
    place.imshow(image.reshape(8, 8), cmap="Greys")
    place.set_title(label, fontsize=9)
    place.axis("off")
plt.show()

# %% [markdown]
# Does the network learn what digits look like, or does it memorise these images? To find out, put
# some aside. It is trained on 1,437 images and does not see the other 360 until the end: these are
# *held out*.

# %%
rng = np.random.default_rng(0)
order = rng.permutation(len(images))
training, held_out = order[:1437], order[1437:]

# %% [markdown]
# ## The layers
#
# A *linear layer* multiplies by a matrix of weights and adds a bias: $Y = X W + b$, one row of $X$
# for each image. Two of them, with a ReLU in between so that the whole is more than one matrix:
#
# $$64 \text{ pixels} \;\to\; 32 \text{ hidden numbers} \;\to\; 10 \text{ logits}.$$


# %%
def network(x, w1, b1, w2, b2):
    hidden = tx.relu(x @ w1 + b1)
    return hidden @ w2 + b2


w1 = tx.Tensor(rng.normal(size=(64, 32)) * np.sqrt(2 / 64), name="w1")
b1 = tx.Tensor(np.zeros(32), name="b1")
w2 = tx.Tensor(rng.normal(size=(32, 10)) * 0.03, name="w2")
b2 = tx.Tensor(np.zeros(10), name="b2")
parameters = [w1, b1, w2, b2]

# %% [markdown]
# The weights begin at random, since hidden numbers that were equal at the beginning would get equal
# gradients and stay equal. How large? A sum of 64 products of random weights grows with the square root
# of 64; the factor $\sqrt{2 / 64}$ undoes that, and the 2 makes up for the half that the ReLU cuts off.
# The last layer begins small, so that all logits are close to 0.
#
# Then all ten classes have about the same probability, 0.1, and the loss must be about
# $-\ln 0.1 = \ln 10 = 2.303$. That is a check worth making before any training: a first loss far from
# the logarithm of the number of classes says that something is scaled badly.

# %%
first = training[:32]
logits = network(images[first], *parameters)
losses = tx.sparse_softmax_cross_entropy_with_logits(labels=labels[first], logits=logits)
loss = losses.mean()
print("first loss", round(loss.item(), 3), "  ln 10 =", round(np.log(10), 3))

# %% [markdown]
# The picture of the same with four images only, to keep it small:

# %%
pixels, digits = images[first[:4]], labels[first[:4]]
hidden = tx.relu(pixels @ w1 + b1)
logits = hidden @ w2 + b2
losses = tx.sparse_softmax_cross_entropy_with_logits(labels=digits, logits=logits)
tx.draw(losses.mean(), names=locals())

# %% [markdown]
# From the bottom: the mean passes $1/4$ to each loss. The cross-entropy turns that into $(p - t)/4$
# at the logits. Then come the rules of the second layer, the ReLU and the first layer. A layer is a
# matrix product and a sum with a broadcast; you know both rules from lesson 4.

# %% [markdown] tags=["exercise"]
# ### Exercise: The backward rule of a layer
#
# A linear layer computes `y = x @ w + b`. The batch `x` has the shape `(N, D)`, the weights `w` have
# `(D, M)`, and the bias `b`, added to every row, has `(M,)`. Its backward rule receives `grad`, the
# output `y` and the three inputs. `grad` is $\bar Y$, the gradient of the loss with respect to `y`,
# of shape `(N, M)`.
#
# Write the rule: return the tuple `(dx, dw, db)`, each of the shape of its input.
#
#     >>> x, w, b = np.array([[1.0], [2.0]]), np.array([[3.0]]), np.array([0.0])
#     >>> for gradient in linear_backward(np.array([[10.0], [20.0]]), x @ w + b, x, w, b):
#     ...     print(gradient.tolist())
#     [[30.0], [60.0]]
#     [[50.0]]
#     [30.0]


# %% tags=["exercise"]
def linear_backward(grad, y, x, w, b):
    """Return the gradients (dx, dw, db), where y = x @ w + b."""
    raise NotImplementedError


# %%
tx.check("linear_backward", linear_backward)

# %% [markdown]
# Look at $\bar W = X^T \bar Y$ once more with the digits in mind. For the last layer $\bar Y$ is
# $p - t$, divided by $N$. The gradient of the weight from hidden number $k$ to class $c$ is the sum,
# over all images, of how active $k$ was times how much too likely $c$ was. What was active when a
# class was too likely loses weight for that class; what was active when the class was not likely
# enough gains weight.
#
# Here is $p - t$ of the 32 images before training. Every $p$ is about 0.1: a little too much for nine
# classes, and far too little for the right one.


# %%
def p_minus_t(rows):
    logits = network(images[rows], *(w.data for w in parameters))
    difference = tx.softmax(logits)
    difference[np.arange(len(rows)), labels[rows]] -= 1
    return difference


# %%
def show_p_minus_t(rows, title):
    figure, axes = plt.subplots(figsize=(7, 2.6))
    shown = axes.imshow(p_minus_t(rows).T, cmap="RdBu_r", vmin=-1, vmax=1)
    axes.set(title=title, xlabel="image", ylabel="class", yticks=range(10))
    figure.colorbar(shown, label="p - t", shrink=0.8)
    plt.show()


# %% mystnb={"image": {"alt": "A grid of 10 classes by 32 images: pale red everywhere, and one dark blue cell in each column, at the right class."}}
show_p_minus_t(first, "before training")

# %% [markdown]
# (`network` got arrays here, `w.data`, not Tensors. Then nothing is recorded, and the ops are plain
# functions.)
#
# ## A step, and one with momentum
#
# Gradient descent moves every weight a little against its gradient, $w - \eta\,g$, where $\eta$ is the
# *learning rate*. In a long narrow valley that is slow: across the valley the gradient is large and
# changes its sign at every step, along the valley it is small. *Momentum* lets the weights keep some
# of their speed, like a ball that rolls. What changes its sign averages out, what stays adds up:
#
# $$v \leftarrow \mu\,v + g, \qquad w \leftarrow w - \eta\,v.$$


# %%
def path(momentum, steps=30):
    place, velocity, places = np.array([-4.0, 1.0]), np.zeros(2), []
    for _ in range(steps):
        places.append(place)
        gradient = place * [1.0, 25.0]  # of x**2 / 2 + 25 * y**2 / 2
        velocity = momentum * velocity + gradient
        place = place - 0.05 * velocity
    return np.array(places)


# %% mystnb={"image": {"alt": "Two paths down a narrow valley: without momentum it has not arrived after 30 steps, with momentum it has reached the star."}}
x, y = np.meshgrid(np.linspace(-4.5, 2, 100), np.linspace(-1.6, 1.6, 100))
figure, axes = plt.subplots(figsize=(7, 3))
axes.contour(x, y, x**2 / 2 + 25 * y**2 / 2, levels=12, colors="lightgrey")
axes.plot(*path(0.0).T, "o-", markersize=3, label="no momentum")
axes.plot(*path(0.7).T, "o-", markersize=3, label="momentum 0.7")
axes.plot(0, 0, "k*", markersize=10)
axes.set(xlabel="first weight", ylabel="second weight")
axes.legend()
plt.show()

# %% [markdown]
# After the same 30 steps the path with momentum has arrived at the star, the lowest point; the other is
# still on its way.

# %% [markdown] tags=["exercise"]
# ### Exercise: One step downhill, with momentum
#
# Gradient descent with momentum keeps a velocity $v$ for each weight. A step does two things:
#
# 1. $v_{\text{new}} = \mu v + g$, with the gradient $g$ and the momentum $\mu$,
# 2. $w_{\text{new}} = w - \eta\,v_{\text{new}}$, with the learning rate $\eta$.
#
# (This is PyTorch's form. In Keras, $v$ includes the learning rate and the sign.)
#
# Write the step: return the tuple of the new weights and the new velocity. The arguments must not
# change.
#
#     >>> w, velocity = sgd_step(np.array([1.0]), np.array([0.5]), 0.1, 0.9, np.array([2.0]))
#     >>> w.round(6), velocity
#     (array([0.77]), array([2.3]))


# %% tags=["exercise"]
def sgd_step(w, grad, learning_rate, momentum, velocity):
    """Return the new weights and the new velocity."""
    raise NotImplementedError


# %%
tx.check("sgd_step", sgd_step)

# %% [markdown]
# ## Training
#
# A gradient over all 1,437 images is exact but slow, and a rough direction is good enough for a small
# step. So each step takes a *mini-batch*: 65 images or so, drawn at random. One pass over all images
# is an *epoch*, here 22 steps. `tx.record` records the training: at each step the loss, and whatever
# else you pass. Here these are the probabilities of the same 4 images each time. (Given the Tensor
# `loss` instead of its number, it keeps the graph of the step, too, which takes longer.)
#
# The step is your `sgd_step` if it passes. Until then it is one without momentum, ten times as long: with
# $\mu = 0.9$ a steady gradient $g$ makes a velocity of $g / (1 - \mu) = 10\,g$.


# %%
def plain_step(w, grad, learning_rate, momentum, velocity):
    return w - learning_rate / (1 - momentum) * grad, velocity


step_down = sgd_step if tx.check("sgd_step", sgd_step) else plain_step
velocities = [np.zeros(w.shape) for w in parameters]


def losses_of(rows):
    logits = network(images[rows], *parameters)
    return tx.sparse_softmax_cross_entropy_with_logits(labels=labels[rows], logits=logits)


# %%
def train_on(rows):
    loss = losses_of(rows).mean()
    recording.step(loss.item(), probs=probabilities(watched), labels=labels[watched])
    gradients = tx.gradients(loss, parameters)
    for i, (w, gradient) in enumerate(zip(parameters, gradients, strict=True)):
        w.data, velocities[i] = step_down(w.data, gradient, 0.1, 0.9, velocities[i])
    return loss.item()


# %% [markdown]
# After each epoch the loss of the held-out images is recorded, too; nothing is learnt from them.
# `surprises` keeps $1 - p_t$ of all training images, for later.


# %%
def probabilities(rows):
    return tx.softmax(network(images[rows], *(w.data for w in parameters)))


def surprise(rows):
    return 1 - probabilities(rows)[np.arange(len(rows)), labels[rows]]


watched, recording = held_out[:4], tx.record(most=30)
step_losses, epoch_losses, surprises = [], [], [surprise(training)]

# %%
for _ in range(6):
    batches = np.array_split(rng.permutation(training), 22)
    step_losses += [train_on(rows) for rows in batches]
    epoch_losses.append(losses_of(held_out).mean().item())
    surprises.append(surprise(training))
print("held-out loss after each epoch", np.round(epoch_losses, 3))

# %% mystnb={"image": {"alt": "The loss against the epoch: it falls steeply from ln 10, in a ragged line for mini-batches, and with it that of the held-out images."}}
figure, axes = plt.subplots(figsize=(6.5, 3.5))
axes.plot(np.arange(132) / 22, step_losses, linewidth=0.8, label="each mini-batch")
axes.plot(np.arange(1, 7), epoch_losses, "o-", label="held out")
axes.axhline(np.log(10), color="grey", linestyle=":", label="ln 10")
axes.set(xlabel="epoch", ylabel="loss")
axes.legend()
plt.show()

# %% [markdown]
# The curve of the mini-batches is ragged, because each step sees other images; its trend counts. The
# held-out loss falls with it. If it turned and rose while the other went on falling, the network
# would be memorising the training images.
#
# The recording can be looked at step by step. Move the slider and watch `probs − labels`, which is
# $p - t$ of the four images, fade from the first step to the last.

# %%
recording

# %% [markdown]
# ## Which digits are mistaken for which?

# %%
predicted = probabilities(held_out).argmax(axis=1)
print(f"{np.mean(predicted == labels[held_out]):.1%} of the held-out digits are read right")

# %% [markdown]
# One number says how many mistakes there are, not which. A *confusion matrix* counts, for each true class,
# how often each class was predicted.

# %% mystnb={"image": {"alt": "A table of true digits against predicted ones: large counts on the diagonal, a few single ones beside it."}}
confusion = np.zeros((10, 10), dtype=int)
np.add.at(confusion, (labels[held_out], predicted), 1)
figure, axes = plt.subplots(figsize=(4.5, 4.5))
axes.imshow(np.sqrt(confusion), cmap="Purples")
for (row, column), count in np.ndenumerate(confusion):
    colour = "white" if row == column else "black"
    axes.text(column, row, count or "", ha="center", va="center", color=colour)
axes.set(xlabel="predicted", ylabel="true digit", xticks=range(10), yticks=range(10))
plt.show()

# %% [markdown]
# The diagonal counts what was read right. Every other number is a confusion; its row is the truth and
# its column the mistake. (`np.add.at` adds 1 for every pair, even where a pair occurs several times.
# In lesson 12 you need it for a gradient.)
#
# ## How p - t shrinks
#
# The right class of an image sends $p_t - 1$ into the network, the others together $1 - p_t$. So $1 - p_t$
# says how strongly an image still pulls at the weights. Sort the training images by it. The curves show
# which share of the images is below a value, on a logarithmic axis; epoch 0 is before the training.

# %% mystnb={"image": {"alt": "The share of images against 1 - p: a step at 0.9 before training, then curves further and further to the left."}}
figure, axes = plt.subplots(figsize=(6.5, 3.5))
shares = np.linspace(0, 1, len(training))
for epoch in (0, 1, 3, 6):
    axes.plot(np.sort(surprises[epoch]), shares, label=f"epoch {epoch}")
axes.set(
    xscale="log", xlabel="1 - p of the right class", ylabel="share of the images", xlim=(1e-6, 1.2)
)
axes.legend(loc="upper left")
plt.show()

# %% [markdown]
# At the beginning all images pull alike, with about 0.9: the first curve is a step. Then the curves
# move to the left: most images are read right with more and more certainty, and pull less and less.
# Nobody told the network to leave them alone; their gradients have become small. What remains is the
# difficult ones:

# %%
for epoch in (0, 1, 3, 6):
    pulls = np.sort(surprises[epoch])[::-1]
    share = pulls[: len(pulls) // 10].sum() / pulls.sum()
    print(f"epoch {epoch}: the hardest tenth of the images has {share:.0%} of the pull")

# %% mystnb={"image": {"alt": "The grid of 10 classes by 32 images once more, now almost white."}}
show_p_minus_t(first, "after training")

# %% [markdown]
# It is the same picture as before training, with the same colours, and it has faded to almost nothing.
#
# ## The image with the largest loss
#
# Which held-out image has the largest loss, and why?

# %% mystnb={"image": {"alt": "The handwritten digit with the largest loss, and its label."}}
worst = held_out[np.argmax(surprise(held_out))]
z = tx.Tensor(network(images[worst], *(w.data for w in parameters)), name="z")
loss = tx.sparse_softmax_cross_entropy_with_logits(labels=labels[worst], logits=z)
print(tx.why(z, loss))
figure, axes = plt.subplots(figsize=(1.8, 1.8))
axes.imshow(images[worst].reshape(8, 8), cmap="Greys")
axes.set(title=f"this is a {labels[worst]}", xticks=[], yticks=[])
plt.show()

# %% [markdown]
# The command `tinygrad-xent explain` does the same as this lesson on these digits, or on a table of your
# own, and writes a page about the image it gets most wrong.
#
# ## Summary
#
# * A linear layer has the rules of a matrix product and of a broadcast sum: $\bar X = \bar Y W^T$,
#   $\bar W = X^T \bar Y$, and $\bar b$ is the sum of the rows of $\bar Y$.
# * Before training, the loss should be near the logarithm of the number of classes.
# * Momentum adds up what stays the same from step to step, and averages out what does not.
# * What was held out tells whether the network has learnt or memorised; a confusion matrix tells what it
#   confuses.
# * $1 - p_t$ is how strongly an example pulls. Well-known examples stop pulling by themselves.
#
# ## Further reading
#
# * E. Alpaydin, C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine Learning Repository,
#   1998, doi.org/10.24432/C50P49: the data, and how it was collected.
# * K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", *ICCV*, 2015: where the factor
#   $\sqrt{2/n}$ of the first weights comes from.
# * G. Goh, "Why momentum really works", *Distill*, 2017: momentum in a valley, in pictures to play with.
# * A. Karpathy, "A recipe for training neural networks", karpathy.github.io, 2019: what to check before,
#   during and after training, the first loss among it.

# %% [markdown]
# [Back: 10. Checking gradients](10_checking_gradients.ipynb)  |  [All lessons](00_start.ipynb)  |  [Next: 12. Becoming a backprop ninja](12_backprop_ninja.ipynb)

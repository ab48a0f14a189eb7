# %% [markdown]
# # 12. Becoming a backprop ninja
#
# *About 55 minutes. [All lessons](00_start.ipynb)*
#
# A network that invents names for chemical elements, and its whole backward pass by hand: through the
# cross-entropy, two linear layers, a tanh, a batch normalisation and a table of characters. There are
# no new tools. You go through the forward pass from the last line to the first, and write for each
# line the one or two lines that send its gradient back. After each part, the library's gradients tell
# you whether yours are right.
#
# Have pencil and paper ready. You need the mean of a cross-entropy from lesson 9
# and the linear layer from lesson 11. (The lesson follows an exercise by Andrej Karpathy; see *Further
# reading*.)

# %%
import matplotlib.pyplot as plt
import numpy as np

import tinygrad_xent as tx

# %% [markdown]
# ## Names, cut into examples
#
# The names of all 118 elements, in the order of their numbers:

# %%
first_names = """
hydrogen helium lithium beryllium boron carbon nitrogen oxygen fluorine neon sodium magnesium aluminium
silicon phosphorus sulfur chlorine argon potassium calcium scandium titanium vanadium chromium manganese
iron cobalt nickel copper zinc gallium germanium arsenic selenium bromine krypton rubidium strontium
yttrium zirconium niobium molybdenum technetium ruthenium rhodium palladium silver cadmium indium tin
antimony tellurium iodine xenon caesium barium lanthanum cerium praseodymium neodymium promethium
samarium europium gadolinium terbium dysprosium holmium erbium thulium ytterbium lutetium hafnium
tantalum tungsten rhenium osmium iridium platinum gold mercury thallium lead bismuth polonium
"""

# %%
other_names = """
astatine radon francium radium actinium thorium protactinium uranium neptunium plutonium americium curium
berkelium californium einsteinium fermium mendelevium nobelium lawrencium rutherfordium dubnium seaborgium
bohrium hassium meitnerium darmstadtium roentgenium copernicium nihonium flerovium moscovium livermorium
tennessine oganesson
"""
names = (first_names + other_names).split()
print(len(names), "names,", sum(map(len, names)), "letters")

# %% [markdown]
# The model predicts a character from the three before it. A dot stands for "nothing yet" and for the
# end. `tin` thus becomes four examples: `...` gives `t`, `..t` gives `i`, `.ti` gives `n`, and `tin`
# gives the dot. Characters are numbered, with the dot as 0.

# %%
characters = "." + "abcdefghijklmnopqrstuvwxyz"
number = {character: i for i, character in enumerate(characters)}
contexts, targets = [], []
for name in names:
    padded = [number[character] for character in f"...{name}."]
    for i in range(3, len(padded)):
        contexts.append(padded[i - 3 : i])
        targets.append(padded[i])
contexts, targets = np.array(contexts), np.array(targets)
print("contexts", contexts.shape, "  targets", targets.shape)

# %% [markdown]
# ## The model
#
# Each character has a row of 6 numbers in a table, its *embedding*; training finds out what they
# mean. The rows of the three characters are joined: 18 numbers. A linear layer turns them into 40, a
# *batch normalisation* brings these to a common scale, a tanh bends them, and another linear layer
# gives 27 logits.

# %%
rng = np.random.default_rng(0)
parameters = {
    "table": rng.normal(size=(27, 6)),
    "w1": rng.normal(size=(18, 40)) / np.sqrt(18),
    "gain": np.ones(40),
    "bias": np.zeros(40),
    "w2": rng.normal(size=(40, 27)) * 0.1,
    "b2": np.zeros(27),
}
parameters = {name: tx.Tensor(data, name=name) for name, data in parameters.items()}
table, w1, gain, bias, w2, b2 = parameters.values()

# %% [markdown]
# The forward pass for a batch of 32 examples, line by line. You will go back through these lines. The
# block `tx.scope` only tells the pictures which lines belong together.

# %%
index, target, n = contexts[:32], targets[:32], 32
e = table[index].reshape(n, 18)
linear = e @ w1
with tx.scope("batch normalisation"):
    mean = linear.mean(axis=0)
    centred = linear - mean
    std = tx.sqrt((centred**2).mean(axis=0) + 1e-5)
    normed = centred / std
    a = gain * normed + bias
h = tx.tanh(a)
logits = h @ w2 + b2
loss = tx.sparse_softmax_cross_entropy_with_logits(labels=target, logits=logits).mean()

# %%
print("loss", round(loss.item(), 3), "  ln 27 =", round(np.log(27), 3))
tx.draw(loss, names=locals(), gradients=False, fold=True)

# %% [markdown]
# The library knows what every gradient should be, including those of the intermediate steps.
# `compare` shows how far a gradient by hand is from it. Call the gradient of `logits` `d_logits`, and
# so on.

# %%
steps = {"logits": logits, "h": h, "a": a, "normed": normed, "linear": linear, "e": e} | parameters
right = dict(zip(steps, tx.gradients(loss, list(steps.values())), strict=True))


def compare(**by_hand):
    for name, gradient in by_hand.items():
        difference = np.max(np.abs(gradient - right[name.removeprefix("d_")]))
        print(f"{name:9} {np.shape(gradient)!s:9} largest difference {difference:.1e}")


# %% [markdown]
# ## From the loss to the logits
#
# The first step is the exercise of lesson 9: $p - t$, divided by $N$ since the loss is a mean.

# %%
d_logits = tx.softmax(logits.data)
d_logits[np.arange(n), target] -= 1
d_logits /= n
compare(d_logits=d_logits)

# %% [markdown]
# Differences below $10^{-15}$ are rounding errors. Here are the 32 rows: red is what should become
# less likely, blue what should become more likely, one entry per row.

# %% mystnb={"image": {"alt": "A grid of 32 examples by 27 characters: pale red, with one blue cell in each row."}}
figure, axes = plt.subplots(figsize=(7, 4))
shown = axes.imshow(d_logits * n, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
axes.set(xlabel="next character", ylabel="example", title="p - t")
axes.set_xticks(range(27), characters)
figure.colorbar(shown)
plt.show()

# %% [markdown]
# Each row sums to 0: what is taken from one character is given to others. The columns do not; their sums
# are the gradient of `b2`, since that bias is used in every row.
#
# ## The last layer
#
# `logits = h @ w2 + b2` is the linear layer of lesson 11. If you are unsure which factor to transpose, let
# the shapes decide: `d_h` must be (32, 40), from `d_logits` (32, 27) and `w2` (40, 27). There is only one
# way to put them together.

# %%
d_h = d_logits @ w2.data.T
d_w2 = h.data.T @ d_logits
d_b2 = d_logits.sum(axis=0)
compare(d_h=d_h, d_w2=d_w2, d_b2=d_b2)

# %% [markdown]
# ## The tanh
#
# $h = \tanh a = \frac{e^a - e^{-a}}{e^a + e^{-a}}$. The quotient rule gives
#
# $$\frac{dh}{da} = \frac{(e^a + e^{-a})^2 - (e^a - e^{-a})^2}{(e^a + e^{-a})^2} = 1 - h^2.$$
#
# As with the sigmoid, the output is all you need.

# %%
d_a = d_h * (1 - h.data**2)
compare(d_a=d_a)

# %% [markdown]
# Where $h$ is close to 1 or $-1$, the factor $1 - h^2$ is close to 0, and hardly anything gets
# through. The tanh is *saturated* there. With inputs that are too large, most entries are, and the
# layers below learn nothing. That is what the batch normalisation is for. Suppose the numbers in
# `linear` came out five times as large: on the left, what the tanh makes of them; on the right, with
# the batch normalisation in between, for which the factor 5 makes no difference.

# %% mystnb={"image": {"alt": "Two histograms of h: without normalisation nearly all entries are at -1 and 1, with it they spread in between."}}
figure, (left, right_side) = plt.subplots(1, 2, figsize=(7, 2.8), sharey=True)
left.hist(np.tanh(5 * linear.data).ravel(), 40)
left.set(title="tanh of 5 × linear", xlabel="h", ylabel="entries")
right_side.hist(np.tanh(normed.data).ravel(), 40)
right_side.set(title="normalised before", xlabel="h")
plt.show()

# %% [markdown]
# ## Batch normalisation
#
# Each of the 40 columns is brought to mean 0 and variance 1 over the rows of the batch. Then a learned
# `gain` and `bias` set the scale and the place that training finds best:
#
# $$n = \frac{x - \mu}{s}, \qquad s = \sqrt{\sigma^2 + \varepsilon}, \qquad a = \gamma\,n + \beta,$$
#
# where $x$ is `linear`, $\mu$ its mean and $\sigma^2$ its variance. The small $\varepsilon = 10^{-5}$ keeps
# a column of equal numbers from dividing by 0.
#
# The last formula is easy. `gain` and `bias` are used in every row, so their gradients are sums over the
# rows:

# %%
d_gain = (d_a * normed.data).sum(axis=0)
d_bias = d_a.sum(axis=0)
d_normed = d_a * gain.data
compare(d_gain=d_gain, d_bias=d_bias, d_normed=d_normed)

# %% [markdown]
# Now from $n$ to $x$. This is the hard part of the lesson, because $x$ acts on $n$ in three ways: directly,
# through the mean, and through the variance. Look at the graph of a single column of three numbers, and
# count the arrows that leave `x`.

# %%
x = tx.Tensor([1.0, 2.0, 6.0], name="x")
mu = x.mean()
centred = x - mu
s = tx.sqrt((centred**2).mean() + 1e-5)
column = centred / s
tx.draw((column * [1.0, 0.0, 0.0]).sum(), names=locals())

# %% [markdown]
# Two leave `x`, and two leave `centred`. So there are four paths from `x` to `column`: `s`, too, is
# reached both directly and through the mean. Take them in two stages. Let $c = x - \mu$ be the
# centred column; then $n = c / s$, with $s^2 = \frac{1}{N} \sum_j c_j^2 + \varepsilon$.
#
# *From $n$ to $c$, directly:* each $c_i$ is divided by $s$, so it gets $\bar n_i / s$.
#
# *From $n$ through $s$:* $n_j = c_j / s$ has the slope $-c_j / s^2 = -n_j / s$ in $s$. All entries of the
# column use the same $s$, so $\bar s = -\frac{1}{s} \sum_j \bar n_j n_j$. And how does $s$ move with $c_i$?
# From $s^2 = \frac{1}{N} \sum c^2 + \varepsilon$ follows $2 s\,ds = \frac{2}{N} c_i\,dc_i$, so the slope is
# $\frac{c_i}{N s} = \frac{n_i}{N}$. Together,
#
# $$\bar c_i = \frac{1}{s}\Big(\bar n_i - n_i \cdot \frac{1}{N} \sum_j \bar n_j n_j\Big).$$
#
# *From $c$ to $x$:* $c = x - \mu$, and $\mu$ takes $\frac{1}{N}$ of every $x_i$. So $\bar x$ is $\bar c$ minus
# the mean of $\bar c$.
#
# That last step takes the mean away. What is the mean of $\bar c$? The mean of $n$ over the column is
# 0, so the second term has none, and only the mean of $\bar n$ is left. Put it together and write the
# rule. There is a check that needs no computer: shifting all of $x$ by the same amount changes
# nothing, so $\bar x$ must sum to 0.

# %% [markdown] tags=["exercise"]
# ### Exercise: The backward rule of batch normalisation
#
# `x` has the shape `(N, D)`: N examples, D features. Each column is shifted and scaled to mean 0 and
# variance 1. Then two learned rows of shape `(D,)` scale it and shift it again:
#
#     normed = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + epsilon)
#     y = gain * normed + bias
#
# (`x.var` divides by N.) The backward rule receives `grad`, the output `y`, the three inputs, and
# `epsilon`. `grad` is the gradient of the loss with respect to `y`, and has its shape.
#
# Write the rule: return the tuple `(dx, dgain, dbias)`. The mean and the variance depend on `x` too.
#
#     >>> x, ones, zeros = np.array([[1.0], [-1.0]]), np.ones(1), np.zeros(1)
#     >>> for gradient in batch_norm_backward(np.array([[1.0], [0.0]]), x, x, ones, zeros, epsilon=1):
#     ...     print(gradient.round(3).tolist())
#     [[0.177], [-0.177]]
#     [0.707]
#     [1.0]


# %% tags=["exercise"]
def batch_norm_backward(grad, y, x, gain, bias, *, epsilon):
    """Return the gradients (dx, dgain, dbias) of batch normalisation."""
    raise NotImplementedError


# %%
tx.check("batch_norm_backward", batch_norm_backward)

# %% [markdown]
# The sum of 0 has a consequence. A bias in front of a batch normalisation shifts all entries of its
# column alike, and subtracting the mean removes it again: it has no effect, and its gradient is 0.
# That is why the first layer has none.

# %%
print("column sums of the gradient of linear:", np.abs(right["linear"].sum(axis=0)).max().round(15))

# %% [markdown]
# From `d_linear` on it is easy again: `linear = e @ w1` is a matrix product.

# %%
d_linear = right["linear"]
d_e = d_linear @ w1.data.T
d_w1 = e.data.T @ d_linear
compare(d_e=d_e, d_w1=d_w1)

# %% [markdown]
# ## The table
#
# `table[index]` copies a row of the table for each character of each context. Here is how often each row
# was copied for this batch:

# %% mystnb={"image": {"alt": "A bar for each of 27 characters: the dot was copied most often by far."}}
figure, axes = plt.subplots(figsize=(7, 2.6))
axes.bar(range(27), np.bincount(index.ravel(), minlength=27))
axes.set(xlabel="character", ylabel="copies")
axes.set_xticks(range(27), characters)
plt.show()

# %% [markdown]
# The dot was copied most often, since the first context of every name is three dots. From lesson 4
# you know that a copy sends a sum: the gradients of all copies of a row are added up. A row that was
# not copied gets 0.
#
# In NumPy there is a trap. `d_table[index] += d_rows` looks right, but where an index occurs twice NumPy
# reads the old value once, and writes twice:

# %%
counts = np.zeros(3)
counts[[0, 0, 2]] += 1
print("counts[[0, 0, 2]] += 1        ", counts)
counts = np.zeros(3)
np.add.at(counts, [0, 0, 2], 1)
print("np.add.at(counts, [0, 0, 2], 1)", counts)

# %% [markdown] tags=["exercise"]
# ### Exercise: The backward rule of an embedding
#
# An embedding turns token numbers into rows of a table: `y = table[index]`. `table` has the shape
# `(V, D)` and `index` holds integers, in any shape, so `y` has the shape of `index` with one more
# axis. The backward rule receives `grad` (the gradient of the loss with respect to `y`, of its
# shape), `y`, `table` and `index`.
#
# Write the rule: return the gradient with respect to `table`, of its shape. A row may be used several
# times, or never.
#
#     >>> grad, table = np.array([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]]), np.zeros((3, 2))
#     >>> embedding_backward(grad, None, table, index=np.array([0, 2, 0]))
#     array([[5., 5.],
#            [0., 0.],
#            [2., 2.]])


# %% tags=["exercise"]
def embedding_backward(grad, y, table, *, index):
    """Return the gradient of table, where y = table[index]."""
    raise NotImplementedError


# %%
tx.check("embedding_backward", embedding_backward)

# %% [markdown]
# ## The whole backward pass
#
# Put all parts together in one function. It works with plain arrays: no Tensor, no graph. All lines that
# you need are above or in what you wrote. Go from the last line of the forward pass to the first.

# %% [markdown] tags=["exercise"]
# ### Exercise: A whole network, backwards, by hand
#
# A character model predicts the next character from the last ones. Their embeddings are joined to one
# row, which goes through a linear layer, a batch normalisation and a tanh. A second linear layer
# computes the logits. The loss is the mean cross-entropy of the batch. The forward pass is already
# there, with a name for every step.
#
# `index` holds the last T characters as `(N, T)` integers, and `target` the next one, `(N,)`. The
# weights are `table` (`(V, D)`), `w1` (`(T * D, H)`), `gain` and `bias` (`(H,)`), `w2` (`(H, V)`) and
# `b2` (`(V,)`).
#
# Write the backward pass below it: return a dict with the gradient of the mean cross-entropy for each
# weight. Its keys are `"table"`, `"w1"`, `"gain"`, `"bias"`, `"w2"` and `"b2"`; each gradient has the
# shape of its weight.
#
#     >>> index, target = np.array([[0, 1], [1, 1]]), np.array([1, 0])
#     >>> table, w1, w2 = np.eye(2), np.ones((4, 1)), np.ones((1, 2))
#     >>> gain, bias, b2 = np.ones(1), np.zeros(1), np.zeros(2)
#     >>> gradients = ninja_backward(index, target, table, w1, gain, bias, w2, b2)
#     >>> {name: gradient.shape for name, gradient in gradients.items()}
#     {'table': (2, 2), 'w1': (4, 1), 'gain': (1,), 'bias': (1,), 'w2': (1, 2), 'b2': (2,)}


# %% tags=["exercise"]
def ninja_backward(index, target, table, w1, gain, bias, w2, b2):
    """Return the gradient of the mean cross-entropy with respect to each weight."""
    n = len(index)
    e = table[index].reshape(n, -1)
    linear = e @ w1
    std = np.sqrt(np.var(linear, axis=0) + 1e-5)
    normed = (linear - np.mean(linear, axis=0)) / std
    h = np.tanh(gain * normed + bias)
    logits = h @ w2 + b2
    p = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    p = p / np.sum(p, axis=1, keepdims=True)
    raise NotImplementedError


# %%
tx.check("ninja_backward", ninja_backward)

# %% [markdown]
# When it passes you have done by hand what `loss.backward()` does, and you can do it for any network
# made of such parts.
#
# ## What the model learns
#
# Now train the model, with the library's gradients: 500 steps with batches of 64 examples.


# %%
def forward(index):
    e = table[index].reshape(len(index), 18)
    linear = e @ w1
    centred = linear - linear.mean(axis=0)
    normed = centred / tx.sqrt((centred**2).mean(axis=0) + 1e-5)
    return tx.tanh(gain * normed + bias) @ w2 + b2


# %%
losses = []
for step in range(500):
    rows = rng.integers(len(targets), size=64)
    loss = tx.sparse_softmax_cross_entropy_with_logits(
        labels=targets[rows], logits=forward(contexts[rows])
    ).mean()
    losses.append(loss.item())
    rate = 0.5 * (1 - step / 500)
    gradients = tx.gradients(loss, list(parameters.values()))
    for w, gradient in zip(parameters.values(), gradients, strict=True):
        w.data = w.data - rate * gradient

# %% mystnb={"image": {"alt": "The loss against the step: noisy, and falling from ln 27; the mean of 50 steps falls smoothly."}}
figure, axes = plt.subplots(figsize=(6.5, 3.2))
axes.plot(losses, linewidth=0.6, label="each batch")
axes.plot(np.arange(25, 476), np.convolve(losses, np.ones(50) / 50, "valid"), label="mean of 50")
axes.axhline(np.log(27), color="grey", linestyle=":", label="ln 27")
axes.set(xlabel="step", ylabel="loss")
axes.legend()
plt.show()

# %% [markdown]
# To invent a name, begin with three dots, let the model give the probabilities of the next character,
# draw one at random, and go on until a dot is drawn. But now there is one row and no batch. The mean
# of a single row is the row itself, so `centred` is 0 and the model would predict the same whatever
# came before. So mean and deviation are measured once, over all examples, and then kept.

# %%
weights = {name: w.data for name, w in parameters.items()}
everything = weights["table"][contexts].reshape(len(contexts), 18) @ weights["w1"]
fixed_mean, fixed_std = everything.mean(axis=0), np.sqrt(everything.var(axis=0) + 1e-5)


def probabilities(context):
    linear = weights["table"][context].ravel() @ weights["w1"]
    normed = (linear - fixed_mean) / fixed_std
    h = np.tanh(weights["gain"] * normed + weights["bias"])
    return tx.softmax(h @ weights["w2"] + weights["b2"])


# %%
for _ in range(12):
    name, context = "", [0, 0, 0]
    while not name.endswith("."):
        drawn = rng.choice(27, p=probabilities(context))
        name, context = name + characters[drawn], [*context[1:], drawn]
    print(name[:-1], " (exists)" if name[:-1] in names else "")

# %% [markdown]
# Several end in "ium", like many of the 118, and vowels and consonants take turns. Where a line is
# empty, the dot was drawn at once. 118 names are few; with a long list of names the same network does
# better.
#
# ## Summary
#
# * A backward pass by hand goes through the forward pass from the last line to the first, and applies
#   the rule of each line. Shapes decide which factor to transpose.
# * tanh: $\bar a = \bar h\,(1 - h^2)$.
# * In a batch normalisation the input acts directly, through the mean and through the variance:
#   $\bar x = \frac{1}{s}\big(\bar n - \text{mean}(\bar n) - n \cdot \text{mean}(\bar n\,n)\big)$.
#   A bias in front of it has no effect.
# * An embedding is a copy of rows; its gradient adds up all copies of a row.
#
# ## Further reading
#
# * A. Karpathy, "Building makemore part 4: becoming a backprop ninja", *Neural Networks: Zero to Hero*, 2022:
#   the exercise that this lesson follows, as a video, with PyTorch.
# * Y. Bengio, R. Ducharme, P. Vincent, C. Jauvin, "A neural probabilistic language model", *Journal of Machine
#   Learning Research* 3, 2003: the model, with words in place of characters.
# * S. Ioffe, C. Szegedy, "Batch normalization: accelerating deep network training by reducing internal
#   covariate shift", *ICML*, 2015: batch normalisation, and in section 3 its gradients.
# * S. Santurkar, D. Tsipras, A. Ilyas, A. Madry, "How does batch normalization help optimization?",
#   *NeurIPS*, 2018: that it helps for another reason than its inventors thought.

# %% [markdown]
# [Back: 11. A classifier of real digits](11_real_digits.ipynb)  |  [All lessons](00_start.ipynb)  |  [Next: 13. Gradients of gradients](13_gradients_of_gradients.ipynb)

# %% [markdown]
# # 10. Checking gradients
#
# *About 45 minutes. [All lessons](00_start.ipynb)*
#
# A wrong gradient seldom raises an error. It has the right shape, the loss goes down, only not as far
# as it should. So gradients are checked, by the nudges of lesson 1. This lesson is about the check
# itself: how long the nudge should be, what single precision and kinks do to it, how a checker
# can say "right" of a wrong rule, and how to find out what is wrong once you know that something is.
#
# You need the op and the rule from lesson 3, and from lessons 6 and 9 what is lost when two numbers that
# are nearly equal are subtracted.

# %%
import matplotlib.pyplot as plt
import numpy as np

import tinygrad_xent as tx
from tinygrad_xent.teaching.museum import answer, op_of, puzzle

# %% [markdown]
# ## Nudge to one side, nudge to both sides
#
# The exponential is a good place to start, since its slope is known: at 1 it is $e^1 = 2.718\dots$ Take
# the nudge $h = 0.01$ and compare two ways to estimate it.

# %%
h = 0.01
one_sided = (np.exp(1 + h) - np.exp(1)) / h
both_sides = (np.exp(1 + h) - np.exp(1 - h)) / (2 * h)
print("slope      ", np.e)
print("one-sided  ", one_sided, "  error", one_sided - np.e)
print("both sides ", both_sides, "  error", both_sides - np.e)

# %% [markdown]
# The second, the *central difference*, is 300 times closer, at the same step. To see why, write a
# function near $x$ as a polynomial (Taylor's formula):
#
# $$f(x + h) = f(x) + h f'(x) + \tfrac{h^2}{2} f''(x) + \tfrac{h^3}{6} f'''(x) + \dots$$
#
# In the one-sided difference, the term with $h^2$ stays; divided by $h$ it is an error of
# $\tfrac{h}{2} f''(x)$. For $f(x - h)$ all odd powers change their sign, so in the central difference
# the even ones cancel, and the error is $\tfrac{h^2}{6} f'''(x)$. With $h = 0.01$ the one is about
# $h/2 \cdot e = 0.0136$, the other $h^2/6 \cdot e = 0.000045$. A step ten times shorter makes the first
# error ten times smaller and the second a hundred times.
#
# A gradient has one slope for each entry, and a nudge goes to one entry at a time.

# %% [markdown] tags=["exercise"]
# ### Exercise: A gradient without calculus
#
# A derivative is the change of the output divided by the change of the input. A step to each side has
# a far smaller error than a single step: $\frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i)
# - f(x - h e_i)}{2 h}$. Here $e_i$ is 1 at the entry $i$ and 0 elsewhere.
#
# Write it for a function `f` from an array to a number. `x` is an array of any shape, `h` is the
# step, and the result has the shape of `x`. `f` takes only arrays of that shape. `x` itself must not
# change.
#
#     >>> central_difference(np.prod, np.array([2.0, 3.0, 5.0]), 1e-3).round(6)
#     array([15., 10.,  6.])


# %% tags=["exercise"]
def central_difference(f, x, h):
    """Return the gradient of f at x, entry by entry."""
    raise NotImplementedError


# %%
tx.check("central_difference", central_difference)

# %% [markdown]
# ## How long a step?
#
# If a shorter step is better, why not take $h = 10^{-15}$? Here is the error for every step from 1 down to
# $10^{-15}$.


# %%
def error(h, x, one_sided=False):
    h, low = h.astype(x.dtype), x if one_sided else x - h.astype(x.dtype)
    slope = (np.exp(x + h) - np.exp(low)) / (h if one_sided else 2 * h)
    return np.abs(slope - np.e) / np.e


# %% mystnb={"image": {"alt": "Three V-shaped curves of the error against the step, with logarithmic axes: the central difference in float64 reaches lowest."}}
steps = 10.0 ** np.arange(-15, 0.01, 0.1)
figure, axes = plt.subplots(figsize=(6.5, 4))
axes.loglog(steps, error(steps, np.float64(1), one_sided=True), label="one-sided, float64")
axes.loglog(steps, error(steps, np.float64(1)), label="central, float64")
longer = steps[steps > 2e-7]
axes.loglog(longer, error(longer, np.float32(1)), label="central, float32")
axes.set(xlabel="step h", ylabel="relative error of the slope", ylim=(1e-13, 10))
axes.legend()
plt.show()

# %% [markdown]
# Each curve is a V. Read it from the right. At first the error falls, as Taylor's formula says: along
# a line for the one-sided difference, along a line twice as steep for the central one. Then it turns,
# and rises again in a jagged way. That is rounding. Both values of $f$ are rounded, by up to one part
# in $10^{16}$; their difference is tiny, so this rounding is a large part of it; and it is divided by
# $2h$. The shorter the step, the more it is magnified.
#
# The two errors are of the size
#
# $$\underbrace{h^2}_{\text{Taylor}} \qquad\text{and}\qquad
# \underbrace{\frac{\varepsilon}{h}}_{\text{rounding}},$$
#
# where $\varepsilon$ is the relative rounding error, $10^{-16}$ in float64. The best step is where they
# are equal: $h = \sqrt[3]{\varepsilon}$, about $5 \cdot 10^{-6}$, with an error of about $10^{-11}$.
# For the one-sided difference it is $\sqrt{\varepsilon} = 10^{-8}$, with an error of the same size.
#
# Note what follows: **even the best difference has only some 10 of the 16 digits.** A gradient
# that differs from it in the twelfth digit is not wrong.

# %% [markdown]
# ## Single precision
#
# In float32 $\varepsilon$ is $6 \cdot 10^{-8}$. The best step is near $4 \cdot 10^{-3}$, and the best
# error about $10^{-5}$. A checker whose step was chosen for float64 is far off:

# %%
for h in (1e-2, 1e-4, 1e-6, 1e-8):
    step = np.array(h)
    with np.errstate(all="ignore"):
        print(f"h = {h:g}   float64 {error(step, np.float64(1)):8.1e}", end="")
        print(f"   float32 {error(step, np.float32(1)):8.1e}")

# %% [markdown]
# With $h = 10^{-8}$ there is no difference left in float32: $1 + 10^{-8}$ is 1 again. The slope comes
# out as 0, and the relative error is 1. Such a checker calls every right rule wrong, and people
# respond by raising the tolerance until it is silent. The remedy is simple: check in float64, even if
# you train in float32. The rule is the same code. `tx.gradcheck` does it by itself, and judges
# float32 gradients by the precision they can have.

# %%
x = np.array([[1.0, 2.0, 0.5], [0.1, -1.0, 0.3]], dtype=np.float32)
print(tx.gradcheck(tx.softmax, x))

# %% [markdown]
# ## A difference without a subtraction
#
# Rounding hurts because two nearly equal numbers are subtracted. There is a way around it that sounds
# like a trick: go into the complex plane. Replace $h$ by $ih$ in Taylor's formula, where $i^2 = -1$:
#
# $$f(x + ih) = f(x) + ih\,f'(x) - \tfrac{h^2}{2} f''(x) - \dots$$
#
# The number $f(x)$, which was in the way, is in the real part. The imaginary part is $h f'(x)$ and
# then terms with $h^3$. Nothing is subtracted, so $h$ can be as small as you like.

# %% [markdown] tags=["exercise"]
# ### Exercise: A derivative without a difference
#
# The difference of two nearby values loses digits: the smaller the step, the more it loses. For a
# function of complex numbers there is a way out: step by $i h$ instead of $h$. Then $f(x + i h) =
# f(x) + i h f'(x) - \dots$, and the imaginary part is $h f'(x)$, without any subtraction.
#
# Write it for a function `f` that works entry by entry, such as `np.exp`. Return $f'(x)$ for each
# entry of the array `x`, right to nearly all digits. Choose the step yourself.
#
#     >>> complex_step(np.sin, np.array([0.0, 1.0])).round(12)
#     array([1.        , 0.54030231])


# %% tags=["exercise"]
def complex_step(f, x):
    """Return the derivative of f at each entry of x."""
    raise NotImplementedError


# %%
tx.check("complex_step", complex_step)

# %% [markdown]
# It has its limits. The function must take complex numbers and treat them as its formula says.
# `np.abs` of a complex number is its length, which has no imaginary part, so the complex step of it
# is 0 everywhere. The same holds for the maximum, the ReLU and everything with a comparison.
# `tx.gradcheck` tests whether the complex step agrees with differences, and uses differences if it
# does not.

# %% [markdown]
# ## Kinks
#
# The ReLU is $\max(x, 0)$. Its slope is 1 to the right of 0 and 0 to the left. Right beside the kink,
# at $x = 10^{-7}$, the slope is 1. But a nudge of $10^{-5}$ to the left goes across the kink:

# %%
x, h = 1e-7, 1e-5
print("central difference:", (max(x + h, 0) - max(x - h, 0)) / (2 * h))

# %% mystnb={"image": {"alt": "The ReLU with its kink at 0, and a dashed line that cuts the corner from one side to the other."}}
axis = np.linspace(-2, 2, 201)
figure, axes = plt.subplots(figsize=(6, 3))
axes.plot(axis, np.maximum(axis, 0), label="ReLU")
axes.plot([-1, 1.02], [0, 1.02], "o--", label="what a nudge across the kink sees")
axes.plot(0.02, 0.02, "ko")
axes.set(xlabel="x, in steps h", ylabel="y, in steps h")
axes.legend()
plt.show()

# %% [markdown]
# The difference is 0.505, a mixture of both slopes. The rule says 1, and is right. So a checker that
# knows nothing of kinks blames right rules, now and then, when a random number falls near a kink.
# With a thousand ReLUs it happens often.
#
# `tx.gradcheck` compares the slopes on the two sides, with ever shorter steps. If they stay
# different, there is a kink exactly there, and every value between the two slopes is accepted.

# %%
tx.gradcheck(tx.relu, np.array([1e-7, 1.0, 0.0]))

# %% [markdown]
# Only the third entry, exactly 0, is at the kink.
#
# ## How a checker can lie
#
# False alarms are a nuisance. Worse is a checker that calls a wrong rule right. Here are five ways.
#
# **One random entry.** Nudging every entry is slow, so the checker nudges one, drawn at random. This
# gradient of 4 rows and 10 classes is wrong in a single entry. A thousand checks of one entry each:

# %%
rng = np.random.default_rng(0)
right = rng.normal(size=(4, 10))
wrong = right.copy()
wrong[2, 7] *= -1
entries = rng.integers(40, size=1000)
passed = np.isclose(wrong.ravel()[entries], right.ravel()[entries])
print(f"says 'right' in {passed.mean():.1%} of the checks")

# %% [markdown]
# Of 40 entries one is wrong, so 39 of 40 checks see nothing, which is 97.5 percent. The cheap check
# that does work moves *all* entries at once in a random direction, and compares the slope in that
# direction; a wrong entry then shows nearly always. `mode="fast"` does so, and reports how small an
# error it could miss.

# %%
tx.gradcheck(tx.softmax, rng.normal(size=(64, 10)), mode="fast")

# %% [markdown]
# **A loose tolerance.** The mean over 1,000 rows gives each row a thousandth of the gradient. Compare
# with an absolute tolerance of 0.001, and even zeros pass:

# %%
logits, target = rng.normal(size=(1000, 3)), rng.integers(3, size=1000)
z = tx.Tensor(logits)
loss = tx.sparse_softmax_cross_entropy_with_logits(labels=target, logits=z).mean()
expected = tx.gradients(loss, z)
print("zeros pass:", np.allclose(np.zeros((1000, 3)), expected, atol=1e-3))

# %% [markdown]
# A tolerance has to be relative to the size of the gradient.
#
# **A friendly loss.** To check a softmax you need a single number, and the sum is at hand. But the
# probabilities always sum to 1. The right gradient of this loss is 0, and a rule that returns nothing
# but zeros passes. So does one that forgets `grad` if the loss is a plain sum of an op's output,
# because `grad` is all ones. Weight the entries by random numbers, and both are found.

# %%
x = tx.Tensor([1.0, 2.0, 0.5])
print("gradient of the sum:          ", tx.gradients(tx.softmax(x).sum(), x).round(12) + 0.0)
print("gradient of a weighted sum:   ", tx.gradients((tx.softmax(x) * [3.0, 1.0, 2.0]).sum(), x))

# %% [markdown]
# **Friendly numbers.** In lesson 3 a wrong rule for the cube was right at 1.5. Zeros, ones, equal entries
# and square matrices hide mistakes: at 1 a square looks like its own root, a square matrix transposed
# has the same shape. And a mistake at values that never occur in the check, such as beyond the
# border of a clip, cannot be seen at all.
#
# **Comparing with itself.** The expected numbers were printed by the same code last week, or come
# from another function that uses the same rule. They agree, of course. This op has a rule that is
# wrong by a factor, and two calls that agree with each other:


# %%
@tx.op
def square(x):
    return x**2


@square.backward
def careless_rule(grad, y, x):
    return x * grad


# %%
x = tx.Tensor([1.0, 2.0, 3.0])
square(x).sum().backward()
print("both agree:", np.array_equal(x.grad, tx.gradients(square(x).sum(), x)))
print(tx.gradcheck(square, [1.0, 2.0, 3.0]))

# %% [markdown]
# The report names the mistake: the 2 that differentiating $x^2$ brings down is missing. An op keeps its
# rule. To give it another, define it again:


# %%
@tx.op
def square(x):
    return x**2


@square.backward
def careful_rule(grad, y, x):
    return 2 * x * grad


# %%
tx.gradcheck(square, [1.0, 2.0, 3.0])

# %% [markdown]
# A check is worth something only if its two sides are computed in different ways. The same holds for
# the function: if the forward pass computes something else than you meant, and the rule belongs to
# that, every gradient check says "right". That is because the gradient *is* right.

# %% [markdown]
# ## What is wrong?
#
# You have seen it with the square: `tx.gradcheck` says more than "wrong". It keeps a list of mistakes
# that people make. For each of them it asks: if this were the mistake, what would the
# right gradient be? It corrects the gradient accordingly, and speaks only if the corrected one is right
# for several random upstream gradients. Here is the softmax of somebody who took only the diagonal of its
# Jacobian.

# %%
softmax = op_of("softmax_diagonal_only")
logits = rng.normal(size=(2, 4))
report = tx.gradcheck(softmax, logits)
report

# %% [markdown]
# `report.ok` is what a test asks, and `report.assert_ok()` raises an error with this text. The V of this
# lesson is there too. For a right rule it goes down and up again; for a wrong one there is no step
# that helps:

# %%
report.curve()

# %%
tx.gradcheck(tx.softmax, logits).curve()

# %% [markdown]
# ## Find the bug
#
# The op came from the museum of wrong rules. `puzzle(number)` returns an op with a wrong rule without
# saying which; with the name of an op, it is a wrong rule of that op. Read the two gradients and form
# a guess before you run the next cell. Questions that help: Is the ratio of the two the same
# everywhere? Are the signs? Are some rows or columns right? Does a row sum to 0 where it should? The
# first one divides.

# %%
first = puzzle(0, "divide")
report = tx.gradcheck(first, rng.normal(size=(2, 3)), rng.uniform(1, 2, size=(2, 3)))
case = report.cases[1]
print("gradient of", case.name, "in", first)
print("arriving\n", case.upstream[0].round(3))
print("rule gives\n", case.got[0].round(3))
print("differences\n", case.expected[0].round(3))

# %%
print(report.diagnosis)
print(answer(first).source)

# %% [markdown]
# The next one is a softmax. Its rows should sum to 0 in the gradient, since adding a number to all logits
# of a row changes nothing.

# %%
second = puzzle(2, "softmax")
report = tx.gradcheck(second, rng.normal(size=(2, 3)))
case = report.cases[0]
print("rule gives\n", case.got[0].round(3))
print("differences\n", case.expected[0].round(3))
print(
    "row sums", case.got[0].sum(axis=1).round(3), "  column sums", case.got[0].sum(axis=0).round(3)
)

# %%
print(report.diagnosis)
print(answer(second).source)

# %% [markdown]
# And a cross-entropy, with two rows of three classes.

# %%
third = puzzle(9, "softmax_cross_entropy")
report = tx.gradcheck(third, np.array([[0.0, 1.0, 0.0], [0.3, 0.3, 0.4]]), rng.normal(size=(2, 3)))
case = report.cases[1]
print("gradient of", case.name)
print("rule gives\n", case.got[0].round(3))
print("differences\n", case.expected[0].round(3))

# %%
print(report.diagnosis)
print(answer(third).source)

# %% [markdown]
# Take other numbers for more. `tx.gradcheck` itself can be tested in this way, and is: a checker
# needs wrong rules that it must find, and right ones that it must not blame.
#
# ## Summary
#
# * A central difference has an error of $h^2$ from Taylor's formula and one of $\varepsilon / h$ from
#   rounding. The best step in float64 is about $5 \cdot 10^{-6}$.
# * Check in float64. In float32 a difference has four or five digits at best.
# * The complex step has no subtraction and gives nearly all digits, where the function allows it.
# * A nudge across a kink mixes two slopes; a right rule looks wrong there.
# * Check every entry or a random direction, relative to the size, with random upstream gradients, at
#   random numbers, against something that does not use the rule.
#
# ## Further reading
#
# * W. Squire, G. Trapp, "Using complex variables to estimate derivatives of real functions", *SIAM Review*
#   40(1), 1998: the complex step, in three pages.
# * J. R. R. A. Martins, P. Sturdza, J. J. Alonso, "The complex-step derivative approximation", *ACM
#   Transactions on Mathematical Software* 29(3), 2003: what code must do for it to work.
# * W. H. Press, S. A. Teukolsky, W. T. Vetterling, B. P. Flannery, *Numerical Recipes*, third edition,
#   Cambridge University Press, 2007, section 5.7: the best step, and how to do better by extrapolation.
# * PyTorch's documentation, "Gradcheck mechanics", pytorch.org/docs: how the check along random
#   directions works there.

# %% [markdown]
# [Back: 9. Fusion: why p - t](09_fusion.ipynb)  |  [All lessons](00_start.ipynb)  |  [Next: 11. A classifier of real digits](11_real_digits.ipynb)

# %% [markdown]
# # Start here
#
# Fifteen lessons lead from a slope to the fused cross-entropy of a classifier. You need Python, a
# little NumPy, and derivatives as in school. Click on a title to open the lesson.
#
# | lesson | minutes | what you can do afterwards |
# |---|---|---|
# | [1. A tensor remembers](01_a_tensor_remembers.ipynb) | 40 | read the graph of a computation, and write a first backward rule |
# | [2. The chain rule, one step at a time](02_the_chain_rule.ipynb) | 40 | send gradients through any graph of numbers, in the right order |
# | [3. Write an op](03_write_an_op.ipynb) | 40 | add an op with its rule, and check it by nudges |
# | [4. Broadcasting and sums](04_broadcasting_and_sums.ipynb) | 45 | get the shape of every gradient right |
# | [5. Softmax](05_softmax.ipynb) | 50 | write a softmax that never overflows, and its rule |
# | [6. The logarithm, and where digits are lost](06_logarithm.ipynb) | 50 | see where digits are lost, and keep them |
# | [7. Cross-entropy from dense labels](07_cross_entropy.ipynb) | 40 | derive probability minus label |
# | [8. Integer targets](08_integer_targets.ipynb) | 50 | tell logits from probabilities, and find the axis of the classes |
# | [9. Fusion: why p - t](09_fusion.ipynb) | 40 | say why one op is better than three |
# | [10. Checking gradients](10_checking_gradients.ipynb) | 45 | trust a gradient check, and know when not to |
# | [11. A classifier of real digits](11_real_digits.ipynb) | 45 | train a network, and explain its mistakes |
# | [12. Becoming a backprop ninja](12_backprop_ninja.ipynb) | 55 | go through a whole network backwards, by hand |
# | [13. Gradients of gradients](13_gradients_of_gradients.ipynb) | 45 | use second derivatives |
# | [14. One loss, five frameworks](14_one_loss_five_frameworks.ipynb) | 35 | move a loss from one framework to another |
# | [15. Past one machine](15_past_one_machine.ipynb) | 35 | compute a loss in blocks, on several machines |
#
# Take 1 to 9 in order. 10, 13, 14 and 15 can be left out. The minutes are counted from the words, the
# lines of code and the exercises of a lesson; nobody has been timed, so take your own pace.
#
# Your answers stay in your copies of the notebooks. When an exercise passes, its name is added to
# `passed.txt` in this folder, and nowhere else. Run this cell (Shift + Enter) to see how far you are:

# %%
from tinygrad_xent.teaching.lessons import progress

print(progress())

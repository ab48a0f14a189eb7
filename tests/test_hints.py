"""What one types who comes from another library, and the words of the answer.

To answer one more word add a line to tinygrad_xent/errors/hints.txt, and one to a table here.
"""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent import errors
from tinygrad_xent.errors import hints

LABELS, ROWS = [1, 0], [[0.25, 0.75], [0.5, 0.5]]

# An expression in x (a Tensor of shape (2, 2)) and tx, and what its error must say.
ASKED = {
    # methods of Tensors
    "x.numpy()": "x.data is the plain array",
    "x.detach()": "x.data is the plain array",
    "x.cpu()": "leave it out",
    "x.cuda()": "there are no devices",
    "x.to('cpu')": "there are no devices",
    "x.view(-1)": "write x.reshape(shape)",
    "x.permute(1, 0)": "write x.transpose(axes)",
    "x.unsqueeze(0)": "write tx.expand_dims(x, axis)",
    "x.expand(2, 2, 2)": "write tx.broadcast_to(x, shape)",
    "x.size(0)": "write x.shape[0]",
    "x.dim()": "x.ndim",
    "x.numel()": "x.size",
    "x.t()": "write x.T",
    "x.exp()": "write tx.exp(x)",
    "x.log()": "write tx.log(x)",
    "x.softmax(-1)": "write tx.softmax(x)",
    "x.logsumexp(1)": "write tx.logsumexp(x)",
    "x.matmul(x)": "write x @ y",
    "x.mul(2)": "write x * y",
    "x.add_(1)": "write x.data += y",
    "x.zero_()": "assign new data",
    "x.zero_grad()": "set w.grad = None",
    "x.requires_grad": "every Tensor of floats is recorded",
    "x.requires_grad_()": "every Tensor of floats is recorded",
    "setattr(x, 'requires_grad', True)": "every Tensor of floats is recorded",
    "x.is_leaf": "x.op is None",
    "x.grad_fn": "x.op is the op that made it",
    "x.data_ptr()": "x.data.ctypes.data",
    "x.clone()": "x.copy()",
    "x.float()": "x.astype(np.float32)",
    "x.assign([1.0])": "x.data = ...",
    "x.at[0].set(1.0)": "tx.where(mask, new, x)",
    "x.all()": "x.data.all is that of the plain array",
    "x.sparse_categorical_crossentropy([1])": "write tx.sparse_categorical_crossentropy(labels, x)",
    # names in the package
    "tx.tensor([1.0])": "write tx.Tensor(array)",
    "tx.Variable(1.0)": "write tx.Tensor(array)",
    "tx.Parameter(1.0)": 'write tx.Tensor(array, name="w")',
    "tx.Value(1.0)": "write tx.Tensor(2.0)",
    "tx.zeros(3)": "np.zeros is NumPy's",
    "tx.no_grad()": "compute with x.data",
    "tx.stop_gradient(x)": "x.data is the plain array",
    "tx.grad(x)": "tx.gradients(loss, x)",
    "tx.autograd.grad(x)": "tx.gradients(loss, x)",
    "tx.GradientTape()": "no tape is needed",
    "tx.cross_entropy(ROWS, LABELS)": "the labels come first",
    "tx.CrossEntropyLoss()": "tx.sparse_softmax_cross_entropy_with_logits",
    "tx.losses.cross_entropy": "the labels come first",
    "tx.one_hot(LABELS, 2)": "np.eye(classes)[labels]",
    "tx.nn": "tx.relu(x @ w + b)",
    "tx.optim.SGD": "w.data -= 0.1 * w.grad",
    "tx.cat([x, x])": "write tx.concatenate",
    "tx.reduce_mean(x)": "write tx.mean",
    "tx.mul(x, x)": "write x * y",
    "tx.jit": "nothing is compiled",
    "tx.make_dot(x)": "write tx.draw(loss)",
    # arguments
    "x.sum(dim=1)": "sum has no argument `dim`: write axis=",
    "x.mean(1, keepdim=True)": "write keepdims=",
    "x.var(axis=0, correction=1)": "write ddof=",
    "x.max(dim=1)": "write axis=",
    "x.cumsum(dim=1)": "write axis=",
    "x.squeeze(dim=1)": "write axis=",
    "tx.softmax(x, dim=-1)": "write axis=",
    "tx.softmax(input=x)": "missing its input `x`",
    "tx.sum(x, axis=1.0)": "axis=1.0 is not an integer: write axis=1",
    "tx.sum(x, out=ROWS)": "an op computes a new array",
    "tx.sum(x, foo=1)": "its arguments are x, axis, keepdims",
    "tx.Tensor(ROWS, requires_grad=True)": "every Tensor of floats is recorded",
    "tx.Tensor(ROWS, device='cpu')": "there are no devices",
    "x.sum().backward(retain_graph=True)": "a graph survives its backward pass",
    "x.sum().backward(create_graph=True)": "tx.gradients(loss, x, create_graph=True)",
    "tx.gradients(x.sum(), x, retain_graph=True)": "a graph survives its backward pass",
    "tx.gradients(x, x, grad_outputs=ROWS)": "write seed=",
    "tx.jacobian(func=1, inputs=x)": "its arguments are output, wrt",
    "tx.sparse_categorical_crossentropy(y_true=LABELS, y_pred=x)": "write target=",
    "tx.sparse_categorical_crossentropy(LABELS, y_pred=x)": "write output=",
    "tx.categorical_crossentropy(labels=ROWS, logits=x)": "write target=",
    "tx.categorical_crossentropy(ROWS, x, dim=1)": "write axis=",
    "tx.categorical_crossentropy(ROWS, x, reduction='mean')": "write .mean() or .sum()",
    "tx.categorical_crossentropy(ROWS, x, label_smoothing=0.1)": "smooth the labels",
    "tx.sparse_categorical_crossentropy(LABELS, x, weight=[1, 2])": "w = weight[labels]",
    "tx.sparse_categorical_crossentropy(LABELS, x, sample_weight=[1, 2])": "(weight * losses)",
    "tx.sparse_categorical_crossentropy(LABELS, x, ignore_index=-100)": "kept = labels != ignored",
    "tx.sparse_categorical_crossentropy(LABELS, x, ignore_class=255)": "kept = labels != ignored",
    "tx.softmax_cross_entropy_with_logits(labels=ROWS, logits=x, axis=1)": "write dim=",
    "tx.softmax_cross_entropy_with_logits_v2(targets=ROWS, logits=x)": "write labels=",
    "tx.sparse_softmax_cross_entropy_with_logits(labels=LABELS, logits=x, axis=1)": "last axis",
    # the order, and what is not an array of numbers
    "tx.sparse_categorical_crossentropy(x, LABELS, True)": "If these are the labels: they come",
    "tx.sparse_categorical_crossentropy([1, 2], x)": "count from 1: subtract 1",
    "tx.sparse_categorical_crossentropy([1, None], x)": "None at position 1: leave out rows",
    "tx.sparse_categorical_crossentropy([1, float('nan')], x)": "NaN at position 1: leave out rows",
    "tx.sparse_categorical_crossentropy(['a', None], x)": "None at position 1: leave out rows",
    "tx.sparse_categorical_crossentropy(['a', 'b'], x)": "target = np.unique(target, return_inv",
    "tx.softmax_cross_entropy_with_logits(labels=['a', 'b'], logits=x)": "np.unique(labels, return",
    "tx.softmax_cross_entropy_with_logits(labels=np.ones((2, 4, 5, 3)) / 3,"
    " logits=np.ones((2, 3, 4, 5)), dim=1)": "np.moveaxis(labels, -1, 1)",
    "x @ np.ones((3, 2))": "the 2 columns of x must be as many as the 3 rows of y. Perhaps x @ y.T",
    "tx.softmax([[1.0], [1.0, 2.0]])": "row 1 has 2 entries, row 0 has 1 entry: pad the rows",
    "tx.Tensor([[1.0, 2.0], 3.0])": "row 1 is a single value, row 0 has 2 entries",
    "tx.Tensor([np.ones(3), np.ones(2)])": "row 1 has 2 entries, row 0 has 3",
    "tx.Tensor([[[1.0, 2.0], [1.0]]])": "row 1 has 1 entry, row 0 has 2 entries",
    # graphs
    "tx.jacobian(lambda x: x, x)": "call it first, y = f(x)",
    "tx.gradients(np.sin, x)": "Wrap the inputs",
    "(tx.Tensor(LABELS, name='k') * 2).sum().backward()": "Make the tensor 'k' of shape (2,) float",
    "tx.Tensor(3).backward()": "Make it float: Tensor(data, dtype=float)",
    "tx.draw(x, locals())": "names=locals()",
}  # fmt: skip


@pytest.mark.parametrize(("asked", "answer"), ASKED.items(), ids=ASKED)
def test_the_answer_says_what_to_write(asked: str, answer: str) -> None:
    names = {"tx": tx, "np": np, "x": tx.Tensor(ROWS), "LABELS": LABELS, "ROWS": ROWS}
    with pytest.raises((AttributeError, TypeError, ValueError), match=re.escape(answer)):
        eval(asked, names)  # noqa: S307 (the lines above)


@pytest.mark.filterwarnings("ignore::tinygrad_xent.errors.UnconnectedWarning")
def test_what_the_answers_advise_is_there() -> None:
    """Each function of tx and method of x that a sentence names exists."""
    text = "\n".join({**hints.ATTRIBUTES, **hints.NAMES, **hints.ARGUMENTS}.values())
    functions = set(re.findall(r"\btx\.(\w+)", text))
    assert len(functions) > 15
    assert functions <= set(tx.__all__)
    assert set(re.findall(r"\bx\.(\w+)", text)) <= set(dir(tx.Tensor)) | {"grad"}
    assert hints.ATTRIBUTES.keys() & vars(tx.Tensor).keys() == {"requires_grad"}  # for assignments
    assert not hints.NAMES.keys() & set(tx.__all__)


def test_words_that_are_answered_by_what_they_do() -> None:
    x = tx.Tensor([[1.0, 2.0]])
    loss = x.sum() / 7
    assert f"{loss:.4f} {loss!s:.6} {loss}" == f"0.4286 Tensor {loss!r}"
    assert round(loss, 2) == 0.43
    assert round(loss) == 0
    assert x.tolist() == [[1.0, 2.0]]
    assert tx.gradients(x.copy().sum(), x).tolist() == [[1, 1]]
    assert x.size == 2
    assert not hasattr(x, "requires_grad")
    copied = x.copy()
    x.data[0, 0] = 5.0
    assert copied.tolist() == [[1.0, 2.0]]


def test_an_error_inside_an_op_stays_as_it_is() -> None:
    def fails(x: Any, **other: Any) -> Any:
        raise TypeError("f() got an unexpected keyword argument 'dim'")

    @tx.op
    def passing_on(x: Any) -> Any:
        return fails(x)

    with pytest.raises(TypeError, match=r"^f\(") as raised:
        passing_on(tx.Tensor(1.0))
    assert not isinstance(raised.value, errors.OpCallError)


def test_the_hints_are_read_only_when_something_went_wrong() -> None:
    script = (
        "import sys, tinygrad_xent as tx; x = tx.Tensor([1.0, 2.0])\n"
        "loss = tx.sparse_categorical_crossentropy(0, tx.softmax(x)); loss.backward()\n"
        "tx.draw(loss).svg; tx.gradcheck(tx.tanh, [0.5]); tx.gradients(x.sum(axis=0), x)\n"
        "print('tinygrad_xent.errors.hints' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_advice_keeps_to_the_call_that_was_made() -> None:
    probs = np.full((2, 3, 4), 1 / 3)
    with pytest.raises(errors.ShapeError, match="Axis 1 would fit: write axis=1") as caught:
        tx.sparse_categorical_crossentropy(np.zeros((2, 4), int), probs)
    assert "from_logits" not in str(caught.value)
    with pytest.raises(errors.LabelDtypeError, match="with NaN: leave out"):
        tx.sparse_categorical_crossentropy(np.nan, probs[0, :, 0])
    with pytest.raises(errors.ShapeError, match=r"Perhaps x @ y\.mT is meant"):
        tx.matmul(np.ones((2, 3, 4)), np.ones((2, 3, 4)))

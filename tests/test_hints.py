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
    "x.abs()": "write abs(x)",
    "x.clamp(0, 1)": "write tx.clip(x, 0, 1)",
    "x.chunk(2)": "write tx.split(x, parts, axis=0)",
    "x.topk(1)": "write tx.sort(x)[..., -k:]",
    "x.index_select(0, LABELS)": "write tx.take(x, indices, axis=0)",
    "x.repeat_interleave(2)": "write tx.repeat(x, repeats=2, axis=0)",
    "x.isnan()": "NumPy's function takes a Tensor: np.isnan(x)",
    "x.eval()": "computed already",
    "x.values": "x.data is the plain array",
    "x.copy_(x)": "x.data = y",
    "x.where(x > 0, 0)": "write tx.where(condition, x, y)",
    "x.minimum(x)": "write tx.minimum(x, y)",
    "x.roll(1)": "write tx.roll(x, shift)",
    "x.split(2)": "write tx.split(x, indices_or_sections)",
    "x.exp_()": "nothing is changed in place",
    "x.unique()": "its result has no gradient: give it x.data",
    "x.inverse()": "take x.data for the plain array, or write an op of your own",
    "x.max(-1).indices": "np.argmax(x, axis=-1) has the places",
    "x.resahpe(4)": "perhaps reshape is meant",
    "x.item()": "holds 4 numbers, and one is needed: reduce it (.sum(), .mean())",
    "float(x)": "choose an entry (x[0])",
    "int(x)": "or take the plain array, x.data",
    "bool(x)": "holds 4 numbers, and one is needed",
    "round(x, 1)": "holds 4 numbers, and one is needed",
    "'%.2f' % x": "holds 4 numbers, and one is needed",
    "f'{x:.2f}'": "tensor without a name of shape (2, 2) holds 4 numbers",
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
    "tx.sofmax(x)": "perhaps softmax is meant",
    "tx.grad_check": "perhaps gradcheck is meant",
    "tx.clamp(x, 0, 1)": "write tx.clip(x, 0, 1)",
    "tx.randn(2, 3)": "np.random.default_rng(0).normal(size=(2, 3))",
    "tx.float32": "np.float32 is NumPy's",
    "exec('from tinygrad_xent import no_grad')": "compute with x.data",
    "exec('from tinygrad_xent import nn, optim')": "functions are in tx",
    "exec('from tinygrad_xent import sofmax')": "perhaps softmax is meant",
    "exec('from tinygrad_xent.losses import cross_entropy')": "the labels come first",
    "tx.pi": "np.pi is NumPy's",
    "tx.argsort(x)": "np.argsort is NumPy's",
    "tx.isnan(x)": "np.isnan(x)",
    "x.allclose(x)": "np.allclose(x, y)",
    "x.draw()": "write tx.draw(x)",
    "tx.binary_cross_entropy_with_logits(x, x)": "tx.mean(tx.logaddexp(0, z) - t * z)",
    "tx.utils.data": "a batch is a slice",
    "tx.is_grad_enabled()": "every Tensor of floats is recorded",
    "tx.func.grad": "tx.gradients(loss, x)",
    "tx.state_dict": "np.savez(path, w=w.data)",
    "x.state_dict()": "np.savez(path, w=w.data)",
    "tx.kl_div(x, x)": "tx.softmax_cross_entropy_with_logits(labels=t, logits=z)",
    "tx.explain(x)": "type tinygrad-xent, the word and --help in a terminal",
    "tx.exercises()": "tinygrad_xent.teaching.exercises import CATALOGUE",
    "tx.museum.puzzle(1)": "from tinygrad_xent.teaching.museum import puzzle",
    "tx.load_digits()": "teaching/data/digits.csv.gz in the folder of the package",
    "tx.MSELoss()": "write tx.mean((y - t) ** 2)",
    "tx.metrics.accuracy": "(np.argmax(p, axis=-1) == labels).mean()",
    "tx.layers.Dense(3)": "tx.relu(x @ w + b)",
    "tx.BatchNorm1d(3)": "x.var(axis=0) + 1e-5",
    "tx.dropout(x)": "keep = rng.random(x.shape) > 0.5",
    "tx.leaky_relu(x)": "write tx.where(x > 0, x, 0.01 * x)",
    "tx.softplus(x)": "write tx.logaddexp(x, 0)",
    "tx.conv2d(x, x)": "write one of your own with @tx.op",
    "tx.embedding": "write table[indices]",
    "tx.Function": "@name.backward",
    "tx.cast(x, 'float32')": "write x.astype(dtype)",
    "tx.convert_to_tensor(ROWS)": "write tx.Tensor(array)",
    "tx.DataLoader": "a batch is a slice",
    "tx.backward(x)": "write loss.backward()",
    "tx.plot(x)": "write tx.draw(loss)",
    "tx.math.log(x)": "functions are in tx",
    # functions of NumPy
    "np.copy(x)": "write x.copy()",
    "np.column_stack([x, x])": "write tx.stack([x, y], axis=-1)",
    "np.diff(x)": "write x[1:] - x[:-1]",
    "np.ptp(x)": "write x.max() - x.min()",
    "np.average(x)": "write x.mean()",
    "np.nansum(x)": "tx.where(np.isnan(x), 0, x)",
    "np.median(x)": "tx.sort(x)",
    "np.linalg.det(x)": "write an op of your own with @tx.op",
    "np.add.reduce(x)": "write x.sum()",
    "np.add.at(x, 0, 1)": "tx.put(new",
    "np.clip(x, 0, 1, min=3)": "does not take the argument `min`",
    "np.pad(x, 1, mode='reflect', reflect_type='odd')": "does not take the argument `reflect_type`",
    "np.array([x, x])": "stack for a list of Tensors",
    # arguments
    "x.sum(dim=1)": "sum has no argument `dim`: write axis=",
    "x.mean(1, keepdim=True)": "write keepdims=",
    "x.var(axis=0, correction=1)": "write ddof=",
    "x.max(dim=1)": "write axis=",
    "x.cumsum(dim=1)": "write axis=",
    "x.squeeze(dim=1)": "write axis=",
    "tx.softmax(x, dim=-1)": "write axis=",
    "tx.softmax(input=x)": "missing its input `x`",
    "x.std(dim=1)": "write axis=",
    "x.argmax(dim=1)": "argmax has no argument `dim`: write axis=",
    "x.argsort(descending=True)": "write tx.sort(x)[::-1]",
    "x.cumprod(dim=1)": "write axis=",
    "x.repeat(2, dim=1)": "write axis=",
    "x.take(0, dim=1)": "write axis=",
    "x.round(ndigits=1)": "round has no argument `ndigits`: its arguments are x, decimals",
    "x.transpose(dim0=0, dim1=1)": "to swap two axes write x.swapaxes(0, 1)",
    "x.swapaxes(dim0=0, dim1=1)": "write axis1=",
    "x.flatten(start_dim=1)": "write x.reshape(len(x), -1)",
    "x.flatten(1)": "ravel takes no argument",
    "x.var(unbiased=False)": "write ddof=0 for False",
    "x.sum(1, True)": "Call sum(x, *, axis=None, keepdims=False)",
    "x.reshape()": "reshape takes x, and only by name shape",
    "tx.Tensor()": "Tensor takes data, and only by name dtype, name",
    "tx.Tensor(2, 3)": "Tensor takes data, and only by name dtype, name",
    "tx.gradients(x)": "gradients takes output, wrt, and only by name seed",
    "tx.draw(x, filename='a.svg')": 'write tx.draw(loss).save("graph.svg")',
    "tx.pad(x, 1, reflect_type='odd')": "its arguments are x, pad_width, mode",
    "tx.gradcheck(lambda x: x, [1.0], eps=1e-6)": "the check chooses its steps",
    "tx.gradcheck(lambda x: x, [1.0], power=2)": "gradcheck has no argument `power`",
    "tx.losses.categorical_crossentropy(ROWS, x, dim=1)": "write axis=",
    "tx.sparse_categorical_crossentropy(LABELS, x, axis=1.0)": "is not an integer: write axis=1",
    "tx.sparse_categorical_crossentropy(LABELS, x, False, 1.0)": "is not an integer: write axis=1",
    "tx.sparse_categorical_crossentropy(LABELS, x, epsilon=None)": "not a number, such as epsilon",
    "tx.sparse_categorical_crossentropy(LABELS, x, epsilon='a')": "not a number, such as epsilon",
    "tx.softmax(x, axis=1.0)": "axis=1.0 is not an integer: write axis=1",
    "x.sum(axis=[0, 1])": "axis=[0, 1] is not an integer: write axis=(0, 1)",
    "x.reshape(2.0, 2.0)": "shape=(2.0, 2.0) is not an integer",
    "x.sum('a')": "axis='a' is not an integer",
    "x.sum(2)": "sum: axis 2 is out of bounds for array of dimension 2: choose one from -2 to 1",
    "x.squeeze(-1)": "only axes of length 1 can be squeezed out",
    "x[None].transpose(0, 1)": "to swap two write x.swapaxes(0, 1)",
    "tx.repeat(x, repeats=-1)": "count from 0",
    "tx.tile(x, -1)": "tile repeats an array 0 times or more, not -1",
    "np.pad(x, -1)": "index can't contain negative values",
    "tx.norm(x, p=2)": "write ord=",
    "tx.relu(x, inplace=True)": "leave the argument out",
    "tx.gradients(y=x, x=x)": "write output=",
    "tx.gradients(x, x=x)": "write wrt=",
    "x.sum().backward(retain=True)": "backward has no argument `retain`: its arguments",
    "x.sum().backward('a')": "numbers are needed, got 'a'",
    "tx.gradients(x, x, seed='a')": "numbers are needed, got 'a'",
    "tx.categorical_crossentropy(ROWS, x, 0.1)": "from_logits=0.1 is neither True nor False",
    "tx.sparse_categorical_crossentropy(LABELS, x, 'no')": "from_logits='no' is neither True nor",
    "tx.sparse_categorical_crossentropy([0], x)": "There is 1 label for 2 rows",
    "tx.Tensor(['1', '2'])": "numbers are needed, got '1'",
    "tx.Tensor([1.0, None])": "numbers are needed, got None",
    "tx.sum(x, axis=1.0)": "axis=1.0 is not an integer: write axis=1",
    "tx.sum(x, out=ROWS)": "an op computes a new array",
    "tx.sum(x, foo=1)": "its arguments are x, axis, keepdims",
    "tx.Tensor(ROWS, requires_grad=True)": "leave the argument out: every Tensor of floats",
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
    "x + np.ones(3)": "counted from the last axis, lengths must be equal, or one of them 1",
    "x * np.ones((3, 1))": "one number for each row is a column, y[:, None]",
    "x @ 3": "a number has not; write x * y",
    "tx.stack([x, x[0]])": "arrays of other lengths are joined by tx.concatenate",
    "tx.concatenate([x, x[0]])": "give all as many axes, with x[None] or x.reshape(shape)",
    "tx.concatenate([x.sum(), x.sum()])": "numbers are joined by tx.stack",
    "tx.categorical_crossentropy([[1], [0]], x)": "Class numbers go to sparse_",
    "tx.softmax(None)": "numbers are needed, got None",
    "tx.exp(None)": "numbers are needed, got None",
    "tx.matmul(None, x)": "numbers are needed, got None",
    "tx.clip(x, None, 'a')": "numbers are needed, got 'a'",
    "tx.Tensor(None)": "numbers are needed, got None",
    "tx.log('a')": "numbers are needed, got 'a'",
    "x + 'a'": "numbers are needed, got 'a'",
    "x + None": "numbers are needed, got None",
    "tx.log([1.0, None])": "numbers are needed, got None",
    "tx.softmax(np.array(['a']))": "numbers are needed, got 'a'",
    "tx.softmax({})": "a dict is not an array: make a list of its numbers",
    "tx.softmax(i for i in LABELS)": "a generator is not an array: make a list of its numbers",
    # graphs
    "tx.gradcheck(tx.softmax, (x,))": "one after another, not in a tuple: gradcheck(f, x, y)",
    "tx.gradcheck(lambda y: tx.stack(y), [x, x])": "one after another, not in a list",
    "tx.jacobian(lambda x: x, x)": "call it first, y = f(x)",
    "tx.gradients(np.sin, x)": "Wrap the inputs",
    "(tx.Tensor(LABELS, name='k') * 2).sum().backward()": "Make the tensor 'k' of shape (2,) float",
    "tx.Tensor(3).backward()": "Make it float: Tensor(data, dtype=float)",
    "tx.draw(x.sum()).show()": "write .save('picture.html') and open the file",
    "tx.draw(x, locals())": "names=locals()",
}  # fmt: skip


@pytest.mark.parametrize(("asked", "answer"), ASKED.items(), ids=ASKED)
def test_the_answer_says_what_to_write(asked: str, answer: str) -> None:
    names = {"tx": tx, "np": np, "x": tx.Tensor(ROWS), "LABELS": LABELS, "ROWS": ROWS}
    with pytest.raises(
        (AttributeError, ImportError, TypeError, ValueError), match=re.escape(answer)
    ):
        eval(asked, names)  # noqa: S307 (the lines above)


@pytest.mark.filterwarnings("ignore::tinygrad_xent.errors.UnconnectedWarning")
def test_what_the_answers_advise_is_there() -> None:
    """Each function of tx and method of x that a sentence names exists."""
    tables = (hints.ATTRIBUTES, hints.NAMES, hints.FUNCTIONS, hints.ARGUMENTS, hints.SAYINGS)
    text = "\n".join(sentence for table in tables for sentence in table.values())
    functions = set(re.findall(r"\btx\.(\w+)", text))
    assert len(functions) > 15
    assert functions <= {*tx.__all__, "Tensor"}
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
    assert 2.0 in x
    assert float(tx.Tensor([3.0])) == 3.0
    assert x.reshape(shape=(2,)).tolist() == [1, 2]
    assert np.isnan(x).tolist() == np.isinf(x).tolist() == [[False, False]]
    assert np.full_like(x, 3.0).tolist() == [[3, 3]]
    np.testing.assert_allclose(x, x.copy())
    np.testing.assert_array_equal(x.data, x)
    with pytest.raises(AssertionError, match="Mismatched elements: 2 / 2"):
        np.testing.assert_allclose(x, x + 1)
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

    @tx.op
    def along(x: Any, *, dim: int = 0) -> Any:
        return fails(x, dim=dim)

    with pytest.raises(TypeError, match=r"^f\(") as raised:
        along(tx.Tensor(1.0), dim=1)
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


class Sparse:
    """Like a matrix of scipy.sparse: NumPy takes it for an object."""

    shape = (2, 2)

    def toarray(self) -> Any:
        return np.eye(2)


@pytest.mark.parametrize("use", [tx.softmax, tx.Tensor, lambda m: tx.Tensor(ROWS) * m])
@pytest.mark.parametrize("m", [Sparse()])
def test_a_sparse_matrix_is_told_to_become_an_array(use: Any, m: Any) -> None:
    with pytest.raises(errors.DtypeError, match=r"write m\.toarray\(\)"):
        use(m)


def test_a_library_of_sparse_matrices_is_told_too() -> None:
    names = {"__name__": "scipy.sparse._base", "np": np, "x": tx.Tensor(ROWS)}
    with pytest.raises(errors.NumpyFunctionError, match=r"write m\.toarray\(\)"):
        eval("np.asanyarray(x)", names)  # noqa: S307 - as SciPy does


WARNINGS = {
    "tx.log(x)": "divide by zero encountered in log: op `log`",
    "np.log(x)": "divide by zero encountered in log: op `log`",
    "1 / x": "divide by zero encountered in divide: op `divide`",
    "x ** -1.0": "divide by zero encountered in power: op `power`",
    "tx.log([0.0])": "divide by zero encountered in log: op `log`",
    "tx.concatenate([x, x]) / 0": "divide by zero encountered in divide: op `divide`",
    "tx.gradients(tx.sqrt(x).sum(), x)": "divide by zero encountered in divide: the rule of op `sq",
    "tx.sqrt(x).sum().backward()": "divide by zero encountered in divide: the rule of op `sqrt`",
    "(x[0] / x[1]).backward()": "divide by zero encountered in divide: op `divide`",
    "(x.astype('float16') + 40000).sum()": "overflow encountered in reduce: op `sum`",
    "tx.prod(1e200 * x + 1e200)": "overflow encountered in reduce: op `prod`",
    "tx.var(1e200 * x)": "overflow encountered in multiply: op `var`",
    "tx.std(1e200 * x, axis=0)": "overflow encountered in multiply: op `std`",
    "tx.std(x[:1], ddof=1)": "invalid value encountered in scalar divide: op `std`",
    "tx.cumsum(8e307 * x + 8e307)": "overflow encountered in accumulate: op `cumsum`",
    "tx.cumprod(1e200 * x + 1e200)": "overflow encountered in accumulate: op `cumprod`",
    "tx.round(1e308 * x, decimals=5)": "overflow encountered in multiply: op `round`",
    "tx.outer([1e200], [1e200])": "overflow encountered in multiply: op `multiply`",
    "tx.dot(1e200, [1e200])": "overflow encountered in multiply: op `multiply`",
    "tx.exp(x.astype('float16') + 100)": "overflow encountered in exp: op `exp`",
}


@pytest.mark.parametrize(("asked", "said"), WARNINGS.items(), ids=WARNINGS)
def test_a_warning_of_numpy_names_the_op_and_the_line_of_the_user(asked: str, said: str) -> None:
    script = f"import numpy as np, tinygrad_xent as tx\nx = tx.Tensor([1.0, 0.0])\n{asked}\n"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={}
    )
    assert said in run.stderr.splitlines()[0]
    assert run.stderr.startswith("<string>:3: RuntimeWarning: ")
    assert "elementwise.py" not in run.stderr


def test_a_warning_keeps_the_numbers_and_the_graph() -> None:
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        plain = np.log(np.zeros(2))
    x = tx.Tensor(np.zeros(2))
    with np.errstate(divide="ignore"):
        assert tx.log(x).tolist() == plain.tolist()  # and no warning, which would be an error here
    with pytest.raises(RuntimeWarning, match="divide by zero encountered in log: op `log`"):
        tx.log(x)
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError, match="divide by zero"):
        tx.log(x)
    script = (
        "import numpy as np, tinygrad_xent as tx; x = tx.Tensor([0.0, 1.0])\n"
        "y = tx.log(x); y.sum().backward(); print(y.tolist(), y.op, x.grad.tolist())"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "[-inf, 0.0] log [inf, 1.0]\n"


@pytest.mark.parametrize("rule", [lambda grad: grad, lambda grad, y, x, axis: grad])
def test_a_rule_that_takes_something_else(rule: Any) -> None:
    @tx.op
    def twice(x: Any, *, times: int = 2) -> Any:
        return x * times

    twice.backward(rule)
    with pytest.raises(
        errors.OpDefinitionError, match=r"called as <lambda>\(grad, y, x, times=\.\."
    ):
        twice(tx.Tensor(1.0)).backward()

"""Tensors of other libraries' arrays: what NumPy's own dispatch reaches."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_xent as tx


class Strict(np.lib.mixins.NDArrayOperatorsMixin):
    """An array as on a GPU: NumPy's functions dispatch to it, none turns it into NumPy's."""

    def __init__(self, values):
        self.values = np.asarray(values)

    shape = property(lambda self: self.values.shape)
    dtype = property(lambda self: self.values.dtype)
    ndim = property(lambda self: self.values.ndim)
    size = property(lambda self: self.values.size)

    def astype(self, dtype, **_):
        return Strict(self.values.astype(dtype))

    def reshape(self, *shape):
        return Strict(self.values.reshape(*shape))

    def __getitem__(self, index):
        return Strict(self.values[index])

    def __int__(self):
        return int(self.values)

    def __bool__(self):
        return bool(self.values)

    def __array__(self, *_args, **_kwargs):
        raise TypeError("no implicit conversion to NumPy")

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return _strict(getattr(ufunc, method)(*_plain(inputs), **kwargs))

    def __array_function__(self, function, _types, args, kwargs):
        return _strict(function(*_plain(args), **_plain(kwargs)))


def _plain(x):
    if isinstance(x, list | tuple):
        return type(x)(map(_plain, x))
    if isinstance(x, dict):
        return {key: _plain(value) for key, value in x.items()}
    return x.values if isinstance(x, Strict) else x


def _strict(x):
    return Strict(x) if isinstance(x, np.ndarray | np.generic) else x


def classifier(x, t, w, b):
    return tx.mean(tx.sparse_softmax_cross_entropy_with_logits(labels=t, logits=x @ w + b))


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(12, 4)), rng.integers(0, 3, 12), rng.normal(size=(4, 3)), np.zeros(3)


def test_an_array_of_another_library_stays_one(data):
    x, t, w, b = data
    tensors = [tx.Tensor(Strict(a)) for a in (w, b)]
    loss = classifier(Strict(x), Strict(t), *tensors)
    grads = tx.gradients(loss, tensors)
    plain = [tx.Tensor(a) for a in (w, b)]
    expected = classifier(x, t, *plain)
    assert {type(a) for a in (loss.data, *grads)} == {Strict}
    np.testing.assert_allclose(loss.data.values, expected.data, rtol=1e-15)
    for got, want in zip(grads, tx.gradients(expected, plain), strict=True):
        np.testing.assert_allclose(got.values, want, rtol=1e-14, atol=1e-16)


def test_its_labels_are_checked(data):
    x, t, w, b = data
    with pytest.raises(tx.errors.LabelRangeError, match="label 3 at position 4 is not a class"):
        classifier(Strict(x), Strict(np.where(np.arange(12) == 4, 3, t)), tx.Tensor(Strict(w)), b)


def test_backward_leaves_gradients_of_that_library(data):
    w = tx.Tensor(Strict(data[2]), name="w")
    for _ in range(2):
        tx.sum(w * w).backward()
    assert isinstance(w.grad, Strict)
    np.testing.assert_array_equal(w.grad.values, 4 * data[2])
    assert repr(w).startswith("Tensor(<")

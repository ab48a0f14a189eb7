# The ops, each with the module that defines it: for type checkers, and `ops` itself reads it.

from collections.abc import Callable
from typing import Any

from tinygrad_xent.op import Op
from tinygrad_xent.ops.arithmetic import add as add
from tinygrad_xent.ops.arithmetic import divide as divide
from tinygrad_xent.ops.arithmetic import multiply as multiply
from tinygrad_xent.ops.arithmetic import negative as negative
from tinygrad_xent.ops.arithmetic import power as pow
from tinygrad_xent.ops.arithmetic import power as power
from tinygrad_xent.ops.arithmetic import subtract as subtract
from tinygrad_xent.ops.broadcasting import broadcast_to as broadcast_to
from tinygrad_xent.ops.broadcasting import sum as sum
from tinygrad_xent.ops.broadcasting import sum_to as sum_to
from tinygrad_xent.ops.cross_entropy import crossentropy as crossentropy
from tinygrad_xent.ops.elementwise import exp as exp
from tinygrad_xent.ops.elementwise import expm1 as expm1
from tinygrad_xent.ops.elementwise import log as log
from tinygrad_xent.ops.elementwise import log1p as log1p
from tinygrad_xent.ops.elementwise import sech2 as sech2
from tinygrad_xent.ops.elementwise import sigmoid as sigmoid
from tinygrad_xent.ops.elementwise import sqrt as sqrt
from tinygrad_xent.ops.elementwise import tanh as tanh
from tinygrad_xent.ops.fused import look_through as look_through
from tinygrad_xent.ops.fused import softmax_cross_entropy as softmax_cross_entropy
from tinygrad_xent.ops.fused import softmax_minus_labels as softmax_minus_labels
from tinygrad_xent.ops.fused import softmax_minus_one_hot as softmax_minus_one_hot
from tinygrad_xent.ops.fused import sparse_softmax_cross_entropy as sparse_softmax_cross_entropy
from tinygrad_xent.ops.indexing import concatenate as concat
from tinygrad_xent.ops.indexing import concatenate as concatenate
from tinygrad_xent.ops.indexing import diagonal as diagonal
from tinygrad_xent.ops.indexing import getitem as getitem
from tinygrad_xent.ops.indexing import put as put
from tinygrad_xent.ops.indexing import stack as stack
from tinygrad_xent.ops.indexing import take as take
from tinygrad_xent.ops.indexing import take_along_axis as take_along_axis
from tinygrad_xent.ops.linear_algebra import diag as diag
from tinygrad_xent.ops.linear_algebra import matrix_trace as matrix_trace
from tinygrad_xent.ops.linear_algebra import matrix_transpose as matrix_transpose
from tinygrad_xent.ops.linear_algebra import norm as norm
from tinygrad_xent.ops.linear_algebra import tril as tril
from tinygrad_xent.ops.linear_algebra import triu as triu
from tinygrad_xent.ops.linear_algebra import vector_norm as vector_norm
from tinygrad_xent.ops.piecewise import absolute as absolute
from tinygrad_xent.ops.piecewise import clip as clip
from tinygrad_xent.ops.piecewise import maximum as maximum
from tinygrad_xent.ops.piecewise import minimum as minimum
from tinygrad_xent.ops.piecewise import relu as relu
from tinygrad_xent.ops.piecewise import where as where
from tinygrad_xent.ops.powers import cbrt as cbrt
from tinygrad_xent.ops.powers import exp2 as exp2
from tinygrad_xent.ops.powers import hypot as hypot
from tinygrad_xent.ops.powers import log2 as log2
from tinygrad_xent.ops.powers import log10 as log10
from tinygrad_xent.ops.powers import logaddexp as logaddexp
from tinygrad_xent.ops.powers import reciprocal as reciprocal
from tinygrad_xent.ops.powers import square as square
from tinygrad_xent.ops.products import dot as dot
from tinygrad_xent.ops.products import einsum as einsum
from tinygrad_xent.ops.products import einsum_of as einsum_of
from tinygrad_xent.ops.products import inner as inner
from tinygrad_xent.ops.products import matmul as matmul
from tinygrad_xent.ops.products import outer as outer
from tinygrad_xent.ops.products import tensordot as tensordot
from tinygrad_xent.ops.rearranging import append as append
from tinygrad_xent.ops.rearranging import array_split as array_split
from tinygrad_xent.ops.rearranging import atleast_1d as atleast_1d
from tinygrad_xent.ops.rearranging import atleast_2d as atleast_2d
from tinygrad_xent.ops.rearranging import flatten as flatten
from tinygrad_xent.ops.rearranging import hstack as hstack
from tinygrad_xent.ops.rearranging import moveaxis as moveaxis
from tinygrad_xent.ops.rearranging import pad as pad
from tinygrad_xent.ops.rearranging import ravel as ravel
from tinygrad_xent.ops.rearranging import repeat as repeat
from tinygrad_xent.ops.rearranging import roll as roll
from tinygrad_xent.ops.rearranging import sort as sort
from tinygrad_xent.ops.rearranging import split as split
from tinygrad_xent.ops.rearranging import tile as tile
from tinygrad_xent.ops.rearranging import vstack as vstack
from tinygrad_xent.ops.reductions import cumprod as cumprod
from tinygrad_xent.ops.reductions import cumsum as cumsum
from tinygrad_xent.ops.reductions import cumulative_prod as cumulative_prod
from tinygrad_xent.ops.reductions import cumulative_sum as cumulative_sum
from tinygrad_xent.ops.reductions import max as max
from tinygrad_xent.ops.reductions import mean as mean
from tinygrad_xent.ops.reductions import min as min
from tinygrad_xent.ops.reductions import prod as prod
from tinygrad_xent.ops.reductions import std as std
from tinygrad_xent.ops.reductions import var as var
from tinygrad_xent.ops.rounding import ceil as ceil
from tinygrad_xent.ops.rounding import floor as floor
from tinygrad_xent.ops.rounding import floor_divide as floor_divide
from tinygrad_xent.ops.rounding import remainder as remainder
from tinygrad_xent.ops.rounding import round as round
from tinygrad_xent.ops.rounding import sign as sign
from tinygrad_xent.ops.shaping import astype as astype
from tinygrad_xent.ops.shaping import expand_dims as expand_dims
from tinygrad_xent.ops.shaping import flip as flip
from tinygrad_xent.ops.shaping import reshape as reshape
from tinygrad_xent.ops.shaping import squeeze as squeeze
from tinygrad_xent.ops.shaping import swapaxes as swapaxes
from tinygrad_xent.ops.shaping import transpose as permute_dims
from tinygrad_xent.ops.shaping import transpose as transpose
from tinygrad_xent.ops.softmax_family import log_softmax as log_softmax
from tinygrad_xent.ops.softmax_family import logsumexp as logsumexp
from tinygrad_xent.ops.softmax_family import softmax as softmax
from tinygrad_xent.ops.trigonometry import arccos as acos
from tinygrad_xent.ops.trigonometry import arccos as arccos
from tinygrad_xent.ops.trigonometry import arccosh as acosh
from tinygrad_xent.ops.trigonometry import arccosh as arccosh
from tinygrad_xent.ops.trigonometry import arcsin as arcsin
from tinygrad_xent.ops.trigonometry import arcsin as asin
from tinygrad_xent.ops.trigonometry import arcsinh as arcsinh
from tinygrad_xent.ops.trigonometry import arcsinh as asinh
from tinygrad_xent.ops.trigonometry import arctan as arctan
from tinygrad_xent.ops.trigonometry import arctan as atan
from tinygrad_xent.ops.trigonometry import arctan2 as arctan2
from tinygrad_xent.ops.trigonometry import arctan2 as atan2
from tinygrad_xent.ops.trigonometry import arctanh as arctanh
from tinygrad_xent.ops.trigonometry import arctanh as atanh
from tinygrad_xent.ops.trigonometry import cos as cos
from tinygrad_xent.ops.trigonometry import cosh as cosh
from tinygrad_xent.ops.trigonometry import sin as sin
from tinygrad_xent.ops.trigonometry import sinh as sinh
from tinygrad_xent.ops.trigonometry import tan as tan

OPS: dict[str, Op]
"""The ops of this package by name, without those that users define."""
MODULE_OF: dict[str, tuple[str, str]]
"""The module of each of them, and of each function that is made of ops, and its name there."""

def catalogue(package: Any) -> dict[str, tuple[str, str]]: ...
def importing(package: str, names: dict[str, tuple[str, str]]) -> Callable[[str], Any]: ...

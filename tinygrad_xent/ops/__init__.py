"""The ops: NumPy functions, each with the rule that sends gradients back through it.

Read `elementwise` first, then `softmax` and `cross_entropy`.
"""

from __future__ import annotations

from tinygrad_xent.op import Op
from tinygrad_xent.ops import (
    accumulation,
    arithmetic,
    cross_entropy,
    elementwise,
    indexing,
    products,
    reductions,
    shaping,
    softmax_family,
)
from tinygrad_xent.ops.accumulation import *
from tinygrad_xent.ops.arithmetic import *
from tinygrad_xent.ops.cross_entropy import *
from tinygrad_xent.ops.elementwise import *
from tinygrad_xent.ops.indexing import *
from tinygrad_xent.ops.products import *
from tinygrad_xent.ops.reductions import *
from tinygrad_xent.ops.shaping import *
from tinygrad_xent.ops.softmax_family import *

__all__ = ["OPS"]
__all__ += accumulation.__all__
__all__ += arithmetic.__all__
__all__ += reductions.__all__
__all__ += cross_entropy.__all__
__all__ += elementwise.__all__
__all__ += indexing.__all__
__all__ += products.__all__
__all__ += shaping.__all__
__all__ += softmax_family.__all__

# Found, not registered: an op that a learner writes in a notebook never leaks into this table.
OPS: dict[str, Op] = {value.name: value for value in list(vars().values()) if isinstance(value, Op)}

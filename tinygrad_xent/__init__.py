"""Backpropagation to look at, to step through and to trust, for softmax and cross-entropy.

Examples
--------
>>> import tinygrad_xent as tx
>>> z = tx.Tensor([2.0, 1.0, 0.1], name="z")
>>> loss = tx.sparse_categorical_crossentropy(0, tx.softmax(z))
>>> loss.backward()
>>> z.grad.round(3)  # p - t
array([-0.341,  0.242,  0.099])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_xent import domains, errors, ops
from tinygrad_xent.backprop import backpropagate, gradients, hessian, jacobian
from tinygrad_xent.errors import *
from tinygrad_xent.graph import Node, ancestors, scope
from tinygrad_xent.losses.tensorflow import (
    categorical_crossentropy,
    softmax_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_categorical_crossentropy,
    sparse_softmax_cross_entropy_with_logits,
)
from tinygrad_xent.op import Op, op
from tinygrad_xent.ops import *
from tinygrad_xent.tensor import Tensor

if TYPE_CHECKING:
    from tinygrad_xent.checking import (
        Diagnosis,
        GradcheckReport,
        Invariants,
        Law,
        check_gradients,
        gradcheck,
        invariants,
    )
    from tinygrad_xent.checking.digits import Stability, stability
    from tinygrad_xent.checking.replaying import replay
    from tinygrad_xent.checking.unfusing import Unfused, unfuse
    from tinygrad_xent.comparing import Comparison, compare, crossentropy_as
    from tinygrad_xent.teaching import Worksheet, worksheet
    from tinygrad_xent.teaching.exercises import Exercise, Verdict, check, hint, solution
    from tinygrad_xent.visualization.bad_numbers import BadNumber, first_bad
    from tinygrad_xent.visualization.drawing import Picture, draw
    from tinygrad_xent.visualization.notebook import (
        load_ipython_extension,
        unload_ipython_extension,
    )
    from tinygrad_xent.visualization.player import Player, Recording, play, record
    from tinygrad_xent.visualization.tracing import Trace, Why, trace, why

__version__ = "0.1.0"

abs = ops.absolute  # NumPy has both names

# What lies above the core is imported when it is first asked for: the core alone starts fast.
_LAZY = {
    "BadNumber": "tinygrad_xent.visualization.bad_numbers",
    "Comparison": "tinygrad_xent.comparing",
    "Diagnosis": "tinygrad_xent.checking",
    "Exercise": "tinygrad_xent.teaching.exercises",
    "GradcheckReport": "tinygrad_xent.checking",
    "Invariants": "tinygrad_xent.checking",
    "Law": "tinygrad_xent.checking",
    "Picture": "tinygrad_xent.visualization.drawing",
    "Player": "tinygrad_xent.visualization.player",
    "Recording": "tinygrad_xent.visualization.player",
    "Stability": "tinygrad_xent.checking.digits",
    "Trace": "tinygrad_xent.visualization.tracing",
    "Unfused": "tinygrad_xent.checking.unfusing",
    "Verdict": "tinygrad_xent.teaching.exercises",
    "Why": "tinygrad_xent.visualization.tracing",
    "Worksheet": "tinygrad_xent.teaching",
    "check": "tinygrad_xent.teaching.exercises",
    "check_gradients": "tinygrad_xent.checking",
    "compare": "tinygrad_xent.comparing",
    "crossentropy_as": "tinygrad_xent.comparing",
    "draw": "tinygrad_xent.visualization.drawing",
    "first_bad": "tinygrad_xent.visualization.bad_numbers",
    "gradcheck": "tinygrad_xent.checking",
    "hint": "tinygrad_xent.teaching.exercises",
    "invariants": "tinygrad_xent.checking",
    "load_ipython_extension": "tinygrad_xent.visualization.notebook",
    "play": "tinygrad_xent.visualization.player",
    "record": "tinygrad_xent.visualization.player",
    "replay": "tinygrad_xent.checking.replaying",
    "solution": "tinygrad_xent.teaching.exercises",
    "stability": "tinygrad_xent.checking.digits",
    "trace": "tinygrad_xent.visualization.tracing",
    "unfuse": "tinygrad_xent.checking.unfusing",
    "unload_ipython_extension": "tinygrad_xent.visualization.notebook",
    "why": "tinygrad_xent.visualization.tracing",
    "worksheet": "tinygrad_xent.teaching",
}

__all__ = [
    "BadNumber",
    "Comparison",
    "Diagnosis",
    "Exercise",
    "GradcheckReport",
    "Invariants",
    "Law",
    "Node",
    "Op",
    "Picture",
    "Player",
    "Recording",
    "Stability",
    "Tensor",
    "Trace",
    "Unfused",
    "Verdict",
    "Why",
    "Worksheet",
    "abs",
    "ancestors",
    "backpropagate",
    "categorical_crossentropy",
    "check",
    "check_gradients",
    "compare",
    "crossentropy_as",
    "domains",
    "draw",
    "errors",
    "first_bad",
    "gradcheck",
    "gradients",
    "hessian",
    "hint",
    "invariants",
    "jacobian",
    "load_ipython_extension",
    "op",
    "ops",
    "play",
    "record",
    "replay",
    "scope",
    "softmax_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits_v2",
    "solution",
    "sparse_categorical_crossentropy",
    "sparse_softmax_cross_entropy_with_logits",
    "stability",
    "trace",
    "unfuse",
    "unload_ipython_extension",
    "why",
    "worksheet",
]
__all__ += ops.__all__
__all__ += errors.__all__


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'tinygrad_xent' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

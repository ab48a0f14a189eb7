# The public names, each with the module that has it: for type checkers, and the package itself
# reads it.

from tinygrad_xent import domains as domains
from tinygrad_xent import errors as errors
from tinygrad_xent import losses as losses
from tinygrad_xent import ops as ops
from tinygrad_xent.backprop import backpropagate as backpropagate
from tinygrad_xent.checking import GradcheckReport as GradcheckReport
from tinygrad_xent.checking import gradcheck as gradcheck
from tinygrad_xent.checking import invariants as invariants
from tinygrad_xent.checking.digits import stability as stability
from tinygrad_xent.checking.replaying import replay as replay
from tinygrad_xent.checking.unfusing import unfuse as unfuse
from tinygrad_xent.comparing import compare as compare
from tinygrad_xent.comparing import crossentropy_as as crossentropy_as
from tinygrad_xent.derivatives import gradients as gradients
from tinygrad_xent.derivatives import hessian as hessian
from tinygrad_xent.derivatives import jacobian as jacobian
from tinygrad_xent.graph import Node as Node
from tinygrad_xent.graph import ancestors as ancestors
from tinygrad_xent.graph import scope as scope
from tinygrad_xent.losses import *
from tinygrad_xent.op import Op as Op
from tinygrad_xent.op import op as op
from tinygrad_xent.ops import *
from tinygrad_xent.ops import absolute as abs
from tinygrad_xent.teaching import Worksheet as Worksheet
from tinygrad_xent.teaching import worksheet as worksheet
from tinygrad_xent.teaching.exercises import Exercise as Exercise
from tinygrad_xent.teaching.exercises import Verdict as Verdict
from tinygrad_xent.teaching.exercises import check as check
from tinygrad_xent.teaching.exercises import hint as hint
from tinygrad_xent.teaching.exercises import solution as solution
from tinygrad_xent.tensor import Tensor as Tensor
from tinygrad_xent.visualization.bad_numbers import first_bad as first_bad
from tinygrad_xent.visualization.drawing import Picture as Picture
from tinygrad_xent.visualization.drawing import draw as draw
from tinygrad_xent.visualization.notebook import load_ipython_extension as load_ipython_extension
from tinygrad_xent.visualization.notebook import (
    unload_ipython_extension as unload_ipython_extension,
)
from tinygrad_xent.visualization.player import Player as Player
from tinygrad_xent.visualization.player import play as play
from tinygrad_xent.visualization.player import record as record
from tinygrad_xent.visualization.tracing import Trace as Trace
from tinygrad_xent.visualization.tracing import trace as trace
from tinygrad_xent.visualization.tracing import why as why

__version__: str

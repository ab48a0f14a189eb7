"""Both passes of a graph as a list of events: every explanation of a gradient reads it."""

from tinygrad_xent.visualization.tracing.events import Backward, Event, Forward
from tinygrad_xent.visualization.tracing.traces import Trace, Why, trace, why

__all__ = ["Backward", "Event", "Forward", "Trace", "Why", "trace", "why"]

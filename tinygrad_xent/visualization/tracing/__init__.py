"""Both passes of a graph as a list of events: what every explanation of it reads."""

from __future__ import annotations

from tinygrad_xent.visualization.tracing.answer import Why, why
from tinygrad_xent.visualization.tracing.events import Backward, Event, Forward
from tinygrad_xent.visualization.tracing.plain import plain
from tinygrad_xent.visualization.tracing.record import trace
from tinygrad_xent.visualization.tracing.shown import table
from tinygrad_xent.visualization.tracing.traces import Trace

__all__ = ["Backward", "Event", "Forward", "Trace", "Why", "plain", "table", "trace", "why"]

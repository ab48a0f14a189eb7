"""Both passes of a graph as a list of events: what every explanation of it reads."""

from __future__ import annotations

from tinygrad_xent.tracing.answer import Why, why
from tinygrad_xent.tracing.events import Backward, Event, Forward
from tinygrad_xent.tracing.plain import plain
from tinygrad_xent.tracing.record import trace
from tinygrad_xent.tracing.sequence import Trace
from tinygrad_xent.tracing.text import table

__all__ = ["Backward", "Event", "Forward", "Trace", "Why", "plain", "table", "trace", "why"]

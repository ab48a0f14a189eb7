"""Both passes of a graph as a list of events: what every explanation of it reads."""

from __future__ import annotations

from tinygrad_xent.trace.answer import Why, why
from tinygrad_xent.trace.events import Backward, Event, Forward
from tinygrad_xent.trace.plain import plain
from tinygrad_xent.trace.record import trace
from tinygrad_xent.trace.sequence import Trace
from tinygrad_xent.trace.text import table

__all__ = ["Backward", "Event", "Forward", "Trace", "Why", "plain", "table", "trace", "why"]

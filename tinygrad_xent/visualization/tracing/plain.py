"""Arrays and events as lists, strings and numbers, for JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_xent.visualization.tracing.events import Event, Forward


def plain(data: Any) -> Any:
    """Give an array as nested lists of numbers, with strings for NaN and infinities."""
    array = np.asarray(data)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        array = np.where(np.isfinite(array), array.astype(object), array.astype(str))
    return array.tolist()


def event_dict(event: Event) -> dict[str, Any]:
    """Give an event as `Trace.to_dict` documents it."""
    common = {"step": event.step, "tensor": event.name, "letters": dict(event.letters)}
    if isinstance(event, Forward):
        return {
            **common,
            "phase": "forward",
            "op": event.op or None,
            "inputs": list(event.inputs),
            "formula": event.formula,
            "value": plain(event.value),
        }
    return {
        **common,
        "phase": "backward",
        "op": event.op,
        "rule": event.rule,
        "incoming": plain(event.incoming),
        "to": event.to_name,
        "input": event.input,
        "position": event.position,
        "sent": plain(event.sent),
        "total": plain(event.total),
    }

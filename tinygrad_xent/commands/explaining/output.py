"""An explanation as the content of a file: a picture, a page, or data."""

from __future__ import annotations

import json
from typing import Any

from tinygrad_xent.commands.explaining.explanation import Explanation
from tinygrad_xent.tensor import Tensor
from tinygrad_xent.visualization.drawing import draw
from tinygrad_xent.visualization.tracing import plain

FORMS = {
    ".svg": "The graph with its values and gradients",
    ".png": "The graph with its values and gradients",
    ".dot": "The graph for Graphviz",
    ".html": "All of this as a page",
    ".json": "All of this as data",
}


def check_renderer(ending: str) -> None:
    """Raise `MissingRendererError` if PNG is asked for and nothing here can write it."""
    if ending == ".png":
        draw(Tensor(0.0)).png()


def content(ending: str, explanation: Explanation) -> bytes:
    """Return the content of a file with this ending."""
    if ending == ".json":
        return (json.dumps(to_dict(explanation), allow_nan=False) + "\n").encode()
    if ending == ".html":
        from tinygrad_xent.commands.explaining.page import page

        return page(explanation).encode()
    picture = draw(explanation.loss)
    if ending == ".png":
        return picture.png()
    return (picture.svg if ending == ".svg" else picture.to_dot().source).encode()


def to_dict(e: Explanation) -> dict[str, Any]:
    """Return an explanation as lists, strings and numbers.

    Returns
    -------
    dict
        The keys of `Trace.to_dict`, and ``classes``; ``target`` (an index into them, or null);
        ``labels``, ``probs`` and ``gradient`` (one number for each class; ``gradient`` is p - t if
        ``from_logits``); ``loss``; ``notes``; ``check`` (for each tensor its ``verdict``,
        ``entries``, ``checked``, ``error``, ``kinks`` and ``unclear``); and ``training``, null for
        a loss given by hand.
    """
    return {
        **e.trace.to_dict(),
        "classes": list(e.classes),
        "target": e.target,
        "from_logits": e.from_logits,
        "labels": plain(e.labels),
        "probs": plain(e.probs),
        "gradient": plain(e.gradient),
        "loss": plain(e.loss.data),
        "notes": list(e.notes),
        "check": [
            {"tensor": c.name, "verdict": c.verdict, "error": plain(c.error)}
            | {name: getattr(c, name) for name in ("entries", "checked", "kinks", "unclear")}
            for c in e.check
        ],
        "training": _training(e),
    }


def _training(e: Explanation) -> dict[str, Any] | None:
    if e.training is None:
        return None
    table, classifier, row = e.training.table, e.training.classifier, e.training.row
    return {
        "source": table.source,
        "label": table.label,
        "seed": e.training.seed,
        "rows": len(table.labels),
        "trained_on": len(classifier.trained_on),
        "held_out": len(classifier.held_out),
        "accuracy": classifier.accuracy,
        "row": int(table.rows[row]),
        "features": dict(zip(table.columns, plain(table.features[row]), strict=True)),
    }

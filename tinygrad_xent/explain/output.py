"""Writing an explanation to a file: as a picture, as a page, as data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tinygrad_xent.drawing import draw
from tinygrad_xent.errors import MissingRendererError, OutputError
from tinygrad_xent.explain.explanation import Explanation
from tinygrad_xent.files import check_writable, write_whole
from tinygrad_xent.reading import printable
from tinygrad_xent.tensor import Tensor
from tinygrad_xent.tracing import plain

FORMS = {
    ".svg": "The graph with its values and gradients",
    ".png": "The graph with its values and gradients",
    ".dot": "The graph for Graphviz",
    ".html": "All of this as a page",
    ".json": "All of this as data",
}


def check_output(path: Path) -> None:
    """See that a file can be written, before anything is computed.

    Raises
    ------
    OutputError
        If its ending is none of the known ones, or its directory is missing or not writable.
    """
    name = f"--out {printable(path)}"
    if path.suffix.lower() not in FORMS:
        what = f"unknown ending '{printable(path.suffix)}'" if path.suffix else "no ending"
        raise OutputError(f"{name}: {what}; end the name in {', '.join(FORMS)}")
    if path.is_dir():
        raise OutputError(f"{name}: is a directory; name a file in it")
    if not path.parent.is_dir():
        raise OutputError(
            f"{name}: there is no directory '{printable(path.parent)}'; make it first"
        )
    try:
        check_writable(path)
    except OSError as error:
        raise OutputError(_unwritable(path, error)) from None
    if path.suffix.lower() == ".png":
        try:
            draw(Tensor(0.0)).png()
        except MissingRendererError as error:
            raise OutputError(f"{name}: {error}") from None


def write(path: Path, explanation: Explanation) -> str:
    """Write an explanation in the form that the file's ending says, and say what it is.

    Raises
    ------
    OutputError
        If it cannot be written; nothing has changed then.
    """
    ending = path.suffix.lower()
    try:
        write_whole(path, _content(ending, explanation))
    except OSError as error:
        raise OutputError(_unwritable(path, error)) from None
    return f"{FORMS[ending]}: {printable(path)}"


def _unwritable(path: Path, error: OSError) -> str:
    why = error.strerror or error
    return f"--out {printable(path)}: cannot be written ({why}); choose another place with --out"


def _content(ending: str, explanation: Explanation) -> bytes:
    if ending == ".json":
        return (json.dumps(to_dict(explanation), allow_nan=False) + "\n").encode()
    if ending == ".html":
        from tinygrad_xent.explain.page import page

        return page(explanation).encode()
    picture = draw(explanation.loss)
    if ending == ".png":
        return picture.png()
    return (picture.svg if ending == ".svg" else picture.to_dot().source).encode()


def to_dict(e: Explanation) -> dict[str, Any]:
    """Give an explanation as plain lists, strings and numbers.

    Returns
    -------
    dict
        That of `Trace.to_dict`, and: ``classes``, ``target`` (a position in them, or null),
        ``labels``, ``probs`` and ``gradient`` (one number for each class; ``gradient`` is p - t if
        ``from_logits``), ``loss``, ``notes``, ``check`` (for each tensor its ``verdict``,
        ``entries``, ``checked``, ``error``, ``kinks`` and ``unclear``), and ``training``, null for
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
            {
                "tensor": c.name,
                "verdict": c.verdict,
                "entries": c.entries,
                "checked": c.checked,
                "error": plain(c.error),
                "kinks": c.kinks,
                "unclear": c.unclear,
            }
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

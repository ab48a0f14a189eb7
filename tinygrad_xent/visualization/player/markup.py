"""A live view in a notebook or a file: an image, and the script that takes its place."""

from __future__ import annotations

import base64
import gzip
import html
import json
import os
import secrets
from collections.abc import Callable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from tinygrad_xent.visualization import files, pages
from tinygrad_xent.visualization.drawing.style import LEVELS, heat, ink
from tinygrad_xent.visualization.naming import printable


def fragment(svg: str, alt: str, kind: str, data: dict[str, Any] | str, name: str = "") -> str:
    """Write markup for a notebook's output or a page's body; `data` may be `packed`.

    Of all markup only an image passes the sanitizers of notebooks that are not yet trusted; the
    script puts the live view in its place. The view lives in a shadow tree: its ids and styles
    cannot meet those of the page or of another output.
    """
    name = name or f"tinygrad-xent-{secrets.token_hex(8)}"
    image = base64.b64encode(svg.encode()).decode()
    script = "\n".join(_source(file) for file in ("view.js", f"{kind}.js"))
    style = _source("player.css")
    return (
        f'<div id="{name}" data-lm-suppress-shortcuts="true">'
        f'<img alt="{_attribute(alt)}" src="data:image/svg+xml;base64,{image}" '
        'style="max-width: 100%"></div>\n'
        f"<script>\n(() => {{\n{script}\n"
        f"start({_json(name)}, {kind}, {_json(data)}, {_json(style)});\n}})();\n</script>\n"
    )


HEAT = [[heat(k), ink(heat(k))] for k in range(-LEVELS, LEVELS + 1)]
"""The colours of cells, from the most negative to the most positive, each with that of its text."""


def packed(data: dict[str, Any]) -> str:
    """Compress what is large and repeats itself: a tenth remains."""
    return base64.b64encode(gzip.compress(_json(data).encode(), mtime=0)).decode()


def page(title: str, body: str, text: str) -> str:
    """Return a page with a live view; `text` is the same in words."""
    return pages.page(title, body, _source("page.css"), scripts=True, text=text)


def save(path: str | os.PathLike[str], html: Callable[[], str]) -> Path:
    """Write the page that `html()` returns to a file whose name ends in .html."""
    return files.save(path, {".html": html}, "For a picture call draw(...).save(...)")


@cache
def _source(name: str) -> str:
    return resources.files("tinygrad_xent.visualization.player").joinpath(name).read_text("utf-8")


def _json(data: Any) -> str:
    """Write JSON that is safe inside a script: no tag and no comment can begin or end in it."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _attribute(text: str) -> str:
    return html.escape(printable(text))

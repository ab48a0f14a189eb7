"""A live view in a notebook or a file: an image, and the script that takes its place."""

import base64
import gzip
import json
import secrets
from functools import cache
from importlib import resources
from typing import Any

from tinygrad_xent.visualization.drawing.style import LEVELS, heat, ink
from tinygrad_xent.visualization.pages import css, image


def fragment(svg: str, alt: str, kind: str, data: dict[str, Any], name: str = "") -> str:
    """Write markup for a notebook's output or a page's body.

    The script puts the live view in place of the image and the line below it. The view lives in a
    shadow tree: its ids and styles cannot meet those of the page or of another output.
    """
    name = name or f"tinygrad-xent-{secrets.token_hex(8)}"
    return (
        f'<div id="{name}" data-lm-suppress-shortcuts="true">{image(svg, alt)}'
        f"<p>{_STILL}</p></div>\n"
        f'<script>\n(async () => {{\nconst library = "{_library(kind)}";\n{_LOADER}'
        f"start({_json(name)}, view, {_json(_packed(_json(data)))}, style);\n}})();\n</script>\n"
    )


_LOADER = """\
const bytes = Uint8Array.from(atob(library), (c) => c.charCodeAt(0));
const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
const script = document.createElement("script");
script.textContent = await new Response(stream).text();
document.head.append(script);
const { start, view, style } = script.parts;
script.remove();
"""


_LIVE = (
    "player/view.js", "drawing/viewer.js", "live/functions.js", "live/live.js", "live/printed.js",
    "live/numbers.js", "live/picture.js", "live/editor.js", "live/paths.js", "live/why.js",
    "live/touch.js",
)  # fmt: skip
_SCRIPTS = {
    "drawing": ("player/view.js", "drawing/viewer.js"),
    "liveDrawing": (*_LIVE, "live/drawing.js"),
    "player": (*_LIVE, "player/player.js"),
    "recording": (
        "player/view.js", "live/functions.js", "live/live.js", "live/printed.js",
        "live/picture.js", "player/curve.js", "player/pictures.js", "player/training.js",
        "player/recording.js",
    ),
}  # fmt: skip

_STILL = "This is a still picture: run the cell, or allow scripts on this page, to make it live."

HEAT = [[heat(k), ink(heat(k))] for k in range(-LEVELS, LEVELS + 1)]
"""The colours of cells, from the most negative to the most positive, each with that of its text."""


@cache
def _source(folder: str, name: str) -> str:
    files_of = resources.files(f"tinygrad_xent.visualization.{folder}")
    return files_of.joinpath(name).read_text("utf-8")


@cache
def _library(kind: str) -> str:
    """Pack the scripts of a view and its style: they are most of a page, and the same in all."""
    script = "\n".join(_source(*file.split("/")) for file in _SCRIPTS[kind])
    style = _source("player", "player.css") + _source("drawing", "viewer.css") + css()
    parts = f"{{ start, view: {kind}, style: {_json(style)} }}"
    return _packed(f"(() => {{\n{script}\ndocument.currentScript.parts = {parts};\n}})();")


def _packed(text: str) -> str:
    """Compress what is large and repeats itself."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _json(data: Any) -> str:
    """Write JSON that is safe inside a script: no tag and no comment can begin or end in it."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

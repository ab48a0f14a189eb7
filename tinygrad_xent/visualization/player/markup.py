"""How a live view gets into a notebook or a file: an image, and a script that takes its place."""

from __future__ import annotations

import base64
import gzip
import html
import json
import os
import secrets
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from tinygrad_xent.errors import PictureFormatError
from tinygrad_xent.visualization.files import write_whole
from tinygrad_xent.visualization.naming import printable

# Nothing may be loaded, from nowhere.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


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


def packed(data: dict[str, Any]) -> str:
    """Compress what is large and repeats itself: a tenth remains."""
    return base64.b64encode(gzip.compress(_json(data).encode(), mtime=0)).decode()


def page(title: str, body: str, text: str) -> str:
    """Write a page of its own that needs no network; `text` is the same in words."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>\n{_source('page.css')}</style>\n</head>\n<body>\n"
        f"<main>\n<h1>{_text(title)}</h1>\n{body}"
        "<details>\n<summary>As text</summary>\n"
        f'<pre tabindex="0">{_text(text)}</pre>\n</details>\n'
        "</main>\n</body>\n</html>\n"
    )


def save(path: str | os.PathLike[str], content: Any) -> Path:
    """Write what `content()` gives to a file whose name ends in .html; whole or not at all.

    Raises
    ------
    PictureFormatError
        If the name ends in something else.
    """
    path = Path(path)
    if path.suffix.lower() != ".html":
        what = f"the ending {path.suffix!r}" if path.suffix else "no ending"
        raise PictureFormatError(
            f"'{printable(path)}' has {what}: this is a page, so end the name in .html; for a "
            "picture call draw(...).save(...)"
        )
    write_whole(path, content().encode())
    return path


@cache
def _source(name: str) -> str:
    return files("tinygrad_xent.visualization.player").joinpath(name).read_text("utf-8")


def _json(data: Any) -> str:
    """Write JSON that is safe inside a script: no tag and no comment can begin or end in it."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _text(text: str) -> str:
    return html.escape("\n".join(map(printable, text.split("\n"))), quote=False)


def _attribute(text: str) -> str:
    return html.escape(printable(text))

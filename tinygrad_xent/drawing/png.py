"""From SVG to PNG, where that can be had."""

from __future__ import annotations

from collections.abc import Callable

from tinygrad_xent.errors import MissingRendererError

SCALE = 2  # pixels for each unit of the picture: sharp on dense screens and in print
_PROBE = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text y="9">x</text></svg>'


def png(svg: str, dot_source: Callable[[], str]) -> bytes:
    """Rasterise a picture.

    With `resvg_py` installed the PNG is the SVG, pixel for pixel. Else, or where the machine
    has no fonts that it could use, a Graphviz program renders the DOT form of the picture:
    the same graph in Graphviz's own look.

    Parameters
    ----------
    svg : str
    dot_source : callable
        Gives the DOT text; called only if it is needed.

    Raises
    ------
    MissingRendererError
        If neither is at hand.
    """
    return by_resvg(svg) or by_dot(dot_source, "png", b"\x89PNG") or _missing()


def by_resvg(svg: str, zoom: int = SCALE) -> bytes | None:
    """Ask `resvg_py` for a PNG; None if it is not there or finds no fonts."""
    try:
        import resvg_py
    except ImportError:
        return None
    blank = _PROBE.replace("x<", "<")
    if resvg_py.svg_to_bytes(svg_string=_PROBE) == resvg_py.svg_to_bytes(svg_string=blank):
        return None  # no fonts: the picture would have no text
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom))


def by_dot(dot_source: Callable[[], str], form: str, start: bytes) -> bytes | None:
    """Ask the Graphviz programs for a form whose files start so; None if none can write it."""
    import subprocess

    from tinygrad_xent.drawing.layout import dot

    for executable in dot.executables():
        try:
            answer = dot.run(executable, dot_source(), form)
        except (OSError, subprocess.SubprocessError):
            continue
        if answer.startswith(start):
            return answer
    return None


def _missing() -> bytes:
    raise MissingRendererError(
        "nothing here can write PNG: run `pip install resvg_py` (or install Graphviz), or save the "
        "picture as .svg, which needs nothing"
    )

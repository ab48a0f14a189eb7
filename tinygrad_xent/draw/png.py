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
    return _by_resvg(svg) or _by_dot(dot_source) or _missing()


def _by_resvg(svg: str) -> bytes | None:
    try:
        import resvg_py
    except ImportError:
        return None
    blank = _PROBE.replace("x<", "<")
    if resvg_py.svg_to_bytes(svg_string=_PROBE) == resvg_py.svg_to_bytes(svg_string=blank):
        return None  # no fonts: the picture would have no text
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=SCALE))


def _by_dot(dot_source: Callable[[], str]) -> bytes | None:
    import subprocess

    from tinygrad_xent.draw.layout import dot

    for executable in dot.executables():
        try:
            answer = dot.run(executable, dot_source(), "png")
        except (OSError, subprocess.SubprocessError):
            continue
        if answer.startswith(b"\x89PNG"):
            return answer
    return None


def _missing() -> bytes:
    raise MissingRendererError(
        "nothing here can write PNG: run `pip install resvg_py` (or install Graphviz), or save the "
        "picture as .svg, which needs nothing"
    )

"""From SVG to PNG, with the font that ships."""

from tinygrad_xent.errors import MissingRendererError
from tinygrad_xent.visualization.drawing.style import DATA

SCALE = 2  # pixels for each unit of the picture: sharp on dense screens and in print
_FONTS = [str(DATA / "sans.ttf"), str(DATA / "sans-bold.ttf")]
_STYLE = 'svg { font-family: "tinygrad_xent Sans" }'


def png(svg: str) -> bytes:
    """Rasterise a picture.

    The letters are those of the font that ships with the package, so the bytes do not depend on
    the fonts of the machine. Only a letter that this font lacks is looked for in those.

    Raises
    ------
    MissingRendererError
        If `resvg_py` cannot be imported.
    """
    try:
        import resvg_py
    except ImportError:
        raise MissingRendererError(
            "PNG needs resvg_py, which cannot be imported here: run `pip install resvg_py`, or "
            "save the picture as .svg, which needs nothing"
        ) from None
    return bytes(
        resvg_py.svg_to_bytes(svg_string=svg, zoom=SCALE, font_files=_FONTS, style_sheet=_STYLE)
    )

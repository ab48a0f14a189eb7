"""A PDF of one page."""

from __future__ import annotations

import struct
from collections.abc import Callable

from tinygrad_xent.drawing.png import by_dot, by_resvg
from tinygrad_xent.errors import MissingRendererError

_POINTS = 0.75  # of a pixel, as browsers print
_START = "%PDF-1.4\n"


def pdf(svg: str, dot_source: Callable[[], str]) -> bytes:
    """Put a picture on a page of its size.

    With `resvg_py` the page holds the PNG of the picture at four times its size; else, or where
    there are no fonts, a Graphviz that can write PDF draws the DOT form of the picture.

    Raises
    ------
    MissingRendererError
        If neither is at hand.
    """
    image = by_resvg(svg, zoom=4)
    if image:
        return page(image, 4)
    return by_dot(dot_source, "pdf", b"%PDF") or _missing()


def page(png: bytes, zoom: int) -> bytes:
    """Write a page that holds a PNG of 8 bits per channel, with an alpha channel, not interlaced.

    PDF reads the packed rows of a PNG as they are, but knows no alpha there. To it these are four
    inks, and the function that mixes them drops the fourth: a picture is opaque.
    """
    chunks = _chunks(png)
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if (depth, kind, interlaced) != (8, 6, 0):
        raise ValueError("only RGBA of 8 bits, not interlaced")
    data = chunks[b"IDAT"]
    across, down = width / zoom * _POINTS, height / zoom * _POINTS
    mix = "/FunctionType 4 /Domain [0 1 0 1 0 1 0 1] /Range [0 1 0 1 0 1]"
    image = (
        f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /BitsPerComponent 8 "
        "/ColorSpace [/DeviceN [/Red /Green /Blue /Alpha] /DeviceRGB 6 0 R] /Filter /FlateDecode "
        f"/DecodeParms << /Predictor 15 /Colors 4 /BitsPerComponent 8 /Columns {width} >>"
    )
    show = f"{across:.2f} 0 0 {down:.2f} 0 0 cm /Picture Do".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {across:.2f} {down:.2f}] "
            "/Contents 4 0 R /Resources << /XObject << /Picture 5 0 R >> >> >>"
        ).encode(),
        _stream("", show),
        _stream(image, data),
        _stream(mix, b"{ pop }"),
    ]
    text, places = _START.encode(), []
    for number, body in enumerate(objects, 1):
        places.append(len(text))
        text += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    end = (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
        f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(text)}\n%%EOF\n"
    )
    return text + end.encode()


def _stream(entries: str, data: bytes) -> bytes:
    head = f"<< {entries} /Length {len(data)} >>\nstream\n".encode()
    return head + data + b"\nendstream"


def _chunks(png: bytes) -> dict[bytes, bytes]:
    """Join a PNG's chunks by kind."""
    found: dict[bytes, bytes] = {}
    at = 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind = png[at + 4 : at + 8]
        found[kind] = found.get(kind, b"") + png[at + 8 : at + 8 + length]
        at += length + 12
    return found


def _missing() -> bytes:
    raise MissingRendererError(
        "nothing here can write PDF: run `pip install resvg_py` (or install Graphviz), or save the "
        "picture as .svg, which needs nothing"
    )

"""The directive `live-picture`: a loss on the landing page, whose numbers can be changed."""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import tinygrad_xent as tx

FILE = "_live/first.html"
FRAME = f"""<iframe class="live" src="{FILE}" loading="lazy"
title="A softmax and its loss, with values and gradients: change a number"></iframe>"""


class LivePicture(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        return [nodes.raw("", FRAME, format="html")]


def write_page(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        z = tx.Tensor([2.0, 1.0, 0.1], name="z")
        p = tx.softmax(z)
        loss = tx.sparse_categorical_crossentropy(0, p)
        path = Path(app.outdir) / FILE
        path.parent.mkdir(exist_ok=True)
        tx.draw(loss, names={"p": p, "loss": loss}).save(path)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("live-picture", LivePicture)
    app.connect("build-finished", write_page)
    return {"parallel_read_safe": True}

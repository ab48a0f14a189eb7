"""Formulas as SVG, drawn while the docs are built: the site needs no JavaScript, font or CDN.

Docstrings are reStructuredText: their $...$ is rewritten here, and ops get their rule's formulas.
"""

from __future__ import annotations

import html
import re
from typing import Any

import ziafont
import ziamath
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from tinygrad_xent import Op

logger = logging.getLogger(__name__)
ziafont.config.svg2 = False  # glyphs inline: with <symbol>s, ids would repeat within a page
ziamath.config.math.color = "currentColor"  # light and dark theme alike


def svg(node: nodes.Node, *, block: bool) -> str:
    latex = node.astext()
    # TeX puts this space after a big operator, ziamath does not
    spaced = re.sub(r"\\(sum|prod)(_\w|_\{[^}]*\})?", r"\g<0>\\,", latex)
    drawing = ziamath.Latex(spaced, size=18, inline=not block)
    if "\\" in drawing.mathmlstr():  # what the parser does not know, it copies
        logger.warning("a command in this formula is not known: %s", latex, location=node)
    attributes = (
        f'role="img" aria-label="{html.escape(latex)}" '
        f'style="vertical-align: {drawing.getyofst():.2f}px"'
    )
    return drawing.svg().replace("<svg ", f"<svg {attributes} ", 1)


def visit_inline(self: Any, node: nodes.Node) -> None:
    self.body.append(svg(node, block=False))
    raise nodes.SkipNode


def visit_block(self: Any, node: nodes.Node) -> None:
    self.body.append(f"{self.starttag(node, 'div', CLASS='formula')}{svg(node, block=True)}</div>")
    raise nodes.SkipNode


def write_formulas(_app: Sphinx, _what: str, _name: str, thing: Any, *event: Any) -> None:
    lines: list[str] = event[-1]
    if isinstance(thing, Op) and thing.rule_formulas:
        rule = ", ".join(f"${formula}$" for formula in thing.rule_formulas)
        summary, *rest = "\n".join(lines).strip().split("\n\n", 1)
        lines[:] = "\n\n".join([summary, f"Backward: {rule}.", *rest]).split("\n")
    lines[:] = re.sub(r"\$([^$]+)\$", r":math:`\1`", "\n".join(lines)).split("\n")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("svg", (visit_inline, None), (visit_block, None))
    app.connect("autodoc-process-docstring", write_formulas)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

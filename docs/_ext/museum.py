"""The directives `wrong-rules` and `wrong-rules-of`: the museum's rules with what gradcheck says.

The first shows the rules of one of its modules, the second those of one op.
What it says is computed while the docs are built, so the page cannot promise a diagnosis that the
package does not give.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from itertools import groupby

import numpy as np
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from tinygrad_xent import gradcheck
from tinygrad_xent.teaching.museum import WRONG_RULES, WrongRule, op_of
from tinygrad_xent.teaching.museum.accuracy import PASSED
from tinygrad_xent.teaching.museum.rules import found_in

logger = logging.getLogger(__name__)


def in_words(text: str) -> Iterator[nodes.Node]:
    """Text as it is, code between backticks."""
    for i, part in enumerate(text.split("`")):
        yield nodes.literal(text=part) if i % 2 else nodes.Text(part)


def paragraph(*parts: nodes.Node | str) -> nodes.paragraph:
    found = nodes.paragraph()
    for part in parts:
        found += list(in_words(part)) if isinstance(part, str) else part
    return found


def verdict(rule: WrongRule) -> nodes.container:
    rng = np.random.default_rng(0)
    inputs, params = rule.example(rng)
    report = gradcheck(op_of(rule), *inputs, order=rule.order, rng=rng, **params)
    if report.diagnosis is None:
        logger.warning("gradcheck does not find the mistake of %s", rule.name)
        return nodes.container("", paragraph(PASSED), classes=["diagnosis"])
    diagnosis = report.diagnosis
    box = nodes.container(classes=["diagnosis"])
    box += paragraph(nodes.strong(text=diagnosis.code), " ", diagnosis.message)
    if diagnosis.hint:
        box += paragraph(diagnosis.hint)
    return box


def entry(rule: WrongRule) -> nodes.container:
    anchor = nodes.make_id(rule.name)
    box = nodes.container(ids=[anchor], classes=["wrong-rule"])
    title = nodes.reference("", rule.name.replace("_", " "), refuri=f"#{anchor}")
    box += nodes.paragraph("", "", nodes.strong("", "", title), classes=["name"])
    box += paragraph(rule.description.replace("\n\n", " ").replace("\n", " "))
    source = rule.source.rstrip()  # given twice: Sphinx colours what is its own raw text
    box += nodes.literal_block(source, source, language="python")
    box += verdict(rule)
    return box


class WrongRules(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()  # the page follows the museum, also when its own text stays
        module = importlib.import_module(f"tinygrad_xent.teaching.museum.{self.arguments[0]}")
        rules = sorted(found_in(vars(module)), key=lambda rule: rule.op.name)
        return [
            self.of_op(name, list(of_it)) for name, of_it in groupby(rules, lambda r: r.op.name)
        ]

    def of_op(self, name: str, rules: list[WrongRule]) -> nodes.section:
        section = nodes.section(ids=[f"wrong-{nodes.make_id(name)}"], names=[f"wrong {name}"])
        section += nodes.title("", "", nodes.literal(text=name))
        section += [entry(rule) for rule in rules]
        return section


class WrongRulesOf(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()
        return [entry(rule) for rule in WRONG_RULES if rule.op.name == self.arguments[0]]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("wrong-rules", WrongRules)
    app.add_directive("wrong-rules-of", WrongRulesOf)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

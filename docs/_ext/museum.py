"""The museum's rules with what gradcheck says of them, and a table of how often it is right.

The directive `wrong-rules-of` shows the rules of an op, on its page, `wrong-rules-of-others` those
of ops without a page, and `wrong-rules` is a table that leads to all of them. `seen-and-unseen`
says how many rules and answers are named, those that gradcheck was made with and strangers', and
`first-sight` what was said of each stranger's rule.
What it says is computed while the docs are built, so the page cannot promise a diagnosis that the
package does not give.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from tinygrad_xent import gradcheck
from tinygrad_xent.ops import OPS
from tinygrad_xent.teaching.museum import STRANGERS_RULES, WRONG_RULES, WrongRule, op_of

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from museum_accuracy import PASSED, accuracy, diagnosed

logger = logging.getLogger(__name__)
OTHERS = "museum_of_layers"  # the page of the rules whose ops have none
RULES_OF: dict[str, list[WrongRule]] = {}
for _rule in (*WRONG_RULES, *STRANGERS_RULES):
    RULES_OF.setdefault(_rule.op.name, []).append(_rule)


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
    if rule.first_sight:
        box += paragraph("At first sight: ", nodes.strong(text=rule.first_sight))
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
    """A table of all rules, by op."""

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()  # the page follows the museum, also when its own text stays
        lines = ["| op | wrong rules |", "|---|---|"]
        for name, rules in sorted(RULES_OF.items()):
            lines.append(f"| `{name}` | {', '.join(map(linked, rules))} |")
        return self.parse_text_to_nodes("\n".join(lines))


def linked(rule: WrongRule) -> str:
    page = f"_ops/{rule.op.name}.html" if rule.op.name in OPS else f"{OTHERS}.html"
    address = f"{page}#{nodes.make_id(rule.name)}"
    return f'<a href="{address}">{rule.name.replace("_", " ")}</a>'


class FirstSight(SphinxDirective):
    """What gradcheck said of each stranger's rule at first sight, and what it says today."""

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()
        rows = [
            (linked(rule), f"`{rule.first_sight}`", f"`{diagnosed(rule, seed=0)}`")
            for rule in STRANGERS_RULES
        ]
        return self.parse_text_to_nodes(f"{table('Rule | at first sight | today', rows)}\n")


class WrongRulesOf(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()
        return [entry(rule) for rule in RULES_OF[self.arguments[0]]]


class WrongRulesOfOthers(SphinxDirective):
    """The rules of ops that have no page: layers, and functions that only the museum has."""

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()
        found = []
        for name in sorted(RULES_OF.keys() - OPS.keys()):
            section = nodes.section(ids=[f"wrong-{nodes.make_id(name)}"], names=[f"wrong {name}"])
            section += nodes.title("", "", nodes.literal(text=name))
            section += [entry(rule) for rule in RULES_OF[name]]
            found.append(section)
        return found


class SeenAndUnseen(SphinxDirective):
    """Two tables, computed from what the tests hold of strangers' rules and answers."""

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()
        return self.parse_text_to_nodes(f"{table_of_rules()}\n\n{table_of_answers()}\n")


def table(head: str, rows: Iterable[tuple[object, ...]]) -> str:
    lines = [head, "|".join([":--", *["--:"] * head.count("|")])]
    return "\n".join([*lines, *(" | ".join(map(str, row)) for row in rows)])


def table_of_rules() -> str:
    from strangers.right_rules import RIGHT
    from strangers.verdicts import FIRST_SIGHT, Verdict, acceptable, verdict_on
    from strangers.wrong_rules import WRONG

    own = accuracy(WRONG_RULES, times=1)
    unknown = sum(codes["unknown"] for codes in own.given.values())
    named = round(own.share * len(WRONG_RULES))
    passed = sum(codes[PASSED] for codes in own.given.values())
    rows = [("The museum's own", len(WRONG_RULES), passed, named, unknown, "")]
    first = {n: Verdict(**said) for n, said in json.loads(FIRST_SIGHT.read_text("utf-8")).items()}
    now = {case.name: verdict_on(case) for case in [*WRONG, *RIGHT]}
    for when, said in (("at first sight", first), ("today", now)):
        verdicts = [(case, said[case.name]) for case in WRONG]
        rows.append(
            (
                f"Strangers', {when}",
                len(WRONG),
                sum(verdict.outcome == "ok" for _, verdict in verdicts),
                sum(acceptable(case, verdict) for case, verdict in verdicts),
                sum(verdict.code == "unknown" for _, verdict in verdicts),
                f"{sum(said[case.name].outcome == 'wrong' for case in RIGHT)} of {len(RIGHT)}",
            )
        )
    head = "Rules | wrong ones | passed | named well | `unknown` | right ones called wrong"
    return table(head, rows)


def table_of_answers() -> str:
    from strangers.answers import FIRST_SIGHT, LAST, LATER, RIGHT, WRONG, only_numbers, verdict_on

    first = {n: said["message"] for n, said in json.loads(FIRST_SIGHT.read_text("utf-8")).items()}
    now = {answer.name: verdict_on(answer) for answer in [*WRONG, *LATER, *LAST, *RIGHT]}
    refused = sum(not now[answer.name] for answer in RIGHT)
    rows = [
        (
            f"{len(answers)} wrong ones{words}",
            len(only_numbers({answer.name: first[answer.name] for answer in answers})),
            len(only_numbers({answer.name: now[answer.name].message for answer in answers})),
            sum(bool(now[answer.name]) for answer in answers),
        )
        for answers, words in ((WRONG, ""), (LATER, ", written later"), (LAST, ", written last"))
    ]
    rows.append((f"{len(RIGHT)} right ones", "", "", len(RIGHT) - refused))
    return table("Answers to exercises | only numbers, at first sight | today | pass today", rows)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("seen-and-unseen", SeenAndUnseen)
    app.add_directive("first-sight", FirstSight)
    app.add_directive("wrong-rules", WrongRules)
    app.add_directive("wrong-rules-of", WrongRulesOf)
    app.add_directive("wrong-rules-of-others", WrongRulesOfOthers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

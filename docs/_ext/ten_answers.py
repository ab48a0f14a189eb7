"""A page for each kind of edge case with the answers of every dialect, and reasons.

The cases are those of tests/data/dialects.json.gz, one of each kind and call. A page shows the
results of `compare`; a test checks that they equal the recorded answers of the frameworks. The
directive `ten-answers` is the list that leads to them, `answers-to` the content of a page.
"""

from __future__ import annotations

import sys
import warnings
from functools import cache
from pathlib import Path

import numpy as np
from docutils import nodes
from generated_pages import write
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from tinygrad_xent import compare
from tinygrad_xent.errors import ProbabilitiesWarning

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from golden import DATA, Case, load

KINDS = {
    "Logits, large and infinite": {
        "saturated-target-high": "A saturated softmax, right",
        "saturated-target-low": "A saturated softmax, wrong",
        "saturated-axis-0": "A saturated softmax along axis 0",
        "gap-37.43": "A gap of 37.43, where 1 - p rounds to 0 or just does not",
        "huge-finite": "Logits whose difference overflows",
        "neg-inf-nontarget": "-inf at a class that is not the label",
        "neg-inf-target": "-inf at the label",
        "all-neg-inf": "A row of -inf",
        "pos-inf-target": "+inf at the label",
        "pos-inf-nontarget": "+inf at a class that is not the label",
        "nan-logit": "A NaN among the logits",
    },
    "Probabilities": {
        "prob-zero-target": "Probability 0 at the label",
        "prob-one-target": "Probability 1 at the label",
        "prob-one-hot-wrong": "Probability 1 at another class",
        "prob-at-eps": "Probability 1e-7, where the clip begins",
        "prob-below-eps": "Probability below 1e-7",
        "prob-all-zero-row": "A row of zeros",
        "prob-unnormalised": "Rows that do not sum to 1",
        "prob-above-one": "A number above 1",
    },
    "Dense labels": {
        "dense-labels-sum-0": "Labels that sum to 0",
        "dense-labels-sum-3": "Labels that sum to 3",
        "dense-labels-negative": "A negative label",
        "dense-labels-int": "Labels that are integers",
        "dense-labels-other-float": "Labels in float64, numbers in float32",
        "broadcast-labels-1C": "One row of labels for several rows",
        "broadcast-labels-C": "Labels without the axis of rows",
    },
    "Class numbers": {
        "label-minus-1": "Label -1",
        "label-C": "A label as large as the number of classes",
        "label-minus-100": "Label -100",
        "float-labels-whole": "Whole numbers as floats",
        "float-labels-fraction": "Fractions",
        "labels-N1": "A column of labels",
        "labels-AB1": "Labels with a last axis of length 1",
        "labels-1-for-N": "One label for several rows",
        "labels-int32": "Labels of int32",
        "labels-uint8": "Labels of uint8",
    },
    "Shapes and axes": {
        "empty-batch": "No rows",
        "single-class": "One class",
        "float16-3000-classes": "3,000 classes in float16",
        "axis-0": "Classes along axis 0",
        "axis-0-square": "Classes along axis 0 of a square",
        "axis-1-of-3": "Classes along axis 1 of three",
        "axis-minus-2": "Classes along axis -2",
        "axis-last-positive": "The last axis, counted from 0",
        "axis-out-of-range": "An axis out of range",
    },
    "Nothing special": {
        "ordinary-rank-1": "One example",
        "ordinary-rank-2": "Rows",
        "ordinary-rank-3": "Rows of rows",
        "ordinary-rank-4": "Four axes",
    },
}


@cache
def cases() -> dict[str, dict[tuple[str, bool], Case]]:
    """Return the cases by kind and call."""
    found: dict[str, dict[tuple[str, bool], Case]] = {}
    for case in load("dialects"):
        call = (case.labels_kind, not case.from_logits)
        found.setdefault(case.edge, {}).setdefault(call, case)
    listed = {edge for kinds in KINDS.values() for edge in kinds}
    if listed != found.keys():
        raise ExtensionError(f"the pages and the cases differ by {listed ^ found.keys()}")
    return found


def write_pages(_app: Sphinx) -> None:
    words = "What ten frameworks answer. [About these pages](../one_loss_ten_answers.md)."
    write(
        "_answers",
        {
            edge: f"# {title}\n\n{words}\n\n```{{answers-to}} {edge}\n```\n"
            for kinds in KINDS.values()
            for edge, title in kinds.items()
        },
    )


class TenAnswers(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        lines = ["| | |", "|---|---|"]
        for topic, kinds in KINDS.items():
            links = " · ".join(f"[{title}](_answers/{edge}.md)" for edge, title in kinds.items())
            lines.append(f"| **{topic}** | {links} |")
        toctree = "\n".join(f"_answers/{edge}" for kinds in KINDS.values() for edge in kinds)
        text = "\n".join(lines) + f"\n\n```{{toctree}}\n:hidden:\n\n{toctree}\n```\n"
        return self.parse_text_to_nodes(text)


class AnswersTo(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        for file in (__file__, DATA / "dialects.json.gz"):
            self.env.note_dependency(str(file))
        calls = cases()[self.arguments[0]]
        return [block(calls[call]) for call in sorted(calls, reverse=True)]


def block(case: Case) -> nodes.raw:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ProbabilitiesWarning)  # some cases are about just that
        comparison = compare(
            case.labels,
            case.array,
            from_logits=case.from_logits,
            axis=case.axis,
            sparse=case.labels_kind == "sparse",
        )
        why = comparison.reasons_html()
    why = why and f"<details><summary>Which step makes the difference</summary>{why}</details>"
    table = comparison.answers_html()
    text = f'<div class="ten-answers">{table}{why}</div>'
    return nodes.raw("", text, format="html")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("ten-answers", TenAnswers)
    app.add_directive("answers-to", AnswersTo)
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True}

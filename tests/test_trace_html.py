"""The trace as a table for notebooks and as JSON: markup that parses, a schema that holds."""

from __future__ import annotations

import doctest
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.visualization.tracing import trace

DOCS = Path(__file__).parent.parent / "docs"
SCHEMA = json.loads((DOCS / "trace_schema.json").read_text(encoding="utf-8"))
PAGE = (DOCS / "trace.md").read_text(encoding="utf-8")


def example():
    z = tx.Tensor([[2.0, 1.0, 0.1], [0.0, 0.0, -np.inf]], name="z <b>&")
    loss = tx.sparse_categorical_crossentropy([0, 1], tx.softmax(z)).mean()
    loss.name = "loss"
    return trace(loss)


def page_of(t):
    """The markup, parsed: what does not parse as XML is not well-formed."""
    return ET.fromstring(t._repr_html_())  # noqa: S314 - our own


def rows_of(page, table):
    return [
        ["".join(cell.itertext()) for cell in row]
        for row in page.findall("table")[table].findall("tbody/tr")
    ]


# -- HTML ------------------------------------------------------------------------------------


def test_the_tables_say_what_the_events_say():
    t = example()
    page = page_of(t)
    assert [caption.text for caption in page.iter("caption")] == [
        "Forward",
        "Backward: ∂x is the gradient of loss with respect to x",
    ]
    forward = rows_of(page, 0)
    assert [row[0] for row in forward] == [str(e.step) for e in t.forward]
    assert forward[0] == ["1", "z <b>&", "leaf", "", "6 entries, 0 to 2, 1 NaN or inf"]
    backward = rows_of(page, 1)
    assert backward[0] == ["loss (mean) has ∂loss = 1"]
    sent = [row for row in backward if len(row) == 5]
    assert [(row[0], row[2]) for row in sent] == [(str(e.step), e.to_name) for e in t.backward]
    assert sent[0][3:] == ["[0.5 0.5]", "[0.5 0.5]"]


def test_formulas_are_mathml_and_nothing_is_run_or_loaded():
    text = example()._repr_html_()
    count = len(re.findall(r"<math\b", text))
    assert count == sum(
        bool(getattr(e, "formula", "") or getattr(e, "rule", "")) for e in example()
    )
    assert not re.search(r"<script|<link|\bsrc=|\bon\w+=|url\(|@import", text)
    assert "<b>" not in text


def test_headers_belong_to_their_columns():
    page = page_of(example())
    for table in page.findall("table"):
        heads = table.findall("thead/tr/th")
        assert [th.get("scope") for th in heads] == ["col"] * 5
        for row in table.findall("tbody/tr"):
            assert sum(int(cell.get("colspan", "1")) for cell in row) == 5


def test_colours_are_the_pages_own():
    style = page_of(example()).find("style").text
    style = "".join(re.findall(r"^\.tx(?:-trace|-result|\.tx| ).*", style, re.MULTILINE))
    assert re.findall(r"#[0-9a-f]{3}|rgb|white|black", style) == []
    assert "var(--jp-ui-font-color1, inherit)" in style


def test_a_long_trace_says_how_much_is_left_out():
    y = x = tx.Tensor(1.0, name="x")
    for _ in range(149):
        y = -y
    t = trace(y)
    page = page_of(t)
    steps = [row for i in (0, 1) for row in rows_of(page, i) if len(row) == 5]
    assert len(t) == 299
    assert len(steps) == 200
    assert "".join(page.find("p").itertext()).startswith("99 more steps are not shown: ")
    assert page_of(t[:200]).find("p") is None
    assert len(page_of(t[-1:]).findall("table")) == 1
    assert trace(x)._repr_html_().count("<table>") == 1


# -- JSON ------------------------------------------------------------------------------------


def test_a_trace_fits_the_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    with np.errstate(all="ignore"):
        found = json.loads(json.dumps(example().to_dict(), allow_nan=False))
    jsonschema.validate(found, SCHEMA)
    assert found["events"][0]["value"][1][2] == "-inf"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.update(version=2),
        lambda d: d.pop("seed"),
        lambda d: d.update(more=1),
        lambda d: d["tensors"][0].pop("dtype"),
        lambda d: d["events"][0].update(phase="backward"),
        lambda d: d["events"][-1].pop("total"),
        lambda d: d["events"][-1].update(sent="NaN"),
        lambda d: d["events"][-1].update(step=0),
        lambda d: d["events"][-1].update(note=""),
    ],
)
def test_the_schema_is_strict(spoil):
    found = example().to_dict()
    spoil(found)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, SCHEMA)


# -- docs/trace.md ---------------------------------------------------------------------------


def test_the_pages_examples_run():
    flags = doctest.NORMALIZE_WHITESPACE
    names = {}
    for block in re.findall(r"```pycon\n(.*?)```", PAGE, re.DOTALL):
        test = doctest.DocTestParser().get_doctest(block, names, "trace.md", None, 0)
        result = doctest.DocTestRunner(optionflags=flags).run(test, clear_globs=False)
        names.update(test.globs)
        assert result.attempted
        assert not result.failed
    (printed,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert json.loads(printed) == json.loads(names["text"])
    jsonschema.validate(json.loads(printed), SCHEMA)

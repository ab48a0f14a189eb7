"""Pages and tables: complete, closed to the network, and safe for any text."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from tinygrad_xent import errors
from tinygrad_xent.visualization.files import save
from tinygrad_xent.visualization.pages import page
from tinygrad_xent.visualization.tables import Markup, html_table, table

EVIL = "</title></td><script>alert(1)</script>&\"'"


def policy_of(text: str) -> dict[str, str]:
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert found
    return dict(part.split(" ", 1) for part in found[1].split("; "))


def test_a_page_is_complete():
    text = page("Loss & gradient", "<p>body</p>\n", "p { margin: 0; }\n")
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert text.endswith("</html>\n")
    assert '<meta charset="utf-8">' in text
    assert "width=device-width" in text
    assert "<title>Loss &amp; gradient</title>" in text
    assert "<h1>Loss &amp; gradient</h1>\n<p>body</p>\n</main>" in text
    assert text.index("color-scheme: light dark") < text.index("p { margin: 0; }\n</style>")


def test_the_text_of_a_page_is_text():
    text = page("t", "<p>body</p>\n", "", text=f"one\n{EVIL}\x1b")
    assert "<summary>As text</summary>" in text
    assert "\\x1b" in text
    assert "\x1b" not in text
    assert "<script" not in text
    assert "<details" not in page("t", "", "")


@pytest.mark.parametrize("scripts", [False, True])
def test_a_page_loads_nothing_and_runs_scripts_only_if_it_has_some(scripts):
    policy = policy_of(page("t", "", "", scripts=scripts))
    assert policy["default-src"] == "'none'"
    assert policy["img-src"] == "data:"
    assert policy.get("script-src") == ("'unsafe-inline'" if scripts else None)


def test_titles_and_cells_are_text():
    assert "<script" not in page(EVIL, "", "")
    table = ET.fromstring(html_table((EVIL, "b"), [(EVIL, EVIL)], EVIL))  # noqa: S314 - our own
    assert {e.text for e in table.iter() if e.tag in ("caption", "td", "th")} == {EVIL, "b"}
    assert [e.get("scope") for e in table.iter("th")] == ["col", "col", "row"]


def test_a_table_without_rows_has_its_head():
    table = ET.fromstring(html_table(("a", "b"), [], "none"))  # noqa: S314 - our own
    assert len(list(table.iter("th"))) == 2
    assert list(table.iter("td")) == []


def test_markup_stays_and_a_lone_cell_is_a_heading():
    rows = [("group",), (Markup("<b>x</b>"), "<b>")]
    table_html = ET.fromstring(html_table(("a", "b"), rows, headings=False))  # noqa: S314 - our own
    assert [e.text for e in table_html.iter("b")] == ["x"]
    (group,) = (e for e in table_html.iter("th") if e.get("colspan"))
    assert (group.text, group.get("colspan"), group.get("scope")) == ("group", "2", "colgroup")
    assert list(table_html.iter("caption")) == []
    assert [e.text for e in table_html.iter("td")] == [None, "<b>"]


def test_a_table_of_text_has_even_columns():
    rows = [("a heading longer than the columns",), ("1", "long"), ("200", "x")]
    assert [*table(("n", "word"), rows, right=1)] == [
        "  n  word",
        "a heading longer than the columns",
        "  1  long",
        "200  x",
    ]
    assert [*table(("n", "word"), [])] == ["n  word"]


# -- files -----------------------------------------------------------------------------------


def test_the_ending_chooses_the_form_and_nothing_else_is_computed(tmp_path):
    forms = {".txt": lambda: "é", ".png": lambda: b"\x89PNG", ".svg": lambda: 1 / 0}
    assert save(str(tmp_path / "a.TXT"), forms).read_bytes() == "é".encode()
    assert save(tmp_path / "a.png", forms).read_bytes() == b"\x89PNG"
    with pytest.raises(ZeroDivisionError):
        save(tmp_path / "a.svg", forms)
    assert len([*tmp_path.iterdir()]) == 2


@pytest.mark.parametrize(("name", "what"), [("a.gif", "the ending '.gif'"), ("a", "no ending")])
def test_an_unknown_ending_is_refused_with_those_that_are_known(tmp_path, name, what):
    forms = {".txt": str, ".svg": str}
    with pytest.raises(errors.FileFormatError) as caught:
        save(tmp_path / name, forms, "Try .txt first.")
    path = f"'{tmp_path / name}'"
    ends = "end the name in one of .txt, .svg. Try .txt first."
    assert str(caught.value) == f"{path} has {what}; {ends}"
    with pytest.raises(errors.FileFormatError, match=r"end the name in \.html$"):
        save(tmp_path / name, {".html": str})
    assert [*tmp_path.iterdir()] == []

"""Pages and tables: complete, closed to the network, and safe for any text."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from tinygrad_xent.visualization.pages import html_table, page

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
    assert "<style>\np { margin: 0; }\n</style>" in text


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

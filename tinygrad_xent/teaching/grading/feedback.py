"""The page that a student gets back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from tinygrad_xent.teaching.exercises import Verdict
from tinygrad_xent.visualization.naming import printable

MISSING = ("not-answered", "no-file")
"""Codes of exercises to which there is no answer."""
_HEAD = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 50rem; margin: 0 auto; padding: 1.5rem; }}
h1 {{ font-size: 1.5rem; }}
h2 {{ font-size: 1.15rem; margin-top: 2rem; }}
.tx-verdict {{ margin: 1rem 0; }}
code {{ overflow-wrap: anywhere; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
"""


def feedback(record: Mapping[str, Any]) -> str:
    """Write the page of one student from the record that `grade_submission` gives."""
    return "".join(_parts(record))


def _parts(record: Mapping[str, Any]) -> Iterator[str]:
    results = record["results"]
    yield _HEAD.format(title=escape(printable(record["student"])))
    passed = sum(result["score"] for result in results)
    yield f"<p>{passed} of {len(results)} exercises passed.</p>\n"
    for title, wanted in (("To be worked on", 0), ("Passed", 1)):
        chosen = [r for r in results if r["score"] == wanted and r["code"] not in MISSING]
        if chosen:
            yield f"<h2>{title}</h2>\n"
            yield from map(_verdict, chosen)
    if missing := [r["name"] for r in results if r["code"] in MISSING]:
        names = ", ".join(f"<code>{escape(name)}</code>" for name in missing)
        yield f"<h2>Not answered</h2>\n<p>{names}</p>\n"
    if record["problems"]:
        items = "".join(f"<li>{escape(problem)}</li>\n" for problem in record["problems"])
        yield f"<h2>What happened to your work</h2>\n<ul>\n{items}</ul>\n"
    yield "</main>\n</body>\n</html>\n"


def _verdict(result: Mapping[str, Any]) -> str:
    verdict = Verdict(
        passed=bool(result["score"]),
        message=result["message"],
        code=result["code"],
        case=result["case"],
        evidence=tuple((name, value) for name, value in result["evidence"]),
        exercise=result["name"],
        hint=result["hint"],
    )
    try:
        return f"{verdict._repr_html_()}\n"
    except Exception:  # noqa: BLE001 - a learner's error message with dollar signs is no formula
        return f"<p><code>{escape(result['name'])}</code>: {escape(result['message'])}</p>\n"

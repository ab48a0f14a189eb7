"""What a teacher and a student read: the tables, the summary of a class, a student's page."""

from __future__ import annotations

import csv
import io
import math
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from statistics import median
from typing import Any

from tinygrad_xent.teaching.exercises import CATALOGUE, Verdict
from tinygrad_xent.teaching.exercises.verdict import html_of, text_of
from tinygrad_xent.teaching.grading.alike import alike
from tinygrad_xent.teaching.grading.submissions import NO_FILE
from tinygrad_xent.teaching.handout import READING
from tinygrad_xent.teaching.roster import Person, matched
from tinygrad_xent.visualization.formatting import count
from tinygrad_xent.visualization.naming import printable
from tinygrad_xent.visualization.pages import image, page
from tinygrad_xent.visualization.tables import Markup, html_table, styled

COLUMNS = ("student", "exercise", "score", "code", "message", "seconds", "file", "seed")
_STUDENTS = ("student", "id", "email", "total", "maximum", "percent", "days late", "status")
_OF_CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_MISSING = ("not-answered", NO_FILE)
_COMMONEST = 3  # mistakes of an exercise
_NEEDS_HELP = 50  # per cent

Rows = Sequence[Mapping[str, Any]]
"""A row for each student; "person" is what the class list says of them, or None."""


@dataclass(frozen=True)
class Marking:
    """How results make a mark.

    Attributes
    ----------
    partial : bool
        Whether an answer that is right for some inputs gets their share of the point.
    due : datetime or None
        The deadline.
    off : float
        What a delay takes off the total, of 1.
    daily : bool
        Whether it does so for each day that has begun, and not once.
    people : sequence of Person
        The class.
    upload : str
        The platform that a table is written for, "moodle" or "canvas", or "".
    title : str
        What that platform calls the work.
    """

    partial: bool = False
    due: datetime | None = None
    off: float = 0.0
    daily: bool = True
    people: Sequence[Person] = ()
    upload: str = ""
    title: str = "Exercises"

    def points(self, result: Mapping[str, Any]) -> float:
        """Return what a result counts, up to 1."""
        return round(float(result["share" if self.partial else "score"]), 2)

    def days(self, written: float) -> int:
        """Return how many days late, begun ones included, something was written."""
        late = written - self.due.timestamp() if self.due and written else 0
        return max(0, math.ceil(late / 86_400))

    def kept(self, days: int) -> float:
        """Return the share of the total that is left after so many days.

        >>> [Marking(off=0.1).kept(days) for days in (0, 1, 20)]
        [1.0, 0.9, 0.0]
        """
        return max(0.0, 1 - self.off * (days if self.daily else min(days, 1)))


# -- tables ----------------------------------------------------------------------------------


def answers_table(records: Sequence[Mapping[str, Any]], marking: Marking) -> str:
    """Return a table in CSV with a row for each student and exercise."""
    return _csv(COLUMNS, [
        {
            **record, **result, "exercise": result["name"],
            "score": f"{marking.points(result):g}",
            # Names of files are not Markdown.
            "message": (str if result["code"] in _MISSING else text_of)(result["message"]),
        }
        for record in sorted(records, key=lambda record: record["student"])
        for result in record["results"]
    ])  # fmt: skip


def student_rows(records: Sequence[Mapping[str, Any]], marking: Marking) -> Rows:
    """Return a row for each student: of the class list first, then of those who are not on it."""
    by_name = {record["student"]: record for record in records}
    maximum = max((len(record["results"]) for record in records), default=0)
    rows = []
    for person, record in matched(marking.people, by_name):
        given = record or {"student": "", "id": "", "written": 0, "results": ()}
        days = marking.days(given["written"])
        total = sum(map(marking.points, given["results"])) * marking.kept(days)
        rows.append(
            {
                "person": person,
                "record": record,
                "student": person.name if person else given["student"],
                "id": next(iter(person.ids), "") if person else given["id"],
                "email": person.email if person else "",
                "total": f"{total:.4g}",
                "maximum": maximum,
                "percent": round(100 * total / max(maximum, 1)),
                "days late": days,
                "status": _status(person, record, marking),
            }
        )
    return rows


def _status(person: Person | None, record: Mapping[str, Any] | None, marking: Marking) -> str:
    if record is None:
        return "missing"
    if all(result["code"] == NO_FILE for result in record["results"]):
        return "could not be graded"
    return "graded" if person or not marking.people else "not on the list"


def students_table(rows: Rows) -> str:
    """Return a table in CSV with a row for each student."""
    return _csv(_STUDENTS, rows)


def upload_table(rows: Rows, marking: Marking, maximum: int) -> str:
    """Return the table that the platform takes, with the columns of the list as it was read.

    Moodle's list says what its assignment counts, and the grades are a share of that.
    """
    listed = [row for row in rows if row["person"]]
    if marking.upload == "canvas":
        points = {"Student": "Points Possible", marking.title: f"{maximum:g}"}
        made = [points, *({**row["person"].row, marking.title: row["total"]} for row in listed)]
        return _csv((*_OF_CANVAS, marking.title), made, safe=False)
    made = []
    for facts in listed:
        row = facts["person"].row
        held = {head.casefold(): value.replace(",", ".") for head, value in row.items()}
        most = held.get("maximum grade", "")
        top = float(most) if re.fullmatch(r"\d+(\.\d*)?", most) else maximum
        made.append({**row, "Grade": f"{float(facts['total']) / maximum * top:.4g}"})
    return _csv(tuple(made[0]), made, safe=False)


def _csv(heads: Sequence[str], rows: Iterable[Mapping[str, Any]], *, safe: bool = True) -> str:
    table = io.StringIO()
    writer = csv.DictWriter(table, heads, extrasaction="ignore")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _safe(row[key]) for key in heads} if safe else row)
    return table.getvalue()


def _safe(cell: Any) -> Any:
    """Return text so that no spreadsheet runs it: what looks like a formula gets an apostrophe."""
    if not isinstance(cell, str):
        return cell
    text = printable(cell)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


# -- a student's page ------------------------------------------------------------------------


def feedback(record: Mapping[str, Any], marking: Marking) -> str:
    """Return the page that a student gets back, from a record of `grade_submission`."""
    return page(printable(record["student"]), "".join(_parts(record, marking)), READING)


def feedback_files(rows: Rows, marking: Marking) -> bytes:
    """Return a zip file of the pages, by the names that Moodle knows its participants by.

    Moodle gives each participant of an assignment the file of the folder `NAME_ID_...`.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as pages:
        for facts in rows:
            if record := facts["record"]:
                name = re.sub(r'[\\/:*?"<>|_\s]+', " ", printable(facts["student"]))
                folder = f"{name}_{record['id'] or facts['id']}_assignsubmission_file_"
                content = feedback(record, marking).encode(errors="replace")
                pages.writestr(f"{folder}/feedback.html", content)
    return packed.getvalue()


def _parts(record: Mapping[str, Any], marking: Marking) -> Iterator[str]:
    results = record["results"]
    passed = sum(result["score"] for result in results)
    yield f"<p>{passed} of {count(len(results), 'exercise')} passed.</p>\n"
    if days := marking.days(record["written"]):
        kept = round(100 * marking.kept(days))
        yield f"<p>{count(days, 'day')} late: {kept} % of the points count.</p>\n"
    for title, wanted in (("To be worked on", 0), ("Passed", 1)):
        chosen = [r for r in results if r["score"] == wanted and r["code"] not in _MISSING]
        if chosen:
            yield f"<h2>{title}</h2>\n"
        for result in chosen:
            yield _verdict(result)
            if not wanted:
                yield from _help(result, marking)
    if missing := [r["name"] for r in results if r["code"] in _MISSING]:
        names = ", ".join(f"<code>{escape(name)}</code>" for name in missing)
        yield f"<h2>Not answered</h2>\n<p>{names}</p>\n"
    if record["problems"]:
        items = "".join(f"<li>{escape(problem)}</li>\n" for problem in record["problems"])
        items = re.sub("`([^`\n]+)`", r"<code>\1</code>", items)
        yield f"<h2>What happened to your work</h2>\n<ul>\n{items}</ul>\n"


def _help(result: Mapping[str, Any], marking: Marking) -> Iterator[str]:
    name, exercise = result["name"], CATALOGUE[result["name"]]
    if picture := result["picture"]:
        alt = f"The graph of what {name} computes"
        said = f"What your <code>{escape(name)}</code> computes, from its inputs to its result:"
        yield f"<figure><figcaption>{said}</figcaption>{image(picture, alt)}</figure>\n"
    share = round(100 * result["share"]) if marking.partial else 0
    partial = f"It is right for {share} % of the inputs. " if share else ""
    title = html_of(exercise.title)
    yield f"<p>{partial}To read next: lesson {exercise.lesson}, {title}.</p>\n"


def _verdict(result: Mapping[str, Any]) -> str:
    verdict = Verdict(
        passed=bool(result["score"]),
        exercise=result["name"],
        evidence=tuple(map(tuple, result["evidence"])),
        **{key: result[key] for key in ("message", "code", "case", "hint")},
    )
    return f"{verdict._repr_html_()}\n"


# -- the summary of a class ------------------------------------------------------------------


def summary(records: Sequence[Mapping[str, Any]], rows: Rows, marking: Marking) -> str:
    """Return the page for the teacher: what passed, what went wrong, who needs help."""
    return page(marking.title, styled("class", "".join(_overview(records, rows))), READING)


def _overview(records: Sequence[Mapping[str, Any]], rows: Rows) -> Iterator[str]:
    statuses = Counter(row["status"] for row in rows)
    told = ", ".join(f"{number} {status}" for status, number in statuses.most_common())
    yield f"<p>{count(len(rows), 'student')}: {told or 'none'}.</p>\n"
    results: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for record in records:
        for result in record["results"]:
            results[result["name"]].append(result)
    lines = []
    for name, same in results.items():
        passed = sum(r["score"] for r in same)
        missing = sum(r["code"] in _MISSING for r in same)
        seconds = f"{median(r['seconds'] for r in same):.2f}"
        narrow = Markup(name.replace("_", "_<wbr>"))  # on a phone it takes two lines
        lines.append((narrow, *map(str, (passed, len(same) - passed - missing, missing)), seconds))
    head = ("exercise", "passed", "wrong", "missing", "seconds")
    yield html_table(head, lines, "The exercises, with the median of the seconds")
    yield "\n<h2>The commonest mistakes</h2>\n"
    for name, same in results.items():
        yield from _mistakes(name, same)
    for title, chosen in (
        ("Who needs help", [r for r in rows if r["percent"] < _NEEDS_HELP and r["maximum"]]),
        ("Late", [r for r in rows if r["days late"]]),
        ("Not on the list", [r for r in rows if r["status"] == "not on the list"]),
    ):
        if chosen:
            wanted = ("student", "total", "percent", "days late", "status")
            cells = [[printable(str(row[key])) for key in wanted] for row in chosen]
            yield html_table(wanted, cells, title)
    if groups := alike(records):
        yield "<h2>Alike beyond names</h2>\n<p>These functions are the same but for names and "
        yield "order. Look at them before you think anything of it.</p>\n<ul>\n"
        for group in groups:
            places = "; ".join(f"{student}: {file}, {lines}" for student, file, lines in group)
            yield f"<li>{escape(printable(places))}</li>\n"
        yield "</ul>\n"


def _mistakes(name: str, results: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    wrong = [r for r in results if not r["score"] and r["code"] not in _MISSING]
    if not wrong:
        return
    yield f"<h3><code>{escape(name)}</code></h3>\n"
    kinds = defaultdict(list)
    for result in wrong:  # a usual mistake is told by its sentence
        usual = result["message"] if result["code"] == "mistake" else ""
        kinds[result["code"], usual].append(result)
    for (_, usual), same in sorted(kinds.items(), key=lambda kind: -len(kind[1]))[:_COMMONEST]:
        one = ", one of them" if len(same) > 1 and not usual else ""  # they need not be the same
        yield f"<p>{count(len(same), 'student')}{one}:</p>\n{_verdict(same[0])}"

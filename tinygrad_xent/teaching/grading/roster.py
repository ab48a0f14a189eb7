"""Who is in the class: a learning platform's lists, its names of files, its tables of grades."""

from __future__ import annotations

import csv
import io
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tinygrad_xent.errors import UsageError
from tinygrad_xent.visualization.naming import printable

_PLATFORMS = (
    r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_[a-z]+(_.*)?",  # Moodle
    r"(?P<name>[^_]+)_(LATE_)?(?P<id>\d+)_\d+_.+",  # Canvas
)
_HEADS = {
    "name": ("name", "full name", "student", "student name"),
    "first": ("first name", "given name"),
    "last": ("last name", "surname", "family name"),
    "id": ("id", "identifier", "id number", "student id", "sis user id"),
    "email": ("email", "e-mail", "email address", "e-mail address", "sis login id"),
}
_RULE = re.compile(r"(\d+(?:\.\d+)?)%(/day)?")


def whose(name: str) -> tuple[str, str]:
    """Return a student's name and number from a name that Moodle or Canvas gives to a download.

    Any other name is the student's, without a number.

    Examples
    --------
    >>> whose("Ann Lee_4711_assignsubmission_file_")
    ('Ann Lee', '4711')
    >>> whose("leeann_LATE_12345_678_homework-2"), whose("ann_lee")
    (('leeann', '12345'), ('ann_lee', ''))
    """
    for form in _PLATFORMS:
        if found := re.fullmatch(form, name):
            return found["name"], found["id"]
    return name, ""


@dataclass(frozen=True)
class Person:
    """A row of the class list.

    Attributes
    ----------
    name, email : str
    ids : tuple of str
        The numbers by which platforms know them.
    row : mapping of str to str
        The whole row, as it was read.
    """

    name: str
    email: str
    ids: tuple[str, ...]
    row: Mapping[str, str]

    @property
    def folder(self) -> str:
        """A name for a folder of theirs, which nobody else has who has another id."""
        number = next(iter(self.ids), "")
        words = re.findall(r"[^\W_]+", f"{self.name} {number or self.email}")
        return " ".join(words)[-60:].strip()  # a file's name can have 255 bytes

    @property
    def keys(self) -> set[str]:
        """What a submission of theirs may be called: Canvas puts the last name first."""
        called = (_words(self.name), _words(self.folder))
        names = {"".join(words[i:] + words[:i]) for words in called for i in range(len(words))}
        login = {"".join(_words(self.email)), "".join(_words(self.email.partition("@")[0]))}
        return (names | login | set(self.ids)) - {""}


def read_roster(path: Path) -> list[Person]:
    """Return the class from a table in CSV: of Moodle, of Canvas, or with a column `name`.

    Raises
    ------
    UsageError
        If it cannot be read, or has no names.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{printable(path)} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise UsageError(f"{printable(path)} is not text in UTF-8; save it as that") from None
    lines = text.splitlines()
    between = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
    class_list = []
    for row in csv.DictReader(io.StringIO(text), delimiter=between):
        facts = {str(k): v or "" for k, v in row.items() if k and isinstance(v, str | None)}
        if person := _person(facts):
            class_list.append(person)
    if not class_list:
        raise UsageError(
            f"{printable(path)} holds no names; its first line must name the columns: "
            "name, id, email"
        )
    return class_list


def _person(row: Mapping[str, str]) -> Person | None:
    def values(kind: str) -> list[str]:
        held = {head.strip().casefold(): value.strip() for head, value in row.items()}
        return [held[head] for head in _HEADS[kind] if held.get(head)]

    name = (values("name") or [" ".join(values("first") + values("last"))])[0]
    name = name or " ".join((values("id") or values("email"))[:1])
    if not name or name.casefold() in ("points possible", "student, test"):  # rows of Canvas
        return None
    ids = tuple(re.sub(r"\D*(\d+)", r"\1", each) for each in values("id"))
    return Person(name, next(iter(values("email")), ""), ids, row)


def _words(name: str) -> list[str]:
    composed = unicodedata.normalize("NFC", name)  # some systems take letters and accents apart
    return re.findall(r"[^\W_]+", composed.casefold())


def matched(
    people: Sequence[Person], records: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[Person | None, Mapping[str, Any] | None]]:
    """Yield each person with their record, or None; then the records of nobody on the list."""
    left = dict(records)
    for person in people:
        keys = person.keys
        same = [
            student for student, record in left.items()
            if record.get("id") in person.ids or "".join(_words(student)) in keys
        ]  # fmt: skip
        known = [student for student in same if left[student].get("id") in person.ids]
        found = known or same
        yield person, left.pop(found[0]) if len(found) == 1 else None
    for record in left.values():
        yield None, record


# -- late ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Due:
    """When work was due, and what a delay costs.

    Attributes
    ----------
    due : datetime or None
    share : float
        What is taken off, of 1.
    daily : bool
        For each day that has begun, and not once.
    """

    due: datetime | None = None
    share: float = 0.0
    daily: bool = True

    @classmethod
    def of(cls, due: str | None, rule: str | None) -> Due:
        """Return it from what a teacher writes: "2026-11-27 18:00" and "10%/day" or "20%"."""
        found = _RULE.fullmatch(rule or "0%")
        if rule and not due:
            raise UsageError("--late needs --deadline")
        if found is None:
            raise UsageError(f'--late: {rule!r} is not a rule; write "10%/day" or "20%"')
        try:
            when = datetime.fromisoformat(due).astimezone() if due else None
        except (ValueError, OverflowError, OSError):
            raise UsageError(
                f'--deadline: {due!r} is not a time; write "2026-11-27 18:00"'
            ) from None
        return cls(when, float(found[1]) / 100, bool(found[2]))

    def days(self, written: float) -> int:
        """Return how many days late, begun ones included, something was written."""
        late = written - self.due.timestamp() if self.due and written else 0
        return max(0, math.ceil(late / 86_400))

    def kept(self, days: int) -> float:
        """Return the share of the points that is left after so many days.

        >>> [Due(share=0.1).kept(days) for days in (0, 1, 20)]
        [1.0, 0.9, 0.0]
        """
        return max(0.0, 1 - self.share * (days if self.daily else min(days, 1)))


# -- tables of grades ------------------------------------------------------------------------


def upload(kind: str, title: str, maximum: float, grades: Iterable[tuple[Person, float]]) -> str:
    """Return the table that Moodle or Canvas takes, with the columns of the list as it was read.

    Moodle's list says what its assignment counts, and the grades are a share of that.
    """
    rows = []
    for person, total in grades:
        if kind == "canvas":
            ours = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
            row = {head: person.row.get(head, "") for head in ours}
            rows.append({**row, title: f"{total:g}"})
        else:
            heads = {head.casefold(): head for head in person.row}
            most = person.row.get(heads.get("maximum grade", ""), "").replace(",", ".")
            top = float(most) if re.fullmatch(r"\d+(\.\d*)?", most) else maximum
            rows.append({**person.row, "Grade": f"{total / maximum * top:.4g}"})
    if kind == "canvas":
        rows.insert(0, dict.fromkeys(rows[0], "") | {"Student": "Points Possible",
                                                     title: f"{maximum:g}"})  # fmt: skip
    table = io.StringIO()
    writer = csv.DictWriter(table, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return table.getvalue()

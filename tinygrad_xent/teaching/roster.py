"""Who is in the class: lists of names, as people and learning platforms write them."""

from __future__ import annotations

import codecs
import csv
import io
import re
import tokenize
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinygrad_xent.errors import UsageError
from tinygrad_xent.visualization.naming import printable

_HEADS = {
    "name": ("name", "full name", "student", "student name"),
    "first": ("first name", "given name"),
    "last": ("last name", "surname", "family name"),
    "id": ("id", "identifier", "id number", "student id", "sis user id"),
    "email": ("email", "e-mail", "email address", "e-mail address", "sis login id"),
}
_NOBODY = ("points possible", "student, test")  # rows of Canvas


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
        words = _words(f"{self.name} {number or self.email}")
        return " ".join(words)[-60:].strip()  # a file's name can have 255 bytes

    @property
    def keys(self) -> set[str]:
        """What a submission of theirs may be called: Canvas puts the last name first."""
        called = [_words(name.casefold()) for name in (self.name, self.folder)]
        names = {"".join(words[i:] + words[:i]) for words in called for i in range(len(words))}
        login = {_key(self.email), _key(self.email.partition("@")[0])}
        return (names | login | set(self.ids)) - {""}


def read_roster(path: Path) -> list[Person]:
    """Return the class from a table in CSV: of Moodle, of Canvas, or with a column `name`.

    Raises
    ------
    UsageError
        If it cannot be read, or has no names.
    """
    try:
        text = decoded(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{printable(path)} cannot be read ({error.strerror})") from None
    text = re.sub(r"\Asep=.*\n", "", text)  # of Excel
    head = text.partition("\n")[0]
    between = max(",;\t", key=head.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=between)
    class_list: list[Person] = []
    with suppress(csv.Error):  # it is anything else
        class_list += filter(None, map(_person, rows))
    if not class_list:
        raise UsageError(
            f"{printable(path)} holds no names; its first line must name the columns: "
            "name, id, email"
        )
    return class_list


def decoded(content: bytes) -> str:
    """Return a file's text: in UTF-8, in UTF-16 where a mark says so, or in what its head names.

    What is none of these is taken for Windows' Western European, which holds all of Latin-1.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    try:
        return content.decode(tokenize.detect_encoding(io.BytesIO(content).readline)[0])
    except (SyntaxError, UnicodeDecodeError):
        return content.decode("cp1252", "replace")


def _person(read: Mapping[Any, Any]) -> Person | None:
    row = {str(k): v or "" for k, v in read.items() if k and isinstance(v, str | None)}
    held = {head.strip().casefold(): value.strip() for head, value in row.items()}

    def values(kind: str) -> list[str]:
        return [held[head] for head in _HEADS[kind] if held.get(head)]

    name = (values("name") or [" ".join(values("first") + values("last"))])[0]
    name = name or " ".join((values("id") or values("email"))[:1])
    if not name or name.casefold() in _NOBODY:
        return None
    ids = tuple(re.sub(r"\D*(\d+)", r"\1", each) for each in values("id"))
    return Person(name, next(iter(values("email")), ""), ids, row)


def _words(name: str) -> list[str]:
    """Return the words of a name: letters with their marks, digits, emoji.

    Some systems take letters and accents apart.

    >>> _words("José ../ 💥 हिन्दी_3")
    ['José', '💥', 'हिन्दी', '3']
    """
    kinds = [(c, unicodedata.category(c)) for c in unicodedata.normalize("NFC", name)]
    kept = (c if kind[0] in "LMN" or kind in ("So", "Sk") else " " for c, kind in kinds)
    return "".join(kept).split()


def _key(name: str) -> str:
    return "".join(_words(name.casefold()))


def matched(
    people: Sequence[Person], records: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[Person | None, Mapping[str, Any] | None]]:
    """Yield each person with their record, or None; then the records of nobody on the list."""
    left = dict(records)
    for person in people:
        keys = person.keys
        known = [student for student, record in left.items() if record.get("id") in person.ids]
        found = known or [student for student in left if _key(student) in keys]
        yield person, left.pop(found[0]) if len(found) == 1 else None
    for record in left.values():
        yield None, record

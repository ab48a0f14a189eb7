"""`tinygrad-xent grade`: a class's submissions, into a table and a page for each student."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentTypeError
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from tinygrad_xent.commands.by_hand import seed
from tinygrad_xent.commands.streams import check_output, complain, say
from tinygrad_xent.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tinygrad_xent.teaching.grading.gradebook import Gradebook
    from tinygrad_xent.teaching.grading.submissions import Submission

_RULE = re.compile(r"(?i)-?\s*(\d+([.,]\d+)?)\s*(%|per ?cent)\s*((/|per|a|each)\s*d(ay)?)?")
_MOST = 1_000_000  # of each: more than any system takes


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options to the command's parser."""
    parser.add_argument("folder", metavar="FOLDER", help="of the submissions")
    parser.add_argument("--out", metavar="FILE.csv", default="grades.csv", help="the table")
    parser.add_argument("--exercises", metavar="NAMES", help="separated by commas (default: all)")
    parser.add_argument("--jobs", type=int, metavar="N", help="submissions at the same time")
    for name, kind, unit, default in (("seconds", float, "S", 60.0), ("memory", int, "MB", 2048)):
        about = f"for running a file (default: {default:g})"
        parser.add_argument(f"--{name}", type=kind, metavar=unit, default=default, help=about)
    parser.add_argument(
        "--seed", type=seed, metavar="N", help="of the random inputs (default: a secret one)"
    )
    parser.add_argument(
        "--regrade", metavar="NAMES", help="exercises to grade again; the others stay as they are"
    )
    parser.add_argument("--roster", metavar="FILE.csv", help="the class: name, id, email")
    parser.add_argument(
        "--upload", choices=("moodle", "canvas"), help="also write the table that this one takes"
    )
    parser.add_argument("--title", default="Exercises", help="what the platform calls the work")
    parser.add_argument("--deadline", type=_deadline, metavar="TIME", help='"2026-11-27 18:00"')
    parser.add_argument(
        "--late", type=_late, metavar="RULE", help='what a delay costs: "10%%/day" or "20%%"'
    )
    parser.add_argument(
        "--partial", action="store_true", help="a share of the point for a share of the inputs"
    )
    parser.add_argument("--no-color", action="store_true", help="no progress bar")


def _deadline(text: str) -> datetime:
    """Return the time that an option names, for argparse; by itself, of this machine's clock."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        raise ArgumentTypeError(f'{text!r} is not a time; write "2026-11-27 18:00"') from None


def _late(text: str) -> tuple[float, bool]:
    """Return what a delay takes off, of 1, and whether each day does, for argparse."""
    found = _RULE.fullmatch(text.strip())
    if found is None:
        raise ArgumentTypeError(f'{text!r} is not a rule; write "10%/day" or "20%"')
    off = float(found[1].replace(",", ".")) / 100
    if off > 1:
        raise ArgumentTypeError(f"{text!r} takes off more than there is; write at most 100%")
    return off, bool(found[4])


def run(options: argparse.Namespace) -> int:
    """Grade, write the table and the pages, and print a summary."""
    from tinygrad_xent.teaching.grading.gradebook import Gradebook
    from tinygrad_xent.teaching.grading.reports import Marking, student_rows
    from tinygrad_xent.teaching.grading.sandbox import MEBI, Limits
    from tinygrad_xent.teaching.grading.submissions import submissions
    from tinygrad_xent.teaching.roster import read_roster
    from tinygrad_xent.visualization.naming import printable

    for name in ("jobs", "seconds", "memory"):
        value = getattr(options, name)
        if value is not None and not 0 < value <= _MOST:
            raise UsageError(f"--{name}: {value} is not a number above 0, up to {_MOST:,}")
    folder, out = Path(options.folder), Path(options.out)
    check_output(out, (".csv",))
    seconds = options.seconds
    limits = Limits(seconds, total_seconds=3 * seconds, memory=options.memory * MEBI)
    if options.upload and not options.roster:
        raise UsageError("--upload needs --roster, the list of the class from the platform")
    if options.late and not options.deadline:
        raise UsageError("--late needs --deadline")
    off, daily = options.late or (0.0, True)
    roster = [Path(options.roster)] if options.roster else []
    marking = Marking(
        partial=options.partial,
        due=options.deadline,
        off=off,
        daily=daily,
        people=[person for path in roster for person in read_roster(path)],
        upload=options.upload or "",
        title=options.title,
    )
    head = {"moodle": "Identifier", "canvas": "Student"}.get(marking.upload)
    if head and head not in marking.people[0].row:
        raise UsageError(
            f"--upload {marking.upload}: {printable(options.roster)} has no column {head!r}; "
            "give --roster the list that the platform exports, in English"
        )
    names = _names("--exercises", options.exercises)
    again = () if options.regrade is None else _names("--regrade", options.regrade)
    if others := set(again) - set(names):
        raise UsageError(f"--regrade: {min(others)} is not among --exercises; add it there")
    book = Gradebook(out, names, limits, marking)
    found = submissions(folder, (*book.outputs, *roster))
    todo = book.open(found, again)
    quiet = options.no_color or sys.stderr is None or not sys.stderr.isatty()
    try:
        _grade(book, todo, options, quiet=quiet)
    except (KeyboardInterrupt, SystemExit):
        missing = len(book.left())
        complain(f"stopped: {missing} of {len(found)} are left; the same command goes on with them")
        raise
    results = [result for record in book.shown() for result in record["results"]]
    passed = sum(result["score"] for result in results)
    lost = [(who, why) for who, record in sorted(book.records.items()) for why in record["unread"]]
    for who, why in lost:
        complain(f"not graded: {who}: {why}")
    for row in student_rows(book.shown(), marking):
        if marking.people and not row["person"]:
            complain(f"not on the list: {row['student']}")
    upload = f"To upload: {printable(book.outputs[4])}\n" if marking.upload else ""
    say(
        f"{len(todo)} of {len(found)} submissions graded now, {len(found) - len(todo)} before; "
        f"{passed} of {len(found) * len(names)} answers passed.\n"
        f"The table: {printable(out)}\nA page for each student: {printable(book.outputs[1])}\n"
        f"The class: {printable(book.outputs[3])}\n{upload}"
    )
    return 1 if lost else 0


def _names(option: str, text: str | None) -> Sequence[str]:
    from tinygrad_xent.teaching.exercises import CATALOGUE

    if text is None:
        return tuple(CATALOGUE)
    names = tuple(dict.fromkeys(text.replace(",", " ").split()))
    if not names:
        raise UsageError(f"{option} is empty; name exercises, or leave it out")
    for name in names:
        CATALOGUE[name]  # its error lists the names
    return names


def _grade(
    book: Gradebook, todo: Sequence[Submission], options: argparse.Namespace, *, quiet: bool
) -> None:
    import signal

    from tqdm import tqdm

    def stop(number: int, _: object) -> NoReturn:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)  # so that the table is written
    try:
        with tqdm(total=len(todo), unit="student", disable=quiet) as bar:
            book.grade(todo, seed=options.seed, jobs=options.jobs, step=bar.update)
    finally:
        signal.signal(signal.SIGTERM, before)

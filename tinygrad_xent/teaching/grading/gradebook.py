"""The grades of a folder: a table, a page for each student, and nothing lost when it is stopped.

Submissions are graded in parallel. Each student's record is written as soon as it is known, and
written whole; a second run keeps the records that still fit and grades the rest.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import multiprocessing
import os
import secrets
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from tinygrad_xent.errors import OutputError
from tinygrad_xent.teaching.exercises import Verdict
from tinygrad_xent.teaching.exercises.verdict import text_of
from tinygrad_xent.teaching.grading.cluster import graded_on_cluster
from tinygrad_xent.teaching.grading.limits import Limits
from tinygrad_xent.teaching.grading.session import close_all
from tinygrad_xent.teaching.grading.submissions import NO_FILE, Submission, failed, grade_submission
from tinygrad_xent.visualization.files import write_whole
from tinygrad_xent.visualization.naming import printable
from tinygrad_xent.visualization.pages import page

COLUMNS = ("student", "exercise", "score", "code", "message", "seconds", "file", "seed")
_LONGEST_NAME = 150  # bytes
_MOST_JOBS = 61 if sys.platform == "win32" else 1_000  # Windows waits for no more processes
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_MISSING = ("not-answered", NO_FILE)
_STYLE = """\
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 50rem; margin: 0 auto; padding: 1.5rem;
  overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.15rem; margin-top: 2rem; }
.tx-verdict { margin: 1rem 0; overflow-x: auto; }
"""


class Gradebook:
    """The grades of a folder.

    Parameters
    ----------
    out : Path
        The table to write, `grades.csv`. Beside it comes a folder `grades-feedback` with a page and
        a record for each student.
    names : sequence of str
        The exercises.
    limits : Limits, optional
    closed : sequence of str
        Files and folders that learners' code cannot read, besides those of the gradebook.
    """

    def __init__(
        self,
        out: Path,
        names: Sequence[str],
        limits: Limits | None = None,
        closed: Sequence[str] = (),
    ) -> None:
        self.out = out
        self.names = tuple(names)
        self.limits = limits or Limits()
        self.folder = out.with_name(f"{out.stem}-feedback")
        self.closed = (*closed, str(out), str(self.folder))
        self.records: dict[str, dict[str, Any]] = {}

    def open(self, found: Sequence[Submission]) -> list[Submission]:
        """Take the records that still fit; return the submissions that are to be graded.

        Raises
        ------
        OutputError
            If the table's place holds another file, or the folder cannot be made.
        """
        head = ",".join(COLUMNS).encode("utf-8-sig")
        try:
            table = self.out.read_bytes() if self.out.exists() else b""
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            name = printable(error.filename)
            raise OutputError(f"{name} cannot be used ({error.strerror})") from None
        if table and not table.startswith(head):  # such as a list of the class
            name = printable(self.out)
            raise OutputError(f"{name} exists and is not a table of grades; name another file")
        self.records = {}
        for submission in found:
            record = _read(self._path(submission.student, "json"))
            if record.get("fingerprint") == submission.fingerprint(self.names, self.limits):
                self.records[submission.student] = record
        return [submission for submission in found if submission.student not in self.records]

    def grade(
        self,
        todo: Sequence[Submission],
        *,
        seed: int | None = None,
        jobs: int | None = None,
        cluster: str | None = None,
        step: Callable[[], object] = lambda: None,
        tell: Callable[[str], object] = lambda _: None,
    ) -> None:
        """Grade submissions, write their records and pages, and then the table.

        Parameters
        ----------
        todo : sequence of Submission
        seed : int, optional
            The seed of the random inputs; a secret one by default, which the table shows later.
        jobs : int, optional
            How many at the same time; by default one for each processor that may be used.
        cluster : str, optional
            The address of a Dask scheduler whose workers are to grade.
        step : callable
            Called after each.
        tell : callable
            Called with a line that says what is waited for.
        """
        facts = {
            "names": self.names,
            "seed": secrets.randbits(48) if seed is None else seed,
            "closed": self.closed,
            "limits": self.limits,
        }
        try:
            if cluster:
                records = graded_on_cluster(cluster, todo, facts, tell)
            else:
                records = _graded(todo, facts, jobs or _processors())
            for record in records:
                self._keep(record)
                step()
        finally:
            self.write()

    def write(self) -> None:
        """Write the table of all that is graded."""
        table = io.StringIO()
        writer = csv.writer(table)
        writer.writerow(COLUMNS)
        for student in sorted(self.records):
            writer.writerows(_rows(self.records[student]))
        _write(self.out, table.getvalue().encode("utf-8-sig", "replace"))

    def _keep(self, record: dict[str, Any]) -> None:
        student = record["student"]
        self.records[student] = record
        _write(self._path(student, "html"), feedback(record).encode("utf-8", "replace"))
        _write(self._path(student, "json"), json.dumps(record, indent=1).encode())

    def _path(self, student: str, kind: str) -> Path:
        name = os.fsencode(student)
        if len(name) > _LONGEST_NAME:  # a file's name can have 255 bytes
            short = name[:_LONGEST_NAME].decode("utf-8", "ignore")
            student = f"{short}-{hashlib.sha256(name).hexdigest()[:16]}"
        return self.folder / f"{student}.{kind}"


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise OutputError(f"{printable(path)} cannot be written ({error.strerror})") from None


# -- grading in parallel ---------------------------------------------------------------------


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _graded(
    todo: Sequence[Submission], facts: Mapping[str, Any], jobs: int
) -> Iterator[dict[str, Any]]:
    """Yield the records as they come.

    When a worker process dies, what is left is graded one by one, to find the submission that ends
    even the grader's own process; it scores 0.
    """
    if jobs == 1 and len(todo) == 1:
        yield _record(partial(grade_submission, todo[0], **facts), todo[0], facts["names"])
        return
    left = {submission.student: submission for submission in todo}
    alone = False
    while left:
        batch = list(left.values())[: 1 if alone else None]
        with _pool(min(jobs, len(batch), _MOST_JOBS)) as pool:
            futures = {pool.submit(grade_submission, one, **facts): one for one in batch}
            try:
                for future in as_completed(futures):
                    record = _record(future.result, futures[future], facts["names"])
                    del left[record["student"]]
                    yield record
            except BrokenProcessPool:
                if alone:
                    message = "Grading it ended the process of the grader."
                    yield failed(left.pop(batch[0].student), facts["names"], message)
                alone = True
            except BaseException:  # an interrupt: do not wait for those that are being graded
                for worker in pool._processes.values():
                    worker.terminate()
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _record(
    grade: Callable[[], dict[str, Any]], submission: Submission, names: Sequence[str]
) -> dict[str, Any]:
    try:
        return grade()
    except BrokenProcessPool:
        raise
    except Exception as error:  # noqa: BLE001 - one submission must not stop the others
        message = f"It could not be graded ({type(error).__name__}: {printable(error)})."
        return failed(submission, names, message)


def _pool(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _prepare)


def _prepare() -> None:
    """Let a worker end with the grader, and leave Ctrl-C to the grader."""
    parent = multiprocessing.parent_process()

    def leave(*_: object) -> None:
        close_all()
        os._exit(1)

    def follow() -> None:
        if parent is not None:
            parent.join()
        leave()

    warnings.simplefilter("ignore")  # wrong answers overflow, which is not the teacher's concern
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, leave)
    threading.Thread(target=follow, daemon=True).start()


# -- the table and the pages -----------------------------------------------------------------


def _rows(record: Mapping[str, Any]) -> Iterator[list[Any]]:
    for result in record["results"]:
        row = {**record, **result, "exercise": result["name"], "message": _plain(result)}
        yield [_safe(row[column]) for column in COLUMNS]


def _plain(result: Mapping[str, Any]) -> str:
    message: str = result["message"]
    if result["code"] in _MISSING:  # names of files, which are not Markdown
        return message
    try:
        return text_of(message)
    except Exception:  # noqa: BLE001 - dollar signs in a learner's error message: not a formula
        return message


def _safe(cell: Any) -> Any:
    """Return text so that no spreadsheet runs it: what looks like a formula gets an apostrophe."""
    if not isinstance(cell, str):
        return cell
    text = printable(cell)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def feedback(record: Mapping[str, Any]) -> str:
    """Return the page that a student gets back, from a record of `grade_submission`."""
    return page(printable(record["student"]), "".join(_parts(record)), _STYLE)


def _parts(record: Mapping[str, Any]) -> Iterator[str]:
    results = record["results"]
    passed = sum(result["score"] for result in results)
    yield f"<p>{passed} of {len(results)} exercises passed.</p>\n"
    for title, wanted in (("To be worked on", 0), ("Passed", 1)):
        chosen = [r for r in results if r["score"] == wanted and r["code"] not in _MISSING]
        if chosen:
            yield f"<h2>{title}</h2>\n"
            yield from map(_verdict, chosen)
    if missing := [r["name"] for r in results if r["code"] in _MISSING]:
        names = ", ".join(f"<code>{escape(name)}</code>" for name in missing)
        yield f"<h2>Not answered</h2>\n<p>{names}</p>\n"
    if record["problems"]:
        items = "".join(f"<li>{escape(problem)}</li>\n" for problem in record["problems"])
        yield f"<h2>What happened to your work</h2>\n<ul>\n{items}</ul>\n"


def _verdict(result: Mapping[str, Any]) -> str:
    verdict = Verdict(
        passed=bool(result["score"]),
        exercise=result["name"],
        evidence=tuple(map(tuple, result["evidence"])),
        **{key: result[key] for key in ("message", "code", "case", "hint")},
    )
    try:
        return f"{verdict._repr_html_()}\n"
    except Exception:  # noqa: BLE001 - dollar signs in a learner's error message: not a formula
        return f"<p><code>{escape(result['name'])}</code>: {escape(result['message'])}</p>\n"

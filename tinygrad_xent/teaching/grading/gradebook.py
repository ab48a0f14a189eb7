"""The grades of a folder: a table, a page for each student, and nothing lost when it is stopped.

Submissions are graded in parallel. Each student's record is written as soon as it is known, and
written whole; a second run keeps the records that still fit and grades the rest.
"""

import hashlib
import json
import os
import secrets
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from tinygrad_xent.errors import OutputError
from tinygrad_xent.teaching.grading import reports
from tinygrad_xent.teaching.grading.reports import Marking
from tinygrad_xent.teaching.grading.sandbox import Limits
from tinygrad_xent.teaching.grading.session import STOPPED, close_all, remove_leftovers
from tinygrad_xent.teaching.grading.submissions import Submission, failed, grade_submission
from tinygrad_xent.visualization.files import write_whole
from tinygrad_xent.visualization.naming import printable

_LONGEST_NAME = 150  # bytes
_may_use = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))  # processors
_OTHERS = ("feedback", "students.csv", "summary.html", "upload.csv", "feedback.zip")


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
    marking : Marking, optional
        How the results make a mark, and of whom.
    """

    def __init__(
        self,
        out: Path,
        names: Sequence[str],
        limits: Limits | None = None,
        marking: Marking | None = None,
    ) -> None:
        self.names = tuple(names)
        self.limits = limits or Limits()
        self.marking = marking or Marking()
        self.outputs = [out, *(out.with_name(f"{out.stem}-{kind}") for kind in _OTHERS)]
        self.records: dict[str, dict[str, Any]] = {}
        self._written: dict[Submission, float] = {}

    def open(self, found: Sequence[Submission], regrade: Collection[str] = ()) -> list[Submission]:
        """Take the records that still fit; return the submissions of which some is to be graded.

        Parameters
        ----------
        found : sequence of Submission
        regrade : collection of str
            Exercises that are graded again, whatever the records say.

        Raises
        ------
        OutputError
            If the table's place holds another file, or the folder cannot be made.
        """
        out, folder = self.outputs[:2]
        try:
            table = out.read_bytes() if out.exists() else b""
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            name = printable(error.filename)
            raise OutputError(f"{name} cannot be used ({error.strerror})") from None
        if table and not table.startswith(",".join(reports.COLUMNS).encode("utf-8-sig")):
            why = f"{printable(out)} exists and is not a table of grades; name another file"
            raise OutputError(why)
        self.records, self._written = {}, {}
        for submission in found:
            handed = submission.read()
            self._written[submission] = handed.written
            record = _read(self._path(submission.student, "json"))
            if record.get("fingerprint") == handed.fingerprint(self.limits):
                for name in regrade:
                    record["results"].pop(name, None)
                self.records[submission.student] = record
        return self.left()

    def left(self) -> list[Submission]:
        """Return the submissions of which some is still to be graded."""
        return [submission for submission in self._written if self._asked(submission)]

    def _asked(self, submission: Submission) -> list[str]:
        done = self.records.get(submission.student, {}).get("results", {})
        return [name for name in self.names if name not in done]

    def shown(self) -> list[dict[str, Any]]:
        """Return the records that are complete, with the results for these exercises alone."""
        shown = []
        for submission, written in self._written.items():
            if not self._asked(submission):
                record = self.records[submission.student]
                results = [record["results"][name] for name in self.names]
                facts = {"id": submission.id, "written": written, "results": results}
                shown.append({**record, **facts})
        return shown

    def grade(
        self,
        todo: Sequence[Submission],
        *,
        seed: int | None = None,
        jobs: int | None = None,
        step: Callable[[], object] = lambda: None,
    ) -> None:
        """Grade submissions, write their records, and then the pages and the tables.

        Parameters
        ----------
        todo : sequence of Submission
        seed : int, optional
            The seed of the random inputs; a secret one by default, which the table shows later.
        jobs : int, optional
            How many at the same time; by default one for each processor that may be used.
        step : callable
            Called after each.
        """
        facts = {"seed": secrets.randbits(48) if seed is None else seed, "limits": self.limits}
        remove_leftovers()
        try:
            tasks = [(submission, self._asked(submission)) for submission in todo]
            for record in _graded(tasks, facts, jobs or len(_may_use(0))):
                self._keep(record)
                step()
        finally:
            self.write()

    def write(self) -> None:
        """Write the tables, the summary, and the pages of all that is graded."""
        records, marking = self.shown(), self.marking
        rows = reports.student_rows(records, marking)
        table, _, students, overview, uploaded, pages = self.outputs
        contents: dict[Path, str | bytes] = {
            # A page tells the marks, which another deadline changes.
            self._path(record["student"], "html"): reports.feedback(record, marking)
            for record in records
        }
        contents[table] = reports.answers_table(records, marking)
        contents[students] = reports.students_table(rows)
        contents[overview] = reports.summary(records, rows, marking)
        if marking.upload:
            contents[uploaded] = reports.upload_table(rows, marking, len(self.names))
        if marking.upload == "moodle":
            contents[pages] = reports.feedback_files(rows, marking)
        for path, content in contents.items():
            _write(path, content)

    def _keep(self, record: dict[str, Any]) -> None:
        student = record["student"]
        before = self.records.get(student, {}).get("results", {})
        results = {result["name"]: result for result in record["results"]}
        self.records[student] = {**record, "results": before | results}
        _write(self._path(student, "json"), json.dumps(self.records[student], indent=1))

    def _path(self, student: str, kind: str) -> Path:
        name = os.fsencode(student)
        if len(name) > _LONGEST_NAME:  # a file's name can have 255 bytes
            short = name[:_LONGEST_NAME].decode("utf-8", "ignore")
            student = f"{short}-{hashlib.sha256(name).hexdigest()[:16]}"
        return self.outputs[1] / f"{student}.{kind}"


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    is_ours = isinstance(record, dict) and isinstance(record.get("results"), dict)
    return record if is_ours else {}  # or of an earlier version


def _write(path: Path, content: str | bytes) -> None:
    encoding = "utf-8-sig" if path.suffix == ".csv" else "utf-8"  # for spreadsheets
    try:
        coded = content if isinstance(content, bytes) else content.encode(encoding, "replace")
        write_whole(path, coded)
    except OSError as error:
        raise OutputError(f"{printable(path)} cannot be written ({error.strerror})") from None


# -- grading in parallel ---------------------------------------------------------------------


def _graded(
    tasks: Sequence[tuple[Submission, Sequence[str]]], facts: Mapping[str, Any], jobs: int
) -> Iterator[dict[str, Any]]:
    """Yield the records as they come; the work is done by the processes of the submissions."""
    STOPPED.clear()
    with ThreadPoolExecutor(jobs) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # wrong answers overflow: not the teacher's concern
        try:
            futures = {pool.submit(grade_submission, *task, **facts): task for task in tasks}
            for future in as_completed(futures):
                error = future.exception()  # one submission must not stop the others
                told = f"It could not be graded ({type(error).__name__}: {printable(error)})."
                yield failed(*futures[future], told) if error else future.result()
        except BaseException:  # an interrupt: do not wait for those that are being graded
            pool.shutdown(wait=False, cancel_futures=True)
            close_all()
            raise

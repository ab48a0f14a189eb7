"""Grading a folder: in parallel, and so that nothing is lost when the grader is stopped.

Each student's record is written as soon as it is there, and written whole. A second run takes what
is there and fits, and grades the rest.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from tinygrad_xent.errors import OutputError
from tinygrad_xent.teaching.exercises.markdown import text_of
from tinygrad_xent.teaching.grading.cluster import graded_on_cluster
from tinygrad_xent.teaching.grading.feedback import feedback
from tinygrad_xent.teaching.grading.limits import Limits
from tinygrad_xent.teaching.grading.submissions import Submission, failed, grade_submission
from tinygrad_xent.visualization.files import write_whole
from tinygrad_xent.visualization.naming import printable

COLUMNS = ("student", "exercise", "score", "code", "message", "seconds", "file", "seed")
_LONGEST_NAME = 150  # bytes
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


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
        """Take the records that are there and fit; give the submissions that are to be graded."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{printable(self.folder)} cannot be made ({error.strerror})"
            ) from None
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
            Of the random inputs; a secret one by default, which the table tells afterwards.
        jobs : int, optional
            How many at the same time; as many as there are processors by default.
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
            records = (
                graded_on_cluster(cluster, todo, facts, tell)
                if cluster
                else _graded(todo, facts, jobs or os.cpu_count() or 1)
            )
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
        try:
            write_whole(self.out, table.getvalue().encode("utf-8-sig", "replace"))
        except OSError as error:
            raise OutputError(
                f"{printable(self.out)} cannot be written ({error.strerror})"
            ) from None

    def _keep(self, record: dict[str, Any]) -> None:
        student = record["student"]
        self.records[student] = record
        page = feedback(record).encode("utf-8", "replace")
        try:
            write_whole(self._path(student, "html"), page)
            write_whole(self._path(student, "json"), json.dumps(record, indent=1).encode())
        except OSError as error:
            name = printable(self._path(student, "json"))
            raise OutputError(f"{name} cannot be written ({error.strerror})") from None

    def _path(self, student: str, kind: str) -> Path:
        name = os.fsencode(student)
        if len(name) > _LONGEST_NAME:  # a file's name can have 255 bytes
            short = name[:_LONGEST_NAME].decode("utf-8", "ignore")
            student = f"{short}-{hashlib.sha256(name).hexdigest()[:16]}"
        return self.folder / f"{student}.{kind}"


def _graded(
    todo: Sequence[Submission], facts: Mapping[str, Any], jobs: int
) -> Iterator[dict[str, Any]]:
    """Give the records as they come.

    A submission that ends even the grader's own process is found by grading what is left one by
    one; it scores 0.
    """
    if jobs == 1 and len(todo) == 1:
        yield grade_submission(todo[0], **facts)
        return
    left = {submission.student: submission for submission in todo}
    alone = False
    while left:
        batch = list(left.values())[: 1 if alone else None]
        with _pool(min(jobs, len(batch))) as pool:
            futures: dict[Future[dict[str, Any]], Submission] = {
                pool.submit(grade_submission, submission, **facts): submission
                for submission in batch
            }
            try:
                for future in as_completed(futures):
                    record = _record(future, futures[future], facts["names"])
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
    future: Future[dict[str, Any]], submission: Submission, names: Sequence[str]
) -> dict[str, Any]:
    try:
        return future.result()
    except BrokenProcessPool:
        raise
    except Exception as error:  # noqa: BLE001 - one submission must not stop the others
        return failed(
            submission, names, f"It could not be graded ({type(error).__name__}: {error})."
        )


def _pool(jobs: int) -> ProcessPoolExecutor:
    import multiprocessing

    return ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _prepare)


def _prepare() -> None:
    """Let a worker die with the grader, and leave the interrupt key to it."""
    import multiprocessing
    import signal
    import threading
    import warnings

    from tinygrad_xent.teaching.grading.session import close_all

    parent = multiprocessing.parent_process()

    def leave(*_: object) -> None:
        close_all()
        os._exit(1)

    def follow() -> None:
        if parent is not None:
            parent.join()
        leave()

    warnings.simplefilter("ignore")  # wrong answers overflow, which is no news to the teacher
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, leave)
    threading.Thread(target=follow, daemon=True).start()


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _rows(record: Mapping[str, Any]) -> Iterator[list[Any]]:
    for result in record["results"]:
        row = {
            **result,
            "student": record["student"],
            "exercise": result["name"],
            "message": _plain(result["message"]),
            "seed": record["seed"],
        }
        yield [_safe(row[column]) for column in COLUMNS]


def _plain(message: str) -> str:
    try:
        return text_of(message)
    except Exception:  # noqa: BLE001 - a learner's error message with dollar signs is no formula
        return message


def _safe(cell: Any) -> Any:
    """Keep a spreadsheet from running a cell: text that looks like a formula gets an apostrophe."""
    if not isinstance(cell, str):
        return cell
    text = printable(cell)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text

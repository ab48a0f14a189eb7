"""Grading on a Dask cluster of two worker processes. It needs the extra `dask`."""

from __future__ import annotations

import csv
import time

import pytest
from hostile import RIGHT

from tinygrad_xent import cli
from tinygrad_xent.grading.cluster import grade_copies

PEEK = """
import glob, os
def square_backward(grad, y, x):
    for path in glob.glob("/tmp/tinygrad-xent-submissions/*/*/*.py") or [{0!r}]:
        exec(open(path).read(), globals())
    return answer(grad, y, x)
"""
SLOW = "import time\ntime.sleep(3)\n"


def grade(folder, address, capsys):
    out = folder.with_name("grades.csv")
    argv = ["grade", str(folder), "--out", str(out), "--exercises", "square_backward"]
    status = cli.main([*argv, "--cluster", address])
    shown = capsys.readouterr()
    if status:
        return shown.err
    with out.open(encoding="utf-8-sig", newline="") as file:
        return {row["student"]: (row["score"], row["code"]) for row in csv.DictReader(file)}


def test_copies_are_graded_as_the_files_would_be(tmp_path):
    files = [("a.py", b"def square_backward(grad, y, x): return x"), ("a.py", RIGHT.encode())]
    record = grade_copies("ann", files, names=("square_backward",), seed=0)
    assert [result["score"] for result in record["results"]] == [1]
    record = grade_copies("bo", [("a.py", b"\xff")], names=("square_backward",), seed=0)
    assert record["problems"] == ["a.py is not text in UTF-8"]


def test_a_class_on_a_cluster_that_loses_a_worker(tmp_path, capsys):
    distributed = pytest.importorskip("distributed", reason="needs the extra `dask`")
    folder = tmp_path / "all"
    (folder / "two files").mkdir(parents=True)
    for i in range(4):
        (folder / f"slow {i}.py").write_text(SLOW + RIGHT)
    (folder / "peek.py").write_text(PEEK.format(str(folder / "slow 0.py")))
    (folder / "dead.py").write_text("import os; os._exit(1)")
    (folder / "two files" / "a.py").write_text("x = 1")
    (folder / "two files" / "b, c.py").write_text(RIGHT)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:

        def lose_one():
            time.sleep(2)
            with distributed.Client(cluster) as client:
                first = min(client.scheduler_info()["workers"])
                client.run(_leave, workers=[first], on_error="ignore")

        import threading

        threading.Thread(target=lose_one).start()
        assert grade(folder, cluster.scheduler_address, capsys) == {
            **{f"slow {i}": ("1", "passed") for i in range(4)},
            "peek": ("0", "raised"),
            "dead": ("0", "crashed"),
            "two files": ("1", "passed"),
        }


def _leave():
    import os

    os._exit(1)


def test_no_scheduler(tmp_path, capsys):
    pytest.importorskip("distributed", reason="needs the extra `dask`")
    folder = tmp_path / "all"
    folder.mkdir()
    (folder / "a.py").write_text(RIGHT)
    assert "error: --cluster: no scheduler at nowhere://x" in grade(folder, "nowhere://x", capsys)

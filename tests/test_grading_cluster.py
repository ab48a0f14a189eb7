"""Grading on a Dask cluster of two worker processes. It needs the extra `dask`."""

from __future__ import annotations

import asyncio
import csv
import socket
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hostile import RIGHT

import tinygrad_xent as tx
from tinygrad_xent.commands import cli
from tinygrad_xent.teaching.grading import cluster as on_cluster
from tinygrad_xent.teaching.grading.submissions import grade_files, submissions

PEEK = """
import glob, os
def square_backward(grad, y, x):
    for path in glob.glob({1!r}, recursive=True) or [{0!r}]:
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
    wrong = b"def square_backward(grad, y, x): return x"
    files = {"ann/a.py": wrong, "ann/b/a.py": RIGHT.encode()}  # the latest last
    record = grade_files("ann", files, (), names=("square_backward",), seed=0)
    assert [result["score"] for result in record["results"]] == [1]
    record = grade_files("bo", {"bo/a.ipynb": b"{}"}, (), names=("square_backward",), seed=0)
    assert record["problems"] == ["a.ipynb is not a Jupyter notebook"]


@pytest.fixture
def distributed():
    return pytest.importorskip("distributed", reason='needs a Dask cluster: pip install ".[dask]"')


def test_a_class_on_a_cluster_that_loses_a_worker(distributed, tmp_path, capsys):
    folder = tmp_path / "all"
    (folder / "two files").mkdir(parents=True)
    for i in range(4):
        (folder / f"slow {i}.py").write_text(SLOW + RIGHT)
    (folder / "peek.py").write_text(
        PEEK.format(str(folder / "slow 0.py"), f"{tempfile.gettempdir()}/**/*.py")
    )
    (folder / "dead.py").write_text("import os; os._exit(1)")
    (folder / "two files" / "a.py").write_text("x = 1")
    (folder / "two files" / "b, c.py").write_text(RIGHT)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        loser = threading.Thread(target=_lose_one, args=(distributed, cluster))
        loser.start()
        grades = grade(folder, cluster.scheduler_address, capsys)
        loser.join()
    assert grades == {
        **{f"slow {i}": ("1", "passed") for i in range(4)},
        "peek": ("0", "raised"),
        "dead": ("0", "crashed"),
        "two files": ("1", "passed"),
    }


def _lose_one(distributed, cluster):
    """End the process of a worker that has something to do."""
    with distributed.Client(cluster, set_as_default=False) as client:
        for _ in range(600):  # half a minute
            busy = [worker for worker, tasks in client.processing().items() if tasks]
            if busy:
                client.run(_leave, workers=busy[:1], on_error="ignore")
                return
            time.sleep(0.05)


def _leave():
    import os

    os._exit(1)


def test_no_scheduler(distributed, tmp_path, capsys):
    folder = tmp_path / "all"
    folder.mkdir()
    (folder / "a.py").write_text(RIGHT)
    assert "error: --cluster: no scheduler at nowhere://x" in grade(folder, "nowhere://x", capsys)


def test_where_an_event_loop_runs_already_as_in_a_notebook(distributed):
    async def cell():
        with pytest.raises(tx.errors.UsageError, match="no scheduler at nowhere://x"):
            list(on_cluster.graded_on_cluster("nowhere://x", [], {}, print))

    with ThreadPoolExecutor(1) as other:  # other tests may have left a loop in this thread
        other.submit(asyncio.run, cell()).result()


def test_what_listens_but_is_no_scheduler(distributed, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(on_cluster, "_PATIENCE", 0.2)
    folder = tmp_path / "all"
    folder.mkdir()
    (folder / "a.py").write_text(RIGHT)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        assert f"no scheduler at {address} (no answer)" in grade(folder, address, capsys)


def test_a_cluster_whose_workers_come_later(distributed, tmp_path):
    (tmp_path / "a.py").write_text(RIGHT)
    todo = submissions(tmp_path)
    told = []
    with distributed.LocalCluster(n_workers=0, dashboard_address=None) as cluster:

        def tell(line):
            told.append(line)
            cluster.scale(1)

        facts = {"seed": 0}
        address = cluster.scheduler_address
        tasks = [(one, ("square_backward",)) for one in todo]
        (record,) = on_cluster.graded_on_cluster(address, tasks, facts, tell)
    assert record["results"][0]["score"] == 1
    assert told == [f"--cluster: {address} has no workers yet; waiting for one"]


@pytest.mark.parametrize(
    ("version", "has"),
    [("0.0.1", "has 0.0.1;"), (ModuleNotFoundError("No module named"), "has none (No module")],
)
def test_workers_that_would_judge_otherwise_are_refused(version, has):
    here = tx.__version__
    with pytest.raises(
        tx.errors.UsageError, match="the worker tcp://b needs tinygrad_xent"
    ) as caught:
        on_cluster._check_workers({"tcp://a": here, "tcp://b": version})
    assert has in str(caught.value)
    on_cluster._check_workers({"tcp://a": here, "tcp://b": OSError("it has just left")})

"""Honest work keeps its marks, whatever its form, and what is lost is told with its cause."""

from __future__ import annotations

import json
import os
import zipfile

import pytest
from folders import write
from hostile import RIGHT

from tinygrad_xent.teaching.grading import submissions as handed_in
from tinygrad_xent.teaching.grading.judging import judge_cells
from tinygrad_xent.teaching.grading.reports import Marking, feedback
from tinygrad_xent.teaching.grading.sandbox import Limits
from tinygrad_xent.teaching.grading.submissions import cells_in, grade_submission, submissions

NAME = "square_backward"
DEF = f"def {NAME}(grad, y, x):\n    return 2 * x * grad\n"


def notebook(*cells, **more):
    made = [{"cell_type": "code", "source": cell, "outputs": [], **more} for cell in cells]
    return json.dumps({"cells": made, "nbformat": 4}).encode()


OLD = json.dumps(
    {"worksheets": [{"cells": [{"cell_type": "code", "input": [DEF]}]}], "nbformat": 3}
).encode()
FORMS = {
    "a helper beside it": {
        "a.py": f"from helper import twice\ndef {NAME}(g, y, x): return twice(x) * g".encode(),
        "helper.py": b"def twice(x): return 2 * x",
    },
    "a helper by a dot": {
        "a.ipynb": notebook(f"from .util import twice\ndef {NAME}(g, y, x): return twice(x) * g"),
        "util.py": b"def twice(x): return 2 * x",
    },
    "a script of nbconvert": {
        "a.py": f"# In[1]:\n\nget_ipython().system('pip install x')\n\n# In[2]:\n\n{DEF}".encode()
    },
    "a script without cells": {"a.py": f"import pandas_of_ours\n1 / 0\n{DEF}".encode()},
    "the verdict is used": {
        "a.py": (
            f"import tinygrad_xent as tx\n{DEF}v = tx.check('{NAME}', {NAME})\n"
            "assert v and v.passed and v.code == 'passed'\n"
            "print(v.message[:9], len(v.message), f'{v.message:>9}', str(v), v.hint + '')\n"
            f"assert bool(v) is True\nfirst = v.message\n"
        ).encode()
    },
    "a statement that fails before": {"a.ipynb": notebook(f"x = undefined_name\n{DEF}")},
    "the engine in the same cell": {
        "a.ipynb": notebook(
            "import tinygrad_xent as tx\nx = tx.Tensor(2.0)\n(x * x).backward()\n"
            f"assert x.grad == 4\n{DEF}"
        )
    },
    "await": {"a.ipynb": notebook(f"import asyncio\nawait asyncio.sleep(0)\n{DEF}")},
    "tasks across cells": {
        "a.ipynb": notebook(
            "import asyncio\nasync def f(): return 2\ntask = asyncio.ensure_future(f())\n"
            "await asyncio.sleep(0)",
            f"two = await task\n{DEF.replace('2 ', 'two ')}",
        )
    },
    "asyncio.run": {
        "a.py": f"import asyncio\nasync def f(): return 2\ntwo = asyncio.run(f())\n"
        f"{DEF.replace('2 ', 'two ')}".encode()
    },
    "asyncio.run of what awaits": {
        "a.py": f"import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    return 2\n"
        f"two = asyncio.run(f())\n{DEF.replace('2 ', 'two ')}".encode()
    },
    "unittest.mock": {
        "a.py": f"from unittest.mock import MagicMock, patch, create_autospec\n{DEF}"
        f"spec = create_autospec({NAME})\nwith patch('builtins.print') as p: print(1)\n"
        "p.assert_called_once_with(1)\nMagicMock().anything()\n".encode()
    },
    "dataclasses": {
        "a.py": "from dataclasses import dataclass\nfrom collections import namedtuple\n"
        f"@dataclass\nclass A:\n    x: int = 2\nB = namedtuple('B', 'x')\n"
        f"{DEF.replace('2 ', 'A().x ')}".encode()
    },
    ".PY": {"A.PY": DEF.encode()},
    ".IPYNB": {"A.IPYNB": notebook(DEF)},
    "latin-1": {"a.py": f"# Größe\n{DEF}".encode("latin-1")},
    "latin-1 with a declaration": {"a.py": f"# coding: latin-1\nü = 'ü'\n{DEF}".encode("latin-1")},
    "UTF-16": {"a.py": f"# Größe\n{DEF}".encode("utf-16")},
    "Windows": {"a.py": f"\ufeff{DEF}".replace("\n", "\r\n").encode()},
    "nbformat 3": {"a.ipynb": OLD},
    "a lambda": {"a.py": f"{NAME} = lambda grad, y, x: 2 * x * grad".encode()},
    "a closure": {
        "a.py": f"def make(n):\n    def rule(grad, y, x): return n * x * grad\n    return rule\n"
        f"{NAME} = make(2)".encode()
    },
    "only given to check": {
        "a.py": b"import tinygrad_xent as tx\ndef mine(g, y, x): return 2 * x * g\n"
        b"tx.check('square_backward', mine)"
    },
    "ops of the package": {
        "a.py": f"import tinygrad_xent as tx\ndef {NAME}(g, y, x):\n"
        "    return tx.multiply(tx.multiply(2, x), tx.Tensor(g)).data".encode()
    },
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_it_keeps_its_mark(tmp_path, form):
    write(tmp_path / "ann", FORMS[form])
    (ann,) = submissions(tmp_path)
    record = grade_submission(ann, (NAME,), seed=0)
    assert record["results"][0]["code"] == "passed"
    fails = ("nbconvert", "cells", "fails")  # these have a statement that fails for everybody
    assert record["problems"] == [] or any(word in form for word in fails)


def test_outputs_of_a_notebook_do_not_count(tmp_path):
    picture = {"outputs": [{"data": {"image/png": "A" * (21 * 2**20)}}]}
    write(tmp_path / "ann", {"a.ipynb": notebook(DEF, **picture)})
    (ann,) = submissions(tmp_path)
    handed = ann.read()
    assert (len(handed.contents["ann/a.ipynb"]) < 1000, handed.problems) == (True, [])
    assert cells_in("a.ipynb", handed.contents["ann/a.ipynb"]) == [DEF]


def test_what_is_lost_is_told_with_its_cause():
    cells = [
        "import numpy as np",
        "def square_backward(grad, y, x):\n    y = 2\n    return (",
        "@np.nothing\ndef chain_rule(x): return x",
        "import sys\nsys.exit()\ndef logsumexp(x): return x",
        "def log_bakward(grad, y, x): return grad / x",
    ]
    names = ("square_backward", "chain_rule", "logsumexp", "log_backward", "sgd_step")
    report = judge_cells(cells, names, seed=0)
    assert {r.name: (r.code, r.message) for r in report.exercises} == {
        "square_backward": (
            "does-not-parse",
            (
                "The answer is lost: `cell 2 does not parse: line 3: SyntaxError: "
                "'(' was never closed in 'return ('`."
            ),
        ),
        "chain_rule": (
            "cell-failed",
            (
                "The answer is lost: `cell 3, line 1: AttributeError: module 'numpy' has no "
                "attribute 'nothing' in '@np.nothing'`."
            ),
        ),
        "logsumexp": (
            "cell-failed",
            "The answer is lost: `cell 4, line 2: SystemExit in 'sys.exit()'`.",
        ),
        "log_backward": (
            "misnamed",
            (
                "There is no answer to this exercise. Did you mean `log_bakward`? "
                "Then call it `log_backward`."
            ),
        ),
        "sgd_step": ("not-answered", "There is no answer to this exercise."),
    }


# -- zip files -------------------------------------------------------------------------------


def pack(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)


def test_a_zip_file_is_a_folder(tmp_path):
    inside = FORMS["a helper beside it"]
    pack(tmp_path / "ann.zip", {f"week 1/{name}": content for name, content in inside.items()})
    (tmp_path / "bo").mkdir()
    pack(tmp_path / "bo" / "hw.ZIP", {"__MACOSX/._a.py": b"\0", "a.py": DEF})
    for submission in submissions(tmp_path):
        record = grade_submission(submission, (NAME,), seed=0)
        assert (record["problems"], record["results"][0]["code"]) == ([], "passed")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["ann.zip", "bo", "hw.ZIP"]


def link_info():
    info = zipfile.ZipInfo("link.py")
    info.external_attr = 0o120777 << 16
    return info


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"../a.py": DEF, "..\\..\\b.py": DEF, "/etc/c.py": DEF}, "holds no .py or .ipynb file"),
        ({link_info(): "/etc/passwd"}, "holds no .py or .ipynb file"),
        ({"a.txt": DEF}, "holds no .py or .ipynb file"),
        ({f"{i}.py": "" for i in range(1001)}, "is left out: it holds more than 1,000 files"),
        ({f"{i}.py": b"0" * 2**20 for i in range(120)}, "is left out: all files have more than"),
    ],
    ids=["leads out", "link", "no code", "many", "bomb"],
)
def test_a_zip_file_that_is_none(tmp_path, files, words):
    pack(tmp_path / "ann.zip", files)
    (ann,) = submissions(tmp_path)
    handed = ann.read()
    (problem,) = handed.problems
    assert handed.contents == {}
    assert problem.startswith(f"ann.zip {words}")


def test_a_zip_file_that_cannot_be_unpacked(tmp_path):
    pack(tmp_path / "ann.zip", {"a.py": DEF * 100})
    good = (tmp_path / "ann.zip").read_bytes()
    locked = bytearray(good)
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        locked[good.index(mark) + (6 if mark[2] == 3 else 8)] |= 1
    for content, words in (
        (good[:-30], "is damaged"),
        (good[:45] + b"\xff" * 10 + good[55:], "is damaged"),
        (b"", "is damaged"),
        (bytes(locked), "has a password; unpack it first"),
    ):
        (tmp_path / "ann.zip").write_bytes(content)
        (ann,) = submissions(tmp_path)
        assert ann.read() == handed_in.HandedIn({}, [f"ann.zip {words}"])


# -- versions --------------------------------------------------------------------------------

WRONG = f"def {NAME}(grad, y, x): return x\n".encode()


@pytest.mark.parametrize("names", [("hw.py", "hw-1.py"), ("hw (9).py", "hw (10).py"),
                                   ("a_v1.py", "a_v2.py"), ("old.py", "new.py")])  # fmt: skip
def test_the_latest_version_counts(tmp_path, names):
    for first, second in ((WRONG, RIGHT.encode()), (RIGHT.encode(), WRONG)):
        write(tmp_path / "ann", dict(zip(names, (first, second), strict=True)))
        for written, name in enumerate(reversed(names) if "old.py" not in names else names):
            os.utime(tmp_path / "ann" / name, (10**9 + written, 10**9 + written))
        (ann,) = submissions(tmp_path)
        record = grade_submission(ann, (NAME,), seed=0)
        (result,) = record["results"]
        assert (result["file"], result["score"]) == (names[1], int(second != WRONG))
        assert record["problems"] == [f"{names[0]} does not count: a later version has all answers"]


def test_a_later_version_that_lacks_an_answer_leaves_the_earlier_one(tmp_path):
    blank = f"def {NAME}(grad, y, x): raise NotImplementedError\ndef chain_rule(x): return 0 * x"
    write(tmp_path / "ann", {"a-1.py": RIGHT.encode(), "a-2.py": blank.encode()})
    (ann,) = submissions(tmp_path)
    results = grade_submission(ann, (NAME, "chain_rule"), seed=0)["results"]
    assert [(r["file"], r["score"]) for r in results] == [("a-1.py", 1), ("a-2.py", 0)]


def test_the_time_is_the_students_and_not_the_files(tmp_path):
    files = {f"{i}.py": b"import time\ntime.sleep(1)\n" for i in range(20)}
    write(tmp_path / "ann", files)
    (ann,) = submissions(tmp_path)
    limits = Limits(total_seconds=2.5)
    record = grade_submission(ann, (NAME,), seed=0, limits=limits)
    assert record["results"][0]["code"] == "no-time-left"


def test_the_folder_is_where_files_are_looked_for():
    assert handed_in._VERSION.search("week 5") is None  # a number that is no version


# -- what does not end -----------------------------------------------------------------------

SHORT = {"run_seconds": 1.5, "call_seconds": 1.0, "total_seconds": 30.0}
ENDLESS = {
    "loop": ("while True:\n    pass", "took more than 1.5 s in `while True:`"),
    "wait": ("import time; time.sleep(1000)", "took more than 1.5 s in `import time; time."),
    "exit": ("import os\nos._exit(3)", "ended the process (exit status 3) in `os._exit(3)`"),
    "training": (
        "def train():\n    while True: pass\ntrain()",
        "took more than 1.5 s in `train()`",
    ),
    "signal": ("import signal, os\nsignal.raise_signal(9)", "ended the process (SIGKILL) in"),
    "full disk": (
        "for i in range(10**9): open(str(i), 'wb').write(bytes(2**23))",
        "filled more than 256 MB with files in",
    ),
}


@pytest.mark.parametrize("kind", ENDLESS)
@pytest.mark.parametrize("in_one_cell", [True, False])
def test_a_statement_that_does_not_end_costs_only_itself(kind, in_one_cell):
    source, words = ENDLESS[kind]
    parts = [
        DEF,
        source,
        "def chain_rule(x):\n    import numpy as np\n    return -2*x*np.exp(-x*x)",
    ]
    cells = ["\n".join(parts)] if in_one_cell else parts
    names = (NAME, "chain_rule", "sgd_step")
    report = judge_cells(cells, names, seed=0, limits=Limits(**SHORT))
    assert [r.code for r in report.exercises] == ["passed", "passed", "not-answered"]
    (error,) = report.errors
    assert error.startswith("cell 1, line " if in_one_cell else "cell 2, line ")
    assert words in error
    assert error.endswith(" and was left out")


def test_an_answer_in_a_statement_that_does_not_end_is_told():
    cells = [DEF, "import time\nchain_rule = time.sleep(100)"]
    _, lost = judge_cells(cells, (NAME, "chain_rule"), seed=0, limits=Limits(**SHORT)).exercises
    why = "cell 2, line 2 took more than 1.5 s in 'chain_rule = time.sleep(100)' and was left out"
    assert (lost.code, lost.message) == ("did-not-end", f"The answer is lost: `{why}`.")


def test_at_the_second_that_does_not_end_the_file_ends():
    rest = "def sgd_step(): pass\nimport os\nos._exit(5)"
    cells = [DEF, "import os\nos._exit(3)", "def chain_rule(x): return x\nos._exit(4)", rest]
    names = (NAME, "chain_rule", "sgd_step", "logsumexp")
    report = judge_cells(cells, names, seed=0, limits=Limits(**SHORT))
    codes = [r.code for r in report.exercises]
    assert codes[0] == "passed"
    assert codes[1] not in ("not-answered", "did-not-end", "crashed")  # it is there, and wrong
    assert codes[2:] == ["did-not-end", "not-answered"]
    assert [error.split(" ended")[0] for error in report.errors] == [
        "cell 2, line 2", "cell 3, line 2"
    ]  # fmt: skip
    assert "exit status 4" in report.exercises[2].message


def test_what_came_before_all_time_was_used_is_judged(tmp_path):
    """Of two statements that never end each takes the time for a run, and a third is left."""
    files = {"a.py": f"{DEF}\nwhile True: pass\nwhile 1: pass\nwhile 2: pass\n".encode()}
    write(tmp_path / "ann", files)
    (ann,) = submissions(tmp_path)
    limits = Limits(run_seconds=1.5, call_seconds=1, total_seconds=4.5)
    record = grade_submission(ann, (NAME,), seed=0, limits=limits)
    assert record["results"][0]["code"] == "passed"
    assert len(record["problems"]) == 2
    assert limits.used == 0  # another student's time is their own


# -- pictures --------------------------------------------------------------------------------


def pictures(source, *names):
    cells = ["import numpy as np\nimport tinygrad_xent as tx", source]
    report = judge_cells(cells, names, seed=0, limits=Limits(**SHORT), with_pictures=True)
    return {r.name: r.picture for r in report.exercises if not r.score}


def test_a_wrong_answer_has_its_picture():
    found = pictures(
        f"def {NAME}(grad, y, x): return 2 * x\n"
        "def product_backward(grad, y, a, b): return (lambda: grad * a), (lambda: grad * b)\n"
        "def chain_rule(x): return -2 * x * np.exp(-x**2)\n"
        "def topological_order(*args): return []\n",
        NAME, "product_backward", "chain_rule", "topological_order",
    )  # fmt: skip
    assert found.keys() == {NAME, "product_backward", "topological_order"}
    assert found[NAME].startswith("<svg")
    assert ">x<" in found[NAME]
    assert ">grad<" not in found[NAME]  # which is the mistake
    assert all(f">{name}<" in found["product_backward"] for name in ("grad", "a", "b"))
    assert found["topological_order"] == ""  # it has no numbers to draw


FORGED = {
    "not text": "5",
    "no picture": "'<b>'",
    "surrogate": "'<svg>\\ud800</svg>'",
    "script": "'<svg onload=\"alert(1)\"><script>alert(1)</script></svg>'",
    "end of the page": "'<svg></svg>\"></figure></html><script>alert(1)</script>'",
    "huge": "'<svg>' + 'a' * 2**21",
    "endless": "[0 for _ in iter(int, 1)]",
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_forged_picture_is_harmless(tmp_path, kind):
    source = (
        f"import sys\ndef {NAME}(grad, y, x): return x\nmain = sys.modules["
        "'tinygrad_xent.teaching.grading.child']\n"
        f"main._drawn = lambda *_: {FORGED[kind]}\n"
        "def chain_rule(x): return x\n"
    )
    write(tmp_path / "ann", {"a.py": source.encode()})
    (ann,) = submissions(tmp_path)
    record = grade_submission(ann, (NAME, "chain_rule"), seed=0, limits=Limits(**SHORT))
    assert [result["score"] for result in record["results"]] == [0, 0]
    shown = kind in ("surrogate", "script", "end of the page")
    assert [result["picture"].startswith("<svg") for result in record["results"]] == [shown] * 2
    page = feedback({**record, "written": 0}, Marking())
    assert "alert" not in page  # it is only in the data of an image, which runs nothing
    assert page.count("</html>") == 1
    page.encode()

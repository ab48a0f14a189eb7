"""Judging a file: what is sent, what is found in the file, what comes out."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinygrad_xent.errors import MessageError, SubmissionError
from tinygrad_xent.teaching.exercises import CATALOGUE
from tinygrad_xent.teaching.grading import session as parent
from tinygrad_xent.teaching.grading.judging import judge_cells
from tinygrad_xent.teaching.grading.messages import decode, encode, receive, send
from tinygrad_xent.teaching.grading.sandbox import Limits
from tinygrad_xent.teaching.grading.session import Session
from tinygrad_xent.teaching.grading.submissions import cells_of, plain

# -- messages --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        None, True, 3, 0.1, "text", (1, [2.0, None]), {"a": {1, 2}, (1, "b"): frozenset()},
        np.arange(6).reshape(2, 3), np.float32(0.1), np.zeros((0, 3)), np.array(True),
        np.array([1 + 2j]), np.exp, np.sum, float("inf"), {"list": 1},
    ],
    ids=repr,
)  # fmt: skip
def test_values_come_back(value):
    stream = io.BytesIO()
    send(stream, {"value": encode(value)}, 10_000)
    stream.seek(0)
    back = decode(receive(stream, 10_000)["value"])
    assert type(back) is type(value)
    assert getattr(back, "dtype", None) == getattr(value, "dtype", None)
    if isinstance(value, np.ndarray):
        np.testing.assert_array_equal(back, value)
    else:
        assert back == value


def test_other_things_come_as_their_type():
    for value, name in ((object(), "object"), (np.array(["a"]), "array of <U1"), (len, "builtin")):
        assert type(decode(encode(value))).__name__.startswith(name)


@pytest.mark.parametrize(
    "form",
    [
        [], {"tuple": 1}, {"list": [], "set": []}, {"set": [{"list": []}]}, {"dict": [[1, 2, 3]]},
        {"array": ["<f8", [2], "AAAA"]}, {"array": ["|O", [1], "AAAAAAAAAAA="]},
        {"array": ["<f8", [-1], ""]}, {"array": ["<f8", [1e3], ""]}, {"array": [None, [0], ""]},
        {"array": ["<f8", [2**40, 2**40], ""]}, {"array": ["<f8", [2**70, 0], ""]},
        {"array": ["<f8", [1], 8]}, {"function": "load"},
        {"function": []}, {"pickle": "gASVBQ=="},
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_never_sent_is_refused(form):
    with pytest.raises(MessageError, match="a message holds "):
        decode(form)


def test_messages_that_are_none():
    with pytest.raises(MessageError, match="takes 12 bytes as a message, the limit is 5"):
        send(io.BytesIO(), {"a": "bcd"}, 5)
    for payload, words in (
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"[" * 9999, "not JSON"),
    ):
        stream = io.BytesIO(payload + b"\n")
        with pytest.raises(MessageError, match=words):
            receive(stream, 10_000)
    with pytest.raises(MessageError, match="a message has more than 100 bytes, which is the limit"):
        receive(io.BytesIO(b"\xff" * 101), 100)
    for cut in (b"", b'{"a": 1}'):
        with pytest.raises(EOFError):
            receive(io.BytesIO(cut), 100)


# -- files -----------------------------------------------------------------------------------


def test_cells_of_a_python_file_keep_their_line_numbers(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("\ufeffx = 1\n# %% two\ny = 1/0\n", "utf-8")
    cells = cells_of(path)
    assert cells == ["x = 1\n", "\n# %% two\ny = 1/0\n"]
    report = judge_cells(cells, ["chain_rule"], seed=0)
    assert report.errors == ("cell 2, line 3: ZeroDivisionError: division by zero in `y = 1/0`",)


def test_a_notebook_saved_as_a_script(tmp_path):
    """Its cells begin with `# In[1]:`, and its magics have become calls."""
    path = tmp_path / "a.py"
    path.write_text(
        "# In[1]:\nget_ipython().run_line_magic('matplotlib', 'inline')\n1/0\n"
        "# In[ ]:\nimport os\nhere = os.path.dirname(__file__)\ndisplay(here)\n"
        "def square_backward(grad, y, x): return 2 * x * grad\n"
    )
    report = judge_cells(cells_of(path), ["square_backward"], seed=0)
    assert [result.code for result in report.exercises] == ["passed"]
    assert report.errors == ("cell 2, line 3: ZeroDivisionError: division by zero in `1/0`",)


@pytest.mark.parametrize("content", ['{"cells": []}', '{"cells": {}}'])
def test_a_notebook_without_cells(tmp_path, content):
    (tmp_path / "a.ipynb").write_text(content)
    cells = cells_of(tmp_path / "a.ipynb")
    report = judge_cells(cells, ["square_backward"], seed=0)
    assert [result.code for result in report.exercises] == ["not-answered"]


def test_what_only_ipython_knows_is_taken_out():
    assert plain("%load_ext x\n!ls\nprint?\nx = 5 % 3") == "pass\npass\npass\nx = 5 % 3"
    assert plain("%%time\nx = 1") == "\nx = 1"
    assert plain("%matplotlib inline\n%time x = 1\n%timeit x") == "pass\nx = 1\npass"
    assert plain("%%html\n<b>") == ""
    assert plain('text = """\n%x\n"""') == 'text = """\n%x\n"""'


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"", "a.txt is neither a Python file (.py) nor a notebook (.ipynb)"),
        ("a.py", None, "a.py cannot be read (No such file or directory)"),
        ("a.ipynb", b"", "a.ipynb is empty"),
        ("a.ipynb", b" \n", "a.ipynb is empty"),
        ("a.ipynb", b"{}", "a.ipynb is not a Jupyter notebook"),
        ("a.ipynb", b"[" * 9999, "a.ipynb is not a Jupyter notebook"),
        ("a.py", b"#" * (20 * 2**20 + 1), "a.py has more than 20,971,520 bytes of code"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SubmissionError) as caught:
        cells_of(tmp_path / name)
    assert str(caught.value) == words


def test_a_folder_without_a_name_of_its_own_has_one(tmp_path, monkeypatch):
    (tmp_path / "week5").mkdir()
    monkeypatch.chdir(tmp_path / "week5")
    with pytest.raises(SubmissionError, match=r"^week5 is neither a Python file"):
        cells_of(Path())


# -- what is found and judged ----------------------------------------------------------------


def test_every_solution_passes_outside_too():
    """None of them uses what an answer must not use, and all their values can be sent."""
    cells = ["import numpy as np", *(exercise.solution for exercise in CATALOGUE.values())]
    report = judge_cells(cells, tuple(CATALOGUE), seed=3)
    assert [r for r in report.exercises if not r.score] == []


def test_where_answers_are_found():
    cells = [
        "from __future__ import annotations\nimport not_there",
        "from tinygrad_xent import *\nimport nor_this, sys\nimport tinygrad_xent as tx",
        "import numpy as np",
        "def first(grad, y, x): return 2 * x * grad",
        "if tx.check('square_backward', first): print(tx.hint('square_backward', 3))",
        "def chain_rule(x: Unknown): return -2 * x * np.exp(-x**2)\nraise SystemExit",
        "product_backward = 5",
        "@op\ndef matmul_backward(grad, y, a, b): return grad @ b.T, a.T @ grad",
        "def log_backward(grad, y, x):\n    raise NotImplementedError",
        "def sum_backward(grad, y, x, *, axis, keepdims): return missing",
    ]
    names = ("square_backward", "chain_rule", "product_backward", "matmul_backward")
    names += ("logsumexp", "log_backward", "sum_backward")
    report = judge_cells(cells, names, seed=0)
    codes = {result.name: result.code for result in report.exercises}
    assert codes == {
        "square_backward": "passed",  # by `check`
        "chain_rule": "passed",  # by its name
        "product_backward": "not-answered",
        "matmul_backward": "passed",  # an op is a function, too
        "logsumexp": "not-answered",  # it is the package's
        "log_backward": "blank",
        "sum_backward": "raised",
    }
    assert report.errors == (
        "cell 1, line 2: ModuleNotFoundError: No module named 'not_there' in `import not_there`",
        "cell 2, line 2: ModuleNotFoundError: No module named 'nor_this' in `import nor_this, sys`",
        "cell 6, line 2: SystemExit in `raise SystemExit`",
    )
    assert "NameError: name 'missing' is not defined" in report.exercises[-1].message


def test_an_answer_may_use_plain_ops_but_not_what_it_is_to_write():
    source = """
import numpy as np
import tinygrad_xent as tx
def softmax_backward(grad, y, x, *, axis):
    return y * (grad - tx.sum(grad * y, axis=axis, keepdims=True))
def product_backward(grad, y, a, b):
    g = tx.Tensor(grad, name="g")
    assert str(g.reshape(-1)) and float(g.sum()) == grad.sum() == float(np.sum(g, axis=None))
    return (g * b).data, (a * g).data
def stable_softmax(x):
    return tx.softmax(x)
def log_softmax_backward(grad, y, x):
    return grad - tx.softmax(x) * tx.sum(grad, axis=-1, keepdims=True)
"""
    names = ["softmax_backward", "stable_softmax", "log_softmax_backward", "product_backward"]
    report = judge_cells([source], names, seed=0)
    assert [result.code for result in report.exercises] == ["passed", "own-op", "passed", "passed"]
    assert (
        "tinygrad_xent's own softmax: an answer must do this work itself"
        in report.exercises[1].message
    )


def test_arguments_that_an_answer_spoils_are_seen():
    source = "def square_backward(grad, y, x):\n    x *= 2\n    x *= grad\n    return x"
    (result,) = judge_cells([source], ["square_backward"], seed=0).exercises
    assert (result.score, result.code) == (0, "mutated")


def test_a_value_that_no_message_can_hold_costs_only_itself():
    source = (
        "def square_backward(grad, y, x): return 10**5000\n"
        "def product_backward(grad, y, a, b): return grad * b, grad * a"
    )
    report = judge_cells([source], ["square_backward", "product_backward"], seed=0)
    assert [result.code for result in report.exercises] == ["raised", "passed"]
    assert "the value cannot be sent" in report.exercises[0].message


def test_a_file_whose_definitions_cannot_be_sent_is_not_taken_for_an_empty_one():
    source = f"import tinygrad_xent as tx\n@tx.op\ndef {'x' * 900}(x): return x"
    limits = Limits(message=500)
    (result,) = judge_cells([source], ["square_backward"], seed=0, limits=limits).exercises
    assert result.code == "no-answer"
    assert result.message.startswith("Running the file left nothing that can be judged: the value")
    assert result.message.endswith(" bytes as a message, the limit is 500.")


def test_a_process_that_does_not_start_is_not_the_learners_fault(monkeypatch):
    monkeypatch.setattr(parent, "_START", "raise SystemExit(3) # {}")
    words = r"the process to run it in ended the process \(exit status 3\) before it was ready; "
    with pytest.raises(SubmissionError, match=words):
        judge_cells(["x = 1"], ["square_backward"], seed=0)


OPS = """
import numpy as np
import tinygrad_xent as tx
@tx.op
def {0}(x, *, by=2.0):
    return x * by
@{0}.backward
def rule(grad, y, x, *, by):
    return {1}
"""


def test_ops_of_a_file():
    cells = [
        OPS.format("right", "grad * by"),
        OPS.format("wrong", "-grad * by"),
        (
            "@tx.op(examples=[{'index': np.array([0, 0])}])\n"
            "def pick(x, *, index): return x[index]\n@pick.backward\n"
            "def rule(grad, y, x, *, index):\n    dx = np.zeros_like(x)\n    dx[index] = grad\n"
            "    return dx"
        ),
        (
            "@tx.op\ndef product(a, b): return a @ b\n@product.backward\n"
            "def rule(grad, y, a, b): return (lambda: grad @ b.T), (lambda: a.T @ grad)"
        ),
        "@tx.op\ndef log(x): return np.log(x)\n@log.backward\ndef rule(grad, y, x): return grad/x",
        "@tx.op\ndef bare(x): return x",
        (
            "@tx.op\ndef unknown(x, *, axis): return x.sum(axis)\n@unknown.backward\n"
            "def rule(grad, y, x, *, axis): return x"
        ),
        (
            "@tx.op\ndef joined(*xs): return np.concatenate(xs)\n@joined.backward\n"
            "def rule(grad, y, *xs): return tuple(np.split(grad, len(xs)))"
        ),
        (
            "@tx.op\ndef hard(x): return x\n@hard.backward\n"
            "def rule(grad, y, x):\n    import os; os._exit(1)"
        ),
    ]
    report = judge_cells(cells, (), seed=0, with_ops=True)
    assert report.errors == ()
    assert {result.name: result.code for result in report.ops} == {
        "right": "passed",
        "wrong": "wrong-sign",
        "pick": "few-entries-wrong",
        "product": "passed",
        "log": "passed",
        "bare": "no-rule",
        "unknown": "no-inputs",
        "joined": "passed",
        "hard": "crashed",
    }


def test_limits_beyond_those_of_the_system_are_no_error():
    script = "from tinygrad_xent.teaching.grading.sandbox import Limits\n"
    script += "Limits(total_seconds=1e12, memory=2**70).hold()"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (run.stderr, run.returncode) == ("", 0)


# -- the process -----------------------------------------------------------------------------


def test_the_child_writes_nowhere_else_and_leaves_nothing(tmp_path):
    book = tmp_path / "grades.csv"
    book.write_text("1")
    peer = tmp_path / "peer.py"
    peer.write_text("secret = 1")
    alias = tmp_path.parent / f"{tmp_path.name}-alias"
    os.link(peer, alias)
    cells = [
        f"open({str(book)!r}, 'w')",
        f"import os; os.remove({str(book)!r})",
        f"open({str(peer)!r}).read()",
        f"open({str(alias)!r}).read()",
        f"os.listdir({str(tmp_path)!r})",
        "import tempfile\nwith tempfile.TemporaryDirectory() as d: open(d + '/a', 'w').write('a')",
        "import socket; socket.create_connection(('127.0.0.1', 80))",
        "where = os.getcwd()\ndef f(): return where",
    ]
    with Session(cells, ["f"], frozenset()) as session:
        failed = [": ".join(error.split(": ")[:2]) for error in session.found["errors"]]
        folder = session.function("f")()
        assert os.path.isdir(folder)  # noqa: PTH112
    assert failed == [f"cell {i}, line 1: PermissionError" for i in (1, 2, 3, 4, 5, 7)]
    assert book.read_text() == "1"
    assert not os.path.exists(folder)  # noqa: PTH110
    alias.unlink()


def test_a_process_that_cannot_be_started_leaves_no_folder(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise BlockingIOError("too many processes")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(parent.subprocess, "Popen", refuse)
    with pytest.raises(BlockingIOError):
        Session(["x = 1"], [])
    assert list(tmp_path.iterdir()) == []


DAEMONS = """
import ctypes, os, time
libc = ctypes.CDLL(None)
def f():
    stack = open("/proc/self/stat").read().split()
    for i in range(3):  # for an ordinary user, no process starts
        if libc.fork() == 0:
            os.setsid()
            if libc.fork() == 0:
                os.setpgid(0, 0) if i else None
                libc.prctl(36, 1)
                libc.clearenv()
                libc.memset(ctypes.c_void_p(int(stack[49])), 0, int(stack[50]) - int(stack[49]))
                open(f"pid {i}", "w").write(str(os.getpid()))
                while True:
                    if libc.fork() == 0:  # it keeps changing its number
                        time.sleep(0.01)
                    else:
                        os._exit(0)
            os._exit(0)
    time.sleep(0.3)
    return [int(open(name).read()) for name in os.listdir() if name.startswith("pid")]
"""


def processes_of(folder):
    """Those that were started with this folder in their command, which a fork keeps."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if folder.encode() in path.read_bytes():
                found.append(path.parent.name)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux finds what has left its group")
def test_nothing_that_it_started_survives():
    with Session([DAEMONS], ["f"], frozenset()) as session:
        found = session.function("f")()
        assert session.found["errors"] == []
        assert len(found) == (3 if os.geteuid() == 0 else 0)
        assert processes_of(session._folder)
    assert processes_of(session._folder) == []


LOCKED = """
import os
def f():
    os.makedirs("a/b")
    open("a/b/c", "w").close()
    os.mkdir("deep")
    os.chdir("deep")
    for _ in range(1500):
        os.mkdir("d")
        os.chdir("d")
    for path in ("/a/b", "/a", ""):
        os.chmod(home + path, 0)
    return home
home = os.getcwd()
"""


def test_locked_and_deep_folders_are_removed():
    with Session([LOCKED], ["f"]) as session:
        home = session.function("f")()
    assert not Path(home).parent.exists()


def test_errors_keep_their_kind_and_name():
    source = """
import numpy as np
class Mine(KeyError): pass
def a(): np.sum(np.ones(2), axis=5)
def b(): raise Mine("x")
def c(): raise KeyboardInterrupt
"""
    with Session([source], ["a", "b", "c"]) as session:
        caught = []
        for name in "abc":
            with pytest.raises((ValueError, KeyError, RuntimeError)) as info:
                session.function(name)()
            caught.append((info.type.__name__, info.type.__mro__[1].__name__))
    assert caught == [
        ("AxisError", "ValueError"), ("Mine", "KeyError"), ("KeyboardInterrupt", "RuntimeError")
    ]  # fmt: skip


def test_an_answer_is_told_that_solutions_are_not_there():
    source = """
import numpy as np
import tinygrad_xent as tx
from tinygrad_xent.teaching.exercises import CATALOGUE
tx.solution("square_backward"), tx.hint("square_backward")  # shown while the file is run
def square_backward(grad, y, x): return tx.solution("square_backward")
def chain_rule(x): return CATALOGUE["chain_rule"].answer(x)
def product_backward(grad, y, a, b):
    exec(str(tx.solution("product_backward")), space := {})
    return space["product_backward"](grad, y, a, b)
def log_backward(grad, y, x):
    tx.hint("log_backward")
    return grad / x
def sgd_step(*args):
    from tinygrad_xent.teaching.museum import RIGHT_RULES
    return RIGHT_RULES[0].rule(*args)
"""
    names = ("square_backward", "chain_rule", "product_backward", "log_backward", "sgd_step")
    report = judge_cells([source], names, seed=0)
    assert report.errors == ()
    for result, asked in zip(
        report.exercises, ("solution", "CATALOGUE", "solution", "hint", "RIGHT_RULES"), strict=True
    ):
        assert (result.score, result.code) == (0, "own-op")
        assert f"tinygrad_xent's own {asked} is not there while a file is graded" in result.message


# -- other systems ---------------------------------------------------------------------------


def test_a_system_without_landlock_proc_or_a_subreaper(monkeypatch, tmp_path):
    """As macOS: files are closed by the hook, and the process and its group are ended."""
    (tmp_path / "secret").write_text("secret")
    without = parent._START.replace(
        "import main; main()",
        "import main; from tinygrad_xent.teaching.grading import sandbox; "
        "sandbox._landlock = lambda *_: False; main()",
    )
    monkeypatch.setattr(parent, "_START", without)
    monkeypatch.setattr(parent.sys, "platform", "darwin")
    monkeypatch.setattr(parent, "_children", list)
    cells = [
        f"open({str(tmp_path / 'secret')!r}).read()",
        f"open({str(tmp_path / 'other')!r}, 'w')",
        "import os; os.fork()",
        "import socket; socket.create_connection(('127.0.0.1', 80))",
        "def chain_rule(x):\n    while True: pass",
        "def square_backward(grad, y, x): return 2 * x * grad",
    ]
    limits = Limits(call_seconds=1)
    names = ("chain_rule", "square_backward")
    with Session(cells, names, frozenset(), limits) as session:
        errors = [": ".join(error.split(": ")[:2]) for error in session.found["errors"]]
        folder = session._folder
        assert processes_of(folder)
    assert errors == [f"cell {i}, line 1: PermissionError" for i in (1, 2, 3, 4)]
    assert processes_of(folder) == []
    assert not Path(folder).exists()
    report = judge_cells(cells, names, seed=0, limits=limits)
    assert [result.code for result in report.exercises] == ["too-slow", "passed"]
    assert not (tmp_path / "other").exists()

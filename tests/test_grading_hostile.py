"""Hostile submissions score nothing, and disturb nobody."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hostile import BEYOND_THE_HOOK, FATAL, HEAD, REFUSED, RIGHT, WHEN_RUN, WOULD_WORK, answer

from tinygrad_xent.teaching.exercises import CATALOGUE
from tinygrad_xent.teaching.grading import session as parent
from tinygrad_xent.teaching.grading.judging import judge_cells
from tinygrad_xent.teaching.grading.sandbox import MEBI, Limits
from tinygrad_xent.teaching.grading.session import Session
from tinygrad_xent.teaching.grading.without_answers import REFUSAL

SHORT = Limits(run_seconds=1, call_seconds=0.6, memory=512 * MEBI, disk=4 * MEBI)
# What an answer would be worth if it were not for the grader's refusal.
OWN_OPS = {
    "framework's own rule", "framework's own gradients", "framework's own rule in a lazy value",
    "read the solution", "ask for the solution",
}  # fmt: skip


WITHOUT_LANDLOCK = """
import sys; sys.path.insert(0, {!r})
from tinygrad_xent.teaching.grading import child, sandbox
sandbox._landlock = lambda home, places: False
child.main()
"""


@pytest.fixture(scope="module")
def session(request):
    names = {kind: f"kind_{i}" for i, kind in enumerate(REFUSED)}
    functions = [answer(names[kind], "grad, y, x", body) for kind, body in REFUSED.items()]
    limits = Limits(message=MEBI)
    source = HEAD + "".join(functions)
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "hook alone":
            patch.setattr(parent, "_START", WITHOUT_LANDLOCK)
        session = Session([source], names.values(), withheld=frozenset(), limits=limits)
    with session:
        assert not session.ended
        session.names = names
        yield session


@pytest.mark.parametrize(
    ("session", "kind"),
    [
        *(("hook and kernel", kind) for kind in REFUSED),
        *(("hook alone", kind) for kind in REFUSED if kind not in BEYOND_THE_HOOK),
    ],
    indirect=["session"],
)
def test_refused(session, kind):
    remote = session.function(session.names[kind])
    verdict = CATALOGUE["square_backward"].judge(remote, np.random.default_rng(0))
    assert not session.ended
    assert REFUSAL in verdict.message or kind not in OWN_OPS
    assert not verdict


def test_without_the_sandbox_they_would_work(tmp_path):
    """A file that has moved, or a name that has changed, would be refused by nobody and pass."""
    functions = [
        answer(f"kind_{i}", "grad, y, x", REFUSED[kind]) for i, kind in enumerate(WOULD_WORK)
    ]
    script = f"""{HEAD}{"".join(functions)}
x, grad = np.array([1.5, -2.0]), np.array([0.25, 3.0])
for i, kind in enumerate({WOULD_WORK!r}):
    np.testing.assert_allclose(globals()[f"kind_{{i}}"](grad, x**2, x), 2 * x * grad, err_msg=kind)
"""
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert run.stderr == ""


def test_what_ends_its_process_costs_only_itself():
    """Each answers another exercise of the same file, and the last one is right."""
    names = [name for name in CATALOGUE if name != "square_backward"][: len(FATAL)]
    answers = [
        answer(name, "*args, **params", body)
        for name, body in zip(names, FATAL.values(), strict=True)
    ]
    source = HEAD + "".join(answers) + RIGHT
    report = judge_cells([source], [*names, "square_backward"], seed=0, limits=replace(SHORT))
    codes = dict(zip(FATAL, (result.code for result in report.exercises), strict=False))
    assert codes.pop("memory bomb, bit by bit") in ("raised", "too-slow")
    # Root can start a process, which holds the pipe open; for others it fails at once.
    assert codes.pop("fork past the hook, and hold the pipe") in ("crashed", "too-slow")
    assert codes == {
        "segfault": "crashed",
        "segfault by address": "crashed",
        "hang": "too-slow",
        "hang deaf to signals": "too-slow",
        "hard exit": "crashed",
        "full disk": "too-much-written",
        "huge output": "too-slow",
        "write to the pipe": "no-answer",
        "close the pipe": "crashed",
        "forge": "no-answer",
    }
    assert [result.score for result in report.exercises] == [0] * len(FATAL) + [1]


@pytest.mark.parametrize("kind", WHEN_RUN)
def test_while_it_is_run(kind):
    cells, names = [HEAD + WHEN_RUN[kind]], ["square_backward"]
    report = judge_cells(cells, names, seed=0, limits=replace(SHORT), with_ops=True)
    assert [result.score for result in (*report.exercises, *report.ops) if result.score] == []
    assert all(len(error) < 1100 and error.isprintable() for error in report.errors)


def test_a_file_that_spends_all_the_time():
    limits = Limits(call_seconds=10, total_seconds=1.5)
    names = ["product_backward", "square_backward", "chain_rule"]
    source = HEAD + answer(names[0], "*args", "while True: pass") + RIGHT
    report = judge_cells([source], names, seed=0, limits=limits)
    codes = [result.code for result in report.exercises]
    assert codes == ["no-time-left", "no-time-left", "not-answered"]

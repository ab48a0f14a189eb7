"""The harness of the benchmarks: what it measures is no test, that it measures rightly is."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.benchmarks import peers, table
from tests.benchmarks.__main__ import main
from tests.benchmarks.child import run_workload
from tests.benchmarks.growth import fit
from tests.benchmarks.measures import WrongResultError, check_agreement, peak_bytes, seconds
from tests.benchmarks.record import measure, met
from tests.benchmarks.workloads import WORKLOADS, Workload, chain

TINY = Workload("tiny", "chain", chain(2, ops=4), {"numpy": 1e9, "torch": 1e-9})


@pytest.mark.parametrize(
    "results",
    [[np.array([1.0, 2.1])], [np.array([1.0, np.nan])], [np.array([1.0])], [np.float32([1, 2.01])]],
    ids=["off", "nan", "shape", "off in float32"],
)
def test_a_wrong_result_is_found(results) -> None:
    with pytest.raises(WrongResultError, match="somebody: result 0"):
        check_agreement("somebody", results, [np.array([1.0, 2.0])], precision=4)


def test_rounding_is_no_wrong_result() -> None:
    want = [np.array([1.0, 2.0])]
    check_agreement("somebody", [np.float32([1, 2.00001])], want, precision=4)
    with pytest.raises(WrongResultError):
        check_agreement("somebody", [np.float32([1, 2.00001])], want, precision=8)


def test_a_workload_stops_at_a_wrong_result(monkeypatch) -> None:
    right = peers.task(peers.OURS, "chain")

    def wrong(**inputs):
        run = right(**inputs)
        return lambda: [2 * grad for grad in run()]

    tasks = {peers.OURS: wrong, peers.BY_HAND: peers.task(peers.BY_HAND, "chain")}
    monkeypatch.setattr(peers, "task", lambda peer, name: tasks[peer])
    with pytest.raises(WrongResultError, match="tinygrad_xent: result 0 is off by"):
        run_workload(TINY, peers.ALWAYS, short=True)


def test_all_of_ours_agree_with_the_derivatives_by_hand() -> None:
    small = [w for w in WORKLOADS if not w.long and w.task not in ("picture", "imported")]
    for workload in small:
        inputs = workload.inputs(np.random.default_rng(1))
        build = peers.task(peers.OURS, workload.task)
        if build is not None:
            expected = peers.task(peers.BY_HAND, workload.task)(**inputs)()
            precision = 2 if workload.name.endswith("float16") else 4
            check_agreement(workload.name, build(**inputs)(), expected, precision)


def test_runs_take_turns() -> None:
    order = []
    figures = seconds({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, short=True)
    assert len(figures["a"]) == len(figures["b"]) >= 3
    assert "ab" in "".join(order)
    assert "ba" in "".join(order)


def test_peak_memory_is_seen_though_it_is_freed() -> None:
    peak_bytes(lambda: np.ones(10))

    def run():
        np.ones(4_000_000)
        return np.ones(1_000_000)

    assert 31e6 < peak_bytes(run) < 48e6


def test_a_row_says_which_goals_are_reached() -> None:
    answer = {"samples": {"tinygrad_xent": [1.0, 2.0, 3.0], "numpy": [2.0, 2.0, 2.0]}}
    row = measure(TINY, peers.ALWAYS, short=True, start=lambda *_, **__: answer)
    assert row["ratios"] == {"numpy": [1.0, 0.75, 1.25]}
    assert met(row)
    assert table.text(row, peers.ALWAYS).split() == ["tiny", "2", "s", "1.00", "±0.25", "<1e+09"]
    row["goals"] = {"numpy": 0.9}
    assert not met(row)
    assert "1.00 ±0.25 ! >0.9" in table.text(row, peers.ALWAYS)
    assert table.closing([row]) == "0 of 1 rows with a goal reach it; not: tiny"


def test_a_wrong_result_is_what_the_command_fails_for(monkeypatch, capsys) -> None:
    row = {"name": "tiny", "wrong": "torch: result 0 is off by 1"}
    monkeypatch.setattr("tests.benchmarks.__main__.measure", lambda *_, **__: row)
    assert main(["--short", "--only", "sparse 32x10"]) == 1
    assert "WRONG RESULT  torch: result 0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--peers", "numpi"], "no such peer: numpi; there are torch"),
        (["--only", "numpi"], "--only leaves no workload"),
        (["--short", "--only", "1024x32000, even"], "--only leaves no workload"),
        (["--growth", "--only", "sparse"], "--only has no effect with --growth"),
        (["--json", "no/such/folder.json"], "folder.json cannot be written (No such file"),
        (["--json", "."], "cannot be written"),
        (["--plot", "no/such/folder.svg"], "folder.svg cannot be written (No such file"),
        (["--plot", "figures.txt"], "figures.txt does not end in .svg, .png or .pdf"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_measured(
    tmp_path, monkeypatch, capsys, arguments, words
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    shown = capsys.readouterr()
    assert words in shown.err
    assert not shown.out
    assert not list(tmp_path.iterdir())


def test_peers_may_be_named_with_spaces_and_with_those_that_always_are_there(capsys) -> None:
    assert main(["--list", "--peers", "numpy, torch", "--only", "float16"]) == 0
    assert capsys.readouterr().out == "sparse 256x1000, float16\n"


def test_interrupted_it_keeps_what_it_has(monkeypatch, capsys, tmp_path) -> None:
    answers = iter([{"name": "tiny", "wrong": "torch: result 0 is off by 1"}])

    def one(*_, **__):
        for row in answers:
            return row
        raise KeyboardInterrupt

    monkeypatch.setattr("tests.benchmarks.__main__.measure", one)
    out = tmp_path / "figures.json"
    assert main(["--short", "--json", str(out)]) == 130
    assert [row["name"] for row in json.loads(out.read_text())["rows"]] == ["tiny"]
    assert "stopped; what has been measured is kept" in capsys.readouterr().out


def test_names_are_unique() -> None:
    assert len({w.name for w in WORKLOADS}) == len(WORKLOADS)


def test_a_fit_finds_what_the_figures_were_made_of() -> None:
    sizes = [10, 100, 1000, 10000]
    found = fit(sizes, [5 + 0.2 * n for n in sizes])
    assert (found.fixed, found.each) == pytest.approx((5, 0.2))
    assert fit(sizes, [n**1.5 for n in sizes]).power == pytest.approx(1.5)

"""`tinygrad-xent compare`: what it prints, writes and refuses."""

from __future__ import annotations

import json

import pytest

from tinygrad_xent.commands import cli


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*argv):
    return cli.main(["compare", *argv])


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--probs", "0,0,0", "--target", "0"], "B  1.10  [0 0 0]        keras2, keras3-tf\n"),
        (["--logits", "0,1", "--labels", "2,1"], "B  2.94  [-1.19 1.19]    keras3-jax"),
        (["--logits", "1,2,3", "--target", "-1"], "C  0.408                       "),
        (["--logits", "-inf 0 / 5 1", "--target", "1 1"], "classes [1 1], logits [[-inf 0] [5 1]]"),
        (["--logits", "1 2/3 1", "--target", "1,1", "--axis", "-2"], ", classes along axis -2\n"),
        (["--logits", "1,2", "--target", "1.9"], "class 1.9, logits [1 2]\n"),
        (["--logits", "nan,1", "--target", "0"], "All of them agree.\n"),
        (
            ["--probs", "1,0", "--labels", "1,0,0"],
            "\nA: the shape of labels is (3,), but that of x",
        ),
        (["--probs", "1,0", "--target", "0", "--dtype", "float32"], "All of them agree.\n"),
    ],
)
def test_numbers_by_hand(capsys, argv, words):
    assert run(*argv) == 0
    shown, silent = capsys.readouterr()
    assert words in shown or words.strip() in " ".join(shown.split()) + "\n"
    assert silent == ""


def test_as_json(capsys):
    assert run("--probs", ".2,.8", "--labels", "1,0", "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert [answer["dialect"] for answer in data["groups"][0]][:2] == ["keras2", "keras3-tf"]


@pytest.mark.parametrize(
    ("name", "start"),
    [("r.html", "<!DOCTYPE html>"), ("r.json", '{"labels": 0,'), ("r.txt", "class 0, probabil")],
)
def test_a_report_in_a_file(capsys, folder, name, start):
    assert run("--probs", "0,0", "--target", "0", "--out", name) == 0
    assert (folder / name).read_text().startswith(start)
    assert capsys.readouterr().out.startswith("class 0, probabilities [0 0]\n")


REFUSALS = {
    ("--target", "0"): 'which numbers? Add --logits "2,1,0.1", or --probs "0.7,0.2,0.1"',
    ("--logits", "1", "--probs", "1"): (
        "argument --probs: not allowed with argument --logits; see tinygrad-xent compare --help"
    ),
    ("--logits", "1", "--probs", ""): (
        "argument --probs: not allowed with argument --logits; see tinygrad-xent compare --help"
    ),
    ("--logits", "1,2"): 'which class is true? Add --target 0, or --labels "0.7,0.2,0.1"',
    ("--logits", "1,2", "--target", "0", "--labels", "1,0"): (
        "argument --labels: not allowed with argument --target; see tinygrad-xent compare --help"
    ),
    ("--logits", "1,x", "--target", "0"): (
        "--logits: 'x' (number 2 of 2) is not a number; write --logits \"2,1,0.1\""
    ),
    ("--logits", "1_0,2", "--target", "0"): (
        "--logits: '1_0' (number 1 of 2) is not a number; write --logits \"2,1,0.1\""
    ),
    ("--logits", "1e999,2", "--target", "0"): (
        "--logits: 1e999 is too large for float64; write inf if you mean it"
    ),
    ("--logits", "1,2", "--labels", "0,70000", "--dtype", "float16"): (
        "--labels: 70000 is too large for float16; write inf if you mean it"
    ),
    ("--logits", "1,2", "--target", "-99999999999999999999"): (
        "--target: class numbers have at most 15 digits"
    ),
    ("--logits", "1,2 /", "--target", "0"): (
        '--logits: number 3 of 3 is missing; write --logits "2,1,0.1"'
    ),
    ("--logits", "1, ;3", "--target", "0"): (
        '--logits: number 2 of 3 is missing; write --logits "2,1,0.1"'
    ),
    ("--logits", "1,2/3", "--target", "0"): (
        "--logits: the rows have 2, 1 numbers; give all the same number"
    ),
    ("--logits", "1,2", "--target", "0", "--axis", "x"): (
        "argument --axis: invalid int value: 'x'; see tinygrad-xent compare --help"
    ),
    ("--logits", "1,2", "--target", "0", "--out", "r.png"): (
        "--out r.png: unknown ending '.png'; end the name in .html, .json, .txt"
    ),
    ("--logits", "1,2", "--target", "0", "--out", "no/r.html"): (
        "--out no/r.html: there is no directory 'no'; make it first"
    ),
}


@pytest.mark.parametrize("argv", REFUSALS, ids=" ".join)
def test_what_it_refuses(capsys, folder, argv):
    assert run(*argv) == 2
    shown, silent = capsys.readouterr()
    assert (shown, silent) == ("", f"tinygrad-xent: error: {REFUSALS[argv]}\n")
    assert list(folder.iterdir()) == []


def test_logits_given_as_probabilities(capsys):
    assert run("--probs", "0.5,2", "--target", "0") == 0
    assert capsys.readouterr().err == (
        "tinygrad-xent: x has an entry of 2 at position 1, which is not a probability. Are these "
        "logits, or logarithms of probabilities? Then say so: --logits instead of --probs\n"
    )


def test_a_dtype_that_there_is_not(capsys):
    assert run("--logits", "1,2", "--target", "0", "--dtype", "int8") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "argument --dtype: invalid choice: 'int8' (choose from " in line
    assert "float16" in line  # Python 3.14 leaves out the quotation marks

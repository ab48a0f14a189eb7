"""The command line: what it prints and refuses, in pipes and on terminals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import webbrowser
from pathlib import Path

import pytest

import tinygrad_xent
from tinygrad_xent.commands import cli
from tinygrad_xent.commands.explain import explanation

HAND = ["--logits", "2,1,0.1", "--target", "0"]
TABLE = "x,y\n" + "".join(f"{i % 2}.{i},{'ab'[i % 2]}\n" for i in range(12))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*argv):
    return cli.main(["explain", *argv])


# -- what it does ----------------------------------------------------------------------------


def test_without_a_subcommand_it_shows_help_with_an_example_of_each(capsys):
    assert cli.main([]) == 0
    shown, silent = capsys.readouterr()
    assert shown.startswith("usage: tinygrad-xent ")
    assert "  tinygrad-xent explain --logits " in shown
    assert "  tinygrad-xent explain --data " in shown
    assert silent == ""


@pytest.mark.parametrize("argv", [["--help"], ["explain", "--help"], ["--version"]])
def test_help_and_version(capsys, argv):
    with pytest.raises(SystemExit) as caught:
        cli.main(argv)
    assert caught.value.code == 0
    shown, silent = capsys.readouterr()
    assert shown.startswith("usage: " if "--help" in argv else "tinygrad-xent ")
    assert max(map(len, shown.splitlines())) <= 80
    assert silent == ""
    assert tinygrad_xent.__version__ in shown or "--help" in argv


def test_the_main_job(capsys, monkeypatch, digit, folder):
    asked = []

    def ready(path, label, seed, features):
        assert (path, label, features) == (None, None, None)
        asked.append(seed)
        return digit

    monkeypatch.setattr(explanation, "explain_table", ready)
    assert run() == 0
    shown, silent = capsys.readouterr()
    assert silent == ""
    assert asked == [0]
    assert shown.startswith("digits.csv.gz (ships with tinygrad_xent): 1,797 hand")
    assert shown.endswith("at most.\nEvery step as a page: explained.html\n")
    assert len(shown.splitlines()) <= 30
    assert [path.name for path in folder.iterdir()] == ["explained.html"]
    assert run("--seed", "7") == 0
    assert asked[-1] == 7
    capsys.readouterr()
    assert run("--full") == 0
    assert "\n\nForward\nstep  tensor" in capsys.readouterr().out


class Browser:
    """Remembers what it was to open."""

    def __init__(self, works=True):
        self.works, self.pages = works, []

    def open(self, page):
        self.pages.append(page)
        return self.works


@pytest.mark.parametrize("works", [True, False])
def test_the_page_is_opened_where_somebody_looks(monkeypatch, folder, works):
    browser = Browser(works)
    monkeypatch.setattr(webbrowser, "get", lambda: browser)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert run(*HAND) == 0
    assert browser.pages == [(folder / "explained.html").as_uri()]
    assert terminal.text.endswith(", opened in the browser\n") is works
    assert run(*HAND, "--out", "mine.html") == 0
    assert len(browser.pages) == 1


@pytest.mark.parametrize("why", ["none", "in the terminal", "nobody looks"])
def test_the_page_is_not_opened(monkeypatch, capsys, why):
    monkeypatch.delenv("BROWSER", raising=False)

    def get():
        if why == "none":
            raise webbrowser.Error("could not locate runnable browser")
        return webbrowser.GenericBrowser("false") if why == "in the terminal" else Browser()

    monkeypatch.setattr(webbrowser, "get", get)
    monkeypatch.setattr(webbrowser.GenericBrowser, "open", lambda *_: pytest.fail("opened"))
    monkeypatch.setattr(Browser, "open", lambda *_: pytest.fail("opened"))
    if why != "nobody looks":
        monkeypatch.setattr(sys, "stdout", Terminal())
    assert run(*HAND) == 0


def test_a_table(capsys, folder):
    (folder / "t.csv").write_text(TABLE)
    assert run("--data", "t.csv", "--label", "y", "--seed", "3", "--out", "t.json") == 0
    shown, _ = capsys.readouterr()
    assert "t.csv: 12 rows of 1 feature, 2 classes in column 'y'." in shown
    assert "seed 3)." in shown.replace("\n  ", " ")
    assert shown.endswith("Every step as data: t.json\n")
    assert json.loads((folder / "t.json").read_text())["training"]["seed"] == 3


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (HAND, "loss = −ln p[0] = −ln 0.659 = 0.417"),
        (["--logits=-1,2", "--target", "1"], "= 0.0486"),
        (["--logits", "-1,2", "--target", "1"], "= 0.0486"),
        (["--logits", "2,1,0.1", "--labels", "0.7,0.2,0.1"], "loss = −Σᵢ tᵢ ln pᵢ = 0.807"),
        (["--probs", "0.7,0.2,0.1", "--target", "1"], "loss = −ln p[1] = −ln 0.2 = 1.61"),
        (["--logits", "1 -2,", "--target", "0"], "= 0.0486"),
        (["--probs", ".5 .5", "--labels", "1 0"], "= 0.693"),
    ],
)
def test_a_loss_by_hand(capsys, argv, words):
    assert run(*argv) == 0
    shown, silent = capsys.readouterr()
    assert words in shown
    assert silent == ""


def test_a_wrong_gradient_sets_the_exit_status(monkeypatch, capsys):
    monkeypatch.setattr(
        tinygrad_xent.ops.look_through, "rule", lambda grad, *_, **__: (2 * grad, None)
    )
    assert run(*HAND) == 1
    assert "WRONG: ∂logits." in capsys.readouterr().out


# -- what it refuses -------------------------------------------------------------------------

REFUSALS = {
    ("--logits", "2,x", "--target", "0"): (
        "--logits: 'x' (number 2 of 2) is not a number; write --logits \"2,1,0.1\""
    ),
    ("--logits", "nan,1", "--target", "0"): (
        "--logits has NaN; only -inf is allowed, and only in --logits, for an impossible class"
    ),
    ("--logits", "", "--target", "0"): (
        '--logits: number 1 of 1 is missing; write --logits "2,1,0.1"'
    ),
    ("--logits", "2,1/0,3", "--target", "0"): (
        "--logits has 2 rows; explain one, or use compare for several"
    ),
    ("--logits", "2", "--target", "0"): (
        '--logits has only one number (2); give one number for each class: --logits "2,1,0.1"'
    ),
    ("--logits", "inf,1", "--target", "0"): (
        "--logits has inf; only -inf is allowed, and only in --logits, for an impossible class"
    ),
    ("--logits", "-inf,-inf", "--target", "0"): (
        "--logits makes every class impossible; at least one must be possible"
    ),
    ("--logits", "2,1", "--target", "2"): (
        "--target 2 is out of range; --logits has 2 classes, from 0 to 1"
    ),
    ("--logits", "2,1", "--target", "-1"): (
        "--target -1 is out of range; --logits has 2 classes, from 0 to 1"
    ),
    ("--logits", "2,1", "--target", "0.5"): (
        "--target: '0.5' is not a whole number; --logits has 2 classes, from 0 to 1. For a "
        "distribution use --labels"
    ),
    ("--logits", "2,1"): 'which class is true? Add --target 0, or --labels "0.7,0.2,0.1"',
    ("--logits", "2,1", "--labels", "1,0,0"): (
        "--labels has 3 numbers, --logits 2; give one for each class"
    ),
    ("--logits", "2,1", "--labels", "1,b"): (
        "--labels: 'b' (number 2 of 2) is not a number; write --labels \"0.7,0.2,0.1\""
    ),
    ("--logits", "2,1", "--labels", "inf,0"): (
        "--labels has inf; only -inf is allowed, and only in --logits, for an impossible class"
    ),
    ("--probs", "1.5,-0.5", "--target", "0"): (
        "--probs: 1.5 is not a probability, which lies between 0 and 1; use --logits "
        "for scores of any size"
    ),
    ("--probs", "0,0", "--target", "0"): (
        "--probs makes every class impossible; at least one must be possible"
    ),
    ("--probs", "--target", "0"): (
        "argument --probs: expected one argument; see tinygrad-xent explain --help"
    ),
    ("--probs", ".5,.5", "--logits", "1,2", "--target", "0"): (
        "argument --logits: not allowed with argument --probs; see tinygrad-xent explain --help"
    ),
    ("--target", "0"): 'which numbers? Add --logits "2,1,0.1", or --probs "0.7,0.2,0.1"',
    ("--labels", "1,0"): 'which numbers? Add --logits "2,1,0.1", or --probs "0.7,0.2,0.1"',
    (*HAND, "--labels", "1,0,0"): (
        "argument --labels: not allowed with argument --target; see tinygrad-xent explain --help"
    ),
    (*HAND, "--seed", "1"): (
        "--seed is for training on a table, --logits for a loss given by hand; use one of them"
    ),
    (*HAND, "--data", "t.csv"): (
        "--data is for training on a table, --logits for a loss given by hand; use one of them"
    ),
    ("--label", "y"): "--label names a column of --data FILE.csv, which is missing",
    ("--seed", "-3"): (
        "argument --seed: '-3' is not a whole number from 0 on; see tinygrad-xent explain --help"
    ),
    ("--seed", "x"): (
        "argument --seed: 'x' is not a whole number from 0 on; see tinygrad-xent explain --help"
    ),
    ("--data", "missing.csv", "--label", "y"): (
        "missing.csv: cannot be read (No such file or directory); check the path"
    ),
    ("--data", "t.csv"): (
        "t.csv: name the column to predict with --label, or give its number, -1 for the last; the "
        "columns are 'x', 'y'"
    ),
    ("--data", "t.csv", "--label", "Y"): "t.csv: has no column 'Y'; did you mean 'y'?",
    ("--out", "e.pdf"): (
        "--out e.pdf: unknown ending '.pdf'; end the name in .svg, .png, .dot, .html, .json"
    ),
    ("--out", "e"): "--out e: no ending; end the name in .svg, .png, .dot, .html, .json",
    ("--out", ""): "--out .: no ending; end the name in .svg, .png, .dot, .html, .json",
    ("--out", "no/e.svg"): "--out no/e.svg: there is no directory 'no'; make it first",
    ("--out", "d.svg"): "--out d.svg: is a directory; name a file in it",
    ("--frob",): "unrecognized arguments: --frob; see tinygrad-xent --help",
    ("--logits", "2,", "1,", "0.1", "--target", "0"): (
        'unrecognized arguments: 1, 0.1: numbers stand in quotes, as in --logits "2, 1, 0.1"; see '
        "tinygrad-xent --help"
    ),
    ("--data",): "argument --data: expected one argument; see tinygrad-xent explain --help",
}


@pytest.mark.parametrize(("argv", "message"), REFUSALS.items(), ids=map(" ".join, REFUSALS))
def test_bad_input_gets_one_line(capsys, monkeypatch, folder, argv, message):
    def train(*_, **__):
        pytest.fail("this must be found before the training")

    monkeypatch.setattr("tinygrad_xent.commands.explain.explanation.train", train)
    (folder / "t.csv").write_text(TABLE)
    (folder / "d.svg").mkdir()
    assert run(*argv) == 2
    assert capsys.readouterr() == ("", f"tinygrad-xent: error: {message}\n")
    assert sorted(path.name for path in folder.iterdir()) == ["d.svg", "t.csv"], "nothing written"


def test_a_subcommand_that_there_is_not(capsys):
    assert cli.main(["expalin"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("tinygrad-xent: error: argument COMMAND: invalid choice: 'expalin' (")


@pytest.mark.parametrize("ending", [".svg", ".json"])
def test_a_place_that_is_not_writable(capsys, monkeypatch, folder, ending):
    def refuse(path, *_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "touch", refuse)
    assert run(*HAND, "--out", f"e{ending}") == 2
    assert capsys.readouterr().err == (
        f"tinygrad-xent: error: --out e{ending}: cannot be written (Permission denied); choose "
        "another place with --out\n"
    )
    assert list(folder.iterdir()) == []


def test_what_stands_at_out_is_kept_when_something_is_wrong(folder, capsys):
    (folder / "e.svg").write_text("mine")
    assert run("--logits", "2,x", "--target", "0", "--out", "e.svg") == 2
    assert (folder / "e.svg").read_text() == "mine"
    assert run(*HAND, "--out", "e.svg") == 0
    assert (folder / "e.svg").read_text().startswith("<svg")


def test_messages_show_control_characters(capsys):
    assert run("--data", "a\x1b[31m\n.csv", "--label", "y") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert r"a\x1b[31m\n.csv: cannot be read (No such file" in line
    assert run("--frob\x1b[31m\n") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert r"--frob\x1b[31m\n; see" in line


def test_an_interrupt_is_quiet(capsys, monkeypatch, folder):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("tinygrad_xent.commands.explain.explain_numbers", interrupted)
    assert run(*HAND) == 130
    assert capsys.readouterr() == ("", "")
    assert list(folder.iterdir()) == []


# -- streams ---------------------------------------------------------------------------------


class Terminal:
    """A standard output that is a terminal."""

    encoding = "utf-8"

    def __init__(self):
        self.text = ""

    def isatty(self):
        return True

    def write(self, text):
        self.text += text

    def flush(self):
        pass


@pytest.mark.parametrize(
    ("argv", "environment", "coloured"),
    [
        ([], {}, True),
        (["--no-color"], {}, False),
        ([], {"NO_COLOR": "1"}, False),
        ([], {"NO_COLOR": ""}, True),
        ([], {"TERM": "dumb"}, False),
    ],
)
def test_colours_only_where_they_are_wanted(monkeypatch, argv, environment, coloured):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert run(*HAND, *argv) == 0
    assert ("\x1b[" in terminal.text) is coloured


def test_closed_streams(monkeypatch, folder):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert run(*HAND) == 0
    assert run("--frob") == 2
    assert (folder / "explained.html").exists()


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(tinygrad_xent.__file__).parents[1])}


def command(*argv, env=None, stdout=subprocess.PIPE):
    words = [sys.executable, "-W", "error", "-m", "tinygrad_xent", *argv]
    environment = {**ENVIRONMENT, **(env or {})}
    return subprocess.Popen(words, stdout=stdout, stderr=subprocess.PIPE, env=environment)


def test_a_reader_that_stops_early_is_no_error(folder):
    process = command("explain", *HAND)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0
    assert (folder / "explained.html").exists()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_poor_encodings_get_ascii(encoding):
    process = command("explain", *HAND, "--full", env={"PYTHONIOENCODING": encoding})
    shown, silent = process.communicate()
    assert (process.returncode, silent) == (0, b"")
    assert shown.isascii()
    assert b"dlogits_of_p_i = dloss (p_i - [i = t])" in shown
    assert b"\nloss = -ln p[0] = -ln 0.659 = 0.417\n" in shown


def test_a_full_disk_behind_the_standard_output():
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with full.open("wb") as stream:
        process = command("explain", *HAND, stdout=stream)
        _, said = process.communicate()
    assert process.returncode == 2
    assert said == b"tinygrad-xent: error: the report cannot be printed (No space left on device)\n"


def test_the_command_is_imported_without_what_it_may_not_need():
    script = (
        "import sys, tinygrad_xent.commands.cli\n"
        "heavy = {'tqdm', 'graphviz', 'latex2mathml', 'csv', 'gzip', 'subprocess'}\n"
        "parts = {'tinygrad_xent.commands.explain.explanation', *heavy}\n"
        "print(*parts & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=ENVIRONMENT
    )
    assert done.stdout.split() == []

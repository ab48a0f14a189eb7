"""A teacher's class: the list of names, platforms' files and tables, delays, shares, likeness."""

from __future__ import annotations

import csv
import json
import os
import unicodedata
import zipfile
from datetime import datetime

import pytest
from hostile import RIGHT

from tinygrad_xent.commands import cli
from tinygrad_xent.commands.grade import _late
from tinygrad_xent.errors import UsageError
from tinygrad_xent.teaching.grading.alike import alike, definitions_in
from tinygrad_xent.teaching.grading.submissions import whose
from tinygrad_xent.teaching.roster import matched, read_roster

NAME = "square_backward"
MOODLE = """\
Identifier,"Full name","Email address",Status,Grade,"Maximum grade","Last modified (submission)"
"Participant 4711","Ann Lee",ann@uni.example,Submitted,,1.00,-
"Participant 4712","José Núñez",jose@uni.example,Submitted,,1.00,-
"Participant 4713","Bo Ek",bo@uni.example,"No submission",,1.00,-
"""
CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Old work (1)
    Points Possible,,,,,10
"Lee, Ann",12345,s1,ann.lee,A,9
"Ek, Bo",12346,s2,bo.ek,A,
"Student, Test",9,,,A,
"""


def table(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def run(tmp_path, capsys):
    """Grade files given by name; return the status, the lines of complaint, and a reader."""

    def graded(files, *argv, roster=None, status=0):
        for name, content in files.items():
            path = tmp_path / "all" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        options = ["--out", str(tmp_path / "g.csv"), "--exercises", NAME, "--jobs", "2", *argv]
        if roster:
            (tmp_path / "list.csv").write_text(roster, "utf-8")
            options += ["--roster", str(tmp_path / "list.csv")]
        assert cli.main(["grade", str(tmp_path / "all"), *options]) == status
        return lambda name: tmp_path / f"g{name}"

    return graded


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Ann Lee_4711_assignsubmission_file_", ("Ann Lee", "4711")),
        ("Ann Lee_4711_assignsubmission_file_hw_1", ("Ann Lee", "4711")),
        ("A_b_4711_assignsubmission_onlinetext_", ("A_b", "4711")),
        ("leeann_12345_678_homework", ("leeann", "12345")),
        ("leeann_LATE_12345_678_hw-2", ("leeann", "12345")),
        ("ann", ("ann", "")), ("ann_lee", ("ann_lee", "")), ("week_5", ("week_5", "")),
    ],
)  # fmt: skip
def test_names_of_platforms(name, found):
    assert whose(name) == found


def test_moodle(run):
    files = {
        "Ann Lee_4711_assignsubmission_file_/hw.py": RIGHT,
        "José Núñez_4712_assignsubmission_file_hw.py": "x = 1",
        "Zoe_9_assignsubmission_file_/hw.py": RIGHT,
    }
    made = run(files, "--upload", "moodle", roster=MOODLE)
    students = table(made("-students.csv"))
    assert [(s["student"], s["id"], s["total"], s["percent"], s["status"]) for s in students] == [
        ("Ann Lee", "4711", "1", "100", "graded"),
        ("José Núñez", "4712", "0", "0", "graded"),
        ("Bo Ek", "4713", "0", "0", "missing"),
        ("Zoe", "9", "1", "100", "not on the list"),
    ]
    uploaded = table(made("-upload.csv"))
    assert list(uploaded[0]) == next(csv.reader(MOODLE.splitlines()))
    assert [(row["Identifier"], row["Grade"]) for row in uploaded] == [
        ("Participant 4711", "1"), ("Participant 4712", "0"), ("Participant 4713", "0")
    ]  # fmt: skip
    summary = made("-summary.html").read_text()
    assert "4 students: 2 graded, 1 missing, 1 not on the list." in summary
    assert "Zoe" in summary.partition("Not on the list")[2]


def test_who_is_not_on_the_list_and_what_to_upload_is_told(run, capsys):
    files = {"Ann Lee_4711_assignsubmission_file_/hw.py": RIGHT, "zoe.py": RIGHT}
    made = run(files, "--upload", "moodle", roster=MOODLE)
    told = capsys.readouterr()
    assert told.err.splitlines() == ["not on the list: zoe"]
    assert told.out.endswith(f"To upload: {made('-upload.csv')}\n")
    run({})
    told = capsys.readouterr()
    assert (told.err, "To upload" in told.out) == ("", False)


@pytest.mark.parametrize(
    ("inside", "is_class"),
    [
        (["Ann Lee_4711_assignsubmission_file_/a.py", "Bo Ek_4713_assignsubmission_file_/"], True),
        (["Ann Lee_1_assignsubmission_file_a.py", "Ann Lee_2_assignsubmission_file_a.py"], True),
        (["leeann_12345_1_hw.py", "ekbo_LATE_12346_2_hw-1.ipynb"], True),
        (["leeann_12345_1_hw.py", "leeann_12345_2_hw-1.py"], False),
        (["leeann_12345_1_hw.py", "data.csv"], False),
        (["Ann Lee_4711_assignsubmission_file_/a.py"], False),
        (["hw/a.py", "hw/b.py"], False), ([".", "a.py"], False),
    ],
)  # fmt: skip
def test_a_download_that_is_still_packed_is_nobodys_work(run, tmp_path, capsys, inside, is_class):
    (tmp_path / "all").mkdir()
    with zipfile.ZipFile(tmp_path / "all" / "week5.zip", "w") as packed:
        for name in inside:
            packed.writestr(f"{name}a.py" if name.endswith("/") else name, RIGHT)
    made = run({}, status=int(is_class))
    words = "week5.zip is the download of a class; unpack it, and name that folder"
    assert (words in capsys.readouterr().err) is is_class
    assert [row["score"] for row in table(made(".csv"))] == ["0" if is_class else "1"]


def test_canvas(run):
    files = {
        "leeann_12345_1_hw.py": "def square_backward(grad, y, x): return x",
        "leeann_LATE_12345_2_hw-1.py": RIGHT,
    }
    made = run(files, "--upload", "canvas", "--title", "Week 5", roster=CANVAS)
    with made("-upload.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    assert lines == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Week 5"],
        ["Points Possible", "", "", "", "", "1"],
        ["Lee, Ann", "12345", "s1", "ann.lee", "A", "1"],
        ["Ek, Bo", "12346", "s2", "bo.ek", "A", "0"],
    ]


def test_two_of_one_name_are_two(run, tmp_path):
    files = {"Ann_1_assignsubmission_file_/a.py": RIGHT, "Ann_2_assignsubmission_file_/a.py": "",
             "Ann_2_assignsubmission_file_b.py": ""}  # fmt: skip
    roster = "name,id\nAnn,2\nAnn,1\nAnn,3\n"
    made = run(files, roster=roster)
    students = table(made("-students.csv"))
    assert [(s["id"], s["total"], s["status"]) for s in students] == [
        ("2", "0", "graded"), ("1", "1", "graded"), ("3", "0", "missing")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "roster",
    [
        "name\nAnn Lee\n", "Name;E-Mail\nLee, Ann;x@y\n", "First name,Last name\nAnn,Lee\n",
        "\ufeffname,id\r\nANN  LEE,4\r\n", "sep=;\nname;id\nAnn Lee;4\n",
        "name,email\nX,ann.lee@uni.example\n",
    ],
)  # fmt: skip
def test_a_list_by_other_words(tmp_path, roster):
    path = tmp_path / "list.csv"
    path.write_text(roster, "utf-8")
    people = read_roster(path)
    for student in ("Ann Lee", "ann_lee", "leeann" if "X" not in roster else "annlee", "ann.lee"):
        ((person, record),) = matched(people, {student: {"student": student}})
        assert (person, record) == (people[0], {"student": student})


@pytest.mark.parametrize("coding", ["latin-1", "cp1252", "utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_a_list_in_other_codings(tmp_path, coding, between):
    names = ["José Núñez", "Jürgen Groß", "Žižek" if coding != "latin-1" else "Æsa"]
    rows = "".join(f"{name}{between}{i}\r\n" for i, name in enumerate(names))
    (tmp_path / "list.csv").write_bytes(f"name{between}id\r\n{rows}".encode(coding))
    assert [person.name for person in read_roster(tmp_path / "list.csv")] == names


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("roster", ["name,id\n{},4\n{},5\n", "name,email\n{},a@x.y\n{},b@x.y\n"])
def test_the_folders_of_a_handout_come_back(tmp_path, roster, form):
    path = tmp_path / "list.csv"
    path.write_text(roster.format("José O'Neil", "José O'Neil"), "utf-8")
    people = read_roster(path)
    records = {unicodedata.normalize(form, p.folder): {"id": ""} for p in reversed(people)}
    assert len(records) == 2
    found = [record for _, record in matched(people, records)]
    assert [id(record) for record in found] == [id(r) for r in reversed(records.values())]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no names; its first line must name the columns: name, id, email"),
        (b"a,b\n1,2\n", "holds no names"),
        (b"PK\x03\x04" + bytes(range(256)) * 99, "holds no names"),  # a spreadsheet
        (b"name\n" + b"a" * 200_000, "holds no names"),
        (None, r"cannot be read \(No such file or directory\)"),
    ],
)
def test_what_is_no_list(tmp_path, content, words):
    if content is not None:
        (tmp_path / "list.csv").write_bytes(content)
    with pytest.raises(UsageError, match=words):
        read_roster(tmp_path / "list.csv")


# -- marks -----------------------------------------------------------------------------------


def test_late_work(run, tmp_path):
    files = {f"{name}.py": RIGHT for name in ("early", "day", "week", "month")}
    due = datetime(2026, 11, 27, 18, 0).astimezone().timestamp()
    run(files)
    for name, days in (("early", -0.1), ("day", 0.01), ("week", 6.5), ("month", 30)):
        os.utime(tmp_path / "all" / f"{name}.py", (due + days * 86400,) * 2)
    made = run({}, "--deadline", "2026-11-27 18:00", "--late", "10%/day")
    students = {s["student"]: (s["days late"], s["total"]) for s in table(made("-students.csv"))}
    assert students == {
        "early": ("0", "1"), "day": ("1", "0.9"), "week": ("7", "0.3"), "month": ("30", "0")
    }  # fmt: skip
    made = run({}, "--deadline", "2026-11-27 18:00", "--late", "20%")
    assert [s["total"] for s in table(made("-students.csv"))] == ["0.8", "1", "0.8", "0.8"]
    for name in ("day", "month"):  # graded before there was a deadline
        assert "late: 80 % of the points count." in made(f"-feedback/{name}.html").read_text()
    assert "late" not in made("-feedback/early.html").read_text()


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("10%/day", (0.1, True)), ("10% per day", (0.1, True)), ("-5 % a day", (0.05, True)),
        ("10%/d", (0.1, True)), ("12.5 percent each day", (0.125, True)), ("2,5%", (0.025, False)),
        ("20%", (0.2, False)), ("-5%", (0.05, False)), ("100%", (1, False)), ("0%", (0, False)),
    ],
)  # fmt: skip
def test_rules_as_people_write_them(rule, expected):
    off, daily = _late(rule)
    assert (off, daily) == (pytest.approx(expected[0]), expected[1])


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("10", "'10' is not a rule; write \"10%/day\" or \"20%\""),
        ("ten", "is not a rule"), ("10%/week", "is not a rule"), ("", "is not a rule"),
        ("200%/day", "'200%/day' takes off more than there is; write at most 100%"),
    ],
)  # fmt: skip
def test_rules_that_are_none(run, capsys, rule, words):
    run({"a.py": RIGHT}, "--deadline", "2026-11-27", "--late", rule, status=2)
    assert words in capsys.readouterr().err


def test_a_rule_that_begins_with_a_minus(run):
    made = run({"a.py": RIGHT}, "--deadline", "2020-01-01", "--late", "-5%")
    assert table(made("-students.csv"))[0]["total"] == "0.95"


def test_a_share_of_the_point(run):
    half = f"def {NAME}(grad, y, x): return 2 * x * grad if x.ndim else 0 * x"
    made = run({"a.py": half, "b.py": RIGHT, "c.py": f"def {NAME}(g, y, x): return 7 * x"})
    assert [row["score"] for row in table(made(".csv"))] == ["0", "1", "0"]
    made = run({}, "--partial")
    a, b, c = (float(row["score"]) for row in table(made(".csv")))
    assert (0.5 < a < 1, b, c) == (True, 1, 0)
    assert table(made("-students.csv"))[0]["total"] == f"{a:g}"


def test_one_exercise_is_graded_again(run, tmp_path, capsys):
    both = ("--exercises", f"{NAME} chain_rule")
    made = run({"ann.py": RIGHT, "bo.py": RIGHT}, *both)
    before = table(made(".csv"))
    capsys.readouterr()
    run({}, *both, "--regrade", "chain_rule")
    assert capsys.readouterr().out.startswith("2 of 2 submissions graded now, 0 before;")
    after = table(made(".csv"))
    for old, new in zip(before, after, strict=True):
        assert (old["seed"] == new["seed"]) is (old["exercise"] == NAME)
    run({}, *both)
    assert capsys.readouterr().out.startswith("0 of 2 submissions graded now, 2 before;")
    run({"ann.py": "x = 1"}, *both)
    assert [row["score"] for row in table(made(".csv"))] == ["0", "0", "1", "0"]


def test_only_what_is_asked_for_is_graded_again(run, capsys):
    run({"a.py": RIGHT}, "--regrade", f"{NAME},chain_rule", status=2)
    assert "--regrade: chain_rule is not among --exercises; add it" in capsys.readouterr().err


@pytest.mark.parametrize("head", ["Maximum grade", "Maximum Grade", "Other"])
@pytest.mark.parametrize(("most", "top"), [("100.00", "100"), ("7,5", "7.5"), ("", "1")])
def test_moodle_gets_a_share_of_what_its_assignment_counts(run, head, most, top):
    roster = f'Identifier,Full name,Grade,{head}\nParticipant 7,a,,"{most}"\n'
    (row,) = table(run({"a.py": RIGHT}, "--upload", "moodle", roster=roster)("-upload.csv"))
    assert row == {
        "Identifier": "Participant 7", "Full name": "a", head: most,
        "Grade": "1" if head == "Other" else top,
    }  # fmt: skip


def test_upload_needs_a_list(run):
    run({"a.py": RIGHT}, "--upload", "moodle", status=2)


@pytest.mark.parametrize(("kind", "head"), [("moodle", "Identifier"), ("canvas", "Student")])
def test_upload_needs_the_list_of_the_platform(run, capsys, kind, head):
    made = run({"a.py": RIGHT}, "--upload", kind, roster="name,id\na,1\n", status=2)
    words = f"list.csv has no column '{head}'; give --roster the list that the platform exports, "
    assert f"{words}in English" in capsys.readouterr().err
    assert not made("-students.csv").exists()  # nothing has been graded


# -- alike -----------------------------------------------------------------------------------

LONG = """
def softmax_backward(grad, y, x, *, axis):
    '''My own.'''
    total = 0
    for part in range(y.shape[axis]):
        piece = np.take(grad, [part], axis) * np.take(y, [part], axis)
        total = total + piece
    return y * (grad - total)
"""


def test_alike_beyond_names_and_order(run):
    other = LONG.replace("total", "s").replace("piece", "q").replace("'My own.'", "'No.'")
    files = {
        "ann.py": f"import numpy as np\n{LONG}",
        "bo.py": f"import numpy as n\ndef helper(): pass\n{other.replace('np.', 'n.')}",
        "cy.py": f"import numpy as np\n{LONG.replace('grad - total', 'grad + total')}",
    }
    made = run(files)
    page = made("-summary.html").read_text()
    assert "ann: ann.py, cell 1, lines 3 to 9; bo: bo.py, cell 1, lines 4 to 10" in page
    assert "cy:" not in page


def test_what_many_share_or_is_short_is_nobodys():
    records = [
        {"student": str(i), "definitions": list(definitions_in([LONG, RIGHT], "a.py"))}
        for i in range(4)
    ]
    assert alike(records) == []
    assert len(alike(records[:3])) == 1  # the short one is not among them
    assert list(definitions_in(["def f(:", "(" * 9999, "\0"], "a.py")) == []


def test_the_summary_shows_one_of_several_mistakes_of_a_kind(run, tmp_path):
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "essay.pdf").write_text("")
    files = {f"{i}.py": f"def {NAME}(grad, y, x): return {i} * x * grad" for i in (5, 7)}
    page = run(files, status=1)("-summary.html").read_text()
    assert "2 students, one of them:" in page
    assert "3 students: 2 graded, 1 could not be graded." in page


def test_the_summary_tells_the_commonest_mistakes_without_names(run, tmp_path):
    files = {f"student{i}.py": f"def {NAME}(grad, y, x): return 2 * x" for i in range(3)}
    made = run({**files, "dee.py": f"def {NAME}(grad, y, x): return None", "quentin.py": RIGHT})
    page = made("-summary.html").read_text()
    mistakes = page[page.index("commonest mistakes") : page.index("Who needs help")]
    assert "3 students:" in mistakes
    assert "is not used" in mistakes
    assert "student:<" in mistakes  # that of dee
    assert "student0" not in mistakes
    assert all(name in page for name in ("student0", "student2", "dee"))
    assert "quentin" not in page
    record = json.loads((tmp_path / "g-feedback" / "dee.json").read_text())
    assert record["results"]["square_backward"]["share"] == 0
    feedback = (tmp_path / "g-feedback" / "dee.html").read_text()
    assert "To read next: lesson 3, The backward rule" in feedback


# -- pages -----------------------------------------------------------------------------------


def test_pages_packed_for_moodle(run, tmp_path):
    """Its own import of feedback takes a folder's name apart at the first four underscores."""
    roster = MOODLE + '"Participant 4714","A_b / Cd",ab@uni.example,Submitted,,1.00,-\n'
    files = {
        "Ann Lee_4711_assignsubmission_file_/hw.py": RIGHT,
        "José Núñez_4712_assignsubmission_file_hw.py": "x = 1",
        "4714.py": RIGHT,
        "Zoe_9_assignsubmission_file_/hw.py": RIGHT,
    }
    made = run(files, "--upload", "moodle", roster=roster)
    with zipfile.ZipFile(made("-feedback.zip")) as packed:
        pages = {name: packed.read(name).decode() for name in packed.namelist()}
    found = {name.split("_", 4)[1]: name for name in pages}
    assert found == {
        "4711": "Ann Lee_4711_assignsubmission_file_/feedback.html",
        "4712": "José Núñez_4712_assignsubmission_file_/feedback.html",
        "4714": "A b Cd_4714_assignsubmission_file_/feedback.html",
        "9": "Zoe_9_assignsubmission_file_/feedback.html",
    }
    assert all(name.split("_", 4)[2:4] == ["assignsubmission", "file"] for name in pages)
    assert pages[found["4711"]] == (tmp_path / "g-feedback" / "Ann Lee.html").read_text("utf-8")
    run({}, roster=MOODLE)  # the packed pages are no submission, either
    assert len(table(made(".csv"))) == 4


def test_a_wrong_answer_is_shown_as_a_graph_and_a_right_one_is_not(run):
    made = run({"a.py": f"def {NAME}(grad, y, x): return 2 * x", "b.py": RIGHT})
    wrong, right = (made(f"-feedback/{name}.html").read_text("utf-8") for name in "ab")
    assert '<img alt="The graph of what square_backward computes"' in wrong
    assert "What your <code>square_backward</code> computes" in wrong
    assert "<img" not in right
    assert "<img" not in made("-summary.html").read_text("utf-8")

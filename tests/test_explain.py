"""The main job: tables, classifier, explanation, report, page, data."""

from __future__ import annotations

import gzip
import json
import re
import stat
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent import errors
from tinygrad_xent.commands.by_hand import explain_numbers
from tinygrad_xent.commands.explain import FORMS, content
from tinygrad_xent.commands.explain.classifier import network, train
from tinygrad_xent.commands.explain.explanation import explain_table
from tinygrad_xent.commands.explain.report import (
    art,
    decimal,
    page,
    report,
    shortened,
)
from tinygrad_xent.commands.explain.tables import read_table
from tinygrad_xent.commands.streams import Style, ascii_text, check_output, write_output
from tinygrad_xent.visualization.files import check_writable, write_whole

EVIL = "<b>&\"'</td>\x1b[31m"


def write(path, explanation) -> None:
    write_output(path, content(path.suffix.lower(), explanation))


def text_of(explanation) -> str:
    return "\n".join(report(explanation, Style(), full=True))


# -- tables ----------------------------------------------------------------------------------

FLOWERS = """\
length,width,species
1.5,0.2,b
4.7,1.4,a
5.9,2.1,c
1.4,0.2,b
4.5,1.5,a
6.1,2.5,c
"""


def table_from(tmp_path, text, label="species", name="t.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path, label)


def test_a_table(tmp_path):
    table = table_from(tmp_path, FLOWERS)
    assert table.columns == ("length", "width")
    assert table.classes == ("a", "b", "c")
    assert table.labels.tolist() == [1, 0, 2, 1, 0, 2]
    assert table.features.dtype == np.float64
    assert table.features[1].tolist() == [4.7, 1.4]
    assert table.rows.tolist() == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    "text",
    [
        FLOWERS.replace(",", ";"),
        FLOWERS.replace(",", "\t"),
        FLOWERS.replace(",", " | "),
        FLOWERS.replace("\n", "\r\n"),
        "\ufeff" + FLOWERS,
        "\n\n" + FLOWERS.replace("\n", "\n\n") + ",,\n",
        FLOWERS.replace("species", ' "species" ').replace(",b", ', "b"').replace('"', ""),
        gzip.compress(FLOWERS.encode()),
    ],
)
def test_the_same_table_in_other_clothes(tmp_path, text):
    table, plain = table_from(tmp_path, text), table_from(tmp_path, FLOWERS)
    assert (table.columns, table.classes) == (plain.columns, plain.classes)
    np.testing.assert_array_equal(table.features, plain.features)
    np.testing.assert_array_equal(table.labels, plain.labels)


def test_the_label_shows_the_delimiter(tmp_path):
    text = "length,mm;width,mm;species\n" + "".join(f"{i};{i};{i % 2}\n" for i in range(6))
    assert table_from(tmp_path, text).columns == ("length,mm", "width,mm")


def test_labels_of_any_type(tmp_path):
    def classes(*labels):
        rows = "".join(f"{i},{label}\n" for i, label in enumerate(labels * 3))
        return table_from(tmp_path, "x,y\n" + rows, "y").classes

    assert classes("10", "9", "-1", "2.5") == ("-1", "2.5", "9", "10"), "numbers by their size"
    assert classes("10", "9", "x") == ("10", "9", "x"), "else as text"
    assert classes("True", "False") == ("False", "True")
    assert classes('"a, b"', '"c\nd"') == ("a, b", "c\nd")


BAD_TABLES = {
    "ragged": (
        FLOWERS.replace("4.5,1.5,a", "4.5,a"),
        "row 6 has 2 fields, the others have 3; give every row as many",
    ),
    "empty": ("", "is empty; it must have a header line and rows of numbers"),
    "blank": ("\n , ,\n", "is empty; it must have a header line and rows of numbers"),
    "header only": (
        "length,species\n",
        "column 'species' has 0 classes in 0 rows; a classifier needs rows of two classes at least",
    ),
    "one class": (
        re.sub("[abc]\n", "a\n", FLOWERS),
        "column 'species' has 1 class in 6 rows; a classifier needs rows of two classes at least",
    ),
    "too few rows": (
        "x,species\n1,a\n2,b\n",
        "column 'species' has 2 classes in 2 rows; choose a column with several rows of each class",
    ),
    "two rows of each": (
        "x,species\n1,a\n2,b\n3,a\n4,b\n",
        "column 'species' has 2 classes in 4 rows; a classifier needs 5 rows at least",
    ),
    "too many classes": (
        "x,species\n" + "".join(f"{i},{i / 7}\n" for i in range(20)),
        (
            "column 'species' has 20 classes in 20 rows; choose a column with several rows of each "
            "class"
        ),
    ),
    "only the label": (
        "species\na\nb\na\nb\na\n",
        "has no column besides the label; add columns of numbers to predict it from",
    ),
    "close name": (
        FLOWERS.replace("species", "Specie"),
        "has no column 'species'; did you mean 'Specie'?",
    ),
    "other name": (
        FLOWERS.replace("species", "kind"),
        "has no column 'species'; the columns are 'length', 'width', 'kind'",
    ),
    "no header": (
        "1,2,3\n4,5,6\n",
        (
            "has no column 'species'; it has no header, so give the number, such as --label -1 for "
            "the last"
        ),
    ),
    "no header, and a text label": (
        "5.1,3.5,setosa\n4.9,3.0,setosa\n",
        (
            "has no column 'species'; it has no header, so give the number, such as --label -1 for "
            "the last"
        ),
    ),
    "ragged without a header": (
        "1,2,3\n4,5,6\n7,8\n",
        "row 3 has 2 fields, the others have 3; give every row as many",
    ),
    "only text": (
        "name,species\n" + "".join(f"n{i},{'ab'[i % 2]}\n" for i in range(20)),
        "has no column to predict from; left out: 'name' (text, 20 values)",
    ),
    "a class that is lost": (
        FLOWERS + "1,1,a\n" * 9 + ",1,d\n",
        "a class has gaps in every row; choose other columns with --features",
    ),
    "two columns of the name": (
        FLOWERS.replace("width", "species"),
        "has 2 columns 'species'; give each column a name of its own",
    ),
    "spreadsheet": (
        b"PK\x03\x04....",
        "is a spreadsheet or zip archive, not a CSV file; export the sheet as CSV (UTF-8)",
    ),
    "damaged": (
        gzip.compress(FLOWERS.encode())[:30],
        "is damaged: its gzip compression does not unpack; copy or download it again",
    ),
    "one endless field": (
        'a,species\n"' + "x" * 200_000,
        (
            "cannot be split into fields (field larger than field limit (131072)); check its "
            "quotation marks"
        ),
    ),
}


@pytest.mark.parametrize(("text", "message"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_what_is_wrong_with_a_table(tmp_path, text, message):
    with pytest.raises(errors.TableError) as caught:
        table_from(tmp_path, text)
    assert str(caught.value) == f"{tmp_path / 't.csv'}: {message}"


NUMBERED = [(f"{i}", f"{i % 3}.{i}", f"-{i % 3}", "abc"[i % 3]) for i in range(12)]


@pytest.mark.parametrize(
    ("header", "first", "features"),
    [
        (",u,v,species", str, ("u", "v")),
        ("Unnamed: 0,u,v,species", str, ("u", "v")),
        (",u,v,species", lambda i: str(97 * int(i) % 31), ("u", "v")),  # shuffled
        ("id,u,v,species", str, ("u", "v")),
        ("flower_id,u,v,species", str, ("u", "v")),
        ("PassengerId,u,v,species", str, ("u", "v")),
        ("day,u,v,species", str, ("day", "u", "v")),  # it may tell something
        (",u,v,species", lambda i: f"{i}.5", ("", "u", "v")),
        ("id,u,v,species", lambda i: str(int(i) // 2), ("id", "u", "v")),  # numbers that repeat
    ],
)
def test_a_column_that_numbers_the_rows_is_not_a_feature(tmp_path, header, first, features):
    rows = [",".join((first(i), *cells)) for i, *cells in NUMBERED]
    table = table_from(tmp_path, "\n".join([header, *rows]) + "\n")
    assert table.columns == features
    assert table.features.shape == (12, len(features))
    assert any("numbers the rows" in note for note in table.notes) is (len(features) == 2)
    assert table.features[:, -2].tolist() == [float(cells[1]) for cells in NUMBERED]


def test_names_of_rows_as_r_writes_them(tmp_path):
    head, *rows = FLOWERS.splitlines()
    named = [f"flower {i},{row}" for i, row in enumerate(rows)]
    table = table_from(tmp_path, "\n".join([head, *named]))
    assert table.columns == ("length", "width")
    assert table.notes[0] == "Left out: '' (text, 6 values)."


HEADLESS = FLOWERS.partition("\n")[2]


@pytest.mark.parametrize("above", ["# by me\n", "My flowers\n\n", "sep=;\n", "a,b,c,d\ne,f\n"])
def test_lines_above_the_header_are_left_out(tmp_path, above):
    table = table_from(tmp_path, above + FLOWERS.replace(",", ";" if ";" in above else ","))
    assert table.columns == ("length", "width")
    assert table.notes[0].endswith("is unlike the others and left out.")
    assert table.notes[0].startswith(f"Row 1, '{above[0]}")


@pytest.mark.parametrize("first", [0, 1])
def test_numbers_may_be_the_names(tmp_path, first):
    names = ",".join(str(i + first) for i in range(3))
    table = table_from(tmp_path, f"{names}\n{HEADLESS}", "-1")
    assert table.columns == (str(first), str(first + 1))
    assert table.classes == ("a", "b", "c")


@pytest.mark.parametrize(
    "written", ["{}%", "${}", "{} €", " {} ", '"{}"', '" {} "'], ids=lambda text: text.strip()
)
def test_numbers_with_a_unit(tmp_path, written):
    table = column(tmp_path, [written.format(2.5)] * 24)
    assert table.features[:, 2].tolist() == [2.5] * 24


def test_thousands_are_apart_by_commas(tmp_path):
    table = column(tmp_path, ['"1,234,567.5"', '"-12,000"'] * 12)
    assert table.features[:2, 2].tolist() == [1234567.5, -12000]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_other_encodings(tmp_path, encoding):
    text = FLOWERS.replace("species", "größe").replace("a\n", "ä\n")
    table = table_from(tmp_path, text.encode(encoding), "größe")
    assert table.classes == ("b", "c", "ä")
    said = "Line 1 is not UTF-8: the file is read as Windows-1252."
    assert (said in table.notes) is (encoding == "cp1252")


@pytest.mark.parametrize("label", ["-1", "3", "+3"])
@pytest.mark.parametrize("odd", ["", "6,2,a,b,c\n", "6,two,x\n"])
def test_no_header_is_noticed(tmp_path, label, odd):
    table = table_from(tmp_path, odd + HEADLESS, label)
    plain = table_from(tmp_path, FLOWERS)
    assert (table.columns, table.label) == (("1", "2"), "3")
    np.testing.assert_array_equal(table.features, plain.features)
    np.testing.assert_array_equal(table.labels, plain.labels)
    assert table.rows.tolist() == [i + 1 + bool(odd) for i in range(6)]
    assert table.notes[0] == "No header: the columns are numbered from 1 to 3."
    assert any("is unlike the others and left out" in note for note in table.notes) is bool(odd)


@pytest.mark.parametrize(("label", "name"), [("1", "length"), ("-3", "length"), ("-1", "species")])
def test_a_column_may_be_given_by_its_number(tmp_path, label, name):
    text = FLOWERS.replace("5.9", "4.7").replace("6.1", "1.5").replace("1.4,0", "1.5,0")
    assert table_from(tmp_path, text.replace("4.5,1.5", "4.7,1.5"), label).label == name


@pytest.mark.parametrize("label", ["0", "4", "-4"])
def test_a_number_of_no_column(tmp_path, label):
    with pytest.raises(
        errors.TableError, match=f"no column '{label}'; they are numbered from 1 to 3"
    ):
        table_from(tmp_path, FLOWERS, label)


def test_a_name_that_is_a_number(tmp_path):
    table = table_from(tmp_path, FLOWERS.replace("length", "2").replace("width", "1"), "species")
    assert table.columns == ("2", "1")


def column(tmp_path, cells, name="new", features=None):
    """Read a table of flowers with one more column; several times as long."""
    head, *rows = (FLOWERS + HEADLESS * 3).splitlines()
    rows = [f"{row},{cell}" for row, cell in zip(rows, cells, strict=True)]
    (tmp_path / "t.csv").write_text("\n".join([f"{head},{name}", *rows]))
    return read_table(tmp_path / "t.csv", "species", features)


CHOOSE = "Choose the columns with --features NAME,NAME."


def test_text_of_few_values_becomes_columns_of_0_and_1(tmp_path):
    table = column(tmp_path, ["red", "blue"] * 12)
    assert table.columns == ("length", "width", "new=blue", "new=red")
    assert table.features[:3, 2:].tolist() == [[0, 1], [1, 0], [0, 1]]
    assert table.notes == ("Each value of 'new' became a column of 0 and 1.", CHOOSE)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([f"n{i}" for i in range(24)], "text, 24 values"),
        ([f"2020-01-{1 + i % 3}" for i in range(24)], "dates"),
        ([f"2020/1/{1 + i % 3} 10:00" for i in range(24)], "dates"),
        ([f"Jan {1 + i % 3} 2000" for i in range(24)], "dates"),
        (["", "NA", "?", "nan"] * 5 + ["1", "2", "3", "4"], "mostly empty"),
        (["", "NA", "None", "-"] * 6, "empty"),
    ],
)
def test_what_is_left_out(tmp_path, cells, reason):
    table = column(tmp_path, cells)
    assert table.columns == ("length", "width")
    assert table.notes == (f"Left out: 'new' ({reason}).", CHOOSE)
    if reason == "empty":
        with pytest.raises(errors.TableError, match=r"no column to predict from; .*'new' \(empty"):
            column(tmp_path, cells, features="new")
    else:
        chosen = column(tmp_path, cells, features="new")
        assert {name.partition("=")[0] for name in chosen.columns} == {"new"}


def test_features_are_chosen_by_name_or_number(tmp_path):
    table = column(tmp_path, ["1"] * 24, name='"a, b"', features='"a, b", 1')
    assert table.columns == ("a, b", "length")
    assert column(tmp_path, ["1"] * 24, features="width").columns == ("width",)
    with pytest.raises(errors.TableError, match="--features has the label 'species'; leave it out"):
        column(tmp_path, ["1"] * 24, features="width,species")
    with pytest.raises(errors.TableError, match="--features names no column; leave it out to use"):
        column(tmp_path, ["1"] * 24, features="")
    with pytest.raises(errors.TableError, match="no column 'widht'; did you mean 'width'"):
        column(tmp_path, ["1"] * 24, features="widht")
    rows = "".join(f"{i},v{i},{i % 2}\n" for i in range(201))
    (tmp_path / "t.csv").write_text(f"x,v,y\n{rows}")
    with pytest.raises(errors.TableError, match="text of 201 values; take it out of --features"):
        read_table(tmp_path / "t.csv", "y", "v")


def test_two_columns_of_one_name_are_told_apart(tmp_path):
    assert column(tmp_path, ["1"] * 24, name="width").columns == (
        "length",
        "width (2)",
        "width (4)",
    )


@pytest.mark.parametrize("gap", ["", "NA", "nan", "inf", "-1e200", "n/a", "?"])
def test_few_rows_with_gaps_are_left_out(tmp_path, gap):
    table = column(tmp_path, ["1", gap, *"2" * 22])
    assert table.features.shape == (23, 3)
    assert table.rows.tolist() == [2, *range(4, 26)]
    assert "Left out: 1 row with gaps in 'new'." in table.notes
    odd = f"Counted as gaps, for they are not numbers: '{gap}' ('new', row 3)."
    assert (odd in table.notes) is ("inf" in gap or "e" in gap)


def test_many_gaps_are_filled(tmp_path):
    table = column(tmp_path, ["1", "", "4", "4"] * 6)
    assert table.features[:4, 2].tolist() == [1, 3, 4, 4]
    assert "Filled with the mean of the column: 6 rows with gaps in 'new'." in table.notes
    table = column(tmp_path, ["a", "", "b", "b"] * 6)
    np.testing.assert_allclose(table.features[:2, 2:], [[1, 0], [1 / 3, 2 / 3]])


def test_rows_without_a_label_are_left_out(tmp_path):
    table = table_from(tmp_path, FLOWERS + "1,2,\n3,4,NaN\n")
    assert table.features.shape == (6, 2)
    assert table.notes == ("2 rows without a label left out.", CHOOSE)


def test_a_word_among_numbers_is_a_gap(tmp_path):
    table = column(tmp_path, [*"12" * 11, "3", "tall"])
    assert table.features.shape == (23, 3)
    assert "Counted as gaps, for they are not numbers: 'tall' ('new', row 25)." in table.notes


@pytest.mark.parametrize("mark", [";", "\t", "|"])
@pytest.mark.parametrize("header", [True, False])
def test_decimal_commas(tmp_path, mark, header):
    text = (FLOWERS if header else HEADLESS).replace(",", mark).replace(".", ",")
    table = table_from(tmp_path, text, "species" if header else "-1")
    np.testing.assert_array_equal(table.features, table_from(tmp_path, FLOWERS).features)
    assert table.notes[0] == "Decimal commas are read as points."


def test_decimal_commas_need_not_stand_in_the_last_row(tmp_path):
    rows = "1,5;a\n2,25;b\n-3,5;a\n4;b\n1,125;a\n6;b\n"
    table = table_from(tmp_path, "x;k\n" + rows, "k")
    assert table.features[:, 0].tolist() == [1.5, 2.25, -3.5, 4, 1.125, 6]


def test_commas_apart_by_thousands_are_not_decimal(tmp_path):
    rows = "".join(f"1,{i}00\t{'ab'[i % 2]}\n" for i in range(6))
    assert table_from(tmp_path, "x\tk\n" + rows, "k").features[:, 0].tolist() == [
        1000.0 + 100 * i for i in range(6)
    ]


def test_a_number_of_the_table_is_not_taken_for_the_columns(tmp_path):
    rows = [f"-1,{i};-{i},5;{'ab'[i % 2]}" for i in range(10)]  # split at commas, a field is -1
    table = table_from(tmp_path, "x;y;k\n" + "\n".join(rows), "-1")
    assert (table.label, table.columns) == ("k", ("x", "y"))


def test_columns_apart_by_spaces(tmp_path):
    table = table_from(tmp_path, FLOWERS.replace(",", "   "))
    assert table.columns == ("length", "width")


def test_what_needs_a_library_says_so(tmp_path, monkeypatch):
    for library in ("pandas", "polars"):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(errors.TableError, match="needs pandas or polars: pip install polars, or"):
        table_from(tmp_path, b"PAR1", name="t.parquet")


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("ending", ["parquet", "json"])
def test_pandas_and_polars_give_the_same(tmp_path, monkeypatch, library, ending):
    module = pytest.importorskip(library, reason=f"{library} is not installed")
    gaps = FLOWERS.replace("4.5", "") * 1 + HEADLESS * 3
    plain = table_from(tmp_path, gaps)
    frame = module.read_csv(tmp_path / "t.csv")
    path = tmp_path / f"t.{ending}"
    try:
        if library == "polars":
            getattr(frame, f"write_{ending}")(path)
        elif ending == "json":
            frame.to_json(path, orient="records")
        else:
            frame.to_parquet(path)
    except ImportError:
        pytest.skip("pandas needs pyarrow to write this")
    monkeypatch.setitem(sys.modules, {"pandas": "polars", "polars": "pandas"}[library], None)
    table = read_table(path, "species")
    assert (table.columns, table.classes, table.notes) == (
        plain.columns,
        plain.classes,
        plain.notes,
    )
    np.testing.assert_array_equal(table.features, plain.features)
    np.testing.assert_array_equal(table.rows, plain.rows)
    path.write_bytes(b"?")
    with pytest.raises(errors.TableError, match=f"{library} cannot read it"):
        read_table(path, "species")


def test_files_that_are_none(tmp_path):
    with pytest.raises(
        errors.TableError,
        match=r"a\\x1b.csv: cannot be read \(No such file",
    ):
        read_table(Path("a\x1b.csv"), "y")
    with pytest.raises(errors.TableError, match=r"cannot be read \(Is a directory\); check"):
        read_table(tmp_path, "y")
    table_from(tmp_path, FLOWERS)
    with pytest.raises(errors.TableError, match=r"cannot be read \(Not a directory\); check"):
        read_table(tmp_path / "t.csv" / "u.csv", "y")
    with pytest.raises(errors.TableError, match="name the column to predict with --label, or"):
        table_from(tmp_path, FLOWERS, label=None)
    many = "".join(f"c{i}," for i in range(20)) + "y\n"
    with pytest.raises(errors.TableError, match=r"'c0', .* 'c7' and 13 more$"):
        table_from(tmp_path, many, label="zzz")


# -- the classifier --------------------------------------------------------------------------


def test_the_digits_are_learned(digit):
    training = digit.training
    classifier, table = training, training.table
    assert classifier.accuracy >= 0.95
    assert len(table.labels) == 1797
    assert not set(classifier.trained_on) & set(classifier.held_out)
    assert len(classifier.trained_on) + len(classifier.held_out) == 1797
    shares = np.bincount(table.labels[classifier.held_out]) / np.bincount(table.labels)
    assert (abs(shares - 0.2) < 0.01).all(), "a fifth of each class is held out"


def test_the_example_has_the_largest_loss_of_those_held_out(digit):
    classifier = digit.training
    assert digit.training.row in classifier.held_out
    assert digit.loss.item() == pytest.approx(classifier.losses.max())
    label = digit.training.table.labels[digit.training.row]
    assert digit.target == label != np.argmax(digit.probs)


def test_training_is_reproducible_and_depends_on_the_seed(tmp_path):
    rng = np.random.default_rng(0)
    rows = "".join(f"{x},{y},{'ab'[int(x > y)]}\n" for x, y in rng.normal(size=(60, 2)))
    table = table_from(tmp_path, "x,y,label\n" + rows, "label")
    first, again, other = train(table, 1), train(table, 1), train(table, 2)
    np.testing.assert_array_equal(first.losses, again.losses)
    assert not np.array_equal(first.held_out, other.held_out)
    assert first.accuracy >= 0.75


def test_features_are_standardised_by_what_is_trained_on_and_cut(tmp_path):
    rows = "".join(f"{x},{i % 2}\n" for i, x in enumerate([*range(50), 10_000] * 2))
    classifier = train(table_from(tmp_path, "x,y\n" + rows, "y"), 0)
    column = classifier.features[:, 0]
    assert column.max() == 3
    inside = column[classifier.trained_on]
    plain = np.array([*range(50), 10_000] * 2, float)
    known = plain[classifier.trained_on]
    expected = np.clip((known - known.mean()) / known.std(), -3, 3)
    np.testing.assert_allclose(inside, expected)


def test_the_worst_row_of_a_table(tmp_path):
    rng = np.random.default_rng(1)
    rows = "".join(f"{x},{int(x + y > 0)}\n" for x, y in rng.normal(size=(60, 2)))
    (tmp_path / "t.csv").write_text("x,y\n" + rows)
    e = explain_table(tmp_path / "t.csv", "y", seed=4)
    classifier = e.training
    place = int(np.argmax(classifier.losses))
    assert place > 0, "so that it is no coincidence"
    assert e.training.row == classifier.held_out[place]
    assert e.loss.item() == pytest.approx(classifier.losses[place])
    label = e.training.table.classes[e.target]
    assert f"row {e.training.row + 2} of the file" in text_of(e).replace("\n  ", " ")
    assert f"the label is {label}" in text_of(e).replace("\n  ", " ")


def test_odd_tables_are_learned_from(tmp_path):
    """One feature, a constant column, a class with a single row, huge and tiny scales."""
    rows = "".join(f"{i % 2 * 1e80 + i},7,{i % 2}\n" for i in range(10)) + "5e-80,7,9\n"
    table = table_from(tmp_path, "x,constant,y\n" + rows, "y")
    classifier = train(table, 0)
    assert np.isfinite(classifier.losses).all()
    assert (classifier.features[:, 1] == 0).all()
    assert abs(classifier.features).max() <= 3
    single = np.flatnonzero(table.labels == 2)
    assert single in classifier.trained_on
    assert classifier.accuracy == 1


def test_the_network_computes_on_arrays_and_records_on_tensors():
    w = [np.ones((2, 3)), np.zeros(3), np.ones((3, 2)), np.zeros(2)]
    out = network(np.array([[1.0, -3.0], [1.0, 2.0]]), *w)
    assert isinstance(out, np.ndarray)
    np.testing.assert_array_equal(out, [[0, 0], [9, 9]])
    assert isinstance(network(np.ones((1, 2)), *map(tx.Tensor, w)), tx.Tensor)


# -- the explanation -------------------------------------------------------------------------


def test_the_gradient_is_p_minus_t(digit):
    np.testing.assert_allclose(digit.gradient, digit.probs - digit.labels, atol=1e-15)
    np.testing.assert_allclose(digit.probs, tx.softmax(digit.given.data), rtol=1e-12)
    digit.loss.backward()
    for event in digit.trace.backward:
        np.testing.assert_array_equal(digit.trace.gradient(event.to), event.to.grad)


def test_everything_is_named_and_checked(digit):
    assert list(digit.trace.names.values()) == [
        *("W1", "b1", "W2", "b2", "pixels", "weighted1", "hidden_in", "hidden"),
        *("weighted2", "logits", "p", "logits_of_p", "loss"),
    ]
    assert {c.name for c in digit.check} == set(digit.trace.names.values()) - {"p"}
    assert {c.verdict for c in digit.check} == {"right"}
    assert not any(c.sampled for c in digit.check)
    assert max(c.error for c in digit.check) < 1e-8


def test_the_trained_weights_are_copied_not_shared(digit):
    assert not {id(w) for w in digit.training.parameters} & {id(node) for node in digit.trace.names}


def test_a_loss_by_hand():
    e = explain_numbers("2, 1 ;0.1", target="0")
    assert e.loss.item() == pytest.approx(0.41703002)
    np.testing.assert_allclose(e.gradient, [-0.34099886, 0.24243297, 0.09856589], rtol=1e-6)
    assert (e.target, e.labels.tolist(), e.classes) == (0, [1, 0, 0], ("0", "1", "2"))
    assert e.training is None
    assert e.check


def test_dense_labels_by_hand():
    e = explain_numbers("2,1,0.1", labels="0.7,0.2,0.1")
    np.testing.assert_allclose(e.gradient, tx.softmax([2, 1, 0.1]) - [0.7, 0.2, 0.1], rtol=1e-12)
    assert e.notes == ()
    odd = explain_numbers("2,1,0.1", labels="0.7,0.2,0.3")
    assert odd.notes == (
        ("The labels sum to 1.2, not 1: the loss and its gradient use them unchanged."),
    )
    assert "p Σt − t" in text_of(odd)
    negative = explain_numbers("2,1", labels="-1,2")
    assert "are not all from 0 to 1" in negative.notes[0]
    assert "p − t" in text_of(negative)


def test_probabilities_by_hand():
    e = explain_numbers("0.7,0.2,0.1", target="1", probs=True)
    assert e.loss.item() == pytest.approx(-np.log(0.2))
    np.testing.assert_allclose(e.gradient, [1, -4, 1])
    assert [c.name for c in e.check] == ["loss", "log_probs", "clipped", "probs"]
    dense = explain_numbers("0.7,0.2,0.1", labels="0.1,0.8,0.1", probs=True)
    assert [c.name for c in dense.check] == ["loss", "clipped", "normalised", "total", "probs"]
    assert explain_numbers("0.5,0.6", target="0", probs=True).notes == (
        "The probabilities sum to 1.1, not 1: the loss divides them by their sum.",
    )
    none = explain_numbers("1,0", target="1", probs=True)
    assert none.gradient[1] == 0
    assert "no gradient passes this limit" in text_of(none).replace("\n ", "")


def test_extreme_logits_by_hand():
    e = explain_numbers("1000,0", target="1")
    assert (e.loss.item(), e.gradient.tolist()) == (1000, [1, -1])
    assert "loss = −ln p[1] = 1000\n" in text_of(e)
    masked = explain_numbers("1,2,-inf", target="0")
    assert masked.check
    assert "unclear" in text_of(masked)
    lost = explain_numbers("1,-inf", target="1")
    assert "Nothing could be checked: the loss is not finite." in text_of(lost)
    assert explain_numbers("1e300,-1e300,5", target="1").check


# -- the report ------------------------------------------------------------------------------


def test_the_full_report_has_every_step(digit):
    text = text_of(digit)
    assert text.startswith("\n".join(report(digit, Style())))
    assert str(digit.trace) in text
    assert str(digit.check) in text
    for words in ("1,797 handwritten digits", "∂hidden = ∂weighted2 W2ᵀ", "W1           2,048    "):
        assert words in text, words


def test_the_short_report_fits_on_a_screen(digit):
    lines = report(digit, Style())
    assert len(lines) <= 29
    assert max(map(len, lines)) <= 90
    text = "\n".join(lines)
    for words in (
        "1,797 handwritten digits",
        "row 7 of the file has the largest loss",
        "logit z  softmax p  label t    p − t",
        f"= {digit.loss.item():.2f}\n",
        "raise the logit of",
        "All 12 gradients are right",
    ):
        assert words in text, words
    for pixels in art(digit.training.image):
        assert any(line.endswith(pixels) for line in lines)
    assert "forward" not in text
    coloured = report(digit, Style(True))
    assert [re.sub(r"\x1b\[[\d;]*m", "", line) for line in coloured] == lines
    assert sum("\x1b[1m" in line for line in coloured) == 1


@pytest.mark.parametrize("classes", [2, 5, 13, 60])
def test_the_short_report_of_many_classes_and_notes(tmp_path, classes):
    rng = np.random.default_rng(0)
    rows = "".join(
        f"{i},{x:.3f},{'uv'[i % 2]},2020-01-01,n{i},{'x' * 40}{i % classes},{i % 11 or ''}\n"
        for i, x in enumerate(rng.normal(size=300))
    )
    (tmp_path / "t.csv").write_text("id,x,text,date,name,y,with gaps\n" + rows)
    e = explain_table(tmp_path / "t.csv", "y")
    assert len(e.training.table.notes) == 4
    assert len(report(e, Style())) <= 29
    assert ("more, with smaller gradients" in "\n".join(report(e, Style()))) is (classes > 12)


def test_the_art_shows_the_digit():
    pixels = np.array([[0, 16], [1, 9]])
    assert list(art(pixels)) == ["  ██", "░░▓▓"]
    assert list(art(np.zeros((2, 2)))) == ["", ""]


def test_emphasis(digit):
    text = "\n".join(report(digit, Style(True)))
    assert f"\x1b[1m{'5':>5}  -2.3092" in text
    assert "\x1b[32mAll 12 gradients" in text
    assert re.sub(r"\x1b\[[\d;]*m", "", text) == "\n".join(report(digit, Style()))


def test_ascii_keeps_the_columns(digit):
    lines = report(digit, Style())
    ascii_lines = ascii_text("\n".join(lines)).splitlines()
    assert all(map(str.isascii, ascii_lines))
    assert [len(line) for line in ascii_lines[7:17]] == [len(line) for line in lines[7:17]]


def test_a_wrong_gradient_is_said_loudly():
    @tx.op
    def half(x):
        return x / 2

    @half.backward
    def half_backward(grad, y, x):
        return grad

    from tinygrad_xent.commands.explain.explanation import explain_loss

    z = half(tx.Tensor([1.0, 2.0], name="<z>"))
    z.name = "logits"
    e = explain_loss(z, target=0)
    assert "\nWRONG: ∂<z>. 3 other gradients agree." in text_of(e)
    assert "look at the rule of half" in text_of(e)
    assert "\x1b[1;31mWRONG" in "\n".join(report(e, Style(True)))
    assert '<p class="bad">WRONG' in page(e)
    assert "<z>" not in page(e)


def test_many_classes_are_summarised():
    numbers = ",".join(str(i / 10) for i in range(30))
    text = text_of(explain_numbers(numbers, target="3"))
    rows = text.split("p − t")[1].split("and 18 more")[0].splitlines()
    classes = [int(row.split()[0]) for row in rows if row.split()[:1] and row.split()[0].isdigit()]
    assert classes == [3, *range(19, 30)]


def test_of_many_classes_those_with_a_label_are_shown():
    logits = np.log(np.linspace(1, 30, 30) / 465)
    labels = np.zeros(30)
    labels[[0, 29]] = [1 / 465, 464 / 465]
    e = explain_numbers(",".join(map(str, logits)), labels=",".join(map(str, labels)))
    assert abs(e.gradient[0]) == min(abs(e.gradient))
    assert "\n    0  " in text_of(e)


def test_small_words():
    assert [decimal(x) for x in (np.nan, -np.inf, 1234.5, -1e-9)] == [
        "NaN",
        "-inf",
        "1234",
        "-1e-09",
    ]
    assert decimal(2000.0, signed=True) == "+2000"
    assert shortened("x" * 50) == "x" * 12 + "…" + "x" * 7


# -- the files -------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Collects tags and sees that they are closed in order."""

    VOID = frozenset({"meta", "link", "img", "br", "rect", "path", "circle", "line"})

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.attributes, self.text = [], [], [], []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_page(digit):
    text = page(digit)
    reader = Reader(text)
    for tag in ("math", "img", "table", "h1"):
        assert tag in reader.seen
    assert reader.seen.count("script") == 1  # the player's; its picture is there without it
    links = [v for k, v in reader.attributes if k in ("src", "href", "xlink:href", "action")]
    assert all(link.startswith(("#", "data:")) for link in links), "no network"
    assert "url(http" not in text
    assert "@import" not in text
    assert "color-scheme: light dark" in text
    assert 'name="viewport"' in text
    said = "".join(reader.text)
    for words in ("The example", "1,797 handwritten", "∂hidden", "All 12 gradients are right"):
        assert words in said


def test_names_from_a_file_are_text_everywhere(tmp_path):
    rows = "".join(f"{i},{i % 3},{'ab'[i % 2]}{EVIL}\n" for i in range(12)).replace('"', '""')
    rows = re.sub(r"([ab]<.*)", r'"\1"', rows)
    path = tmp_path / "<i>.csv"
    path.write_text(f"<u>,x,<label>\n{rows}")
    e = explain_table(path, "<label>", seed=3)
    html = page(e)
    reader = Reader(html)
    assert not {"b", "i", "u", "label"} & set(reader.seen)
    assert "\x1b" not in html + text_of(e)
    assert r"\x1b[31m" in text_of(e)
    assert max(map(len, text_of(e).splitlines())) <= 120
    write(tmp_path / "e.svg", e)
    ET.parse(tmp_path / "e.svg")  # noqa: S314 - our own


def test_the_data(digit, tmp_path):
    write(tmp_path / "e.json", digit)
    found = json.loads((tmp_path / "e.json").read_text())
    assert found["format"] == "tinygrad_xent trace"
    assert len(found["events"]) == len(digit.trace)
    np.testing.assert_array_equal(found["gradient"], digit.gradient)
    assert found["loss"] == digit.loss.item()
    assert found["training"]["accuracy"] == digit.training.accuracy
    assert found["training"]["features"]["pixel_0_0"] == 0
    assert {c["verdict"] for c in found["check"]} == {"right"}
    lost = explain_numbers("1,-inf", target="1")
    write(tmp_path / "e.json", lost)
    found = json.loads((tmp_path / "e.json").read_text())
    assert (found["loss"], found["training"], found["target"]) == ("inf", None, 1)


@pytest.mark.parametrize("ending", FORMS)
def test_every_form_can_be_written(tmp_path, ending):
    e = explain_numbers("2,1,0.1", target="0")
    path = tmp_path / f"e{ending.upper()}"
    check_output(path, FORMS)
    assert list(tmp_path.iterdir()) == [], "a check leaves nothing behind"
    write(path, e)
    start = {".svg": b"<svg", ".png": b"\x89PNG", ".dot": b"digraph", ".html": b"<!DOCTYPE html>"}
    assert path.read_bytes().lstrip().startswith(start.get(ending, b"{"))
    assert list(tmp_path.iterdir()) == [path]


def test_files_are_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.txt"
    write_whole(path, b"old")
    path.chmod(0o640)
    (tmp_path / "link").symlink_to(path)
    write_whole(tmp_path / "link", b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert (tmp_path / "link").is_symlink()
    with pytest.raises(TypeError):
        write_whole(path, "no bytes")
    assert path.read_bytes() == b"new"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "link"]
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "missing" / "a.txt", b"")
    with pytest.raises(FileNotFoundError):
        check_writable(tmp_path / "missing" / "a.txt")
    with pytest.raises(PermissionError):
        check_writable(tmp_path)
    assert check_writable(tmp_path / "new.txt") is None
    assert not (tmp_path / "new.txt").exists()


def test_a_write_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("no")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="no"):
        write_whole(tmp_path / "a.txt", b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fails_is_told(tmp_path, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(errors.OutputError, match=r"cannot be written \(No space left on device\)"):
        write(tmp_path / "e.json", explain_numbers("1,2", target="0"))
    assert list(tmp_path.iterdir()) == []


def test_png_without_a_renderer_is_refused_and_nothing_written(tmp_path, monkeypatch):
    def missing(*_):
        raise errors.MissingRendererError("nothing here can write PNG")

    monkeypatch.setattr("tinygrad_xent.visualization.drawing.Picture.png", missing)
    with pytest.raises(errors.MissingRendererError, match="nothing here can write PNG"):
        write(tmp_path / "e.png", explain_numbers("2,1", target="0"))
    assert list(tmp_path.iterdir()) == []

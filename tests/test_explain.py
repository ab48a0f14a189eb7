"""The main job: tables, classifier, explanation, report, page, data."""

from __future__ import annotations

import gzip
import json
import re
import stat
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent import errors
from tinygrad_xent.commands.by_hand import explain_numbers
from tinygrad_xent.commands.explain import FORMS, check_renderer, content
from tinygrad_xent.commands.explain.classifier import network, train
from tinygrad_xent.commands.explain.explanation import explain_table
from tinygrad_xent.commands.explain.page import page
from tinygrad_xent.commands.explain.report import art, decimal, report, shortened, summary
from tinygrad_xent.commands.explain.tables import read_table
from tinygrad_xent.commands.streams import Style, ascii_text, check_output, write_output
from tinygrad_xent.visualization.files import check_writable, write_whole

EVIL = "<b>&\"'</td>\x1b[31m"


def write(path, explanation) -> None:
    write_output(path, content(path.suffix.lower(), explanation))


def text_of(explanation) -> str:
    return "\n".join(report(explanation, Style()))


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
    "not a number": (
        FLOWERS.replace("4.7", "tall"),
        (
            "row 3, column 1 ('length') is 'tall', not a number; every column but the label must "
            "be numeric"
        ),
    ),
    "nan": (
        FLOWERS.replace("2.1", "NaN"),
        "row 4, column 2 ('width') is 'NaN'; fill in a finite number or leave out the row",
    ),
    "infinite": (
        FLOWERS.replace("2.1", "-inf"),
        "row 4, column 2 ('width') is '-inf'; fill in a finite number or leave out the row",
    ),
    "too large": (
        FLOWERS.replace("2.1", "1e200"),
        "row 4, column 2 ('width') is '1e200', too large; scale the column",
    ),
    "missing number": (
        FLOWERS.replace("5.9", ""),
        "row 4, column 1 ('length') is empty; fill in a number or leave out the row",
    ),
    "decimal comma": (
        FLOWERS.replace(",", ";").replace(".", ","),
        "row 2, column 1 ('length') is '1,5'; write decimals with a point",
    ),
    "ragged": (
        FLOWERS.replace("4.5,1.5,a", "4.5,a"),
        "row 6 has 2 fields, the header has 3; give every row as many fields as the header",
    ),
    "missing label": (
        FLOWERS.replace("2.1,c", "2.1, "),
        "row 4, column 3 ('species') has no label; fill it in or leave out the row",
    ),
    "nan label": (
        FLOWERS.replace("2.1,c", "2.1,NaN"),
        "row 4, column 3 ('species') has no label; fill it in or leave out the row",
    ),
    "empty": ("", "is empty; it must have a header line and rows of numbers"),
    "blank": ("\n , ,\n", "is empty; it must have a header line and rows of numbers"),
    "header only": (
        "length,species\n",
        "has no rows; a classifier needs rows of two classes at least",
    ),
    "one class": (
        re.sub("[abc]\n", "a\n", FLOWERS),
        (
            "has only one class ('a' in column 'species'); a classifier needs rows of two classes "
            "at least"
        ),
    ),
    "too few rows": (
        "x,species\n1,a\n2,b\n",
        "has 2 rows, too few to train on some and try the others; give 5 at least",
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
            "has no column 'species'; the first row must hold the names of the columns, here it "
            "holds '1', '2', '3'"
        ),
    ),
    "no header, and a text label": (
        "5.1,3.5,setosa\n4.9,3.0,setosa\n",
        (
            "has no column 'species'; the first row must hold the names of the columns, here it "
            "holds '5.1', '3.5', 'setosa'"
        ),
    ),
    "row numbers and a gap": (
        ",length,species\n0,1.5,a\n1,x,b\n",
        (
            "row 3, column 2 ('length') is 'x', not a number; every column but the label must be "
            "numeric"
        ),
    ),
    "two columns of the name": (
        FLOWERS.replace("width", "species"),
        "has 2 columns 'species'; give each column a name of its own",
    ),
    "not text": (
        FLOWERS.encode().replace(b"5.9", b"\xff"),
        "line 4 is not UTF-8 text; save the file as CSV in UTF-8",
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
        ("id,u,v,species", str, ("id", "u", "v")),
        (",u,v,species", lambda i: f"{i}.5", ("", "u", "v")),
        (",u,v,species", lambda i: str(int(i) // 2), ("", "u", "v")),  # numbers that repeat
    ],
)
def test_a_column_that_numbers_the_rows_is_not_a_feature(tmp_path, header, first, features):
    rows = [",".join((first(i), *cells)) for i, *cells in NUMBERED]
    table = table_from(tmp_path, "\n".join([header, *rows]) + "\n")
    assert table.columns == features
    assert table.features.shape == (12, len(features))
    assert table.numbered is (len(features) == 2)
    assert table.features[:, -2].tolist() == [float(cells[1]) for cells in NUMBERED]


def test_files_that_are_none(tmp_path):
    with pytest.raises(errors.TableError, match=r"a\\x1b.csv: no such file; check the path$"):
        read_table(Path("a\x1b.csv"), "y")
    with pytest.raises(errors.TableError, match=r"is a directory; name a CSV file in it$"):
        read_table(tmp_path, "y")
    table_from(tmp_path, FLOWERS)
    with pytest.raises(errors.TableError, match=r"cannot be read \(Not a directory\); check"):
        read_table(tmp_path / "t.csv" / "u.csv", "y")
    with pytest.raises(errors.TableError, match="name the column to predict with --label; the col"):
        table_from(tmp_path, FLOWERS, label=None)
    many = "".join(f"c{i}," for i in range(20)) + "y\n"
    with pytest.raises(errors.TableError, match=r"'c0', .* 'c7' and 13 more$"):
        table_from(tmp_path, many, label="zzz")


# -- the classifier --------------------------------------------------------------------------


def test_the_digits_are_learned(digit):
    training = digit.training
    classifier, table = training.classifier, training.table
    assert classifier.accuracy >= 0.95
    assert len(table.labels) == 1797
    assert not set(classifier.trained_on) & set(classifier.held_out)
    assert len(classifier.trained_on) + len(classifier.held_out) == 1797
    shares = np.bincount(table.labels[classifier.held_out]) / np.bincount(table.labels)
    assert (abs(shares - 0.2) < 0.01).all(), "a fifth of each class is held out"


def test_the_example_has_the_largest_loss_of_those_held_out(digit):
    classifier = digit.training.classifier
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
    classifier = e.training.classifier
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
    assert all(c.checked == c.entries for c in digit.check)
    assert max(c.error for c in digit.check) < 1e-8


def test_the_trained_weights_are_copied_not_shared(digit):
    assert not {id(w) for w in digit.training.classifier.parameters} & {
        id(node) for node in digit.trace.names
    }


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


def test_the_report_has_every_part(digit):
    text = text_of(digit)
    titles = [line for line in text.splitlines() if line and line == line.lstrip()]
    assert titles == [
        "The example",
        "The loss",
        "The forward pass",
        "The backward pass",
        "The check",
    ]
    assert "1,797 handwritten digits" in text
    assert re.search(
        r"the label is (\d), the classifier predicts (?!\1)\d", text.replace("\n  ", " ")
    )
    assert f"= {digit.loss.item():.2f}\n" in text
    for words in (
        "logits = add(weighted2, b2)",
        "∂hidden = ∂weighted2 W2ᵀ",
        "incoming ∂hidden: 32 entries, norm",
        "sends to W1: 64 × 32, norm",
        "total there so far: the same",
        "∂W1           2,048    ",
        "All 12 gradients are right: 2,601 entries, off by ",
    ):
        assert words in text, words
    assert text.count("sends to") == len(digit.trace.backward) == 11
    assert max(map(len, text.splitlines())) <= 92
    assert "\x1b" not in text


def test_the_running_total_is_told_where_paths_meet():
    text = text_of(explain_numbers("0.7,0.2,0.1", labels="0.2,0.5,0.3", probs=True))
    last = text.split("∂probsᵢ = ∂total")[1]
    assert "sends to probs: [1.00 1.00 1.00]" in last or "sends to probs: [1 1 1]" in last
    assert re.search(r"total there so far: \[\S+ -1\S* -2\S*\]", last)


def test_the_art_shows_the_digit():
    pixels = np.array([[0, 16], [1, 9]])
    assert list(art(pixels)) == ["  ██", "░░▓▓"]
    assert list(art(np.zeros((2, 2)))) == ["", ""]


def test_emphasis(digit):
    text = "\n".join(report(digit, Style(True)))
    assert "\x1b[1mThe loss\x1b[0m" in text
    assert "\x1b[32mAll 12 gradients" in text
    assert re.sub(r"\x1b\[[\d;]*m", "", text) == text_of(digit)


def test_ascii_keeps_the_columns(digit):
    text = "\n".join(report(digit, Style(ascii_only=True)))
    lines = ascii_text(text).splitlines()
    start = lines.index("The forward pass") + 1
    table = lines[start : start + 14]
    values = {line.index("value") for line in table if "value" in line}
    (column,) = values
    assert all(line[column - 2 : column] == "  " != line[column] + " " for line in table)
    assert ascii_text(text).isascii()


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
    assert "  WRONG: ∂<z>. 3 other gradients agree." in text_of(e)
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
    assert "\n      0  " in text_of(e)


def test_small_words():
    assert [decimal(x) for x in (np.nan, -np.inf, 1234.5, -1e-9)] == [
        "NaN",
        "-inf",
        "1234",
        "-1e-09",
    ]
    assert decimal(2000.0, signed=True) == "+2000"
    assert shortened("x" * 50) == "x" * 12 + "…" + "x" * 7
    assert summary(np.array([[3.0, 4.0, 0], [0, 0, 0]])) == (
        "2 × 3, norm 5, largest 4 at [0, 1], 3 at [0, 0]"
    )
    assert summary(np.zeros(9)) == "9 entries, all 0"
    assert summary(np.array([1.0, np.nan, 3, 4, 5, 6])) == "6 entries, [1 NaN 3 4 5 6]"


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
    assert "prefers-color-scheme: dark" in text
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
    assert max(map(len, text_of(e).splitlines())) <= 110
    write(tmp_path / "e.svg", e)
    ET.parse(tmp_path / "e.svg")  # noqa: S314 - our own


def test_the_data(digit, tmp_path):
    write(tmp_path / "e.json", digit)
    found = json.loads((tmp_path / "e.json").read_text())
    assert found["format"] == "tinygrad_xent trace"
    assert len(found["events"]) == len(digit.trace)
    np.testing.assert_array_equal(found["gradient"], digit.gradient)
    assert found["loss"] == digit.loss.item()
    assert found["training"]["accuracy"] == digit.training.classifier.accuracy
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


def test_png_without_a_renderer_is_refused_before_anything_is_computed(tmp_path, monkeypatch):
    def missing(*_):
        raise errors.MissingRendererError("nothing here can write PNG")

    monkeypatch.setattr("tinygrad_xent.visualization.drawing.Picture.png", missing)
    with pytest.raises(errors.MissingRendererError, match="nothing here can write PNG"):
        check_renderer(".png")
    assert check_renderer(".svg") is None

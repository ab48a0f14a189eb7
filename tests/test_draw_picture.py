"""The picture in each of its forms."""

from __future__ import annotations

import base64
import html
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import graphviz
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import tinygrad_xent as tx
from tinygrad_xent import errors
from tinygrad_xent.visualization.drawing import Picture, draw
from tinygrad_xent.visualization.drawing.build import build
from tinygrad_xent.visualization.drawing.style import escape, quote, shorten
from tinygrad_xent.visualization.naming import names_of

EVIL = "</text></title><script>1</script>&amp;\"'\\N\\l]]>\n\t\x00\x1b[31m\u202eé漢 <b>$\\alpha$"
SVG = "{http://www.w3.org/2000/svg}"


def loss(name: str = "logits"):
    z = tx.Tensor([2.0, 1.0, 0.1], name=name)
    labels = np.array([1.0, 0.0, 0.0])
    return tx.softmax_cross_entropy_with_logits(labels=labels, logits=z, name="loss")


def plain(*outputs, names=None) -> Picture:
    return Picture(build(outputs, names, gradients=True))


def parse(xml: str | bytes) -> ET.Element:
    return ET.fromstring(xml)  # noqa: S314 - our own


def as_shown(name: str) -> str:
    """Return the name's form in pictures: printable, and LaTeX is set."""
    (shown,) = names_of([tx.Tensor(1.0, name=name)]).values()
    return shown


def texts(svg: str) -> list[str]:
    root = parse(svg)
    return ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


# -- SVG -------------------------------------------------------------------------------------


def test_the_svg_says_what_it_shows() -> None:
    picture = plain(loss())
    root = parse(picture.svg)
    assert root.get("role") == "img"
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    assert root.find(f"{SVG}title").text == "Computation graph of loss"
    assert root.find(f"{SVG}desc").text == picture.alt
    background = root.find(f"{SVG}rect")
    assert (background.get("fill"), background.get("width")) == ("#ffffff", root.get("width"))
    written = texts(picture.svg)
    assert written[:2] == ["labels", "constant · (3,) float64"]
    for text in ("loss = softmax + cross-entropy", "−0.341", "0.242", "0.0986", "0.417"):
        assert text in written
    assert written[-4:] == [
        "constant",
        "gradient: ∂L/∂value, L = loss",
        "−max",
        "max of each table",
    ]


def test_every_box_and_arrow_has_an_id_and_a_tooltip() -> None:
    root = parse(plain(loss()).svg)
    tips = {g.get("id"): t.text for g in root.iter() if (t := g.find(f"{SVG}title")) is not None}
    tips.pop(None)
    assert list(tips) == ["e0", "e1", "c0", "n0", "n1"]
    assert tips["n0"] == "logits\n(3,) float64"
    assert tips["n1"].split("\n")[:3] == [
        "loss = softmax_cross_entropy",
        "fused op · scalar float64",
        "axis = 0",
    ]
    assert re.match("loss = .*logits", tips["n1"].split("\n")[3])
    assert tips["e0"] == "labels is input labels of loss"
    first, second, third = tips["e1"].split("\n")
    assert first == "logits is input logits of loss"
    assert second == "gradient sent back: [-0.341 0.242 0.0986]"
    assert third.startswith("∂logitsᵢ = ∂loss")


def test_nothing_depends_on_what_is_outside() -> None:
    svg = plain(loss()).svg
    assert not re.search(r"url\(|var\(|href|@import|<style|<script", svg)
    assert set(re.findall(r'(?:fill|stroke)="([^"]+)"', svg)) <= {
        "none",
        *re.findall(r"#[0-9a-f]{6}", svg),
    }
    assert "xmlns" in svg.split(">")[0]


def test_the_picture_is_the_same_to_the_byte_in_every_process() -> None:
    script = (
        "import numpy as np, tinygrad_xent as tx\n"
        "from tinygrad_xent.visualization.drawing.picture import Picture\n"
        "from tinygrad_xent.visualization.drawing.build import build\n"
        "z = tx.Tensor([2.0, 1.0, 0.1], name='z')\n"
        "p = tx.softmax(z * 2.0 + z)\n"
        "out = tx.sparse_categorical_crossentropy(0, p) + tx.Tensor(1.0)\n"
        "picture = Picture(build((out,), None, gradients=True))\n"
        "print(ascii(picture.svg), ascii(str(picture)), ascii(picture.alt))\n"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
    assert len(runs.pop()) > 1000


def test_signs_and_their_legend_appear_where_needed() -> None:
    data = np.ones((9, 9))
    assert "NaN" not in texts(plain(tx.Tensor(data)).svg)
    data[0, 0], data[0, 1] = np.nan, -np.inf
    written = texts(plain(tx.Tensor(data)).svg)
    assert written[-2:] == ["NaN", "−inf"]
    paths = parse(plain(tx.Tensor(data)).svg).iter(f"{SVG}path")
    assert (
        sum(path.get("stroke-width") == "1.6" for path in paths) == 2
    )  # a cross, and the legend's


def test_what_was_looked_through_is_dashed_and_in_the_legend() -> None:
    p = tx.softmax(tx.Tensor([2.0, 1.0], name="z"))
    picture = plain(tx.sparse_categorical_crossentropy(0, p), names={"p": p})
    assert "looked through" in texts(picture.svg)
    root = parse(picture.svg)
    groups = {g.get("id"): g for g in root.iter(f"{SVG}g")}
    dashed = [name for name, g in groups.items() if "stroke-dasharray" in ET.tostring(g, "unicode")]
    assert [name for name in dashed if name and name[0] in "en"] == ["e0", "e2", "n1"]
    tip = groups["e2"].find(f"{SVG}title").text
    assert tip == "v2 uses the logits of p, not its probabilities"
    assert " p is softmax of z. v2 is look_through of z. " in picture.alt


# -- names are text, in every form -----------------------------------------------------------


def test_a_picture_stays_what_it_was_when_training_goes_on() -> None:
    w, data = tx.Tensor([1.0, 2.0], name="w"), np.array([3.0, 4.0])
    output = (w * data).sum()
    early, late = draw(output), draw(output)
    before = early.svg
    w.data -= 0.5
    data[:] = 0.0
    assert late.svg == before


def test_escaping() -> None:
    assert escape("a < b\n\x00&\"'\u202e") == "a &lt; b\n\\x00&amp;\"'\\u202e"
    assert quote("a\n\"'<\x1b") == '"a\\n&quot;&#x27;&lt;\\x1b"'
    assert shorten("layer1.weight", 13) == "layer1.weight"
    assert shorten("layer1.block2.weight", 12) == "layer1.b…ght"


class Tags(HTMLParser):
    """The tags of a page, and its images' attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.images: list[dict[str, str | None]] = []
        self.scripts = 0

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.scripts += tag == "script"
        if tag == "img":
            self.images.append(dict(attributes))


@given(st.text(max_size=40))
@example(EVIL)
@example(" ")
@example("<>")
@example("\\")
@example('"')
@example("\ud800")
@example(r"\text0")
@example(r"$\alpha<b$")
@settings(max_examples=40, deadline=None)
def test_a_name_is_text_never_markup(name: str) -> None:
    picture = plain(loss(name))
    shown = as_shown(name)
    svg = picture.svg.encode()  # also: nothing that has no encoding
    root = parse(svg)
    tips = [title.text for title in root.iter(f"{SVG}title")]
    assert f"{shown}\n(3,) float64" in tips
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {
        *("svg", "title", "desc", "g", "rect", "path", "text", "tspan")
    }
    for text in (picture.html, picture._repr_mimebundle_()["text/html"]):
        page = Tags()
        page.feed(text)
        assert page.scripts == 1
        assert "b" not in page.tags
        (image,) = page.images
        assert image["alt"] == picture.alt
        assert (image["src"] or "").startswith("data:image/svg+xml;base64,")
    assert "\x1b" not in str(picture)
    assert "\x00" not in picture.html


DOT = re.compile(
    r'(?P<quoted>"(?:[^"\\]|\\.)*")|<(?P<table>(?:[^<>]|<[^<>]*>)*)>|->|[\w.#]+|[][{}=:]', re.DOTALL
)


def dot_texts(source: str) -> tuple[list[str], list[str]]:
    """Read DOT as Graphviz's grammar has it: the texts in tables, and the quoted strings.

    The first still have the backslashes of Graphviz's escapes in pairs, the second also.
    """
    assert not DOT.sub("", source).strip(), "this is no DOT"
    inside, quoted = [], []
    for token in DOT.finditer(source):
        if token["table"]:
            table = parse(f"<table>{token['table']}</table>")
            inside += ["".join(cell.itertext()) for cell in table.iter() if cell.text]
        elif token["quoted"]:
            quoted.append(html.unescape(token["quoted"][1:-1].replace('\\"', '"')))
    return inside, quoted


def unpaired(text: str, levels: int = 1) -> str:
    """Take the backslashes of a text out of their pairs; one alone would be an escape."""
    for _ in range(levels):
        assert not re.search(r"(?<!\\)(?:\\\\)*\\(?!\\)", text), f"an escape in {text!r}"
        text = text.replace("\\\\", "\\")
    return text


NAMES = (EVIL, " ", "<>", "a\\", "\\N\\G\\l\\\\x", "\\", "&lt;", "\ud800", '"', 'a\\"]', "-> b")


@pytest.mark.parametrize("given_name", NAMES)
def test_hostile_names_are_text_in_dot_too(given_name: str) -> None:
    check_dot(given_name)


@given(st.text(max_size=30))
@example(r"\text0")
@settings(max_examples=30, deadline=None)
def test_a_name_is_text_in_dot_too(given_name: str) -> None:
    check_dot(given_name)


def check_dot(name: str) -> None:
    inside, quoted = dot_texts(plain(loss(name)).to_dot().source)
    shown = as_shown(name)
    assert shorten(shown, 30) in [unpaired(text) for text in inside]
    tips = [unpaired(text, 2) for text in quoted]
    assert f"{shown}\n(3,) float64" in tips


@pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is not installed on this machine")
@pytest.mark.parametrize("name", NAMES)
def test_graphviz_reads_names_as_text(name: str) -> None:
    svg = parse(plain(loss(name)).to_dot().pipe("svg"))
    shown = as_shown(name)
    inside = [text.text for text in svg.iter(f"{SVG}text")]
    if shown.strip():
        words = " ".join(shorten(shown, 30).split())
        assert words in [" ".join((text or "").split()) for text in inside]
    links = [a.get("{http://www.w3.org/1999/xlink}title") for a in svg.iter(f"{SVG}a")]
    assert any((link or "").startswith(shown) for link in links)


def test_names_that_together_look_like_markup_are_text() -> None:
    x, y = tx.Tensor(2.0, name="<b"), tx.Tensor(3.0, name="y")
    z = x * y
    z.name = "/b>"
    source = draw(z, gradients=False).to_dot().source
    assert 'tooltip="<b is input x of /b>"' in source


# -- other forms -----------------------------------------------------------------------------


def test_the_bundle_of_a_notebook() -> None:
    picture = plain(loss())
    bundle = picture._repr_mimebundle_(include=None, exclude=None)
    assert list(bundle)[:3] == ["text/plain", "text/html", "image/svg+xml"]
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/plain"] == str(picture)
    assert bundle["image/svg+xml"] == picture.svg
    page = Tags()
    page.feed(bundle["text/html"])
    (image,) = page.images
    head, _, data = (image["src"] or "").partition(",")
    assert head == "data:image/svg+xml;base64"
    assert base64.b64decode(data).decode() == picture.svg


def test_the_alternative_text() -> None:
    assert plain(loss()).alt == (
        "Computation graph of loss: 1 op. Leaves: logits (3). "
        "loss is softmax_cross_entropy of labels and logits. Result: loss = 0.417. "
        "Gradient of loss with respect to logits: [-0.341 0.242 0.0986]."
    )


def test_the_alternative_text_stays_short() -> None:
    x = tx.Tensor(np.ones((2, 3)), name="x" * 80)
    for _ in range(100):
        x = x + tx.Tensor(1.0)
    assert len(plain(x).alt) < 3000
    assert "88 more ops follow." in plain(x).alt
    assert "and 89 more." in plain(x).alt
    total = tx.concatenate([tx.Tensor([1.0], name=f"w{i}") for i in range(8)]).sum()
    assert plain(total).alt.endswith(" with respect to w5: 1. 2 more leaves have gradients.")


def test_words_say_of_what_the_gradients_are() -> None:
    x = tx.Tensor([1.0, 2.0], name="x")
    picture = plain(x * 2.0, names={"x": x})
    assert picture.alt.endswith("Gradient of the sum of v1 with respect to x: [2 2].")
    assert str(picture).endswith("gradient: of the sum of v1")


def test_a_tree_of_text() -> None:
    x = tx.Tensor([1.0, 2.0], name="x")
    y = tx.exp(x)
    y.name = "y"
    assert str(plain((y * y + x.data).sum())) == (
        "v4 = sum  scalar float64  value 65.0  gradient 1\n"
        "└─ v3 = add  (2,) float64  value [8.39 56.6]  gradient [1 1]\n"
        "   ├─ x: v2 = multiply  (2,) float64  value [7.39 54.6]  gradient [1 1]\n"
        "   │  ├─ x: y = exp  (2,) float64  value [2.72 7.39]  gradient [5.44 14.8]\n"
        "   │  │  └─ x  (2,) float64  value [1 2]  gradient [14.8 109]\n"
        "   │  └─ y: y (see above)\n"
        "   └─ y: x.data  constant · (2,) float64  value [1 2]\n"
        "\n"
        "gradient: of v4"
    )


def test_a_deep_tree_goes_on_below_and_does_not_recurse() -> None:
    x = tx.Tensor(1.0, name="x")
    for _ in range(300):
        x = tx.tanh(x)
    lines = str(plain(x)).splitlines()
    assert max(map(len, lines)) < 140
    assert sum(line.endswith("(see below)") for line in lines) == 17
    for i in range(1, 301):
        assert sum(f"v{i} = tanh" in line for line in lines) == 1


def test_several_outputs() -> None:
    x = tx.Tensor(2.0, name="x")
    picture = plain(x + 1.0, x * 2.0)
    assert [line[:2] for line in str(picture).splitlines()] == ["v2", "└─", "", "v1", "└─"]
    assert picture.alt.startswith("Computation graph of v1 and v2: 2 ops.")
    assert repr(picture) == "<Picture of v1, v2: 3 boxes>"
    assert str(plain(x + 1.0, x)).count("\n") == 1
    assert "L = " not in picture.svg


def test_dot_is_a_digraph_with_the_same_boxes_and_arrows() -> None:
    graph = plain(loss()).to_dot()
    assert isinstance(graph, graphviz.Digraph)
    edges = re.findall(r"^\t(\w+) -> (\w+:\w+:n|\w+) ", graph.source, re.MULTILINE)
    assert edges == [("c0", "n1:p0:n"), ("n0", "n1:p1:n")]
    assert "softmax + cross-entropy" in graph.source
    assert "-0.341" in graph.source


# -- files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "start"),
    [
        ("svg", b"<svg "),
        ("SVG", b"<svg "),
        ("png", b"\x89PNG\r\n\x1a\n"),
        ("dot", b"digraph {"),
        ("txt", b"loss = softmax_cross_entropy"),
        ("html", b"<!DOCTYPE html>"),
    ],
)
def test_saving(ending: str, start: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"pictures of.a loss.{ending}"
    path.write_text("something older")
    assert plain(loss()).save(str(path)) == path
    assert path.read_bytes().startswith(start)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "what"),
    [("loss.gif", "the ending '.gif'"), ("loss", "no ending"), (".svg", "no ending")],
)
def test_another_ending_is_an_error_and_nothing_is_written(
    name: str, what: str, tmp_path: Path
) -> None:
    message = rf"{what}; end the name in one of \.svg, \.png, \.dot, \.txt, \.html\. For PDF "
    with pytest.raises(errors.FileFormatError, match=message):
        plain(loss()).save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_pdf_is_refused_with_the_way_to_get_it(tmp_path: Path) -> None:
    message = r"'\.PDF'; .* For PDF save \.svg or \.html and print it from a browser, or run .*dot$"
    with pytest.raises(errors.FileFormatError, match=message):
        plain(loss()).save(tmp_path / "loss.PDF")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_no_half_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "loss.svg"
    path.write_text("the old one")

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        plain(loss()).save(path)
    monkeypatch.undo()
    assert path.read_text() == "the old one"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError):
        plain(loss()).save(tmp_path / "no such folder" / "loss.svg")


def test_importing_pictures_starts_no_program_and_loads_no_graphviz() -> None:
    script = (
        "import sys, tinygrad_xent.visualization.drawing\n"
        "print([m for m in ('subprocess', 'graphviz', 'IPython', 'resvg_py') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"

"""PNG, and the font that ships for it: the same picture on every machine."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import resvg_py
from fontTools.ttLib import TTFont
from matplotlib import image

import tinygrad_xent as tx
from tinygrad_xent import errors
from tinygrad_xent.checking.samples import samples
from tinygrad_xent.ops import OPS
from tinygrad_xent.visualization.drawing import draw
from tinygrad_xent.visualization.drawing.paint import png
from tinygrad_xent.visualization.drawing.style import FAMILIES, FONT, text_width, widths
from tinygrad_xent.visualization.formulas import formula_text

PACKAGE = Path(tx.__file__).parent
SVG = "{http://www.w3.org/2000/svg}"
FILES = {"regular": FONT / "sans.ttf", "bold": FONT / "sans-bold.ttf"}
NAMES = [
    "logits",
    "θ̂₁",
    "\u202eloss <b>&amp;\"'\x00",
    "漢字",
    "😀 z",
]


def picture(name: str = "logits"):
    p = tx.softmax(tx.Tensor([2.0, 1.0, 0.1], name=name))
    return draw(tx.sparse_categorical_crossentropy(0, p))


def text_alone(text: str, weight: str = "400") -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="30">'
        f'<text x="9" y="20" font-size="12" font-weight="{weight}">{text}</text></svg>'
    )


def pixels(content: bytes) -> np.ndarray:
    return image.imread(io.BytesIO(content), format="png")


# -- the picture -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_png_is_the_svg_at_twice_its_size(name: str) -> None:
    shown = picture(name)
    root = ET.fromstring(shown.svg)  # noqa: S314 - our own
    size = 2 * int(root.get("height")), 2 * int(root.get("width"))
    assert pixels(shown.png()).shape == (*size, 4)


@pytest.fixture
def no_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that has no fonts."""
    real = resvg_py.svg_to_bytes
    monkeypatch.setattr(resvg_py, "svg_to_bytes", lambda **o: real(**o, skip_system_fonts=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_machine_without_fonts_draws_every_letter_that_ships(name: str, no_fonts) -> None:
    svg = picture(name).svg
    blank = ET.canonicalize(svg, exclude_tags=[f"{SVG}text"])
    assert (pixels(png(svg)) != pixels(png(blank))).any(axis=-1).sum() > 1000


def rendered_beside(fonts: Path, svg: str) -> bytes:
    """The PNG as a process makes it whose user has fonts of their own, in `fonts`/.fonts."""
    script = (
        "import sys; from tinygrad_xent.visualization.drawing.paint import png\n"
        "sys.stdout.buffer.write(png(sys.stdin.buffer.read().decode()))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        input=svg.encode(),
        env=os.environ | {"HOME": str(fonts), "PYTHONPATH": str(PACKAGE.parent)},
        stdout=subprocess.PIPE,
        check=True,
    )
    return run.stdout


def font_with(folder: Path, family: str, **letters: str) -> None:
    """Write a font: bold letters called regular, and for each other letter the look of another."""
    font = TTFont(FILES["bold"])
    for record in font["name"].names:
        if record.nameID in (1, 4, 16):
            record.string = family
    font["OS/2"].usWeightClass = 400
    for table in font["cmap"].tables:
        table.cmap |= {ord(new): table.cmap[ord(old)] for new, old in letters.items()}
    (folder / ".fonts").mkdir(exist_ok=True)
    font.save(folder / ".fonts" / f"{family}.ttf")


@pytest.mark.parametrize("name", ["logits", "θ̂₁"])
def test_fonts_of_the_machine_change_nothing(name: str, tmp_path: Path, no_fonts) -> None:
    for family in (*FAMILIES.replace("'", "").split(", "), "Times New Roman"):
        font_with(tmp_path, family)
    shown = picture(name)
    assert rendered_beside(tmp_path, shown.svg) == shown.png()


@pytest.mark.skipif(sys.platform != "linux", reason="a user's fonts are in another folder here")
def test_a_letter_that_does_not_ship_is_taken_from_the_machine(tmp_path: Path) -> None:
    letter = "\uf7f1"  # for private use: no font has it by itself
    svg = text_alone(f"z{letter}")
    before = rendered_beside(tmp_path, svg)
    font_with(tmp_path, "Something", **{letter: "M"})
    assert rendered_beside(tmp_path, svg) != before


def test_without_the_rasteriser_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    message = r"PNG needs resvg_py.*`pip install resvg_py`, or save .* as \.svg"
    with pytest.raises(errors.MissingRendererError, match=message):
        picture().save(tmp_path / "loss.png")
    assert list(tmp_path.iterdir()) == []
    assert "image/png" not in picture()._repr_mimebundle_()


# -- the font --------------------------------------------------------------------------------


def missing(text: str) -> set[str]:
    return set(text) - widths()["regular"].keys() - {"\n"}


@pytest.mark.parametrize("op", OPS.values(), ids=str)
def test_the_font_has_every_letter_of_an_op(op: tx.Op) -> None:
    inputs, params = next(samples(op, np.random.default_rng(0)))
    made = op(*(tx.Tensor(x) if np.asarray(x).dtype.kind == "f" else x for x in inputs), **params)
    assert not missing(draw(made.sum() if made.ndim else made, rules=True).svg)


@pytest.mark.parametrize(
    "part", ["visualization/drawing", "visualization/player", "teaching/[bps]*.py"]
)
def test_the_font_has_every_letter_that_pictures_are_written_with(part: str) -> None:
    modules = list(PACKAGE.glob(part if part.endswith(".py") else f"{part}/**/*.py"))
    assert modules
    for module in modules:
        assert not missing(module.read_text(encoding="utf-8")), module


def test_the_font_has_the_letters_that_formulas_are_made_of() -> None:
    latex = (
        r"\bar x_{ij}^{T} = \hat\theta_k^{-1} \odot \nabla f \cdot \sum_i \prod_j \sqrt{\alpha} \le"
        r" \infty"
    )
    text = formula_text(latex) + "".join(map(chr, range(0x391, 0x3CA))).replace("\u03a2", "")
    assert not missing(text)


def test_the_font_is_small_and_has_its_licence() -> None:
    assert sum(path.stat().st_size for path in FILES.values()) <= 300_000
    licence = (FONT / "SANS-LICENSE.txt").read_text()
    assert "Bitstream, Inc." in licence
    assert "Tavmjong Bah" in licence


@pytest.mark.parametrize("weight", ["regular", "bold"])
def test_the_widths_are_those_of_the_font(weight: str) -> None:
    font = TTFont(FILES[weight])
    units = font["head"].unitsPerEm
    measured = {chr(c): font["hmtx"][g][0] / units for c, g in font.getBestCmap().items()}
    assert widths()[weight] == pytest.approx(measured, abs=1e-4)
    assert not json.dumps(font["name"].getDebugName(1)).count("DejaVu")


@pytest.mark.parametrize("weight", ["400", "700"])
@pytest.mark.parametrize(
    "text", ["softmax + cross-entropy", "AVAToWa fi", "∂θ̂₁ᵢ = ∂loss (pᵢ − [i = t])", "JWM@−0.0986"]
)
def test_text_is_as_wide_as_it_was_measured(text: str, weight: str) -> None:
    def end(text: str) -> int:
        """The last column with ink in it."""
        ink = pixels(png(text_alone(text, weight)))[..., 3]
        return int(np.flatnonzero(ink.any(axis=0))[-1])

    width = (end(f"{text}|") - end("|")) / 2
    assert width == pytest.approx(text_width(text, 12, bold=weight == "700"), abs=1)

"""Text as the stream at hand can take it: with or without colour, in Unicode or in ASCII."""

from __future__ import annotations

import os
import re
from typing import TextIO

_SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ"
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᵀˣʸʲᵏ"
_LETTERS = {
    **dict(zip(_SUBSCRIPTS, "0123456789+-=()aeijklmnoprstuvx", strict=True)),
    **dict(zip(_SUPERSCRIPTS, "0123456789+-=()niTxyjk", strict=True)),
}
_ASCII = str.maketrans({
    "∂": "d", "−": "-", "–": "-", "×": "x", "·": "*", "⋯": "...", "…": "...", "→": "->", "≤": "<=",
    "≥": ">=", "≠": "!=", "≈": "~", "∈": " in ", "Σ": "sum", "Π": "prod", "√": "sqrt", "ℓ": "l",
    "█": "#", "▓": "*", "▒": ":", "░": ".", "│": "|",
})  # fmt: skip


def ascii_text(text: str) -> str:
    r"""Write text with the letters that every terminal has.

    Examples
    --------
    >>> ascii_text("∂xᵢ = e^(yᵢ) Σⱼ ∂yⱼ − W2ᵀ e⁻ˣ zᵢⱼ é")
    'dx_i = e^(y_i) sum_j dy_j - W2^T e^(-x) z_ij \\xe9'
    """
    text = re.sub(f"[{_SUBSCRIPTS}]+", lambda found: _script("_", found[0]), text)
    text = re.sub(f"[{_SUPERSCRIPTS}]+", lambda found: _script("^", found[0]), text)
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def _script(mark: str, text: str) -> str:
    plain = "".join(_LETTERS[c] for c in text)
    return mark + (plain if plain.isalnum() else f"({plain})")


def fitting(text: str, stream: TextIO) -> str:
    """Give the text as it is if the stream can encode it, else in ASCII."""
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ascii_text(text)
    return text


def style_for(stream: TextIO | None, *, colour: bool) -> Style:
    """Choose how to write to a stream: in colour only on a terminal, and not if NO_COLOR is set."""
    if stream is None:
        return Style()
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return Style(
        colour and stream.isatty() and not plain, ascii_only=fitting("Σ∂█", stream) != "Σ∂█"
    )


class Style:
    """Emphasis and formulas, as far as they are wanted and possible."""

    def __init__(self, colour: bool = False, *, ascii_only: bool = False) -> None:
        self._colour = colour
        self._ascii_only = ascii_only

    def formula(self, text: str) -> str:
        """Write a formula as wide as it will be printed, so that columns stay columns."""
        return ascii_text(text) if self._ascii_only else text

    def strong(self, text: str) -> str:
        """Write what the eye should find."""
        return self._in("1", text)

    def good(self, text: str) -> str:
        """Write what is as it should be."""
        return self._in("32", text)

    def bad(self, text: str) -> str:
        """Write what is wrong."""
        return self._in("1;31", text)

    def _in(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text

"""Standard streams and output files: closed, full, or unable to encode a character."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Collection
from pathlib import Path
from typing import TextIO

from tinygrad_xent.errors import OutputError
from tinygrad_xent.visualization.files import check_writable, write_whole
from tinygrad_xent.visualization.naming import printable

_SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ"
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᵀˣʸʲᵏ"
_ASCII = str.maketrans({
    "∂": "d", "−": "-", "–": "-", "×": "x", "·": "*", "⋯": "...", "…": "...", "→": "->", "≤": "<=",
    "≥": ">=", "≠": "!=", "≈": "~", "∈": " in ", "Σ": "sum", "Π": "prod", "√": "sqrt", "ℓ": "l",
    "█": "#", "▓": "*", "▒": ":", "░": ".", "│": "|",
})  # fmt: skip


def say(text: str) -> int:
    """Print the text, and return exit status 0, even if the reader stops reading early."""
    if sys.stdout is None:  # it was closed
        return 0
    try:
        sys.stdout.write(fitting(text, sys.stdout))
        sys.stdout.flush()
    except OSError as error:
        # Python flushes again when it exits; this time to nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise OutputError(f"the report cannot be printed ({error.strerror})") from None
    return 0


def complain(line: str) -> None:
    """Write one line to the standard error stream."""
    if sys.stderr is not None:
        sys.stderr.write(fitting(f"{printable(line)}\n", sys.stderr))


# -- files -----------------------------------------------------------------------------------


def check_output(path: Path, endings: Collection[str]) -> None:
    """Check before the work starts that the file named by --out can be written.

    Raises
    ------
    OutputError
        If its name has another ending, or it cannot be written.
    """
    name = f"--out {printable(path)}"
    if path.suffix.lower() not in endings:
        what = f"unknown ending '{printable(path.suffix)}'" if path.suffix else "no ending"
        raise OutputError(f"{name}: {what}; end the name in {', '.join(endings)}")
    if path.is_dir():
        raise OutputError(f"{name}: is a directory; name a file in it")
    if not path.parent.is_dir():
        folder = printable(path.parent)
        raise OutputError(f"{name}: there is no directory '{folder}'; make it first")
    try:
        check_writable(path)
    except OSError as error:
        raise OutputError(_unwritable(name, error)) from None


def write_output(path: Path, content: bytes) -> None:
    """Write the file named by --out.

    Raises
    ------
    OutputError
        If it cannot be written; the old content is unchanged then.
    """
    try:
        write_whole(path, content)
    except OSError as error:
        raise OutputError(_unwritable(f"--out {printable(path)}", error)) from None


def _unwritable(name: str, error: OSError) -> str:
    why = error.strerror or error
    return f"{name}: cannot be written ({why}); choose another place with --out"


# -- what a terminal can show ----------------------------------------------------------------


def ascii_text(text: str) -> str:
    r"""Return the text in ASCII, which every terminal can show.

    Examples
    --------
    >>> ascii_text("∂xᵢ = e^(yᵢ) Σⱼ ∂yⱼ − W2ᵀ e⁻ˣ zᵢⱼ é")
    'dx_i = e^(y_i) sum_j dy_j - W2^T e^(-x) z_ij \\xe9'
    """
    text = re.sub(f"[{_SUBSCRIPTS}]+", lambda found: _script("_", found[0]), text)
    text = re.sub(f"[{_SUPERSCRIPTS}]+", lambda found: _script("^", found[0]), text)
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def _script(mark: str, text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).translate(_ASCII)
    return mark + (plain if plain.isalnum() else f"({plain})")


def fitting(text: str, stream: TextIO) -> str:
    """Return the text unchanged if the stream can encode it, otherwise in ASCII."""
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ascii_text(text)
    return text


def opened(page: Path) -> bool:
    """Show a page in a browser, unless nobody looks or there is only one that fills a terminal."""
    if sys.stdout is None or not sys.stdout.isatty():
        return False
    import webbrowser

    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    in_terminal = type(browser) is webbrowser.GenericBrowser and "BROWSER" not in os.environ
    return not in_terminal and browser.open(page.absolute().as_uri())


class Style:
    """Emphasis where a terminal can show it."""

    def __init__(self, colour: bool = False) -> None:
        self._colour = colour

    @classmethod
    def of(cls, stream: TextIO | None, *, colour: bool) -> Style:
        """Return the style for a stream: coloured only on a terminal, and without NO_COLOR."""
        if stream is None:
            return cls()
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return cls(colour and stream.isatty() and not plain)

    def strong(self, text: str, colour: str = "") -> str:
        """Return the text in bold, or in the colour of this code of ANSI."""
        return f"\x1b[{colour or 1}m{text}\x1b[0m" if self._colour else text

"""What a learner reads: notes and verdicts, in Markdown, as text and as HTML."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path

from tinygrad_xent.visualization.formulas import formula_text, mathml
from tinygrad_xent.visualization.tables import html_table

_SPANS = re.compile(r"(`[^`]+`|\$[^$]+\$)")


def _spans(
    markdown: str,
    plain: Callable[[str], str],
    code: Callable[[str], str],
    formula: Callable[[str], str],
) -> str:
    made = ""
    for piece in _SPANS.split(markdown):
        kind = {"`": code, "$": formula}[piece[0]] if _SPANS.fullmatch(piece) else None
        try:
            made += kind(piece[1:-1]) if kind else plain(piece)
        except Exception:  # noqa: BLE001 - dollar signs in somebody's error message: not a formula
            made += plain(piece)
    return made


def text_of(markdown: str) -> str:
    r"""Return it as plain text, for a terminal.

    Examples
    --------
    >>> text_of(r"The slope of `a * b` in $a$ is $b$: $\bar a = b\,\bar y$.")
    'The slope of `a * b` in a is b: ∂a = b ∂y.'
    """
    return _spans(markdown, str, lambda code: f"`{code}`", formula_text)


def html_of(markdown: str) -> str:
    """Return it as HTML.

    Examples
    --------
    >>> html_of("`a < b` & more")
    '<code>a &lt; b</code> &amp; more'
    """
    return _spans(markdown, escape, lambda code: f"<code>{escape(code)}</code>", mathml)


def quoted(text: str) -> str:
    """Return text from a learner's function as code, so that nothing in it counts as Markdown.

    Examples
    --------
    >>> quoted("`$` is 5")
    "`'$' is 5`"
    """
    code = text.replace("`", "'")
    return f"`{code}`" if code else "nothing"


@dataclass(frozen=True)
class Note:
    """A text for terminals, and the same in Markdown for notebooks.

    Attributes
    ----------
    text, markdown : str
        The two forms.
    """

    text: str
    markdown: str

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return self.markdown


_STYLE = Path(__file__).with_suffix(".css").read_text("utf-8")


@dataclass(frozen=True)
class Verdict:
    """The verdict on an answer: whether it passed and, if not, what a teacher would say.

    Attributes
    ----------
    passed : bool
        A verdict is true if this is.
    message : str
        What is right or wrong, in Markdown.
    code : str
        The kind of outcome, for programs: "passed", "blank", "not-callable", "raised",
        "too-many-steps", "mutated", "mistake" (one of the exercise's common mistakes), "none",
        "wrong-type", "wrong-count", "wrong-shape", "wrong-dtype", "non-finite", "wrong-value",
        "missing", "extra", or a code of `gradcheck`'s diagnosis.
    case : str
        The kind of input for which the answer is wrong: "two rows".
    evidence : tuple of (str, str)
        The names and values of that input.
    exercise : str
        The exercise's name.
    hint : str
        Where to look: what `gradcheck` advises, or the exercise's first hint. It is empty if the
        answer passed, or if the message says already what to change.
    next_hint : int
        The number of the exercise's first hint that was not shown.
    share : float
        How much of the inputs the answer is right for, from 0 to 1; 1 if it passed.
    """

    passed: bool
    message: str
    code: str
    case: str = ""
    evidence: tuple[tuple[str, str], ...] = ()
    exercise: str = ""
    hint: str = ""
    next_hint: int = 1
    share: float = 0.0

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        lines = [f"{self.exercise}: {self._word()}", text_of(self.message)]
        if self.case:
            lines.append(self._where())
            lines += [f"  {name} = {value}" for name, value in self.evidence]
        if self.hint:
            lines.append(f"Hint: {text_of(self.hint)}")
        if not self.passed:
            lines.append(self._more())
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        kind = "tx-verdict" if self.passed else "tx-verdict tx-failed"
        mark = "✓" if self.passed else "✗"
        name = f"<code>{escape(self.exercise)}</code>"
        parts = [f"<p><strong>{mark} {name}: {self._word()}</strong></p>"]
        parts.append(f"<p>{html_of(self.message)}</p>")
        if self.case:
            parts.append(html_table(("argument", "value"), self.evidence, self._where()))
        if self.hint:
            parts.append(f"<p><strong>Hint.</strong> {html_of(self.hint)}</p>")
        if not self.passed:
            parts.append(f"<p>{html_of(f'`{self._more()}`')}</p>")
        return f'<div class="{kind}"><style>\n{_STYLE}</style>{"".join(parts)}</div>'

    def _word(self) -> str:
        if self.code == "blank":
            return "not written yet"
        return "passed" if self.passed else "not right yet"

    def _where(self) -> str:
        return f"This was seen with {self.case}:"

    def _more(self) -> str:
        which = "The next hint" if self.hint else "A hint"
        return f'{which}: tx.hint("{self.exercise}", {self.next_hint})'

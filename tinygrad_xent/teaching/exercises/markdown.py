"""The Markdown of hints and verdicts, `code` and $formulas$, as text and as HTML."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from tinygrad_xent.visualization.formulas import formula_text, mathml

_SPANS = re.compile(r"(`[^`]+`|\$[^$]+\$)")


def _spans(
    markdown: str,
    plain: Callable[[str], str],
    code: Callable[[str], str],
    formula: Callable[[str], str],
) -> str:
    pieces = []
    for piece in _SPANS.split(markdown):
        if _SPANS.fullmatch(piece):
            pieces.append((code if piece[0] == "`" else formula)(piece[1:-1]))
        else:
            pieces.append(plain(piece))
    return "".join(pieces)


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

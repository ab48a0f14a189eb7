"""The command `tinygrad-xent`. What it needs is imported when it is known what is asked for."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from tinygrad_xent.errors import OutputError, TinygradXentError, UsageError

if TYPE_CHECKING:
    import argparse

    from tinygrad_xent.explain import Explanation

_NAME = "tinygrad-xent"
_ABOUT = "Backpropagation to look at, to step through and to trust, for softmax and cross-entropy."
_EXPLAIN = (
    "Explain the gradient of one loss: logits, softmax, loss, p - t, every step of the backward "
    "pass, and a numerical check of every gradient. Without options: train a small classifier on "
    "handwritten digits and explain the held-out digit that it gets most wrong."
)
_NUMERIC = ("--logits", "--probs", "--labels", "--target", "--seed")
_EXAMPLES = """\
examples:
  tinygrad-xent explain
  tinygrad-xent explain --data flowers.csv --label species --out flower.html
  tinygrad-xent explain --logits "2,1,0.1" --target 0
  tinygrad-xent explain --logits "2,1,0.1" --labels "0.7,0.2,0.1"
  tinygrad-xent explain --probs "0.7,0.2,0.1" --target 0
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        Its arguments; those of the process by default.

    Returns
    -------
    int
        The exit status: 0; 1 if a gradient turned out wrong; 2 if the command cannot be carried
        out, which one line on the standard error stream explains; 130 if it was interrupted.
    """
    try:
        parser = _parser()
        options = parser.parse_args(_joined(sys.argv[1:] if argv is None else argv))
        if options.command is None:
            return _say(parser.format_help())
        return _explain(options)
    except TinygradXentError as error:
        _complain(str(error))
        return 2
    except KeyboardInterrupt:
        return 130


# -- arguments -------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    import argparse
    import textwrap

    class Parser(argparse.ArgumentParser):
        """Says what is wrong in one line."""

        def error(self, message: str) -> NoReturn:
            raise UsageError(f"{message}; see {self.prog} --help")

    def command(add: Any, description: str, **about: Any) -> Any:
        return add(
            **about,
            description=textwrap.fill(description, 78),
            epilog=_EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    from tinygrad_xent import __version__

    parser: argparse.ArgumentParser = command(Parser, _ABOUT, prog=_NAME)
    parser.add_argument("--version", action="version", version=f"{_NAME} {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    explain = command(
        commands.add_parser,
        _EXPLAIN,
        name="explain",
        help="explain the gradient of one loss, step by step",
    )
    table = explain.add_argument_group("the worst held-out row of your own table")
    table.add_argument(
        "--data", metavar="FILE.csv", help="numeric columns and one column of labels, with a header"
    )
    table.add_argument("--label", metavar="COLUMN", help="the column to predict")
    numbers = explain.add_argument_group("a loss by hand")
    numbers.add_argument("--logits", metavar="NUMBERS", help="one for each class")
    numbers.add_argument(
        "--probs",
        metavar="NUMBERS",
        nargs="?",
        const="",
        help="probabilities instead; without numbers: --logits are probabilities",
    )
    numbers.add_argument("--target", metavar="CLASS", help="the true class, counted from 0")
    numbers.add_argument("--labels", metavar="NUMBERS", help="or dense labels, one for each class")
    explain.add_argument(
        "--out",
        metavar="FILE",
        help="ends in .svg, .png, .dot, .html or .json (default: explained.svg)",
    )
    explain.add_argument("--seed", metavar="N", help="of the training (default: 0)")
    explain.add_argument("--no-color", action="store_true", help="plain text, also on a terminal")
    return parser


def _joined(argv: Sequence[str]) -> list[str]:
    """Write --logits "-1,2" as --logits=-1,2: argparse would take the number for an option."""
    joined: list[str] = []
    for word in argv:
        if joined and joined[-1] in _NUMERIC and re.match(r"-[\d.in]", word):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _check_combination(options: argparse.Namespace) -> None:
    """Refuse options that make no sense together."""
    by_hand = [
        name
        for name in ("logits", "probs", "target", "labels")
        if getattr(options, name) is not None
    ]
    table = [name for name in ("data", "label") if getattr(options, name) is not None]
    if by_hand and table:
        raise UsageError(
            f"--{table[0]} is about a table, --{by_hand[0]} about a loss given by hand; "
            "use one or the other"
        )
    if table == ["label"]:
        raise UsageError("--label names a column of --data FILE.csv, which is missing")
    if not by_hand:
        return
    if options.seed is not None:
        raise UsageError(
            "--seed has no effect on a loss given by hand, where nothing is random; leave it out"
        )
    if options.logits is None and not options.probs:
        raise UsageError(f'--{by_hand[0]} needs the numbers of the classes; add --logits "2,1,0.1"')
    if options.logits is not None and options.probs:
        raise UsageError(
            "--logits and --probs both give the numbers of the classes; use one of them"
        )
    if options.target is not None and options.labels is not None:
        raise UsageError("--target and --labels both say which class is true; use one of them")


def _seed(text: str | None) -> int:
    if text is not None and not re.fullmatch(r"\d+", text):
        raise UsageError(f"--seed: '{text}' is not a whole number from 0 on; write --seed 1")
    return int(text or 0)


# -- the main job ----------------------------------------------------------------------------


def _explain(options: argparse.Namespace) -> int:
    _check_combination(options)
    seed = _seed(options.seed)
    from tinygrad_xent.explain.output import check_output, write
    from tinygrad_xent.explain.report import report
    from tinygrad_xent.explain.terminal import style_for

    path = Path("explained.svg" if options.out is None else options.out)
    check_output(path)
    explanation = _explanation(options, seed)
    where = write(path, explanation)
    style = style_for(sys.stdout, colour=not options.no_color)
    _say("\n".join((*report(explanation, style), where, "")))
    return 0 if explanation.check.ok else 1


def _explanation(options: argparse.Namespace, seed: int) -> Explanation:
    from tinygrad_xent import explain

    if options.data is not None:
        return explain.explain_table(Path(options.data), options.label, seed, progress=True)
    numbers = options.logits if options.logits is not None else options.probs
    if numbers is None:
        return explain.explain_digit(seed, progress=True)
    return explain.explain_numbers(
        numbers, target=options.target, labels=options.labels, probs=options.probs is not None
    )


# -- the streams -----------------------------------------------------------------------------


def _say(text: str) -> int:
    """Print; whoever reads may stop reading early."""
    from tinygrad_xent.explain.terminal import fitting

    if sys.stdout is None:  # it was closed
        return 0
    try:
        sys.stdout.write(fitting(text, sys.stdout))
        sys.stdout.flush()
    except OSError as error:
        # Python flushes again when it exits: let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise OutputError(f"the report cannot be printed ({error.strerror})") from None
    return 0


def _complain(message: str) -> None:
    from tinygrad_xent.explain.terminal import fitting
    from tinygrad_xent.reading import printable

    if sys.stderr is not None:
        sys.stderr.write(fitting(f"{_NAME}: error: {printable(message)}\n", sys.stderr))

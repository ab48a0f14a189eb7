"""`tinygrad-xent explain`: the gradient of one loss, step by step."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tinygrad_xent.commands.by_hand import add_options, check_complete, explain_numbers, seed
from tinygrad_xent.commands.streams import Style, check_output, opened, say, write_output
from tinygrad_xent.errors import UsageError
from tinygrad_xent.visualization.naming import printable

if TYPE_CHECKING:
    import argparse

    from tinygrad_xent.commands.explain.explanation import Explanation

FORMS = {
    ".svg": "The graph with its values and gradients",
    ".png": "The graph with its values and gradients",
    ".dot": "The graph for Graphviz",
    ".html": "Every step as a page",
    ".json": "Every step as data",
}


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options to the command's parser."""
    table = parser.add_argument_group("the worst held-out row of your own table")
    table.add_argument(
        "--data", metavar="FILE.csv", help="a table, gzipped or not, with a column of labels"
    )
    table.add_argument(
        "--label",
        metavar="COLUMN",
        help="the column to predict: its name or number, -1 is the last",
    )
    table.add_argument(
        "--features", metavar="COLUMNS", help="those to predict it from (default: all that can be)"
    )
    add_options(parser.add_argument_group("a loss by hand"))
    parser.add_argument(
        "--out",
        metavar="FILE",
        help="ends in .svg, .png, .dot, .html or .json (default: explained.html, which is opened)",
    )
    parser.add_argument("--full", action="store_true", help="print every step, too")
    parser.add_argument("--seed", type=seed, metavar="N", help="for the training (default: 0)")
    parser.add_argument("--no-color", action="store_true", help="plain text, also on a terminal")


def run(options: argparse.Namespace) -> int:
    """Explain, print the report, and write the picture or page."""
    by_hand = _is_by_hand(options)
    from tinygrad_xent.commands.explain.report import report

    path = Path("explained.html" if options.out is None else options.out)
    ending = path.suffix.lower()
    check_output(path, FORMS)
    explanation = (_of_numbers if by_hand else _of_a_table)(options)
    write_output(path, content(ending, explanation))
    style = Style.of(sys.stdout, colour=not options.no_color)
    written = f"{FORMS[ending]}: {printable(path)}"
    if options.out is None and opened(path):
        written += ", opened in the browser"
    say("\n".join((*report(explanation, style, full=options.full), written, "")))
    return 0 if explanation.check.ok else 1


def _is_by_hand(options: argparse.Namespace) -> bool:
    """Return whether the loss is given by hand; raise an error for options that do not fit."""
    given = [name for name, value in vars(options).items() if value is not None]
    by_hand = [name for name in ("logits", "probs", "target", "labels") if name in given]
    table = [name for name in ("data", "label", "features", "seed") if name in given]
    if by_hand and table:
        raise UsageError(
            f"--{table[0]} is for training on a table, --{by_hand[0]} for a loss given by hand; "
            "use one of them"
        )
    if by_hand:
        check_complete(options)
    if table and table[0] in ("label", "features"):
        raise UsageError(f"--{table[0]} names a column of --data FILE.csv, which is missing")
    return bool(by_hand)


def _of_numbers(options: argparse.Namespace) -> Explanation:
    probs = options.logits is None
    numbers = options.probs if probs else options.logits
    return explain_numbers(numbers, target=options.target, labels=options.labels, probs=probs)


def _of_a_table(options: argparse.Namespace) -> Explanation:
    from tinygrad_xent.commands.explain.explanation import explain_table

    path = None if options.data is None else Path(options.data)
    return explain_table(path, options.label, options.seed or 0, options.features)


def content(ending: str, explanation: Explanation) -> bytes:
    """Return the content of a file with this ending."""
    from tinygrad_xent.commands.explain.report import page
    from tinygrad_xent.visualization.drawing import draw

    if ending == ".json":
        return f"{explanation.to_json()}\n".encode()
    if ending == ".html":
        return page(explanation).encode()
    picture = draw(explanation.loss)
    if ending == ".png":
        return picture.png()
    return (picture.svg if ending == ".svg" else picture.to_dot().source).encode()

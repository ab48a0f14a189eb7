"""`tinygrad-xent explain`: the gradient of one loss, step by step."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tinygrad_xent.commands.by_hand import add_label_options, check_given_once, explain_numbers
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
    numbers = parser.add_argument_group("a loss by hand")
    numbers.add_argument("--logits", metavar="NUMBERS", help="one for each class")
    numbers.add_argument(
        "--probs",
        metavar="NUMBERS",
        nargs="?",
        const="",
        help="probabilities instead; without numbers: --logits are probabilities",
    )
    add_label_options(numbers)
    parser.add_argument(
        "--out",
        metavar="FILE",
        help="ends in .svg, .png, .dot, .html or .json (default: explained.html, which is opened)",
    )
    parser.add_argument("--full", action="store_true", help="print every step, too")
    parser.add_argument("--seed", metavar="N", help="for the training (default: 0)")
    parser.add_argument("--no-color", action="store_true", help="plain text, also on a terminal")


def run(options: argparse.Namespace) -> int:
    """Explain, print the report, and write the picture or page."""
    _check_combination(options)
    seed = _seed(options.seed)
    from tinygrad_xent.commands.explain.report import report

    path = Path("explained.html" if options.out is None else options.out)
    ending = path.suffix.lower()
    check_output(path, FORMS)
    check_renderer(ending)
    explanation = _explanation(options, seed)
    write_output(path, content(ending, explanation))
    style = Style.of(sys.stdout, colour=not options.no_color)
    written = f"{FORMS[ending]}: {printable(path)}"
    if options.out is None and opened(path):
        written += ", opened in the browser"
    say("\n".join((*report(explanation, style, full=options.full), written, "")))
    return 0 if explanation.check.ok else 1


def _check_combination(options: argparse.Namespace) -> None:
    """Raise an error for options that contradict each other."""
    given = [name for name, value in vars(options).items() if value is not None]
    by_hand = [name for name in ("logits", "probs", "target", "labels") if name in given]
    table = [name for name in ("data", "label", "features") if name in given]
    if by_hand and table:
        raise UsageError(
            f"--{table[0]} is for a table, --{by_hand[0]} for a loss given by hand; use one of them"
        )
    if table and "data" not in table:
        raise UsageError(f"--{table[0]} names a column of --data FILE.csv, which is missing")
    if not by_hand:
        return
    if options.seed is not None:
        raise UsageError(
            "--seed has no effect on a loss given by hand, where nothing is random; leave it out"
        )
    if options.logits is None and not options.probs:
        raise UsageError(f'--{by_hand[0]} needs the numbers of the classes; add --logits "2,1,0.1"')
    check_given_once(options, probs=bool(options.probs))


def _seed(text: str | None) -> int:
    if text is not None and not re.fullmatch(r"\d+", text):
        raise UsageError(f"--seed: '{text}' is not a whole number from 0 upwards; write --seed 1")
    return int(text or 0)


def _explanation(options: argparse.Namespace, seed: int) -> Explanation:
    from tinygrad_xent.commands.explain.explanation import explain_table

    numbers = options.logits if options.logits is not None else options.probs
    if numbers is None:
        data = None if options.data is None else Path(options.data)
        return explain_table(data, options.label, seed, options.features)
    return explain_numbers(
        numbers, target=options.target, labels=options.labels, probs=options.probs is not None
    )


def check_renderer(ending: str) -> None:
    """Raise `MissingRendererError` if PNG is asked for and resvg_py is missing."""
    if ending == ".png":
        from tinygrad_xent.tensor import Tensor
        from tinygrad_xent.visualization.drawing import draw

        draw(Tensor(0.0)).png()


def content(ending: str, explanation: Explanation) -> bytes:
    """Return the content of a file with this ending."""
    from tinygrad_xent.commands.explain.page import page
    from tinygrad_xent.visualization.drawing import draw

    if ending == ".json":
        return f"{explanation.to_json()}\n".encode()
    if ending == ".html":
        return page(explanation).encode()
    picture = draw(explanation.loss)
    if ending == ".png":
        return picture.png()
    return (picture.svg if ending == ".svg" else picture.to_dot().source).encode()

"""`tinygrad-xent compare`: one loss as each framework computes it."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_xent.commands import by_hand
from tinygrad_xent.commands.streams import check_output, complain, say, write_output
from tinygrad_xent.errors import ProbabilitiesWarning, UsageError
from tinygrad_xent.visualization.pages import page

if TYPE_CHECKING:
    import argparse

    from tinygrad_xent.comparing import Comparison

_FORMS = (".html", ".json", ".txt")
_LARGEST_CLASS = 1e15  # up to here a float distinguishes whole numbers


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options to the command's parser."""
    by_hand.add_options(parser, '; several rows: "2,1 / 0,3", with --target "0,1"')
    parser.add_argument(
        "--axis", type=int, default=-1, metavar="N", help="the axis of classes (default: -1)"
    )
    dtypes = ("float16", "float32", "float64")
    what = "of the numbers and of dense labels: float16, float32 or float64 (default)"
    parser.add_argument("--dtype", choices=dtypes, default=dtypes[-1], metavar="DTYPE", help=what)
    parser.add_argument("--json", action="store_true", help="print the comparison as JSON")
    parser.add_argument(
        "--out", metavar="FILE", help="also write it to a file that ends in .html, .json or .txt"
    )


def run(options: argparse.Namespace) -> int:
    """Compare, print the report, and write it to a file if one is named."""
    by_hand.check_complete(options)
    path = None if options.out is None else Path(options.out)
    if path:
        check_output(path, _FORMS)
    comparison = comparison_of(options)
    if path:
        write_output(path, _content(path.suffix.lower(), comparison).encode())
    return say(f"{comparison.to_json() if options.json else comparison}\n")


def comparison_of(options: argparse.Namespace) -> Comparison:
    """Return the comparison of the numbers in the options.

    Raises
    ------
    UsageError
        If an option is not a valid number. The message is one line.
    """
    from_logits = options.logits is not None
    option, numbers = ("--logits", options.logits) if from_logits else ("--probs", options.probs)
    x = by_hand.parse_rows(option, numbers, options.dtype)
    sparse = options.labels is None
    if sparse:
        labels = _classes(options.target)
        if x.ndim == 1 and labels.shape == (1,):
            labels = labels.reshape(())
    else:
        labels = by_hand.parse_rows("--labels", options.labels, options.dtype)
    from tinygrad_xent.comparing import compare

    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", ProbabilitiesWarning)
        comparison = compare(labels, x, from_logits=from_logits, axis=options.axis, sparse=sparse)
    for warning in found:
        message = str(warning.message).replace("from_logits=True", "--logits instead of --probs")
        complain(f"tinygrad-xent: {message}")
    return comparison


def _classes(target: str) -> Any:
    classes = by_hand.parse_rows("--target", target)
    if not re.fullmatch(r"[-+\d\s,/]*", target):
        return classes
    if np.max(np.abs(classes)) > _LARGEST_CLASS:
        raise UsageError("--target: class numbers have at most 15 digits")
    return classes.astype(np.int64)


def _content(ending: str, comparison: Comparison) -> str:
    if ending == ".html":
        return page("One loss, compared", f"{comparison._repr_html_()}\n")
    return f"{comparison.to_json() if ending == '.json' else comparison}\n"

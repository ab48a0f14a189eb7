"""`tinygrad-xent compare`: one loss, and what each framework makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tinygrad_xent.commands.streams import say
from tinygrad_xent.errors import UsageError

if TYPE_CHECKING:
    import argparse

HELP = "compare what the frameworks make of one loss"
ABOUT = (
    "Compare loss and gradient of TensorFlow 1 and 2, Keras 2 and 3 on their backends, PyTorch and "
    "Optax for the same labels and the same numbers: who agrees with whom, and which step of which "
    "algorithm makes the difference."
)
EXAMPLES = """\
  tinygrad-xent compare --probs "0,0,0" --target 0
  tinygrad-xent compare --logits "0,1" --labels "2,1"
  tinygrad-xent compare --logits "1,2,3" --target -1
  tinygrad-xent compare --logits "0,-inf / 5,1" --target "0,1" --out report.html
"""
NUMERIC = ("--logits", "--probs", "--labels", "--target", "--axis")


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options to the command's parser."""
    parser.add_argument(
        "--logits", metavar="NUMBERS", help='one for each class; several rows: "2,1 / 0,3"'
    )
    parser.add_argument("--probs", metavar="NUMBERS", help="probabilities instead")
    parser.add_argument(
        "--target", metavar="CLASS", help="the true class, counted from 0; one for each row"
    )
    parser.add_argument("--labels", metavar="NUMBERS", help="or dense labels, one for each class")
    parser.add_argument("--axis", metavar="N", help="the axis of classes (default: -1)")
    parser.add_argument(
        "--dtype",
        metavar="DTYPE",
        help="of the numbers and of dense labels: float16, float32 or float64 (default)",
    )
    parser.add_argument("--json", action="store_true", help="print the comparison as JSON")
    parser.add_argument("--out", metavar="FILE", help="write it too; ends in .html, .json or .txt")


def run(options: argparse.Namespace) -> int:
    """Compare, print the report, write it if asked for."""
    _check_combination(options)
    from tinygrad_xent.comparing.asked import check_output, comparison_of, write

    path = None if options.out is None else Path(options.out)
    if path:
        check_output(path)
    comparison = comparison_of(
        logits=options.logits,
        probs=options.probs,
        target=options.target,
        labels=options.labels,
        axis=options.axis or "-1",
        dtype=options.dtype or "float64",
    )
    text = comparison.to_json() if options.json else str(comparison)
    if path:
        write(path, comparison)
    return say(f"{text}\n")


def _check_combination(options: argparse.Namespace) -> None:
    """Refuse options that make no sense together."""
    if options.logits is None and options.probs is None:
        raise UsageError('which numbers? Add --logits "2,1,0.1", or --probs "0.7,0.2,0.1"')
    if options.logits is not None and options.probs is not None:
        raise UsageError(
            "--logits and --probs both give the numbers of the classes; use one of them"
        )
    if options.target is None and options.labels is None:
        raise UsageError('which class is true? Add --target 0, or --labels "0.7,0.2,0.1"')
    if options.target is not None and options.labels is not None:
        raise UsageError("--target and --labels both say which class is true; use one of them")

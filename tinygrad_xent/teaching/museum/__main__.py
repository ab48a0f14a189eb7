"""`python -m tinygrad_xent.teaching.museum`: the accuracy of the diagnoses, as a table."""

from __future__ import annotations

import argparse
import sys

from tinygrad_xent.teaching.museum import WRONG_RULES
from tinygrad_xent.teaching.museum.accuracy import accuracy


def main() -> None:
    """Check all rules, and print the accuracy of the diagnoses."""
    parser = argparse.ArgumentParser(
        prog="python -m tinygrad_xent.teaching.museum", description=__doc__
    )
    parser.add_argument("--times", type=int, default=20, help="random inputs for each rule")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sys.stdout.write(f"{accuracy(WRONG_RULES, options.times, options.seed)}\n")


if __name__ == "__main__":
    main()

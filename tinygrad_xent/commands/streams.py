"""What a command says, on streams that may be closed, full or unable to write a sign."""

from __future__ import annotations

import os
import sys

from tinygrad_xent.errors import OutputError


def say(text: str) -> int:
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


def complain(line: str) -> None:
    """Write one line to the standard error stream."""
    from tinygrad_xent.explain.terminal import fitting
    from tinygrad_xent.reading import printable

    if sys.stderr is not None:
        sys.stderr.write(fitting(f"{printable(line)}\n", sys.stderr))

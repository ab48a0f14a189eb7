"""`python -m tinygrad_xent` is the command `tinygrad-xent`."""

from __future__ import annotations

import sys

from tinygrad_xent.commands.cli import main

if __name__ == "__main__":
    sys.exit(main())

"""What `tinygrad-xent` can be asked to do: one module for each command.

Each says in constants what `--help` prints (`HELP` in a list of commands, `ABOUT`, `EXAMPLES`) and
which options take a number that may begin with a minus sign (`NUMERIC`); `options(parser)` adds its
options, and `run(options)` does the work and gives the exit status. What is heavy is imported
inside `run`, so that `--help` and the other commands do not pay for it.
"""

from __future__ import annotations

from tinygrad_xent.commands import assignment, check, compare, explain, grade, lessons

COMMANDS = {
    "explain": explain,
    "compare": compare,
    "lessons": lessons,
    "check": check,
    "grade": grade,
    "assignment": assignment,
}
"""In the order in which `--help` lists them."""

"""The subcommands of `tinygrad-xent`, a module or a folder for each.

What `--help` says of each is in help.ini. The function `options(parser)` of a module adds the
options; `run(options)` does the work and returns the exit status. `run` imports what is slow to
import, so that `--help` and the other commands stay fast.
"""

from tinygrad_xent.commands import assignment, check, compare, explain, grade, handout, lessons

COMMANDS = {
    command.__name__.rpartition(".")[2]: command
    for command in (explain, compare, lessons, check, handout, grade, assignment)
}
"""In the order in which `--help` lists them."""

"""`tinygrad-xent assignment`: a notebook of exercises, to hand out with nbgrader."""

import argparse
from pathlib import Path

from tinygrad_xent.commands.streams import check_output, say, write_output
from tinygrad_xent.errors import OutputError


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options to the command's parser."""
    parser.add_argument("names", metavar="NAME", nargs="*", help="of an exercise")
    parser.add_argument("--title", default="Exercises", help="the notebook's heading")
    parser.add_argument("--out", metavar="FILE.ipynb", default="assignment.ipynb")


def run(options: argparse.Namespace) -> int:
    """Write the notebook, or list the exercises."""
    from tinygrad_xent.teaching.exercises import CATALOGUE
    from tinygrad_xent.teaching.handout import assignment
    from tinygrad_xent.visualization.formatting import count
    from tinygrad_xent.visualization.naming import printable
    from tinygrad_xent.visualization.tables import table

    if not options.names:
        rows = [[str(e.lesson), e.name, e.title] for e in CATALOGUE.values()]
        return say("\n".join([*table(["lesson", "name", "title"], rows, right=1), ""]))
    path = Path(options.out)
    check_output(path, (".ipynb",))
    if path.exists():
        raise OutputError(
            f"--out {printable(path)}: exists, perhaps with changes of yours; name another file"
        )
    write_output(path, assignment(options.names, title=options.title).encode("utf-8", "replace"))
    return say(f"{count(len(set(options.names)), 'exercise')}: {printable(path)}\n")

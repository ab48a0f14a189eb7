"""`tinygrad-xent handout`: a notebook and a worksheet for each learner, with their own numbers."""

import argparse
from pathlib import Path

from tinygrad_xent.commands.by_hand import seed
from tinygrad_xent.commands.streams import say
from tinygrad_xent.errors import OutputError, UsageError


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options to the command's parser."""
    parser.add_argument("names", metavar="NAME", nargs="+", help="of an exercise")
    parser.add_argument(
        "--students", metavar="FILE.csv", required=True, help="the class: name, id, email"
    )
    parser.add_argument("--out", metavar="DIR", default="handout", help="the folder to make")
    parser.add_argument("--title", default="Exercises", help="the notebooks' heading")
    parser.add_argument(
        "--seed", type=seed, metavar="N", default=1, help="the first sheet's number"
    )
    parser.add_argument(
        "--hints-from", metavar="DATE", default="", help="show no hints before: 2026-12-01"
    )


def run(options: argparse.Namespace) -> int:
    """Write the folders."""
    from datetime import date

    from tinygrad_xent.teaching.exercises import CATALOGUE
    from tinygrad_xent.teaching.handout import write_handout
    from tinygrad_xent.teaching.roster import read_roster
    from tinygrad_xent.visualization.formatting import count
    from tinygrad_xent.visualization.naming import printable

    names = [name for name in dict.fromkeys(options.names) if CATALOGUE[name]]
    try:
        hints_from = date.fromisoformat(options.hints_from) if options.hints_from else ""
    except ValueError:
        wrong = f"--hints-from: {options.hints_from!r} is not a date; write 2026-12-01"
        raise UsageError(wrong) from None
    out = Path(options.out)
    keys = out.with_name(f"{out.name}-keys")
    people = read_roster(Path(options.students))
    for path in (out, keys):
        if path.exists():
            raise OutputError(f"--out: {printable(path)} exists; name another folder")
    taken = [person.folder.casefold() for person in people]
    for person, name in zip(people, taken, strict=True):
        if not name or taken.count(name) > 1:
            raise UsageError(
                f"{printable(options.students)}: nothing tells {person.name!r} from others; give "
                "each an id of their own"
            )
    for i, person in enumerate(people):
        folder = out / person.folder
        facts = {"title": options.title, "hints_from": str(hints_from)}
        write_handout(folder, keys, names, options.seed + i, **facts)
    return say(f"{count(len(people), 'folder')}: {printable(out)}\nTheir keys: {printable(keys)}\n")

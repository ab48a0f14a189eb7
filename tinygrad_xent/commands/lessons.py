"""`tinygrad-xent lessons`: copy the lessons, and open them in JupyterLab."""

import argparse
from pathlib import Path

from tinygrad_xent.commands.streams import say

_FOLDER = "tinygrad-xent-lessons"


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options to the command's parser."""
    parser.add_argument(
        "folder",
        metavar="DIR",
        nargs="?",
        default=_FOLDER,
        help=f"the folder for the copies (default: {_FOLDER})",
    )
    parser.add_argument("--no-open", action="store_true", help="copy only")


def run(options: argparse.Namespace) -> int:
    """Copy the notebooks, and start JupyterLab on them."""
    from tinygrad_xent.teaching.lessons import copy_lessons, notebooks

    folder = Path(options.folder)
    say(f"{copy_lessons(notebooks(), folder)}\n")
    return 0 if options.no_open else _open(folder)


def _open(folder: Path) -> int:
    """Run JupyterLab until the user stops it."""
    import os
    import subprocess
    import sys
    from importlib.util import find_spec

    if find_spec("jupyterlab") is None:
        packages = 'jupyterlab matplotlib "dask[array]"'
        say(
            "To work in them, install JupyterLab, and run this command again:\n"
            f"  {sys.executable} -m pip install {packages}\n"
        )
        return 0
    command = [sys.executable, "-m", "jupyterlab", str(folder)]
    command.append("--LabApp.default_url=/lab/tree/00_start.ipynb")  # also where no browser opens
    if getattr(os, "geteuid", lambda: 1)() == 0:  # in a container, mostly; JupyterLab asks for it
        command.append("--allow-root")
    return subprocess.run(command, check=False).returncode  # noqa: S603 - their own JupyterLab

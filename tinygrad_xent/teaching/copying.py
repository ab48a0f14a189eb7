"""Copying the lessons to where somebody works on them, without ever touching that work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tinygrad_xent.errors import OutputError
from tinygrad_xent.files import write_whole
from tinygrad_xent.numbers import count
from tinygrad_xent.reading import printable


@dataclass(frozen=True)
class Copied:
    """What came of copying: the names of the files that were written, and of those left alone.

    `kept` are there already and hold something else, so they are somebody's work.
    """

    folder: Path
    written: tuple[str, ...]
    kept: tuple[str, ...]

    def __str__(self) -> str:
        folder = printable(str(self.folder))
        if not self.written and not self.kept:
            return f"The lessons are in {folder} already."
        lines = [f"Copied {count(len(self.written), 'lesson')} to {folder}."] * bool(self.written)
        if self.kept:
            lines.append(
                f"Left {count(len(self.kept), 'notebook')} in {folder} as you changed "
                f"{'it' if len(self.kept) == 1 else 'them'}: {', '.join(self.kept)}. For fresh "
                "copies name another folder."
            )
        return "\n".join(lines)


def copy_lessons(notebooks: Sequence[Path], folder: Path) -> Copied:
    """Copy notebooks into a folder; a file that is there already is never written to.

    Raises
    ------
    OutputError
        If the folder cannot be made or written to. The message is one line.
    """
    shown = printable(str(folder))
    if any(notebook.parent.resolve() == folder.resolve() for notebook in notebooks):
        raise OutputError(f"{shown}: is where the lessons come from; name a folder to work in")
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{shown}: is a file; name a folder for the lessons")
    written, kept = [], []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for notebook in notebooks:
            target = folder / notebook.name
            content = notebook.read_bytes()
            if not target.exists():
                write_whole(target, content)
                written.append(target.name)
            elif target.read_bytes() != content:
                kept.append(target.name)
    except OSError as error:
        raise OutputError(
            f"{shown}: cannot be written ({error.strerror}); choose another folder"
        ) from None
    return Copied(folder, tuple(written), tuple(kept))

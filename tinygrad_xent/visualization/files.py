"""Write a file completely or not at all."""

import errno
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from tinygrad_xent.errors import FileFormatError
from tinygrad_xent.visualization.naming import printable


def write_whole(path: Path, content: bytes) -> None:
    """Write a temporary file and move it into place, so that the file is never incomplete.

    A file that is replaced keeps its permissions, and links to it stay valid.

    Raises
    ------
    OSError
        If the file cannot be written. An existing file is then unchanged.
    """
    path = path.resolve()
    beside = _beside(path)
    try:
        beside.write_bytes(content)
        if path.exists():
            beside.chmod(path.stat().st_mode)
        beside.replace(path)
    except OSError as error:
        error.filename = str(path)  # nobody has asked for the other
        raise
    finally:
        beside.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Raise the OSError that `write_whole` would raise, and leave nothing behind."""
    path = path.resolve()
    if path.exists() and not (path.is_file() and os.access(path, os.W_OK)):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    beside = _beside(path)
    try:
        beside.touch()
    finally:
        beside.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def save(
    path: str | os.PathLike[str], forms: Mapping[str, Callable[[], str | bytes]], hint: str = ""
) -> Path:
    """Write a file in the form that its ending names; whole or not at all.

    Parameters
    ----------
    path : path-like
    forms : mapping of str to callable
        By ending, such as ".html", a function that returns the content. Only one of them is called.
    hint : str, optional
        A sentence that ends the message where the ending is another one.

    Returns
    -------
    Path
        Where the file is.

    Raises
    ------
    FileFormatError
        If the name ends in something else.
    OSError
        If the file cannot be written.
    """
    path = Path(path)
    form = forms.get(path.suffix.lower())
    if form is None:
        what = f"the ending '{printable(path.suffix)}'" if path.suffix else "no ending"
        endings = f"one of {', '.join(forms)}" if len(forms) > 1 else next(iter(forms))
        more = f". {hint}" if hint else ""
        raise FileFormatError(f"'{printable(path)}' has {what}; end the name in {endings}{more}")
    content = form()
    write_whole(path, content.encode() if isinstance(content, str) else content)
    return path

"""Writing a file completely or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a temporary file, then move it into place: the file is never incomplete.

    Replacing a file keeps its permissions, and links to it.

    Raises
    ------
    OSError
        If it cannot be written. An existing file is then unchanged.
    """
    path = path.resolve()
    beside = _beside(path)
    try:
        beside.write_bytes(content)
        if path.exists():
            beside.chmod(path.stat().st_mode)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Raise the OSError that `write_whole` would raise; nothing is left behind."""
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

"""Writing a file whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place, then move it there: nobody ever finds half of it.

    A file that was there is replaced and its permissions are kept; a link keeps pointing to it.

    Raises
    ------
    OSError
        If it cannot be written. What was there is then unchanged.
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

"""Becoming an ordinary user: what a test run by root has to do to meet what all others meet."""

from __future__ import annotations

import contextlib
import os
import shutil

import pytest

STRANGER = 54321  # is on no list of users and has no home, as in many a container
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
_SETPRIV = shutil.which("setpriv")


def ordinary_user() -> list[str]:
    """Return what to put before a command, so that an ordinary user runs it.

    Of all that root may do it keeps reading files: Python itself may lie where only root can look.
    """
    if not IS_ROOT:
        return []
    if _SETPRIV is None:
        pytest.skip("the tests are run by root, and setpriv (of util-linux) is missing")
    return [
        _SETPRIV, f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups",
        "--bounding-set=-all,+dac_read_search", "--inh-caps=-all,+dac_read_search",
        "--ambient-caps=-all,+dac_read_search",
    ]  # fmt: skip


@contextlib.contextmanager
def without_privileges():
    """Let this process read only what others may read, for a while."""
    if IS_ROOT:
        os.seteuid(STRANGER)
    try:
        yield
    finally:
        if IS_ROOT:
            os.seteuid(0)

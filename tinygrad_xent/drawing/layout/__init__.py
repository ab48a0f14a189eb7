"""Places for boxes of given sizes: by Graphviz where there is one, else in plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tinygrad_xent.drawing.layout.geometry import Cluster, Link, Placement, Size
from tinygrad_xent.drawing.layout.plain import plain

__all__ = ["Cluster", "Link", "Placement", "place"]


def place(
    sizes: Sequence[Size],
    links: Sequence[Link],
    engine: Literal["auto", "plain"] = "auto",
    clusters: Sequence[Cluster] = (),
) -> Placement:
    """Place boxes and lead the arrows between them. This never fails.

    "auto" asks the Graphviz programs there are, one after the other, and falls back to the
    layout in plain Python; "plain" goes there at once.
    """
    if engine == "auto" and sizes:
        import subprocess

        from tinygrad_xent.drawing.layout import dot

        for executable in dot.executables():
            try:
                return dot.dot(executable, sizes, links, clusters)
            except (OSError, subprocess.SubprocessError, ValueError, LookupError, TypeError):
                continue  # broken, missing, too slow, or no Graphviz at all: the next one
    return plain(sizes, links, clusters)

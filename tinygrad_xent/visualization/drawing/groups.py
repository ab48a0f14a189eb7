"""Which boxes lie in the frame of a scope."""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_xent.visualization.drawing.fold import Path
from tinygrad_xent.visualization.drawing.model import Group
from tinygrad_xent.visualization.naming import printable

DEEPEST = 4  # frames within frames


def groups(
    scopes: Sequence[Path], leaves: Sequence[bool], arrows: Sequence[tuple[int, int]]
) -> tuple[Group, ...]:
    """Make a group of each run of boxes that were made in a scope, one after the other.

    A leaf joins the first box of its scope that uses it, unless others use it before.
    """
    users: dict[int, list[int]] = {}
    for source, target in arrows:
        users.setdefault(source, []).append(target)
    found: list[Group] = []
    above: dict[int, int] = {}  # box to its group one level up
    for depth in range(1, DEEPEST + 1):
        runs: list[tuple[Path, int, list[int]]] = []
        at: dict[int, int] = {}
        last = -2
        for i, (scope, leaf) in enumerate(zip(scopes, leaves, strict=True)):
            if leaf:
                continue
            path, parent = scope[:depth], above.get(i, -1)
            if len(path) < depth:
                last = -2
                continue
            if last == -2 or runs[-1][:2] != (path, parent):
                runs.append((path, parent, []))
            last = at[i] = len(runs) - 1
            runs[-1][2].append(i)
        for i, (scope, leaf) in enumerate(zip(scopes, leaves, strict=True)):
            first = min(users.get(i, ()), default=-1)
            if leaf and first in at and len(scope) >= depth:
                path, _, boxes = runs[at[first]]
                if path == scope[:depth]:
                    boxes.append(i)
        above = {}
        for path, parent, boxes in runs:
            above.update(dict.fromkeys(boxes, len(found)))
            found.append(Group(printable(path[-1]), tuple(sorted(boxes)), parent))
        if not runs:
            break
    return tuple(found)

"""Layout by Graphviz: its executable is called with boxes of fixed size and answers with places."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from tinygrad_xent.drawing.layout.geometry import PADDING, Cluster, Link, Placement, Point, Size

VARIABLE = "TINYGRAD_XENT_DOT"
TIMEOUT = 10.0  # seconds


def executables() -> Iterator[str]:
    """Find programs that speak DOT, the preferred one first.

    The one named in the environment variable TINYGRAD_XENT_DOT, `dot` on the PATH, and
    `graphviz-pure`, also where pip puts scripts: the PATH of a notebook's kernel often lacks it.
    """
    named = os.environ.get(VARIABLE)
    scripts = sysconfig.get_path("scripts")
    found = (
        named and (shutil.which(named) or named),
        shutil.which("dot"),
        shutil.which("graphviz-pure"),
        shutil.which("graphviz-pure", path=scripts),
    )
    yield from dict.fromkeys(path for path in found if path)


def run(executable: str, text: str, form: str) -> bytes:
    """Hand a program DOT text and give what it answers.

    Raises
    ------
    OSError, subprocess.SubprocessError
        If it cannot be started, fails, or takes too long.
    """
    answer = subprocess.run(  # noqa: S603 - the user's own Graphviz, and no text of the graph's
        [executable, f"-T{form}"],
        input=text.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=TIMEOUT,
        check=True,
    )
    return answer.stdout


def dot(
    executable: str,
    sizes: Sequence[Size],
    links: Sequence[Link],
    clusters: Sequence[Cluster] = (),
) -> Placement:
    """Place boxes with the given program.

    Raises
    ------
    OSError, subprocess.SubprocessError
        If it does not run.
    ValueError, LookupError, TypeError
        If its answer is not the layout of what it was given.
    """
    answer = json.loads(run(executable, _question(sizes, links, clusters), "json0"))
    _, _, width, height = _numbers(answer["bb"])
    objects = {thing["name"]: thing for thing in answer["objects"]}
    edges = {edge["id"]: edge["pos"] for edge in answer["edges"]} if links else {}
    corners = []
    for i, (w, h) in enumerate(sizes):
        x, y = _numbers(objects[f"n{i}"]["pos"])
        corners.append((x - w / 2, height - y - h / 2))
    routes = []
    for i in range(len(links)):
        points = [_numbers(point) for point in edges[f"e{i}"].split()]
        routes.append(tuple((x, height - y) for x, y in points))
    frames = []
    for i in range(len(clusters)):
        left, bottom, right, top = _numbers(objects[f"cluster{i}"]["bb"])
        frames.append((left, height - top, right - left, top - bottom))
    stem = Path(executable).stem
    return _fitted(
        Placement(stem, width, height, tuple(corners), tuple(routes), tuple(frames)), sizes
    )


def _question(sizes: Sequence[Size], links: Sequence[Link], clusters: Sequence[Cluster]) -> str:
    """Write the graph without any text in it. A box with several ports is a table of that size."""
    ports = [0] * len(sizes)
    for link in links:
        ports[link.target] = link.ports
    lines = [
        "digraph {",
        'graph [nodesep=0.33, ranksep=0.6] edge [arrowhead=none] node [label=""]',
    ]
    for i, (width, height) in enumerate(sizes):
        if ports[i] > 1:
            lines.append(f"n{i} [shape=plain, label=<{_table(width, height, ports[i])}>]")
        else:
            size = f"width={width / 72:.5f}, height={height / 72:.5f}"
            lines.append(f"n{i} [shape=box, fixedsize=true, {size}]")
    lines += _clusters(clusters)
    for i, link in enumerate(links):
        port = f":p{link.port}:n" if link.ports > 1 else ":n"
        # Computed boxes stay near their use, and the main path straight; leaves follow.
        weight = 3 if ports[link.source] else 1
        lines.append(f"n{link.source} -> n{link.target}{port} [id=e{i}, weight={weight}]")
    return "\n".join([*lines, "}"])


def _clusters(clusters: Sequence[Cluster]) -> list[str]:
    """Write clusters within clusters; an empty table keeps the room for a title."""
    texts: list[list[str]] = [[] for _ in clusters]
    outermost: list[str] = []
    for i in reversed(range(len(clusters))):
        cluster = clusters[i]
        room = f'FIXEDSIZE="TRUE" WIDTH="{cluster.title:.0f}" HEIGHT="14"'
        title = f'<<TABLE BORDER="0" {room}><TR><TD></TD></TR></TABLE>>'
        members = " ".join(f"n{box}" for box in cluster.boxes)
        whole = [
            f"subgraph cluster{i} {{ margin={PADDING:.0f} labeljust=l label={title}",
            members,
            *texts[i],
            "}",
        ]
        above = outermost if cluster.parent < 0 else texts[cluster.parent]
        above[:0] = whole
    return outermost


def _table(width: float, height: float, ports: int) -> str:
    edges = [round(width * i / ports) for i in range(ports + 1)]
    cell = '<TD {} FIXEDSIZE="TRUE" WIDTH="{:.0f}" HEIGHT="{:.0f}"></TD>'
    top = "".join(cell.format(f'PORT="p{i}"', b - a, 4) for i, (a, b) in enumerate(pairwise(edges)))
    rest = cell.format(f'COLSPAN="{ports}"', width, height - 4)
    frame = 'BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"'
    return f"<TABLE {frame}><TR>{top}</TR><TR>{rest}</TR></TABLE>"


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(map(float, text.split(",")))


def _fitted(placement: Placement, sizes: Sequence[Size]) -> Placement:
    """Move everything into the frame: splines swing out of Graphviz's bounding box."""
    points: list[Point] = [point for route in placement.routes for point in route]
    boxes = [(*corner, *size) for corner, size in zip(placement.corners, sizes, strict=True)]
    for x, y, w, h in (*boxes, *placement.frames):
        points += [(x, y), (x + w, y + h)]
    left, top = min(x for x, _ in points), min(y for _, y in points)
    right, bottom = max(x for x, _ in points), max(y for _, y in points)

    def move(point: Point) -> Point:
        return point[0] - left, point[1] - top

    return Placement(
        placement.engine,
        right - left,
        bottom - top,
        tuple(map(move, placement.corners)),
        tuple(tuple(map(move, route)) for route in placement.routes),
        tuple((*move((x, y)), w, h) for x, y, w, h in placement.frames),
    )

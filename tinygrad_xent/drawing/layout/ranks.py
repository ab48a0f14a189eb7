"""In which layer each box stands: below its inputs; a cluster has its layers for itself."""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_xent.drawing.layout.geometry import Cluster, Link


def ranks_of(count: int, links: Sequence[Link], clusters: Sequence[Cluster]) -> list[int]:
    """Give each box its layer.

    Boxes that follow each other within the same clusters share a run of layers.
    """
    ranks = [0] * count
    own = [0] * count
    inside: list[list[Link]] = []
    runs = _runs(count, links, clusters)
    for k, run in enumerate(runs):
        for box in run:
            own[box] = k
        inside.append([])
    for link in links:
        if own[link.source] == own[link.target]:
            inside[own[link.source]].append(link)
    start = 0
    for run, within in zip(runs, inside, strict=True):
        number = {box: i for i, box in enumerate(run)}
        local = [Link(number[link.source], number[link.target]) for link in within]
        found = _ranks(len(run), local)
        linked = {end for link in local for end in (link.source, link.target)}
        if clusters:  # a leaf that is used further down stands as low as it can
            found = [r if i in linked else max(found) for i, r in enumerate(found)]
        for box, rank in zip(run, found, strict=True):
            ranks[box] = start + rank
        start += max(found) + 1
    return ranks


def _runs(count: int, links: Sequence[Link], clusters: Sequence[Cluster]) -> list[list[int]]:
    """Share the boxes out to runs that lie in the same clusters, leaves where they are first used.

    A leaf that lies in fewer clusters than its use comes before the outermost of the others.
    """
    if not clusters:
        return [list(range(count))]
    chains: list[tuple[int, ...]] = [()] * count
    for i, cluster in enumerate(clusters):
        for box in cluster.boxes:
            chains[box] = (*chains[box], i)
    first: dict[int, int] = {}
    computed = {link.target for link in links}
    for link in links:
        first[link.source] = min(first.get(link.source, count), link.target)
    runs: list[tuple[tuple[int, ...], list[int]]] = []
    at: dict[int, int] = {}
    for box in range(count):
        if box in computed or box not in first:
            if not runs or runs[-1][0] != chains[box]:
                runs.append((chains[box], []))
            runs[-1][1].append(box)
            at[box] = len(runs) - 1
    before: list[dict[tuple[int, ...], list[int]]] = [{} for _ in runs]
    for box in range(count):
        if box in at:
            continue
        chain, k = chains[box], at[first[box]]
        use = runs[k][0]
        while k and _shared(runs[k - 1][0], use) > _shared(chain, use):
            k -= 1
        if runs[k][0] == chain:
            runs[k][1].append(box)
        elif k and runs[k - 1][0] == chain:
            runs[k - 1][1].append(box)
        else:
            before[k].setdefault(chain, []).append(box)
    result = []
    for (_, boxes), leaves in zip(runs, before, strict=True):
        result += [leaves[chain] for chain in sorted(leaves, key=len)]
        result.append(sorted(boxes))
    return result


def _shared(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    """In how many clusters both lie."""
    return sum(x == y for x, y in zip(a, b, strict=False))


def _ranks(count: int, links: Sequence[Link]) -> list[int]:
    """Give each box its layer: below all its inputs, and as near to its uses as costs nothing."""
    sources: list[set[int]] = [set() for _ in range(count)]
    targets: list[set[int]] = [set() for _ in range(count)]
    for link in links:
        sources[link.target].add(link.source)
        targets[link.source].add(link.target)
    ranks = [0] * count
    for box in range(count):
        ranks[box] = max((ranks[s] + 1 for s in sources[box]), default=0)
    for box in reversed(range(count)):
        shared = sum(len(targets[s]) > 1 for s in sources[box])  # the others follow it down
        if targets[box] and shared <= len(targets[box]):
            ranks[box] = min(ranks[t] for t in targets[box]) - 1
    return ranks

"""Which tensors of a large graph share a box: by scope, then by repetition, then by chains.

Ops stand in order of birth. What is put together stands side by side in that order, or follows
each other without a branch, so that the folded graph has no cycle either.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from tinygrad_xent.visualization.drawing.layout import chains
from tinygrad_xent.visualization.drawing.records import FOLD_ABOVE, Path, Unit, common

LONGEST_PERIOD = 64  # ops in the body of a repetition that is looked for
MOST_DEPTH = 8  # scopes within scopes that are told apart


@dataclass(frozen=True)
class Item:
    """What folding needs to know of a tensor or constant.

    Attributes
    ----------
    word : str
        What its op is called.
    sign : str
        The same for ops that count as equal; these have equally many sources.
    sources : tuple of int
        Which others it was computed from, by position; they come before it.
    scope : tuple of str
    leaf, output : bool
    """

    word: str
    sign: str
    sources: tuple[int, ...]
    scope: Path = ()
    leaf: bool = False
    output: bool = False


def fold_items(
    items: Sequence[Item], wanted: bool | str, expand: Collection[str], most: int = FOLD_ABOVE
) -> list[Unit]:
    """Share out all items to units, each after those that it was computed from.

    Above the limit (or, if folding is asked for, once) each way is tried until the graph is small
    enough: scopes from the innermost outward, then repetition, chains, and repetition again.
    """
    ops = [Unit((i,), scope=item.scope) for i, item in enumerate(items) if not item.leaf]
    units = best = _with_leaves(items, ops)
    limit = most if wanted == "auto" else 0
    if not wanted or len(units) <= limit:
        return _in_frames(items, units, ops) if limit > FOLD_ABOVE else units
    opened = _opened(items, expand)
    pinned = {
        i
        for i, item in enumerate(items)
        if item.output or any(opened.get(item.scope[:k]) for k in range(1, len(item.scope) + 1))
    }
    deepest = min(max((len(item.scope) for item in items), default=0), MOST_DEPTH)
    for depth in [1] if wanted is True and deepest else range(deepest, 0, -1):
        folded = _by_scope(items, ops, depth, opened)
        best = _with_leaves(items, folded)
        if len(best) <= limit:
            return best
    if deepest:
        ops = folded
        if wanted is True and len(best) < len(units):
            return best
    for stage in (_by_repetition, _by_chains, _by_repetition):
        ops = stage(items, ops, pinned)
        best = _with_leaves(items, ops)
        if len(best) <= limit or (wanted is True and len(best) < len(units)):
            return best
    return _with_leaves(items, ops, shared=True)


# -- by scope ------------------------------------------------------------------------------------


def _opened(items: Sequence[Item], expand: Collection[str]) -> dict[Path, bool]:
    """Return the scopes that are to be expanded, and (as False) those around them."""
    found: dict[Path, bool] = {}
    for path in {item.scope for item in items}:
        for k in range(1, len(path) + 1):
            if path[k - 1] in expand or "/".join(path[:k]) in expand:
                found[path[:k]] = True
                for outer in range(1, k):
                    found.setdefault(path[:outer], False)
    return found


def _by_scope(
    items: Sequence[Item], ops: Sequence[Unit], depth: int, opened: Collection[Path]
) -> list[Unit]:
    """Put ops together that follow each other in one scope.

    A scope that is left and entered again makes two boxes.
    """
    runs: list[tuple[Path, list[int]]] = []
    for unit in ops:
        (i,) = unit.members
        path, k = items[i].scope, depth
        while k <= len(path) and path[:k] in opened:
            k += 1
        closed = path[:k] if k <= len(path) else ()
        if items[i].output:  # the result keeps its box
            closed = ()
        if closed and runs and runs[-1][0] == closed:
            runs[-1][1].append(i)
        else:
            runs.append((closed, [i]))
    times: dict[Path, int] = {}
    units = []
    for path, members in runs:
        if not path:
            units.append(Unit(tuple(members), scope=items[members[0]].scope))
            continue
        times[path] = times.get(path, 0) + 1
        again = f" ({times[path]})" if times[path] > 1 else ""
        units.append(Unit(tuple(members), "scope", path[-1] + again, path[:-1], path))
    return units


# -- by repetition -------------------------------------------------------------------------------


def _by_repetition(items: Sequence[Item], units: list[Unit], pinned: set[int]) -> list[Unit]:
    """Put runs of equal ops together, and equal runs of several that follow each other."""
    signs: dict[Any, int] = {}
    codes = np.array(
        [
            -1 - i
            if not pinned.isdisjoint(unit.members)
            else signs.setdefault(tuple(items[m].sign for m in unit.members), len(signs))
            for i, unit in enumerate(units)
        ],
        dtype=np.int64,
    )
    count = len(codes)
    cover, period = np.zeros(count, dtype=np.int64), np.ones(count, dtype=np.int64)
    for p in range(1, min(LONGEST_PERIOD, count // 2) + 1):
        here = np.zeros(count, dtype=np.int64)
        unequal = np.where(codes[:-p] == codes[p:], count, np.arange(count - p))
        ends = np.minimum.accumulate(unequal[::-1])[::-1]
        run = np.minimum(ends, count - p) - np.arange(count - p)
        here[: count - p] = np.where(run >= p, (run // p + 1) * p, 0)
        better = here > np.maximum(cover, 2)
        cover[better], period[better] = here[better], p
    taken = np.zeros(count, dtype=bool)
    starts: dict[int, tuple[int, int]] = {}
    for i in np.lexsort((np.arange(count), -cover)).tolist():
        length = int(cover[i])
        if not length:
            break
        if not taken[i : i + length].any():
            p, end = int(period[i]), i + length
            while end < count and codes[end - p] == codes[end] and not taken[end]:
                end += 1
            shift, length = _phase(items, units[i:end], p)
            start = i + shift
            for copies in _layers(items, units[start : start + length], p):
                end = start + copies * p
                if copies > 1 and end - start > 2:
                    taken[start:end] = True
                    starts[start] = end - start, p
                start = end
    result, i = [], 0
    while i < count:
        length, p = starts.get(i, (1, 1))
        part = units[i : i + length]
        result.append(_repeated(items, part, p) if i in starts else part[0])
        i += length
    return result


def _phase(items: Sequence[Item], run: Sequence[Unit], period: int) -> tuple[int, int]:
    """Return at which unit of a run the copies begin, and how many units they are.

    It is where the fewest inputs come from another copy: a neuron begins with its products, though
    the sums before them look like the end of another such neuron.
    """
    at = {m: k for k, unit in enumerate(run) for m in unit.members}
    links = [(at[x], k) for m, k in at.items() for x in items[m].sources if x in at]
    ends = np.array(links, dtype=np.int64).reshape(-1, 2)
    best = (np.inf, 0, 0)
    for shift in range(period):
        length = (len(run) - shift) // period * period
        if length < 2 * period:
            break
        inside = ends[(ends[:, 0] >= shift) & (ends[:, 1] < shift + length)] - shift
        crossing = int((inside[:, 0] // period != inside[:, 1] // period).sum())
        best = min(best, (crossing / (length // period - 1), shift - length, shift))
    return best[2], best[2] - best[1]


def _layers(items: Sequence[Item], run: Sequence[Unit], period: int) -> list[int]:
    """Divide a run where a layer ends, and return how many copies each part has.

    The copies of one layer stand side by side: none uses another. Or they follow each other, each
    using the one before, as the steps of an unrolled loop do.
    """
    depth: dict[int, int] = {}  # of each op: how many copies follow each other up to it
    depths = []
    for k in range(0, len(run), period):
        own = {m for unit in run[k : k + period] for m in unit.members}
        before = {x for m in own for x in items[m].sources if x in depth}
        depths.append(max([depth[x] + 1 for x in before], default=0))
        depth.update(dict.fromkeys(own, depths[-1]))
    parts: list[int] = []
    last = (-1, 0)
    for deep, same in groupby(depths):
        beside = len(list(same))
        if parts and last == (deep - 1, 1) and beside == 1:
            parts[-1] += 1
        else:
            parts.append(beside)
        last = deep, beside
    return parts


def _repeated(items: Sequence[Item], part: Sequence[Unit], period: int) -> Unit:
    times = len(part) // period
    words = [unit.title or items[unit.members[0]].word for unit in part[:period]]
    body = ", ".join(words) if len(words) <= 8 else ", ".join([*words[:6], f"… ({period} ops)"])
    if period == 1 and part[0].title and part[-1].title != part[0].title:
        body = f"{part[0].title} to {part[-1].title}"
    members = tuple(m for unit in part for m in unit.members)
    scope = common(unit.scope for unit in part)
    return Unit(members, "repeat", f"× {times:,}: {body}", scope, period=len(members) // times)


def _in_frames(items: Sequence[Item], units: Sequence[Unit], ops: list[Unit]) -> list[Unit]:
    """Name what repeats as one more scope, so that it gets a frame."""
    outputs = {i for i, item in enumerate(items) if item.output}
    runs: dict[int, tuple[int, str]] = {}  # of each member how deep its run lies, and its title
    times: dict[str, int] = {}
    for run in _with_leaves(items, _by_repetition(items, ops, outputs)):
        if run.way:
            times[run.title] = times.get(run.title, 0) + 1
            again = f" ({times[run.title]})" if times[run.title] > 1 else ""
            runs |= dict.fromkeys(run.members, (len(run.scope), run.title + again))
    result = []
    for unit in units:
        depth, title = runs.get(unit.members[0], (0, ""))
        path = (*unit.scope[:depth], title, *unit.scope[depth:]) if title else unit.scope
        result.append(replace(unit, scope=path))
    return result


# -- by chains -----------------------------------------------------------------------------------


def _by_chains(items: Sequence[Item], units: list[Unit], pinned: set[int]) -> list[Unit]:
    """Put ops together that follow each other without a branch."""
    of = {m: u for u, unit in enumerate(units) for m in unit.members}
    before: list[set[int]] = [set() for _ in units]
    after: list[set[int]] = [set() for _ in units]
    for m, u in of.items():
        for source in items[m].sources:
            if (s := of.get(source, u)) != u:
                before[u].add(s)
                after[s].add(u)
    free = [pinned.isdisjoint(unit.members) for unit in units]
    follower = {
        u: v
        for u in range(len(units))
        if len(after[u]) == 1
        for v in after[u]
        if len(before[v]) == 1 and free[u] and free[v]
    }
    result = []
    for chain in chains(range(len(units)), follower):
        part = [units[u] for u in chain]
        result.append(_chained(items, part) if len(part) > 1 else part[0])
    return sorted(result, key=lambda unit: max(unit.members))


def _chained(items: Sequence[Item], part: Sequence[Unit]) -> Unit:
    words = [unit.title or items[unit.members[0]].word for unit in part]
    body = words if len(words) <= 5 else [*words[:3], "…", words[-1]]
    members = tuple(m for unit in part for m in unit.members)
    return Unit(members, "chain", " → ".join(body), common(unit.scope for unit in part))


# -- leaves --------------------------------------------------------------------------------------


def _recurs(items: Sequence[Item], unit: Unit, leaf: int, k: int) -> bool:
    """Whether a leaf belongs to a folded run, like weights; what the run starts from does not.

    In a repetition the op that corresponds to its first user, number `k`, has a leaf too; in a
    chain its users come after the first op.
    """
    if unit.way == "chain":
        return k > 0
    ops = unit.members
    other = ops[k + unit.period if k + unit.period < len(ops) else k - unit.period]
    match = items[other].sources[items[ops[k]].sources.index(leaf)]
    return items[match].leaf and match != leaf


def _with_leaves(items: Sequence[Item], ops: Sequence[Unit], *, shared: bool = False) -> list[Unit]:
    """Put leaves into the boxes of their own scope, and those used once into any folded run.

    `shared` puts also those away that are used several times in one run.
    """
    users: dict[int, list[tuple[int, int]]] = {}  # which unit, and which of its ops
    for u, unit in enumerate(ops):
        for k, m in enumerate(unit.members):
            for source in items[m].sources:
                users.setdefault(source, []).append((u, k))
    inside: dict[int, list[int]] = {}
    alone = []
    for i, item in enumerate(items):
        if not item.leaf:
            continue
        used = users.get(i)
        if not used or item.output:
            alone.append(Unit((i,), scope=item.scope))
            continue
        first, k = min(used)
        unit = ops[first]
        if unit.way == "scope":
            goes_in = item.scope[: len(unit.path)] == unit.path
        else:
            only_there = bool(unit.way) and all(u == first for u, _ in used)
            goes_in = only_there and (shared or _recurs(items, unit, i, k))
        if goes_in:
            inside.setdefault(first, []).append(i)
        else:
            alone.append(Unit((i,), scope=item.scope))
    units = []
    for u, unit in enumerate(ops):
        members = (*inside.get(u, ()), *unit.members)
        if len(members) == 1:
            units.append(Unit(members, scope=items[members[0]].scope))
        else:
            units.append(replace(unit, members=members))
    return sorted([*alone, *units], key=lambda unit: max(unit.members))

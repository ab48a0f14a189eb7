"""From the order in the layers to coordinates: near to what is connected, straight if possible."""

from __future__ import annotations

from itertools import pairwise
from math import inf

from tinygrad_xent.drawing.layout.layers import Grid


def columns(grid: Grid) -> list[float]:
    """Give each entry the x of its centre."""
    xs = [0.0] * len(grid.widths)
    packed: list[list[float]] = []  # per layer how far each entry is from the first, at least
    for layer in grid.layers:
        steps = [0.0]
        for left, right in pairwise(layer):
            steps.append(steps[-1] + grid.apart(left, right))
        packed.append(steps)
        for entry, x in zip(layer, steps, strict=True):
            xs[entry] = x - steps[-1] / 2
    rounds = 6 if len(xs) < 500 else 3 if len(xs) < 3000 else 2
    for sweep in range(2 * rounds):
        down, both = sweep % 2 == 0, sweep >= rounds
        for i in range(len(packed)) if down else reversed(range(len(packed))):
            _settle(grid, grid.layers[i], packed[i], xs, up=down or both, low=not down or both)
    _straighten(grid, xs)
    return xs


def _settle(
    grid: Grid, layer: list[int], packed: list[float], xs: list[float], *, up: bool, low: bool
) -> None:
    """Move a layer's entries as near to their neighbours as their order and widths allow.

    The least-squares answer under these bounds is a monotone regression of the wishes, less the
    packed distances: entries that press against each other are pooled.
    """
    pools: list[tuple[float, float, int]] = []  # weight, weighted wish, entries
    for entry, step in zip(layer, packed, strict=True):
        weight, wish = 0.0, 0.0
        if up:
            for upper, _, shift, _, pull in grid.ups[entry]:
                weight += pull
                wish += pull * (xs[upper] - shift)
        if low:
            for _, lower, shift, _, pull in grid.downs[entry]:
                weight += pull
                wish += pull * (xs[lower] + shift)
        if not weight:
            weight, wish = 0.01, 0.01 * xs[entry]
        wish -= weight * step
        entries = 1
        while pools and pools[-1][1] * weight > wish * pools[-1][0]:
            more_weight, more_wish, more = pools.pop()
            weight, wish, entries = weight + more_weight, wish + more_wish, entries + more
        pools.append((weight, wish, entries))
    i = 0
    for weight, wish, entries in pools:
        for _ in range(entries):
            xs[layer[i]] = wish / weight + packed[i]
            i += 1


def _straighten(grid: Grid, xs: list[float]) -> None:
    """Give entries that simply follow each other one x, as far as their neighbours leave room."""
    right_of: dict[int, int] = {}
    for layer in grid.layers:
        right_of.update(pairwise(layer))
    left_of = {right: left for left, right in right_of.items()}

    def room(entry: int) -> tuple[float, float]:
        low, high = -inf, inf
        if entry in left_of:
            low = xs[left_of[entry]] + grid.apart(left_of[entry], entry)
        if entry in right_of:
            high = xs[right_of[entry]] - grid.apart(entry, right_of[entry])
        return low, high

    for chain in _chains(grid):
        start = 0
        while start < len(chain):
            low, high = room(chain[start])
            end = start + 1
            while end < len(chain):
                next_low, next_high = room(chain[end])
                if max(low, next_low) > min(high, next_high):
                    break
                low, high = max(low, next_low), min(high, next_high)
                end += 1
            part = chain[start:end]
            x = sum(xs[entry] for entry in part) / len(part)
            for entry in part:
                xs[entry] = min(max(x, low), high)
            start = end


def _chains(grid: Grid) -> list[list[int]]:
    """Give the runs of entries that would look best in one vertical line."""
    follower: dict[int, int] = {}
    for lower, above in enumerate(grid.ups):
        if len(above) == 1 and not above[0].shift:
            upper = above[0].upper
            bends = not (grid.widths[upper] or grid.widths[lower])
            if bends or len(grid.downs[upper]) == 1:
                follower[upper] = lower
    chains = [[start] for start in sorted(follower.keys() - set(follower.values()))]
    for chain in chains:
        while chain[-1] in follower:
            chain.append(follower[chain[-1]])
    return chains

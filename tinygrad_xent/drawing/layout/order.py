"""The order within the layers: few crossings."""

from __future__ import annotations

from bisect import bisect_right, insort

from tinygrad_xent.drawing.layout.layers import Grid

LARGE = 3000  # entries from which on less is tried


def order(grid: Grid) -> None:
    """Sort each layer by the mean place of its neighbours, down and up, and keep the best."""
    places = [0.0] * len(grid.widths)
    for layer in grid.layers:
        _number(layer, places)
    best, fewest, since = [list(layer) for layer in grid.layers], _crossings(grid, places), 0
    for sweep in range(8):
        if not fewest or since > (2 if len(places) < LARGE else 1):
            break
        since += 1
        down = sweep % 2 == 0
        for layer in grid.layers if down else reversed(grid.layers):
            keys = {entry: _mean(grid, entry, places, down=down) for entry in layer}
            layer.sort(key=keys.__getitem__)
            _number(layer, places)
        crossings = _crossings(grid, places)
        if crossings < fewest:
            best, fewest, since = [list(layer) for layer in grid.layers], crossings, 0
    grid.layers[:] = best


def _number(layer: list[int], places: list[float]) -> None:
    for i, entry in enumerate(layer):
        places[entry] = float(i)


def _mean(grid: Grid, entry: int, places: list[float], *, down: bool) -> float:
    if down:
        near = [places[upper] for upper, _, _, _, _ in grid.ups[entry]]
    else:
        near = [places[lower] + fraction for _, lower, _, fraction, _ in grid.downs[entry]]
    return sum(near) / len(near) if near else places[entry]


def _crossings(grid: Grid, places: list[float]) -> int:
    """Count the pairs of segments that cross."""
    crossings = 0
    for layer in grid.layers[:-1]:
        ends: list[float] = []
        for entry in layer:
            mine = [places[lower] + fraction for _, lower, _, fraction, _ in grid.downs[entry]]
            for end in mine:
                crossings += len(ends) - bisect_right(ends, end)
            for end in mine:
                insort(ends, end)
    return crossings

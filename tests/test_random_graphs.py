"""Random graphs, shown in every way: no view fails, and no right graph is blamed.

This is the short form. `python tests/random_graphs.py 2000` looks at more of them.
"""

from __future__ import annotations

import numpy as np
import pytest
from random_graphs import look_at, no_comparing, random_graph

import tinygrad_xent as tx


@pytest.mark.parametrize("first", range(0, 40, 10))
def test_every_view_of_every_graph(first: int) -> None:
    with no_comparing():
        faults = {
            seed: found
            for seed in range(first, first + 10)
            if (found := list(look_at(random_graph(seed))))
        }
    assert not faults


def test_the_graphs_are_many_kinds_of_graphs() -> None:
    graphs = map(random_graph, range(2 * len(tx.ops.OPS)))
    nodes = [node for graph in graphs for node in tx.ancestors(graph)]
    used = {node.op.name for node in nodes if node.op}
    assert used == set(tx.ops.OPS)
    assert {node.dtype for node in nodes} >= {np.dtype("f4"), np.dtype("f8")}
    assert {node.shape for node in nodes} >= {(), (1,), (3,), (2, 3), (1, 3), (4, 2, 3)}
    assert any(node.scope for node in nodes)
    assert any(node.op is None and node.name for node in nodes)


def test_a_wrong_rule_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tx.ops.tanh, "rule", lambda grad, y, x: grad * y)
    x = tx.Tensor([0.5, 1.0])
    assert [view for view, _ in look_at(tx.tanh(x).sum())] == ["gradcheck"]

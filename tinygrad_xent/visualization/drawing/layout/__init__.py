"""Places for boxes of given sizes, and curves for the arrows between them."""

from __future__ import annotations

from tinygrad_xent.visualization.drawing.layout.geometry import Cluster, Link, Placement
from tinygrad_xent.visualization.drawing.layout.plain import place

__all__ = ["Cluster", "Link", "Placement", "place"]

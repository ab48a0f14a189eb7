"""Pictures of graphs. Data flows one way: graph, model, layouts, places, SVG."""

from __future__ import annotations

from tinygrad_xent.visualization.drawing.picture import Picture, draw

__all__ = ["Picture", "draw"]

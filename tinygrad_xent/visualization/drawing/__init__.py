"""Pictures of graphs. Data flows one way: graph, model, layouts, places, SVG."""

from tinygrad_xent.visualization.drawing.picture import Picture, draw

__all__ = ["Picture", "draw"]

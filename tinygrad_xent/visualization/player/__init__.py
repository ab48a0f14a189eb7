"""Stepping through a graph, and scrubbing through a training run, in a notebook or a browser.

Data flows one way: trace, steps, JSON; the page draws what it is given and computes nothing.
"""

from tinygrad_xent.visualization.player.player import Player, play
from tinygrad_xent.visualization.player.recording import Recording, record

__all__ = ["Player", "Recording", "play", "record"]

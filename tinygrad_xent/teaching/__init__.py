"""Handing a graph to somebody: the lessons as notebooks, and worksheets on paper."""

from tinygrad_xent.teaching.sheet import Worksheet, worksheet

__all__ = ["Worksheet", "worksheet"]

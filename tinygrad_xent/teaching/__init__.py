"""Handing a graph to somebody: the lessons as notebooks, and worksheets on paper."""

from __future__ import annotations

from tinygrad_xent.teaching.sheet import Worksheet, worksheet

__all__ = ["Worksheet", "worksheet"]

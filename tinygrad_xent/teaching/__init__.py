"""Lessons, exercises, worksheets, handouts, the museum of wrong rules, and grading."""

from tinygrad_xent.teaching.sheet import Worksheet, worksheet

__all__ = ["Worksheet", "worksheet"]

"""Right rules by people who had not seen the check, written as nobody expects a rule to be."""

from __future__ import annotations

from strangers import right_layers, right_rows
from strangers.case import cases_of

RIGHT = cases_of(right_rows, right_layers)

"""A hundred wrong rules by people who had not seen the check; the check had not seen them either.

They retell mistakes that learners asked about in public or that were mended in public libraries: a
tanh without its parentheses, windows of a pooling that overwrite one another, the weights of a
softmax that are logarithms.
"""

from __future__ import annotations

from strangers import wrong_entries, wrong_layers, wrong_rows
from strangers.case import cases_of

WRONG = cases_of(wrong_entries, wrong_rows, wrong_layers)

"""What pytest leaves out, and what several test files share."""

from __future__ import annotations

import pytest

collect_ignore = ["record_torch.py", "benchmarks"]  # scripts, and they need PyTorch


@pytest.fixture(scope="session")
def digit():
    """The main job's explanation: the training takes about a second."""
    from tinygrad_xent.explain import explain_digit

    return explain_digit(seed=0)

"""What pytest leaves out, and what several test files share."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is not a mistake: no example has a deadline, and none is drawn too slowly.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Whoever runs the tests gets the same examples; --hypothesis-profile=others draws other ones.
settings.register_profile("same", patient, derandomize=True)
settings.register_profile("others", patient)
settings.load_profile("same")

collect_ignore = [
    "benchmarks",  # a program, and it times
    "execute_lessons.py",  # a script, and it needs nbclient
    "record_torch.py",  # a script, and it needs PyTorch
]


@pytest.fixture(scope="session")
def digit():
    """The main job's explanation: the training takes about a second."""
    from tinygrad_xent.commands.explain.explanation import explain_table

    return explain_table(None, None)

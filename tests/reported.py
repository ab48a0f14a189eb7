"""What test_reported_losses.py and test_reported_engines.py share.

tests/data/not_yet.txt names the tests whose answer is not right yet, each under the right one. They
are expected to fail, and one that passes is an error: then its line has to go.
"""

from __future__ import annotations

from pathlib import Path

import pytest

any_numbers = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def not_yet() -> dict[str, str]:
    """Return the right answers by the names of the tests that do not get them."""
    answers, answer = {}, ""
    for line in (Path(__file__).parent / "data" / "not_yet.txt").read_text("utf-8").splitlines():
        if line.startswith("# "):
            answer = line.removeprefix("# ")
        elif line:
            answers[line] = answer
    return answers


NOT_YET = not_yet()


@pytest.fixture(autouse=True)
def marked(request: pytest.FixtureRequest) -> None:
    """Expect the failure of a test whose answer is not right yet."""
    if (right := NOT_YET.get(request.node.name)) is not None:
        mark = pytest.mark.xfail(reason=f"right would be: {right}", strict=True)
        request.applymarker(mark)

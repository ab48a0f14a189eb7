"""The test suite of the array API standard, for the functions of it that are here.

Not part of the usual test run; the suite is not a package, and has to be cloned::

    git clone --recurse-submodules https://github.com/data-apis/array-api-tests ../array-api-tests
    pip install -e ".[test]" -r ../array-api-tests/requirements.txt
    ARRAY_API_TESTS=../array-api-tests pytest -m oracle tests/oracles/test_array_api.py

Its tests make arrays of every dtype and assign to entries, which a Tensor refuses. So functions
alone are tested, on arrays that become Tensors on the way (array_api_namespace.py). Left out are
operators, which would be those of arrays, and signatures.
"""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from array_api_namespace import OURS

pytestmark = pytest.mark.oracle

HERE = Path(__file__).parent
COMMIT = "55fcc60"  # the suite's, of which the count is
FUNCTIONS, PASSED, FAILED = 65, 314, 8  # those that fail do so with NumPy's functions, too
OPTIONS = ("-q", "-p", "array_api_namespace", "-p", "no:cacheprovider")
OPTIONS += ("--derandomize", "--disable-deadline", "--max-examples=30")


def run(clone: str, module: str, results: Path) -> tuple[set[str], set[str]]:
    """Return the tests that pass and those that fail where `module` is the namespace."""
    path = os.pathsep.join([str(HERE), str(HERE.parent.parent), *sys.path])
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, f"--junitxml={results}", "array_api_tests"],
        cwd=clone,
        env=os.environ | {"ARRAY_API_TESTS_MODULE": module, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert results.exists(), ended.stdout[-2000:] + ended.stderr[-2000:]
    cases = list(ET.parse(results).iter("testcase"))  # noqa: S314 (our own)
    failed = {str(case.get("name")) for case in cases if len(case)}
    return {str(case.get("name")) for case in cases} - failed, failed


def test_what_passes_with_numpys_functions_passes_with_ours(tmp_path: Path) -> None:
    clone = os.environ.get("ARRAY_API_TESTS")
    if clone is None:
        pytest.skip("ARRAY_API_TESTS must name a clone of data-apis/array-api-tests")
    passed, failed = run(clone, "array_api_namespace", tmp_path / "ours.xml")
    _, numpys = run(clone, "numpy", tmp_path / "numpys.xml")
    assert failed <= numpys
    assert len(OURS) == FUNCTIONS
    git = ["git", "-C", clone, "rev-parse", "HEAD"]
    head = subprocess.run(git, capture_output=True, text=True, check=True).stdout
    if head.startswith(COMMIT):
        assert (len(passed), len(failed)) == (PASSED, FAILED)

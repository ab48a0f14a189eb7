"""What strangers find around the package: versions, workflows, policies."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import tinygrad_xent as tx

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
WORKFLOWS = {path.stem: path.read_text("utf-8") for path in (ROOT / ".github").rglob("*.yml")}


def test_every_python_that_is_named_is_tested() -> None:
    named = {c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)}
    assert f">={min(named)}" == PROJECT["requires-python"]
    assert named == set(re.findall(r'"(3\.\d+)"', WORKFLOWS["ci"]))


def test_the_citation_names_this_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nversion: {tx.__version__}\n" in citation
    assert f"\nlicense: {PROJECT['license']}\n" in citation


def test_a_release_needs_no_password() -> None:
    publish = WORKFLOWS["release"].split("  publish:\n")[1]
    assert "id-token: write" in publish
    assert not re.search(r"password:|secrets\.", WORKFLOWS["release"])


def test_the_site_is_built_with_the_lessons_in_it() -> None:
    steps = re.findall(r"- run: (.*)", WORKFLOWS["site"])
    assert steps[-1] == "python docs/build_lite.py docs/_build/html/lite"
    assert {"docs", "lite"} <= PROJECT["optional-dependencies"].keys()
    for step in steps:
        for path in re.findall(r"docs/\w+\.py", step):
            assert (ROOT / path).is_file()


def test_policies_are_where_people_look() -> None:
    for name in ("SECURITY.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md"):
        text = (ROOT / ".github" / name).read_text("utf-8")
        for target in re.findall(r"\]\(([^)]+)\)", text):
            assert (ROOT / ".github" / target).exists(), target
    binder = (ROOT / ".binder" / "requirements.txt").read_text("utf-8")
    assert re.fullmatch(r"\.\[(\w+)\]\n", binder)[1] in PROJECT["optional-dependencies"]  # type: ignore[index]

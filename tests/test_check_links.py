"""The link check of the built docs finds what is broken, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "docs" / "check_links.py"
OTHER = '<h1 id="here">Other</h1><a href="../index.html#start">back</a>'


def checked(folder: Path, links: str) -> tuple[int, str]:
    (folder / "below").mkdir()
    (folder / "below" / "other.html").write_text(OTHER, encoding="utf-8")
    (folder / "index.html").write_text(f'<p id="start">{links}</p>', encoding="utf-8")
    command = [sys.executable, str(SCRIPT), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_links_that_lead_somewhere(tmp_path: Path) -> None:
    links = "".join(
        f'<a href="{target}"></a>'
        for target in (
            "below/other.html#here",
            "#start",
            "below/other.html",
            "https://example.org/x",
        )
    )
    assert checked(tmp_path, links) == (0, "4 links within the site, 0 wrong\n")


def test_what_is_broken_is_named(tmp_path: Path) -> None:
    links = (
        '<a href="gone.html"></a><img src="gone.png"><a href="below/other.html#gone"></a>'
        '<a href="../outside.html"></a><i id="start"></i>'
    )
    (tmp_path.parent / "outside.html").write_text("", encoding="utf-8")
    status, said = checked(tmp_path, links)
    assert status == 1
    for wrong in (
        "gone.html leads to no file",
        "gone.png leads to no file",
        "other.html#gone leads to a page without this anchor",
        "../outside.html leads to no file",
        "more than one element has the id start",
        "5 wrong",
    ):
        assert wrong in said


def test_a_site_that_was_not_built(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "build the site first" in done.stderr

"""Check that no page of the built site is too long: python docs/check_heights.py [FOLDER]

It opens each page in a browser, on a screen of 1280 by 800, and needs playwright.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).parent / "_build" / "html"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")  # else playwright's own
FLAGS = ["--no-sandbox", "--disable-gpu"]
LONGEST = 15_000  # pixels
LISTS = {"genindex.html", "py-modindex.html"}  # nobody reads them from top to bottom


def heights(folder: Path) -> dict[str, int]:
    """Return the height of each page, by its path."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        found = {}
        for file in sorted(folder.rglob("*.html")):
            if "_static" not in file.parts and file.name not in LISTS:
                page.goto(file.resolve().as_uri(), wait_until="load")
                height = page.evaluate("document.documentElement.scrollHeight")
                found[file.relative_to(folder).as_posix()] = height
    return found


def main() -> int:
    found = heights(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
    wrong = [f"{path}: {height:,} px" for path, height in found.items() if height > LONGEST]
    name = max(found, key=found.__getitem__, default="no page")
    longest = f"{len(found)} pages; the longest is {name} with {found.get(name, 0):,} px"
    sys.stdout.write("\n".join([*wrong, longest]) + "\n")
    return int(bool(wrong) or not found)


if __name__ == "__main__":
    sys.exit(main())

"""Pages that are written into folders of docs/ while the site is built."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent.parent


def write(folder: str, pages: dict[str, str]) -> None:
    """Make a folder hold these pages, by name, and no others; only what is new is built again."""
    place = HERE / folder
    place.mkdir(exist_ok=True)
    for old in place.glob("*.md"):
        if old.stem not in pages:
            old.unlink()
    for name, text in pages.items():
        file = place / f"{name}.md"
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")

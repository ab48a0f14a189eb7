"""Check the built site: every link within it, its anchor, and every file that a page loads.

python docs/check_links.py [FOLDER]
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FOLDER = Path(__file__).parent / "_build" / "html"
ADDRESSES = {"href", "src", "data", "poster"}


class Page(HTMLParser):
    """Collects what a page links to, and what can be linked to in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.twice: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.twice |= self.anchors & {value}
                self.anchors.add(value)
            elif name == "name" and tag == "a" and value:
                self.anchors.add(value)
            elif name in ADDRESSES and value:
                self.links.add(value)


def check(folder: Path) -> tuple[int, list[str]]:
    """Give the number of links within the site, and what is wrong with them."""
    files = sorted(folder.rglob("*.html"))
    pages = {file.resolve(): Page(file.read_text(encoding="utf-8")) for file in files}
    count, wrong = 0, []
    for file, page in pages.items():
        here = file.relative_to(folder.resolve())
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            count += 1
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            target = target / "index.html" if target.is_dir() else target
            anchors = pages[target].anchors | {"", "top"} if target in pages else None
            if not target.is_file() or folder.resolve() not in target.parents:
                wrong.append(f"{here}: {link} leads to no file")
            elif anchors is not None and unquote(parts.fragment) not in anchors:
                wrong.append(f"{here}: {link} leads to a page without this anchor")
        if twice := sorted(page.twice):
            wrong.append(f"{here}: more than one element has the id {', '.join(twice[:3])}")
    return count, wrong


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    if not (folder / "index.html").is_file():
        sys.stderr.write(f"{folder} has no index.html: build the site first\n")
        return 2
    count, wrong = check(folder)
    lines = [*wrong, f"{count:,} links within the site, {len(wrong)} wrong"]
    sys.stdout.write("\n".join(lines) + "\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())

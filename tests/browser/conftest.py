"""A real browser for the tests in this folder: Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: drives a real browser (extra `browser`, Chromium)")


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests; each page gets a profile of its own."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs Playwright: pip install 'tinygrad_xent[browser]'"
    )
    if not Path(CHROMIUM).exists():
        pytest.skip("needs Chromium: apt-get install chromium, or name it in CHROMIUM")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, tmp_path):
    """Open what has `.html`, or HTML itself; give a page that keeps what went wrong on it."""
    contexts = []

    def open_page(made, *, width=1200, **options):
        html = made if isinstance(made, str) else made.html
        path = tmp_path / f"page{len(contexts)}.html"
        path.write_text(html, "utf-8")
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, offline=True, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.problems = []
        page.outside = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("dialog", lambda dialog: (page.problems.append(dialog.message), dialog.dismiss()))
        page.on(
            "console",
            lambda m: page.problems.append(m.text) if m.type in ("error", "warning") else None,
        )
        page.on(
            "request",
            lambda r: (
                None
                if r.url.startswith(("file:", "data:", "blob:"))
                else page.outside.append(r.url)
            ),
        )
        page.clock.install()
        page.goto(path.as_uri())
        if "const library = " in html and options.get("java_script_enabled", True):
            page.locator(".view").first.wait_for()  # it is unpacked first
        return page

    yield open_page
    for context in contexts:
        context.close()

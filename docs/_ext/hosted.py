"""Where a hosted copy of the site and its repository are, if it is built by GitHub's workflow.

The directive `hosted` links to the lessons in the browser, on Binder and on Colab. GitHub names the
repository in GITHUB_REPOSITORY; in a build without it there are no such links.
"""

from __future__ import annotations

import os

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.docutils import SphinxDirective

REPOSITORY = os.environ.get("GITHUB_REPOSITORY", "")
FIRST = "01_a_tensor_remembers.ipynb"


def places(repository: str) -> str:
    """Write the links as MyST."""
    owner, name = repository.split("/")
    lite = f"https://{owner}.github.io/{name}/lite/lab/index.html?path=00_start.ipynb"
    binder = f"https://mybinder.org/v2/gh/{repository}/main?labpath=lessons%2F00_start.ipynb"
    colab = f"https://colab.research.google.com/github/{repository}/blob/main/lessons/{FIRST}"
    return (
        "Or install nothing:\n\n"
        f"- [In this browser]({lite}), with JupyterLite. Your work stays in the browser.\n"
        f"- [On Binder]({binder}), which takes a minute or two to start.\n"
        f"- [On Colab]({colab}), after a first cell with "
        f"`%pip install git+https://github.com/{repository}`.\n\n"
        f"The sources are [on GitHub](https://github.com/{repository}).\n"
    )


class Hosted(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes(places(REPOSITORY)) if REPOSITORY else []


def add_repository(_app: Sphinx, config: Config) -> None:
    if REPOSITORY:  # the theme shows it at the top of each page
        config.html_theme_options |= {
            "source_repository": f"https://github.com/{REPOSITORY}/",
            "source_branch": "main",
            "source_directory": "docs/",
        }


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("hosted", Hosted)
    app.connect("config-inited", add_repository)
    return {"parallel_read_safe": True}

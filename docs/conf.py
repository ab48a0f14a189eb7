from __future__ import annotations

import os
import shutil
import sys
import tomllib
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
# The docs describe the copy that they lie in, whatever is installed; so do the lessons' kernels.
sys.path[:0] = [str(ROOT), str(HERE / "_ext")]
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
)

import tinygrad_xent  # noqa: E402

# The lessons stand beside the docs; Sphinx reads only what is below its own folder.
shutil.rmtree(HERE / "_lessons", ignore_errors=True)
(HERE / "_lessons").mkdir()
for notebook in (ROOT / "lessons").glob("*.ipynb"):
    shutil.copy2(notebook, HERE / "_lessons")  # with its date, so that only new ones are run again
with zipfile.ZipFile(HERE / "_lessons" / "lessons.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for notebook in sorted((HERE / "_lessons").glob("*.ipynb")):
        archive.write(notebook, f"lessons/{notebook.name}")

metadata = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
project = metadata["name"]
release = version = tinygrad_xent.__version__
author = metadata["authors"][0]["name"]
project_copyright = f"2026, {author}"

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "benchmarks",
    "exercise_list",
    "formulas",
    "hosted",
    "live_picture",
    "museum",
    "op_pages",
    "public_names",
    "ten_answers",
]
exclude_patterns = [
    "_build",
    "derivations",  # parts of the ops' pages
    "jupyter_execute",
    ".jupyter_cache",
    "**.ipynb_checkpoints",
]
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "auto"
nb_execution_raise_on_error = True
nb_execution_timeout = 120

default_role = "py:obj"  # `name` in a docstring links where it can, and is code in any case
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # as the source writes them
autodoc_typehints = "none"  # the Parameters sections say what may be passed
numpydoc_show_class_members = False  # autodoc shows them, where they are defined
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

pygments_dark_style = "github-dark"  # the theme's own underlines imported names, like links
html_theme = "furo"
html_title = project
html_math_renderer = "svg"
html_static_path = ["_static"]
html_css_files = ["site.css", "formulas.css", "museum.css", "ten_answers.css"]

"""Build a site in which the lessons run in the browser: python docs/build_lite.py [FOLDER]

It needs a clone, and the packages of `pip install ".[lite]"`. Options after the folder go to
`jupyter lite build`, such as `--pyodide pyodide.tar.bz2` for a room without a network.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = Path(__file__).parent / "_build" / "lite"
PURE = ["latex2mathml", "graphviz", "comm"]  # what Pyodide does not bring; resvg_py is compiled
INSTALL = {
    "cell_type": "code",
    "execution_count": None,
    "id": "install",
    "metadata": {},
    "outputs": [],
    "source": "%pip install -q --no-deps tinygrad_xent latex2mathml graphviz",
}


def prepare(content: Path) -> None:
    """Copy the lessons, each with a cell before its first that installs the package."""
    content.mkdir()
    for path in sorted((ROOT / "lessons").glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        notebook["cells"].insert(1, INSTALL)  # below the title
        text = json.dumps(notebook, ensure_ascii=False, indent=1)
        (content / path.name).write_text(text, encoding="utf-8")
    (content / "passed.txt").touch()  # in which the exercises that passed are kept


def run(*command: str | Path) -> None:
    subprocess.run([sys.executable, "-m", *map(str, command)], check=True, cwd=ROOT)  # noqa: S603 - our own words


def main(folder: Path, options: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        wheels = work / "wheels"
        run("build", "--wheel", "--outdir", wheels, ROOT)
        run("pip", "download", "-q", "--no-deps", "--dest", wheels, *PURE)
        prepare(work / "content")
        shutil.rmtree(folder, ignore_errors=True)
        given = [x for wheel in sorted(wheels.glob("*.whl")) for x in ("--piplite-wheels", wheel)]
        where = ["--contents", work / "content", "--output-dir", folder.resolve()]
        run("jupyterlite_core", "build", "--lite-dir", work, *where, *given, *options)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER, sys.argv[2:])

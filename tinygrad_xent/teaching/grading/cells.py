"""The code of a learner's file, cell by cell."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

from tinygrad_xent.errors import SubmissionError
from tinygrad_xent.visualization.naming import printable

LARGEST = 20 * 2**20  # bytes
SUFFIXES = (".py", ".ipynb")
_RUN_ANYWAY = ("%%time", "%%timeit", "%%capture", "%%prun")  # magics whose body is Python
_MAGIC = re.compile(r"^(\s*)([%!?].*|[\w.]+\?\??\s*)$", re.MULTILINE)
_ASSIGNED_MAGIC = re.compile(r"^(\s*[\w, ]+=\s*)[%!].*$", re.MULTILINE)


def cells_of(path: Path) -> list[str]:
    """Read the code cells of a notebook, or of a Python file (`# %%` begins a cell).

    Raises
    ------
    SubmissionError
        If it is neither, or cannot be read.
    """
    name = printable(path.name)
    if (suffix := path.suffix.lower()) not in SUFFIXES:
        raise SubmissionError(f"{name} is neither a Python file (.py) nor a notebook (.ipynb)")
    try:
        if path.stat().st_size > LARGEST:
            raise SubmissionError(f"{name} has more than {LARGEST:,} bytes; clear its outputs")
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise SubmissionError(f"{name} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SubmissionError(f"{name} is not text in UTF-8") from None
    if suffix == ".py":
        return _parts(text)
    return [plain(cell) for cell in _notebook(text, name)]


def _parts(text: str) -> list[str]:
    """Cut a Python file into cells, each with the line numbers of the file."""
    parts = re.split(r"^(?=# ?%%)", text, flags=re.MULTILINE)
    return ["\n" * "".join(parts[:i]).count("\n") + part for i, part in enumerate(parts)]


def _notebook(text: str, name: str) -> list[str]:
    try:
        cells = json.loads(text)["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        return ["".join(source) for source in sources]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise SubmissionError(f"{name} is no Jupyter notebook of format 4") from None


def plain(source: str) -> str:
    r"""Take out what only IPython understands; what is Python stays as it is.

    Examples
    --------
    >>> print(plain("%matplotlib inline\nfiles = !ls\nx = 1"))
    pass
    files = None
    x = 1
    """
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    else:
        return source
    if source.startswith("%%"):
        first, _, rest = source.partition("\n")
        return f"\n{rest}" if first.startswith(_RUN_ANYWAY) else ""
    return _MAGIC.sub(r"\1pass", _ASSIGNED_MAGIC.sub(r"\1None", source))

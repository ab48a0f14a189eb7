"""Figures recorded from TensorFlow and PyTorch: the files in tests/data, as arrays.

Floats are stored as C99 hex strings ("nan", "inf" and "-inf" among them), so every bit comes back;
an array is stored as ``{"shape", "dtype", "data"}``, row by row. ``source(name)`` tells what made a
file, record_torch.py beside this one what the kinds of cases in torch.json.gz hold.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

DATA = Path(__file__).parent / "data"


class Case(SimpleNamespace):
    """One recorded case, its fields as attributes; as text its `id`, for pytest's ``ids=str``."""

    id: str

    def __str__(self) -> str:
        return self.id


def load(name: str, **where: object) -> list[Case]:
    """Return the cases of tests/data/`name`.json.gz whose fields have the values in `where`."""
    cases = [Case(**fields) for fields in contents_of(name)["cases"]]
    cases = [c for c in cases if all(getattr(c, field) == value for field, value in where.items())]
    if not cases:  # a test over no cases would pass
        raise LookupError(f"no case with {where} in {name}.json.gz")
    return cases


def source(name: str) -> str:
    """Return what made the figures of tests/data/`name`.json.gz."""
    return str(contents_of(name)["source"])


def decode(fields: dict[str, Any]) -> Any:
    """Return the array that a JSON object stands for; of another object, the lists as tuples."""
    if fields.keys() == {"shape", "dtype", "data"}:
        data = [float.fromhex(x) if isinstance(x, str) else x for x in fields["data"]]
        return np.array(data, fields["dtype"]).reshape(fields["shape"])
    return {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}


def encode(array: Any) -> dict[str, Any]:
    """Return the JSON object that `decode` turns into an array: json.dump's `default`."""
    array = np.asarray(array)
    floats = array.dtype.kind == "f"
    data = [float(x).hex() if floats else x.item() for x in array.ravel()]
    return {"shape": array.shape, "dtype": array.dtype.name, "data": data}


def contents_of(name: str) -> dict[str, Any]:
    """Return all of tests/data/`name`.json.gz."""
    text = gzip.decompress((DATA / f"{name}.json.gz").read_bytes())
    contents: dict[str, Any] = json.loads(text, object_hook=decode)
    return contents

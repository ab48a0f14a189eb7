"""Write a live framework's answers into the records: ``python tests/oracles/record.py DIALECT``.

The dialect must be known to answer.py and to test_live.py. What was run, with its versions, is
written by hand: it is asked for, and goes into the source that the file names.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from golden import DATA, Case, contents_of, encode
from test_live import live_answers


def text_of(contents: dict[str, Any]) -> str:
    """Give the text of a file of records."""
    return json.dumps(contents, default=encode, separators=(",", ":"), ensure_ascii=False)


def main(dialect: str) -> None:
    """Ask the framework about every recorded case, and write down what it says."""
    contents = contents_of("dialects")
    cases = [Case(**fields) for fields in contents["cases"]]
    for case, answer in zip(cases, live_answers(dialect, cases), strict=True):
        answer.pop("message", None)
        for name in ("grad", "grad_labels"):
            if case.entries and answer.get(name) is not None:
                answer[name] = np.array([answer[name][tuple(place)] for place in case.entries])
        case.results[dialect] = answer
    contents["source"] += f" {dialect}: {input('What was run, and in which version? ')}"
    packed = gzip.compress(text_of(contents).encode(), mtime=0)
    (DATA / "dialects.json.gz").write_bytes(packed)


if __name__ == "__main__":
    main(sys.argv[1])

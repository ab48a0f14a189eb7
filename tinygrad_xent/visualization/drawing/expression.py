"""How a tensor was computed, as a line of mathematics: "v2 × 0.1", "relu(v6)"."""

from __future__ import annotations

import re
from collections.abc import Sequence

_INFIX = set("+−×÷^@")
_LONGEST = 26


def expression(symbol: str, arguments: Sequence[str]) -> str:
    """Apply an op's symbol to what it was called with; the symbol alone where that gets too long.

    Empty arguments stand for inputs that were left out.

    Examples
    --------
    >>> expression("×", ["v2", "0.1"]), expression("−", ["x"]), expression("|x|", ["v3"])
    ('v2 × 0.1', '−x', '|v3|')
    >>> expression("relu", ["v6"]), expression("softmax + cross-entropy", ["labels", "logits"])
    ('relu(v6)', 'softmax + cross-entropy')
    """
    arguments = [argument for argument in arguments if argument]
    text = symbol
    if symbol in _INFIX and len(arguments) == 2:
        text = f"{arguments[0]} {symbol} {arguments[1]}"
    elif symbol in _INFIX and len(arguments) == 1:
        text = symbol + arguments[0]
    elif re.search(r"\bx\b", symbol) and len(arguments) == 1:
        text = re.sub(r"\bx\b", lambda _: arguments[0], symbol)
    elif " " not in symbol and 1 <= len(arguments) <= 2:
        text = f"{symbol}({', '.join(arguments)})"
    return text if len(text) <= _LONGEST else symbol

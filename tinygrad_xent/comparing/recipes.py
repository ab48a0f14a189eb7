"""The recipe of each dialect: its steps, in order, and the exceptions of its framework."""

from configparser import ConfigParser
from pathlib import Path

from tinygrad_xent.comparing import steps
from tinygrad_xent.errors import DialectError

RECIPES = ConfigParser(interpolation=None)
"""By dialect: the names of the steps, and of an exception for each of ours."""

RECIPES.read_string(Path(__file__).with_suffix(".ini").read_text("utf-8"))
DIALECTS = tuple(RECIPES.sections())


def recipe(dialect: str, *, sparse: bool, from_logits: bool) -> tuple[steps.Step, ...]:
    """Return the steps of a dialect, for labels that are class numbers or not; see `recipes.ini`.

    Raises
    ------
    DialectError
        If the framework takes logits only.
    """
    call = f"{'sparse' if sparse else 'dense'} {'logits' if from_logits else 'probabilities'}"
    if call not in RECIPES[dialect]:
        raise DialectError(
            f"{dialect} takes logits only: pass the input of the softmax, with from_logits=True"
        )
    return tuple(getattr(steps, name) for name in RECIPES[dialect][call].split())


def framework_error(dialect: str, error: Exception) -> str | None:
    """Return the name of the exception that the framework raises; None if it has no such call."""
    names = (kind.__name__ for kind in type(error).__mro__)
    return next((RECIPES[dialect][name] for name in names if name in RECIPES[dialect]), None)

"""The directive `public-names`, which documents what `tinygrad_xent` exports, module by module.

`tinygrad_xent.__all__` decides: a name that is documented nowhere, or has no docstring, is a
warning, and with `sphinx-build -W` an error.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import tinygrad_xent

logger = logging.getLogger(__name__)
PUBLIC = {name: getattr(tinygrad_xent, name) for name in tinygrad_xent.__all__}
PUBLIC["op"] = tinygrad_xent.op.op  # the decorator, not the module, which can be called as well


def is_from(thing: object, module: str) -> bool:
    return f"{getattr(thing, '__module__', None)}.".startswith(f"{module}.")


def path(name: str) -> str:
    return f"tinygrad_xent.{'op.op' if name == 'op' else name}"


def entry(name: str, thing: object) -> str:
    if not isinstance(thing, type):
        return f".. autofunction:: {path(name)}"
    # What a class has from others, up to those that have a place of their own.
    inherited = ":inherited-members: Node, Sequence, object"
    return f".. autoclass:: tinygrad_xent.{name}\n   :members:\n   {inherited}"


def undocumented(name: str, thing: object) -> Iterator[str]:
    # an op is an instance with a docstring of its own; that of its class does not count
    if callable(thing) and (not thing.__doc__ or thing.__doc__ is type(thing).__doc__):
        yield name
    if isinstance(thing, type):
        for attribute, value in vars(thing).items():
            described = inspect.isroutine(value) or isinstance(value, property)
            if described and not attribute.startswith("_") and not inspect.getdoc(value):
                yield f"{name}.{attribute}"


class PublicNames(SphinxDirective):
    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()  # the page follows the package, also when its own text stays
        entries = []
        for module in self.arguments[0].split():
            found = [entry(name, thing) for name, thing in PUBLIC.items() if is_from(thing, module)]
            if not found:
                logger.warning("%s has no public name", module, location=self.get_location())
            entries += found
        text = "\n".join(entries)
        return self.parse_text_to_nodes(f"```{{eval-rst}}\n{text}\n```")


def check(_app: Sphinx, env: BuildEnvironment) -> None:
    for name, thing in PUBLIC.items():
        if path(name) not in env.domains.python_domain.objects:
            module = getattr(thing, "__module__", f"a {type(thing).__name__}")
            logger.warning("docs/reference does not document %s (%s)", name, module)
        for missing in undocumented(name, thing):
            logger.warning("tinygrad_xent.%s has no docstring", missing)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("public-names", PublicNames)
    app.connect("env-check-consistency", check)
    return {"parallel_read_safe": True}

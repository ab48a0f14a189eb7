"""A page for each op, written into docs/_ops while the docs are built, from the op itself.

The derivations alone are written by hand: docs/derivations has a file for each group of ops, and
a section for each op. An op without one is an error.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from generated_pages import HERE, write
from museum import RULES_OF
from op_calls import Call, call_of, run, source_of
from op_figures import figures
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from tinygrad_xent import Op
from tinygrad_xent.ops import OPS, kernels

GROUPS = {
    "elementwise": "Functions of one variable",
    "powers": "Squares, roots and other bases",
    "trigonometry": "Angles and hyperbolas",
    "arithmetic": "Arithmetic",
    "rounding": "Steps",
    "products": "Products",
    "linear_algebra": "Norms",
    "reductions": "Sums, products, means, extremes and broadcasting",
    "softmax_family": "The softmax, its logarithm, and log-sum-exp",
    "cross_entropy": "Cross-entropies",
    "shaping": "Shapes",
    "rearranging": "Copies and shifts",
    "indexing": "Indexing",
}
INTRODUCTION = """# The ops

Each op is a NumPy function and the rule that sends gradients back through it. Its page has
both, the derivation of the rule, plots, a picture of a small graph, and the mistakes that
people make when they write the rule. In the formulas $\\bar x$ is the gradient of the loss
with respect to $x$; see [Notation](../notation.md). These pages are made from the ops
themselves while the site is built.
"""
JACOBIAN = """The Jacobian, at the numbers of the next section: how much each entry of the output (a
row) changes with each entry of the input (a column). The rule multiplies a gradient with it from
the left. Zeros are left empty.

"""
WEIGHED = """The output is weighed and summed, because a gradient is that of one number: the
weights are what the op receives.

"""


def derivations() -> dict[str, dict[str, str]]:
    """Return the derivations by group, which is a file of docs/derivations, and op."""
    found: dict[str, dict[str, str]] = {}
    for group in GROUPS:
        text = (HERE / "derivations" / f"{group}.md").read_text(encoding="utf-8")
        sections = (section.partition("\n") for section in text.split("\n## ")[1:])
        found[group] = {name: derivation.strip() for name, _, derivation in sections}
    derived = {name for group in found.values() for name in group}
    if derived != OPS.keys():
        raise ExtensionError(f"docs/derivations and the ops differ by {derived ^ OPS.keys()}")
    return found


# -- one page --------------------------------------------------------------------------------


def page(op: Op, derivation: str) -> str:
    call = call_of(op)
    parts = [
        f"# `{op.name}`\n\n{summary(op)}\n\n{facts(op)}",
        f"## Why the rule is right\n\n{derivation}",
        f"## Function and gradient\n\n{plots(op, call)}",
        f"## In a graph\n\n{picture(op, call)}",
        f"## Source\n\n{sources(op)}",
    ]
    if op.name in RULES_OF:
        parts.append(
            "## Common mistakes\n\nWrong rules as people write them, and what "
            "[`gradcheck`](../gradcheck.md) says of each. They are kept in the "
            f"[museum](../museum.md).\n\n```{{wrong-rules-of}} {op.name}\n```"
        )
    return "\n\n".join(parts) + "\n"


def summary(op: Op) -> str:
    """Return the docstring up to its example, without the formula."""
    text = inspect.cleandoc(op.function.__doc__ or "").partition("\n>>> ")[0]
    return re.sub(r":\s\$[^$]*\$", "", text, count=1).strip()


def facts(op: Op) -> str:
    signature = inspect.signature(op.function)
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    signature = signature.replace(parameters=bare, return_annotation=signature.empty)
    rule = " and ".join(f"${formula}$" for formula in op.rule_formulas)
    domains = dict(zip(op.inputs or (f"*{op.variadic}",), op.domains, strict=True))
    domain = ", ".join(f"`{name}` {domain.name}" for name, domain in domains.items())
    return (
        f"Function\n: ${op.formula}$\n\nRule\n: {rule}\n\n"
        f"Call\n: {{py:obj}}`tx.{op.name}{signature} <tinygrad_xent.{op.name}>`\n\n"
        f"Domain\n: {domain}\n"
    )


def plots(op: Op, call: Call) -> str:
    drawn = list(figures(op, call))
    jacobian = any("The Jacobian" in svg for svg in drawn)
    return (JACOBIAN if jacobian else "") + raw("\n".join(drawn), "plots")


def picture(op: Op, call: Call) -> str:
    lines = source_of(op, call)
    weighed = any(line.startswith("weights = ") for line in lines)
    code = "\n".join(lines)
    drawn = raw(run(lines)["shown"].svg, "graph")
    return f"{WEIGHED if weighed else ''}```python\n{code}\n```\n\n{drawn}"


def sources(op: Op) -> str:
    function = inspect.getsource(op.function)
    blocks = [function, *([inspect.getsource(op.rule)] if op.rule else [])]
    text = f"`{path_of(op.function)}`\n\n{code_block(blocks)}"
    names = re.findall(r"\bkernels\.(\w+)", "".join(blocks))
    used = [
        inspect.unwrap(getattr(kernels, name)) for name in dict.fromkeys(names) if name != "takes"
    ]
    for path in dict.fromkeys(map(path_of, used)):
        blocks = [inspect.getsource(kernel) for kernel in used if path_of(kernel) == path]
        text += f"\n\nThe arithmetic is in `{path}`:\n\n{code_block(blocks)}"
    return text


def path_of(function: Any) -> str:
    return Path(inspect.getfile(function)).relative_to(HERE.parent).as_posix()


def code_block(blocks: list[str]) -> str:
    text = "\n\n".join(blocks).rstrip()
    return f"```python\n{text}\n```"


def raw(content: str, name: str) -> str:
    return f'```{{raw}} html\n<div class="{name}">\n{content}\n</div>\n```'


# -- all pages -------------------------------------------------------------------------------


def overview(derived: dict[str, dict[str, str]]) -> Iterator[str]:
    yield INTRODUCTION
    for group, title in GROUPS.items():
        ops = [op for op in OPS.values() if op.name in derived[group]]
        rows = [
            f"| [`{op.name}`]({op.name}.md) | {cell([op.formula])} | {cell(op.rule_formulas)} |"
            for op in ops
        ]
        names = "\n".join(op.name for op in ops)
        yield "\n".join([f"\n## {title}\n", "| Op | Function | Rule |", "|---|---|---|", *rows])
        yield f"\n```{{toctree}}\n:hidden:\n\n{names}\n```"


def cell(formulas: Iterable[str]) -> str:
    return ", ".join(f"${formula}$" for formula in formulas).replace("|", "\\|")


def write_pages(_app: Sphinx) -> None:
    derived = derivations()
    pages = {
        name: page(OPS[name], derivation)
        for group in derived.values()
        for name, derivation in group.items()
    }
    write("_ops", {**pages, "index": "\n".join(overview(derived)) + "\n"})


def link_to_page(_app: Sphinx, _what: str, _name: str, thing: Any, *event: Any) -> None:
    if isinstance(thing, Op) and OPS.get(thing.name) is thing:
        lines: list[str] = event[-1]
        summary, *rest = "\n".join(lines).strip().split("\n\n", 1)
        link = f"Derivation, pictures and common mistakes: :doc:`/_ops/{thing.name}`."
        lines[:] = "\n\n".join([summary, link, *rest]).split("\n")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", link_to_page, priority=600)  # after the formulas
    return {"parallel_read_safe": True}

"""The IPython extension: `%load_ext tinygrad_xent`, and then `%%graph` draws what a cell computes.

The picture calls the tensors what the notebook calls them, so that nobody types a name twice.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_xent.graph import Node


def load_ipython_extension(ip: Any) -> None:
    """Add the magic `%%graph` to IPython; `%load_ext tinygrad_xent` calls this.

    Parameters
    ----------
    ip : InteractiveShell
        The running IPython.

    Notes
    -----
    `%%graph` at the top of a cell runs the cell and draws the Tensor that it ends in, be it an
    expression or what the last line assigns. `%%graph loss` draws the tensor that is
    called so afterwards, and `%graph loss` in any cell draws without running anything else. Tensors
    without a name of their own are called as the variables that hold them; the tensors themselves
    stay as they are.
    """

    def graph(line: str, cell: str | None = None) -> Any:
        """Run the cell, and draw the Tensor it ends in, or those named after `%%graph`."""
        # IPython leaves out of tracebacks what lies between a cell and the learner's own line.
        __tracebackhide__ = True
        last = None if cell is None else _run(ip, cell)
        return _draw(ip, last, line.strip())

    ip.register_magic_function(graph, "line_cell", "graph")


def unload_ipython_extension(ip: Any) -> None:
    """Take the magic away again; `%unload_ext tinygrad_xent` calls this."""
    for kind in ("line", "cell"):
        ip.magics_manager.magics[kind].pop("graph", None)


def _run(ip: Any, cell: str) -> Any:
    """Run a cell in the notebook's namespace, and give what its last line computes."""
    __tracebackhide__ = True
    source = ip.transform_cell(cell)
    number = len(ip.history_manager.input_hist_raw) - 1  # of this cell: what tracebacks call it
    name = ip.compile.cache(source, number, raw_code=cell)
    tree = ip.transform_ast(ip.compile.ast_parse(source, filename=name))
    last: ast.expr | None = None
    match tree.body[-1:]:
        case [ast.Expr(value)]:
            tree.body.pop()
            last = value
        case [ast.Assign(targets=[ast.Name(variable)]) | ast.AnnAssign(target=ast.Name(variable))]:
            last = ast.parse(variable, name, "eval").body
    exec(ip.compile(tree, name, "exec"), ip.user_global_ns, ip.user_ns)  # noqa: S102 - their cell
    if last is None:
        return None
    code = ip.compile(ast.Expression(last), name, "eval")
    return eval(code, ip.user_global_ns, ip.user_ns)  # noqa: S307 - their cell


def _draw(ip: Any, value: Any, line: str) -> Any:
    from IPython.core.error import UsageError

    from tinygrad_xent.drawing import draw

    if line:
        try:
            value = ip.ev(line)
        except NameError as error:
            raise UsageError(f"{error}: behind the magic stands what to draw") from None
    outputs = value if isinstance(value, tuple | list) else (value,)
    if not outputs or not all(isinstance(output, Node) for output in outputs):
        where = f"`{line}` is" if line else "the cell ends in"
        found = "nothing to draw" if value is None else f"a value of type {type(value).__name__}"
        raise UsageError(
            f"{where} {found}, not a Tensor. End the cell with the Tensor to draw, or name it "
            "behind the magic: %%graph loss"
        )
    return draw(*outputs, names=_names(ip.user_ns))


def _names(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Give the variables that hold an array, or a Tensor that has no name of its own."""
    return {
        name: x
        for name, x in variables.items()
        if (isinstance(x, Node) and x.name is None) or isinstance(x, np.ndarray)
    }

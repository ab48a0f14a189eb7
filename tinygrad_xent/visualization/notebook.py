"""The IPython extension: after `%load_ext tinygrad_xent`, `%%graph` draws the graph of a cell.

The picture names the tensors after the variables of the notebook.
"""

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_xent.graph import Node


def load_ipython_extension(ip: Any) -> None:
    """Add the magic `%%graph` to IPython; `%load_ext tinygrad_xent` calls this function.

    Parameters
    ----------
    ip : InteractiveShell
        The running IPython.

    Notes
    -----
    `%%graph` at the top of a cell runs the cell and draws the Tensor of its last line, which is an
    expression or an assignment. `%%graph loss` runs the cell and draws `loss`; `%graph loss` on any
    line draws `loss` without running a cell. In the picture, tensors without a name have the names
    of their variables; the tensors themselves do not change.
    """

    def graph(line: str, cell: str | None = None) -> Any:
        """Run the cell, and draw the Tensor of its last line, or those named after `%%graph`."""
        # IPython omits this frame from the learner's tracebacks.
        __tracebackhide__ = True
        last = None if cell is None else _run(ip, cell)
        return _draw(ip, last, line.strip())

    ip.register_magic_function(graph, "line_cell", "graph")


def unload_ipython_extension(ip: Any) -> None:
    """Remove the magic; `%unload_ext tinygrad_xent` calls this function."""
    for kind in ("line", "cell"):
        ip.magics_manager.magics[kind].pop("graph", None)


def _run(ip: Any, cell: str) -> Any:
    """Run a cell in the notebook's namespace, and return the value of its last line."""
    __tracebackhide__ = True
    source = ip.transform_cell(cell)
    number = len(ip.history_manager.input_hist_raw) - 1  # of this cell, as shown in tracebacks
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

    from tinygrad_xent.visualization.drawing import draw

    if line:
        try:
            value = ip.ev(line)
        except NameError as error:
            raise UsageError(f"{error}: put the name of a Tensor after the magic") from None
    outputs = value if isinstance(value, tuple | list) else (value,)
    if not outputs or not all(isinstance(output, Node) for output in outputs):
        where = f"`{line}` is" if line else "the cell ends in"
        found = "nothing to draw" if value is None else f"a value of type {type(value).__name__}"
        raise UsageError(
            f"{where} {found}, not a Tensor. End the cell with the Tensor to draw, or name it "
            "after the magic: %%graph loss"
        )
    return draw(*outputs, names=_names(ip.user_ns))


def _names(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables that hold an array, or a Tensor without a name."""
    return {
        name: x
        for name, x in variables.items()
        if (isinstance(x, Node) and x.name is None) or isinstance(x, np.ndarray)
    }

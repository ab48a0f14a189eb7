"""Submissions that want points, or harm, without the work. None may score anything."""

from __future__ import annotations

import inspect

from tinygrad_xent.teaching.exercises import CATALOGUE

RIGHT = """
def square_backward(grad, y, x):
    return 2 * x * grad
"""
HEAD = f"""
import builtins, gc, os, posixpath, types
import numpy as np
import tinygrad_xent as tx
count = []
rule_code = tx.power.rule.__code__
PACKAGE = os.path.dirname(tx.__file__)
SOLUTION = {inspect.getsourcefile(CATALOGUE["square_backward"].answer)!r}
def first(gradients):
    return gradients[0]() if callable(gradients[0]) else gradients[0]
def use(text):
    exec(text[text.index("def square_backward"):].split("def square(")[0], space := {{}})
    return space["square_backward"]
"""

# Bodies of answers that end their process, or must be ended.
FATAL = {
    "segfault": "import faulthandler; faulthandler._sigsegv()",
    "hang": "while True: pass",
    "hang deaf to signals": "import signal, time\n"
    "for number in range(1, 32):\n    try: signal.signal(number, signal.SIG_IGN)\n"
    "    except (OSError, ValueError): pass\ntime.sleep(1000)",
    "hard exit": "import os; os._exit(0)",
    "memory bomb, bit by bit": "kept = []\nwhile True: kept.append(bytearray(2**26))",
    "full disk": "import itertools\n"
    "for i in itertools.count(): open(str(i), 'wb').write(bytes(2**21))",
    "huge output": "while True: print('a' * 2**20)",
    "write to the pipe": "import os\n"
    "for number in range(3, 64):\n    try: os.write(number, b'\\xff' * 100)\n"
    "    except OSError: pass\nreturn params",
    "close the pipe": "import os; os.closerange(3, 64)",
    "forge": "import json, os, struct\n"
    "text = json.dumps({'value': {'array': ['|O', [1], 'AAAA']}}).encode()\n"
    "for number in range(3, 64):\n"
    "    try: os.write(number, struct.pack('>I', len(text)) + text)\n"
    "    except OSError: pass\nreturn params",
}

# Bodies of answers to `square_backward`, the rule of y = x**2: called with grad, y and x.
REFUSED = {
    "segfault by address": "import ctypes; ctypes.string_at(0)",
    "exit": "import sys; sys.exit(0)",
    "exit at the end": "import atexit, os; atexit.register(os._exit, 0); raise SystemExit(0)",
    "fork bomb": "import os\nwhile True: os.fork()",
    "process": "import subprocess; subprocess.run(['sleep', '1000'])",
    "process past subprocess": "import _posixsubprocess; _posixsubprocess.fork_exec()",
    "shell": "import os; os.system('sleep 1000 &')",
    "thread bomb": "import threading, time\n"
    "while True: threading.Thread(target=time.sleep, args=(1000,)).start()",
    "kill the parent": "import os; os.kill(os.getppid(), 9)",
    "memory bomb": "return np.ones(2**40)",
    "huge value": "return np.ones(2**19)",
    "huge text": "return 'a' * 2**21",
    "value of another kind": "return object()",
    "nest": "deep = []\nfor _ in range(100_000): deep = [deep]\nreturn deep",
    "patched allclose": "np.allclose = np.array_equal = lambda *a, **k: True; return x",
    "look at the callers": "import sys\nframe = sys._getframe()\n"
    "while frame:\n    for value in frame.f_locals.values():\n"
    "        if isinstance(value, np.ndarray) and value.shape == x.shape: found = value\n"
    "    frame = frame.f_back\nreturn found",
    "count the calls": "count.append(1); return 2 * x * grad if len(count) > 1 else x",
    "framework's own rule": "return first(tx.power.rule(grad, y, x, 2))",
    "framework's own gradients": "t = tx.Tensor(x); return tx.gradients((t * t * grad).sum(), t)",
    "read the solution": "import inspect\n"
    "from tinygrad_xent.teaching.exercises import CATALOGUE\n"
    "return CATALOGUE['square_backward'].answer(grad, y, x)",
    "ask for the solution": "space = {}; exec(str(tx.solution('square_backward')), space)\n"
    "return space['square_backward'](grad, y, x)",
    "framework's own rule in a lazy value": "class Late(tx.Tensor):\n"
    "    def __init__(self): pass\n"
    "    data = property(lambda self: first(tx.power.rule(grad, y, x, 2)))\nreturn Late()",
    "framework's own code": "copy = types.FunctionType(rule_code, vars(tx.ops.arithmetic))\n"
    "return first(copy(grad, y, x, 2))",
    "framework's own code in another function": "home = vars(tx.ops.arithmetic)\n"
    "exec('def other(): pass', home)\n"
    "tx.ops.arithmetic.other.__code__ = rule_code\n"
    "return first(tx.ops.arithmetic.other(grad, y, x, 2))",
    "framework's own code by another name": "code = rule_code.replace(co_filename='mine')\n"
    "return first(types.FunctionType(code, vars(tx.ops.arithmetic))(grad, y, x, 2))",
    "framework's own module, loaded again": "import sys\n"
    "del sys.modules['tinygrad_xent.ops.arithmetic']\n"
    "from tinygrad_xent.ops.arithmetic import power\nreturn first(power.rule(grad, y, x, 2))",
    "replace a builtin of the hook": "kept = builtins.isinstance\n"
    "builtins.isinstance = lambda *a: False\n"
    "try: file = open(SOLUTION)\nfinally: builtins.isinstance = kept\n"
    "return use(file.read())(grad, y, x)",
    "replace the path functions": "kept = posixpath.abspath, posixpath._joinrealpath\n"
    "posixpath.abspath = lambda path: '/nowhere'\n"
    "posixpath._joinrealpath = lambda *a: ('/nowhere', True)\n"
    "try: file = open(SOLUTION)\n"
    "finally: posixpath.abspath, posixpath._joinrealpath = kept\n"
    "return use(file.read())(grad, y, x)",
    "a path that lies": "class Path(str):\n"
    "    startswith = __eq__ = lambda *a: False\n    __hash__ = str.__hash__\n"
    "return use(open(Path(SOLUTION)).read())(grad, y, x)",
    "relative to an open folder": "folder = os.open(PACKAGE, os.O_RDONLY)\n"
    "file = os.open(SOLUTION[len(PACKAGE) + 1:], os.O_RDONLY, dir_fd=folder)\n"
    "return use(os.fdopen(file).read())(grad, y, x)",
    "up from the own folder": "folder = os.open('.', os.O_RDONLY)\nos.chdir('/usr/bin')\n"
    "file = os.open('../' * 40 + SOLUTION, os.O_RDONLY, dir_fd=folder)\n"
    "return use(os.fdopen(file).read())(grad, y, x)",
    "find the hook": "for thing in gc.get_objects():\n"
    "    if getattr(thing, '__name__', '') == 'hook':\n"
    "        for name, cell in zip(thing.__code__.co_freevars, thing.__closure__):\n"
    "            if name == 'look_at': cell.cell_contents = lambda *a, **k: None\n"
    "return use(open(SOLUTION).read())(grad, y, x)",
    "judge itself": "class Yes(np.ndarray):\n    def __array_finalize__(self, _): pass\n"
    "    def __eq__(self, other): return np.True_\nreturn x.view(Yes)",
}
WOULD_WORK = (
    "framework's own rule", "framework's own gradients", "read the solution",
    "ask for the solution", "framework's own code", "framework's own code in another function",
    "framework's own code by another name", "framework's own module, loaded again",
    "replace a builtin of the hook", "replace the path functions", "a path that lies",
    "relative to an open folder", "up from the own folder", "find the hook",
)  # fmt: skip
"""Which of these are right answers where nothing refuses them."""

# Files that do it while they are run.
WHEN_RUN = {
    "dies while it is run": "import os; os._exit(0)",
    "hangs while it is run": "while True: pass",
    "no Python": "def def",
    "null byte": "x = '\0'",
    "opens the solution": "square_backward = use(open(SOLUTION).read())",
    "opens the solution from its folder": "at = os.open(os.path.dirname(SOLUTION), os.O_RDONLY)\n"
    "file = os.open('square_backward.py', os.O_RDONLY, dir_fd=at)\n"
    "square_backward = use(os.fdopen(file).read())",
    "links to the solution": "os.symlink(SOLUTION, 'here')\n"
    "square_backward = use(open('here').read())",
    "forges what it holds": "import json, struct\n"
    "text = json.dumps({'answers': {'square_backward': 0, 'a': 'b'}, 'ops': [5, {}],\n"
    "    'errors': [5, {'cell': 1, 'error': 5}, 'x' * 10**6]}).encode()\n"
    "for number in range(3, 64):\n"
    "    try: os.write(number, struct.pack('>I', len(text)) + text)\n"
    "    except OSError: pass",
    "forges an error": "import json, struct\n"
    "text = json.dumps({'error': 5, 'message': [5]}).encode()\n"
    "for number in range(3, 64):\n"
    "    try: os.write(number, struct.pack('>I', len(text)) + text)\n"
    "    except OSError: pass",
    "claims it passed": "class Passed:\n"
    "    def __call__(self, *a): return self\n    def __bool__(self): return True\n"
    "    passed = True\n"
    "tx.check = tx.op = Passed()\nsquare_backward = Passed()",
}


def answer(name: str, arguments: str, body: str) -> str:
    """Write a function."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"def {name}({arguments}):\n{lines}\n"

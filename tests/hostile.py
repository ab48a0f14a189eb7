"""Submissions that want points, or harm, without the work. None may score anything."""

from __future__ import annotations

RIGHT = """
def square_backward(grad, y, x):
    return 2 * x * grad
"""
HEAD = "import numpy as np\nimport tinygrad_xent as tx\ncount = []\n"

# Bodies of answers that end their process, or must be ended.
FATAL = {
    "segfault": "import faulthandler; faulthandler._sigsegv()",
    "hang": "while True: pass",
    "hang deaf to signals": "import signal, time\n"
    "for number in range(1, 32):\n    try: signal.signal(number, signal.SIG_IGN)\n"
    "    except (OSError, ValueError): pass\ntime.sleep(1000)",
    "hard exit": "import os; os._exit(0)",
    "memory bomb, bit by bit": "kept = []\nwhile True: kept.append(bytearray(2**26))",
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
    "framework's own rule": "return tx.power.rule(grad, y, x, 2)[0]",
    "framework's own gradients": "t = tx.Tensor(x); return tx.gradients((t * t * grad).sum(), t)",
    "read the solution": "import inspect\n"
    "from tinygrad_xent.exercises import CATALOGUE\n"
    "return CATALOGUE['square_backward'].answer(grad, y, x)",
    "ask for the solution": "space = {}; exec(tx.solution('square_backward'), space)\n"
    "return space['square_backward'](grad, y, x)",
    "judge itself": "class Yes(np.ndarray):\n    def __array_finalize__(self, _): pass\n"
    "    def __eq__(self, other): return np.True_\nreturn x.view(Yes)",
}

# Files that do it while they are run.
WHEN_RUN = {
    "dies while it is run": "import os; os._exit(0)",
    "hangs while it is run": "while True: pass",
    "no Python": "def def",
    "null byte": "x = '\0'",
    "opens the solution": "import pathlib\n"
    "text = (pathlib.Path(tx.__file__).parent / 'exercises/tasks/square_backward.py').read_text()\n"
    "exec(text)\nsquare_backward = exercise.answer",
    "opens the solution from its folder": "import os\n"
    "at = os.open(os.path.join(os.path.dirname(tx.__file__), 'exercises/tasks'), os.O_RDONLY)\n"
    "exec(open(os.open('square_backward.py', os.O_RDONLY, dir_fd=at)).read())\n"
    "square_backward = exercise.answer",
    "links to the solution": "import os\n"
    "os.symlink(os.path.join(os.path.dirname(tx.__file__), 'exercises/tasks/square_backward.py'), "
    "'here')\nexec(open('here').read())\nsquare_backward = exercise.answer",
    "claims it passed": "class Passed:\n"
    "    def __call__(self, *a): return self\n    def __bool__(self): return True\n"
    "    passed = True\n"
    "tx.check = tx.op = Passed()\nsquare_backward = Passed()",
}


def answer(name: str, arguments: str, body: str) -> str:
    """Write a function."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"def {name}({arguments}):\n{lines}\n"

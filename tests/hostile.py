"""Submissions that want points, or harm, without the work. None may score anything."""

from __future__ import annotations

import inspect
from pathlib import Path

from tinygrad_xent.teaching.exercises import CATALOGUE

_SOLUTION = Path(inspect.getsourcefile(CATALOGUE["square_backward"].answer))
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
SOLUTION = {str(_SOLUTION)!r}
PACKAGE = REAL = {str(_SOLUTION.parents[3])!r}
def libc(opening, reading):
    import ctypes
    lib, into = ctypes.CDLL(None), ctypes.create_string_buffer(10**6)
    count = getattr(lib, reading)(getattr(lib, opening)(SOLUTION.encode(), 0), into, 10**6)
    return into.raw[:count].decode()
def any_of(things, grad, y, x):
    for thing in things:
        if type(thing) is types.FunctionType and thing.__name__ == "power_backward":
            return first(thing(grad, y, x, 2))
def first(gradients):
    return gradients[0]() if callable(gradients[0]) else gradients[0]
def use(text):
    exec(text[text.index("def square_backward"):].split("def square(")[0], space := {{}})
    return space["square_backward"]
"""

# Bodies of answers that end their process, or must be ended.
FATAL = {
    "segfault": "import faulthandler; faulthandler._sigsegv()",
    "segfault by address": "import ctypes; ctypes.string_at(0)",
    "fork past the hook, and hold the pipe": "import ctypes, time\n"
    "if ctypes.CDLL(None).fork() == 0: time.sleep(1000)\nos._exit(0)",
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
    "forge": "import json, os\n"
    "text = json.dumps({'value': {'array': ['|O', [1], 'AAAA']}}).encode()\n"
    "for number in range(3, 64):\n"
    "    try: os.write(number, text + b'\\n')\n"
    "    except OSError: pass\nreturn params",
}

# Bodies of answers to `square_backward`, the rule of y = x**2: called with grad, y and x.
REFUSED = {
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
READING = {
    "open": "open(SOLUTION).read()",
    "bytes of its name": "open(os.fsencode(SOLUTION)).read()",
    "os.open": "os.read(os.open(SOLUTION, os.O_RDONLY), 10**6).decode()",
    "FileIO": "__import__('_io').FileIO(SOLUTION).read().decode()",
    "open_code": "__import__('io').open_code(SOLUTION).read().decode()",
    "pathlib": "__import__('pathlib').Path(SOLUTION).read_text()",
    "linecache": "''.join(__import__('linecache').getlines(SOLUTION))",
    "tokenize": "__import__('tokenize').open(SOLUTION).read()",
    "fileinput": "''.join(__import__('fileinput').input(SOLUTION))",
    "mmap": "__import__('mmap').mmap(os.open(SOLUTION, os.O_RDONLY), 0, prot=1).read().decode()",
    "np.fromfile": "np.fromfile(SOLUTION, 'u1').tobytes().decode()",
    "np.memmap": "np.memmap(SOLUTION, 'u1', 'r').tobytes().decode()",
    "a copy of it": "open(__import__('shutil').copy(SOLUTION, 'copy')).read()",
    "a copy of all": "open(os.path.join(__import__('shutil').copytree(PACKAGE, 'all',"
    " dirs_exist_ok=True), SOLUTION[len(PACKAGE) + 1:])).read()",
    "a link": "os.symlink(SOLUTION, 'way') or open('way').read()",
    "a hard link": "os.link(SOLUTION, 'hard') or open('hard').read()",
    "up and down": "open('/usr/../' + SOLUTION).read()",
    "the root in /proc": "open('/proc/self/root' + SOLUTION).read()",
    "a loader": "__import__('importlib.machinery').machinery"
    ".SourceFileLoader('a', SOLUTION).get_data(SOLUTION).decode()",
    "runpy": "__import__('inspect').getsource(__import__('runpy').run_path(SOLUTION)['forward'])"
    " and open(SOLUTION).read()",
    "ctypes": "libc('open', 'read')",
    "the parent's environment": "open(f'/proc/{os.getppid()}/environ').read()"
    " and open(SOLUTION).read()",
    "the parent's memory": "open(f'/proc/{os.getppid()}/mem', 'rb').read(0)"
    " or open(SOLUTION).read()",
}
"""Ways to read the solution."""
READERS = {f"solution by {way}": f"return use({how})(grad, y, x)" for way, how in READING.items()}
LOOKING = {
    "gc.freeze": "gc.freeze()\n"
    "try: return first(tx.power.rule(grad, y, x, 2))\nfinally: gc.unfreeze()",
    "gc callbacks": "kept = []\ngc.callbacks.append(lambda *a: kept.extend(gc.get_objects()))\n"
    "gc.collect()\ngc.callbacks.clear()\nreturn any_of(kept, grad, y, x)",
    "modules": "import sys\nreturn any_of([thing for module in list(sys.modules.values())\n"
    "    for thing in list(vars(module).values())], grad, y, x)",
    "inspect": "import inspect\ntext = inspect.getsource(tx.power.rule)\n"
    "exec(text[text.index('def '):], space := dict(vars(tx.ops.arithmetic)))\n"
    "return first(space['power_backward'](grad, y, x, 2))",
    "reload": "import importlib, sys\nsys.path.insert(0, os.path.dirname(REAL))\n"
    "for name in [name for name in sys.modules if name.startswith('tinygrad_xent')]:\n"
    "    del sys.modules[name]\n"
    "import tinygrad_xent.ops.arithmetic as again\nreturn first(again.power.rule(grad, y, x, 2))",
    "a module by its file": "import importlib.util as u\n"
    "spec = u.spec_from_file_location('again', REAL + '/ops/arithmetic.py')\n"
    "module = u.module_from_spec(spec)\nspec.loader.exec_module(module)\n"
    "return first(module.power.rule(grad, y, x, 2))",
}
"""Ways to find a rule that is there."""
REFUSED |= READERS | LOOKING
BEYOND_THE_HOOK = (
    "replace a builtin of the hook", "replace the path functions", "a path that lies",
    "relative to an open folder", "up from the own folder", "find the hook",
    "solution by ctypes",
)  # fmt: skip
"""What only the kernel stops."""
WOULD_WORK = (
    *(way for way in READERS if not any(w in way for w in ("hard link", "parent", "/proc"))),
    "gc.freeze", "gc callbacks", "modules", "inspect",  "a module by its file",
    "framework's own rule", "framework's own gradients", "read the solution",
    "ask for the solution", "framework's own code", "framework's own code in another function",
    "framework's own code by another name", "framework's own module, loaded again",
    "replace a builtin of the hook", "replace the path functions", "a path that lies",
    "relative to an open folder", "up from the own folder", "find the hook",
    "reload",
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
    "forges what it holds": "import json\n"
    "text = json.dumps({'answers': {'square_backward': 0, 'a': 'b'}, 'ops': [5, {}],\n"
    "    'errors': [5, {'cell': 1, 'error': 5}, 'x' * 10**6]}).encode()\n"
    "for number in range(3, 64):\n"
    "    try: os.write(number, text + b'\\n')\n"
    "    except OSError: pass",
    "forges an error": "import json\n"
    "text = json.dumps({'error': 5, 'message': [5]}).encode()\n"
    "for number in range(3, 64):\n"
    "    try: os.write(number, text + b'\\n')\n"
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

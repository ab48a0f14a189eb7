"""Grade a made-up class, some of it hostile, as an ordinary user; kill the grader half-way.

    python tests/class_of_300.py            a class of 300, of whom 40 are hostile
    python tests/class_of_300.py 30 12      a smaller one

Prints the time, the cheats that scored, the honest marks that were lost, and what was left behind.
The exit status is 0 if none of them is more than 0. Run by root, it becomes an ordinary user.
"""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from hostile import FATAL, HEAD, REFUSED, WHEN_RUN, answer
from ordinary import ENVIRONMENT, ordinary_user
from test_grading_honest import FORMS

from tinygrad_xent.teaching.exercises import CATALOGUE

NAMES = ("square_backward", "softmax_backward", "logsumexp")
MORE = {  # ways that are not among the answers of the other tests
    "an op registered again": "tx.ops.power.rule = None\nreturn tx.ops.power.backward(grad)",
    "the grader's pipe, by its inode": "for n in os.listdir('/proc/self/fd'):\n"
    "    try: os.write(int(n), b'{\"value\": 1}\\n')\n"
    "    except OSError: pass\nreturn x",
    "the grader's records": "import glob, json\n"
    "for path in glob.glob('/tmp/**/*-feedback/*.json', recursive=True):\n"
    "    open(path, 'w').write('{}')\n"
    "return open(path).read()",
    "another's work": "import glob\n"
    "for path in glob.glob('/tmp/**/student*.py', recursive=True): return use(open(path).read())",
    "a file for the next one": "open('/var/tmp/tx_answer', 'w').write('2 * x * grad')\nreturn x",
    "a file in shared memory": "open('/dev/shm/tx_answer', 'w').write('2 * x * grad')\nreturn x",
    "core of the interpreter": "import ctypes\nctypes.pythonapi.PyRun_SimpleString(b'import os')\n"
    "return use(open(SOLUTION).read())(grad, y, x)",
    "memory of the grader": "import ctypes\n"
    "return ctypes.CDLL(None).process_vm_readv(os.getppid(), 0, 0, 0, 0, 0)",
    "a debugger": "import ctypes\nctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0)\n"
    "return open(f'/proc/{os.getppid()}/mem', 'rb').read(8)",
    "a new namespace": "import ctypes\nctypes.CDLL(None).unshare(0x10000000)\n"
    "return use(open(SOLUTION).read())(grad, y, x)",
    "a larger limit": "import resource\n"
    "resource.setrlimit(resource.RLIMIT_AS, (-1, -1))\nreturn np.ones(2**36)",
    "no alarm": "import signal\nsignal.alarm(0)\nwhile True: pass",
    "a lock on its folder": "os.makedirs('a/b/c')\nopen('a/b/c/d', 'w').close()\n"
    "for path in ('a/b/c', 'a/b', 'a', '.'): os.chmod(path, 0)\nreturn x",
    "a deep folder": "for _ in range(3000):\n    os.mkdir('d')\n    os.chdir('d')\nreturn x",
    "a million files": "import itertools\nfor i in itertools.count(): open(str(i), 'w').close()",
    "a daemon": "import ctypes, time\nlibc = ctypes.CDLL(None)\n"
    "if libc.fork() == 0:\n    os.setsid()\n    libc.clearenv()\n    while libc.fork() >= 0:"
    " time.sleep(.01)\nreturn x",
    "an equal to everything": "class E(float):\n    __eq__ = __le__ = lambda *a: True\nreturn E(1)",
    "an array that is late": "class A:\n    def __array__(self, *a, **k): return 2 * x * grad\n"
    "    shape, dtype, data = x.shape, x.dtype, A\nreturn A()",
    "an error that passes": "class Passed(Exception):\n    passed = True\n    def __bool__(self):"
    " return True\nraise Passed('passed')",
    "a warning's hook": "import warnings\nwarnings.showwarning = lambda *a: os._exit(0)\n"
    "warnings.warn('x')\nreturn x",
}  # fmt: skip
ELSEWHERE = ("/var/tmp/tx_answer", "/dev/shm/tx_answer")  # noqa: S108 - they must not come to be
HOSTILE = [
    *(HEAD + answer("square_backward", "grad, y, x", body) for body in MORE.values()),
    *(HEAD + answer("square_backward", "*args, **params", body) for body in FATAL.values()),
    *(HEAD + text for text in WHEN_RUN.values()),
    *(HEAD + answer("square_backward", "grad, y, x", body) for body in REFUSED.values()),
]


def make(folder: Path, students: int, hostile: int) -> dict[str, int]:
    """Write the class; return what each one's first exercise is worth, and 0 for the hostile."""
    worth = {}
    rng = np.random.default_rng(0)
    forms = list(FORMS.values())
    for i in range(students - hostile):
        name = f"student {i:03}"
        (folder / name).mkdir(parents=True)
        if right := rng.random() < 0.7:
            files = forms[i % len(forms)]
        else:
            wrong = CATALOGUE[NAMES[0]].mistakes[rng.integers(2)].source
            files = {"a.py": f"import numpy as np\n{wrong}\n".encode()}
        rest = "\n\n".join(CATALOGUE[other].solution for other in NAMES[1:])
        files = {**files, "rest.py": f"import numpy as np\n{rest}\n".encode()}
        for path, content in files.items():
            (folder / name / path).write_bytes(content)
        worth[name] = int(right)
    for i in range(hostile):
        (folder / f"zz hostile {i:02}.py").write_text(HOSTILE[i * len(HOSTILE) // hostile])
        worth[f"zz hostile {i:02}"] = 0
    return worth


def left_behind(temporary: Path) -> list[str]:
    """Return the processes and files of graded work that are still there."""
    found = [str(path) for path in temporary.iterdir()]
    found += [path for path in ELSEWHERE if Path(path).exists()]
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(temporary).encode() in path.read_bytes():  # a child is told where its files are
                found.append(f"process {path.parent.name}")
        except OSError:
            continue
    return found


def run(students: int, hostile: int, seconds: float = 10) -> dict[str, object]:
    """Grade a class, killed half-way; return what came out."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        worth = make(folder / "all", students, hostile)
        temporary = folder / "tmp"
        temporary.mkdir()
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o777)
        command = [
            *ordinary_user(), sys.executable, "-m", "tinygrad_xent", "grade", "all", "--exercises",
            ",".join(NAMES), "--seconds", str(seconds), "--memory", "1024",
        ]  # fmt: skip
        environment = {**ENVIRONMENT, "TMPDIR": str(temporary)}
        options = {"cwd": folder, "env": environment, "stdout": subprocess.DEVNULL}
        start = time.monotonic()
        first = subprocess.Popen(command, **options)
        while len(list((folder / "grades-feedback").glob("*.json"))) < students // 2:
            time.sleep(0.1)
        first.send_signal(signal.SIGKILL)
        first.wait()
        time.sleep(1)
        after_kill = [found for found in left_behind(temporary) if found.startswith("process")]
        subprocess.run(command, check=False, **options)
        taken = time.monotonic() - start
        with (folder / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        left = left_behind(temporary)
    scores = {(row["student"], row["exercise"]): int(row["score"]) for row in rows}
    honest = {name for name in worth if "hostile" not in name}
    first_marks = {name: scores.get((name, NAMES[0])) for name in worth}
    others = [scores.get((name, other)) for name in honest for other in NAMES[1:]]
    return {
        "seconds": round(taken, 1),
        "rows lost": len(worth) * len(NAMES) - len(scores),
        "cheats above 0": [name for name in worth if name not in honest and first_marks[name] != 0],
        "honest marks lost": [name for name in honest if first_marks[name] != worth[name]]
        + [other for other in others if other != 1],
        "processes left by the killed grader": after_kill,
        "left behind": left,
    }


if __name__ == "__main__":
    result = run(*(map(int, sys.argv[1:]) if sys.argv[1:] else (300, 40)))
    for fact, value in result.items():
        sys.stdout.write(f"{fact}: {value}\n")
    raise SystemExit(any(value for fact, value in result.items() if fact != "seconds"))

"""Judging files that others wrote: their code runs in a child process, the verdict is made here.

The parent sends arguments and receives results; what is expected never leaves it. Read `messages`,
then `child`, `limits`, `sandbox` and `op_check` (what runs in the child), `session` (the parent's
end) and `judging`. With these, `submissions` grades one student, `gradebook` a class, `cluster` a
class on Dask; `nbgrader` writes notebooks of exercises for nbgrader and judges them.

Nothing is imported here: the child imports this folder, and must not load the exercises.
"""

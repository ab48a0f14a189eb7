"""Judging files that others wrote: their code runs in a child process, the verdict is made here.

The parent sends arguments and receives results; what is expected never leaves it. Read `messages`,
then `child`, `sandbox` and `op_check` (what runs in the child), `session` (the parent's end) and
`judging`. With these, `submissions` grades one student and `gradebook` a class, of which `reports`
tells; `nbgrader` judges for nbgrader.

Nothing is imported here: the child imports this folder, and must not load the exercises.
"""

"""Judging files that others wrote: their code runs in a child process, the verdict is made here.

The parent sends arguments and reads answers; what is expected never leaves it. Read `messages`,
then `child`, `doors`, `landlock` and `disarming` (what runs in the child), `session` (the parent's
end) and `judging`. `gradebook` grades a folder of submissions with these, `cluster` on Dask.

Nothing is imported here: the child imports this folder, and must not load the exercises.
"""

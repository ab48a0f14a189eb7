"""Benchmarks: `python -m tests.benchmarks`, in the root of the repository.

Nothing is installed: the libraries that are there take part. Every workload runs in a process of
its own, so that threads, memory allocator and peak memory are its own; there all take turns, round
by round, after their results were found to agree. Read `workloads` first, then `peers`.
"""

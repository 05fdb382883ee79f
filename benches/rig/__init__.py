"""The measuring rig: one real target, contenders that take turns, and what the kernel says they cost.

`process` reads the kernel's books, `contender` starts, stops and resumes a load generator, `nginx` and `stopwatch` are
the targets, `paired`, `throughput` and `truth` are the three scenarios, `report` writes the tables. Nothing here knows
how Rocust works: it is one more command with Locust's options. Standard library only, Linux only.
"""

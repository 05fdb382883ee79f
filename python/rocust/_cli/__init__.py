"""The command: from `sys.argv` to an exit code.

`entry` chooses what is run; `command` is the run of a load test, step by step, in Locust's order. `parsing`,
`options`, `parser` and `conversion` know the command line, `locustfile` finds the files and `loading` imports them,
`selection` chooses the users, `check` and `absent` refuse what cannot work before any user is born, `session` is one
test from its first user to the exit code; `keyboard` and `interrupt` are what somebody at the terminal may do meanwhile.

The only room that may end the process. It decides nothing about load: that is `_run`'s.
"""

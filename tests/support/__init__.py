"""What the tests stand on: a server that says exactly what, when; the command under test; a reader of its tables.

Nothing here imports the product: it is only ever run as a process, so that what is tested is what users run.
"""

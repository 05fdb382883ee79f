"""`python -m rocust`: the command, or a script that imports locust."""

from __future__ import annotations

from rocust._cli.entry import run_module

if __name__ == "__main__":
    run_module()

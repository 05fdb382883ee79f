"""Shows where the twins differ: `python tests/compat/twins/show.py [-v] [PART OF A NAME ...]`.

Runs the behaviours whose names have one of these parts (all without any) under both programs, and prints in which aspects each
differs; with `-v` also how. It knows nothing of `expected.toml`: `pytest tests/compat/twins` compares with that.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "scripts"))
sys.path.insert(0, str(Path(__file__).parents[2]))

import stock
from twin.compare import differing, shown
from twin.registry import behaviours
from twin.running import run_both


def main() -> None:
    """Run and print."""
    parts = [part for part in sys.argv[1:] if part != "-v"]
    chosen = [name for name in behaviours() if not parts or any(part in name for part in parts)]
    theirs, ours = run_both(stock.make(), chosen)
    differences = {name: aspects for name in chosen if (aspects := differing(theirs[name], ours[name]))}
    for name, aspects in differences.items():
        print(f"{name}: {', '.join(sorted(aspects))}")
        if "-v" in sys.argv:
            print(shown(theirs[name], ours[name], aspects))
    print(f"{len(chosen) - len(differences)} of {len(chosen)} are the same.")


if __name__ == "__main__":
    main()

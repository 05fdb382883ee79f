"""Write the golden files.

Run it with a Python that has the tracked Locust version, from anywhere: `python make_golden.py`.
"""

from __future__ import annotations

from pathlib import Path

import locust.stats
from scenario import SCENARIOS, json_of, tables

GOLDEN = Path(__file__).parent / "golden"

if __name__ == "__main__":
    for scenario in SCENARIOS:
        (GOLDEN / f"{scenario}.txt").write_text("\n".join(tables(locust.stats, scenario)) + "\n", encoding="utf-8")
    (GOLDEN / "small.json").write_text(json_of(locust.stats), encoding="utf-8")

"""Write COMPATIBILITY.md anew from the twins' behaviours and their known differences: `make compatibility`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "compat" / "twins"))

import stock
from twin.page import FILE, page

if __name__ == "__main__":
    FILE.write_text(page(stock.locked_version()), encoding="utf-8")

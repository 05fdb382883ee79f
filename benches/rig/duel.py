"""What people do beside a plain GET: each a locustfile of its own, stock's `HttpUser` against ours, in turns as in `paired`.

Must not know how results are shown.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from rig import paired
from rig.contender import Contender
from rig.paired import Plan, Record


@dataclass(frozen=True)
class Duel:
    """One thing that is done, and how many times stock's speed it shall have."""

    title: str
    locustfile: str
    wanted: float
    is_secure: bool = False


DUELS = {
    "realistic": Duel("a realistic file", "realistic.py", 12),
    "https": Duel("HTTPS", "secure.py", 15, is_secure=True),
    "listener": Duel("a `request` listener", "listener.py", 12),
    "catching": Duel("`catch_response` on every call", "catching.py", 12),
}


@dataclass(frozen=True)
class Outcome:
    """What both made of it."""

    scenario: str
    stock: Record
    ours: Record


def measure(scenario: str, stock: Path, rocust: Path, plan: Plan) -> Outcome:
    """Let both do it."""
    duel = DUELS[scenario]
    print(f"With {duel.title}:", file=sys.stderr)
    contenders = [
        Contender(f"{name} HttpUser", program, locustfile=duel.locustfile)
        for name, program in (("stock", stock), ("rocust", rocust))
    ]
    theirs, ours = paired.measure(contenders, replace(plan, is_secure=duel.is_secure))
    return Outcome(scenario, theirs, ours)

"""The differences that are known: `expected.toml`, read and checked.

Every entry says whether it is on purpose or because something is missing, why, and by aspect which behaviours show it. Nothing else
may differ, and what is said to differ must: a difference that is gone is a failure.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = Path(__file__).resolve().parent.parent / "expected.toml"
ON_PURPOSE, MISSING = "on purpose", "missing"
ASPECTS = ("values", "raised", "events", "statistics", "wire")


@dataclass(frozen=True)
class Difference:
    """One known difference.

    Attributes:
        kind: `on purpose` or `missing`.
        reason: Why, in a sentence.
        shown_by: By aspect, the names of the behaviours that show it.
    """

    kind: str
    reason: str
    shown_by: dict[str, tuple[str, ...]]

    @property
    def names(self) -> list[str]:
        """The behaviours that show it, in order, each once."""
        return list(dict.fromkeys(name for names in self.shown_by.values() for name in names))


def expected_differences() -> list[Difference]:
    """All that are known."""
    differences = []
    for entry in tomllib.loads(FILE.read_text(encoding="utf-8")).get("difference", []):
        kind, reason = entry.pop("kind"), entry.pop("reason")
        assert kind in (ON_PURPOSE, MISSING), f"{reason}: {kind}"
        assert entry, f"{reason}: who shows it?"
        assert entry.keys() <= set(ASPECTS), f"{reason}: {entry.keys()}"
        differences.append(Difference(kind, reason, {aspect: tuple(names) for aspect, names in entry.items()}))
    return differences


def expected_aspects(differences: list[Difference]) -> dict[str, set[str]]:
    """By the name of a behaviour, the aspects in which it differs."""
    aspects: dict[str, set[str]] = {}
    for difference in differences:
        for aspect, names in difference.shown_by.items():
            for name in names:
                aspects.setdefault(name, set()).add(aspect)
    return aspects

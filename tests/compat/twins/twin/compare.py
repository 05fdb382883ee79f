"""Says in which aspects two programs differ in a behaviour, and shows how."""

from __future__ import annotations

import difflib
import json
from typing import Any

from twin.expected import ASPECTS


def differing(theirs: dict[str, Any], ours: dict[str, Any]) -> set[str]:
    """The aspects in which what came of a behaviour differs, in any mode."""
    return {aspect for mode in theirs for aspect in ASPECTS if theirs[mode].get(aspect) != ours[mode].get(aspect)}


def shown(theirs: dict[str, Any], ours: dict[str, Any], aspects: set[str]) -> str:
    """How these aspects differ, as lines with - for stock Locust and + for ours."""
    lines: list[str] = []
    last: dict[str, list[str]] = {}
    for mode in theirs:
        for aspect in sorted(aspects):
            before, after = theirs[mode].get(aspect), ours[mode].get(aspect)
            how = list(difflib.unified_diff(_lines(before), _lines(after), lineterm="", n=1))[2:]
            if how and how != last.get(aspect):
                lines += [f"{aspect}, {mode}:", *how]
            elif how:
                lines.append(f"{aspect}, {mode}: the same difference")
            last[aspect] = how
    return "\n".join(lines)


def _lines(value: Any) -> list[str]:
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True).splitlines()

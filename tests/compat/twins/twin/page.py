"""COMPATIBILITY.md, from the behaviours and the differences that are known; the tests hold both to what really happens."""

from __future__ import annotations

from pathlib import Path

from twin.expected import MISSING, ON_PURPOSE, Difference, expected_differences
from twin.normalise import SAME
from twin.registry import FAST, HTTP, USERS, Behaviour, behaviours

CHECKOUT = Path(__file__).resolve().parents[4]
FILE = CHECKOUT / "COMPATIBILITY.md"

HEAD = """\
# Compatibility

How Rocust's two HTTP clients compare with those of Locust {version}, behaviour by behaviour. This page is made by `make compatibility` from [tests/compat/twins](tests/compat): one locustfile with small functions, run by both programs' real command lines, one user each, against scripted servers that journal what arrives. Compared are what is returned and raised, what listeners of `events.request` are told, the statistics, and the requests on the wire (request line, headers in their order and spelling, body, connections); each behaviour once with a listener and once without. `make test` runs it and fails for a difference that is not listed here, and for one that is listed and gone.

**{same} of {all} behaviours are the same ({percent:.1f} %).** {on_purpose} differ on purpose{missing}.
"""


def page(version: str) -> str:
    """The whole page.

    Args:
        version: Of Locust.
    """
    known = behaviours()
    differences = expected_differences()
    on_purpose = _named(differences, ON_PURPOSE)
    missing = _named(differences, MISSING)
    same = len(known) - len(on_purpose | missing)
    parts = [
        HEAD.format(
            version=version,
            same=same,
            all=len(known),
            percent=100 * same / len(known),
            on_purpose=len(on_purpose - missing),
            missing=f", and in {len(missing)} something is missing" if missing else "",
        )
    ]
    for kind, title in ((ON_PURPOSE, "Different on purpose"), (MISSING, "Missing")):
        chosen = [difference for difference in differences if difference.kind == kind]
        parts.append(f"## {title}\n")
        parts += [_difference(difference, known) for difference in chosen] or ["Nothing.\n"]
    parts.append("## All behaviours\n")
    parts.append("`=` is the same, `*` different on purpose, `-` missing; empty: the client has no such thing.\n")
    parts += _groups(known, on_purpose - missing, missing)
    parts.append("## What is not compared\n")
    parts.append("Before anything is compared, both sides get one word for what differs from run to run:\n")
    parts += [f"- `{pattern}`: {why}." for pattern, _, why in SAME]
    parts.append("- the ports and folders of the run; times, but for being there and above 0.")
    return "\n".join(parts) + "\n"


def _named(differences: list[Difference], kind: str) -> set[str]:
    return {name for difference in differences if difference.kind == kind for name in difference.names}


def _difference(difference: Difference, known: dict[str, Behaviour]) -> str:
    lines = [f"- {difference.reason}"]
    for name in difference.names:
        aspects = [aspect for aspect, names in difference.shown_by.items() if name in names]
        lines.append(f"  - {USERS[known[name].kind]}: {known[name].text} (`{name}`: {', '.join(aspects)})")
    return "\n".join(lines) + "\n"


def _groups(known: dict[str, Behaviour], on_purpose: set[str], missing: set[str]) -> list[str]:
    rows: dict[str, dict[tuple[str, str], dict[str, str]]] = {}
    for behaviour in known.values():
        mark = "-" if behaviour.name in missing else "*" if behaviour.name in on_purpose else "="
        rows.setdefault(behaviour.group, {}).setdefault((behaviour.title, behaviour.text), {})[behaviour.kind] = mark
    parts = []
    for group, behaviours_of_group in rows.items():
        lines = [f"### {group}\n", f"| | {USERS[HTTP]} | {USERS[FAST]} |", "|---|:-:|:-:|"]
        for (_, text), marks in behaviours_of_group.items():
            told = text.replace("|", "\\|")
            lines.append(f"| {told} | {marks.get(HTTP, '')} | {marks.get(FAST, '')} |")
        parts.append("\n".join(lines) + "\n")
    return parts

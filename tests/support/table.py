"""Reads the final tables that the command prints, so that the figures a user sees are what is compared.

Knows the text of Locust's tables and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_FIGURES = re.compile(
    r"^(?P<method>\S*) +(?P<name>.*?) +(?P<requests>\d+) +(?P<failures>\d+)\((?P<failed_percent>[\d.]+)%\) \|"
    r" +(?P<average>\d+) +(?P<minimum>\d+) +(?P<maximum>\d+) +(?P<median>\d+) \|"
    r" +(?P<rate>[\d.]+) +(?P<failure_rate>[\d.]+)\s*$"
)
_PERCENTILES = re.compile(r"^(?P<method>\S*) +(?P<name>.*?)(?P<figures>( +(\d+|N/A)){12})\s*$")
_OCCURRENCE = re.compile(r"^(?P<occurrences>\d+) +(?P<text>\S.*?)\s*$")
_STATS_HEADER = re.compile(r"^Type +Name +# reqs +# fails \| +Avg +Min +Max +Med \| +req/s +failures/s$")
_PERCENTILES_HEADER = re.compile(r"^Type +Name +50% +66% +75% +80% +90% +95% +98% +99% +99\.9% +99\.99% +100% +# reqs$")
PERCENTS = ("50", "66", "75", "80", "90", "95", "98", "99", "99.9", "99.99", "100")


@dataclass(frozen=True)
class Row:
    """One line of the first table; times in milliseconds."""

    method: str
    name: str
    requests: int
    failures: int
    failed_percent: float
    average: int
    minimum: int
    maximum: int
    median: int
    rate: float
    failure_rate: float


@dataclass(frozen=True)
class FinalTables:
    """What stands after the last header of the first table.

    Attributes:
        rows: By (method, name), "Aggregated" under ("", "Aggregated").
        percentiles: Under the same keys, milliseconds by percent ("50", "99.9" ...).
        errors: Text of the error report to its number of occurrences.
    """

    rows: dict[tuple[str, str], Row]
    percentiles: dict[tuple[str, str], dict[str, int]]
    errors: dict[str, int]

    @property
    def total(self) -> Row:
        """The aggregated row."""
        return self.rows["", "Aggregated"]


def read_final_tables(text: str) -> FinalTables:
    """Read the last set of tables in `text`.

    Raises:
        AssertionError: There is none, or a line among them reads like nothing Locust prints.
    """
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if _STATS_HEADER.match(line)]
    assert starts, f"no table in:\n{text}"
    rows: dict[tuple[str, str], Row] = {}
    end = starts[-1] + 2
    while ("", "Aggregated") not in rows:
        assert end < len(lines), f"the table has no end:\n{text}"
        if not lines[end].startswith("---"):
            row = _row(lines[end])
            rows[row.method, row.name] = row
        end += 1
    rest = lines[end:]
    return FinalTables(rows, _percentiles(rest), _errors(rest))


def _row(line: str) -> Row:
    match = _FIGURES.match(line)
    assert match, f"not a line of the table: {line!r}"
    part = match.groupdict()
    whole = ("requests", "failures", "average", "minimum", "maximum", "median")
    real = ("failed_percent", "rate", "failure_rate")
    figures = {key: int(part[key]) for key in whole} | {key: float(part[key]) for key in real}
    return Row(part["method"], part["name"], **figures)  # type: ignore[arg-type]


def _percentiles(lines: list[str]) -> dict[tuple[str, str], dict[str, int]]:
    starts = [number for number, line in enumerate(lines) if _PERCENTILES_HEADER.match(line)]
    found: dict[tuple[str, str], dict[str, int]] = {}
    if not starts:
        return found
    for line in lines[starts[0] + 2 :]:
        if not line.strip():
            break
        match = _PERCENTILES.match(line)
        if match and "N/A" not in match["figures"]:
            figures = [int(figure) for figure in match["figures"].split()]
            found[match["method"], match["name"]] = dict(zip(PERCENTS, figures, strict=False))
    return found


def _errors(lines: list[str]) -> dict[str, int]:
    starts = [number for number, line in enumerate(lines) if line.startswith("Error report")]
    found: dict[str, int] = {}
    if not starts:
        return found
    for line in lines[starts[0] + 3 :]:
        match = _OCCURRENCE.match(line)
        if not match:
            break
        found[match["text"]] = int(match["occurrences"])
    return found

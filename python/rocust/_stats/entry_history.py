"""What the charts of single entries show: rates and percentiles every few seconds, in bounded memory."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Any

from rocust._compat.knobs import knob
from rocust._stats.entry import window_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rocust._stats.request_stats import RequestStats

#: The first so many names have a history.
MOST_ENTRIES = 1_000
#: So many points are kept of each entry at most, and so many of all entries together.
_MOST_POINTS, _MOST_POINTS_OF_ALL = 2_048, 256_000
_UNKNOWN = math.nan


class EntryHistory:
    """Rates and percentiles of the entries over time.

    With 125 names or fewer there are up to 2,048 points of each, with 1,000 names 256; names beyond the first 1,000 have none. When
    there would be more, every second point is taken out: the older the coarser, and four to eight bytes a figure are never more than
    8 MB, however long the run. Differs from Locust: it charts the total alone.
    """

    def __init__(self) -> None:
        #: When, as `stats.history` tells it.
        self.times: list[str] = []
        #: Which percentiles are noted.
        self.shares: tuple[float, ...] = ()
        self._figures: dict[tuple[str, str], list[array[float]]] = {}

    def note(self, stats: RequestStats, time: str) -> None:
        """Add the present figures of all entries.

        Args:
            stats: Whose entries.
            time: The time they are noted under.
        """
        shares = tuple(knob("stats", "PERCENTILES_TO_CHART"))
        if shares != self.shares:
            self.times, self.shares, self._figures = [], shares, {}
        starts = window_starts()
        with stats.still():
            entries = stats.entries
            if len(self._figures) < MOST_ENTRIES:
                for key in entries:
                    self._begin(key)
            for key, columns in self._figures.items():
                entry = dict.get(entries, key)
                if entry is None:
                    figures: list[Any] = [_UNKNOWN] * len(columns)
                else:
                    requests_per_s, failures_per_s = entry._current_rates()
                    # Without requests there is no response time, rather than one of zero.
                    percentiles = [
                        entry._current_percentile(starts, share) if requests_per_s else None for share in shares
                    ]
                    figures = [requests_per_s, failures_per_s, *percentiles]
                for column, figure in zip(columns, figures, strict=True):
                    column.append(_UNKNOWN if figure is None else figure)
        self.times.append(time)
        self._thin()

    def _begin(self, key: tuple[str, str]) -> None:
        if key not in self._figures and len(self._figures) < MOST_ENTRIES:
            past = [_UNKNOWN] * len(self.times)
            self._figures[key] = [array("f", past) for _ in range(2 + len(self.shares))]

    def _thin(self) -> None:
        most = min(_MOST_POINTS, _MOST_POINTS_OF_ALL // max(len(self._figures), 1))
        while len(self.times) > most:
            # The first and the newest stay.
            del self.times[1:-1:2]
            for columns in self._figures.values():
                for column in columns:
                    del column[1:-1:2]

    def rows(self) -> Iterator[tuple[tuple[str, str], list[list[float | None]]]]:
        """Each (name, method) with its requests/s, failures/s and percentiles, one value for each of `times`; None is not known."""
        for key, columns in self._figures.items():
            yield key, [[_short(figure) for figure in column] for column in columns]


def _short(figure: float) -> float | None:
    """Three or four digits, which is more than a chart shows, and a sixth of the file."""
    if math.isnan(figure):
        return None
    rounded = round(figure) if figure >= 1_000 else float(f"{figure:.3g}")
    return int(rounded) if rounded == int(rounded) else rounded

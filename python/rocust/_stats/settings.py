"""Whether the percentiles that were assigned make sense."""

from __future__ import annotations

import sys
from typing import NoReturn

from rocust._compat.knobs import knob

_MOST_CHARTED = 6


def validate_stats_configuration() -> None:
    """Check `PERCENTILES_TO_CHART` and `PERCENTILES_TO_STATISTICS`.

    Raises:
        SystemExit: With code 1, after a line on standard error, when they cannot be used.

    Same as Locust.
    """
    charted = knob("stats", "PERCENTILES_TO_CHART")
    if len(charted) > _MOST_CHARTED:
        _refuse(f"stats.PERCENTILES_TO_CHART parameter should be a maximum of {_MOST_CHARTED} parameters")
    for name in ("PERCENTILES_TO_CHART", "PERCENTILES_TO_STATISTICS"):
        if not all(map(_is_share, knob("stats", name))):
            _refuse(f"stats.{name} parameter need to be float and value between. 0 < percentile < 1 Eg 0.95")


def _is_share(value: object) -> bool:
    try:
        return 0 < float(value) < 1  # type: ignore[arg-type]
    except ValueError:
        return False


def _refuse(reason: str) -> NoReturn:
    sys.stderr.write(f"{reason} \n" if "maximum" in reason else f"{reason}\n")
    raise SystemExit(1)

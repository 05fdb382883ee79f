"""Each behaviour of the twins, under stock Locust and under ours: the same, or different as `expected.toml` says.

Both programs run once for all the tests that were selected; `-k` selects what is run, not only what is compared.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "scripts"))

import stock
from twin.compare import differing, shown
from twin.expected import expected_aspects, expected_differences
from twin.page import FILE, page
from twin.registry import behaviours
from twin.running import LIMIT_S, run_both

BEHAVIOURS = behaviours()
EXPECTED = expected_aspects(expected_differences())

pytestmark = [
    pytest.mark.skipif(
        sys.platform != "linux", reason="the twins are compared on Linux: other systems have other error texts"
    ),
    pytest.mark.skipif(sys.version_info < stock.OLDEST, reason="stock Locust needs a newer Python"),
    # The first test waits for both programs.
    pytest.mark.timeout(LIMIT_S + 30),
]


@pytest.fixture(scope="session")
def both(request):
    """What came of the selected behaviours: theirs, ours."""
    assert stock.is_ready(), "stock Locust is not there: `make stock`"
    selected = [item.callspec.params["name"] for item in request.session.items if item.path == Path(__file__)
                and hasattr(item, "callspec")]  # fmt: skip
    return run_both(stock.COMMAND, [] if len(selected) == len(BEHAVIOURS) else selected)


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_twins_behave_alike(both, name):
    theirs, ours = (found[name] for found in both)
    differs = differing(theirs, ours)
    expected = EXPECTED.get(name, set())
    surprising = differs - expected
    assert not surprising, f"{BEHAVIOURS[name].text}\n{shown(theirs, ours, surprising)}"
    gone = expected - differs
    assert not gone, (
        f"no longer different: take {sorted(gone)} of {name} out of expected.toml, then `make compatibility`"
    )


def test_expected_differences_are_those_of_behaviours():
    assert EXPECTED.keys() <= BEHAVIOURS.keys()


def test_the_page_is_current():
    assert FILE.read_text(encoding="utf-8") == page(stock.locked_version()), "`make compatibility` was not run"

"""The limit on open files: every user's connection is one, so the command raises it, or says that it cannot."""

from __future__ import annotations

import resource

import pytest
from support.command import IS_STOCK, Result, run_locust

HARD = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

# A locustfile is loaded before the limit is raised, so it can pretend to be a system with other limits.
PRETENDING = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, {limits})

from locust import User, task, events

class Idler(User):
    @task
    def idle(self):
        self.environment.runner.quit()

@events.init.add_listener
def tell(**_):
    print("limit", resource.getrlimit(resource.RLIMIT_NOFILE)[0], flush=True)
"""


def run_under(soft: int, hard: int, *args: str) -> tuple[int, Result]:
    """Run with these limits; the soft one as the users find it, and the run."""
    result = run_locust(PRETENDING.format(limits=(soft, hard)), *args)
    assert result.returncode == 0, result.stderr
    return result.printed("limit")[0], result


def warnings(result: Result) -> list[str]:
    return [line for line in result.log_lines("WARNING") if "open file" in line or "may open" in line]


@pytest.mark.skipif(IS_STOCK, reason="Locust raises the limit to 10,000 and no further")
@pytest.mark.skipif(0 <= HARD < 12_000, reason="this system allows too few open files to tell")
def test_limit_is_raised_as_far_as_it_goes_without_a_word() -> None:
    limit, result = run_under(256, 12_000)
    assert (limit, warnings(result)) == (12_000, [])


@pytest.mark.skipif(IS_STOCK, reason="Locust leaves a limit alone that it cannot raise to 10,000")
def test_few_files_are_used_and_warned_of() -> None:
    limit, result = run_under(256, 700)
    assert limit == 700
    (warning,) = warnings(result)
    assert warning.startswith("System open file limit '700' is below minimum setting '10000'")


@pytest.mark.skipif(IS_STOCK, reason="Locust does not compare the limit with the users")
def test_users_that_cannot_all_connect_are_told_before_they_start() -> None:
    _, result = run_under(256, 700, "-u", "640", "-r", "1")
    (warning,) = warnings(result)
    assert warning == (
        "This process may open 700 files only, and 640 users with a connection each need more: those beyond it will fail "
        "to connect. Raise the limit with 'ulimit -n 704' before starting, or spread the users over several machines."
    )
    _, result = run_under(256, 700, "-u", "636", "-r", "1")
    assert not [line for line in warnings(result) if "640" in line or "636" in line]

"""How long users rest between tasks: the helpers a locustfile assigns to `wait_time`.

Each returns a policy, which is data: the engine reads it and keeps the time itself. Called with a user it answers
like Locust's function. The arithmetic is the engine's (`src/plan/wait.rs`); random numbers are Python's, so
`random.seed()` holds for waits too.
"""

from __future__ import annotations

from rocust._core import WaitPolicy


def between(min_wait: float, max_wait: float) -> WaitPolicy:
    """Rest a random time between two limits, all equally likely.

    Args:
        min_wait: The shortest rest, in seconds.
        max_wait: The longest rest, in seconds.

    Returns:
        A policy to assign to `User.wait_time`; calling it with a user gives the next rest.

    Example:
        class Shopper(HttpUser):
            wait_time = between(3.0, 10.5)

    Differs from Locust: limits that are not numbers are a `TypeError` here and now, not at the first rest.
    """
    return WaitPolicy("between", min_wait, max_wait)


def constant(wait_time: float) -> WaitPolicy:
    """Rest the same time after every task.

    Args:
        wait_time: The rest, in seconds. Zero or less means none.

    Returns:
        A policy to assign to `User.wait_time`; calling it with a user gives the next rest.

    Example:
        class Shopper(HttpUser):
            wait_time = constant(3)

    Differs from Locust: a time that is not a number is a `TypeError` here and now, not at the first rest.
    """
    return WaitPolicy("constant", wait_time)


def constant_pacing(wait_time: float) -> WaitPolicy:
    """Start each task `wait_time` seconds after the previous one started.

    A task that takes longer is followed at once by the next one; lost time is not caught up.
    Each user (and each task set with a wait time of its own) keeps its own pace, on a monotonic clock.

    Args:
        wait_time: Seconds between task starts. Zero or less means no rest.

    Returns:
        A policy to assign to `User.wait_time`; calling it with a user gives the next rest.

    Example:
        class Shopper(HttpUser):
            wait_time = constant_pacing(10)

    Same as Locust.
    """
    return WaitPolicy("pacing", wait_time)


def constant_throughput(task_runs_per_second: float) -> WaitPolicy:
    """Start tasks at an even pace, so many a second and user: the inverse of `constant_pacing`.

    A task that takes longer than its share is followed at once by the next one. It is tasks that are counted, not
    requests.

    Args:
        task_runs_per_second: How many tasks each user starts in a second.

    Returns:
        A policy to assign to `User.wait_time`; calling it with a user gives the next rest.

    Raises:
        ValueError: When the rate is not positive.

    Example:
        class Shopper(HttpUser):
            wait_time = constant_throughput(0.1)

    Same as Locust.
    """
    if task_runs_per_second <= 0:
        raise ValueError(f"constant_throughput() requires a positive rate, got: {task_runs_per_second}")
    return constant_pacing(1 / task_runs_per_second)


def poisson(rate: float) -> WaitPolicy:
    """Rest exponentially distributed times, so that tasks arrive as a Poisson process, in bursts and lulls.

    The time a task takes comes on top of the rest and is not made up for.

    Args:
        rate: Mean number of rests that would fit into a second; the mean rest is `1 / rate` seconds.

    Returns:
        A policy to assign to `User.wait_time`; calling it with a user gives the next rest.

    Raises:
        ValueError: When the rate is not positive.

    Example:
        class Shopper(HttpUser):
            wait_time = poisson(2)

    Same as Locust.
    """
    if rate <= 0:
        raise ValueError(f"poisson() requires a positive rate, got: {rate}")
    return WaitPolicy("poisson", rate)

"""Ready-made values for `User.wait_time`."""

from rocust._users.wait_time import between, constant, constant_pacing, constant_throughput, poisson

__all__ = ["between", "constant", "constant_pacing", "constant_throughput", "poisson"]

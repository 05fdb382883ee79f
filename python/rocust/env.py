"""The environment, by Locust's names."""

from rocust._run.environment import Environment
from rocust._run.shape import LoadTestShape

__all__ = ["Environment", "LoadTestShape"]

"""Task sets that run in order, by Locust's names."""

from rocust._users.sequential import SequentialTaskSet, SequentialTaskSetMeta

__all__ = ["SequentialTaskSet", "SequentialTaskSetMeta"]

"""Load shapes, by Locust's names."""

from rocust._run.shape import LoadTestShape, LoadTestShapeMeta

__all__ = ["LoadTestShape", "LoadTestShapeMeta"]

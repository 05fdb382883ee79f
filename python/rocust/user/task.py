"""Tasks and task sets, by Locust's names."""

from rocust._users.task import TaskHolder, filter_tasks_by_tags, tag, task
from rocust._users.task import collect_tasks as get_tasks_from_base_classes
from rocust._users.taskset import (
    LOCUST_STATE_RUNNING,
    LOCUST_STATE_STOPPING,
    LOCUST_STATE_WAITING,
    DefaultTaskSet,
    TaskSet,
    TaskSetMeta,
)

__all__ = [
    "LOCUST_STATE_RUNNING",
    "LOCUST_STATE_STOPPING",
    "LOCUST_STATE_WAITING",
    "DefaultTaskSet",
    "TaskHolder",
    "TaskSet",
    "TaskSetMeta",
    "filter_tasks_by_tags",
    "get_tasks_from_base_classes",
    "tag",
    "task",
]

"""Which task runs how often, by Locust's names."""

from rocust._users.ratio import _get_task_ratio, get_ratio, print_task_ratio, print_task_ratio_json

__all__ = ["_get_task_ratio", "get_ratio", "print_task_ratio", "print_task_ratio_json"]

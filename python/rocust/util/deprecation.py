"""What Locust has deprecated, under Locust's name."""

from __future__ import annotations

from rocust._compat.deprecated import (
    DeprecatedFastHttpLocustClass,
    DeprecatedHttpLocustClass,
    DeprecatedLocustClass,
    check_for_deprecated_task_set_attribute,
)

__all__ = [
    "DeprecatedFastHttpLocustClass",
    "DeprecatedHttpLocustClass",
    "DeprecatedLocustClass",
    "check_for_deprecated_task_set_attribute",
]

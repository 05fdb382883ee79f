"""One user in the present greenlet, for a debugger, by Locust's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocust._cli.single import PrintListener, run_single_user

if TYPE_CHECKING:
    from rocust._run.environment import Environment

#: The environment of all single users of this process, once there was one. May be assigned; None: the next is new.
_env: Environment | None = None

__all__ = ["PrintListener", "_env", "run_single_user"]

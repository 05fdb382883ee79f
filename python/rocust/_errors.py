"""Every exception the Python side may raise, as one tree.

    Exception
    ├── LocustError                     something was used in a way that cannot work
    │   └── MissingWaitTimeError
    ├── ResponseError                   raised by a task inside a `catch_response` block: the request failed
    ├── CatchResponseError              what `failure("text")` is wrapped in
    ├── StopTest                        a user ends the whole run
    ├── StopUser                        a user ends itself
    ├── InterruptTaskSet                a nested TaskSet hands over to its parent
    ├── RescheduleTask                  this task is over, wait, then the next one
    ├── RescheduleTaskImmediately       this task is over, the next one without a wait
    ├── RPCError                        the wire between master and workers is broken
    ├── RPCSendError
    ├── RPCReceiveError                 (addr: who sent the broken message)
    └── RunnerAlreadyExistsError

The shape is Locust's: the exceptions that steer a user are not `LocustError`s, so that `except LocustError` does not
swallow them. Errors of the system under test are data (failures in the statistics), never exceptions from here.
This room imports nothing and may be imported by every other one.
"""

from __future__ import annotations


class LocustError(Exception):
    """Something was used in a way that cannot work. Same as Locust."""


class MissingWaitTimeError(LocustError):
    """Neither the user nor its task set says how long to wait between tasks. Same as Locust."""


class ResponseError(Exception):
    """Raise it inside a `catch_response` block to mark the request as failed. Same as Locust."""


class CatchResponseError(Exception):
    """The failure recorded for `response.failure("text")`. Same as Locust."""


class StopTest(Exception):
    """Raise it in a user to end the whole run. Same as Locust."""


class StopUser(Exception):
    """Raise it in a task to end this user: its `on_stop` still runs. Same as Locust."""


class InterruptTaskSet(Exception):
    """Raise it in a nested `TaskSet` to hand over to the parent.

    Args:
        reschedule: Whether the parent goes on with its next task at once, without waiting first.

    Same as Locust.
    """

    def __init__(self, reschedule: bool = True) -> None:
        super().__init__()
        self.reschedule = reschedule


class RescheduleTask(Exception):
    """Raise it in a task to end the task as a `return` would. Same as Locust."""


class RescheduleTaskImmediately(Exception):
    """Raise it in a task to go to the next one without the wait in between. Same as Locust."""


class RPCError(Exception):
    """The connection between master and worker is broken and has to be made anew. Same as Locust."""


class RPCSendError(Exception):
    """A message between master and worker could not be sent. Same as Locust."""


class RPCReceiveError(Exception):
    """A message between master and worker could not be received or read.

    Args:
        *args: What went wrong.
        addr: The sender, when it is known.

    Same as Locust.
    """

    def __init__(self, *args: object, addr: object = None) -> None:
        super().__init__(*args)
        self.addr = addr


class RunnerAlreadyExistsError(Exception):
    """An environment was asked for a second runner. Same as Locust."""

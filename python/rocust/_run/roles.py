"""The roles of a run over several processes, by name: locustfiles ask `isinstance(environment.runner, MasterRunner)`.

The roles themselves are not there yet; asking for one says so.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any, NoReturn

from rocust._run.runner import STATE_INIT, STATE_MISSING, STATE_RUNNING, STATE_SPAWNING, Runner

if TYPE_CHECKING:
    from collections.abc import ValuesView

_NOT_YET = "{role}s are not there yet: this version of Rocust runs in one process. hint: use create_local_runner()"


class DistributedRunner(Runner):
    """What master and workers have in common."""

    def __init__(self, environment: Any, *_: Any, **__: Any) -> None:
        """Refuse, with what to do instead."""
        raise NotImplementedError(_NOT_YET.format(role=type(self).__name__))

    def start(self, user_count: int, spawn_rate: float, wait: bool = False, user_classes: Any = None) -> NoReturn:
        """Not there yet."""
        raise NotImplementedError(_NOT_YET.format(role=type(self).__name__))

    def send_message(self, msg_type: str, data: Any = None, client_id: str | None = None) -> NoReturn:
        """Not there yet."""
        raise NotImplementedError(_NOT_YET.format(role=type(self).__name__))


class MasterRunner(DistributedRunner):
    """The process that leads the others."""


class WorkerRunner(DistributedRunner):
    """A process that is led."""


class WorkerNode:
    """What is known of one worker; a local run has one of its own. Same as Locust."""

    def __init__(self, id: str, state: str = STATE_INIT, heartbeat_liveness: int = 3) -> None:
        """A worker called `id`."""
        self.id = id
        self.state = state
        self.heartbeat = heartbeat_liveness
        self.cpu_usage: float = 0
        self.cpu_warning_emitted = False
        self.memory_usage = 0
        self.user_classes_count: dict[str, int] = {}

    @property
    def user_count(self) -> int:
        """How many users it runs. Same as Locust."""
        return sum(self.user_classes_count.values())


class WorkerNodes(MutableMapping[str, WorkerNode]):
    """All workers by their id. Same as Locust."""

    def __init__(self) -> None:
        self._nodes: dict[str, WorkerNode] = {}

    def get_by_state(self, state: str) -> list[WorkerNode]:
        """Those in `state`. Same as Locust."""
        return [node for node in self.values() if node.state == state]

    @property
    def all(self) -> ValuesView[WorkerNode]:
        """All of them. Same as Locust."""
        return self.values()

    @property
    def ready(self) -> list[WorkerNode]:
        """Those that run nothing yet. Same as Locust."""
        return self.get_by_state(STATE_INIT)

    @property
    def spawning(self) -> list[WorkerNode]:
        """Those that are ramping. Same as Locust."""
        return self.get_by_state(STATE_SPAWNING)

    @property
    def running(self) -> list[WorkerNode]:
        """Those that run. Same as Locust."""
        return self.get_by_state(STATE_RUNNING)

    @property
    def missing(self) -> list[WorkerNode]:
        """Those that do not answer. Same as Locust."""
        return self.get_by_state(STATE_MISSING)

    def __setitem__(self, key: str, node: WorkerNode) -> None:
        """Add a worker."""
        self._nodes[key] = node

    def __delitem__(self, key: str) -> None:
        """Drop a worker."""
        del self._nodes[key]

    def __getitem__(self, key: str) -> WorkerNode:
        """The worker with this id."""
        return self._nodes[key]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._nodes)

    def __iter__(self) -> Iterator[str]:
        """Their ids."""
        return iter(self._nodes)

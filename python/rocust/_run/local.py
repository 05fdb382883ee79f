"""The runner of a run in one process."""

from __future__ import annotations

import inspect
import logging
import socket
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from rocust import _core
from rocust._cluster.message import Message
from rocust._kernel import awaiting
from rocust._kernel.green import Event, GreenletExit, give_way, joinall, run_in_hub
from rocust._run.roles import WorkerNode
from rocust._run.runner import (
    STATE_INIT,
    STATE_RUNNING,
    STATE_SPAWNING,
    STATE_STOPPED,
    Runner,
    class_counts_for_log,
)
from rocust._run.spacing import paced_parts, spread_s

if TYPE_CHECKING:
    from types import TracebackType

    from rocust._run.environment import Environment
    from rocust._users.user import User

logger = logging.getLogger("locust.runners")

_HIGH_SPAWN_RATE = 100


class LocalRunner(Runner):
    """Runs all users in this process. Same as Locust."""

    def __init__(self, environment: Environment) -> None:
        """Make the local runner of `environment`."""
        super().__init__(environment)
        # So that code written for workers runs here too.
        self.worker_index = 0
        self.worker_count = 1
        self._is_ramping = False
        #: Set but while listeners are told that the test starts.
        self._has_begun = Event()
        self._has_begun.set()
        self.client_id = f"{socket.gethostname()}_{uuid4().hex}"
        self._local_worker_node = WorkerNode(id="local")
        self._local_worker_node.user_classes_count = self.user_classes_count
        environment.events.user_error.add_listener(self._on_user_error)

    def _on_user_error(self, user_instance: Any, exception: BaseException, tb: TracebackType | None, **_: Any) -> None:
        self.log_exception("local", str(exception), "".join(traceback.format_tb(tb)))

    def start(
        self, user_count: int, spawn_rate: float, wait: bool = False, user_classes: list[type[User]] | None = None
    ) -> None:
        """Start a test, or ramp a running one to another number of users; returns at once.

        Args:
            user_count: How many users there shall be.
            spawn_rate: How many are started (or stopped) per second.
            wait: Whether the ramp waits for all users to end; only for ramps of one step.
            user_classes: Use these classes instead of the environment's.

        Differs from Locust: of more than 100 users a second, those of one second are spread over it; Locust starts all of them at
        its beginning. The last ones so come up to a second later, when the rate says so. And a listener of `spawning_complete` may
        call this, where Locust ends the listener instead.
        """
        if self._handed_to_hub(lambda: self._start_in_turn(user_count, spawn_rate, wait, user_classes)):
            return
        if spawn_rate > _HIGH_SPAWN_RATE:
            logger.warning(
                "Your selected spawn rate is very high (>100), and this is known to sometimes cause issues. "
                "Do you really need to ramp up that fast?"
            )
        if self.spawning_greenlet and self._is_ramping:
            self.spawning_greenlet.kill(block=True)
        self._is_ramping = True
        self.spawning_greenlet = self._spawn_own(lambda: self._start(user_count, spawn_rate, wait, user_classes))

    def _start_in_turn(self, *order: Any) -> None:
        """Start as a listener on the loop wants it. If that one listens to `test_start`, all who do are heard first, and once."""
        self._has_begun.wait()
        self.start(*order)

    def _start(
        self, user_count: int, spawn_rate: float, wait: bool = False, user_classes: list[type[User]] | None = None
    ) -> None:
        self.target_user_count = user_count
        if self.state not in (STATE_RUNNING, STATE_SPAWNING):
            self._begin_test()
        if wait and user_count - self.user_count > spawn_rate:
            raise ValueError("wait is True but the amount of users to add is greater than the spawn rate")
        if self.environment.host:
            for user_class in self.user_classes:
                user_class.host = self.environment.host
        if self.state not in (STATE_INIT, STATE_STOPPED):
            self.update_state(STATE_SPAWNING)
        if self._users_dispatcher is None:
            self._users_dispatcher = self.environment.dispatcher_class(
                worker_nodes=[self._local_worker_node], user_classes=self.user_classes
            )
        logger.info("Ramping to %d users at a rate of %.2f per second", user_count, spawn_rate)
        self._users_dispatcher.new_dispatch(user_count, spawn_rate, user_classes)
        try:
            for dispatched in self._users_dispatcher:
                self._follow(dispatched[self._local_worker_node.id], spawn_rate, wait)
        except KeyboardInterrupt:
            # Ctrl-C reaches whichever greenlet runs; here it must end the test and not only the ramp.
            self.quit()
        self.target_user_classes_count = self.user_classes_count
        # Whoever starts another ramp from now on need not end this one, whose listeners may go on.
        self._is_ramping = False
        logger.info("All users spawned: %s", class_counts_for_log(self.target_user_classes_count))
        self.environment.events.spawning_complete.fire(user_count=sum(self.target_user_classes_count.values()))

    def _begin_test(self) -> None:
        self.stats.clear_all()
        self.exceptions = {}
        self.cpu_warning_emitted = False
        self.worker_cpu_warning_emitted = False
        self.environment._filter_tasks_by_tags()
        self._has_begun.clear()
        try:
            self.environment.events.test_start.fire(environment=self.environment)
        finally:
            self._has_begun.set()

    def _follow(self, wanted: dict[str, int], spawn_rate: float, wait: bool) -> None:
        """Start and stop users until there are as many as the dispatcher wants."""
        logger.debug("Ramping to %s", class_counts_for_log(wanted))
        to_start, to_stop = _core.orders(self.user_classes_count, wanted)
        if wait:
            self.stop_users(to_stop)
            self.spawn_users(to_start, wait)
        else:
            # Stopping may take as long as the users' tasks: the new ones should not wait for that.
            self._start_in_parts(to_start, spread_s(sum(to_start.values()), spawn_rate))
            self._stop_in_parts(to_stop, spread_s(sum(to_stop.values()), spawn_rate))
        self._local_worker_node.user_classes_count = wanted

    def _start_in_parts(self, users: dict[str, int], duration_s: float) -> None:
        if not duration_s:
            self.spawn_users(users)
            return
        for part in paced_parts(users, duration_s):
            self.spawn_users(part)

    def _stop_in_parts(self, users: dict[str, int], duration_s: float) -> None:
        """Stop users evenly, and wait for all of them at the end: those of one part may still finish their tasks during the next."""
        if not duration_s:
            self.stop_users(users)
            return
        try:
            stopping = [self._spawn_own(partial(self.stop_users, part)) for part in paced_parts(users, duration_s)]
            joinall(stopping)
        except GreenletExit:
            # Another order came. The part under way chooses its users, and they are told, before that order counts who is there.
            give_way()
            run_in_hub(lambda: None)
            raise

    def send_message(self, msg_type: str, data: Any = None, client_id: str | None = None) -> None:
        """Call the listener registered for `msg_type`: a message to oneself.

        Same as Locust, but that a listener may be `async def`: it has ended when this returns, or has begun where an asynchronous user
        calls this.
        """
        logger.debug("Running locally: sending %s message to self", msg_type)
        if msg_type not in self.custom_messages:
            logger.warning("Unknown message type received: %s", msg_type)
            return
        listener, _ = self.custom_messages[msg_type]
        answer = listener(environment=self.environment, msg=Message(msg_type, data, "local"))
        if inspect.isawaitable(answer):
            awaiting.finish(answer, getattr(listener, "__qualname__", repr(listener)))

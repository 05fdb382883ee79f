"""What every runner does: keep the users, start and stop them, watch its own process."""

from __future__ import annotations

import inspect
import json
import logging
from abc import abstractmethod
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict
from weakref import WeakSet

from rocust import _core
from rocust._compat.knobs import knob
from rocust._errors import StopTest
from rocust._http.recording import StatsListener
from rocust._kernel import loop_thread, mailroom
from rocust._kernel.green import Group, getcurrent, give_way, sleep, spawn
from rocust._kernel.native import Lock
from rocust._log import greenlet_exception_logger
from rocust._run.crowd import Crowd
from rocust._run.parting import Parting
from rocust._run.usage import OwnUsage
from rocust._users.user import User

if TYPE_CHECKING:
    from collections.abc import Callable

    from rocust._kernel.green import AnyGreenlet
    from rocust._run.dispatch import UsersDispatcher
    from rocust._run.environment import Environment
    from rocust._stats import RequestStats

logger = logging.getLogger("locust.runners")

STATE_INIT, STATE_SPAWNING, STATE_RUNNING, STATE_CLEANUP, STATE_STOPPING, STATE_STOPPED, STATE_MISSING = (
    "ready",
    "spawning",
    "running",
    "cleanup",
    "stopping",
    "stopped",
    "missing",
)

#: How long the books stay open, in seconds, for requests that were called off when their users stopped.
_SETTLING_PATIENCE_S = 0.5
#: How many requests that outlived the stop timeout are named in the log.
_CALLS_NAMED = 10
#: How often a load shape is asked.
_SHAPE_INTERVAL_S = 1.0


def locust_exception_handler(environment: Environment) -> Callable[[AnyGreenlet], None]:
    """A function for `greenlet.link_exception`: `StopTest` ends the run, anything else is logged. Same as Locust."""
    log_exception = greenlet_exception_logger(logger)

    def handle(greenlet: AnyGreenlet) -> None:
        kind, value, _ = greenlet.exc_info  # type: ignore[misc]
        if kind is not StopTest:
            log_exception(greenlet)
            return
        logger.error(value)
        logger.warning("Stopping Locust...")
        runner = environment.runner
        if runner is not None:
            is_headless = environment.parsed_options and environment.parsed_options.headless
            (runner.quit if is_headless else runner.stop)()

    return handle


def class_counts_for_log(counts: dict[str, int]) -> str:
    """Users per class, and their sum, as log lines show them."""
    return f"{json.dumps(dict(sorted(counts.items())))} ({sum(counts.values())} total users)"


#: Method, URL, how long it waited, whether its answer had begun to come, and how much of it lay unread.
_CalledOff: TypeAlias = tuple[str, str, float, bool, int | None]


def _told(method: str, url: str, seconds: float, has_begun: bool, unread: int | None) -> str:
    """What is known of a request that outlived the stop timeout."""
    answer = "its answer had begun to come and was not whole" if has_begun else "no byte of an answer had been read"
    if unread is None:
        rest = "the server had closed the connection"
    elif unread:
        rest = f"{unread} bytes lay unread"
    else:
        rest = "nothing lay unread"
    return f"{method} {url} was called off {seconds:.1f} s after it was sent: {answer}, and {rest}."


def _after(previous: AnyGreenlet | None, order: Callable[[], None]) -> AnyGreenlet:
    """A greenlet that carries out an order once `previous` has ended."""

    def carry_out() -> None:
        if previous is not None:
            previous.join()
        order()

    return spawn(carry_out)


def _refuse_on_loop(what: str, hint: str) -> None:
    """Say that greenlets cannot be started where they would never run."""
    if loop_thread.here():
        raise RuntimeError(f"{what} on the loop of asynchronous users, where no greenlet runs. hint: {hint}")


class ExceptionDict(TypedDict):
    """What is known of one exception of the users, by its traceback. Same as Locust."""

    #: How often it came.
    count: int
    #: The exception's own words.
    msg: str
    #: Where it came from, as text.
    traceback: str
    #: The nodes it came up on.
    nodes: set[str]


class Runner:
    """Starts and stops the users of an environment.

    Make one with `Environment.create_local_runner()`. Same as Locust.
    """

    def __init__(self, environment: Environment) -> None:
        """Make the runner of `environment` and begin to listen to its requests.

        Raises:
            RuntimeError: On the loop of asynchronous users.
        """
        _refuse_on_loop("A runner cannot be made", "make it outside of their tasks and listeners")
        self.environment = environment
        #: The greenlets of all users; the first argument of each is its user.
        self.user_greenlets = Crowd()
        #: The runner's own greenlets; it has ended when these have.
        self.greenlet = Group()
        self.state = STATE_INIT
        self.spawning_greenlet: AnyGreenlet | None = None
        self.shape_greenlet: AnyGreenlet | None = None
        self.shape_last_tick: Any = None
        self.current_cpu_usage = 0.0
        self.current_memory_usage = 0
        self.cpu_warning_emitted = False
        self.worker_cpu_warning_emitted = False
        self.exceptions: dict[int, ExceptionDict] = {}
        self._exceptions_lock = Lock()
        self.target_user_classes_count: dict[str, int] = {}
        self.target_user_count = 0
        self.final_user_classes_count: dict[str, int] = {}
        self.custom_messages: dict[str, tuple[Callable[..., Any], bool]] = {}
        self.connection_broken = False
        #: Users whose task has ended the test: it waits for that end, and nobody for the task.
        self._leaving: WeakSet[AnyGreenlet] = WeakSet()
        #: What carries out the last such order.
        self._ending: AnyGreenlet | None = None
        #: What carries out the last order of an asynchronous user.
        self._ordered: AnyGreenlet | None = None
        self._users_dispatcher: UsersDispatcher | None = None
        self._handle_exception = locust_exception_handler(environment)
        self._spawn_own(self.monitor_cpu_and_memory)
        environment.events.request.add_listener(StatsListener(environment))
        environment.events.spawning_complete.add_listener(self._on_spawning_complete)

    def _spawn_own(self, function: Callable[..., Any]) -> AnyGreenlet:
        greenlet = self.greenlet.spawn(function)
        greenlet.link_exception(self._handle_exception)
        return greenlet

    def __del__(self) -> None:
        """Leave no greenlet behind when the runner is dropped."""
        greenlets = self.__dict__.get("greenlet")
        if greenlets:
            greenlets.kill(block=False)

    def _on_spawning_complete(self, user_count: int) -> None:
        self.update_state(STATE_RUNNING)
        if self.environment.reset_stats:
            logger.info("Resetting stats\n")
            self.stats.reset_all()

    @property
    def user_classes(self) -> list[type[User]]:
        """The environment's user classes. Same as Locust."""
        return self.environment.user_classes

    @property
    def user_classes_by_name(self) -> dict[str, type[User]]:
        """The environment's user classes by name. Same as Locust."""
        return self.environment.user_classes_by_name

    @property
    def stats(self) -> RequestStats:
        """The environment's statistics. Same as Locust."""
        return self.environment.stats

    @property
    def errors(self) -> Any:
        """The failures so far. Same as Locust."""
        return self.stats.errors

    @property
    def user_count(self) -> int:
        """How many users there are. Same as Locust."""
        return len(self.user_greenlets)

    @property
    def user_classes_count(self) -> dict[str, int]:
        """How many users of each class there are. Same as Locust."""
        return {user_class.__name__: 0 for user_class in self.user_classes} | self.user_greenlets.counts()

    def update_state(self, new_state: str) -> None:
        """Enter a state. Same as Locust."""
        self.state = new_state

    def cpu_log_warning(self) -> bool:
        """Say at the end of a test whether the generator was too busy at some point. Same as Locust."""
        if self.cpu_warning_emitted:
            logger.warning(
                "CPU usage was too high at some point during the test! See "
                "https://docs.locust.io/en/stable/running-distributed.html for how to distribute the load over multiple "
                "CPU cores or machines"
            )
        return self.cpu_warning_emitted

    def spawn_users(self, user_classes_spawn_count: dict[str, int], wait: bool = False) -> list[User]:
        """Start users.

        Args:
            user_classes_spawn_count: How many of each class.
            wait: Whether to return only when all users have ended.

        Returns:
            The new users.

        Raises:
            RuntimeError: On the loop of asynchronous users.

        Same as Locust.
        """
        _refuse_on_loop(
            "Runner.spawn_users() cannot be called", "Runner.start() can, with the number of users there shall be"
        )
        if self.state in (STATE_INIT, STATE_STOPPED):
            self.update_state(STATE_SPAWNING)
        if logger.isEnabledFor(logging.DEBUG):
            wanted, present = json.dumps(user_classes_spawn_count), json.dumps(self.user_classes_count)
            logger.debug("Spawning additional %s (%s already running)...", wanted, present)
        classes = self.user_classes_by_name
        new_users = []
        for name, count in user_classes_spawn_count.items():
            for _ in range(count):
                user = classes[name](self.environment)
                if not hasattr(user, "environment"):
                    raise AssertionError(
                        f"Attribute 'environment' is missing on user {name}. Perhaps you defined your own __init__ and forgot "
                        "to call the base constructor? (super().__init__(*args, **kwargs))"
                    )
                user.start(self.user_greenlets)
                new_users.append(user)
            logger.debug("All users of class %s spawned", name)
        if wait:
            self.user_greenlets.join()
            logger.info("All users stopped\n")
        return new_users

    def stop_users(self, user_classes_stop_count: dict[str, int]) -> None:
        """Stop users and wait until they have ended.

        A user that waits ends at once. One in a task gets `environment.stop_timeout` seconds to finish it. `on_stop` runs in any
        case. Users that have just been started have their first turn before.

        Args:
            user_classes_stop_count: How many of each class.

        Same as Locust. Called by an asynchronous user, it returns at once.
        """
        if thread := loop_thread.here():
            # After nobody and before nobody: it may take as long as the stop timeout.
            thread.hatch.tell(spawn, self.stop_users, user_classes_stop_count)
            return
        chosen = self._choose(user_classes_stop_count)
        if any(user._state is None for user in chosen):
            give_way()
        parting = Parting(chosen, self.environment.stop_timeout, self._leaving)
        for greenlet in parting.tell():
            # The group would hear of it a little later, when a listener of `test_stop` may have counted.
            self.user_greenlets.discard(greenlet)
        parting.wait()
        logger.debug(
            "%g users have been stopped, %g still running", sum(user_classes_stop_count.values()), self.user_count
        )

    def _choose(self, counts: dict[str, int]) -> list[User]:
        """The users to stop."""
        classes = self.user_classes_by_name
        last = self.user_greenlets.last
        return [user for name, count in counts.items() if name in classes for user in last(name, count)]

    def monitor_cpu_and_memory(self) -> None:
        """Watch this process, for ever: every `CPU_MONITOR_INTERVAL` seconds.

        Differs from Locust: warned of is a thread that is above `CPU_WARNING_THRESHOLD`, not the process, whose threads may run
        side by side.
        """
        own = OwnUsage()
        events, environment = self.environment.events, self.environment
        while True:
            sleep(knob("runners", "CPU_MONITOR_INTERVAL"))
            usage = own.look()
            self.current_cpu_usage = usage.cpu_percent
            self.current_memory_usage = usage.resident_bytes
            threshold = knob("runners", "CPU_WARNING_THRESHOLD")
            if usage.busiest_percent > threshold:
                events.cpu_warning.fire(environment=environment, cpu_usage=usage.cpu_percent)
                if not self.cpu_warning_emitted:
                    logger.warning(
                        "CPU usage above %s%%! This may constrain your throughput and may even give inconsistent response "
                        "time measurements! See https://docs.locust.io/en/stable/running-distributed.html for how to "
                        "distribute the load over multiple CPU cores or machines",
                        threshold,
                    )
                    self.cpu_warning_emitted = True
            events.usage_monitor.fire(
                environment=environment, cpu_usage=usage.cpu_percent, memory_usage=usage.resident_bytes
            )

    def start_shape(self) -> None:
        """Let the environment's load shape decide from now on how many users there are. Same as Locust."""
        if self._handed_to_hub(self.start_shape):
            return
        if self.shape_greenlet:
            logger.info("There is an ongoing shape test running. Editing is disabled")
            return
        logger.info("Shape test starting.")
        self.update_state(STATE_INIT)
        self.shape_greenlet = self._spawn_own(self.shape_worker)
        if self.environment.shape_class is not None:
            self.environment.shape_class.reset_time()

    def shape_worker(self) -> None:
        """Ask the load shape once a second and follow it, until it says that the test is over. Same as Locust."""
        logger.info("Shape worker starting")
        shape = self.environment.shape_class
        while self.state in (STATE_INIT, STATE_SPAWNING, STATE_RUNNING):
            asked_at = perf_counter()
            tick = shape.tick() if shape is not None else None
            if tick is None:
                self._end_shape()
                return
            if tick != self.shape_last_tick:
                user_count, spawn_rate, user_classes = (*tick, None) if len(tick) == 2 else tick
                logger.info("Shape test updating to %d users at %.2f spawn rate", user_count, spawn_rate)
                self.start(user_count=user_count, spawn_rate=spawn_rate, user_classes=user_classes)
                self.shape_last_tick = tick
            sleep(max(_SHAPE_INTERVAL_S - (perf_counter() - asked_at), 0))

    def _end_shape(self) -> None:
        logger.info("Shape test stopping")
        options = self.environment.parsed_options
        if options and options.headless:
            self.quit()
        else:
            self.stop()
        self.shape_greenlet = None
        self.shape_last_tick = None

    @abstractmethod
    def start(
        self, user_count: int, spawn_rate: float, wait: bool = False, user_classes: list[type[User]] | None = None
    ) -> None:
        """Start a test, or change the number of users of a running one."""

    @abstractmethod
    def send_message(self, msg_type: str, data: Any = None, client_id: str | None = None) -> None:
        """Send a message of the user's own to the other nodes."""

    def stop(self) -> None:
        """Stop the test: all users, after their `on_stop`. A test that has stopped is left alone. Same as Locust."""
        if self.state == STATE_STOPPED or self._handed_over(self.stop):
            return
        frame = inspect.currentframe()
        caller = frame.f_back if frame is not None else None
        if caller is not None:
            logger.debug("Stopping all users (called from %s:%s)", caller.f_code.co_filename, caller.f_lineno)
        self.environment.events.test_stopping.fire(environment=self.environment)
        self.final_user_classes_count = {**self.user_classes_count}
        self.update_state(STATE_CLEANUP)
        if self.spawning_greenlet and not self.spawning_greenlet.ready():
            self.spawning_greenlet.kill(block=True)
        if self.environment.shape_class is not None and self.shape_greenlet is not getcurrent():
            if self.shape_greenlet is not None:
                self.shape_greenlet.kill(block=True)
                self.shape_greenlet = None
            self.shape_last_tick = None
        # Only so many are kept: those of tasks that were cancelled meanwhile make room for those of now.
        called_off = _core.take_called_off()
        self.stop_users(self.user_classes_count)
        self._users_dispatcher = None
        self._close_books(called_off)
        self.update_state(STATE_STOPPED)
        self.cpu_log_warning()
        self.environment.events.test_stop.fire(environment=self.environment)

    def _handed_over(self, order: Callable[[], None]) -> bool:
        """Have another greenlet carry out an order that a user's own gave: that one is stopped before the order is.

        An asynchronous user goes on meanwhile: what its loop waited for, no other such user could do.
        """
        if self._handed_to_hub(order):
            return True
        giver: Any = getcurrent()
        if giver not in self.user_greenlets:
            return False
        self._leaving.add(giver)
        self._ending = _after(self._ending, order)
        self._ending.join()
        return True

    def _handed_to_hub(self, order: Callable[[], None]) -> bool:
        """Have an order that was given on the loop of asynchronous users carried out where greenlets run, after those given before."""
        if thread := loop_thread.here():
            thread.hatch.tell(self._begin, order)
            return True
        return False

    def _begin(self, order: Callable[[], None]) -> None:
        self._ordered = _after(self._ordered, order)
        self._ordered.link_exception(self._handle_exception)

    def _close_books(self, called_off: list[_CalledOff]) -> None:
        """Wait a moment for requests that were called off to be accounted for, and say how many there were."""
        _core.settle(_SETTLING_PATIENCE_S)
        mailroom.current().port.purge()
        if thread := loop_thread.running():
            thread.settle(_SETTLING_PATIENCE_S)
        called_off += _core.take_called_off()
        if aborted := self.stats.num_aborted:
            logger.info(
                "%d requests were in flight when their users were stopped or their tasks cancelled, or nobody judged them; "
                "they are not in the statistics",
                aborted,
            )
        if stop_timeout := self.environment.stop_timeout:
            # They had time to end, so something is wrong with them. Others were called off by their own tasks.
            called_off = [call for call in called_off if call[2] >= stop_timeout]
            for call in called_off[:_CALLS_NAMED]:
                logger.warning("%s", _told(*call))
            if len(called_off) > _CALLS_NAMED:
                logger.warning("... and more requests like these.")

    def quit(self) -> None:
        """Stop the test and the runner itself.

        Differs from Locust: a task may call this, or `stop`, while other users run; there the run then never ends. Called by an
        asynchronous user, both return at once, as `start` does.
        """
        if self._handed_over(self.quit):
            return
        self.stop()
        loop_thread.rest()
        self.greenlet.kill(block=True)

    def log_exception(self, node_id: str, msg: str, formatted_tb: str) -> None:
        """Count an exception of a user, by its traceback. Same as Locust."""
        # Asynchronous users have a thread of their own, which may come between reading a count and writing it.
        with self._exceptions_lock:
            row = self.exceptions.setdefault(
                hash(formatted_tb), {"count": 0, "msg": msg, "traceback": formatted_tb, "nodes": set()}
            )
            row["count"] += 1
            row["nodes"].add(node_id)

    def register_message(self, msg_type: str, listener: Callable[..., Any], concurrent: bool = False) -> None:
        """Have `listener` called for messages of a type of the user's own.

        Args:
            msg_type: The type.
            listener: Called with `environment` and `msg`.
            concurrent: Whether each message gets a greenlet of its own.

        Raises:
            Exception: When the type has a listener.

        Same as Locust.
        """
        if msg_type in self.custom_messages:
            raise Exception(f"Tried to register listener method for {msg_type}, but it already had a listener!")
        self.custom_messages[msg_type] = (listener, concurrent)

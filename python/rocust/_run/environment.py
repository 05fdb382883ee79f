"""The environment: everything that belongs to one run, by Locust's names."""

from __future__ import annotations

from inspect import iscoroutinefunction
from operator import methodcaller
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from rocust._errors import RunnerAlreadyExistsError
from rocust._events import Events, finish_with
from rocust._kernel import awaiting
from rocust._run.dispatch import UsersDispatcher
from rocust._run.local import LocalRunner
from rocust._run.roles import MasterRunner, WorkerRunner
from rocust._run.shape import LoadTestShape
from rocust._stats import RequestStats
from rocust._users.kinds import why_not_awaited, why_plain
from rocust._users.task import TaskHolder, filter_tasks_by_tags

if TYPE_CHECKING:
    from argparse import Namespace

    from rocust._run.runner import Runner
    from rocust._users.user import User

RunnerT = TypeVar("RunnerT", bound="Runner")


finish_with(awaiting.finish)


class Environment:
    """What a run consists of: user classes, host, statistics, event hooks, and its runner.

    Plugins hang their own attributes onto it. Same as Locust.
    """

    def __init__(
        self,
        *,
        user_classes: list[type[User]] | None = None,
        shape_class: LoadTestShape | None = None,
        tags: list[str] | None = None,
        exclude_tags: list[str] | None = None,
        locustfile: str | None = None,
        events: Events | None = None,
        host: str | None = None,
        reset_stats: bool = False,
        stop_timeout: float | None = None,
        catch_exceptions: bool = True,
        parsed_options: Namespace | None = None,
        parsed_locustfiles: list[str] | None = None,
        available_user_classes: dict[str, type[User]] | None = None,
        available_shape_classes: dict[str, LoadTestShape] | None = None,
        available_user_tasks: dict[str, list[Any]] | None = None,
        dispatcher_class: type[UsersDispatcher] = UsersDispatcher,
        profile: str | None = None,
    ) -> None:
        """Make an environment.

        Args:
            user_classes: What will be spawned. Classes of weight 0 without `fixed_count` are taken out of the list.
            shape_class: An instance that decides on the number of users over time.
            tags: Run only tasks with one of these.
            exclude_tags: Run no task with one of these.
            locustfile: Name of the file the classes come from.
            events: The hooks of this run; new ones by default.
            host: Base URL; overrides that of the user classes.
            reset_stats: Whether statistics start over when all users are there.
            stop_timeout: Seconds that running tasks get to finish when users stop. Those of asynchronous users are cancelled then, and
                have as long again to clean up, and three seconds at least.
            catch_exceptions: Whether an exception in a task is reported and the user goes on.
            parsed_options: The command line, where there was one.
            parsed_locustfiles: All files the classes come from.
            available_user_classes: All classes that could be chosen.
            available_shape_classes: All shapes that could be chosen.
            available_user_tasks: The tasks of each class that could be chosen.
            dispatcher_class: Decides which users come when.
            profile: A name for this kind of run.

        Raises:
            ValueError: When no class has a weight, two have the same name, the shape is not an instance, or a class has coroutines
                that nobody would await.
        """
        self.runner: Runner | None = None
        self.web_ui: Any = None
        #: The exit code of the command, if a listener sets it.
        self.process_exit_code: int | None = None
        self.events = events or Events()
        self.locustfile = locustfile
        self.user_classes: list[type[User]] = user_classes if user_classes is not None else []
        self.shape_class = shape_class
        self.tags = tags
        self.exclude_tags = exclude_tags
        self.stats = RequestStats()
        self.host = host
        self.reset_stats = reset_stats
        self.profile = profile
        if stop_timeout is None:
            stop_timeout = float(getattr(parsed_options, "stop_timeout", 0.0) or 0.0)
        self.stop_timeout = stop_timeout
        self.catch_exceptions = catch_exceptions
        self.parsed_options = parsed_options
        self.parsed_locustfiles = parsed_locustfiles
        self.available_user_classes = available_user_classes
        self.available_shape_classes = available_shape_classes
        self.available_user_tasks = available_user_tasks
        self.dispatcher_class = dispatcher_class
        self.worker_logs: dict[str, list[str]] = {}
        self._tasks_filtered = False
        self._check()

    def _check(self) -> None:
        if self.user_classes:
            weighted = [one for one in self.user_classes if one.weight > 0 or one.fixed_count > 0]
            if not weighted:
                raise ValueError("There are no users with weight > 0.")
            self.user_classes[:] = weighted
        if len(self.user_classes_by_name) != len(self.user_classes):
            names = ", ".join(map(methodcaller("fullname"), self.user_classes))
            raise ValueError(f"The following user classes have the same class name: {names}")
        for user_class in self.user_classes:
            if problem := why_not_awaited(user_class):
                raise ValueError(problem)
        if self.shape_class is not None and not isinstance(self.shape_class, LoadTestShape):
            raise ValueError(
                "shape_class should be instance of LoadTestShape or subclass LoadTestShape, "
                f"but got: {self.shape_class}"
            )
        if self.shape_class is not None and iscoroutinefunction(self.shape_class.tick):
            raise ValueError(why_plain(type(self.shape_class), "tick"))

    @property
    def user_classes_by_name(self) -> dict[str, type[User]]:
        """The user classes by their names. Same as Locust."""
        return {one.__name__: one for one in self.user_classes}

    def _create_runner(self, runner_class: type[RunnerT], *args: Any, **kwargs: Any) -> RunnerT:
        if self.runner is not None:
            raise RunnerAlreadyExistsError(f"Environment.runner already exists ({self.runner})")
        self.runner = runner = runner_class(self, *args, **kwargs)
        if self.shape_class is not None:
            self.shape_class.runner = runner
        return runner

    def create_local_runner(self) -> LocalRunner:
        """Make the runner of a run in this process.

        Raises:
            RunnerAlreadyExistsError: When this environment has a runner.

        Same as Locust.
        """
        return self._create_runner(LocalRunner)

    def create_master_runner(self, master_bind_host: str = "*", master_bind_port: int = 5557) -> MasterRunner:
        """Not there yet.

        Raises:
            NotImplementedError: Always, with what to do instead.

        Differs from Locust: runs over several processes are not there yet.
        """
        return self._create_runner(MasterRunner, master_bind_host=master_bind_host, master_bind_port=master_bind_port)

    def create_worker_runner(self, master_host: str, master_port: int) -> WorkerRunner:
        """Not there yet.

        Raises:
            NotImplementedError: Always, with what to do instead.

        Differs from Locust: runs over several processes are not there yet.
        """
        return self._create_runner(WorkerRunner, master_host=master_host, master_port=master_port)

    def create_web_ui(self, host: str = "", port: int = 8089, *_: Any, **__: Any) -> NoReturn:
        """Not there yet.

        Raises:
            NotImplementedError: Always, with what to do instead.

        Differs from Locust: the web page is not there yet.
        """
        raise NotImplementedError(
            f"Environment.create_web_ui() cannot serve a page on port {port}: the web page is not there yet. "
            "hint: leave the call out, and web_ui.stop() with it; start the runner yourself and read env.stats"
        )

    def update_user_class(self, user_settings: dict[str, Any]) -> None:
        """Change attributes of a user class, and which of its tasks run.

        Args:
            user_settings: `user_class_name`, any attributes, and `tasks` as a list of names.

        Same as Locust.
        """
        name = str(user_settings.get("user_class_name"))
        classes, tasks = self.available_user_classes or {}, self.available_user_tasks or {}
        user_class: Any = classes[name]
        for key, value in user_settings.items():
            if key == "tasks":
                user_class.tasks = [task for task in tasks[name] if task.__name__ in value]
            elif key != "user_class_name":
                setattr(user_class, key, value)

    def update_worker_logs(self, worker_log_report: dict[str, Any]) -> None:
        """Keep the log lines that a worker sent. Same as Locust."""
        if worker_id := worker_log_report.get("worker_id"):
            self.worker_logs[worker_id] = worker_log_report.get("logs", [])

    def assign_equal_weights(self) -> None:
        """Give every user class, and every one of its tasks, the same weight. Same as Locust."""
        for user_class in self.user_classes:
            user_class.weight = 1
            flat: list[Any] = []
            pending = list(user_class.tasks)
            while pending:
                one = pending.pop()
                if isinstance(one, TaskHolder):
                    pending.extend(one.tasks)
                elif not callable(one):
                    raise ValueError("Unrecognized task type in user")
                elif one not in flat:
                    flat.append(one)
            user_class.tasks = flat

    def _filter_tasks_by_tags(self) -> None:
        """Drop the tasks that the tags leave out; once per environment."""
        if self._tasks_filtered:
            return
        self._tasks_filtered = True
        tags = self._tag_set("tags", self.tags)
        exclude_tags = self._tag_set("exclude_tags", self.exclude_tags)
        for user_class in self.user_classes:
            filter_tasks_by_tags(user_class, tags, exclude_tags)

    def _tag_set(self, option: str, own: list[str] | None) -> set[str] | None:
        chosen = own if own is not None else getattr(self.parsed_options, option, None) or None
        return None if chosen is None else set(chosen)

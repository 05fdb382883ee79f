"""One test, from its first user to the exit code.

`Session` starts the users and whoever reports on them, waits until the test is over or is interrupted, and ends the
process in Locust's order: `quitting`, the exit code, the users, the final tables, `quit`. It knows a runner only by
what Locust's has (`start`, `quit`, `greenlet`, `errors`, `exceptions`, `stats`).
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from rocust import _core, _log
from rocust._cli.deadline import MOMENT_S, Deadline
from rocust._cli.interrupt import Interrupts
from rocust._cli.keyboard import input_listener
from rocust._cli.refusal import EXIT_CANNOT_RUN, EXIT_PANIC
from rocust._kernel.green import Event, get_hub, sleep, spawn, spawn_later

if TYPE_CHECKING:
    from rocust._cli.reports import Reports

logger = logging.getLogger("locust.main")

#: Something went wrong that nobody watched: an event handler or a greenlet raised.
EXIT_UNHANDLED_EXCEPTION = 2

#: How often it is looked whether the compiled module has panicked.
_LOOK_FOR_PANICS_S = 0.5
#: How long users that do not end are waited for once they have been told that nobody waits any longer.
_LAST_MOMENT_S = 0.6

#: A key to how many users are started, or stopped, when it is pressed.
_KEYS = {"w": 1, "W": 10, "s": -1, "S": -10}
#: How fast, in users per second.
_KEY_SPAWN_RATE = 100


class Session:
    """One headless test in this process.

    Args:
        environment: The environment, with its runner.
        options: The parsed command line.
        reports: The reports in files.
    """

    def __init__(self, environment: Any, options: Any, reports: Reports) -> None:
        self._environment = environment
        self._runner = environment.runner
        self._options = options
        self._reports = reports
        self._over = Event()
        #: The runner's own end, once it has begun; and that it has come, or that nobody waits for it any longer.
        self._ending: Any = None
        self._parted = Event()
        self._deadline = Deadline(self._parted.set, self._runner.user_greenlets)
        self._interrupts = Interrupts(self._over.set, lambda: self._deadline.set(float(environment.stop_timeout or 0)))
        self._has_told_panic = False
        self._log_exception = _log.greenlet_exception_logger(logger)
        self._watchers: list[Any] = []
        self._live_table: Any = None

    def run(self) -> NoReturn:
        """Start the test, wait for its end, and end the process with the exit code of the test."""
        self._interrupts.listen()
        try:
            self._start_reporting()
            self._start_users()
            self._listen_to_keys()
            self._wait()
        except KeyboardInterrupt:
            # Only when the locustfile has taken SIGINT over: our own handler does not raise.
            pass
        except SystemExit:
            # A task called sys.exit: the process ends at once, as Locust's does.
            self._close_live_table()
            raise
        self.shut_down()

    def _start_reporting(self) -> None:
        from rocust._stats import stats_history

        self._watch(spawn(self._watch_for_panics))
        spawn(stats_history, self._runner)
        if (csv_writer := self._reports.start()) is not None:
            self._watch(csv_writer)
        if self._options.only_summary:
            return
        if self._draws_live_table():
            from rocust._report.console import LiveTable

            self._live_table = LiveTable(self._environment, self._options.run_time)
            self._watch(spawn(self._live_table.run))
        else:
            from rocust._report.console import stats_printer

            self._watch(spawn(stats_printer(self._runner.stats)))

    def _draws_live_table(self) -> bool:
        """Whether the tables are for a person at a terminal, rather than for a file or another program."""
        return not self._options.no_live and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def _start_users(self) -> None:
        # The loop's clock stands still while the loop does not turn: timers started now would be short by that much.
        get_hub().loop.update_now()
        options = self._options
        if options.num_users is None:
            options.num_users = 1
        if options.spawn_rate is None:
            options.spawn_rate = 1
        if self._environment.shape_class:
            self._link(spawn(self._run_shape))
            return
        self._watch(spawn(self._runner.start, options.num_users, options.spawn_rate))
        if options.run_time:
            logger.info("Run time limit set to %s seconds", options.run_time)
            self._link(spawn_later(options.run_time, self._quit_because, "--run-time limit reached"))
        else:
            logger.info("No run time limit set, use CTRL+C to interrupt")

    def _listen_to_keys(self) -> None:
        self._watch(spawn(input_listener({key: partial(self._add_users, count) for key, count in _KEYS.items()})))

    def _add_users(self, count: int) -> None:
        """Start so many users, or stop them when the number is negative; refused while others are on their way."""
        if self._runner.state == "spawning":
            logger.warning(
                "Already spawning users, can't spawn more right now"
                if count > 0
                else "Spawning users, can't stop right now"
            )
            return
        self._runner.start(max(0, self._runner.user_count + count), _KEY_SPAWN_RATE)

    def _run_shape(self) -> None:
        self._runner.start_shape()
        self._runner.shape_greenlet.join()
        self._quit_because("Shape test completed")

    def _quit_because(self, reason: str) -> None:
        logger.info("%s, shutting down", reason)
        self._end_runner()
        self._ending.join()

    def _link(self, greenlet: Any) -> None:
        greenlet.link_exception(self._log_exception)

    def _watch(self, greenlet: Any) -> None:
        """As `_link`, for a greenlet that ends with the test; not for one that ends it."""
        self._link(greenlet)
        self._watchers.append(greenlet)

    def _wait(self) -> None:
        """Return when the runner has ended, or a signal has come."""
        self._link(spawn(self._announce_end_of_runner))
        self._over.wait()
        if self._interrupts.received == signal.SIGTERM:
            logger.info("Got SIGTERM signal")
        elif self._interrupts.received is not None and self._environment.shape_class:
            logger.info("Exiting due to CTRL+C interruption")

    def _watch_for_panics(self) -> None:
        while _core.first_panic() is None:
            sleep(_LOOK_FOR_PANICS_S)
        self._tell_of_panic()
        self._over.set()

    def _tell_of_panic(self) -> None:
        """Say once that the compiled module has panicked, if it has."""
        words = _core.first_panic()
        if words is None or self._has_told_panic:
            return
        self._has_told_panic = True
        logger.critical(
            "Rocust itself has failed, in its compiled module: %s. This is not your locustfile's fault. The test ends now, and what it "
            "measured cannot be trusted. Please report this, with the traceback above.",
            words,
        )

    def _end_runner(self) -> None:
        """Begin to end the users and the runner, if that has not begun."""
        if self._ending is None:
            self._ending = spawn(self._runner.quit)
            self._link(self._ending)
            self._ending.link(lambda _: self._parted.set())

    def _part(self) -> None:
        """End the users and the runner; after SIGTERM not for longer than the deadline."""
        self._end_runner()
        self._parted.wait()
        if self._ending.ready():
            return
        logger.warning(
            "SIGTERM does not wait any longer than --stop-timeout and a moment (%g s): %s. What still runs is ended where it is.",
            float(self._environment.stop_timeout or 0) + MOMENT_S,
            f"{left} users have not ended" if (left := self._runner.user_count) else "a listener has not returned",
        )
        self._runner.user_greenlets.kill(block=False)
        self._ending.join(timeout=_LAST_MOMENT_S)

    def _announce_end_of_runner(self) -> None:
        self._runner.greenlet.join()
        self._over.set()

    def shut_down(self) -> NoReturn:
        """Fire `quitting`, stop the users, print the results, fire `quit`, and end the process."""
        logger.debug("Running teardowns...")
        self._tell_of_panic()
        # Before `quitting`, whose listeners look for it, as Locust does; what the users add until they are stopped, it gets below.
        self._reports.write_html()
        self._environment.events.quitting.fire(environment=self._environment, reverse=True)
        exit_code = exit_code_of(self._environment, self._options.exit_code_on_error)
        self._close_live_table()
        logger.info("Shutting down (exit code %s)", exit_code)
        for greenlet in self._watchers:
            greenlet.kill(block=False)
        logger.debug("Cleaning up runner...")
        self._part()
        if _core.first_panic() is not None:
            # On the way out, when the exit code had been settled.
            self._tell_of_panic()
            exit_code = EXIT_PANIC
        self._deadline.lift()
        self._write_reports()
        self._print_results()
        if self._reports.is_incomplete:
            exit_code = exit_code or EXIT_CANNOT_RUN
        self._environment.events.quit.fire(exit_code=exit_code)
        self._reports.close()
        sys.exit(exit_code)

    def _write_reports(self) -> None:
        """All reports in files, now that nothing is added any more."""
        self._reports.write_html()
        self._reports.write_json()
        self._reports.update_csv()

    def _close_live_table(self) -> None:
        if self._live_table is not None:
            self._live_table.close()

    def _print_results(self) -> None:
        from rocust._report import console
        from rocust._report.json import print_stats_json

        stats = self._runner.stats
        if self._options.json:
            print_stats_json(stats)
        if self._options.json_file:
            return
        console.print_stats(stats, current=False)
        if getattr(self._options, "rocust_timings", False):
            console.print_timings(stats)
        console.print_percentile_stats(stats)
        console.print_error_report(stats)


def exit_code_of(environment: Any, exit_code_on_error: int) -> int:
    """The exit code of a test that is over.

    A panic of the compiled module is no good run, whatever else there is to say. Otherwise what the locustfile has set wins; else
    that of failed requests and tasks; else that of exceptions nobody watched.
    """
    if _core.first_panic() is not None:
        return EXIT_PANIC
    if environment.process_exit_code is not None:
        exit_code: int = environment.process_exit_code
        return exit_code
    if len(environment.runner.errors) or len(environment.runner.exceptions):
        return exit_code_on_error
    return EXIT_UNHANDLED_EXCEPTION if _log.has_unhandled_exception() else 0

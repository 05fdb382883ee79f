"""The run of a load test from the command line, step by step, in Locust's order.

Each step is a function; `run_command` is the list of them. Whatever is wrong is said in one sentence and ends the
process there. The test itself is `session`'s.
"""

from __future__ import annotations

import itertools
import logging
import os
from typing import Any, NamedTuple, NoReturn

from rocust import _log
from rocust._cli.absent import refuse_absent_options, refuse_web_page
from rocust._cli.check import check_class_hosts, check_host_option, check_loop, check_tags
from rocust._cli.loading import load_or_refuse, merge_locustfiles_content
from rocust._cli.locustfile import get_locustfiles_locally
from rocust._cli.open_files import raise_open_file_limit
from rocust._cli.parsing import (
    get_parser,
    parse_locustfile_option,
    require_csv_for_its_history,
)
from rocust._cli.pytest_files import load_pytest_or_refuse
from rocust._cli.refusal import EXIT_CANNOT_RUN, nearest, refuse, refuse_usage
from rocust._cli.reports import Reports
from rocust._cli.selection import (
    print_available_users,
    select_user_classes,
    warn_of_too_few_users,
)
from rocust._cli.session import Session
from rocust._cli.version import start_message
from rocust._events import global_events

logger = logging.getLogger("locust.main")

#: Options without effect on a load shape that does not ask for them.
COMMON_OPTIONS = {
    "num_users": "users",
    "spawn_rate": "spawn-rate",
    "run_time": "run-time",
}

#: What Locust ends with when user settings cannot be applied: `sys.exit(-1)`.
_EXIT_BAD_USER_CONFIG = -1


class Declared(NamedTuple):
    """What the locustfiles declare."""

    locustfiles: list[str]
    user_classes: dict[str, Any]
    shapes: dict[str, Any]
    tasks: dict[str, Any]
    shape: Any


def run_command() -> NoReturn:
    """From the command line to the exit code of the test."""
    declared = _load_locustfiles()
    options = _parse_options()
    _set_up_logging(options)
    is_telling = options.otel and _set_up_telemetry(options)
    logger.info("%s%s", start_message(), ", OpenTelemetry enabled" if is_telling else "")
    if options.list_commands:
        print_available_users(declared.user_classes)
        raise SystemExit(0)
    user_classes = select_user_classes(options.user_classes, declared.user_classes, declared.locustfiles)
    if declared.shape is None:
        warn_of_too_few_users(user_classes, options.num_users)
    raise_open_file_limit(None if declared.shape else options.num_users)
    environment = _create_environment(options, user_classes, declared)
    _apply_user_config(environment, options)
    _warn_of_ignored_options(declared.shape, options)
    _show_task_ratio(options, user_classes)
    _check(options, user_classes)
    environment.create_local_runner()
    reports = Reports(environment, options)
    _initialize(environment, options)
    check_class_hosts(environment, environment.user_classes)
    Session(environment, options, reports).run()


def _load_locustfiles() -> Declared:
    locustfiles = get_locustfiles_locally(parse_locustfile_option())
    return Declared(locustfiles, *merge_locustfiles_content(locustfiles, load_or_refuse, load_pytest_or_refuse))


def _parse_options() -> Any:
    """Parse the whole command line, now that locustfiles have added their options to it."""
    parser = get_parser()
    options = parser.parse_args()
    require_csv_for_its_history(parser, options)
    refuse_absent_options(options)
    _check_settings_of_statistics()
    if options.headful:
        options.headless = False
    if options.autoquit != -1 and not options.autostart:
        refuse("--autoquit is only meaningful in combination with --autostart")
    return options


def _check_settings_of_statistics() -> None:
    """A locustfile may have assigned to `locust.stats`; what it assigned is checked, and refused with exit code 1."""
    from rocust._stats import validate_stats_configuration

    validate_stats_configuration()


def _set_up_logging(options: Any) -> None:
    if options.skip_log_setup:
        return
    try:
        _log.setup_logging(options.loglevel, options.logfile)
    except (OSError, ValueError) as error:
        # logging.config wraps what a handler raises in a ValueError
        reason = error.__cause__ or error
        refuse_usage(f"argument --logfile: unable to write to '{options.logfile}': {reason}")


def _set_up_telemetry(options: Any) -> bool:
    from rocust._telemetry.setup import setup_opentelemetry

    return setup_opentelemetry(options.locustfile, options.profile)


def create_environment(  # Locust's signature
    user_classes: list[Any],
    options: Any,
    events: Any = None,
    shape_class: Any = None,
    locustfile: str | None = None,
    parsed_locustfiles: list[str] | None = None,
    available_user_classes: dict[str, Any] | None = None,
    available_shape_classes: dict[str, Any] | None = None,
    available_user_tasks: dict[str, Any] | None = None,
) -> Any:
    """An `Environment` as these options describe it. Same as Locust."""
    from rocust._run.environment import Environment

    return Environment(
        locustfile=locustfile,
        user_classes=user_classes,
        shape_class=shape_class,
        events=events,
        host=options.host,
        reset_stats=options.reset_stats,
        parsed_options=options,
        parsed_locustfiles=parsed_locustfiles,
        available_user_classes=available_user_classes,
        available_shape_classes=available_shape_classes,
        available_user_tasks=available_user_tasks,
        profile=options.profile,
    )


def _create_environment(options: Any, user_classes: list[Any], declared: Declared) -> Any:
    try:
        return create_environment(
            user_classes,
            options,
            events=global_events(),
            shape_class=declared.shape,
            locustfile=os.path.basename(declared.locustfiles[0]),
            parsed_locustfiles=declared.locustfiles,
            available_user_classes=declared.user_classes,
            available_shape_classes=declared.shapes,
            available_user_tasks=declared.tasks,
        )
    except ValueError as error:
        logger.error("The test cannot be set up: %s", error)
        raise SystemExit(EXIT_CANNOT_RUN) from None


def _apply_user_config(environment: Any, options: Any) -> None:
    for settings in itertools.chain.from_iterable(options.config_users or ()):
        try:
            environment.update_user_class(settings)
        except KeyError as error:
            meant = nearest(
                str(settings["user_class_name"]),
                environment.available_user_classes or (),
            )
            logger.error(
                "Error applying user config, probably you tried to specify config for a User not present in your "
                "locustfile: %s.%s",
                error,
                f" Did you mean '{meant}'?" if meant else "",
            )
            raise SystemExit(_EXIT_BAD_USER_CONFIG) from None
        except Exception:
            logger.exception("Error applying user config %s", settings)
            raise SystemExit(_EXIT_BAD_USER_CONFIG) from None


def _warn_of_ignored_options(shape: Any, options: Any) -> None:
    if shape is None or shape.use_common_options:
        return
    ignored = [f"--{name}" for destination, name in COMMON_OPTIONS.items() if getattr(options, destination, None)]
    if not ignored:
        return
    logger.warning(
        "--run-time, --users or --spawn-rate have no impact on LoadShapes unless the shape class explicitly reads "
        "them. See: docs.locust.io/en/stable/custom-load-shape.html#use-common-options"
    )
    logger.warning("The following option(s) will be ignored: %s", ", ".join(ignored))


def _show_task_ratio(options: Any, user_classes: list[Any]) -> None:
    if not options.show_task_ratio and not options.show_task_ratio_json:
        return
    from rocust._users.ratio import print_task_ratio, print_task_ratio_json

    if options.show_task_ratio:
        for title, total in (
            (" Task ratio per User class", False),
            (" Total task ratio", True),
        ):
            print(f"\n{title}\n{'-' * 80}")
            print_task_ratio(user_classes, options.num_users, total)
    else:
        print_task_ratio_json(user_classes, options.num_users)
    raise SystemExit(0)


def _check(options: Any, user_classes: list[Any]) -> None:
    if not options.headless:
        refuse_web_page()
    if options.autostart:
        logger.info("The --autostart argument is implied by --headless, no need to set both.")
    check_host_option(options.host, user_classes)
    check_loop(options.rocust_loop)
    check_tags(options, user_classes)


def _initialize(environment: Any, options: Any) -> None:
    """Fire `init`; a listener that raises ends the process with exit code 1, it is in the log already."""
    if options.equal_weights:
        environment.events.init.add_listener(_assign_equal_weights)
    environment.events.init.fire(environment=environment, runner=environment.runner, web_ui=environment.web_ui)
    if _log.has_unhandled_exception():
        raise SystemExit(EXIT_CANNOT_RUN)


def _assign_equal_weights(environment: Any, **_: Any) -> None:
    environment.assign_equal_weights()

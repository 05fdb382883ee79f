"""Every option of the command: names, destinations, environment variables, defaults and help.

All but the help are Locust's: configuration files, Helm charts and shell scripts carry them. Those added by `_add_own` are
ours; a locustfile that adds an option of that name gets it. What an option does is said where it is done.
"""

from __future__ import annotations

import os
import platform
from typing import Any

import configargparse

from rocust._cli.conversion import (
    address_override,
    ip_address,
    json_user_config,
    positive_integer,
    positive_rate,
    refused,
    timespan,
    user_count,
)
from rocust._cli.parser import LocustArgumentParser
from rocust._cli.version import PACKAGE_DIRECTORY, version_sentence

#: A group of options, as argparse has them.
Group = Any


def setup_parser_arguments(parser: LocustArgumentParser) -> None:
    """Add all other options to a parser. Same as Locust."""
    parser._optionals.title = "Common options"
    _add_common_options(parser)
    _add_web_options(parser.add_argument_group("Web UI options"))
    _add_master_options(
        parser.add_argument_group(
            "Master options",
            "For the process that leads the others when a test is distributed.",
        )
    )
    _add_worker_options(
        parser.add_argument_group(
            "Worker options",
            "For the processes that make the load when a test is distributed. Only these and --locustfile are needed "
            "there; the number of users, the run time and so on come from the master.",
        )
    )
    _add_tag_options(
        parser.add_argument_group("Tag options", "Which of the tasks marked with the @tag decorator are run.")
    )
    _add_connection_options(
        parser.add_argument_group("Connection options", "How users connect to the system under test.")
    )
    _add_statistics_options(parser.add_argument_group("Request statistics options"))
    _add_log_options(parser.add_argument_group("Logging options"))
    _add_other_options(parser.add_argument_group("Other options"))
    parser.add_argument_group("User classes").add_argument(
        "user_classes",
        nargs="*",
        metavar="<UserClass1 UserClass2>",
        help="The User classes to use, at the end of the command line or in LOCUST_USER_CLASSES, separated by blanks; "
        "--list shows those there are. Defaults to all of them.",
        default=os.environ.get("LOCUST_USER_CLASSES", "").split(),
    )


def _add_common_options(parser: LocustArgumentParser) -> None:
    parser.add_argument(
        "-H",
        "--host",
        metavar="<base url>",
        env_var="LOCUST_HOST",
        help="The system to load, such as https://www.example.com; overrides the host of every User class.",
    )
    parser.add_argument(
        "-u",
        "--users",
        type=user_count,
        dest="num_users",
        metavar="<int>",
        env_var="LOCUST_USERS",
        help="How many users there are at the peak. Defaults to 1.",
    )
    parser.add_argument(
        "-r",
        "--spawn-rate",
        type=positive_rate,
        metavar="<float>",
        env_var="LOCUST_SPAWN_RATE",
        help="How many users are started per second. Defaults to 1.",
    )
    parser.add_argument(
        "-t",
        "--run-time",
        type=timespan,
        metavar="<time string>",
        env_var="LOCUST_RUN_TIME",
        help="Stop after this time (300s, 20m, 3h, 1h30m, ...); with --headless or --autostart. Defaults to never.",
    )
    parser.add_argument(
        "-l",
        "--list",
        action="store_true",
        dest="list_commands",
        help="List the User classes there are, and exit.",
    )
    parser.add_argument(
        "--config-users",
        type=json_user_config,
        nargs="*",
        env_var="LOCUST_CONFIG_USERS",
        help="Attributes of User classes: JSON objects with a user_class_name, arrays of them, or .json files.",
    )


def _add_web_options(group: Group) -> None:
    group.add_argument(
        "--web-host",
        default="",
        metavar="<ip>",
        env_var="LOCUST_WEB_HOST",
        help="Address of the web page ('*': all).",
    )
    group.add_argument(
        "--web-host-display-name",
        type=str,
        env_var="LOCUST_WEB_HOST_DISPLAY_NAME",
        help=configargparse.SUPPRESS,
    )
    group.add_argument(
        "--web-port",
        "-P",
        type=int,
        metavar="<port number>",
        default=8089,
        env_var="LOCUST_WEB_PORT",
        help="Port of the web page.",
    )
    group.add_argument(
        "--headless",
        action="store_true",
        env_var="LOCUST_HEADLESS",
        help="No web page: start the test at once. See -u, -r and -t.",
    )
    group.add_argument(
        "--autostart",
        action="store_true",
        env_var="LOCUST_AUTOSTART",
        help="Start the test at once, with the web page.",
    )
    group.add_argument(
        "--autoquit",
        type=int,
        metavar="<seconds>",
        default=-1,
        env_var="LOCUST_AUTOQUIT",
        help="Quit this long after the end of the test; with --autostart. Defaults to running until Ctrl-C.",
    )
    # Overrides --headless: a flag set in a configuration file could not be taken back otherwise.
    group.add_argument(
        "--headful",
        action="store_true",
        env_var="LOCUST_HEADFUL",
        help=configargparse.SUPPRESS,
    )
    group.add_argument(
        "--web-auth",
        type=str,
        dest="web_auth",
        metavar="<username:password>",
        default=None,
        env_var="LOCUST_WEB_AUTH",
        help=configargparse.SUPPRESS,
        action=refused("--web-auth has been replaced by --web-login, with a login page of your own"),
    )
    group.add_argument(
        "--web-login",
        default=False,
        action="store_true",
        env_var="LOCUST_WEB_LOGIN",
        help="Put a login page before the web page.",
    )
    group.add_argument(
        "--tls-cert",
        default="",
        metavar="<filename>",
        env_var="LOCUST_TLS_CERT",
        help="Certificate of the web page.",
    )
    group.add_argument(
        "--tls-key",
        default="",
        metavar="<filename>",
        env_var="LOCUST_TLS_KEY",
        help="Private key of the web page.",
    )
    group.add_argument(
        "--class-picker",
        default=False,
        action="store_true",
        env_var="LOCUST_USERCLASS_PICKER",
        help="Choose User classes and shapes on the web page.",
    )
    group.add_argument(
        "--build-path",
        type=str,
        default="",
        env_var="LOCUST_BUILD_PATH",
        help=configargparse.SUPPRESS,
    )
    group.add_argument(
        "--legacy-ui",
        default=False,
        nargs=0,
        env_var="LOCUST_LEGACY_UI",
        help=configargparse.SUPPRESS,
        action=refused("--legacy-ui is no longer supported, remove the parameter to continue"),
    )
    group.add_argument(
        "--web-base-path",
        type=str,
        default="",
        env_var="LOCUST_WEB_BASE_PATH",
        help="First part of the path of the web page, such as '/load'. Defaults to none.",
    )


def _add_master_options(group: Group) -> None:
    group.add_argument(
        "--master",
        action="store_true",
        env_var="LOCUST_MODE_MASTER",
        help="Lead the workers that connect to here.",
    )
    group.add_argument(
        "--master-bind-host",
        default="*",
        metavar="<ip>",
        env_var="LOCUST_MASTER_BIND_HOST",
        help="Address the master listens on. Defaults to * (all).",
    )
    group.add_argument(
        "--master-bind-port",
        type=int,
        metavar="<port number>",
        default=5557,
        env_var="LOCUST_MASTER_BIND_PORT",
        help="Port the master listens on. Defaults to 5557.",
    )
    group.add_argument(
        "--expect-workers",
        type=positive_integer,
        metavar="<int>",
        default=1,
        env_var="LOCUST_EXPECT_WORKERS",
        help="Start the test when this many workers have connected; with --headless or --autostart.",
    )
    group.add_argument(
        "--expect-workers-max-wait",
        type=int,
        metavar="<int>",
        default=0,
        env_var="LOCUST_EXPECT_WORKERS_MAX_WAIT",
        help="Give up waiting for them after this many seconds. Defaults to never.",
    )
    group.add_argument(
        "--enable-rebalancing",
        action="store_true",
        default=False,
        dest="enable_rebalancing",
        help="Spread the users anew when workers come or go during a test.",
    )
    group.add_argument(
        "--expect-slaves",
        nargs=0,
        help=configargparse.SUPPRESS,
        action=refused("The --expect-slaves parameter has been renamed --expect-workers"),
    )


def _add_worker_options(group: Group) -> None:
    group.add_argument(
        "--worker",
        action="store_true",
        env_var="LOCUST_MODE_WORKER",
        help="Make load for a master; with '-f -' the locustfile comes from there too.",
    )
    group.add_argument(
        "--processes",
        type=int,
        metavar="<int>",
        env_var="LOCUST_PROCESSES",
        help="Use this many processes (-1: one for each core), led by this one.",
    )
    group.add_argument(
        "--slave",
        nargs=0,
        help=configargparse.SUPPRESS,
        action=refused("The --slave parameter has been renamed --worker"),
    )
    group.add_argument(
        "--master-host",
        default="127.0.0.1",
        metavar="<hostname>",
        env_var="LOCUST_MASTER_NODE_HOST",
        help="Where the master is. Defaults to 127.0.0.1.",
    )
    group.add_argument(
        "--master-port",
        type=int,
        metavar="<port number>",
        default=5557,
        env_var="LOCUST_MASTER_NODE_PORT",
        help="Port of the master. Defaults to 5557.",
    )


def _add_tag_options(group: Group) -> None:
    group.add_argument(
        "-T",
        "--tags",
        nargs="*",
        metavar="<tag>",
        env_var="LOCUST_TAGS",
        help="Run only the tasks that have one of these tags.",
    )
    group.add_argument(
        "-E",
        "--exclude-tags",
        nargs="*",
        metavar="<tag>",
        env_var="LOCUST_EXCLUDE_TAGS",
        help="Run only the tasks that have none of these tags.",
    )


def _add_own(group: Group, *args: Any, **kwargs: Any) -> None:
    """Add an option that Locust does not have."""
    group.add_argument(*args, **kwargs).is_own = True


def _add_connection_options(group: Group) -> None:
    _add_own(
        group,
        "--http2",
        action="store_true",
        dest="rocust_http2",
        env_var="ROCUST_HTTP2",
        help="Speak HTTP/2: offered over TLS, where a server that does not want it gets HTTP/1.1; taken for granted on "
        "plain http. Each user has one connection, which its requests share.",
    )
    _add_own(
        group,
        "--no-keep-alive",
        action="store_true",
        dest="rocust_no_keep_alive",
        env_var="ROCUST_NO_KEEP_ALIVE",
        help="Open a new connection for every request.",
    )
    _add_own(
        group,
        "--resolve",
        action="append",
        type=address_override,
        dest="rocust_resolve",
        metavar="<host:port:address>",
        env_var="ROCUST_RESOLVE",
        help="Connect to this address in place of what the host resolves to (as in curl; may be repeated).",
    )
    _add_own(
        group,
        "--ip-version",
        type=int,
        choices=(4, 6),
        dest="rocust_ip_version",
        env_var="ROCUST_IP_VERSION",
        help="Use only IPv4, or only IPv6.",
    )
    _add_own(
        group,
        "--source-address",
        type=ip_address,
        dest="rocust_source_address",
        metavar="<ip>",
        env_var="ROCUST_SOURCE_ADDRESS",
        help="Connect from this address of this machine.",
    )


def _add_statistics_options(group: Group) -> None:
    group.add_argument(
        "--csv",
        dest="csv_prefix",
        metavar="<filename>",
        env_var="LOCUST_CSV",
        help="Write the statistics to <filename>_stats.csv, _stats_history.csv, _failures.csv and _exceptions.csv.",
    )
    group.add_argument(
        "--csv-full-history",
        action="store_true",
        default=False,
        dest="stats_history_enabled",
        env_var="LOCUST_CSV_FULL_HISTORY",
        help="Write every entry, not only the total, to _stats_history.csv; with --csv.",
    )
    group.add_argument(
        "--print-stats",
        action="store_true",
        env_var="LOCUST_PRINT_STATS",
        help="Print the statistics regularly in runs with the web page too.",
    )
    group.add_argument(
        "--only-summary",
        action="store_true",
        env_var="LOCUST_ONLY_SUMMARY",
        help="Print the statistics only at the end of a headless run.",
    )
    _add_own(
        group,
        "--no-live",
        action="store_true",
        env_var="ROCUST_NO_LIVE",
        help="Print the statistics as plain lines in a terminal too, rather than one table redrawn in place.",
    )
    _add_own(
        group,
        "--timings",
        action="store_true",
        dest="rocust_timings",
        env_var="ROCUST_TIMINGS",
        help="Print also, at the end, where the time went: queue, DNS, connect, TLS, send, first byte and body.",
    )
    _add_own(
        group,
        "--locust-rounding",
        action="store_true",
        dest="locust_rounding",
        env_var="ROCUST_LOCUST_ROUNDING",
        help="Report percentiles from response times rounded to two digits, as Locust does, for comparison with its reports.",
    )
    group.add_argument(
        "--reset-stats",
        action="store_true",
        env_var="LOCUST_RESET_STATS",
        help="Forget what was measured while users were still being started.",
    )
    group.add_argument(
        "--html",
        metavar="<filename>",
        dest="html_file",
        env_var="LOCUST_HTML",
        help="Write a report to this file; {u}, {r} and {t} in its name become users, spawn rate and run time.",
    )
    group.add_argument(
        "--json",
        default=False,
        action="store_true",
        help="Print the final statistics as JSON to stdout; with --headless.",
    )
    group.add_argument(
        "--json-file",
        metavar="<filename>",
        dest="json_file",
        help="Write the final statistics as JSON to <filename>.json, instead of printing the final tables.",
    )


def _add_log_options(group: Group) -> None:
    group.add_argument(
        "--skip-log-setup",
        action="store_true",
        dest="skip_log_setup",
        default=False,
        env_var="LOCUST_SKIP_LOG_SETUP",
        help="Disable Locust's logging setup. The locustfile, or Python, decides on the log instead.",
    )
    group.add_argument(
        "--loglevel",
        "-L",
        default="INFO",
        metavar="<level>",
        env_var="LOCUST_LOGLEVEL",
        choices=["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        type=str.upper,
        help="DEBUG, INFO, WARNING, ERROR or CRITICAL. Defaults to INFO.",
    )
    group.add_argument(
        "--logfile",
        metavar="<filename>",
        env_var="LOCUST_LOGFILE",
        help="Write the log to this file. Defaults to stderr.",
    )


def _add_other_options(group: Group) -> None:
    group.add_argument(
        "--show-task-ratio",
        action="store_true",
        help="Print how often each task is run, and exit; mind --users.",
    )
    group.add_argument("--show-task-ratio-json", action="store_true", help="The same as JSON.")
    group.add_argument(
        "--version",
        "-V",
        action="version",
        version=version_sentence(PACKAGE_DIRECTORY, platform.python_version()),
        help="Print the version, and exit.",
    )
    group.add_argument(
        "--exit-code-on-error",
        type=int,
        metavar="<int>",
        default=1,
        env_var="LOCUST_EXIT_CODE_ON_ERROR",
        help="The exit code when a request or a task failed. Defaults to 1.",
    )
    group.add_argument(
        "-s",
        "--stop-timeout",
        dest="stop_timeout",
        metavar="<number>",
        default="0",
        type=timespan,
        env_var="LOCUST_STOP_TIMEOUT",
        help="How long users may take to finish their task when the test stops. Defaults to not at all. An asynchronous task that is "
        "cut short then has as long again to clean up, and three seconds at least.",
    )
    _add_own(
        group,
        "--loop",
        choices=("asyncio", "uvloop"),
        default="asyncio",
        dest="rocust_loop",
        env_var="ROCUST_LOOP",
        help="The loop that asynchronous users run on; uvloop is installed with rocust[uvloop]. Defaults to asyncio.",
    )
    group.add_argument(
        "--equal-weights",
        action="store_true",
        default=False,
        dest="equal_weights",
        help="Run all tasks equally often, whatever weights the locustfile gives them.",
    )
    group.add_argument("--profile", type=str, help="A name to group test runs by.")
    group.add_argument(
        "--otel",
        action="store_true",
        env_var="LOCUST_ENABLE_OPENTELEMETRY",
        help="Send traces to OpenTelemetry.",
    )

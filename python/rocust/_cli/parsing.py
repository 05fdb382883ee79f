"""The command line, parsed twice: first only where the locustfile is, then all of it.

A locustfile may add options of its own (`events.init_command_line_parser`), so it has to be imported in between.
"""

from __future__ import annotations

import textwrap
from typing import Any, NamedTuple

import configargparse

from rocust._cli.options import setup_parser_arguments
from rocust._cli.parser import (
    DEFAULT_CONFIG_FILES,
    LocustArgumentParser,
    LocustConfigParser,
)
from rocust._cli.refusal import program_name
from rocust._events import global_events

_EPILOG = """Examples:

    {prog} -f my_test.py -H https://www.example.com --headless -u 100 -r 10 -t 5m

    {prog} --headless -u 100 -t 20m MyHttpUser AnotherUser

    {prog} demo-target --port 8000
    (a small HTTP server to shoot at: it answers 13 bytes, and tells at /count how many requests it has served)

While a test runs in a terminal, w and W start 1 and 10 users, s and S stop as many.

Options can also be set in a file or by environment variables, by Locust's names:
https://docs.locust.io/en/stable/configuration.html"""


def get_empty_argument_parser(
    add_help: bool = True, default_config_files: Any = DEFAULT_CONFIG_FILES
) -> LocustArgumentParser:
    """A parser that knows only where the locustfile and the configuration file are. Same as Locust."""
    prog = program_name()
    parser = LocustArgumentParser(
        default_config_files=default_config_files,
        config_file_parser_class=LocustConfigParser,
        add_env_var_help=False,
        add_config_file_help=False,
        add_help=add_help,
        formatter_class=configargparse.RawDescriptionHelpFormatter,
        usage=configargparse.SUPPRESS,
        description=f"Usage: {prog} [options] [UserClass ...]",
        epilog=textwrap.dedent(_EPILOG.format(prog=prog)),
    )
    parser.add_argument(
        "-f",
        "--locustfile",
        metavar="<filename>",
        default="locustfile.py",
        help="The Python file with the test. Several, separated by commas, a directory (every .py file in it), or the "
        "address of a file on the web will do too. Defaults to 'locustfile.py'.",
        env_var="LOCUST_LOCUSTFILE",
    )
    parser.add_argument(
        "--config",
        is_config_file_arg=True,
        metavar="<filename>",
        help="A file with more options, as 'name = value' lines or as section [tool.locust] of a .toml file.",
    )
    return parser


def get_parser(
    default_config_files: Any = DEFAULT_CONFIG_FILES,
) -> LocustArgumentParser:
    """The whole parser, with what locustfiles and plugins add: `events.init_command_line_parser` fires each time.

    Same as Locust.
    """
    parser = get_empty_argument_parser(add_help=True, default_config_files=default_config_files)
    setup_parser_arguments(parser)
    global_events().init_command_line_parser.fire(parser=parser)
    return parser


def parse_locustfile_option(args: list[str] | None = None) -> configargparse.Namespace:
    """The first look at the command line: only where the locustfile is, since it may add options of its own.

    `--help` and `--version` are answered here and end the process, before any locustfile is imported.

    Returns:
        `locustfile`, and what is needed to fetch it from a master. Same as Locust.
    """
    parser = get_empty_argument_parser(add_help=False)
    parser.add_argument("-h", "--help", action="store_true", default=False)
    parser.add_argument("--version", "-V", action="store_true", default=False)
    parser.add_argument("--worker", action="store_true", env_var="LOCUST_MODE_WORKER")
    # Without it "--master" would be an ambiguous prefix of the two options below.
    parser.add_argument("--master", action="store_true", env_var="LOCUST_MODE_MASTER")
    parser.add_argument("--master-host", default="127.0.0.1", env_var="LOCUST_MASTER_NODE_HOST")
    parser.add_argument("--master-port", type=int, default=5557, env_var="LOCUST_MASTER_NODE_PORT")
    options, _ = parser.parse_known_args(args=args)
    if options.help or options.version:
        get_parser().parse_args(args=args)
    return options


def parse_options(args: list[str] | None = None) -> configargparse.Namespace:
    """All options of a command line. Deprecated in Locust, and still there. Same as Locust."""
    print("Warning: This function is deprecated and may be removed in a future version")
    parser = get_parser()
    options = parser.parse_args(args=args)
    require_csv_for_its_history(parser, options)
    return options


def require_csv_for_its_history(parser: LocustArgumentParser, options: configargparse.Namespace) -> None:
    """End with exit code 2 if `--csv-full-history` was given without `--csv`."""
    if options.stats_history_enabled and options.csv_prefix is None:
        parser.error("'--csv-full-history' requires '--csv'.")


def default_args_dict() -> dict[str, Any]:
    """Every option of ours with its default; none that a locustfile has added. Same as Locust."""
    parser = get_empty_argument_parser()
    setup_parser_arguments(parser)
    # Configuration files may set options that locustfiles add, which this parser does not know.
    parser._default_config_files = {}
    options: dict[str, Any] = vars(parser.parse_args([]))
    return options


class UIExtraArgOptions(NamedTuple):
    """How the web page shows an option that a locustfile has added. Same as Locust."""

    default_value: str
    is_secret: bool
    is_required: bool
    help_text: str
    is_multiple: bool
    choices: list[str] | None = None


def ui_extra_args_dict(args: list[str] | None = None) -> dict[str, dict[str, Any]]:
    """The options that locustfiles and plugins have added and want shown on the web page. Same as Locust."""
    ours = default_args_dict()
    parser = get_parser()
    shown = parser.args_included_in_web_ui
    return {
        dest: UIExtraArgOptions(
            default_value=value,
            is_secret=dest in parser.secret_args_included_in_web_ui,
            is_required=dest in parser.required_args_included_in_web_ui,
            help_text=shown[dest].help,
            is_multiple=dest in parser.multiple_args_included_in_web_ui,
            choices=shown[dest].choices,
        )._asdict()
        for dest, value in vars(parser.parse_args(args)).items()
        if dest not in ours and dest in shown
    }

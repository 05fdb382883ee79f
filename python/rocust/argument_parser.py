"""Locust's command line parser, under Locust's name."""

from __future__ import annotations

from rocust._cli.conversion import json_user_config, positive_integer, timespan
from rocust._cli.locustfile import (
    download_locustfile_from_url,
    get_locustfiles_locally,
    parse_locustfile_paths,
)
from rocust._cli.options import setup_parser_arguments
from rocust._cli.parser import (
    DEFAULT_CONFIG_FILES,
    LocustArgumentParser,
    LocustConfigParser,
    LocustTomlConfigParser,
)
from rocust._cli.parsing import (
    UIExtraArgOptions,
    default_args_dict,
    get_empty_argument_parser,
    get_parser,
    parse_locustfile_option,
    parse_options,
    ui_extra_args_dict,
)

__all__ = [
    "DEFAULT_CONFIG_FILES",
    "LocustArgumentParser",
    "LocustConfigParser",
    "LocustTomlConfigParser",
    "UIExtraArgOptions",
    "default_args_dict",
    "download_locustfile_from_url",
    "get_empty_argument_parser",
    "get_locustfiles_locally",
    "get_parser",
    "json_user_config",
    "parse_locustfile_option",
    "parse_locustfile_paths",
    "parse_options",
    "positive_integer",
    "setup_parser_arguments",
    "timespan",
    "ui_extra_args_dict",
]

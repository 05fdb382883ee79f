"""The command line parser itself: Locust's, with its extra arguments and its configuration files.

`options` says which options there are; `conversion` how a word becomes a value. This file knows neither.
"""

from __future__ import annotations

import difflib
import io
import sys
from collections import OrderedDict
from typing import Any, NoReturn, TextIO

import configargparse

from rocust._cli.refusal import EXIT_USAGE, program_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: Read in this order, the later one wins; `--config FILE`, environment variables and the command line win over all.
DEFAULT_CONFIG_FILES = ("~/.locust.conf", "locust.conf", "pyproject.toml")

_UNRECOGNIZED = "unrecognized arguments:"


class LocustArgumentParser(configargparse.ArgumentParser):  # type: ignore[misc]  # configargparse is not typed
    """A `configargparse.ArgumentParser` whose arguments also say how the web page shows them.

    Differs from Locust: a configuration file that cannot be read is named in the error.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("prog", program_name())
        super().__init__(*args, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Write the message, with the option that was probably meant, and end with exit code 2. Same as Locust."""
        if _UNRECOGNIZED in message:
            message += self._guess_what_was_meant(message.split(_UNRECOGNIZED)[1].split())
        self.exit(EXIT_USAGE, f"{self.prog}: error: {message}\n")
        raise AssertionError("exit() returned")

    def _guess_what_was_meant(self, unrecognized: list[str]) -> str:
        if not unrecognized:
            return ""
        options = [option for action in self._actions for option in action.option_strings]
        guesses = difflib.get_close_matches(unrecognized[0].partition("=")[0], options, n=1)
        if guesses:
            return f"\nDid you mean '{guesses[0]}'?"
        return f"\nSee '{self.prog} --help' for the options there are."

    def parse_known_args(self, *args: Any, **kwargs: Any) -> Any:
        """As in `argparse`; a configuration file that exists but cannot be read is an error, not a traceback."""
        try:
            return super().parse_known_args(*args, **kwargs)
        except OSError as error:
            self.error(f"Unable to read config file: {error.filename}. Error: {error.strerror}")

    def add_argument(self, *args: Any, **kwargs: Any) -> configargparse.Action:
        """Add an argument.

        Args:
            *args: As in `argparse`.
            **kwargs: As in `configargparse` (`env_var` included), and for the web page: `include_in_web_ui` (True by
                default), `is_secret` (shown as dots), `is_required`, `is_multiple` (several of `choices`).

        Returns:
            The new action. Same as Locust.
        """
        shown = {
            "include_in_web_ui": kwargs.pop("include_in_web_ui", True),
            "is_secret": kwargs.pop("is_secret", False),
            "is_required": kwargs.pop("is_required", False),
            "is_multiple": kwargs.pop("is_multiple", False),
        }
        self._give_up_own(args)
        action = super().add_argument(*args, **kwargs)
        for name, value in shown.items():
            setattr(action, name, value)
        return action

    def _give_up_own(self, option_strings: tuple[str, ...]) -> None:
        """Withdraw options that Locust does not have, where a locustfile adds one of the same name: it knows nothing of ours."""
        for option_string in option_strings:
            action = self._option_string_actions.get(option_string)
            if getattr(action, "is_own", False):
                self._handle_conflict_resolve(None, [(option_string, action)])

    @property
    def args_included_in_web_ui(self) -> dict[str, configargparse.Action]:
        """The arguments the web page shows, by their destination. Same as Locust."""
        return {action.dest: action for action in self._actions if getattr(action, "include_in_web_ui", False)}

    @property
    def secret_args_included_in_web_ui(self) -> dict[str, configargparse.Action]:
        """Those shown as dots. Same as Locust."""
        return self._shown_with("is_secret")

    @property
    def required_args_included_in_web_ui(self) -> dict[str, configargparse.Action]:
        """Those that must be filled in. Same as Locust."""
        return self._shown_with("is_required")

    @property
    def multiple_args_included_in_web_ui(self) -> dict[str, configargparse.Action]:
        """Those that take several values. Same as Locust."""
        return self._shown_with("is_multiple")

    def _shown_with(self, trait: str) -> dict[str, configargparse.Action]:
        return {dest: action for dest, action in self.args_included_in_web_ui.items() if getattr(action, trait, False)}


class LocustTomlConfigParser(configargparse.TomlConfigParser):  # type: ignore[misc]
    """Reads one section of a TOML file. Same as Locust."""

    def parse(self, stream: TextIO) -> OrderedDict[str, Any]:
        """The settings of the first section there is; lists stay lists, everything else becomes text."""
        try:
            content = tomllib.loads(stream.read())
        except ValueError as error:
            name = getattr(stream, "name", "the configuration")
            raise configargparse.ConfigFileParserException(f"Couldn't parse TOML file: {name}: {error}") from error
        for section in self.sections:
            settings = configargparse.get_toml_section(content, section)
            if settings:
                return OrderedDict(
                    (key, value if isinstance(value, list) else str(value))
                    for key, value in settings.items()
                    if value is not None
                )
        return OrderedDict()


class LocustConfigParser(configargparse.ConfigFileParser):  # type: ignore[misc]
    """Reads `key = value` files, and the section `tool.locust` of TOML files. Same as Locust."""

    def parse(self, stream: TextIO) -> OrderedDict[str, Any]:
        """The settings of one file."""
        name = getattr(stream, "name", "the configuration")
        try:
            text = stream.read()
        except (UnicodeDecodeError, IsADirectoryError) as error:
            raise configargparse.ConfigFileParserException(
                f"Unable to read config file: {name}. It is not a text file: {error}"
            ) from error
        readable = io.StringIO(text)
        readable.name = name
        if str(name).endswith(".toml"):
            return LocustTomlConfigParser(["tool.locust"]).parse(readable)
        try:
            settings: OrderedDict[str, Any] = configargparse.DefaultConfigFileParser().parse(readable)
        except configargparse.ConfigFileParserException as error:
            raise configargparse.ConfigFileParserException(f"Unable to read config file: {name}. {error}") from error
        return settings

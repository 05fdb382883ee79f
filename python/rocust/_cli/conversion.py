"""How a word of the command line becomes a value, and what is said when it cannot."""

from __future__ import annotations

import ipaddress
import json
import math
import re
from typing import Any

import configargparse

from rocust._http.wire import PLAIN

_TIMESPAN = re.compile(r"(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+)s)?", re.ASCII)
_SECONDS_PER = {"hours": 3600, "minutes": 60, "seconds": 1}


def parse_timespan(time_str: str) -> int:
    """Seconds in a time span such as `20`, `20s`, `3m`, `2h`, `1h20m`, `3h30m10s`.

    Raises:
        ValueError: It is not one.

    Same as Locust.
    """
    if not time_str:
        raise ValueError("Invalid time span format")
    if re.fullmatch(r"\d+", time_str, re.ASCII):
        return int(time_str)
    parts = _TIMESPAN.fullmatch(time_str)
    if parts is None:
        raise ValueError("Invalid time span format. Valid formats: 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc.")
    return sum(int(count) * _SECONDS_PER[unit] for unit, count in parts.groupdict().items() if count)


def timespan(text: str) -> int:
    """`parse_timespan`, as the type of an argument."""
    try:
        return parse_timespan(text)
    except ValueError as error:
        raise configargparse.ArgumentTypeError(f"{error} (got {text!r})") from None


def user_count(text: str) -> int:
    """A number of users: a whole one, zero or more."""
    try:
        count = int(text)
    except ValueError:
        raise configargparse.ArgumentTypeError(
            f"invalid int value: {text!r}; it must be a whole number of users, such as 100"
        ) from None
    if count < 0:
        raise configargparse.ArgumentTypeError(f"must be 0 or more, got {count}; there are no negative users")
    return count


def positive_rate(text: str) -> float:
    """Users per second: finite and more than zero."""
    try:
        rate = float(text)
    except ValueError:
        raise configargparse.ArgumentTypeError(
            f"invalid float value: {text!r}; it must be a number of users per second, such as 10 or 0.5"
        ) from None
    if not math.isfinite(rate):
        raise configargparse.ArgumentTypeError(f"must be a finite number, got {text!r}")
    if rate <= 0:
        raise configargparse.ArgumentTypeError(f"must be > 0, got {text!r}; users would never start")
    return rate


def positive_integer(text: str) -> int:
    """A number of workers to wait for."""
    try:
        value = int(text)
    except ValueError:
        raise configargparse.ArgumentTypeError(f"invalid int value: {text!r}") from None
    if value < 1:
        raise configargparse.ArgumentTypeError(
            f"Invalid --expect-workers argument ({value}), must be a positive number"
        )
    return value


def address_override(text: str) -> str:
    """An address in place of what a name resolves to, as curl writes it."""
    try:
        PLAIN.but(resolve=text)
    except ValueError as problem:
        raise configargparse.ArgumentTypeError(str(problem)) from None
    return text


def ip_address(text: str) -> str:
    """An address of this machine."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise configargparse.ArgumentTypeError(
            f"{text!r} is not an IP address; it must be one of this machine's, such as 192.0.2.7"
        ) from None
    return text


def json_user_config(text: str) -> list[dict[str, Any]]:
    """Settings of user classes: a JSON object or array, or the path of a `.json` file that holds one."""
    try:
        if text.endswith(".json"):
            with open(text, encoding="utf-8") as file:
                content = json.load(file)
        else:
            content = json.loads(text)
    except json.JSONDecodeError as error:
        raise configargparse.ArgumentTypeError(
            f"The --config-users argument must be a valid JSON string or file: {error}"
        ) from None
    except OSError as error:
        raise configargparse.ArgumentTypeError(str(error)) from None
    settings = content if isinstance(content, list) else [content]
    for of_one_class in settings:
        if not isinstance(of_one_class, dict) or "user_class_name" not in of_one_class:
            raise configargparse.ArgumentTypeError("The user config must specify a user_class_name")
    return settings


def refused(message: str) -> type[configargparse.Action]:
    """An argparse action for an option that is gone: using it is an error that says what to use instead."""

    class RefusedOption(configargparse.Action):  # type: ignore[misc]
        def __call__(
            self,
            parser: Any,
            namespace: Any,
            values: Any,
            option_string: str | None = None,
        ) -> None:
            raise configargparse.ArgumentError(self, message)

    return RefusedOption

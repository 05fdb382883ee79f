"""Where the locustfiles are: `-f` turned into paths of Python files. Imports none of them; that is `loading`'s."""

from __future__ import annotations

import ast
import atexit
import itertools
import os
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import urlparse

from rocust._cli.refusal import nearest, refuse

_WHAT_IT_MAY_BE = "Ensure your locustfile ends with '.py' or is a directory with locustfiles."
_MORE = "See --help for available options."

#: How long a locustfile on the web may take to answer.
_DOWNLOAD_TIMEOUT_S = 30


def is_url(url: str) -> bool:
    """Whether this is an http or https address rather than a path. Same as Locust."""
    try:
        parts = urlparse(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def get_abspaths_in(path: str, extension: str | None = None) -> list[str]:
    """The absolute paths of the files below a directory; those that begin with an underscore are left out.

    Args:
        path: The directory.
        extension: Only files whose name ends so.

    Same as Locust.
    """
    return [
        os.path.abspath(os.path.join(directory, name))
        for directory, _, names in os.walk(path)
        for name in names
        if not name.startswith("_")
        and (extension is None or name.endswith(extension))
        and os.path.isfile(os.path.join(directory, name))
    ]


def parse_locustfile_paths(paths: Sequence[str]) -> list[str]:
    """The Python files that `-f` means; ends the process with one sentence if one of `paths` means none.

    Args:
        paths: Files, directories and addresses.

    Returns:
        Absolute paths. Same as Locust.
    """
    return [found for path in paths for found in _find(path)]


def _find(path: str) -> list[str]:
    if is_url(path):
        return [download_locustfile_from_url(path)]
    if os.path.isdir(path):
        found = get_abspaths_in(path, extension=".py")
        if not found:
            refuse(
                f"Could not find any locustfiles in directory '{path}'. "
                f"It needs at least one file that ends with '.py' and does not begin with an underscore."
            )
        return found
    if not os.path.exists(path):
        refuse(f"Could not find '{path}'. {_similar_file(path)}{_WHAT_IT_MAY_BE} {_MORE}")
    if not path.endswith(".py"):
        refuse(f"Could not find '{path}' as a Python file: its name does not end with '.py'. {_WHAT_IT_MAY_BE} {_MORE}")
    return [os.path.abspath(path)]


def _similar_file(path: str) -> str:
    directory, name = os.path.split(path)
    try:
        neighbours = [entry for entry in os.listdir(directory or ".") if entry.endswith(".py")]
    except OSError:
        return ""
    meant = nearest(name, neighbours)
    return f"Did you mean '{os.path.join(directory, meant)}'? " if meant else ""


def download_locustfile_from_url(url: str) -> str:
    """Fetch a locustfile from the web into a directory of this process, which is removed at exit.

    Returns:
        Its path.

    Differs from Locust: an answer that is an error page, or does not come, is refused; files of other processes in the
    directory for temporary files are left alone; the text is read as Python reads a file, not by the server's headers.
    """
    import requests

    try:
        response = requests.get(url, timeout=_DOWNLOAD_TIMEOUT_S)
        response.raise_for_status()
    except requests.exceptions.RequestException as error:
        refuse(f"Failed to get locustfile from: {url}. Exception: {error}")
    source = response.content
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        beginning = source[:100].decode(errors="replace")
        refuse(f"Failed to get locustfile from: {url}. Response was not valid python code: '{beginning}'")
    path = _free_path(urlparse(url).path.rpartition("/")[2] or "locustfile.py")
    with open(path, "wb") as file:
        file.write(source)
    return path


def _free_path(name: str) -> str:
    """Where a downloaded file of this name goes. They share a directory, so that one can import another."""
    directory = _download_directory()
    stem, extension = os.path.splitext(name)
    names = itertools.chain([name], (f"{stem}_{number}{extension}" for number in itertools.count(2)))
    return next(path for name in names if not os.path.exists(path := os.path.join(directory, name)))


@cache
def _download_directory() -> str:
    directory = tempfile.mkdtemp(prefix="rocust-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def get_locustfiles_locally(options: Any) -> list[str]:
    """The Python files that these options mean.

    Args:
        options: What `parse_locustfile_option` returned.

    Differs from Locust, for now: `-f -` (the locustfile of the master) is refused.
    """
    if options.locustfile == "-":
        refuse_locustfile_of_master(options)
    return parse_locustfile_paths([path.strip() for path in options.locustfile.split(",")])


def refuse_locustfile_of_master(options: Any) -> None:
    """End the process: nothing can be fetched from a master yet."""
    if not options.worker:
        refuse("locustfile was set to '-' (meaning to download from master) but --worker was not specified.")
    from rocust._cli.absent import refuse_absent_options

    refuse_absent_options(options)

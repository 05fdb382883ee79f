"""Servers that tests start: found, given a port, waited for, and ended."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

_DEADLINE_S = 30.0


def find_program(name: str, *folders: str) -> str:
    """The path of a program; the test is left out where it is not installed, but not in CI on Linux, which installs it.

    Args:
        name: Its name.
        folders: Where to look beside `PATH`; Debian keeps servers where only root looks.
    """
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", *folders])
    program = shutil.which(name, path=path)
    if program is None:
        message = f"{name} is not installed; make debian-packages says how to get it"
        if os.environ.get("CI") and sys.platform == "linux":
            pytest.fail(message)
        pytest.skip(message)
    return program


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def daemon(arguments: Sequence[str], port: int, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A server, from when it listens until the end of the block.

    Args:
        arguments: Its command line.
        port: Where it listens on 127.0.0.1.
        **options: What else `Popen` takes.
    """
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options) as process:
        try:
            deadline = time.monotonic() + _DEADLINE_S
            while not _listens(port):
                assert process.poll() is None, f"{arguments[0]} ended: {process.communicate()[0]}"
                assert time.monotonic() < deadline, f"{arguments[0]} does not listen on {port}"
                time.sleep(0.02)
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=_DEADLINE_S)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def program_with_port(arguments: Sequence[str]) -> Iterator[int]:
    """A server of the tests' own, which prints its port first and ends with its standard input; gives the port."""
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            announced = process.stdout.readline().strip()
            assert announced.isdigit(), f"{arguments} did not start: {announced!r}"
            yield int(announced)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(_DEADLINE_S)
            except subprocess.TimeoutExpired:
                process.kill()

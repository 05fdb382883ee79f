"""What importing does and does not do, and that `locust` and `rocust` are one package inside the command."""

from __future__ import annotations

import pytest
from support.command import PACKAGE, run_locust, run_python

PATCHED = """
import json, socket, ssl, subprocess, sys, threading, time, queue, select

def patchable():
    return [
        socket.socket, socket.create_connection, ssl.SSLSocket, subprocess.Popen, threading.Thread, threading.Lock,
        time.sleep, queue.SimpleQueue, select.select,
    ]

before = patchable()
import PACKAGE
import PACKAGE.runners, PACKAGE.clients, PACKAGE.env
after = patchable()
from gevent import monkey
print("SAME", json.dumps([old is new for old, new in zip(before, after)]))
modules = ("socket", "ssl", "thread", "time", "queue")
print("PATCHED", json.dumps([name for name in modules if monkey.is_module_patched(name)]))
print("ALIAS", json.dumps("locust" in sys.modules))
"""


@pytest.mark.ours("patches as soon as it is imported")
def test_bare_import_patches_nothing_and_makes_no_alias() -> None:
    result = run_python(PATCHED)
    assert result.returncode == 0, result.stderr
    assert result.printed("SAME") == [[True] * 9]
    assert result.printed("PATCHED") == [[]]
    assert result.printed("ALIAS") == [False]


@pytest.mark.ours("patches as soon as it is imported")
def test_bare_import_starts_no_thread_and_says_nothing() -> None:
    result = run_python("import os, threading\nimport PACKAGE\nprint('THREADS', len(os.listdir('/proc/self/task')))\n")
    assert result.printed("THREADS") == [1]
    assert result.stderr.strip() == ""


def test_command_patches_before_it_loads_the_file() -> None:
    file = """
from gevent import monkey
import json, threading, time
modules = ("socket", "ssl", "time", "threading", "queue", "subprocess")
print("PATCHED", json.dumps([monkey.is_module_patched(name) for name in modules]))

from locust import User, task

class Visitor(User):
    @task
    def work(self):
        self.environment.runner.quit()
"""
    result = run_locust(file)
    assert result.printed("PATCHED") == [[True] * 6]
    assert result.returncode == 0


@pytest.mark.ours("patches as soon as it is imported")
def test_command_patches_before_anything_else_has_taken_what_is_patched() -> None:
    """Gevent warns when a module was imported from before it was patched; nobody should be greeted by that."""
    file = "from locust import User, task\n\nclass Visitor(User):\n    @task\n    def work(self):\n        pass\n"
    result = run_locust(file, "--list", env={"PYTHONWARNINGS": "default"})
    assert "Warning" not in result.stderr
    assert "Visitor" in result.stdout
    assert result.returncode == 0


@pytest.mark.ours("is not called rocust")
def test_locust_is_the_very_same_package_inside_the_command() -> None:
    file = """
import importlib, json, sys
import locust, rocust

same = {}
for name in (
    "argument_parser", "clients", "contrib.fasthttp", "dispatch", "env", "event", "exception", "log", "main", "runners",
    "shape", "stats", "user", "user.task", "user.users", "user.wait_time", "util.timespan",
):
    same[name] = importlib.import_module("locust." + name) is importlib.import_module("rocust." + name)
same[""] = locust is rocust
same["class"] = locust.HttpUser is rocust.HttpUser
import locust.exception, rocust.exception
same["exception class"] = locust.exception.StopUser is rocust.exception.StopUser
same["events"] = locust.events is rocust.events
same["decorator"] = callable(locust.user.task) or callable(locust.task)
print("SAME", json.dumps(same))

from locust import User, task

class Visitor(User):
    @task
    def work(self):
        raise rocust.exception.StopUser()

    def on_stop(self):
        self.environment.runner.quit()
"""
    result = run_locust(file, "-t", "5")
    (same,) = result.printed("SAME")
    assert [name for name, is_same in same.items() if not is_same] == []
    assert len(same) == 22
    assert result.returncode == 0


@pytest.mark.ours("is not called rocust")
def test_install_makes_the_alias_in_a_script_and_patches_nothing() -> None:
    script = """
import socket
bare = socket.socket
import rocust
rocust.install()
import locust, locust.stats
from locust import HttpUser
import rocust.stats
print("SAME", str(locust.stats is rocust.stats and HttpUser is rocust.HttpUser and socket.socket is bare).lower())
"""
    assert run_python(script).printed("SAME") == [True]


def test_documented_names_can_be_imported_from_the_package() -> None:
    classes = "User HttpUser FastHttpUser TaskSet"
    names = f"{classes} task tag between constant constant_pacing constant_throughput poisson events"
    script = f"""
from PACKAGE import {", ".join(names.split())}
from PACKAGE.env import Environment
from PACKAGE.stats import RequestStats, StatsEntry
from PACKAGE.runners import LocalRunner
from PACKAGE.exception import StopUser, InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately
from PACKAGE.exception import CatchResponseError
from PACKAGE.contrib.fasthttp import FastHttpUser as again
from PACKAGE.user import wait_time
import PACKAGE
assert again is FastHttpUser
print("NAME", '"%s"' % PACKAGE.__name__)
"""
    result = run_python(script)
    assert result.stderr.strip() == ""
    assert result.printed("NAME") == [PACKAGE]


def test_old_class_names_fail_with_a_hint() -> None:
    script = """
import PACKAGE
try:
    class Old(PACKAGE.HttpLocust):
        pass
except ImportError as error:
    print("HINT", '"%s"' % ("renamed to" in str(error)))
"""
    assert run_python(script).printed("HINT") == ["True"]

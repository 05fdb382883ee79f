"""Keys that are pressed on a real terminal while a test runs."""

from __future__ import annotations

import pytest
from support.command import RunningCommand, start_locust

pytest.importorskip("termios", reason="there are no such terminals here")
from support.terminal import Terminal

IDLE = """
from locust import User, constant, task

class Idle(User):
    wait_time = constant(0.1)

    @task
    def work(self):
        pass
"""
LINGERING = (
    IDLE
    + """
    def on_stop(self):
        import gevent
        print("lingering", flush=True)
        gevent.sleep(60)
"""
)


def wait_for_users(running: RunningCommand, count: int) -> None:
    running.wait_for_line(rf'All users spawned: {{"Idle": {count}}} \({count} total users\)')


@pytest.fixture(name="terminal")
def _terminal():
    with Terminal() as terminal:
        yield terminal


def test_keys_start_and_stop_users(terminal: Terminal) -> None:
    with start_locust(IDLE, "-u", "0", terminal=terminal) as running:
        wait_for_users(running, 0)
        assert not terminal.is_as_at_first, "keys would only come with Enter"
        terminal.press("w")
        running.wait_for_line(r"Ramping to 1 users at a rate of 100\.00 per second")
        wait_for_users(running, 1)
        terminal.press("W")
        wait_for_users(running, 11)
        terminal.press("x\n")
        terminal.press("s")
        wait_for_users(running, 10)
        terminal.press("S")
        running.wait_for_line("Ramping to 0 users")
        terminal.press("\x03")
        result = running.wait()
    assert result.returncode == 0, result.stderr
    assert "Shutting down (exit code 0)" in result.log_lines()
    assert terminal.is_as_at_first


@pytest.mark.ours("hearing each key of those that come at once")
def test_keys_that_come_at_once_are_all_heard(terminal: Terminal) -> None:
    with start_locust(IDLE, "-u", "0", terminal=terminal) as running:
        wait_for_users(running, 0)
        terminal.press("www")
        wait_for_users(running, 3)
        terminal.press("\x03")
        assert running.wait().returncode == 0


def test_keys_are_refused_while_users_are_on_their_way(terminal: Terminal) -> None:
    with start_locust(IDLE, "-u", "1000", "-r", "1", terminal=terminal) as running:
        running.wait_for_line("Ramping to 1000 users")
        terminal.press("wS")
        running.wait_for_line("Already spawning users, can't spawn more right now")
        running.wait_for_line("Spawning users, can't stop right now")
        terminal.press("\x03")
        assert running.wait().returncode == 0


@pytest.mark.ours("its second Ctrl-C")
def test_the_terminal_is_given_back_when_the_process_ends_at_once(terminal: Terminal) -> None:
    with start_locust(LINGERING, "-s", "60", terminal=terminal) as running:
        wait_for_users(running, 1)
        terminal.press("\x03")
        running.wait_for_line("^lingering", "stdout")
        terminal.press("\x03")
        assert running.wait(10).returncode == 130
    assert terminal.is_as_at_first


def test_the_terminal_is_given_back_when_a_task_ends_the_process(terminal: Terminal) -> None:
    leaving = IDLE.replace("pass", "import gevent, sys; gevent.sleep(1); sys.exit(9)")
    with start_locust(leaving, terminal=terminal) as running:
        assert running.wait().returncode == 9
    assert terminal.is_as_at_first


@pytest.mark.ours("keeping its hands off a terminal that is another's")
def test_a_test_in_the_background_is_not_stopped_by_its_terminal() -> None:
    with Terminal(in_background=True) as terminal, start_locust(IDLE, "-t", "2", terminal=terminal) as running:
        wait_for_users(running, 1)
        terminal.press("w")
        result = running.wait()
        assert terminal.is_as_at_first
    assert result.returncode == 0, result.stderr
    assert "Ramping to 2 users" not in result.stderr


def test_no_terminal_no_keys() -> None:
    with start_locust(IDLE, "-t", "1", "-L", "DEBUG") as running:
        running.wait_for_line("Terminal was not a tty. Keyboard input disabled")
        assert running.wait().returncode == 0

"""SIGTERM at any moment, and panics of the compiled module: the run ends soon, with a report, and says what happened.

The limits of time here are far above what is promised (the stop timeout and two seconds): a machine on which everything else runs
too must not fail a test. What a limit tells apart is an end from a wait for the user, which would take a minute or for ever.
"""

from __future__ import annotations

import signal
import time

import pytest
from support.command import run_locust, start_locust

#: Below what the users below would take, far above what is promised.
SOON_S = 20.0

USER = """
import time
from locust import User, constant, events, task

class Visitor(User):
    wait_time = constant(1)

    def on_start(self):
        ON_START

    @task
    def work(self):
        WORK

    def on_stop(self):
        ON_STOP
"""
GO = "print('GO', 1, flush=True)"


def visitor(on_start="pass", work="pass", on_stop="pass", more=""):
    file = USER.replace("ON_START", on_start).replace("WORK", work).replace("ON_STOP", on_stop)
    return file + more


def listener(event):
    return f"\n@events.{event}.add_listener\ndef heard(**_):\n    {GO}; time.sleep(60)\n"


MOMENTS = {
    "in test_start": (visitor(more=listener("test_start")), ()),
    "in the ramp": (visitor(on_start=GO), ("-u", "1000", "-r", "5")),
    "in on_start": (visitor(on_start=f"{GO}; time.sleep(60)"), ()),
    "in a task": (visitor(work=f"{GO}; time.sleep(60)"), ()),
    "in on_stop": (visitor(work="time.sleep(60)", on_stop=f"{GO}; time.sleep(60)"), ("-t", "1")),
    "in test_stop": (visitor(more=listener("test_stop")), ("-t", "1")),
}


def terminated(file, *arguments):
    """Run until the file says GO, send SIGTERM, and give the result and the seconds it took from there."""
    with start_locust(file, "--only-summary", *arguments) as running:
        running.wait_for_line("^GO", "stdout")
        sent_s = time.monotonic()
        running.send_signal(signal.SIGTERM)
        result = running.wait(SOON_S)
    return result, time.monotonic() - sent_s


@pytest.mark.parametrize("moment", MOMENTS)
def test_sigterm_ends_the_run_with_a_report(moment):
    file, arguments = MOMENTS[moment]
    result, _ = terminated(file, *arguments)
    assert result.returncode == 0
    assert "Got SIGTERM signal" in result.stderr
    assert result.tables.total.requests == 0
    assert "Traceback" not in result.stderr


def test_sigterm_gives_up_a_user_that_does_not_let_go_and_says_so():
    stubborn = """print('GO', 1, flush=True)
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass"""
    result, _ = terminated(visitor(work=stubborn))
    assert result.returncode == 0
    assert "SIGTERM does not wait any longer" in result.stderr
    assert "1 users have not ended" in result.stderr
    assert result.tables.total.requests == 0


def test_sigterm_waits_for_the_stop_timeout():
    finishing = f"{GO}; time.sleep(2); print('FINISHED', 1)"
    result, seconds = terminated(visitor(work=finishing, on_stop="print('STOPPED', 1)"), "-s", "30")
    assert (result.printed("FINISHED"), result.printed("STOPPED")) == ([1], [1])
    assert seconds >= 1
    assert "does not wait" not in result.stderr


@pytest.mark.ours("hangs for ever: nobody else has a turn")
def test_sigterm_reaches_users_that_compute_without_end():
    computing = f"{GO}\n        while True:\n            pass"
    result, _ = terminated(visitor(work=computing, on_stop="print('STOPPED', 1)"), "-u", "2", "-r", "2")
    assert result.printed("STOPPED")
    assert result.tables.total.requests == 0


def test_sigterm_while_the_locustfile_loads_ends_the_process_as_it_always_does():
    file = f"import time\n{GO}\ntime.sleep(60)\n{visitor()}"
    result, _ = terminated(file)
    assert result.returncode == -signal.SIGTERM


def test_sigterm_after_ctrl_c_does_not_wait_for_on_stop():
    file = visitor(work="print('WORK', 1, flush=True); time.sleep(60)", on_stop=f"{GO}; time.sleep(60)")
    with start_locust(file) as running:
        running.wait_for_line("^WORK", "stdout")
        running.send_signal(signal.SIGINT)
        running.wait_for_line("^GO", "stdout")
        running.send_signal(signal.SIGTERM)
        result = running.wait(SOON_S)
    assert result.returncode == 0
    assert result.tables.total.requests == 0


@pytest.mark.ours("is told nothing of a second one")
def test_second_ctrl_c_ends_a_hanging_on_stop_at_once():
    file = visitor(work="print('WORK', 1, flush=True); time.sleep(60)", on_stop=f"{GO}; time.sleep(60)")
    with start_locust(file) as running:
        running.wait_for_line("^WORK", "stdout")
        running.send_signal(signal.SIGINT)
        running.wait_for_line("^GO", "stdout")
        running.send_signal(signal.SIGINT)
        result = running.wait(SOON_S)
    assert result.returncode == 130
    assert "interrupted again, ending at once" in result.stderr


# A ledger with so many shards cannot be made: a real panic, in the middle of a call of the compiled module.
PANIC = "from rocust import _core; _core.Ledger(1 << 62)"


@pytest.mark.ours("has no compiled module")
@pytest.mark.parametrize("place", ["on_start", "work", "on_stop"])
def test_panic_fails_the_run_whatever_it_was_doing(place):
    ending = ("-t", "1") if place == "on_stop" else ("-t", "600")
    quitting = "\n@events.quitting.add_listener\ndef good(environment, **_):\n    environment.process_exit_code = 0\n"
    result = run_locust(visitor(**{place: PANIC}, more="" if place == "on_stop" else quitting), *ending)
    assert "capacity overflow" in result.stderr
    assert "Panic" in result.stderr
    assert result.returncode == 2
    if place != "on_stop":
        (told,) = result.log_lines("CRITICAL", "locust.main")
        assert told.startswith("Rocust itself has failed, in its compiled module: capacity overflow (")
        assert result.tables.total.requests == 0


@pytest.mark.ours("has no compiled module")
def test_panic_before_the_test_is_told_too():
    result = run_locust(f"{PANIC}\n{visitor()}", "-t", "1", probe=False)
    assert "capacity overflow" in result.stderr
    assert "Rocust itself has failed" in result.stderr
    assert result.returncode == 2

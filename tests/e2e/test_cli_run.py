"""A run from the command line: what is logged and printed, how it is ended, and the exit code."""

from __future__ import annotations

import json
import re
import signal

import pytest
from support.command import IS_STOCK, Result, run_locust, start_locust

WORKER = """
from locust import User, task, constant, events

class Worker(User):
    wait_time = constant(0.01)

    @task
    def work(self):
        self.environment.events.request.fire(
            request_type="WORK", name="piece", response_time=2, response_length=3, exception={exception}, context={{}}
        )

    def on_stop(self):
        print("on_stop", flush=True)

@events.test_stop.add_listener
def test_stop(**_):
    print("test_stop", flush=True)

@events.quitting.add_listener
def quitting(**_):
    print("quitting", flush=True)

@events.quit.add_listener
def quit(exit_code, **_):
    print("quit", exit_code, flush=True)

@events.spawning_complete.add_listener
def spawned(user_count, **_):
    print("spawned", user_count, flush=True)
"""
FINE = WORKER.format(exception=None)
FAILING = WORKER.format(exception="ValueError('broken piece')")

STUBBORN = """
import time
from locust import User, task, events

class Stubborn(User):
    @task
    def work(self):
        print("working", flush=True)
        while True:
            try:
                time.sleep(0.01)
            except:
                pass
"""

BUSY = """
from locust import User, task

class Busy(User):
    @task
    def work(self):
        print("working", flush=True)
        while True:
            pass
"""

EPILOGUE = ["quitting", "on_stop", "test_stop"]


def ended_in_order(result: Result, exit_code: int) -> None:
    assert result.returncode == exit_code, result.stderr
    said = [line for line in dict.fromkeys(result.stdout.splitlines()) if not line.startswith("spawned")]
    assert sorted(said[:3]) == sorted(EPILOGUE), result.stdout
    assert said[3:] == [f"quit {exit_code}"], result.stdout
    assert f"Shutting down (exit code {exit_code})" in result.log_lines("INFO", "locust.main")
    assert "Aggregated" in result.stderr
    assert "Response time percentiles (approximated)" in result.stderr


def test_the_log_lines_that_wrappers_wait_for() -> None:
    result = run_locust(FINE, "-u", "2", "-r", "10", "-t", "1")
    ended_in_order(result, 0)
    lines = result.log_lines("INFO")
    assert re.match(r"Starting Locust 2\.47\.0\b", lines[0])
    assert "Run time limit set to 1 seconds" in lines
    assert "Ramping to 2 users at a rate of 10.00 per second" in lines
    assert 'All users spawned: {"Worker": 2} (2 total users)' in lines
    assert "--run-time limit reached, shutting down" in lines
    assert lines.index("Run time limit set to 1 seconds") < lines.index("--run-time limit reached, shutting down")


def test_one_user_without_options() -> None:
    with start_locust(FINE) as running:
        running.wait_for_line(r"locust.main: No run time limit set, use CTRL\+C to interrupt")
        assert running.wait_for_line("^spawned", "stdout") == "spawned 1"
        running.send_signal(signal.SIGINT)
        ended_in_order(running.wait(), 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_the_run_in_order(number: signal.Signals) -> None:
    with start_locust(FINE) as running:
        running.wait_for_line("^spawned", "stdout")
        running.send_signal(number)
        result = running.wait()
    ended_in_order(result, 0)
    assert ("Got SIGTERM signal" in result.log_lines()) is (number is signal.SIGTERM)
    assert IS_STOCK or "Traceback" not in result.stderr, "Locust interrupts whichever greenlet runs"


def test_a_signal_while_users_are_being_started() -> None:
    with start_locust(FINE, "-u", "100", "-r", "1") as running:
        running.wait_for_line("Ramping to 100 users")
        running.send_signal(signal.SIGINT)
        result = running.wait()
    assert result.returncode == 0, result.stderr
    assert "test_stop" in result.stdout


@pytest.mark.ours("its second Ctrl-C")
def test_a_second_ctrl_c_ends_at_once() -> None:
    slow_end = FINE.replace(
        'print("on_stop", flush=True)',
        'print("stopping", flush=True); import time; time.sleep(60)',
    )
    with start_locust(slow_end, "-s", "60") as running:
        running.wait_for_line("^spawned", "stdout")
        running.send_signal(signal.SIGINT)
        running.wait_for_line("^stopping", "stdout")
        running.send_signal(signal.SIGINT)
        result = running.wait(10)
    assert result.returncode == 130
    assert "interrupted again, ending at once" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.ours("Ctrl-C that no task can swallow")
def test_a_bare_except_does_not_swallow_ctrl_c() -> None:
    with start_locust(STUBBORN) as running:
        running.wait_for_line("^working", "stdout")
        running.send_signal(signal.SIGINT)
        running.wait_for_line("Shutting down")
        running.send_signal(signal.SIGINT)
        assert running.wait(10).returncode in (0, 130)


@pytest.mark.ours("a second Ctrl-C that works while a task computes")
def test_two_ctrl_c_end_a_task_that_computes_without_end() -> None:
    with start_locust(BUSY) as running:
        running.wait_for_line("^working", "stdout")
        running.send_signal(signal.SIGINT)
        # Python handles a signal between two of its instructions, and two of the same kind as one: until it has.
        while running.process.poll() is None:
            running.send_signal(signal.SIGINT)
        assert running.wait(10).returncode == 130


def test_ctrl_c_while_the_locustfile_is_imported() -> None:
    with start_locust("import time\nprint('importing', flush=True)\ntime.sleep(60)\n") as running:
        running.wait_for_line("importing", "stdout")
        running.send_signal(signal.SIGINT)
        result = running.wait(10)
    assert result.returncode in (130, -signal.SIGINT)
    assert "Starting Locust" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [([], 1), (["--exit-code-on-error", "7"], 7), (["--exit-code-on-error", "0"], 0)],
)
def test_failed_requests_decide_the_exit_code(arguments: list[str], exit_code: int) -> None:
    result = run_locust(FAILING, "-t", "1", *arguments)
    ended_in_order(result, exit_code)
    assert "Error report" in result.stderr
    assert "broken piece" in result.stderr


def test_the_locustfile_decides_the_exit_code() -> None:
    text = FAILING + (
        "\n@events.quitting.add_listener\ndef decide(environment, **_):\n    environment.process_exit_code = 42\n"
    )
    ended_in_order(run_locust(text, "-t", "1"), 42)


def test_an_event_handler_that_raises_makes_two() -> None:
    text = FINE + "\n@events.test_start.add_listener\ndef fail(**_):\n    raise RuntimeError('out of order')\n"
    result = run_locust(text, "-t", "1")
    ended_in_order(result, 2)
    assert "RuntimeError: out of order" in result.stderr


def test_list() -> None:
    result = run_locust(FINE, "--list", headless=False)
    assert result.returncode == 0
    assert "Available Users:\n    Worker\n" in result.stdout


def test_show_task_ratio() -> None:
    result = run_locust(FINE, "--show-task-ratio", headless=False)
    assert result.returncode == 0
    assert " Task ratio per User class" in result.stdout
    assert " Total task ratio" in result.stdout
    assert "work" in result.stdout
    as_json = run_locust(FINE, "--show-task-ratio-json", headless=False)
    assert as_json.returncode == 0
    assert json.loads(as_json.stdout)["per_class"]["Worker"]["ratio"] == 1.0


@pytest.mark.ours("its own version")
def test_version() -> None:
    result = run_locust("raise AssertionError('not imported for this')\n", "-V", probe=False)
    assert result.returncode == 0
    assert re.match(
        r"rocust \S+ from \S+ \(Python 3\.\d+\.\d+\), with the Python API of Locust 2\.47\.0\n",
        result.stdout,
    )


def test_help_does_not_import_the_locustfile() -> None:
    result = run_locust("raise AssertionError('not imported for this')\n", "--help", probe=False)
    assert result.returncode == 0
    assert "--spawn-rate" in result.stdout


def test_json_on_stdout_and_in_a_file(tmp_path) -> None:
    result = run_locust(FINE.replace("print(", "(lambda *a, **k: None)("), "-t", "1", "--json")
    (entry,) = result.stats_json
    assert (entry["method"], entry["name"]) == ("WORK", "piece")
    assert entry["num_requests"] > 0
    base = tmp_path / "deep" / "results"
    result = run_locust(FINE, "-t", "1", "--json-file", str(base))
    assert result.returncode == 0, result.stderr
    assert json.loads(base.with_suffix(".json").read_text())[0]["name"] == "piece"
    assert "Response time percentiles" not in result.stderr


def test_tables_are_printed_meanwhile_unless_only_the_summary_is_wanted() -> None:
    assert run_locust(FINE, "-t", "3").stderr.count("Aggregated") > run_locust(
        FINE, "-t", "3", "--only-summary"
    ).stderr.count("Aggregated")


def test_a_logfile_takes_the_log_and_leaves_the_tables(tmp_path) -> None:
    path = tmp_path / "deep" / "locust.log"
    result = run_locust(FINE, "-t", "1", "--logfile", str(path))
    assert result.returncode == 0, result.stderr
    assert "Starting Locust" in path.read_text()
    assert "Starting Locust" not in result.stderr
    assert "Aggregated" in result.stderr


def test_config_users_sets_attributes() -> None:
    text = FINE + (
        "\n@events.init.add_listener\n"
        "def tell(environment, **_):\n"
        "    print('host', environment.user_classes[0].host, environment.user_classes[0].shop, flush=True)\n"
    )
    settings = '{"user_class_name": "Worker", "host": "http://elsewhere", "shop": 3}'
    result = run_locust(text, "-t", "1", "--config-users", settings)
    assert result.returncode == 0, result.stderr
    assert "host http://elsewhere 3" in result.stdout


def test_environment_variables_and_custom_options_reach_the_locustfile() -> None:
    text = FINE + (
        "\n@events.init_command_line_parser.add_listener\n"
        "def add(parser, **_):\n"
        "    parser.add_argument('--shop', env_var='LOCUST_SHOP', default='main')\n"
        "\n@events.init.add_listener\n"
        "def tell(environment, **_):\n"
        "    options = environment.parsed_options\n"
        "    print('told', options.shop, options.num_users, flush=True)\n"
    )
    result = run_locust(text, "-t", "1", env={"LOCUST_SHOP": "small", "LOCUST_USERS": "3"})
    assert result.returncode == 0, result.stderr
    assert "told small 3" in result.stdout


def test_sys_exit_in_a_task_ends_the_process_with_that_code() -> None:
    text = (
        "import sys\nfrom locust import User, task\n\n"
        "class Leaver(User):\n    @task\n    def go(self):\n        sys.exit(9)\n"
    )
    assert run_locust(text, "-t", "20").returncode == 9

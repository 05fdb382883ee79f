"""Options whose effect shows only in a run: each is given, and what it does is seen."""

from __future__ import annotations

import json

import pytest
from support.command import run_locust

TELLING = """
import json
from locust import User, constant, events, tag, task

class Worker(User):
    wait_time = constant(0.02)

    @tag("often")
    @task(9)
    def often(self):
        self.note("often")

    @task
    def seldom(self):
        self.note("seldom")

    def note(self, name):
        self.environment.events.request.fire(
            request_type="WORK", name=name, response_time=2, response_length=3, exception=None, context={}
        )

def tell(what, value):
    print(what, json.dumps(value), flush=True)

@events.init.add_listener
def on_init(environment, runner, web_ui, **_):
    options = environment.parsed_options
    tell("OPTIONS", {key: value for key, value in vars(options).items() if isinstance(value, (str, int, float, list))})
    tell("ENVIRONMENT", [environment.profile, environment.reset_stats, environment.stop_timeout, web_ui])

@events.test_start.add_listener
def on_start(environment, **_):
    tell("TASKS", sorted(task.__name__ for task in environment.user_classes[0].tasks))

@events.spawning_complete.add_listener
def on_spawned(**_):
    tell("SPAWNED", 1)
"""
CUSTOM = (
    TELLING
    + """
@events.init_command_line_parser.add_listener
def add(parser, **_):
    parser.add_argument("--shop", env_var="LOCUST_SHOP", choices=["small", "large"], default="small")
    parser.add_argument("--token", is_secret=True, default="")
    parser.add_argument("--must", is_required=True, type=int)
    parser.add_argument("--goods", is_multiple=True, nargs="+", choices=["a", "b", "c"], default=["a"])
    parser.add_argument("--hidden", include_in_web_ui=False, action="store_true")

@events.init.add_listener
def show(**_):
    from locust.argument_parser import default_args_dict, ui_extra_args_dict
    tell("SHOWN", ui_extra_args_dict())
    tell("OURS", "shop" in default_args_dict())
"""
)


def test_equal_weights() -> None:
    weighted = run_locust(TELLING, "-t", "1").printed("TASKS")[0]
    assert weighted == ["often"] * 9 + ["seldom"]
    assert run_locust(TELLING, "-t", "1", "--equal-weights").printed("TASKS")[0] == ["often", "seldom"]


def test_tags() -> None:
    assert run_locust(TELLING, "-t", "1", "--tags", "often").printed("TASKS")[0] == ["often"] * 9
    assert run_locust(TELLING, "-t", "1", "-E", "often").printed("TASKS")[0] == ["seldom"]


def test_reset_stats_forgets_the_ramp() -> None:
    counting = (
        TELLING
        + """
@events.test_start.add_listener
def count_all(environment, **_):
    environment.all_of_them = 0
    @environment.events.request.add_listener
    def one_more(**_):
        environment.all_of_them += 1

@events.quitting.add_listener
def compare(environment, **_):
    tell("COUNTS", [environment.all_of_them, environment.stats.total.num_requests])
"""
    )
    ((seen, kept),) = run_locust(counting, "-u", "3", "-r", "1", "-t", "4", "--reset-stats").printed("COUNTS")
    assert 0 < kept < seen
    ((seen, kept),) = run_locust(counting, "-u", "3", "-r", "1", "-t", "4").printed("COUNTS")
    assert seen == kept > 0


def test_options_reach_the_environment() -> None:
    (told,) = run_locust(TELLING, "-t", "1", "--profile", "nightly", "-s", "2m", "--reset-stats").printed("ENVIRONMENT")
    assert told == ["nightly", True, 120, None]


def test_a_stop_timeout_lets_tasks_finish() -> None:
    slow = """
from locust import User, task
import gevent

class Slow(User):
    @task
    def work(self):
        print("BEGUN 1", flush=True)
        gevent.sleep(2)
        print("FINISHED 1", flush=True)
"""
    assert run_locust(slow, "-t", "1", "-s", "20").printed("FINISHED") == [1]
    assert run_locust(slow, "-t", "1").printed("FINISHED") == []


def test_custom_options_from_everywhere() -> None:
    result = run_locust(
        CUSTOM, "-t", "1", "--must", "7", "--goods", "b", "c", "--token", "t0k", env={"LOCUST_SHOP": "large"}
    )
    (options,) = result.printed("OPTIONS")
    assert (options["shop"], options["must"], options["goods"], options["token"]) == ("large", 7, ["b", "c"], "t0k")
    assert options["hidden"] is False
    (shown,) = result.printed("SHOWN")
    assert set(shown) == {"shop", "token", "must", "goods"}
    assert shown["shop"]["choices"] == ["small", "large"]
    assert shown["shop"]["default_value"] == "large"
    assert [shown[name]["is_secret"] for name in ("shop", "token")] == [False, True]
    assert [shown[name]["is_required"] for name in ("shop", "must")] == [False, True]
    assert [shown[name]["is_multiple"] for name in ("shop", "goods")] == [False, True]
    assert result.printed("OURS") == [False]


def test_a_configuration_file_is_read_wherever_it_is_named(tmp_path) -> None:
    path = tmp_path / "load.conf"
    path.write_text(
        "# a test of ours\nusers = 3\nspawn-rate 3\nshop = large\ngoods = [a, c]\nrun-time = 1s\nheadless\n"
    )
    result = run_locust(CUSTOM, "--config", str(path), "--shop", "small", headless=False)
    assert result.returncode == 0, result.stderr
    (options,) = result.printed("OPTIONS")
    assert (options["num_users"], options["shop"], options["goods"], options["run_time"]) == (3, "small", ["a", "c"], 1)
    path = tmp_path / "load.toml"
    path.write_text('[tool.locust]\nusers = 2\nrun-time = "1s"\nheadless = true\ngoods = ["b"]\n')
    (options,) = run_locust(CUSTOM, "--config", str(path), headless=False).printed("OPTIONS")
    assert (options["num_users"], options["goods"]) == (2, ["b"])


def test_autostart_is_implied_by_headless() -> None:
    result = run_locust(TELLING, "-t", "1", "--autostart", "--autoquit", "0")
    assert result.returncode == 0, result.stderr
    assert "The --autostart argument is implied by --headless, no need to set both." in result.log_lines("INFO")
    assert "--run-time limit reached, shutting down" in result.log_lines("INFO")


def test_levels_of_the_log() -> None:
    logging_user = TELLING + "\nimport logging\nlogging.getLogger('shop').debug('a detail')\n"
    chatty = (
        logging_user + "\n@events.init.add_listener\ndef speak(**_):\n    logging.getLogger('shop').debug('aside')\n"
    )
    assert "aside" in run_locust(chatty, "-t", "1", "--loglevel", "debug").log_lines("DEBUG", "shop")
    quiet = run_locust(chatty, "-t", "1", "-L", "ERROR")
    assert quiet.log_lines() == []
    assert "Aggregated" in quiet.stderr


def test_skip_log_setup_leaves_the_log_to_the_locustfile() -> None:
    own = "import logging\nlogging.basicConfig(level='INFO', format='OWN %(message)s')\n" + TELLING
    result = run_locust(own, "-t", "1", "--skip-log-setup")
    assert "OWN Run time limit set to 1 seconds" in result.stderr
    assert result.log_lines() == []


def test_the_log_can_be_read_back() -> None:
    reading = (
        TELLING
        + """
@events.quitting.add_listener
def read(**_):
    from locust.log import get_logs
    tell("READ", get_logs())
"""
    )
    (lines,) = run_locust(reading, "-t", "1").printed("READ")
    assert any(line.endswith("Run time limit set to 1 seconds") for line in lines)


PATCHES = (
    """
import json
from gevent import monkey
print("PATCHED", json.dumps(monkey.is_module_patched("socket")))
"""
    + TELLING
)


@pytest.mark.parametrize(("variables", "is_patched"), [({}, True), ({"LOCUST_SKIP_MONKEY_PATCH": "1"}, False)])
def test_patches_can_be_left_out(variables: dict[str, str], is_patched: bool) -> None:
    result = run_locust(PATCHES, "--list", headless=False, env=variables)
    assert result.returncode == 0, result.stderr
    assert result.printed("PATCHED") == [is_patched]


def test_shows_of_task_ratios_heed_the_users() -> None:
    two = TELLING + "\nclass Other(User):\n    fixed_count = 1\n    @task\n    def other(self):\n        pass\n"
    shown = json.loads(run_locust(two, "--show-task-ratio-json", "-u", "4", headless=False).stdout)
    assert set(shown) == {"per_class", "total"}
    assert shown["total"]["Other"]["ratio"] == 0.25
    assert "seldom" in run_locust(two, "--show-task-ratio", headless=False).stdout

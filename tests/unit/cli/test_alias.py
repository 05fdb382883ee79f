"""`import locust` is Rocust, module by module, once it was asked for; each case in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest


def run(script, *path):
    """Run a script in a fresh interpreter, with these directories first on its path."""
    preamble = f"import sys\nsys.path[:0] = {[str(directory) for directory in path]!r}\n"
    ended = subprocess.run(
        [sys.executable, "-c", preamble + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture
def other_locust(tmp_path):
    """A directory with another package called locust in it."""
    package = tmp_path / "elsewhere" / "locust"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("other = True\n")
    (package / "only_there.py").write_text("")
    (package / "stats.py").write_text("other = True\n")
    return package.parent


def test_a_bare_import_does_not_do_it():
    run("""
        import rocust
        assert "locust" not in sys.modules
        assert not any("rocust" in type(finder).__module__ for finder in sys.meta_path)
    """)


def test_every_module_is_the_very_same_object():
    run("""
        import rocust
        from rocust._compat.alias import install
        install()
        import locust
        assert locust is rocust
        assert locust.events is rocust.events
        import importlib
        for name in ("exception", "event", "log", "main", "argument_parser", "env", "stats", "runners", "clients",
                     "debug", "util", "util.timespan", "user", "user.task", "user.users", "user.wait_time",
                     "contrib.fasthttp"):
            ours, theirs = importlib.import_module(f"rocust.{name}"), importlib.import_module(f"locust.{name}")
            assert ours is theirs is sys.modules[f"locust.{name}"], name
            assert ours.__spec__.name == f"rocust.{name}", ours.__spec__
        from locust.exception import StopUser
        assert StopUser is rocust.exception.StopUser
    """)


def test_a_module_that_is_first_imported_by_its_second_name_is_loaded_once():
    run("""
        from rocust._compat.alias import install
        install()
        assert "rocust.util.cache" not in sys.modules
        import locust.util.cache as theirs
        import rocust.util.cache as ours
        assert theirs is ours
        assert theirs.__name__ == theirs.__spec__.name == "rocust.util.cache"
        import importlib
        assert importlib.reload(theirs) is ours
    """)


def test_task_stays_a_decorator_and_a_module():
    run("""
        from rocust._compat.alias import install
        install()
        import locust.user.task
        from locust.user import task
        from locust.user.task import task as same, TaskSet
        assert task is same and callable(task) and locust.task is task
        assert sys.modules["locust.user.task"].TaskSet is TaskSet
    """)


def test_assigned_events_reach_who_fires_them():
    run("""
        from rocust._compat.alias import install
        install()
        import locust
        from locust.event import Events
        from rocust._events import global_events
        locust.events = Events()
        assert global_events() is locust.events
    """)


def test_mock_patch_finds_modules_by_the_second_name_and_restores_them():
    run("""
        from unittest import mock
        from rocust._compat.alias import install
        install()
        import rocust.util.timespan
        before = rocust.util.timespan.parse_timespan
        with mock.patch("locust.util.timespan.parse_timespan", new="patched"):
            assert rocust.util.timespan.parse_timespan == "patched"
        assert rocust.util.timespan.parse_timespan is before
    """)


def test_a_module_there_is_not_is_missing_by_the_name_asked_for():
    run("""
        from rocust._compat.alias import install
        install()
        try:
            import locust.nothing_like_it
        except ModuleNotFoundError as error:
            assert error.name == "locust.nothing_like_it", error.name
        else:
            raise AssertionError("found")
    """)


def test_twice_is_once():
    run("""
        from rocust._compat.alias import install
        install(); install()
        assert sum("rocust" in type(finder).__module__ for finder in sys.meta_path) == 1
    """)


def test_the_real_locust_beside_it_is_not_looked_at(other_locust):
    run(
        """
        from rocust._compat.alias import install
        install()
        import locust
        assert not hasattr(locust, "other")
        try:
            import locust.only_there
        except ModuleNotFoundError:
            pass
        else:
            raise AssertionError("two packages were mixed")
        """,
        other_locust,
    )


def test_too_late_is_said(other_locust):
    run(
        """
        import locust
        assert locust.other
        from rocust._compat.alias import install
        try:
            install()
        except RuntimeError as error:
            assert "rocust.install() came too late" in str(error), error
            assert locust.__file__ in str(error), error
        else:
            raise AssertionError("two packages were mixed")
        """,
        other_locust,
    )

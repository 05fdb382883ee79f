"""What is refused before any user is born, and what is let through since it might work."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from rocust._cli import check
from rocust._events import Events
from rocust._users.http_user import FastHttpUser, HttpUser
from rocust._users.task import tag, task
from rocust._users.taskset import TaskSet
from rocust._users.user import User


class Visitor(HttpUser):
    @task
    def look(self): ...


class FastVisitor(FastHttpUser):
    @task
    def look(self): ...


class LateVisitor(HttpUser):
    def __init__(self, environment):
        self.host = "http://late"
        super().__init__(environment)


class Caller(User):
    host = "localhost:50051"


@pytest.mark.parametrize(
    ("host", "fault"),
    [
        ("http://localhost:8000", None),
        ("https://example.com/base", None),
        ("HTTP://example.com", None),
        ("ws://example.com", None),
        ("http+unix://%2Fvar%2Frun", None),
        ("mock://somewhere", None),
        (
            "localhost:8000",
            "'localhost:8000' has no scheme; did you mean 'http://localhost:8000'?",
        ),
        (
            "example.com",
            "'example.com' has no scheme; did you mean 'http://example.com'?",
        ),
        ("htp://x", "'htp://x' has the unknown scheme 'htp'; did you mean 'http://x'?"),
        (
            "htpps://x",
            "'htpps://x' has the unknown scheme 'htpps'; did you mean 'https://x'?",
        ),
        (
            "http://",
            "'http://' names no host; it must look like https://www.example.com",
        ),
        (
            "http:///path",
            "'http:///path' names no host; it must look like https://www.example.com",
        ),
    ],
)
def test_fault_of_host(host, fault):
    assert check.fault_of_host(host) == fault


def test_a_malformed_host_option_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        check.check_host_option("localhost:8000", [Caller, Visitor])
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "rocust: error: argument -H/--host: 'localhost:8000' has no scheme; did you mean 'http://localhost:8000'?\n"
    )


@pytest.mark.parametrize("user_class", [Caller, LateVisitor], ids=lambda c: c.__name__)
def test_a_host_that_is_not_for_our_clients_is_let_through(user_class):
    check.check_host_option("localhost:8000", [user_class])


def environment(host=None):
    return SimpleNamespace(host=host, events=Events())


@pytest.mark.parametrize("user_class", [Visitor, FastVisitor], ids=lambda c: c.__name__)
def test_no_host_is_refused(caplog, user_class):
    with pytest.raises(SystemExit) as ended:
        check.check_class_hosts(environment(), [user_class])
    assert ended.value.code == 1
    (record,) = caplog.records
    assert record.getMessage().startswith("You must specify the base host.")
    assert user_class.__name__ in record.getMessage()


def test_no_host_is_let_through_where_it_may_still_come():
    check.check_class_hosts(environment(host="http://x"), [Visitor])
    check.check_class_hosts(environment(), [LateVisitor])
    check.check_class_hosts(environment(), [Caller])
    check.check_class_hosts(environment(), [Caller, Visitor])
    listening = environment()
    listening.events.test_start.add_listener(lambda **_: None)
    check.check_class_hosts(listening, [Visitor])


def test_a_malformed_host_of_a_class_is_warned_of(caplog):
    class Typo(Visitor):
        host = "example.com"

    check.check_class_hosts(environment(), [Typo])
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == (
        "The host of Typo will not do for relative URLs: "
        "'example.com' has no scheme; did you mean 'http://example.com'?"
    )


class Shopper(User):
    @tag("fast")
    @task
    def glance(self): ...

    @task
    class Basket(TaskSet):
        @tag("slow", "cart")
        @task
        def fill(self): ...


def options(tags=None, exclude_tags=None):
    return SimpleNamespace(tags=tags, exclude_tags=exclude_tags)


@pytest.mark.parametrize(
    "given",
    [
        options(),
        options(tags=["fast"]),
        options(tags=["cart"]),
        options(tags=["cart", "unknown"]),
        options(exclude_tags=["fast"]),
        options(tags=[], exclude_tags=[]),
    ],
    ids=vars,
)
def test_tags_that_leave_a_task_are_let_through(given):
    check.check_tags(given, [Shopper])


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (options(tags=["quick"]), "--tags quick"),
        (options(exclude_tags=["fast", "slow"]), "--exclude-tags fast slow"),
        (
            options(tags=["fast"], exclude_tags=["fast"]),
            "--tags fast --exclude-tags fast",
        ),
    ],
    ids=["unknown", "all excluded", "both"],
)
def test_tags_that_leave_no_task_are_refused_with_those_there_are(caplog, given, asked):
    with pytest.raises(SystemExit) as ended:
        check.check_tags(given, [Shopper])
    assert ended.value.code == 1
    assert [record.getMessage() for record in caplog.records] == [
        "Shopper had no tasks left after filtering, instantiating it will fail!",
        f"No tasks defined on Shopper are left to run with {asked}. The tags there are: cart, fast, slow.",
    ]
    assert len(Shopper.tasks) == 2

"""Declaring users and tasks: what the decorators and the metaclass make of a class, tags, ratios, HTTP users, `rest`."""

from __future__ import annotations

import json
import re

import pytest
from rocust import FastHttpUser, HttpUser, TaskSet, User, tag, task
from rocust._errors import StopTest
from rocust._http.fast import FastHttpSession
from rocust._http.session import HttpSession
from rocust._http.wire import PLAIN
from rocust._run.environment import Environment
from rocust._users.ratio import get_ratio, print_task_ratio, print_task_ratio_json
from rocust._users.task import TaskHolder, filter_tasks_by_tags
from support.script import Route
from support.server import RefusingPort, ScriptedServer


def names(tasks):
    return [(one.__name__, names(one.tasks)) if hasattr(one, "tasks") else one.__name__ for one in tasks]


def one(_):
    pass


def other(_):
    pass


# -- tasks ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", [User, TaskSet])
@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ([one, other], ["one", "other"]),
        ({one: 2, other: 1}, ["one", "one", "other"]),
        ([(one, 2), other], ["one", "one", "other"]),
        ((one,), ["one"]),
    ],
)
def test_tasks_attribute_is_expanded(base, declared, expected):
    assert names(type(base)("Made", (base,), {"tasks": declared}).tasks) == expected


def test_tasks_are_the_bases_then_the_attribute_then_the_members():
    class Base(User):
        @task
        def first(self):
            pass

    class Made(Base):
        tasks = [one]

        @task(2)
        def last(self):
            pass

        @task(0)
        def never(self):
            pass

        @task
        class Nested(TaskSet):
            @task
            def inner(self):
                pass

    assert names(Made.tasks) == ["first", "one", "last", "last", ("Nested", ["inner"])]
    assert names(Base.tasks) == ["first"]
    assert Made.last.locust_task_weight == 2
    assert isinstance(Made, TaskHolder)


@pytest.mark.parametrize("name", ["on_start", "on_stop"])
def test_hook_that_is_a_task_too_is_warned_of(name, caplog):
    def hook(self):
        pass

    hook.__name__ = name
    assert task(hook) is hook
    assert [(record.name, record.levelname) for record in caplog.records] == [("root", "WARNING")]


def test_run_is_no_task():
    def run(self):
        pass

    with pytest.raises(Exception, match="run"):
        task(run)


def test_class_tells_of_itself():
    class Shop(User):
        host, weight, fixed_count = "http://h", 2.5, 3
        tasks = [one]

    assert Shop.json() == {"host": "http://h", "weight": 2.5, "fixed_count": 3, "tasks": ["one"]}
    assert Shop.fullname() == f"{__name__}.test_class_tells_of_itself.Shop"
    assert (User.abstract, Shop.abstract) == (True, False)


def test_task_set_attribute_is_deprecated():
    class Old(TaskSet):
        pass

    with pytest.warns(DeprecationWarning, match="task_set is deprecated"):
        type(User)("Made", (User,), {"task_set": Old})


# -- tags -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def tagged():
    class Nested(TaskSet):
        @tag("n")
        @task
        def n1(self):
            pass

        @task
        def n2(self):
            pass

    @tag("all")
    class Whole(TaskSet):
        @task
        def m1(self):
            pass

    class Tagged(User):
        tasks = [Nested, Whole]

        @tag("a", "b")
        @task(2)
        def a(self):
            pass

        @tag("c")
        @task
        def c(self):
            pass

        @task
        def d(self):
            pass

    return Tagged


@pytest.mark.parametrize(
    ("tags", "exclude_tags", "left"),
    [
        (None, None, [("Nested", ["n1", "n2"]), ("Whole", ["m1"]), "a", "a", "c", "d"]),
        ({"a"}, None, ["a", "a"]),
        ({"b", "c"}, None, ["a", "a", "c"]),
        ({"n"}, None, [("Nested", ["n1"])]),
        ({"all", "c"}, {"c"}, [("Whole", ["m1"])]),
        (None, {"a"}, [("Nested", ["n1", "n2"]), ("Whole", ["m1"]), "c", "d"]),
        (None, {"all", "n"}, [("Nested", ["n2"]), "a", "a", "c", "d"]),
        ({"nothing"}, None, []),
    ],
)
def test_tags_choose_tasks(tagged, tags, exclude_tags, left, caplog):
    filter_tasks_by_tags(tagged, tags, exclude_tags)
    assert names(tagged.tasks) == left
    warned = "Tagged had no tasks left after filtering, instantiating it will fail!" in caplog.text
    assert warned == (not left)


@pytest.mark.parametrize("wrong", [lambda: tag(), lambda: tag(one)])
def test_tag_without_a_name_is_refused(wrong):
    with pytest.raises(ValueError, match="No tag name was supplied"):
        wrong()


def test_tags_of_a_function_add_up():
    @tag("x")
    @tag("y", "z")
    def both(_):
        pass

    assert both.locust_tag_set == {"x", "y", "z"}


# -- ratios ---------------------------------------------------------------------------------------------------------------


class Nest(TaskSet):
    tasks = [one]


class Many(User):
    weight = 3
    tasks = {one: 3, Nest: 1}


class Few(User):
    tasks = [other]


def test_ratio_within_each_class_and_of_all():
    counts = {"Many": 3, "Few": 1}
    assert get_ratio([Many, Few], counts, total=False) == {
        "Many": {
            "ratio": 0.75,
            "tasks": {"one": {"ratio": 0.75}, "Nest": {"ratio": 0.25, "tasks": {"one": {"ratio": 1.0}}}},
        },
        "Few": {"ratio": 0.25, "tasks": {"other": {"ratio": 1.0}}},
    }
    total = get_ratio([Many, Few], counts, total=True)
    assert total["Many"]["tasks"]["one"]["ratio"] == 0.75 * 0.75
    assert total["Many"]["tasks"]["Nest"]["tasks"]["one"]["ratio"] == 0.75 * 0.25
    assert get_ratio([Few], {}, total=False)["Few"]["ratio"] == 0


def test_ratio_is_printed(capsys):
    print_task_ratio([Many, Few], 4, total=False)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["75.0", "Many"], ["75.0", "one"], ["25.0", "Nest"], ["100.0", "one"], ["25.0", "Few"], ["100.0", "other"],
    ]  # fmt: skip
    print_task_ratio_json([Many, Few], None)
    assert json.loads(capsys.readouterr().out)["per_class"]["Many"]["ratio"] == 0.75


# -- HTTP users -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("base", "client"), [(HttpUser, HttpSession), (FastHttpUser, FastHttpSession)])
def test_http_user_has_its_client(base, client):
    class Visitor(base):
        host = "http://u:p@127.0.0.1:1"

    user = Visitor(Environment(user_classes=[Visitor]))
    assert type(user.client) is client
    assert (user.client.base_url, user.client.user) == ("http://127.0.0.1:1", user)
    assert user.client.request_event is user.environment.events.request
    if base is HttpUser:
        assert user.client.trust_env is False
        assert not {"headers", "cookies", "params", "proxies", "hooks", "adapters"} & user.client.__dict__.keys()


@pytest.mark.parametrize("base", [HttpUser, FastHttpUser])
def test_http_user_without_a_host_ends_the_test(base):
    class Homeless(base):
        pass

    with pytest.raises(StopTest, match="You must specify the base host"):
        Homeless(Environment(user_classes=[Homeless]))


def test_fast_user_has_locusts_defaults():
    names = [
        "network_timeout",
        "connection_timeout",
        "max_redirects",
        "max_retries",
        "insecure",
        "default_headers",
        "concurrency",
        "proxy_host",
    ]
    assert [getattr(FastHttpUser, name) for name in names] == [60.0, 60.0, 30, 0, True, None, 10, None]


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("http2", "yes", "http2 is True or False, not 'yes'"),
        ("resolve", ["example.com:80"], "is not of the form host:port:address: the address is missing"),
        ("resolve", 7, "resolve is a list of texts like 'example.com:443:127.0.0.1', not 7"),
        ("ip_version", 5, "ip_version is 4, 6 or None, not 5"),
        ("source_address", "eth0", '"eth0" is no IP address to connect from'),
        ("source_address", ("127.0.0.1", 70_000), "source_address is an IP address, or a pair of one and a port"),
    ],
)
@pytest.mark.parametrize("kind", [HttpUser, FastHttpUser])
def test_way_to_connect_that_cannot_be_is_refused(kind, setting, value, sentence):
    Connected = type("Connected", (kind,), {"host": "http://h", setting: value})
    with pytest.raises(StopTest, match=f"^Connected: .*{re.escape(sentence)}"):
        Connected(Environment(user_classes=[Connected]))


def test_factory_that_cannot_be_called_is_refused():
    class Secured(FastHttpUser):
        host = "https://h"
        ssl_context_factory = "TLSv1"

    with pytest.raises(
        StopTest, match=r"Secured: ssl_context_factory is called for an ssl\.SSLContext, and 'TLSv1' cannot"
    ):
        Secured(Environment(user_classes=[Secured]))


def test_tasks_and_methods_may_have_the_names_of_ways_to_connect():
    class Looking(HttpUser):
        host = "http://h"

        @task
        def resolve(self):
            pass

        def http2(self):
            pass

    assert Looking(Environment(user_classes=[Looking])).client.wire == PLAIN


# -- rest -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server():
    routes = {
        "/json": Route(body='{"a": 1}', headers=(("Content-Type", "application/json"),)),
        "/text": Route(body="no json"),
        "/empty": Route(body=""),
        "/mark": Route(body="\xff\xfe", headers=(("Content-Type", "application/json; charset=utf-16"),)),
        "/bad": Route(status=500, body='{"a": 2}'),
    }
    with ScriptedServer(routes) as server:
        yield server


@pytest.fixture(params=[HttpUser, FastHttpUser])
def user(request, server):
    class Visitor(request.param):
        host = server.url

    visitor = Visitor(Environment(user_classes=[Visitor]))
    visitor.failures = []
    visitor.environment.events.request.add_listener(
        lambda name, exception, **_: visitor.failures.append((name, exception and str(exception)))
    )
    return visitor


def test_rest_sends_and_parses_json(user, server):
    already = server.count("/json")
    with user.rest("POST", "/json", json={"b": 2}, headers={"accept": "own"}) as response:
        assert response.js == {"a": 1}
    assert user.failures == [("/json", None)]
    server.wait_for_requests(already + 1, "/json")
    sent = server.journal("/json")[-1]
    assert (sent.body, sent.header("Content-Type"), sent.header("Accept")) == ('{"b": 2}', "application/json", "own")


@pytest.mark.parametrize(
    ("path", "block", "failure"),
    [
        (
            "/text",
            None,
            "Could not parse response as JSON. no json, response code 200, error Expecting value: line 1 column 1 (char 0)",
        ),
        ("/empty", None, None),
        ("/mark", None, None),
        ("/json", AssertionError("wrong"), "wrong"),
        ("/json", AssertionError("wrong,"), 'wrong, response was {"a": 1}'),
        ("/json", AssertionError(), "Assertion failed"),
    ],
)
def test_rest_judges_the_body_and_the_block(user, path, block, failure):
    with user.rest("GET", path) as response:
        assert response.js == ({"a": 1} if path == "/json" else None)
        if block:
            raise block
    assert user.failures == [(path, failure)]


def test_rest_reports_the_status_when_the_block_says_nothing(user):
    with user.rest("GET", "/bad") as response:
        assert response.js == {"a": 2}
    assert "500" in user.failures[0][1]


def test_rest_turns_exceptions_of_the_block_into_failures_with_their_place(user):
    with user.rest("GET", "/json") as response:
        response.js["missing"]
    text = user.failures[0][1]
    assert text.startswith("KeyError: 'missing' at ")
    assert "test_declaring.py:" in text
    assert text.endswith('Response was {"a": 1}')


def test_rest_survives_a_refused_connection(user):
    with RefusingPort() as port, user.rest("GET", port.url + "/x") as response:
        assert (response.js, response.content) == (None, None)
    assert "Connection refused" in user.failures[0][1]


def test_rest_with_a_stamp_gets_past_caches(user, server):
    for path, name in (("/json", "/json?_=..."), ("/json?a=1", "/json?a=1&_=...")):
        already = server.count("/json")
        with user.rest_("GET", path):
            pass
        assert user.failures.pop() == (name, None)
        server.wait_for_requests(already + 1, "/json")
        assert server.journal("/json")[-1].target.startswith(name.removesuffix("..."))

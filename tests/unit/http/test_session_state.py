"""What a session keeps: cookies, settings, credentials; what it builds only when asked; and calls that `requests` itself runs."""

from __future__ import annotations

import pytest
import requests
from requests.cookies import RequestsCookieJar
from rocust._http.cookies import SessionCookies
from rocust._http.headers import SessionHeaders
from rocust._http.response import own_dict
from rocust._http.session import HttpSession
from support.script import Route, redirect

LAZY = ("headers", "cookies", "params", "proxies", "hooks", "adapters")


def _built(session):
    return set(LAZY) & session.__dict__.keys()


# -- laziness -------------------------------------------------------------------------------------------------------------


def test_plain_calls_build_nothing_that_nobody_touches(session):
    session.get("/echo")
    session.post("/echo", json={"a": 1})
    session.get("/echo", params={"a": 1}, timeout=5, allow_redirects=False, name="x")
    with session.get("/echo", catch_response=True) as response:
        response.success()
    assert _built(session) == set()


def test_plain_response_makes_its_parts_when_they_are_read(server, request_event):
    from rocust._http.recording import StatsListener
    from rocust._stats import RequestStats

    class Environment:
        stats = RequestStats()

    class User:
        environment = Environment()

    request_event._handlers[:] = [StatsListener(User.environment)]
    response = HttpSession(server.url, request_event, user=User()).get("/echo")
    parts = {
        "_content",
        "headers",
        "url",
        "history",
        "request",
        "raw",
        "cookies",
        "elapsed",
        "request_meta",
        "encoding",
    }
    assert parts & own_dict(response).keys() == set()
    assert response.headers["content-type"] == "application/json"
    assert parts & own_dict(response).keys() == {"headers"}
    assert response.headers is response.headers


@pytest.mark.parametrize("name", LAZY)
def test_attribute_of_a_session_is_made_once_and_as_requests_makes_it(session, name):
    value = getattr(session, name)
    assert getattr(session, name) is value
    assert isinstance(value, type(getattr(requests.Session(), name)))


def test_session_has_no_other_attributes(session):
    with pytest.raises(AttributeError, match="'HttpSession' object has no attribute 'nonsense'"):
        _ = session.nonsense


def test_session_takes_attributes_of_ones_own(session):
    session.own = 1
    assert session.own == 1


# -- cookies and prepared requests ----------------------------------------------------------------------------------------


def test_prepared_requests_can_be_sent_and_are_not_reported(session, server, reports):
    session.cookies.set("own", "1")
    prepared = session.prepare_request(requests.Request("GET", server.url + "/echo", params={"a": 1}))
    assert prepared.headers["Cookie"] == "own=1"
    assert session.send(prepared).json() == {"greeting": "hello"}
    assert reports == []


def test_cookies_set_on_a_call_that_requests_runs_are_kept_for_plain_calls(session, server, seen):
    server.set_routes({"/": Route(headers=(("Set-Cookie", "a=1; Path=/"),)), "/echo": Route()})
    session.get("/", stream=True).close()
    session.get("/echo")
    assert seen().header("Cookie") == "a=1"


def test_cookies_of_the_server_are_sent_back_and_shown(session, server, seen):
    server.set_routes(
        {"/": Route(headers=(("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; Path=/echo"))), "/echo": Route()}
    )
    response = session.get("/")
    assert dict(response.cookies) == {"a": "1", "b": "2"}
    assert dict(session.cookies) == {"a": "1", "b": "2"}
    session.get("/echo")
    assert set(seen().header("Cookie").split("; ")) == {"a=1", "b=2"}


def test_flood_of_cookies_ends_at_a_bound(server, session, fast):
    flood = [
        Route(headers=tuple(("Set-Cookie", f"c{batch}-{number}=v") for number in range(90))) for batch in range(35)
    ]
    for client in (session, fast):
        server.set_routes({"/flood": flood})
        for _ in flood:
            assert client.get("/flood").status_code == 200
        client.get("/flood")
        server.wait_for_requests(36, "/flood")
        sent = server.journal("/flood")[-1].header("Cookie").split("; ")
        assert (len(sent), sent[-1]) == (3000, "c34-89=v")
    assert len(session.cookies) == 3000


def test_cookies_set_on_a_redirect_are_kept(session, server, seen):
    moved = redirect("/echo")
    server.set_routes(
        {"/": Route(status=302, body="", headers=(*moved.headers, ("Set-Cookie", "a=1"))), "/echo": Route()}
    )
    response = session.get("/")
    assert seen().header("Cookie") == "a=1"
    assert (dict(response.cookies), dict(response.history[0].cookies)) == ({}, {"a": "1"})


def test_cookies_of_a_call_are_not_kept(session, seen):
    session.get("/echo", cookies={"once": "1"})
    assert seen().header("Cookie") == "once=1"
    session.get("/echo")
    assert seen(number=2).header("Cookie") is None


def test_cookie_jar_of_a_call_is_sent(session, seen):
    jar = RequestsCookieJar()
    jar.set("jar", "1")
    session.get("/echo", cookies=jar)
    assert seen().header("Cookie") == "jar=1"


def test_cookies_of_a_session_can_be_set_read_and_dropped(session, seen):
    jar = session.cookies
    assert isinstance(jar, SessionCookies)
    jar.set("a", "1")
    jar["b"] = "2"
    jar.update({"c": "3"})
    assert (jar["a"], jar.get("b"), "c" in jar, len(jar)) == ("1", "2", True, 3)
    del jar["b"]
    session.get("/echo")
    assert set(seen().header("Cookie").split("; ")) == {"a=1", "c=3"}
    with pytest.raises(KeyError):
        jar.clear("nowhere.example")
    jar.clear()
    session.get("/echo")
    assert seen(number=2).header("Cookie") is None


def test_cookies_may_be_assigned_as_a_dict(session, seen):
    session.cookies.set("old", "1")
    session.cookies = {"new": "2"}
    session.get("/echo")
    assert seen().header("Cookie") == "new=2"
    assert dict(session.cookies) == {"new": "2"}


def test_cookies_copied_or_pickled_belong_to_no_session(session):
    import pickle

    session.cookies.set("a", "1")
    for copy in (session.cookies.copy(), pickle.loads(pickle.dumps(session.cookies))):
        assert type(copy) is RequestsCookieJar
        copy.set("b", "2")
        assert dict(copy) == {"a": "1", "b": "2"}
    assert dict(session.cookies) == {"a": "1"}


def test_cookies_of_two_users_are_apart(server, request_event, seen):
    server.set_routes({"/": Route(headers=(("Set-Cookie", "a=1"),)), "/echo": Route()})
    one, other = (HttpSession(server.url, request_event, user=None) for _ in range(2))
    one.get("/")
    other.get("/echo")
    assert seen().header("Cookie") is None


# -- credentials, headers, connections ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/echo", "URL/echo"])
def test_credentials_of_a_url_become_basic_authentication(server, request_event, seen, reports, path):
    address = server.url.removeprefix("http://")
    whole = f"http://us%40er:p%3Aw@{address}"
    base = whole if path == "/echo" else server.url
    session = HttpSession(base, request_event, user=None)
    assert session.base_url == server.url
    session.get(path.replace("URL", whole))
    assert seen().header("Authorization") == "Basic dXNAZXI6cDp3"
    assert seen().target == "/echo"


def test_credentials_of_a_call_come_before_those_of_the_session(session, server, seen):
    session.auth = ("session", "secret")
    session.get("/echo", auth=("call", "secret"))
    assert seen().header("Authorization") == requests.auth._basic_auth_str("call", "secret")


def test_headers_tell_of_every_change():
    changes = []
    headers = SessionHeaders({"A": "1"}, lambda: changes.append(dict(headers)))
    assert changes == []
    headers["B"] = "2"
    headers.update(C="3")
    headers.setdefault("D", "4")
    del headers["a"]
    headers.pop("b")
    assert changes[-1] == {"C": "3", "D": "4"}
    assert len(changes) == 5
    copy = headers.copy()
    copy["E"] = "5"
    assert (len(changes), type(copy)) == (5, requests.structures.CaseInsensitiveDict)


def test_headers_changed_between_calls_are_sent(session, seen):
    session.headers["X-One"] = "1"
    session.get("/echo")
    session.headers["X-One"] = "2"
    del session.headers["Accept"]
    session.get("/echo")
    assert seen(number=2).header("X-One") == "2"
    assert seen(number=2).header("Accept") is None


def test_connection_is_kept_between_calls_and_closed_with_the_session(session, server):
    session.get("/echo")
    session.post("/echo", json={})
    server.wait_for_requests(2)
    assert len({exchange.connection for exchange in server.journal()}) == 1
    session.close()
    session.get("/echo")
    server.wait_for_requests(3)
    assert len({exchange.connection for exchange in server.journal()}) == 2


def test_trust_env_is_on_as_in_requests_until_a_user_switches_it_off(session):
    assert session.trust_env is True

"""`FastHttpSession.client`: what of geventhttpclient's user agent can be read and changed, its pool, its headers and cookies."""

from __future__ import annotations

import ssl
import time
from http.cookiejar import CookieJar, MozillaCookieJar

import gevent
import pytest
from rocust import FastHttpUser
from rocust._http.fast import FastHttpSession
from rocust._http.fast_agent import REDIRECT_CODES, VALID_CODES, HTTPClientPool, LocustUserAgent
from rocust._http.fast_errors import LocustBadStatusCode
from rocust._http.fast_headers import Headers
from rocust._http.fast_response import FastRequest, FastResponse
from rocust._http.tls import insecure_ssl_context_factory
from rocust.env import Environment
from support.script import Route, redirect


class SharedPool:
    """Stands for geventhttpclient's `HTTPClientPool`, as far as it is looked at."""

    def __init__(self, **client_args):
        self.client_args = client_args


@pytest.fixture
def make(server, request_event):
    """Make a session for the server."""
    return lambda **settings: FastHttpSession(server.url, request_event, user=None, **settings)


# -- the agent ------------------------------------------------------------------------------------------------------------


def test_agent_tells_what_holds_for_the_session(make):
    session = make(max_redirects=7, max_retries=2, headers={"X-Own": "1"}, concurrency=3)
    agent = session.client
    assert agent is session.client
    assert isinstance(agent, LocustUserAgent)
    assert (agent.max_redirects, agent.max_retries) == (7, 2)
    assert (agent.valid_response_codes, agent.redirect_response_codes) == (VALID_CODES, REDIRECT_CODES)
    assert (agent.response_type, agent.request_type) == (FastResponse, FastRequest)
    assert dict(agent.default_headers.items())["X-Own"] == "1"
    assert agent.cookiejar is session.cookiejar
    assert agent.clientpool.client_args["concurrency"] == 3


def test_valid_codes_decide_what_is_a_failure(fast, server, reports):
    fast.client.valid_response_codes = VALID_CODES - {200} | {404}
    assert not hasattr(fast.get("/missing"), "error")
    response = fast.get("/echo")
    assert isinstance(response.error, LocustBadStatusCode)
    assert [repr(meta["exception"]) for meta in reports] == ["None", "LocustBadStatusCode(code=200)"]


def test_valid_codes_of_the_class_hold_for_sessions_made_later(make, reports, monkeypatch):
    monkeypatch.setattr(LocustUserAgent, "valid_response_codes", VALID_CODES | {404})
    make().get("/missing")
    assert reports.only["exception"] is None


def test_valid_codes_hold_where_the_engine_would_record(server, request_event):
    from rocust._http.recording import StatsListener
    from rocust._stats import RequestStats

    class Environment:
        stats = RequestStats()

    class User:
        environment = Environment()

        def context(self):
            return {}

    request_event._handlers[:] = [StatsListener(User.environment)]
    session = FastHttpSession(server.url, request_event, user=User())
    session.get("/missing")
    session.client.valid_response_codes = frozenset({404})
    session.get("/missing")
    assert (Environment.stats.total.num_requests, Environment.stats.total.num_failures) == (2, 1)


def test_redirect_codes_decide_what_is_followed(fast, server):
    server.set_routes({"/a": redirect("/b", 302), "/b": redirect("/c", 301), "/c": Route()})
    fast.client.redirect_response_codes = frozenset({302})
    assert fast.get("/a").status_code == 301
    fast.client.redirect_response_codes = frozenset()
    assert fast.get("/a").status_code == 302


def test_limits_can_be_changed(fast, server):
    fast.client.max_redirects = 0
    assert fast.get("/moved").status_code == 302
    fast.client.max_redirects = 1
    assert fast.get("/moved").status_code == 200


def test_default_headers_can_be_changed(fast, server, seen):
    fast.client.default_headers["X-Late"] = "1"
    fast.get("/echo")
    assert seen().header("X-Late") == "1"
    fast.get("/echo", headers={"x-late": "2"})
    assert seen(number=2).header("X-Late") == "2"
    del fast.client.default_headers["X-Late"]
    fast.get("/echo")
    assert seen(number=3).header("X-Late") is None
    fast.client.default_headers = {"User-Agent": "mine"}
    fast.get("/echo")
    assert seen(number=4).header("User-Agent") == "mine"


def test_headers_of_a_call_come_before_those_of_the_session(make, seen):
    session = make(headers={"X-Own": "session", "Accept-Encoding": "identity"})
    session.post("/echo", json={"a": 1}, headers={"accept": "text/x"}, auth=("u", "p"))
    names = [name for name, _ in seen().headers]
    assert names == [
        "User-Agent", "X-Own", "Accept-Encoding", "accept", "Authorization", "Content-Type", "Host", "Content-Length",
    ]  # fmt: skip
    # As in stock, which asks for these encodings unless the call itself says otherwise.
    assert seen().header("Accept-Encoding") == "gzip, deflate, br"


def test_idle_connections_can_be_closed(fast, server):
    fast.get("/echo")
    fast.client.clientpool.close()
    fast.get("/echo")
    fast.client.close()
    fast.get("/echo")
    server.wait_for_requests(3)
    assert len({exchange.connection for exchange in server.journal()}) == 3


def test_agent_can_send_without_a_report(fast, server, reports):
    response = fast.client.urlopen(server.url + "/echo", method="POST", payload="text", headers={"X-A": "1"})
    assert response.json() == {"greeting": "hello"}
    assert LocustUserAgent().urlopen(server.url + "/echo").status_code == 200
    with pytest.raises(LocustBadStatusCode):
        fast.client.urlopen(server.url + "/missing")
    assert reports == []


def test_pool_cannot_be_exchanged_later(fast):
    with pytest.raises(AttributeError, match="give client_pool= when the session is made"):
        fast.client.clientpool = SharedPool()


# -- connections ----------------------------------------------------------------------------------------------------------


def test_sessions_with_one_pool_share_its_connections(make, server):
    pool = SharedPool(concurrency=1)
    one, other, stranger = make(client_pool=pool), make(client_pool=pool), make()
    for session in (one, other, other, one):
        session.get("/echo")
    assert one.client.clientpool is pool
    server.wait_for_requests(4)
    assert len({exchange.connection for exchange in server.journal()}) == 1
    stranger.get("/echo")
    server.wait_for_requests(5)
    assert len({exchange.connection for exchange in server.journal()}) == 2


def test_users_with_one_pool_share_its_connections(server):
    class Shopper(FastHttpUser):
        host = server.url
        client_pool = HTTPClientPool(concurrency=2)

    for _ in range(2):
        Shopper(Environment()).client.get("/echo")
    server.wait_for_requests(2)
    assert len({exchange.connection for exchange in server.journal()}) == 1
    Shopper.client_pool.close()
    Shopper(Environment()).client.get("/echo")
    server.wait_for_requests(3)
    assert len({exchange.connection for exchange in server.journal()}) == 2


@pytest.mark.parametrize("shared", [False, True])
def test_requests_beyond_the_concurrency_wait(make, server, reports, shared):
    server.set_routes({"/slow": Route(gate=f"shared {shared}"), "/echo": Route()})
    sessions = [make(client_pool=SharedPool(concurrency=2))] if shared else [make(concurrency=2)]
    tasks = [gevent.spawn(sessions[0].get, "/slow") for _ in range(2)]
    late = gevent.spawn(sessions[0].get, "/echo")
    gevent.idle()
    server.wait_for_requests(2)
    assert [exchange.path for exchange in server.journal()] == ["/slow", "/slow"]
    assert not late.dead
    opened_at = time.time()
    server.open(f"shared {shared}")
    gevent.joinall([*tasks, late], raise_error=True)
    server.wait_for_requests(3)
    assert server.journal()[-1].path == "/echo"
    # Waiting for one's turn counts, as in stock: the request was under way when the others were let go.
    waited = next(meta for meta in reports if meta["name"] == "/echo")
    assert waited["start_time"] <= opened_at <= waited["start_time"] + waited["response_time"] / 1000


def test_what_a_context_factory_raises_is_raised_by_the_request(server, request_event):
    def broken():
        context = ssl.create_default_context()
        context.verify_mode = ssl.CERT_NONE

    session = FastHttpSession(server.url, request_event, user=None, ssl_context_factory=broken)
    for _ in range(2):
        with pytest.raises(ValueError, match="Cannot set verify_mode to CERT_NONE when check_hostname is enabled"):
            session.get("/echo")
    assert session.client.clientpool.client_args["ssl_context_factory"] is broken


def test_insecure_context_verifies_nothing(make):
    assert insecure_ssl_context_factory().verify_mode == ssl.CERT_NONE
    assert make().client.clientpool.client_args["ssl_context_factory"] is insecure_ssl_context_factory


# -- cookies --------------------------------------------------------------------------------------------------------------


def test_jar_is_the_same_object_and_is_shared_with_the_engine(fast, server, seen):
    jar = fast.cookiejar
    assert isinstance(jar, CookieJar)
    assert fast.cookiejar is jar
    server.set_routes({"/": Route(headers=(("Set-Cookie", "a=1; Path=/"),)), "/echo": Route()})
    fast.get("/")
    assert [(cookie.name, cookie.value) for cookie in jar] == [("a", "1")]
    jar.clear()
    fast.get("/echo")
    assert seen().header("Cookie") is None


def test_other_jar_can_be_given(fast, server, seen):
    other = MozillaCookieJar()
    fast.cookiejar.set("old", "0")
    fast.client.cookiejar = other
    fast.cookiejar.set("new", "1")
    fast.get("/echo")
    assert seen().header("Cookie") == "new=1"
    with pytest.raises(TypeError, match="cookiejar is a dict; it must be a jar"):
        fast.client.cookiejar = {}


# -- headers --------------------------------------------------------------------------------------------------------------


def test_headers_of_a_response_keep_repeated_lines_apart(fast, server):
    server.set_routes({"/": Route(headers=(("X-Twice", "a"), ("x-twice", "b"), ("X-Once", "c")))})
    headers = fast.get("/").headers
    assert isinstance(headers, dict)
    assert headers["x-TWICE"] == ["a", "b"]
    assert (headers["x-once"], headers.get("X-None"), headers.get("X-None", "d")) == ("c", None, "d")
    assert (headers.getlist("x-twice"), headers.getlist("x-none"), headers.get_all("x-none")) == (["a", "b"], [], None)
    assert [line for line in headers.items() if line[0].lower().startswith("x-")] == [
        ("X-Twice", "a"), ("x-twice", "b"), ("X-Once", "c"),
    ]  # fmt: skip
    assert headers.compatible_dict()["X-Twice"] == "a, b"
    assert dict(headers)["x-once"] == "c"


def test_headers_behave_as_a_dict_without_case():
    headers = Headers({"A": "1", "B": ["2", "3"]}, c="4")
    assert (len(headers), list(headers), str(headers)) == (4, ["a", "b", "c"], "A: 1\nB: 2\nB: 3\nc: 4")
    assert repr(headers) == "Headers({'A': '1', 'B': '2, 3', 'c': '4'})"
    headers.update(Headers(b="5"))
    headers.add("a", "6")
    assert (headers["A"], headers["b"]) == (["1", "6"], "5")
    assert headers == {"A": ["1", "6"], "b": "5", "C": "4"}
    assert headers != {"A": "1"}
    assert (headers.pop("C"), headers.pop("C", None), headers.setdefault("D", "7")) == ("4", None, "7")
    headers.discard("none")
    with pytest.raises(KeyError):
        headers.pop("none")
    both = headers | {"d": "8"}
    assert (both["D"], headers["D"]) == ("8", "7")
    headers |= {"e": "9"}
    assert ("E" in headers, 1 in headers) == (True, False)
    assert list(headers.iterlower())[-1] == ("e", "9")


def test_request_shows_what_was_asked_and_sent(fast, server):
    request = fast.post("/echo", data={"a": "1"}, headers={"x-own": "1"}).request
    shown = dict(request.headers.items())
    assert shown["x-own"] == "1"
    assert shown["content-type"] == "application/x-www-form-urlencoded; charset=utf-8"
    assert "Host" not in shown
    assert (request.method, request.url, request.body, request.payload) == (
        "POST",
        server.url + "/echo",
        b"a=1",
        b"a=1",
    )


def test_retries_are_for_time_outs_alone(make, server, refusing, reports):
    session = make(max_retries=2, network_timeout=0.05)
    server.set_routes({"/silent": Route(gate="never")})
    response = session.get("/silent")
    assert isinstance(response.error.original, TimeoutError)
    assert response.error.args == (server.url + "/silent", 2)
    server.wait_for_requests(3, "/silent")
    session.get(refusing.url)
    assert isinstance(reports[-1]["exception"], ConnectionRefusedError)


BODIES = {
    "json": ({"json": {"a": 1}}, '{"a": 1}'),
    "form": ({"data": {"a": "1"}}, b"a=1"),
    "text": ({"data": "a"}, b"a"),
    "text with a type": ({"data": "a", "headers": {"Content-Type": "x/y"}}, "a"),
    "bytes": ({"data": b"a"}, b"a"),
    "nothing": ({}, None),
}


@pytest.mark.parametrize("name", BODIES)
def test_body_of_a_request_is_shown_as_stock_shows_it(fast, refusing, name):
    call, shown = BODIES[name]
    assert fast.post("/echo", **call).request.body == shown
    assert fast.post(refusing.url, **call).request.body == shown


def test_header_values_that_are_no_text_are_sent_as_python_shows_them(fast, seen):
    fast.get("/echo", headers={"X-None": None, "X-Bytes": b"by", "X-Number": 1})
    assert [seen().header(name) for name in ("X-None", "X-Bytes", "X-Number")] == ["None", "b'by'", "1"]


def test_response_has_the_names_of_urllib3(fast):
    response = fast.get("/echo")
    assert (response.status, response.data, response.isclosed()) == ("200", b'{"greeting": "hello"}', True)
    assert response.info() is response.headers

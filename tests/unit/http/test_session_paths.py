"""Which way a call takes, and that its answer does not tell: plain data, prepared by `requests`, or sent by somebody else's code."""

from __future__ import annotations

import copy
import logging
import pickle
from http.cookiejar import CookieJar, DefaultCookiePolicy
from unittest import mock

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPDigestAuth
from requests.cookies import RequestsCookieJar
from rocust._http.adapter import LocustHttpAdapter, is_engines
from rocust._http.session import HttpSession
from support.script import Route, redirect


class Signature(AuthBase):
    """Signs what is about to be sent."""

    def __call__(self, request):
        request.headers["X-Signature"] = f"{request.method} {request.path_url} {request.body}"
        return request


def _paths(session):
    """The counts that are not zero."""
    return {way: count for way, count in session.paths.items() if count}


PLAIN = {
    "nothing": {},
    "params": {"params": {"a": [1, 2], "b": None}},
    "json": {"method": "POST", "json": {"a": 1}},
    "bytes": {"method": "POST", "data": b"raw"},
    "bytearray": {"method": "POST", "data": bytearray(b"raw")},
    "pairs": {"method": "POST", "data": [("a", "1"), ("a", "2")]},
    "headers": {"headers": {"X-A": "1", "Accept": None}},
    "basic auth": {"auth": ("user", "pass")},
    "proxy auth": {"auth": requests.auth.HTTPProxyAuth("user", "pass")},
    "no auth": {"auth": False},
    "cookies": {"cookies": {"a": "1"}},
    "jar": {"cookies": requests.cookies.cookiejar_from_dict({"a": "1"})},
    "pair of limits": {"timeout": (20, 20)},
    "limits of urllib3": {"timeout": urllib3.Timeout(total=20)},
    "limits of urllib3, one by one": {"timeout": urllib3.Timeout(connect=20, read=None)},
    "generator": {"method": "POST", "data": lambda: iter([b"a", b"b"])},
    "stream": {"stream": True},
    "defaults written out": {"files": None, "hooks": {}, "stream": False, "proxies": None, "cert": None},
}
PREPARED = {
    "files": {"method": "POST", "files": {"f": ("n.txt", b"content", "text/plain", {"X-Part": "1"})}},
    "files and data": {"method": "POST", "files": {"f": b"x"}, "data": {"a": ["1", "2"]}},
    "hooks": {"hooks": {"response": lambda response, *_, **__: None}},
    "authentication object": {"auth": Signature()},
    "authentication by a function": {"auth": lambda request: request},
}


@pytest.mark.parametrize(
    ("way", "name"),
    [
        *(("rust", name) for name in PLAIN),
        *(("prepared", name) for name in PREPARED),
    ],
)
def test_arguments_decide_which_way_a_call_takes(session, server, way, name):
    call = {"method": "GET", "url": "/echo", **{"rust": PLAIN, "prepared": PREPARED}[way][name]}
    if callable(call.get("data")):
        call["data"] = call["data"]()
    assert session.request(**call).json() == {"greeting": "hello"}
    assert _paths(session) == {way: 1}


@pytest.mark.parametrize("name", PREPARED)
def test_prepared_call_sends_what_requests_sends(session, server, name):
    call = {"method": "GET", **PREPARED[name]}
    with requests.Session() as plain, mock.patch("requests.models.encode_multipart_formdata", _with_one_boundary):
        plain.trust_env = False
        plain.request(url=server.url + "/echo", **call)
        session.request(url="/echo", **call)
    server.wait_for_requests(2)
    theirs, ours = (
        (exchange.method, exchange.target, {key.lower(): value for key, value in exchange.headers}, exchange.body)
        for exchange in server.journal()
    )
    # Which encodings `requests` offers depends on what else is installed.
    theirs[2].pop("accept-encoding")
    ours[2].pop("accept-encoding")
    assert ours == theirs


def _with_one_boundary(fields):
    return urllib3.filepost.encode_multipart_formdata(fields, "the-boundary")


def test_other_calls_of_a_session_stay_plain(session):
    session.post("/echo", files={"f": b"x"})
    session.get("/echo")
    session.get("/echo", params={"a": 1})
    assert session.paths == {"rust": 2, "prepared": 1, "adapter": 0}


def test_reason_is_logged_once(session, caplog):
    caplog.set_level(logging.DEBUG, "locust.clients")
    for _ in range(3):
        session.post("/echo", files={"f": b"x"})
        session.get("/echo", auth=Signature())
    assert [record.message for record in caplog.records] == [
        "Calls of this session are run by requests itself, at requests' cost: files given",
        "Calls of this session are run by requests itself, at requests' cost: auth is a Signature",
    ]
    assert {record.levelname for record in caplog.records} == {"DEBUG"}


# -- what is reported -----------------------------------------------------------------------------------------------------


def test_prepared_call_reports_like_any_call(session, server, reports):
    response = session.post("/missing", files={"f": b"x"}, params={"a": 1}, context={"own": 1})
    meta = reports.only
    assert (meta["request_type"], meta["name"], meta["url"]) == ("POST", "/missing?a=1", server.url + "/missing?a=1")
    assert str(meta["exception"]) == "404 Client Error: Not Found for url: /missing?a=1"
    assert (meta["response"], meta["response_length"]) == (response, len("nothing here"))
    assert meta["context"] == {"visitor": 7, "shared": "user", "own": 1}
    assert response.url == server.url + "/missing?a=1"


def test_call_that_is_streamed_out_reports_like_any_call(session, server, reports, seen):
    response = session.post("/missing", data=iter([b"a", b"b"]), name="upload")
    assert (reports.only["name"], reports.only["response"]) == ("upload", response)
    assert seen("/missing").body == "ab"


@pytest.mark.parametrize("call", [{"files": {"f": b"x"}}, {"stream": True}, {}], ids=["prepared", "adapter", "rust"])
def test_refused_connection_fails_alike_on_every_path(session, refusing, reports, call):
    response = session.post(refusing.url, **call)
    assert (response.status_code, response.content) == (0, None)
    assert repr(reports.only["exception"]) == "ConnectionRefusedError(111, 'Connection refused')"
    assert type(response.error) is requests.exceptions.ConnectionError
    assert response.error.request is response.request
    assert (response.request.method, response.request.url) == ("POST", refusing.url + "/")


def test_failure_behind_another_exception_is_told_by_its_own_cause(session, refusing, reports):
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        session.post(refusing.url, files={"f": b"x"})
    assert repr(reports.only["exception"]) == "ConnectionRefusedError(111, 'Connection refused')"


def test_time_of_a_prepared_call_is_the_sum_of_its_requests(session, server, reports):
    server.set_routes({"/a": redirect("/b"), "/b": redirect("/c"), "/c": Route()})
    response = session.get("/a", auth=Signature())
    assert [hop.status_code for hop in (*response.history, response)] == [302, 302, 200]
    hops = sum(hop._exchange.response_time for hop in (*response.history, response))
    assert reports.only["response_time"] == hops
    assert reports.only["name"] == "/a"
    server.wait_for_requests(3)
    assert [exchange.header("X-Signature") for exchange in server.journal()] == ["GET /a None"] * 3


def test_prepared_call_is_in_the_books_once(server, request_event):
    from rocust._http.recording import StatsListener
    from rocust._stats import RequestStats

    class Environment:
        stats = RequestStats()

    class User:
        environment = Environment()

        def context(self):
            return {}

    stats = Environment.stats
    request_event._handlers[:] = [StatsListener(User.environment)]
    session = HttpSession(server.url, request_event, user=User())
    session.get("/moved", auth=Signature())
    with session.get("/echo", auth=Signature(), catch_response=True) as response:
        response.failure("not that")
    assert (stats.total.num_requests, stats.total.num_failures, stats.num_aborted) == (2, 1, 0)

    def breaking(*_, **__):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        session.get("/echo", hooks={"response": breaking})
    # The server has seen it, so it is not forgotten, though nobody reports it.
    assert (stats.total.num_requests, stats.num_aborted) == (2, 1)


# -- hooks, authentication, redirects --------------------------------------------------------------------------------------


def test_hooks_see_the_response_and_may_replace_it(session, server, reports):
    seen = []

    def look(response, *_, **kwargs):
        seen.append((type(response), response.status_code, response.text, response.elapsed.total_seconds() > 0))
        assert kwargs["timeout"] == 20

    def replace(response, *_, **__):
        other = requests.Response()
        other.status_code, other.request, other.url, other.raw = 418, response.request, response.url, response.raw
        other._content = b"teapot"
        return other

    session.hooks["response"].append(look)
    assert session.get("/echo", timeout=20).status_code == 200
    assert seen == [(requests.Response, 200, '{"greeting": "hello"}', True)]
    response = session.get("/echo", hooks={"response": [replace]}, timeout=20)
    assert (response.status_code, response.text, reports[1]["response"]) == (418, "teapot", response)
    assert reports[1]["response_length"] == len("teapot")
    assert isinstance(response, requests.Response)


def test_elapsed_is_the_head_of_the_response_on_every_path(session, server):
    server.set_routes({"/": Route(body="x" * 300_000)})
    response = session.get("/", auth=Signature())
    assert 0 < response.elapsed.total_seconds() == pytest.approx(response._exchange.elapsed, abs=1e-6)
    response.elapsed = None
    assert response.elapsed is None


def test_digest_authentication_answers_the_challenge(session, server, reports):
    challenge = 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5'
    server.set_routes(
        {
            "/": [
                Route(status=401, headers=(("WWW-Authenticate", challenge), ("Set-Cookie", "a=1"))),
                Route(body="inside"),
            ]
        }
    )
    response = session.get("/", auth=HTTPDigestAuth("user", "pass"))
    assert (response.text, response.history[0].status_code) == ("inside", 401)
    assert len(reports) == 1
    assert _paths(session) == {"prepared": 1}
    server.wait_for_requests(2)
    first, second = server.journal()
    assert first.header("Authorization") is None
    assert second.header("Authorization").startswith('Digest username="user", realm="r", nonce="n", uri="/"')
    assert dict(session.cookies) == {"a": "1"}


def test_prepared_requests_go_through_the_engine(session, server, reports):
    prepared = session.prepare_request(requests.Request("POST", server.url + "/echo", data={"a": "1"}))
    response = session.send(prepared)
    assert response.json() == {"greeting": "hello"}
    assert response.request is prepared
    assert is_engines(response.connection)
    assert response.connection.send(prepared).status_code == 200
    assert reports == []
    assert _paths(session) == {"prepared": 2}


def test_too_many_redirects_are_told_alike_on_every_path(session, server, reports):
    server.set_routes({"/": redirect("/")})
    session.max_redirects = 2
    for call in ({}, {"auth": Signature()}):
        response = session.get("/", **call)
        assert type(response.error) is requests.exceptions.TooManyRedirects
    assert [str(meta["exception"]) for meta in reports] == ["Exceeded 2 redirects."] * 2
    assert _paths(session) == {"rust": 1, "prepared": 1}


# -- cookies --------------------------------------------------------------------------------------------------------------


def test_policy_decides_which_cookies_are_kept(session, server, seen):
    server.set_routes({"/": Route(headers=(("Set-Cookie", "a=1"),)), "/echo": Route()})
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.get("/")
    assert dict(session.cookies) == {}
    assert _paths(session) == {"prepared": 1}


def test_jar_that_is_assigned_stays_the_same_object(session, server, seen):
    server.set_routes({"/": Route(headers=(("Set-Cookie", "a=1; Path=/"),)), "/echo": Route()})
    jar = RequestsCookieJar()
    jar.set("mine", "2")
    session.cookies.set("old", "0")
    session.cookies = jar
    assert session.cookies is jar
    session.get("/")
    assert dict(jar) == {"mine": "2", "a": "1"}
    session.get("/echo")
    assert set(seen().header("Cookie").split("; ")) == {"mine=2", "a=1"}
    assert _paths(session) == {"rust": 2}


def test_jar_of_another_kind_is_left_to_requests(session, server, seen):
    server.set_routes({"/": Route(headers=(("Set-Cookie", "a=1; Path=/"),)), "/echo": Route()})
    session.cookies = jar = CookieJar()
    session.get("/")
    assert [(cookie.name, cookie.value) for cookie in jar] == [("a", "1")]
    session.get("/echo")
    assert seen().header("Cookie") == "a=1"
    assert _paths(session) == {"prepared": 2}
    session.cookies = {}
    session.get("/echo")
    assert seen(number=2).header("Cookie") is None


def test_jar_may_be_shared_by_two_sessions(server, request_event, seen):
    server.set_routes({"/": Route(headers=(("Set-Cookie", "a=1; Path=/"),)), "/echo": Route()})
    one, other = (HttpSession(server.url, request_event, user=None) for _ in range(2))
    one.cookies = other.cookies = RequestsCookieJar()
    one.get("/")
    other.get("/echo")
    assert seen().header("Cookie") == "a=1"


def test_cookies_of_a_jar_go_where_they_belong(session, server, seen):
    jar = RequestsCookieJar()
    jar.set("here", "1", domain="127.0.0.1", path="/")
    jar.set("elsewhere", "2", domain="elsewhere.example", path="/")
    jar.set("deeper", "3", domain="127.0.0.1", path="/deeper")
    jar.set("over", "4", domain="127.0.0.1", path="/", expires=1)
    session.get("/moved", cookies=jar)
    assert seen().header("Cookie") == "here=1"
    assert dict(session.cookies) == {}
    assert _paths(session) == {"rust": 1}


# -- somebody else sends --------------------------------------------------------------------------------------------------


class Counting(LocustHttpAdapter):
    """An adapter as people write them."""

    sent = 0

    def send(self, *args, **kwargs):
        self.sent += 1
        return super().send(*args, **kwargs)


def test_mounted_adapter_sends_what_it_was_mounted_for(session, server, reports):
    adapter = Counting()
    session.mount(server.url, adapter)
    assert session.get("/echo").json() == {"greeting": "hello"}
    assert session.get("/moved").history[0].status_code == 302
    assert adapter.sent == 3
    assert _paths(session) == {"adapter": 2}
    assert [meta["name"] for meta in reports] == ["/echo", "/moved"]


def test_adapter_mounted_for_another_address_leaves_this_one_to_the_engine(session):
    session.mount("http://elsewhere.example", Counting())
    session.get("/echo")
    assert _paths(session) == {"prepared": 1}


@pytest.mark.parametrize(
    "target", ["requests.adapters.HTTPAdapter.send", "requests.sessions.Session.send"], ids=["adapter", "session"]
)
def test_patched_send_is_called_instead_of_the_engine(session, reports, target):
    answer = requests.Response()
    answer.status_code, answer._content, answer.url = 200, b"mocked", "http://mocked/"
    answer.request = requests.Request("GET", "http://mocked/path").prepare()
    answer.raw = urllib3.HTTPResponse(b"")
    with mock.patch(target, return_value=answer):
        assert session.get("/echo").text == "mocked"
    assert reports.only["name"] == "/path"
    assert session.get("/echo").json() == {"greeting": "hello"}
    assert _paths(session) == {"adapter": 1, "rust": 1}


def test_pool_that_is_given_sends_everything(server, request_event):
    with urllib3.PoolManager() as pool:
        session = HttpSession(server.url, request_event, user=None, pool_manager=pool)
        session.get("/echo")
        session.post("/echo", files={"f": b"x"})
        assert len(pool.pools) == 1
        assert session.get_adapter("https://x").poolmanager is pool
    assert _paths(session) == {"adapter": 2}


@pytest.mark.parametrize("method", ["send", "get_adapter", "prepare_request", "rebuild_auth", "resolve_redirects"])
def test_method_of_a_subclass_is_called(server, request_event, method):
    called = []

    def own(self, *args, **kwargs):
        called.append(method)
        return getattr(super(kind, self), method)(*args, **kwargs)

    kind = type("Own", (HttpSession,), {method: own})
    session = kind(server.url, request_event, user=None)
    assert session.get("/moved").json() == {"greeting": "hello"}
    assert set(called) == {method}
    assert _paths(session) == {"prepared": 1}


def test_request_of_a_subclass_may_change_its_arguments_and_stay_plain(server, request_event, seen):
    class Own(HttpSession):
        def request(self, method, url, *args, **kwargs):
            kwargs.setdefault("headers", {})["X-Own"] = "1"
            return super().request(method, url, *args, **kwargs)

    session = Own(server.url, request_event, user=None)
    session.get("/echo")
    assert seen().header("X-Own") == "1"
    assert _paths(session) == {"rust": 1}


def test_base_url_of_a_subclass_is_asked_for(server, request_event, seen):
    class Own(HttpSession):
        def _build_url(self, path):
            return super()._build_url("/echo" + path)

    session = Own(server.url, request_event, user=None)
    session.get("?a=1")
    assert seen().target == "/echo?a=1"
    assert _paths(session) == {"rust": 1}


def test_method_replaced_on_a_session_is_called(session):
    called = []
    get_adapter = session.get_adapter
    session.get_adapter = lambda url: (called.append(url), get_adapter(url))[1]
    session.get("/echo")
    assert len(called) == 1


# -- copies ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda session: pickle.loads(pickle.dumps(session))])
def test_copy_of_a_session_has_its_settings_and_reports_to_nobody(session, server, reports, seen, copied):
    session.headers["X-Own"] = "1"
    session.auth = ("user", "pass")
    session.cookies.set("a", "1")
    session.mount("http://elsewhere.example", HTTPAdapter())
    other = copied(session)
    assert type(other) is HttpSession
    assert other.get("/echo").json() == {"greeting": "hello"}
    assert (seen().header("X-Own"), seen().header("Cookie")) == ("1", "a=1")
    assert list(other.adapters) == ["http://elsewhere.example", "https://", "http://"]
    assert reports == []
    # A shallow copy shares its jar, as in requests.
    assert (other.cookies is session.cookies) == (copied is copy.copy)


@pytest.mark.parametrize("call", [{}, {"auth": Signature()}, {"stream": True}], ids=["rust", "prepared", "adapter"])
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda response: pickle.loads(pickle.dumps(response))])
def test_copy_of_a_response_travels_without_its_session(session, server, call, copied):
    response = session.get("/moved", **call)
    other = copied(response)
    facts = [
        (
            one.status_code,
            one.text,
            one.url,
            one.encoding,
            one.elapsed,
            dict(one.headers),
            [hop.url for hop in one.history],
        )
        for one in (response, other)
    ]
    assert facts[0] == facts[1]
    assert (other.request.url, other.request.method) == (response.request.url, "GET")
    assert type(other) is type(response)


# -- attributes -----------------------------------------------------------------------------------------------------------


def test_attributes_of_a_response_are_all_in_its_dict(session, server):
    theirs = vars(requests.get(server.url + "/echo", timeout=20))
    ours = vars(session.get("/echo"))
    assert theirs.keys() - ours.keys() == set()
    assert ours["_content"] == theirs["_content"]
    assert ours["status_code"] == 200


@pytest.mark.parametrize("call", [{}, {"auth": Signature()}], ids=["rust", "prepared"])
def test_connection_of_a_response_can_send_again(session, call):
    response = session.get("/echo", **call)
    again = response.connection.send(response.request)
    assert again.json() == {"greeting": "hello"}


REQUESTS = {
    "plain": {},
    "form": {"method": "POST", "data": {"a": "1"}, "headers": {"x-own": "1"}},
    "text": {"method": "POST", "data": "text"},
    "bytes": {"method": "POST", "data": b"bytes"},
    "json": {"method": "POST", "json": {"a": 1}},
    "nothing": {"method": "POST"},
    "headers away": {"headers": {"User-Agent": None, "Accept-Encoding": None}},
    "cookies": {"cookies": {"a": "1", "b": "2"}},
    "auth": {"auth": ("u", "p")},
    "redirected": {"url": "/moved", "method": "POST", "data": {"a": "1"}},
}


@pytest.mark.parametrize("name", REQUESTS)
def test_request_of_a_response_is_what_requests_would_have_prepared(session, server, name):
    call = {"method": "GET", "url": "/echo", **REQUESTS[name]}
    path = call.pop("url")
    with requests.Session() as plain:
        plain.trust_env = False
        theirs = plain.request(url=server.url + path, **call).request
    ours = session.request(url=path, **call).request

    def facts(request):
        headers = {key: value for key, value in request.headers.items() if key != "Accept-Encoding"}
        return request.method, request.url, headers, request.body, request.hooks, dict(request._cookies)

    assert facts(ours) == facts(theirs)

"""What `HttpSession` reports of a request, and what a `with` block has to say about it."""

from __future__ import annotations

import pytest
import requests
from rocust._errors import CatchResponseError, LocustError, RescheduleTask, ResponseError, StopUser
from rocust._http.response import ResponseContextManager
from rocust._http.session import HttpSession
from support.script import Route, redirect

KEYS = {
    "request_type", "response_time", "name", "context", "response", "exception", "start_time", "url", "response_length",
}  # fmt: skip


def test_report_says_what_listeners_rely_on(session, server, reports, seen):
    response = session.get("/echo?a=1", context={"shared": "call", "own": 1})
    meta = reports.only
    assert meta.keys() == KEYS
    assert meta["response"] is response
    assert (meta["request_type"], meta["name"], meta["exception"]) == ("GET", "/echo?a=1", None)
    assert meta["url"] == server.url + "/echo?a=1"
    assert meta["response_length"] == len(response.content)
    assert meta["context"] == {"visitor": 7, "shared": "call", "own": 1}
    assert isinstance(meta["response_time"], float)
    assert 0 < meta["response_time"] < 20_000
    # The server's wall clock, when it had read the request.
    assert meta["start_time"] == pytest.approx(seen().wall_s, abs=1.0)
    assert response.request_meta == meta


def test_response_time_is_in_milliseconds_and_covers_the_delay(session, server, reports):
    server.set_routes({"/": Route(delay_s=0.1)})
    session.get("/")
    assert 100 <= reports.only["response_time"] < 5_000


def test_session_without_a_user_reports_the_context_of_the_call(server, request_event, reports):
    HttpSession(server.url, request_event, user=None).get("/echo", context={"own": 1})
    assert reports.only["context"] == {"own": 1}


@pytest.mark.parametrize(
    ("path", "call", "name"),
    [
        ("/echo", {}, "/echo"),
        ("/echo?x=1", {"params": {"y": "a b"}}, "/echo?x=1&y=a+b"),
        ("/echo#part", {}, "/echo"),
        ("/echo", {"name": "mine"}, "mine"),
        ("/echo", {"name": ""}, "/echo"),
        ("/moved", {}, "/moved"),
        ("", {}, "/"),
    ],
)
def test_name_is_the_path_unless_one_is_given(session, reports, path, call, name):
    session.get(path, **call)
    assert reports.only["name"] == name


def test_request_name_and_rename_request_name_what_has_no_name(session, reports):
    session.request_name = "all"
    session.get("/echo")
    session.get("/echo", name="own")
    session.request_name = None
    with pytest.raises(LookupError), session.rename_request("group"):
        session.get("/echo")
        raise LookupError
    session.get("/echo")
    assert [meta["name"] for meta in reports] == ["all", "own", "group", "/echo"]


@pytest.mark.parametrize(("method", "reported"), [("get", "get"), (b"GET", b"GET"), ("BREW", "BREW")])
def test_request_type_is_the_method_as_passed(session, reports, seen, method, reported):
    session.request(method, "/echo")
    assert reports.only["request_type"] == reported
    assert seen().method == (method.decode() if isinstance(method, bytes) else method).upper()


@pytest.mark.parametrize("verb", ["get", "options", "head", "post", "put", "patch", "delete"])
def test_verbs_send_their_method(session, reports, seen, verb):
    getattr(session, verb)("/echo")
    assert (reports.only["request_type"], seen().method) == (verb.upper(), verb.upper())


def test_head_does_not_follow_redirects_unless_asked(session):
    assert session.head("/moved").status_code == 302
    assert session.head("/moved", allow_redirects=True).status_code == 200
    assert session.request("HEAD", "/moved").status_code == 200


def test_one_report_for_a_whole_chain_of_redirects(session, server, reports):
    response = session.get("/moved")
    assert (reports.only["url"], response.url) == (server.url + "/moved", server.url + "/echo")
    assert reports.only["response_length"] == len(response.content)


def test_redirect_to_something_else_than_http_is_reported_and_raised(session, server, reports):
    server.set_routes({"/": redirect("ftp://example/file")})
    with pytest.raises(requests.exceptions.InvalidSchema, match="ftp://example/file"):
        session.get("/")
    # The server has seen a request, so there is a report: stock loses it.
    assert isinstance(reports.only["exception"], requests.exceptions.InvalidSchema)


def test_whole_urls_leave_the_base_url_aside(session, server, reports):
    session.base_url = "http://127.0.0.1:1/base"
    assert session.get(server.url + "/echo").status_code == 200
    assert session.get(server.url.upper() + "/echo").status_code == 200
    assert reports[0]["name"] == "/echo"


def test_base_url_may_change_between_two_calls(session, server, seen):
    assert session.base_url == server.url
    session.get("/echo")
    session.base_url = server.url + "/echo"
    session.get("?second")
    assert seen(number=2).target == "/echo?second"


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("ftp://example/file", requests.exceptions.InvalidURL),
        ("http://", requests.exceptions.InvalidURL),
        ("http://127.0.0.1:99999/", requests.exceptions.InvalidURL),
        ("http://*.example/", requests.exceptions.InvalidURL),
    ],
)
def test_url_that_cannot_be_requested_is_raised_and_not_reported(session, reports, url, error):
    with pytest.raises(error):
        session.get(url)
    assert reports == []


@pytest.mark.parametrize(
    ("base", "error"),
    [("", requests.exceptions.MissingSchema), ("gopher://x", requests.exceptions.InvalidSchema)],
)
def test_base_url_that_is_none_is_raised_and_not_reported(request_event, reports, base, error):
    with pytest.raises(error):
        HttpSession(base, request_event, user=None).get("/path")
    assert reports == []


# -- failures by status ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 204, 206, 299, 304, 399])
def test_statuses_below_400_are_no_failures(session, server, reports, status):
    server.set_routes({"/": Route(status=status, body="")})
    assert session.get("/").ok
    assert reports.only["exception"] is None


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "400 Client Error: Bad Request for url: group"),
        (499, "499 Client Error: Odd for url: group"),
        (503, "503 Server Error: Service Unavailable for url: group"),
    ],
)
def test_statuses_from_400_are_failures_that_name_the_request(session, server, reports, status, message):
    server.set_routes({"/": Route(status=status)})
    response = session.get("/", name="group")
    assert isinstance(reports.only["exception"], requests.HTTPError)
    assert str(reports.only["exception"]) == message
    assert response.url == server.url + "/"
    with pytest.raises(requests.HTTPError, match=server.url):
        response.raise_for_status()


def test_statuses_beyond_599_are_no_failures_as_in_requests(session, server, reports):
    server.set_routes({"/": Route(status=600)})
    assert session.get("/").ok
    assert reports.only["exception"] is None


# -- the with block -------------------------------------------------------------------------------------------------------


def _judge(session, block, path="/missing"):
    with session.get(path, name="judged", catch_response=True) as response:
        assert isinstance(response, ResponseContextManager)
        block(response)
    return response


def _raise(error):
    def block(_):
        raise error

    return block


def _then(*blocks):
    def block(response):
        for one in blocks:
            one(response)

    return block


def test_nothing_is_reported_before_the_block_is_left(session, reports):
    with session.get("/echo", catch_response=True) as response:
        assert reports == []
    assert reports.only["response"] is response


def test_block_that_says_nothing_leaves_it_to_the_status(session, reports):
    _judge(session, lambda _: None)
    assert str(reports.only["exception"]) == "404 Client Error: Not Found for url: judged"


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (lambda r: r.success(), None),
        (lambda r: r.failure("no"), CatchResponseError("no")),
        (lambda r: r.failure(KeyError("k")), KeyError("k")),
        (lambda r: r.failure(17), CatchResponseError(17)),
        (_then(lambda r: r.failure("no"), lambda r: r.success()), None),
        (_then(lambda r: r.success(), lambda r: r.failure("no")), CatchResponseError("no")),
        (_then(lambda r: r.failure("first"), lambda r: r.failure("last")), CatchResponseError("last")),
        (_raise(ResponseError("raised")), ResponseError("raised")),
    ],
)
def test_last_verdict_of_the_block_wins(session, reports, block, expected):
    _judge(session, block)
    assert repr(reports.only["exception"]) == repr(expected)


@pytest.mark.parametrize("error", [ValueError("v"), CatchResponseError("c"), StopUser(), RescheduleTask()])
def test_foreign_exceptions_pass_and_nothing_is_reported(session, reports, error):
    with pytest.raises(type(error)):
        _judge(session, _raise(error))
    assert reports == []


def test_foreign_exceptions_after_a_verdict_pass_and_the_verdict_is_reported(session, reports):
    with pytest.raises(ValueError, match="v"):
        _judge(session, _then(lambda r: r.failure("said"), _raise(ValueError("v"))))
    assert repr(reports.only["exception"]) == "CatchResponseError('said')"


def test_raise_for_status_knows_the_verdict(session):
    _judge(session, _then(lambda r: r.success(), lambda r: r.raise_for_status()))
    with pytest.raises(CatchResponseError, match="said"):
        _judge(session, _then(lambda r: r.failure("said"), lambda r: r.raise_for_status()))
    with pytest.raises(requests.HTTPError):
        _judge(session, lambda r: r.raise_for_status())


def test_verdict_outside_a_block_is_an_error(session):
    response = session.get("/echo", catch_response=True)
    for verdict in (response.success, lambda: response.failure("no")):
        with pytest.raises(LocustError, match="with-block"):
            verdict()


def test_block_without_catch_response_is_an_error(session, reports):
    with pytest.raises(LocustError, match="catch_response=True"), session.get("/echo"):
        pass
    assert reports.only["exception"] is None


def test_plain_responses_say_what_is_missing():
    from rocust._http.response import teach_plain_responses

    teach_plain_responses()
    for verdict in (requests.Response().success, lambda: requests.Response().failure("no")):
        with pytest.raises(LocustError, match="catch_response=True"):
            verdict()


def test_response_that_was_wrapped_by_hand_behaves_the_same(request_event, reports):
    plain = requests.Response()
    plain.status_code, plain.reason, plain.url = 500, "Oops", "http://example/x"
    meta = {"name": "mine", "exception": None}
    wrapped = ResponseContextManager.wrap_response(plain, request_event, meta, catch_response=True)
    assert wrapped is plain
    with wrapped:
        pass
    assert str(reports.only["exception"]) == "500 Server Error: Oops for url: mine"


def test_listener_that_steers_reaches_the_task(session, request_event):
    @request_event.add_listener
    def steer(**_):
        raise StopUser

    with pytest.raises(StopUser):
        session.get("/echo")

"""What a client's call becomes on the wire: verb, target, headers, body, cookies, connections, by the server's journal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import parse_qsl

import pytest
import trustme
from support.command import Result, run_locust
from support.script import Route, redirect
from support.server import Exchange, ScriptedServer

KINDS = ("HttpUser", "FastHttpUser")

ONE_CALL = """
import traceback
from locust import HttpUser, FastHttpUser, task

class Visitor(KIND):
    @task
    def work(self):
        try:
            self.once()
        except Exception:
            traceback.print_exc()
        self.environment.runner.quit()

    def once(self):
        CALLS
"""

ROUTES = {
    "/": Route(),
    "/login": Route(headers=(("Set-Cookie", "session=abc123; Path=/"), ("Set-Cookie", "theme=dark"))),
    "/logout": Route(headers=(("Set-Cookie", "session=; Max-Age=0; Path=/"),)),
    "/moved": redirect("/"),
    "/moved-307": redirect("/", 307),
    "/moved-303": redirect("/", 303),
    "/gone away": Route(),
    "/slow": Route(delay_s=30),
    "/nothing": Route(status=204, body="", headers=(("X-Empty", "yes"),)),
}


@pytest.fixture(scope="module")
def running_server() -> Iterator[ScriptedServer]:
    with ScriptedServer(ROUTES) as server:
        yield server


@pytest.fixture
def server(running_server: ScriptedServer) -> ScriptedServer:
    """The module's server with an empty journal."""
    running_server.set_routes(ROUTES)
    return running_server


def call(server: ScriptedServer, kind: str, *calls: str, attributes: str = "") -> Result:
    """Run these statements as one task of one user, once."""
    text = ONE_CALL.replace("KIND", kind).replace("CALLS", "\n        ".join(calls))
    if attributes:
        text = text.replace("    @task", f"    {attributes}\n\n    @task", 1)
    result = run_locust(text, "-H", server.url)
    assert "Traceback" not in result.stderr, result.stderr
    return result


def only(exchanges: list[Exchange]) -> Exchange:
    """The one request there was."""
    assert len(exchanges) == 1, exchanges
    return exchanges[0]


@pytest.mark.parametrize("kind", KINDS)
def test_every_verb_arrives_and_is_reported_under_its_own_method(server: ScriptedServer, kind: str) -> None:
    verbs = ("get", "post", "put", "patch", "delete", "head", "options")
    result = call(server, kind, *(f'self.client.{verb}("/")' for verb in verbs), 'self.client.request("PURGE", "/")')
    assert [exchange.method for exchange in server.journal()] == [*map(str.upper, verbs), "PURGE"]
    assert {key[0] for key in result.tables.rows} == {*map(str.upper, verbs), "PURGE", ""}
    assert result.total.failures == 0
    assert result.entry("/", "HEAD").content_bytes == 0 or kind == "HttpUser"


@pytest.mark.parametrize("kind", KINDS)
def test_name_groups_requests_in_the_statistics_only(server: ScriptedServer, kind: str) -> None:
    result = call(server, kind, "for number in range(3):", '    self.client.get(f"/?id={number}", name="/?id=[id]")')
    assert [exchange.target for exchange in server.journal()] == ["/?id=0", "/?id=1", "/?id=2"]
    assert result.entry("/?id=[id]").requests == 3
    assert result.tables.rows["GET", "/?id=[id]"].requests == 3


@pytest.mark.parametrize("kind", KINDS)
def test_request_name_and_rename_request_group_like_name(server: ScriptedServer, kind: str) -> None:
    result = call(
        server,
        kind,
        'self.client.request_name = "grouped"',
        'self.client.get("/?a=1")',
        'self.client.get("/?a=2", name="explicit")',
        "self.client.request_name = None",
        'with self.client.rename_request("renamed"):',
        '    self.client.get("/?a=3")',
        'self.client.get("/?a=4")',
    )
    assert {name for _, name in result.tables.rows} == {"grouped", "explicit", "renamed", "/?a=4", "Aggregated"}


@pytest.mark.parametrize("kind", KINDS)
def test_query_in_the_url_is_sent_and_named(server: ScriptedServer, kind: str) -> None:
    result = call(server, kind, 'self.client.get("/?q=1&r=two")')
    assert only(server.journal()).target == "/?q=1&r=two"
    assert result.entry("/?q=1&r=two").requests == 1


@pytest.mark.parametrize("kind", KINDS)
def test_params_become_the_query(server: ScriptedServer, kind: str) -> None:
    result = call(
        server,
        kind,
        'self.client.get("/", params={"q": "a b&c", "list": ["1", "2"], "none": None, "ü": "ß"})',
        'self.client.get("/?x=1", params=[("y", "2"), ("y", "3")], name="more")',
    )
    first, second = server.journal()
    expected = [("q", "a b&c"), ("list", "1"), ("list", "2"), ("ü", "ß")]
    assert [pair for pair in parse_qsl(first.query, keep_blank_values=True) if pair[0] != "none"] == expected
    assert second.query == "x=1&y=2&y=3"
    if kind == "HttpUser":
        assert first.query == "q=a+b%26c&list=1&list=2&%C3%BC=%C3%9F"
        assert result.entry("/?q=a+b%26c&list=1&list=2&%C3%BC=%C3%9F").requests == 1
    else:
        assert result.entry("/").requests == 1


def test_http_user_sends_data_in_all_its_forms(server: ScriptedServer) -> None:
    call(
        server,
        "HttpUser",
        'self.client.post("/", data={"a": "1 2", "b": ["x", "y"]})',
        'self.client.post("/", data=[("k", "v"), ("k", "w")])',
        'self.client.post("/", data="plain ü")',
        'self.client.post("/", data=bytes([0, 255]))',
        'self.client.post("/")',
    )
    form, pairs, text, raw, nothing = server.journal()
    assert (form.body, form.header("Content-Type")) == ("a=1+2&b=x&b=y", "application/x-www-form-urlencoded")
    assert (pairs.body, pairs.header("Content-Type")) == ("k=v&k=w", "application/x-www-form-urlencoded")
    assert text.body.encode("latin-1").decode("utf-8") == "plain ü"
    assert text.header("Content-Type") is None
    assert raw.body == "\x00\xff"
    assert (nothing.body, nothing.header("Content-Length")) == ("", "0")


def test_fast_http_user_sends_data_in_all_its_forms(server: ScriptedServer) -> None:
    call(
        server,
        "FastHttpUser",
        'self.client.post("/", data={"a": "1 2", "b": "x"})',
        'self.client.post("/", data="plain ü")',
        'self.client.post("/", data=bytes([0, 255]))',
        'self.client.post("/")',
    )
    form, text, raw, nothing = server.journal()
    assert dict(parse_qsl(form.body)) == {"a": "1 2", "b": "x"}
    assert form.header("Content-Type") == "application/x-www-form-urlencoded; charset=utf-8"
    assert text.body.encode("latin-1").decode("utf-8") == "plain ü"
    assert raw.body == "\x00\xff"
    assert nothing.body == ""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("verb", ["post", "put", "patch", "delete", "get"])
def test_json_becomes_the_body_with_its_content_type(server: ScriptedServer, kind: str, verb: str) -> None:
    call(server, kind, f'self.client.{verb}("/", json={{"name": "ü", "list": [1, 2.5, None, True]}})')
    exchange = only(server.journal())
    assert json.loads(exchange.body) == {"name": "ü", "list": [1, 2.5, None, True]}
    assert exchange.header("Content-Type") == "application/json"
    assert exchange.header("Content-Length") == str(len(exchange.body))


@pytest.mark.parametrize("kind", KINDS)
def test_headers_are_added_to_the_defaults_and_replace_them_without_regard_to_case(
    server: ScriptedServer, kind: str
) -> None:
    call(server, kind, 'self.client.get("/", headers={"X-Trace": "42", "user-agent": "mine", "Accept": "text/x"})')
    exchange = only(server.journal())
    assert exchange.header("X-Trace") == "42"
    names = [name.lower() for name, _ in exchange.headers]
    assert names.count("user-agent") == names.count("accept") == names.count("host") == 1
    assert (exchange.header("User-Agent"), exchange.header("Accept")) == ("mine", "text/x")
    assert exchange.header("Host") == f"127.0.0.1:{server.port}"


def test_http_user_sends_the_default_headers_of_requests(server: ScriptedServer) -> None:
    call(server, "HttpUser", 'self.client.get("/")')
    headers = {name.lower(): value for name, value in only(server.journal()).headers}
    assert headers["accept"] == "*/*"
    assert headers["connection"] == "keep-alive"
    assert {"gzip", "deflate"} <= {word.strip() for word in headers["accept-encoding"].split(",")}
    assert headers["user-agent"]
    assert "content-length" not in headers


def test_fast_http_user_sends_the_default_headers_of_locusts(server: ScriptedServer) -> None:
    call(server, "FastHttpUser", 'self.client.get("/")')
    headers = {name.lower(): value for name, value in only(server.journal()).headers}
    assert headers["accept-encoding"] == "gzip, deflate, br"
    assert headers["user-agent"]


def test_session_headers_of_an_http_user_are_sent_with_each_request(server: ScriptedServer) -> None:
    call(
        server,
        "HttpUser",
        'self.client.headers["Authorization"] = "Bearer t"',
        'self.client.headers.update({"X-Two": "2"})',
        'self.client.get("/")',
        'self.client.get("/", headers={"X-Two": None})',
    )
    first, second = server.journal()
    assert (first.header("Authorization"), first.header("X-Two")) == ("Bearer t", "2")
    assert (second.header("Authorization"), second.header("X-Two")) == ("Bearer t", None)


def test_default_headers_of_a_fast_http_user_are_sent_with_each_request(server: ScriptedServer) -> None:
    call(server, "FastHttpUser", 'self.client.get("/")', attributes='default_headers = {"X-Default": "d"}')
    assert only(server.journal()).header("X-Default") == "d"


@pytest.mark.parametrize("kind", KINDS)
def test_cookies_of_answers_are_kept_and_sent_back_until_they_expire(server: ScriptedServer, kind: str) -> None:
    call(server, kind, *(f'self.client.get("{path}")' for path in ("/", "/login", "/", "/logout", "/")))
    cookies = [set(filter(None, (exchange.header("Cookie") or "").split("; "))) for exchange in server.journal()]
    assert cookies == [set(), set(), {"session=abc123", "theme=dark"}, {"session=abc123", "theme=dark"}, {"theme=dark"}]


def test_cookies_belong_to_one_user(server: ScriptedServer) -> None:
    file = """
from locust import HttpUser, task

class Visitor(HttpUser):
    @task
    def work(self):
        self.client.get("/login")
        self.client.get("/?after")
        self.stop()
"""
    server.set_routes(
        {"/login": [Route(headers=(("Set-Cookie", f"user={number}"),)) for number in range(3)], "/": Route()}
    )
    run_locust(file, "-H", server.url, "-u", "3", "-r", "3", "-t", "1")
    assert sorted(exchange.header("Cookie") or "" for exchange in server.journal("/")) == ["user=0", "user=1", "user=2"]


def test_cookies_of_an_http_user_can_be_given_and_read(server: ScriptedServer) -> None:
    result = call(
        server,
        "HttpUser",
        'self.client.get("/", cookies={"once": "1"})',
        'self.client.cookies.set("always", "2")',
        'self.client.get("/login")',
        'print("COOKIE", repr(self.client.cookies["session"]).replace(chr(39), chr(34)))',
    )
    first, second = server.journal()
    assert (first.header("Cookie"), second.header("Cookie")) == ("once=1", "always=2")
    assert result.printed("COOKIE") == ["abc123"]


@pytest.mark.parametrize("kind", KINDS)
def test_connection_is_kept_between_requests_of_a_user(server: ScriptedServer, kind: str) -> None:
    call(server, kind, "for _ in range(5):", '    self.client.get("/")')
    assert len({exchange.connection for exchange in server.journal()}) == 1


def test_each_user_has_its_own_connection(server: ScriptedServer) -> None:
    file = """
from locust import HttpUser, task

class Visitor(HttpUser):
    @task
    def work(self):
        for _ in range(4):
            self.client.get("/")
        self.stop()
"""
    run_locust(file, "-H", server.url, "-u", "3", "-r", "3", "-t", "1")
    by_connection = [exchange.connection for exchange in server.journal()]
    assert sorted(by_connection.count(number) for number in set(by_connection)) == [4, 4, 4]


@pytest.mark.parametrize("kind", KINDS)
def test_redirect_is_followed_unless_told_otherwise(server: ScriptedServer, kind: str) -> None:
    result = call(
        server,
        kind,
        'followed = self.client.get("/moved", name="followed")',
        'kept = self.client.get("/moved", name="kept", allow_redirects=False)',
        'print("STATUS", [followed.status_code, kept.status_code])',
        'print("LOCATION", chr(34) + kept.headers["Location"] + chr(34))',
    )
    assert [exchange.target for exchange in server.journal()] == ["/moved", "/", "/moved"]
    assert result.printed("STATUS") == [[200, 302]]
    assert result.printed("LOCATION") == ["/"]
    assert (result.entry("followed").requests, result.entry("kept").requests, result.total.failures) == (1, 1, 0)


def test_redirected_post_of_an_http_user_keeps_or_drops_its_body_by_the_status(server: ScriptedServer) -> None:
    call(
        server,
        "HttpUser",
        *(f'self.client.post("{path}", data="body", name="{path}")' for path in ("/moved", "/moved-303", "/moved-307")),
    )
    hops = [(exchange.method, exchange.body) for exchange in server.journal("/")]
    assert hops == [("GET", ""), ("GET", ""), ("POST", "body")]


def test_redirect_to_another_host_does_not_carry_the_credentials(server: ScriptedServer) -> None:
    with ScriptedServer({"/": Route()}) as other:
        server.set_routes({"/away": redirect(other.url.replace("127.0.0.1", "localhost") + "/")})
        call(server, "HttpUser", 'self.client.get("/away", headers={"Authorization": "Bearer secret"})')
        assert only(server.journal()).header("Authorization") == "Bearer secret"
        assert only(other.journal()).header("Authorization") is None


def test_credentials_in_the_host_become_basic_auth(server: ScriptedServer) -> None:
    host = server.url.replace("://", "://us%40er:pass@")
    for kind in KINDS:
        result = run_locust(ONE_CALL.replace("KIND", kind).replace("CALLS", 'self.client.get("/")'), "-H", host)
        assert result.returncode == 0
    assert [exchange.header("Authorization") for exchange in server.journal()] == ["Basic dXNAZXI6cGFzcw=="] * 2


@pytest.mark.parametrize("kind", KINDS)
def test_url_with_a_space_or_beyond_ascii_is_sent_percent_encoded(server: ScriptedServer, kind: str) -> None:
    call(server, kind, 'self.client.get("/gone away?q=ü")')
    assert only(server.journal()).target == "/gone%20away?q=%C3%BC"


@pytest.mark.parametrize(
    ("kind", "argument"), [("HttpUser", "timeout=0.2"), ("HttpUser", "timeout=(5, 0.2)"), ("FastHttpUser", "")]
)
def test_timeout_ends_the_wait_for_an_answer(server: ScriptedServer, kind: str, argument: str) -> None:
    result = call(
        server,
        kind,
        "import time",
        "began = time.monotonic()",
        f'response = self.client.get("/slow", {argument})',
        'print("TOOK", time.monotonic() - began)',
        'print("STATUS", response.status_code)',
        attributes="network_timeout = 0.2",
    )
    assert 0.19 <= result.printed("TOOK")[0] < 5
    assert result.printed("STATUS") == [0]
    assert (result.total.requests, result.total.failures) == (1, 1)
    assert 190 <= result.total.maximum_ms < 5000


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Files of a server's certificate with key, and of the authority that signed it."""
    directory = tmp_path_factory.mktemp("certificate")
    authority = trustme.CA()
    server_file, authority_file = directory / "server.pem", directory / "authority.pem"
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(str(server_file))
    authority.cert_pem.write_to_path(str(authority_file))
    return str(server_file), str(authority_file)


def test_http_user_verifies_certificates_and_a_fast_http_user_does_not(certificate: tuple[str, str]) -> None:
    server_file, authority_file = certificate
    with ScriptedServer({"/": Route()}, certificate=server_file) as server:
        verified = call(
            server,
            "HttpUser",
            'self.client.get("/", name="by default")',
            'self.client.get("/", name="not verified", verify=False)',
            f'self.client.get("/", name="own authority", verify="{authority_file}")',
            "self.client.verify = False",
            'self.client.get("/", name="session not verified")',
        )
        outcome = {entry["name"]: entry["failures"] for entry in verified.probe["entries"]}
        assert outcome == {"by default": 1, "not verified": 0, "own authority": 0, "session not verified": 0}
        (text,) = verified.errors
        assert text.startswith("GET by default: SSLError(")
        assert "certificate" in text.lower()
        assert server.count() == 3
        fast = call(server, "FastHttpUser", 'self.client.get("/")')
        assert (fast.total.requests, fast.total.failures) == (1, 0)
        strict = call(server, "FastHttpUser", 'self.client.get("/")', attributes="insecure = False")
        assert (strict.total.requests, strict.total.failures) == (1, 1)


def test_certificate_of_another_name_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("wrong name")
    authority = trustme.CA()
    authority.issue_cert("example.org").private_key_and_cert_chain_pem.write_to_path(str(directory / "server.pem"))
    authority.cert_pem.write_to_path(str(directory / "authority.pem"))
    with ScriptedServer({"/": Route()}, certificate=directory / "server.pem") as server:
        result = call(server, "HttpUser", f'self.client.get("/", verify="{directory / "authority.pem"}")')
        assert (result.total.requests, result.total.failures, server.count()) == (1, 1, 0)

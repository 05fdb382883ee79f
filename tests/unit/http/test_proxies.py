"""Calls through proxies beside `requests` itself: what the proxy is told, what comes back, what is said when it does not work."""

from __future__ import annotations

import re
import sys

import pytest
import requests
import trustme
import urllib3
from requests.exceptions import InvalidProxyURL, InvalidURL
from rocust._http.fast import FastHttpSession
from rocust._http.session import HttpSession
from support.proxy import HttpProxy, SocksProxy
from support.script import Route, close, redirect, reset, send
from support.server import ScriptedServer

HOSTS = {"target.test": "127.0.0.1", "other.test": "127.0.0.1"}
ROUTES = {
    "/": Route(body="hello"),
    "/moved": redirect("/"),
    "/close": Route(steps=(close(),)),
    "/reset": Route(steps=(reset(),)),
    "/half": Route(steps=(send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), close())),
    "/slow": Route(delay_s=20),
}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Files of a server's certificate with key, and of the authority that signed it."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1", "target.test").private_key_and_cert_chain_pem.write_to_path(
        str(folder / "server.pem")
    )
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    return str(folder / "server.pem"), str(folder / "authority.pem")


@pytest.fixture(scope="module")
def target(certificates):
    """A server at `target.test`, which only the proxies know, by scheme."""
    with ScriptedServer(ROUTES) as plain, ScriptedServer(ROUTES, certificate=certificates[0]) as secure:
        yield {"http": f"http://target.test:{plain.port}", "https": f"https://target.test:{secure.port}"}


@pytest.fixture(scope="module")
def proxy():
    with HttpProxy(hosts=HOSTS) as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def ours(request_event, certificates):
    session = HttpSession("", request_event, None)
    session.trust_env = False
    session.verify = certificates[1]
    yield session
    session.close()


@pytest.fixture
def theirs(certificates):
    with requests.Session() as session:
        session.trust_env = False
        session.verify = certificates[1]
        yield session


def _wire(passages):
    numbers = {number: order for order, number in enumerate(dict.fromkeys(one.connection for one in passages))}
    fields = [
        sorted((name.lower(), value) for name, value in one.headers if name.lower() != "accept-encoding")
        for one in passages
    ]
    return [
        (numbers[one.connection], one.line, one.credentials, headers)
        for one, headers in zip(passages, fields, strict=True)
    ]


def _told(error):
    """A failure in words, without what says nothing of it."""
    return re.sub(r" \(_ssl\.c:\d+\)", "", repr(error))


def _innermost(error):
    pool = urllib3.exceptions
    wrappers = (requests.ConnectionError, pool.ProtocolError, pool.MaxRetryError, pool.NewConnectionError)
    while isinstance(error, wrappers) and error.__context__:
        error = error.__context__
    return error


def _outcome(call, proxy):
    """What came of calls: words for each, and what the proxy was told."""
    proxy.journal.clear()
    told = call()
    return told, _wire(proxy.journal)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_is_told_what_requests_tells_it(ours, theirs, target, proxy, scheme):
    def run(session):
        told = []
        for method, path, call in (
            ("GET", "/?q='a b|#fragment", {}),
            ("POST", "/", {"data": {"a": "1"}, "headers": {"X-Own": "1"}}),
            ("GET", "/", {"headers": {"Host": "own.test", "Accept": None}}),
            ("GET", "/moved", {}),
            ("GET", "/", {"headers": {"Proxy-Authorization": "Basic own"}}),
        ):
            response = session.request(method, target[scheme] + path, proxies={"all": proxy.url}, **call)
            told.append((response.status_code, response.text, response.url, len(response.history)))
        return told

    assert _outcome(lambda: run(ours), proxy) == _outcome(lambda: run(theirs), proxy)
    assert ours.paths == {"rust": 5, "prepared": 0, "adapter": 0}


MAPPINGS = {
    "none": {},
    "scheme": {"http": "PROXY"},
    "no scheme in the URL": {"http": "BARE"},
    "other scheme": {"https": "PROXY"},
    "all": {"all": "PROXY"},
    "host": {"http://target.test": "PROXY", "http": "DEAD"},
    "other host": {"http://other.test": "DEAD", "http": "PROXY"},
    "all of a host": {"all://target.test": "PROXY", "all": "DEAD"},
    "scheme before all of a host": {"all://target.test": "DEAD", "http": "PROXY"},
    "None is no key": {"http": None, "all": "PROXY"},
    "empty is no proxy": {"http": "", "all": "PROXY"},
    "no_proxy counts only in the environment": {"http": "PROXY", "no_proxy": "target.test"},
}


@pytest.mark.parametrize("place", ["call", "session", "both"])
@pytest.mark.parametrize("name", MAPPINGS)
def test_keys_are_read_as_requests_reads_them(ours, theirs, target, proxy, refusing, name, place):
    words = {"PROXY": proxy.url, "BARE": f"127.0.0.1:{proxy.port}", "DEAD": refusing.url}
    mapping = {key: words.get(value, value) for key, value in MAPPINGS[name].items()}

    def run(session):
        own = {}
        if place == "call":
            own = {"proxies": mapping}
        elif place == "session":
            session.proxies = dict(mapping)
        else:
            session.proxies = {"http": refusing.url, "all": refusing.url}
            own = {"proxies": mapping}
        try:
            response = session.get(target["http"] + "/", **own)
        except requests.RequestException as error:
            return _told(error)
        return _told(response.error) if getattr(response, "error", None) else response.text

    # Without a proxy the name is not known, which both say.
    assert _outcome(lambda: run(ours), proxy) == _outcome(lambda: run(theirs), proxy)


def test_credentials_go_to_the_proxy_alone(ours, theirs, target):
    with HttpProxy(hosts=HOSTS, credentials="us@er:p:w") as proxy:
        proxies = {"all": proxy.url.replace("//", "//us%40er:p%3Aw@")}

        def run(session):
            return [
                session.get(target[scheme] + path, proxies=proxies).text
                for scheme in target
                for path in ("/", "/moved")
            ]

        (texts, told), (expected, expected_told) = (
            _outcome(lambda: run(ours), proxy),
            _outcome(lambda: run(theirs), proxy),
        )
        assert texts == expected == ["hello"] * 4
        # Tunnels of one host may be as many as there are connections; requests has one here, and so have we.
        assert told == expected_told
        assert {passage.credentials for passage in proxy.journal} == {"us@er:p:w"}


def test_connections_to_a_proxy_are_kept(ours, target, proxy):
    before = proxy.connection_count
    for _ in range(3):
        for base in (*target.values(), target["http"].replace("target", "other")):
            assert ours.get(base + "/", proxies={"all": proxy.url}).text == "hello"
    # One that forwards, to whichever host, and one tunnel.
    assert proxy.connection_count == before + 2


TROUBLE = ["close", "reset", "half", "slow", "refused", "unknown name", "no credentials", "wrong credentials"]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", TROUBLE)
def test_trouble_has_the_words_of_requests(ours, theirs, reports, target, proxy, refusing, scheme, name):
    url, limits = target[scheme] + "/", (5, 0.2)
    with HttpProxy(hosts=HOSTS, credentials="user:password") as strict:
        way = {
            "refused": refusing.url,
            "unknown name": "http://name.invalid:3128",
            "no credentials": strict.url,
            "wrong credentials": strict.url.replace("//", "//user:wrong@"),
        }.get(name, proxy.url)
        url += name if f"/{name}" in ROUTES else ""
        answer = ours.get(url, proxies={"all": way}, timeout=limits)
        try:
            theirs.get(url, proxies={"all": way}, timeout=limits).raise_for_status()
        except requests.RequestException as error:
            expected = error
    if scheme == "http" and "credentials" in name:
        assert (answer.status_code, type(expected)) == (407, requests.HTTPError)
        return
    assert (type(answer.error), _told(answer.error)) == (type(expected), _told(expected))
    assert _told(reports.only["exception"]) == _told(_innermost(expected))


ANSWERS = {
    "garbage": b"hello\r\n\r\n",
    "nothing": b"",
    "a refusal": b"HTTP/1.1 403 Go Away\r\nContent-Length: 0\r\n\r\n",
    "a refusal without a reason": b"HTTP/1.1 503\r\n\r\n",
    "another kind of success": b"HTTP/1.1 201 Created\r\n\r\n",
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answer_to_a_tunnel_has_the_words_of_requests(ours, theirs, reports, target, name):
    with HttpProxy(answer=ANSWERS[name]) as proxy:
        proxies = {"https": proxy.url}
        answer = ours.get(target["https"] + "/", proxies=proxies)
        with pytest.raises(requests.RequestException) as caught:
            theirs.get(target["https"] + "/", proxies=proxies)
    assert (type(answer.error), _told(answer.error)) == (type(caught.value), _told(caught.value))
    assert _told(reports.only["exception"]) == _told(_innermost(caught.value))


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("speaks_tls", [False, True])
def test_silent_proxy_has_the_words_of_requests(ours, theirs, reports, target, scheme, speaks_tls):
    with HttpProxy(is_silent=True) as proxy:
        proxies = {"all": proxy.url.replace("http:", "https:") if speaks_tls else proxy.url}
        answer = ours.get(target[scheme] + "/", proxies=proxies, timeout=(0.1, 0.2))
        with pytest.raises(requests.RequestException) as caught:
            theirs.get(target[scheme] + "/", proxies=proxies, timeout=(0.1, 0.2))
    assert (type(answer.error), _told(answer.error)) == (type(caught.value), _told(caught.value))
    assert _told(reports.only["exception"]) == _told(_innermost(caught.value))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_may_speak_tls(ours, target, certificates, scheme):
    with HttpProxy(hosts=HOSTS, certificate=certificates[0]) as proxy:
        proxies = {"all": proxy.url}
        assert ours.get(target[scheme] + "/", proxies=proxies).text == "hello"
        assert [passage.kind for passage in proxy.journal] == ["forward" if scheme == "http" else "connect"]
        # A proxy that forwards is not verified; one that opens tunnels is, as the target is.
        believing = ours.get(target[scheme] + "/", proxies=proxies, verify=True)
        if scheme == "http":
            assert believing.text == "hello"
        else:
            assert type(believing.error) is requests.exceptions.ProxyError
            assert "CERTIFICATE_VERIFY_FAILED" in repr(believing.error)
        wrong = ours.get(target[scheme] + "/", proxies={"all": proxy.url.replace("https", "http")})
        assert wrong.status_code == 0


def test_proxy_that_only_speaks_plainly_is_told_from_one_that_is_away(ours, theirs, target, proxy):
    proxies = {"all": proxy.url.replace("http", "https")}
    for base in target.values():
        with pytest.raises(requests.exceptions.ProxyError) as caught:
            theirs.get(base, proxies=proxies)
        assert _told(ours.get(base, proxies=proxies).error) == _told(caught.value)


@pytest.mark.parametrize(
    ("url", "kind"),
    [("http://", InvalidProxyURL), ("ftp://proxy.test", InvalidURL), ("http://proxy.test:99999", InvalidURL)],
)
def test_proxy_that_cannot_be_is_raised_as_requests_does(ours, theirs, reports, target, url, kind):
    with pytest.raises(kind) as caught:
        theirs.get(target["http"], proxies={"http": url})
    for options in ({}, {"hooks": {"response": [lambda *_, **__: None]}}):
        with pytest.raises(kind) as ours_caught:
            ours.get(target["http"], proxies={"http": url}, **options)
        assert repr(ours_caught.value) == repr(caught.value)
    assert reports == []


def test_prepared_calls_go_through_the_proxy_too(ours, target, proxy):
    proxy.journal.clear()
    for base in target.values():
        response = ours.get(base + "/moved", proxies={"all": proxy.url}, hooks={"response": [lambda *_, **__: None]})
        assert (response.text, len(response.history)) == ("hello", 1)
    assert ours.paths == {"rust": 0, "prepared": 2, "adapter": 0}
    assert [passage.kind for passage in proxy.journal] == ["forward", "forward", "connect"]


def test_environment_counts_for_sessions_that_trust_it(request_event, target, proxy, refusing, monkeypatch):
    session = HttpSession(target["http"], request_event, None)
    assert session.trust_env
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert session.get("/").text == "hello"
    # It overrules the session, and not the call: same as requests.
    session.proxies = {"http": refusing.url}
    assert session.get("/").text == "hello"
    assert isinstance(session.get("/", proxies={"http": refusing.url}).error, requests.exceptions.ProxyError)
    session.proxies = {}
    assert session.paths == {"rust": 0, "prepared": 3, "adapter": 0}
    for spared in ("target.test", "*", ".test"):
        monkeypatch.setenv("NO_PROXY", spared)
        assert "Failed to resolve 'target.test'" in str(session.get("/").error)
    monkeypatch.delenv("NO_PROXY")
    session.trust_env = False
    assert "Failed to resolve 'target.test'" in str(session.get("/").error)
    assert session.paths["rust"] == 1


def test_netrc_counts_for_sessions_that_trust_it(request_event, server, seen, tmp_path):
    session = HttpSession(server.url, request_event, None)
    session.get("/echo")
    assert seen().header("Authorization") is None
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login user password secret\n", encoding="utf-8")
    session.get("/echo")
    assert seen(number=2).header("Authorization") == requests.auth._basic_auth_str("user", "secret")
    session.trust_env = False
    session.get("/echo")
    assert seen(number=3).header("Authorization") is None


def test_certificates_of_the_environment_count_for_sessions_that_trust_it(request_event, certificates, monkeypatch):
    with ScriptedServer({"/": Route(body="hello")}, certificate=certificates[0]) as server:
        session = HttpSession(server.url, request_event, None)
        assert session.get("/").status_code == 0
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificates[1])
        assert session.get("/").text == "hello"
        session.trust_env = False
        session.close()
        assert session.get("/").status_code == 0
        assert session.paths == {"rust": 3, "prepared": 0, "adapter": 0}


@pytest.fixture
def fast(request_event, proxy):
    def make(base, way=proxy, **options):
        return FastHttpSession(base, request_event, None, proxy_host="127.0.0.1", proxy_port=way.port, **options)

    return make


def test_fast_client_speaks_to_its_proxy_as_geventhttpclient_does(fast, target, proxy):
    proxy.journal.clear()
    http, https = fast(target["http"]), fast(target["https"])
    assert [http.get("/moved").text, http.get("/?a='b|").text, https.get("/").text, https.get("/").text] == [
        "hello"
    ] * 4
    lines = [
        passage.line.replace(target["http"], "HTTP").replace(target["https"][8:], "HTTPS") for passage in proxy.journal
    ]
    assert lines == [
        "GET HTTP/moved HTTP/1.1",
        "GET HTTP/ HTTP/1.1",
        "GET HTTP/?a='b%7C HTTP/1.1",
        "CONNECT HTTPS HTTP/1.1",
    ]
    assert proxy.journal[-1].headers == [("Host", target["https"][8:])]
    assert proxy.journal[0].header("Host") == target["http"][7:]


def test_fast_client_names_even_the_default_port_to_its_proxy(fast, proxy):
    proxy.journal.clear()
    assert fast("http://127.0.0.1:80").get("/").status_code == 502
    assert (proxy.journal[0].line, proxy.journal[0].header("Host")) == (
        "GET http://127.0.0.1:80/ HTTP/1.1",
        "127.0.0.1",
    )


def test_fast_client_fails_like_stock_when_the_proxy_does(fast, target, refusing, reports):
    for base in target.values():
        assert repr(fast(base, refusing).get("/").error) == "ConnectionRefusedError(111, 'Connection refused')"
    with HttpProxy(hosts=HOSTS, credentials="user:password") as strict:
        assert repr(fast(target["http"], strict).get("/").error) == "LocustBadStatusCode(code=407)"
        assert len(reports) == 3
        refusal = "Proxy CONNECT failed: HTTP/1.1 407 Proxy Authentication Required (proxy authentication required?)"
        with pytest.raises(RuntimeError, match=re.escape(refusal)):
            fast(target["https"], strict).get("/")
    for answer, words in {
        b"hello\r\n\r\n": "Proxy CONNECT failed: hello",
        b"HTTP/1.1 403 Go Away\r\n\r\n": "Proxy CONNECT failed: HTTP/1.1 403 Go Away",
        b"": "Proxy closed the connection before answering the CONNECT request",
    }.items():
        with HttpProxy(answer=answer) as bad, pytest.raises(RuntimeError, match=f"^{re.escape(words)}$"):
            fast(target["https"], bad).get("/")
    # Raised, and reported by nobody: same as Locust.
    assert len(reports) == 3


def test_fast_client_needs_a_host_and_a_port(request_event):
    with pytest.raises(AssertionError, match="you have to provide proxy_port if you set proxy_host"):
        FastHttpSession("http://target.test", request_event, None, proxy_host="127.0.0.1")
    client = FastHttpSession("http://target.test", request_event, None, proxy_host="http://proxy", proxy_port=80)
    with pytest.raises(ValueError, match="is no proxy; hint: proxy_host is a host name or an address alone"):
        client.get("/")


def test_tunnels_are_asked_for_as_this_python_does(ours, target, proxy):
    proxy.journal.clear()
    ours.get(target["https"], proxies={"https": proxy.url})
    assert proxy.journal[0].line.endswith("HTTP/1.1" if sys.version_info >= (3, 12) else "HTTP/1.0")


@pytest.mark.parametrize("kind", ["socks5h", "socks4a", "socks5", "socks4"])
def test_socks_proxies_need_no_library(ours, target, kind):
    with SocksProxy(hosts=HOSTS) as proxy:
        host = "target.test" if kind[-1] in "ha" else "localhost"
        for base in target.values():
            url = base.replace("target.test", host) + "/moved"
            response = ours.get(url, proxies={"all": f"{kind}://127.0.0.1:{proxy.port}"}, verify=False)
            assert (response.text, len(response.history)) == ("hello", 1)
        assert [(passage.kind, passage.host) for passage in proxy.journal] == [
            (kind, host if host == "target.test" else "127.0.0.1")
        ] * 2
    assert ours.paths == {"rust": 2, "prepared": 0, "adapter": 0}


def test_socks_proxy_takes_credentials(ours, target, reports):
    with SocksProxy(hosts=HOSTS, credentials="us@er:pass") as proxy:
        url = f"127.0.0.1:{proxy.port}"
        assert ours.get(target["http"], proxies={"all": f"socks5h://us%40er:pass@{url}"}).text == "hello"
        assert [passage.credentials for passage in proxy.journal] == ["us@er:pass"]
        for credentials, words in {
            "us%40er:wrong@": "SOCKS5 authentication failed",
            "": "All offered SOCKS5 authentication methods were rejected",
        }.items():
            error = ours.get(target["http"], proxies={"all": f"socks5h://{credentials}{url}"}).error
            assert type(error) is requests.ConnectionError
            port = target["http"].rpartition(":")[2]
            # As requests says it where PySocks is installed.
            assert str(error) == (
                f"SOCKSHTTPConnectionPool(host='target.test', port={port}): Max retries exceeded with url: / (Caused by "
                f"NewConnectionError(\"SOCKSConnection(host='target.test', port={port}): "
                f'Failed to establish a new connection: {words}"))'
            )
            assert repr(reports[-1]["exception"]) == f"SOCKS5Error({words!r})"


def test_socks_proxy_that_cannot_be_reached_or_cannot_reach(ours, target, refusing):
    for kind, words in {"socks5h": "0x05: Connection refused", "socks4a": "0x5b: Request rejected or failed"}.items():
        with SocksProxy(hosts=HOSTS) as proxy:
            dead = refusing.url.replace("127.0.0.1", "target.test")
            error = ours.get(dead, proxies={"all": f"{kind}://127.0.0.1:{proxy.port}"}).error
            assert f"Failed to establish a new connection: {words}" in str(error)
    error = ours.get(target["https"], proxies={"all": f"socks5h://127.0.0.1:{refusing.port}"}).error
    assert type(error) is requests.ConnectionError
    assert "Failed to establish a new connection: [Errno 111] Connection refused" in str(error)
    with SocksProxy(is_silent=True) as proxy:
        error = ours.get(target["http"], proxies={"all": f"socks5h://127.0.0.1:{proxy.port}"}, timeout=(0.1, 5)).error
    assert type(error) is requests.ConnectTimeout


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_streamed_bodies_come_through_a_proxy(ours, target, proxy, scheme):
    proxies = {"all": proxy.url}
    response = ours.get(target[scheme] + "/", proxies=proxies, stream=True)
    assert b"".join(response.iter_content(2)) == b"hello"
    assert ours.paths["rust"] == 1

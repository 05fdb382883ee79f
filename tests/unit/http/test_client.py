"""`rocust.Client`: calls that block, their limits, retries and rates, streams.

What both clients share (settings that are refused, the arithmetic of waits and moments) is held by `test_async_client`. A test
that asks for `run` is made twice: in a thread that has no hub, which blocks, and in a greenlet.
"""

from __future__ import annotations

import copy
import gzip
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import gevent
import pytest
import requests
import rocust
import trustme
from requests.auth import HTTPDigestAuth
from rocust._errors import LocustError
from rocust._http.failures import BodyTooLarge
from rocust._http.policies import Pacer
from rocust._kernel import mailroom, threadroom
from support.nginx import Nginx
from support.script import Route, close, send, wait_for_gate
from support.server import ScriptedServer
from support.waiting import in_a_thread, until

LINES = "".join(f"line {number}\n" for number in range(300))


def client_of(server, **settings):
    return rocust.Client(server.url, **settings)


# -- calls ------------------------------------------------------------------------------------------------------------------


def test_a_call_and_its_statistics(server, run):
    def visit():
        expected = threadroom.ThreadRoom if run is in_a_thread else mailroom.Mailroom
        assert type(mailroom.current()) is expected
        with client_of(server, headers={"X-All": "yes"}) as client:
            response = client.post("/echo", json={"a": 1}, name="own")
            client.get("/missing")
            return response.json(), response.text, response.content, client.stats

    json, text, content, stats = run(visit)
    assert json == {"greeting": "hello"}
    assert text.encode() == content
    seen = server.journal("/echo")[-1]
    assert (seen.header("X-All"), seen.body) == ("yes", '{"a": 1}')
    assert stats.entries["own", "POST"].num_requests == 1
    assert stats.entries["/missing", "GET"].num_failures == 1
    assert stats.total.get_response_time_percentile(0.5) is not None
    server.wait_for(lambda: not server.open_connections(), "the connections to end")


@pytest.mark.parametrize("verb", ["get", "options", "head", "post", "put", "patch", "delete"])
def test_verbs(server, verb):
    def visit():
        with client_of(server) as client:
            return getattr(client, verb)("/echo", params={"q": "1"}).status_code

    assert in_a_thread(visit) == 200
    seen = server.journal("/echo")[-1]
    assert (seen.method, seen.query) == (verb.upper(), "q=1")


def test_redirects_and_cookies(server):
    server.set_routes(
        {
            "/login": Route(status=302, body="", headers=(("Location", "/home"), ("Set-Cookie", "session=7; Path=/"))),
            "/home": Route(),
        }
    )

    def visit():
        with client_of(server) as client:
            client.cookies["own"] = "1"
            response = client.get("/login")
            return response.url, [hop.status_code for hop in response.history], dict(client.cookies)

    url, hops, cookies = in_a_thread(visit)
    assert (url, hops) == (f"{server.url}/home", [302])
    assert cookies == {"own": "1", "session": "7"}
    assert server.journal("/home")[-1].header("Cookie") in ("own=1; session=7", "session=7; own=1")


def test_a_connection_that_fails_raises(refusing, run):
    def visit():
        with rocust.Client() as client:
            with pytest.raises(requests.exceptions.ConnectionError):
                client.get(refusing.url)
            with client.get(refusing.url, catch_response=True) as response:
                assert response.status_code == 0
                response.success()
            return client.stats.total.num_requests, client.stats.total.num_failures

    assert run(visit) == (2, 1)


def test_a_block_judges_a_call_or_just_closes_it(server):
    def visit():
        with client_of(server) as client:
            with client.get("/missing", catch_response=True) as response:
                response.success()
            with client.get("/echo", catch_response=True) as response:
                response.failure("not my greeting")
            with client.get("/echo") as response:
                assert response.ok
                with pytest.raises(LocustError, match="catch_response=True"):
                    response.success()
            return client.stats.total.num_requests, [error.error for error in client.stats.errors.values()]

    requests_, errors = in_a_thread(visit)
    assert requests_ == 3
    assert [str(error) for error in errors] == ["not my greeting"]


def test_limits_of_time_are_told_apart(quiet, run):
    def visit():
        with client_of(quiet, timeout=rocust.Timeout(total=0.1)) as client:
            with pytest.raises(rocust.TotalTimeout, match=r"longer than 0\.1 s"):
                client.get("/quiet")
            with pytest.raises(requests.exceptions.ReadTimeout):
                client.get("/quiet", timeout=rocust.Timeout(read=0.1))
            with pytest.raises(rocust.TotalTimeout):
                client.get("/quiet", timeout=0.1)
        with (
            client_of(quiet, timeout=rocust.Timeout(total=None, read=0.1)) as client,
            pytest.raises(requests.exceptions.ReadTimeout),
        ):
            client.get("/quiet")

    run(visit)


def test_a_connection_that_is_not_made_in_time(tmp_path):
    """Over TLS, with a server that never shakes hands: that belongs to connecting."""
    with ScriptedServer(greeting=(wait_for_gate("never"),)) as server:

        def visit():
            with rocust.Client(timeout=rocust.Timeout(connect=0.1)) as client:
                client.get(server.url.replace("http", "https"))

        with pytest.raises(requests.exceptions.ConnectTimeout):
            in_a_thread(visit)


def test_a_call_that_requests_prepares_has_the_same_limits(quiet, run):
    """Hooks and authentication objects are the business of requests; what is sent for it is the engine's."""
    heard = []

    def visit():
        with client_of(quiet, timeout=rocust.Timeout(total=0.1), retries=rocust.Retry(3, 0.01)) as client:
            answer = client.get("/flaky", hooks={"response": lambda response, **_: heard.append(response.status_code)})
            with pytest.raises(rocust.TotalTimeout):
                client.get("/quiet", auth=HTTPDigestAuth("me", "secret"))
            prepared = requests.Request("GET", quiet.url + "/").prepare()
            assert client.send(prepared)._content_consumed is True
            with pytest.raises(rocust.TotalTimeout):
                client.send(requests.Request("GET", quiet.url + "/quiet").prepare())
            return answer.status_code, client.paths

    status, paths = run(visit)
    assert (status, heard) == (200, [503, 503, 200])
    assert (paths["rust"], paths["adapter"]) == (0, 0)


def test_files_are_the_engines_business(server):
    with client_of(server) as client:
        client.post("/echo", data={"a": "1"}, files={"file": ("name.txt", b"content")})
        with pytest.raises(NotImplementedError, match="mutually exclusive"):
            client.post("/echo", data=iter([b"once"]), files={"file": b"content"})
        assert client.paths == {"rust": 1, "prepared": 0, "adapter": 0}
    seen = server.journal("/echo")[-1]
    assert seen.header("Content-Type").startswith("multipart/form-data; boundary=")
    assert 'name="a"' in seen.body
    assert "content" in seen.body


def test_what_can_only_be_awaited_is_refused(server):
    async def pieces():
        yield b"piece"

    async def hear(progress):
        pass

    with client_of(server) as client:
        with pytest.raises(TypeError, match=r"asynchronous iterator.*hint: rocust\.AsyncClient"):
            client.post("/echo", data=pieces())
        with pytest.raises(TypeError, match=r"asynchronous iterator.*hint: rocust\.AsyncClient"):
            client.map(pieces())
        with pytest.raises(TypeError, match="plain function"):
            client.map([], on_progress=hear)


@pytest.mark.parametrize("kind", [rocust.Client, rocust.AsyncClient])
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_client_is_not_copied(kind, copied):
    with pytest.raises(
        TypeError, match=f"A {kind.__name__} can be neither pickled nor copied. hint: make one in each process"
    ):
        copied(kind())


def test_settings_that_cannot_be_are_refused():
    for make in (
        lambda: rocust.Client(limit=0),
        lambda: rocust.Client(rate=0),
        lambda: rocust.Client().map([], concurrency=0),
        lambda: rocust.Client().map([], batch=0),
    ):
        with pytest.raises(ValueError, match="number"):
            make()


def test_who_patches_requests_is_asked(server, monkeypatch):
    """As libraries do that stand in for servers in tests: nothing may pass them by."""

    def refuse(adapter, request, *_, **__):
        raise requests.exceptions.ConnectionError(f"no {request.url} here")

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", refuse)
    with client_of(server) as client:
        with pytest.raises(requests.exceptions.ConnectionError, match=r"no http://127\.0\.0\.1:\d+/echo here"):
            client.get("/echo")
        (answer,) = client.map(["/echo"])
        assert "requests.adapters.HTTPAdapter.send is patched" in str(answer.error)
    assert server.count() == 0


def test_a_class_of_ones_own(server):
    class Authorised(rocust.Client):
        def request(self, method, url, **kwargs):
            return super().request(method, url, headers={"Authorization": "Bearer 7"}, **kwargs)

    with Authorised(server.url) as client:
        assert client.get("/echo").ok
        assert client.paths == {"rust": 1, "prepared": 0, "adapter": 0}
    assert server.journal("/echo")[-1].header("Authorization") == "Bearer 7"


# -- streams ----------------------------------------------------------------------------------------------------------------


def test_a_body_is_read_while_it_comes(server, run):
    server.set_routes(
        {
            "/": Route(
                steps=(
                    send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"),
                    wait_for_gate("rest of it"),
                    send("6\r\nsecond\r\n0\r\n\r\n"),
                )
            )
        }
    )

    def visit():
        pieces = []
        with client_of(server) as client, client.stream("GET", "/") as response:
            for piece in response.iter_bytes():
                pieces.append(piece)
                server.open("rest of it")
        return pieces

    assert run(visit) == [b"first", b"second"]


@pytest.mark.parametrize("size", [1, 7, 1000, 10_000, None])
@pytest.mark.parametrize("is_packed", [False, True])
def test_pieces_and_lines_of_a_stream(server, size, is_packed):
    headers = (("Content-Encoding", "gzip"),) if is_packed else ()
    body = gzip.compress(LINES.encode(), mtime=0).decode("latin-1") if is_packed else LINES
    server.set_routes({"/": Route(body=body, headers=headers)})

    def visit():
        with client_of(server) as client:
            whole = client.get("/")
            assert list(whole.iter_lines()) == LINES.splitlines()
            assert b"".join(whole.iter_bytes(size)).decode() == LINES
            with client.stream("GET", "/") as response:
                pieces = list(response.iter_bytes(size))
            with client.stream("GET", "/") as response:
                lines = list(response.iter_lines(size))
            with client.stream("GET", "/") as response:
                assert next(response.iter_lines(decode_unicode=False)) == b"line 0"
            with client.get("/", stream=True) as response:
                assert response.read() == response.content
                assert response.text == LINES
        return pieces, lines

    pieces, lines = in_a_thread(visit)
    assert b"".join(pieces).decode() == LINES
    assert lines == LINES.splitlines()
    if size is not None:
        assert {len(piece) for piece in pieces[:-1]} <= {size}
        assert 0 < len(pieces[-1]) <= size


def test_lines_are_cut_at_line_feeds_only(server):
    server.set_routes({"/": Route(body="one\r\ntwo\x0bstill two\n\nlast")})

    def visit():
        with client_of(server) as client, client.stream("GET", "/") as response:
            return list(response.iter_lines(1))

    assert in_a_thread(visit) == ["one", "two\x0bstill two", "", "last"]


def test_leaving_a_stream_closes_it_and_one_that_was_read_is_kept(quiet, run):
    quiet.set_routes(
        {
            "/": Route(),
            "/half": Route(steps=(send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), wait_for_gate("never"))),
        }
    )

    def visit():
        with client_of(quiet) as client:
            with client.stream("GET", "/half") as response:
                assert next(response.iter_bytes()) == b"half"
            broken_off = quiet.journal("/half")[-1].connection
            quiet.wait_for_hang_up(broken_off)
            with client.stream("GET", "/") as response:
                response.read()
            client.get("/")
            return [exchange.connection for exchange in quiet.journal("/")]

    first, second = run(visit)
    assert first == second


def test_a_body_that_goes_wrong_is_an_error_of_requests(server):
    server.set_routes(
        {
            "/cut": Route(steps=(send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf"), close())),
            "/short": Route(steps=(send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), close())),
            "/coded": Route(body="no gzip", headers=(("Content-Encoding", "gzip"),)),
            "/long": Route(body="x" * 10_000),
        }
    )

    def visit():
        with client_of(server) as client:
            for path in ("/short", "/cut"):
                with client.stream("GET", path) as response:
                    coming = response.iter_bytes()
                    assert next(coming) == b"half"
                    with pytest.raises(requests.exceptions.ChunkedEncodingError):
                        next(coming)
            with (
                client.stream("GET", "/coded") as response,
                pytest.raises(requests.exceptions.ContentDecodingError),
            ):
                list(response.iter_lines())
            with pytest.raises(BodyTooLarge), client.stream("GET", "/long", max_body=100) as response:
                list(response.iter_bytes())

    in_a_thread(visit)


def test_a_body_that_was_cut_is_not_taken_for_a_whole_one(server):
    server.set_routes(
        {
            "/": Route(body=LINES),
            "/short": Route(steps=(send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), close())),
        }
    )

    def visit():
        with client_of(server) as client:
            with client.stream("GET", "/short") as response:
                with pytest.raises(requests.exceptions.ChunkedEncodingError):
                    response.read()
                with pytest.raises(requests.exceptions.StreamConsumedError, match="broke off"):
                    response.read()
            with client.stream("GET", "/") as unread:
                assert unread.ok
            with client.stream("GET", "/") as read:
                assert b"".join(read.iter_bytes()).decode() == LINES
            for response in (unread, read):
                with pytest.raises(requests.exceptions.StreamConsumedError):
                    response.read()
                with pytest.raises(requests.exceptions.StreamConsumedError):
                    list(response.iter_lines())
                with pytest.raises(RuntimeError, match="consumed"):
                    response.text  # noqa: B018 - it raises
            with client.stream("GET", "/") as whole:
                whole.read()
            assert whole.text == LINES
            assert list(whole.iter_lines()) == LINES.splitlines()

    in_a_thread(visit)


# -- retries and rates ----------------------------------------------------------------------------------------------------------


def test_what_is_to_be_retried_is_sent_again(quiet, run):
    def visit():
        with client_of(quiet, retries=rocust.Retry(attempts=3, backoff=0.01)) as client:
            assert client.get("/flaky").status_code == 200
            assert client.get("/down").status_code == 503
            assert client.post("/down", data=iter([b"once"])).status_code == 503
            return client.stats.entries["/flaky", "GET"].num_requests

    assert run(visit) == 3
    assert (quiet.count("/flaky"), quiet.count("/down")) == (3, 4)


def test_the_last_failure_of_several_is_raised(refusing):
    with rocust.Client(retries=rocust.Retry(attempts=3, backoff=0.01)) as client:
        with pytest.raises(requests.exceptions.ConnectionError):
            client.get(refusing.url)
        assert client.stats.total.num_failures == 3


def test_threads_share_one_rate(server):
    with client_of(server, rate=200) as client:
        began_at = time.monotonic()
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(client.get, ["/echo"] * 41))
        # Forty gaps of 5 ms: never less, however fast the machine.
        assert time.monotonic() - began_at >= 0.199


def test_a_moment_is_taken_once_or_not_at_all():
    pacer = Pacer(10)
    pauses = [round(pacer.take_if_free(now), 3) for now in (0.0, 0.0, 0.05, 0.1, 5.0, 5.0)]
    assert pauses == [0, 0.1, 0.05, 0, 0, 0.1]


# -- connections ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["threads", "greenlets"])
@pytest.mark.parametrize(("settings", "expected"), [({"limit": 3}, 3), ({"limit_per_host": 2}, 2)])
def test_no_more_requests_are_under_way_than_allowed(server, settings, expected, kind):
    gate = f"client limit {settings} {kind}"
    server.set_routes({"/": Route(gate=gate)})
    before = server.connection_count()

    def watch(others):
        server.wait_for_requests(expected)
        # Had there been more, the lane would have sent them with the others: it is asked for something else meanwhile.
        with client_of(server) as other:
            other.get("/unknown")
        assert server.count("/") == expected
        server.open(gate)
        return [job.get(timeout=20) if kind == "greenlets" else job.result(20) for job in others]

    with client_of(server, **settings) as client:
        if kind == "greenlets":
            jobs = [gevent.spawn(client.get, "/") for _ in range(12)]
            gevent.sleep(0)
            responses = watch(jobs)
        else:
            with ThreadPoolExecutor(12) as threads:
                responses = watch([threads.submit(client.get, "/") for _ in range(12)])
        assert [response.status_code for response in responses] == [200] * 12
    assert server.connection_count() - before == expected + 1


def test_threads_share_a_client_and_every_request_is_counted(server):
    seen = []

    def visit(client, number):
        for turn in range(50):
            response = client.get(f"/echo?{number}.{turn}", name="/echo", headers={"X-Number": str(number)})
            seen.append((response.url.partition("?")[2], response.json()["greeting"]))
            if turn % 10 == 0:
                with client.get("/missing", catch_response=True) as response:
                    response.success()

    with client_of(server) as client:
        threads = [threading.Thread(target=visit, args=(client, number)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(seen) == sorted((f"{number}.{turn}", "hello") for number in range(8) for turn in range(50))
        assert client.stats.entries["/echo", "GET"].num_requests == 400
        assert (client.stats.total.num_requests, client.stats.total.num_failures) == (440, 0)
    assert {e.header("X-Number") for e in server.journal("/echo")} == {str(number) for number in range(8)}
    assert all(e.query.partition(".")[0] == e.header("X-Number") for e in server.journal("/echo"))


def test_greenlets_go_on_while_one_waits(quiet):
    with client_of(quiet) as client:
        waiting = gevent.spawn(client.get, "/quiet")
        assert [client.get("/").status_code for _ in range(3)] == [200] * 3
        assert not waiting.ready()
        waiting.kill()
        until(lambda: client.stats.num_aborted == 1)
    quiet.wait_for(lambda: not quiet.open_connections(), "the connections to end")


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def test_whom_to_believe(authority, tmp_path):
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    authority.cert_pem.write_to_path(str(tmp_path / "roots.pem"))
    with ScriptedServer({"/": Route()}, certificate=tmp_path / "server.pem") as server:

        def visit():
            with client_of(server) as careful, pytest.raises(requests.exceptions.SSLError):
                careful.get("/")
            with client_of(server, verify=str(tmp_path / "roots.pem")) as told:
                assert told.get("/").ok
            with client_of(server, verify=False) as careless:
                assert [response.ok for response in careless.map(["/"] * 3)] == [True] * 3

        in_a_thread(visit)


def test_http2(authority, tmp_path):
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    with Nginx(tmp_path, certificate=tmp_path / "server.pem") as nginx:

        def visit():
            with rocust.Client(nginx.url, http2=True, verify=False) as client:
                assert client.get("/").raw.version == 20
                return [response.status_code for response in client.map(["/"] * 50, concurrency=10)]

        assert in_a_thread(visit) == [200] * 50
        assert {protocol for _, protocol, *_ in nginx.requests()} == {"HTTP/2.0"}

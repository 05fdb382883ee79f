"""How the clients connect: their attributes, the options of users and of the command line, Unix sockets."""

from __future__ import annotations

import socket
import sys
import threading
from argparse import Namespace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as RequestsConnectionError
from rocust import FastHttpUser, HttpUser
from rocust._http.fast import FastHttpSession
from rocust._http.session import HttpSession
from rocust._http.wire import PLAIN, warn_of_foreign_connections
from rocust._run.environment import Environment


def test_attributes_of_a_client_are_its_settings(client, server, seen):
    assert (client.http2, client.keep_alive, client.resolve, client.ip_version) == (False, True, (), None)
    client.keep_alive = False
    assert client.get("/echo").status_code == 200
    assert client.get("/echo").status_code == 200
    assert seen(number=2).header("Connection") == "close"
    first, second = server.journal("/echo")[-2:]
    assert first.connection != second.connection
    client.resolve = [f"nowhere.invalid:{server.port}:127.0.0.1"]
    assert client.get(f"http://nowhere.invalid:{server.port}/echo").status_code == 200
    assert client.resolve == (f"nowhere.invalid:{server.port}:127.0.0.1",)
    with pytest.raises(ValueError, match=r"^ip_version is 4, 6 or None, not 5$"):
        client.ip_version = 5
    client.ip_version = 6
    assert client.get("/echo").status_code == 0
    client.wire = PLAIN
    assert client.get("/echo").status_code == 200


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have one address on their loopback")
def test_connections_come_from_the_source_address(client):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client.source_address = "127.0.0.3"
        peers = []

        def take():
            connection, address = listener.accept()
            peers.append(address[0])
            connection.close()

        taking = threading.Thread(target=take)
        taking.start()
        assert client.get(f"http://127.0.0.1:{listener.getsockname()[1]}/").status_code == 0
        taking.join()
    assert peers == ["127.0.0.3"]


@pytest.mark.parametrize("kind", [HttpUser, FastHttpUser])
def test_command_line_wins_over_the_class(kind):
    class Connected(kind):
        host = "http://h"
        resolve = ("a:80:127.0.0.1",)
        source_address = "127.0.0.2"
        tls_resumption = False

    said = Namespace(
        rocust_http2=True,
        rocust_no_keep_alive=True,
        rocust_resolve=["b:80:127.0.0.2"],
        rocust_ip_version=4,
        rocust_source_address="127.0.0.9",
    )
    wire = Connected(Environment(user_classes=[Connected], parsed_options=said)).client.wire
    assert (wire.http2, wire.keep_alive, wire.ip_version) == (True, False, 4)
    assert (wire.resolve, wire.source_address) == (("b:80:127.0.0.2", "a:80:127.0.0.1"), ("127.0.0.9", 0))
    assert not wire.tls_resumption
    assert Connected(Environment(user_classes=[Connected])).client.wire.source_address == ("127.0.0.2", 0)


def test_adapter_of_the_locustfile_is_not_bound_by_the_settings(session, caplog):
    warn_of_foreign_connections.cache_clear()
    session.mount("http://", HTTPAdapter())
    session.keep_alive = False
    assert session.get("/echo").status_code == 200
    assert session.get("/echo").status_code == 200
    assert [record.message[:52] for record in caplog.records] == [
        "A call was sent by an adapter of the locustfile's own"[:52]
    ]


class Local(ThreadingHTTPServer):
    """An HTTP server on a Unix socket."""

    address_family = getattr(socket, "AF_UNIX", None)
    daemon_threads = True

    def server_bind(self):
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "localhost", 0

    def get_request(self):
        connection, _ = self.socket.accept()
        return connection, ("local", 0)


class Hello(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = f"{self.headers['Host']} {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def local(tmp_path):
    """The URL of a server on a Unix socket."""
    path = str(tmp_path / "s")
    with Local(path, Hello) as server:
        threading.Thread(target=server.serve_forever).start()
        yield "http+unix://" + path.replace("/", "%2F")
        server.shutdown()


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no Unix sockets here")
@pytest.mark.parametrize("kind", [HttpSession, FastHttpSession])
def test_socket_of_this_machine_is_a_host_like_others(kind, local, request_event, reports):
    session = kind(local, request_event, user=None)
    assert session.get("/a", params={"b": "c"}).text == "localhost /a?b=c"
    assert session.get("/a?d").text == "localhost /a?d"
    assert [report["exception"] for report in reports] == [None, None]
    if kind is HttpSession:
        assert session.get("/p", hooks={"response": lambda response, **_: None}).text == "localhost /p"
        assert session.paths == {"rust": 2, "prepared": 1, "adapter": 0}
    missing = kind("http+unix://%2Fno%2Fsuch.sock", request_event, user=None).get("/")
    assert missing.status_code == 0
    assert "[Errno 2] No such file or directory" in str(missing.error)
    if kind is HttpSession:
        assert isinstance(missing.error, RequestsConnectionError)

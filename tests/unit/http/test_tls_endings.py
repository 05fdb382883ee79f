"""Bodies over TLS that end badly: what comes of them beside `requests` on OpenSSL."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading

import pytest
import requests
import trustme

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
UNTIL_THE_END = b"HTTP/1.1 200 OK\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#: A record that nobody can decrypt.
NONSENSE = b"\x17\x03\x03\x00\x20" + b"?" * 32

ENDINGS = {
    "known length, whole": (HEAD + b"0123456789", "nothing"),
    "known length, cut": (HEAD + b"01234", "nothing"),
    "chunked, whole": (CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", "nothing"),
    "chunked, cut inside of a chunk": (CHUNKED + b"9\r\nabc", "nothing"),
    "chunked, cut between chunks": (CHUNKED + b"3\r\nabc\r\n", "nothing"),
    "until the end": (UNTIL_THE_END + b"01234", "nothing"),
    "until the end, said": (UNTIL_THE_END + b"01234", "close_notify"),
    "known length, cut and said": (HEAD + b"01234", "close_notify"),
    "alert in a body of known length": (HEAD + b"01234", "alert"),
    "alert in a chunk": (CHUNKED + b"9\r\nabc", "alert"),
    "alert in a body until the end": (UNTIL_THE_END + b"01234", "alert"),
    "alert after the body": (HEAD + b"0123456789", "alert"),
    "alert in place of a head": (b"", "alert"),
}


class Rude:
    """A TLS server that says something to whoever asks, and ends the connection in its way."""

    def __init__(self, certificate, said, ending):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        self.said, self.ending = said, ending
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def _serve(self):
        while True:
            try:
                peer = self.listener.accept()[0]
            except OSError:
                return
            with peer, contextlib.suppress(ConnectionError):
                self._converse(peer)

    def _converse(self, peer):
        tls = Talk(self.context, peer)
        tls.do(tls.object.do_handshake)
        asked = b""
        while not asked.endswith(b"\r\n\r\n"):
            asked += tls.do(lambda: tls.object.read(65_536))
        if self.said:
            tls.do(lambda: tls.object.write(self.said))
        with contextlib.suppress(ssl.SSLError):
            if self.ending == "alert":
                # What OpenSSL cannot decrypt it answers with an alert.
                tls.incoming.write(NONSENSE)
                tls.object.read(1)
            elif self.ending == "close_notify":
                tls.object.unwrap()
        tls.flush()
        peer.shutdown(socket.SHUT_WR)
        # Closed when the client has left, so that nothing it still says is answered with a reset.
        while peer.recv(65_536):
            pass


class Talk:
    """TLS whose records pass through here, so that they can be tampered with."""

    def __init__(self, context, peer):
        self.peer = peer
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self.incoming, self.outgoing, server_side=True)

    def do(self, act):
        """Do this, with as much from the client as it takes."""
        while True:
            try:
                done = act()
            except ssl.SSLWantReadError:
                self.flush()
                if not (read := self.peer.recv(65_536)):
                    raise ConnectionError("the client left") from None
                self.incoming.write(read)
            else:
                return done

    def flush(self):
        """Send what is to be sent: all of it at once, so that what ends the body comes with it."""
        if records := self.outgoing.read():
            self.peer.sendall(records)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    path = tmp_path_factory.mktemp("rude") / "server.pem"
    trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(path))
    return path


def _said(error):
    """The error without what differs from one call to the next, and without the line of Python's own source."""
    words = re.sub(r" \(_ssl\.c:\d+\)|0x[0-9a-f]+|port=\d+", "", str(error))
    return type(error).__name__, re.sub(r"<urllib3[^>]*>", "<>", words)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("said", "ending"), ENDINGS.values(), ids=ENDINGS)
def test_body_ends_as_with_openssl(session, certificate, said, ending, is_streamed):
    session.trust_env, session.verify = False, False
    with Rude(certificate, said, ending) as server:
        with requests.Session() as plain:
            plain.trust_env = False
            try:
                expected = plain.get(server.url, verify=False, stream=is_streamed).content
            except requests.RequestException as error:
                expected = _said(error)
        response = session.get(server.url, stream=is_streamed)
        try:
            outcome = response.content if response.error is None else _said(response.error)
        except requests.RequestException as error:
            outcome = _said(error)
        session.close()
    assert outcome == expected

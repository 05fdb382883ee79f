"""What answers at the places where behaviours go."""

from __future__ import annotations

import gzip
import zlib

from support.script import Route, close, pause, redirect, reset, send

from twin.places import MARK

WORDS = "hello, wide world, hello, wide world"
# The same in Brotli, which the standard library cannot make.
BROTLI = b"\x1b#\x00`\x8c\x94n\xdeD\x89V\x06\x92l,o9\x88*\xda\xd4E\x95\xb9@\x81-\x06"
LINES = "first\r\nsecond\nthird\n\nlast"


def zstandard(text: str) -> bytes:
    """A Zstandard frame of one block that is not compressed."""
    raw = text.encode()
    return b"\x28\xb5\x2f\xfd\x20" + bytes([len(raw)]) + (len(raw) << 3 | 1).to_bytes(3, "little") + raw


def encoded(encoding: str, body: bytes, **more: str) -> Route:
    """A text whose body is encoded."""
    headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Encoding": encoding, **more}
    return Route(body=body.decode("latin-1"), headers=tuple(headers.items()))


def typed(body: str | bytes, content_type: str, **more: str) -> Route:
    """A body of this type."""
    text = body if isinstance(body, str) else body.decode("latin-1")
    return Route(body=text, headers=(("Content-Type", content_type), *more.items()))


def cookie(*cookies: str) -> Route:
    """An answer that sets cookies."""
    return Route(headers=tuple(("Set-Cookie", value) for value in cookies))


def raw(*steps: object) -> Route:
    """An answer byte by byte; text in `steps` is sent."""
    return Route(steps=tuple(send(step) if isinstance(step, (str, bytes)) else step for step in steps))  # type: ignore[misc]


def chunked(*chunks: str, end: str = "0\r\n\r\n", more: str = "") -> Route:
    """A body in chunks."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n{more}\r\n"
    return raw(head + "".join(f"{len(chunk):x}\r\n{chunk}\r\n" for chunk in chunks) + end)


def routes(plain: str, other: str, tls: str) -> dict[str, Route | list[Route]]:
    """The answers of the plain and the TLS server; the arguments are their addresses, for redirects between them."""
    raw_deflate = zlib.compressobj(wbits=-15)
    table: dict[str, Route | list[Route]] = {
        MARK: raw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        "/": Route(),
        "/echo": typed('{"greeting": "hello"}', "application/json"),
        "/a/b/c": Route(body="c"),
        # statuses
        "/missing": Route(status=404, body="nothing here"),
        "/odd": Route(status=599, body="odd", reason="Quite Odd"),
        "/busy": Route(status=503, body="busy", reason="Too Busy"),
        "/created": Route(
            status=201, body='{"id": 7}', headers=(("Content-Type", "application/json"), ("Location", "/things/7"))
        ),
        "/nothing": raw("HTTP/1.1 204 No Content\r\nX-Empty: yes\r\n\r\n"),
        "/not-modified": raw("HTTP/1.1 304 Not Modified\r\nETag: abc\r\n\r\n"),
        "/no-reason": raw("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"),
        "/empty": Route(body=""),
        "/private": Route(status=401, body="who?", headers=(("WWW-Authenticate", 'Basic realm="twins"'),)),
        "/digest": [
            Route(
                status=401,
                body="prove it",
                headers=(
                    (
                        "WWW-Authenticate",
                        'Digest realm="twins", nonce="abc123", qop="auth", algorithm=MD5, opaque="xyz"',
                    ),
                ),
            ),
            Route(body="proven"),
        ],
        "/again": [Route(status=503, body="not yet"), Route(body="now")],
        # headers
        "/headers": Route(headers=(("X-Twice", "a"), ("X-Twice", "b"), ("X-MiXeD", "Case"), ("X-Empty", ""))),
        "/latin-header": Route(headers=(("X-Word", "caf\xe9"),)),
        "/links": Route(headers=(("Link", '</next>; rel="next", </last>; rel=last'),)),
        # kinds of bodies
        "/json": typed('{"a": [1, 2.5, null, true], "b": {"c": "\\u00fc"}}', "application/json"),
        "/json-bad": typed('{"a": ', "application/json"),
        "/json-odd": typed(
            '{"n": NaN, "big": 123456789012345678901234567890, "twice": 1, "twice": 2}', "application/json"
        ),
        "/json-utf16": typed('{"a": "ü"}'.encode("utf-16"), "application/json"),
        "/json-bom": typed(b'\xef\xbb\xbf{"a": 1}', "application/json"),
        "/latin": typed(b"\xfc", "text/plain; charset=latin-1"),
        "/utf8": typed("grün".encode(), "text/plain; charset=utf-8"),
        "/text": typed("grün, grün, grün sind alle meine Kleider".encode(), "text/plain"),
        "/untyped": Route(body="gr\xc3\xbcn, gr\xc3\xbcn, gr\xc3\xbcn sind alle meine Kleider"),
        "/false-charset": typed(b"plain", "text/plain; charset=no-such"),
        "/binary": typed(b"\xff\x00\xfe\x89PNG", "image/png"),
        "/lines": typed(LINES, "text/plain"),
        "/large": typed("0123456789" * 3000, "text/plain"),
        # encodings
        "/gzip": encoded("gzip", gzip.compress(WORDS.encode(), mtime=0)),
        "/x-gzip": encoded("x-gzip", gzip.compress(WORDS.encode(), mtime=0)),
        "/deflate": encoded("deflate", zlib.compress(WORDS.encode())),
        "/deflate-raw": encoded("deflate", raw_deflate.compress(WORDS.encode()) + raw_deflate.flush()),
        "/brotli": encoded("br", BROTLI),
        "/zstd": encoded("zstd", zstandard(WORDS)),
        "/identity": encoded("identity", WORDS.encode()),
        "/unknown-encoding": encoded("rot13", WORDS.encode()),
        "/two-encodings": encoded("deflate, gzip", gzip.compress(zlib.compress(WORDS.encode()), mtime=0)),
        "/gzip-false": encoded("gzip", b"this is not gzip"),
        "/gzip-cut": encoded("gzip", gzip.compress(WORDS.encode(), mtime=0)[:-12]),
        "/gzip-lines": encoded("gzip", gzip.compress(LINES.encode(), mtime=0)),
        "/gzip-json": Route(
            body=gzip.compress(b'{"zipped": true}', mtime=0).decode("latin-1"),
            headers=(("Content-Type", "application/json"), ("Content-Encoding", "gzip")),
        ),
        # chunks
        "/chunked": chunked("hello, ", "wide ", "world"),
        "/chunked-lines": chunked("first\nsec", "ond\nthird"),
        "/chunked-trailer": chunked("body", end="0\r\nX-Late: yes\r\n\r\n"),
        "/chunked-extension": raw(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;name=value\r\nbody\r\n0\r\n\r\n"
        ),
        # cookies
        "/cookie": cookie("a=1"),
        "/cookies": cookie("a=1; Path=/", "b=two; Path=/; HttpOnly", 'c="quoted value"; Max-Age=3600; Path=/'),
        "/cookie-deep": cookie("deep=1; Path=/a/b"),
        "/a/cookie": cookie("near=1"),
        "/cookie-gone": cookie("a=; Max-Age=0", "b=x; expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/"),
        "/cookie-secure": cookie("s=1; Secure; Path=/"),
        "/cookie-foreign": cookie("f=1; Domain=example.com; Path=/", "ok=1; Path=/"),
        "/cookie-domain": cookie("d=1; Domain=127.0.0.1; Path=/"),
        "/cookie-odd": cookie("=nameless", "valueless", "sp ace=1 2", "last=1"),
        "/cookie-and-go": Route(status=302, body="", headers=(("Location", "/echo"), ("Set-Cookie", "hop=1; Path=/"))),
        # redirects
        "/moved": redirect("/echo"),
        "/moved-relative": redirect("echo?from=relative"),
        "/moved-fragment": redirect("/echo#there"),
        "/moved-away": redirect(f"{other}/echo"),
        "/moved-whole": redirect(f"{plain}/echo?whole=1"),
        "/moved-to-tls": redirect(f"{tls}/echo"),
        "/moved-space": redirect("/echo?q=a b"),
        "/moved-nowhere": Route(status=302, body="lost"),
        "/moved-to-file": redirect("file:///etc/hostname"),
        "/moved-to-ftp": redirect("ftp://127.0.0.1/echo"),
        "/moved-to-missing": redirect("/missing"),
        "/moved-with-body": Route(status=302, body="look there", headers=(("Location", "/echo"),)),
        "/moved-gone": redirect("http://nowhere.invalid/"),
        "/loop": redirect("/loop"),
        "/steps": redirect("/steps/2"),
        "/steps/2": redirect("/steps/3", 301),
        "/steps/3": redirect("/echo", 307),
        # what goes wrong
        "/pause": Route(delay_s=0.2),
        "/slow": Route(delay_s=3.0),
        "/slow-body": raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ", pause(3.0)),
        "/reset": raw(reset()),
        "/reset-in-head": raw("HTTP/1.1 200 OK\r\nContent-Le", reset()),
        "/reset-in-body": raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ", pause(0.1), reset()),
        "/hang-up": raw(close()),
        "/hang-up-in-body": raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ", close()),
        "/hang-up-in-chunk": raw(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n10\r\nhalf", close()
        ),
        "/chunk-bad": raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n", close()),
        "/not-http": raw("220 smtp.example ESMTP\r\n", close()),
        "/status-bad": raw("HTTP/1.1 abc OK\r\n\r\n", close()),
        "/header-bad": raw("HTTP/1.1 200 OK\r\nno colon here\r\nContent-Length: 2\r\n\r\nok", close()),
        "/length-bad": raw("HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n0123456789", close()),
        "/to-the-end": raw("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil I hang up", close()),
        "/http10": raw("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold", close()),
        "/closing": raw("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbye", close()),
        "/stale": [raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst", close()), Route(body="second")],
        "/continue": raw("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        "/hints": raw("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    }
    for status in (300, 301, 302, 303, 304, 307, 308):
        table[f"/moved/{status}"] = redirect("/echo", status)
    return {path: _restarting(answers) if path == MARK else answers for path, answers in table.items()}


def proxy_routes() -> dict[str, Route | list[Route]]:
    """The answers of the proxy: it plays the servers behind it."""
    table: dict[str, Route | list[Route]] = {
        MARK: _restarting(raw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")),
        "http://behind.invalid/echo": Route(body="from behind", headers=(("Via", "1.1 twins"),)),
        "http://behind.invalid/moved": redirect("/echo"),
        "http://behind.invalid/missing": Route(status=404, body="not behind either"),
        "behind.invalid:443": Route(status=403, body="no tunnels"),
        "secret.invalid:443": Route(status=407, body="", headers=(("Proxy-Authenticate", 'Basic realm="proxy"'),)),
    }
    # geventhttpclient says the port as well.
    return table | {path.replace(".invalid/", ".invalid:80/"): answer for path, answer in table.items()}


def _restarting(answer: Route | list[Route]) -> Route:
    assert isinstance(answer, Route)
    return Route(steps=answer.steps, restarts=True)

"""Writes the tables that the Rust tests compare with, by asking the real libraries.

Run with an interpreter that has stock Locust installed, and so `requests` and geventhttpclient (`make stock`):

    .venvs/stock/bin/python tests/http/tables/generate.py

Each line is one case, its fields parted by tabs; backslashes and control characters are written as `\\xNN`.
"""

from __future__ import annotations

import pathlib
import re
from email.message import Message
from http.cookiejar import CookieJar
from unittest import mock
from urllib.request import Request as UrllibRequest

import requests
from geventhttpclient.client import HTTPClient
from geventhttpclient.url import URL
from requests.models import PreparedRequest, Response

HERE = pathlib.Path(__file__).parent
NOW = 1_700_000_000

URLS = [
    "http://localhost",
    "http://localhost/",
    "http://LocalHost:80/A",
    "https://Example.COM:443/x",
    "http://h:8080",
    "http://h:08080/",
    "http://h:/",
    "http://h:0/",
    "http://h:65535/",
    "http://h:65536/",
    "http://h:999999/",
    "http://h:x/",
    "HTTP://h/",
    "hTTps://h/x?y#z",
    "http://h?q",
    "http://h#f",
    "http://h?",
    "http://h/#",
    "http://h/?#",
    "http://h/?a#",
    "http://h/a b",
    "http://h/a%20b",
    "http://h/a%2fb",
    "http://h/%7Euser",
    "http://h/~user",
    "http://h/a%zz",
    "http://h/a%2",
    "http://h/100%",
    "http://h/%41%42",
    "http://h/%61?%61=%62#%63",
    "http://h/ä/ö?ü=ß",
    "http://h/%C3%A4",
    "http://h/%c3%a4",
    "http://h/a/./b/../c",
    "http://h/..",
    "http://h/../a",
    "http://h/a/..",
    "http://h/a/.",
    "http://h//a//b",
    "http://h/.hidden",
    "http://h/a.b",
    "http://h/a/...",
    "http://h/a;p=1?b",
    "http://h/[x]",
    "http://h/?a[]=1&b={}",
    "http://h/?a=1&b=2",
    "http://h/?a=%5B%5D",
    "http://h/?q=a+b",
    "http://h/?q=a b",
    "http://h/?x=http://y/?z",
    "http://h/a?b?c",
    "http://h/a#b#c",
    'http://h/"<>\\^`{|}',
    'http://h/?"<>\\^`{|}',
    'http://h/#"<>\\^`{|}',
    "http://h/a'b(c)!*",
    "http://h/%25",
    "http://h/%2525",
    "http://h/a%",
    "http://h/%%",
    "http://h/%e4",
    "http://h/a%2Fb%zz",
    "http://h/@:;,$&=+",
    "http://user@h/",
    "http://user:pw@h/",
    "http://us%40er:p%3Aw@h:81/x",
    "http://us er:p w@h/",
    "http://a@b@h/",
    "http://@h/",
    "http://:@h/",
    "http://u:p@/",
    "http://",
    "http:///x",
    "http:/x",
    "http:x",
    "http://?x",
    "https://",
    "http",
    "httpx://h/",
    "h/x",
    "/x",
    "",
    " ",
    "//h/x",
    "localhost:8080/x",
    "ftp://h/x",
    "mailto:a@b",
    "data:,x",
    "  http://h/x",
    "\thttp://h/x",
    "http://h/x ",
    "http://h x/",
    "http://h\t/",
    "http://*.h/",
    "http://.h/",
    "http://h./",
    "http://h../",
    "http://a_b/",
    "http://-a/",
    "http://[::1]/",
    "http://[::1]:8080/x",
    "http://[::1",
    "http://::1/",
    "http://[fe80::1%25eth0]/",
    "http://[FE80::A]/",
    "http://[x]/",
    "http://127.0.0.1:5/x",
    "http://1/",
    "http://0x7f.1/",
    "http://bücher.example/",
    "http://BÜCHER.example:81/ä",
    "http://例え.テスト/",
    "http://xn--bcher-kva.example/",
    "http://a%20b/",
    "http://a%41b/",
    "http://a%zz/",
    "http://a%00b/",
    "http://h\\x/",
    "http://h/\\x",
    "http://h/a\nb",
    "http://h/a\x7fb",
    "http://h/\u200b",
    "http://h/👍?👍#👍",
    "http://h:80:80/",
    "http://h:-1/",
    "http://h:+80/",
    "http+unix://h/",
    "httpbin/x",
    "https:/x",
    "HTTPS://H/%2e%2E/x",
    "http://h/a/%2e%2e/b",
    "http://h/a/b/../../../c",
    "http://h/./a",
    "http://h/a//../b",
    "http://h?a/../b",
    "http://h/a?b/../c",
]

JOINS = [
    ("http://h/a/b?c#d", location)
    for location in [
        "x",
        "/x",
        "./x",
        "../x",
        "../../x",
        "../../../x",
        "?y",
        "#z",
        "x?y#z",
        "//o/x",
        "//o",
        "http://o/x",
        "HTTP://O/x",
        "https://h/",
        "http://h",
        "http://o:81/x?y",
        "x y",
        "/x%20y",
        "/ä",
        "/%C3%A4",
        "/%zz",
        "/a/./b/../c",
        "http://o/a/./b/../c",
        ".",
        "..",
        "./",
        "../",
        "x/",
        "x/.",
        "x/..",
        "/",
        "//",
        "///x",
        "http:///x",
        "http:x",
        "http:/x",
        "ftp://o/x",
        "mailto:a@b",
        "javascript:1",
        "x:y",
        "/x:y",
        "/x;p",
        ";p",
        "x;p?q",
        "?",
        "?#",
        "http://o/x#own",
        "http://u:p@o/x",
        "http://[::1]/x",
        "http://[::1/x",
        "http://bücher.example/x",
        "/[x]?[y]",
        " /x",
        "/x ",
        "/a\tb",
        "/x?a=1&b=2",
        '/"<>',
        "http://o",
        "http://o?x",
        "/x#",
        "\\x",
        "/a//b",
        "a//b",
        "http://O:80/X",
    ]
] + [
    (base, location)
    for base in ["http://h", "http://h/", "https://h:8443/a/", "http://h/a//b/c", "http://h/?q", "http://u:p@h/a#f"]
    for location in ["x", "/x", "//o/x", "?y", "#z", "../x", ".", "http://o/x", ""]
]

FAST_URLS = [
    "http://h//",
    "http://h/;",
    "http://h/a;",
    "http://h/a;b;",
    "http://h/a;/b;c?d",
    "http://h/a/?",
    "http://h/\ta\r\nb",
    "http://h/x?\r\nX-Smuggled: b",
    "http://h/a%2e%2E/b",
    "http://h/%c3%bc?%zz",
    "http://h/a/b/../../..//c",
    "http://h/x y?z z#f f",
]

COOKIES = [
    ("http://example.com/a/b", "n=v"),
    ("http://example.com/a/b", "n"),
    ("http://example.com/a/b", "=v"),
    ("http://example.com/a/b", ""),
    ("http://example.com/a/b", "n="),
    ("http://example.com/a/b", " n = v "),
    ("http://example.com/", 'n="q v"'),
    ("http://example.com/a/b", "n=v; Path=/"),
    ("http://example.com/a/b", "n=v; path=/other"),
    ("http://example.com/a", "n=v; Path="),
    ("http://example.com/a", "n=v; Path"),
    ("http://example.com/a", "n=v; Path=/ä%c3"),
    ("http://example.com/a", "n=v; Path=x"),
    ("http://example.com", "n=v"),
    ("http://example.com/a", "n=v"),
    ("http://example.com/a/", "n=v"),
    ("http://example.com/a/b/c?d/e", "n=v"),
    ("http://example.com/a", "n=v; Domain=example.com"),
    ("http://example.com/a", "n=v; Domain=.example.com"),
    ("http://www.example.com/a", "n=v; Domain=example.com"),
    ("http://example.com/a", "n=v; Domain=www.example.com"),
    ("http://example.com/a", "n=v; Domain=other.com"),
    ("http://example.com/a", "n=v; Domain=com"),
    ("http://example.com/a", "n=v; Domain="),
    ("http://example.com/a", "n=v; Domain"),
    ("http://example.com/a", "n=v; DOMAIN=EXAMPLE.COM"),
    ("http://badexample.com/a", "n=v; Domain=example.com"),
    ("http://localhost:8080/a", "n=v"),
    ("http://localhost:8080/a", "n=v; Domain=localhost"),
    ("http://localhost/a", "n=v; Domain=.localhost"),
    ("http://localhost/a", "n=v; Domain=local"),
    ("http://localhost/a", "n=v; Domain=localhost.local"),
    ("http://127.0.0.1:9/a", "n=v"),
    ("http://127.0.0.1/a", "n=v; Domain=127.0.0.1"),
    ("http://127.0.0.1/a", "n=v; Domain=0.0.1"),
    ("http://[::1]:80/a", "n=v"),
    ("http://example.com/a", "n=v; Secure"),
    ("https://example.com/a", "n=v; secure"),
    ("http://example.com/a", "n=v; HttpOnly; SameSite=Lax"),
    ("http://example.com/a", "n=v; Max-Age=60"),
    ("http://example.com/a", "n=v; Max-Age=0"),
    ("http://example.com/a", "n=v; Max-Age=-1"),
    ("http://example.com/a", "n=v; Max-Age=x"),
    ("http://example.com/a", "n=v; Max-Age=60; Max-Age=70"),
    ("http://example.com/a", "n=v; Expires=Wed, 09 Jun 2041 10:18:14 GMT"),
    ("http://example.com/a", "n=v; Expires=Wed, 09-Jun-2041 10:18:14 GMT"),
    ("http://example.com/a", "n=v; Expires=Wednesday, 09-Jun-41 10:18:14 GMT"),
    ("http://example.com/a", "n=v; Expires=Wed Jun  9 10:18:14 2041"),
    ("http://example.com/a", "n=v; Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
    ("http://example.com/a", "n=v; Expires=Wed, 09 Jun 2021 10:18:14 GMT"),
    ("http://example.com/a", "n=v; Expires=nonsense"),
    ("http://example.com/a", "n=v; Expires=0"),
    ("http://example.com/a", "n=v; Expires"),
    ("http://example.com/a", "n=v; Expires=Wed, 09 Jun 2041 10:18:14 GMT; Max-Age=5"),
    ("http://example.com/a", "n=v; Max-Age=5; Expires=Wed, 09 Jun 2041 10:18:14 GMT"),
    ("http://example.com/a", "n=v; Expires=Sat, 29 Feb 2048 23:59:59 GMT"),
    ("http://example.com/a", "n=v; Expires=Fri, 31 Dec 9999 23:59:59 GMT"),
    ("http://example.com/a", "n=v; Version=1"),
    ("http://example.com/a", "n=v; Version=2"),
    ("http://example.com/a", "n=v; Version=x"),
    ("http://example.com:81/a", "n=v; Port"),
    ("http://example.com:81/a", "n=v; Port=80,81"),
    ("http://example.com:81/a", "n=v; Port=80"),
    ("http://example.com/a", "n=v; Path=/x; Path=/y"),
    ("http://example.com/a", "$n=v"),
    ("http://example.com/a", "n=a=b"),
    ("http://example.com/a", "n=v;;;"),
    ("http://example.com/a", "n=v; =x"),
    ("http://example.com/a", "n=v; Comment=c; CommentURL=u; Discard"),
]

RETURNS = [
    ("http://example.com/a/b", cookie, later)
    for cookie in [
        "n=v",
        "n=v; Path=/",
        "n=v; Path=/a",
        "n=v; Path=/a/",
        "n=v; Domain=example.com",
        "n=v; Secure",
        "n=v; Path=/ab",
    ]
    for later in [
        "http://example.com/",
        "http://example.com/a",
        "http://example.com/a/",
        "http://example.com/a/c",
        "http://example.com/ab",
        "http://www.example.com/a/b",
        "http://ample.com/a/b",
        "http://notexample.com/a/b",
        "https://example.com/a/b",
        "http://example.com:99/a/b",
    ]
] + [
    ("http://localhost/a", "n=v", "http://localhost/b"),
    ("http://localhost/a", "n=v", "http://x.localhost/"),
    ("http://127.0.0.1/a", "n=v", "http://1.127.0.0.1/"),
    ("http://localhost/", "n=v; Domain=localhost", "http://localhost/"),
]


def escaped(text: str) -> str:
    return "".join(f"\\x{ord(c):02x}" if c < " " or c in "\\\x7f" else c for c in text)


def write(name: str, rows: list[tuple[str, ...]]) -> None:
    lines = ["\t".join(escaped(field) for field in row) for row in rows]
    (HERE / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def fate(request: PreparedRequest) -> tuple[str, ...]:
    """What becomes of a prepared request: its URL, request target and `Host`, or the exception."""
    heard: dict[str, str] = {}

    class Stop(Exception):
        pass

    def spy(connection: object, method: str, url: str, **kwargs: object) -> None:
        host, port, default = connection.host, connection.port, connection.default_port
        heard.update(url=url, host=host if port == default else f"{host}:{port}")
        raise Stop

    try:
        with (
            mock.patch("urllib3.connection.HTTPConnection.request", spy),
            mock.patch("urllib3.connectionpool.HTTPSConnectionPool._validate_conn"),
        ):
            requests.Session().send(request, allow_redirects=False)
    except Stop:
        return ("ok", request.url, request.path_url, heard["url"], heard["host"])
    except Exception as error:
        return (type(error).__name__, str(error))
    raise AssertionError("nothing was sent")


def prepared_fate(url: str) -> tuple[str, ...]:
    try:
        request = requests.Request("GET", url).prepare()
    except requests.exceptions.RequestException as error:
        return (type(error).__name__, str(error))
    return fate(request)


def joined_fate(base: str, location: str) -> tuple[str, ...]:
    """Where `resolve_redirects` goes from a response of `base`."""
    session = requests.Session()
    response = Response()
    response.status_code = 302
    response.url = requests.Request("GET", base).prepare().url
    response.request = requests.Request("GET", base).prepare()
    response.headers["location"] = location.encode("utf-8").decode("latin1")
    response.raw = mock.Mock()
    response.raw._original_response.msg = Message()
    response._content = b""
    try:
        following = next(session.resolve_redirects(response, response.request, yield_requests=True), None)
    except Exception as error:
        return (type(error).__name__, str(error))
    return ("none",) if following is None else fate(following)


def fast_fate(url: URL) -> tuple[str, ...] | None:
    """What geventhttpclient makes of a URL: its text and the request target, or that it refuses; None where hosts are read differently."""
    if url.scheme not in ("http", "https"):
        return ("refused",)
    if url.netloc and not re.fullmatch(r"([\w:]*@)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:\d{1,4})?", url.netloc, re.ASCII):
        return None
    try:
        request = HTTPClient.from_url(url)._build_request("GET", url.quoted_uri)
    except ValueError:
        return ("refused",)
    return ("ok", str(url), request.split(" ", 2)[1])


def fast_urls() -> list[tuple[str, ...]]:
    rows = [(url, fast_fate(URL(url))) for url in [*URLS, *FAST_URLS] if re.match(r"https?://[^\[]*(/|$)", url)]
    # A URL that was asked for keeps its text.
    return [(url, fate[0], *([url] if fate[0] == "ok" else []), *fate[2:]) for url, fate in rows if fate is not None]


def fast_joins() -> list[tuple[str, ...]]:
    rows = []
    for base, location in JOINS:
        try:
            fate = fast_fate(URL(base).redirect(location))
        except ValueError:
            fate = ("refused",)
        # An empty one is not followed.
        if fate is not None and location:
            rows.append((base, location, *fate))
    return rows


class Answer:
    def __init__(self, header: str) -> None:
        self.header = header

    def info(self) -> Message:
        message = Message()
        message["Set-Cookie"] = self.header
        return message


def jar_after(url: str, header: str) -> CookieJar:
    jar = CookieJar()
    with mock.patch("http.cookiejar.time.time", return_value=NOW):
        jar.extract_cookies(Answer(header), UrllibRequest(url))
    return jar


def kept(url: str, header: str) -> tuple[str, ...]:
    for cookie in jar_after(url, header):
        rest = ",".join(k if v is None else f"{k}={v}" for k, v in cookie._rest.items())
        value = "None" if cookie.value is None else f"={cookie.value}"
        flags = "".join(
            c if on else "-"
            for c, on in zip("dps", (cookie.domain_specified, cookie.path_specified, cookie.secure), strict=True)
        )
        return (
            "kept",
            cookie.name,
            value,
            cookie.domain,
            cookie.path,
            flags,
            str(cookie.expires),
            str(cookie.port),
            rest,
        )
    return ("refused",)


def returned(url: str, header: str, later: str) -> str:
    request = UrllibRequest(later)
    with mock.patch("http.cookiejar.time.time", return_value=NOW):
        jar_after(url, header).add_cookie_header(request)
    return request.get_header("Cookie") or ""


def main() -> None:
    """Writes all tables."""
    write("urls.tsv", [(url, *prepared_fate(url)) for url in URLS])
    write("joins.tsv", [(base, location, *joined_fate(base, location)) for base, location in JOINS])
    write("fast_urls.tsv", fast_urls())
    write("fast_joins.tsv", fast_joins())
    write("cookies.tsv", [(url, header, *kept(url, header)) for url, header in COOKIES])
    write("returns.tsv", [(*case, returned(*case)) for case in RETURNS])


if __name__ == "__main__":
    main()

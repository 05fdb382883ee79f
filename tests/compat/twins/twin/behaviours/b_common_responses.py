"""What both users do with bodies, encodings, broken servers, limits and connections."""

from __future__ import annotations

from twin.behaviours.a_common import CONNECTIONS, ENCODINGS, ERRORS, RESPONSES, REST
from twin.registry import both

STATUSES = {
    "created": "A 201.",
    "nothing": "A 204 has no body.",
    "not-modified": "A 304 has no body.",
    "missing": "A 404 is a failure.",
    "busy": "A 503 with a reason of its own is a failure.",
    "odd": "A status that nobody knows.",
    "no-reason": "A status without a reason.",
    "empty": "An empty body.",
}
BODIES = {
    "untyped": "A body without a type.",
    "utf8": "UTF-8, as the type says.",
    "latin": "Latin-1, as the type says.",
    "text": "A text whose type does not say the character set.",
    "false-charset": "A character set that nobody knows.",
    "binary": "A body that is not text.",
    "json": "A JSON body, as text.",
    "gzip": "A body in gzip.",
    "x-gzip": "A body in x-gzip.",
    "deflate": "A body in deflate.",
    "deflate-raw": "A body in deflate without its wrapper.",
    "brotli": "A body in Brotli.",
    "identity": "A body whose encoding is none.",
    "unknown-encoding": "A body in an encoding that nobody knows.",
    "two-encodings": "A body that is encoded twice.",
    "zstd": "A body in Zstandard, which nobody asked for.",
    "gzip-false": "A body that is not the gzip it says it is.",
    "gzip-cut": "A gzip body that is cut off.",
    "chunked": "A body in chunks.",
    "chunked-trailer": "A body in chunks with a trailer.",
    "chunked-extension": "A chunk with an extension.",
    "to-the-end": "A body that ends with the connection.",
    "http10": "An answer of HTTP/1.0.",
}
BROKEN = {
    "reset": "A connection that is reset before an answer.",
    "reset-in-head": "A connection that is reset in the headers.",
    "reset-in-body": "A connection that is reset in the body.",
    "hang-up": "A server that hangs up.",
    "hang-up-in-body": "A server that hangs up in the body.",
    "hang-up-in-chunk": "A server that hangs up in a chunk.",
    "chunk-bad": "A chunk whose length is no number.",
    "not-http": "A server that does not speak HTTP.",
    "status-bad": "A status that is no number.",
    "header-bad": "A header without a colon.",
    "length-bad": "A length that is no number.",
    "continue": "A 100 before the answer.",
    "hints": "A 103 before the answer.",
}


def _asks_for(path, text):
    def ask(client, observe):
        observe.response(client.get(f"/{path}"))

    ask.__name__, ask.__doc__ = f"answer_{path.replace('-', '_')}", text
    return ask


for _path, _text in STATUSES.items():
    both(RESPONSES)(_asks_for(_path, _text))
for _path, _text in BODIES.items():
    both(ENCODINGS)(_asks_for(_path, _text))
for _path, _text in BROKEN.items():
    both(ERRORS)(_asks_for(_path, _text))


@both(RESPONSES)
def text_with_an_encoding_of_ones_own(client, observe):
    """An encoding that is assigned decides about the text."""
    response = client.get("/utf8")
    response.encoding = "latin-1"
    observe("text", response.text)


@both(RESPONSES)
def raise_for_status(client, observe):
    """`raise_for_status()` of a success and of failures."""
    for path in ("/echo", "/missing", "/busy", "/moved-to-missing"):
        response = client.get(path)
        observe.error(path, response.raise_for_status)


@both(RESPONSES)
def raise_for_status_of_a_connection(client, observe):
    """`raise_for_status()` when there was no connection."""
    response = client.get(observe.places.refused + "/a")
    observe.error("raise_for_status", response.raise_for_status)


@both(RESPONSES)
def content_is_kept(client, observe):
    """`content` and `text` can be read again."""
    response = client.get("/utf8")
    observe("content", [response.content, response.content])
    observe("text", [response.text, response.text])
    observe("same", response.content is response.content)


@both(RESPONSES)
def iter_content(client, observe):
    """`iter_content` of a body that has been read."""
    response = client.get("/lines")
    observe.error("chunks", lambda: list(response.iter_content(7)))


@both(RESPONSES)
def repr_of_a_response(client, observe):
    """How a response is shown."""
    import re

    for path in ("/echo", "/missing"):
        observe("repr", re.sub(r"\S* object", "object", repr(client.get(path))))


# -- errors


@both(ERRORS)
def refused(client, observe):
    """A connection that is refused."""
    observe.response(client.get(observe.places.refused + "/a?b=1"))


@both(ERRORS)
def unknown_host(client, observe):
    """A host that has no address."""
    observe.response(client.get(observe.places.unknown + "/a"))


@both(ERRORS)
def refused_post(client, observe):
    """A POST whose connection is refused: what is left of the request."""
    observe.response(client.post(observe.places.refused + "/a", data="text"))


@both(ERRORS)
def url_without_a_host(client, observe):
    """A URL that has no host."""
    observe.error("answer", lambda: client.get("http:///a"))


@both(ERRORS)
def url_with_a_false_port(client, observe):
    """A URL whose port is no number."""
    observe.error("answer", lambda: client.get("http://127.0.0.1:port/a"))


@both(ERRORS)
def url_with_an_empty_label(client, observe):
    """A host name with an empty part."""
    observe.error("answer", lambda: client.get("http://.example.invalid/a"))


@both(ERRORS)
def unknown_argument(client, observe):
    """An argument that nobody knows."""
    observe.error("answer", lambda: client.get("/echo", no_such_argument=1))


@both(ERRORS)
def method_with_a_space(client, observe):
    """A method that cannot be one."""
    observe.error("answer", lambda: client.request("GET /", "/echo"))


@both(ERRORS)
def url_with_a_newline(client, observe):
    """A URL with a line break."""
    observe.error("answer", lambda: client.get("/echo?a=\r\nX-Smuggled: b"))


# -- connections


@both(CONNECTIONS)
def connection_is_kept(client, observe):
    """Requests in a row share a connection."""
    for _ in range(3):
        client.get("/echo")


@both(CONNECTIONS)
def connection_after_a_failure(client, observe):
    """An answer that is a failure does not end the connection."""
    client.get("/missing")
    client.get("/echo")


@both(CONNECTIONS)
def connection_that_the_server_closes(client, observe):
    """A server that says it closes: the next request has a new connection."""
    client.get("/closing")
    observe.brief(client.get("/echo"))


@both(CONNECTIONS)
def stale_connection(client, observe):
    """A server that closes without saying so: the next request succeeds all the same."""
    import time

    client.get("/stale")
    time.sleep(0.1)
    observe.brief(client.get("/stale"))


@both(CONNECTIONS)
def stale_connection_and_a_post(client, observe):
    """The same, when the next request is a POST."""
    import time

    client.get("/stale")
    time.sleep(0.1)
    observe.brief(client.post("/stale", data="body"))


@both(CONNECTIONS)
def connection_after_http_1_0(client, observe):
    """After an answer of HTTP/1.0 the connection is not used again."""
    client.get("/http10")
    client.get("/echo")


@both(CONNECTIONS)
def connection_after_a_head(client, observe):
    """A HEAD leaves its connection usable."""
    client.head("/large")
    client.get("/echo")


@both(CONNECTIONS)
def connection_after_a_chunked_body(client, observe):
    """A body in chunks leaves its connection usable."""
    client.get("/chunked")
    client.get("/chunked-trailer")
    client.get("/echo")


@both(CONNECTIONS)
def two_hosts_two_connections(client, observe):
    """Each host has its connection, and both are kept."""
    for _ in range(2):
        client.get("/echo")
        client.get(observe.places.other + "/echo")


@both(CONNECTIONS)
def users_do_not_share(client, observe):
    """Each user has its own connection and its own cookies."""
    second = observe.visitor().client
    client.get("/cookie")
    second.get("/echo")
    client.get("/echo")


@both(CONNECTIONS)
def greenlets_of_a_user(client, observe):
    """Greenlets of one user use its client at the same time."""
    import gevent

    greenlets = [gevent.spawn(client.get, "/pause") for _ in range(3)]
    gevent.joinall(greenlets)
    observe("statuses", [greenlet.value.status_code for greenlet in greenlets])


# -- rest()


@both(REST)
def rest(client, observe):
    """`rest()` sends and expects JSON."""
    with observe.user.rest("POST", "/json", json={"q": 1}) as response:
        observe("js", response.js)
        observe("class", type(response))


@both(REST)
def rest_with_headers(client, observe):
    """`rest()` with headers of one's own."""
    with observe.user.rest("GET", "/json", headers={"X-Own": "1", "accept": "a/b"}) as response:
        observe("js", response.js)


@both(REST)
def rest_that_is_no_json(client, observe):
    """`rest()` of a body that is not JSON is a failure."""
    with observe.user.rest("GET", "/json-bad") as response:
        observe("js", response.js)


@both(REST)
def rest_that_is_empty(client, observe):
    """`rest()` of an empty body."""
    with observe.user.rest("GET", "/nothing") as response:
        observe("js", response.js)


@both(REST)
def rest_with_an_assertion(client, observe):
    """An assertion that fails inside is a failure with its words."""
    with observe.user.rest("GET", "/json") as response:
        assert response.js["a"] == [], "wrong a"
    with observe.user.rest("GET", "/json") as response:
        raise AssertionError("ends with a comma,")
    with observe.user.rest("GET", "/json") as response:
        raise AssertionError


@both(REST)
def rest_with_an_error(client, observe):
    """Any exception inside is a failure too, and goes no further."""
    with observe.user.rest("GET", "/missing") as response:
        observe("js", response.js)
    with observe.user.rest("GET", "/json") as response:
        response.failure("mine")


@both(REST)
def rest_that_fails_to_connect(client, observe):
    """`rest()` when nobody listens."""
    with observe.user.rest("GET", observe.places.refused + "/a", name="refused") as response:
        observe("js", response.js)


@both(REST)
def rest_past_the_cache(client, observe):
    """`rest_()` appends the time, and not to the name."""
    with observe.user.rest_("GET", "/json") as response:
        observe("js", response.js is not None)
    with observe.user.rest_("GET", "/json?a=1") as response:
        observe("js", response.js is not None)

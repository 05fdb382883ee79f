"""What only `FastHttpUser` has: its own surface, defaults and errors."""

from __future__ import annotations

from twin.behaviours.a_common import AUTH, BODIES, CONNECTIONS, COOKIES, ERRORS, HEADERS, REDIRECTS, RESPONSES, URLS
from twin.behaviours.c_http import FILES, LIMITS, PROXIES, SESSION, STREAMING, TLS
from twin.registry import fast


@fast(SESSION)
def attributes_of_the_client(client, observe):
    """What can be read of a fresh client."""
    for name in ("base_url", "auth_header", "request_name", "cookiejar", "client", "user"):
        observe.error(name, lambda name=name: getattr(client, name))
    observe("class", type(client))


@fast(SESSION)
def class_of_a_response(client, observe):
    """Classes of responses: plain, judged, failed."""
    observe("plain", type(client.get("/echo")))
    observe("404", type(client.get("/missing")))
    with client.get("/echo", catch_response=True) as response:
        observe("judged", type(response))
    observe("refused", type(client.get(observe.places.refused)))


@fast(SESSION, default_headers={"X-Default": "1", "User-Agent": "mine"})
def default_headers(client, observe):
    """`default_headers` of the user go with every request."""
    client.get("/echo")
    client.get("/echo", headers={"X-Default": "2"})
    client.post("/echo", json={"a": 1})


@fast(SESSION)
def own_session(client, observe):
    """A session of one's own with headers and limits."""
    from locust.contrib.fasthttp import FastHttpSession

    environment = observe.user.environment
    own = FastHttpSession(
        base_url=observe.places.url, request_event=environment.events.request, user=None, insecure=True,
        network_timeout=1.0, connection_timeout=1.0, max_redirects=1, max_retries=0, headers={"X-Own": "1"},
    )  # fmt: skip
    observe.brief(own.get("/echo"))
    observe.brief(own.get("/steps"))


@fast(SESSION)
def client_pool(client, observe):
    """A pool that is shared by users."""
    from locust.contrib.fasthttp import HTTPClientPool

    pool = HTTPClientPool(concurrency=2)
    for _ in range(2):
        visitor = observe.visitor(client_pool=pool)
        observe("the pool", visitor.client.client.clientpool is pool)
        observe.brief(visitor.client.get("/echo"))
    pool.close()
    observe.brief(visitor.client.get("/echo"))


@fast(SESSION)
def without_a_host(client, observe):
    """A user without a host."""
    observe.error("user", lambda: observe.visitor(host=None))


# -- responses


@fast(RESPONSES)
def error_of_a_response(client, observe):
    """`error` is there when something went wrong."""
    observe("fine", hasattr(client.get("/echo"), "error"))
    observe("404", client.get("/missing").error)
    observe("refused", client.get(observe.places.refused).error)


@fast(RESPONSES)
def history(client, observe):
    """The redirects on the way to a response."""
    response = client.get("/steps")
    observe("history", [(hop.status_code, type(hop)) for hop in response.history])
    observe("urls", [hop.url for hop in response.history])
    observe.error("of a failure", lambda: client.get(observe.places.refused + "/a").history)
    observe("of a 404", client.get("/moved-to-missing").history)


@fast(RESPONSES)
def elapsed(client, observe):
    """`elapsed` of responses, judged and failed ones too."""
    observe.error("plain", lambda: client.get("/echo").elapsed)
    observe.error("refused", lambda: client.get(observe.places.refused + "/a").elapsed)
    with client.get("/echo", catch_response=True) as response:
        observe.error("judged", lambda: response.elapsed)
        observe.error("history", lambda: response.history)


@fast(RESPONSES)
def more_of_a_response(client, observe):
    """What geventhttpclient's responses have beside: `status`, `data`, `len`, `info`."""
    response = client.get("/echo")
    observe.error("status", lambda: response.status)
    observe.error("data", lambda: response.data)
    observe.error("length", lambda: len(response))
    observe.error("info", lambda: response.info())
    observe.error("closed", lambda: response.isclosed())
    observe.error("elapsed", lambda: response.elapsed)


@fast(RESPONSES)
def headers_of_a_response_as_a_list(client, observe):
    """`getlist` of the headers."""
    response = client.get("/headers")
    observe.error("getlist", lambda: response.headers.getlist("x-twice"))
    observe.error("items", lambda: list(response.headers.items()))


@fast(RESPONSES)
def request_of_a_response(client, observe):
    """The request of a response."""
    request = client.post("/echo?a=1", data={"b": "2"}).request
    for name in ("method", "url", "body", "payload", "headers"):
        observe.error(name, lambda name=name: getattr(request, name))


@fast(RESPONSES)
def error_response(client, observe):
    """The response that stands for a failed connection."""
    response = client.get(observe.places.refused + "/a", headers={"X-Own": "1"})
    for name in ("content", "text", "headers", "status_code", "url", "ok"):
        observe.error(name, lambda name=name: getattr(response, name))
    observe.error("json", response.json)


@fast(RESPONSES)
def text_is_guessed(client, observe):
    """The text of a body whose type does not say its character set."""
    for path in ("/text", "/untyped", "/json-utf16", "/binary", "/latin"):
        response = client.get(path)
        observe.error(path, lambda response=response: (response.text, response.encoding))


# -- what is said differently


@fast(URLS)
def unknown_argument_of_a_get(client, observe):
    """An unknown argument becomes part of the query."""
    observe.brief(client.get("/echo", q="1"))
    observe.brief(client.get("/echo", params={"a": "1"}, q="2"))


@fast(URLS)
def unknown_argument_of_a_post(client, observe):
    """An unknown argument becomes part of the form."""
    observe.brief(client.post("/echo", q="1"))
    observe.brief(client.post("/echo", data={"a": "1"}, q="2"))


@fast(HEADERS)
def json_headers(client, observe):
    """`json` sets `Accept` too."""
    client.post("/echo", json={"a": 1})
    client.put("/echo", json={"a": 1}, headers={"Accept": "text/x"})


@fast(BODIES)
def body_that_cannot_be(client, observe):
    """Bodies of other kinds."""
    observe.error("list", lambda: client.post("/echo", data=[("a", "1")]))
    observe.error("number", lambda: client.post("/echo", data=5))


@fast(BODIES)
def bytearray_body(client, observe):
    """A bytearray as the body."""
    observe.error("answer", lambda: client.post("/echo", data=bytearray(b"array")))


@fast(COOKIES)
def cookiejar(client, observe):
    """The cookies of the client."""
    client.get("/cookies")
    observe("jar", client.cookiejar)
    observe("names", sorted(cookie.name for cookie in client.cookiejar))
    client.cookiejar.clear()
    client.get("/echo")


@fast(COOKIES)
def cookie_put_into_the_jar(client, observe):
    """A cookie that is put into the jar."""
    from http.cookiejar import Cookie

    client.cookiejar.set_cookie(
        Cookie(0, "own", "1", None, False, "127.0.0.1", True, False, "/", True, False, None, True, None, None, {})
    )
    client.get("/echo")


@fast(AUTH)
def authentication_and_a_redirect(client, observe):
    """Credentials of the host go with every request to it."""
    whole = observe.places.url.replace("://", "://user:pass@")
    client = observe.visitor(host=whole).client
    observe("header", client.auth_header)
    client.get("/moved-away")


@fast(REDIRECTS)
def max_redirects_of_a_call(client, observe):
    """A limit on redirects for one call."""
    observe.brief(client.get("/steps", max_redirects=1))


@fast(REDIRECTS, max_redirects=0)
def no_redirects(client, observe):
    """A user that follows none."""
    observe.brief(client.get("/moved"))


@fast(REDIRECTS)
def redirect_to_tls(client, observe):
    """A redirect from HTTP to HTTPS; certificates are not looked at."""
    observe.brief(client.get("/moved-to-tls"))


# -- streaming


@fast(STREAMING)
def stream(client, observe):
    """A streamed body is read when it is asked for."""
    response = client.get("/large", stream=True)
    observe("content", len(response.content))


@fast(STREAMING)
def stream_in_chunks(client, observe):
    """`iter_content` gives text, or bytes on wish."""
    observe("text", list(client.get("/lines", stream=True).iter_content(7)))
    observe("bytes", list(client.get("/lines", stream=True).iter_content(7, decode_content=False)))


@fast(STREAMING)
def stream_object(client, observe):
    """`stream` of a response can be read."""
    response = client.get("/lines", stream=True)
    observe.error("read", lambda: response.stream.read(5))
    observe.error("rest", lambda: response.stream.read())


@fast(STREAMING)
def iter_lines(client, observe):
    """`iter_lines` sends a request and gives the lines of its body."""
    observe("lines", list(client.iter_lines("/lines")))
    observe("chunked", list(client.iter_lines("/chunked-lines")))
    observe("posted", list(client.iter_lines("/lines", method="POST", json={"a": 1}, name="lines")))


@fast(STREAMING)
def iter_lines_of_a_failure(client, observe):
    """`iter_lines` of a 404 raises."""
    observe.error("lines", lambda: list(client.iter_lines("/missing")))


@fast(STREAMING)
def iter_lines_never_begun(client, observe):
    """`iter_lines` does nothing before the first line is asked for."""
    client.iter_lines("/lines")


@fast(STREAMING)
def stream_of_chunks(client, observe):
    """Streaming a body in chunks: no length is reported."""
    response = client.get("/chunked", stream=True)
    observe("content", response.content)


@fast(STREAMING)
def stream_that_breaks(client, observe):
    """A streamed body that is cut off."""
    response = client.get("/hang-up-in-body", stream=True)
    observe.error("content", lambda: response.content)


@fast(STREAMING)
def stream_that_is_read(client, observe):
    """A streamed response that is read to its end gives its connection back."""
    observe("content", client.get("/lines", stream=True).content)
    client.get("/echo")


@fast(STREAMING)
def stream_with_catch_response(client, observe):
    """Streaming in a `with` block."""
    with client.get("/lines", stream=True, catch_response=True) as response:
        if b"third" in response.content:
            response.failure("found the third")


# -- files, proxies, TLS


@fast(FILES)
def one_file(client, observe):
    """A file with its name."""
    with open(observe.places.folder + "/upload.txt", "rb") as file:
        observe.brief(client.post("/echo", files={"file": file}))


@fast(FILES)
def files_and_fields(client, observe):
    """Files as tuples, and fields beside them."""
    client.post("/echo", files={"a": ("a.txt", b"content"), "b": ("b.csv", "1,2", "text/csv")}, data={"field": "value"})


@fast(PROXIES)
def proxy_of_the_user(client, observe):
    """`proxy_host` and `proxy_port` of the user."""
    host, _, port = observe.places.proxy.removeprefix("http://").partition(":")
    client = observe.visitor(proxy_host=host, proxy_port=int(port), host="http://behind.invalid").client
    observe.brief(client.get("/echo"))
    observe.brief(client.get("/missing"))


@fast(PROXIES)
def environment_has_no_say(client, observe):
    """A proxy in the environment is not used."""
    import os

    os.environ["http_proxy"] = observe.places.proxy
    try:
        observe.brief(client.get("/echo"))
    finally:
        del os.environ["http_proxy"]


@fast(TLS)
def tls(client, observe):
    """Certificates are not looked at by default."""
    observe.response(client.get(observe.places.tls_by_address + "/echo"))


@fast(TLS, insecure=False)
def tls_verified(client, observe):
    """`insecure = False` looks at certificates."""
    observe.brief(client.get(observe.places.tls + "/echo"))


@fast(TLS)
def ssl_context_factory(client, observe):
    """A context of one's own that knows the authority."""
    import ssl

    def context(_user):
        return ssl.create_default_context(cafile=observe.places.authority)

    client = observe.visitor(ssl_context_factory=context, insecure=False).client
    observe.brief(client.get(observe.places.tls + "/echo"))
    observe.brief(client.get(observe.places.tls_by_address + "/echo"))


@fast(TLS)
def tls_to_a_plain_server(client, observe):
    """TLS spoken to a server that does not."""
    observe.brief(client.get(observe.places.url.replace("http:", "https:") + "/echo"))


# -- limits and errors


@fast(LIMITS, network_timeout=0.2)
def network_timeout(client, observe):
    """A server that takes too long."""
    observe.response(client.get("/slow"))


@fast(LIMITS, network_timeout=0.2)
def network_timeout_in_the_body(client, observe):
    """A body that stops."""
    observe.response(client.get("/slow-body"))


@fast(ERRORS, max_retries=1)
def max_retries(client, observe):
    """A request whose connection fails is sent again."""
    observe.brief(client.get("/reset"))
    observe.brief(client.get("/slow-never", name="404 is not tried again"))


@fast(ERRORS, max_retries=1, network_timeout=0.2)
def max_retries_after_a_timeout(client, observe):
    """A request that took too long is sent again; a POST is not."""
    observe.brief(client.get("/slow"))
    observe.brief(client.post("/slow", data="a"))


@fast(ERRORS)
def bad_status_code(client, observe):
    """What a bad status is made of."""
    error = client.get("/missing").error
    observe("error", error)
    observe("repr", repr(error))
    observe("facts", (error.code, error.url, error.text))
    observe("bases", [base.__name__ for base in type(error).__mro__])


@fast(CONNECTIONS, concurrency=1)
def concurrency(client, observe):
    """`concurrency` limits how many requests of a user are under way."""
    import gevent

    greenlets = [gevent.spawn(client.get, "/pause") for _ in range(3)]
    gevent.joinall(greenlets)
    observe("statuses", [greenlet.value.status_code for greenlet in greenlets])

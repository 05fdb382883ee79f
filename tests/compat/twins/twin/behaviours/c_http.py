"""What only `HttpUser` has: the whole of a `requests.Session`."""

from __future__ import annotations

from twin.behaviours.a_common import (
    AUTH,
    BODIES,
    CONNECTIONS,
    COOKIES,
    ENCODINGS,
    ERRORS,
    HEADERS,
    JSON,
    REDIRECTS,
    RESPONSES,
    URLS,
)
from twin.registry import http

SESSION, PREPARED, HOOKS, ADAPTERS = "The session", "Prepared requests", "Hooks", "Adapters"
STREAMING, FILES, PROXIES, TLS, LIMITS = "Streaming", "Files", "Proxies", "TLS", "Timeouts"


# -- the session


@http(SESSION)
def is_a_session(client, observe):
    """The client and its responses are those of `requests`."""
    import requests

    observe("session", isinstance(client, requests.Session))
    observe("response", isinstance(client.get("/echo"), requests.Response))
    observe("class", type(client))


@http(SESSION)
def session_headers(client, observe):
    """Headers of the session go with every request, and a call's own are over them."""
    observe("defaults", client.headers)
    client.headers["X-Session"] = "s"
    client.headers.update({"Accept": "text/s"})
    client.get("/echo")
    client.get("/echo", headers={"x-session": "call", "X-Call": "c"})
    client.get("/echo", headers={"X-Session": None})
    del client.headers["X-Session"]
    client.get("/echo")


@http(SESSION)
def session_headers_replaced(client, observe):
    """Headers assigned as a whole replace the defaults."""
    client.headers = {"X-Only": "1"}
    client.get("/echo")
    client.post("/echo", json={"a": 1})


@http(SESSION)
def session_headers_emptied(client, observe):
    """A session without headers."""
    client.headers.clear()
    client.get("/echo")


@http(SESSION)
def session_params(client, observe):
    """Parameters of the session are merged with a call's."""
    client.params = {"from": "session", "kept": "1"}
    client.get("/echo", params={"from": "call", "more": "2"})
    client.get("/echo?x=1", params={"kept": None})
    client.get("/echo", params="text")


@http(SESSION)
def session_auth(client, observe):
    """Credentials of the session, and a call's over them."""
    client.auth = ("session", "secret")
    client.get("/echo")
    client.get("/echo", auth=("call", "secret"))
    client.auth = None
    client.get("/echo")


@http(SESSION)
def session_cookies(client, observe):
    """Cookies that are put into the session's jar."""
    client.cookies.set("own", "cookie")
    client.cookies.set("there", "1", domain="localhost.local", path="/")
    client.get("/echo")
    client.get("/cookies")
    observe("jar", client.cookies)
    observe("as a dict", client.cookies.get_dict())
    client.cookies.clear()
    client.get("/echo")


@http(SESSION)
def session_cookies_assigned(client, observe):
    """A jar that is assigned."""
    from requests.cookies import cookiejar_from_dict

    client.cookies = cookiejar_from_dict({"a": "1", "b": "2"})
    client.get("/echo")
    observe("jar", client.cookies)


@http(SESSION)
def session_max_redirects(client, observe):
    """A limit of the session on redirects."""
    client.max_redirects = 2
    observe.response(client.get("/steps"))


@http(SESSION)
def session_stream(client, observe):
    """A session that streams by default."""
    client.stream = True
    response = client.get("/lines")
    observe("content", response.content)


@http(SESSION)
def base_url(client, observe):
    """The base URL can be read and assigned."""
    observe("base_url", client.base_url)
    client.base_url = observe.places.other
    observe.brief(client.get("/echo"))


@http(SESSION)
def session_is_closed(client, observe):
    """A session that has been closed goes on with new connections."""
    client.get("/echo")
    client.close()
    observe.brief(client.get("/echo"))


@http(SESSION)
def session_as_a_context(client, observe):
    """A session in a `with` block."""
    with client as entered:
        observe("same", entered is client)
        client.get("/echo")
    client.get("/echo")


@http(SESSION)
def attributes_of_the_session(client, observe):
    """What can be read of a fresh session."""
    for name in (
        "auth", "proxies", "params", "stream", "verify", "cert", "max_redirects", "trust_env", "cookies", "request_name",
    ):  # fmt: skip
        observe.error(name, lambda name=name: getattr(client, name))
    observe("hooks", client.hooks)
    observe("adapters", list(client.adapters))
    observe("adapter", type(client.get_adapter("http://a/")))


@http(SESSION)
def get_adapter_for_another_scheme(client, observe):
    """There is no adapter for a scheme that is not HTTP."""
    observe.error("adapter", lambda: client.get_adapter("ftp://a/"))


@http(SESSION)
def pool_manager(client, observe):
    """A pool manager of the user class is accepted."""
    from urllib3 import PoolManager

    visitor = observe.visitor(pool_manager=PoolManager(maxsize=3, block=True))
    observe.brief(visitor.client.get("/echo"))


# -- more ways to say it


@http(URLS)
def params_as_bytes(client, observe):
    """`params` as bytes."""
    observe.brief(client.get("/echo", params=b"raw=1"))


@http(URLS)
def params_as_empty(client, observe):
    """Empty `params` of all kinds."""
    for empty in ({}, [], "", None):
        client.get("/echo", params=empty)


@http(URLS)
def international_host(client, observe):
    """A host with an umlaut."""
    observe.error("error", lambda: client.get("http://grün.invalid/").error)


@http(URLS)
def url_as_bytes(client, observe):
    """A URL as bytes."""
    observe.error("answer", lambda: client.get(b"/echo"))


@http(URLS)
def another_scheme(client, observe):
    """A whole URL of a scheme that is not HTTP is taken for a path."""
    observe.error("answer", lambda: client.get("ftp://127.0.0.1/a"))


@http(URLS)
def base_url_of_another_scheme(client, observe):
    """A base URL that is not HTTP."""
    client.base_url = "ftp://127.0.0.1"
    observe.error("answer", lambda: client.get("/a"))


@http(URLS)
def base_url_without_a_scheme(client, observe):
    """A base URL that has no scheme."""
    client.base_url = "127.0.0.1"
    observe.error("answer", lambda: client.get("/a"))


@http(HEADERS)
def headers_taken_away(client, observe):
    """None removes a default; what must be there is sent all the same."""
    client.get("/echo", headers={"Accept": None, "User-Agent": None, "Connection": None})
    client.get("/echo", headers={"Accept-Encoding": None})


@http(HEADERS)
def header_twice_in_two_spellings(client, observe):
    """The same header in two spellings."""
    client.get("/echo", headers={"X-Case": "1", "x-case": "2"})


@http(HEADERS)
def content_length_of_ones_own(client, observe):
    """A content length of one's own is replaced."""
    client.post("/echo", data="four", headers={"Content-Length": "4"})


@http(BODIES)
def form_of_pairs(client, observe):
    """A form as a list of pairs keeps its order."""
    observe.brief(client.post("/echo", data=[("a", "1"), ("b", "2"), ("a", "3")]))


@http(BODIES)
def generator_body(client, observe):
    """A generator is sent in chunks."""
    observe.response(client.post("/echo", data=(chunk for chunk in (b"first ", b"second"))))


@http(BODIES)
def file_object_in_memory(client, observe):
    """A file in memory is sent with its length."""
    import io

    observe.response(client.post("/echo", data=io.BytesIO(b"from a file")))


@http(BODIES)
def file_that_was_read_from(client, observe):
    """A file is sent from where it stands."""
    import io

    file = io.BytesIO(b"0123456789")
    file.read(4)
    client.post("/echo", data=file)
    observe("position", file.tell())


@http(BODIES)
def file_after_a_redirect(client, observe):
    """A file is sent again after a 307."""
    import io

    observe.brief(client.post("/moved/307", data=io.BytesIO(b"again")))


@http(BODIES)
def bytearray_body(client, observe):
    """A bytearray as the body."""
    observe.error("answer", lambda: client.post("/echo", data=bytearray(b"array")))


@http(JSON)
def json_beside_empty_data(client, observe):
    """Empty `data` leaves the body to `json`."""
    client.patch("/echo", data={}, json={"a": 1})
    client.post("/echo", data="", json=False)


@http(JSON)
def json_of_a_response_with_arguments(client, observe):
    """`json()` hands its arguments on."""
    observe("json", client.get("/json").json(parse_float=str))


@http(JSON)
def class_of_the_json_error(client, observe):
    """What `json()` raises is what users catch."""
    import json

    import requests

    try:
        client.get("/missing").json()
    except requests.exceptions.JSONDecodeError as error:
        observe("error", error)
        observe("is", [isinstance(error, json.JSONDecodeError), isinstance(error, ValueError)])
        observe("where", (error.pos, error.lineno, error.colno, error.doc))


# -- cookies


@http(COOKIES)
def cookies_of_a_call(client, observe):
    """Cookies of one call, beside those of the session."""
    client.get("/cookie")
    observe.response(client.get("/echo", cookies={"b": "two", "a": "over"}))
    client.get("/echo")


@http(COOKIES)
def jar_of_a_call(client, observe):
    """A jar for one call."""
    import requests

    jar = requests.cookies.RequestsCookieJar()
    jar.set("near", "1", path="/echo")
    jar.set("far", "2", path="/elsewhere")
    client.get("/echo", cookies=jar)


@http(COOKIES)
def cookies_of_a_response(client, observe):
    """The cookies of a response and those of the session."""
    response = client.get("/cookies")
    observe("names", response.cookies.get_dict())
    observe("one", response.cookies["b"])
    observe("session", client.cookies.get_dict())
    observe.error("missing", lambda: response.cookies["none"])


@http(COOKIES)
def cookie_with_a_domain(client, observe):
    """A cookie whose domain is the host itself."""
    client.get("/cookie-domain")
    observe("jar", client.cookies)
    client.get("/echo")


@http(COOKIES)
def cookie_policy(client, observe):
    """A policy that takes no cookies."""
    from http.cookiejar import DefaultCookiePolicy

    client.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    client.get("/cookie")
    client.get("/echo")
    observe("jar", client.cookies)


# -- authentication


@http(AUTH)
def basic_authentication_as_an_object(client, observe):
    """`HTTPBasicAuth`."""
    from requests.auth import HTTPBasicAuth

    observe.response(client.get("/echo", auth=HTTPBasicAuth("user", "pass")))


@http(AUTH)
def digest_authentication(client, observe):
    """`HTTPDigestAuth` answers the challenge."""
    from requests.auth import HTTPDigestAuth

    auth = HTTPDigestAuth("user", "pass")
    observe.response(client.get("/digest", auth=auth))
    observe.brief(client.get("/echo", auth=auth))


@http(AUTH)
def own_authentication(client, observe):
    """A class of one's own that signs requests."""
    from requests.auth import AuthBase

    class Signature(AuthBase):
        def __call__(self, request):
            request.headers["X-Signed"] = f"{request.method} {request.path_url} {request.body!r}"
            return request

    observe.response(client.post("/echo?a=1", data="body", auth=Signature()))


@http(AUTH)
def authentication_by_a_function(client, observe):
    """A function that signs requests, on the session."""

    def sign(request):
        request.headers["X-Signed"] = "yes"
        return request

    client.auth = sign
    client.get("/echo")
    client.get("/moved")


@http(AUTH)
def netrc(client, observe):
    """Credentials from a .netrc file."""
    import os

    folder = observe.places.folder
    with open(f"{folder}/netrc", "w") as file:
        file.write("machine 127.0.0.1 login reader password from-netrc\n")
    os.environ["NETRC"] = f"{folder}/netrc"
    try:
        client.get("/echo")
        client.trust_env = False
        client.get("/echo")
    finally:
        del os.environ["NETRC"]


# -- redirects


@http(REDIRECTS)
def next_of_a_redirect(client, observe):
    """A redirect that was not followed knows where it leads."""
    response = client.get("/moved", allow_redirects=False)
    observe("next", (response.next.method, response.next.url))
    observe("next of another", client.get("/echo").next)


@http(REDIRECTS)
def history_of_a_redirect(client, observe):
    """The responses before the last one are whole."""
    response = client.get("/moved-with-body")
    observe.response(response.history[0], "first")


@http(REDIRECTS)
def head_with_allow_redirects(client, observe):
    """A HEAD that is to follow redirects."""
    observe.brief(client.head("/moved", allow_redirects=True))


@http(REDIRECTS)
def redirect_with_a_query(client, observe):
    """Parameters of a call are not sent to where a redirect leads."""
    client.get("/moved-relative", params={"a": "1"})


@http(REDIRECTS)
def redirects_by_hand(client, observe):
    """`resolve_redirects` follows from a redirect that was not followed."""
    response = client.get("/steps", allow_redirects=False)
    followed = [
        (one.status_code, one.url)
        for one in client.resolve_redirects(response, response.request)
    ]  # fmt: skip
    observe("followed", followed)


# -- responses


@http(RESPONSES)
def links(client, observe):
    """Links of a response."""
    observe("links", client.get("/links").links)


@http(RESPONSES)
def elapsed(client, observe):
    """`elapsed` is a time above nothing."""
    observe("elapsed", client.get("/echo").elapsed)


@http(RESPONSES)
def raw(client, observe):
    """`raw` of a response: headers that come twice, status, what is left to read."""
    response = client.get("/headers")
    observe("status", (response.raw.status, response.raw.reason, response.raw.version))
    observe("twice", response.raw.headers.getlist("x-twice"))
    observe("rest", response.raw.read())


@http(RESPONSES)
def iter_lines(client, observe):
    """`iter_lines` of a body."""
    response = client.get("/lines")
    observe("lines", list(response.iter_lines()))
    observe("decoded", list(client.get("/lines").iter_lines(decode_unicode=True)))
    observe("delimited", list(client.get("/lines").iter_lines(delimiter=b"\n")))


@http(RESPONSES)
def iterating(client, observe):
    """Iterating over a response."""
    observe("chunks", list(client.get("/lines")))


@http(RESPONSES)
def pickling(client, observe):
    """A response survives pickling."""
    import pickle

    def copy():
        with client.get("/json", catch_response=True) as response:
            pass
        response.request_meta = response._request_event = None
        return pickle.loads(pickle.dumps(response))

    observe.error("copy", lambda: (copy().status_code, copy().json(), copy().url, copy().headers))


@http(RESPONSES)
def assigning_to_a_response(client, observe):
    """Attributes of a response can be assigned."""
    response = client.get("/echo")
    response.status_code, response._content, response.encoding = 500, b"\xfc", "latin-1"
    observe("assigned", (response.ok, response.text, response.content))


@http(RESPONSES)
def request_of_a_response(client, observe):
    """The prepared request of a response."""
    request = client.post("/echo?a=1", data={"b": "2"}).request
    observe("class", type(request))
    observe("path_url", request.path_url)
    observe("body", request.body)
    observe("hooks", request.hooks)


@http(RESPONSES)
def response_as_a_context(client, observe):
    """A plain `with` of a response is refused."""

    def block():
        with client.get("/echo") as response:
            return response.text

    observe.error("block", block)


@http(RESPONSES)
def apparent_encoding(client, observe):
    """The encoding that a body seems to have."""
    for path in ("/text", "/untyped", "/latin", "/binary", "/empty"):
        observe(path, client.get(path).apparent_encoding)


# -- prepared requests


@http(PREPARED)
def prepared_request(client, observe):
    """A request that the session prepared and then sends; it is not reported."""
    import requests

    request = requests.Request("POST", observe.places.url + "/echo", data={"a": "1"}, headers={"X-Own": "1"})
    client.explicit_name = None
    observe.error("answer", lambda: observe.response(client.send(client.prepare_request(request))))


@http(PREPARED)
def request_prepared_alone(client, observe):
    """A request that knows no session."""
    import requests

    request = requests.Request("GET", observe.places.url + "/echo?q=ü").prepare()
    response = client.send(request)
    observe("answer", (type(response), response.status_code, response.url))


@http(PREPARED)
def request_prepared_by_hand(client, observe):
    """A prepared request whose URL and body were changed."""
    import requests

    request = requests.Request("POST", observe.places.url + "/echo").prepare()
    request.url = observe.places.url + "/a/../echo?q=%zz"
    request.headers["X-Late"] = "yes"
    client.send(request, allow_redirects=False)


@http(PREPARED)
def prepare_request_overridden(client, observe):
    """A subclass that has its say in preparing."""
    original = type(client).prepare_request

    class Session(type(client)):
        def prepare_request(self, request):
            prepared = original(self, request)
            prepared.headers["X-Prepared"] = "yes"
            return prepared

    client.__class__ = Session
    observe.brief(client.get("/echo"))


@http(PREPARED)
def send_overridden(client, observe):
    """A subclass that has its say in sending."""
    original = type(client).send
    sent = []

    class Session(type(client)):
        def send(self, request, **kwargs):
            sent.append((request.method, request.path_url, sorted(kwargs)))
            return original(self, request, **kwargs)

    client.__class__ = Session
    observe.brief(client.get("/moved"))
    observe("sent", sent)


@http(PREPARED)
def request_overridden(client, observe):
    """A subclass that has its say in requesting."""

    class Session(type(client)):
        def request(self, method, url, *args, **kwargs):
            kwargs.setdefault("headers", {})["X-Ours"] = "yes"
            return super().request(method, url, *args, **kwargs)

    client.__class__ = Session
    observe.brief(client.get("/echo"))


# -- hooks


@http(HOOKS)
def response_hook(client, observe):
    """A hook of a call sees the response."""
    seen = []
    client.get(
        "/echo", hooks={"response": lambda response, *_, **kwargs: seen.append((response.status_code, sorted(kwargs)))}
    )
    observe("seen", seen)


@http(HOOKS)
def session_hook(client, observe):
    """A hook of the session sees every response, redirects too."""
    seen = []
    client.hooks["response"].append(lambda response, *_, **__: seen.append((response.status_code, response.url)))
    client.get("/moved")
    observe("seen", seen)


@http(HOOKS)
def hook_that_replaces(client, observe):
    """A hook may give another response."""

    def replace(response, *_, **__):
        response.status_code = 418
        return response

    observe.brief(client.get("/echo", hooks={"response": replace}))


@http(HOOKS)
def hook_that_raises(client, observe):
    """A hook that raises."""

    def refuse(*_, **__):
        raise ValueError("not this one")

    observe.error("answer", lambda: client.get("/echo", hooks={"response": refuse}))


@http(HOOKS)
def hook_that_raises_for_status(client, observe):
    """A hook that raises `HTTPError` makes a failure."""
    client.hooks["response"] = [lambda response, *_, **__: response.raise_for_status()]
    observe.response(client.get("/missing"))


# -- adapters


@http(ADAPTERS)
def own_adapter(client, observe):
    """An adapter of one's own answers instead of the network."""
    import io

    from requests.adapters import BaseAdapter
    from requests.models import Response

    class Canned(BaseAdapter):
        def send(self, request, **kwargs):
            response = Response()
            response.status_code, response.url, response.request = 200, request.url, request
            response.raw = io.BytesIO(b"canned")
            return response

        def close(self):
            pass

    client.mount("canned://", Canned())
    client.mount(observe.places.url + "/a", Canned())
    observe.brief(client.get("/a/b"))
    observe.brief(client.get("/echo"))


@http(ADAPTERS)
def adapter_with_retries(client, observe):
    """An adapter that tries again after a 503."""
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    client.mount("http://", HTTPAdapter(max_retries=Retry(total=2, status_forcelist=[503], backoff_factor=0)))
    observe.brief(client.get("/again"))
    observe.brief(client.get("/busy"))


@http(ADAPTERS)
def adapter_of_the_face(client, observe):
    """`LocustHttpAdapter` can be mounted."""
    from locust.clients import LocustHttpAdapter

    client.mount("http://", LocustHttpAdapter(pool_manager=None))
    observe.brief(client.get("/echo"))


@http(ADAPTERS)
def adapter_send_patched(client, observe):
    """`HTTPAdapter.send` that is patched is used."""
    from unittest import mock

    from requests.adapters import HTTPAdapter

    sent = []
    original = HTTPAdapter.send

    def send(self, request, *args, **kwargs):
        sent.append(request.url)
        return original(self, request, *args, **kwargs)

    with mock.patch.object(HTTPAdapter, "send", send):
        observe.brief(client.get("/echo"))
    observe("sent", sent)


@http(ADAPTERS)
def adapter_that_raises(client, observe):
    """An adapter that raises one of `requests`' exceptions makes a failure."""
    from requests.adapters import BaseAdapter
    from requests.exceptions import ConnectionError

    class Refusing(BaseAdapter):
        def send(self, request, **kwargs):
            raise ConnectionError("no network today", request=request)

        def close(self):
            pass

    client.mount("http://", Refusing())
    observe.brief(client.get("/echo"))


# -- streaming


@http(STREAMING)
def stream(client, observe):
    """A streamed body is read when it is asked for; its length is what the server says."""
    response = client.get("/large", stream=True)
    observe("first", next(response.iter_content(10)))
    observe("rest", len(response.content) if not response._content_consumed else "consumed")


@http(STREAMING)
def stream_in_chunks(client, observe):
    """`iter_content` of a streamed body."""
    response = client.get("/lines", stream=True)
    observe("chunks", list(response.iter_content(7)))
    observe.error("again", lambda: list(response.iter_content(7)))
    observe.error("content", lambda: response.content)


@http(STREAMING)
def stream_as_the_chunks_come(client, observe):
    """`iter_content(None)` gives chunks as they arrive."""
    response = client.get("/chunked", stream=True)
    observe("chunks", b"".join(response.iter_content(None)))


@http(STREAMING)
def stream_lines(client, observe):
    """`iter_lines` of a streamed body."""
    observe("lines", list(client.get("/lines", stream=True).iter_lines()))
    observe("chunked", list(client.get("/chunked-lines", stream=True).iter_lines(chunk_size=4)))
    observe("gzip", list(client.get("/gzip-lines", stream=True).iter_lines(decode_unicode=True)))


@http(STREAMING)
def stream_then_content(client, observe):
    """`content` of a streamed response reads it whole."""
    response = client.get("/gzip", stream=True)
    observe("content", response.content)
    observe("text", response.text)


@http(STREAMING)
def stream_raw(client, observe):
    """`raw` of a streamed response is the body as it comes."""
    response = client.get("/gzip", stream=True)
    observe("raw", response.raw.read(10))
    observe("decoded", client.get("/gzip", stream=True).raw.read(decode_content=True))


@http(STREAMING)
def stream_of_a_chunked_raw(client, observe):
    """`raw.stream` of a body in chunks."""
    observe("raw", b"".join(client.get("/chunked", stream=True).raw.stream()))


@http(STREAMING)
def stream_that_is_closed(client, observe):
    """A streamed response that is closed unread: the next request has a new connection."""
    response = client.get("/large", stream=True)
    response.close()
    client.get("/echo")


@http(STREAMING)
def stream_that_is_read(client, observe):
    """A streamed response that is read to its end gives its connection back."""
    list(client.get("/lines", stream=True).iter_content(100))
    client.get("/echo")


@http(STREAMING)
def stream_that_is_left(client, observe):
    """A streamed response that is held unread keeps its connection."""
    held = client.get("/large", stream=True)
    client.get("/echo")
    observe("held", len(held.content))


@http(STREAMING)
def stream_with_catch_response(client, observe):
    """Streaming in a `with` block."""
    with client.get("/lines", stream=True, catch_response=True) as response:
        if b"third" in response.content:
            response.failure("found the third")


@http(STREAMING)
def stream_of_a_failure(client, observe):
    """Streaming what turns out to be a 404."""
    response = client.get("/missing", stream=True)
    observe("answer", (response.status_code, response.content))


@http(STREAMING)
def stream_that_breaks(client, observe):
    """A streamed body that is cut off."""
    response = client.get("/hang-up-in-body", stream=True)
    observe.error("content", lambda: response.content)


@http(STREAMING)
def stream_after_a_redirect(client, observe):
    """Streaming after a redirect."""
    response = client.get("/moved", stream=True)
    observe("answer", (response.status_code, response.content, response.history))


# -- files


@http(FILES)
def one_file(client, observe):
    """A file with its name."""
    with open(observe.places.folder + "/upload.txt", "rb") as file:
        observe.brief(client.post("/echo", files={"file": file}))


@http(FILES)
def files_of_all_kinds(client, observe):
    """Files as tuples, with types, headers and fields beside them."""
    files = {
        "a": ("a.txt", b"content"),
        "b": ("b.csv", "1,2\n", "text/csv"),
        "c": ("ü.txt", b"c", "text/plain", {"X-Part": "1"}),
    }
    client.post("/echo", files=files, data={"field": "value", "list": ["1", "2"]})


@http(FILES)
def files_as_a_list(client, observe):
    """Several files under one name."""
    client.post("/echo", files=[("f", ("1.txt", b"one")), ("f", ("2.txt", b"two"))])


@http(FILES)
def file_without_a_name(client, observe):
    """A field of a form in several parts, which is no file."""
    client.post("/echo", files={"field": (None, "value")})


@http(FILES)
def file_after_a_redirect_307(client, observe):
    """An upload is sent again after a 307."""
    client.post("/moved/307", files={"f": ("a.txt", b"content")})


# -- proxies


@http(PROXIES)
def proxy(client, observe):
    """A proxy of a call."""
    observe.response(client.get("http://behind.invalid/echo", proxies={"http": observe.places.proxy}))


@http(PROXIES)
def proxy_of_the_session(client, observe):
    """A proxy of the session."""
    client.proxies = {"http": observe.places.proxy}
    observe.brief(client.get("http://behind.invalid/moved"))
    observe.brief(client.post("http://behind.invalid/missing", data="a"))


@http(PROXIES)
def proxy_with_credentials(client, observe):
    """A proxy that has to be told who asks."""
    whole = observe.places.proxy.replace("://", "://user:p%40ss@")
    observe.brief(client.get("http://behind.invalid/echo", proxies={"http": whole}))


@http(PROXIES)
def proxy_of_the_environment(client, observe):
    """A proxy in the environment, and hosts that go without."""
    import os

    os.environ["http_proxy"] = observe.places.proxy
    os.environ["no_proxy"] = "127.0.0.1"
    try:
        observe.brief(client.get("http://behind.invalid/echo"))
        observe.brief(client.get("/echo"))
        client.trust_env = False
        observe.brief(client.get("http://behind.invalid/echo"))
    finally:
        del os.environ["http_proxy"], os.environ["no_proxy"]


@http(PROXIES)
def proxy_for_one_host(client, observe):
    """A proxy for one host only."""
    client.proxies = {"http://behind.invalid": observe.places.proxy}
    observe.brief(client.get("http://behind.invalid/echo"))
    observe.brief(client.get("/echo"))


@http(PROXIES)
def proxy_that_refuses_a_tunnel(client, observe):
    """A proxy that makes no tunnels."""
    observe.brief(client.get("https://behind.invalid/", proxies={"https": observe.places.proxy}))
    observe.brief(client.get("https://secret.invalid/", proxies={"https": observe.places.proxy}))


@http(PROXIES)
def proxy_that_is_not_there(client, observe):
    """A proxy that nobody runs."""
    observe.brief(client.get("http://behind.invalid/echo", proxies={"http": observe.places.refused}))


@http(PROXIES)
def proxy_that_is_no_url(client, observe):
    """A proxy whose address is nonsense."""
    observe.error("answer", lambda: observe.brief(client.get("/echo", proxies={"http": "http:///nowhere"})))


# -- TLS


@http(TLS)
def unknown_authority(client, observe):
    """A certificate of an authority that nobody knows."""
    observe.response(client.get(observe.places.tls + "/echo"))


@http(TLS)
def own_authority(client, observe):
    """An authority of one's own, in a file."""
    observe.response(client.get(observe.places.tls + "/echo", verify=observe.places.authority))


@http(TLS)
def authority_of_the_session(client, observe):
    """An authority of the session."""
    client.verify = observe.places.authority
    observe.brief(client.get(observe.places.tls + "/echo"))
    observe.brief(client.get(observe.places.tls + "/moved"))


@http(TLS)
def authority_of_the_environment(client, observe):
    """An authority in the environment."""
    import os

    os.environ["REQUESTS_CA_BUNDLE"] = observe.places.authority
    try:
        observe.brief(client.get(observe.places.tls + "/echo"))
    finally:
        del os.environ["REQUESTS_CA_BUNDLE"]


@http(TLS)
def authority_that_is_not_there(client, observe):
    """A file of authorities that does not exist."""
    observe.error("answer", lambda: client.get(observe.places.tls + "/echo", verify="/no/such/file.pem"))


@http(TLS)
def client_certificate_that_is_not_there(client, observe):
    """A client certificate that does not exist."""
    observe.error(
        "answer",
        lambda: client.get(observe.places.tls + "/echo", verify=observe.places.authority, cert="/no/such/file.pem"),
    )


@http(TLS)
def wrong_name(client, observe):
    """A certificate for another name."""
    observe.brief(client.get(observe.places.tls_by_address + "/echo", verify=observe.places.authority))


@http(TLS)
def unverified(client, observe):
    """`verify=False` takes any certificate."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        observe.brief(client.get(observe.places.tls_by_address + "/echo", verify=False))


@http(TLS)
def tls_to_a_plain_server(client, observe):
    """TLS spoken to a server that does not."""
    observe.brief(client.get(observe.places.url.replace("http:", "https:") + "/echo"))


@http(TLS)
def plain_to_a_tls_server(client, observe):
    """No TLS spoken to a server that does."""
    observe.brief(client.get(observe.places.tls_by_address.replace("https:", "http:") + "/echo"))


@http(TLS)
def redirect_into_tls(client, observe):
    """A redirect from HTTP to HTTPS."""
    client.verify = observe.places.authority
    observe.brief(client.get("/moved-to-tls", auth=("user", "pass")))


# -- timeouts


@http(LIMITS)
def timeout(client, observe):
    """A server that takes too long."""
    observe.response(client.get("/slow", timeout=0.2))


@http(LIMITS)
def timeout_pair(client, observe):
    """Limits for connecting and for reading."""
    observe.brief(client.get("/slow", timeout=(5, 0.2)))
    observe.brief(client.get("/echo", timeout=(5, None)))
    observe.brief(client.get("/echo", timeout=(None, 5)))


@http(LIMITS)
def timeout_in_the_body(client, observe):
    """A body that stops."""
    observe.response(client.get("/slow-body", timeout=0.2))


@http(LIMITS)
def timeout_as_an_object(client, observe):
    """A `Timeout` of urllib3."""
    from urllib3 import Timeout

    observe.brief(client.get("/slow", timeout=Timeout(connect=5, read=0.2)))


@http(LIMITS)
def timeout_that_cannot_be(client, observe):
    """Timeouts that are none."""
    for nonsense in (0, -1, "soon", (1, 2, 3)):
        observe.error(repr(nonsense), lambda nonsense=nonsense: client.get("/echo", timeout=nonsense))


@http(LIMITS)
def timeout_after_a_redirect(client, observe):
    """A limit holds for each request of a redirect."""
    observe.brief(client.get("/moved", timeout=5))


# -- what goes wrong


@http(ERRORS)
def errors_that_are_raised(client, observe):
    """What is raised for a URL that cannot be requested; nothing is reported."""
    for url in ("http://", "http://*.invalid/", "http://[::1/", "http://127.0.0.1:99999/"):
        observe.error(url, lambda url=url: client.get(url))


@http(ERRORS)
def context_of_an_error(client, observe):
    """Causes of a failure that users look into."""
    error = client.get(observe.places.refused + "/a").error
    chain = []
    while error is not None:
        chain.append(type(error))
        error = error.__context__
    observe("chain", chain)


@http(ERRORS)
def arguments_of_an_error(client, observe):
    """What an error of `requests` carries."""
    error = client.get(observe.places.refused + "/a").error
    observe("request", (error.request.method, error.request.url))
    observe("response", error.response)
    observe("reason", type(error.args[0].reason))


@http(ENCODINGS)
def compressed_and_large(client, observe):
    """A large body arrives whole."""
    response = client.get("/large")
    observe("length", (len(response.content), len(response.text)))


@http(CONNECTIONS)
def connection_after_a_stream(client, observe):
    """Streamed responses in a row share a connection."""
    for _ in range(2):
        observe("content", client.get("/lines", stream=True).content)

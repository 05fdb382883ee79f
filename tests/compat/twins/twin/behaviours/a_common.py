"""What both users have in common: the verbs, what goes out with a request, what comes back, what is reported."""

from __future__ import annotations

from twin.registry import both

VERBS, URLS, HEADERS, BODIES, JSON = "Verbs", "URLs and parameters", "Headers", "Bodies", "JSON"
COOKIES, AUTH, REDIRECTS = "Cookies", "Authentication", "Redirects"
NAMES, EVENTS, JUDGING, REST = "Names", "Events and statistics", "catch_response", "rest()"
RESPONSES, ENCODINGS = "Responses", "Content encodings and character sets"
ERRORS, CONNECTIONS = "Errors and timeouts", "Connections"


# -- verbs


@both(VERBS)
def get(client, observe):
    """A GET: all attributes of its response."""
    observe.response(client.get("/echo"))


@both(VERBS)
def post_nothing(client, observe):
    """A POST without a body says that its length is 0."""
    observe.response(client.post("/echo"))


@both(VERBS)
def put(client, observe):
    """A PUT with a body."""
    observe.response(client.put("/echo", data="text"))


@both(VERBS)
def patch(client, observe):
    """A PATCH with a body."""
    observe.response(client.patch("/echo", data="text"))


@both(VERBS)
def delete(client, observe):
    """A DELETE."""
    observe.response(client.delete("/echo"))


@both(VERBS)
def head(client, observe):
    """A HEAD has headers and no body."""
    observe.response(client.head("/echo"))


@both(VERBS)
def head_that_is_redirected(client, observe):
    """A HEAD whose answer is a redirect."""
    observe.brief(client.head("/moved"))


@both(VERBS)
def options(client, observe):
    """An OPTIONS."""
    observe.response(client.options("/echo"))


@both(VERBS)
def lower_case_method(client, observe):
    """A method in lower case: how it is sent, and how it is named in the statistics."""
    observe.brief(client.request("get", "/echo"))


@both(VERBS)
def unusual_method(client, observe):
    """A method that nobody knows."""
    observe.brief(client.request("BREW", "/echo", data="coffee"))


# -- URLs and parameters


@both(URLS)
def query_in_the_path(client, observe):
    """A query in the path is sent and named as it is."""
    observe.brief(client.get("/echo?a=1&b=2&a=3"))


@both(URLS)
def fragment(client, observe):
    """A fragment is not sent."""
    observe.brief(client.get("/echo?a=1#part"))


@both(URLS)
def space_and_umlaut(client, observe):
    """Characters that URLs cannot have are percent-encoded."""
    observe.brief(client.get("/echo?q=a b|ü"))


@both(URLS)
def percent_signs(client, observe):
    """What is percent-encoded already stays so."""
    observe.brief(client.get("/echo?q=100%25&r=%c3%bc&s=%zz"))


@both(URLS)
def dots_in_the_path(client, observe):
    """Dots in a path."""
    observe.brief(client.get("/a/./x/../b/c"))


@both(URLS)
def double_slash(client, observe):
    """A path with an empty segment."""
    observe.brief(client.get("/a//b"))


@both(URLS)
def whole_url(client, observe):
    """A whole URL is used instead of the host."""
    observe.brief(client.get(observe.places.other + "/echo"))


@both(URLS)
def upper_case_scheme(client, observe):
    """A scheme and a host in upper case."""
    observe.brief(client.get(observe.places.other.upper() + "/echo"))


@both(URLS)
def no_slash_before_the_path(client, observe):
    """A path without its slash is appended to the host as it is."""
    observe.error("answer", lambda: client.get("echo"))


@both(URLS)
def empty_path(client, observe):
    """An empty path is the root."""
    observe.brief(client.get(""))


@both(URLS)
def host_with_a_path(client, observe):
    """A host that has a path is put before each path."""
    other = observe.visitor(host=observe.places.url + "/a").client
    observe.brief(other.get("/b/c"))


@both(URLS)
def params_as_a_dict(client, observe):
    """`params` as a dict, with lists and characters to encode."""
    observe.brief(client.get("/echo", params={"list": [1, 2], "text": "ü &=", "number": 1.5, "flag": True}))


@both(URLS)
def params_beside_a_query(client, observe):
    """`params` are appended to the query of the path."""
    observe.brief(client.get("/echo?x=1", params={"y": "2"}))


@both(URLS)
def params_with_none(client, observe):
    """A parameter that is None."""
    observe.brief(client.get("/echo", params={"kept": "1", "none": None}))


@both(URLS)
def params_as_text(client, observe):
    """`params` as text."""
    observe.brief(client.get("/echo", params="k=v w"))


@both(URLS)
def params_as_pairs(client, observe):
    """`params` as a list of pairs."""
    observe.brief(client.get("/echo", params=[("a", "1"), ("a", "2")]))


# -- headers


@both(HEADERS)
def own_headers(client, observe):
    """A call's own headers are sent with their spelling."""
    observe.response(client.get("/echo", headers={"X-Trace": "42", "x-lower": "l", "accept": "text/x"}))


@both(HEADERS)
def own_user_agent(client, observe):
    """A call's own user agent replaces the default."""
    observe.brief(client.get("/echo", headers={"User-Agent": "mine"}))


@both(HEADERS)
def own_accept_encoding(client, observe):
    """A call's own `Accept-Encoding` replaces the default."""
    observe.brief(client.get("/echo", headers={"Accept-Encoding": "identity"}))


@both(HEADERS)
def host_header(client, observe):
    """A host of one's own in the headers."""
    observe.brief(client.get("/echo", headers={"Host": "other.example"}))


@both(HEADERS)
def connection_close(client, observe):
    """A call that asks for its connection to be closed gets a new one afterwards."""
    import time

    client.get("/echo", headers={"Connection": "close"})
    time.sleep(0.1)
    observe.brief(client.get("/echo"))


@both(HEADERS)
def header_with_a_number(client, observe):
    """A header whose value is a number."""
    observe.error("answer", lambda: client.get("/echo", headers={"X-Number": 42}))


@both(HEADERS)
def header_with_none(client, observe):
    """A header whose value is None."""
    observe.error("answer", lambda: client.get("/echo", headers={"Accept": None}))


@both(HEADERS)
def header_as_bytes(client, observe):
    """A header whose value is bytes."""
    observe.error("answer", lambda: client.get("/echo", headers={"X-Raw": b"by"}))


@both(HEADERS)
def header_in_latin_1(client, observe):
    """A header with a character of Latin-1."""
    observe.error("answer", lambda: client.get("/echo", headers={"X-Word": "é"}))


@both(HEADERS)
def header_with_a_newline(client, observe):
    """A header with a line break is refused."""
    observe.error("answer", lambda: client.get("/echo", headers={"X-Split": "a\r\nX-Smuggled: b"}))


@both(HEADERS)
def header_with_white_space(client, observe):
    """A header that begins with a space."""
    observe.error("answer", lambda: client.get("/echo", headers={"X-Space": " a"}))


@both(HEADERS)
def response_headers(client, observe):
    """Headers of a response: repeated, empty, in odd spelling."""
    response = client.get("/headers")
    observe.response(response)
    observe.error("by another spelling", lambda: response.headers["x-mixed"])
    observe.error("get", lambda: response.headers.get("X-TWICE"))
    observe.error("missing", lambda: response.headers.get("x-none"))
    observe.error("missing by index", lambda: response.headers["x-none"])
    observe.error("in", lambda: ("X-Empty" in response.headers, "x-none" in response.headers))
    observe.error("length", lambda: len(response.headers))
    observe.error("keys", lambda: list(response.headers))


@both(HEADERS)
def response_header_in_latin_1(client, observe):
    """A header of a response that is not ASCII."""
    response = client.get("/latin-header")
    observe.error("header", lambda: response.headers["X-Word"])


# -- bodies


@both(BODIES)
def form(client, observe):
    """A dict is sent as a form."""
    observe.response(client.post("/echo", data={"a": "1", "b": "two words", "u": "ü"}))


@both(BODIES)
def form_with_a_list(client, observe):
    """A form field with several values."""
    observe.brief(client.post("/echo", data={"b": ["2", "3"]}))


@both(BODIES)
def text_body(client, observe):
    """Text is sent as UTF-8."""
    observe.response(client.post("/echo", data="hellö"))


@both(BODIES)
def bytes_body(client, observe):
    """Bytes are sent as they are."""
    observe.response(client.post("/echo", data=b"\x00\xff"))


@both(BODIES)
def body_with_a_type(client, observe):
    """A content type of one's own stays."""
    observe.brief(client.post("/echo", data="<a/>", headers={"Content-Type": "text/xml"}))


@both(BODIES)
def form_with_a_type(client, observe):
    """A form with a content type of one's own."""
    observe.brief(client.post("/echo", data={"a": "1"}, headers={"content-type": "x/form"}))


@both(BODIES)
def empty_text_body(client, observe):
    """An empty text is no body."""
    observe.brief(client.post("/echo", data=""))


@both(BODIES)
def empty_form(client, observe):
    """An empty form is no body."""
    observe.brief(client.post("/echo", data={}))


@both(BODIES)
def body_of_a_get(client, observe):
    """A GET with a body."""
    observe.brief(client.get("/echo", data="unusual"))


@both(BODIES)
def body_of_a_delete(client, observe):
    """A DELETE with a body."""
    observe.brief(client.delete("/echo", data="unusual"))


@both(BODIES)
def large_body(client, observe):
    """A body larger than a socket's buffer."""
    observe.brief(client.post("/echo", data=b"0123456789" * 40_000))


@both(BODIES)
def file_body(client, observe):
    """An open file is sent as the body."""
    with open(observe.places.folder + "/upload.txt", "rb") as file:
        observe.error("answer", lambda: client.post("/echo", data=file))


# -- JSON


@both(JSON)
def json_body(client, observe):
    """`json` is sent as JSON."""
    observe.response(client.post("/echo", json={"a": "ü", "b": [1, None, 2.5, True]}))


@both(JSON)
def empty_json_body(client, observe):
    """An empty list is a JSON body too."""
    observe.brief(client.post("/echo", json=[]))


@both(JSON)
def json_beside_data(client, observe):
    """With `data`, `json` is not sent."""
    observe.brief(client.post("/echo", data="text", json={"a": 1}))


@both(JSON)
def json_with_a_type(client, observe):
    """JSON with a content type of one's own."""
    observe.brief(client.post("/echo", json={"a": 1}, headers={"content-type": "x/y", "Accept": "a/b"}))


@both(JSON)
def json_that_cannot_be(client, observe):
    """What JSON cannot say."""
    observe.error("answer", lambda: client.post("/echo", json={"a": {1, 2}}))


@both(JSON)
def json_with_nan(client, observe):
    """A number that JSON does not have."""
    observe.error("answer", lambda: client.post("/echo", json={"a": float("nan")}))


@both(JSON)
def json_of_a_response(client, observe):
    """`json()` of a response."""
    observe("json", client.get("/json").json())


@both(JSON)
def odd_json_of_a_response(client, observe):
    """`json()` with NaN, a big number and a key that comes twice."""
    observe("json", client.get("/json-odd").json())


@both(JSON)
def bad_json_of_a_response(client, observe):
    """`json()` of what is not JSON."""
    response = client.get("/json-bad")
    observe.error("json", response.json)


@both(JSON)
def json_of_nothing(client, observe):
    """`json()` of an empty body."""
    response = client.get("/empty")
    observe.error("json", response.json)


@both(JSON)
def json_in_utf_16(client, observe):
    """`json()` of UTF-16."""
    response = client.get("/json-utf16")
    observe.error("json", response.json)


@both(JSON)
def json_with_a_byte_order_mark(client, observe):
    """`json()` of UTF-8 with a byte order mark."""
    response = client.get("/json-bom")
    observe.error("json", response.json)


@both(JSON)
def json_of_a_compressed_body(client, observe):
    """`json()` of a compressed body."""
    observe("json", client.get("/gzip-json").json())


# -- cookies


@both(COOKIES)
def cookies_come_back(client, observe):
    """Cookies are sent with the next request."""
    observe.response(client.get("/cookies"))
    observe.response(client.get("/echo"))


@both(COOKIES)
def cookie_of_a_path(client, observe):
    """A cookie goes only where its path says."""
    client.get("/cookie-deep")
    client.get("/a/cookie")
    client.get("/echo")
    client.get("/a/b/c")


@both(COOKIES)
def cookie_that_is_taken_back(client, observe):
    """A cookie that has expired is not sent any more."""
    client.get("/cookies")
    client.get("/cookie-gone")
    client.get("/echo")


@both(COOKIES)
def secure_cookie(client, observe):
    """A secure cookie on a connection that is not."""
    client.get("/cookie-secure")
    client.get("/echo")


@both(COOKIES)
def foreign_cookie(client, observe):
    """A cookie for somebody else's domain is refused."""
    client.get("/cookie-foreign")
    client.get("/echo")
    client.get(observe.places.other + "/echo")


@both(COOKIES)
def cookie_of_another_host(client, observe):
    """A cookie stays with the host that set it."""
    client.get("/cookie")
    client.get(observe.places.other + "/echo")
    client.get("/echo")


@both(COOKIES)
def cookie_set_by_a_redirect(client, observe):
    """A cookie that comes with a redirect is sent to where it leads."""
    observe.brief(client.get("/cookie-and-go"))


@both(COOKIES)
def cookie_in_the_headers(client, observe):
    """A `Cookie` header of one's own beside cookies that were set."""
    client.get("/cookie")
    client.get("/echo", headers={"Cookie": "own=1"})


@both(COOKIES)
def odd_cookies(client, observe):
    """Cookies without a name, without a value, with spaces."""
    client.get("/cookie-odd")
    client.get("/echo")


# -- authentication


@both(AUTH)
def basic_authentication(client, observe):
    """`auth` as user and password."""
    observe.response(client.get("/echo", auth=("user", "pass:word")))


@both(AUTH)
def basic_authentication_beyond_ascii(client, observe):
    """`auth` with characters of Latin-1."""
    observe.brief(client.get("/echo", auth=("ü", "é")))


@both(AUTH)
def credentials_in_the_host(client, observe):
    """User and password in the user's host."""
    whole = observe.places.url.replace("://", "://user:p%40ss@")
    client = observe.visitor(host=whole).client
    observe("base_url", client.base_url)
    observe.brief(client.get("/echo"))


@both(AUTH)
def credentials_in_the_url(client, observe):
    """User and password in a whole URL."""
    whole = observe.places.url.replace("://", "://user:p%40ss@")
    observe.error("answer", lambda: client.get(whole + "/echo"))


@both(AUTH)
def own_authorization_header(client, observe):
    """An `Authorization` header of one's own."""
    observe.brief(client.get("/echo", headers={"Authorization": "Bearer token"}))


@both(AUTH)
def authentication_asked_for(client, observe):
    """A 401 is a failure."""
    observe.brief(client.get("/private"))


@both(AUTH)
def authorization_stays_on_the_host(client, observe):
    """Credentials go along with a redirect on the same host."""
    client.get("/moved", auth=("user", "pass"))


@both(AUTH)
def authorization_does_not_leave_the_host(client, observe):
    """Credentials do not go to another host."""
    client.get("/moved-away", auth=("user", "pass"))


# -- redirects


def _redirected(status, method, body=None):
    def follow(client, observe):
        observe.brief(client.request(method, f"/moved/{status}", data=body))

    follow.__name__ = f"{method.lower()}_after_{status}"
    follow.__doc__ = f"A {method} that is answered with {status}."
    return follow


for _status in (300, 301, 302, 303, 304, 307, 308):
    both(REDIRECTS)(_redirected(_status, "GET"))
for _status in (301, 302, 303, 307, 308):
    both(REDIRECTS)(_redirected(_status, "POST", "body"))


@both(REDIRECTS)
def redirect(client, observe):
    """A redirect is followed: all attributes of the last response."""
    observe.response(client.get("/moved"))


@both(REDIRECTS)
def redirect_that_is_not_followed(client, observe):
    """`allow_redirects=False` returns the redirect."""
    observe.response(client.get("/moved", allow_redirects=False))


@both(REDIRECTS)
def redirects_in_a_row(client, observe):
    """A POST through redirects of several kinds."""
    observe.response(client.post("/steps", data="body"))


@both(REDIRECTS)
def relative_redirect(client, observe):
    """A redirect to a relative path."""
    observe.brief(client.get("/moved-relative"))


@both(REDIRECTS)
def redirect_with_a_fragment(client, observe):
    """Fragments and redirects."""
    observe.brief(client.get("/moved#here"), "kept")
    observe.brief(client.get("/moved-fragment"), "new")


@both(REDIRECTS)
def redirect_to_another_host(client, observe):
    """A redirect to another host."""
    observe.brief(client.get("/moved-away"))


@both(REDIRECTS)
def redirect_with_a_space(client, observe):
    """A redirect whose address has to be encoded."""
    observe.brief(client.get("/moved-space"))


@both(REDIRECTS)
def redirect_without_an_address(client, observe):
    """A redirect that does not say where."""
    observe.brief(client.get("/moved-nowhere"))


@both(REDIRECTS)
def redirect_to_a_file(client, observe):
    """A redirect to a scheme that is not HTTP."""
    observe.error("answer", lambda: observe.brief(client.get("/moved-to-ftp")))


@both(REDIRECTS)
def redirect_to_what_is_missing(client, observe):
    """A redirect that ends in a 404: name and URL of the failure."""
    observe.brief(client.get("/moved-to-missing"))


@both(REDIRECTS)
def redirect_loop(client, observe):
    """A redirect to itself."""
    observe.response(client.get("/loop"))


@both(REDIRECTS, max_redirects=2)
def max_redirects(client, observe):
    """A limit of the user on redirects."""
    observe.brief(client.get("/steps"))


@both(REDIRECTS)
def headers_after_a_redirect(client, observe):
    """Which headers go along with a redirect."""
    client.post("/moved", data={"a": "1"}, headers={"X-Own": "1", "Cookie": "own=1"})


@both(REDIRECTS)
def redirect_to_nowhere(client, observe):
    """A redirect to a host that has no address."""
    observe.brief(client.get("/moved-gone"))


# -- names


@both(NAMES)
def name(client, observe):
    """`name` is the label in the statistics."""
    client.get("/echo?id=1", name="/echo?id=[id]")
    client.get("/missing?id=2", name="/echo?id=[id]")


@both(NAMES)
def rename_request(client, observe):
    """`rename_request` names what is requested inside; `name` has the last word."""
    with client.rename_request("grouped"):
        client.get("/echo")
        client.get("/", name="own")
        observe("inside", client.request_name)
    observe("outside", client.request_name)
    client.get("/echo")


@both(NAMES)
def request_name(client, observe):
    """`request_name` names all requests until it is None."""
    client.request_name = "all"
    client.get("/echo")
    client.request_name = None
    client.get("/echo")


@both(NAMES)
def name_of_a_redirect(client, observe):
    """A redirected request has the name of its first URL."""
    client.get("/moved?a=1")


@both(NAMES)
def name_of_a_whole_url(client, observe):
    """What a whole URL is called."""
    client.get(observe.places.url + "/echo?a=1#part")


@both(NAMES)
def name_with_params(client, observe):
    """Whether parameters are part of the name."""
    client.get("/echo", params={"a": "1"})


@both(NAMES)
def empty_name(client, observe):
    """An empty name is no name."""
    client.get("/echo", name="")


# -- events and statistics


@both(EVENTS)
def context_of_a_call(client, observe):
    """`context` is passed to listeners."""
    client.get("/echo", context={"key": "value"})


@both(EVENTS)
def context_of_the_user(client, observe):
    """A user's own context is merged with a call's."""
    user = observe.visitor(context=lambda self: {"user": 1, "shared": "user"})
    user.client.get("/echo", context={"shared": "call"})
    user.client.get("/echo")


@both(EVENTS)
def failures_are_grouped(client, observe):
    """Failures of one name are one entry."""
    for number in range(3):
        client.get(f"/missing?{number}", name="missing")
    client.get("/busy", name="missing")


@both(EVENTS)
def bytes_are_counted(client, observe):
    """The length of a body is counted as it is after decoding."""
    client.get("/gzip")
    client.get("/chunked")
    client.head("/large")
    client.get("/nothing")


@both(EVENTS)
def listener_gets_the_response(client, observe):
    """Listeners get the response that the caller gets."""
    heard = []
    listener = lambda response, **_: heard.append(response)  # noqa: E731
    request_event = observe.user.environment.events.request
    request_event.add_listener(listener)
    try:
        response = client.get("/echo")
    finally:
        request_event.remove_listener(listener)
    observe("same", [one is response for one in heard])


@both(EVENTS)
def listener_sees_the_url(client, observe):
    """Which URL a response has while listeners are told of it."""
    urls = []
    listener = lambda response, **_: urls.append(response.url)  # noqa: E731
    request_event = observe.user.environment.events.request
    request_event.add_listener(listener)
    try:
        client.get("/echo?a=1", name="named")
    finally:
        request_event.remove_listener(listener)
    observe("urls", urls)


@both(EVENTS)
def classes_that_listeners_see(client, observe):
    """Of which class the response is that listeners get: plain, judged, failed."""
    classes = []
    listener = lambda response, **_: classes.append(type(response))  # noqa: E731
    request_event = observe.user.environment.events.request
    request_event.add_listener(listener)
    try:
        client.get("/echo")
        client.get("/missing")
        client.get(observe.places.refused + "/a")
        with client.get("/echo", catch_response=True):
            pass
        with client.get(observe.places.refused + "/a", catch_response=True):
            pass
    finally:
        request_event.remove_listener(listener)
    observe("classes", classes)


@both(EVENTS)
def listener_that_raises(client, observe):
    """A listener that raises does not disturb the caller."""

    def listener(**_):
        raise ValueError("listeners err")

    request_event = observe.user.environment.events.request
    request_event.add_listener(listener)
    try:
        observe.brief(client.get("/echo"))
    finally:
        request_event.remove_listener(listener)


# -- catch_response


@both(JUDGING)
def judged_by_its_status(client, observe):
    """A `with` block that says nothing leaves the verdict to the status."""
    with client.get("/echo", catch_response=True) as good:
        observe.response(good)
    with client.get("/missing", catch_response=True) as bad:
        observe.response(bad)


@both(JUDGING)
def judged_a_failure(client, observe):
    """`failure()` makes a failure of a success."""
    with client.get("/echo", catch_response=True) as response:
        response.failure("not what I want")
    observe.error("raise_for_status", response.raise_for_status)


@both(JUDGING)
def judged_a_success(client, observe):
    """`success()` makes a success of a failure."""
    with client.get("/missing", catch_response=True) as response:
        response.success()
    observe.error("raise_for_status", response.raise_for_status)


@both(JUDGING)
def judged_with_an_exception(client, observe):
    """`failure()` takes an exception."""
    with client.get("/echo", catch_response=True) as response:
        response.failure(KeyError("gone"))


@both(JUDGING)
def judged_with_an_object(client, observe):
    """`failure()` takes anything else."""
    with client.get("/echo", catch_response=True) as response:
        response.failure({"why": ["listed"]})


@both(JUDGING)
def judged_twice(client, observe):
    """The last verdict counts."""
    with client.get("/echo", catch_response=True) as response:
        response.failure("no")
        response.success()
    with client.get("/echo", catch_response=True) as response:
        response.success()
        response.failure("after all")


@both(JUDGING)
def response_error_in_the_block(client, observe):
    """A `ResponseError` in the block is a failure and goes no further."""
    from locust.exception import ResponseError

    with client.get("/echo", catch_response=True):
        raise ResponseError("raised inside")
    observe("went", "on")


@both(JUDGING)
def other_error_in_the_block(client, observe):
    """Any other exception goes through, and nothing is reported."""

    def block():
        with client.get("/echo", catch_response=True):
            raise ValueError("mine")

    observe.error("block", block)


@both(JUDGING)
def error_in_the_block_after_a_verdict(client, observe):
    """An exception after a verdict: the verdict is reported, the exception goes through."""

    def block():
        with client.get("/echo", catch_response=True) as response:
            response.failure("first")
            raise ValueError("mine")

    observe.error("block", block)


@both(JUDGING)
def with_without_catch_response(client, observe):
    """A `with` block needs `catch_response=True`."""

    def block():
        with client.get("/echo"):
            pass

    observe.error("block", block)


@both(JUDGING)
def verdict_without_catch_response(client, observe):
    """`success()` and `failure()` need `catch_response=True`."""
    response = client.get("/echo")
    observe.error("success", response.success)
    observe.error("failure", lambda: response.failure("no"))


@both(JUDGING)
def verdict_before_the_block(client, observe):
    """A verdict needs the `with` block."""
    response = client.get("/echo", catch_response=True)
    observe.error("success", response.success)
    observe.error("failure", lambda: response.failure("no"))


@both(JUDGING)
def never_entered(client, observe):
    """A request with `catch_response` whose block is never entered is not reported."""
    observe.brief(client.get("/echo", catch_response=True))


@both(JUDGING)
def raise_for_status_in_the_block(client, observe):
    """`raise_for_status()` inside the block."""

    def block():
        with client.get("/missing", catch_response=True) as response:
            response.raise_for_status()

    observe.error("block", block)


@both(JUDGING)
def name_changed_in_the_block(client, observe):
    """`request_meta` can be changed before the block ends."""
    with client.get("/echo", catch_response=True) as response:
        observe("keys", set(response.request_meta))
        response.request_meta["name"] = "changed"
        response.request_meta["request_type"] = "QUERY"


@both(JUDGING)
def failed_connection_in_the_block(client, observe):
    """A connection that failed, judged a success."""
    with client.get(observe.places.refused + "/a", catch_response=True) as response:
        observe.brief(response)
        response.success()


@both(JUDGING)
def failed_connection_left_alone(client, observe):
    """A connection that failed, in a block that says nothing."""
    with client.get(observe.places.refused + "/a", catch_response=True, name="refused") as response:
        observe.error("raise_for_status", response.raise_for_status)

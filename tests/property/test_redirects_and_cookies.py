"""Where a `Location` leads and what a `Set-Cookie` leaves behind: the same as in `requests`, on the wire too, whatever the server says.

Both ask the same server, one after the other; what arrived there is compared, and then what the client says of it.
"""

from __future__ import annotations

import pytest
import requests
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from rocust._events import EventHook
from rocust._http.session import HttpSession
from support.script import Route
from support.server import Exchange, ScriptedServer

START = "/dir/start;p?q=1"


@pytest.fixture(scope="module")
def server():
    with ScriptedServer() as server:
        yield server


def theirs() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.max_redirects = 3
    return session


def ours(server: ScriptedServer) -> HttpSession:
    session = HttpSession(server.url, EventHook(), None)
    session.max_redirects = 3
    return session


def arrived(server: ScriptedServer) -> list[Exchange]:
    """All that the server has read so far: what is answered has been told, and tellings come in order."""
    fence = "/fence"
    theirs().get(server.url + fence)
    server.wait_for_requests(1, fence)
    return [exchange for exchange in server.journal() if exchange.path != fence]


# -- locations ----------------------------------------------------------------------------------------------------------------

segments = st.sampled_from(["a", "b c", "..", ".", "", "%41", "%zz", "%", "a;p=1", "é", "[x]", "~", "a:b", "@", "*"])
paths = st.builds("/".join, st.lists(segments, max_size=5))
queries = st.sampled_from(["", "?", "?a=b", "?a=b&c=%20d", "?é=[1]", "?a=b?c", "?//"])
fragments = st.sampled_from(["", "#", "#part", "#%zz", "#é"])
origins = st.sampled_from(
    ["", "/", "//127.0.0.1:PORT/", "http://127.0.0.1:PORT", "HTTP://127.0.0.1:PORT/x/", "http:", "http:/"]
)
printable = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=12).map(lambda text: "/" + text)
locations = st.one_of(st.builds("".join, st.tuples(origins, paths, queries, fragments)), printable)


def followed(server, session, location):
    """Where the client went, by its own account and by the server's."""
    server.set_routes(
        {"/dir/start;p": Route(302, body="", headers=(("Location", location.encode().decode("latin-1")),))}
    )
    try:
        response = session.get(server.url + START)
        error = getattr(response, "error", None)
    except (ValueError, requests.RequestException) as problem:
        error = problem
    if error is not None:
        # Which of the two kinds of ValueError it is depends on which layer of `requests` stumbles first.
        account = "ValueError" if isinstance(error, ValueError) else type(error).__name__
    else:
        account = (response.status_code, response.url, [hop.url for hop in response.history])
    return account, [exchange.target for exchange in arrived(server)]


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(location=locations)
@example(location="")
@example(location="//127.0.0.1:PORT")
@example(location="?")
@example(location="#x")
@example(location="../../../../x/./y/..")
def test_locations_lead_where_requests_goes(server, location):
    # No other address than the server's: anything else that looks like a host is left out.
    rest = location.replace("127.0.0.1:PORT", "")
    assume("//" not in rest.partition("?")[0].removeprefix("http:").removeprefix("HTTP:")[:2] or "PORT" in location)
    location = location.replace("PORT", str(server.port))
    assert followed(server, ours(server), location) == followed(server, theirs(), location)


# -- cookies ------------------------------------------------------------------------------------------------------------------

names = st.one_of(
    st.sampled_from(["a", "b", "A", "$x", "a b", ""]), st.text("ab!#$%&'*+-.^_`|~\"()/:<>?@[]{}", max_size=4)
)
values = st.one_of(
    st.sampled_from(["", "1", '"quoted"', '"a b"', "a=b", " x ", "é", '"', "a,b"]), st.text("ab1\"=,\\ '", max_size=6)
)
attributes = st.one_of(
    st.sampled_from(
        ["", "Secure", "HttpOnly", "SameSite=Lax", "secure=1", "Discard", "Version=1", "Version=x", "x", "=", "=y"]
    ),
    st.builds("Path={}".format, st.sampled_from(["/", "/dir", "/dir/", "/other", "x", "", "/%41", '"/"', "/a b"])),
    st.builds(
        "{}={}".format,
        st.sampled_from(["Domain", "domain"]),
        st.sampled_from(["127.0.0.1", ".127.0.0.1", "x.test", "", "1"]),
    ),
    st.builds("Max-Age={}".format, st.sampled_from(["0", "1000", "-1", "x", "", "99999999999", "1.5", '"1000"'])),
    st.builds(
        "{}={}".format,
        st.sampled_from(["Expires", "expires"]),
        st.sampled_from(
            [
                "Wed, 09 Jun 2099 10:18:14 GMT",
                "Wednesday, 09-Jun-99 10:18:14 GMT",
                "Wed Jun  9 10:18:14 2099",
                "Thu, 01 Jan 1970 00:00:00 GMT",
                "never",
                "",
                "Wed, 31 Feb 2099 10:18:14 GMT",
                "2099-06-09",
                "09 Jun 2099",
                "Wed, 09 Jun 2099 25:18:14 GMT",
            ]
        ),
    ),
    st.builds("Port={}".format, st.sampled_from(['"80"', '"PORT"', "PORT", "80,PORT", ""])),
)
set_cookies = st.builds(
    lambda name, value, rest: "; ".join([name if value is None else f"{name}={value}", *rest]),
    names,
    st.none() | values,
    st.lists(attributes, max_size=4),
)


def kept(server, session, cookies):
    """The cookies that are left, and the `Cookie` headers of the next requests."""
    headers = tuple(("Set-Cookie", cookie.encode().decode("latin-1")) for cookie in cookies)
    server.set_routes({"/dir/start": Route(headers=headers)})
    session.get(server.url + "/dir/start")
    left = [
        (
            cookie.name,
            cookie.value,
            cookie.domain,
            cookie.path,
            bool(cookie.secure),
            cookie.port,
            _about(cookie.expires),
            cookie.version,
        )
        for cookie in session.cookies
    ]
    for path in ("/", "/dir/x", "/other"):
        session.get(server.url + path)
    return left, [exchange.header("Cookie") for exchange in arrived(server)]


def _about(expires):
    """A time that does not depend on the second in which the test asked."""
    return expires if expires is None else round(expires / 100)


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(cookies=st.lists(set_cookies, min_size=1, max_size=4))
@example(cookies=["a=1; Max-Age=1000", "a=2; Max-Age=0"])
@example(cookies=["a", "=b", "=", ";"])
@example(cookies=['a="b; c"; Path="/"'])
@example(cookies=["a=1; Expires=Wed Jun  9 10:18:14 2099"])
def test_cookies_are_kept_and_sent_as_requests_does(server, cookies):
    cookies = [cookie.replace("PORT", str(server.port)) for cookie in cookies]
    assert kept(server, ours(server), cookies) == kept(server, theirs(), cookies)

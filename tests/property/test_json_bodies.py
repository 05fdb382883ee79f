"""`response.json()` and `json=` mean what the `json` module means, whatever the body: the same value, or the same exception."""

from __future__ import annotations

import json
import math

import charset_normalizer
import pytest
import requests
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers
from rocust._events import EventHook
from rocust._http.arguments import NotPlain, body_of
from rocust._http.fast import FastHttpSession
from rocust._http.json_text import DOUBTFUL, parsed, written
from rocust._http.session import HttpSession
from support.script import Route
from support.server import ScriptedServer

TYPES = (
    None,
    "application/json",
    "application/json; charset=utf-8",
    "application/json;charset='UTF8'",
    "application/json; charset=iso-8859-1",
    "application/json; charset=utf-16",
    "application/json; charset=klingon",
    "application/vnd.api+json",
    "text/html",
    "text/plain; charset=utf-8",
)

integers = st.one_of(
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64 - 1, 2**64, 10**18, 10**19]),
)
texts = st.text(st.characters(codec=None), max_size=20)
documents = st.recursive(
    st.none() | st.booleans() | integers | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def json_texts(draw: st.DrawFn) -> bytes:
    """A document as servers write them, or something near one."""
    document = draw(documents)
    text = json.dumps(
        document, ensure_ascii=draw(st.booleans()), separators=draw(st.sampled_from([None, (",", ":"), (" , ", ":\t")]))
    )
    text = draw(st.sampled_from(["", "\ufeff", " ", "\n", "\x00"])) * draw(st.integers(0, 1)) + text
    body = text.encode(
        draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-16", "utf-32-le", "utf-16-be"])), "surrogatepass"
    )
    if draw(st.booleans()):
        return body
    start, end = sorted((draw(st.integers(0, len(body))), draw(st.integers(0, len(body)))))
    return body[:start] + draw(st.binary(max_size=3)) + body[end if draw(st.booleans()) else start :]


number_texts = st.from_regex(r"-?[0-9]{1,40}(\.[0-9]{1,30})?([eE][-+]?[0-9]{1,4})?", fullmatch=True).map(str.encode)
duplicated = st.lists(st.tuples(st.sampled_from(["a", "b", "\\u0061"]), st.integers(0, 9)), max_size=6).map(
    lambda pairs: ("{" + ",".join(f'"{key}":{value}' for key, value in pairs) + "}").encode()
)
bodies = st.one_of(
    json_texts(),
    number_texts,
    duplicated,
    st.binary(max_size=40),
    st.text('[]{},:"\\u0d8trfanlsei -+.eE1NIy\n', max_size=30).map(str.encode),
)


def outcome(read):
    """What came of it, so that equal means the same: `repr` tells types, signs, bits of floats and the order of keys."""
    try:
        return repr(read())
    except Exception as error:
        return type(error), str(error), getattr(error, "pos", None), getattr(error, "doc", None)


def of_requests(body, content_type):
    response = requests.Response()
    response.status_code, response._content, response._content_consumed = 200, body, True
    response.headers = CaseInsensitiveDict({"Content-Type": content_type} if content_type else {})
    response.encoding = get_encoding_from_headers(response.headers)
    return response


def of_stocks_fast_client(body, content_type):
    encoding = get_encoding_from_headers({"content-type": content_type} if content_type else {})
    encoding = encoding or charset_normalizer.detect(body)["encoding"]
    return json.loads(None if encoding is None else str(body, encoding, errors="replace"))


@pytest.fixture(scope="module")
def server():
    with ScriptedServer() as server:
        yield server


@pytest.fixture(scope="module")
def clients(server):
    return HttpSession(server.url, EventHook(), None), FastHttpSession(server.url, EventHook(), None)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(body=bodies, content_type=st.sampled_from(TYPES))
@example(body=b"[1e400, -1e400, NaN, Infinity, -Infinity, -0, -0.0]", content_type="application/json")
@example(body=b'"\\ud800"', content_type="application/json")
@example(body=b"\xef\xbb\xbf{}  ", content_type="application/json")
@example(body=b"\xef\xbb\xbf{}  ", content_type=None)
@example(body=b'["\xff"]', content_type="application/json")
@example(body=b'["\xe9\xe9\xe9"]', content_type=None)
@example(body=b'"\xc3\xa9"', content_type="text/html")
@example(body=b"", content_type="application/json")
@example(body=b"1" * 5_000, content_type="application/json")
def test_a_body_means_to_both_clients_what_it_means_to_stock(server, clients, body, content_type):
    headers = (("Content-Type", content_type),) if content_type else ()
    server.set_routes({"/": Route(body=body.decode("latin-1"), headers=headers)})
    response, fast = (client.get("/") for client in clients)
    # The first reading is of a fresh response, the second of one whose parts have been read.
    expected = outcome(of_requests(body, content_type).json)
    assert outcome(response.json) == expected
    assert response.text == of_requests(body, content_type).text
    assert outcome(response.json) == expected
    assert outcome(fast.json) == outcome(lambda: of_stocks_fast_client(body, content_type))


@given(documents)
@example({"a": [1.5, None, True], "é": "\ud800"})
@example([math.nan])
@example([-math.inf])
def test_json_arguments_are_written_byte_for_byte_as_the_json_module_does(document):
    try:
        expected = json.dumps(document, allow_nan=False).encode()
    except ValueError:
        with pytest.raises(NotPlain):
            body_of(None, document)
    else:
        if document is not None:
            assert body_of(None, document)[:2] == (expected, "application/json")
    if document is not None:
        assert written(document, allow_nan=True) == json.dumps(document).encode()


@given(documents.map(json.dumps).map(str.encode))
def test_most_documents_do_not_need_the_json_module(body):
    # Else the tests above would compare `json` with itself.
    read = parsed(body)
    odd = any(mark in body for mark in (b"NaN", b"Infinity", b"\\ud")) or any(
        len(run) > 18 for run in "".join(chr(b) if chr(b).isdigit() else " " for b in body).split()
    )
    assert odd or repr(read) == repr(json.loads(body))
    assert odd or read is not DOUBTFUL

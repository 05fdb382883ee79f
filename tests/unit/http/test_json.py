"""JSON in responses and in bodies: what users override, what they catch, and what goes over the wire."""

from __future__ import annotations

import decimal
import json

import orjson
import pytest
import requests
from requests import models
from rocust._http import json_text
from support.script import Route


def answer(server, body, content_type="application/json"):
    server.set_routes({"/echo": Route(body=body, headers=(("Content-Type", content_type),))})


def test_a_fast_reading_is_used_at_all(client, server, monkeypatch):
    answer(server, '{"a": [1, 2.5, "x", null, true]}')
    response = client.get("/echo")
    read = []
    monkeypatch.setattr(json_text, "_loads", lambda body: read.append(body) or orjson.loads(body))
    assert response.json() == {"a": [1, 2.5, "x", None, True]}
    assert read == [response.content]


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**40])
def test_integers_stay_exact(client, server, number):
    answer(server, json.dumps({"id": number}))
    assert client.get("/echo").json() == {"id": number}
    assert type(client.get("/echo").json()["id"]) is int


def test_not_json_is_what_users_catch(session, fast, server):
    answer(server, '{"a": 1,}')
    with pytest.raises(json.JSONDecodeError) as expected:
        json.loads('{"a": 1,}')
    with pytest.raises(requests.exceptions.JSONDecodeError) as caught:
        session.get("/echo").json()
    assert str(caught.value) == str(expected.value)
    assert isinstance(caught.value, (json.JSONDecodeError, requests.exceptions.InvalidJSONError))
    with pytest.raises(json.JSONDecodeError) as caught:
        fast.get("/echo").json()
    assert type(caught.value) is json.JSONDecodeError
    assert str(caught.value) == str(expected.value)


def test_nesting_that_is_too_deep_is_a_recursion_error(client, server):
    answer(server, "[" * 100_000 + "]" * 100_000)
    with pytest.raises(RecursionError):
        client.get("/echo").json()


def test_deep_nesting_is_read(client, server):
    answer(server, '{"a":[' * 150 + "]}" * 150)
    value, depth = client.get("/echo").json(), 0
    while value:
        value = value["a"] if isinstance(value, dict) else value[0]
        depth += 1
    assert depth == 299


def test_keyword_arguments_reach_the_json_module(session, server):
    answer(server, '{"price": 1.10}')
    assert session.get("/echo").json(parse_float=decimal.Decimal) == {"price": decimal.Decimal("1.10")}


def test_an_encoding_that_the_task_sets_counts(client, server):
    answer(server, '["\xc3\xa9"]')
    response = client.get("/echo")
    response.encoding = "latin-1"
    assert response.json() == ["\xc3\xa9"]
    response = client.get("/echo")
    response.encoding = "utf-8"
    assert response.json() == ["é"]


def test_encoding_is_known_once_the_body_has_been_read(fast, server):
    for content_type, encoding in (("application/json", "utf-8"), ("text/plain", "ISO-8859-1")):
        answer(server, "[1]", content_type)
        response = fast.get("/echo")
        assert response.encoding is None
        assert response.json() == [1]
        assert response.encoding == encoding
        assert response.json() == [1]


def test_a_content_that_the_task_sets_counts(session, server):
    answer(server, "[1]")
    response = session.get("/echo")
    response._content = b"[2]"
    assert response.json() == [2]


def test_a_parser_that_the_user_gives_to_requests_is_used(session, server, monkeypatch):
    class Other:
        JSONDecodeError = json.JSONDecodeError

        @staticmethod
        def loads(text, **_):
            return ["read", text]

        @staticmethod
        def dumps(value, **_):
            return f"written {value}"

    answer(server, "[1]")
    response = session.get("/echo")
    monkeypatch.setattr(models, "complexjson", Other)
    assert response.json() == ["read", "[1]"]
    session.post("/echo", json=[3])
    server.wait_for_requests(2, "/echo")
    assert server.journal("/echo")[-1].body == "written [3]"


def test_json_goes_over_the_wire_as_stock_writes_it(client, seen):
    client.post("/echo", json={"a": 1, "é": [None, 1.5]})
    assert seen().body == '{"a": 1, "\\u00e9": [null, 1.5]}'
    assert seen().header("Content-Type") == "application/json"


def test_bytes_of_orjson_are_a_body_like_any_other(client, seen):
    client.post("/echo", data=orjson.dumps({"a": 1, "é": [None]}), headers={"Content-Type": "application/json"})
    assert seen().body.encode("latin-1").decode() == '{"a":1,"é":[null]}'
    assert seen().header("Content-Type") == "application/json"


def test_what_json_cannot_write_is_refused_in_the_libraries_words(session, fast):
    circular: list = []
    circular.append(circular)
    for value, words in ((float("nan"), "Out of range float values"), (circular, "Circular reference detected")):
        error = session.post("/echo", json=value).error
        assert type(error) is requests.exceptions.InvalidJSONError
        assert words in str(error)
    with pytest.raises(ValueError, match="Circular reference detected"):
        fast.post("/echo", json=circular)
    for client in (session, fast):
        with pytest.raises(TypeError, match="Object of type set is not JSON serializable"):
            client.post("/echo", json={1, 2})

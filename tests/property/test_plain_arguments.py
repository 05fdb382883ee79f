"""Short ways to what `requests` makes of a call's arguments: they lead to the same."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from requests.cookies import cookiejar_from_dict
from requests.models import RequestEncodingMixin
from rocust._http import arguments

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SINGLE = st.one_of(TEXT, st.integers(), st.floats(allow_nan=False), st.booleans())
FIELDS = st.dictionaries(TEXT, st.one_of(SINGLE, SINGLE, st.none(), st.lists(SINGLE, max_size=3)), max_size=4)


@given(FIELDS)
def test_queries_and_forms_are_encoded_as_requests_does(fields: dict[str, Any]) -> None:
    theirs = RequestEncodingMixin._encode_params(fields)  # type: ignore[attr-defined]
    assert arguments.query_of(fields) == (theirs if fields else "")
    assert arguments.body_of(fields, None).written == (theirs if fields else None)


@given(st.dictionaries(TEXT.filter(bool), st.one_of(TEXT, TEXT.map(lambda text: f'"{text}"')), max_size=4))
def test_cookies_are_made_as_requests_does(cookies: dict[str, str]) -> None:
    jar = cookiejar_from_dict(dict(cookies))  # type: ignore[no-untyped-call]
    assert arguments.cookies_of(cookies) == [arguments.cookie_fields(cookie) for cookie in jar]

"""JSON in bodies: read at orjson's speed, written at the speed of `json`'s own encoder, both with the answers of `json`.

Reading: orjson is asked where any parser gives the same answer (`_core` looks at the body for what is doubtful: integers beyond 64
bits, very deep nesting, another encoding). What it refuses, `json` reads after it, so that every oddity that `json` takes (NaN, lone
surrogates) and every exception is `json`'s own. orjson and not the Rust crate jiter, because it was faster: 2.2 to 4.6 times `json` where
jiter was 1.4 to 4.1 times, in one process, for bodies of 200 bytes to 1 MB.

Writing: orjson's bytes differ from stock's (no blanks, no escapes), so `json`'s encoder it is, made once instead of at every call.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from json.encoder import JSONEncoder, encode_basestring_ascii
from typing import Any

import orjson
from requests import models

try:
    from json.encoder import c_make_encoder  # type: ignore[attr-defined]
except ImportError:  # an interpreter whose `json` is all Python
    c_make_encoder = None

#: Stands for a body that `json` has to read.
DOUBTFUL = object()

_loads = orjson.loads

#: Untyped: the stub does not tell that it keeps its JSON module in `complexjson`.
requests_models: Any = models


def parsed(body: bytes | None) -> Any:
    """The value of a plain body; DOUBTFUL when there is none, or when only `json` can tell."""
    if body is None:
        return DOUBTFUL
    try:
        return _loads(body)
    except ValueError:
        return DOUBTFUL


def requests_uses_json() -> bool:
    """Whether `requests` leaves JSON to the standard module: it takes simplejson where that is installed, and users put others there."""
    return requests_models.complexjson is json


def written_by_requests(value: Any) -> bytes:
    """The value as `requests` writes it, as bytes.

    Raises:
        ValueError: For what JSON cannot say: NaN, or a circular reference.
        TypeError: For an object that is no JSON.
    """
    if requests_uses_json():
        return written(value, allow_nan=False)
    text = requests_models.complexjson.dumps(value, allow_nan=False)
    return text if isinstance(text, bytes) else text.encode()


def _encoder(allow_nan: bool) -> Callable[[Any], str]:
    """What `json.dumps(value, allow_nan=...)` does, prepared once."""
    default = JSONEncoder(allow_nan=allow_nan)
    if c_make_encoder is None:
        return default.encode
    # Without the memory of what it is inside of, which would have to be cleaned after a failure: `written` asks again then.
    encode = c_make_encoder(None, default.default, encode_basestring_ascii, None, ": ", ", ", False, False, allow_nan)
    return lambda value: "".join(encode(value, 0))


_write, _write_with_nan = _encoder(False), _encoder(True)


def written(value: Any, allow_nan: bool) -> bytes:
    """The value as `json.dumps` writes it, as bytes.

    Raises:
        ValueError: For what JSON cannot say: a circular reference, and NaN unless it is allowed.
        TypeError: For an object that is no JSON.
    """
    try:
        return (_write_with_nan if allow_nan else _write)(value).encode()
    except Exception:
        # Once more, for the exception that users know.
        return json.dumps(value, allow_nan=allow_nan).encode()

"""`FastHttpUser` and its client, by Locust's names."""

from rocust._compat.deprecated import DeprecatedFastHttpLocustClass as FastHttpLocust
from rocust._http.address import absolute_http_url_regexp
from rocust._http.failures import BodyTooLarge
from rocust._http.fast import FastHttpSession
from rocust._http.fast_agent import HTTPClientPool, LocustUserAgent
from rocust._http.fast_errors import FAILURE_EXCEPTIONS, HTTPConnectionClosed, HTTPParseError, LocustBadStatusCode
from rocust._http.fast_errors import FastConnectionError as ConnectionError
from rocust._http.fast_headers import Headers
from rocust._http.fast_response import (
    ErrorResponse,
    FastRequest,
    FastResponse,
    ResponseContextManager,
    RestResponseContextManager,
)
from rocust._http.tls import insecure_ssl_context_factory
from rocust._users.http_user import FastHttpUser

__all__ = [
    "FAILURE_EXCEPTIONS",
    "BodyTooLarge",
    "ConnectionError",
    "ErrorResponse",
    "FastHttpLocust",
    "FastHttpSession",
    "FastHttpUser",
    "FastRequest",
    "FastResponse",
    "HTTPClientPool",
    "HTTPConnectionClosed",
    "HTTPParseError",
    "Headers",
    "LocustBadStatusCode",
    "LocustUserAgent",
    "ResponseContextManager",
    "RestResponseContextManager",
    "absolute_http_url_regexp",
    "insecure_ssl_context_factory",
]

"""`HttpUser`'s client, by Locust's names."""

from rocust._http.response import ResponseContextManager, RestResponseContextManager
from rocust._http.session import HttpSession, LocustHttpAdapter, absolute_http_url_regexp

__all__ = [
    "HttpSession",
    "LocustHttpAdapter",
    "ResponseContextManager",
    "RestResponseContextManager",
    "absolute_http_url_regexp",
]

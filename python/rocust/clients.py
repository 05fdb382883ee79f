"""`HttpUser`'s client, by Locust's names."""

from rocust._http.adapter import LocustHttpAdapter
from rocust._http.address import absolute_http_url_regexp
from rocust._http.failures import BodyTooLarge
from rocust._http.response import ResponseContextManager, RestResponseContextManager
from rocust._http.session import HttpSession

__all__ = [
    "BodyTooLarge",
    "HttpSession",
    "LocustHttpAdapter",
    "ResponseContextManager",
    "RestResponseContextManager",
    "absolute_http_url_regexp",
]

"""Where a call goes, as text: whole URLs and paths, and the credentials that a URL brings along."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlparse, urlunparse

absolute_http_url_regexp = re.compile(r"^https?://", re.IGNORECASE)


def split_credentials(url: str | None) -> tuple[str | None, tuple[str, str] | None]:
    """A URL without its credentials, and those, percent-decoded."""
    if not url or "@" not in url:
        return url, None
    parts = urlparse(url)
    if not (parts.username and parts.password):
        return url, None
    bare = urlunparse(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return bare, (unquote(parts.username), unquote(parts.password))


def credentials_in(url: Any) -> tuple[str, str] | None:
    """User and password that a whole URL brings along."""
    return split_credentials(url)[1] if isinstance(url, str) and absolute_http_url_regexp.match(url) else None

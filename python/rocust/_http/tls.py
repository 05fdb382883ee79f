"""Whom a session believes and which certificate it shows: what `requests` and contexts of `ssl` say, as the engine's settings."""

from __future__ import annotations

import logging
import os
import ssl
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from rocust import _core

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

logger = logging.getLogger("locust.clients")

_CERTIFI = os.fsdecode(DEFAULT_CA_BUNDLE_PATH)


@cache
def _settings(bundle: str | None, certificate: str | None = None, key: str | None = None) -> _core.TlsSettings:
    return _core.TlsSettings(bundle=bundle, certificate=certificate, key=key)


#: Every certificate is believed.
BLIND = _settings(None)
#: What `requests` believes by default.
DEFAULT = _settings(_CERTIFI)


def environment_bundle() -> str | None:
    """The certificates that the environment has `requests` believe, for sessions with `trust_env`."""
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or None


def of_requests(verify: Any, cert: Any, url: str) -> _core.TlsSettings:
    """The settings for what `requests` takes as `verify` and `cert`.

    Raises:
        OSError: When one of the files is missing, in the words of `requests`.
    """
    if verify is True and not cert:
        return DEFAULT
    bundle = None
    if verify:
        bundle = _CERTIFI if verify is True else os.fsdecode(verify)
        if url[:5].lower() == "https" and not os.path.exists(bundle):
            raise OSError(f"Could not find a suitable TLS CA certificate bundle, invalid path: {bundle}")
    if not cert:
        return _settings(bundle)
    is_one_file = isinstance(cert, (str, bytes))
    certificate, key = (cert, None) if is_one_file else (cert[0], cert[1])
    for path, what in ((certificate, "certificate"), (key, "key")):
        if path and not os.path.exists(path):
            raise OSError(f"Could not find the TLS {what} file, invalid path: {path}")
    return _settings(bundle, os.fsdecode(certificate), os.fsdecode(key) if key else None)


def known(verify: Any) -> _core.TlsSettings | None:
    """The settings for a session's `verify`, if they can be told before anything is sent: not for a file that is not there."""
    if verify is True or verify is False:
        return DEFAULT if verify else BLIND
    if isinstance(verify, (str, os.PathLike)) and os.path.isfile(verify):
        return _settings(os.fsdecode(verify))
    return None


def insecure_ssl_context_factory() -> ssl.SSLContext:
    """A context that believes every certificate. Same as Locust."""
    return ssl._create_unverified_context()


def of_fast(is_insecure: bool, factory: Callable[..., ssl.SSLContext] | None) -> _core.TlsSettings:
    """The settings of a `FastHttpUser`.

    Raises:
        ValueError: When the context that the factory makes wants what the engine cannot do.
    """
    if factory is not None:
        return _of_factory(factory, is_insecure)
    return BLIND if is_insecure else _settings(_fast_bundle())


def _fast_bundle() -> str:
    """What geventhttpclient believes: the file OpenSSL is told of (`SSL_CERT_FILE`) or was built with, else certifi's."""
    paths = ssl.get_default_verify_paths()
    told = paths.cafile or paths.capath
    return told if told and not os.path.isdir(told) else _CERTIFI


def _of_factory(factory: Callable[..., ssl.SSLContext], is_insecure: bool) -> _core.TlsSettings:
    """What the factory's context says, made ready as geventhttpclient makes it ready."""
    if not callable(factory):
        raise ValueError(f"ssl_context_factory is called for an ssl.SSLContext, and {factory!r} cannot be called")
    with _observed() as seen:
        try:
            context = factory(cafile=_fast_bundle())
        except TypeError:
            context = factory()
            context.load_verify_locations(cafile=_fast_bundle())
    context.check_hostname = not is_insecure
    if not is_insecure:
        context.verify_mode = ssl.CERT_REQUIRED
    certificate, key = seen.identities.get(id(context), (None, None))
    if certificate is None and id(context) not in seen.made:
        _warn(
            "The context of ssl_context_factory was made before the factory was called; a client certificate in it cannot be "
            "read and is not shown. hint: make the context, and call load_cert_chain, inside of the factory."
        )
    for name in sorted(seen.ignored):
        _warn(
            f"{name} of the context of ssl_context_factory has no effect: the engine chooses among modern ciphers itself."
        )
    is_verified = context.verify_mode != ssl.CERT_NONE
    return _core.TlsSettings(
        certificate=certificate,
        key=key,
        anchors=context.get_ca_certs(binary_form=True) if is_verified else None,
        accepts_other_hosts=not context.check_hostname,
        version=_version(context),
    )


def _version(context: ssl.SSLContext) -> str | None:
    """The only version of TLS that the context allows; None for all that the engine has.

    Raises:
        ValueError: When there is none.
    """
    oldest, newest = context.minimum_version, context.maximum_version
    if newest == ssl.TLSVersion.MINIMUM_SUPPORTED or 0 < newest < ssl.TLSVersion.TLSv1_2:
        raise ValueError(
            f"ssl_context_factory allows no version of TLS above {newest.name}; Rocust speaks TLSv1_2 and TLSv1_3 only"
        )
    if oldest in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.MAXIMUM_SUPPORTED):
        return "1.3"
    return "1.2" if newest == ssl.TLSVersion.TLSv1_2 else None


class _Seen:
    """What was done to contexts, which they do not tell afterwards."""

    def __init__(self) -> None:
        self.made: set[int] = set()
        self.identities: dict[int, tuple[str, str | None]] = {}
        self.ignored: set[str] = set()
        #: So that no other context gets the number of one of these.
        self.contexts: list[ssl.SSLContext] = []


@contextmanager
def _observed() -> Iterator[_Seen]:
    """Take note of the contexts that are made meanwhile, and of the certificates loaded into them."""
    seen = _Seen()
    # gevent puts a class of its own in place of this one, which is its base.
    base: Any = next(kind for kind in reversed(ssl.SSLContext.__mro__) if kind.__module__ == "ssl")
    own = {name: base.__dict__.get(name) for name in ("__new__", "load_cert_chain", "set_ciphers")}

    def make(kind: Any, *args: Any, **kwargs: Any) -> Any:
        context = own["__new__"].__func__(kind, *args, **kwargs)
        seen.contexts.append(context)
        seen.made.add(id(context))
        return context

    original_load, original_ciphers = base.load_cert_chain, base.set_ciphers

    def load(context: Any, certfile: Any, keyfile: Any = None, password: Any = None) -> None:
        original_load(context, certfile, keyfile, password)
        seen.contexts.append(context)
        seen.identities[id(context)] = (os.fsdecode(certfile), os.fsdecode(keyfile) if keyfile else None)

    def set_ciphers(context: Any, ciphers: Any) -> None:
        original_ciphers(context, ciphers)
        seen.ignored.add("set_ciphers")

    replaced = {"__new__": make, "load_cert_chain": load, "set_ciphers": set_ciphers}
    for name, function in replaced.items():
        setattr(base, name, function)
    try:
        yield seen
    finally:
        for name in replaced:
            if own[name] is None:
                delattr(base, name)
            else:
                setattr(base, name, own[name])


@cache
def _warn(sentence: str) -> None:
    """Say it once."""
    logger.warning(sentence)

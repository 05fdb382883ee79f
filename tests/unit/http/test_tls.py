"""Whom the clients believe, and which certificate they show: `verify`, `cert`, the environment, contexts of `ssl`."""

from __future__ import annotations

import datetime
import ipaddress
import logging
import os
import ssl

import pytest
import requests
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from requests.exceptions import SSLError
from rocust._errors import StopTest
from rocust._http import tls
from rocust._http.fast import FastHttpSession
from rocust._http.session import HttpSession
from rocust._run.environment import Environment
from rocust.contrib.fasthttp import FastHttpUser, insecure_ssl_context_factory
from support.script import Route
from support.server import ScriptedServer


class Papers:
    """An authority, and files of what it signed."""

    def __init__(self, folder):
        self.authority = trustme.CA()
        self.roots = folder / "roots.pem"
        self.authority.cert_pem.write_to_path(str(self.roots))
        self.server = self._signed(folder / "server.pem", "127.0.0.1")
        self.other_host = self._signed(folder / "other.pem", "other.example")
        self.mine = self._signed(folder / "mine.pem", "me.example")
        self.my_key, self.my_certificate = folder / "key.pem", folder / "certificate.pem"
        issued = self.authority.issue_cert("me.example")
        issued.private_key_pem.write_to_path(str(self.my_key))
        issued.cert_chain_pems[0].write_to_path(str(self.my_certificate))

    def _signed(self, path, name):
        self.authority.issue_cert(name).private_key_and_cert_chain_pem.write_to_path(str(path))
        return path

    def context(self, cafile=None, **_):
        """As a user's factory makes one."""
        return ssl.create_default_context(cafile=str(self.roots))


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    return Papers(tmp_path_factory.mktemp("papers"))


@pytest.fixture(scope="module")
def secure(papers):
    """A server that proves to be 127.0.0.1."""
    with ScriptedServer({"/": Route()}, certificate=papers.server) as server:
        yield server


@pytest.fixture(scope="module")
def guarded(papers):
    """One that wants a certificate of the client, too."""
    with ScriptedServer({"/": Route()}, certificate=papers.server, client_authority=papers.roots) as server:
        yield server


@pytest.fixture(scope="module")
def misnamed(papers):
    """One that proves to be somebody else."""
    with ScriptedServer({"/": Route()}, certificate=papers.other_host) as server:
        yield server


@pytest.fixture
def open_session(request_event):
    """Sessions as `HttpUser` has them, closed afterwards."""
    opened = []

    def open_(url, trust_env=False):
        session = HttpSession(url, request_event, user=None)
        session.trust_env = trust_env
        opened.append(session)
        return session

    yield open_
    for session in opened:
        session.close()


@pytest.fixture(autouse=True)
def no_bundles(monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    tls._warn.cache_clear()


@pytest.mark.parametrize("way", ["call", "session", "prepared"])
@pytest.mark.parametrize("is_pair", [False, True])
def test_client_certificate_is_shown_whichever_way_it_is_given(open_session, papers, guarded, way, is_pair):
    session = open_session(guarded.url)
    session.verify = str(papers.roots)
    cert = (str(papers.my_certificate), str(papers.my_key)) if is_pair else str(papers.mine)
    if way == "session":
        session.cert = cert
        response = session.get("/")
    elif way == "call":
        response = session.get("/", cert=cert)
    else:
        response = session.get("/", cert=cert, hooks={"response": lambda response, **_: None})
    assert (response.status_code, response.error) == (200, None)
    assert session.paths["adapter"] == 0
    anonymous = open_session(guarded.url)
    assert isinstance(anonymous.get("/", verify=False).error, (SSLError, ConnectionError, OSError))


def test_files_that_are_missing_are_told_as_requests_tells_them(open_session, secure, papers):
    session = open_session(secure.url)
    for arguments, message in [
        (
            {"verify": "/no/bundle.pem"},
            "Could not find a suitable TLS CA certificate bundle, invalid path: /no/bundle.pem",
        ),
        ({"cert": "/no/cert.pem"}, "Could not find the TLS certificate file, invalid path: /no/cert.pem"),
        (
            {"cert": (str(papers.my_certificate), "/no/key.pem")},
            "Could not find the TLS key file, invalid path: /no/key.pem",
        ),
    ]:
        with pytest.raises(OSError) as caught:  # noqa: PT011 - the message is compared below
            session.get("/", **arguments)
        assert str(caught.value) == message
    plain = open_session("http://127.0.0.1:9")
    assert plain.get("/", verify="/no/bundle.pem").status_code == 0


def test_folder_of_certificates_is_believed(open_session, secure, papers, tmp_path):
    os.symlink(papers.roots, tmp_path / "anything.pem")
    session = open_session(secure.url)
    assert session.get("/", verify=str(tmp_path)).status_code == 200


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environment_counts_where_requests_lets_it(open_session, secure, papers, monkeypatch, variable):
    monkeypatch.setenv(variable, str(papers.roots))
    trusting = open_session(secure.url, trust_env=True)
    assert trusting.get("/").status_code == 200
    assert trusting.get("/", headers={"X-A": "b"}).status_code == 200
    assert trusting.get("/", hooks={"response": lambda response, **_: None}).status_code == 200
    # What HttpUser's client is, by default.
    wary = open_session(secure.url)
    assert isinstance(wary.get("/").error, SSLError)


def test_ssl_cert_file_is_what_a_careful_fast_session_believes(request_event, secure, papers, monkeypatch):
    def status():
        return FastHttpSession(secure.url, request_event, user=None, insecure=False).get("/").status_code

    assert status() == 0
    monkeypatch.setenv("SSL_CERT_FILE", str(papers.roots))
    assert status() == 200


@pytest.mark.parametrize("insecure", [True, False])
def test_context_says_whom_to_believe(request_event, secure, misnamed, papers, insecure):
    def status(server, factory):
        session = FastHttpSession(server.url, request_event, user=None, insecure=insecure, ssl_context_factory=factory)
        return session.get("/").status_code

    assert status(secure, papers.context) == 200
    # With `insecure`, which is the default, geventhttpclient leaves the context its mind but for the host's name.
    assert status(misnamed, papers.context) == (200 if insecure else 0)
    assert status(secure, ssl.create_default_context) == 0
    assert status(misnamed, insecure_ssl_context_factory) == (200 if insecure else 0)


def test_context_of_one_version_speaks_no_other(request_event, secure, papers):
    def old():
        context = papers.context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context

    session = FastHttpSession(secure.url, request_event, user=None, ssl_context_factory=old)
    assert session.get("/").status_code == 200

    def ancient():
        context = papers.context()
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        return context

    class Old(FastHttpUser):
        host = secure.url
        ssl_context_factory = staticmethod(ancient)

    with (
        pytest.warns(DeprecationWarning, match="TLSv1_1"),
        pytest.raises(StopTest, match=r"Old: .* Rocust speaks TLSv1_2 and TLSv1_3"),
    ):
        Old(Environment())


def test_client_certificate_that_the_factory_loads_is_shown(request_event, guarded, papers, caplog):
    def factory():
        context = papers.context()
        context.load_cert_chain(str(papers.my_certificate), str(papers.my_key))
        return context

    original = ssl.SSLContext.load_cert_chain
    session = FastHttpSession(guarded.url, request_event, user=None, ssl_context_factory=factory)
    assert session.get("/").status_code == 200
    assert ssl.SSLContext.load_cert_chain is original
    assert "load_cert_chain" not in vars(ssl.SSLContext)
    assert not caplog.records


def test_what_cannot_be_read_out_of_a_context_is_told_once(request_event, secure, papers, caplog):
    made_before = papers.context()
    made_before.load_cert_chain(str(papers.mine))

    def choosy(**_):
        context = papers.context()
        context.set_ciphers("ECDHE+AESGCM")
        return context

    with caplog.at_level(logging.WARNING):
        for factory in (lambda: made_before, lambda: made_before, choosy, choosy):
            session = FastHttpSession(secure.url, request_event, user=None, ssl_context_factory=factory)
            assert session.get("/").status_code == 200
    before, ciphers = [record.message for record in caplog.records]
    assert "made before the factory was called; a client certificate in it cannot be read" in before
    assert ciphers.startswith("set_ciphers of the context of ssl_context_factory has no effect")


def test_whom_a_session_believes_is_told_once_and_may_change(open_session, secure, papers):
    session = open_session(secure.url)
    for verify, is_believed in [
        (str(papers.roots), True), (True, False), (False, True), (papers.roots, True), (True, False),
    ]:  # fmt: skip
        session.verify = verify
        session.close()
        assert (session.get("/").error is None) is is_believed, verify
        assert session.verify is verify
        assert not session._is_touched, "its calls go the short way"
    session.verify = "/no/bundle.pem"
    with pytest.raises(OSError, match=r"invalid path: /no/bundle\.pem"):
        session.get("/")


def _self_signed(path, host="127.0.0.1", age_days=0, is_authority=True):
    """What `openssl req -x509` makes: a certificate that signed itself and calls itself an authority. Gives its own file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "self-made")])
    begin = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=age_days, hours=1)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(begin).not_valid_after(begin + datetime.timedelta(days=30))
    builder = builder.add_extension(x509.BasicConstraints(is_authority, None), critical=True)
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    path.write_bytes(pem + key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    own = path.with_suffix(".crt")
    own.write_bytes(pem)
    return own


SELF_SIGNED = {
    "authority": ({}, True, None),
    "no authority": ({"is_authority": False}, True, None),
    "other host": ({"host": "127.0.0.9"}, True, "IP address mismatch, certificate is not valid for '127.0.0.1'."),
    "expired": ({"age_days": 60}, True, "certificate has expired"),
    "not yet valid": ({"age_days": -60}, True, "certificate is not yet valid"),
    "not in the bundle": ({}, False, "self-signed certificate"),
    "not in the bundle, no authority": ({"is_authority": False}, False, "self-signed certificate"),
}


@pytest.mark.parametrize(("made", "is_known", "problem"), SELF_SIGNED.values(), ids=SELF_SIGNED)
def test_self_signed_certificate_is_believed_as_openssl_does(
    open_session, papers, tmp_path, reports, made, is_known, problem
):
    own = _self_signed(tmp_path / "self.pem", **made)
    # One with the same name and another key, as when a certificate is made anew, is another one.
    twin = _self_signed(tmp_path / "twin.pem")
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(papers.roots.read_bytes() + (own if is_known else twin).read_bytes())
    with ScriptedServer({"/": Route()}, certificate=tmp_path / "self.pem") as server, requests.Session() as plain:
        plain.trust_env = False
        session = open_session(server.url)
        response = session.get("/", verify=str(bundle))
        if problem is None:
            assert (response.status_code, reports.only["exception"]) == (200, None)
            assert plain.get(server.url, verify=str(bundle)).status_code == 200
            return
        with pytest.raises(SSLError, match=f"certificate verify failed: {problem}"):
            plain.get(server.url, verify=str(bundle))
        assert f"certificate verify failed: {problem}" in str(response.error)
        assert f"certificate verify failed: {problem}" in str(reports.only["exception"])

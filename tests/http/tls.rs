//! TLS against a rustls server with certificates made here.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rocust::http::{ClientCert, FailureKind, Options, Session, Timeline, TlsSettings, Verify, exchange};
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{ScriptedServer, get, send};

/// A certificate authority and files for what it signs, in a directory of the test's own.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

impl Authority {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("rocust-tls-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, format!("authority {number}"));
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, folder }
    }

    fn sign(&self, names: &[&str]) -> (rcgen::Certificate, KeyPair) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &self.issuer)
            .unwrap();
        (certificate, key)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn bundle(&self) -> PathBuf {
        self.write("roots.pem", &self.issuer.pem())
    }

    /// Serves `hello` to every request; wants a client certificate of its own when told so. Gives the port.
    pub(crate) async fn serve(&self, names: &[&str], wants_certificate: bool) -> u16 {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let (certificate, key) = self.sign(names);
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if wants_certificate {
            let mut roots = RootCertStore::empty();
            roots.add(self.issuer.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let key = rustls_pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(tcp).await else {
                        return;
                    };
                    let mut buffer = [0; 4096];
                    while matches!(stream.read(&mut buffer).await, Ok(count) if count > 0) {
                        let _ = stream
                            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
                            .await;
                    }
                });
            }
        });
        port
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn session(verify: Verify, cert: Option<ClientCert>) -> Session {
    Session::new(Options {
        tls: Arc::new(TlsSettings { verify, cert }),
        ..Options::default()
    })
}

#[tokio::test]
async fn a_certificate_of_a_known_root_is_accepted_and_the_connection_kept() {
    let authority = Authority::new();
    let port = authority.serve(&["localhost", "127.0.0.1"], false).await;
    let session = session(Verify::Bundle(authority.bundle()), None);
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{port}/");
        let mut timeline = Timeline::default();
        let response = exchange(&session, get(&url), &mut timeline).await.unwrap();
        assert_eq!(&response.body[..], b"hello");
        assert!(timeline.connected <= timeline.tls && timeline.tls.is_some());
        let mut second = Timeline::default();
        exchange(&session, get(&url), &mut second).await.unwrap();
        assert_eq!(second.connected, None);
    }
    assert_eq!(session.idle_connections(), 2);
}

#[tokio::test]
async fn a_certificate_that_does_not_fit_is_refused_unless_nothing_is_verified() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let named_otherwise = authority.serve(&["other.example"], false).await;
    let unknown = stranger.serve(&["127.0.0.1"], false).await;
    let words = [
        (
            named_otherwise,
            "IP address mismatch, certificate is not valid for '127.0.0.1'.",
        ),
        (unknown, "unable to get local issuer certificate"),
    ];
    for (port, problem) in words {
        let url = format!("https://127.0.0.1:{port}/");
        let strict = session(Verify::Bundle(authority.bundle()), None);
        let failure = send(&strict, get(&url)).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Tls);
        let verdict = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed";
        assert_eq!(failure.message, format!("{verdict}: {problem}"));
        let lenient = session(Verify::Off, None);
        assert_eq!(send(&lenient, get(&url)).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn settings_of_one_request_do_not_borrow_a_connection_of_others() {
    let authority = Authority::new();
    let port = authority.serve(&["other.example"], false).await;
    let session = session(Verify::Off, None);
    let url = format!("https://127.0.0.1:{port}/");
    send(&session, get(&url)).await.unwrap();
    let mut strict = get(&url);
    strict.tls = Some(Arc::new(TlsSettings {
        verify: Verify::Bundle(authority.bundle()),
        cert: None,
    }));
    assert_eq!(send(&session, strict).await.unwrap_err().kind, FailureKind::Tls);
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let authority = Authority::new();
    let port = authority.serve(&["127.0.0.1"], true).await;
    let url = format!("https://127.0.0.1:{port}/");
    let nobody = session(Verify::Off, None);
    assert_eq!(send(&nobody, get(&url)).await.unwrap_err().kind, FailureKind::Tls);
    let (certificate, key) = authority.sign(&["me"]);
    let both = authority.write("both.pem", &(certificate.pem() + &key.serialize_pem()));
    let one = ClientCert {
        certificate: both,
        key: None,
    };
    let pair = ClientCert {
        certificate: authority.write("cert.pem", &certificate.pem()),
        key: Some(authority.write("key.pem", &key.serialize_pem())),
    };
    for cert in [one, pair] {
        assert_eq!(
            send(&session(Verify::Off, Some(cert)), get(&url)).await.unwrap().status,
            200
        );
    }
}

#[tokio::test]
async fn a_server_without_tls_and_a_bundle_without_certificates_are_told() {
    let authority = Authority::new();
    let plain = ScriptedServer::start(|mut visit, _| async move {
        visit.say(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        visit.closed().await;
    })
    .await;
    let url = format!("https://{}/", plain.address());
    let failure = send(&session(Verify::Off, None), get(&url)).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Tls);
    let empty = authority.write("empty.pem", "nothing here\n");
    for bundle in [empty, authority.folder.join("missing.pem")] {
        let port = authority.serve(&["127.0.0.1"], false).await;
        let url = format!("https://127.0.0.1:{port}/");
        let failure = send(&session(Verify::Bundle(bundle.clone()), None), get(&url))
            .await
            .unwrap_err();
        assert_eq!(failure.kind, FailureKind::Tls);
        assert!(
            failure.message.contains(&*bundle.to_string_lossy()),
            "{}",
            failure.message
        );
    }
}

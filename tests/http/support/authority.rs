//! A certificate authority of a test's own, and servers that show its certificates.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::{HandshakeKind, ProtocolVersion, RootCertStore, ServerConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A certificate authority and files for what it signs, in a directory of the test's own.
pub(crate) struct Authority {
    pub(crate) issuer: CertifiedIssuer<'static, KeyPair>,
    pub(crate) folder: PathBuf,
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

    pub(crate) fn sign(&self, names: &[&str]) -> (rcgen::Certificate, KeyPair) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &self.issuer)
            .unwrap();
        (certificate, key)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn bundle(&self) -> PathBuf {
        self.write("roots.pem", &self.issuer.pem())
    }

    /// What a server needs to show a certificate for these names; it wants one of the client when told so.
    pub(crate) fn server_config(&self, names: &[&str], wants_certificate: bool) -> rustls::ServerConfig {
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
        builder.with_single_cert(vec![certificate.der().clone()], key).unwrap()
    }

    /// Serves `hello` to every request; wants a client certificate of its own when told so. Gives the port.
    pub(crate) async fn serve(&self, names: &[&str], wants_certificate: bool) -> u16 {
        self.serve_with(names, wants_certificate, |_| ()).await
    }

    /// Serves the same, and tells of each connection how it began.
    pub(crate) async fn serve_telling(
        &self,
        names: &[&str],
    ) -> (u16, mpsc::UnboundedReceiver<(HandshakeKind, ProtocolVersion)>) {
        let (tell, told) = mpsc::unbounded_channel();
        let port = self.serve_with(names, false, move |connection| {
            let kind = connection.handshake_kind().unwrap();
            let _ = tell.send((kind, connection.protocol_version().unwrap()));
        });
        (port.await, told)
    }

    async fn serve_with(
        &self,
        names: &[&str],
        wants_certificate: bool,
        tell: impl Fn(&ServerConnection) + Send + Sync + 'static,
    ) -> u16 {
        let config = self.server_config(names, wants_certificate);
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let tell = Arc::new(tell);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, tell) = (acceptor.clone(), Arc::clone(&tell));
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(tcp).await else {
                        return;
                    };
                    tell(stream.get_ref().1);
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

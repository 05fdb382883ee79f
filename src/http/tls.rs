//! TLS: whom to believe, what to show, and one shared rustls configuration for each combination.
//!
//! A configuration is parsed once per process (a PEM bundle holds some 150 certificates) and shared by all sessions,
//! which also shares the store for session resumption. Must not open sockets.

pub(crate) mod words;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

/// Which server certificates are accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Verify {
    /// All of them, for any host name.
    #[default]
    Off,
    /// Those signed by a root in this PEM file (or in the PEM files of this directory), for the host asked for.
    Bundle(PathBuf),
}

/// A client certificate, as `requests`' `cert`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientCert {
    /// PEM file with the certificate and its chain.
    pub certificate: PathBuf,
    /// PEM file with the key; `None` when it is in the same file.
    pub key: Option<PathBuf>,
}

/// What a TLS connection depends on. Connections are shared only between requests with equal settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TlsSettings {
    /// Which servers are believed.
    pub verify: Verify,
    /// Which certificate is shown.
    pub cert: Option<ClientCert>,
}

/// What is offered in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Protocols {
    /// HTTP/1.1 alone.
    Http1,
    /// HTTP/2 rather than HTTP/1.1.
    Http2OrHttp1,
}

/// The rustls configuration for these settings, made on first use.
///
/// # Errors
///
/// Words for the user when a file cannot be read or holds no usable certificate or key.
pub(crate) fn config(settings: &TlsSettings, protocols: Protocols) -> Result<Arc<ClientConfig>, String> {
    type Configs = FxHashMap<(TlsSettings, Protocols), Arc<ClientConfig>>;
    static CONFIGS: LazyLock<Mutex<Configs>> = LazyLock::new(Mutex::default);
    let key = (settings.clone(), protocols);
    let mut configs = CONFIGS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(config) = configs.get(&key) {
        return Ok(Arc::clone(config));
    }
    let config = Arc::new(build(settings, protocols)?);
    configs.insert(key, Arc::clone(&config));
    Ok(config)
}

fn build(settings: &TlsSettings, protocols: Protocols) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let verifier: Arc<dyn ServerCertVerifier> = match &settings.verify {
        Verify::Off => Arc::new(AcceptAll {
            provider: Arc::clone(&provider),
        }),
        Verify::Bundle(path) => {
            let roots = Arc::new(roots(path)?);
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider)
                .build()
                .map_err(|error| format!("{}: {error}", path.display()))?;
            Arc::new(words::Telling { verifier })
        }
    };
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let mut config = match &settings.cert {
        None => builder.with_no_client_auth(),
        Some(cert) => {
            let (chain, key) = client_identity(cert)?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| format!("{}: {error}", cert.certificate.display()))?
        }
    };
    config.alpn_protocols = match protocols {
        Protocols::Http1 => vec![b"http/1.1".to_vec()],
        Protocols::Http2OrHttp1 => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
    };
    Ok(config)
}

fn roots(path: &Path) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    for file in pem_files(path)? {
        let certificates = read_certificates(&file)?;
        // Bundles in the wild hold a few roots that are not valid by today's rules; the others still count.
        store.add_parsable_certificates(certificates);
    }
    if store.is_empty() {
        return Err(format!(
            "no certificate found in {}; hint: verify takes a PEM file",
            path.display()
        ));
    }
    Ok(store)
}

fn pem_files(path: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |error: std::io::Error| format!("{}: {error}", path.display());
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.is_file() {
            files.push(file);
        }
    }
    Ok(files)
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| format!("{}: {error}", path.display()))
}

fn client_identity(cert: &ClientCert) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let key_path = cert.key.as_ref().unwrap_or(&cert.certificate);
    let key = PrivateKeyDer::from_pem_file(key_path).map_err(|error| format!("{}: {error}", key_path.display()))?;
    Ok((read_certificates(&cert.certificate)?, key))
}

/// Believes every certificate; still checks that the server holds the key of the one it shows.
#[derive(Debug)]
struct AcceptAll {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AcceptAll {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

//! TLS: whom to believe, what to show, and one shared rustls configuration for each combination.
//!
//! A configuration is parsed once per process (a PEM bundle holds some 150 certificates) and shared by all sessions. What
//! servers give out to continue a TLS session by is each session's own ([`Tickets`]): users that continued each other's
//! would spare the server the handshakes that as many real users cost. Must not open sockets.

pub(crate) mod words;

use std::fs;
use std::hash::{BuildHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion,
};
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
    /// Those signed by one of these roots.
    Anchors(Arc<Anchors>),
}

/// Roots that are in no file.
#[derive(Debug, PartialEq, Eq)]
pub struct Anchors {
    certificates: Vec<Vec<u8>>,
    /// Of all of them, so that looking settings up does not read them all.
    hash: u64,
}

impl Anchors {
    /// Roots as DER.
    #[must_use]
    pub fn new(certificates: Vec<Vec<u8>>) -> Self {
        let hash = rustc_hash::FxBuildHasher.hash_one(&certificates);
        Self { certificates, hash }
    }
}

impl Hash for Anchors {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

/// Which versions of TLS are spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TlsVersions {
    /// 1.2 and 1.3.
    #[default]
    All,
    /// 1.2 only.
    Only12,
    /// 1.3 only.
    Only13,
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
    /// Whether a verified certificate may be for another host.
    pub accepts_other_hosts: bool,
    /// Which versions are spoken.
    pub versions: TlsVersions,
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

/// What the servers of one session gave out to continue TLS sessions by, in the configurations that hold it.
#[derive(Debug, Default)]
pub(crate) struct Tickets {
    configs: Mutex<Vec<(TlsSettings, Protocols, Arc<ClientConfig>)>>,
}

impl Tickets {
    /// The configuration for these settings, with tickets of its own; without any when sessions are not to be continued.
    ///
    /// # Errors
    ///
    /// Words for the user when a file cannot be read or holds no usable certificate or key.
    pub(crate) fn config(
        &self,
        settings: &TlsSettings,
        protocols: Protocols,
        resumes: bool,
    ) -> Result<Arc<ClientConfig>, String> {
        /// Tickets of some four servers; the oldest go first.
        const MAX_TICKETS: usize = 32;
        let shared = config(settings, protocols)?;
        if !resumes {
            return Ok(shared);
        }
        let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
        let known = configs
            .iter()
            .find(|(of, by, _)| *by == protocols && of == settings)
            .map(|(_, _, config)| Arc::clone(config));
        if let Some(config) = known {
            return Ok(config);
        }
        let mut config = (*shared).clone();
        config.resumption = Resumption::in_memory_sessions(MAX_TICKETS);
        let config = Arc::new(config);
        configs.push((settings.clone(), protocols, Arc::clone(&config)));
        Ok(config)
    }

    /// Forgets them all.
    pub(crate) fn clear(&self) {
        self.configs.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// The rustls configuration for these settings, made on first use. It continues no sessions.
fn config(settings: &TlsSettings, protocols: Protocols) -> Result<Arc<ClientConfig>, String> {
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
    let versions: &[&SupportedProtocolVersion] = match settings.versions {
        TlsVersions::All => &[&TLS13, &TLS12],
        TlsVersions::Only12 => &[&TLS12],
        TlsVersions::Only13 => &[&TLS13],
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|error| error.to_string())?;
    let verifier: Arc<dyn ServerCertVerifier> = match &settings.verify {
        Verify::Off => Arc::new(AcceptAll {
            provider: Arc::clone(&provider),
        }),
        Verify::Bundle(path) => verifier(&roots(path)?, provider, settings, &path.to_string_lossy())?,
        Verify::Anchors(anchors) => {
            let certificates = anchors.certificates.iter().cloned().map(CertificateDer::from);
            let certificates: Vec<_> = certificates.collect();
            verifier(&certificates, provider, settings, "the certificates of the context")?
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
    config.resumption = Resumption::disabled();
    config.alpn_protocols = match protocols {
        Protocols::Http1 => vec![b"http/1.1".to_vec()],
        Protocols::Http2OrHttp1 => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
    };
    Ok(config)
}

/// Believes certificates signed by these roots, which come from `source`, and roots that are servers' own.
fn verifier(
    roots: &[CertificateDer<'static>],
    provider: Arc<CryptoProvider>,
    settings: &TlsSettings,
    source: &str,
) -> Result<Arc<dyn ServerCertVerifier>, String> {
    let mut store = RootCertStore::empty();
    // Bundles in the wild hold a few roots that are not valid by today's rules; the others still count.
    store.add_parsable_certificates(roots.iter().cloned());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider)
        .build()
        .map_err(|error| format!("{source}: {error}"))?;
    let telling = words::Telling {
        verifier,
        self_signed: roots
            .iter()
            .filter(|root| words::is_own_issuer(root))
            .cloned()
            .collect(),
    };
    Ok(if settings.accepts_other_hosts {
        Arc::new(AnyHost { verifier: telling })
    } else {
        Arc::new(telling)
    })
}

fn roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut roots = Vec::new();
    let is_folder = path.is_dir();
    for file in pem_files(path)? {
        match read_certificates(&file) {
            Ok(certificates) => roots.extend(certificates),
            // OpenSSL passes over what else lies in a folder, too.
            Err(_) if is_folder => {}
            Err(problem) => return Err(problem),
        }
    }
    if roots.is_empty() {
        return Err(format!(
            "no certificate found in {}; hint: verify takes a PEM file",
            path.display()
        ));
    }
    Ok(roots)
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
    let key = PrivateKeyDer::from_pem_file(key_path).map_err(|error| {
        let is_encrypted = fs::read(key_path).is_ok_and(|text| text.windows(9).any(|word| word == b"ENCRYPTED"));
        if is_encrypted {
            format!(
                "{}: the key is encrypted and its password cannot be used; hint: openssl pkey -in FILE -out FILE",
                key_path.display()
            )
        } else {
            format!("{}: {error}", key_path.display())
        }
    })?;
    Ok((read_certificates(&cert.certificate)?, key))
}

/// Believes what another verifier believes, and does not care for whom a certificate is.
#[derive(Debug)]
struct AnyHost {
    verifier: words::Telling,
}

impl ServerCertVerifier for AnyHost {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // The name is looked at last, when all else is in order.
        match self
            .verifier
            .verifier
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            Ok(verified) => Ok(verified),
            Err(verdict) => self.verifier.judge_again(verdict, end_entity, intermediates, None),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
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

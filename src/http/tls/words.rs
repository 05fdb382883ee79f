//! TLS errors in the words of OpenSSL, which is what Python's users know and search for.
//!
//! `[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate` is what Python shows with
//! OpenSSL 3.0, and so is this file's. What differs: Python adds the line of its own source (`(_ssl.c:1006)`), which
//! says nothing of the server and is left out; and what OpenSSL has no words for is told in those of rustls.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{
    AlertDescription, CertificateError, DigitallySignedStruct, Error, InvalidMessage, OtherError, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::EndEntityCert;

/// What a failed handshake is called.
pub(crate) fn of_handshake(error: &io::Error, host: &str) -> String {
    if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        of_error(tls, host)
    } else if error.kind() == io::ErrorKind::UnexpectedEof {
        "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol".to_owned()
    } else {
        error.to_string()
    }
}

/// What an error of the TLS layer is called.
pub(crate) fn of_error(error: &Error, host: &str) -> String {
    let words = match error {
        Error::InvalidCertificate(problem) => {
            let verdict = "certificate verify failed";
            return format!("[SSL: {}] {verdict}: {}", tag(verdict), of_certificate(problem, host));
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            "wrong version number"
        }
        Error::AlertReceived(alert) => of_alert(*alert),
        _ => "",
    };
    if words.is_empty() {
        error.to_string()
    } else {
        format!("[SSL: {}] {words}", tag(words))
    }
}

/// OpenSSL's name of a reason is its words in capitals.
fn tag(words: &str) -> String {
    words.to_ascii_uppercase().replace(' ', "_")
}

fn of_certificate(problem: &CertificateError, host: &str) -> String {
    match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "certificate has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "certificate is not yet valid".to_owned()
        }
        CertificateError::Revoked => "certificate revoked".to_owned(),
        CertificateError::UnknownIssuer => "unable to get local issuer certificate".to_owned(),
        CertificateError::BadSignature => "certificate signature failure".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "unsuitable certificate purpose".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let what = match ServerName::try_from(host) {
                Ok(ServerName::IpAddress(_)) => "IP address",
                _ => "Hostname",
            };
            format!("{what} mismatch, certificate is not valid for '{host}'.")
        }
        CertificateError::Other(OtherError(other)) => other.to_string(),
        other => other.to_string(),
    }
}

/// Empty for alerts that are not known.
fn of_alert(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::UnexpectedMessage => "sslv3 alert unexpected message",
        AlertDescription::BadRecordMac => "sslv3 alert bad record mac",
        AlertDescription::HandshakeFailure => "sslv3 alert handshake failure",
        AlertDescription::BadCertificate => "sslv3 alert bad certificate",
        AlertDescription::UnsupportedCertificate => "sslv3 alert unsupported certificate",
        AlertDescription::CertificateRevoked => "sslv3 alert certificate revoked",
        AlertDescription::CertificateExpired => "sslv3 alert certificate expired",
        AlertDescription::CertificateUnknown => "sslv3 alert certificate unknown",
        AlertDescription::IllegalParameter => "sslv3 alert illegal parameter",
        AlertDescription::UnknownCA => "tlsv1 alert unknown ca",
        AlertDescription::AccessDenied => "tlsv1 alert access denied",
        AlertDescription::DecodeError => "tlsv1 alert decode error",
        AlertDescription::DecryptError => "tlsv1 alert decrypt error",
        AlertDescription::ProtocolVersion => "tlsv1 alert protocol version",
        AlertDescription::InsufficientSecurity => "tlsv1 alert insufficient security",
        AlertDescription::InternalError => "tlsv1 alert internal error",
        AlertDescription::UnrecognisedName => "tlsv1 unrecognized name",
        AlertDescription::CertificateRequired => "tlsv13 alert certificate required",
        _ => "",
    }
}

/// Judges as webpki does, but for a server that shows a root of the bundle itself, and tells of a chain that nobody knows
/// what OpenSSL would tell.
#[derive(Debug)]
pub(super) struct Telling {
    pub(super) verifier: Arc<WebPkiServerVerifier>,
    /// The roots that signed themselves.
    pub(super) self_signed: Vec<CertificateDer<'static>>,
}

impl Telling {
    /// OpenSSL's verdict where it differs from webpki's, which is `verdict`.
    ///
    /// webpki lets no authority be a server; `openssl req -x509` makes each self-signed certificate an authority, and
    /// OpenSSL believes it when it is in the bundle. It is looked at for the host then (`None` is any), and has been for
    /// its validity: webpki looks at that before.
    pub(super) fn judge_again(
        &self,
        verdict: Error,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: Option<&ServerName<'_>>,
    ) -> Result<ServerCertVerified, Error> {
        let is_authority = is_about_authority(&verdict);
        if is_authority && self.self_signed.iter().any(|root| root.as_ref() == end_entity.as_ref()) {
            return match host {
                Some(host) if !is_for(end_entity, host) => Err(CertificateError::NotValidForName.into()),
                _ => Ok(ServerCertVerified::assertion()),
            };
        }
        let is_unknown = matches!(verdict, Error::InvalidCertificate(CertificateError::UnknownIssuer));
        // The signature is that of a root with the same name, when there is one; OpenSSL does not get so far.
        let is_misjudged = is_authority || matches!(verdict, Error::InvalidCertificate(CertificateError::BadSignature));
        let known = if is_unknown || (is_misjudged && is_own_issuer(end_entity)) {
            self_signed(end_entity, intermediates)
        } else {
            None
        };
        Err(known.map_or(verdict, |known| {
            CertificateError::Other(OtherError(Arc::new(known))).into()
        }))
    }
}

/// Whether webpki says that the server's certificate is one of an authority.
fn is_about_authority(verdict: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(OtherError(other))) = verdict else {
        return false;
    };
    matches!(other.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

fn is_for(certificate: &CertificateDer<'_>, host: &ServerName<'_>) -> bool {
    EndEntityCert::try_from(certificate).is_ok_and(|parsed| parsed.verify_is_valid_for_subject_name(host).is_ok())
}

/// Why no root was found, where OpenSSL says more than that.
#[derive(Debug)]
struct SelfSigned {
    words: &'static str,
}

impl fmt::Display for SelfSigned {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.words)
    }
}

impl std::error::Error for SelfSigned {}

/// Looks at the names only, as OpenSSL does before it has a root: signed by itself is who is its own issuer.
pub(super) fn is_own_issuer(certificate: &CertificateDer<'_>) -> bool {
    EndEntityCert::try_from(certificate).is_ok_and(|parsed| parsed.issuer() == parsed.subject())
}

fn self_signed(end_entity: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> Option<SelfSigned> {
    if is_own_issuer(end_entity) {
        Some(SelfSigned {
            words: "self-signed certificate",
        })
    } else {
        intermediates.iter().any(is_own_issuer).then_some(SelfSigned {
            words: "self-signed certificate in certificate chain",
        })
    }
}

impl ServerCertVerifier for Telling {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self
            .verifier
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        verdict.or_else(|verdict| self.judge_again(verdict, end_entity, intermediates, Some(server_name)))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

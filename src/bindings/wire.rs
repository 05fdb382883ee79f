//! `WireOptions` and `TlsSettings`, seen from Python: made once, shared by all sessions that want the same.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::http::{Anchors, ClientCert, IpVersion, Override, TlsSettings, TlsVersions, Verify, WireOptions};

/// How the connections of a session are made.
#[pyclass(frozen, name = "WireOptions", module = "rocust._core")]
pub(crate) struct PyWireOptions {
    pub(super) inner: Arc<WireOptions>,
}

#[pymethods]
impl PyWireOptions {
    #[new]
    #[pyo3(signature = (*, http2, keep_alive, tls_resumption, resolve, ip_version, source_address, dns_ttl = None))]
    fn new(
        http2: bool,
        keep_alive: bool,
        tls_resumption: bool,
        resolve: Vec<String>,
        ip_version: Option<u8>,
        source_address: Option<(String, u16)>,
        dns_ttl: Option<f64>,
    ) -> PyResult<Self> {
        let overrides = resolve.iter().map(|text| Override::parse(text));
        let ip_version = match ip_version {
            None => None,
            Some(4) => Some(IpVersion::V4),
            Some(6) => Some(IpVersion::V6),
            Some(other) => return Err(PyValueError::new_err(format!("IP has versions 4 and 6, not {other}"))),
        };
        let source = match source_address {
            None => None,
            Some((address, port)) => Some(source(&address, port)?),
        };
        Ok(Self {
            inner: Arc::new(WireOptions {
                http2,
                keep_alive,
                resumes_tls: tls_resumption,
                overrides: overrides.collect::<Result<_, _>>().map_err(PyValueError::new_err)?,
                ip_version,
                source,
                dns_ttl: dns_ttl.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            }),
        })
    }

    /// For how many seconds addresses are used that a name resolved to; None for the usual time.
    #[getter]
    fn dns_ttl(&self) -> Option<f64> {
        self.inner.dns_ttl.map(|ttl| ttl.as_secs_f64())
    }
}

fn source(address: &str, port: u16) -> PyResult<SocketAddr> {
    let address: IpAddr = address
        .parse()
        .map_err(|_| PyValueError::new_err(format!("{address:?} is no IP address to connect from")))?;
    Ok(SocketAddr::new(address, port))
}

/// Whom to believe and what to show. Connections are shared between equal settings, which are compared by address first.
#[pyclass(frozen, name = "TlsSettings", module = "rocust._core")]
pub(crate) struct PyTlsSettings {
    pub(super) inner: Arc<TlsSettings>,
}

#[pymethods]
impl PyTlsSettings {
    #[new]
    #[pyo3(signature = (*, bundle=None, anchors=None, accepts_other_hosts=false, certificate=None, key=None, version=None))]
    fn new(
        bundle: Option<String>,
        anchors: Option<Vec<Vec<u8>>>,
        accepts_other_hosts: bool,
        certificate: Option<String>,
        key: Option<String>,
        version: Option<&str>,
    ) -> PyResult<Self> {
        let verify = match (bundle, anchors) {
            (Some(path), _) => Verify::Bundle(path.into()),
            (None, Some(certificates)) => Verify::Anchors(Arc::new(Anchors::new(certificates))),
            (None, None) => Verify::Off,
        };
        let versions = match version {
            None => TlsVersions::All,
            Some("1.2") => TlsVersions::Only12,
            Some("1.3") => TlsVersions::Only13,
            Some(other) => return Err(PyValueError::new_err(format!("there is no TLS {other} here"))),
        };
        let cert = certificate.map(|certificate| ClientCert {
            certificate: certificate.into(),
            key: key.map(Into::into),
        });
        Ok(Self {
            inner: Arc::new(TlsSettings {
                verify,
                accepts_other_hosts,
                versions,
                cert,
            }),
        })
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyTlsSettings>()?;
    module.add_class::<PyWireOptions>()
}

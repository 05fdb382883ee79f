//! `WireOptions`, seen from Python: made once, shared by all sessions that want the same.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::http::{IpVersion, Override, WireOptions};

/// How the connections of a session are made.
#[pyclass(frozen, name = "WireOptions", module = "rocust._core")]
pub(crate) struct PyWireOptions {
    pub(super) inner: Arc<WireOptions>,
}

#[pymethods]
impl PyWireOptions {
    #[new]
    #[pyo3(signature = (*, http2, keep_alive, tls_resumption, resolve, ip_version, source_address))]
    fn new(
        http2: bool,
        keep_alive: bool,
        tls_resumption: bool,
        resolve: Vec<String>,
        ip_version: Option<u8>,
        source_address: Option<(String, u16)>,
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
            }),
        })
    }
}

fn source(address: &str, port: u16) -> PyResult<SocketAddr> {
    let address: IpAddr = address
        .parse()
        .map_err(|_| PyValueError::new_err(format!("{address:?} is no IP address to connect from")))?;
    Ok(SocketAddr::new(address, port))
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyWireOptions>()
}

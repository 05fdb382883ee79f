//! `Proxies`: the rules of one `proxies=` mapping, made once and handed over with every call that goes by them.

use std::sync::Arc;

use http::HeaderValue;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::http::proxy::{Rule, TunnelForm};
use crate::http::{Proxies, Proxy, ProxyKind, Target};

/// A proxy as Python has taken its URL apart.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Written<'py> {
    /// The URL as the user wrote it.
    url: String,
    kind: String,
    host: String,
    port: u16,
    credentials: Option<(String, String)>,
    authorization: Option<Bound<'py, PyBytes>>,
    speaks_http11: bool,
    always_names_port: bool,
}

/// What stands behind a key.
#[derive(FromPyObject)]
enum Entry<'py> {
    Proxy(Written<'py>),
    /// The URL of a proxy that cannot be used.
    Unusable(String),
}

impl Entry<'_> {
    fn into_rule(self) -> Rule {
        match self {
            Self::Unusable(url) => Rule::Unusable(url.into()),
            Self::Proxy(written) => match written.proxy() {
                Some(proxy) => Rule::Through(Arc::new(proxy)),
                None => Rule::Unusable(written.url.into()),
            },
        }
    }
}

impl Written<'_> {
    fn proxy(&self) -> Option<Proxy> {
        let kind = ProxyKind::of(&self.kind)?;
        let scheme = if kind == ProxyKind::Https { "https" } else { "http" };
        let host = if self.host.contains(':') {
            format!("[{}]", self.host.trim_matches(['[', ']']))
        } else {
            self.host.clone()
        };
        let authorization = match &self.authorization {
            None => None,
            Some(value) => Some(HeaderValue::from_bytes(value.as_bytes()).ok()?),
        };
        Some(Proxy {
            kind,
            address: Target::parse(&format!("{scheme}://{host}:{}/", self.port)).ok()?,
            credentials: self.credentials.clone(),
            authorization,
            tunnel_form: if self.speaks_http11 {
                TunnelForm::Http11
            } else {
                TunnelForm::Http10
            },
            always_names_port: self.always_names_port,
        })
    }
}

/// Which proxies requests take.
#[pyclass(frozen, name = "Proxies", module = "rocust._core")]
pub(crate) struct PyProxies {
    pub(super) inner: Arc<Proxies>,
}

#[pymethods]
impl PyProxies {
    /// A key with None stands for no proxy at all.
    #[new]
    fn new(rules: Vec<(String, Option<Entry<'_>>)>) -> Self {
        let rules = rules
            .into_iter()
            .map(|(key, entry)| (key.into(), entry.map_or(Rule::Direct, Entry::into_rule)));
        Self {
            inner: Arc::new(Proxies { rules: rules.collect() }),
        }
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyProxies>()
}

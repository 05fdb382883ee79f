//! What to send: one request, as data. Building it costs a few reference counts.
//!
//! Must not know where its parts come from (a Python user, a test); must not touch the network.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};

use super::cookies::Cookie;
use super::feed::Feed;
use super::proxy::Proxies;
use super::redirect::RedirectRule;
use super::spelling::Spelling;
use super::target::Target;
use super::tls::TlsSettings;

/// One request and the rules for it.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent rules of a request, each set by name"
)]
pub struct Request {
    /// The method, sent as it is.
    pub method: Method,
    /// Where to.
    pub target: Target,
    /// Headers to send, shared so that a prepared template costs nothing to use again. `Host` is added in front when
    /// it is missing; a template that holds it already (see [`Target::host_header`]) saves that step. A `Host` that
    /// is not the target's own is taken as the user's and survives redirects. `Content-Length` is added for a body.
    pub headers: Arc<HeaderMap>,
    /// Header names that are not to go out in Title-Case.
    pub spelling: Option<Spelling>,
    /// The body, if there is one. `Some` of nothing sends `Content-Length: 0`.
    pub body: Option<Bytes>,
    /// A body that is made while it is sent, instead of `body`.
    pub feed: Option<Feed>,
    /// Cookies for this request (and its redirects) only, each sent where it belongs.
    pub cookies: Vec<Cookie>,
    /// Whether cookies of the session's jar are sent and those of the response kept.
    pub use_jar: bool,
    /// How long each address may take to accept the connection, and then the TLS handshake.
    pub connect_timeout: Option<Duration>,
    /// How long the connection may stay silent while we wait for it. Starts anew with every byte.
    pub read_timeout: Option<Duration>,
    /// How long the whole exchange may take.
    pub total_timeout: Option<Duration>,
    /// Whether redirects are followed, by the session's [`super::RedirectRule`].
    pub follow_redirects: bool,
    /// By which rule, where it is not the session's.
    pub redirect_rule: Option<RedirectRule>,
    /// How many redirects are followed before giving up.
    pub max_redirects: u32,
    /// Whether the response is wanted as soon as its head is there, its body as a [`super::Flow`]; see [`super::open`].
    pub is_streamed: bool,
    /// Whether a content encoding is undone. (Never of a streamed body: its reader does that.)
    pub decode: bool,
    /// Upper bound of the body, both as received and as decoded.
    pub max_body_bytes: Option<u64>,
    /// TLS settings for this request instead of the session's.
    pub tls: Option<Arc<TlsSettings>>,
    /// Which proxies to take; redirects pick anew.
    pub proxies: Option<Arc<Proxies>>,
}

impl Request {
    /// A request as `requests` makes it by default: no headers, redirects followed up to 30 times, body decoded.
    #[must_use]
    pub fn new(method: Method, target: Target) -> Self {
        Self {
            method,
            target,
            headers: Arc::default(),
            spelling: None,
            body: None,
            feed: None,
            cookies: Vec::new(),
            use_jar: true,
            connect_timeout: None,
            read_timeout: None,
            total_timeout: None,
            follow_redirects: true,
            redirect_rule: None,
            max_redirects: 30,
            is_streamed: false,
            decode: true,
            max_body_bytes: None,
            tls: None,
            proxies: None,
        }
    }
}

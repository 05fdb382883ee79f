//! What went wrong with an exchange: data about the system under test, never an error of ours.
//!
//! Holds facts only (kind, errno, the operating system's words), so that the Python rooms can build the exception
//! that `requests` or `geventhttpclient` would have raised. Knows nothing of those classes itself.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::proxy::Proxy;
use super::response::Response;
use super::target::{Target, UrlProblem};

/// The kinds of failure that callers tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// Nobody listens at the address (errno 111).
    Refused,
    /// The peer reset the connection (errno 104), or closed it while we were writing (errno 32).
    Reset,
    /// The peer closed the connection without sending one byte of a response; `RemoteDisconnected` in Python.
    ClosedEarly,
    /// No TCP connection or TLS session within the connect timeout.
    ConnectTimeout,
    /// Nothing was read for the length of the read timeout.
    ReadTimeout,
    /// The exchange as a whole took longer than its limit.
    TotalTimeout,
    /// The host name has no address. `errno` holds the `EAI_*` number when it is known (-2, -3, -5).
    Resolve,
    /// The TLS handshake failed, or the certificate was not accepted.
    Tls,
    /// The proxy refused to open a tunnel. `status_line` is what an HTTP proxy said; for SOCKS the message is.
    Tunnel,
    /// What came back is not HTTP/1.
    NotHttp,
    /// The body ended early, was badly framed or could not be decoded (then `response` holds it as it came).
    BadBody,
    /// More redirects than allowed. `response` holds the last one.
    TooManyRedirects,
    /// A redirect to somewhere that cannot be followed. `response` holds the redirect.
    InvalidRedirect,
    /// The proxy that was picked cannot be used; the message is its URL.
    UnusableProxy,
    /// The caller gave up: the exchange's future was dropped.
    Aborted,
    /// The caller could not make (the rest of) the request's body.
    BodyGivenUp,
    /// The body of the response exceeds the bound that the request set, or [`super::decode::MAX_DECODED_BYTES`].
    TooLarge,
    /// What belongs around a body goes on for ever, or as good as: the head, interim responses, what stands between
    /// chunks.
    Endless,
    /// Anything else; see `errno` and `message`.
    Other,
}

/// How much of a body had come when it broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyProgress {
    /// Bytes received, as on the wire (before decoding).
    pub received: u64,
    /// Bytes still missing, when the response had declared its length.
    pub missing: Option<u64>,
}

/// Where a body that comes in chunks broke off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChunkBreak {
    /// In the data of a chunk, or in the line end after it (which counts by itself: two bytes).
    Inside {
        /// Bytes of this chunk that had come.
        received: u64,
        /// Bytes of this chunk still missing.
        missing: u64,
    },
    /// At this line, as it came, which should be a chunk's size and is not.
    BadSize(Box<[u8]>),
    /// Between two chunks, or after the last one.
    Between,
}

/// How far the way through a proxy had been gone when something failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyStage {
    /// There was no connection to the proxy yet.
    Reaching,
    /// The proxy had been asked for a tunnel.
    Asking,
    /// The way was open.
    Beyond,
}

/// The proxy on the way of a failed exchange.
#[derive(Clone, Debug)]
pub struct Via {
    /// The proxy.
    pub proxy: Arc<Proxy>,
    /// How far the exchange had come.
    pub stage: ProxyStage,
}

/// An exchange that gave no usable response.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What happened.
    pub kind: FailureKind,
    /// The operating system's error number, or the resolver's negative `EAI_*` number.
    pub errno: Option<i32>,
    /// What happened, in words. For operating system errors, in the words of `strerror`.
    pub message: String,
    /// Where the failed request went (the last of a redirect chain).
    pub target: Target,
    /// The response the failure is about, where there is one.
    pub response: Option<Box<Response>>,
    /// What had come of a response whose body broke off: its head, and the body so far as it came.
    pub partial: Option<Box<Response>>,
    /// Whether some of the head had come, of an answer that broke off in it.
    pub is_in_head: bool,
    /// How far the body came, for [`FailureKind::BadBody`] and a reset in the body.
    pub progress: Option<BodyProgress>,
    /// Where in its chunks the body broke off, for a [`FailureKind::BadBody`] that comes in chunks.
    pub chunk_break: Option<ChunkBreak>,
    /// The line that should be a status line and is not, as it came, for [`FailureKind::NotHttp`]
    /// and [`FailureKind::Tunnel`].
    pub status_line: Option<Box<[u8]>>,
    /// What is wrong with the location, for [`FailureKind::InvalidRedirect`].
    pub url_problem: Option<UrlProblem>,
    /// The proxy on the way, where there was one.
    pub via: Option<Via>,
}

impl Failure {
    /// A failure with words and nothing else.
    #[must_use]
    pub fn new(kind: FailureKind, target: &Target, message: impl Into<String>) -> Self {
        Self {
            kind,
            errno: None,
            message: message.into(),
            target: target.clone(),
            response: None,
            partial: None,
            is_in_head: false,
            progress: None,
            chunk_break: None,
            status_line: None,
            url_problem: None,
            via: None,
        }
    }

    /// The same, on the way through a proxy; a stage that was told already stays.
    pub(crate) fn on_the_way(mut self, proxy: &Arc<Proxy>, stage: ProxyStage) -> Self {
        self.via.get_or_insert_with(|| Via {
            proxy: Arc::clone(proxy),
            stage,
        });
        self
    }

    /// The failure to report for an exchange whose future was dropped before it ended.
    #[must_use]
    pub fn aborted(target: &Target) -> Self {
        Self::new(FailureKind::Aborted, target, "The exchange was aborted")
    }

    /// The failure of a request whose body its caller could not make.
    pub(crate) fn given_up(target: &Target) -> Self {
        Self::new(FailureKind::BodyGivenUp, target, "The request body could not be made")
    }

    /// A failure told by the operating system.
    pub(crate) fn from_io(error: &io::Error, target: &Target) -> Self {
        let errno = error.raw_os_error();
        let kind = match error.kind() {
            io::ErrorKind::ConnectionRefused => FailureKind::Refused,
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
                FailureKind::Reset
            }
            io::ErrorKind::TimedOut => FailureKind::ConnectTimeout,
            _ => FailureKind::Other,
        };
        let mut failure = Self::new(kind, target, plain_message(error));
        failure.errno = errno;
        failure
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.errno {
            Some(errno) => write!(formatter, "[Errno {errno}] {}", self.message),
            None => formatter.write_str(&self.message),
        }
    }
}

impl std::error::Error for Failure {}

/// The words of `strerror` alone: Rust appends " (os error N)", which `errno` already says.
fn plain_message(error: &io::Error) -> String {
    let mut words = error.to_string();
    if let Some(errno) = error.raw_os_error() {
        let suffix = format!(" (os error {errno})");
        if let Some(end) = words.len().checked_sub(suffix.len())
            && words.ends_with(&suffix)
        {
            words.truncate(end);
        }
    }
    words
}

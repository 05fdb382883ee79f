//! A parsed absolute URL: where a request goes, and how its URL reads.
//!
//! Reads and quotes URLs as `requests` and `urllib3` do, because names in the statistics and URLs in events are made
//! of the result. Rules by part: [`quote`] (percent-encoding), [`authority`] (host and port), [`reference`]
//! (splitting and joining); [`fast`] reads them as geventhttpclient does. Touches no network; knows nothing of names in statistics.

mod authority;
mod fast;
mod quote;
mod reference;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderValue, Uri};

use authority::Authority;
pub use quote::python_repr;
use reference::Reference;

/// `http` or `https`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// The scheme as it stands in a URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port when none is written.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    fn of(word: &str) -> Option<Self> {
        if word.eq_ignore_ascii_case("http") {
            Some(Self::Http)
        } else if word.eq_ignore_ascii_case("https") {
            Some(Self::Https)
        } else {
            None
        }
    }
}

/// Why a URL cannot be requested: which exception `requests` raises, with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlProblem {
    /// `requests.exceptions.MissingSchema`.
    MissingSchema(String),
    /// `requests.exceptions.InvalidSchema`.
    InvalidSchema(String),
    /// `requests.exceptions.InvalidURL`.
    InvalidUrl(String),
    /// A plain `ValueError`, which `requests` lets out when a `Location` cannot be split.
    Malformed(String),
}

impl UrlProblem {
    /// The text of the exception.
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Self::MissingSchema(message)
            | Self::InvalidSchema(message)
            | Self::InvalidUrl(message)
            | Self::Malformed(message) => message,
        }
    }
}

impl fmt::Display for UrlProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message())
    }
}

impl std::error::Error for UrlProblem {}

/// A parsed absolute `http` or `https` URL. Cloning it is one reference count.
#[derive(Clone)]
pub struct Target {
    inner: Arc<Inner>,
}

struct Inner {
    /// The whole URL; the other texts are ranges of it where they can be.
    url: Bytes,
    scheme: Scheme,
    /// Host to look up, normalised: lower case, IDNA, no brackets.
    host: Host,
    /// The Unix socket that takes the place of host and port.
    socket: Option<Box<str>>,
    /// The port as written, which the default port may be.
    written_port: Option<u16>,
    port: u16,
    host_header: HeaderValue,
    userinfo: Option<Range<usize>>,
    /// Path and query as they stand in `url`.
    path_url: PathUrl,
    fragment: Option<usize>,
    wire: PathAndQuery,
}

/// Where the host's text lives.
enum Host {
    Inside(Range<usize>),
    Apart(Box<str>),
}

/// Where the path and query live.
enum PathUrl {
    Inside(Range<usize>),
    Apart(Box<str>),
}

impl Target {
    /// Parses and quotes a URL as `requests` prepares it.
    ///
    /// # Errors
    ///
    /// The exception `requests` would raise for it.
    pub fn parse(url: &str) -> Result<Self, UrlProblem> {
        Self::parse_with_query(url, "")
    }

    /// Parses a URL and adds `query` (already encoded, as `params` gives it) to the query it has.
    ///
    /// # Errors
    ///
    /// The exception `requests` would raise for it.
    pub fn parse_with_query(url: &str, query: &str) -> Result<Self, UrlProblem> {
        if query.is_empty()
            && let Some(target) = Self::parse_plain(url)
        {
            return Ok(target);
        }
        let prepared = prepare(url, query)?;
        Self::from_prepared(prepared)
    }

    /// Takes a URL that was prepared already, or made by hand, as it stands: its dots are not resolved, and only what a request line
    /// may not hold is encoded.
    ///
    /// # Errors
    ///
    /// The exception `requests` would raise when it sends it.
    pub fn prepared(url: &str) -> Result<Self, UrlProblem> {
        Self::parse_plain(url).map_or_else(|| Self::from_prepared(url.to_owned()), Ok)
    }

    /// This URL with `query` (already encoded) added to the query it has.
    ///
    /// # Errors
    ///
    /// When the result is longer than a request line may be.
    pub fn with_query(&self, query: &str) -> Result<Self, UrlProblem> {
        if query.is_empty() {
            return Ok(self.clone());
        }
        let (before, fragment) = match self.inner.fragment {
            Some(start) => self.as_str().split_at(start - 1),
            None => (self.as_str(), ""),
        };
        let joint = match before.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        Self::from_prepared(quote::requote_uri(&format!("{before}{joint}{query}{fragment}")))
    }

    /// Where a `Location` of this URL's response leads, by the rules of `requests`: relative references, `//host`
    /// forms, quoting, and the fragment inherited when the location has none.
    ///
    /// # Errors
    ///
    /// [`UrlProblem::InvalidSchema`] for a location that is neither `http` nor `https`, [`UrlProblem::InvalidUrl`]
    /// for one without a usable host, [`UrlProblem::Malformed`] for one that cannot be split.
    pub fn join(&self, location: &str) -> Result<Self, UrlProblem> {
        let absolute_scheme;
        let location = if location.starts_with("//") {
            absolute_scheme = format!("{}:{location}", self.scheme().as_str());
            &absolute_scheme
        } else {
            location
        };
        let mut parsed = Reference::split(location)?;
        if parsed.fragment.is_empty()
            && let Some(fragment) = self.fragment()
        {
            fragment.clone_into(&mut parsed.fragment);
        }
        let quoted = quote::requote_uri(&parsed.unsplit());
        let url = if parsed.authority.is_empty() {
            reference::join(self.as_str(), &quoted)?
        } else {
            quoted
        };
        Self::from_prepared(url)
    }

    /// The URL as `requests` prepares it (`response.url`): quoted, with user info and fragment.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.inner.text(0..self.inner.url.len())
    }

    /// `requests`' `path_url`: path and query, never empty.
    #[must_use]
    pub fn path_url(&self) -> &str {
        match &self.inner.path_url {
            PathUrl::Inside(range) => self.inner.text(range.clone()),
            PathUrl::Apart(text) => text,
        }
    }

    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        let path_url = self.path_url();
        path_url.split_once('?').map_or(path_url, |(path, _)| path)
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.inner.scheme
    }

    /// The host to look up: lower case, IDNA-encoded, an IPv6 address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        match &self.inner.host {
            Host::Inside(range) => self.inner.text(range.clone()),
            Host::Apart(text) => text,
        }
    }

    /// The path of the Unix socket to connect to, in place of host and port.
    #[must_use]
    pub fn socket(&self) -> Option<&str> {
        self.inner.socket.as_deref()
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.inner.port
    }

    /// The port as written in the URL.
    #[must_use]
    pub fn written_port(&self) -> Option<u16> {
        self.inner.written_port
    }

    /// What goes into `Host`: the host, and the port unless it is the scheme's own.
    #[must_use]
    pub fn host_header(&self) -> &HeaderValue {
        &self.inner.host_header
    }

    /// `user:password` as written, percent-encoded.
    #[must_use]
    pub fn userinfo(&self) -> Option<&str> {
        self.inner.userinfo.clone().map(|range| self.inner.text(range))
    }

    /// What follows `#`; never sent.
    #[must_use]
    pub fn fragment(&self) -> Option<&str> {
        self.inner
            .fragment
            .map(|start| self.inner.text(start..self.inner.url.len()))
    }

    /// The request target in origin form, as the codec takes it.
    #[must_use]
    pub fn wire_uri(&self) -> Uri {
        Uri::from(self.inner.wire.clone())
    }

    /// Whether a connection opened for `other` serves this URL as well: same scheme, host and port.
    #[must_use]
    pub fn has_same_origin(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
            || (self.inner.scheme == other.inner.scheme
                && self.inner.port == other.inner.port
                && self.host() == other.host())
    }

    /// The common case in one pass: nothing to quote, to normalise or to refuse. `None` sends the URL the long way.
    fn parse_plain(url: &str) -> Option<Self> {
        let (scheme, host_start) = match url.as_bytes() {
            [b'h', b't', b't', b'p', b':', b'/', b'/', ..] => (Scheme::Http, 7),
            [b'h', b't', b't', b'p', b's', b':', b'/', b'/', ..] => (Scheme::Https, 8),
            _ => return None,
        };
        let rest = &url[host_start..];
        let host_length = rest
            .bytes()
            .take_while(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
            .count();
        let host_text = &rest[..host_length];
        if host_length == 0 || host_text.starts_with('.') || host_text.ends_with('.') {
            return None;
        }
        let host = host_start..host_start + host_length;
        let (written_port, path_start) = match url.as_bytes().get(host.end) {
            Some(b'/') => (None, host.end),
            Some(b':') => {
                let digits = url[host.end + 1..].bytes().take_while(u8::is_ascii_digit).count();
                let port_end = host.end + 1 + digits;
                if url.as_bytes().get(port_end) != Some(&b'/') || url.as_bytes().get(host.end + 1) == Some(&b'0') {
                    return None;
                }
                (Some(url[host.end + 1..port_end].parse().ok()?), port_end)
            }
            _ => return None,
        };
        let path_url = &url[path_start..];
        let (path, query) = path_url.split_once('?').unwrap_or((path_url, "-"));
        if !quote::is_plain_path(path) || query.is_empty() || !quote::is_plain_query(query) {
            return None;
        }
        let port = written_port.unwrap_or(scheme.default_port());
        let url = Bytes::copy_from_slice(url.as_bytes());
        let host_end = if port == scheme.default_port() {
            host.end
        } else {
            path_start
        };
        let host_header = HeaderValue::from_maybe_shared(url.slice(host.start..host_end)).ok()?;
        let wire = PathAndQuery::from_maybe_shared(url.slice(path_start..)).ok()?;
        Some(Self {
            inner: Arc::new(Inner {
                scheme,
                host: Host::Inside(host),
                socket: None,
                written_port,
                port,
                host_header,
                userinfo: None,
                path_url: PathUrl::Inside(path_start..url.len()),
                fragment: None,
                wire,
                url,
            }),
        })
    }

    /// Takes a URL whose text is final (`PreparedRequest.url`) and works out where it leads.
    fn from_prepared(url: String) -> Result<Self, UrlProblem> {
        let no_adapter =
            || UrlProblem::InvalidSchema(format!("No connection adapters were found for {}", python_repr(&url)));
        let (scheme_word, after_scheme) = url.split_once("://").ok_or_else(no_adapter)?;
        // Any other host of that scheme is nothing that requests knows, nor do we.
        let is_socket = scheme_word.eq_ignore_ascii_case(SOCKET_SCHEME) && after_scheme.starts_with("%2");
        let scheme = if is_socket {
            Scheme::Http
        } else {
            Scheme::of(scheme_word).ok_or_else(no_adapter)?
        };
        let authority_end = after_scheme.find(['/', '?', '#']).unwrap_or(after_scheme.len());
        let authority_start = scheme_word.len() + "://".len();
        let authority_text = &after_scheme[..authority_end];
        let authority = Authority::parse(authority_text, Some(&scheme_word.to_ascii_lowercase()), &url)?;
        if authority.host.is_empty() {
            return Err(UrlProblem::InvalidUrl("No host specified.".to_owned()));
        }
        let userinfo = authority_text
            .rfind('@')
            .map(|length| authority_start..authority_start + length);
        let path_start = authority_start + authority_end;
        let fragment = url[path_start..].find('#').map(|position| path_start + position + 1);
        let path_end = fragment.map_or(url.len(), |start| start - 1);
        let path_url = if url[path_start..path_end].starts_with('/') {
            PathUrl::Inside(path_start..path_end)
        } else {
            PathUrl::Apart(format!("/{}", &url[path_start..path_end]).into())
        };
        let port = authority
            .port
            .filter(|port| *port != 0)
            .unwrap_or(scheme.default_port());
        let socket = is_socket.then(|| socket_path(&authority, &url)).transpose()?;
        let mut host_header = match socket {
            None => authority.named_host(),
            Some(_) => "localhost".to_owned(),
        };
        if port != scheme.default_port() {
            host_header.push(':');
            host_header.push_str(&port.to_string());
        }
        let unusable = || UrlProblem::InvalidUrl(format!("Failed to parse: {url}"));
        let host_header = HeaderValue::try_from(host_header).map_err(|_| unusable())?;
        let wire = {
            let as_sent = match &path_url {
                PathUrl::Inside(range) => &url[range.clone()],
                PathUrl::Apart(text) => text,
            };
            let encoded = Bytes::from(quote::encode_target(as_sent));
            PathAndQuery::from_maybe_shared(encoded).map_err(|_| unusable())?
        };
        Ok(Self {
            inner: Arc::new(Inner {
                scheme,
                host: Host::Apart(authority.dial_host().into()),
                socket,
                written_port: authority.port,
                port,
                host_header,
                userinfo,
                path_url,
                fragment,
                wire,
                url: Bytes::from(url),
            }),
        })
    }
}

impl Inner {
    fn text(&self, range: Range<usize>) -> &str {
        // `url` is made from a `str` and every range was found in it, so the empty text is never given.
        self.url
            .get(range)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or_default()
    }
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        self.inner.url == other.inner.url
    }
}

impl Eq for Target {}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Target({:?})", self.as_str())
    }
}

/// The scheme of HTTP over a Unix socket, as `requests-unixsocket` and others spell it: the socket's path, percent-encoded,
/// stands where the host does.
const SOCKET_SCHEME: &str = "http+unix";

fn socket_path(authority: &Authority, url: &str) -> Result<Box<str>, UrlProblem> {
    let path = percent_encoding::percent_decode_str(&authority.host).decode_utf8();
    match path {
        Ok(path) if path.starts_with('/') && !path.contains('\0') && authority.port.is_none() => Ok(path.into()),
        _ => Err(UrlProblem::InvalidUrl(format!(
            "Invalid URL {}: the host of {SOCKET_SCHEME} is the path of a socket, percent-encoded, such as %2Frun%2Fapp.sock",
            python_repr(url)
        ))),
    }
}

/// `PreparedRequest.prepare_url`: the text that `response.url` shows.
fn prepare(url: &str, query: &str) -> Result<String, UrlProblem> {
    let url =
        url.trim_start_matches(|character: char| character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}'));
    let starts_with_http = url.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http"));
    if url.contains(':') && !starts_with_http {
        return Err(UrlProblem::InvalidSchema(format!(
            "No connection adapters were found for {}",
            python_repr(url)
        )));
    }
    let parts = reference::parse(url)?;
    if parts.scheme.as_deref().is_none_or(str::is_empty) {
        return Err(UrlProblem::MissingSchema(format!(
            "Invalid URL {}: No scheme supplied. Perhaps you meant https://{url}?",
            python_repr(url)
        )));
    }
    if parts.authority.host.is_empty() {
        return Err(UrlProblem::InvalidUrl(format!(
            "Invalid URL {}: No host supplied",
            python_repr(url)
        )));
    }
    if parts.authority.host.starts_with(['*', '.']) {
        return Err(UrlProblem::InvalidUrl("URL has an invalid label.".to_owned()));
    }
    Ok(quote::requote_uri(&parts.prepared(query)))
}

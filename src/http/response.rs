//! What came back: one response, as data, with its body in memory.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, COOKIE, HOST};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Method, Version};
use hyper::ext::ReasonPhrase;

use super::feed::Feed;
use super::target::Target;
use super::transcript;

/// A response with its whole body.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The reason phrase where it differs from the standard one for `status`.
    pub reason: Option<Bytes>,
    /// The protocol version of the answer.
    pub version: Version,
    /// The headers; names are in lower case, repeated headers kept.
    pub headers: HeaderMap,
    /// The head as it came, for those who want to know how it was spelled; empty when it was longer than 64 KiB.
    pub raw_head: Box<[u8]>,
    /// The body, decoded when the request asked for it.
    pub body: Bytes,
    /// Bytes of the body as they came over the wire.
    pub wire_body_bytes: u64,
    /// The request that got this answer (after redirects: the last one), as sent.
    pub sent: Sent,
    /// From sending the request (connecting included) to the parsed head of the response; `elapsed` in `requests`.
    pub elapsed: Duration,
    /// The redirects that led here, the first one first.
    pub history: Vec<Response>,
}

impl Response {
    /// The response that these parts make, its body as it came, or as much of that as did.
    pub(crate) fn received(mut parts: Parts, raw_head: Box<[u8]>, body: Bytes, sent: Sent, elapsed: Duration) -> Self {
        let reason = parts.extensions.remove::<ReasonPhrase>();
        let reason = reason.map(|phrase| match phrase.as_bytes() {
            // The codec leaves out what is not ASCII.
            [] => Bytes::copy_from_slice(transcript::reason(&raw_head)),
            phrase => Bytes::copy_from_slice(phrase),
        });
        Self {
            status: parts.status.as_u16(),
            reason,
            version: parts.version,
            headers: parts.headers,
            raw_head,
            wire_body_bytes: body.len() as u64,
            body,
            sent,
            elapsed,
            history: Vec::new(),
        }
    }

    /// The URL that answered.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.sent.target
    }

    /// The headers in the server's order and spelling (in lower case when the head was too long to be kept).
    #[must_use]
    pub fn spelled_headers(&self) -> Vec<(&str, &HeaderValue)> {
        let mut spelled: Vec<(&str, &HeaderValue)> = Vec::with_capacity(self.headers.len());
        for name in transcript::names(&self.raw_head) {
            let before = spelled
                .iter()
                .filter(|(other, _)| other.eq_ignore_ascii_case(name))
                .count();
            if let Some(value) = self.headers.get_all(name).iter().nth(before) {
                spelled.push((name, value));
            }
        }
        if spelled.len() == self.headers.len() {
            return spelled;
        }
        self.headers
            .iter()
            .map(|(name, value)| (name.as_str(), value))
            .collect()
    }
}

/// One redirect on the way to a final response: the redirecting response itself.
pub type Hop = Response;

/// A request as it went over the wire. Cheap: all parts are shared with the request that was asked for.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The method.
    pub method: Method,
    /// Where it went.
    pub target: Target,
    /// The headers as given by the caller (after redirects: without those that were dropped).
    pub headers: Arc<HeaderMap>,
    /// The `Cookie` header that was added.
    pub cookie: Option<HeaderValue>,
    /// The body.
    pub body: Option<Bytes>,
    /// The body, when it was made while it was sent.
    pub feed: Option<Feed>,
}

impl Sent {
    /// All headers as sent, in order: `Host` first unless the caller placed it, then the caller's, then `Cookie`
    /// and `Content-Length`. `Cookie` stands before a `Host` that the caller did not place first, as geventhttpclient
    /// has it, and before a `Content-Length` that the caller placed, as `requests` has it.
    #[must_use]
    pub fn all_headers(&self) -> HeaderMap {
        let mut all = HeaderMap::with_capacity(self.headers.len() + 3);
        if !self.headers.contains_key(HOST) {
            all.insert(HOST, self.target.host_header().clone());
        }
        let mut cookie = self.cookie.as_ref();
        for (name, value) in self.headers.iter() {
            if (name == HOST && !all.is_empty()) || name == CONTENT_LENGTH {
                all.extend(cookie.take().map(|value| (COOKIE, value.clone())));
            }
            all.append(name, value.clone());
        }
        all.extend(cookie.map(|value| (COOKIE, value.clone())));
        if let Some(body) = &self.body
            && !all.contains_key(CONTENT_LENGTH)
        {
            all.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        all
    }

    /// Whether the server is asked to close the connection after this request.
    pub(crate) fn wants_close(&self) -> bool {
        let is_close = |word: &str| word.trim().eq_ignore_ascii_case("close");
        self.headers
            .get_all(CONNECTION)
            .iter()
            .any(|value| value.to_str().is_ok_and(|words| words.split(',').any(is_close)))
    }

    /// Asks for that.
    pub(crate) fn ask_for_close(&mut self) {
        if !self.wants_close() {
            Arc::make_mut(&mut self.headers).insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }

    /// What is handed to the codec: the template itself when nothing has to be added, which is the cheapest way.
    pub(crate) fn wire_headers(&self) -> HeaderMap {
        if self.cookie.is_none() && self.body.is_none() && self.headers.contains_key(HOST) {
            self.headers.as_ref().clone()
        } else {
            self.all_headers()
        }
    }
}

//! Where a redirect leads and what is sent there. Pure: decides, sends nothing.
//!
//! Two rules, since Locust has two clients: `requests`' `resolve_redirects` (with its departures from the RFC, as
//! browsers have them) and `geventhttpclient`'s `UserAgent`.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderName, LOCATION,
    PROXY_AUTHORIZATION, TRANSFER_ENCODING,
};
use http::{HeaderMap, Method};

use super::response::Sent;
use super::target::{Scheme, Target, UrlProblem};

/// Whose redirects are copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedirectRule {
    /// `requests`: 301, 302, 303, 307 and 308.
    Requests,
    /// `geventhttpclient`: these codes, and a limit of 0 follows nothing and hands the redirect back.
    Fast(Arc<[u16]>),
}

impl RedirectRule {
    /// `geventhttpclient`'s own set of codes.
    #[must_use]
    pub fn fast() -> Self {
        Self::Fast(Arc::from([301, 302, 303, 307, 308]))
    }

    /// The location to follow, as it came, if this response is a redirect for this rule.
    pub(crate) fn location<'a>(&self, status: u16, headers: &'a HeaderMap, max_redirects: u32) -> Option<&'a [u8]> {
        let is_redirect = match self {
            Self::Requests => matches!(status, 301 | 302 | 303 | 307 | 308),
            Self::Fast(codes) => max_redirects > 0 && codes.contains(&status),
        };
        if !is_redirect {
            return None;
        }
        let location = headers.get(LOCATION)?.as_bytes();
        (!location.is_empty()).then_some(location)
    }

    /// The text of a location: UTF-8 for `requests`, Latin-1 for the other one.
    fn read<'a>(&self, location: &'a [u8]) -> Result<Cow<'a, str>, UrlProblem> {
        match self {
            Self::Requests => std::str::from_utf8(location).map(Cow::Borrowed).map_err(|_| {
                let shown = location.escape_ascii();
                UrlProblem::Malformed(format!("The Location header is not UTF-8: b'{shown}'"))
            }),
            Self::Fast(_) => Ok(location.iter().map(|byte| char::from(*byte)).collect()),
        }
    }

    /// What is said when there were too many.
    pub(crate) fn limit_message(&self, max_redirects: u32) -> String {
        match self {
            Self::Requests => format!("Exceeded {max_redirects} redirects."),
            Self::Fast(_) => format!("Redirection limit reached ({max_redirects})"),
        }
    }

    /// The request that follows `sent` to `location` after an answer with `status`; `first` is where the chain began.
    ///
    /// # Errors
    ///
    /// When the location cannot be requested.
    pub(crate) fn next(&self, sent: &Sent, status: u16, location: &[u8], first: &Target) -> Result<Sent, UrlProblem> {
        let location = self.read(location)?;
        let target = match self {
            Self::Requests => sent.target.join(&location)?,
            Self::Fast(_) => sent.target.join_fast(&location)?,
        };
        let mut headers = sent.headers.as_ref().clone();
        let (method, keeps_body) = match self {
            Self::Requests => follow_as_requests(sent, status, &target, &mut headers),
            Self::Fast(_) => follow_as_fast(sent, status, &target, first, &mut headers),
        };
        drop_headers(&mut headers, &[COOKIE]);
        // A `Host` that was the old target's own moves on; one that the user chose stays.
        if headers.get(HOST) == Some(sent.target.host_header()) {
            headers.insert(HOST, target.host_header().clone());
        }
        Ok(Sent {
            method,
            target,
            headers: Arc::new(headers),
            cookie: None,
            body: sent.body.clone().filter(|_| keeps_body),
            feed: sent.feed.clone().filter(|_| keeps_body),
        })
    }
}

fn follow_as_requests(sent: &Sent, status: u16, target: &Target, headers: &mut HeaderMap) -> (Method, bool) {
    let becomes_get = match status {
        302 | 303 => sent.method != Method::HEAD,
        301 => sent.method == Method::POST,
        _ => false,
    };
    let keeps_body = matches!(status, 307 | 308);
    if !keeps_body {
        drop_headers(headers, &[CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING]);
    }
    if must_strip_authorization(&sent.target, target) {
        drop_headers(headers, &[AUTHORIZATION]);
    }
    drop_headers(headers, &[PROXY_AUTHORIZATION]);
    let method = if becomes_get { Method::GET } else { sent.method.clone() };
    (method, keeps_body)
}

fn follow_as_fast(
    sent: &Sent,
    status: u16,
    target: &Target,
    first: &Target,
    headers: &mut HeaderMap,
) -> (Method, bool) {
    if !target.has_same_origin(first) {
        drop_headers(headers, &[AUTHORIZATION]);
    }
    drop_headers(headers, &[HeaderName::from_static("cookie2")]);
    if !matches!(status, 301..=303) {
        return (sent.method.clone(), true);
    }
    drop_headers(
        headers,
        &[CONTENT_LENGTH, CONTENT_TYPE, CONTENT_ENCODING, TRANSFER_ENCODING],
    );
    let method = if sent.method == Method::HEAD {
        Method::HEAD
    } else {
        Method::GET
    };
    (method, false)
}

/// Drops headers and leaves the others in their order, which `HeaderMap::remove` does not.
fn drop_headers(headers: &mut HeaderMap, names: &[HeaderName]) {
    if names.iter().any(|name| headers.contains_key(name)) {
        let all = std::mem::take(headers);
        let kept = all.iter().filter(|(name, _)| !names.contains(name));
        headers.extend(kept.map(|(name, value)| (name.clone(), value.clone())));
    }
}

/// `requests`' `should_strip_auth`: credentials stay with their host, and may move from `http` to `https` there.
fn must_strip_authorization(old: &Target, new: &Target) -> bool {
    if old.host() != new.host() {
        return true;
    }
    let upgrades =
        old.scheme() == Scheme::Http && old.port() == 80 && new.scheme() == Scheme::Https && new.port() == 443;
    !upgrades && (old.scheme() != new.scheme() || old.port() != new.port())
}

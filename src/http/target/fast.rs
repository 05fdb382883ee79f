//! URLs as geventhttpclient reads them: the path goes out as it was written, dots and all, but for what a URL may not hold.
//!
//! Differs from `requests` in what is sent and shown, not in where it goes: hosts and ports are read by the same rules.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::uri::PathAndQuery;

use super::quote::{self, python_repr};
use super::reference::Reference;
use super::{Host, Inner, PathUrl, Scheme, Target, UrlProblem};

impl Target {
    /// Parses a URL as geventhttpclient does, with `query` (already encoded) added to the query it has. Its text stays as it was written.
    ///
    /// # Errors
    ///
    /// For a URL that nothing can be sent to, in the words of [`Target::parse`] or of geventhttpclient.
    pub fn parse_fast(url: &str, query: &str) -> Result<Self, UrlProblem> {
        // A semicolon or a double slash may be more than text to geventhttpclient.
        let is_plain = query.is_empty() && !url.contains(';') && !url.get(8..).unwrap_or_default().contains("//");
        if is_plain && let Some(target) = Self::parse_plain(url) {
            return Ok(target);
        }
        let mut parts = Reference::split(url)?;
        if query.is_empty() {
            return Self::from_parts(&parts, url.to_owned());
        }
        if !parts.query.is_empty() {
            parts.query.push('&');
        }
        parts.query.push_str(query);
        let text = parts.unsplit();
        Self::from_parts(&parts, text)
    }

    /// Where a `Location` of this URL's response leads, by geventhttpclient's rules, which are those of RFC 3986: no fragment is inherited.
    ///
    /// # Errors
    ///
    /// As [`Target::join`].
    pub fn join_fast(&self, location: &str) -> Result<Self, UrlProblem> {
        let parts = Reference::split(self.as_str())?.resolve(location)?;
        let text = parts.unsplit();
        if Scheme::of(&parts.scheme).is_none() {
            let shown = python_repr(&text);
            return Err(UrlProblem::InvalidSchema(format!(
                "No connection adapters were found for {shown}"
            )));
        }
        Self::from_parts(&parts, text)
    }

    fn from_parts(parts: &Reference, text: String) -> Result<Self, UrlProblem> {
        let wire = parts.request_uri();
        if wire.starts_with("//") {
            return Err(UrlProblem::Malformed(format!(
                "invalid request URI {}: protocol-relative targets are not origin-form",
                python_repr(&wire)
            )));
        }
        let is_nowhere = parts.authority.is_empty() && Scheme::of(&parts.scheme).is_some();
        let origin = if is_nowhere {
            None
        } else {
            let url = format!("{}://{}/", parts.scheme, parts.authority);
            // What is wrong with it is told of the whole URL.
            let origin = Self::parse(&url).map_err(|problem| Self::parse(&text).err().unwrap_or(problem))?;
            Some(origin)
        };
        let unusable = |_| UrlProblem::InvalidUrl(format!("Failed to parse: {text}"));
        let wire = if wire.starts_with('/') {
            wire
        } else {
            format!("/{wire}")
        };
        let wire_path = PathAndQuery::from_maybe_shared(Bytes::from(wire.clone())).map_err(unusable)?;
        let scheme = origin
            .as_ref()
            .map_or(Scheme::of(&parts.scheme).unwrap_or(Scheme::Http), Self::scheme);
        Ok(Self {
            inner: Arc::new(Inner {
                scheme,
                // geventhttpclient looks the empty name up, which nobody has.
                host: Host::Apart(origin.as_ref().map_or("", Self::host).into()),
                socket: origin.as_ref().and_then(Self::socket).map(Into::into),
                written_port: origin.as_ref().and_then(Self::written_port),
                port: origin.as_ref().map_or(scheme.default_port(), Self::port),
                host_header: origin.map_or(HeaderValue::from_static(""), |origin| origin.host_header().clone()),
                userinfo: None,
                path_url: PathUrl::Apart(wire.into()),
                fragment: None,
                wire: wire_path,
                url: Bytes::from(text),
            }),
        })
    }
}

impl Reference {
    /// What stands on the request line, the slash in front aside.
    fn request_uri(&self) -> String {
        let mut uri = self.path.clone();
        for (mark, part) in [(';', &self.params), ('?', &self.query)] {
            if !part.is_empty() {
                uri.push(mark);
                uri.push_str(part);
            }
        }
        quote::requote_uri(&uri)
    }

    /// `URL.redirect` of geventhttpclient.
    fn resolve(self, location: &str) -> Result<Self, UrlProblem> {
        let mut other = Self::split(location)?;
        if other.scheme.is_empty() {
            other.scheme = self.scheme;
            if other.authority.is_empty() {
                other.authority = self.authority;
                if other.path.is_empty() && other.params.is_empty() {
                    (other.path, other.params) = (self.path, self.params);
                    if other.query.is_empty() {
                        other.query = self.query;
                    }
                } else if !other.path.starts_with('/') {
                    let folder = self.path.rfind('/').map_or("/", |slash| &self.path[..=slash]);
                    other.path.insert_str(0, folder);
                }
            }
        }
        other.path = without_dots(&other.path);
        Ok(other)
    }
}

/// RFC 3986, 5.2.4.
fn without_dots(path: &str) -> String {
    let mut segments: Vec<String> = Vec::new();
    let mut rest = path.to_owned();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("../").or_else(|| rest.strip_prefix("./")) {
            rest = after.to_owned();
        } else if rest.starts_with("/./") || rest == "/." {
            rest = format!("/{}", rest.get(3..).unwrap_or_default());
        } else if rest.starts_with("/../") || rest == "/.." {
            rest = format!("/{}", rest.get(4..).unwrap_or_default());
            segments.pop();
        } else if rest == "." || rest == ".." {
            break;
        } else {
            let begin = usize::from(rest.starts_with('/'));
            let end = rest[begin..].find('/').map_or(rest.len(), |slash| begin + slash);
            let after = rest.split_off(end);
            segments.push(std::mem::replace(&mut rest, after));
        }
    }
    segments.concat()
}

//! Splitting and joining URLs: `urllib3.util.parse_url` for what a user wrote, Python's `urlsplit` and `urljoin`
//! for what a server sent in `Location`. The two differ, and both differences are visible in results.

use super::UrlProblem;
use super::authority::Authority;
use super::quote::{encode_component, is_path, is_query};

/// What `urllib3.util.parse_url` makes of a user's URL.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) scheme: Option<String>,
    pub(super) authority: Authority,
    path: String,
    query: Option<String>,
    fragment: Option<String>,
}

impl Parts {
    /// The parts put together as `requests` does, with `query` added to the query. Not quoted yet.
    pub(super) fn prepared(&self, query: &str) -> String {
        let mut url = self.scheme.clone().unwrap_or_default();
        url.push_str("://");
        if let Some(userinfo) = &self.authority.userinfo {
            url.push_str(userinfo);
            url.push('@');
        }
        url.push_str(&self.authority.host);
        if let Some(port) = self.authority.port.filter(|port| *port != 0) {
            url.push(':');
            url.push_str(&port.to_string());
        }
        if !self.path.starts_with('/') {
            url.push('/');
        }
        url.push_str(&self.path);
        let own = self.query.as_deref().unwrap_or_default();
        for (at, part) in [own, query].into_iter().filter(|part| !part.is_empty()).enumerate() {
            url.push(if at == 0 { '?' } else { '&' });
            url.push_str(part);
        }
        if let Some(fragment) = self.fragment.as_deref().filter(|fragment| !fragment.is_empty()) {
            url.push('#');
            url.push_str(fragment);
        }
        url
    }
}

/// A leading run of a letter and then letters, digits and `extra`, before the first colon.
fn scheme_length(url: &str, extra: &[u8]) -> Option<usize> {
    let colon = url.find(':')?;
    let word = &url.as_bytes()[..colon];
    let is_scheme = word.first().is_some_and(u8::is_ascii_alphabetic)
        && word
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || extra.contains(byte));
    is_scheme.then_some(colon)
}

/// `urllib3.util.parse_url`.
pub(super) fn parse(url: &str) -> Result<Parts, UrlProblem> {
    if url.is_empty() {
        return Ok(Parts::default());
    }
    let with_slashes;
    let text = if url.starts_with('/') || scheme_length(url, b"+-").is_some() {
        url
    } else {
        with_slashes = format!("//{url}");
        &with_slashes
    };
    let (scheme, rest) = match scheme_length(text, b"+-.") {
        Some(length) => (Some(text[..length].to_ascii_lowercase()), &text[length + 1..]),
        None => (None, text),
    };
    let (authority, rest) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find(['\\', '/', '?', '#']).unwrap_or(rest.len())),
        None => ("", rest),
    };
    let (rest, fragment) = split_off(rest, '#');
    let (path, query) = split_off(rest, '?');
    let is_web = scheme
        .as_deref()
        .is_none_or(|scheme| matches!(scheme, "http" | "https"));
    let authority = match authority {
        "" => Authority::default(),
        text => Authority::parse(text, scheme.as_deref(), url)?,
    };
    let encode = |text: Option<&str>| {
        text.map(|text| {
            if is_web {
                encode_component(text, is_query)
            } else {
                text.to_owned()
            }
        })
    };
    let mut path = if is_web {
        encode_component(&remove_dot_segments(path), is_path)
    } else {
        path.to_owned()
    };
    if !path.is_empty() && !path.starts_with('/') {
        path.insert(0, '/');
    }
    Ok(Parts {
        scheme,
        authority,
        path,
        query: encode(query),
        fragment: encode(fragment),
    })
}

fn split_off(text: &str, delimiter: char) -> (&str, Option<&str>) {
    match text.split_once(delimiter) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// `urllib3`'s removal of `.` and `..` segments.
fn remove_dot_segments(path: &str) -> String {
    let mut output: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "." => {}
            ".." => {
                output.pop();
            }
            _ => output.push(segment),
        }
    }
    if path.starts_with('/') && output.first().is_none_or(|first| !first.is_empty()) {
        output.insert(0, "");
    }
    if path.ends_with("/.") || path.ends_with("/..") {
        output.push("");
    }
    output.join("/")
}

/// What Python's `urlparse` makes of a location.
#[derive(Debug, Default)]
pub(super) struct Reference {
    pub(super) scheme: String,
    pub(super) authority: String,
    pub(super) path: String,
    /// What follows a `;` in the last segment of the path; an empty one is lost.
    pub(super) params: String,
    pub(super) query: String,
    pub(super) fragment: String,
}

impl Reference {
    /// Python's `urlparse`.
    pub(super) fn split(url: &str) -> Result<Self, UrlProblem> {
        let cleaned: String = url
            .trim_start_matches(|character: char| character <= ' ')
            .chars()
            .filter(|character| !matches!(character, '\t' | '\n' | '\r'))
            .collect();
        let mut rest = cleaned.as_str();
        let mut parts = Self::default();
        if let Some(length) = scheme_length(rest, b"+-.") {
            parts.scheme = rest[..length].to_ascii_lowercase();
            rest = &rest[length + 1..];
        }
        if let Some(after) = rest.strip_prefix("//") {
            let (authority, after) = after.split_at(after.find(['/', '?', '#']).unwrap_or(after.len()));
            if authority.contains('[') != authority.contains(']') {
                return Err(UrlProblem::Malformed("Invalid IPv6 URL".to_owned()));
            }
            authority.clone_into(&mut parts.authority);
            rest = after;
        }
        let (rest, fragment) = split_off(rest, '#');
        let (path, query) = split_off(rest, '?');
        let (path, params) = if takes_params(&parts.scheme) {
            split_params(path)
        } else {
            (path, "")
        };
        path.clone_into(&mut parts.path);
        params.clone_into(&mut parts.params);
        query.unwrap_or_default().clone_into(&mut parts.query);
        fragment.unwrap_or_default().clone_into(&mut parts.fragment);
        Ok(parts)
    }

    /// Python's `urlunparse`.
    pub(super) fn unsplit(&self) -> String {
        let mut url = String::new();
        let mut path = self.path.clone();
        if !self.params.is_empty() {
            path.push(';');
            path.push_str(&self.params);
        }
        if !self.scheme.is_empty() {
            url.push_str(&self.scheme);
            url.push(':');
        }
        let has_authority_by_scheme = uses_authority(&self.scheme) && !path.starts_with("//");
        if !self.authority.is_empty() || has_authority_by_scheme {
            url.push_str("//");
            url.push_str(&self.authority);
            if !path.is_empty() && !path.starts_with('/') {
                url.push('/');
            }
        }
        url.push_str(&path);
        for (mark, part) in [('?', &self.query), ('#', &self.fragment)] {
            if !part.is_empty() {
                url.push(mark);
                url.push_str(part);
            }
        }
        url
    }
}

/// The schemes whose paths have parameters in Python.
fn takes_params(scheme: &str) -> bool {
    matches!(
        scheme,
        "" | "ftp"
            | "hdl"
            | "prospero"
            | "http"
            | "https"
            | "shttp"
            | "rtsp"
            | "rtspu"
            | "sip"
            | "sips"
            | "mms"
            | "sftp"
            | "tel"
    )
}

/// A path and the parameters of its last segment.
fn split_params(path: &str) -> (&str, &str) {
    let last = path.rfind('/').unwrap_or(0);
    match path[last..].split_once(';') {
        Some((before, params)) => (&path[..last + before.len()], params),
        None => (path, ""),
    }
}

/// The schemes that Python writes with `//` even when there is no authority.
fn uses_authority(scheme: &str) -> bool {
    matches!(
        scheme,
        "ftp"
            | "http"
            | "gopher"
            | "nntp"
            | "telnet"
            | "imap"
            | "wais"
            | "file"
            | "mms"
            | "https"
            | "shttp"
            | "snews"
            | "prospero"
            | "rtsp"
            | "rtspu"
            | "rsync"
            | "svn"
            | "svn+ssh"
            | "sftp"
            | "nfs"
            | "git"
            | "git+ssh"
            | "ws"
            | "wss"
    )
}

/// Python's `urljoin`, for an `http` or `https` base.
pub(super) fn join(base: &str, url: &str) -> Result<String, UrlProblem> {
    if url.is_empty() {
        return Ok(base.to_owned());
    }
    let base = Reference::split(base)?;
    let mut joined = Reference::split(url)?;
    if joined.scheme.is_empty() {
        joined.scheme.clone_from(&base.scheme);
    }
    if joined.scheme != base.scheme {
        return Ok(url.to_owned());
    }
    if !joined.authority.is_empty() {
        return Ok(joined.unsplit());
    }
    joined.authority = base.authority;
    if joined.path.is_empty() && joined.params.is_empty() {
        joined.path = base.path;
        joined.params = base.params;
        if joined.query.is_empty() {
            joined.query = base.query;
        }
        return Ok(joined.unsplit());
    }
    joined.path = join_paths(&base.path, &joined.path);
    Ok(joined.unsplit())
}

fn join_paths(base: &str, path: &str) -> String {
    let segments: Vec<&str> = if path.starts_with('/') {
        path.split('/').collect()
    } else {
        let mut segments: Vec<&str> = base.split('/').collect();
        if segments.last().is_some_and(|last| !last.is_empty()) {
            segments.pop();
        }
        segments.extend(path.split('/'));
        let last = segments.len().saturating_sub(1);
        let mut at = 0;
        segments.retain(|segment| {
            let is_kept = at == 0 || at == last || !segment.is_empty();
            at += 1;
            is_kept
        });
        segments
    };
    let mut resolved: Vec<&str> = Vec::new();
    for segment in &segments {
        match *segment {
            ".." => {
                resolved.pop();
            }
            "." => {}
            segment => resolved.push(segment),
        }
    }
    if matches!(segments.last(), Some(&"." | &"..")) {
        resolved.push("");
    }
    match resolved.join("/") {
        path if path.is_empty() => "/".to_owned(),
        path => path,
    }
}

//! A user's cookies: what a server set, and what is sent back where.
//!
//! Keeps and returns cookies as Python's `http.cookiejar` does with its default policy, which `requests` and Locust's
//! fast client both use: cookies without a domain also go to subdomains, a dotless host counts as `host.local`, longer
//! paths come first. What differs: a jar has an upper bound ([`MAX_COOKIES`]). Reading `Set-Cookie` is in [`parse`]. A session without cookies pays one atomic load.

mod parse;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use http::header::{COOKIE, HOST, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use super::encode::latin1_or_utf8;
use super::response::Sent;
use super::target::{Scheme, Target};

/// The most cookies that servers can put into one jar, which is what RFC 6265 asks of a client at least. Python's has no
/// bound; but a server that sets new ones for ever would make every request of its user slower and larger than the last.
pub const MAX_COOKIES: usize = 3000;

/// The most bytes of text that they may have together. No server takes a tenth of that in a request.
pub const MAX_COOKIE_BYTES: usize = 4 << 20;

/// One cookie, with what `http.cookiejar.Cookie` knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// The name.
    pub name: String,
    /// The value; `None` for a cookie set without `=`, which is sent as its bare name.
    pub value: Option<String>,
    /// The domain: with a dot in front when the server named it, the request's host when it did not, empty for a
    /// cookie that goes everywhere (as `requests` makes them from a dict).
    pub domain: String,
    /// Whether the server named the domain.
    pub is_domain_specified: bool,
    /// The path under which it is sent.
    pub path: String,
    /// Whether the server named the path.
    pub is_path_specified: bool,
    /// Sent over TLS only.
    pub is_secure: bool,
    /// When it ends, in seconds since 1970; `None` for the length of the session.
    pub expires_s: Option<i64>,
    /// The only port it is sent to, as written.
    pub port: Option<String>,
    /// Attributes without a meaning here (`HttpOnly`, `SameSite`, ...), as written.
    pub rest: Vec<(String, Option<String>)>,
}

impl Cookie {
    /// A cookie as `requests` makes it from a name and a value: for every host and path, for the session.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: Some(value.into()),
            domain: String::new(),
            is_domain_specified: false,
            path: "/".to_owned(),
            is_path_specified: true,
            is_secure: false,
            expires_s: None,
            port: None,
            rest: Vec::new(),
        }
    }

    fn len(&self) -> usize {
        let value = self.value.as_ref().map_or(0, String::len);
        let rest = self
            .rest
            .iter()
            .map(|(name, value)| name.len() + value.as_ref().map_or(0, String::len));
        self.name.len() + value + self.domain.len() + self.path.len() + rest.sum::<usize>()
    }

    fn has_expired(&self, now_s: i64) -> bool {
        self.expires_s.is_some_and(|expires| expires <= now_s)
    }

    fn is_at(&self, domain: &str, path: &str, name: &str) -> bool {
        self.domain == domain && self.path == path && self.name == name
    }

    /// Whether it is sent with this request.
    fn goes_to(&self, place: &Place, now_s: i64) -> bool {
        let is_for_port = self
            .port
            .as_deref()
            .is_none_or(|ports| ports.split(',').any(|port| port == place.port));
        place.is_under_domain(&self.domain)
            && place.is_under_path(&self.path)
            && (!self.is_secure || place.is_secure)
            && is_for_port
            && !self.has_expired(now_s)
    }
}

/// Where a request goes, as cookies see it.
struct Place {
    /// The host in lower case, without the port.
    host: String,
    /// The same with `.local` when it has no dot.
    effective_host: String,
    path: String,
    port: String,
    is_secure: bool,
}

impl Place {
    /// A `Host` that the user chose counts as the host, as in `requests`.
    fn of(target: &Target, headers: &HeaderMap) -> Self {
        let authority = headers.get(HOST).unwrap_or(target.host_header());
        let authority = String::from_utf8_lossy(authority.as_bytes()).to_lowercase();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
            _ => (authority.as_str(), "80"),
        };
        let effective_host = if host.contains('.') {
            host.to_owned()
        } else {
            format!("{host}.local")
        };
        Self {
            host: host.to_owned(),
            effective_host,
            path: parse::escape_path(target.path()),
            port: port.to_owned(),
            is_secure: target.scheme() == Scheme::Https,
        }
    }

    fn is_under_domain(&self, domain: &str) -> bool {
        let ends = |host: &str| {
            if domain.is_empty() || domain.starts_with('.') {
                ends_after_dot(host, domain)
            } else {
                host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
            }
        };
        // The policy looks twice: at the host or its effective name, and then at the effective name alone.
        (ends(&self.host) || ends(&self.effective_host)) && ends(&self.effective_host)
    }

    fn is_under_path(&self, path: &str) -> bool {
        match self.path.strip_prefix(path) {
            None => false,
            Some(rest) => rest.is_empty() || path.ends_with('/') || rest.starts_with('/'),
        }
    }

    /// Whether a server here may set a cookie for this domain, which it named.
    fn may_set(&self, domain: &str) -> bool {
        let bare = domain.strip_prefix('.').unwrap_or(domain);
        let host = &self.effective_host;
        let local = host.strip_suffix(".local");
        (bare.contains('.') || local.is_some())
            && (ends_after_dot(host, domain) || local.is_some_and(|host| host.ends_with(bare)))
    }
}

/// Whether the host with a dot in front ends with the domain.
fn ends_after_dot(host: &str, domain: &str) -> bool {
    host.ends_with(domain) || domain.strip_prefix('.').is_some_and(|bare| host == bare)
}

/// A user's cookies. Shared between the user's exchanges and whoever looks at `session.cookies`.
#[derive(Debug, Default)]
pub struct Jar {
    cookies: Mutex<Vec<Cookie>>,
    count: AtomicUsize,
    version: AtomicU64,
}

impl Jar {
    /// Whether there is no cookie. Cheap.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// How many cookies there are. Cheap.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// A number that grows with every change, for those who keep a copy.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// All cookies, those of one domain together, as `http.cookiejar` lists them.
    #[must_use]
    pub fn list(&self) -> Vec<Cookie> {
        self.lock().clone()
    }

    /// Puts a cookie in; replaces the one with the same domain, path and name.
    pub fn set(&self, cookie: Cookie) {
        self.change(|cookies| {
            place(cookies, cookie);
            true
        });
    }

    /// Takes one cookie out. Says whether it was there.
    pub fn delete(&self, domain: &str, path: &str, name: &str) -> bool {
        self.change(|cookies| remove(cookies, domain, path, name))
    }

    /// Takes out those that fit: `None` fits everything. Says how many they were.
    pub fn clear(&self, domain: Option<&str>, path: Option<&str>) -> usize {
        let mut count = 0;
        self.change(|cookies| {
            let before = cookies.len();
            cookies.retain(|cookie| {
                domain.is_some_and(|domain| cookie.domain != domain) || path.is_some_and(|path| cookie.path != path)
            });
            count = before - cookies.len();
            count > 0
        });
        count
    }

    /// Puts a whole list in place of what is there, for a copy that was changed elsewhere.
    pub fn replace(&self, all: Vec<Cookie>) {
        self.change(|cookies| {
            cookies.clear();
            for cookie in all {
                place(cookies, cookie);
            }
            true
        });
    }

    /// The `Cookie` header for a request, with `extra` cookies of its own. `None` when there is nothing to send, or the
    /// request has a `Cookie` header already.
    pub(crate) fn header_for(&self, sent: &Sent, use_jar: bool, extra: &[Cookie]) -> Option<HeaderValue> {
        self.header_at(sent, use_jar, extra, wall_clock_s())
    }

    fn header_at(&self, sent: &Sent, use_jar: bool, extra: &[Cookie], now_s: i64) -> Option<HeaderValue> {
        if sent.headers.contains_key(COOKIE) {
            return None;
        }
        let here = Place::of(&sent.target, &sent.headers);
        let mut chosen = Vec::new();
        if use_jar {
            let cookies = self.lock();
            chosen.extend(cookies.iter().filter(|cookie| cookie.goes_to(&here, now_s)).cloned());
        }
        for cookie in extra.iter().filter(|cookie| cookie.goes_to(&here, now_s)) {
            place(&mut chosen, cookie.clone());
        }
        chosen.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.chars().count()));
        let pairs: Vec<String> = chosen
            .into_iter()
            .map(|cookie| match cookie.value {
                Some(value) => format!("{}={value}", cookie.name),
                None => cookie.name,
            })
            .collect();
        if pairs.is_empty() {
            return None;
        }
        // A value that no header may hold (a line break put there by hand) is better left out than sent broken.
        HeaderValue::from_bytes(&latin1_or_utf8(&pairs.join("; "))).ok()
    }

    /// Keeps the cookies of a response to this request.
    pub(crate) fn store(&self, headers: &HeaderMap, sent: &Sent) {
        if headers.contains_key(SET_COOKIE) {
            self.store_at(headers, sent, wall_clock_s());
        }
    }

    fn store_at(&self, headers: &HeaderMap, sent: &Sent, now_s: i64) {
        let here = Place::of(&sent.target, &sent.headers);
        self.change(|cookies| {
            let mut has_changed = false;
            // As in `http.cookiejar`, what a response takes back is gone before anything that it sets is there.
            let mut fresh = Vec::new();
            for value in headers.get_all(SET_COOKIE) {
                let text = latin1(value.as_bytes());
                let Some(cookie) = parse::set_cookie(&text, &here, now_s) else {
                    continue;
                };
                if cookie.has_expired(now_s) {
                    has_changed |= remove(cookies, &cookie.domain, &cookie.path, &cookie.name);
                } else if !cookie.is_domain_specified || here.may_set(&cookie.domain) {
                    fresh.push(cookie);
                }
            }
            has_changed |= !fresh.is_empty();
            for cookie in fresh {
                let domain = cookie.domain.clone();
                place(cookies, cookie);
                hold_bound(cookies, &domain);
            }
            has_changed
        });
    }

    /// Changes the list, and then the numbers when the change says that it was one.
    fn change(&self, change: impl FnOnce(&mut Vec<Cookie>) -> bool) -> bool {
        let mut cookies = self.lock();
        let has_changed = change(&mut cookies);
        if has_changed {
            self.count.store(cookies.len(), Ordering::Release);
            self.version.fetch_add(1, Ordering::AcqRel);
        }
        has_changed
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Cookie>> {
        // A list of cookies is whole after every statement that changes it.
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts a cookie where `http.cookiejar`'s nested dicts would: in the place of its like, else after the last of its
/// domain and path, else after the last of its domain.
fn place(cookies: &mut Vec<Cookie>, cookie: Cookie) {
    if let Some(old) = cookies
        .iter_mut()
        .find(|old| old.is_at(&cookie.domain, &cookie.path, &cookie.name))
    {
        *old = cookie;
        return;
    }
    let after = cookies
        .iter()
        .rposition(|old| old.domain == cookie.domain && old.path == cookie.path)
        .or_else(|| cookies.iter().rposition(|old| old.domain == cookie.domain))
        .map_or(cookies.len(), |at| at + 1);
    cookies.insert(after, cookie);
}

/// Lets the oldest cookies go while there are too many: those of the domain that has just got one, for it is the one that
/// sets too many.
fn hold_bound(cookies: &mut Vec<Cookie>, domain: &str) {
    let mut bytes: usize = cookies.iter().map(Cookie::len).sum();
    while cookies.len() > MAX_COOKIES || bytes > MAX_COOKIE_BYTES {
        let oldest = cookies.iter().position(|cookie| cookie.domain == domain);
        bytes -= cookies.remove(oldest.unwrap_or(0)).len();
    }
}

fn remove(cookies: &mut Vec<Cookie>, domain: &str, path: &str, name: &str) -> bool {
    let at = cookies.iter().position(|cookie| cookie.is_at(domain, path, name));
    if let Some(at) = at {
        cookies.remove(at);
    }
    at.is_some()
}

/// Header bytes as Python's `http.client` reads them.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// Seconds since 1970: cookies end at dates, so this is the one place of the room that needs the wall clock.
#[expect(
    clippy::disallowed_methods,
    reason = "dates are wall-clock times; nothing is measured with it"
)]
fn wall_clock_s() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;

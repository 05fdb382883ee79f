//! Servers that do exactly what a test says, and short ways to ask them.

mod authority;
mod frames;
mod scripted;

pub(crate) use authority::Authority;
pub(crate) use frames::{Framed, kind};
pub(crate) use scripted::{ScriptedServer, Visit};

use std::sync::Arc;

use rocust::http::{Failure, Options, Request, Response, Session, Target, Timeline, exchange};

/// A session as `requests` has it.
pub(crate) fn session() -> Session {
    Session::new(Options::default())
}

/// A GET with every default.
pub(crate) fn get(url: &str) -> Request {
    Request::new(http::Method::GET, Target::parse(url).unwrap())
}

/// Sends a request and drops the times.
pub(crate) async fn send(session: &Session, request: Request) -> Result<Response, Failure> {
    exchange(session, request, &mut Timeline::default()).await
}

/// Headers for a request.
pub(crate) fn headers(pairs: &[(&str, &str)]) -> Arc<http::HeaderMap> {
    let pairs = pairs.iter().map(|(name, value)| {
        (
            http::HeaderName::try_from(*name).unwrap(),
            http::HeaderValue::try_from(*value).unwrap(),
        )
    });
    Arc::new(pairs.collect())
}

/// The rows of a table: fields parted by tabs, control characters and backslashes written as `\xNN`.
pub(crate) fn table(text: &str) -> Vec<Vec<String>> {
    text.lines()
        .map(|line| line.split('\t').map(unescape).collect())
        .collect()
}

fn unescape(field: &str) -> String {
    let mut parts = field.split("\\x");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        text.push(char::from(u8::from_str_radix(digits, 16).unwrap()));
        text.push_str(rest);
    }
    text
}

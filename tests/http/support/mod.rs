//! Servers that do exactly what a test says, and short ways to ask them.

mod scripted;

pub use scripted::{ScriptedServer, Visit};

use std::sync::Arc;

use rocust::http::{Failure, Options, Request, Response, Session, Target, Timeline, exchange};

/// A session as `requests` has it.
pub fn session() -> Session {
    Session::new(Options::default())
}

/// A GET with every default.
pub fn get(url: &str) -> Request {
    Request::new(http::Method::GET, Target::parse(url).unwrap())
}

/// Sends a request and drops the times.
pub async fn send(session: &Session, request: Request) -> Result<Response, Failure> {
    exchange(session, request, &mut Timeline::default()).await
}

/// Headers for a request.
pub fn headers(pairs: &[(&str, &str)]) -> Arc<http::HeaderMap> {
    let pairs = pairs.iter().map(|(name, value)| {
        (
            http::HeaderName::try_from(*name).unwrap(),
            http::HeaderValue::try_from(*value).unwrap(),
        )
    });
    Arc::new(pairs.collect())
}

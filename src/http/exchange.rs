//! One exchange from start to end: cookies, the request, redirects, decoding, and the times of all that.
//!
//! Ties the other files of this room together and holds the guard that stamps `done`. Whatever happens on the way is
//! in the response or the failure; nothing is logged or counted here.

use std::borrow::Borrow;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use super::decode::{DecodeError, Decoding};
use super::failure::{Failure, FailureKind};
use super::flow::Flow;
use super::request::Request;
use super::response::{Response, Sent};
use super::session::Session;
use super::target::Target;
use super::timeline::{DoneGuard, Timeline};
use super::tls::TlsSettings;
use super::transport::{self, Answer, Body, Order};
use super::turns::Turn;
use super::wire::WireOptions;

/// Sends a request and reads the whole response, redirects included.
///
/// `timeline` is stamped as things happen; `begun` here, `done` by one guard whatever the way out, so also when the
/// future is dropped.
///
/// # Errors
///
/// A [`Failure`] when there is no usable response. A status code is never a failure here.
///
/// # Cancel safety
///
/// Dropping the future closes the connection in use. The request may have reached the server.
///
/// # Panics
///
/// When polled outside a tokio runtime with I/O and time enabled.
pub async fn exchange(
    session: &Session,
    request: impl Borrow<Request>,
    timeline: &mut Timeline,
) -> Result<Response, Failure> {
    let (guard, begun) = DoneGuard::begin(timeline);
    let asked = Asked {
        request: request.borrow(),
        is_streamed: false,
    };
    within_limit(session, asked, begun, guard.timeline)
        .await
        .map(|(response, _)| response)
}

/// As [`exchange`], but a request with `is_streamed` ends when the head of the (last) response is there: `done` is
/// stamped then, and the body comes by the flow, undecoded. There is no flow when there is no body to wait for.
///
/// # Errors
///
/// As [`exchange`]; what happens to the body afterwards is told by [`Flow::pull`].
///
/// # Cancel safety
///
/// As [`exchange`].
///
/// # Panics
///
/// As [`exchange`].
pub async fn open(
    session: &Session,
    request: impl Borrow<Request>,
    timeline: &mut Timeline,
) -> Result<(Response, Option<Flow>), Failure> {
    let (guard, begun) = DoneGuard::begin(timeline);
    let request = request.borrow();
    let asked = Asked {
        request,
        is_streamed: request.is_streamed,
    };
    within_limit(session, asked, begun, guard.timeline).await
}

/// A request, by reference: what futures carry is copied with them, at every exchange.
#[derive(Clone, Copy)]
struct Asked<'a> {
    request: &'a Request,
    is_streamed: bool,
}

async fn within_limit(
    session: &Session,
    asked: Asked<'_>,
    begun: Instant,
    timeline: &mut Timeline,
) -> Result<(Response, Option<Flow>), Failure> {
    let Some(limit) = asked.request.total_timeout else {
        return follow(session, asked, begun, timeline).await;
    };
    // Boxed, so that exchanges without a limit do not carry the room for it.
    let limited = Box::pin(tokio::time::timeout(limit, follow(session, asked, begun, timeline)));
    limited.await.unwrap_or_else(|_| {
        let message = format!("The exchange took longer than {} s", limit.as_secs_f64());
        Err(Failure::new(FailureKind::TotalTimeout, &asked.request.target, message))
    })
}

/// Sends the request and every request that redirects make of it.
async fn follow(
    session: &Session,
    asked: Asked<'_>,
    begun: Instant,
    timeline: &mut Timeline,
) -> Result<(Response, Option<Flow>), Failure> {
    let request = asked.request;
    let mut sent = Sent {
        method: request.method.clone(),
        target: request.target.clone(),
        headers: Arc::clone(&request.headers),
        cookie: None,
        body: request.body.clone(),
        feed: request.feed.clone(),
    };
    // Waiting for others of the same user is part of what the request took, as it is in stock.
    let turn = session.turn(&request.target).await;
    let begun = if turn.as_ref().is_some_and(Turn::was_awaited) {
        Instant::now()
    } else {
        begun
    };
    let rule = request.redirect_rule.as_ref().unwrap_or(&session.options.redirect_rule);
    let mut history = Vec::new();
    let mut begun = begun;
    loop {
        let (mut response, flow) = match send_one(session, asked, sent, begun, timeline).await {
            Ok(answer) => answer,
            Err(mut failure) => {
                if let Some(partial) = &mut failure.partial {
                    partial.history = history;
                }
                return Err(failure);
            }
        };
        let location = if request.follow_redirects {
            rule.location(response.status, &response.headers, request.max_redirects)
        } else {
            None
        };
        let Some(location) = location.map(<[u8]>::to_vec) else {
            response.history = history;
            if request.decode
                && !asked.is_streamed
                && let Err(mut failure) = decode_body(&mut response, session, request.max_body_bytes).await
            {
                failure.response = Some(Box::new(response));
                return Err(failure);
            }
            return Ok((response, flow));
        };
        if request.decode {
            // A redirect's body is read for the connection's sake only; a broken encoding spoils nothing.
            let _ = decode_body(&mut response, session, request.max_body_bytes).await;
        }
        if history.len() >= request.max_redirects as usize {
            response.history = history;
            let message = rule.limit_message(request.max_redirects);
            return Err(about(response, FailureKind::TooManyRedirects, message));
        }
        match rule.next(&response.sent, response.status, &location, &request.target) {
            Ok(next) => sent = next,
            Err(problem) => {
                response.history = history;
                let mut failure = about(response, FailureKind::InvalidRedirect, problem.message().to_owned());
                failure.url_problem = Some(problem);
                return Err(failure);
            }
        }
        history.push(response);
        if let Some(feed) = &sent.feed
            && !Box::pin(feed.rewind()).await
        {
            return Err(Failure::given_up(&sent.target));
        }
        begun = Instant::now();
        timeline.sending_at(begun);
    }
}

/// One request and its response, with cookies both ways; the body as it came.
async fn send_one(
    session: &Session,
    asked: Asked<'_>,
    mut sent: Sent,
    begun: Instant,
    timeline: &mut Timeline,
) -> Result<(Response, Option<Flow>), Failure> {
    let request = asked.request;
    if (request.use_jar && !session.cookies().is_empty()) || !request.cookies.is_empty() {
        sent.cookie = session.cookies().header_for(&sent, request.use_jar, &request.cookies);
    }
    let tls: &Arc<TlsSettings> = request.tls.as_ref().unwrap_or(&session.options.tls);
    let proxy = match &request.proxies {
        // A socket on this machine is reached by no proxy.
        _ if sent.target.socket().is_some() => None,
        None => None,
        Some(proxies) => proxies
            .pick(&sent.target)
            .map_err(|url| Failure::new(FailureKind::UnusableProxy, &sent.target, &**url))?,
    };
    let chosen = session.wire();
    let wire = chosen.as_deref().unwrap_or(WireOptions::plain());
    if !wire.keep_alive {
        sent.ask_for_close();
    }
    let rule = &session.options.redirect_rule;
    let order = Order {
        sent: &sent,
        spelling: request.spelling.as_ref(),
        tls,
        proxy,
        wire,
        tickets: session.tickets(),
        connect_timeout: request.connect_timeout,
        read_timeout: request.read_timeout,
        max_body_bytes: request.max_body_bytes,
        follows: request.follow_redirects.then_some((rule, request.max_redirects)),
        is_streamed: asked.is_streamed,
        begun,
    };
    let Answer {
        parts,
        raw_head,
        body,
        head_at,
    } = transport::send(session, &order, timeline).await?;
    if request.use_jar {
        session.cookies().store(&parts.headers, &sent);
    }
    let (body, flow) = match body {
        Body::Whole(body) => (body, None),
        Body::Flowing(flow) => (Bytes::new(), Some(*flow)),
    };
    let elapsed = head_at.saturating_duration_since(begun);
    let response = Response::received(parts, raw_head, body, sent, elapsed);
    Ok((response, flow))
}

/// Undoes the content encoding in place; a body that cannot be decoded stays as it came.
async fn decode_body(response: &mut Response, session: &Session, limit: Option<u64>) -> Result<(), Failure> {
    if response.body.is_empty() || !response.headers.contains_key(CONTENT_ENCODING) {
        return Ok(());
    }
    if session.options.undoes_zstd_on_wish
        && names_zstd(&response.headers, CONTENT_ENCODING)
        && !names_zstd(&response.sent.headers, ACCEPT_ENCODING)
    {
        return Ok(());
    }
    let accepts_cut = session.options.accepts_cut_encodings;
    // Boxed, so that exchanges without an encoding do not carry the room for it.
    let decoded = Box::pin(decoded(response, limit, accepts_cut)).await;
    match decoded {
        Ok(Some(decoded)) => {
            response.body = decoded;
            Ok(())
        }
        Ok(None) => Ok(()),
        Err(error) => Err(not_decoded(error, response.target())),
    }
}

/// Whether a header tells of Zstandard.
fn names_zstd(headers: &HeaderMap, name: HeaderName) -> bool {
    let names = |value: &HeaderValue| {
        value
            .as_bytes()
            .windows(4)
            .any(|word| word.eq_ignore_ascii_case(b"zstd"))
    };
    headers.get_all(name).iter().any(names)
}

/// The decoded body. A large one is decoded in steps, between which others have their turn: decoding must not make their
/// times longer.
async fn decoded(response: &Response, limit: Option<u64>, accepts_cut: bool) -> Result<Option<Bytes>, DecodeError> {
    let begun = Decoding::begin(&response.headers, &response.body, limit, accepts_cut)?;
    let Some(mut decoding) = begun else {
        return Ok(None);
    };
    while !decoding.step()? {
        tokio::task::yield_now().await;
    }
    Ok(Some(decoding.finish()))
}

fn not_decoded(error: DecodeError, target: &Target) -> Failure {
    match error {
        DecodeError::TooLarge { limit } => {
            let message = format!("The response body is larger than {limit} bytes when it is decoded");
            Failure::new(FailureKind::TooLarge, target, message)
        }
        DecodeError::Corrupt { encoding, detail } => {
            let message =
                format!("Received response with content-encoding: {encoding}, but failed to decode it. ({detail})");
            Failure::new(FailureKind::BadBody, target, message)
        }
    }
}

/// A failure that carries the response it is about.
fn about(response: Response, kind: FailureKind, message: String) -> Failure {
    let mut failure = Failure::new(kind, response.target(), message);
    failure.response = Some(Box::new(response));
    failure
}

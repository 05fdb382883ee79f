//! The road of HTTP/2: one connection for all requests of a session to one origin, a stream for each of them.
//!
//! A connection is driven by a task of its own on the session's lane, as its streams belong to several exchanges. What
//! this file promises beside that:
//!
//! - Requests that need a connection at the same time open one. The others wait, and share its failure too.
//! - A server that chooses HTTP/1.1 in the handshake gets HTTP/1.1 from then on, over [`super::direct`].
//! - A request is sent again only when the server has said that it did nothing with it: the stream was refused, or is
//!   above the last one of a GOAWAY. Nothing else tells whether it was executed.
//! - A dropped future resets its stream; the others on the connection go on.

mod stream;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::client::{Builder, SendRequest};
use http::header::{CONNECTION, HOST, HeaderName, TE, TRANSFER_ENCODING, UPGRADE};
use http::response::Parts;
use http::{HeaderMap, Uri};
use tokio::time::Instant;

use stream::{Rest, Traffic, Upload};

use super::{Answer, Body, Order, direct};
use crate::http::body::Gathered;
use crate::http::connect::{self, Gauge, Wire};
use crate::http::endings::{End, Endings};
use crate::http::failure::{BodyProgress, Failure, FailureKind, ProxyStage};
use crate::http::flow::Flow;
use crate::http::proxy::Proxy;
use crate::http::response::Response;
use crate::http::session::Session;
use crate::http::target::{Scheme, Target};
use crate::http::timeline::Timeline;
use crate::http::tls::{Protocols, TlsSettings};

/// How often a request that the server did nothing with is sent again.
const RESENDS: u32 = 3;

/// The HTTP/2 connections of one session.
#[derive(Debug, Default)]
pub(crate) struct Links {
    places: Mutex<VecDeque<Arc<Place>>>,
}

impl Links {
    /// Lets go of all connections; they close when the streams on them have ended. Those without any are among the endings.
    pub(crate) fn clear(&self, endings: &Endings) {
        for place in self.lock().drain(..) {
            if let Knowledge::Link(link) = &*place.knowledge()
                && link.streams.load(Ordering::Relaxed) == 0
            {
                link.end.tell(endings);
            }
        }
    }

    fn place(&self, order: &Order<'_>) -> Arc<Place> {
        /// For users that walk over many hosts.
        const MAX_PLACES: usize = 100;
        let mut places = self.lock();
        if let Some(place) = places.iter().find(|place| place.is_for(order)) {
            return Arc::clone(place);
        }
        if places.len() >= MAX_PLACES {
            places.pop_front();
        }
        let place = Arc::new(Place::new(order));
        places.push_back(Arc::clone(&place));
        place
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Place>>> {
        // A panic while the list was held leaves it whole: it is only pushed to and removed from.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An origin, and how it is reached.
#[derive(Debug)]
struct Place {
    target: Target,
    tls: Arc<TlsSettings>,
    proxy: Option<Arc<Proxy>>,
    knowledge: Mutex<Knowledge>,
    /// How many connections have been opened, or not.
    openings: AtomicU64,
    /// Held by whoever opens one; with what went wrong last.
    gate: tokio::sync::Mutex<Option<Failure>>,
}

#[derive(Clone, Debug)]
enum Knowledge {
    /// There is no connection.
    Nothing,
    Link(Arc<Link>),
    /// The server prefers HTTP/1.1.
    Http1,
}

/// A way to send one request.
enum Road {
    Link(Arc<Link>),
    /// By HTTP/1.1, over this connection if it was just opened.
    Direct(Option<Box<Wire>>),
}

impl Place {
    fn new(order: &Order<'_>) -> Self {
        Self {
            target: order.sent.target.clone(),
            tls: Arc::clone(order.tls),
            proxy: order.proxy.cloned(),
            knowledge: Mutex::new(Knowledge::Nothing),
            openings: AtomicU64::new(0),
            gate: tokio::sync::Mutex::new(None),
        }
    }

    fn is_for(&self, order: &Order<'_>) -> bool {
        let target = &order.sent.target;
        self.target.has_same_origin(target)
            && self.proxy.as_ref() == order.proxy
            && (target.scheme() == Scheme::Http || Arc::ptr_eq(&self.tls, order.tls) || self.tls == *order.tls)
    }

    /// The connection there is, or a new one.
    async fn road(&self, session: &Session, order: &Order<'_>, timeline: &mut Timeline) -> Result<Road, Failure> {
        if let Some(road) = self.known() {
            return Ok(road);
        }
        let openings = self.openings.load(Ordering::Relaxed);
        timeline.connecting_at(Instant::now());
        let mut gate = self.gate.lock().await;
        if let Some(road) = self.known() {
            timeline.sending_at(Instant::now());
            return Ok(road);
        }
        if openings != self.openings.load(Ordering::Relaxed)
            && let Some(failure) = &*gate
        {
            // Somebody tried while we waited: trying again in turn would make each of us wait as long as all before.
            let mut failure = failure.clone();
            failure.target = order.sent.target.clone();
            return Err(failure);
        }
        let opened = open(session, order, timeline).await;
        self.openings.fetch_add(1, Ordering::Relaxed);
        let (road, knowledge) = match opened {
            Ok(Road::Link(link)) => (Ok(Road::Link(Arc::clone(&link))), Knowledge::Link(link)),
            Ok(direct) => (Ok(direct), Knowledge::Http1),
            Err(failure) => {
                *gate = Some(failure.clone());
                return Err(failure);
            }
        };
        *gate = None;
        *self.knowledge() = knowledge;
        road
    }

    fn known(&self) -> Option<Road> {
        match &*self.knowledge() {
            Knowledge::Nothing => None,
            Knowledge::Link(link) => Some(Road::Link(Arc::clone(link))),
            Knowledge::Http1 => Some(Road::Direct(None)),
        }
    }

    /// No new request takes this connection.
    fn forget(&self, link: &Arc<Link>) {
        let mut knowledge = self.knowledge();
        if matches!(&*knowledge, Knowledge::Link(known) if Arc::ptr_eq(known, link)) {
            *knowledge = Knowledge::Nothing;
        }
    }

    fn knowledge(&self) -> MutexGuard<'_, Knowledge> {
        // It is replaced whole, so a panic leaves nothing half-done.
        self.knowledge.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection, driven by a task of its own until the last of these handles is gone and the last stream has ended.
struct Link {
    sender: SendRequest<Bytes>,
    gauge: Arc<Gauge>,
    /// Exchanges that use it now.
    streams: AtomicUsize,
    end: Arc<End>,
}

/// The task that drives a connection, until it ends.
struct Drive {
    end: Arc<End>,
    endings: Arc<Endings>,
}

impl Drop for Drive {
    fn drop(&mut self) {
        self.end.has_come(&self.endings);
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Link")
            .field("streams", &self.streams)
            .finish_non_exhaustive()
    }
}

/// Counts an exchange among a connection's streams.
struct Use {
    link: Arc<Link>,
}

impl Use {
    /// Says too whether the connection was idle before.
    fn begin(link: &Arc<Link>) -> (Self, bool) {
        let was_idle = link.streams.fetch_add(1, Ordering::Relaxed) == 0;
        (Self { link: Arc::clone(link) }, was_idle)
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        self.link.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether the order can travel by this road. A proxy that forwards is spoken to in HTTP/1.1.
pub(super) fn takes(order: &Order<'_>) -> bool {
    order.wire.http2 && (order.proxy.is_none() || order.sent.target.scheme() == Scheme::Https)
}

/// Sends the order over the session's connection to its origin.
pub(super) async fn send(session: &Session, order: &Order<'_>, timeline: &mut Timeline) -> Result<Answer, Failure> {
    let sent = send_on(session, order, timeline).await;
    match order.proxy {
        None => sent,
        Some(proxy) => sent.map_err(|failure| failure.on_the_way(proxy, ProxyStage::Beyond)),
    }
}

async fn send_on(session: &Session, order: &Order<'_>, timeline: &mut Timeline) -> Result<Answer, Failure> {
    let is_alone = !order.wire.keep_alive || order.sent.wants_close();
    let place = (!is_alone).then(|| session.links().place(order));
    let mut resends = 0;
    loop {
        let road = match &place {
            Some(place) => place.road(session, order, timeline).await?,
            None => open(session, order, timeline).await?,
        };
        let link = match road {
            Road::Link(link) => link,
            Road::Direct(None) => return direct::send(session, order, timeline).await,
            Road::Direct(Some(wire)) => return direct::send_over(session, order, *wire, timeline).await,
        };
        match travel(&link, order, timeline).await {
            Ok(answer) => return Ok(answer),
            Err(setback) => {
                if setback.ends_link
                    && let Some(place) = &place
                {
                    place.forget(&link);
                }
                if !setback.is_untouched || resends == RESENDS || order.is_partly_taken() {
                    return Err(setback.failure);
                }
                resends += 1;
                timeline.sending_at(Instant::now());
            }
        }
    }
}

async fn open(session: &Session, order: &Order<'_>, timeline: &mut Timeline) -> Result<Road, Failure> {
    /// As much of one body, and of all bodies on a connection, may be under way: enough for a gigabit at 20 ms.
    const STREAM_WINDOW_BYTES: u32 = 2 << 20;
    const CONNECTION_WINDOW_BYTES: u32 = 5 << 20;
    /// The longest head of a response.
    const MAX_HEAD_BYTES: u32 = 256 << 10;
    let wire = connect::reach(order, Protocols::Http2OrHttp1, timeline).await?;
    if order.sent.target.scheme() == Scheme::Https && !wire.has_agreed_on_http2() {
        return Ok(Road::Direct(Some(Box::new(wire))));
    }
    let gauge = wire.gauge();
    // Should it be a server of HTTP/1.1 after all, then it says so in a status line.
    gauge.transcript().begin_opening();
    let opened = Builder::new()
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(MAX_HEAD_BYTES)
        .enable_push(false)
        .handshake(wire)
        .await;
    let (sender, connection) = opened.map_err(|error| before_head(&error, &gauge, &order.sent.target).failure)?;
    let drive = Drive {
        end: Arc::default(),
        endings: Arc::clone(session.endings()),
    };
    let end = Arc::clone(&drive.end);
    tokio::spawn(async move {
        let _ended_last = drive;
        // Its error reaches all streams, which know what it happened to.
        let _ = connection.await;
    });
    Ok(Road::Link(Arc::new(Link {
        sender,
        gauge,
        streams: AtomicUsize::new(0),
        end,
    })))
}

/// Why a stream gave no answer.
struct Setback {
    failure: Failure,
    /// Whether the server has done nothing with the request.
    is_untouched: bool,
    /// Whether the connection is of no use any more.
    ends_link: bool,
}

async fn travel(link: &Arc<Link>, order: &Order<'_>, timeline: &mut Timeline) -> Result<Answer, Setback> {
    let (of, was_idle) = Use::begin(link);
    if was_idle {
        // Lets the reactor look first, so that a close or a GOAWAY that only the kernel knows of reaches the connection
        // before the request does.
        tokio::task::yield_now().await;
    }
    let target = &order.sent.target;
    let unsent = |error: h2::Error| Setback {
        is_untouched: true,
        ends_link: true,
        ..before_head(&error, &link.gauge, target)
    };
    let request =
        request(order).map_err(|error| of_stream(Failure::new(FailureKind::Other, target, error.to_string())))?;
    let mut sender = link.sender.clone();
    poll_fn(|cx| sender.poll_ready(cx)).await.map_err(unsent)?;
    let has_body = order.has_body();
    let (response, stream) = sender.send_request(request, !has_body).map_err(unsent)?;
    let upload = has_body.then(|| Upload::new(stream, order.sent.body.clone(), order.sent.feed.clone()));
    let mut traffic = Traffic::new(target, upload, order.read_timeout);
    timeline.sent_at(Instant::now());

    let mut response = pin!(response);
    let head = poll_fn(|cx| {
        if let Poll::Ready(head) = response.as_mut().poll(cx) {
            return Poll::Ready(head.map_err(|error| before_head(&error, &link.gauge, target)));
        }
        if let Err(setback) = traffic.push(cx, |now| timeline.sent_at(now)) {
            return Poll::Ready(Err(setback));
        }
        traffic.poll_silence(cx).map(|()| Err(traffic.timed_out(None)))
    });
    let (parts, body) = head.await?.into_parts();
    let head_at = Instant::now();
    timeline.heard_at(head_at);
    traffic.begin_anew();
    let rest = Rest::new(traffic, body, length(&parts), of);
    if let (Some(expected), Some(limit)) = (rest.expected(), order.max_body_bytes)
        && expected > limit
        && order.sent.method != http::Method::HEAD
    {
        return Err(too_large(order, limit));
    }
    let body = if order.is_streamed && !order.leads_on(&parts) {
        Body::Flowing(Box::new(Flow::new(Box::new(rest), order)))
    } else {
        let mut gathered = Gathered::default();
        if let Err(mut setback) = gather(rest, &mut gathered, order, timeline).await {
            if setback.failure.progress.is_some() {
                let elapsed = head_at.saturating_duration_since(order.begun);
                let sent = order.sent.clone();
                let partial = Response::received(parts, Box::default(), gathered.finish(), sent, elapsed);
                setback.failure.partial = Some(Box::new(partial));
            }
            return Err(setback);
        }
        Body::Whole(gathered.finish())
    };
    Ok(Answer {
        parts,
        raw_head: Box::default(),
        body,
        head_at,
    })
}

/// Reads the whole body. A server that has answered early gets the rest of the request all the same, unless it refuses it.
async fn gather(
    mut rest: Rest,
    gathered: &mut Gathered,
    order: &Order<'_>,
    timeline: &mut Timeline,
) -> Result<(), Setback> {
    poll_fn(|cx| {
        loop {
            let bytes = match ready!(rest.poll_bytes(cx, |now| timeline.sent_at(now))) {
                None => return Poll::Ready(Ok(())),
                Some(bytes) => bytes?,
            };
            let length = gathered.len() + bytes.len() as u64;
            if let Some(limit) = order.max_body_bytes.filter(|limit| length > *limit) {
                return Poll::Ready(Err(too_large(order, limit)));
            }
            gathered.push(bytes, rest.expected());
        }
    })
    .await?;
    poll_fn(|cx| {
        rest.traffic.push(cx, |now| timeline.sent_at(now))?;
        if !rest.traffic.is_uploading() {
            return Poll::Ready(Ok(()));
        }
        ready!(rest.traffic.poll_silence(cx));
        Poll::Ready(Err(rest.traffic.timed_out(Some(rest.progress()))))
    })
    .await
}

fn too_large(order: &Order<'_>, limit: u64) -> Setback {
    let message = format!("The response body is larger than {limit} bytes");
    of_stream(Failure::new(FailureKind::TooLarge, &order.sent.target, message))
}

/// The request as HTTP/2 has it: with the host in the URI, and without what is said of an HTTP/1 connection.
fn request(order: &Order<'_>) -> http::Result<http::Request<()>> {
    const OF_CONNECTIONS: [HeaderName; 5] = [
        HOST,
        TRANSFER_ENCODING,
        UPGRADE,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
    ];
    let target = &order.sent.target;
    let mut headers = order.sent.wire_headers();
    let host = headers.get(HOST).unwrap_or_else(|| target.host_header());
    let uri = Uri::builder()
        .scheme(target.scheme().as_str())
        .authority(host.as_bytes())
        .path_and_query(
            target
                .wire_uri()
                .path_and_query()
                .cloned()
                .unwrap_or(http::uri::PathAndQuery::from_static("/")),
        )
        .build()?;
    for name in named_by_connection(&headers) {
        headers.remove(name);
    }
    for name in OF_CONNECTIONS {
        headers.remove(name);
    }
    headers.remove(CONNECTION);
    if headers.get(TE).is_some_and(|value| value != "trailers") {
        headers.remove(TE);
    }
    let mut request = http::Request::builder()
        .method(order.sent.method.clone())
        .uri(uri)
        .body(())?;
    *request.version_mut() = http::Version::HTTP_2;
    *request.headers_mut() = headers;
    Ok(request)
}

/// The headers that `Connection` declares to be of this connection only.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let words = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok());
    words
        .flat_map(|words| words.split(','))
        .filter_map(|word| HeaderName::try_from(word.trim()).ok())
        .collect()
}

/// The body's length where the head declares it.
fn length(parts: &Parts) -> Option<u64> {
    let length = parts.headers.get(http::header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// A setback of one stream only.
fn of_stream(failure: Failure) -> Setback {
    Setback {
        failure,
        is_untouched: false,
        ends_link: false,
    }
}

/// What broke before the head of the response was there.
fn before_head(error: &h2::Error, gauge: &Gauge, target: &Target) -> Setback {
    let is_refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
    let failure = match error.get_io() {
        _ if gauge.transcript().head().starts_with(b"HTTP/") => not_http2(target),
        Some(io) if io.kind() == io::ErrorKind::ConnectionReset => reset(target),
        Some(_) => Failure::new(
            FailureKind::ClosedEarly,
            target,
            "Remote end closed connection without response",
        ),
        None => Failure::new(FailureKind::Other, target, describe(error)),
    };
    Setback {
        failure,
        is_untouched: error.is_remote() && (is_refused || error.is_go_away()),
        ends_link: !error.is_reset(),
    }
}

fn not_http2(target: &Target) -> Failure {
    let message = "The server speaks HTTP/1. hint: without TLS, http2 is for servers that are known to speak HTTP/2; \
                   leave it off for this one";
    Failure::new(FailureKind::NotHttp, target, message)
}

fn reset(target: &Target) -> Failure {
    let mut failure = Failure::new(FailureKind::Reset, target, "Connection reset by peer");
    // The codec keeps the kind of an error of the system, not its number.
    failure.errno = cfg!(target_os = "linux").then_some(104);
    failure
}

fn read_timeout(target: &Target, limit: Option<Duration>, progress: Option<BodyProgress>) -> Failure {
    let seconds = limit.unwrap_or_default().as_secs_f64();
    let message = format!("Read timed out. (read timeout={seconds})");
    let mut failure = Failure::new(FailureKind::ReadTimeout, target, message);
    failure.progress = progress;
    failure
}

/// An error of the protocol in words, with the name it has in the standard.
fn describe(error: &h2::Error) -> String {
    let who = if error.is_remote() { "the server" } else { "the client" };
    let name = error.reason().map(|reason| format!("{reason:?}"));
    match name {
        Some(name) if error.is_reset() => format!("HTTP/2 stream reset by {who}: {name}"),
        Some(name) if error.is_go_away() => format!("HTTP/2 connection ended by {who}: {name}"),
        _ => format!("HTTP/2: {error}"),
    }
}

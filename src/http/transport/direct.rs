//! The direct road: a hyper connection of the session's own.
//!
//! The connection is driven by the very task that waits for the answer: no task per connection, no wake-up between
//! tasks, and an idle connection costs no task at all. What this file promises beside that:
//!
//! - An idle connection that turns out closed before a byte of the request was written is replaced silently, as urllib3
//!   does. Once a byte is out the request may have been executed, and it is never sent again.
//! - A dropped future closes its connection; so does every failure.

mod rest;

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::response::Parts;
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, Sleep};

use super::{Answer, Body, Order, forward};
use crate::http::body::{Gathered, Outgoing};
use crate::http::connect::{self, Gauge, Wire};
use crate::http::failure::{BodyProgress, Failure, FailureKind, ProxyStage};
use crate::http::feed::Feed;
use crate::http::flow::Flow;
use crate::http::proxy::Proxy;
use crate::http::response::Response;
use crate::http::session::Session;
use crate::http::target::{Scheme, Target};
use crate::http::timeline::Timeline;
use crate::http::tls::{Protocols, TlsSettings, words};

/// One connection and what belongs to it.
pub(crate) struct Conduit {
    target: Target,
    tls: Arc<TlsSettings>,
    proxy: Option<Arc<Proxy>>,
    codec: Codec,
    gauge: Arc<Gauge>,
    /// The read timeout's timer. It outlives exchanges and is only looked at when it rings: arming a timer for every
    /// exchange would cost more than all the rest of the timeout.
    silence: Option<Pin<Box<Sleep>>>,
    idle_since: Instant,
}

/// What reads and writes HTTP on a connection. hyper's buffers take some 16 KiB, most of what an idle user weighs, so a
/// connection that rests gives them back and keeps its socket only.
enum Codec {
    Awake(Box<Driven>),
    Resting(Box<Wire>),
    /// Between the two, or given up.
    Gone,
}

/// hyper's two ends of one connection.
struct Driven {
    connection: Connection<TokioIo<Wire>, Outgoing>,
    sender: SendRequest<Outgoing>,
}

impl Driven {
    async fn start(wire: Wire) -> hyper::Result<Box<Self>> {
        let (sender, connection) = Builder::new()
            .title_case_headers(true)
            .handshake(TokioIo::new(wire))
            .await?;
        Ok(Box::new(Self { connection, sender }))
    }
}

impl fmt::Debug for Conduit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Conduit")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl Conduit {
    async fn open(order: &Order<'_>, timeline: &mut Timeline) -> Result<Box<Self>, Failure> {
        let wire = connect::reach(order, Protocols::Http1, timeline).await?;
        Self::over(wire, order).await
    }

    async fn over(wire: Wire, order: &Order<'_>) -> Result<Box<Self>, Failure> {
        let target = &order.sent.target;
        let gauge = wire.gauge();
        let driven = Driven::start(wire).await.map_err(|error| broken(target, &error))?;
        Ok(Box::new(Self {
            target: target.clone(),
            tls: Arc::clone(order.tls),
            proxy: order.proxy.cloned(),
            codec: Codec::Awake(driven),
            gauge,
            silence: None,
            idle_since: order.begun,
        }))
    }

    /// Makes hyper's ends anew if the connection rested. A handshake of HTTP/1 sends nothing.
    async fn wake(&mut self) -> Result<(), Failure> {
        if matches!(self.codec, Codec::Resting(_))
            && let Codec::Resting(wire) = std::mem::replace(&mut self.codec, Codec::Gone)
        {
            let driven = Driven::start(*wire)
                .await
                .map_err(|error| broken(&self.target, &error))?;
            self.codec = Codec::Awake(driven);
        }
        Ok(())
    }

    /// Gives the buffers back. Says whether the connection can still be used: not if something came that nobody asked for.
    pub(crate) fn rest(&mut self) -> bool {
        self.silence = None;
        self.gauge.transcript().rest();
        match std::mem::replace(&mut self.codec, Codec::Gone) {
            Codec::Awake(driven) => {
                let parts = driven.connection.into_parts();
                let is_clean = parts.read_buf.is_empty();
                if is_clean {
                    let wire = parts.io.into_inner();
                    wire.let_go_of_waker();
                    self.codec = Codec::Resting(Box::new(wire));
                }
                is_clean
            }
            Codec::Resting(wire) => {
                self.codec = Codec::Resting(wire);
                true
            }
            Codec::Gone => false,
        }
    }

    /// Since when it is idle.
    pub(crate) fn idle_since(&self) -> Instant {
        self.idle_since
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn tls(&self) -> &Arc<TlsSettings> {
        &self.tls
    }

    pub(crate) fn proxy(&self) -> Option<&Arc<Proxy>> {
        self.proxy.as_ref()
    }

    /// Whether requests to this target, with these settings and through this proxy, may use the connection. A proxy that forwards
    /// takes requests to any target over one connection.
    pub(crate) fn serves(&self, target: &Target, tls: &Arc<TlsSettings>, proxy: Option<&Arc<Proxy>>) -> bool {
        let has_same_way = match (&self.proxy, proxy) {
            (None, None) => true,
            (Some(own), Some(other)) => Arc::ptr_eq(own, other) || own == other,
            _ => false,
        };
        let has_same_end = match proxy {
            Some(proxy) if proxy.forwards_to(target) && !proxy.always_names_port => proxy.forwards_to(&self.target),
            _ => self.target.has_same_origin(target),
        };
        has_same_way
            && has_same_end
            && (target.scheme() == Scheme::Http || Arc::ptr_eq(&self.tls, tls) || self.tls == *tls)
    }
}

/// Sends the order over an idle connection or a new one, and keeps the connection when it can be used again.
pub(super) async fn send(session: &Session, order: &Order<'_>, timeline: &mut Timeline) -> Result<Answer, Failure> {
    let Some(proxy) = order.proxy else {
        return send_on(session, order, timeline).await;
    };
    let sent = Box::pin(send_on(session, order, timeline)).await;
    sent.map_err(|failure| failure.on_the_way(proxy, ProxyStage::Beyond))
}

async fn send_on(session: &Session, order: &Order<'_>, timeline: &mut Timeline) -> Result<Answer, Failure> {
    while let Some(conduit) = session.take_idle(&order.sent.target, order.tls, order.proxy) {
        // The reactor's last news may be old: a close that only the kernel knows of would look like a server that closes
        // on our request. One system call settles it, as it does in urllib3.
        conduit.gauge.probe();
        let written = conduit.gauge.written();
        let mut held = Held::new(conduit, timeline);
        match held.travel(order).await {
            Ok(arrived) => return arrived.settle(session, held.release(), order),
            Err(_) if held.written() == written && !order.is_partly_taken() => {}
            Err(failure) => return Err(failure),
        }
    }
    // Boxed, so that an exchange over an idle connection does not carry the room for opening one.
    Box::pin(async {
        let conduit = Conduit::open(order, timeline).await?;
        send_first(session, order, conduit, timeline).await
    })
    .await
}

/// Sends the order over this connection, which was opened for it.
pub(super) async fn send_over(
    session: &Session,
    order: &Order<'_>,
    wire: Wire,
    timeline: &mut Timeline,
) -> Result<Answer, Failure> {
    let conduit = Conduit::over(wire, order).await?;
    send_first(session, order, conduit, timeline).await
}

async fn send_first(
    session: &Session,
    order: &Order<'_>,
    conduit: Box<Conduit>,
    timeline: &mut Timeline,
) -> Result<Answer, Failure> {
    let mut held = Held::new(conduit, timeline);
    let arrived = held.travel(order).await?;
    arrived.settle(session, held.release(), order)
}

/// What a passage ends with.
enum Arrived {
    /// All of it, and whether the connection can be used again.
    Whole(Answer, bool),
    /// The head; the body has yet to come.
    Head(Box<Head>, Instant),
}

impl Arrived {
    /// Hands the connection to whom it belongs now: the session, or the rest of the body.
    fn settle(self, session: &Session, conduit: Option<Box<Conduit>>, order: &Order<'_>) -> Result<Answer, Failure> {
        let Some(mut conduit) = conduit else {
            return Err(gone(&order.sent.target));
        };
        match self {
            Self::Whole(answer, is_idle) => {
                if is_idle {
                    conduit.idle_since = answer.head_at;
                    session.keep_idle(conduit);
                }
                Ok(answer)
            }
            Self::Head(head, head_at) => {
                let Head {
                    parts,
                    raw,
                    incoming,
                    expected,
                } = *head;
                Ok(Answer {
                    parts,
                    raw_head: raw,
                    body: Body::Flowing(Box::new(Flow::new(
                        rest::Rest::new(conduit, incoming, expected, order),
                        order,
                    ))),
                    head_at,
                })
            }
        }
    }
}

/// A connection in use. When it is given up, by a failure or because nobody waits for the answer any more, what still lay in its
/// socket is noted: an answer that was there and not read is the client's fault, one that never came is not.
struct Held<'t> {
    conduit: Option<Box<Conduit>>,
    timeline: &'t mut Timeline,
}

impl<'t> Held<'t> {
    fn new(conduit: Box<Conduit>, timeline: &'t mut Timeline) -> Self {
        Self {
            conduit: Some(conduit),
            timeline,
        }
    }

    async fn travel(&mut self, order: &Order<'_>) -> Result<Arrived, Failure> {
        match &mut self.conduit {
            Some(conduit) => travel(conduit, order, self.timeline).await,
            None => Err(gone(&order.sent.target)),
        }
    }

    fn written(&self) -> u64 {
        self.conduit.as_ref().map_or(0, |conduit| conduit.gauge.written())
    }

    fn release(mut self) -> Option<Box<Conduit>> {
        self.conduit.take()
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(conduit) = self.conduit.take()
            && let Codec::Awake(driven) = conduit.codec
        {
            self.timeline.unread = driven.connection.into_parts().io.into_inner().unread();
        }
    }
}

fn broken(target: &Target, error: &hyper::Error) -> Failure {
    Failure::new(FailureKind::Other, target, error.to_string())
}

fn gone(target: &Target) -> Failure {
    Failure::new(FailureKind::Other, target, "the connection was given up")
}

/// Hands the connection back unless one side wants it closed.
fn keep(session: &Session, mut conduit: Box<Conduit>, idle_since: Instant, cx: &mut Context<'_>) {
    let Codec::Awake(driven) = &mut conduit.codec else {
        return;
    };
    if !conduit.gauge.is_write_broken() && is_idle(&mut driven.connection, &driven.sender, cx) {
        conduit.idle_since = idle_since;
        session.keep_idle(conduit);
    }
}

/// Whether the connection waits for another request.
fn is_idle(
    connection: &mut Connection<TokioIo<Wire>, Outgoing>,
    sender: &SendRequest<Outgoing>,
    cx: &mut Context<'_>,
) -> bool {
    // The codec may have to look round once more to see that it is idle. Once: nothing is waited for here.
    sender.is_ready() || (Pin::new(connection).poll(cx).is_pending() && sender.is_ready())
}

async fn travel(conduit: &mut Conduit, order: &Order<'_>, timeline: &mut Timeline) -> Result<Arrived, Failure> {
    let mut request = http::Request::new(Outgoing::new(order.sent, &conduit.gauge));
    *request.method_mut() = order.sent.method.clone();
    *request.uri_mut() = order.sent.target.wire_uri();
    *request.headers_mut() = order.sent.wire_headers();
    if let Some(proxy) = order.proxy {
        forward::address(&mut request, order, proxy)?;
    }
    conduit.wake().await?;
    conduit.gauge.transcript().begin(order.is_streamed);
    conduit.gauge.forgive_writes(order.has_body());
    conduit.gauge.spell(order.spelling);
    let Conduit {
        codec: Codec::Awake(driven),
        gauge,
        silence,
        ..
    } = conduit
    else {
        return Err(gone(&order.sent.target));
    };
    let gauge = &**gauge;
    let sending = driven.sender.send_request(request);
    let mut passage = Passage {
        sending: pin!(sending),
        sender: &driven.sender,
        connection: &mut driven.connection,
        gauge,
        silence,
        order,
        timeline,
        is_closed: false,
        written_at_start: gauge.written(),
        read_at_start: gauge.read(),
        written: gauge.written(),
        read: gauge.read(),
        last_activity: order.begun,
        head: None,
        gathered: Gathered::default(),
        arrived: None,
    };
    // Tokio's budget is set aside: a connection that it stops half-way looks busy when it is not. `FRAMES_AT_ONCE`
    // bounds the work of one poll in its place.
    tokio::task::unconstrained(std::future::poll_fn(|cx| passage.poll(cx))).await
}

/// The head of a response and the body still coming.
struct Head {
    parts: Parts,
    raw: Box<[u8]>,
    incoming: Incoming,
    expected: Option<u64>,
}

/// One request and its response on one connection.
struct Passage<'a, 'o, S> {
    connection: &'a mut Connection<TokioIo<Wire>, Outgoing>,
    sending: Pin<&'a mut S>,
    sender: &'a SendRequest<Outgoing>,
    gauge: &'a Gauge,
    silence: &'a mut Option<Pin<Box<Sleep>>>,
    order: &'a Order<'o>,
    timeline: &'a mut Timeline,
    is_closed: bool,
    written_at_start: u64,
    read_at_start: u64,
    written: u64,
    read: u64,
    last_activity: Instant,
    head: Option<Head>,
    gathered: Gathered,
    /// That the answer is there, when the request is still on its way.
    arrived: Option<Step>,
}

/// What a look at the inner futures found.
#[derive(Clone, Copy)]
enum Step {
    /// The connection has to be driven again at once.
    Moved,
    /// Nothing to do until the socket has news.
    Waiting,
    /// The head is there, and no more was asked for.
    Head,
    /// The body is whole.
    Whole,
}

impl<S: Future<Output = hyper::Result<http::Response<Incoming>>>> Passage<'_, '_, S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Arrived, Failure>> {
        /// Rounds before other tasks get their turn.
        const FRAMES_AT_ONCE: u32 = 64;
        for _ in 0..FRAMES_AT_ONCE {
            self.drive(cx);
            if self.order.sent.feed.as_ref().is_some_and(Feed::has_given_up) {
                return Poll::Ready(Err(Failure::given_up(&self.order.sent.target)));
            }
            match self.arrived.map_or_else(|| self.step(cx), Ok) {
                Err(failure) => return Poll::Ready(Err(failure)),
                // Driven once more: the connection may only have to see that it is done.
                Ok(step @ (Step::Whole | Step::Head)) if self.arrived.is_none() && self.is_uploading(step) => {
                    self.arrived = Some(step);
                }
                Ok(step @ (Step::Whole | Step::Head)) if self.is_uploading(step) => {
                    return self.poll_silence(cx).map(|()| Err(self.read_timeout()));
                }
                Ok(Step::Whole) => return Poll::Ready(self.finish(cx)),
                Ok(Step::Head) => return Poll::Ready(self.finish_head()),
                Ok(Step::Moved) => {}
                Ok(Step::Waiting) if self.is_closed => {
                    return Poll::Ready(Err(self.closed_early()));
                }
                Ok(Step::Waiting) => {
                    return self.poll_silence(cx).map(|()| Err(self.read_timeout()));
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Lets the connection read and write, and notes when it did.
    fn drive(&mut self, cx: &mut Context<'_>) {
        if !self.is_closed {
            // An error reaches the caller through `sending` or the body, which know what it happened to.
            self.is_closed = Pin::new(&mut *self.connection).poll(cx).is_ready();
        }
        let (written, read) = (self.gauge.written(), self.gauge.read());
        if written == self.written && read == self.read {
            return;
        }
        let is_first_byte = read != self.read && self.read == self.read_at_start;
        let is_sending = written != self.written;
        if is_first_byte || is_sending || self.order.read_timeout.is_some() {
            let now = Instant::now();
            self.last_activity = now;
            if is_sending {
                self.timeline.sent_at(now);
            }
            if is_first_byte {
                self.timeline.heard_at(now);
            }
        }
        self.written = written;
        self.read = read;
    }

    /// Takes what the connection has ready. What it waits for comes from driving the connection, in this same task; it is
    /// given the task's waker all the same, so that no future in here can be left without somebody to wake.
    fn step(&mut self, cx: &mut Context<'_>) -> Result<Step, Failure> {
        let Some(head) = &mut self.head else {
            return match self.sending.as_mut().poll(cx) {
                Poll::Pending => Ok(Step::Waiting),
                Poll::Ready(Ok(response)) => self.take_head(response, cx),
                Poll::Ready(Err(error)) => Err(self.head_failure(&error)),
            };
        };
        let mut step = Step::Waiting;
        loop {
            match Pin::new(&mut head.incoming).poll_frame(cx) {
                Poll::Pending => return Ok(step),
                Poll::Ready(None) => return Ok(Step::Whole),
                Poll::Ready(Some(Ok(frame))) => {
                    step = Step::Moved;
                    let expected = head.expected;
                    self.gathered.push(frame.into_data().unwrap_or_default(), expected);
                    if self
                        .order
                        .max_body_bytes
                        .is_some_and(|limit| self.gathered.len() > limit)
                    {
                        return Err(self.too_large());
                    }
                }
                // The body of a redirect that breaks off spoils nothing; the connection is of no use any more.
                Poll::Ready(Some(Err(_))) if self.order.leads_on(&head.parts) => return Ok(Step::Whole),
                Poll::Ready(Some(Err(error))) => return Err(self.body_failure(&error)),
            }
        }
    }

    fn take_head(&mut self, response: http::Response<Incoming>, cx: &mut Context<'_>) -> Result<Step, Failure> {
        let (parts, mut incoming) = response.into_parts();
        let raw = self.gauge.transcript().head();
        if incoming.is_end_stream() {
            self.head = Some(Head {
                parts,
                raw,
                incoming,
                expected: Some(0),
            });
            return Ok(Step::Whole);
        }
        let expected = incoming.size_hint().exact();
        if let (Some(expected), Some(limit)) = (expected, self.order.max_body_bytes)
            && expected > limit
            && self.order.sent.method != http::Method::HEAD
        {
            return Err(self.too_large());
        }
        // Only the last body of a chain is streamed.
        if self.order.is_streamed && !self.order.leads_on(&parts) {
            self.head = Some(Head {
                parts,
                raw,
                incoming,
                expected,
            });
            return Ok(Step::Head);
        }
        // The first look at the body is what asks the connection for it.
        let first = Pin::new(&mut incoming).poll_frame(cx);
        let leads_on = self.order.leads_on(&parts);
        self.head = Some(Head {
            parts,
            raw,
            incoming,
            expected,
        });
        match first {
            Poll::Pending => Ok(Step::Moved),
            Poll::Ready(None) => Ok(Step::Whole),
            Poll::Ready(Some(Err(_))) if leads_on => Ok(Step::Whole),
            Poll::Ready(Some(Err(error))) => Err(self.body_failure(&error)),
            Poll::Ready(Some(Ok(frame))) => {
                self.gathered.push(frame.into_data().unwrap_or_default(), expected);
                if self
                    .order
                    .max_body_bytes
                    .is_some_and(|limit| self.gathered.len() > limit)
                {
                    return Err(self.too_large());
                }
                Ok(Step::Moved)
            }
        }
    }

    /// Whether there is still somebody to send the rest of the body to. The server may answer early; it gets the body all
    /// the same unless it hangs up, as it does from `requests`.
    fn is_uploading(&self, step: Step) -> bool {
        let Some(feed) = &self.order.sent.feed else {
            return false;
        };
        let is_sent = match step {
            Step::Whole => self.sender.is_ready(),
            _ => feed.is_over(),
        };
        !is_sent && !self.is_closed && !self.gauge.is_write_broken()
    }

    fn head_at(&self) -> Instant {
        self.timeline.first_byte().unwrap_or(self.last_activity)
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Result<Arrived, Failure> {
        let head_at = self.head_at();
        let body: Bytes = std::mem::take(&mut self.gathered).finish();
        let Some(Head {
            parts, raw, incoming, ..
        }) = self.head.take()
        else {
            return Err(self.closed_early());
        };
        // Whoever still holds the body keeps the connection busy.
        drop(incoming);
        let answer = Answer {
            parts,
            raw_head: raw,
            body: Body::Whole(body),
            head_at,
        };
        let is_idle = !self.gauge.is_write_broken() && is_idle(self.connection, self.sender, cx);
        Ok(Arrived::Whole(answer, is_idle))
    }

    fn finish_head(&mut self) -> Result<Arrived, Failure> {
        let head_at = self.head_at();
        match self.head.take() {
            Some(head) => Ok(Arrived::Head(Box::new(head), head_at)),
            None => Err(self.closed_early()),
        }
    }

    /// Ready when the connection has been silent for the read timeout.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.order.sent.feed.as_ref().is_some_and(Feed::is_awaited) {
            // It is the caller who is silent.
            self.last_activity = Instant::now();
            return Poll::Pending;
        }
        let Some(deadline) = self
            .order
            .read_timeout
            .and_then(|limit| self.last_activity.checked_add(limit))
        else {
            return Poll::Pending;
        };
        let sleep = self
            .silence
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    fn failure(&self, kind: FailureKind, message: impl Into<String>) -> Failure {
        Failure::new(kind, &self.order.sent.target, message)
    }

    fn closed_early(&self) -> Failure {
        self.failure(
            FailureKind::ClosedEarly,
            "Remote end closed connection without response",
        )
    }

    fn read_timeout(&mut self) -> Failure {
        let seconds = self.order.read_timeout.unwrap_or_default().as_secs_f64();
        let mut failure = self.failure(
            FailureKind::ReadTimeout,
            format!("Read timed out. (read timeout={seconds})"),
        );
        failure.progress = self.head.as_ref().map(|_| self.progress());
        failure.partial = self.take_partial();
        failure
    }

    fn too_large(&self) -> Failure {
        let limit = self.order.max_body_bytes.unwrap_or_default();
        self.failure(
            FailureKind::TooLarge,
            format!("The response body is larger than {limit} bytes"),
        )
    }

    fn progress(&self) -> BodyProgress {
        let received = self.gathered.len();
        let expected = self.head.as_ref().and_then(|head| head.expected);
        BodyProgress {
            received,
            missing: expected.map(|expected| expected.saturating_sub(received)),
        }
    }

    /// What broke before the head of the response was there.
    fn head_failure(&self, error: &hyper::Error) -> Failure {
        if let Some(mut failure) =
            excess(self.gauge, &self.order.sent.target).or_else(|| system_failure(error, &self.order.sent.target))
        {
            failure.is_in_head = self.gauge.read() != self.read_at_start;
            return failure;
        }
        if error.is_parse_too_large() {
            return self.failure(FailureKind::Endless, self.gauge.transcript().too_large());
        }
        if error.is_parse() {
            let lengths = self.gauge.transcript().unmatching_lengths();
            return self.not_http(lengths.unwrap_or_else(|| describe(error)));
        }
        if self.gauge.read() == self.read_at_start {
            return self.closed_early();
        }
        if self.gauge.written() == self.written_at_start {
            return self.not_http("The server spoke before it was asked");
        }
        self.not_http("Remote end closed connection in the middle of the response head")
    }

    fn not_http(&self, message: impl Into<String>) -> Failure {
        let mut failure = self.failure(FailureKind::NotHttp, message);
        failure.status_line = self.gauge.transcript().bad_status_line();
        failure
    }

    /// What broke while the body was coming.
    fn body_failure(&mut self, error: &hyper::Error) -> Failure {
        let mut failure = broken_body(error, &self.order.sent.target, self.gauge, self.progress());
        failure.partial = self.take_partial();
        failure
    }

    /// What has come of a response that will not be whole.
    fn take_partial(&mut self) -> Option<Box<Response>> {
        let elapsed = self.head_at().saturating_duration_since(self.order.begun);
        let head = self.head.take()?;
        let body = std::mem::take(&mut self.gathered).finish();
        let sent = self.order.sent.clone();
        Some(Box::new(Response::received(head.parts, head.raw, body, sent, elapsed)))
    }
}

/// Whether the server was cut off because it would have gone on for ever.
fn excess(gauge: &Gauge, target: &Target) -> Option<Failure> {
    let excess = gauge.transcript().excess()?;
    Some(Failure::new(FailureKind::Endless, target, excess.to_string()))
}

/// What broke while a body was coming, and how far it had come.
fn broken_body(error: &hyper::Error, target: &Target, gauge: &Gauge, progress: BodyProgress) -> Failure {
    let of_tls = |tls| Failure::new(FailureKind::Tls, target, words::of_error(tls, target.host()));
    let known = excess(gauge, target)
        .or_else(|| system_failure(error, target))
        .or_else(|| gauge.tls_error().map(of_tls));
    let mut failure = known.unwrap_or_else(|| {
        let words = describe(error);
        match CODEC_BOUNDS.iter().find(|(bound, _)| words.ends_with(bound)) {
            Some((_, told)) => Failure::new(FailureKind::Endless, target, *told),
            None => Failure::new(FailureKind::BadBody, target, words),
        }
    });
    failure.progress = Some(progress);
    failure.chunk_break = gauge.transcript().chunk_break();
    failure
}

/// The operating system's or the TLS layer's own error, when it is at the bottom of this one.
fn system_failure(error: &hyper::Error, target: &Target) -> Option<Failure> {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            if io.raw_os_error().is_some() {
                return Some(Failure::from_io(io, target));
            }
            if let Some(tls) = io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                let words = words::of_error(tls, target.host());
                return Some(Failure::new(FailureKind::Tls, target, words));
            }
        }
        source = inner.source();
    }
    None
}

/// How hyper ends the sentence when there is too much between or after the chunks of a body, and what it means.
const CODEC_BOUNDS: [(&str, &str); 3] = [
    (
        "chunk extensions over limit",
        "got more than 16384 bytes of chunk extensions",
    ),
    (
        "chunk trailers bytes over limit",
        "got more than 16384 bytes of trailers",
    ),
    ("chunk trailers count overflow", "got more than 100 trailers"),
];

/// An error and its causes in one line.
fn describe(error: &hyper::Error) -> String {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let inner_words = inner.to_string();
        if !words.contains(&inner_words) {
            words.push_str(": ");
            words.push_str(&inner_words);
        }
        source = inner.source();
    }
    words
}

//! One job on a lane: run the exchange, record the sample, post the outcome to whoever waits.
//!
//! A sample must be counted exactly once whatever happens to the caller: recorded here when nobody in Python has a say
//! ([`Report::Now`]), by Python when a listener or a `with` block has ([`Report::Later`]), and otherwise counted as *aborted* by
//! [`Unreported`], which no exit path can skip.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::{Method, StatusCode};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::called_off::{self, CalledOff};
use super::clock;
use super::in_flight::InFlight;
use super::port::{Port, Post};
use super::stream::{self, Stream, Supplier};
use super::verdict::Dialect;
use crate::http::{End, Failure, Request, Response, Session, Target, Timeline};
use crate::ids::{EntryId, TicketId};
use crate::stats::{Ledger, Sample};

/// Who records the sample.
#[derive(Debug)]
pub enum Report {
    /// The lane, as soon as the response is there. Failed connections are left to Python (see [`super::verdict`]).
    Now {
        /// Under which method and name.
        entry: EntryId,
        /// The name again, for failure texts.
        name: Arc<str>,
        /// In whose words.
        dialect: Dialect,
    },
    /// Python, when a listener or a `with` block has had its say.
    Later,
}

/// A promise that this request will be in the statistics. Broken promises are counted when it is dropped.
#[derive(Debug)]
pub struct Unreported {
    /// Whose statistics; `None` once the promise is kept, or for a session that belongs to no run.
    ledger: Option<Arc<Ledger>>,
    shard: usize,
}

impl Unreported {
    /// No promise at all.
    #[must_use]
    pub fn none() -> Self {
        Self { ledger: None, shard: 0 }
    }

    /// The promise is kept, or there is nothing to report.
    pub fn settle(&mut self) {
        self.ledger = None;
    }
}

impl Drop for Unreported {
    fn drop(&mut self) {
        if let Some(ledger) = self.ledger.take() {
            ledger.abort(self.shard);
        }
    }
}

/// What a parked caller gets.
#[derive(Debug)]
pub struct Finished {
    /// The response, or why there is none.
    pub result: Result<Response, Failure>,
    /// When what happened.
    pub timeline: Timeline,
    /// Wall clock at the start, since the epoch.
    pub started_at: Duration,
    /// Open when Python must report.
    pub unreported: Unreported,
    /// Whether the lane has recorded the sample.
    pub is_recorded: bool,
    /// The body, when it was to be streamed and has not ended with its head.
    pub stream: Option<Stream>,
}

/// The caller's end of a running job: the way to call it off.
#[derive(Debug, Default)]
pub struct Cancel {
    /// Whose job it is. The job has hold of it; who keeps a response keeps no connections.
    session: Weak<Session>,
    end: End,
    handle: OnceLock<AbortHandle>,
}

impl Cancel {
    /// Ends the job now; its connection is closed. A job that has ended already is not touched.
    pub fn cancel(&self) {
        if let Some(session) = self.session.upgrade() {
            self.end.tell(session.endings());
        }
        if let Some(handle) = self.handle.get() {
            handle.abort();
        }
    }
}

/// A job's own end: its session, which hears when the job is gone with all that it held.
#[derive(Debug)]
pub struct Underway {
    session: Arc<Session>,
    cancel: Arc<Cancel>,
}

impl Underway {
    /// A job of this session's.
    #[must_use]
    pub fn new(session: Arc<Session>) -> Self {
        let cancel = Arc::new(Cancel {
            session: Arc::downgrade(&session),
            ..Cancel::default()
        });
        Self { session, cancel }
    }

    /// How it is called off.
    #[must_use]
    pub fn cancel(&self) -> &Arc<Cancel> {
        &self.cancel
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.cancel.end.has_come(self.session.endings());
    }
}

/// A request, its session, and what to do with the outcome.
#[derive(Debug)]
pub struct Job {
    /// Whose cookies and connections, and how it is called off.
    pub underway: Underway,
    /// What to send.
    pub request: Request,
    /// Whose statistics.
    pub ledger: Option<Arc<Ledger>>,
    /// Who records.
    pub report: Report,
    /// Whom to wake.
    pub ticket: TicketId,
    /// Where it waits.
    pub port: Arc<Port>,
    /// Who makes the body, if it is fed piece by piece; it knows whom to wake then.
    pub supplier: Option<Arc<Supplier>>,
    /// Its share of the count of running jobs.
    pub in_flight: InFlight,
    /// When it was asked for.
    pub queued: Instant,
}

impl Job {
    /// Starts the job on the current runtime. `shard` is this lane's shard of every ledger.
    pub fn start(self, shard: usize) {
        let cancel = Arc::clone(self.underway.cancel());
        if cancel.end.is_told() {
            return;
        }
        let task = if self.request.is_streamed || self.supplier.is_some() {
            // A task of its own size: the usual one must not carry the room for it.
            tokio::spawn(self.run_streamed(shard))
        } else {
            tokio::spawn(self.run(shard))
        };
        let _ = cancel.handle.set(task.abort_handle());
        if cancel.end.is_told() {
            task.abort();
        }
    }

    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` holds all that it is given twice, and what a task holds is copied for every request"
    )]
    fn run(self, shard: usize) -> impl Future<Output = ()> + Send {
        async move {
            // It goes last, when the connection is in its place or closed.
            let underway = self.underway;
            let mut flight = Flight {
                timeline: Timeline::queued_at(self.queued),
                unreported: Unreported {
                    ledger: self.ledger,
                    shard,
                },
                reply: Some((self.ticket, self.port)),
                method: self.request.method.clone(),
                target: self.request.target.clone(),
                _counted: self.in_flight,
            };
            let started_at = clock::since_epoch();
            let result = crate::http::exchange(&underway.session, &self.request, &mut flight.timeline).await;
            let is_recorded = result
                .as_ref()
                .is_ok_and(|response| flight.record(&self.report, response, response.body.len() as u64));
            let_rest(&underway.session);
            flight.land(result, started_at, is_recorded, None);
        }
    }

    /// As [`Self::run`], for a body that is streamed in either direction: the response is handed over with its head,
    /// and this task goes on to serve the body.
    async fn run_streamed(self, shard: usize) {
        let Self {
            underway,
            request,
            ledger,
            report,
            ticket,
            port,
            supplier,
            in_flight,
            queued,
        } = self;
        let session = &underway.session;
        let mut flight = Flight {
            timeline: Timeline::queued_at(queued),
            unreported: Unreported { ledger, shard },
            reply: Some((ticket, port)),
            method: request.method.clone(),
            target: request.target.clone(),
            _counted: in_flight,
        };
        let started_at = clock::since_epoch();
        let is_streamed = request.is_streamed;
        let (result, flow) = match crate::http::open(session, request, &mut flight.timeline).await {
            Ok((response, flow)) => (Ok(response), flow),
            Err(failure) => (Err(failure), None),
        };
        let is_recorded = result.as_ref().is_ok_and(|response| {
            let length = if is_streamed {
                declared_length(response)
            } else {
                response.body.len() as u64
            };
            flight.record(&report, response, length)
        });
        let_rest(session);
        if let Some(supplier) = supplier {
            // It has parked anew with every piece.
            flight.reply = supplier.waiter().await.into_parts();
        }
        let Some(flow) = flow else {
            flight.land(result, started_at, is_recorded, None);
            return;
        };
        let (stream, pulls) = Stream::open(&flow, Arc::clone(underway.cancel()));
        flight.land(result, started_at, is_recorded, Some(stream));
        stream::serve(flow, session, pulls).await;
        let_rest(session);
    }
}

/// What the server says the body's length is: all that is known of a body that has yet to come.
#[must_use]
pub fn declared_length(response: &Response) -> u64 {
    let declared = response.headers.get(CONTENT_LENGTH);
    declared
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .unwrap_or(0)
}

/// Has somebody come by to let the session's idle connections rest.
fn let_rest(session: &Arc<Session>) {
    if session.begin_watch() {
        tokio::spawn(watch(Arc::downgrade(session)));
    }
}

/// How long a connection is idle before it gives its buffers back. A user without a wait never gets there.
const IDLE_BEFORE_REST: Duration = Duration::from_millis(250);

/// Lets the idle connections of a session rest, until none is awake: one small task for a session that has been busy lately, none
/// for a user that waits.
async fn watch(session: Weak<Session>) {
    loop {
        tokio::time::sleep(IDLE_BEFORE_REST).await;
        let Some(session) = session.upgrade() else { return };
        let since = Instant::now().checked_sub(IDLE_BEFORE_REST);
        if !since.is_some_and(|since| session.rest(since)) {
            session.end_watch();
            return;
        }
    }
}

/// The reason phrase, as `requests` shows it: UTF-8 if it is, else Latin-1.
#[must_use]
pub fn reason(response: &Response) -> Cow<'_, str> {
    match &response.reason {
        Some(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect::<String>().into(),
        },
        None => StatusCode::from_u16(response.status)
            .ok()
            .and_then(|code| code.canonical_reason())
            .unwrap_or("")
            .into(),
    }
}

/// What must be accounted for even when the job is dropped half-way.
struct Flight {
    timeline: Timeline,
    unreported: Unreported,
    /// Whom to wake, until that is done.
    reply: Option<(TicketId, Arc<Port>)>,
    method: Method,
    target: Target,
    /// Dropped last, when everything above has been accounted for.
    _counted: InFlight,
}

impl Flight {
    /// Takes the sample if that is the lane's to do, and says whether it did.
    fn record(&mut self, report: &Report, response: &Response, length_bytes: u64) -> bool {
        let (Report::Now { entry, name, dialect }, Some(ledger)) = (report, &self.unreported.ledger) else {
            return false;
        };
        let failure = dialect.failure(response.status, &reason(response), name).map(Arc::from);
        ledger.record(
            self.unreported.shard,
            Sample {
                entry: *entry,
                elapsed: self.timeline.response_time(),
                length_bytes,
                at_epoch_s: clock::since_epoch().as_secs_f64(),
                failure,
                parts: self.timeline.phases().map(|phases| phases.in_order().into()),
            },
        );
        self.unreported.settle();
        true
    }

    fn land(
        mut self,
        result: Result<Response, Failure>,
        started_at: Duration,
        is_recorded: bool,
        stream: Option<Stream>,
    ) {
        let shard = self.unreported.shard;
        let unreported = Unreported {
            ledger: self.unreported.ledger.take(),
            shard,
        };
        let timeline = std::mem::take(&mut self.timeline);
        if let Some((ticket, port)) = self.reply.take() {
            port.post(Post::Exchange(
                ticket,
                Box::new(Finished {
                    result,
                    timeline,
                    started_at,
                    unreported,
                    is_recorded,
                    stream,
                }),
            ));
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        match self.timeline.sent() {
            // Called off before anything was sent: the server cannot have seen it, so there is nothing to account for.
            None => self.unreported.settle(),
            Some(sent) if self.reply.is_some() && self.unreported.ledger.is_some() => called_off::note(CalledOff {
                method: self.method.clone(),
                target: self.target.clone(),
                waited: sent.elapsed(),
                has_begun: self.timeline.first_byte().is_some_and(|first_byte| first_byte >= sent),
                unread: self.timeline.unread,
            }),
            Some(_) => {}
        }
        // A panic must not leave the caller asleep. (A job that was called off has no caller any more.)
        if std::thread::panicking()
            && let Some((ticket, port)) = self.reply.take()
        {
            port.post(Post::Lost(ticket));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::port;

    #[test]
    fn a_panic_in_an_exchange_wakes_its_caller_and_leaves_the_lane_alive() {
        // Sockets are not enabled: the first connection panics.
        let lane = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        let port = Arc::new(port::open().expect("a port"));
        let ledger = Ledger::new(2);
        for ticket in [7, 8] {
            let job = Job {
                underway: Underway::new(Arc::default()),
                request: Request::new(Method::GET, Target::parse("http://127.0.0.1:9/").expect("a URL")),
                ledger: Some(Arc::clone(&ledger)),
                report: Report::Later,
                ticket: TicketId(ticket),
                port: Arc::clone(&port),
                supplier: None,
                in_flight: InFlight::begin(),
                queued: Instant::now(),
            };
            let mut posts = Vec::new();
            lane.block_on(async {
                job.start(1);
                while posts.is_empty() {
                    tokio::task::yield_now().await;
                    port.drain(&mut posts);
                }
            });
            assert!(
                matches!(posts[..], [Post::Lost(TicketId(lost))] if lost == ticket),
                "{posts:?}"
            );
        }
        assert_eq!(ledger.snapshot().total.num_requests, 0);
    }

    #[test]
    fn a_session_knows_of_calls_that_were_called_off_and_are_still_there() {
        let lane = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let port = Arc::new(port::open().expect("a port"));
        let session = Arc::new(Session::default());
        lane.block_on(async {
            let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = server.local_addr().expect("an address");
            let underway = Underway::new(Arc::clone(&session));
            let cancel = Arc::clone(underway.cancel());
            let job = Job {
                underway,
                request: Request::new(
                    Method::GET,
                    Target::parse(&format!("http://{address}/")).expect("a URL"),
                ),
                ledger: None,
                report: Report::Later,
                ticket: TicketId(1),
                port,
                supplier: None,
                in_flight: InFlight::begin(),
                queued: Instant::now(),
            };
            job.start(1);
            let (mut connection, _) = server.accept().await.expect("a connection");
            session.closed().await;

            cancel.cancel();
            // The lane has had no turn since.
            assert!(!session.is_settled());
            session.closed().await;
            cancel.cancel();
            assert!(session.is_settled());
            let mut rest = Vec::new();
            tokio::io::AsyncReadExt::read_to_end(&mut connection, &mut rest)
                .await
                .expect("its end");
        });
    }
}

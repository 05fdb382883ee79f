//! The rest of a body on the direct road: whoever pulls it drives its connection, as whoever waits for an answer does.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::{Codec, Conduit, Order, broken_body, gone, keep};
use crate::http::failure::{BodyProgress, Failure, FailureKind, ProxyStage};
use crate::http::flow::{Frame, Source};
use crate::http::session::Session;
use crate::http::target::Target;

/// A connection that belongs to a body until that has been read.
#[derive(Debug)]
pub(super) struct Rest {
    conduit: Box<Conduit>,
    incoming: Incoming,
    target: Target,
    read_timeout: Option<Duration>,
    silence: Option<Pin<Box<Sleep>>>,
    last_activity: Instant,
    /// Bytes read from the connection, when that was last looked at.
    read: u64,
    is_closed: bool,
    expected: Option<u64>,
    received: u64,
    /// Bytes until the present chunk ends; `None` when the body does not come in chunks, or it is not known.
    chunk_left: Option<u64>,
}

impl Rest {
    pub(super) fn new(
        conduit: Box<Conduit>,
        incoming: Incoming,
        expected: Option<u64>,
        order: &Order<'_>,
    ) -> Box<Self> {
        Box::new(Self {
            read: conduit.gauge.read(),
            conduit,
            incoming,
            target: order.sent.target.clone(),
            read_timeout: order.read_timeout,
            silence: None,
            last_activity: order.begun,
            is_closed: false,
            expected,
            received: 0,
            chunk_left: None,
        })
    }

    /// Lets the connection read and write, and notes when something came.
    fn drive(&mut self, cx: &mut Context<'_>) {
        let Codec::Awake(driven) = &mut self.conduit.codec else {
            return;
        };
        if !self.is_closed {
            // An error reaches the caller through the body, which knows what it happened to.
            self.is_closed = Pin::new(&mut driven.connection).poll(cx).is_ready();
        }
        let read = self.conduit.gauge.read();
        if read != self.read {
            self.read = read;
            self.last_activity = Instant::now();
        }
    }

    /// What the codec has ready; trailers are passed over.
    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, Failure>>> {
        loop {
            let Some(frame) = std::task::ready!(Pin::new(&mut self.incoming).poll_frame(cx)) else {
                return Poll::Ready(None);
            };
            let bytes = match frame {
                Ok(frame) => match frame.into_data() {
                    Ok(bytes) if !bytes.is_empty() => bytes,
                    _ => continue,
                },
                Err(error) => {
                    let gauge = &self.conduit.gauge;
                    let failure = broken_body(&error, &self.target, gauge, self.progress());
                    return Poll::Ready(Some(Err(failure)));
                }
            };
            let chunk_left = self.note(bytes.len() as u64);
            return Poll::Ready(Some(Ok(Frame { bytes, chunk_left })));
        }
    }

    /// Takes note of received bytes, which the codec never takes from two chunks at once; says what is left of theirs.
    fn note(&mut self, count: u64) -> Option<u64> {
        self.received += count;
        if self.expected.is_some() {
            return None;
        }
        let left = match self.chunk_left {
            None | Some(0) => self.conduit.gauge.transcript().next_chunk(),
            left => left,
        };
        self.chunk_left = left.map(|left| left.saturating_sub(count));
        self.chunk_left
    }

    fn progress(&self) -> BodyProgress {
        BodyProgress {
            received: self.received,
            missing: self.expected.map(|expected| expected.saturating_sub(self.received)),
        }
    }

    /// Ready when nothing has come for the read timeout.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<Failure> {
        let Some(limit) = self.read_timeout else {
            return Poll::Pending;
        };
        let Some(deadline) = self.last_activity.checked_add(limit) else {
            return Poll::Pending;
        };
        let sleep = self
            .silence
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        std::task::ready!(sleep.as_mut().poll(cx));
        let message = format!("Read timed out. (read timeout={})", limit.as_secs_f64());
        let mut failure = Failure::new(FailureKind::ReadTimeout, &self.target, message);
        failure.progress = Some(self.progress());
        Poll::Ready(failure)
    }
}

impl Source for Rest {
    fn resume(&mut self) {
        self.last_activity = Instant::now();
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, Failure>>> {
        let polled = self.poll_rest(cx);
        match self.conduit.proxy() {
            None => polled,
            Some(proxy) => polled.map_err(|failure| failure.on_the_way(proxy, ProxyStage::Beyond)),
        }
    }

    fn settle(self: Box<Self>, session: &Session, cx: &mut Context<'_>) {
        keep(session, self.conduit, Instant::now(), cx);
    }
}

impl Rest {
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, Failure>>> {
        // The first look asks the connection for the body, driving it fetches some, the second look takes that.
        if let Poll::Ready(frame) = self.poll_incoming(cx) {
            return Poll::Ready(frame);
        }
        self.drive(cx);
        if let Poll::Ready(frame) = self.poll_incoming(cx) {
            return Poll::Ready(frame);
        }
        if self.is_closed {
            let mut failure = gone(&self.target);
            failure.progress = Some(self.progress());
            return Poll::Ready(Some(Err(failure)));
        }
        self.poll_silence(cx).map(|failure| Some(Err(failure)))
    }
}

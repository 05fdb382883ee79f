//! One stream: a request body on its way out, a response body on its way in, and how long they may be silent.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::{RecvStream, SendStream};
use tokio::time::{Instant, Sleep};

use super::{Setback, Use, describe, of_stream, read_timeout, reset};
use crate::http::failure::{BodyProgress, Failure, FailureKind};
use crate::http::feed::Feed;
use crate::http::flow::{Frame, Source};
use crate::http::session::Session;
use crate::http::target::Target;

/// A request body on its way, as fast as the server lets it.
pub(super) struct Upload {
    stream: SendStream<Bytes>,
    rest: Bytes,
    /// Who makes more of it.
    feed: Option<Feed>,
}

impl Upload {
    pub(super) fn new(stream: SendStream<Bytes>, body: Option<Bytes>, feed: Option<Feed>) -> Self {
        Self {
            stream,
            rest: body.unwrap_or_default(),
            feed,
        }
    }

    /// Ready when nothing is left to send, or the server does not want it; whatever is wrong with the stream then, the response
    /// tells of it.
    fn poll(&mut self, cx: &mut Context<'_>, on_progress: &mut impl FnMut()) -> Poll<()> {
        loop {
            if self.rest.is_empty()
                && let Some(feed) = &self.feed
            {
                if let Some(piece) = ready!(feed.poll_piece(cx)) {
                    self.rest = piece;
                } else {
                    self.feed = None;
                    let _ = self.stream.send_data(Bytes::new(), true);
                    on_progress();
                }
            }
            if self.rest.is_empty() {
                return Poll::Ready(());
            }
            self.stream.reserve_capacity(self.rest.len());
            let Some(Ok(granted)) = ready!(self.stream.poll_capacity(cx)) else {
                return Poll::Ready(());
            };
            let piece = self.rest.split_to(granted.min(self.rest.len()));
            let is_last = self.rest.is_empty() && self.feed.is_none();
            if self.stream.send_data(piece, is_last).is_err() {
                return Poll::Ready(());
            }
            on_progress();
        }
    }

    fn has_given_up(&self) -> bool {
        self.feed.as_ref().is_some_and(Feed::has_given_up)
    }

    /// Whether its caller is at work on the next piece, so that silence is not the server's.
    fn is_awaited(&self) -> bool {
        self.feed.as_ref().is_some_and(Feed::is_awaited)
    }
}

/// Both directions of a stream, and the read timeout.
pub(super) struct Traffic {
    target: Target,
    upload: Option<Upload>,
    limit: Option<Duration>,
    silence: Option<Pin<Box<Sleep>>>,
}

impl Traffic {
    pub(super) fn new(target: &Target, upload: Option<Upload>, limit: Option<Duration>) -> Self {
        Self {
            target: target.clone(),
            upload,
            limit,
            silence: None,
        }
    }

    pub(super) fn is_uploading(&self) -> bool {
        self.upload.is_some()
    }

    /// Something happened: the silence is over.
    pub(super) fn begin_anew(&mut self) {
        if let (Some(silence), Some(limit)) = (&mut self.silence, self.limit) {
            silence.as_mut().reset(Instant::now() + limit);
        }
    }

    /// Sends what may be sent of the request's body.
    ///
    /// # Errors
    ///
    /// When whoever makes the body cannot go on.
    pub(super) fn push(&mut self, cx: &mut Context<'_>, mut on_sent: impl FnMut(Instant)) -> Result<(), Setback> {
        let Some(upload) = &mut self.upload else { return Ok(()) };
        let mut has_moved = false;
        let polled = upload.poll(cx, &mut || {
            has_moved = true;
            on_sent(Instant::now());
        });
        if upload.has_given_up() {
            return Err(of_stream(Failure::given_up(&self.target)));
        }
        if polled.is_ready() {
            self.upload = None;
        }
        if has_moved {
            self.begin_anew();
        }
        Ok(())
    }

    /// Ready when the stream has been silent for too long.
    pub(super) fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(limit) = self.limit else { return Poll::Pending };
        if self.upload.as_ref().is_some_and(Upload::is_awaited) {
            self.begin_anew();
        }
        let silence = self.silence.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        silence.as_mut().poll(cx)
    }

    pub(super) fn timed_out(&self, progress: Option<BodyProgress>) -> Setback {
        of_stream(read_timeout(&self.target, self.limit, progress))
    }
}

/// What is left of a stream when the head of the response is there.
pub(super) struct Rest {
    pub(super) traffic: Traffic,
    body: RecvStream,
    expected: Option<u64>,
    received: u64,
    /// Counts the stream among those of its connection.
    _use: Use,
}

impl std::fmt::Debug for Rest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Rest")
            .field("target", &self.traffic.target)
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}

impl Rest {
    pub(super) fn new(traffic: Traffic, body: RecvStream, expected: Option<u64>, of: Use) -> Self {
        Self {
            traffic,
            body,
            expected,
            received: 0,
            _use: of,
        }
    }

    pub(super) fn expected(&self) -> Option<u64> {
        self.expected
    }

    pub(super) fn progress(&self) -> BodyProgress {
        BodyProgress {
            received: self.received,
            missing: self.expected.map(|expected| expected.saturating_sub(self.received)),
        }
    }

    /// The next bytes of the body; `None` at its end.
    pub(super) fn poll_bytes(
        &mut self,
        cx: &mut Context<'_>,
        on_sent: impl FnMut(Instant),
    ) -> Poll<Option<Result<Bytes, Setback>>> {
        if let Err(setback) = self.traffic.push(cx, on_sent) {
            return Poll::Ready(Some(Err(setback)));
        }
        match self.body.poll_data(cx) {
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Ok(bytes))) => {
                self.traffic.begin_anew();
                self.received += bytes.len() as u64;
                // Only a stream that has ended refuses to be given room.
                let _ = self.body.flow_control().release_capacity(bytes.len());
                Poll::Ready(Some(Ok(bytes)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(self.broken(&error)))),
            Poll::Pending => {
                ready!(self.traffic.poll_silence(cx));
                Poll::Ready(Some(Err(self.traffic.timed_out(Some(self.progress())))))
            }
        }
    }

    /// What broke while the body was coming.
    fn broken(&self, error: &h2::Error) -> Setback {
        let target = &self.traffic.target;
        let mut failure = match error.get_io() {
            Some(io) if io.kind() == io::ErrorKind::ConnectionReset => reset(target),
            Some(_) => {
                let words = "the connection was closed before the body was complete";
                Failure::new(FailureKind::BadBody, target, words)
            }
            None => Failure::new(FailureKind::BadBody, target, describe(error)),
        };
        failure.progress = Some(self.progress());
        Setback {
            failure,
            is_untouched: false,
            ends_link: !error.is_reset(),
        }
    }
}

/// A body that is pulled: the window of its stream bounds what is read ahead, and dropping it resets the stream.
impl Source for Rest {
    fn resume(&mut self) {
        self.traffic.begin_anew();
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, Failure>>> {
        loop {
            let polled = ready!(self.poll_bytes(cx, |_| ()));
            return Poll::Ready(match polled {
                None => None,
                Some(Ok(bytes)) if bytes.is_empty() => continue,
                Some(Ok(bytes)) => Some(Ok(Frame {
                    bytes,
                    chunk_left: None,
                })),
                Some(Err(setback)) => Some(Err(setback.failure)),
            });
        }
    }

    fn settle(self: Box<Self>, _: &Session, _: &mut Context<'_>) {
        // The connection is the session's all the time.
    }
}

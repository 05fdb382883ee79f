//! A response body that is handed out while it comes, piece by piece, and only when somebody asks.
//!
//! Back-pressure is the whole point: nothing here reads ahead more than one frame of the codec, so a body of any size
//! passes through bounded memory, and a server that sends faster than the caller reads is slowed down by its socket.
//! What a body comes by (a connection, a stream of one) is a [`Source`]; each road of `transport` brings its own.
//! Undoing content encodings is the caller's: pieces are as they came.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::task::unconstrained;

use super::body::Gathered;
use super::decode::MAX_DECODED_BYTES;
use super::failure::{BodyProgress, Failure, FailureKind};
use super::session::Session;
use super::target::Target;
use super::transport::Order;

/// The largest piece that is gathered out of frames, give or take one frame.
pub const MAX_PIECE_BYTES: usize = 64 * 1024;

/// Where the rest of a body comes from. One for each road.
pub(crate) trait Source: fmt::Debug + Send {
    /// Somebody waits from now on: silence before this was the caller's own.
    fn resume(&mut self);

    /// The next bytes; `None` at the end. Not called again after the end or a failure.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, Failure>>>;

    /// The body has been read to its end: what can be used again goes back to the session. A source that is dropped
    /// instead closes what it holds.
    fn settle(self: Box<Self>, session: &Session, cx: &mut Context<'_>);
}

/// What a source had ready.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) bytes: Bytes,
    /// How much is still to come of the chunk that these are from; `None` for bodies that do not come in chunks.
    pub(crate) chunk_left: Option<u64>,
}

/// Some bytes of a body, in order.
#[derive(Debug)]
pub struct Piece {
    /// The bytes, as they came; empty only for the last piece.
    pub bytes: Bytes,
    /// How much is still to come of the chunk that the last of them is from; `None` when the body does not come in chunks.
    pub chunk_left: Option<u64>,
    /// Whether nothing comes after them; the connection is back in its session then.
    pub is_last: bool,
}

/// How much of a body is handed out.
#[derive(Debug)]
struct Bound {
    limit: Option<u64>,
    received: u64,
    /// Who is told of, when there is more.
    target: Box<Target>,
}

impl Bound {
    /// Takes note of a frame; whether it was too much. It is cut then, so that whoever reads gets exactly as much as was
    /// allowed, however the server's bytes fell into frames.
    fn cut(&mut self, frame: &mut Frame) -> bool {
        let count = frame.bytes.len() as u64;
        let allowed = self.limit.map_or(count, |limit| count.min(limit - self.received));
        self.received += allowed;
        if let Ok(allowed) = usize::try_from(allowed) {
            frame.bytes.truncate(allowed);
        }
        frame.chunk_left = frame.chunk_left.map(|left| left.saturating_add(count - allowed));
        allowed < count
    }

    fn exceeded(&self) -> Failure {
        let limit = self.limit.unwrap_or_default();
        let message = format!("The response body is larger than {limit} bytes");
        let mut failure = Failure::new(FailureKind::TooLarge, &self.target, message);
        failure.progress = Some(BodyProgress {
            received: self.received,
            missing: None,
        });
        failure
    }
}

/// The rest of a body. Dropping it before its end closes its connection.
#[derive(Debug)]
pub struct Flow {
    /// `None` when the body has ended.
    source: Option<Box<dyn Source>>,
    bound: Bound,
    /// A frame that was looked at to learn whether the body ends, and belongs to the next piece.
    ahead: Option<Frame>,
    /// What broke while there were still bytes to hand out.
    failure: Option<Box<Failure>>,
}

impl Flow {
    pub(crate) fn new(source: Box<dyn Source>, order: &Order<'_>) -> Self {
        Self {
            source: Some(source),
            bound: Bound {
                limit: order.max_body_bytes,
                received: 0,
                target: Box::new(order.sent.target.clone()),
            },
            ahead: None,
            failure: None,
        }
    }

    /// The most bytes that the body may have when its encodings are undone, which is up to whoever pulls it.
    #[must_use]
    pub fn max_decoded_bytes(&self) -> u64 {
        self.bound.limit.unwrap_or(MAX_DECODED_BYTES)
    }

    /// The next piece: at least `wanted` bytes (or [`MAX_PIECE_BYTES`], if that is less) unless the body ends or
    /// breaks before; with `to_chunk_end`, also fewer when a chunk of the transfer coding ends, and never beyond it.
    ///
    /// # Errors
    ///
    /// When the body breaks off, nothing comes for the length of the read timeout, or more than the request allows. Bytes that came before are
    /// handed out first; after a failure the body has ended.
    ///
    /// # Cancel safety
    ///
    /// None: bytes that were gathered are lost with the future. Drop the flow then.
    pub async fn pull(&mut self, session: &Session, wanted: usize, to_chunk_end: bool) -> Result<Piece, Failure> {
        if let Some(source) = &mut self.source {
            source.resume();
        }
        let wanted = wanted.clamp(1, MAX_PIECE_BYTES) as u64;
        let mut gathered = Gathered::default();
        let mut chunk_left = None;
        // Tokio's budget is set aside, as for whole answers; `MAX_PIECE_BYTES` bounds the work of one poll in its place.
        let is_last = unconstrained(poll_fn(|cx| {
            loop {
                let is_enough = gathered.len() >= wanted || (to_chunk_end && chunk_left == Some(0));
                match self.poll_frame(cx) {
                    Poll::Pending if is_enough => return Poll::Ready(Ok(false)),
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(None) => {
                        if let Some(source) = self.source.take() {
                            source.settle(session, cx);
                        }
                        return Poll::Ready(Ok(true));
                    }
                    Poll::Ready(Some(Err(failure))) if gathered.len() == 0 => return Poll::Ready(Err(failure)),
                    Poll::Ready(Some(Err(failure))) => {
                        self.failure = Some(Box::new(failure));
                        return Poll::Ready(Ok(false));
                    }
                    Poll::Ready(Some(Ok(frame))) => {
                        let is_full = gathered.len() + frame.bytes.len() as u64 > MAX_PIECE_BYTES as u64;
                        if is_enough && (to_chunk_end || is_full) {
                            self.ahead = Some(frame);
                            return Poll::Ready(Ok(false));
                        }
                        chunk_left = frame.chunk_left;
                        gathered.push(frame.bytes, Some(wanted));
                    }
                }
            }
        }))
        .await?;
        Ok(Piece {
            bytes: gathered.finish(),
            chunk_left,
            is_last,
        })
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, Failure>>> {
        if let Some(frame) = self.ahead.take() {
            return Poll::Ready(Some(Ok(frame)));
        }
        if let Some(failure) = self.failure.take() {
            return Poll::Ready(Some(Err(*failure)));
        }
        let Some(source) = &mut self.source else {
            return Poll::Ready(None);
        };
        let mut polled = source.poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &mut polled
            && self.bound.cut(frame)
        {
            self.source = None;
            let failure = self.bound.exceeded();
            if frame.bytes.is_empty() {
                return Poll::Ready(Some(Err(failure)));
            }
            self.failure = Some(Box::new(failure));
        }
        if matches!(polled, Poll::Ready(Some(Err(_)))) {
            // Nothing comes of it any more, and its connection is not to be kept.
            self.source = None;
        }
        polled
    }
}

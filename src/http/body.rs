//! Bodies on their way out and on their way in, in memory. One that is handed out while it comes is in `flow`.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};

use super::connect::Gauge;
use super::feed::Feed;
use super::response::Sent;

/// A request body as the codec takes it.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// Known in full, or absent.
    Whole(Option<Bytes>),
    /// Made while it is sent.
    Fed(Feed, Arc<Gauge>),
}

impl Outgoing {
    pub(crate) fn new(sent: &Sent, gauge: &Arc<Gauge>) -> Self {
        match &sent.feed {
            None => Self::Whole(sent.body.clone().filter(|bytes| !bytes.is_empty())),
            Some(feed) => Self::Fed(feed.clone(), Arc::clone(gauge)),
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match &mut *self {
            Self::Whole(rest) => rest.take(),
            // Nobody reads it any more; what there is to wait for is the response.
            Self::Fed(_, gauge) if gauge.is_write_broken() => return Poll::Pending,
            Self::Fed(feed, _) => ready!(feed.poll_piece(cx)),
        };
        Poll::Ready(piece.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(rest) => SizeHint::with_exact(rest.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Fed(feed, _) => feed.length().map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

/// Gathers the frames of a response body. A body that came in one piece is handed on as it is.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    first: Bytes,
    joined: BytesMut,
}

impl Gathered {
    /// Bytes gathered so far.
    pub(crate) fn len(&self) -> u64 {
        (self.first.len() + self.joined.len()) as u64
    }

    /// Adds a frame. `expected` is the whole length when it is known, to size the buffer once.
    pub(crate) fn push(&mut self, frame: Bytes, expected: Option<u64>) {
        /// A declared length is trusted this far when memory is reserved; more only as bytes really come.
        const TRUSTED_BYTES: u64 = 1 << 20;
        if self.joined.is_empty() && self.first.is_empty() {
            self.first = frame;
            return;
        }
        if self.joined.is_empty() {
            let wanted = expected.unwrap_or(0).min(TRUSTED_BYTES);
            let reserved = usize::try_from(wanted).unwrap_or(0).max(self.first.len() + frame.len());
            self.joined = BytesMut::with_capacity(reserved);
            self.joined.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.joined.extend_from_slice(&frame);
    }

    /// The whole body.
    pub(crate) fn finish(self) -> Bytes {
        if self.joined.is_empty() {
            self.first
        } else {
            self.joined.freeze()
        }
    }
}

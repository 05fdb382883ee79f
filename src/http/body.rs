//! Bodies on their way out and on their way in. The place where streaming will enter.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};

/// A request body as the codec takes it: known in full, or absent.
#[derive(Debug)]
pub(crate) struct Outgoing {
    rest: Option<Bytes>,
}

impl Outgoing {
    pub(crate) fn new(body: Option<Bytes>) -> Self {
        Self {
            rest: body.filter(|bytes| !bytes.is_empty()),
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.rest.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.as_ref().map_or(0, |bytes| bytes.len() as u64))
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

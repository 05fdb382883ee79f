//! A request body that its caller makes while it is being sent, piece by piece.
//!
//! The codec asks for a piece when it has room for one, and no earlier: that is the back-pressure. Who makes the pieces
//! is behind [`Supply`]; this room knows neither tickets nor Python.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;

/// Who makes the pieces. Always polled by the one task that sends the request.
pub trait Supply: fmt::Debug + Send + Sync {
    /// The next piece, never empty; `None` at the end. Asking is what makes the caller produce it.
    fn poll_piece(&self, cx: &mut Context<'_>) -> Poll<Option<Bytes>>;

    /// Ready when the caller has gone back to the beginning, to send the body again after a redirect.
    fn poll_rewound(&self, cx: &mut Context<'_>) -> Poll<()>;

    /// Whether the caller is at work on a piece, so that silence on the connection is not the server's.
    fn is_awaited(&self) -> bool;

    /// Whether its last piece has been taken.
    fn is_over(&self) -> bool;

    /// Whether the caller cannot go on with it.
    fn has_given_up(&self) -> bool;

    /// Whether a piece was ever asked for: such a body cannot be sent again without rewinding it.
    fn is_begun(&self) -> bool;
}

/// A body on its way out. Clones are the same body.
#[derive(Clone, Debug)]
pub struct Feed {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    supply: Arc<dyn Supply>,
    length: Option<u64>,
}

impl Feed {
    /// A body from `supply`, of this length if that is known. The caller sets `Content-Length` or `Transfer-Encoding`.
    #[must_use]
    pub fn new(supply: Arc<dyn Supply>, length: Option<u64>) -> Self {
        Self {
            inner: Arc::new(Inner { supply, length }),
        }
    }

    pub(crate) fn length(&self) -> Option<u64> {
        self.inner.length
    }

    pub(crate) fn poll_piece(&self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.inner.supply.poll_piece(cx)
    }

    pub(crate) fn is_awaited(&self) -> bool {
        self.inner.supply.is_awaited()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.inner.supply.is_over()
    }

    pub(crate) fn has_given_up(&self) -> bool {
        self.inner.supply.has_given_up()
    }

    pub(crate) fn is_begun(&self) -> bool {
        self.inner.supply.is_begun()
    }

    /// Goes back to the beginning; false when the caller cannot.
    pub(crate) async fn rewind(&self) -> bool {
        if self.is_begun() {
            poll_fn(|cx| self.inner.supply.poll_rewound(cx)).await;
        }
        !self.has_given_up()
    }
}

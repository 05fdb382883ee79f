//! Bodies that pass between a caller and its lane piece by piece: a response body that is pulled ([`Stream`]), a request
//! body that is fed ([`Upload`]).
//!
//! Each step is one ticket, as an exchange is: the caller hands over an order and parks, the lane posts what came of it. So nothing
//! is read, and nothing is made, before somebody wants it; and a caller that is killed while it is parked ends the job with its
//! connection, as with every other wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::exchange::Cancel;
use super::port::{Port, Post};
use crate::error::Error;
use crate::http::{Flow, Session, Supply};
use crate::ids::TicketId;

/// Whom to wake. Whoever holds one owes an answer: a panic that loses it says so.
#[derive(Debug)]
pub struct Waiter {
    parked: Option<(TicketId, Arc<Port>)>,
}

impl Waiter {
    /// Somebody who waits for `ticket` at `port`.
    #[must_use]
    pub fn new(ticket: TicketId, port: Arc<Port>) -> Self {
        Self {
            parked: Some((ticket, port)),
        }
    }

    /// The ticket and the port, for whoever answers in its place.
    pub(super) fn into_parts(mut self) -> Option<(TicketId, Arc<Port>)> {
        self.parked.take()
    }

    /// Wakes them with what `post` makes of the ticket.
    pub fn wake(mut self, post: impl FnOnce(TicketId) -> Post) {
        if let Some((ticket, port)) = self.parked.take() {
            port.post(post(ticket));
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        // A job that was called off has no caller any more.
        if std::thread::panicking()
            && let Some((ticket, port)) = self.parked.take()
        {
            port.post(Post::Lost(ticket));
        }
    }
}

/// An order for the next piece of a response body.
#[derive(Debug)]
pub struct Pull {
    /// How many bytes at least; see [`Flow::pull`].
    pub wanted: usize,
    /// Whether the end of a chunk ends the piece.
    pub to_chunk_end: bool,
    /// Who waits for it.
    pub waiter: Waiter,
}

/// The caller's end of a response body. When it is dropped, the connection is closed unless the body has been read.
#[derive(Debug)]
pub struct Stream {
    pulls: UnboundedSender<Pull>,
    cancel: Arc<Cancel>,
    max_decoded_bytes: u64,
}

impl Stream {
    /// The two ends of the body that comes by `flow`, of the job that `cancel` ends.
    pub(super) fn open(flow: &Flow, cancel: Arc<Cancel>) -> (Self, UnboundedReceiver<Pull>) {
        let (pulls, orders) = unbounded_channel();
        let stream = Self {
            pulls,
            cancel,
            max_decoded_bytes: flow.max_decoded_bytes(),
        };
        (stream, orders)
    }

    /// See [`Flow::max_decoded_bytes`].
    #[must_use]
    pub fn max_decoded_bytes(&self) -> u64 {
        self.max_decoded_bytes
    }

    /// Orders a piece.
    ///
    /// # Errors
    /// When the body has ended already, or its lane has.
    pub fn pull(&self, pull: Pull) -> Result<(), Error> {
        self.pulls.send(pull).map_err(|_| Error::stopped())
    }

    /// How to call it off.
    #[must_use]
    pub fn cancel(&self) -> &Arc<Cancel> {
        &self.cancel
    }
}

/// Hands the body out until it ends, or nobody wants it any more.
pub(super) async fn serve(mut flow: Flow, session: &Session, mut pulls: UnboundedReceiver<Pull>) {
    while let Some(pull) = pulls.recv().await {
        let piece = flow.pull(session, pull.wanted, pull.to_chunk_end).await;
        let is_over = piece.as_ref().map_or(true, |piece| piece.is_last);
        pull.waiter.wake(|ticket| Post::Piece(ticket, Box::new(piece)));
        if is_over {
            return;
        }
    }
}

/// What the maker of a request body answers when it is asked.
#[derive(Debug)]
pub enum Answer {
    /// The next piece.
    Piece(Bytes),
    /// There are no more pieces; or the body is at its beginning again, if that was the question.
    Done,
    /// It cannot go on.
    GivenUp,
}

/// A piece of a request body and who made it.
#[derive(Debug)]
pub struct Fed {
    /// The answer.
    pub answer: Answer,
    /// Its maker, who waits to be asked for more, or for the response.
    pub waiter: Waiter,
}

/// The caller's end of a request body.
#[derive(Debug)]
pub struct Upload {
    pieces: UnboundedSender<Fed>,
    cancel: Arc<Cancel>,
}

impl Upload {
    /// The two ends of a body of the job that `cancel` ends; `waiter` is who starts it.
    #[must_use]
    pub fn open(cancel: Arc<Cancel>, waiter: Waiter) -> (Self, Arc<Supplier>) {
        let (pieces, inbox) = unbounded_channel();
        let supplier = Supplier {
            state: Mutex::new(Supplied {
                inbox,
                parked: Some(waiter),
                is_begun: false,
                is_over: false,
                has_given_up: false,
                is_rewinding: false,
            }),
        };
        (Self { pieces, cancel }, Arc::new(supplier))
    }

    /// Hands over a piece that was asked for.
    ///
    /// # Errors
    /// When the lane has ended, which only a panic can do.
    pub fn feed(&self, fed: Fed) -> Result<(), Error> {
        self.pieces.send(fed).map_err(|_| Error::stopped())
    }

    /// How to call it off.
    #[must_use]
    pub fn cancel(&self) -> &Arc<Cancel> {
        &self.cancel
    }
}

/// The lane's end of a request body.
#[derive(Debug)]
pub struct Supplier {
    /// Never contended: only the task that sends the request looks in.
    state: Mutex<Supplied>,
}

#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own that the sender asks for by name"
)]
struct Supplied {
    inbox: UnboundedReceiver<Fed>,
    /// The caller, when it is parked; `None` while it makes a piece.
    parked: Option<Waiter>,
    is_begun: bool,
    is_over: bool,
    has_given_up: bool,
    is_rewinding: bool,
}

impl Supplied {
    /// What the caller answers; it is parked then. Pending for ever when it is gone: whoever drops it cancels the job.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Answer> {
        match self.inbox.poll_recv(cx) {
            Poll::Ready(Some(fed)) => {
                self.parked = Some(fed.waiter);
                self.has_given_up |= matches!(fed.answer, Answer::GivenUp);
                Poll::Ready(fed.answer)
            }
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

impl Supplier {
    fn state(&self) -> MutexGuard<'_, Supplied> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who gets the response: the caller, as soon as it is parked again.
    pub(super) async fn waiter(&self) -> Waiter {
        std::future::poll_fn(|cx| {
            let mut state = self.state();
            loop {
                if let Some(waiter) = state.parked.take() {
                    return Poll::Ready(waiter);
                }
                // What the server did not want to have any more.
                ready!(state.poll_answer(cx));
            }
        })
        .await
    }
}

impl Supply for Supplier {
    fn poll_piece(&self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut state = self.state();
        state.is_begun = true;
        if let Some(waiter) = state.parked.take() {
            waiter.wake(Post::Ask);
        }
        match ready!(state.poll_answer(cx)) {
            Answer::Piece(bytes) => Poll::Ready(Some(bytes)),
            Answer::Done => {
                state.is_over = true;
                Poll::Ready(None)
            }
            // Whoever sends the request looks at `has_given_up`.
            Answer::GivenUp => Poll::Pending,
        }
    }

    fn poll_rewound(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        loop {
            if state.is_rewinding {
                ready!(state.poll_answer(cx));
                state.is_rewinding = false;
                state.is_over = false;
                return Poll::Ready(());
            }
            if let Some(waiter) = state.parked.take() {
                waiter.wake(Post::Rewind);
                state.is_rewinding = true;
            } else {
                ready!(state.poll_answer(cx));
            }
        }
    }

    fn is_awaited(&self) -> bool {
        self.state().parked.is_none()
    }

    fn is_over(&self) -> bool {
        self.state().is_over
    }

    fn has_given_up(&self) -> bool {
        self.state().has_given_up
    }

    fn is_begun(&self) -> bool {
        self.state().is_begun
    }
}

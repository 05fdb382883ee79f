//! How many requests may be under way at once: those beyond wait for their turn, the longest waiting first.
//!
//! `geventhttpclient` opens so many connections and no more. A user with one greenlet never waits here.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The turns of one user, or of those that share connections. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    free: Arc<Semaphore>,
}

/// One request's turn, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
    was_awaited: bool,
}

impl Turn {
    /// Whether others had to end first.
    pub(crate) fn was_awaited(&self) -> bool {
        self.was_awaited
    }
}

impl Turns {
    pub(crate) fn new(count: usize) -> Self {
        let count = count.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(count)),
        }
    }

    /// Waits for a turn. `None` never happens: nobody closes the semaphore.
    pub(crate) async fn take(&self) -> Option<Turn> {
        let (permit, was_awaited) = match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) => (permit, false),
            Err(_) => (Arc::clone(&self.free).acquire_owned().await.ok()?, true),
        };
        Some(Turn {
            _permit: permit,
            was_awaited,
        })
    }
}

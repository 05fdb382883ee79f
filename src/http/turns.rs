//! How many requests may be under way at once: those beyond wait for their turn, the longest waiting first.
//!
//! `geventhttpclient` opens so many connections and no more. A user with one greenlet never waits here.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::target::{Scheme, Target};

/// The turns of one user, or of those that share connections. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    free: Arc<Semaphore>,
}

/// One request's turn, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
    /// The turn at the request's server, where those are counted too.
    _at_origin: Option<Box<Turn>>,
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
            _at_origin: None,
            was_awaited,
        })
    }

    /// As [`Self::take`], for a request that has its turn at its server.
    pub(crate) async fn take_beside(&self, at_origin: Turn) -> Option<Turn> {
        let turn = self.take().await?;
        Some(Turn {
            was_awaited: turn.was_awaited || at_origin.was_awaited,
            _at_origin: Some(Box::new(at_origin)),
            ..turn
        })
    }
}

type ByHost = FxHashMap<Box<str>, Turns>;

/// Turns at each server: how many requests may be under way there at once.
#[derive(Debug)]
pub(crate) struct OriginTurns {
    count: usize,
    /// By whether TLS is spoken and by port.
    origins: Mutex<FxHashMap<(bool, u16), ByHost>>,
}

impl OriginTurns {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            count,
            origins: Mutex::default(),
        }
    }

    /// Waits for a turn at this server.
    pub(crate) async fn take(&self, target: &Target) -> Option<Turn> {
        let turns = {
            let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
            let origin = (target.scheme() == Scheme::Https, target.port());
            let servers = origins.entry(origin).or_default();
            match servers.get(target.host()) {
                Some(turns) => turns.clone(),
                None => servers
                    .entry(target.host().into())
                    .or_insert(Turns::new(self.count))
                    .clone(),
            }
        };
        turns.take().await
    }
}

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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn target(url: &str) -> Target {
        Target::parse(url).expect("a URL")
    }

    /// The turn, if nobody has to be waited for.
    fn at_once(origins: &OriginTurns, url: &str) -> Option<Turn> {
        origins.take(&target(url)).now_or_never().flatten()
    }

    #[test]
    fn the_longest_waiting_is_next_and_knows_that_it_waited() {
        let turns = Turns::new(1);
        let first = turns.take().now_or_never().flatten().expect("a free turn");
        assert!(!first.was_awaited());
        let (mut second, mut third) = (Box::pin(turns.take()), Box::pin(turns.take()));
        assert!(second.as_mut().now_or_never().is_none());
        assert!(third.as_mut().now_or_never().is_none());
        drop(first);
        assert!(third.as_mut().now_or_never().is_none(), "the second came before");
        let second = second.now_or_never().flatten().expect("the turn of the first");
        assert!(second.was_awaited());
        drop(second);
        assert!(third.now_or_never().flatten().is_some_and(|turn| turn.was_awaited()));
    }

    #[test]
    fn who_goes_away_while_waiting_holds_up_nobody() {
        let turns = Turns::new(1);
        let first = turns.take().now_or_never().flatten();
        let mut gone = Box::pin(turns.take());
        assert!(gone.as_mut().now_or_never().is_none());
        let mut last = Box::pin(turns.take());
        assert!(last.as_mut().now_or_never().is_none());
        drop(gone);
        drop(first);
        assert!(last.now_or_never().flatten().is_some());
    }

    #[test]
    fn a_count_of_none_is_one() {
        let turns = Turns::new(0);
        let _first = turns.take().now_or_never().flatten().expect("a free turn");
        assert!(turns.take().now_or_never().is_none());
    }

    #[test]
    fn each_scheme_host_and_port_has_turns_of_its_own() {
        let origins = OriginTurns::new(1);
        let urls = [
            "http://a.test/",
            "https://a.test/",
            "http://a.test:8080/",
            "http://b.test/",
            // The port is the same, the scheme is not.
            "http://a.test:443/",
        ];
        let held: Vec<_> = urls.map(|url| at_once(&origins, url).expect(url)).into();
        for same in [
            "http://a.test/other?x=1",
            "http://A.test:80/",
            "https://a.test:443/#there",
        ] {
            assert!(
                at_once(&origins, same).is_none(),
                "{same} has turns beside those of its server"
            );
        }
        drop(held);
        assert!(at_once(&origins, "http://a.test/other").is_some());
    }

    #[test]
    fn a_turn_beside_gives_back_both() {
        let (all, origins) = (Turns::new(2), OriginTurns::new(1));
        let take = |url: &str| {
            let at_origin = at_once(&origins, url)?;
            all.take_beside(at_origin).now_or_never().flatten()
        };
        let (first, second) = (take("http://a.test/"), take("http://b.test/"));
        assert!(first.is_some() && second.is_some());
        assert!(take("http://a.test/").is_none(), "its server has no turn left");
        assert!(take("http://c.test/").is_none(), "nobody has a turn left");
        drop(first);
        assert!(take("http://a.test/").is_some(), "both are given back");
    }

    #[test]
    fn a_wait_at_the_server_is_a_wait() {
        let (all, origins) = (Turns::new(2), OriginTurns::new(1));
        let there = target("http://a.test/");
        let first = origins.take(&there).now_or_never().flatten();
        let mut waiting = Box::pin(origins.take(&there));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(first);
        let at_origin = waiting.now_or_never().flatten().expect("the turn of the first");
        let turn = all
            .take_beside(at_origin)
            .now_or_never()
            .flatten()
            .expect("a free turn");
        assert!(turn.was_awaited());
    }
}

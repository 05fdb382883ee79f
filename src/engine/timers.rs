//! Deadlines of waiting users: one heap, instead of a timer object in the loop for every user.
//!
//! Whoever waits puts their deadline into the heap themselves, and wakes the keeper only when it comes before all others: with a
//! thousand users that wait, hardly any of them costs a wake-up. The keeper sleeps until the first deadline. A wake-up cannot be lost:
//! the keeper looks at the heap and only then waits, and a notification that comes in between is kept for it ([`Notify`]).
//!
//! Calling a wait off is lazy: its deadline stays, marked, until its time has come or half of the heap is marked; then all marked ones
//! go at once. So it costs a moment, and what is left of 100,000 users who were to wait for an hour is not kept for that hour.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering as Memory};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::port::{Port, Post};
use crate::error::Error;
use crate::ids::{DeadlineId, TicketId};

/// How many deadlines are taken out at once: whoever wants to add one waits no longer than that.
const BATCH: usize = 256;
/// So many marked deadlines are not worth a clearing.
const FEW: usize = 64;

/// Wake `ticket` through `port` at `at`.
#[derive(Debug)]
pub struct Deadline {
    /// What it is called off by. Not the ticket: ports have tickets of their own, and there may be several in a process.
    pub id: DeadlineId,
    /// When.
    pub at: Instant,
    /// Whom.
    pub ticket: TicketId,
    /// Where it waits.
    pub port: Arc<Port>,
}

impl PartialEq for Deadline {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}
impl Eq for Deadline {}
impl PartialOrd for Deadline {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Deadline {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

#[derive(Debug, Default)]
struct Pending {
    heap: BinaryHeap<Reverse<Deadline>>,
    /// Called off, and possibly still in the heap.
    called_off: HashSet<DeadlineId>,
    /// The keeper has ended: nobody would be woken any more.
    is_abandoned: bool,
}

impl Pending {
    /// Moves what is due at `now` to `due`, at most a batch of it; when the next one comes.
    fn take_due(&mut self, now: Instant, due: &mut Vec<Deadline>) -> Option<Instant> {
        while let Some(Reverse(next)) = self.heap.peek() {
            if next.at > now || due.len() == BATCH {
                return Some(next.at);
            }
            if let Some(Reverse(deadline)) = self.heap.pop()
                && !self.called_off.remove(&deadline.id)
            {
                due.push(deadline);
            }
        }
        None
    }
}

/// All deadlines that are still to come.
#[derive(Debug, Default)]
pub struct Timers {
    pending: Mutex<Pending>,
    /// Wakes the keeper when a deadline comes before all others.
    sooner: Notify,
    /// How many ids were given.
    ids: AtomicU64,
}

impl Timers {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An id for a new deadline.
    pub fn new_id(&self) -> DeadlineId {
        DeadlineId(self.ids.fetch_add(1, Memory::Relaxed))
    }

    /// Has a waiter woken at its deadline.
    ///
    /// # Errors
    /// When the keeper has ended, which only a panic can do.
    pub fn add(&self, deadline: Deadline) -> Result<(), Error> {
        let is_first = {
            let mut pending = self.pending();
            if pending.is_abandoned {
                return Err(Error::stopped());
            }
            let is_first = pending.heap.peek().is_none_or(|Reverse(next)| deadline.at < next.at);
            pending.heap.push(Reverse(deadline));
            is_first
        };
        if is_first {
            self.sooner.notify_one();
        }
        Ok(())
    }

    /// Forgets a deadline. One that has passed already may still be posted.
    pub fn call_off(&self, id: DeadlineId) {
        let pending = &mut *self.pending();
        pending.called_off.insert(id);
        if pending.called_off.len() > FEW + pending.heap.len() / 2 {
            let called_off = std::mem::take(&mut pending.called_off);
            pending
                .heap
                .retain(|Reverse(deadline)| !called_off.contains(&deadline.id));
            pending.heap.shrink_to(2 * pending.heap.len() + FEW);
        }
    }

    /// Posts every deadline when its time has come, for ever.
    pub async fn keep(&self) {
        let _abandon = Abandon(self);
        let mut due = Vec::with_capacity(BATCH);
        loop {
            let next = self.pending().take_due(Instant::now(), &mut due);
            for deadline in due.drain(..) {
                deadline.port.post(Post::Deadline(deadline.ticket));
            }
            match next {
                None => self.sooner.notified().await,
                Some(at) => tokio::select! {
                    biased;
                    () = self.sooner.notified() => {}
                    () = sleep_until(at) => {}
                },
            }
        }
    }
}

/// Notes that nobody keeps the timers any more. A panic must not leave those asleep who wait.
struct Abandon<'a>(&'a Timers);

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        let left = {
            let mut pending = self.0.pending();
            pending.is_abandoned = true;
            std::mem::take(&mut pending.heap)
        };
        if std::thread::panicking() {
            for Reverse(deadline) in left {
                deadline.port.post(Post::Lost(deadline.ticket));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::port;
    use super::*;

    fn drained(port: &Port) -> Vec<u64> {
        let mut posts = Vec::new();
        port.drain(&mut posts);
        posts
            .into_iter()
            .map(|post| match post {
                Post::Deadline(ticket) => ticket.0,
                other => panic!("nobody sends here: {other:?}"),
            })
            .collect()
    }

    struct Kept {
        port: Arc<Port>,
        timers: Arc<Timers>,
        start: Instant,
    }

    impl Kept {
        fn new() -> Self {
            let timers = Arc::new(Timers::default());
            let kept = Arc::clone(&timers);
            tokio::spawn(async move { kept.keep().await });
            Self {
                port: Arc::new(port::open().expect("a port")),
                timers,
                start: Instant::now(),
            }
        }

        fn add(&self, ms: u64, ticket: u64) {
            let deadline = Deadline {
                id: DeadlineId(ticket),
                at: self.start + Duration::from_millis(ms),
                ticket: TicketId(ticket),
                port: Arc::clone(&self.port),
            };
            self.timers.add(deadline).expect("the keeper lives");
        }

        fn call_off(&self, ticket: u64) {
            self.timers.call_off(DeadlineId(ticket));
        }

        fn in_heap(&self) -> usize {
            self.timers.pending().heap.len()
        }
    }

    async fn pass(ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn wakes_in_the_order_of_deadlines_and_never_early() {
        let kept = Kept::new();
        for (ms, ticket) in [(30, 3), (10, 1), (20, 2), (10, 4)] {
            kept.add(ms, ticket);
        }
        pass(9).await;
        assert_eq!(drained(&kept.port), Vec::<u64>::new());
        pass(3).await;
        let mut first = drained(&kept.port);
        first.sort_unstable();
        assert_eq!(first, [1, 4]);
        pass(30).await;
        assert_eq!(drained(&kept.port), [2, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_before_all_others_wakes_the_keeper_that_sleeps_already() {
        let kept = Kept::new();
        kept.add(1_000, 1);
        pass(1).await;
        kept.add(10, 2);
        pass(20).await;
        assert_eq!(drained(&kept.port), [2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_in_the_past_is_posted_at_once() {
        let kept = Kept::new();
        pass(5).await;
        kept.add(0, 7);
        pass(1).await;
        assert_eq!(drained(&kept.port), [7]);
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_a_batch_may_be_due_at_once() {
        let kept = Kept::new();
        let many = 3 * BATCH as u64 + 1;
        (0..many).for_each(|ticket| kept.add(10, ticket));
        pass(11).await;
        let mut posted = drained(&kept.port);
        posted.sort_unstable();
        assert_eq!(posted, (0..many).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_was_called_off_is_not_posted() {
        let kept = Kept::new();
        kept.add(10, 1);
        kept.add(10, 2);
        kept.call_off(1);
        pass(20).await;
        assert_eq!(drained(&kept.port), [2]);
        assert!(kept.timers.pending().called_off.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn waits_that_were_called_off_do_not_stay_until_their_time() {
        let kept = Kept::new();
        let many = 10_000;
        (0..many).for_each(|ticket| kept.add(3_600_000, ticket));
        (1..many).for_each(|ticket| kept.call_off(ticket));
        assert!(kept.in_heap() <= 2 * FEW, "{} are left", kept.in_heap());
        assert!(kept.timers.pending().called_off.len() <= 2 * FEW);
        pass(3_600_001).await;
        assert_eq!(drained(&kept.port), [0]);
    }

    #[test]
    fn a_panic_wakes_all_who_wait() {
        // Timers are not enabled: the first sleep panics.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let port = Arc::new(port::open().expect("a port"));
        let timers = Arc::new(Timers::default());
        for ticket in [1, 2] {
            let deadline = Deadline {
                id: timers.new_id(),
                at: Instant::now() + Duration::from_secs(3_600),
                ticket: TicketId(ticket),
                port: Arc::clone(&port),
            };
            timers.add(deadline).expect("nobody has kept them yet");
        }
        let ended = runtime.block_on(async { tokio::spawn(async move { timers.keep().await }).await });
        assert!(ended.is_err_and(|error| error.is_panic()));
        let mut posts = Vec::new();
        port.drain(&mut posts);
        assert!(
            matches!(posts[..], [Post::Lost(_), Post::Lost(_)]),
            "both are told: {posts:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_keeper_nobody_may_wait() {
        let timers = Arc::new(Timers::default());
        let kept = Arc::clone(&timers);
        let keeper = tokio::spawn(async move { kept.keep().await });
        pass(1).await;
        keeper.abort();
        keeper.await.expect_err("it was aborted");
        let deadline = Deadline {
            id: timers.new_id(),
            at: Instant::now(),
            ticket: TicketId(1),
            port: Arc::new(port::open().expect("a port")),
        };
        assert!(timers.add(deadline).is_err());
    }
}

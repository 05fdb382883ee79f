//! Wakes tasks at an instant, more finely than tokio's timer does.
//!
//! Tokio's timer counts whole milliseconds and rounds up, so a 20 ms delay there takes 20 to 21 ms, and a truth test that allows a
//! generator 1 ms of error would have spent it on the target. A thread of its own sleeps on a condition variable instead: the
//! kernel's timer behind it is good to about 0.1 ms on Linux and macOS (Windows rounds it to its own clock tick).
//! The thread exists once per server and costs nothing while nobody waits.

use std::{
    cmp::Ordering,
    collections::BinaryHeap,
    io,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    thread::{self, JoinHandle},
    time::Instant,
};

/// The real clock. Tokio's can be paused by a test; the thread here cannot.
#[expect(
    clippy::disallowed_methods,
    reason = "the alarm's thread sleeps in real time and must read the clock it sleeps by"
)]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// The waking thread and the list of whom to wake. Dropping it ends the thread; who still waits then is never woken.
#[derive(Debug)]
pub(super) struct Alarm {
    board: Arc<Board>,
    /// Joined on drop, so that no thread outlives its server.
    thread: Option<JoinHandle<()>>,
}

/// What the waiting tasks and the waking thread share.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// A std mutex: it is held for a heap operation and never across an await.
    calls: Mutex<Calls>,
    /// Rung when the earliest call has changed or the alarm closes.
    earlier: Condvar,
}

#[derive(Debug, Default)]
struct Calls {
    pending: BinaryHeap<Call>,
    is_closed: bool,
}

#[derive(Debug)]
struct Call {
    due: Instant,
    waker: Waker,
}

// The heap gives its greatest first: the earliest call is the greatest.
impl Ord for Call {
    fn cmp(&self, other: &Self) -> Ordering {
        other.due.cmp(&self.due)
    }
}

impl PartialOrd for Call {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Call {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Eq for Call {}

impl Alarm {
    /// Starts the waking thread.
    pub(super) fn start() -> io::Result<Self> {
        let board = Arc::new(Board::default());
        let watched = Arc::clone(&board);
        let thread = thread::Builder::new()
            .name("demo-alarm".into())
            .spawn(move || watched.wake_when_due())?;
        Ok(Self {
            board,
            thread: Some(thread),
        })
    }

    /// What waiting tasks hold.
    pub(super) fn board(&self) -> Arc<Board> {
        Arc::clone(&self.board)
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.board.lock().is_closed = true;
        self.board.earlier.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

impl Board {
    /// Completes at `due`, never before.
    pub(super) fn wait_until(self: &Arc<Self>, due: Instant) -> Wait {
        Wait {
            board: Arc::clone(self),
            due,
            registered: None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, due: Instant, waker: Waker) {
        let mut calls = self.lock();
        let is_earliest = calls.pending.peek().is_none_or(|first| due < first.due);
        calls.pending.push(Call { due, waker });
        drop(calls);
        if is_earliest {
            self.earlier.notify_one();
        }
    }

    fn wake_when_due(&self) {
        let mut calls = self.lock();
        while !calls.is_closed {
            let Some(first) = calls.pending.peek() else {
                calls = self.earlier.wait(calls).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = first.due.saturating_duration_since(now());
            if left.is_zero() {
                let due = calls.pending.pop();
                drop(calls);
                if let Some(call) = due {
                    call.waker.wake();
                }
                calls = self.lock();
            } else {
                calls = self
                    .earlier
                    .wait_timeout(calls, left)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
        }
    }
}

/// The future of [`Board::wait_until`]. Dropping it is safe: the late wake-up finds nobody.
#[derive(Debug)]
pub(super) struct Wait {
    board: Arc<Board>,
    due: Instant,
    /// Who was told to the board last, so that a task polled for other reasons is not listed twice.
    registered: Option<Waker>,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.due <= now() {
            return Poll::Ready(());
        }
        let waker = context.waker();
        if !self.registered.as_ref().is_some_and(|known| known.will_wake(waker)) {
            self.board.register(self.due, waker.clone());
            self.registered = Some(waker.clone());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn wakes_in_order_of_time_and_never_early() {
        let alarm = Alarm::start().unwrap();
        let start = now();
        let (sender, mut woken) = tokio::sync::mpsc::unbounded_channel();
        for delay_ms in [30, 10, 20, 0] {
            let wait = alarm.board().wait_until(start + Duration::from_millis(delay_ms));
            let sender = sender.clone();
            tokio::spawn(async move {
                wait.await;
                sender.send((delay_ms, now())).unwrap();
            });
        }
        drop(sender);
        let mut order = Vec::new();
        while let Some((delay_ms, at)) = woken.recv().await {
            assert!(at - start >= Duration::from_millis(delay_ms));
            order.push(delay_ms);
        }
        assert_eq!(order, [0, 10, 20, 30]);
    }

    #[tokio::test]
    async fn a_wait_that_moves_to_another_task_still_ends() {
        let alarm = Alarm::start().unwrap();
        let mut wait = Box::pin(alarm.board().wait_until(now() + Duration::from_millis(20)));
        // Polled here once, so a waker that wakes nobody is on the board.
        assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        tokio::spawn(wait).await.unwrap();
    }

    #[test]
    fn closing_it_while_somebody_waits_ends_the_thread() {
        let alarm = Alarm::start().unwrap();
        alarm
            .board()
            .register(now() + Duration::from_secs(3600), Waker::noop().clone());
        drop(alarm); // joins
    }
}

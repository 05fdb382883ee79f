//! What of a session is coming to an end, for whoever wants to know when it has.
//!
//! Calling a request off, or letting go of a connection that a task of its own drives, takes effect a moment later, on the lane. What
//! goes on undisturbed is not counted: nobody has told it to end.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use tokio::sync::Notify;

const GOES_ON: u8 = 0;
const ENDING: u8 = 1;
const ENDED: u8 = 2;

/// How many of a session's requests and connections were told to end, and have not.
#[derive(Debug, Default)]
pub(crate) struct Endings {
    count: AtomicUsize,
    none_left: Notify,
}

impl Endings {
    pub(crate) fn are_over(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }

    /// Waits until none is left.
    pub(crate) async fn over(&self) {
        loop {
            // Before the look: whoever ends in between is heard.
            let heard = self.none_left.notified();
            if self.are_over() {
                return;
            }
            heard.await;
        }
    }

    fn begin(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    fn end(&self) {
        if self.count.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.none_left.notify_waiters();
        }
    }
}

/// Something that may be told to end.
#[derive(Debug, Default)]
pub(crate) struct End {
    state: AtomicU8,
}

impl End {
    /// It is told to end, and counted until it has. Not for the second time, and not when it has ended by itself.
    pub(crate) fn tell(&self, endings: &Endings) {
        endings.begin();
        let told = self
            .state
            .compare_exchange(GOES_ON, ENDING, Ordering::SeqCst, Ordering::SeqCst);
        if told.is_err() {
            endings.end();
        }
    }

    /// Whether it was told to before it ended.
    pub(crate) fn is_told(&self) -> bool {
        self.state.load(Ordering::SeqCst) == ENDING
    }

    /// It has ended.
    pub(crate) fn has_come(&self, endings: &Endings) {
        if self.state.swap(ENDED, Ordering::SeqCst) == ENDING {
            endings.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn what_is_told_twice_or_has_ended_by_itself_is_waited_for_as_often_as_it_ends() {
        let (endings, twice, by_itself) = (Endings::default(), End::default(), End::default());
        by_itself.has_come(&endings);
        by_itself.tell(&endings);
        assert!(endings.are_over() && !by_itself.is_told());

        let mut over = pin!(endings.over());
        twice.tell(&endings);
        twice.tell(&endings);
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(over.as_mut().poll(&mut context), Poll::Pending);
        assert!(twice.is_told());
        twice.has_come(&endings);
        assert_eq!(over.as_mut().poll(&mut context), Poll::Ready(()));
    }
}

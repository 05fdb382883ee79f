//! Many lanes post, one loop drains. The bell rings only when the box goes from empty to non-empty.
//!
//! A ring costs a system call and a wake-up of the loop, a post costs a push: under load thousands of posts share one ring. The price
//! is that a forgotten ring is a caller that sleeps for ever, so the order is fixed here and searched by loom (`tests/loom.rs`):
//!
//! 1. `post` pushes under the lock, and rings *after* it when the box was empty;
//! 2. `drain` silences the bell *before* it takes everything under the lock.
//!
//! A post that comes between the two steps of `drain` is taken by it, and leaves at worst a ring too many (an empty drain). A post
//! that comes after finds an empty box and rings.

#[cfg(feature = "model")]
use loom::sync::Mutex;
#[cfg(not(feature = "model"))]
use std::sync::Mutex;
use std::sync::PoisonError;

/// What wakes the loop that drains a [`Mailbox`].
pub trait Bell {
    /// Makes the loop drain soon. Never blocks; ringing a ringing bell is harmless.
    fn ring(&self);
    /// Takes back every ring so far.
    fn silence(&self);
}

/// An unbounded queue with a bell. Unbounded is right here: every item answers a caller that is parked, so callers bound it.
#[derive(Debug)]
pub struct Mailbox<T, B: Bell> {
    /// A plain vector under a lock: critical sections are a push or a swap, so lanes do not wait for each other measurably.
    items: Mutex<Vec<T>>,
    bell: B,
}

impl<T, B: Bell> Mailbox<T, B> {
    /// An empty box that rings `bell`.
    pub fn new(bell: B) -> Self {
        Self {
            items: Mutex::new(Vec::new()),
            bell,
        }
    }

    /// Adds `item`, and rings when it is the first.
    pub fn post(&self, item: T) {
        let was_empty = {
            let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
            items.push(item);
            items.len() == 1
        };
        if was_empty {
            self.bell.ring();
        }
    }

    /// Moves everything posted so far to the end of `into`, in order.
    pub fn drain(&self, into: &mut Vec<T>) {
        self.bell.silence();
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        if into.is_empty() {
            std::mem::swap(&mut *items, into);
        } else {
            into.append(&mut items);
        }
    }

    /// The bell, for whoever must watch it.
    pub fn bell(&self) -> &B {
        &self.bell
    }
}

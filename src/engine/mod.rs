//! Runs the plan. Knows users only as handles: a seat with a state, a waiter to wake.
//!
//! I/O happens on *lanes*: threads with one current-thread tokio runtime each ([`runtime`]). Every user's session is pinned to a
//! lane. A caller hands a [`exchange::Job`] to a lane and parks; the lane runs it, records the sample, and posts the outcome to the
//! caller's [`port::Port`]: a [`mailbox`] with a [`doorbell`], drained by the event loop the caller lives on. A body that is
//! streamed passes piece by piece in the same way ([`stream`]). Lanes never touch Python. [`timers`] wake waiting users the same way, [`user`] says what a user may do next, [`conductor`] who is started and stopped, [`panics`] what a panic said.

pub mod called_off;
pub mod clock;
pub mod conductor;
pub mod doorbell;
pub mod exchange;
pub mod in_flight;
mod latency;
pub mod mailbox;
pub mod panics;
pub mod port;
pub mod runtime;
pub mod stream;
pub mod timers;
pub mod user;
pub mod verdict;

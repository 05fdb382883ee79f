//! When each step of one exchange happened.
//!
//! Only instants, no arithmetic about users or statistics. Stamped by the room that does the step; `done` is stamped
//! by one guard in [`super::exchange`] that no exit path can skip, a dropped future included.

use std::time::Duration;

use tokio::time::Instant;

/// The steps of one exchange, in the order they happen. A step that did not happen stays `None`.
///
/// After redirects or a reconnection, `dns`, `connected` and `tls` tell of the latest connection opened during this
/// exchange, `sent` and `first_byte` of the last request of the chain. Through a proxy, `dns` is about the proxy's name,
/// and `connected` is when the way to the target was open: the connection to the proxy, or the tunnel through it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// When the caller asked for the exchange. Stamped by the caller; the difference to `begun` is the engine's own delay.
    pub queued: Option<Instant>,
    /// When the exchange started on the I/O thread.
    pub begun: Option<Instant>,
    /// When the host's addresses were known.
    pub dns: Option<Instant>,
    /// When the TCP connection was up. `None` when an idle connection was reused.
    pub connected: Option<Instant>,
    /// When the TLS handshake ended.
    pub tls: Option<Instant>,
    /// When the last byte of the request was handed to the kernel.
    pub sent: Option<Instant>,
    /// When the first byte of the response was read.
    pub first_byte: Option<Instant>,
    /// When the exchange ended, however it ended.
    pub done: Option<Instant>,
    /// Of an exchange that was given up: how many bytes had come and were not read yet, up to 4,096. (Under TLS they may be none
    /// of the answer's.)
    pub unread: Option<usize>,
}

impl Timeline {
    /// What the user waited for: from `begun` to `done`, with DNS, connect, TLS, redirects and the whole body.
    /// `None` until both are stamped.
    #[must_use]
    pub fn response_time(&self) -> Option<Duration> {
        Some(self.done?.duration_since(self.begun?))
    }
}

/// Stamps `done` when it goes out of scope, whatever the way out.
pub(crate) struct DoneGuard<'a> {
    pub(crate) timeline: &'a mut Timeline,
}

impl<'a> DoneGuard<'a> {
    /// Stamps `begun` and promises `done`.
    pub(crate) fn begin(timeline: &'a mut Timeline) -> (Self, Instant) {
        let now = Instant::now();
        timeline.begun = Some(now);
        timeline.done = None;
        (Self { timeline }, now)
    }
}

impl Drop for DoneGuard<'_> {
    fn drop(&mut self) {
        self.timeline.done = Some(Instant::now());
    }
}

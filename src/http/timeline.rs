//! When each step of one exchange happened.
//!
//! Only instants, no arithmetic about users or statistics. Stamped by the room that does the step; `done` is stamped
//! by one guard in [`super::exchange`] that no exit path can skip, a dropped future included.

use std::time::Duration;

use tokio::time::Instant;

use super::phases::{Laps, Phases, Step};

/// The steps of one exchange, in the order they happen. A step that did not happen stays `None`. Roads stamp by the methods
/// that end in `_at`, which keep the [`Phases`] in step.
///
/// After redirects or a reconnection, `dns`, `connected` and `tls` tell of the latest connection opened during this
/// exchange, `sent` and `first_byte` of the last request of the chain; [`Timeline::phases`] tells of all of them. Through a proxy,
/// `dns` is about the proxy's name, and `connected` is when the way to the target was open: the connection to the proxy, or the
/// tunnel through it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    queued: Option<Instant>,
    begun: Option<Instant>,
    dns: Option<Instant>,
    connected: Option<Instant>,
    tls: Option<Instant>,
    sent: Option<Instant>,
    first_byte: Option<Instant>,
    done: Option<Instant>,
    /// Of an exchange that was given up: how many bytes had come and were not read yet, up to 4,096. (Under TLS they may be none
    /// of the answer's.)
    pub unread: Option<usize>,
    /// How long what took.
    laps: Laps,
}

impl Timeline {
    /// The timeline of an exchange that the caller asks for now: the difference to `begun` is the engine's own delay.
    #[must_use]
    pub fn queued_at(now: Instant) -> Self {
        Self {
            queued: Some(now),
            ..Self::default()
        }
    }

    /// When the exchange started on the I/O thread.
    #[must_use]
    pub fn begun(&self) -> Option<Instant> {
        self.begun
    }

    /// When the host's addresses were known.
    #[must_use]
    pub fn dns(&self) -> Option<Instant> {
        self.dns
    }

    /// When the TCP connection was up. `None` when an idle connection was reused.
    #[must_use]
    pub fn connected(&self) -> Option<Instant> {
        self.connected
    }

    /// When the TLS handshake ended.
    #[must_use]
    pub fn tls(&self) -> Option<Instant> {
        self.tls
    }

    /// When the last byte of the request was handed to the kernel.
    #[must_use]
    pub fn sent(&self) -> Option<Instant> {
        self.sent
    }

    /// When the first byte of the response was read.
    #[must_use]
    pub fn first_byte(&self) -> Option<Instant> {
        self.first_byte
    }

    /// When the exchange ended, however it ended.
    #[must_use]
    pub fn done(&self) -> Option<Instant> {
        self.done
    }

    /// What the user waited for: from `begun` to `done`, with DNS, connect, TLS, redirects and the whole body.
    /// `None` until both are stamped.
    #[must_use]
    pub fn response_time(&self) -> Option<Duration> {
        Some(self.done?.duration_since(self.begun?))
    }

    /// How long each part took. `None` before `done`, without `queued`.
    #[must_use]
    pub fn phases(&self) -> Option<Phases> {
        let begun = self.done.and(self.begun)?;
        self.laps.phases(begun.saturating_duration_since(self.queued?))
    }

    /// A connection is going to be opened: its address is being looked up.
    pub(crate) fn opening_at(&mut self, now: Instant) {
        self.laps.turn_to(Step::Dns, now);
    }

    /// The host's addresses are known.
    pub(crate) fn resolved_at(&mut self, now: Instant) {
        self.dns = Some(now);
        self.laps.turn_to(Step::Connect, now);
    }

    /// The TCP connection is up; `is_tls` says whether a handshake follows.
    pub(crate) fn connected_at(&mut self, now: Instant, is_tls: bool) {
        self.connected = Some(now);
        self.tls = None;
        self.laps.turn_to(if is_tls { Step::Tls } else { Step::Send }, now);
    }

    /// A proxy is being asked for a tunnel, or another request of the session is opening the connection for both: more connecting.
    pub(crate) fn connecting_at(&mut self, now: Instant) {
        self.laps.turn_to(Step::Connect, now);
    }

    /// The TLS handshake has ended.
    pub(crate) fn secured_at(&mut self, now: Instant) {
        self.tls = Some(now);
        self.laps.turn_to(Step::Send, now);
    }

    /// Some of the request has been written. If more follows, the time until then was not spent waiting for the response.
    pub(crate) fn sent_at(&mut self, now: Instant) {
        self.sent = Some(now);
        match self.laps.step() {
            // The server answers while it is still being told.
            Step::Body => {}
            Step::FirstByte => {
                self.laps.keep_sending();
                self.laps.turn_to(Step::FirstByte, now);
            }
            _ => self.laps.turn_to(Step::FirstByte, now),
        }
    }

    /// The first byte of a response has been read.
    pub(crate) fn heard_at(&mut self, now: Instant) {
        self.first_byte = Some(now);
        self.laps.turn_to(Step::Body, now);
    }

    /// A request is going to be sent, after a response that redirects, or over a connection that another has opened.
    pub(crate) fn sending_at(&mut self, now: Instant) {
        self.laps.turn_to(Step::Send, now);
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
        timeline.laps.begin(now);
        (Self { timeline }, now)
    }
}

impl Drop for DoneGuard<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        self.timeline.done = Some(now);
        // Whatever was under way has taken until now.
        self.timeline.laps.turn_to(self.timeline.laps.step(), now);
    }
}

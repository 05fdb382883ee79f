//! How long each part of an exchange took: one stopwatch whose laps are the parts, so that they add up to the whole.
//!
//! Whatever happens between two stamps belongs to the part that was under way, be it a second connection, another redirect or the last
//! address of five. Nothing is ever counted twice, nothing is left over, and no lap is negative.

use std::time::Duration;

use tokio::time::Instant;

/// What an exchange is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The addresses of the host.
    Dns,
    /// A TCP connection.
    Connect,
    /// The handshake of TLS.
    Tls,
    /// The last byte of the request on its way out.
    Send,
    /// The first byte of the response.
    FirstByte,
    /// The last byte of the response, decoded.
    Body,
}

/// How many parts there are.
const STEPS: usize = Step::Body as usize + 1;

/// How long each part of an exchange took, over all its requests and connections. Without the time in the queue they add up to
/// [`super::Timeline::response_time`], to the nanosecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// From the call to the start on the I/O thread: the engine's own delay, not part of the response time.
    pub queue: Duration,
    /// Asking for the addresses of the host.
    pub dns: Duration,
    /// Making TCP connections, those that failed included, and tunnels through proxies; waiting for one that is shared.
    pub connect: Duration,
    /// Handshakes of TLS.
    pub tls: Duration,
    /// Handing the request to the kernel.
    pub send: Duration,
    /// From there to the first byte of the response.
    pub first_byte: Duration,
    /// From there to the last byte, and decoding.
    pub body: Duration,
}

impl Phases {
    /// All but the queue: the response time.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.dns + self.connect + self.tls + self.send + self.first_byte + self.body
    }

    /// In the order in which they happen.
    #[must_use]
    pub fn in_order(&self) -> [Duration; 7] {
        [
            self.queue,
            self.dns,
            self.connect,
            self.tls,
            self.send,
            self.first_byte,
            self.body,
        ]
    }
}

/// The stopwatch of one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Laps {
    /// In nanoseconds, which is half the room: every task of an exchange holds them.
    parts_ns: [u64; STEPS],
    since: Option<Instant>,
    step: Step,
}

impl Default for Laps {
    fn default() -> Self {
        Self {
            parts_ns: [0; STEPS],
            since: None,
            step: Step::Send,
        }
    }
}

impl Laps {
    /// Begins anew; a request over an idle connection is being sent at once.
    pub(crate) fn begin(&mut self, now: Instant) {
        *self = Self {
            since: Some(now),
            ..Self::default()
        };
    }

    /// What is being waited for.
    pub(crate) fn step(&self) -> Step {
        self.step
    }

    /// Ends the present lap; what comes next is `next`.
    pub(crate) fn turn_to(&mut self, next: Step, now: Instant) {
        if let Some(since) = self.since {
            self.parts_ns[self.step as usize] += now.saturating_duration_since(since).as_nanos() as u64;
            self.since = Some(since.max(now));
        }
        self.step = next;
    }

    /// Takes back that the request was out: the lap under way is one of sending.
    pub(crate) fn keep_sending(&mut self) {
        self.step = Step::Send;
    }

    /// The parts; `None` when nothing has begun.
    pub(crate) fn phases(&self, queue: Duration) -> Option<Phases> {
        let [dns, connect, tls, send, first_byte, body] = self.parts_ns.map(Duration::from_nanos);
        self.since.is_some().then_some(Phases {
            queue,
            dns,
            connect,
            tls,
            send,
            first_byte,
            body,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::timeline::{DoneGuard, Timeline};
    use super::*;

    /// What a road may stamp, in any order.
    #[derive(Clone, Copy, Debug)]
    enum Stamp {
        Opening,
        Connecting,
        Resolved,
        Connected(bool),
        Secured,
        Sent,
        Heard,
        Sending,
        /// A time from before the latest one.
        Late,
    }

    fn stamps() -> impl Strategy<Value = Vec<(Stamp, u64)>> {
        let stamp = prop_oneof![
            Just(Stamp::Opening),
            Just(Stamp::Resolved),
            any::<bool>().prop_map(Stamp::Connected),
            Just(Stamp::Secured),
            Just(Stamp::Sent),
            Just(Stamp::Heard),
            Just(Stamp::Sending),
            Just(Stamp::Connecting),
            Just(Stamp::Late),
        ];
        prop::collection::vec((stamp, 0_u64..5_000_000_000), 0..40)
    }

    proptest! {
        #[test]
        fn the_parts_add_up_to_the_response_time(stamps in stamps(), queued_ns in 0_u64..1_000_000) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            let timeline = runtime.block_on(async {
                let mut timeline = Timeline::queued_at(Instant::now());
                tokio::time::advance(Duration::from_nanos(queued_ns)).await;
                let (guard, _) = DoneGuard::begin(&mut timeline);
                for (stamp, gap_ns) in stamps {
                    tokio::time::advance(Duration::from_nanos(gap_ns)).await;
                    let now = Instant::now();
                    match stamp {
                        Stamp::Opening => guard.timeline.opening_at(now),
                        Stamp::Connecting => guard.timeline.connecting_at(now),
                        Stamp::Resolved => guard.timeline.resolved_at(now),
                        Stamp::Connected(is_tls) => guard.timeline.connected_at(now, is_tls),
                        Stamp::Secured => guard.timeline.secured_at(now),
                        Stamp::Sent => guard.timeline.sent_at(now),
                        Stamp::Heard => guard.timeline.heard_at(now),
                        Stamp::Sending => guard.timeline.sending_at(now),
                        Stamp::Late => guard.timeline.heard_at(now - Duration::from_millis(1)),
                    }
                }
                drop(guard);
                timeline
            });
            let phases = timeline.phases().unwrap();
            prop_assert_eq!(Some(phases.total()), timeline.response_time());
            prop_assert_eq!(phases.queue, Duration::from_nanos(queued_ns));
            prop_assert_eq!(phases.in_order().iter().sum::<Duration>(), phases.queue + phases.total());
        }
    }

    #[test]
    fn what_is_not_known_is_not_told() {
        assert_eq!(Timeline::default().phases(), None);
        for (mut timeline, is_known) in [
            (Timeline::queued_at(Instant::now()), true),
            (Timeline::default(), false),
        ] {
            assert_eq!(timeline.phases(), None);
            drop(DoneGuard::begin(&mut timeline));
            assert_eq!(timeline.phases().is_some(), is_known);
            assert!(timeline.response_time().is_some());
        }
    }
}

//! One finished request, as the room that made it reports it.

use std::sync::Arc;
use std::time::Duration;

use crate::ids::EntryId;

use super::parts::Parts;

/// One finished request: how long it took, how much came back, and whether it failed.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Which (method, name) it belongs to, from [`crate::stats::Ledger::intern`].
    pub entry: EntryId,
    /// How long it took. `None` counts as a request but has no place in averages and percentiles.
    pub elapsed: Option<Duration>,
    /// The size of the body that came back.
    pub length_bytes: u64,
    /// When it ended: seconds since the epoch on the wall clock, as Locust's `last_request_timestamp`.
    pub at_epoch_s: f64,
    /// Why it failed, in the text that Locust's `StatsError` shows; `None` when it did not.
    pub failure: Option<Arc<str>>,
    /// How long its parts took, where that is known.
    pub parts: Option<Parts>,
}

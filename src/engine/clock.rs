//! The one place that reads the wall clock. Durations come from `tokio::time::Instant`; this is for timestamps in reports only.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time since the Unix epoch. A clock set before 1970 reads as zero.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the blessed wrapper: everything else asks here"
)]
pub fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

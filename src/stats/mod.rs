//! What was measured. No I/O, no clock, no users: the time comes in with each sample.
//!
//! I/O threads hand a [`Sample`] to their own shard of the [`Ledger`] (`recorder`); whoever reads merges the shards into
//! the entries (`ledger`), which are the only mutable truth. An [`Entry`] keeps counts, Locust's rounded `response_times`
//! (`bucket`), the exact distribution (`histogram`), what happened in the last seconds (`window`) and how long the parts of
//! requests took (`parts`).
//! A [`Snapshot`] is a copy that no longer changes and that can be merged with others and sent over a wire.

mod bucket;
mod encoding;
mod entry;
mod failure;
mod figures;
mod histogram;
mod ledger;
mod parts;
mod recorder;
mod sample;
mod snapshot;
mod window;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use bucket::{Buckets, bucket_response_time};
pub use encoding::DecodeError;
pub use entry::{Bucketing, Cached, Entry, SharedEntry};
pub use failure::{Failure, SharedFailure};
pub use figures::{Figures, ResponseTime};
pub use histogram::Histogram;
pub use ledger::{Hold, Ledger, ListedEntry, ListedFailure};
pub use parts::{PARTS, PartSums, Parts};
pub use sample::Sample;
pub use snapshot::{FailureKey, Snapshot};
pub use window::{Second, TOTAL_WINDOW_SECONDS, WINDOW_SECONDS, Window};

/// Takes a lock whatever happened to its last holder: figures are updated field by field and stay usable after a panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

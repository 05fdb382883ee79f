//! Where I/O threads drop their samples: one shard each, so that the lock is almost never contended.
//!
//! Measured: a lock, a push and a test. A histogram per shard would cost the same time, a copy of every entry per thread,
//! and could not tell the time of anything; a channel would allocate and wake somebody.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::ids::EntryId;

use super::figures::ResponseTime;
use super::lock;
use super::parts::Parts;
use super::sample::Sample;

/// A shard is merged when it holds this many; or earlier, when somebody reads.
pub(crate) const SHARD_SAMPLES: usize = 1_024;

/// What a sample becomes while it waits: half the size, and able to hold what Python reports too.
#[derive(Debug)]
pub(crate) struct Mark {
    pub(crate) entry: EntryId,
    /// The response time and the size of the body; `None` for a failure that is not a request of its own.
    pub(crate) request: Option<(Option<ResponseTime>, u64)>,
    pub(crate) at_epoch_s: f64,
    pub(crate) failure: Option<Arc<str>>,
    /// The parts of a request, which may be counted on its own.
    pub(crate) parts: Option<Parts>,
}

impl From<Sample> for Mark {
    fn from(sample: Sample) -> Self {
        Self {
            entry: sample.entry,
            request: Some((sample.elapsed.map(ResponseTime::from), sample.length_bytes)),
            at_epoch_s: sample.at_epoch_s,
            failure: sample.failure,
            parts: sample.parts,
        }
    }
}

/// One thread's samples. Aligned so that two shards never share a cache line.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Shard {
    marks: Mutex<Vec<Mark>>,
    aborted: AtomicU64,
}

impl Shard {
    pub(crate) fn new() -> Self {
        Self {
            marks: Mutex::new(Vec::with_capacity(SHARD_SAMPLES)),
            aborted: AtomicU64::new(0),
        }
    }

    /// Keeps a mark; says whether the shard ought to be merged now.
    pub(crate) fn push(&self, mark: Mark) -> bool {
        let mut marks = lock(&self.marks);
        marks.push(mark);
        // Only at every full batch: when the merge had to be put off, the next attempt need not come with the next sample.
        marks.len().is_multiple_of(SHARD_SAMPLES)
    }

    /// Swaps the marks for an empty list, which must be `spare`.
    pub(crate) fn swap(&self, spare: &mut Vec<Mark>) {
        let mut marks = lock(&self.marks);
        if !marks.is_empty() {
            std::mem::swap(&mut *marks, spare);
        }
    }

    pub(crate) fn abort(&self) {
        self.aborted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn take_aborted(&self) -> u64 {
        self.aborted.swap(0, Ordering::Relaxed)
    }
}

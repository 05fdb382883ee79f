//! One way of failing: how often a (method, name) failed with the same text, and when.

use std::sync::{Arc, Mutex};

/// A failure as readers and the ledger share it.
pub type SharedFailure = Arc<Mutex<Failure>>;

/// How often something failed in the same way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Failure {
    /// How often.
    pub occurrences: u64,
    /// When first, in seconds since the epoch.
    pub first_seen_s: Option<f64>,
    /// When last.
    pub last_seen_s: Option<f64>,
}

impl Failure {
    /// Counts one more.
    pub fn occurred(&mut self, at_epoch_s: f64) {
        self.merge(&Self {
            occurrences: 1,
            first_seen_s: Some(at_epoch_s),
            last_seen_s: Some(at_epoch_s),
        });
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.occurrences += other.occurrences;
        self.first_seen_s = [self.first_seen_s, other.first_seen_s]
            .into_iter()
            .flatten()
            .reduce(f64::min);
        self.last_seen_s = [self.last_seen_s, other.last_seen_s]
            .into_iter()
            .flatten()
            .reduce(f64::max);
    }
}

//! How many jobs are between their submission and their end, and a way to wait until there are none.
//!
//! A call that is called off ends a moment later, on its lane. Whoever closes the books waits here, so that what was in flight is
//! counted before the final figures are read.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

static COUNT: Mutex<usize> = Mutex::new(0);
static LANDED: Condvar = Condvar::new();

/// One job's share of the count, given back when it is dropped.
#[derive(Debug)]
pub struct InFlight(());

impl InFlight {
    /// Counts one more.
    #[must_use]
    pub fn begin() -> Self {
        *COUNT.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Self(())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut count = COUNT.lock().unwrap_or_else(PoisonError::into_inner);
        *count -= 1;
        if *count == 0 {
            LANDED.notify_all();
        }
    }
}

/// Waits until nothing is in flight, at most `patience`. Returns how many jobs still are.
#[must_use]
pub fn wait(patience: Duration) -> usize {
    let count = COUNT.lock().unwrap_or_else(PoisonError::into_inner);
    let (count, _) = LANDED
        .wait_timeout_while(count, patience, |count| *count > 0)
        .unwrap_or_else(PoisonError::into_inner);
    *count
}

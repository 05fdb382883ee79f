//! Requests that were called off while they waited for an answer, for those who want to know which.
//!
//! The ledger counts them; here is what is known of each, so that a request that hangs can be named, and told from one that the
//! server left without an answer.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::Method;

use crate::http::Target;

/// More are counted, but not kept.
const KEPT: usize = 100;

static LIST: Mutex<Vec<CalledOff>> = Mutex::new(Vec::new());

/// One request that had been sent, and how far its answer had come.
#[derive(Debug)]
pub struct CalledOff {
    /// Its method.
    pub method: Method,
    /// What was asked for, before any redirect.
    pub target: Target,
    /// Since it was sent.
    pub waited: Duration,
    /// Whether the answer had begun to come.
    pub has_begun: bool,
    /// How many bytes lay in the socket; `None` when the connection had ended.
    pub unread: Option<usize>,
}

/// Keeps one, if there is room.
pub(crate) fn note(call: CalledOff) {
    let mut list = LIST.lock().unwrap_or_else(PoisonError::into_inner);
    if list.len() < KEPT {
        list.push(call);
    }
}

/// Gives all that were kept, and forgets them.
#[must_use]
pub fn take() -> Vec<CalledOff> {
    std::mem::take(&mut *LIST.lock().unwrap_or_else(PoisonError::into_inner))
}

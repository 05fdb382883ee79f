//! The one door that lets go of the GIL.

use pyo3::marker::Ungil;
use pyo3::prelude::*;

/// Runs `work` without the GIL, for whatever may take longer than a few microseconds.
pub(super) fn detached<T: Ungil + Send>(py: Python<'_>, work: impl FnOnce() -> T + Ungil + Send) -> T {
    py.detach(work)
}

//! The engine's own small surface: seats, lanes, orders, and waiting for what is in flight.

use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::door::detached;
use crate::engine::called_off::{self, CalledOff};
use crate::engine::conductor::{self, Counts};
use crate::engine::in_flight;
use crate::engine::panics;
use crate::engine::runtime;
use crate::engine::user::{Action, Input, Seat, State};

/// One user's state; see the table in `engine::user`.
#[pyclass(frozen, name = "Seat", module = "rocust._core")]
#[derive(Default)]
struct PySeat {
    seat: Seat,
}

#[pymethods]
impl PySeat {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Locust's word for the state: None, "running", "waiting" or "stopping".
    #[getter]
    fn state(&self) -> Option<&'static str> {
        match self.seat.state() {
            State::Spawning => None,
            State::Running => Some("running"),
            State::Waiting => Some("waiting"),
            State::Stopping | State::Ended => Some("stopping"),
        }
    }

    #[setter]
    fn set_state(&self, word: Option<&str>) -> PyResult<()> {
        self.seat.force(match word {
            None => State::Spawning,
            Some("running") => State::Running,
            Some("waiting") => State::Waiting,
            Some("stopping") => State::Stopping,
            Some(other) => {
                return Err(PyValueError::new_err(format!(
                    "a user cannot be {other:?}; it is None, 'running', 'waiting' or 'stopping'"
                )));
            }
        });
        Ok(())
    }

    #[getter]
    fn is_stopping(&self) -> bool {
        matches!(self.seat.state(), State::Stopping | State::Ended)
    }

    /// The user's greenlet runs.
    fn start(&self) {
        // A user object may be run again after it ended, as tests of user classes do.
        if self.seat.state() == State::Ended {
            self.seat.force(State::Spawning);
        }
        self.seat.step(Input::Started);
    }

    /// A wait begins; False when the user must stop instead.
    fn begin_wait(&self) -> bool {
        self.seat.step(Input::TaskDone);
        !self.is_stopping()
    }

    /// The wait is over; False when the user must stop.
    fn end_wait(&self) -> bool {
        self.seat.step(Input::Deadline);
        !self.is_stopping()
    }

    /// The user shall stop; True when its greenlet must be ended now.
    fn stop(&self, now: bool) -> bool {
        self.seat.step(Input::Stop { now }) == Action::Kill
    }

    /// The user's greenlet has ended.
    fn end(&self) {
        self.seat.step(Input::Gone);
    }
}

/// How many I/O threads the engine has, or would have once started.
#[pyfunction]
fn lane_count() -> usize {
    runtime::lane_count()
}

/// To be called in a child right after a fork: the engine's threads did not come along.
#[pyfunction]
fn note_fork() {
    runtime::note_fork();
}

/// Waits until no request is in flight, at most `patience` seconds; returns how many still are.
#[pyfunction]
fn settle(py: Python<'_>, patience: f64) -> PyResult<usize> {
    let patience = Duration::try_from_secs_f64(patience)
        .map_err(|_| PyValueError::new_err(format!("patience must be a number of seconds, not {patience}")))?;
    Ok(detached(py, || in_flight::wait(patience)))
}

/// The requests that were called off since the last time: (method, URL, seconds since it was sent, whether its answer had begun to
/// come, bytes that lay unread or None when the connection had ended).
#[pyfunction]
fn take_called_off() -> Vec<(String, String, f64, bool, Option<usize>)> {
    let tell = |call: CalledOff| {
        let url = call.target.as_str().to_owned();
        let seconds = call.waited.as_secs_f64();
        (call.method.to_string(), url, seconds, call.has_begun, call.unread)
    };
    called_off::take().into_iter().map(tell).collect()
}

/// What the first panic of the compiled module said, and where; None as long as there was none.
#[pyfunction]
fn first_panic() -> Option<&'static str> {
    panics::first()
}

/// Which users to start and to stop to get from `running` to `wanted`, each a dict of class names and counts.
#[pyfunction]
fn orders(running: Counts, wanted: Counts) -> (Counts, Counts) {
    let orders = conductor::orders(&running, &wanted);
    (orders.start, orders.stop)
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PySeat>()?;
    module.add_function(wrap_pyfunction!(lane_count, module)?)?;
    module.add_function(wrap_pyfunction!(note_fork, module)?)?;
    module.add_function(wrap_pyfunction!(settle, module)?)?;
    module.add_function(wrap_pyfunction!(take_called_off, module)?)?;
    module.add_function(wrap_pyfunction!(orders, module)?)?;
    module.add_function(wrap_pyfunction!(first_panic, module)?)?;
    panics::listen();
    Ok(())
}

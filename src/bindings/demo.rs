//! The demo target for Python: blocks the calling thread, detached from the GIL, until SIGINT or SIGTERM.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use pyo3::{exceptions::PyValueError, prelude::*, types::PyDict};

use crate::demo::{Manner, Server};

use super::door::detached;

/// How often a stop asked for by a signal is looked for: only Python's main thread may run its signal handlers.
const SIGNAL_CHECK: Duration = Duration::from_millis(50);
/// More lanes than this are of no use to a generator on the same machine.
const MOST_LANES: usize = 4;

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(demo_target, module)?)
}

/// Serve the demo target until SIGINT or SIGTERM; `announce` is called with its URL once it answers.
#[pyfunction]
#[pyo3(signature = (host, port, delay_ms, status, announce = None))]
fn demo_target(
    py: Python<'_>,
    host: &str,
    port: u16,
    delay_ms: f64,
    status: u16,
    announce: Option<Bound<'_, PyAny>>,
) -> PyResult<()> {
    let manner = Manner::new(delay_ms, status).map_err(PyValueError::new_err)?;
    // Half of the machine: the other half is for whoever shoots.
    let lane_count = thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).clamp(1, MOST_LANES));
    let stop = Bound::new(py, StopOnSignal::default())?;
    let watch = SignalWatch::install(&stop)?;
    let server = detached(py, || Server::start(host, port, manner, lane_count))?;
    let outcome = announce_and_wait(&server, announce, &stop);
    detached(py, || server.stop());
    watch.restore()?;
    outcome
}

fn announce_and_wait(
    server: &Server,
    announce: Option<Bound<'_, PyAny>>,
    stop: &Bound<'_, StopOnSignal>,
) -> PyResult<()> {
    if let Some(announce) = announce {
        announce.call1((format!("http://{}", server.address()),))?;
    }
    let py = stop.py();
    while !stop.get().was_signalled() {
        detached(py, || thread::park_timeout(SIGNAL_CHECK));
        py.check_signals()?;
    }
    Ok(())
}

/// The signal handler: a callable that remembers that it was called.
#[pyclass(frozen)]
#[derive(Default)]
struct StopOnSignal {
    signalled: AtomicBool,
}

impl StopOnSignal {
    fn was_signalled(&self) -> bool {
        self.signalled.load(Ordering::Relaxed)
    }
}

#[pymethods]
impl StopOnSignal {
    #[pyo3(signature = (*_signal_and_frame))]
    fn __call__(&self, _signal_and_frame: &Bound<'_, PyAny>) {
        self.signalled.store(true, Ordering::Relaxed);
    }
}

/// The handlers that were there before ours, to be put back.
struct SignalWatch<'py> {
    signal: Bound<'py, PyModule>,
    previous: Bound<'py, PyDict>,
}

impl<'py> SignalWatch<'py> {
    fn install(stop: &Bound<'py, StopOnSignal>) -> PyResult<Self> {
        let signal = stop.py().import("signal")?;
        let watch = Self {
            previous: PyDict::new(stop.py()),
            signal,
        };
        for name in ["SIGINT", "SIGTERM"] {
            let number = watch.signal.getattr(name)?;
            watch
                .previous
                .set_item(&number, watch.signal.call_method1("signal", (&number, stop))?)?;
        }
        Ok(watch)
    }

    fn restore(self) -> PyResult<()> {
        for (number, handler) in self.previous {
            // None: it was not set from Python and cannot be put back from there.
            if !handler.is_none() {
                self.signal.call_method1("signal", (number, handler))?;
            }
        }
        Ok(())
    }
}

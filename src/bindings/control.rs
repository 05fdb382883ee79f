//! Awaitables for what is asked for seldom: a Rust future on a lane, an `asyncio.Future` in Python.
//!
//! pyo3-async-runtimes translates between the two. It calls into the loop once for each, with the GIL, from a thread beside the lane;
//! what is asked for often (requests, pieces of bodies, waits) goes through the mailbox. It runs on the first lane's runtime.

use pyo3::prelude::*;
use pyo3_async_runtimes::tokio::{future_into_py, init_with_runtime};

use crate::engine::runtime::Engine;

/// What the running loop can await until `work` is done. A task that is cancelled meanwhile drops `work`.
pub(super) fn awaitable<'py>(
    py: Python<'py>,
    engine: &'static Engine,
    work: impl Future<Output = ()> + Send + 'static,
) -> PyResult<Bound<'py, PyAny>> {
    // It is set already, from the second call on.
    let _ = init_with_runtime(engine.lane(0).runtime());
    future_into_py(py, async move {
        work.await;
        Ok(None::<()>)
    })
}

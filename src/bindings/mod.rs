//! The only room that knows Python. It translates, and decides nothing: one file per room, one map of errors ([`failure`]), one door
//! that lets go of the GIL ([`door`]). Lanes never come here.

mod control;
mod demo;
mod door;
mod engine;
mod failure;
mod flow;
mod http;
mod plan;
mod port;
mod proxies;
mod stats;
mod wire;

use pyo3::prelude::*;

/// The compiled half of `rocust`; see `python/rocust/_core.pyi`.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("IS_DEBUG_BUILD", cfg!(debug_assertions))?;
    demo::register(module)?;
    engine::register(module)?;
    failure::register(module)?;
    flow::register(module)?;
    http::register(module)?;
    plan::register(module)?;
    port::register(module)?;
    proxies::register(module)?;
    stats::register(module)?;
    wire::register(module)?;
    Ok(())
}

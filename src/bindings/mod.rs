//! The only room that knows Python.
use pyo3::prelude::*;

/// The compiled half of `rocust`; see `python/rocust/_core.pyi`.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    Ok(())
}

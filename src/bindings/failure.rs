//! The one map from the crate's errors to Python's exceptions.

use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyRuntimeError, PyValueError};
use pyo3::panic::PanicException;
use pyo3::prelude::*;

use crate::error::Error;
use crate::http::UrlProblem;

create_exception!(
    rocust._core,
    InvalidTarget,
    PyException,
    "A URL that cannot be requested: `args` are its kind and a message."
);
create_exception!(
    rocust._core,
    InvalidHeader,
    PyException,
    "A header that cannot be sent: `args` are its name and a message."
);

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        PyRuntimeError::new_err(error.to_string())
    }
}

impl From<UrlProblem> for PyErr {
    fn from(problem: UrlProblem) -> Self {
        let kind = match &problem {
            UrlProblem::Malformed(message) => return PyValueError::new_err(message.clone()),
            UrlProblem::MissingSchema(_) => "missing-schema",
            UrlProblem::InvalidSchema(_) => "invalid-schema",
            UrlProblem::InvalidUrl(_) => "invalid-url",
        };
        InvalidTarget::new_err((kind, problem.message().to_owned()))
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("InvalidTarget", module.py().get_type::<InvalidTarget>())?;
    module.add("InvalidHeader", module.py().get_type::<InvalidHeader>())?;
    module.add("Panic", module.py().get_type::<PanicException>())?;
    Ok(())
}

//! The room `plan` as Python sees it: dispatchers, wait policies, and the draw of the next task. Translates; decides nothing.
//!
//! All classes are frozen. A lock is held only while Rust computes, never while Python objects are made or called:
//! making one may run the garbage collector, and that anything.
//!
//! Random numbers for waits and for [`below`] are Python's own (`random`), drawn as Locust draws them:
//! `random.seed()` in a locustfile means the same, a forked worker is reseeded by Python, and the price is
//! some 100 nanoseconds a draw instead of 30.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyIndexError, PyKeyError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyFloat, PyList, PyString, PyTuple, PyType};

use crate::plan::{Decision, Dispatcher, Pace, UnknownClass, UserClass, Wait};

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyDispatcher>()?;
    module.add_class::<PyWaitPolicy>()?;
    module.add_function(wrap_pyfunction!(below, module)?)
}

fn lock<T>(guarded: &Mutex<T>) -> MutexGuard<'_, T> {
    guarded.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `(name, weight, fixed_count)` of a user class.
type ClassNumbers = (String, f64, i64);

fn user_classes(numbers: Vec<ClassNumbers>) -> Vec<UserClass> {
    numbers
        .into_iter()
        .map(|(name, weight, fixed_count)| UserClass {
            name,
            weight,
            fixed_count,
        })
        .collect()
}

fn unknown_class(error: UnknownClass) -> PyErr {
    PyKeyError::new_err(error.0)
}

#[pyclass(name = "Dispatcher", module = "rocust._core", frozen)]
struct PyDispatcher(Mutex<Dispatcher>);

#[pymethods]
impl PyDispatcher {
    #[new]
    fn new(workers: Vec<String>, classes: Vec<ClassNumbers>) -> Self {
        Self(Mutex::new(Dispatcher::new(&workers, user_classes(classes))))
    }

    fn begin(&self, target: &Bound<'_, PyAny>, rate: &Bound<'_, PyAny>) -> PyResult<()> {
        // A shape may count in floats; then the whole users in it are meant.
        let whole = target.extract::<f64>()?.floor();
        if whole.is_nan() || whole < 0.0 {
            return Err(PyValueError::new_err(format!(
                "target_user_count must be >= 0, got {target}"
            )));
        }
        let users_per_second = rate.extract()?;
        let begun = lock(&self.0).begin(whole as usize, users_per_second);
        begun.map_err(|error| PyValueError::new_err(format!("spawn_rate {error}, got {rate}")))
    }

    fn refresh(&self, classes: Vec<ClassNumbers>) {
        lock(&self.0).refresh(user_classes(classes));
    }

    fn replace(&self, classes: Vec<ClassNumbers>) {
        lock(&self.0).replace(user_classes(classes));
    }

    fn add_worker(&self, py: Python<'_>, worker: String) -> PyResult<()> {
        py.detach(|| lock(&self.0).add_worker(worker)).map_err(unknown_class)
    }

    fn remove_worker(&self, py: Python<'_>, worker: &str) -> PyResult<()> {
        py.detach(|| lock(&self.0).remove_worker(worker)).map_err(unknown_class)
    }

    fn decide(&self) -> &'static str {
        match lock(&self.0).decide() {
            Decision::Show => "show",
            Decision::Step => "step",
            Decision::PauseThenStep => "pause",
            Decision::End => "end",
        }
    }

    fn step(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| lock(&self.0).step()).map_err(unknown_class)
    }

    fn distributed(&self, py: Python<'_>, users: usize) -> PyResult<Self> {
        let fresh = py.detach(|| lock(&self.0).distributed(users)).map_err(unknown_class)?;
        Ok(Self(Mutex::new(fresh)))
    }

    fn place(&self) -> PyResult<Option<String>> {
        let mut dispatcher = lock(&self.0);
        dispatcher
            .place()
            .map(|name| name.map(str::to_owned))
            .map_err(unknown_class)
    }

    fn placed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let spread = lock(&self.0).spread().clone();
        PyList::new(py, spread.placed())
    }

    fn users_on_workers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let table = lock(&self.0).spread().table().clone();
        let names: Vec<_> = table.columns().iter().map(|name| PyString::new(py, name)).collect();
        let nobody = PyDict::new(py);
        for name in &names {
            nobody.set_item(name, 0)?;
        }
        let workers = PyDict::new(py);
        for (worker, counts) in table.rows() {
            let users = nobody.copy()?;
            for (name, count) in names.iter().zip(counts).filter(|&(_, &count)| count > 0) {
                users.set_item(name, count)?;
            }
            workers.set_item(worker, users)?;
        }
        Ok(workers)
    }

    fn users_of(&self, name: &str) -> usize {
        lock(&self.0).spread().users_of(name)
    }

    #[getter]
    fn users(&self) -> usize {
        lock(&self.0).users()
    }

    #[getter]
    fn wait_between_steps(&self) -> f64 {
        lock(&self.0).wait_between_steps_s()
    }

    #[getter]
    fn is_in_progress(&self) -> bool {
        lock(&self.0).is_in_progress()
    }

    #[getter]
    fn is_rebalanced(&self) -> bool {
        lock(&self.0).is_rebalanced()
    }
}

#[pyclass(name = "WaitPolicy", module = "rocust._core", frozen)]
struct PyWaitPolicy(Wait);

#[pymethods]
impl PyWaitPolicy {
    #[new]
    #[pyo3(signature = (kind, *parameters))]
    fn new(kind: &str, parameters: Vec<f64>) -> PyResult<Self> {
        Ok(Self(match (kind, parameters.as_slice()) {
            ("constant", &[wait_s]) => Wait::Constant { wait_s },
            ("between", &[min_s, max_s]) => Wait::Between { min_s, max_s },
            ("pacing", &[period_s]) => Wait::Pacing { period_s },
            ("poisson", &[rate]) => Wait::Poisson { rate },
            _ => {
                let count = parameters.len();
                return Err(PyValueError::new_err(format!(
                    "there is no wait policy {kind:?} with {count} parameters"
                )));
            }
        }))
    }

    fn __call__(&self, instance: &Bound<'_, PyAny>) -> PyResult<f64> {
        let py = instance.py();
        let unit = if self.0.is_random() { random_unit(py)? } else { 0.0 };
        if !self.0.is_paced() {
            return Ok(self.0.next_s(0.0, &mut Pace::default(), || unit));
        }
        let last_run_s = instance.getattr(intern!(py, "_cp_last_run"))?.extract()?;
        let last_wait_s = instance.getattr(intern!(py, "_cp_last_wait_time"))?.extract()?;
        let mut pace = Pace {
            last_run_s,
            last_wait_s,
        };
        let wait_s = self.0.next_s(perf_counter_s(py)?, &mut pace, || unit);
        instance.setattr(intern!(py, "_cp_last_wait_time"), pace.last_wait_s)?;
        instance.setattr(intern!(py, "_cp_last_run"), pace.last_run_s)?;
        Ok(wait_s)
    }

    /// On a class: the policy itself. On an instance: a bound method, as a function would give.
    fn __get__<'py>(
        policy: Bound<'py, Self>,
        instance: Option<Bound<'py, PyAny>>,
        owner: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        static BOUND_METHOD: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let _ = owner;
        match instance {
            None => Ok(policy.into_any()),
            Some(instance) => BOUND_METHOD
                .import(policy.py(), "types", "MethodType")?
                .call1((policy, instance)),
        }
    }

    #[getter]
    fn kind(&self) -> &'static str {
        match self.0 {
            Wait::Constant { .. } => "constant",
            Wait::Between { .. } => "between",
            Wait::Pacing { .. } => "pacing",
            Wait::Poisson { .. } => "poisson",
        }
    }

    #[getter]
    fn parameters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        match self.0 {
            Wait::Constant { wait_s } => PyTuple::new(py, [wait_s]),
            Wait::Between { min_s, max_s } => PyTuple::new(py, [min_s, max_s]),
            Wait::Pacing { period_s } => PyTuple::new(py, [period_s]),
            Wait::Poisson { rate } => PyTuple::new(py, [rate]),
        }
    }

    #[getter]
    fn is_none(&self) -> bool {
        self.0.is_none()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let function = if self.0.is_paced() {
            "constant_pacing"
        } else {
            self.kind()
        };
        let arguments: Vec<String> = self.parameters(py)?.iter().map(|one| one.to_string()).collect();
        Ok(format!("{function}({})", arguments.join(", ")))
    }

    fn __reduce__<'py>(policy: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>)> {
        let py = policy.py();
        let this = policy.get();
        let parameters = this.parameters(py)?;
        let arguments = std::iter::once(PyString::new(py, this.kind()).into_any()).chain(parameters.iter());
        Ok((policy.get_type(), PyTuple::new(py, arguments.collect::<Vec<_>>())?))
    }
}

fn perf_counter_s(py: Python<'_>) -> PyResult<f64> {
    static PERF_COUNTER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    PERF_COUNTER.import(py, "time", "perf_counter")?.call0()?.extract()
}

/// A number from `[0, 1)`. Looked up at each call, since a test may replace `random.random`.
fn random_unit(py: Python<'_>) -> PyResult<f64> {
    static RANDOM: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let random = RANDOM.get_or_try_init(py, || py.import("random").map(Bound::unbind))?;
    let unit = random.bind(py).call_method0(intern!(py, "random"))?;
    Ok(unit.cast::<PyFloat>()?.value())
}

fn random_bits(py: Python<'_>, bits: u32) -> PyResult<u64> {
    static GETRANDBITS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    GETRANDBITS
        .import(py, "random", "getrandbits")?
        .call1((bits,))?
        .extract()
}

/// A uniform index below `length`, drawn exactly as `random.choice` draws it.
#[pyfunction]
fn below(py: Python<'_>, length: u64) -> PyResult<u64> {
    if length == 0 {
        return Err(PyIndexError::new_err("Cannot choose from an empty sequence"));
    }
    let bits = u64::BITS - length.leading_zeros();
    loop {
        let index = random_bits(py, bits)?;
        if index < length {
            return Ok(index);
        }
    }
}

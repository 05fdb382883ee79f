//! The ledger, its entries and its failures, for the Python room `_stats`. Translates; decides nothing.
//!
//! A handle reads through: it first has the ledger collect what the I/O threads have recorded, without the GIL.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt, PyString};

use super::door::detached;
use super::http::PyExchange;
use crate::stats::{
    Bucketing, Buckets, Entry, Failure, Figures, Hold, Ledger, PARTS, PartSums, ResponseTime, SharedEntry,
    SharedFailure, bucket_response_time, lock,
};

/// The shard of the Python thread; lanes count from 1.
const PYTHON_SHARD: usize = 0;

/// Milliseconds as Python hands them in: an integer stays one.
struct Milliseconds(ResponseTime);

impl<'py> FromPyObject<'_, 'py> for Milliseconds {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(match value.cast::<PyInt>() {
            Ok(whole) => ResponseTime::WholeMs(whole.extract()?),
            Err(_) => ResponseTime::LooseMs(value.extract()?),
        }))
    }
}

/// A size in bytes; what is no integer is cut, as sums of it would be when printed.
struct Length(u64);

impl<'py> FromPyObject<'_, 'py> for Length {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(whole) = value.cast::<PyInt>() {
            return Ok(Self(whole.extract::<i64>()?.max(0).unsigned_abs()));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float-to-integer cast saturates"
        )]
        Ok(Self(value.extract::<f64>()? as u64))
    }
}

/// A (name or method) that should be a string, and is made one if it is not.
fn text<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<Cow<'a, str>> {
    match value.cast::<PyString>() {
        Ok(string) => string.to_cow(),
        Err(_) => Ok(Cow::Owned(value.str()?.to_cow()?.into_owned())),
    }
}

/// A number of milliseconds: an integer if all that went into it were.
fn shown(py: Python<'_>, value_ms: f64, is_whole: bool) -> PyResult<Bound<'_, PyAny>> {
    if is_whole && value_ms.fract() == 0.0 {
        #[expect(clippy::cast_possible_truncation, reason = "a sum of integers")]
        return Ok((value_ms as i64).into_pyobject(py)?.into_any());
    }
    Ok(value_ms.into_pyobject(py)?.into_any())
}

/// Locust's rounding of a response time in milliseconds.
#[pyfunction(name = "bucket_response_time")]
fn py_bucket_response_time(response_time: f64) -> PyResult<i64> {
    if response_time.is_finite() {
        Ok(bucket_response_time(response_time))
    } else {
        Err(PyValueError::new_err(format!(
            "a response time of {response_time} ms cannot be rounded"
        )))
    }
}

/// All that is measured in one run.
#[pyclass(frozen, name = "Ledger", module = "rocust._core")]
pub(crate) struct PyLedger {
    pub(crate) inner: Arc<Ledger>,
}

impl PyLedger {
    fn handle(&self, entry: SharedEntry) -> PyEntry {
        PyEntry {
            entry,
            ledger: Some(Arc::clone(&self.inner)),
        }
    }

    fn failure(&self, failure: SharedFailure) -> PyFailure {
        PyFailure {
            failure,
            ledger: Some(Arc::clone(&self.inner)),
        }
    }
}

#[pymethods]
impl PyLedger {
    #[new]
    fn new(shards: usize) -> Self {
        Self {
            inner: Ledger::new(shards),
        }
    }

    /// Counts one request that Python measured.
    #[pyo3(signature = (method, name, response_time_ms, length_bytes, at_epoch_s, error_text=None))]
    fn record(
        &self,
        method: &Bound<'_, PyAny>,
        name: &Bound<'_, PyAny>,
        response_time_ms: Option<Milliseconds>,
        length_bytes: Length,
        at_epoch_s: f64,
        error_text: Option<&str>,
    ) -> PyResult<()> {
        let entry = self.inner.intern(&text(method)?, &text(name)?);
        let response_time = response_time_ms.map(|given| given.0);
        self.inner.record_request(
            PYTHON_SHARD,
            entry,
            response_time,
            length_bytes.0,
            at_epoch_s,
            error_text.map(Arc::from),
        );
        Ok(())
    }

    /// Counts one request of the engine's that Python reports: as `record`, and the parts of `exchange` where they are the given time's.
    #[pyo3(signature = (method, name, response_time_ms, length_bytes, at_epoch_s, exchange))]
    fn report(
        &self,
        method: &Bound<'_, PyAny>,
        name: &Bound<'_, PyAny>,
        response_time_ms: f64,
        length_bytes: u64,
        at_epoch_s: f64,
        exchange: &Bound<'_, PyExchange>,
    ) -> PyResult<()> {
        let entry = self.inner.intern(&text(method)?, &text(name)?);
        self.inner.record_request(
            PYTHON_SHARD,
            entry,
            Some(ResponseTime::LooseMs(response_time_ms)),
            length_bytes,
            at_epoch_s,
            None,
        );
        let (measured_ms, phases) = exchange.get().measured();
        if let Some(phases) = phases
            && measured_ms.to_bits() == response_time_ms.to_bits()
        {
            self.inner.record_parts(PYTHON_SHARD, entry, phases.in_order().into());
        }
        exchange.get().settle();
        Ok(())
    }

    /// Counts one failure of a request that is counted on its own.
    fn record_failure(
        &self,
        method: &Bound<'_, PyAny>,
        name: &Bound<'_, PyAny>,
        error_text: &str,
        at_epoch_s: f64,
    ) -> PyResult<()> {
        let entry = self.inner.intern(&text(method)?, &text(name)?);
        self.inner
            .record_failure(PYTHON_SHARD, entry, at_epoch_s, Arc::from(error_text));
        Ok(())
    }

    /// Counts how long the parts of a request took that was reported with this response time, unless that is not the sum of what the
    /// engine measured.
    fn record_timings(
        &self,
        method: &Bound<'_, PyAny>,
        name: &Bound<'_, PyAny>,
        response_time_ms: f64,
        exchanges: Vec<Bound<'_, PyExchange>>,
    ) -> PyResult<()> {
        let (mut measured_ms, mut sums) = (0.0_f64, [Duration::ZERO; PARTS]);
        for exchange in exchanges {
            let (ms, phases) = exchange.get().measured();
            let Some(phases) = phases else { return Ok(()) };
            measured_ms += ms;
            for (sum, part) in sums.iter_mut().zip(phases.in_order()) {
                *sum += part;
            }
        }
        if measured_ms.to_bits() == response_time_ms.to_bits() {
            let entry = self.inner.intern(&text(method)?, &text(name)?);
            self.inner.record_parts(PYTHON_SHARD, entry, sums.into());
        }
        Ok(())
    }

    /// Counts one request that was begun and will never be reported.
    fn abort(&self) {
        self.inner.abort(PYTHON_SHARD);
    }

    #[getter]
    fn num_aborted(&self, py: Python<'_>) -> u64 {
        detached(py, || self.inner.aborted())
    }

    /// Moves what was recorded into the entries.
    fn collect(&self, py: Python<'_>) {
        detached(py, || self.inner.collect());
    }

    /// A context in which all entries stand still.
    fn hold(&self, py: Python<'_>) -> PyHold {
        PyHold {
            hold: Mutex::new(Some(detached(py, || self.inner.hold()))),
        }
    }

    #[getter]
    fn total(&self) -> PyEntry {
        self.handle(self.inner.total())
    }

    /// Puts another entry in the place of the total; gives its new handle.
    fn set_total(&self, py: Python<'_>, entry: &PyEntry) -> PyEntry {
        detached(py, || self.inner.set_total(Arc::clone(&entry.entry)));
        self.handle(Arc::clone(&entry.entry))
    }

    /// The entry of a (method, name), made if there is none.
    fn entry(
        &self,
        py: Python<'_>,
        method: &Bound<'_, PyAny>,
        name: &Bound<'_, PyAny>,
        at_epoch_s: f64,
    ) -> PyResult<PyEntry> {
        let (method, name) = (text(method)?, text(name)?);
        Ok(self.handle(detached(py, || self.inner.entry(&method, &name, at_epoch_s))))
    }

    /// Makes an entry the one that counts; gives its new handle.
    fn adopt(&self, py: Python<'_>, method: &str, name: &str, entry: &PyEntry) -> PyEntry {
        detached(py, || self.inner.adopt(method, name, Arc::clone(&entry.entry)));
        self.handle(Arc::clone(&entry.entry))
    }

    /// Takes an entry out.
    fn forget(&self, py: Python<'_>, method: &str, name: &str) {
        detached(py, || self.inner.forget(method, name));
    }

    /// The edition of the list of entries, and (name, method, entry) for those from a place on.
    fn entries_from(&self, py: Python<'_>, place: usize) -> (u64, Vec<(String, String, PyEntry)>) {
        let (edition, listed) = detached(py, || self.inner.entries_from(place));
        let entries = listed.into_iter().map(|listed| {
            (
                listed.name.to_string(),
                listed.method.to_string(),
                self.handle(listed.entry),
            )
        });
        (edition, entries.collect())
    }

    /// The edition of the list of failures, and (method, name, text, failure) for those from a place on.
    fn failures_from(&self, py: Python<'_>, place: usize) -> (u64, Vec<(String, String, String, PyFailure)>) {
        let (edition, listed) = detached(py, || self.inner.failures_from(place));
        let failures = listed.into_iter().map(|listed| {
            (
                listed.method.to_string(),
                listed.name.to_string(),
                listed.text.to_string(),
                self.failure(listed.failure),
            )
        });
        (edition, failures.collect())
    }

    /// Makes a failure the one that counts; gives its new handle.
    fn adopt_failure(
        &self,
        py: Python<'_>,
        method: &str,
        name: &str,
        error_text: &str,
        failure: &PyFailure,
    ) -> PyFailure {
        detached(py, || {
            self.inner
                .adopt_failure(method, name, error_text, Arc::clone(&failure.failure));
        });
        self.failure(Arc::clone(&failure.failure))
    }

    /// Takes a failure out.
    fn forget_failure(&self, py: Python<'_>, method: &str, name: &str, error_text: &str) {
        detached(py, || self.inner.forget_failure(method, name, error_text));
    }

    /// Takes all failures out.
    fn clear_failures(&self, py: Python<'_>) {
        detached(py, || self.inner.clear_failures());
    }

    /// Sets everything to zero; the entries stay.
    fn reset_all(&self, py: Python<'_>, at_epoch_s: f64) {
        detached(py, || self.inner.reset_all(at_epoch_s));
    }

    /// Takes everything out and begins a new total.
    fn clear_all(&self, py: Python<'_>, at_epoch_s: f64) {
        detached(py, || self.inner.clear_all(at_epoch_s));
    }

    /// How many seconds entries can look back.
    fn set_recent(&self, py: Python<'_>, recent_s: usize) {
        detached(py, || self.inner.set_recent(recent_s));
    }

    /// Whether a function of the user's decides the keys of `response_times`.
    fn set_own_bucketing(&self, py: Python<'_>, has_own_bucketing: bool) {
        detached(py, || self.inner.set_own_bucketing(has_own_bucketing));
    }

    /// A copy of everything, as bytes.
    fn snapshot<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &detached(py, || self.inner.snapshot().to_bytes()))
    }
}

/// See `Ledger.hold`.
#[pyclass(frozen, name = "Hold", module = "rocust._core")]
struct PyHold {
    hold: Mutex<Option<Hold>>,
}

#[pymethods]
impl PyHold {
    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_problem))]
    fn __exit__(&self, _problem: &Bound<'_, pyo3::types::PyTuple>) {
        lock(&self.hold).take();
    }
}

/// What is known about one (method, name), or about the total.
#[pyclass(frozen, name = "Entry", module = "rocust._core")]
pub(crate) struct PyEntry {
    entry: SharedEntry,
    /// `None` for an entry that Python made and no ledger fills.
    ledger: Option<Arc<Ledger>>,
}

impl PyEntry {
    fn read<T>(&self, py: Python<'_>, read: impl FnOnce(&Figures) -> T) -> T {
        read(&self.fresh(py).figures)
    }

    fn write(&self, py: Python<'_>, write: impl FnOnce(&mut Figures)) {
        write(&mut self.fresh(py).figures);
    }

    fn fresh(&self, py: Python<'_>) -> std::sync::MutexGuard<'_, Entry> {
        if let Some(ledger) = &self.ledger {
            detached(py, || ledger.collect());
        }
        lock(&self.entry)
    }
}

#[pymethods]
impl PyEntry {
    #[new]
    fn new(recent_s: usize) -> Self {
        Self {
            entry: Entry::shared(recent_s),
            ledger: None,
        }
    }

    /// Whether both handles are of one entry.
    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.entry, &other.entry)
    }

    #[getter]
    fn num_requests(&self, py: Python<'_>) -> u64 {
        self.read(py, |figures| figures.num_requests)
    }

    #[setter]
    fn set_num_requests(&self, py: Python<'_>, value: u64) {
        self.write(py, |figures| figures.num_requests = value);
    }

    #[getter]
    fn num_none_requests(&self, py: Python<'_>) -> u64 {
        self.read(py, |figures| figures.num_none_requests)
    }

    #[setter]
    fn set_num_none_requests(&self, py: Python<'_>, value: u64) {
        self.write(py, |figures| figures.num_none_requests = value);
    }

    #[getter]
    fn num_failures(&self, py: Python<'_>) -> u64 {
        self.read(py, |figures| figures.num_failures)
    }

    #[setter]
    fn set_num_failures(&self, py: Python<'_>, value: u64) {
        self.write(py, |figures| figures.num_failures = value);
    }

    #[getter]
    fn total_response_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (total_ms, is_whole) = self.read(py, |figures| (figures.total_response_time_ms(), figures.is_whole));
        shown(py, total_ms, is_whole)
    }

    #[setter]
    fn set_total_response_time(&self, py: Python<'_>, value: Milliseconds) {
        self.write(py, |figures| figures.set_total_response_time_ms(value.0));
    }

    #[getter]
    fn min_response_time<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (min_ms, is_whole) = self.read(py, |figures| (figures.min_response_time_ms, figures.is_whole));
        min_ms.map(|min_ms| shown(py, min_ms, is_whole)).transpose()
    }

    #[setter]
    fn set_min_response_time(&self, py: Python<'_>, value: Option<Milliseconds>) {
        self.write(py, |figures| {
            figures.is_whole &= !matches!(value, Some(Milliseconds(ResponseTime::LooseMs(_))));
            figures.min_response_time_ms = value.map(|given| given.0.as_ms());
        });
    }

    #[getter]
    fn max_response_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (max_ms, is_whole) = self.read(py, |figures| (figures.max_response_time_ms, figures.is_whole));
        // Locust's 0 of an entry without response times is an integer.
        shown(py, max_ms, is_whole || max_ms == 0.0)
    }

    #[setter]
    fn set_max_response_time(&self, py: Python<'_>, value: Milliseconds) {
        self.write(py, |figures| {
            figures.is_whole &= matches!(value.0, ResponseTime::WholeMs(_));
            figures.max_response_time_ms = value.0.as_ms();
        });
    }

    #[getter]
    fn total_content_length(&self, py: Python<'_>) -> u64 {
        self.read(py, |figures| figures.total_content_length_bytes)
    }

    #[setter]
    fn set_total_content_length(&self, py: Python<'_>, value: Length) {
        self.write(py, |figures| figures.total_content_length_bytes = value.0);
    }

    #[getter]
    fn start_time(&self, py: Python<'_>) -> f64 {
        self.read(py, |figures| figures.start_time_s.unwrap_or(0.0))
    }

    #[setter]
    fn set_start_time(&self, py: Python<'_>, value: f64) {
        self.write(py, |figures| figures.start_time_s = Some(value));
    }

    #[getter]
    fn last_request_timestamp(&self, py: Python<'_>) -> Option<f64> {
        self.read(py, |figures| figures.last_request_timestamp_s)
    }

    #[setter]
    fn set_last_request_timestamp(&self, py: Python<'_>, value: Option<f64>) {
        self.fresh(py).set_last_request_timestamp(value);
    }

    /// Whether the exact distribution lacks some of the response times, which came in rounded.
    #[getter]
    fn is_rounded(&self, py: Python<'_>) -> bool {
        self.read(py, |figures| figures.is_rounded)
    }

    #[getter]
    fn has_response_times(&self, py: Python<'_>) -> bool {
        let entry = self.fresh(py);
        !entry.figures.response_times.is_empty() || entry.has_unbucketed()
    }

    #[getter]
    fn has_recent(&self, py: Python<'_>) -> bool {
        self.fresh(py).has_recent()
    }

    /// How many requests have told how long their parts took; microseconds of each part, and its longest.
    fn timings(&self, py: Python<'_>) -> (u64, [u64; PARTS], [u32; PARTS]) {
        self.read(py, |figures| {
            (figures.parts.count, figures.parts.totals_us, figures.parts.max_us)
        })
    }

    fn set_timings(&self, py: Python<'_>, count: u64, totals_us: [u64; PARTS], max_us: [u32; PARTS]) {
        self.write(py, |figures| {
            figures.parts = PartSums {
                count,
                totals_us,
                max_us,
            };
        });
    }

    // The dictionaries, and what is computed from them.

    fn response_times<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        dict_of(py, self.read(py, |figures| figures.response_times.iter().collect()))
    }

    fn set_response_times(&self, py: Python<'_>, counts: std::collections::HashMap<i64, u64>) {
        self.write(py, |figures| {
            figures.response_times = counts.into_iter().collect::<Buckets>();
            figures.is_rounded = true;
        });
    }

    /// Replaces one count; `None` takes the key out.
    fn set_response_time(&self, py: Python<'_>, key: i64, count: Option<u64>) {
        self.write(py, |figures| {
            match count {
                Some(count) => figures.response_times.set(key, count),
                None => drop(figures.response_times.remove(key)),
            }
            figures.is_rounded = true;
        });
    }

    fn num_reqs_per_sec<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let seconds = self.read(py, |figures| {
            figures
                .window
                .iter()
                .map(|second| (second.at_epoch_s, second.requests))
                .collect()
        });
        dict_of(py, without_zeros(seconds))
    }

    fn set_num_reqs_per_sec(&self, py: Python<'_>, counts: std::collections::BTreeMap<i64, u64>) {
        self.write(py, |figures| {
            figures.window.clear_requests();
            for (second, requests) in counts {
                figures.window.set_requests(second, requests);
            }
        });
    }

    /// Replaces the count of one second; `None` takes it out.
    fn set_reqs_in_sec(&self, py: Python<'_>, second: i64, count: Option<u64>) {
        self.write(py, |figures| figures.window.set_requests(second, count.unwrap_or(0)));
    }

    fn num_fail_per_sec<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let seconds = self.read(py, |figures| {
            figures
                .window
                .iter()
                .map(|second| (second.at_epoch_s, second.failures))
                .collect()
        });
        dict_of(py, without_zeros(seconds))
    }

    fn set_num_fail_per_sec(&self, py: Python<'_>, counts: std::collections::BTreeMap<i64, u64>) {
        self.write(py, |figures| {
            figures.window.clear_failures();
            for (second, failures) in counts {
                figures.window.set_failures(second, failures);
            }
        });
    }

    /// Replaces the count of one second; `None` takes it out.
    fn set_fail_in_sec(&self, py: Python<'_>, second: i64, count: Option<u64>) {
        self.write(py, |figures| figures.window.set_failures(second, count.unwrap_or(0)));
    }

    /// Requests and failures in the seconds from one up to, not including, another.
    fn sum_seconds(&self, py: Python<'_>, first: i64, end: i64) -> (u64, u64) {
        self.read(py, |figures| figures.window.sum(first, end))
    }

    /// From the exact distribution, in milliseconds; `None` without response times.
    fn exact_percentiles(&self, py: Python<'_>, shares: Vec<f64>) -> Option<Vec<f64>> {
        let figures_of = || lock(&self.entry).figures.exact_percentiles_ms(&shares);
        if let Some(ledger) = &self.ledger {
            detached(py, || ledger.collect());
        }
        detached(py, figures_of)
    }

    /// By Locust's walk over `response_times`.
    fn rounded_percentile(&self, py: Python<'_>, share: f64) -> i64 {
        self.read(py, |figures| {
            let timed = i64::try_from(figures.num_requests)
                .unwrap_or(i64::MAX)
                .saturating_sub_unsigned(figures.num_none_requests);
            figures.response_times.percentile(timed, share)
        })
    }

    /// Over what came after the first of these seconds that has a copy; `None` when none has.
    fn current_percentile(&self, py: Python<'_>, seconds: Vec<i64>, share: f64) -> Option<i64> {
        self.fresh(py).current_percentile(&seconds, share)
    }

    /// (serial, second, `response_times`, `num_requests`, `num_none_requests`) of the copies newer than a serial.
    #[expect(clippy::type_complexity, reason = "a row of plain values, named in the stub")]
    fn cached_since<'py>(
        &self,
        py: Python<'py>,
        serial: Option<u64>,
    ) -> PyResult<Vec<(u64, i64, Bound<'py, PyDict>, u64, u64)>> {
        let cached = self.fresh(py).cached_since(serial);
        let row = |copy: crate::stats::Cached| {
            let response_times = dict_of(py, copy.response_times.iter().collect())?;
            Ok((
                copy.serial,
                copy.at_epoch_s,
                response_times,
                copy.num_requests,
                copy.num_none_requests,
            ))
        };
        cached.into_iter().map(row).collect()
    }

    // Counting.

    /// Counts one request; `key` is its place in `response_times` if a function of the user's decided it.
    #[pyo3(signature = (response_time_ms, length_bytes, at_epoch_s, key=None))]
    fn log(&self, response_time_ms: Option<Milliseconds>, length_bytes: Length, at_epoch_s: f64, key: Option<i64>) {
        let bucketing = key.map_or(Bucketing::Locust, Bucketing::Key);
        lock(&self.entry).log(
            response_time_ms.map(|given| given.0),
            length_bytes.0,
            at_epoch_s,
            bucketing,
        );
    }

    fn log_failure(&self, at_epoch_s: f64) {
        lock(&self.entry).log_failure(at_epoch_s);
    }

    fn reset(&self, py: Python<'_>, at_epoch_s: f64) {
        self.fresh(py).reset(at_epoch_s);
    }

    /// Adds what another entry counted.
    fn extend(&self, py: Python<'_>, other: &Self) {
        // One lock at a time: the other may be this one.
        let figures = other.read(py, Clone::clone);
        self.fresh(py).extend(&figures);
    }

    fn set_recent(&self, recent_s: usize) {
        lock(&self.entry).set_recent(recent_s);
    }

    /// (second, milliseconds) of the response times that wait for a key.
    fn take_unbucketed(&self, py: Python<'_>) -> Vec<(i64, f64)> {
        self.fresh(py).take_unbucketed()
    }

    /// Files a response time under its key.
    fn add_bucket(&self, second: i64, key: i64) {
        lock(&self.entry).add_bucket(second, key);
    }
}

fn dict_of(py: Python<'_>, counts: Vec<(i64, u64)>) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    for (key, count) in counts {
        dict.set_item(key, count)?;
    }
    Ok(dict)
}

fn without_zeros(counts: Vec<(i64, u64)>) -> Vec<(i64, u64)> {
    counts.into_iter().filter(|&(_, count)| count > 0).collect()
}

/// How often something failed in the same way.
#[pyclass(frozen, name = "Failure", module = "rocust._core")]
pub(crate) struct PyFailure {
    failure: SharedFailure,
    ledger: Option<Arc<Ledger>>,
}

impl PyFailure {
    fn fresh(&self, py: Python<'_>) -> std::sync::MutexGuard<'_, Failure> {
        if let Some(ledger) = &self.ledger {
            detached(py, || ledger.collect());
        }
        lock(&self.failure)
    }
}

#[pymethods]
impl PyFailure {
    #[new]
    #[pyo3(signature = (occurrences=0, first_seen=None, last_seen=None))]
    fn new(occurrences: u64, first_seen: Option<f64>, last_seen: Option<f64>) -> Self {
        let failure = Failure {
            occurrences,
            first_seen_s: first_seen,
            last_seen_s: last_seen,
        };
        Self {
            failure: Arc::new(Mutex::new(failure)),
            ledger: None,
        }
    }

    /// Whether both handles are of one failure.
    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.failure, &other.failure)
    }

    #[getter]
    fn occurrences(&self, py: Python<'_>) -> u64 {
        self.fresh(py).occurrences
    }

    #[setter]
    fn set_occurrences(&self, py: Python<'_>, value: u64) {
        self.fresh(py).occurrences = value;
    }

    #[getter]
    fn first_seen(&self, py: Python<'_>) -> Option<f64> {
        self.fresh(py).first_seen_s
    }

    #[setter]
    fn set_first_seen(&self, py: Python<'_>, value: Option<f64>) {
        self.fresh(py).first_seen_s = value;
    }

    #[getter]
    fn last_seen(&self, py: Python<'_>) -> Option<f64> {
        self.fresh(py).last_seen_s
    }

    #[setter]
    fn set_last_seen(&self, py: Python<'_>, value: Option<f64>) {
        self.fresh(py).last_seen_s = value;
    }

    /// Counts one more.
    fn occurred(&self, at_epoch_s: f64) {
        lock(&self.failure).occurred(at_epoch_s);
    }
}

/// Adds this room's names to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyLedger>()?;
    module.add_class::<PyHold>()?;
    module.add_class::<PyEntry>()?;
    module.add_class::<PyFailure>()?;
    module.add_function(wrap_pyfunction!(py_bucket_response_time, module)?)?;
    Ok(())
}

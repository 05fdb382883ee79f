//! `Flow` and `Upload`: bodies that pass piece by piece, seen from Python. Each call is one step: it hands over an order and
//! returns the ticket that the greenlet waits with.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::port::{Awaited, PyPort};
use crate::engine::exchange::Cancel;
use crate::engine::stream::{Answer, Fed, Pull, Stream, Supplier, Upload, Waiter};
use crate::http::Feed;
use crate::http::decode::PieceDecoder;

/// A response body that has yet to come.
#[pyclass(frozen, name = "Flow", module = "rocust._core")]
pub(crate) struct PyFlow {
    stream: Arc<Stream>,
}

impl PyFlow {
    pub(super) fn new(stream: Arc<Stream>) -> Self {
        Self { stream }
    }
}

#[pymethods]
impl PyFlow {
    /// Orders the next piece of at least `wanted` bytes, or of one chunk if that is less; see `http::Flow::pull`.
    fn pull(&self, port: &Bound<'_, PyPort>, greenlet: Py<PyAny>, wanted: usize, to_chunk_end: bool) -> PyResult<u64> {
        let port = port.get();
        let ticket = port.register(greenlet, Awaited::Job(Arc::clone(self.stream.cancel())));
        let pull = Pull {
            wanted,
            to_chunk_end,
            waiter: Waiter::new(ticket, port.shared()),
        };
        if let Err(error) = self.stream.pull(pull) {
            port.forget(ticket.0);
            return Err(error.into());
        }
        Ok(ticket.0)
    }

    /// The most bytes that the body may have when its encodings are undone.
    #[getter]
    fn max_decoded_bytes(&self) -> u64 {
        self.stream.max_decoded_bytes()
    }

    /// Closes the connection, unless the body has been read.
    fn close(&self) {
        self.stream.cancel().cancel();
    }
}

/// A request body that its greenlet makes while it is sent.
#[pyclass(frozen, name = "Upload", module = "rocust._core")]
pub(crate) struct PyUpload {
    /// Its size in bytes, when it is known before it is made.
    length: Option<u64>,
    /// `None` until the request is submitted.
    upload: Mutex<Option<Upload>>,
}

impl PyUpload {
    fn upload(&self) -> MutexGuard<'_, Option<Upload>> {
        self.upload.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lane's ends of a new attempt at sending this body.
    pub(super) fn open(&self, cancel: &Arc<Cancel>, waiter: Waiter) -> (Arc<Supplier>, Feed) {
        let (upload, supplier) = Upload::open(Arc::clone(cancel), waiter);
        *self.upload() = Some(upload);
        let feed = Feed::new(Arc::clone(&supplier) as _, self.length);
        (supplier, feed)
    }
}

#[pymethods]
impl PyUpload {
    #[new]
    #[pyo3(signature = (length, /))]
    fn new(length: Option<u64>) -> Self {
        Self {
            length,
            upload: Mutex::new(None),
        }
    }

    /// Hands over the piece that was asked for; None at the end, and for a body that has been rewound; False when it cannot be made.
    fn feed(&self, port: &Bound<'_, PyPort>, greenlet: Py<PyAny>, piece: &Bound<'_, PyAny>) -> PyResult<u64> {
        let answer = match piece.cast::<PyBytes>() {
            Ok(bytes) => Answer::Piece(Bytes::copy_from_slice(bytes.as_bytes())),
            Err(_) if piece.is_none() => Answer::Done,
            Err(_) => Answer::GivenUp,
        };
        let upload = self.upload();
        let Some(upload) = &*upload else {
            return Err(PyRuntimeError::new_err(
                "nothing asked for this body: it belongs to no request",
            ));
        };
        let port = port.get();
        let ticket = port.register(greenlet, Awaited::Job(Arc::clone(upload.cancel())));
        let fed = Fed {
            answer,
            waiter: Waiter::new(ticket, port.shared()),
        };
        if let Err(error) = upload.feed(fed) {
            port.forget(ticket.0);
            return Err(error.into());
        }
        Ok(ticket.0)
    }

    /// Says that the response is there, and nothing will be asked for any more.
    fn release(&self) {
        *self.upload() = None;
    }

    /// Ends the request; its connection is closed.
    fn cancel(&self) {
        if let Some(upload) = &*self.upload() {
            upload.cancel().cancel();
        }
    }
}

impl Drop for PyUpload {
    fn drop(&mut self) {
        // Nobody is left to make the rest.
        self.cancel();
    }
}

/// A content encoding that urllib3 knows only with other packages, undone piece by piece; it has the methods that urllib3 wants.
#[pyclass(frozen, name = "Decoder", module = "rocust._core")]
struct PyDecoder {
    decoder: Mutex<PieceDecoder>,
}

impl PyDecoder {
    fn decoder(&self) -> MutexGuard<'_, PieceDecoder> {
        self.decoder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PyDecoder {
    #[new]
    #[pyo3(signature = (encoding, /))]
    fn new(encoding: &str) -> PyResult<Self> {
        let decoder = PieceDecoder::new(encoding)
            .ok_or_else(|| PyValueError::new_err(format!("there is no decoder for {encoding:?}")))?;
        Ok(Self {
            decoder: Mutex::new(decoder),
        })
    }

    /// What comes of `data`, at most `max_length` bytes unless that is negative.
    #[pyo3(signature = (data, max_length = -1))]
    fn decompress<'py>(&self, py: Python<'py>, data: &[u8], max_length: isize) -> PyResult<Bound<'py, PyBytes>> {
        let decoded = self.decoder().decode(data, usize::try_from(max_length).ok())?;
        Ok(PyBytes::new(py, &decoded))
    }

    /// Whether more comes without more data.
    #[getter]
    fn has_unconsumed_tail(&self) -> bool {
        self.decoder().has_more()
    }

    /// Whether the data so far ends where the encoding ends.
    #[getter]
    fn is_whole(&self) -> bool {
        self.decoder().is_whole()
    }

    /// What is left: nothing, as everything is given at once.
    #[expect(clippy::unused_self, reason = "a method to urllib3")]
    fn flush(&self) -> &'static [u8] {
        &[]
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyFlow>()?;
    module.add_class::<PyUpload>()?;
    module.add_class::<PyDecoder>()
}

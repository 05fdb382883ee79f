//! `Port`: where the greenlets of one hub wait, seen from Python.
//!
//! Python objects (the greenlets) stay on this side of the wall: lanes know a waiter by its ticket only. A ticket is a slot and a
//! generation, so a post that comes after its waiter gave up finds nobody and is dropped.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes};
use slab::Slab;
use tokio::time::Instant;

use super::http::PyExchange;
use crate::engine::exchange::Cancel;
use crate::engine::mailbox::Bell;
use crate::engine::port::{self, Port, Post};
use crate::engine::runtime::Engine;
use crate::engine::timers::Deadline;
use crate::http::{Failure, Piece};
use crate::ids::{DeadlineId, TicketId};

/// A parked greenlet.
struct Waiter {
    /// The low half of its ticket: what tells it from an earlier waiter of the same slot.
    generation: u32,
    greenlet: Py<PyAny>,
    awaited: Awaited,
}

/// What is waited for: how to call it off.
pub(super) enum Awaited {
    Deadline(DeadlineId),
    Job(Arc<Cancel>),
}

#[derive(Default)]
struct Waiters {
    slots: Slab<Waiter>,
    /// Counts registrations; doubles as the generation of new tickets.
    turn: u64,
    /// Drained, not yet handed out; the next one last.
    ready: Vec<Post>,
}

impl Waiters {
    fn remove(&mut self, ticket: TicketId) -> Option<Waiter> {
        let (slot, generation) = split(ticket);
        match self.slots.get(slot) {
            Some(waiter) if waiter.generation == generation => Some(self.slots.remove(slot)),
            _ => None,
        }
    }

    fn awaits(&self, ticket: TicketId) -> bool {
        let (slot, generation) = split(ticket);
        self.slots
            .get(slot)
            .is_some_and(|waiter| waiter.generation == generation)
    }
}

fn split(ticket: TicketId) -> (usize, u32) {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a ticket is two halves of 32 bits, put together below"
    )]
    let halves = ((ticket.0 >> 32) as usize, ticket.0 as u32);
    halves
}

fn ticket_of(post: &Post) -> TicketId {
    match post {
        Post::Exchange(ticket, _)
        | Post::Piece(ticket, _)
        | Post::Deadline(ticket)
        | Post::Ask(ticket)
        | Post::Rewind(ticket)
        | Post::Lost(ticket) => *ticket,
    }
}

/// The letter box of one event loop and the list of who waits for a letter.
#[pyclass(frozen, name = "Port", module = "rocust._core")]
pub(crate) struct PyPort {
    port: Arc<Port>,
    /// Touched under the GIL only, and never across a call into Python.
    waiters: Mutex<Waiters>,
}

impl PyPort {
    fn waiters(&self) -> std::sync::MutexGuard<'_, Waiters> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The box itself, for a job that will post to it.
    pub(super) fn shared(&self) -> Arc<Port> {
        Arc::clone(&self.port)
    }

    /// Notes that `greenlet` waits from now on.
    pub(super) fn register(&self, greenlet: Py<PyAny>, awaited: Awaited) -> TicketId {
        let mut waiters = self.waiters();
        waiters.turn += 1;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a generation may wrap: two live tickets of a slot never coexist"
        )]
        let generation = waiters.turn as u32;
        let slot = waiters.slots.insert(Waiter {
            generation,
            greenlet,
            awaited,
        });
        TicketId(((slot as u64) << 32) | u64::from(generation))
    }
}

#[pymethods]
impl PyPort {
    #[new]
    fn new() -> PyResult<Self> {
        let port = port::open()
            .map_err(|error| PyOSError::new_err(format!("cannot make a doorbell for the engine: {error}")))?;
        Ok(Self {
            port: Arc::new(port),
            waiters: Mutex::default(),
        })
    }

    /// The descriptor that becomes readable when there is something to drain.
    #[getter]
    fn fd(&self) -> i64 {
        self.port.bell().watched()
    }

    /// How many greenlets wait.
    #[getter]
    fn waiting(&self) -> usize {
        self.waiters().slots.len()
    }

    /// How many waits were ever begun. It changes whenever a greenlet parks.
    #[getter]
    fn turn(&self) -> u64 {
        self.waiters().turn
    }

    /// Registers `greenlet` to be woken after `seconds`; returns its ticket.
    fn wait(&self, greenlet: Py<PyAny>, seconds: f64) -> PyResult<u64> {
        let span = Duration::try_from_secs_f64(seconds.max(0.0))
            .map_err(|_| PyValueError::new_err(format!("cannot wait {seconds} seconds; it must be a finite number")))?;
        let engine = Engine::get()?;
        let at = Instant::now() + span.min(Duration::from_secs(100 * 365 * 24 * 3600));
        let timers = engine.timers();
        let id = timers.new_id();
        let ticket = self.register(greenlet, Awaited::Deadline(id));
        timers.add(Deadline {
            id,
            at,
            ticket,
            port: self.shared(),
        })?;
        Ok(ticket.0)
    }

    /// Calls off the wait with this ticket: its job ends, its answer is dropped.
    pub(super) fn forget(&self, ticket: u64) {
        // Dropped at the end, outside the lock: letting go of a greenlet may run Python code.
        let waiter = self.waiters().remove(TicketId(ticket));
        match waiter.as_ref().map(|waiter| &waiter.awaited) {
            Some(Awaited::Job(cancel)) => cancel.cancel(),
            Some(Awaited::Deadline(id)) => {
                if let Ok(engine) = Engine::get() {
                    engine.timers().call_off(*id);
                }
            }
            None => {}
        }
    }

    /// Takes everything out of the mailbox, for `take` to hand out.
    fn drain(&self) {
        let mut fresh = Vec::new();
        self.port.drain(&mut fresh);
        let mut waiters = self.waiters();
        fresh.reverse();
        // What an interrupted round left over comes first.
        fresh.append(&mut waiters.ready);
        waiters.ready = fresh;
    }

    /// The next drained post whose waiter still waits: (greenlet, what to wake it with), or None.
    ///
    /// An exchange wakes with an `Exchange`, a deadline with None, an exchange that the engine lost with False. A pulled piece wakes
    /// with (bytes, what is left of their chunk, whether the body ends), or with a failed `Exchange`; whoever makes a request body with
    /// "piece" or "rewind".
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Option<(Py<PyAny>, Bound<'py, PyAny>)>> {
        loop {
            let (post, waiter) = {
                let mut waiters = self.waiters();
                let Some(post) = waiters.ready.pop() else {
                    return Ok(None);
                };
                let waiter = waiters.remove(ticket_of(&post));
                (post, waiter)
            };
            let Some(waiter) = waiter else { continue };
            let value = match post {
                Post::Exchange(_, finished) => Bound::new(py, PyExchange::new(*finished))?.into_any(),
                Post::Piece(_, piece) => piece_or_failure(py, *piece)?,
                Post::Ask(_) => intern!(py, "piece").clone().into_any(),
                Post::Rewind(_) => intern!(py, "rewind").clone().into_any(),
                Post::Deadline(_) => py.None().into_bound(py),
                Post::Lost(_) => PyBool::new(py, false).to_owned().into_any(),
            };
            return Ok(Some((waiter.greenlet, value)));
        }
    }

    /// Drains the mailbox and hands everything out at once, as `take` would.
    fn take_all<'py>(&self, py: Python<'py>) -> PyResult<Vec<(Py<PyAny>, Bound<'py, PyAny>)>> {
        self.drain();
        let mut all = Vec::new();
        while let Some(post) = self.take(py)? {
            all.push(post);
        }
        Ok(all)
    }

    /// Drops the posts that nobody waits for any more, so that what they had to report is accounted for now.
    fn purge(&self) {
        self.drain();
        let dropped: Vec<Post>;
        let rest = {
            let mut waiters = self.waiters();
            let ready = std::mem::take(&mut waiters.ready);
            let (kept, stale) = ready.into_iter().partition(|post| waiters.awaits(ticket_of(post)));
            waiters.ready = kept;
            dropped = stale;
            !waiters.ready.is_empty()
        };
        drop(dropped);
        if rest {
            self.port.bell().ring();
        }
    }
}

fn piece_or_failure(py: Python<'_>, piece: Result<Piece, Failure>) -> PyResult<Bound<'_, PyAny>> {
    match piece {
        Ok(piece) => {
            let bytes = PyBytes::new(py, &piece.bytes);
            Ok((bytes, piece.chunk_left, piece.is_last).into_pyobject(py)?.into_any())
        }
        Err(failure) => Ok(Bound::new(py, PyExchange::of_failure(failure))?.into_any()),
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyPort>()
}

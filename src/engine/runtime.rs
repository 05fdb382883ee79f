//! The lanes: threads with one current-thread tokio runtime each, started at the first request and never before a fork.
//!
//! One runtime per thread instead of one runtime over all threads: a session is pinned to its lane, so nothing a request touches moves
//! between cores, and a lane's recorder shard has one writer.

use std::process;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::exchange::Job;
use super::latency;
use super::timers::Timers;
use crate::error::Error;

/// The environment variable that sets the number of lanes.
pub const LANES_VARIABLE: &str = "ROCUST_LANES";

/// How many lanes this process has, or would have: `ROCUST_LANES`, else half of the cores, at least one, at most four.
///
/// One Python thread keeps about one lane busy, so more than a few lanes only help where responses are large or encrypted.
#[must_use]
pub fn lane_count() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| {
        std::env::var(LANES_VARIABLE)
            .ok()
            .and_then(|text| text.parse().ok())
            .filter(|&count| (1..=64).contains(&count))
            .unwrap_or_else(|| (thread::available_parallelism().map_or(1, usize::from) / 2).clamp(1, 4))
    })
}

/// One I/O thread.
#[derive(Debug)]
pub struct Lane {
    jobs: UnboundedSender<Job>,
    /// Its thread runs it.
    runtime: Arc<Runtime>,
}

impl Lane {
    /// Hands `job` to the lane's thread.
    ///
    /// # Errors
    /// When the thread has ended, which only a panic can do.
    pub fn submit(&self, job: Job) -> Result<(), Error> {
        self.jobs.send(job).map_err(|_| Error::stopped())
    }

    /// Its runtime, for what is no job: it must neither block nor take long.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }
}

/// All lanes and the timer keeper of this process.
#[derive(Debug)]
pub struct Engine {
    /// Who started it: threads do not survive a fork.
    pid: u32,
    lanes: Vec<Lane>,
    timers: Arc<Timers>,
    next: AtomicUsize,
}

static ENGINE: OnceLock<Engine> = OnceLock::new();

/// Whether this process was forked from one whose engine ran.
static IS_ORPHAN: AtomicBool = AtomicBool::new(false);

/// To be called in a child right after a fork. (Asking for the process id at every request would be a system call each.)
pub fn note_fork() {
    if ENGINE.get().is_some() {
        IS_ORPHAN.store(true, Ordering::Relaxed);
    }
}

impl Engine {
    /// The engine of this process, started now if this is the first call.
    ///
    /// # Errors
    /// In a forked child that inherited a started engine; when threads cannot be made.
    pub fn get() -> Result<&'static Self, Error> {
        let engine = if let Some(engine) = ENGINE.get() {
            engine
        } else {
            let started = Self::start()?;
            ENGINE.get_or_init(|| started)
        };
        if IS_ORPHAN.load(Ordering::Relaxed) {
            Err(Error::forked())
        } else {
            Ok(engine)
        }
    }

    /// The lane for the next session, in turn.
    ///
    /// # Errors
    /// In a forked child, also when nobody called [`note_fork`].
    pub fn next_lane(&self) -> Result<usize, Error> {
        if self.pid == process::id() {
            Ok(self.next.fetch_add(1, Ordering::Relaxed) % self.lanes.len())
        } else {
            Err(Error::forked())
        }
    }

    /// The lane with this number.
    #[must_use]
    pub fn lane(&self, index: usize) -> &Lane {
        &self.lanes[index % self.lanes.len()]
    }

    /// Who wakes waiters at their deadlines.
    #[must_use]
    pub fn timers(&self) -> &Timers {
        &self.timers
    }

    fn start() -> Result<Self, Error> {
        let timers = Arc::new(Timers::default());
        // The first lane keeps them.
        let mut kept = Some(Arc::clone(&timers));
        let lanes = (0..lane_count())
            .map(|index| spawn_lane(index, kept.take()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            pid: process::id(),
            lanes,
            timers,
            next: AtomicUsize::new(0),
        })
    }
}

fn spawn_lane(index: usize, timers: Option<Arc<Timers>>) -> Result<Lane, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(16)
        .thread_name(format!("rocust-aside-{index}"))
        .event_interval(61)
        .build()
        .map(Arc::new)
        .map_err(Error::start)?;
    let driven = Arc::clone(&runtime);
    let (jobs, inbox) = unbounded_channel();
    thread::Builder::new()
        .name(format!("rocust-lane-{index}"))
        .spawn(move || {
            latency::prefer_soon();
            driven.block_on(async move {
                if let Some(timers) = timers {
                    tokio::spawn(async move { timers.keep().await });
                }
                // Shard 0 belongs to Python's threads.
                run_jobs(inbox, index + 1).await;
            });
        })
        .map_err(Error::start)?;
    Ok(Lane { jobs, runtime })
}

async fn run_jobs(mut inbox: UnboundedReceiver<Job>, shard: usize) {
    let mut batch = Vec::with_capacity(256);
    while inbox.recv_many(&mut batch, 256).await > 0 {
        for job in batch.drain(..) {
            job.start(shard);
        }
    }
}

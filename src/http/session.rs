//! What one user keeps between exchanges: cookies, connections, and how those are to be made.
//!
//! Knows nothing of users themselves. A session belongs to the tokio runtime that made its connections: its exchanges
//! must all run there, as a connection waits on the reactor it was opened on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::cookies::Jar;
use super::endings::Endings;
use super::proxy::Proxy;
use super::redirect::RedirectRule;
use super::target::Target;
use super::tls::{Tickets, TlsSettings};
use super::transport::direct::Conduit;
use super::transport::multiplexed::Links;
use super::turns::{OriginTurns, Turn, Turns};
use super::wire::WireOptions;

/// How a session behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// TLS settings where a request brings none. Share one between sessions: equal pointers are compared fastest.
    pub tls: Arc<TlsSettings>,
    /// How redirects are followed.
    pub redirect_rule: RedirectRule,
    /// Whether a compressed body that ends too soon is taken for what came of it, as `requests` does, or for a failure.
    pub accepts_cut_encodings: bool,
    /// Whether Zstandard is undone only for requests that say in `Accept-Encoding` that they take it, as `requests` needs more
    /// than itself for it.
    pub undoes_zstd_on_wish: bool,
    /// Idle connections kept to one origin; urllib3 keeps ten.
    pub max_idle_per_origin: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tls: Arc::default(),
            redirect_rule: RedirectRule::Requests,
            accepts_cut_encodings: true,
            undoes_zstd_on_wish: false,
            max_idle_per_origin: 10,
        }
    }
}

/// One user's cookies and connections.
#[derive(Debug, Default)]
pub struct Session {
    pub(crate) options: Options,
    jar: Jar,
    /// The connections that many requests share.
    links: Links,
    /// What is coming to an end on the lane.
    endings: Arc<Endings>,
    wire: Choice,
    /// Idle connections; shared where a [`Pool`] was given.
    idle: Arc<IdleConduits>,
    /// Whose turn it is, where requests have to wait for one another.
    turns: Option<Turns>,
    /// The same at each server.
    at_origins: Option<Arc<OriginTurns>>,
    tickets: Tickets,
    /// Whether somebody comes by to let idle connections rest.
    is_watched: AtomicBool,
}

impl Session {
    /// A session without cookies or connections.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self::sharing(options, Pool::default())
    }

    /// A session without cookies, whose connections are those of the pool. All sessions of a pool belong to one runtime.
    #[must_use]
    pub fn sharing(options: Options, pool: Pool) -> Self {
        Self {
            options,
            jar: Jar::default(),
            links: Links::default(),
            endings: Arc::default(),
            wire: Choice::default(),
            idle: pool.idle,
            turns: pool.turns,
            at_origins: pool.at_origins,
            tickets: Tickets::default(),
            is_watched: AtomicBool::new(false),
        }
    }

    /// The cookies.
    #[must_use]
    pub fn cookies(&self) -> &Jar {
        &self.jar
    }

    /// Closes the idle connections. Those in use close when their exchange ends or is dropped.
    pub fn close(&self) {
        self.idle.lock().clear();
        self.links.clear(&self.endings);
    }

    /// Closes the idle connections, and waits until they and those of requests that were called off are closed. What goes on is
    /// not waited for.
    pub async fn closed(&self) {
        // A connection that carries a request which is ending is not idle yet.
        self.endings.over().await;
        self.close();
        self.endings.over().await;
    }

    /// Whether nothing of it is ending.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.endings.are_over()
    }

    /// What is coming to an end.
    pub(crate) fn endings(&self) -> &Arc<Endings> {
        &self.endings
    }

    /// Has connections made by these options from now on; those there are belong to the old ones and are closed.
    pub fn set_wire(&self, options: Arc<WireOptions>) {
        self.wire.set(options);
        self.tickets.clear();
        self.close();
    }

    /// The options set, if any ever were.
    pub(crate) fn wire(&self) -> Option<Arc<WireOptions>> {
        self.wire.get()
    }

    pub(crate) fn tickets(&self) -> &Tickets {
        &self.tickets
    }

    pub(crate) fn links(&self) -> &Links {
        &self.links
    }

    /// How many connections are idle now.
    #[must_use]
    pub fn idle_connections(&self) -> usize {
        self.idle.lock().len()
    }

    /// Has connections that were idle since before `since` give their buffers back; they stay open. Says whether there are others,
    /// which will have to be asked later.
    pub fn rest(&self, since: Instant) -> bool {
        let mut awake = false;
        self.idle.lock().retain_mut(|conduit| {
            if conduit.idle_since() > since {
                awake = true;
                return true;
            }
            conduit.rest()
        });
        awake
    }

    /// Waits until one more request may be under way; the turn ends when what this gives is dropped.
    pub(crate) async fn turn(&self, target: &Target) -> Option<Turn> {
        let Some(turns) = &self.turns else { return None };
        match &self.at_origins {
            None => turns.take().await,
            // At the server first: who waits there must not keep the others from theirs.
            Some(origins) => turns.take_beside(origins.take(target).await?).await,
        }
    }

    /// Claims the watch over idle connections; false when somebody has it.
    pub fn begin_watch(&self) -> bool {
        !self.is_watched.swap(true, Ordering::Relaxed)
    }

    /// Gives the watch back.
    pub fn end_watch(&self) {
        self.is_watched.store(false, Ordering::Relaxed);
    }

    /// Takes the most recently used idle connection that serves this origin on this way.
    pub(crate) fn take_idle(
        &self,
        target: &Target,
        tls: &Arc<TlsSettings>,
        proxy: Option<&Arc<Proxy>>,
    ) -> Option<Box<Conduit>> {
        let mut idle = self.idle.lock();
        let at = idle.iter().rposition(|conduit| conduit.serves(target, tls, proxy))?;
        Some(idle.remove(at))
    }

    /// Keeps a connection for the next exchange; drops the oldest one to this origin when there are too many.
    pub(crate) fn keep_idle(&self, conduit: Box<Conduit>) {
        /// Over all origins, for users that walk over many hosts: what urllib3 keeps (ten pools of ten).
        const MAX_IDLE: usize = 100;
        let limit = self.idle.max_idle.unwrap_or(self.options.max_idle_per_origin);
        let max_idle = self.idle.max_idle.unwrap_or(MAX_IDLE);
        let mut idle = self.idle.lock();
        if idle.len() >= limit {
            let same = |other: &Conduit| other.serves(conduit.target(), conduit.tls(), conduit.proxy());
            if idle.iter().filter(|other| same(other)).count() >= limit {
                if let Some(oldest) = idle.iter().position(|other| same(other)) {
                    idle.remove(oldest);
                } else {
                    return;
                }
            } else if idle.len() >= max_idle {
                idle.remove(0);
            }
        }
        idle.push(conduit);
    }
}

/// Connections that several sessions share, and how many requests may be under way on them at once. Clones are the same pool.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    idle: Arc<IdleConduits>,
    turns: Option<Turns>,
    at_origins: Option<Arc<OriginTurns>>,
}

impl Pool {
    /// A pool for this many requests at once, over all its sessions and servers.
    #[must_use]
    pub fn limited(requests: usize) -> Self {
        Self {
            turns: Some(Turns::new(requests)),
            ..Self::default()
        }
    }

    /// The same pool with at most so many requests at once at each server.
    #[must_use]
    pub fn limited_per_origin(mut self, requests: usize) -> Self {
        self.at_origins = Some(Arc::new(OriginTurns::new(requests)));
        self
    }

    /// A pool like this one that keeps so many idle connections, whichever servers they lead to.
    #[must_use]
    pub fn keeping(mut self, max_idle: usize) -> Self {
        self.idle = Arc::new(IdleConduits {
            max_idle: Some(max_idle),
            ..IdleConduits::default()
        });
        self
    }

    /// Closes the idle connections.
    pub fn close(&self) {
        self.idle.lock().clear();
    }
}

/// Idle connections, the most recently used last.
#[derive(Debug, Default)]
#[expect(
    clippy::vec_box,
    reason = "a conduit is large and moves in and out at every exchange"
)]
struct IdleConduits {
    conduits: Mutex<Vec<Box<Conduit>>>,
    /// How many may be kept, where that is not what `requests` keeps.
    max_idle: Option<usize>,
}

impl IdleConduits {
    #[expect(clippy::vec_box, reason = "as the field")]
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Box<Conduit>>> {
        // A panic while the list was held leaves it whole: it is only pushed to and removed from.
        self.conduits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Options that most sessions never set, which then costs a glance at a flag.
#[derive(Debug, Default)]
struct Choice {
    is_made: AtomicBool,
    options: Mutex<Option<Arc<WireOptions>>>,
}

impl Choice {
    fn set(&self, options: Arc<WireOptions>) {
        *self.options.lock().unwrap_or_else(PoisonError::into_inner) = Some(options);
        self.is_made.store(true, Ordering::Release);
    }

    fn get(&self) -> Option<Arc<WireOptions>> {
        if !self.is_made.load(Ordering::Acquire) {
            return None;
        }
        self.options.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

//! All entries, all failures and the total: the only mutable truth about what was measured.
//!
//! Locks are taken in one order: book, then a shard or the names, then an entry or a failure. A thread that records takes only
//! its shard's; when the shard is full it *tries* the book's and otherwise leaves the merge to whoever holds it, so recording never
//! waits for a reader. A batch leaves its shard under the book's lock, so a reset sees it either before or after, never in between.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};

use rustc_hash::FxHashMap;

use crate::ids::EntryId;

use super::entry::{Bucketing, Entry, SharedEntry};
use super::failure::{Failure, SharedFailure};
use super::figures::{Figures, ResponseTime};
use super::lock;
use super::parts::Parts;
use super::recorder::{Mark, SHARD_SAMPLES, Shard};
use super::sample::Sample;
use super::snapshot::{FailureKey, Snapshot};

/// An entry that has been seen, with its names.
#[derive(Clone, Debug)]
pub struct ListedEntry {
    /// The HTTP method or whatever stands in its place.
    pub method: Arc<str>,
    /// The name under which requests are grouped.
    pub name: Arc<str>,
    /// The entry itself.
    pub entry: SharedEntry,
}

/// A failure that has been seen, with its key.
#[derive(Clone, Debug)]
pub struct ListedFailure {
    /// The method of the entry that failed.
    pub method: Arc<str>,
    /// The name of the entry that failed.
    pub name: Arc<str>,
    /// What the failure says.
    pub text: Arc<str>,
    /// The failure itself.
    pub failure: SharedFailure,
}

/// Samples from several threads on their way into the entries, and the entries.
#[derive(Debug)]
pub struct Ledger {
    shards: Box<[Shard]>,
    names: RwLock<Names>,
    book: Mutex<Book>,
    /// How many [`Hold`]s there are; while there is one, samples stay in the shards.
    holds: AtomicUsize,
    /// Whether the keys of `response_times` are decided by a function of the user's, who is asked when somebody reads.
    has_own_bucketing: AtomicBool,
}

/// Which (method, name) has which number.
#[derive(Debug, Default)]
struct Names {
    by_name: FxHashMap<Arc<str>, Vec<(Arc<str>, EntryId)>>,
    listed: Vec<(Arc<str>, Arc<str>)>,
}

#[derive(Debug)]
struct Book {
    total: SharedEntry,
    /// By `EntryId`; may be shorter than the names, which are handed out before anything is counted under them.
    slots: Vec<Slot>,
    /// The entries that have been seen, in the order they first were.
    visible: Vec<EntryId>,
    failures: FxHashMap<(EntryId, Arc<str>), SharedFailure>,
    /// The failures in the order they were first seen.
    failure_order: Vec<(EntryId, Arc<str>)>,
    /// Grows whenever something was taken out of `visible`: a reader's place in it is void then.
    entries_edition: u64,
    /// The same for `failure_order`.
    failures_edition: u64,
    aborted: u64,
    /// How many seconds new entries can look back.
    recent_s: usize,
    /// An empty batch to swap in, kept for its memory.
    spare: Vec<Mark>,
}

#[derive(Debug)]
struct Slot {
    entry: SharedEntry,
    is_visible: bool,
}

impl Ledger {
    /// A ledger for this many recording threads (at least one).
    #[must_use]
    pub fn new(shards: usize) -> Arc<Self> {
        let book = Book {
            total: Entry::total(0),
            slots: Vec::new(),
            visible: Vec::new(),
            failures: FxHashMap::default(),
            failure_order: Vec::new(),
            entries_edition: 0,
            failures_edition: 0,
            aborted: 0,
            recent_s: 0,
            spare: Vec::with_capacity(SHARD_SAMPLES),
        };
        Arc::new(Self {
            shards: (0..shards.max(1)).map(|_| Shard::new()).collect(),
            names: RwLock::default(),
            book: Mutex::new(book),
            holds: AtomicUsize::new(0),
            has_own_bucketing: AtomicBool::new(false),
        })
    }

    /// How many threads can record without meeting each other.
    #[must_use]
    pub fn shard_count(&self) -> usize {
        self.shards.len()
    }

    /// The number of a (method, name), new or known. The entry shows itself only once something is counted under it.
    ///
    /// The number stays good through [`Ledger::reset_all`] and [`Ledger::clear_all`]; callers keep it.
    pub fn intern(&self, method: &str, name: &str) -> EntryId {
        let known = self
            .names
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .find(method, name);
        known.unwrap_or_else(|| {
            self.names
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .intern(method, name)
        })
    }

    /// Keeps a sample until the next merge. `shard` is the calling thread's own (counted modulo the number of shards).
    pub fn record(&self, shard: usize, sample: Sample) {
        self.push(shard, sample.into());
    }

    /// Keeps a request that Python reports.
    pub fn record_request(
        &self,
        shard: usize,
        entry: EntryId,
        response_time: Option<ResponseTime>,
        length_bytes: u64,
        at_epoch_s: f64,
        failure: Option<Arc<str>>,
    ) {
        self.push(
            shard,
            Mark {
                entry,
                request: Some((response_time, length_bytes)),
                at_epoch_s,
                failure,
                parts: None,
            },
        );
    }

    /// Keeps how long the parts of a request took that is reported on its own.
    pub fn record_parts(&self, shard: usize, entry: EntryId, parts: Parts) {
        self.push(
            shard,
            Mark {
                entry,
                request: None,
                at_epoch_s: 0.0,
                failure: None,
                parts: Some(parts),
            },
        );
    }

    /// Keeps a failure whose request is reported on its own.
    pub fn record_failure(&self, shard: usize, entry: EntryId, at_epoch_s: f64, text: Arc<str>) {
        self.push(
            shard,
            Mark {
                entry,
                request: None,
                at_epoch_s,
                failure: Some(text),
                parts: None,
            },
        );
    }

    /// Counts a request that was begun and will never be reported, because its user was stopped.
    pub fn abort(&self, shard: usize) {
        self.shards[shard % self.shards.len()].abort();
    }

    /// How many requests were begun and never reported.
    #[must_use]
    pub fn aborted(&self) -> u64 {
        let mut book = lock(&self.book);
        self.merge_all(&mut book);
        book.aborted
    }

    /// Moves all samples out of the shards into the entries; does nothing while somebody holds them still.
    pub fn collect(&self) {
        if !self.is_held() {
            self.merge_all(&mut lock(&self.book));
        }
    }

    /// Collects, then keeps samples in the shards until the guard is dropped, so that all entries can be read as of one moment.
    pub fn hold(self: &Arc<Self>) -> Hold {
        let mut book = lock(&self.book);
        self.merge_all(&mut book);
        // Under the book's lock, so that nobody who has it misses the hold.
        self.holds.fetch_add(1, Ordering::SeqCst);
        Hold {
            ledger: Arc::clone(self),
        }
    }

    /// The total over all entries. [`Ledger::clear_all`] and [`Ledger::set_total`] put another in its place.
    #[must_use]
    pub fn total(&self) -> SharedEntry {
        Arc::clone(&lock(&self.book).total)
    }

    /// Puts another entry in the place of the total.
    pub fn set_total(&self, total: SharedEntry) {
        let mut book = lock(&self.book);
        self.merge_all(&mut book);
        book.total = total;
    }

    /// Says how many seconds all entries can look back (0: not at all), those that exist and those to come.
    pub fn set_recent(&self, recent_s: usize) {
        let mut book = lock(&self.book);
        book.recent_s = recent_s;
        lock(&book.total).set_recent(recent_s);
        for slot in &book.slots {
            lock(&slot.entry).set_recent(recent_s);
        }
    }

    /// Says whether the keys of `response_times` are decided by a function of the user's (see [`Bucketing::Later`]).
    pub fn set_own_bucketing(&self, has_own_bucketing: bool) {
        if self.has_own_bucketing.load(Ordering::Relaxed) != has_own_bucketing {
            let mut book = lock(&self.book);
            self.merge_all(&mut book);
            self.has_own_bucketing.store(has_own_bucketing, Ordering::Relaxed);
        }
    }

    /// The entry of a (method, name), shown from now on whether or not something was counted.
    pub fn entry(&self, method: &str, name: &str, at_epoch_s: f64) -> SharedEntry {
        let id = self.intern(method, name);
        let mut book = lock(&self.book);
        self.merge_all(&mut book);
        let entry = book.reveal(id);
        lock(&entry).figures.touch(at_epoch_s);
        entry
    }

    /// Makes `entry` the one that counts for a (method, name), and shows it.
    pub fn adopt(&self, method: &str, name: &str, entry: SharedEntry) {
        let id = self.intern(method, name);
        let mut book = lock(&self.book);
        self.merge_all(&mut book);
        book.reveal(id);
        book.slots[id.0 as usize].entry = entry;
    }

    /// Takes the entry of a (method, name) out; whoever holds it keeps it, what comes next is counted in a new one.
    pub fn forget(&self, method: &str, name: &str) {
        let id = self.intern(method, name);
        let mut book = lock(&self.book);
        self.merge_all(&mut book);
        let fresh = Entry::shared(book.recent_s);
        if let Some(slot) = book.slots.get_mut(id.0 as usize) {
            *slot = Slot {
                entry: fresh,
                is_visible: false,
            };
            book.visible.retain(|&listed| listed != id);
            book.entries_edition += 1;
        }
    }

    /// The edition of the list, and the entries shown from place `from` on.
    ///
    /// A reader whose edition is another one starts again at 0.
    #[must_use]
    pub fn entries_from(&self, from: usize) -> (u64, Vec<ListedEntry>) {
        let mut book = lock(&self.book);
        self.merge_all(&mut book);
        (book.entries_edition, self.listed(&book, from))
    }

    /// The edition of the list, and the failures seen from place `from` on.
    #[must_use]
    pub fn failures_from(&self, from: usize) -> (u64, Vec<ListedFailure>) {
        let mut book = lock(&self.book);
        self.merge_all(&mut book);
        (book.failures_edition, self.listed_failures(&book, from))
    }

    /// Makes `failure` the one that counts for a key.
    pub fn adopt_failure(&self, method: &str, name: &str, text: &str, failure: SharedFailure) {
        let key = (self.intern(method, name), Arc::from(text));
        let mut book = lock(&self.book);
        self.merge_all(&mut book);
        if book.failures.insert(key.clone(), failure).is_none() {
            book.failure_order.push(key);
        }
    }

    /// Takes one failure out.
    pub fn forget_failure(&self, method: &str, name: &str, text: &str) {
        let key = (self.intern(method, name), Arc::from(text));
        let mut book = lock(&self.book);
        self.merge_all(&mut book);
        if book.failures.remove(&key).is_some() {
            book.failure_order.retain(|listed| *listed != key);
            book.failures_edition += 1;
        }
    }

    /// Takes all failures out; the entries keep their counts of them.
    pub fn clear_failures(&self) {
        let mut book = lock(&self.book);
        self.merge_all(&mut book);
        book.clear_failures();
    }

    /// Sets all entries and the total to zero as of `at_epoch_s` and takes all failures out. The entries stay visible.
    pub fn reset_all(&self, at_epoch_s: f64) {
        let mut book = lock(&self.book);
        self.merge_all(&mut book);
        book.reset(at_epoch_s);
    }

    /// Takes all entries and failures out and starts a new total at `at_epoch_s`. Whoever holds an old one keeps it.
    pub fn clear_all(&self, at_epoch_s: f64) {
        let mut book = lock(&self.book);
        self.merge_all(&mut book);
        book.clear(at_epoch_s);
    }

    /// A copy of everything, as of one moment.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut book = lock(&self.book);
        self.merge_all(&mut book);
        self.copy(&book)
    }

    /// A copy of everything, and a reset in the same moment: what a worker reports.
    #[must_use]
    pub fn take(&self, at_epoch_s: f64) -> Snapshot {
        let mut book = lock(&self.book);
        self.merge_all(&mut book);
        let snapshot = self.copy(&book);
        book.reset(at_epoch_s);
        snapshot
    }

    fn copy(&self, book: &Book) -> Snapshot {
        let figures = |entry: &SharedEntry| -> Figures { lock(entry).figures.clone() };
        let failure = |listed: ListedFailure| {
            let failure = *lock(&listed.failure);
            (
                FailureKey {
                    method: listed.method,
                    name: listed.name,
                    text: listed.text,
                },
                failure,
            )
        };
        Snapshot {
            total: figures(&book.total),
            entries: self
                .listed(book, 0)
                .into_iter()
                .map(|listed| ((listed.name, listed.method), figures(&listed.entry)))
                .collect(),
            failures: self.listed_failures(book, 0).into_iter().map(failure).collect(),
            num_aborted: book.aborted,
        }
    }

    fn is_held(&self) -> bool {
        self.holds.load(Ordering::SeqCst) > 0
    }

    fn push(&self, shard: usize, mark: Mark) {
        let shard = &self.shards[shard % self.shards.len()];
        if !shard.push(mark) || self.is_held() {
            return;
        }
        match self.book.try_lock() {
            Ok(mut book) => self.merge_one(&mut book, shard),
            Err(TryLockError::Poisoned(poisoned)) => self.merge_one(&mut poisoned.into_inner(), shard),
            // Whoever holds the book merges this shard too, or the next full batch does.
            Err(TryLockError::WouldBlock) => {}
        }
    }

    /// Brings the book up to date; while somebody holds it still, it stays as it is, whatever is done to it.
    fn merge_all(&self, book: &mut Book) {
        for shard in &self.shards {
            self.merge_one(book, shard);
            if !self.is_held() {
                book.aborted += shard.take_aborted();
            }
        }
    }

    fn merge_one(&self, book: &mut Book, shard: &Shard) {
        if !self.is_held() {
            self.merge(book, shard);
        }
    }

    fn merge(&self, book: &mut Book, shard: &Shard) {
        let mut batch = std::mem::take(&mut book.spare);
        shard.swap(&mut batch);
        if !batch.is_empty() {
            let bucketing = if self.has_own_bucketing.load(Ordering::Relaxed) {
                Bucketing::Later
            } else {
                Bucketing::Locust
            };
            let mut total = lock(&book.total);
            for mark in &batch {
                apply(&mut total, mark, bucketing);
            }
            drop(total);
            for mark in batch.drain(..) {
                apply(&mut lock(book.shown(mark.entry)), &mark, bucketing);
                if let Some(text) = mark.failure {
                    lock(book.failure(mark.entry, text)).occurred(mark.at_epoch_s);
                }
            }
        }
        // A batch that grew while the book was busy gives its memory back.
        batch.shrink_to(4 * SHARD_SAMPLES);
        book.spare = batch;
    }

    fn listed(&self, book: &Book, from: usize) -> Vec<ListedEntry> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let listed = |id: &EntryId| {
            let (method, name) = names.listed[id.0 as usize].clone();
            ListedEntry {
                method,
                name,
                entry: Arc::clone(&book.slots[id.0 as usize].entry),
            }
        };
        book.visible.iter().skip(from).map(listed).collect()
    }

    fn listed_failures(&self, book: &Book, from: usize) -> Vec<ListedFailure> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let listed = |key: &(EntryId, Arc<str>)| {
            let (method, name) = names.listed[key.0.0 as usize].clone();
            let failure = Arc::clone(book.failures.get(key)?);
            Some(ListedFailure {
                method,
                name,
                text: Arc::clone(&key.1),
                failure,
            })
        };
        book.failure_order.iter().skip(from).filter_map(listed).collect()
    }
}

fn apply(entry: &mut Entry, mark: &Mark, bucketing: Bucketing) {
    if let Some((response_time, length_bytes)) = mark.request {
        entry.log(response_time, length_bytes, mark.at_epoch_s, bucketing);
    }
    if mark.failure.is_some() {
        entry.log_failure(mark.at_epoch_s);
    }
    if let Some(parts) = &mark.parts {
        entry.figures.parts.add(parts);
    }
}

impl Names {
    fn find(&self, method: &str, name: &str) -> Option<EntryId> {
        self.by_name
            .get(name)?
            .iter()
            .find(|(known, _)| &**known == method)
            .map(|&(_, id)| id)
    }

    fn intern(&mut self, method: &str, name: &str) -> EntryId {
        // Another thread may have been first.
        if let Some(id) = self.find(method, name) {
            return id;
        }
        let id = EntryId(u32::try_from(self.listed.len()).unwrap_or(u32::MAX));
        let (method, name): (Arc<str>, Arc<str>) = (Arc::from(method), Arc::from(name));
        self.by_name
            .entry(Arc::clone(&name))
            .or_default()
            .push((Arc::clone(&method), id));
        self.listed.push((method, name));
        id
    }
}

impl Book {
    fn slot(&mut self, id: EntryId) -> &mut Slot {
        let index = id.0 as usize;
        while self.slots.len() <= index {
            self.slots.push(Slot {
                entry: Entry::shared(self.recent_s),
                is_visible: false,
            });
        }
        &mut self.slots[index]
    }

    fn shown(&mut self, id: EntryId) -> &SharedEntry {
        let slot = self.slot(id);
        if !slot.is_visible {
            slot.is_visible = true;
            self.visible.push(id);
        }
        &self.slots[id.0 as usize].entry
    }

    fn reveal(&mut self, id: EntryId) -> SharedEntry {
        Arc::clone(self.shown(id))
    }

    fn failure(&mut self, id: EntryId, text: Arc<str>) -> &SharedFailure {
        let order = &mut self.failure_order;
        self.failures.entry((id, text)).or_insert_with_key(|key| {
            order.push(key.clone());
            Arc::new(Mutex::new(Failure::default()))
        })
    }

    fn reset(&mut self, at_epoch_s: f64) {
        lock(&self.total).reset(at_epoch_s);
        for id in &self.visible {
            lock(&self.slots[id.0 as usize].entry).reset(at_epoch_s);
        }
        self.clear_failures();
        self.aborted = 0;
    }

    fn clear(&mut self, at_epoch_s: f64) {
        self.total = Entry::total(self.recent_s);
        lock(&self.total).reset(at_epoch_s);
        for id in std::mem::take(&mut self.visible) {
            self.slots[id.0 as usize] = Slot {
                entry: Entry::shared(self.recent_s),
                is_visible: false,
            };
        }
        self.entries_edition += 1;
        self.clear_failures();
        self.aborted = 0;
    }

    fn clear_failures(&mut self) {
        self.failures.clear();
        self.failure_order.clear();
        self.failures_edition += 1;
    }
}

/// While it lives, samples stay in the shards and the entries stand still.
#[derive(Debug)]
pub struct Hold {
    ledger: Arc<Ledger>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.ledger.holds.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests;

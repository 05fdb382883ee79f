//! One (method, name), or the total: its figures, and what is needed to look a few seconds back.
//!
//! Locust copies the whole `response_times` dictionary of each entry once a second and keeps twenty copies, to tell the
//! response times of the last ten seconds from those of the run. Here each recent second keeps only what it added; a copy as of
//! any recent second is the total without the seconds after it. Keys of the copies (`marks`) come and go as Locust's do.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::bucket::Buckets;
use super::figures::{Figures, ResponseTime, second_of};
use super::window::{TOTAL_WINDOW_SECONDS, Window};

/// An entry as readers and the ledger share it.
pub type SharedEntry = Arc<Mutex<Entry>>;

/// The distribution as it was at the end of a second: Locust's `CachedResponseTimes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cached {
    /// Grows by one with every copy of this entry, so that a reader can ask for those it has not seen.
    pub serial: u64,
    /// The second at whose end the copy is valid.
    pub at_epoch_s: i64,
    /// Locust's rounded distribution up to then.
    pub response_times: Buckets,
    /// Requests up to then.
    pub num_requests: u64,
    /// Requests without a response time up to then.
    pub num_none_requests: u64,
}

/// What a recent second added.
#[derive(Clone, Debug)]
struct Added {
    at_epoch_s: i64,
    response_times: Buckets,
    num_requests: u64,
    num_none_requests: u64,
}

/// Where Locust would have made a copy.
#[derive(Clone, Copy, Debug)]
struct Mark {
    serial: u64,
    /// The key of the copy.
    at_epoch_s: i64,
    /// The last second that is in it: its own, or the one before where counting began within its own.
    until_epoch_s: i64,
}

/// What is needed to look back over the last seconds.
#[derive(Clone, Debug)]
struct Recent {
    /// How many seconds, and how many marks, are kept.
    reach_s: usize,
    /// Where Locust would have made a copy, oldest first.
    marks: VecDeque<Mark>,
    next_serial: u64,
    added: VecDeque<Added>,
}

impl Recent {
    fn new(reach_s: usize) -> Self {
        Self {
            reach_s,
            marks: VecDeque::new(),
            next_serial: 0,
            added: VecDeque::new(),
        }
    }

    fn mark(&mut self, at_epoch_s: i64, until_epoch_s: i64) {
        self.marks.retain(|mark| mark.at_epoch_s != at_epoch_s);
        self.marks.push_back(Mark {
            serial: self.next_serial,
            at_epoch_s,
            until_epoch_s,
        });
        self.next_serial += 1;
        while self.marks.len() > self.reach_s {
            self.marks.pop_front();
        }
    }

    /// What the second added so far; `None` when it is too old to be asked for.
    fn second(&mut self, at_epoch_s: i64) -> Option<&mut Added> {
        let reach = i64::try_from(self.reach_s).unwrap_or(i64::MAX);
        let newest = self.added.back().map_or(at_epoch_s, |added| added.at_epoch_s);
        if at_epoch_s <= newest.saturating_sub(reach) {
            return None;
        }
        let after = self
            .added
            .iter()
            .rev()
            .take_while(|added| added.at_epoch_s > at_epoch_s)
            .count();
        let mut place = self.added.len() - after;
        if place == 0 || self.added[place - 1].at_epoch_s != at_epoch_s {
            self.added.insert(
                place,
                Added {
                    at_epoch_s,
                    response_times: Buckets::default(),
                    num_requests: 0,
                    num_none_requests: 0,
                },
            );
            place += 1;
            while self
                .added
                .front()
                .is_some_and(|added| added.at_epoch_s <= at_epoch_s.saturating_sub(reach))
            {
                self.added.pop_front();
                place -= 1;
            }
        }
        self.added.get_mut(place - 1)
    }

    /// Says that nothing happened after a second: what was filed later moves into it.
    fn pull_back_to(&mut self, at_epoch_s: i64) {
        while let Some(late) = self.added.pop_back() {
            if late.at_epoch_s <= at_epoch_s {
                self.added.push_back(late);
                return;
            }
            if let Some(second) = self.second(at_epoch_s) {
                second.response_times.merge(&late.response_times);
                second.num_requests += late.num_requests;
                second.num_none_requests += late.num_none_requests;
                if self.added.len() == 1 {
                    return;
                }
            }
        }
    }
}

/// Everything known about one (method, name), or about the total.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// What was counted.
    pub figures: Figures,
    recent: Option<Box<Recent>>,
    /// Response times that wait for a bucketing function that is not Locust's: (second, milliseconds).
    unbucketed: Vec<(i64, f64)>,
}

impl Entry {
    /// An empty entry that can look `recent_s` seconds back; 0 when nobody will ask.
    #[must_use]
    pub fn new(recent_s: usize) -> Self {
        let recent = (recent_s > 0).then(|| Box::new(Recent::new(recent_s)));
        Self {
            recent,
            ..Self::default()
        }
    }

    /// The total over all entries, as the ledger keeps it: shared, and with counts by second that reach further back.
    #[must_use]
    pub fn total(recent_s: usize) -> SharedEntry {
        let mut entry = Self::new(recent_s);
        entry.figures.window = Window::reaching(TOTAL_WINDOW_SECONDS);
        Arc::new(Mutex::new(entry))
    }

    /// Shared, as the ledger keeps it.
    #[must_use]
    pub fn shared(recent_s: usize) -> SharedEntry {
        Arc::new(Mutex::new(Self::new(recent_s)))
    }

    /// Whether it can look back.
    #[must_use]
    pub fn has_recent(&self) -> bool {
        self.recent.is_some()
    }

    /// Says how many seconds it can look back from now on; 0 forgets them.
    pub fn set_recent(&mut self, recent_s: usize) {
        match (&mut self.recent, recent_s) {
            (recent, 0) => *recent = None,
            (Some(recent), _) => recent.reach_s = recent_s,
            (recent, _) => *recent = Some(Box::new(Recent::new(recent_s))),
        }
    }

    /// Forgets everything and starts counting at `at_epoch_s`.
    pub fn reset(&mut self, at_epoch_s: f64) {
        self.figures = Figures {
            start_time_s: Some(at_epoch_s),
            window: self.figures.window.emptied(),
            ..Figures::default()
        };
        self.unbucketed = Vec::new();
        if let Some(recent) = &mut self.recent {
            recent.marks.clear();
            recent.added.clear();
            let second = second_of(at_epoch_s);
            recent.mark(second, second - 1);
        }
    }

    /// Counts one request; `bucketing` says who decides its key in `response_times`.
    pub fn log(
        &mut self,
        response_time: Option<ResponseTime>,
        length_bytes: u64,
        at_epoch_s: f64,
        bucketing: Bucketing,
    ) {
        let second = second_of(at_epoch_s);
        if let Some(recent) = &mut self.recent
            && self
                .figures
                .last_request_timestamp_s
                .is_some_and(|last| second > second_of(last))
        {
            recent.mark(second - 1, second - 1);
        }
        self.figures.add_request(response_time, length_bytes, at_epoch_s);
        let key = match (response_time, bucketing) {
            (None, _) => None,
            (Some(response_time), Bucketing::Locust) => Some(self.figures.add_bucket(response_time)),
            (Some(_), Bucketing::Key(key)) => {
                self.figures.response_times.add(key, 1);
                Some(key)
            }
            (Some(response_time), Bucketing::Later) => {
                self.unbucketed.push((second, response_time.as_ms()));
                None
            }
        };
        if let Some(added) = self.recent.as_mut().and_then(|recent| recent.second(second)) {
            added.num_requests += 1;
            added.num_none_requests += u64::from(response_time.is_none());
            if let Some(key) = key {
                added.response_times.add(key, 1);
            }
        }
    }

    /// Counts one failure.
    pub fn log_failure(&mut self, at_epoch_s: f64) {
        self.figures.add_failure(at_epoch_s);
    }

    /// Whether response times wait for a key.
    #[must_use]
    pub fn has_unbucketed(&self) -> bool {
        !self.unbucketed.is_empty()
    }

    /// Hands out the response times that wait for a key, each with its second.
    #[must_use]
    pub fn take_unbucketed(&mut self) -> Vec<(i64, f64)> {
        std::mem::take(&mut self.unbucketed)
    }

    /// Files a response time of second `at_epoch_s`, counted before, under its key.
    pub fn add_bucket(&mut self, at_epoch_s: i64, key: i64) {
        self.figures.response_times.add(key, 1);
        if let Some(added) = self.recent.as_mut().and_then(|recent| recent.second(at_epoch_s)) {
            added.response_times.add(key, 1);
        }
    }

    /// Replaces the time of the last request. What was filed in later seconds is taken to have happened in that one.
    pub fn set_last_request_timestamp(&mut self, at_epoch_s: Option<f64>) {
        self.figures.last_request_timestamp_s = at_epoch_s;
        if let (Some(at), Some(recent)) = (at_epoch_s, &mut self.recent) {
            recent.pull_back_to(second_of(at));
        }
    }

    /// Adds everything that was counted elsewhere, as of its last request.
    pub fn extend(&mut self, other: &Figures) {
        let second = |figures: &Figures| figures.last_request_timestamp_s.map_or(0, second_of);
        let before = second(&self.figures);
        self.figures.merge(other);
        let after = second(&self.figures);
        let Some(recent) = &mut self.recent else { return };
        if let Some(added) = recent.second(second(other)) {
            added.response_times.merge(&other.response_times);
            added.num_requests += other.num_requests;
            added.num_none_requests += other.num_none_requests;
        }
        if after > before {
            recent.mark(after, after);
        }
    }

    /// The copies that Locust would hold and that are newer than `serial` (all of them with `None`), oldest first.
    #[must_use]
    pub fn cached_since(&self, serial: Option<u64>) -> Vec<Cached> {
        let Some(recent) = &self.recent else { return Vec::new() };
        recent
            .marks
            .iter()
            .filter(|mark| serial.is_none_or(|serial| mark.serial > serial))
            .map(|mark| self.as_of(recent, mark))
            .collect()
    }

    /// Locust's percentile over what was counted after the first of `seconds` that has a copy; `None` when none has.
    #[must_use]
    pub fn current_percentile(&self, seconds: &[i64], share: f64) -> Option<i64> {
        let recent = self.recent.as_ref()?;
        let marked = |second: &i64| recent.marks.iter().find(|mark| mark.at_epoch_s == *second);
        let until_epoch_s = seconds.iter().find_map(marked)?.until_epoch_s;
        let mut since = Buckets::default();
        let mut count: i64 = 0;
        for added in recent.added.iter().filter(|added| added.at_epoch_s > until_epoch_s) {
            since.merge(&added.response_times);
            count = count.saturating_add_unsigned(added.num_requests.saturating_sub(added.num_none_requests));
        }
        Some(since.percentile(count, share))
    }

    fn as_of(&self, recent: &Recent, mark: &Mark) -> Cached {
        let mut cached = Cached {
            serial: mark.serial,
            at_epoch_s: mark.at_epoch_s,
            response_times: self.figures.response_times.clone(),
            num_requests: self.figures.num_requests,
            num_none_requests: self.figures.num_none_requests,
        };
        let after = |added: &&Added| added.at_epoch_s > mark.until_epoch_s;
        for added in recent.added.iter().filter(after) {
            cached.response_times.subtract(&added.response_times);
            cached.num_requests = cached.num_requests.saturating_sub(added.num_requests);
            cached.num_none_requests = cached.num_none_requests.saturating_sub(added.num_none_requests);
        }
        cached
    }
}

/// Who decides under which key of `response_times` a response time is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucketing {
    /// Locust's rounding.
    Locust,
    /// A function of the user's, which was asked already.
    Key(i64),
    /// A function of the user's, which will be asked when somebody reads.
    Later,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(entry: &mut Entry, ms: i64, at_epoch_s: f64) {
        entry.log(Some(ResponseTime::WholeMs(ms)), 0, at_epoch_s, Bucketing::Locust);
    }

    #[test]
    fn copies_are_made_where_locust_makes_them() {
        let mut entry = Entry::new(20);
        entry.reset(100.5);
        log(&mut entry, 11, 100.6);
        log(&mut entry, 12, 103.1);
        log(&mut entry, 13, 103.2);
        log(&mut entry, 14, 104.0);
        let cached: Vec<_> = entry
            .cached_since(None)
            .into_iter()
            .map(|copy| (copy.at_epoch_s, copy.num_requests, copy.response_times.iter().count()))
            .collect();
        assert_eq!(cached, [(100, 0, 0), (102, 1, 1), (103, 3, 3)]);
        assert_eq!(entry.cached_since(Some(1)).len(), 1);
    }

    #[test]
    fn a_late_sample_does_not_count_as_current() {
        let mut entry = Entry::new(20);
        entry.reset(100.0);
        log(&mut entry, 10, 100.0);
        log(&mut entry, 20, 111.0);
        log(&mut entry, 90, 105.0);
        assert_eq!(entry.current_percentile(&[110], 1.0), Some(20));
        assert_eq!(entry.current_percentile(&[104, 100], 1.0), Some(90));
        assert_eq!(entry.current_percentile(&[99], 1.0), None);
    }

    #[test]
    fn looking_back_is_bounded() {
        let mut entry = Entry::new(20);
        entry.reset(0.0);
        for second in 1..500 {
            log(&mut entry, 5, f64::from(second));
        }
        let recent = entry.recent.as_ref().unwrap();
        assert_eq!((recent.marks.len(), recent.added.len()), (20, 20));
        assert_eq!(entry.cached_since(None).last().unwrap().num_requests, 498);
    }

    #[test]
    fn an_earlier_last_request_pulls_later_seconds_back() {
        let mut entry = Entry::new(20);
        entry.reset(100.0);
        log(&mut entry, 11, 100.2);
        log(&mut entry, 12, 101.2);
        entry.set_last_request_timestamp(Some(99.0));
        assert_eq!(entry.current_percentile(&[100], 1.0), Some(0));
        log(&mut entry, 13, 101.3);
        assert_eq!(entry.current_percentile(&[100], 1.0), Some(13));
        assert_eq!(entry.cached_since(None).last().unwrap().num_requests, 2);
    }

    #[test]
    fn own_bucketing_is_asked_later() {
        let mut entry = Entry::new(20);
        entry.reset(100.0);
        entry.log(Some(ResponseTime::LooseMs(147.5)), 0, 101.0, Bucketing::Later);
        assert!(entry.figures.response_times.is_empty());
        assert_eq!(entry.take_unbucketed(), [(101, 147.5)]);
        entry.add_bucket(101, 147);
        assert_eq!(entry.current_percentile(&[100], 0.5), Some(147));
    }
}

//! What happened in each of the last seconds: what Locust keeps in `num_reqs_per_sec` and `num_fail_per_sec`.
//!
//! Locust's dictionaries grow for as long as the run lasts. This keeps the newest [`WINDOW_SECONDS`], or [`TOTAL_WINDOW_SECONDS`],
//! and only the seconds in which something happened: an idle entry costs nothing, a busy one 24 bytes a second. An hour of that for
//! a thousand entries would be 86 MB.

use std::collections::VecDeque;

/// How far back the per-second counts of an entry reach, before the newest second that was counted.
pub const WINDOW_SECONDS: i64 = 300;
/// The same of the total.
pub const TOTAL_WINDOW_SECONDS: i64 = 3_600;

/// The counts of one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Second {
    /// Seconds since the epoch, whole.
    pub at_epoch_s: i64,
    /// Requests that ended in it.
    pub requests: u64,
    /// Failures seen in it.
    pub failures: u64,
}

/// The last seconds in which something happened, oldest first. Windows are equal when what they hold is.
#[derive(Clone, Debug)]
pub struct Window {
    reach_s: i64,
    seconds: VecDeque<Second>,
}

impl Default for Window {
    fn default() -> Self {
        Self::reaching(WINDOW_SECONDS)
    }
}

impl PartialEq for Window {
    fn eq(&self, other: &Self) -> bool {
        self.seconds == other.seconds
    }
}

impl Eq for Window {}

impl Window {
    /// An empty window of so many seconds.
    #[must_use]
    pub fn reaching(reach_s: i64) -> Self {
        Self {
            reach_s,
            seconds: VecDeque::new(),
        }
    }

    /// An empty window that reaches as far as this one.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self::reaching(self.reach_s)
    }

    /// Counts requests and failures in a second. A second that is already out of reach is left out.
    pub fn add(&mut self, at_epoch_s: i64, requests: u64, failures: u64) {
        if let Some(second) = self.second(at_epoch_s) {
            second.requests = second.requests.saturating_add(requests);
            second.failures = second.failures.saturating_add(failures);
        }
    }

    /// Replaces the number of requests in a second.
    pub fn set_requests(&mut self, at_epoch_s: i64, requests: u64) {
        if let Some(second) = self.second(at_epoch_s) {
            second.requests = requests;
        }
    }

    /// Replaces the number of failures in a second.
    pub fn set_failures(&mut self, at_epoch_s: i64, failures: u64) {
        if let Some(second) = self.second(at_epoch_s) {
            second.failures = failures;
        }
    }

    /// Forgets all request counts.
    pub fn clear_requests(&mut self) {
        self.seconds.iter_mut().for_each(|second| second.requests = 0);
        self.seconds.retain(|second| second.failures > 0);
    }

    /// Forgets all failure counts.
    pub fn clear_failures(&mut self) {
        self.seconds.iter_mut().for_each(|second| second.failures = 0);
        self.seconds.retain(|second| second.requests > 0);
    }

    /// The seconds in which something happened, oldest first.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Second> + '_ {
        self.seconds.iter().copied()
    }

    /// Requests and failures from second `from` up to, not including, second `until`.
    #[must_use]
    pub fn sum(&self, from: i64, until: i64) -> (u64, u64) {
        let mut sum = (0, 0);
        for second in self.seconds.iter().rev() {
            if second.at_epoch_s < from {
                break;
            }
            if second.at_epoch_s < until {
                sum = (sum.0 + second.requests, sum.1 + second.failures);
            }
        }
        sum
    }

    /// Adds all counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        // The newest first: what it pushes out of reach need not be inserted.
        for second in other.seconds.iter().rev() {
            self.add(second.at_epoch_s, second.requests, second.failures);
        }
    }

    /// The place of a second, made if it is new; `None` when it is out of reach.
    fn second(&mut self, at_epoch_s: i64) -> Option<&mut Second> {
        let newest = self.seconds.back().map_or(at_epoch_s, |second| second.at_epoch_s);
        if at_epoch_s <= newest.saturating_sub(self.reach_s) {
            return None;
        }
        // Almost always the newest second or one of the few before it.
        let after = self
            .seconds
            .iter()
            .rev()
            .take_while(|second| second.at_epoch_s > at_epoch_s)
            .count();
        let place = self.seconds.len() - after;
        if place > 0 && self.seconds[place - 1].at_epoch_s == at_epoch_s {
            return self.seconds.get_mut(place - 1);
        }
        self.seconds.insert(
            place,
            Second {
                at_epoch_s,
                requests: 0,
                failures: 0,
            },
        );
        let reach = at_epoch_s.max(newest).saturating_sub(self.reach_s);
        let gone = self
            .seconds
            .iter()
            .take_while(|second| second.at_epoch_s <= reach)
            .count();
        self.seconds.drain(..gone);
        self.seconds.get_mut(place - gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(seconds: &[(i64, u64, u64)]) -> Window {
        let mut window = Window::default();
        for &(at, requests, failures) in seconds {
            window.add(at, requests, failures);
        }
        window
    }

    #[test]
    fn sums_half_open_ranges() {
        let window = window(&[(10, 1, 0), (12, 2, 1), (11, 4, 0), (12, 1, 0)]);
        assert_eq!(window.sum(10, 12), (5, 0));
        assert_eq!(window.sum(11, 13), (7, 1));
        assert_eq!(window.sum(13, 99), (0, 0));
        assert_eq!(
            window.iter().map(|second| second.at_epoch_s).collect::<Vec<_>>(),
            [10, 11, 12]
        );
    }

    #[test]
    fn keeps_what_it_reaches_and_no_more() {
        for reach_s in [WINDOW_SECONDS, TOTAL_WINDOW_SECONDS] {
            let mut window = Window::reaching(reach_s);
            for at in [0, 1, reach_s] {
                window.add(at, 1, 0);
            }
            assert_eq!(window.iter().count(), 2, "second 0 is out of reach");
            window.add(0, 5, 5);
            assert_eq!(window.sum(0, 1), (0, 0), "a late sample does not come back into it");
            window.add(2 * reach_s + 5, 1, 0);
            assert_eq!(window.iter().count(), 1);
        }
    }

    #[test]
    fn clearing_one_count_keeps_the_other() {
        let mut window = window(&[(1, 1, 0), (2, 0, 3), (3, 1, 1)]);
        window.clear_requests();
        assert_eq!(
            window
                .iter()
                .map(|second| (second.at_epoch_s, second.requests, second.failures))
                .collect::<Vec<_>>(),
            [(2, 0, 3), (3, 0, 1)]
        );
    }
}

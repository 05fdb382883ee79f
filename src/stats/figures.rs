//! Everything that is counted about one (method, name), and how two such counts become one.
//!
//! Merging is associative and commutative: sums are integers (nanoseconds), extremes are extremes, the distributions are
//! canonical. The one exception is `loose_response_time_ms`, a sum of doubles that Python handed in and wants back as Python adds them.

use std::time::Duration;

use super::bucket::{Buckets, bucket_response_time};
use super::histogram::Histogram;
use super::parts::PartSums;
use super::window::Window;

/// A response time on its way into the figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ResponseTime {
    /// Measured by us, in nanoseconds.
    MeasuredNs(u64),
    /// A Python integer.
    WholeMs(i64),
    /// A Python float.
    LooseMs(f64),
}

impl From<Duration> for ResponseTime {
    fn from(elapsed: Duration) -> Self {
        // Not `as_nanos`: arithmetic in 128 bits is several times dearer, and 584 years are enough.
        Self::MeasuredNs(
            elapsed
                .as_secs()
                .saturating_mul(1_000_000_000)
                .saturating_add(u64::from(elapsed.subsec_nanos())),
        )
    }
}

impl ResponseTime {
    /// The value as Locust sees it.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact up to 104 days in nanoseconds, and Locust's are doubles anyway"
    )]
    pub fn as_ms(self) -> f64 {
        match self {
            Self::MeasuredNs(ns) => ns as f64 / 1e6,
            Self::WholeMs(ms) => ms as f64,
            Self::LooseMs(ms) => ms,
        }
    }

    /// The value as the exact distribution sees it; what is negative or no number is 0.
    fn as_us(self) -> u64 {
        match self {
            Self::MeasuredNs(ns) => ns.saturating_add(500) / 1_000,
            Self::WholeMs(ms) => u64::try_from(ms).unwrap_or(0).saturating_mul(1_000),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a float-to-integer cast saturates"
            )]
            Self::LooseMs(ms) => (ms * 1e3).round() as u64,
        }
    }
}

/// The counts, sums, extremes and distributions of one entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Requests made, failed ones included.
    pub num_requests: u64,
    /// Requests without a response time.
    pub num_none_requests: u64,
    /// Failures.
    pub num_failures: u64,
    /// The sum of the response times that are whole nanoseconds.
    pub total_response_time_ns: i128,
    /// The sum of the response times that came as floats from Python, added in the order they came.
    pub loose_response_time_ms: f64,
    /// The shortest response time.
    pub min_response_time_ms: Option<f64>,
    /// The longest response time, 0 when there is none.
    pub max_response_time_ms: f64,
    /// The sum of the sizes of the bodies.
    pub total_content_length_bytes: u64,
    /// When counting began; `None` before anything was counted.
    pub start_time_s: Option<f64>,
    /// When the last request ended.
    pub last_request_timestamp_s: Option<f64>,
    /// Locust's rounded distribution.
    pub response_times: Buckets,
    /// The exact distribution.
    pub exact: Histogram,
    /// What happened in the last seconds.
    pub window: Window,
    /// How long the parts of requests took.
    pub parts: PartSums,
    /// Whether all response times were Python integers, so that sums and extremes are to be shown as such.
    pub is_whole: bool,
    /// Whether counts came in rounded already, so that the exact distribution does not hold them all.
    pub is_rounded: bool,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            num_requests: 0,
            num_none_requests: 0,
            num_failures: 0,
            total_response_time_ns: 0,
            loose_response_time_ms: 0.0,
            min_response_time_ms: None,
            max_response_time_ms: 0.0,
            total_content_length_bytes: 0,
            start_time_s: None,
            last_request_timestamp_s: None,
            response_times: Buckets::default(),
            exact: Histogram::default(),
            window: Window::default(),
            parts: PartSums::default(),
            is_whole: true,
            is_rounded: false,
        }
    }
}

/// The whole second a timestamp lies in, as Python's `int()` cuts it.
#[expect(clippy::cast_possible_truncation, reason = "a float-to-integer cast saturates")]
pub(crate) fn second_of(timestamp_s: f64) -> i64 {
    timestamp_s as i64
}

impl Figures {
    /// Counts one request that ended at `at_epoch_s`, all but its place in `response_times`.
    pub(crate) fn add_request(&mut self, response_time: Option<ResponseTime>, length_bytes: u64, at_epoch_s: f64) {
        self.touch(at_epoch_s);
        self.num_requests += 1;
        self.total_content_length_bytes = self.total_content_length_bytes.saturating_add(length_bytes);
        self.last_request_timestamp_s = Some(
            self.last_request_timestamp_s
                .map_or(at_epoch_s, |last| last.max(at_epoch_s)),
        );
        self.window.add(second_of(at_epoch_s), 1, 0);
        let Some(response_time) = response_time else {
            self.num_none_requests += 1;
            return;
        };
        match response_time {
            ResponseTime::MeasuredNs(ns) => self.total_response_time_ns += i128::from(ns),
            ResponseTime::WholeMs(ms) => self.total_response_time_ns += i128::from(ms) * 1_000_000,
            ResponseTime::LooseMs(ms) => self.loose_response_time_ms += ms,
        }
        self.is_whole &= matches!(response_time, ResponseTime::WholeMs(_));
        let ms = response_time.as_ms();
        self.min_response_time_ms = Some(self.min_response_time_ms.map_or(ms, |min| min.min(ms)));
        self.max_response_time_ms = self.max_response_time_ms.max(ms);
        self.exact.record(response_time.as_us(), 1);
    }

    /// Counts one failure.
    pub(crate) fn add_failure(&mut self, at_epoch_s: f64) {
        self.touch(at_epoch_s);
        self.num_failures += 1;
        self.window.add(second_of(at_epoch_s), 0, 1);
    }

    /// Marks when counting began, unless it did earlier.
    pub(crate) fn touch(&mut self, at_epoch_s: f64) {
        self.start_time_s = Some(self.start_time_s.unwrap_or(at_epoch_s));
    }

    /// The sum of all response times.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "Locust's sum is a double")]
    pub fn total_response_time_ms(&self) -> f64 {
        self.total_response_time_ns as f64 / 1e6 + self.loose_response_time_ms
    }

    /// Puts another sum in the place of the present one.
    pub fn set_total_response_time_ms(&mut self, total: ResponseTime) {
        self.is_whole &= matches!(total, ResponseTime::WholeMs(_));
        (self.total_response_time_ns, self.loose_response_time_ms) = match total {
            ResponseTime::MeasuredNs(ns) => (i128::from(ns), 0.0),
            ResponseTime::WholeMs(ms) => (i128::from(ms) * 1_000_000, 0.0),
            ResponseTime::LooseMs(ms) => (0, ms),
        };
    }

    /// Adds everything that `other` counted.
    pub fn merge(&mut self, other: &Self) {
        self.num_requests += other.num_requests;
        self.num_none_requests += other.num_none_requests;
        self.num_failures += other.num_failures;
        self.total_response_time_ns += other.total_response_time_ns;
        self.loose_response_time_ms += other.loose_response_time_ms;
        self.min_response_time_ms = merged(self.min_response_time_ms, other.min_response_time_ms, f64::min);
        self.max_response_time_ms = self.max_response_time_ms.max(other.max_response_time_ms);
        self.total_content_length_bytes = self
            .total_content_length_bytes
            .saturating_add(other.total_content_length_bytes);
        self.start_time_s = merged(self.start_time_s, other.start_time_s, f64::min);
        self.last_request_timestamp_s = merged(self.last_request_timestamp_s, other.last_request_timestamp_s, f64::max);
        self.response_times.merge(&other.response_times);
        self.exact.merge(&other.exact);
        self.window.merge(&other.window);
        self.parts.merge(&other.parts);
        self.is_whole &= other.is_whole;
        self.is_rounded |= other.is_rounded;
    }

    /// The response times within which these shares (0 to 1) of the requests finished, from the exact distribution; `shares` in any order.
    ///
    /// A share of 1 gives the maximum itself; nothing is ever below the minimum or above the maximum. `None` without response times.
    #[must_use]
    pub fn exact_percentiles_ms(&self, shares: &[f64]) -> Option<Vec<f64>> {
        let count = self.exact.count();
        let min = self.min_response_time_ms?;
        if count == 0 {
            return None;
        }
        let mut ranks: Vec<(u64, usize)> = shares
            .iter()
            .enumerate()
            .map(|(at, &share)| (rank(count, share), at))
            .collect();
        ranks.sort_unstable();
        let found = self
            .exact
            .at_ranks(&ranks.iter().map(|&(rank, _)| rank).collect::<Vec<_>>());
        let mut percentiles = vec![0.0; shares.len()];
        for (&(rank, at), value_us) in ranks.iter().zip(found) {
            #[expect(
                clippy::cast_precision_loss,
                reason = "microseconds of any real response time fit a double"
            )]
            let ms = value_us as f64 / 1e3;
            percentiles[at] = if rank + 1 >= count {
                self.max_response_time_ms
            } else {
                ms.min(self.max_response_time_ms).max(min)
            };
        }
        Some(percentiles)
    }

    /// Files a response time under Locust's key and returns the key.
    pub(crate) fn add_bucket(&mut self, response_time: ResponseTime) -> i64 {
        let key = bucket_response_time(response_time.as_ms());
        self.response_times.add(key, 1);
        key
    }
}

/// Locust's rank: the place, counted from the lowest, of the response time within which `share` of `count` requests finished.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the product Locust computes; the cast saturates"
)]
fn rank(count: u64, share: f64) -> u64 {
    ((count as f64 * share) as u64).min(count - 1)
}

fn merged(one: Option<f64>, other: Option<f64>, choose: fn(f64, f64) -> f64) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(choose(one, other)),
        (one, other) => one.or(other),
    }
}

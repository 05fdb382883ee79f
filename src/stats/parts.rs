//! How long the parts of requests took: sums and maxima, in microseconds.
//!
//! Which part is which is agreed between those who record and those who read; here they are places in a row. A request whose parts are
//! not known is not counted at all, rather than as zeros.

use std::time::Duration;

/// How many parts a request has: queue, DNS, connect, TLS, send, first byte, body.
pub const PARTS: usize = 7;

/// The parts of one request, in microseconds; more than an hour is an hour and eleven minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts(pub [u32; PARTS]);

impl From<[Duration; PARTS]> for Parts {
    fn from(parts: [Duration; PARTS]) -> Self {
        Self(parts.map(|part| {
            // Not `as_micros`: arithmetic in 128 bits is several times dearer.
            let us = part
                .as_secs()
                .saturating_mul(1_000_000)
                .saturating_add(u64::from(part.subsec_nanos() + 500) / 1_000);
            u32::try_from(us).unwrap_or(u32::MAX)
        }))
    }
}

/// The parts of many requests. Merging is associative and commutative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartSums {
    /// Requests whose parts are known.
    pub count: u64,
    /// The sum of each part.
    pub totals_us: [u64; PARTS],
    /// The longest of each part.
    pub max_us: [u32; PARTS],
}

impl PartSums {
    /// Counts one request.
    pub(crate) fn add(&mut self, parts: &Parts) {
        self.count += 1;
        for (place, &us) in parts.0.iter().enumerate() {
            self.totals_us[place] += u64::from(us);
            self.max_us[place] = self.max_us[place].max(us);
        }
    }

    /// Adds what was counted elsewhere.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        for place in 0..PARTS {
            self.totals_us[place] = self.totals_us[place].saturating_add(other.totals_us[place]);
            self.max_us[place] = self.max_us[place].max(other.max_us[place]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_become_microseconds() {
        let of = |part| Parts::from([part; PARTS]).0[0];
        assert_eq!(of(Duration::from_nanos(1_499)), 1);
        assert_eq!(of(Duration::from_nanos(1_500)), 2);
        assert_eq!(of(Duration::from_millis(2_500)), 2_500_000);
        assert_eq!(of(Duration::MAX), u32::MAX);
    }

    #[test]
    fn sums_and_maxima() {
        let mut sums = PartSums::default();
        sums.add(&Parts([1, 2, 3, 4, 5, 6, u32::MAX]));
        sums.add(&Parts([3, 0, 0, 0, 0, 0, u32::MAX]));
        assert_eq!(sums.count, 2);
        assert_eq!(sums.totals_us, [4, 2, 3, 4, 5, 6, 2 * u64::from(u32::MAX)]);
        assert_eq!(sums.max_us, [3, 2, 3, 4, 5, 6, u32::MAX]);
    }
}

//! Locust's rounding of response times, bit for bit, and the counts kept under it.
//!
//! Python's `round` rounds the exact value of the double half to even. Dividing first would round twice, so everything
//! here is done on the integer part and the (exact) fraction.

/// The key under which Locust counts a response time: to 1 ms below 100, to 10 below 1,000, to 100 below 10,000, else to 1,000.
///
/// Equals `locust.stats.bucket_response_time` for every double below 2^53; above, it still rounds to a multiple of 1,000.
/// NaN, for which Python raises, gives 0.
#[must_use]
pub fn bucket_response_time(response_time_ms: f64) -> i64 {
    if response_time_ms < 100.0 {
        whole(response_time_ms.round_ties_even())
    } else if response_time_ms < 1_000.0 {
        round_to(response_time_ms, 10)
    } else if response_time_ms < 10_000.0 {
        round_to(response_time_ms, 100)
    } else {
        round_to(response_time_ms, 1_000)
    }
}

/// Rounds a non-negative double to a multiple of `step`, ties to the even multiple.
fn round_to(value: f64, step: i64) -> i64 {
    let floor = whole(value.trunc());
    let has_fraction = value.fract() > 0.0;
    let (multiple, rest) = (floor / step, floor % step);
    let half = step / 2;
    let is_up = rest > half || (rest == half && (has_fraction || multiple % 2 == 1));
    multiple.saturating_add(i64::from(is_up)).saturating_mul(step)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the value is whole; a float-to-integer cast saturates"
)]
fn whole(value: f64) -> i64 {
    value as i64
}

/// How many response times fell under each key: a sorted list, since Locust's rounding leaves about 300 keys at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buckets {
    counts: Vec<(i64, u64)>,
}

impl Buckets {
    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Adds `count` under `key`.
    pub fn add(&mut self, key: i64, count: u64) {
        match self.counts.binary_search_by_key(&key, |&(key, _)| key) {
            Ok(at) => self.counts[at].1 = self.counts[at].1.saturating_add(count),
            Err(at) => self.counts.insert(at, (key, count)),
        }
    }

    /// Replaces the count under `key`, which may be new.
    pub fn set(&mut self, key: i64, count: u64) {
        match self.counts.binary_search_by_key(&key, |&(key, _)| key) {
            Ok(at) => self.counts[at].1 = count,
            Err(at) => self.counts.insert(at, (key, count)),
        }
    }

    /// Forgets `key`; says whether it was there.
    pub fn remove(&mut self, key: i64) -> bool {
        match self.counts.binary_search_by_key(&key, |&(key, _)| key) {
            Ok(at) => {
                self.counts.remove(at);
                true
            }
            Err(_) => false,
        }
    }

    /// The count under `key`, 0 when there is none.
    #[must_use]
    pub fn get(&self, key: i64) -> u64 {
        self.counts
            .binary_search_by_key(&key, |&(key, _)| key)
            .map_or(0, |at| self.counts[at].1)
    }

    /// Keys and counts, keys ascending.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (i64, u64)> + '_ {
        self.counts.iter().copied()
    }

    /// Adds all counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (key, count) in other.iter() {
            self.add(key, count);
        }
    }

    /// Takes the counts of `other` away; a key that reaches zero is gone, as in Locust's `diff_response_time_dicts`.
    pub fn subtract(&mut self, other: &Self) {
        for (key, count) in other.iter() {
            let rest = self.get(key).saturating_sub(count);
            if rest == 0 {
                self.remove(key);
            } else {
                self.set(key, rest);
            }
        }
    }

    /// Locust's walk from the top: the key within which `percent` (0 to 1) of `num_requests` finished, 0 when there is none.
    #[must_use]
    pub fn percentile(&self, num_requests: i64, percent: f64) -> i64 {
        #[expect(clippy::cast_precision_loss, reason = "the same product of doubles as in Python")]
        let below = whole((num_requests as f64 * percent).trunc());
        let mut seen: i64 = 0;
        for (key, count) in self.iter().rev() {
            seen = seen.saturating_add(i64::try_from(count).unwrap_or(i64::MAX));
            if num_requests - seen <= below {
                return key;
            }
        }
        0
    }
}

impl FromIterator<(i64, u64)> for Buckets {
    fn from_iter<I: IntoIterator<Item = (i64, u64)>>(items: I) -> Self {
        let mut buckets = Self::default();
        for (key, count) in items {
            buckets.set(key, count);
        }
        buckets
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The reference: the exact decimal expansion of the double, rounded half to even on its digits, as Python's `round` does.
    fn by_decimal_digits(value: f64) -> i64 {
        let digits = match value {
            v if v < 100.0 => 0,
            v if v < 1_000.0 => 1,
            v if v < 10_000.0 => 2,
            _ => 3,
        };
        // A double has at most 1,074 decimals; `{:.1074}` prints it exactly.
        let text = format!("{:.1074}", value.abs());
        let (integer, fraction) = text.split_once('.').unwrap();
        let integer = format!("{integer:0>4}");
        let (kept, dropped) = integer.split_at(integer.len() - digits);
        let dropped = format!("{dropped}{fraction}");
        let kept: i64 = if kept.is_empty() { 0 } else { kept.parse().unwrap() };
        let is_tie = dropped.starts_with('5') && dropped[1..].bytes().all(|digit| digit == b'0');
        let is_up = if is_tie {
            kept % 2 == 1
        } else {
            dropped.as_bytes()[0] >= b'5'
        };
        let rounded = (kept + i64::from(is_up)) * 10_i64.pow(u32::try_from(digits).unwrap());
        if value < 0.0 { -rounded } else { rounded }
    }

    #[test]
    fn bucket_rounds_half_to_even() {
        for (value, key) in [
            (0.5, 0),
            (1.5, 2),
            (2.5, 2),
            (99.5, 100),
            (99.49, 99),
            (105.0, 100),
            (115.0, 120),
            (147.0, 150),
            (995.0, 1_000),
            (1_050.0, 1_000),
            (1_150.0, 1_200),
            (3_432.0, 3_400),
            (9_950.0, 10_000),
            (10_500.0, 10_000),
            (11_500.0, 12_000),
            (58_760.0, 59_000),
            (-0.5, 0),
            (-1.5, -2),
            (-105.0, -105),
        ] {
            assert_eq!(bucket_response_time(value), key, "{value}");
        }
    }

    proptest! {
        #[test]
        fn bucket_equals_the_decimal_reference(value in prop_oneof![
            -200.0..200_000.0_f64,
            (-400_i64..400_000).prop_map(|halves| halves as f64 / 2.0),
            (0_i64..40_000, -3_i64..=3).prop_map(|(fives, ulps)| {
                let tie = fives as f64 * 5.0;
                f64::from_bits(tie.to_bits().saturating_add_signed(if tie > 0.0 { ulps } else { 0 }))
            }),
            0.0..9e15_f64,
        ]) {
            prop_assert_eq!(bucket_response_time(value), by_decimal_digits(value));
        }

        #[test]
        fn percentile_is_the_order_statistic(values in prop::collection::vec(0_i64..50, 1..200), percent in 0.0..=1.0_f64) {
            let mut buckets = Buckets::default();
            for &value in &values {
                buckets.add(value, 1);
            }
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let rank = ((values.len() as f64 * percent) as usize).min(values.len() - 1);
            prop_assert_eq!(buckets.percentile(i64::try_from(values.len()).expect("a short list"), percent), sorted[rank]);
        }

        #[test]
        fn subtract_undoes_merge(a in prop::collection::btree_map(0_i64..40, 1_u64..9, 0..20), b in prop::collection::btree_map(0_i64..40, 1_u64..9, 0..20)) {
            let (a, b): (Buckets, Buckets) = (a.into_iter().collect(), b.into_iter().collect());
            let mut both = a.clone();
            both.merge(&b);
            both.subtract(&b);
            prop_assert_eq!(both, a);
        }
    }
}

//! The exact distribution: three significant digits of microseconds, whatever the number of samples.
//!
//! A dense `HdrHistogram` needs about 140 KB to reach a minute, too much for a run with 100,000 names. So an entry walks
//! through three forms, each a pure function of the values seen, which keeps merging associative and commutative:
//! the values themselves (up to 32), then only the occupied cells of an `HdrHistogram` (up to 1,024), then the real one.

use hdrhistogram::Histogram as Dense;

/// Up to here the values themselves are kept.
const LISTED_VALUES: usize = 32;
/// Up to here only the occupied cells are kept.
const SPARSE_CELLS: usize = 1_024;
const SIGNIFICANT_DIGITS: u8 = 3;
/// Bits of resolution of an `HdrHistogram` of three digits: 2,048 cells per half of each power of two.
const CELL_BITS: u32 = 11;

/// A distribution of durations in microseconds.
#[derive(Clone, Debug)]
pub struct Histogram {
    form: Form,
    count: u64,
}

#[derive(Clone, Debug)]
enum Form {
    /// Every value, ascending.
    Listed(Vec<u64>),
    /// The lowest value of each occupied cell and its count, ascending.
    Sparse(Vec<(u64, u64)>),
    Dense(Box<Dense<u64>>),
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            form: Form::Listed(Vec::new()),
            count: 0,
        }
    }
}

impl PartialEq for Histogram {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && self.is_listed() == other.is_listed() && self.cells() == other.cells()
    }
}

impl Histogram {
    /// Counts `count` times the value.
    pub fn record(&mut self, value_us: u64, count: u64) {
        if count == 0 {
            return;
        }
        self.count = self.count.saturating_add(count);
        match &mut self.form {
            Form::Listed(values) if self.count <= LISTED_VALUES as u64 => {
                let place = values.partition_point(|&listed| listed <= value_us);
                values.splice(place..place, (0..count).map(|_| value_us));
            }
            Form::Listed(values) => {
                let mut cells = Vec::with_capacity(values.len() + 1);
                for &value in values.iter() {
                    add_cell(&mut cells, value, 1);
                }
                add_cell(&mut cells, value_us, count);
                self.form = Form::Sparse(cells);
            }
            Form::Sparse(cells) => {
                add_cell(cells, value_us, count);
                if cells.len() > SPARSE_CELLS {
                    self.become_dense();
                }
            }
            Form::Dense(dense) => record_dense(dense, value_us, count),
        }
    }

    /// How many values were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Adds all values of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (value_us, count) in other.cells() {
            self.record(value_us, count);
        }
    }

    /// Whether the values themselves are still there, so that ranks are exact to the microsecond.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        matches!(self.form, Form::Listed(_))
    }

    /// The value at each rank (0 is the lowest), within three significant digits; `ranks` must ascend. Ranks beyond the count give the highest.
    #[must_use]
    pub fn at_ranks(&self, ranks: &[u64]) -> Vec<u64> {
        let mut found = Vec::with_capacity(ranks.len());
        let mut seen = 0_u64;
        let mut highest = 0;
        for (value_us, count) in self.cells() {
            seen = seen.saturating_add(count);
            highest = if self.is_listed() {
                value_us
            } else {
                highest_of_cell(value_us)
            };
            while found.len() < ranks.len() && ranks[found.len()] < seen {
                found.push(highest);
            }
            if found.len() == ranks.len() {
                return found;
            }
        }
        found.resize(ranks.len(), highest);
        found
    }

    /// Values (or the lowest values of cells) with their counts, ascending.
    #[must_use]
    pub fn cells(&self) -> Vec<(u64, u64)> {
        match &self.form {
            Form::Listed(values) => {
                let mut cells: Vec<(u64, u64)> = Vec::with_capacity(values.len());
                for &value in values {
                    match cells.last_mut() {
                        Some(last) if last.0 == value => last.1 += 1,
                        _ => cells.push((value, 1)),
                    }
                }
                cells
            }
            Form::Sparse(cells) => cells.clone(),
            Form::Dense(dense) => dense
                .iter_recorded()
                .map(|step| (lowest_of_cell(step.value_iterated_to()), step.count_at_value()))
                .collect(),
        }
    }

    fn become_dense(&mut self) {
        let Form::Sparse(cells) = &self.form else { return };
        // Three digits are always accepted; without a histogram the sparse form simply goes on.
        if let Ok(mut dense) = Dense::new(SIGNIFICANT_DIGITS) {
            for &(value_us, count) in cells {
                record_dense(&mut dense, value_us, count);
            }
            self.form = Form::Dense(Box::new(dense));
        }
    }
}

fn add_cell(cells: &mut Vec<(u64, u64)>, value_us: u64, count: u64) {
    let lowest = lowest_of_cell(value_us);
    match cells.binary_search_by_key(&lowest, |&(lowest, _)| lowest) {
        Ok(at) => cells[at].1 = cells[at].1.saturating_add(count),
        Err(at) => cells.insert(at, (lowest, count)),
    }
}

/// Counts a value; the histogram grows as needed, and what it cannot grow to is counted at its end rather than lost.
fn record_dense(dense: &mut Dense<u64>, value_us: u64, count: u64) {
    if dense.record_n(value_us, count).is_err() {
        dense.saturating_record_n(value_us, count);
    }
}

/// How many low bits an `HdrHistogram` of three digits forgets of this value.
fn cell_shift(value_us: u64) -> u32 {
    (u64::BITS - value_us.leading_zeros()).saturating_sub(CELL_BITS)
}

fn lowest_of_cell(value_us: u64) -> u64 {
    let shift = cell_shift(value_us);
    (value_us >> shift) << shift
}

fn highest_of_cell(value_us: u64) -> u64 {
    lowest_of_cell(value_us) | ((1 << cell_shift(value_us)) - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn recorded(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for &value in values {
            histogram.record(value, 1);
        }
        histogram
    }

    #[test]
    fn grows_through_its_forms() {
        let values: Vec<u64> = (0..5_000).map(|step| step * 7).collect();
        assert!(recorded(&values[..32]).is_listed());
        assert!(matches!(recorded(&values[..33]).form, Form::Sparse(_)));
        let dense = recorded(&values);
        assert!(matches!(dense.form, Form::Dense(_)));
        assert_eq!(dense.count(), 5_000);
        assert_eq!(dense.cells().iter().map(|cell| cell.1).sum::<u64>(), 5_000);
    }

    proptest! {
        #[test]
        fn cells_are_those_of_hdrhistogram(value in 0_u64..1 << 40) {
            let mut dense = Dense::<u64>::new(SIGNIFICANT_DIGITS).unwrap();
            dense.record(value).unwrap();
            prop_assert_eq!(lowest_of_cell(value), dense.lowest_equivalent(value));
            prop_assert_eq!(highest_of_cell(value), dense.highest_equivalent(value));
        }

        #[test]
        fn ranks_are_within_three_digits(mut values in prop::collection::vec(0_u64..100_000_000, 1..3_000), percent in 0.0..1.0_f64) {
            let histogram = recorded(&values);
            values.sort_unstable();
            let rank = (values.len() as f64 * percent) as usize;
            let (found, exact) = (histogram.at_ranks(&[rank as u64])[0], values[rank]);
            prop_assert!(found >= exact && found - exact <= exact / 1_000, "{} for {}", found, exact);
        }

        #[test]
        fn merge_is_associative_and_commutative(parts in prop::collection::vec(prop::collection::vec(0_u64..50_000_000, 0..900), 3)) {
            let [a, b, c] = [&parts[0], &parts[1], &parts[2]].map(|part| recorded(part));
            let join = |x: &Histogram, y: &Histogram| { let mut joined = x.clone(); joined.merge(y); joined };
            prop_assert_eq!(join(&join(&a, &b), &c), join(&a, &join(&b, &c)));
            prop_assert_eq!(join(&a, &b), join(&b, &a));
        }
    }
}

//! Which task comes next, as data: positions in a list that the caller keeps. The same seed gives the same order.

use std::fmt;

/// A source of positions.
#[derive(Clone, Debug)]
pub struct Choice {
    rule: Rule,
    random: fastrand::Rng,
}

#[derive(Clone, Debug)]
enum Rule {
    /// Every position of a list (in which weights are spelled out as repetitions) is as likely as any other.
    Uniform {
        length: usize,
    },
    Weighted(Shares),
    /// One after the other, round and round.
    Sequential {
        length: usize,
        next: usize,
    },
    /// The position after this one depends on this one only.
    Markov {
        rows: Vec<Shares>,
        current: usize,
    },
}

/// Weights summed up, so that a choice is one draw and a binary search.
#[derive(Clone, Debug)]
struct Shares {
    sums: Vec<f64>,
    /// The last position with a weight, for a draw that is rounded up to the total.
    last: usize,
}

/// Why there is nothing to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChoiceError {
    /// A list without members.
    Empty,
    /// A weight that is negative, infinite or not a number.
    BadWeight,
    /// A list whose weights are all zero.
    NoWeight,
    /// A Markov row that does not have one weight per row, or a start outside the rows.
    BadShape,
}

impl fmt::Display for ChoiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "cannot choose from an empty list",
            Self::BadWeight => "weights must be finite numbers that are not negative",
            Self::NoWeight => "at least one weight must be positive",
            Self::BadShape => {
                "a Markov chain needs as many weights in each row as there are rows, and a start among them"
            }
        })
    }
}

impl std::error::Error for ChoiceError {}

impl Choice {
    fn new(rule: Rule, seed: u64) -> Self {
        Self {
            rule,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Every position below `length`, equally likely.
    ///
    /// # Errors
    /// When `length` is zero.
    pub fn uniform(length: usize, seed: u64) -> Result<Self, ChoiceError> {
        if length == 0 {
            Err(ChoiceError::Empty)
        } else {
            Ok(Self::new(Rule::Uniform { length }, seed))
        }
    }

    /// Every position as likely as its weight says.
    ///
    /// # Errors
    /// When there is no positive weight, or one that is no weight.
    pub fn weighted(weights: &[f64], seed: u64) -> Result<Self, ChoiceError> {
        Ok(Self::new(Rule::Weighted(Shares::new(weights)?), seed))
    }

    /// Every position in order, from zero, again and again.
    ///
    /// # Errors
    /// When `length` is zero.
    pub fn sequential(length: usize) -> Result<Self, ChoiceError> {
        if length == 0 {
            Err(ChoiceError::Empty)
        } else {
            Ok(Self::new(Rule::Sequential { length, next: 0 }, 0))
        }
    }

    /// `start`, then each time a position as likely as the row of the one before says.
    ///
    /// # Errors
    /// When the rows are not square, a row has no positive weight, or `start` is not one of them.
    pub fn markov(rows: &[Vec<f64>], start: usize, seed: u64) -> Result<Self, ChoiceError> {
        if rows.is_empty() {
            return Err(ChoiceError::Empty);
        }
        if start >= rows.len() || rows.iter().any(|row| row.len() != rows.len()) {
            return Err(ChoiceError::BadShape);
        }
        let rows = rows.iter().map(|row| Shares::new(row)).collect::<Result<_, _>>()?;
        Ok(Self::new(Rule::Markov { rows, current: start }, seed))
    }

    /// The next position.
    pub fn next_position(&mut self) -> usize {
        match &mut self.rule {
            Rule::Uniform { length } => self.random.usize(..*length),
            Rule::Weighted(shares) => shares.at(self.random.f64()),
            Rule::Sequential { length, next } => {
                let position = *next;
                *next = (position + 1) % *length;
                position
            }
            Rule::Markov { rows, current } => {
                let position = *current;
                *current = rows[position].at(self.random.f64());
                position
            }
        }
    }
}

impl Shares {
    fn new(weights: &[f64]) -> Result<Self, ChoiceError> {
        if weights.is_empty() {
            return Err(ChoiceError::Empty);
        }
        if weights.iter().any(|weight| !weight.is_finite() || *weight < 0.0) {
            return Err(ChoiceError::BadWeight);
        }
        let last = weights
            .iter()
            .rposition(|&weight| weight > 0.0)
            .ok_or(ChoiceError::NoWeight)?;
        let mut total = 0.0;
        let sums: Vec<f64> = weights
            .iter()
            .map(|weight| {
                total += weight;
                total
            })
            .collect();
        if total.is_finite() {
            Ok(Self { sums, last })
        } else {
            Err(ChoiceError::BadWeight)
        }
    }

    /// The position that owns the point `unit` (from `[0, 1)`) of the whole.
    fn at(&self, unit: f64) -> usize {
        let point = unit * self.sums[self.last];
        self.sums.partition_point(|&sum| sum <= point).min(self.last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn positions(mut choice: Choice, count: usize) -> Vec<usize> {
        (0..count).map(|_| choice.next_position()).collect()
    }

    fn tally(choice: Choice, length: usize, draws: usize) -> Vec<f64> {
        let mut shares = vec![0.0; length];
        for position in positions(choice, draws) {
            shares[position] += 1.0 / draws as f64;
        }
        shares
    }

    fn assert_near(shares: &[f64], expected: &[f64]) {
        for (share, expected) in shares.iter().zip(expected) {
            assert!((share - expected).abs() < 0.01, "{shares:?}");
        }
    }

    #[test]
    fn shares_follow_the_weights() {
        assert_near(&tally(Choice::uniform(4, 1).unwrap(), 4, 50_000), &[0.25; 4]);
        assert_near(
            &tally(Choice::weighted(&[0.0, 1.0, 3.0, 0.0], 1).unwrap(), 4, 50_000),
            &[0.0, 0.25, 0.75, 0.0],
        );
    }

    #[test]
    fn sequence_goes_round() {
        assert_eq!(positions(Choice::sequential(3).unwrap(), 7), [0, 1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn markov_chain_begins_at_its_start_and_follows_its_rows() {
        let ring = [vec![0.0, 1.0, 0.0], vec![0.0, 0.0, 1.0], vec![1.0, 0.0, 0.0]];
        assert_eq!(positions(Choice::markov(&ring, 1, 5).unwrap(), 5), [1, 2, 0, 1, 2]);
        let sticky = [vec![3.0, 1.0], vec![1.0, 1.0]];
        assert_near(
            &tally(Choice::markov(&sticky, 0, 5).unwrap(), 2, 100_000),
            &[2.0 / 3.0, 1.0 / 3.0],
        );
    }

    #[test]
    fn nothing_to_choose_from_is_an_error() {
        assert_eq!(Choice::uniform(0, 1).unwrap_err(), ChoiceError::Empty);
        assert_eq!(Choice::sequential(0).unwrap_err(), ChoiceError::Empty);
        assert_eq!(Choice::weighted(&[], 1).unwrap_err(), ChoiceError::Empty);
        assert_eq!(Choice::weighted(&[0.0], 1).unwrap_err(), ChoiceError::NoWeight);
        assert_eq!(Choice::weighted(&[1.0, -1.0], 1).unwrap_err(), ChoiceError::BadWeight);
        assert_eq!(
            Choice::weighted(&[f64::MAX, f64::MAX], 1).unwrap_err(),
            ChoiceError::BadWeight
        );
        assert_eq!(Choice::markov(&[vec![1.0]], 1, 1).unwrap_err(), ChoiceError::BadShape);
        assert_eq!(
            Choice::markov(&[vec![1.0, 1.0]], 0, 1).unwrap_err(),
            ChoiceError::BadShape
        );
    }

    proptest! {
        #[test]
        fn same_seed_gives_the_same_order(seed: u64, weights in prop::collection::vec(0.1_f64..10.0, 1..8)) {
            let twice = |choice: Choice| positions(choice.clone(), 50) == positions(choice, 50);
            prop_assert!(twice(Choice::uniform(weights.len(), seed).unwrap()));
            let [one, other] = [0, 1].map(|_| positions(Choice::weighted(&weights, seed).unwrap(), 50));
            prop_assert_eq!(one, other);
            let rows = vec![weights.clone(); weights.len()];
            let [one, other] = [0, 1].map(|_| positions(Choice::markov(&rows, 0, seed).unwrap(), 50));
            prop_assert_eq!(one, other);
        }

        #[test]
        fn weightless_positions_are_never_chosen(
            weights in prop::collection::vec(prop_oneof![Just(0.0), 0.1_f64..10.0], 1..8), unit in 0.0_f64..=1.0,
        ) {
            if let Ok(shares) = Shares::new(&weights) {
                prop_assert!(weights[shares.at(unit)] > 0.0);
            }
        }
    }
}

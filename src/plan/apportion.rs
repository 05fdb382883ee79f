//! Weights into an endless sequence of choices whose mixture is as close to the weights as it can be at every prefix.
//!
//! Locust's rule: each choice is the one that lowers the Kullback-Leibler divergence between the mixture so far and
//! the wanted one the most. Chosen `x` times (counting its weight as a head start), an option of weight `w` would
//! gain `w * log2(x / (x + 1))`; the smallest wins, ties go to the lower count, then the lower weight, then the
//! earlier option. A heap keeps the next one on top, so a choice among k options costs log k. Weights 5 and 1 give
//! AABAAAAABAAA.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// The sequence. As an [`Iterator`] it is endless, or empty when no weight is positive. Items are the options'
/// positions.
#[derive(Clone, Debug)]
pub struct Apportion {
    /// The best option is the greatest, hence the `Reverse`.
    options: BinaryHeap<Reverse<Candidate>>,
}

/// An option with the arithmetic of its next choice. Ordered by the fields from the top down, which is why they are
/// in this order.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    gain: f64,
    count: f64,
    weight: f64,
    option: usize,
}

impl Apportion {
    /// Options are numbered from zero in the order of `weights`; those whose weight is not positive are never chosen.
    pub fn new(weights: impl IntoIterator<Item = f64>) -> Self {
        let options = weights.into_iter().enumerate();
        let positive = options.filter(|&(_, weight)| weight > 0.0);
        Self {
            options: positive
                .map(|(option, weight)| Reverse(Candidate::new(option, weight)))
                .collect(),
        }
    }
}

impl Iterator for Apportion {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let mut best = self.options.peek_mut()?;
        let Reverse(candidate) = &mut *best;
        candidate.choose();
        Some(candidate.option)
    }
}

impl Candidate {
    fn new(option: usize, weight: f64) -> Self {
        let mut candidate = Self {
            gain: 0.0,
            count: weight,
            weight,
            option,
        };
        candidate.choose();
        candidate
    }

    /// Count one choice more, and say what the one after it would gain.
    fn choose(&mut self) {
        // Adding zero turns a negative zero (an underflow) into the positive one, which `total_cmp` would tell apart.
        self.gain = self.weight * (self.count / (self.count + 1.0)).log2() + 0.0;
        self.count += 1.0;
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.gain.total_cmp(&other.gain))
            .then(self.count.total_cmp(&other.count))
            .then(self.weight.total_cmp(&other.weight))
            .then(self.option.cmp(&other.option))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn letters(weights: &[f64], length: usize) -> String {
        Apportion::new(weights.iter().copied())
            .take(length)
            .map(|option| char::from(b'A' + option as u8))
            .collect()
    }

    #[test]
    fn mixture_is_spread_not_clustered() {
        assert_eq!(letters(&[5.0, 1.0], 12), "AABAAAAABAAA");
        assert_eq!(letters(&[1.0, 1.0, 1.0], 7), "ABCABCA");
        assert_eq!(letters(&[0.2, 0.1], 6), "ABAABA");
    }

    #[test]
    fn options_without_weight_are_never_chosen() {
        assert_eq!(letters(&[0.0, 2.0, -1.0, f64::NAN], 3), "BBB");
        assert_eq!(Apportion::new([0.0, -1.0]).next(), None);
        assert_eq!(Apportion::new([]).next(), None);
    }

    proptest! {
        #[test]
        fn shares_follow_the_weights(weights in prop::collection::vec(1_u32..100, 1..8), rounds in 1_usize..20) {
            let total: u32 = weights.iter().sum();
            let mut counts = vec![0_usize; weights.len()];
            for option in Apportion::new(weights.iter().map(|&w| f64::from(w))).take(total as usize * rounds) {
                counts[option] += 1;
            }
            for (count, weight) in counts.iter().zip(&weights) {
                prop_assert!(count.abs_diff(*weight as usize * rounds) <= 1, "{counts:?} of {weights:?} x {rounds}");
            }
        }

        #[test]
        fn mixture_never_wobbles(weights in prop::collection::vec(0.1_f64..100.0, 1..6)) {
            let total: f64 = weights.iter().sum();
            let mut counts = vec![0.0_f64; weights.len()];
            for (made, option) in Apportion::new(weights.iter().copied()).take(500).enumerate() {
                counts[option] += 1.0;
                for (count, weight) in counts.iter().zip(&weights) {
                    let share = weight / total * (made + 1) as f64;
                    prop_assert!((count - share).abs() <= weights.len() as f64, "{counts:?} of {weights:?}");
                }
            }
        }
    }
}

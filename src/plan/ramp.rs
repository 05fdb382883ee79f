//! From one number of users to another at a rate, in steps: how many at a time, and how long between two steps.
//!
//! A step is `floor(rate)` users, but at least one, and the time between two steps makes up for the rounding, so that
//! the rate is kept exactly in the long run: 2.4 users a second are two users every 0.833 seconds. The first step is
//! due at once.

use std::fmt;
use std::time::Duration;

/// A way from `from` users to `to` users.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ramp {
    from: usize,
    to: usize,
    rate: f64,
}

/// Why a rate cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateError {
    /// Nobody would ever be started.
    NotPositive,
    /// Infinite, or not a number.
    NotFinite,
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPositive => "must be > 0",
            Self::NotFinite => "must be a finite number",
        })
    }
}

impl std::error::Error for RateError {}

impl Ramp {
    /// A ramp that changes the number of users by `rate` per second, upwards or downwards.
    ///
    /// # Errors
    /// When `rate` is not a positive, finite number.
    pub fn new(from: usize, to: usize, rate: f64) -> Result<Self, RateError> {
        if rate <= 0.0 {
            Err(RateError::NotPositive)
        } else if !rate.is_finite() {
            Err(RateError::NotFinite)
        } else {
            Ok(Self { from, to, rate })
        }
    }

    /// Where the ramp ends.
    pub fn to(&self) -> usize {
        self.to
    }

    /// How many users one step starts or stops; the last step may be smaller.
    pub fn users_per_step(&self) -> usize {
        (self.rate.floor() as usize).max(1)
    }

    /// Seconds between two steps. There is no wait before the first step and none after the last.
    pub fn wait_between_steps_s(&self) -> f64 {
        self.rate.floor().max(1.0) / self.rate
    }

    /// How many steps the ramp takes.
    pub fn steps(&self) -> usize {
        self.from.abs_diff(self.to).div_ceil(self.users_per_step())
    }

    /// How many users should exist one step after there were `current`. Never passes `to`.
    pub fn after_step(&self, current: usize) -> usize {
        let step = self.users_per_step();
        if current < self.to {
            current.saturating_add(step).min(self.to)
        } else {
            current.saturating_sub(step).max(self.to)
        }
    }

    /// How many users should exist `elapsed` after the ramp began. Monotone in `elapsed`; never overshoots `to`.
    pub fn target(&self, elapsed: Duration) -> usize {
        let waits = elapsed.as_secs_f64() / self.wait_between_steps_s();
        let moved = (waits as usize).saturating_add(1).saturating_mul(self.users_per_step());
        if self.from < self.to {
            self.from.saturating_add(moved).min(self.to)
        } else {
            self.from.saturating_sub(moved).max(self.to)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ramp(from: usize, to: usize, rate: f64) -> Ramp {
        Ramp::new(from, to, rate).unwrap()
    }

    #[test]
    fn rate_below_one_starts_one_user_at_a_time() {
        let slow = ramp(0, 3, 0.5);
        assert_eq!(
            (slow.users_per_step(), slow.wait_between_steps_s(), slow.steps()),
            (1, 2.0, 3)
        );
        let at = |seconds| slow.target(Duration::from_secs_f64(seconds));
        assert_eq!([at(0.0), at(1.99), at(2.0), at(4.0), at(1e9)], [1, 1, 2, 3, 3]);
    }

    #[test]
    fn fraction_of_the_rate_goes_into_the_wait() {
        let ramp = ramp(0, 9, 2.4);
        assert_eq!(
            (ramp.users_per_step(), ramp.wait_between_steps_s(), ramp.steps()),
            (2, 2.0 / 2.4, 5)
        );
    }

    #[test]
    fn no_way_to_go_takes_no_step() {
        assert_eq!(
            (ramp(7, 7, 1.0).steps(), ramp(7, 7, 1.0).target(Duration::ZERO)),
            (0, 7)
        );
    }

    #[test]
    fn rate_must_be_positive_and_finite() {
        for (rate, why) in [
            (0.0, RateError::NotPositive),
            (-1.0, RateError::NotPositive),
            (f64::NEG_INFINITY, RateError::NotPositive),
            (f64::INFINITY, RateError::NotFinite),
            (f64::NAN, RateError::NotFinite),
        ] {
            assert_eq!(Ramp::new(0, 1, rate), Err(why));
        }
    }

    proptest! {
        #[test]
        fn target_is_monotone_and_never_overshoots(
            from in 0_usize..100_000,
            to in 0_usize..100_000,
            rate in 1e-3_f64..1e6,
            a in 0_u64..10_000_000,
            b in 0_u64..10_000_000,
        ) {
            let ramp = ramp(from, to, rate);
            let [early, late] = [a.min(b), a.max(b)].map(|ms| ramp.target(Duration::from_millis(ms)));
            prop_assert!((from.min(to)..=from.max(to)).contains(&early));
            prop_assert!((from.min(to)..=from.max(to)).contains(&late));
            let is_monotone = if from < to { early <= late } else { early >= late };
            prop_assert!(is_monotone);
        }

        #[test]
        fn steps_arrive_exactly(from in 0_usize..5_000, to in 0_usize..5_000, rate in 0.1_f64..500.0) {
            let ramp = ramp(from, to, rate);
            let mut current = from;
            for _ in 0..ramp.steps() {
                let next = ramp.after_step(current);
                prop_assert!(next != current && current.abs_diff(next) <= ramp.users_per_step());
                current = next;
            }
            prop_assert_eq!(current, to);
        }

        #[test]
        fn rate_is_kept_in_the_long_run(rate in 0.01_f64..1e5) {
            let ramp = ramp(0, usize::MAX, rate);
            let per_second = ramp.users_per_step() as f64 / ramp.wait_between_steps_s();
            prop_assert!((per_second / rate - 1.0).abs() < 1e-12);
        }

        #[test]
        fn extremes_do_not_panic(
            from: usize,
            to: usize,
            rate in prop_oneof![Just(1e-300), Just(f64::MAX), Just(f64::MIN_POSITIVE)],
            s: u64,
        ) {
            let ramp = ramp(from, to, rate);
            let target = ramp.target(Duration::from_secs(s));
            prop_assert!((from.min(to)..=from.max(to)).contains(&target));
        }
    }
}

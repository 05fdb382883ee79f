//! How long a user rests between two tasks, as data: whoever keeps the time brings the clock and the random numbers.
//!
//! Seconds are plain `f64` here, not `Duration`: they are what the user wrote and what Locust's attributes hold, and
//! may be negative (which means no rest).

/// A rule for the rest between two tasks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wait {
    /// Always the same.
    Constant {
        /// The rest.
        wait_s: f64,
    },
    /// Uniform between two limits.
    Between {
        /// The shortest rest.
        min_s: f64,
        /// The longest rest.
        max_s: f64,
    },
    /// What is left of a period after the task, so that tasks start at an even pace. Lost time is not caught up.
    Pacing {
        /// From start to start.
        period_s: f64,
    },
    /// Exponentially distributed, so that tasks arrive as a Poisson process.
    Poisson {
        /// Mean arrivals per second.
        rate: f64,
    },
}

/// What [`Wait::Pacing`] remembers from one rest to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    /// When the last rest was asked for, in seconds of the caller's monotonic clock.
    pub last_run_s: f64,
    /// How long that rest was to be.
    pub last_wait_s: f64,
}

impl Wait {
    /// Tasks that start `rate` times a second.
    pub fn throughput(rate: f64) -> Self {
        Self::Pacing { period_s: 1.0 / rate }
    }

    /// Whether this rule remembers anything in [`Pace`].
    pub fn is_paced(&self) -> bool {
        matches!(self, Self::Pacing { .. })
    }

    /// Whether this rule draws a random number.
    pub fn is_random(&self) -> bool {
        matches!(self, Self::Between { .. } | Self::Poisson { .. })
    }

    /// Whether this rule never rests, whatever happens.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Constant { wait_s } if *wait_s <= 0.0)
    }

    /// The next rest in seconds, asked for at `now_s`. `unit` draws a uniform number from `[0, 1)`, once at most.
    pub fn next_s(&self, now_s: f64, pace: &mut Pace, unit: impl FnOnce() -> f64) -> f64 {
        match *self {
            Self::Constant { wait_s } => wait_s,
            Self::Between { min_s, max_s } => min_s + unit() * (max_s - min_s),
            Self::Pacing { period_s } => {
                let ran_s = now_s - pace.last_run_s - pace.last_wait_s;
                *pace = Pace {
                    last_run_s: now_s,
                    last_wait_s: (period_s - ran_s).max(0.0),
                };
                pace.last_wait_s
            }
            Self::Poisson { rate } => -(1.0 - unit()).ln() / rate,
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these sums are exact")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn next_s(wait: Wait, unit: f64) -> f64 {
        wait.next_s(0.0, &mut Pace::default(), || unit)
    }

    #[test]
    fn constant_is_constant() {
        assert_eq!(next_s(Wait::Constant { wait_s: 13.0 }, 0.5), 13.0);
        assert!(Wait::Constant { wait_s: 0.0 }.is_none() && !Wait::Constant { wait_s: 0.1 }.is_none());
    }

    #[test]
    fn pacing_fills_up_the_period_and_forgets_lost_time() {
        let wait = Wait::throughput(0.1);
        let mut pace = Pace {
            last_run_s: 100.0,
            last_wait_s: 0.0,
        };
        let mut at = |now_s| wait.next_s(now_s, &mut pace, || unreachable!());
        assert_eq!(at(103.0), 7.0); // the task took 3 s
        assert_eq!(at(114.0), 6.0); // rested until 110, the task took 4 s
        assert_eq!(at(145.0), 0.0); // rested until 120, the task took 25 s
        assert_eq!(at(146.0), 9.0); // and nothing of that is caught up
    }

    proptest! {
        #[test]
        fn between_stays_between(min_s in 0.0_f64..10.0, span_s in 0.0_f64..10.0, unit in 0.0_f64..1.0) {
            let max_s = min_s + span_s;
            let wait_s = next_s(Wait::Between { min_s, max_s }, unit);
            prop_assert!((min_s..=max_s).contains(&wait_s));
        }

        #[test]
        fn poisson_is_finite_and_not_negative(rate in 1e-3_f64..1e3, unit in 0.0_f64..1.0) {
            let wait_s = next_s(Wait::Poisson { rate }, unit);
            prop_assert!(wait_s >= 0.0 && wait_s.is_finite());
        }

        #[test]
        fn paced_starts_are_never_closer_than_the_period(
            period_s in 0.01_f64..10.0, tasks_s in prop::collection::vec(0.0_f64..20.0, 1..50),
        ) {
            let wait = Wait::Pacing { period_s };
            let (mut now_s, mut pace) = (0.0, Pace::default());
            for task_s in tasks_s {
                let started_s = now_s;
                now_s += task_s;
                now_s += wait.next_s(now_s, &mut pace, || unreachable!());
                prop_assert!(now_s - started_s >= period_s.max(task_s) - 1e-9);
                prop_assert!(now_s - started_s <= period_s.max(task_s) + 1e-9);
            }
        }
    }

    #[test]
    fn poisson_has_the_right_mean() {
        let mut random = fastrand::Rng::with_seed(7);
        let wait = Wait::Poisson { rate: 4.0 };
        let total: f64 = (0..100_000).map(|_| next_s(wait, random.f64())).sum();
        assert!((total / 100_000.0 - 0.25).abs() < 0.005);
    }
}

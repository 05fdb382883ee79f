//! Users over classes and workers, step by step: Locust's users dispatcher as a state machine without a clock.
//!
//! Whoever drives it asks [`Dispatcher::decide`] what to do, waits if told so, calls [`Dispatcher::step`] and shows
//! [`Dispatcher::spread`]. A local run is the case of one worker.
//!
//! | state ↓ / asked to decide | the workers have changed | target not reached | target reached, or nobody to start |
//! |---|---|---|---|
//! | `Ended` | end | end | end |
//! | `Begun` | show → `Stepping`, or `Last` at the target | step → `Stepping` | show → `Last` |
//! | `Stepping` | show, once a step | pause, step (no pause before the first) | end → `Ended` |
//! | `Last` | end → `Ended` | end → `Ended` | end → `Ended` |
//!
//! When workers come or go, all users are distributed anew from zero, and the very next decision shows the result.

use std::fmt;

use super::ramp::{Ramp, RateError};
use super::roster::{Roster, UserClass};
use super::spread::{Spread, in_turn};

/// What the driver does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Hand out the present spread, without a step.
    Show,
    /// Take a step now, and hand out the result.
    Step,
    /// Wait as long as the ramp says, then take a step and hand out the result.
    PauseThenStep,
    /// The dispatch is over.
    End,
}

/// A user is to be started whose class was not among those the dispatcher was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownClass(pub String);

impl fmt::Display for UnknownClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the dispatcher was made without the user class {}", self.0)
    }
}

impl std::error::Error for UnknownClass {}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Ended,
    Begun,
    Stepping {
        /// Whether a step was taken that the next one has to keep its distance from.
        is_pause_due: bool,
        /// Whether a change of workers is shown before the next step. After it was shown, a second change waits for
        /// that step.
        may_show: bool,
    },
    Last,
}

/// The state machine.
#[derive(Clone, Debug)]
pub struct Dispatcher {
    /// Ids of the live workers, in the order of their turns.
    workers: Vec<String>,
    roster: Roster,
    /// The column of each of the roster's classes, so that placing a user needs no search.
    columns: Vec<Option<usize>>,
    spread: Spread,
    ramp: Option<Ramp>,
    phase: Phase,
    /// Between the first decision of a dispatch and its end. Beginning another one does not touch it.
    is_in_progress: bool,
    /// Workers have changed and nobody has been shown the result.
    is_rebalanced: bool,
    /// The last step found nobody to start: only fixed counts are declared, and they are met.
    is_exhausted: bool,
}

impl Dispatcher {
    /// A dispatcher with no users, for these workers (ids) and classes. Nothing happens before [`Dispatcher::begin`].
    pub fn new(workers: &[String], classes: Vec<UserClass>) -> Self {
        let mut names: Vec<String> = classes.iter().map(|class| class.name.clone()).collect();
        names.sort();
        names.dedup();
        let spread = Spread::new(workers, names.into());
        let workers = in_turn(workers)
            .into_iter()
            .map(|position| workers[position].clone())
            .collect();
        Self::with(workers, Roster::new(classes), spread)
    }

    fn with(workers: Vec<String>, roster: Roster, spread: Spread) -> Self {
        let columns = roster.names().map(|name| spread.column(name)).collect();
        Self {
            workers,
            roster,
            columns,
            spread,
            ramp: None,
            phase: Phase::Ended,
            is_in_progress: false,
            is_rebalanced: false,
            is_exhausted: false,
        }
    }

    /// Begin a dispatch: from the present number of users to `target`, `rate` users a second. One under way is dropped.
    ///
    /// # Errors
    /// When `rate` is not a positive, finite number; nothing has changed then.
    pub fn begin(&mut self, target: usize, rate: f64) -> Result<(), RateError> {
        self.ramp = Some(Ramp::new(self.users(), target, rate)?);
        self.phase = Phase::Begun;
        self.is_exhausted = false;
        Ok(())
    }

    /// Read the numbers of the same classes anew, since they may have been edited.
    pub fn refresh(&mut self, classes: Vec<UserClass>) {
        self.roster.refresh(classes);
    }

    /// Start users of other classes from here on. Users that exist stay; classes must be among those of
    /// [`Dispatcher::new`].
    pub fn replace(&mut self, classes: Vec<UserClass>) {
        self.roster.replace(classes);
        self.columns = self.roster.names().map(|name| self.spread.column(name)).collect();
    }

    /// A worker has come: all users are distributed anew.
    ///
    /// # Errors
    /// When a user of an unknown class would have to be started.
    pub fn add_worker(&mut self, worker: String) -> Result<(), UnknownClass> {
        self.workers.push(worker);
        self.workers = in_turn(&self.workers)
            .into_iter()
            .map(|position| self.workers[position].clone())
            .collect();
        self.rebalance()
    }

    /// A worker is gone: all users are distributed anew. When it was the last one, nothing changes until another comes.
    ///
    /// # Errors
    /// When a user of an unknown class would have to be started.
    pub fn remove_worker(&mut self, worker: &str) -> Result<(), UnknownClass> {
        self.workers.retain(|known| known != worker);
        if self.workers.is_empty() {
            Ok(())
        } else {
            self.rebalance()
        }
    }

    /// How `users` would be spread if they all started now, from zero, on the present workers.
    ///
    /// # Errors
    /// When a user of an unknown class would have to be started.
    pub fn distributed(&self, users: usize) -> Result<Self, UnknownClass> {
        let mut roster = self.roster.clone();
        roster.recheck_fixed();
        roster.restart();
        let spread = self.spread.emptied(&self.workers);
        let mut fresh = Self::with(self.workers.clone(), roster, spread);
        fresh.place_until(users)?;
        Ok(fresh)
    }

    fn rebalance(&mut self) -> Result<(), UnknownClass> {
        let fresh = self.distributed(self.users())?;
        self.roster = fresh.roster;
        self.spread = fresh.spread;
        self.is_rebalanced = true;
        Ok(())
    }

    /// What to do next. Each call moves on: do what it says before asking again.
    pub fn decide(&mut self) -> Decision {
        let has_arrived = self.ramp.is_none_or(|ramp| ramp.to() == self.users());
        match self.phase {
            Phase::Begun => {
                self.is_in_progress = true;
                let is_rebalanced = std::mem::take(&mut self.is_rebalanced);
                if has_arrived {
                    self.phase = Phase::Last;
                    Decision::Show
                } else if is_rebalanced {
                    self.phase = Phase::Stepping {
                        is_pause_due: false,
                        may_show: false,
                    };
                    Decision::Show
                } else {
                    self.phase = Phase::Stepping {
                        is_pause_due: true,
                        may_show: true,
                    };
                    Decision::Step
                }
            }
            Phase::Stepping {
                is_pause_due,
                may_show: true,
            } if self.is_rebalanced => {
                self.is_rebalanced = false;
                self.phase = Phase::Stepping {
                    is_pause_due,
                    may_show: false,
                };
                Decision::Show
            }
            Phase::Stepping { is_pause_due, .. } if !has_arrived && !self.is_exhausted => {
                self.phase = Phase::Stepping {
                    is_pause_due: true,
                    may_show: true,
                };
                if is_pause_due {
                    Decision::PauseThenStep
                } else {
                    Decision::Step
                }
            }
            Phase::Ended => Decision::End,
            Phase::Stepping { .. } | Phase::Last => {
                self.phase = Phase::Ended;
                self.is_in_progress = false;
                Decision::End
            }
        }
    }

    /// Start or remove the users of one step: LIFO when removing.
    ///
    /// # Errors
    /// When a user of an unknown class would have to be started. The dispatch is over then.
    pub fn step(&mut self) -> Result<(), UnknownClass> {
        let Some(ramp) = self.ramp else {
            return Ok(());
        };
        let goal = ramp.after_step(self.users());
        if goal >= self.users() {
            return self.place_until(goal).inspect_err(|_| self.phase = Phase::Ended);
        }
        while self.users() > goal && self.spread.take() {}
        self.roster.recheck_fixed();
        Ok(())
    }

    fn place_until(&mut self, goal: usize) -> Result<(), UnknownClass> {
        while self.users() < goal && self.place()?.is_some() {}
        self.is_exhausted = self.users() < goal;
        Ok(())
    }

    /// Start one user more; its class's name, or none when there is nobody to start or no worker to start it on.
    ///
    /// # Errors
    /// When that user is of an unknown class.
    pub fn place(&mut self) -> Result<Option<&str>, UnknownClass> {
        let Some(class) = self.roster.next(|name| self.spread.users_of(name)) else {
            return Ok(None);
        };
        let name = self.roster.name(class);
        match self.columns[class] {
            Some(column) => Ok(self.spread.put(column).then_some(name)),
            None => Err(UnknownClass(name.to_owned())),
        }
    }

    /// Who should be where.
    pub fn spread(&self) -> &Spread {
        &self.spread
    }

    /// How many users should exist.
    pub fn users(&self) -> usize {
        self.spread.users()
    }

    /// Seconds to wait when [`Decision::PauseThenStep`] says so; zero before the first dispatch.
    pub fn wait_between_steps_s(&self) -> f64 {
        self.ramp.map_or(0.0, |ramp| ramp.wait_between_steps_s())
    }

    /// Whether a dispatch has been asked for its first decision and has not ended.
    pub fn is_in_progress(&self) -> bool {
        self.is_in_progress
    }

    /// Whether workers have changed and nobody has been shown the new spread.
    pub fn is_rebalanced(&self) -> bool {
        self.is_rebalanced
    }
}

#[cfg(test)]
mod tests;

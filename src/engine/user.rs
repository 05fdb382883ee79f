//! What one user may do next.
//!
//! | input \ state     | Spawning        | Running                    | Waiting                   | Stopping          | Ended |
//! |-------------------|-----------------|----------------------------|---------------------------|-------------------|-------|
//! | `Started`         | Running         | .                          | .                         | . (stop overtook) | .     |
//! | `TaskDone`        | -               | Waiting                    | -                         | . (`on_stop` next)  | .     |
//! | `Deadline`        | -               | .                          | Running                   | . (late bell)     | .     |
//! | `Stop(graceful)`  | Stopping, kill  | Stopping (task may finish) | Stopping, kill            | .                 | .     |
//! | `Stop(now)`       | Stopping, kill  | Stopping, kill             | Stopping, kill            | ., kill           | .     |
//! | `Gone`            | Ended           | Ended                      | Ended                     | Ended             | .     |
//!
//! `.` = stays, `-` = cannot happen (stays, and a debug build asserts). *Kill* means that the greenlet is to be ended now, which
//! still runs `on_stop`. A user that was stopped before it ran, or while it waits, has nothing to finish.

use std::sync::atomic::{AtomicU8, Ordering};

/// Where a user is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// Built, its greenlet has not run yet.
    Spawning,
    /// In `on_start` or in a task.
    Running,
    /// Between two tasks.
    Waiting,
    /// Told to stop; a running task may finish.
    Stopping,
    /// Its greenlet has ended.
    Ended,
}

/// What can happen to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Its greenlet runs.
    Started,
    /// A task returned, the wait begins.
    TaskDone,
    /// The wait is over.
    Deadline,
    /// It shall stop; `now` does not let a running task finish.
    Stop {
        /// Whether a running task is cut short.
        now: bool,
    },
    /// Its greenlet has ended.
    Gone,
}

/// What the caller must do about a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Go,
    /// End the greenlet now.
    Kill,
}

/// The table above.
#[must_use]
pub fn next(state: State, input: Input) -> (State, Action) {
    use Action::{Go, Kill};
    use State::{Ended, Running, Spawning, Stopping, Waiting};
    match (state, input) {
        (Ended, _) | (_, Input::Gone) => (Ended, Go),
        (Spawning, Input::Started) | (Waiting, Input::Deadline) => (Running, Go),
        (Running, Input::TaskDone) => (Waiting, Go),
        (Running | Stopping, Input::Stop { now: false }) => (Stopping, Go),
        (_, Input::Stop { .. }) => (Stopping, Kill),
        (Running | Waiting | Stopping, Input::Started)
        | (Running | Stopping | Spawning, Input::Deadline)
        | (Stopping | Spawning | Waiting, Input::TaskDone) => (state, Go),
    }
}

/// One user's state, readable from any thread.
#[derive(Debug)]
pub struct Seat {
    state: AtomicU8,
}

impl Default for Seat {
    fn default() -> Self {
        Self {
            state: AtomicU8::new(State::Spawning as u8),
        }
    }
}

impl Seat {
    /// Where the user is now.
    #[must_use]
    pub fn state(&self) -> State {
        match self.state.load(Ordering::Acquire) {
            0 => State::Spawning,
            1 => State::Running,
            2 => State::Waiting,
            3 => State::Stopping,
            _ => State::Ended,
        }
    }

    /// Applies `input` and says what to do about it. Called under Python's interpreter lock only, so a load and a store suffice.
    pub fn step(&self, input: Input) -> Action {
        let (state, action) = next(self.state(), input);
        self.state.store(state as u8, Ordering::Release);
        action
    }

    /// Puts the user into `state` regardless of the table: for code that assigns Locust's `user._state` itself.
    pub fn force(&self, state: State) {
        self.state.store(state as u8, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STATES: [State; 5] = [
        State::Spawning,
        State::Running,
        State::Waiting,
        State::Stopping,
        State::Ended,
    ];

    #[test]
    fn stop_overtakes_start() {
        let seat = Seat::default();
        assert_eq!(seat.step(Input::Stop { now: false }), Action::Kill);
        assert_eq!(seat.step(Input::Started), Action::Go);
        assert_eq!(seat.state(), State::Stopping);
    }

    #[test]
    fn a_running_task_may_finish_and_a_waiting_user_has_nothing_to_finish() {
        assert_eq!(
            next(State::Running, Input::Stop { now: false }),
            (State::Stopping, Action::Go)
        );
        assert_eq!(
            next(State::Waiting, Input::Stop { now: false }),
            (State::Stopping, Action::Kill)
        );
    }

    #[test]
    fn a_late_bell_does_not_wake_a_stopping_user() {
        assert_eq!(next(State::Stopping, Input::Deadline), (State::Stopping, Action::Go));
        assert_eq!(next(State::Stopping, Input::TaskDone), (State::Stopping, Action::Go));
    }

    #[test]
    fn stop_now_kills_whatever_lives() {
        for state in STATES {
            let wanted = if state == State::Ended {
                (State::Ended, Action::Go)
            } else {
                (State::Stopping, Action::Kill)
            };
            assert_eq!(next(state, Input::Stop { now: true }), wanted);
        }
    }

    fn any_input() -> impl Strategy<Value = Input> {
        prop_oneof![
            Just(Input::Started),
            Just(Input::TaskDone),
            Just(Input::Deadline),
            any::<bool>().prop_map(|now| Input::Stop { now }),
            Just(Input::Gone),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_a_stopped_user_never_runs_again(inputs in prop::collection::vec(any_input(), 0..40)) {
            let seat = Seat::default();
            let (mut stopped, mut ended) = (false, false);
            for input in inputs {
                seat.step(input);
                stopped |= matches!(input, Input::Stop { .. });
                ended |= input == Input::Gone;
                prop_assert!(!ended || seat.state() == State::Ended);
                prop_assert!(!stopped || matches!(seat.state(), State::Stopping | State::Ended));
            }
        }
    }
}

//! What the load should be. Pure: no clock, no I/O, no async, no Python.
//!
//! Everything here is arithmetic that can be asked twice and answers the same twice: the caller brings the elapsed
//! time and the random numbers. It must not know what a greenlet, a socket or a statistic is; `engine` carries the
//! plan out, `bindings` shows it to Python. The rules are Locust's, step by step, since locustfiles and their readers
//! rely on the exact order.
//!
//! - [`ramp`]: from one number of users to another at a rate: how many, and how long between the steps.
//! - [`apportion`]: weights into a sequence of choices whose mixture is right at every prefix.
//! - [`roster`]: which user class comes next: missing fixed counts first, then by weight.
//! - [`spread`]: which worker comes next, and how many users of which class each has.
//! - [`dispatcher`]: the four above as one state machine: users over classes and workers, step by step.
//! - [`wait`]: how long a user rests between two tasks.
//!
//! Which task comes next is no arithmetic: lists of tasks and transitions are Python's, and may change between two draws.

pub mod apportion;
pub mod dispatcher;
pub mod ramp;
pub mod roster;
pub mod spread;
pub mod wait;

pub use apportion::Apportion;
pub use dispatcher::{Decision, Dispatcher, UnknownClass};
pub use ramp::{Ramp, RateError};
pub use roster::UserClass;
pub use wait::{Pace, Wait};

//! The built-in target: a small HTTP/1.1 server to shoot at, so that the demo, the tests and newcomers need nothing else.
//!
//! It answers every path alike, after a delay it keeps to a fraction of a millisecond, and counts what it has answered; `/count`
//! tells the count. It must never be the bottleneck of a test, so its request path allocates little and locks nothing unless a
//! delay was asked for. It knows none of the other rooms, and none of them knows it.
//!
//! - `server`: threads, connections, start and stop.
//! - `answer`: what one request is answered with. Pure.
//! - `alarm`: wakes a task at an instant, more finely than tokio's timer does.

mod alarm;
mod answer;
mod server;

pub use self::{answer::Manner, server::Server};

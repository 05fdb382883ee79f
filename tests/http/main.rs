//! The `http` room against real sockets: what is sent, what comes back, and what is said when something breaks.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod body;
mod failure;
mod hostile;
mod liars;
mod multiplexed;
mod pieces;
mod proxy;
mod redirect;
mod reuse;
mod streams;
mod support;
mod timing;
mod tls;
mod urls;
mod ways;

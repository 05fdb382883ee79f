//! Rocust: Locust's Python, a Rust engine.
//!
//! A map of the crate, from the bottom up. Imports go down only:
//! `bindings -> engine -> {http, stats, plan} -> {error, ids}`; `http`, `stats` and `plan` never see each other.
//!
//! - [`plan`]: what the load should be. Pure: no clock, no I/O, no async.
//! - [`stats`]: what was measured. No I/O.
//! - [`http`]: one exchange on the wire. Knows no users and no statistics.
//! - [`engine`]: runs the plan; knows users only as handles.
//! - [`demo`]: the built-in target server, something to shoot at.
//! - `bindings`: the only place that knows Python (feature `python`).

pub mod demo;
pub mod engine;
pub mod error;
pub mod http;
pub mod ids;
pub mod plan;
pub mod stats;

#[cfg(feature = "python")]
mod bindings;

/// What one thread allocates another frees, at every request. Beside glibc's allocator: about 15 % less CPU a request.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

//! Where a loop's callers are waited for: one port per event loop, with the mailbox that lanes post to.

use std::io;

use super::doorbell::Doorbell;
use super::exchange::Finished;
use super::mailbox::Mailbox;
use crate::ids::TicketId;

/// What a parked caller is woken with.
#[derive(Debug)]
pub enum Post {
    /// Its exchange ended.
    Exchange(TicketId, Box<Finished>),
    /// Its deadline passed.
    Deadline(TicketId),
    /// Its exchange was lost to a panic in the engine.
    Lost(TicketId),
}

/// One loop's letter box.
pub type Port = Mailbox<Post, Doorbell>;

/// A new port, empty and silent.
///
/// # Errors
/// When the process has no file descriptor left for the bell.
pub fn open() -> io::Result<Port> {
    Ok(Mailbox::new(Doorbell::new()?))
}

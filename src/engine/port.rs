//! Where a loop's callers are waited for: one port per event loop, with the mailbox that lanes post to.

use std::io;

use super::doorbell::Doorbell;
use super::exchange::Finished;
use super::mailbox::Mailbox;
use crate::http::{Failure, Piece};
use crate::ids::TicketId;

/// What a parked caller is woken with.
#[derive(Debug)]
pub enum Post {
    /// Its exchange ended.
    Exchange(TicketId, Box<Finished>),
    /// Its deadline passed.
    Deadline(TicketId),
    /// The next piece of a response body is there, or the body broke off.
    Piece(TicketId, Box<Result<Piece, Failure>>),
    /// The next piece of its request body is wanted.
    Ask(TicketId),
    /// Its request body is wanted once more, from the beginning.
    Rewind(TicketId),
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

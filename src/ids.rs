//! Newtypes for the numbers that travel between rooms, so that one cannot be mistaken for another.

/// Which (method, name) pair a sample belongs to. Handed out by [`crate::stats::Ledger::intern`], valid for that ledger only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId(pub u32);

/// One parked caller: what the engine hands back through the mailbox so that the right greenlet goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TicketId(pub u64);

/// One deadline of the engine's timers, unique in the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeadlineId(pub u64);

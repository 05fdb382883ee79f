//! The crate's own error: what went wrong with *us*. What goes wrong with the system under test is data ([`crate::http::Failure`]).

use std::fmt;

/// Why the engine could not do what it was asked.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Forked,
    Start,
    Stopped,
}

impl Error {
    /// The engine was started in a parent process and this is its forked child.
    #[must_use]
    pub fn forked() -> Self {
        Self {
            kind: Kind::Forked,
            source: None,
        }
    }

    /// The engine's threads or descriptors could not be made.
    pub fn start(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self {
            kind: Kind::Start,
            source: Some(Box::new(source)),
        }
    }

    /// A lane is gone: its thread panicked.
    #[must_use]
    pub fn stopped() -> Self {
        Self {
            kind: Kind::Stopped,
            source: None,
        }
    }

    /// Whether this is a forked child that inherited its parent's engine.
    #[must_use]
    pub fn is_forked(&self) -> bool {
        self.kind == Kind::Forked
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Forked => f.write_str(
                "the engine was started before this process was forked, and its threads did not survive the fork; \
                 hint: fork first, send the first request afterwards",
            ),
            Kind::Start => f.write_str("the engine could not be started"),
            Kind::Stopped => f.write_str("an I/O thread of the engine has ended unexpectedly; the run cannot go on"),
        }?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_ref()
            .map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}

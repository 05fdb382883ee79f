//! A user's cookies.

use http::{HeaderMap, HeaderValue};

use super::response::Sent;

/// One cookie.
#[derive(Clone, Debug)]
pub struct Cookie {}

/// A user's cookies.
#[derive(Debug, Default)]
pub struct Jar {}

impl Jar {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        true
    }

    pub(crate) fn header_for(
        &self,
        _: &Sent,
        _: bool,
        _: &[(String, String)],
    ) -> Option<HeaderValue> {
        None
    }

    pub(crate) fn store(&self, _: &HeaderMap, _: &Sent) {}
}

//! How one request travels: the seam between the rules of HTTP (redirects, cookies, decoding) and the wire.
//!
//! The roads: [`direct`], a connection of the session's own for one request at a time, and [`multiplexed`], one for all of
//! them; to the target, or to a proxy, which is told about the target ([`forward`]) or asked for a way to it. Another
//! road joins here, taking the same [`Order`] and giving the same [`Answer`]; nothing above this file has to change for it.

pub(crate) mod direct;
mod forward;
pub(crate) mod multiplexed;

use bytes::Bytes;
use http::response::Parts;
use std::time::Duration;
use tokio::time::Instant;

use super::failure::Failure;
use super::feed::Feed;
use super::flow::Flow;
use super::proxy::Proxy;
use super::redirect::RedirectRule;
use super::response::Sent;
use super::session::Session;
use super::spelling::Spelling;
use super::timeline::Timeline;
use super::tls::{Tickets, TlsSettings};
use super::wire::WireOptions;
use std::sync::Arc;

/// One request to put on the wire; no redirects, no decoding.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    pub(crate) sent: &'a Sent,
    pub(crate) spelling: Option<&'a Spelling>,
    pub(crate) tls: &'a Arc<TlsSettings>,
    /// Through which proxy.
    pub(crate) proxy: Option<&'a Arc<Proxy>>,
    pub(crate) wire: &'a WireOptions,
    pub(crate) tickets: &'a Tickets,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) read_timeout: Option<Duration>,
    pub(crate) max_body_bytes: Option<u64>,
    /// By which rule redirects are followed, and how many.
    pub(crate) follows: Option<(&'a RedirectRule, u32)>,
    /// Whether the answer is wanted as soon as its head is there.
    pub(crate) is_streamed: bool,
    /// When this request began, for idle times and silence; spares reading the clock again.
    pub(crate) begun: Instant,
}

impl Order<'_> {
    /// Whether a response with this head is followed to somewhere else, so that nobody wants its body.
    pub(crate) fn leads_on(&self, head: &Parts) -> bool {
        self.follows
            .is_some_and(|(rule, limit)| rule.location(head.status.as_u16(), &head.headers, limit).is_some())
    }

    /// Whether there is more to send than a head.
    pub(crate) fn has_body(&self) -> bool {
        self.sent.feed.is_some() || self.sent.body.as_ref().is_some_and(|body| !body.is_empty())
    }

    /// Whether a part of the body has left the caller's hands, so that the order cannot be sent as if it were new.
    pub(crate) fn is_partly_taken(&self) -> bool {
        self.sent.feed.as_ref().is_some_and(Feed::is_begun)
    }
}

/// The response to an [`Order`], its body as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) parts: Parts,
    /// The head before parsing; empty when it was too long to keep.
    pub(crate) raw_head: Box<[u8]>,
    pub(crate) body: Body,
    /// When the head had been parsed.
    pub(crate) head_at: Instant,
}

/// What an [`Answer`] has of its body.
#[derive(Debug)]
pub(crate) enum Body {
    Whole(Bytes),
    /// Still coming; only for orders that asked for it.
    Flowing(Box<Flow>),
}

/// Sends the order and reads the whole answer, or its head only when the order says so.
pub(crate) async fn send(session: &Session, order: &Order<'_>, timeline: &mut Timeline) -> Result<Answer, Failure> {
    if multiplexed::takes(order) {
        // Boxed, so that the other road does not carry the room for it.
        return Box::pin(multiplexed::send(session, order, timeline)).await;
    }
    direct::send(session, order, timeline).await
}

//! One exchange on the wire: a request goes out, a response or a failure comes back, with the times of each step.
//!
//! Knows no users and no statistics, and nothing of Python. The way in is [`exchange`], or [`open`] for a body that is
//! read piece by piece ([`Flow`]); a [`Session`] holds what one user keeps between exchanges (cookies, idle connections).
//!
//! From the inside out: [`target`] (URLs), [`proxy`] (which way), `dns`, `wire` (what a session may choose about connections),
//! `connect`, [`tls`], `transport` (one request over one connection),
//! `transcript` (what the codec hides), `spelling` (what it changes), `flow` (a body that is handed out while it
//! comes), `feed` (one that is made while it goes), `endings` (what was told to end and has not),
//! `redirect`, [`cookies`], [`decode`], `exchange` (the rules that tie them together). [`encode`] writes forms,
//! [`json`] tells which bodies any JSON parser may read.

mod body;
mod connect;
pub mod cookies;
pub mod decode;
mod dns;
pub mod encode;
mod endings;
mod exchange;
mod failure;
mod feed;
mod flow;
#[cfg(test)]
mod hostile;
pub mod json;
mod phases;
pub mod proxy;
mod redirect;
mod request;
mod response;
mod session;
mod spelling;
pub mod target;
mod timeline;
pub mod tls;
mod transcript;
mod transport;
mod turns;
mod wire;

pub use cookies::{Cookie, Jar};
pub(crate) use endings::End;
pub use exchange::{exchange, open};
pub use failure::{BodyProgress, ChunkBreak, Failure, FailureKind, ProxyStage, Via};
pub use feed::{Feed, Supply};
pub use flow::{Flow, MAX_PIECE_BYTES, Piece};
pub use phases::Phases;
pub use proxy::{Proxies, Proxy, ProxyKind};
pub use redirect::RedirectRule;
pub use request::Request;
pub use response::{Hop, Response, Sent};
pub use session::{Options, Pool, Session};
pub use spelling::Spelling;
pub use target::{Scheme, Target, UrlProblem};
pub use timeline::Timeline;
pub use tls::{Anchors, ClientCert, TlsSettings, TlsVersions, Verify};
pub use wire::{IpVersion, Override, WireOptions};

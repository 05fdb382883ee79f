//! The way through a SOCKS proxy: it is told where to, and carries bytes from then on.
//!
//! SOCKS 5 (RFC 1928, with user and password as in RFC 1929), 4 and 4a. Refusals are told in the words of `PySocks`, which is what
//! `requests` uses for them.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::{Stream, Wire, connect_timeout, secure, within};
use crate::http::dns;
use crate::http::failure::{Failure, FailureKind, ProxyStage};
use crate::http::proxy::{Proxy, ProxyKind};
use crate::http::target::{Scheme, Target};
use crate::http::timeline::Timeline;
use crate::http::tls::{Protocols, TlsSettings};
use crate::http::transport::Order;

/// Where a connection is to lead, as the proxy is told.
enum Destination<'a> {
    Address(IpAddr),
    Name(&'a str),
}

/// Why there is no way.
enum Refusal {
    /// The proxy said no, or nonsense; in words.
    Said(String),
    Broken(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::Said("Connection closed unexpectedly".to_owned());
        }
        Self::Broken(error)
    }
}

fn said(words: &str) -> Refusal {
    Refusal::Said(words.to_owned())
}

/// Opens a connection to the order's target through this proxy.
pub(super) async fn open(
    proxy: &Arc<Proxy>,
    order: &Order<'_>,
    protocols: Protocols,
    timeline: &mut Timeline,
) -> Result<Wire, Failure> {
    let target = &order.sent.target;
    let plain = TlsSettings::default();
    let reached = super::open(&proxy.address, &plain, Protocols::Http1, order, timeline).await;
    let wire = reached.map_err(|mut failure| {
        failure.target = target.clone();
        failure.on_the_way(proxy, ProxyStage::Reaching)
    })?;
    let Stream::Plain(mut tcp) = wire.stream else {
        return Err(Failure::new(FailureKind::Other, target, "SOCKS over TLS"));
    };
    timeline.connecting_at(Instant::now());
    let asked = match within(order.connect_timeout, ask(&mut tcp, proxy, order)).await {
        Some(asked) => asked,
        None => Err(connect_timeout(target, order.connect_timeout)),
    };
    asked.map_err(|failure| failure.on_the_way(proxy, ProxyStage::Asking))?;
    let is_tls = target.scheme() == Scheme::Https;
    timeline.connected_at(Instant::now(), is_tls);
    if !is_tls {
        return Ok(Wire::new(Stream::Plain(tcp)));
    }
    let inside = secure(tcp, target, order.tls, protocols, order).await?;
    timeline.secured_at(Instant::now());
    Ok(Wire::new(Stream::Tls(Box::new(inside))))
}

/// Tells the proxy where to, and waits until it is there.
async fn ask(tcp: &mut TcpStream, proxy: &Proxy, order: &Order<'_>) -> Result<(), Failure> {
    let target = &order.sent.target;
    let destination = match target.host().parse::<IpAddr>() {
        Ok(address) => Destination::Address(address),
        Err(_) if matches!(proxy.kind, ProxyKind::Socks4a | ProxyKind::Socks5h) => Destination::Name(target.host()),
        Err(_) => {
            let addresses = dns::addresses(target, order.wire).await?;
            let usable = |address: &&IpAddr| proxy.kind != ProxyKind::Socks4 || address.is_ipv4();
            let address = addresses.iter().find(usable);
            Destination::Address(*address.ok_or_else(|| refused(target, "no IPv4 address for SOCKS 4".to_owned()))?)
        }
    };
    let settled = match proxy.kind {
        ProxyKind::Socks4 | ProxyKind::Socks4a => ask_4(tcp, proxy, &destination, target.port()).await,
        _ => ask_5(tcp, proxy, &destination, target.port()).await,
    };
    settled.map_err(|refusal| match refusal {
        Refusal::Said(words) => refused(target, words),
        Refusal::Broken(error) => Failure::from_io(&error, target),
    })
}

fn refused(target: &Target, words: String) -> Failure {
    Failure::new(FailureKind::Tunnel, target, words)
}

async fn ask_5(tcp: &mut TcpStream, proxy: &Proxy, destination: &Destination<'_>, port: u16) -> Result<(), Refusal> {
    const INVALID: &str = "SOCKS5 proxy server sent invalid data";
    let offer: &[u8] = if proxy.credentials.is_some() {
        &[5, 2, 0, 2]
    } else {
        &[5, 1, 0]
    };
    tcp.write_all(offer).await?;
    match (read::<2>(tcp).await?, &proxy.credentials) {
        ([5, 0], _) => {}
        ([5, 2], Some((user, password))) => {
            let mut proof = vec![1];
            for part in [user, password] {
                proof.push(length_of(part)?);
                proof.extend_from_slice(part.as_bytes());
            }
            tcp.write_all(&proof).await?;
            match read::<2>(tcp).await? {
                [1, 0] => {}
                [1, _] => return Err(said("SOCKS5 authentication failed")),
                _ => return Err(said(INVALID)),
            }
        }
        ([5, 0xff], _) => return Err(said("All offered SOCKS5 authentication methods were rejected")),
        _ => return Err(said(INVALID)),
    }
    let mut request = vec![5, 1, 0];
    match destination {
        Destination::Address(IpAddr::V4(address)) => {
            request.push(1);
            request.extend_from_slice(&address.octets());
        }
        Destination::Address(IpAddr::V6(address)) => {
            request.push(4);
            request.extend_from_slice(&address.octets());
        }
        Destination::Name(name) => {
            request.extend_from_slice(&[3, length_of(name)?]);
            request.extend_from_slice(name.as_bytes());
        }
    }
    request.extend_from_slice(&port.to_be_bytes());
    tcp.write_all(&request).await?;
    let [version, reply, _, kind] = read::<4>(tcp).await?;
    if version != 5 {
        return Err(said(INVALID));
    }
    if reply != 0 {
        return Err(Refusal::Said(format!("{reply:#04x}: {}", words_of_5(reply))));
    }
    // Where the proxy has bound its own end; of no interest, and to be read all the same.
    let rest = match kind {
        1 => 4,
        4 => 16,
        3 => usize::from(read::<1>(tcp).await?[0]),
        _ => return Err(said(INVALID)),
    };
    tcp.read_exact(&mut vec![0; rest + 2]).await?;
    Ok(())
}

async fn ask_4(tcp: &mut TcpStream, proxy: &Proxy, destination: &Destination<'_>, port: u16) -> Result<(), Refusal> {
    let mut request = vec![4, 1];
    request.extend_from_slice(&port.to_be_bytes());
    let name = match destination {
        Destination::Address(IpAddr::V4(address)) => {
            request.extend_from_slice(&address.octets());
            None
        }
        Destination::Address(IpAddr::V6(_)) => return Err(said("SOCKS 4 knows no IPv6")),
        // An address that cannot be says that a name follows.
        Destination::Name(name) => {
            request.extend_from_slice(&[0, 0, 0, 1]);
            Some(name)
        }
    };
    let user = proxy.credentials.as_ref().map_or("", |(user, _)| user);
    request.extend_from_slice(user.as_bytes());
    request.push(0);
    if let Some(name) = name {
        request.extend_from_slice(name.as_bytes());
        request.push(0);
    }
    tcp.write_all(&request).await?;
    match read::<8>(tcp).await? {
        [0, 0x5a, ..] => Ok(()),
        [0, code, ..] => Err(Refusal::Said(format!("{code:#04x}: {}", words_of_4(code)))),
        _ => Err(said("SOCKS4 proxy server sent invalid data")),
    }
}

async fn read<const COUNT: usize>(tcp: &mut TcpStream) -> io::Result<[u8; COUNT]> {
    let mut bytes = [0; COUNT];
    tcp.read_exact(&mut bytes).await?;
    Ok(bytes)
}

fn length_of(text: &str) -> Result<u8, Refusal> {
    u8::try_from(text.len()).map_err(|_| said("a name, user or password is longer than SOCKS 5 can tell"))
}

fn words_of_5(reply: u8) -> &'static str {
    match reply {
        1 => "General SOCKS server failure",
        2 => "Connection not allowed by ruleset",
        3 => "Network unreachable",
        4 => "Host unreachable",
        5 => "Connection refused",
        6 => "TTL expired",
        7 => "Command not supported, or protocol error",
        8 => "Address type not supported",
        _ => "Unknown error",
    }
}

fn words_of_4(code: u8) -> &'static str {
    match code {
        0x5b => "Request rejected or failed",
        0x5c => "Request rejected because SOCKS server cannot connect to identd on the client",
        0x5d => "Request rejected because the client program and identd report different user-ids",
        _ => "Unknown error",
    }
}

//! The way through an HTTP proxy: a connection to it, and for targets that speak TLS a tunnel to them.
//!
//! Whom to believe is settled as `requests` settles it: a proxy that speaks TLS is held to the target's own settings when the target
//! speaks TLS too, and to none when it only forwards.

use std::io::Write as _;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

use super::{Stream, Wire, secure, within};
use crate::http::failure::{Failure, FailureKind, ProxyStage};
use crate::http::proxy::{Proxy, TunnelForm};
use crate::http::target::{Scheme, Target};
use crate::http::timeline::Timeline;
use crate::http::tls::{Protocols, TlsSettings};
use crate::http::transport::Order;

/// Longest answer of a proxy that is read; `http.client` reads no longer lines either.
const MAX_ANSWER_BYTES: usize = 65_536;

/// Opens a connection to the order's target, as far as this proxy gives one: to the proxy itself where it forwards.
pub(super) async fn open(
    proxy: &Arc<Proxy>,
    order: &Order<'_>,
    protocols: Protocols,
    timeline: &mut Timeline,
) -> Result<Wire, Failure> {
    let target = &order.sent.target;
    let is_tunnel = target.scheme() == Scheme::Https;
    let settings = if is_tunnel {
        TlsSettings {
            cert: None,
            ..(**order.tls).clone()
        }
    } else {
        TlsSettings::default()
    };
    let connected_before = timeline.connected();
    let reached = super::open(&proxy.address, &settings, Protocols::Http1, order, timeline).await;
    let wire = reached.map_err(|mut failure| {
        failure.target = target.clone();
        if timeline.connected() != connected_before {
            in_handshake(&mut failure);
        }
        failure.on_the_way(proxy, ProxyStage::Reaching)
    })?;
    if !is_tunnel {
        return Ok(wire);
    }
    timeline.connecting_at(Instant::now());
    let stream = match wire.stream {
        Stream::Plain(mut tcp) => {
            ask(&mut tcp, proxy, order, timeline).await?;
            let inside = secure(tcp, target, order.tls, protocols, order).await;
            Stream::Tls(Box::new(inside.map_err(|failure| inside_of(failure, proxy))?))
        }
        Stream::Tls(mut outer) => {
            ask(&mut outer, proxy, order, timeline).await?;
            let inside = secure(*outer, target, order.tls, protocols, order).await;
            Stream::Nested(Box::new(inside.map_err(|failure| inside_of(failure, proxy))?))
        }
        #[cfg(unix)]
        Stream::Local(_) => return Err(Failure::new(FailureKind::Other, target, "a tunnel through a socket")),
        Stream::Nested(_) => return Err(Failure::new(FailureKind::Other, target, "a tunnel in a tunnel")),
    };
    timeline.secured_at(Instant::now());
    Ok(Wire::new(stream))
}

/// A handshake with the target that failed. One that took too long is told like a tunnel that did: both wait for the limit to connect.
fn inside_of(mut failure: Failure, proxy: &Arc<Proxy>) -> Failure {
    let stage = if in_handshake(&mut failure) {
        ProxyStage::Asking
    } else {
        ProxyStage::Beyond
    };
    failure.on_the_way(proxy, stage)
}

/// Once there is a connection, what takes too long is reading from it. Says whether that is the case.
fn in_handshake(failure: &mut Failure) -> bool {
    let is_late = failure.kind == FailureKind::ConnectTimeout;
    if is_late {
        failure.kind = FailureKind::ReadTimeout;
    }
    is_late
}

/// Asks for a tunnel and waits until it is there.
async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    proxy: &Arc<Proxy>,
    order: &Order<'_>,
    timeline: &mut Timeline,
) -> Result<(), Failure> {
    let target = &order.sent.target;
    let asking = |failure: Failure| failure.on_the_way(proxy, ProxyStage::Asking);
    let from_io = |error: std::io::Error| asking(Failure::from_io(&error, target));
    stream.write_all(&question(proxy, target)).await.map_err(from_io)?;
    stream.flush().await.map_err(from_io)?;
    let mut answer = Vec::new();
    loop {
        let Some(read) = within(order.connect_timeout, stream.read_buf(&mut answer)).await else {
            return Err(asking(silent(target, order)));
        };
        let is_over = read.map_err(from_io)? == 0;
        if answer.is_empty() {
            let words = "Remote end closed connection without response";
            return Err(asking(Failure::new(FailureKind::ClosedEarly, target, words)));
        }
        let line = answer.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        if line.ends_with(b"\n") || is_over {
            judge(line, target).map_err(asking)?;
        }
        if is_over || has_ended(&answer) {
            timeline.connected_at(Instant::now(), true);
            return Ok(());
        }
        if answer.len() > MAX_ANSWER_BYTES {
            let words = "The head of the proxy's answer is too large";
            return Err(asking(Failure::new(FailureKind::Endless, target, words)));
        }
    }
}

/// What is said to the proxy.
fn question(proxy: &Proxy, target: &Target) -> Vec<u8> {
    let (host, port) = (target.host(), target.port());
    let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
    let version = match proxy.tunnel_form {
        TunnelForm::Http10 => "1.0",
        TunnelForm::Http11 => "1.1",
    };
    let mut head = format!("CONNECT {open}{host}{close}:{port} HTTP/{version}\r\n").into_bytes();
    if let Some(authorization) = &proxy.authorization {
        head.extend_from_slice(b"Proxy-Authorization: ");
        head.extend_from_slice(authorization.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    if proxy.tunnel_form == TunnelForm::Http11 {
        // Writing to a vector cannot fail.
        let _ = write!(head, "Host: {open}{host}{close}:{port}\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// Whether the status line of the proxy's answer opens the tunnel. Read as `http.client` reads it.
fn judge(line: &[u8], target: &Target) -> Result<(), Failure> {
    let text: String = line.iter().map(|byte| char::from(*byte)).collect();
    let mut words = text.trim().splitn(3, char::is_whitespace).map(str::trim);
    let (version, status) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let reason = words.next().unwrap_or_default();
    let code = status.parse::<u16>().ok().filter(|code| (100..=999).contains(code));
    let (kind, message) = match code {
        Some(200) if version.starts_with("HTTP/") => return Ok(()),
        Some(code) if version.starts_with("HTTP/") => (
            FailureKind::Tunnel,
            format!("Tunnel connection failed: {code} {reason}"),
        ),
        _ => (FailureKind::NotHttp, "The proxy does not speak HTTP".to_owned()),
    };
    let mut failure = Failure::new(kind, target, message);
    failure.status_line = Some(line.into());
    Err(failure)
}

fn has_ended(answer: &[u8]) -> bool {
    answer.windows(4).any(|four| four == b"\r\n\r\n") || answer.windows(2).any(|two| two == b"\n\n")
}

fn silent(target: &Target, order: &Order<'_>) -> Failure {
    let seconds = order.connect_timeout.unwrap_or_default().as_secs_f64();
    let message = format!("Read timed out. (read timeout={seconds})");
    Failure::new(FailureKind::ReadTimeout, target, message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use http::HeaderValue;

    use super::*;
    use crate::http::proxy::ProxyKind;

    fn target(url: &str) -> Target {
        Target::parse(url).unwrap()
    }

    #[test]
    fn question_is_what_python_asks() {
        let mut proxy = Proxy {
            kind: ProxyKind::Http,
            address: target("http://proxy.test:3128/"),
            credentials: None,
            authorization: Some(HeaderValue::from_static("Basic dTpw")),
            tunnel_form: TunnelForm::Http10,
            always_names_port: false,
        };
        let asked = |proxy: &Proxy, url: &str| String::from_utf8(question(proxy, &target(url))).unwrap();
        assert_eq!(
            asked(&proxy, "https://a.test/x"),
            "CONNECT a.test:443 HTTP/1.0\r\nProxy-Authorization: Basic dTpw\r\n\r\n"
        );
        proxy.tunnel_form = TunnelForm::Http11;
        assert_eq!(
            asked(&proxy, "https://[::1]:8443/x"),
            "CONNECT [::1]:8443 HTTP/1.1\r\nProxy-Authorization: Basic dTpw\r\nHost: [::1]:8443\r\n\r\n"
        );
    }

    #[test]
    fn answer_is_judged_by_its_status_line() {
        let judged = |line: &str| match judge(line.as_bytes(), &target("https://a.test/")) {
            Ok(()) => (None, String::new()),
            Err(failure) => (Some(failure.kind), failure.message),
        };
        assert_eq!(judged("HTTP/1.1 200 Connection established\r\n").0, None);
        assert_eq!(judged("HTTP/1.0 200\r\n").0, None);
        for (line, message) in [
            (
                "HTTP/1.1 407 Proxy Authentication Required\r\n",
                "407 Proxy Authentication Required",
            ),
            ("HTTP/1.1 503\r\n", "503 "),
            ("HTTP/1.1 201 Created\n", "201 Created"),
        ] {
            let expected = (
                Some(FailureKind::Tunnel),
                format!("Tunnel connection failed: {message}"),
            );
            assert_eq!(judged(line), expected, "{line}");
        }
        for line in [
            "hello\r\n",
            "HTTP/1.1\r\n",
            "HTTP/1.1 20x OK\r\n",
            "\x16\x03\x01 200 OK\r\n",
        ] {
            assert_eq!(judged(line).0, Some(FailureKind::NotHttp), "{line}");
        }
    }
}

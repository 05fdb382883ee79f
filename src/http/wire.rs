//! What a session may choose about its connections: the protocol, how long they live, where they come from and lead to.
//!
//! Plain data, made once and shared by all sessions that want the same; most sessions want nothing ([`WireOptions::PLAIN`]).
//! Whom to believe is said in [`super::tls`], as a single call may say that differently.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::target::Target;

/// How the connections of a session are made and used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireOptions {
    /// Whether HTTP/2 is spoken: offered over TLS, and taken for granted without it.
    pub http2: bool,
    /// Whether connections serve more than one request.
    pub keep_alive: bool,
    /// Whether a new TLS connection may continue the session of an earlier one.
    pub resumes_tls: bool,
    /// Addresses to use in place of what names resolve to; the first one that fits is taken.
    pub overrides: Vec<Override>,
    /// The only version of IP to use.
    pub ip_version: Option<IpVersion>,
    /// Where connections come from; port 0 leaves the port to the system.
    pub source: Option<SocketAddr>,
    /// How long addresses that a name resolved to are used without asking again, where that is not the usual time.
    pub dns_ttl: Option<Duration>,
}

impl WireOptions {
    /// What nobody has to ask for.
    pub const PLAIN: Self = Self {
        http2: false,
        keep_alive: true,
        resumes_tls: true,
        overrides: Vec::new(),
        ip_version: None,
        source: None,
        dns_ttl: None,
    };

    /// [`Self::PLAIN`], where a reference is wanted.
    pub(crate) fn plain() -> &'static Self {
        static PLAIN: WireOptions = WireOptions::PLAIN;
        &PLAIN
    }

    /// The addresses that were given for this target, if there are any.
    pub(crate) fn overridden(&self, target: &Target) -> Option<&Arc<[IpAddr]>> {
        let found = self.overrides.iter().find(|entry| entry.is_for(target));
        found.map(|entry| &entry.addresses)
    }

    /// Whether this version of IP may be used.
    pub(crate) fn allows(&self, address: IpAddr) -> bool {
        match self.ip_version {
            None => true,
            Some(IpVersion::V4) => address.is_ipv4(),
            Some(IpVersion::V6) => address.is_ipv6(),
        }
    }
}

impl Default for WireOptions {
    fn default() -> Self {
        Self::PLAIN
    }
}

/// A version of the internet protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpVersion {
    /// Addresses like `127.0.0.1`.
    V4,
    /// Addresses like `::1`.
    V6,
}

/// Addresses for a host and port, in curl's words `host:port:address[,address]...`; `*` stands for any host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// In lower case, without brackets; `None` is any.
    host: Option<Box<str>>,
    port: u16,
    addresses: Arc<[IpAddr]>,
}

impl Override {
    /// Reads curl's words.
    ///
    /// # Errors
    ///
    /// What is wrong with them, in a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("{text:?} is not of the form host:port:address: {what}");
        // curl takes a `+` in front for an entry that times out; ours live as long as the session.
        let words = text.trim();
        let words = words.strip_prefix('+').unwrap_or(words);
        let (host, rest) = if let Some(bracketed) = words.strip_prefix('[') {
            let (host, rest) = bracketed
                .split_once(']')
                .ok_or_else(|| wrong("a bracket is not closed"))?;
            (
                host,
                rest.strip_prefix(':').ok_or_else(|| wrong("the port is missing"))?,
            )
        } else {
            words.split_once(':').ok_or_else(|| wrong("the port is missing"))?
        };
        let (port, addresses) = rest.split_once(':').ok_or_else(|| wrong("the address is missing"))?;
        if host.is_empty() {
            return Err(wrong("the host is empty"));
        }
        let port = match port.parse() {
            Ok(port) if port != 0 => port,
            _ => return Err(wrong(&format!("{port:?} is no port"))),
        };
        let addresses = addresses
            .split(',')
            .map(|address| parse_address(address).ok_or_else(|| wrong(&format!("{address:?} is no IP address"))))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            host: (host != "*").then(|| host.trim_end_matches('.').to_ascii_lowercase().into()),
            port,
            addresses: addresses.into(),
        })
    }

    fn is_for(&self, target: &Target) -> bool {
        self.port == target.port()
            && self
                .host
                .as_deref()
                .is_none_or(|host| host == target.host().trim_end_matches('.'))
    }
}

/// An address, an IPv6 one with or without brackets.
fn parse_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(overrides: &[&str]) -> WireOptions {
        WireOptions {
            overrides: overrides.iter().map(|text| Override::parse(text).unwrap()).collect(),
            ..WireOptions::PLAIN
        }
    }

    fn found(options: &WireOptions, url: &str) -> Option<String> {
        let addresses = options.overridden(&Target::parse(url).unwrap())?;
        let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        Some(texts.join(" "))
    }

    #[test]
    fn an_override_is_for_its_host_and_port_and_the_first_one_wins() {
        let options = with(&[
            "Example.com:80:127.0.0.1",
            "example.com:8443:[::1],127.0.0.2",
            "[::5]:80:127.0.0.5",
            "*:9000:127.0.0.3",
            "+example.com:80:127.0.0.9",
        ]);
        for (url, expected) in [
            ("http://example.com/", Some("127.0.0.1")),
            ("http://EXAMPLE.com./", Some("127.0.0.1")),
            ("https://example.com:8443/", Some("::1 127.0.0.2")),
            ("https://example.com/", None),
            ("http://other.com/", None),
            ("http://[::5]/", Some("127.0.0.5")),
            ("http://other.com:9000/", Some("127.0.0.3")),
        ] {
            assert_eq!(found(&options, url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_in_a_sentence() {
        for (text, problem) in [
            ("example.com", "the port is missing"),
            ("example.com:80", "the address is missing"),
            (":80:127.0.0.1", "the host is empty"),
            ("example.com:http:127.0.0.1", "\"http\" is no port"),
            ("example.com:0:127.0.0.1", "\"0\" is no port"),
            ("example.com:80:localhost", "\"localhost\" is no IP address"),
            ("example.com:80:127.0.0.1,", "\"\" is no IP address"),
            ("[::1:80:127.0.0.1", "a bracket is not closed"),
        ] {
            let expected = format!("{text:?} is not of the form host:port:address: {problem}");
            assert_eq!(Override::parse(text), Err(expected));
        }
    }
}

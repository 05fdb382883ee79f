//! Which requests go through which proxy. Pure: picks, connects nothing.
//!
//! The rules are those of `requests`: a mapping whose keys are a scheme, a scheme and a host, `all`, or `all` and a host. The pick is
//! made anew for every redirect.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;

use super::target::{Scheme, Target};

/// What a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProxyKind {
    /// HTTP: requests in absolute form, and `CONNECT` for TLS.
    Http,
    /// The same over TLS.
    Https,
    /// SOCKS 4; names are resolved here.
    Socks4,
    /// SOCKS 4a; names are resolved by the proxy.
    Socks4a,
    /// SOCKS 5; names are resolved here.
    Socks5,
    /// SOCKS 5; names are resolved by the proxy.
    Socks5h,
}

impl ProxyKind {
    /// The kind for the scheme of a proxy's URL.
    #[must_use]
    pub fn of(scheme: &str) -> Option<Self> {
        Some(match scheme {
            "http" => Self::Http,
            "https" => Self::Https,
            "socks4" => Self::Socks4,
            "socks4a" => Self::Socks4a,
            "socks5" => Self::Socks5,
            "socks5h" => Self::Socks5h,
            _ => return None,
        })
    }

    /// The scheme of a proxy's URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks4 => "socks4",
            Self::Socks4a => "socks4a",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    /// Whether it is one of the SOCKS family, which carry any bytes and know nothing of HTTP.
    #[must_use]
    pub fn is_socks(self) -> bool {
        !matches!(self, Self::Http | Self::Https)
    }
}

/// How a tunnel is asked for; clients differ, and a proxy sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TunnelForm {
    /// `CONNECT host:port HTTP/1.0` and the credentials: `http.client` before Python 3.12.
    #[default]
    Http10,
    /// `CONNECT host:port HTTP/1.1`, the credentials, `Host`: `http.client` since then, and `geventhttpclient`.
    Http11,
}

/// A proxy. Two that are equal share connections.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// What it speaks.
    pub kind: ProxyKind,
    /// Where it listens, as a target to connect to.
    pub address: Target,
    /// User and password, decoded.
    pub credentials: Option<(String, String)>,
    /// `Proxy-Authorization` for those that speak HTTP.
    pub authorization: Option<HeaderValue>,
    /// How it is asked for a tunnel.
    pub tunnel_form: TunnelForm,
    /// Whether the port stands in absolute URLs even where it is the scheme's own; `geventhttpclient` writes it always.
    pub always_names_port: bool,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the credentials: this ends up in logs.
        write!(formatter, "Proxy({}, {})", self.kind.as_str(), self.address)
    }
}

impl Proxy {
    /// Whether requests to this target are forwarded: the proxy reads them and sends its own.
    pub(crate) fn forwards_to(&self, target: &Target) -> bool {
        !self.kind.is_socks() && target.scheme() == Scheme::Http
    }
}

/// What stands behind a key: a proxy, none (no proxy for these), or one that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Through this proxy.
    Through(Arc<Proxy>),
    /// Directly, whatever the less specific keys say.
    Direct,
    /// Nowhere: what is wrong with the proxy's URL.
    Unusable(Arc<str>),
}

/// The rules for one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// Keys and what stands behind them.
    pub rules: Vec<(Box<str>, Rule)>,
}

impl Proxies {
    /// One proxy for everything.
    #[must_use]
    pub fn all(proxy: Proxy) -> Self {
        Self {
            rules: vec![("all".into(), Rule::Through(Arc::new(proxy)))],
        }
    }

    /// The proxy for this target, the most specific key first; `None` goes directly.
    ///
    /// # Errors
    ///
    /// What is wrong with the proxy's URL.
    pub fn pick(&self, target: &Target) -> Result<Option<&Arc<Proxy>>, &Arc<str>> {
        let (scheme, host) = (target.scheme().as_str(), target.host());
        let is_for =
            |key: &str, prefix: &str| key.strip_prefix(prefix).and_then(|rest| rest.strip_prefix("://")) == Some(host);
        let matches: [&dyn Fn(&str) -> bool; 4] = [
            &|key| is_for(key, scheme),
            &|key| key == scheme,
            &|key| is_for(key, "all"),
            &|key| key == "all",
        ];
        let rule = matches
            .iter()
            .find_map(|is_match| self.rules.iter().find(|(key, _)| is_match(key)));
        match rule {
            Some((_, Rule::Through(proxy))) => Ok(Some(proxy)),
            Some((_, Rule::Unusable(problem))) => Err(problem),
            Some((_, Rule::Direct)) | None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn target(url: &str) -> Target {
        Target::parse(url).unwrap()
    }

    fn through(url: &str) -> Rule {
        Rule::Through(Arc::new(Proxy {
            kind: ProxyKind::Http,
            address: target(url),
            credentials: None,
            authorization: None,
            tunnel_form: TunnelForm::default(),
            always_names_port: false,
        }))
    }

    fn rules(rules: &[(&str, Rule)]) -> Proxies {
        let rules = rules.iter().map(|(key, rule)| ((*key).into(), rule.clone()));
        Proxies { rules: rules.collect() }
    }

    fn picked(proxies: &Proxies, url: &str) -> Option<String> {
        proxies
            .pick(&target(url))
            .unwrap()
            .map(|proxy| proxy.address.host().to_owned())
    }

    #[test]
    fn most_specific_key_wins_wherever_it_stands() {
        let proxies = rules(&[
            ("all", through("http://for-all")),
            ("all://known.test", through("http://for-known")),
            ("https", through("http://for-https")),
            ("https://known.test", through("http://for-both")),
            ("https://spared.test", Rule::Direct),
        ]);
        for (url, expected) in [
            ("http://other.test/", Some("for-all")),
            ("http://KNOWN.test:81/", Some("for-known")),
            ("https://other.test/", Some("for-https")),
            ("https://known.test/", Some("for-both")),
            ("https://spared.test/", None),
        ] {
            assert_eq!(picked(&proxies, url).as_deref(), expected, "{url}");
        }
        assert_eq!(picked(&Proxies::default(), "http://other.test/"), None);
    }

    #[test]
    fn unusable_proxy_matters_only_when_it_is_picked() {
        let proxies = rules(&[("https", Rule::Unusable("bad".into()))]);
        assert_eq!(picked(&proxies, "http://a.test/"), None);
        assert_eq!(proxies.pick(&target("https://a.test/")).unwrap_err().as_ref(), "bad");
    }
}

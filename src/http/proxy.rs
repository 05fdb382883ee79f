//! Which requests go through which proxy. Pure: picks, connects nothing.
//!
//! The rules are those of `requests`: a mapping whose keys are a scheme, a scheme and a host, `all`, or `all` and a host. The pick is
//! made anew for every redirect, and for those the environment may have another say ([`Environment`]).

use std::fmt;
use std::net::Ipv4Addr;
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
    /// What else is asked when a redirect is followed.
    pub environment: Option<Environment>,
}

/// Proxies that the environment names; they fill what the rules leave open when a redirect is followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// For `http` targets.
    pub http: Option<Rule>,
    /// For `https` targets.
    pub https: Option<Rule>,
    /// Which hosts need none, in the syntax of `NO_PROXY`.
    pub no_proxy: Option<Box<str>>,
}

impl Proxies {
    /// One proxy for everything.
    #[must_use]
    pub fn all(proxy: Proxy) -> Self {
        Self {
            rules: vec![("all".into(), Rule::Through(Arc::new(proxy)))],
            environment: None,
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

    /// Has the environment fill in a proxy for the scheme of a redirect's target, unless the target needs none.
    #[must_use]
    pub fn filled_in(&self, target: &Target) -> Option<Self> {
        let environment = self.environment.as_ref()?;
        let scheme = target.scheme();
        if self.rules.iter().any(|(key, _)| **key == *scheme.as_str()) {
            return None;
        }
        let rule = match scheme {
            Scheme::Http => environment.http.as_ref(),
            Scheme::Https => environment.https.as_ref(),
        }?;
        let spares = environment
            .no_proxy
            .as_ref()
            .is_some_and(|list| needs_none(list, target));
        (!spares).then(|| {
            let mut filled = self.clone();
            filled.rules.push((scheme.as_str().into(), rule.clone()));
            filled
        })
    }
}

/// Whether `NO_PROXY` names this target: `*`, an address or a network for IPv4 addresses, else the end of the name, with or without a
/// port.
fn needs_none(list: &str, target: &Target) -> bool {
    let host = target.host();
    let with_port = format!("{host}:{}", target.written_port().unwrap_or(target.port()));
    let names = list.to_ascii_lowercase();
    names.split(',').map(str::trim).any(|name| {
        if let Some((network, bits)) = name.split_once('/') {
            return is_inside(host, network, bits);
        }
        let name = name.trim_start_matches('.');
        let ends = |whole: &str| {
            whole
                .strip_suffix(name)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        name == "*" || (!name.is_empty() && (ends(host) || (target.written_port().is_some() && ends(&with_port))))
    })
}

fn is_inside(host: &str, network: &str, bits: &str) -> bool {
    let (Ok(host), Ok(network), Ok(bits)) = (
        host.parse::<Ipv4Addr>(),
        network.parse::<Ipv4Addr>(),
        bits.parse::<u32>(),
    ) else {
        return false;
    };
    let mask = 32_u32
        .checked_sub(bits)
        .map(|rest| u32::MAX.checked_shl(rest).unwrap_or(0));
    mask.is_some_and(|mask| host.to_bits() & mask == network.to_bits() & mask)
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
        Proxies {
            rules: rules.collect(),
            environment: None,
        }
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

    #[test]
    fn environment_fills_what_is_open_unless_it_spares_the_host() {
        let mut proxies = rules(&[("https", Rule::Direct)]);
        assert_eq!(proxies.filled_in(&target("http://a.test/")), None);
        proxies.environment = Some(Environment {
            http: Some(through("http://from-environment")),
            https: Some(through("http://from-environment")),
            no_proxy: Some("spared.test, 10.0.0.0/8".into()),
        });
        let filled = proxies.filled_in(&target("http://a.test/")).unwrap();
        assert_eq!(picked(&filled, "http://a.test/").as_deref(), Some("from-environment"));
        for spared in [
            "http://spared.test/",
            "http://sub.spared.test/",
            "http://10.1.2.3/",
            "https://a.test/",
        ] {
            assert_eq!(proxies.filled_in(&target(spared)), None, "{spared}");
        }
    }

    #[test]
    fn no_proxy_names_hosts_as_requests_reads_it() {
        for (list, url, expected) in [
            ("*", "http://any.test/", true),
            ("", "http://any.test/", false),
            (" , ", "http://any.test/", false),
            ("any.test", "http://any.test/", true),
            ("any.test", "http://many.test/", false),
            (".any.test", "http://sub.any.test/", true),
            (".any.test", "http://any.test/", true),
            ("any.test:81", "http://any.test:81/", true),
            ("any.test:81", "http://any.test:82/", false),
            ("any.test:80", "http://any.test/", false),
            ("192.168.0.1", "http://192.168.0.1/", true),
            ("192.168.0.0/16", "http://192.168.7.1/", true),
            ("192.168.0.0/16", "http://192.169.7.1/", false),
            ("0.0.0.0/0", "http://192.169.7.1/", true),
            ("192.168.0.1/33", "http://192.168.0.1/", false),
            ("168.0.1", "http://192.168.0.1/", true),
            ("ANY.test", "http://any.test/", true),
        ] {
            assert_eq!(needs_none(list, &target(url)), expected, "{list:?} for {url}");
        }
    }
}

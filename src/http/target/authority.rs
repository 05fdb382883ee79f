//! `user:password@host:port`: `urllib3`'s rules for what a host may be and how it is normalised.

use std::net::Ipv6Addr;

use super::UrlProblem;
use super::quote::{encode_component, is_userinfo, python_repr};

/// A parsed authority. An empty `host` means that there was none.
#[derive(Debug, Default)]
pub(super) struct Authority {
    pub(super) userinfo: Option<String>,
    /// Normalised, in brackets when it is an IPv6 address.
    pub(super) host: String,
    pub(super) port: Option<u16>,
}

impl Authority {
    /// Parses `text`; `url` is quoted in messages, `scheme` decides whether the host is normalised.
    pub(super) fn parse(text: &str, scheme: Option<&str>, url: &str) -> Result<Self, UrlProblem> {
        let is_web = scheme.is_none_or(|scheme| matches!(scheme, "http" | "https"));
        let (userinfo, host_port) = match text.rsplit_once('@') {
            Some((userinfo, host_port)) => (Some(userinfo).filter(|userinfo| !userinfo.is_empty()), host_port),
            None => (None, text),
        };
        let userinfo = userinfo.map(|userinfo| {
            if is_web {
                encode_component(userinfo, is_userinfo)
            } else {
                userinfo.to_owned()
            }
        });
        let Some((host, port)) = split_port(host_port) else {
            return Err(refuse_control(host_port)
                .err()
                .unwrap_or_else(|| failed(&format!("{} is not a valid host or port", python_repr(host_port)))));
        };
        let port = match port {
            "" => None,
            digits => Some(digits.parse::<u16>().map_err(|_| failed(url))?),
        };
        let host = normalise_host(host, is_web)?;
        Ok(Self { userinfo, host, port })
    }

    /// The host to look up: without brackets.
    pub(super) fn dial_host(&self) -> &str {
        self.host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(&self.host)
    }

    /// The host as the server is told it: without the dots at the end, which only name resolution needs, and with the
    /// zone of an address encoded.
    pub(super) fn named_host(&self) -> String {
        if self.host.starts_with('[') {
            self.host.replace('%', "%25")
        } else {
            self.host.trim_end_matches('.').to_owned()
        }
    }
}

fn failed(what: &str) -> UrlProblem {
    UrlProblem::InvalidUrl(format!("Failed to parse: {what}"))
}

/// Splits host and port digits (leading zeros dropped); `None` when the text is neither a name, an address nor one of
/// these with a port.
fn split_port(text: &str) -> Option<(&str, &str)> {
    let (host, port) = match text.rfind(':') {
        Some(colon) if !text[colon..].contains(']') => (&text[..colon], Some(&text[colon + 1..])),
        _ => (text, None),
    };
    let port = port.unwrap_or_default();
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = port.trim_start_matches('0');
    if significant.len() > 5 {
        return None;
    }
    let port = if significant.is_empty() && !port.is_empty() {
        "0"
    } else {
        significant
    };
    (is_registered_name(host) || is_bracketed_ipv6(host)).then_some((host, port))
}

/// No brackets, colons or delimiters, and every `%` starts an octet.
fn is_registered_name(host: &str) -> bool {
    let bytes = host.as_bytes();
    bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'[' | b']' | b':' | b'/' | b'?' | b'#' => false,
        b'%' => {
            bytes.get(at + 1).is_some_and(u8::is_ascii_hexdigit) && bytes.get(at + 2).is_some_and(u8::is_ascii_hexdigit)
        }
        _ => true,
    })
}

fn is_bracketed_ipv6(host: &str) -> bool {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .is_some_and(|inside| inside.split('%').next().unwrap_or_default().parse::<Ipv6Addr>().is_ok())
}

/// `urllib3` takes dotted numbers in any of the spellings of `inet_aton` for an address.
fn is_ipv4_spelling(host: &str) -> bool {
    let parts: Vec<&str> = host.split('.').collect();
    parts.len() <= 4
        && parts.iter().all(
            |part| match part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
                Some(hexadecimal) => {
                    !hexadecimal.is_empty() && hexadecimal.bytes().all(|byte| byte.is_ascii_hexdigit())
                }
                None => !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()),
            },
        )
}

fn refuse_control(host: &str) -> Result<(), UrlProblem> {
    match host.chars().find(|character| matches!(character, '\0'..=' ' | '\x7f')) {
        None => Ok(()),
        Some(character) => Err(failed(&format!(
            "Host {} contains invalid character {}",
            python_repr(host),
            python_repr(character.encode_utf8(&mut [0; 4]))
        ))),
    }
}

fn normalise_host(host: &str, is_web: bool) -> Result<String, UrlProblem> {
    refuse_control(host)?;
    if host.is_empty() || !is_web || is_ipv4_spelling(host) {
        return Ok(host.to_owned());
    }
    if host.starts_with('[') {
        return Ok(normalise_ipv6(host));
    }
    let host = normalise_octets(host)?;
    if host.is_ascii() {
        return Ok(lower_outside_octets(&host));
    }
    let labels: Result<Vec<String>, UrlProblem> = host.split('.').map(encode_label).collect();
    Ok(labels?.join("."))
}

/// Lower case, except for the zone of a scoped address, whose `%25` becomes `%`.
fn normalise_ipv6(host: &str) -> String {
    let Some((address, zone)) = host.split_once('%') else {
        return host.to_ascii_lowercase();
    };
    let zone = zone.strip_suffix(']').unwrap_or(zone);
    let zone = zone.strip_prefix("25").filter(|rest| !rest.is_empty()).unwrap_or(zone);
    format!("{}%{zone}]", address.to_ascii_lowercase())
}

/// Decodes octets of unreserved characters, refuses those of control characters.
fn normalise_octets(host: &str) -> Result<String, UrlProblem> {
    let mut parts = host.split('%');
    let mut normalised = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let Some(value) = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
            return Err(failed(&format!("{} is not a valid host", python_repr(host))));
        };
        let digits = part.get(..2).unwrap_or_default();
        let character = char::from(value);
        if value < 0x20 || value == 0x7f {
            return Err(failed(&format!(
                "Host {} contains invalid percent-encoded control character {}",
                python_repr(host),
                python_repr(&format!("%{digits}"))
            )));
        }
        if character.is_ascii_alphanumeric() || matches!(character, '-' | '.' | '_' | '~') {
            normalised.push(character);
        } else {
            normalised.push('%');
            normalised.push_str(&digits.to_ascii_uppercase());
        }
        normalised.push_str(part.get(2..).unwrap_or_default());
    }
    Ok(normalised)
}

fn lower_outside_octets(host: &str) -> String {
    let lower = host.to_ascii_lowercase();
    let mut parts = lower.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push('%');
        text.push_str(&part.get(..2).unwrap_or_default().to_ascii_uppercase());
        text.push_str(part.get(2..).unwrap_or_default());
    }
    text
}

fn encode_label(label: &str) -> Result<String, UrlProblem> {
    if label.is_ascii() {
        return Ok(lower_outside_octets(label));
    }
    let lower = label.to_lowercase();
    idna::domain_to_ascii_strict(&lower)
        .ok()
        .filter(|encoded| !encoded.contains('.') || lower.contains('.'))
        .ok_or_else(|| failed(&format!("Name '{label}' is not a valid IDNA label")))
}

//! Reading one `Set-Cookie` header, by the rules of `http.cookiejar`'s Netscape parser.

use super::{Cookie, Place};

/// The cookie a header sets, or `None` when the header is not usable. The cookie may have expired already, which is
/// how servers take one back.
pub(super) fn set_cookie(header: &str, here: &Place, now_s: i64) -> Option<Cookie> {
    let mut pairs = header.split(';').map(|part| {
        let (key, value) = match part.split_once('=') {
            Some((key, value)) => (key, Some(value.trim())),
            None => (part, None),
        };
        (key.trim(), value)
    });
    let (name, value) = pairs.next().filter(|(name, _)| !name.is_empty())?;
    let mut attributes = Attributes::default();
    for (key, value) in pairs.filter(|(key, _)| !key.is_empty()) {
        attributes.add(key, value, now_s)?;
    }
    let path = attributes.path.filter(|path| !path.is_empty());
    let is_path_specified = path.is_some();
    let path = path.map_or_else(
        || default_path(&here.path, attributes.is_version_1),
        |path| escape_path(&path),
    );
    let is_domain_specified = attributes.domain.is_some();
    let domain = match attributes.domain {
        None => here.effective_host.clone(),
        Some(domain) if domain.starts_with('.') => domain,
        Some(domain) => format!(".{domain}"),
    };
    let port = match attributes.port {
        PortRule::Any => None,
        PortRule::Own => Some(here.port.clone()),
        PortRule::Listed(ports) if ports.split(',').any(|port| port == here.port) => Some(ports),
        PortRule::Listed(_) => return None,
    };
    Some(Cookie {
        name: name.to_owned(),
        value: value.map(str::to_owned),
        domain,
        is_domain_specified,
        path,
        is_path_specified,
        is_secure: attributes.is_secure,
        expires_s: attributes.expires_s,
        port,
        rest: attributes.rest,
    })
}

/// Which ports a cookie is for: all, the request's own (`Port` without a value), or those listed.
#[derive(Default)]
enum PortRule {
    #[default]
    Any,
    Own,
    Listed(String),
}

/// The attributes of a header; of each, only the first counts.
#[derive(Default)]
struct Attributes {
    domain: Option<String>,
    path: Option<String>,
    port: PortRule,
    expires_s: Option<i64>,
    has_max_age: bool,
    is_secure: bool,
    is_version_1: bool,
    rest: Vec<(String, Option<String>)>,
}

impl Attributes {
    /// `None` when the attribute makes the whole cookie unusable.
    fn add(&mut self, key: &str, value: Option<&str>, now_s: i64) -> Option<()> {
        match key.to_ascii_lowercase().as_str() {
            "domain" => {
                let domain = value?.to_lowercase();
                self.domain.get_or_insert(domain);
            }
            "path" => {
                let path = value?.to_owned();
                self.path.get_or_insert(path);
            }
            "port" if matches!(self.port, PortRule::Any) => {
                self.port = value.map_or(PortRule::Own, |ports| {
                    PortRule::Listed(ports.split_whitespace().collect())
                });
            }
            "secure" | "discard" => self.is_secure |= key.eq_ignore_ascii_case("secure"),
            "max-age" => {
                // Wins over `expires` wherever it stands.
                let seconds: i64 = value?.parse().ok()?;
                self.has_max_age = true;
                self.expires_s = Some(now_s.saturating_add(seconds));
            }
            "expires" if !self.has_max_age && self.expires_s.is_none() => {
                self.expires_s = value.and_then(|date| seconds_since_1970(date.trim_matches('"')));
            }
            // A version other than 0 or 1 is of a protocol that the policy has switched off.
            "version" => {
                let version: u32 = value?.trim_matches('"').parse().ok()?;
                (version <= 1).then_some(())?;
                self.is_version_1 = version == 1;
            }
            "comment" | "commenturl" | "expires" | "port" => {}
            _ => self.rest.push((key.to_owned(), value.map(str::to_owned))),
        }
        Some(())
    }
}

/// The directory of the request, without its last slash unless the cookie says that it is of version 1.
fn default_path(request_path: &str, keeps_slash: bool) -> String {
    match request_path.rfind('/') {
        None | Some(0) => "/".to_owned(),
        Some(end) if keeps_slash => request_path[..=end].to_owned(),
        Some(end) => request_path[..end].to_owned(),
    }
}

/// Encodes what a path may not hold and puts octets in upper case.
pub(super) fn escape_path(path: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut escaped = String::with_capacity(path.len());
    let mut octet_digits = 0;
    let bytes = path.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        if octet_digits > 0 {
            octet_digits -= 1;
            escaped.push(char::from(byte.to_ascii_uppercase()));
            continue;
        }
        let is_safe = byte.is_ascii_alphanumeric() || b"_.-~%/;:@&=+$,!*'()".contains(&byte);
        if is_safe {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            escaped.push(char::from(DIGITS[usize::from(byte >> 4)]));
            escaped.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        let follows = |offset: usize| bytes.get(at + offset).is_some_and(u8::is_ascii_hexdigit);
        if byte == b'%' && follows(1) && follows(2) {
            octet_digits = 2;
        }
    }
    escaped
}

/// Reads the dates that servers write: `Wed, 09 Jun 2021 10:18:14 GMT`, `Wednesday, 09-Jun-21 10:18:14 GMT` and what
/// lies between. The zone is taken for GMT unless it is a number.
fn seconds_since_1970(date: &str) -> Option<i64> {
    let mut day = None;
    let mut month = None;
    let mut year = None;
    let mut time = None;
    let mut offset_s = 0;
    let words = date.split(|character: char| character == ',' || character.is_whitespace());
    for word in words.flat_map(split_dashes).filter(|word| !word.is_empty()) {
        if word.contains(':') {
            time = Some(seconds_of_day(word)?);
        } else if let Some(found) = month_number(word) {
            // Python reads no date with the month in front, as C's `asctime` writes it; such a cookie is for the session.
            day?;
            month = Some(found);
        } else if let Some(zone) = zone_offset_s(word) {
            offset_s = zone;
        } else if let Ok(number) = word.parse::<i64>() {
            if day.is_none() && (1..=31).contains(&number) {
                day = Some(number);
            } else {
                year = Some(full_year(number, word.len()));
            }
        }
    }
    let days = days_since_1970(year?, month?, day?)?;
    Some(days * 86_400 + time.unwrap_or(0) - offset_s)
}

/// `09-Jun-2021` is three words, `-0800` is one.
fn split_dashes(word: &str) -> impl Iterator<Item = &str> {
    let is_zone = word.len() == 5 && word.starts_with(['+', '-']);
    word.split(move |character| character == '-' && !is_zone)
}

fn month_number(word: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let start = word.get(..3)?.to_ascii_lowercase();
    let at = MONTHS.iter().position(|month| *month == start)?;
    i64::try_from(at + 1).ok()
}

fn seconds_of_day(word: &str) -> Option<i64> {
    let mut parts = word.split(':').map(|part| part.parse::<i64>().ok());
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = parts.next().unwrap_or(Some(0))?;
    let is_time = (0..24).contains(&hours) && (0..60).contains(&minutes) && (0..62).contains(&seconds);
    is_time.then_some(hours * 3_600 + minutes * 60 + seconds)
}

fn zone_offset_s(word: &str) -> Option<i64> {
    let (sign, digits) = match word.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let number: i64 = (digits.len() == 4).then(|| digits.parse().ok())??;
    Some(sign * ((number / 100) * 3_600 + (number % 100) * 60))
}

fn full_year(number: i64, digits: usize) -> i64 {
    match (digits, number) {
        (..=2, 0..=69) => number + 2_000,
        (..=2, _) => number + 1_900,
        _ => number,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=9_999).contains(&year) {
        return None;
    }
    // Years begin in March here, so that the leap day is the last one.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

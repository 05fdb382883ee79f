//! Percent-encoding, as `requests` (`requote_uri`) and `urllib3` do it, and Python's `repr` of a text.

use std::fmt::Write as _;

/// Letters, digits and `-._~`: never encoded, and decoded where they came encoded.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// `urllib3`'s set for user info.
pub(super) const fn is_userinfo(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':'
        )
}

/// `urllib3`'s set for a path.
pub(super) const fn is_path(byte: u8) -> bool {
    is_userinfo(byte) || matches!(byte, b'@' | b'/')
}

/// `urllib3`'s set for a query or a fragment.
pub(super) const fn is_query(byte: u8) -> bool {
    is_path(byte) || byte == b'?'
}

/// What `requests` leaves alone when it quotes a whole URL; `%` is decided by the caller.
const fn is_safe_in_uri(byte: u8) -> bool {
    is_query(byte) || matches!(byte, b'#' | b'[' | b']')
}

/// Whether a path goes through every quoting step unchanged: no `%`, no dot segment, only path characters.
pub(super) fn is_plain_path(path: &str) -> bool {
    let mut after_slash = false;
    for byte in path.bytes() {
        if !is_path(byte) || (after_slash && byte == b'.') {
            return false;
        }
        after_slash = byte == b'/';
    }
    true
}

/// Whether a query goes through every quoting step unchanged. Percent-encoded octets pass in the spelling that
/// `requests` would give them: upper case, and not of an unreserved character.
pub(super) fn is_plain_query(query: &str) -> bool {
    let bytes = query.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            let (Some(&high), Some(&low)) = (bytes.get(at + 1), bytes.get(at + 2)) else {
                return false;
            };
            let (Some(octet), false) = (octet(high, low), high.is_ascii_lowercase() || low.is_ascii_lowercase()) else {
                return false;
            };
            if is_unreserved(octet) {
                return false;
            }
            at += 3;
        } else if is_query(byte) {
            at += 1;
        } else {
            return false;
        }
    }
    true
}

fn octet(high: u8, low: u8) -> Option<u8> {
    let high = char::from(high).to_digit(16)?;
    let low = char::from(low).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

fn push_encoded(text: &mut String, byte: u8) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    text.push('%');
    text.push(DIGITS[usize::from(byte >> 4)]);
    text.push(DIGITS[usize::from(byte & 15)]);
}

/// Encodes what is not `allowed`. When every `%` of the component starts an octet, the component is taken as encoded
/// already and its octets are kept (in upper case); otherwise every `%` is text.
pub(super) fn encode_component(component: &str, allowed: fn(u8) -> bool) -> String {
    let bytes = component.as_bytes();
    let is_octet = |at: usize| matches!((bytes.get(at + 1), bytes.get(at + 2)), (Some(high), Some(low)) if octet(*high, *low).is_some());
    let is_encoded = (0..bytes.len()).filter(|at| bytes[*at] == b'%').all(is_octet);
    let mut encoded = String::with_capacity(component.len() + 8);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if byte == b'%' {
            // Even in a component that is not encoded as a whole, real octets have been put in upper case first.
            let digits = if is_octet(at - 1) {
                component.get(at..at + 2).unwrap_or_default()
            } else {
                ""
            };
            encoded.push_str(if is_encoded { "%" } else { "%25" });
            encoded.push_str(&digits.to_ascii_uppercase());
            at += digits.len();
        } else if allowed(byte) {
            encoded.push(char::from(byte));
        } else {
            push_encoded(&mut encoded, byte);
        }
    }
    encoded
}

/// What stands on the request line for this path and query: a last encoding that `urllib3` does before sending.
pub(super) fn encode_target(path_url: &str) -> String {
    match path_url.split_once('?') {
        None => encode_component(path_url, is_path),
        Some((path, query)) => {
            format!(
                "{}?{}",
                encode_component(path, is_path),
                encode_component(query, is_query)
            )
        }
    }
}

/// `requests.utils.requote_uri`: octets of unreserved characters are decoded, then what a URL may not hold is encoded.
/// When a `%` is followed by two letters or digits that are no octet, nothing is decoded and every `%` is encoded.
pub(super) fn requote_uri(uri: &str) -> String {
    match unquote_unreserved(uri) {
        Some(unquoted) => quote(&unquoted, |byte| is_safe_in_uri(byte) || byte == b'%'),
        None => quote(uri, is_safe_in_uri),
    }
}

fn quote(text: &str, safe: impl Fn(u8) -> bool) -> String {
    let mut quoted = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if safe(byte) {
            quoted.push(char::from(byte));
        } else {
            push_encoded(&mut quoted, byte);
        }
    }
    quoted
}

/// `None` when the text holds `%` and two letters or digits that are no octet.
fn unquote_unreserved(uri: &str) -> Option<String> {
    let mut parts = uri.split('%');
    let mut unquoted = String::with_capacity(uri.len());
    unquoted.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let mut characters = part.chars();
        let decoded = match (characters.next(), characters.next()) {
            (Some(high), Some(low)) if high.is_alphanumeric() && low.is_alphanumeric() => {
                let value = high.to_digit(16)? * 16 + low.to_digit(16)?;
                u8::try_from(value).ok().filter(|byte| is_unreserved(*byte))
            }
            _ => None,
        };
        if let Some(byte) = decoded {
            unquoted.push(char::from(byte));
            unquoted.push_str(characters.as_str());
        } else {
            unquoted.push('%');
            unquoted.push_str(part);
        }
    }
    Some(unquoted)
}

/// Python's `repr` of a text, for messages that quote a URL as Python's do.
#[must_use]
pub fn python_repr(text: &str) -> String {
    let delimiter = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut repr = String::with_capacity(text.len() + 2);
    repr.push(delimiter);
    for character in text.chars() {
        match character {
            '\\' => repr.push_str("\\\\"),
            '\n' => repr.push_str("\\n"),
            '\r' => repr.push_str("\\r"),
            '\t' => repr.push_str("\\t"),
            _ if character == delimiter => {
                repr.push('\\');
                repr.push(character);
            }
            ' '..='~' => repr.push(character),
            _ if character.is_control() || (character.is_whitespace() && !character.is_ascii()) => {
                let code = u32::from(character);
                // Writing to a String cannot fail.
                let _ = match code {
                    0..=0xff => write!(repr, "\\x{code:02x}"),
                    0x100..=0xffff => write!(repr, "\\u{code:04x}"),
                    _ => write!(repr, "\\U{code:08x}"),
                };
            }
            _ => repr.push(character),
        }
    }
    repr.push(delimiter);
    repr
}

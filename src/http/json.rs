//! Whether a body is JSON that every parser reads alike, so that a fast one may read it in the place of Python's `json`.
//!
//! Nothing is parsed here. Fast parsers and `json` agree on the values of a valid text with two exceptions: integers beyond 64 bits
//! and very deep nesting. Those are found by looking, at a small part of the price of parsing; what is doubtful is left to `json`.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// No integer with fewer digits is beyond 64 bits.
const LONG: usize = 19;

/// Nesting up to here is no trouble for anybody; Python's limit is about a thousand, less what is on its stack already.
const SHALLOW: usize = 250;

/// Whether a body is to be read as UTF-8, and is plain. `guesses` says whether one of unknown encoding is taken for UTF-8.
#[must_use]
pub fn is_plain_body(body: &[u8], encoding: Encoding, guesses: bool) -> bool {
    let is_utf8 = match encoding {
        Encoding::Utf8 => true,
        Encoding::AsciiAndMore => body.is_ascii(),
        // `requests` looks at the first four bytes; shorter texts it leaves to statistics.
        Encoding::Unsaid => guesses && body.len() > 3,
        Encoding::Other => false,
    };
    is_utf8 && !body.is_empty() && is_plain(body)
}

/// What is known of how a text is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// An encoding whose first half is ASCII.
    AsciiAndMore,
    /// Nobody has said.
    Unsaid,
    /// Any other one, or one that it takes a closer look to tell.
    Other,
}

impl Encoding {
    /// The encoding of this name, as Python's codecs know it.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let is_one_of = |known: &[&str]| known.iter().any(|known| name.eq_ignore_ascii_case(known));
        if is_one_of(&["utf-8", "utf8"]) {
            Self::Utf8
        } else if is_one_of(&["iso-8859-1", "latin-1", "ascii", "us-ascii", "windows-1252"]) {
            Self::AsciiAndMore
        } else {
            Self::Other
        }
    }

    /// The encoding that the headers of a response mean to `requests`.
    #[must_use]
    pub fn of_headers(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(CONTENT_TYPE).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return if headers.contains_key(CONTENT_TYPE) {
                Self::Other
            } else {
                Self::Unsaid
            };
        };
        let Ok(value) = value.to_str() else { return Self::Other };
        let (kind, parameters) = value.split_once(';').unwrap_or((value, ""));
        match parameters.trim() {
            "" if kind.contains("text") => Self::AsciiAndMore,
            "" if kind.contains("application/json") => Self::Utf8,
            "" => Self::Unsaid,
            parameter => match charset(parameter) {
                Some(name) => Self::named(&name),
                None => Self::Other,
            },
        }
    }
}

/// The value of a `charset` that is the only parameter.
fn charset(parameter: &str) -> Option<Cow<'_, str>> {
    let (key, value) = parameter.split_once('=')?;
    let is_only = !value.contains([';', ',', '=']);
    (is_only && key.trim().eq_ignore_ascii_case("charset")).then(|| value.trim().trim_matches(['"', '\'']).into())
}

/// Whether all parsers that accept the text make the same of it. Says nothing of whether it is JSON.
///
/// Brackets in strings are counted like others: a text whose strings close hundreds of brackets could hide nesting as deep as
/// Python's limit. Such a text is then read where `json` would raise a `RecursionError`.
#[must_use]
pub fn is_plain(text: &[u8]) -> bool {
    !has_huge_integer(text) && is_shallow(text)
}

/// Whether some digits might be an integer that does not fit into 64 bits.
fn has_huge_integer(text: &[u8]) -> bool {
    // Every run of that many digits has one in such a place, so nearly all of the text need not be looked at.
    let mut at = LONG - 1;
    while at < text.len() {
        if text[at].is_ascii_digit() {
            let before = text[..at].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
            let after = text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (start, end) = (at - before, at + after);
            if end - start >= LONG && !fits(&text[start..end], start > 0 && text[start - 1] == b'-') {
                return true;
            }
            at = end;
        }
        at += LONG;
    }
    false
}

/// Whether an integer of at least [`LONG`] digits fits into 64 bits, with or without a sign.
fn fits(digits: &[u8], is_negative: bool) -> bool {
    // Digits of one length compare as their numbers do.
    match digits.len() {
        LONG => !is_negative || digits <= &b"9223372036854775808"[..],
        20 => !is_negative && digits <= &b"18446744073709551615"[..],
        _ => false,
    }
}

fn is_shallow(text: &[u8]) -> bool {
    // Few enough bytes at once for the counts to fit one, and for the loop to be done by vector instructions.
    let mut depth = 0_usize;
    for block in text.chunks(64) {
        let (mut opened, mut closed) = (0_u8, 0_u8);
        for &byte in block {
            // Square and curly brackets differ in this bit.
            let byte = byte | 0x20;
            opened += u8::from(byte == b'{');
            closed += u8::from(byte == b'}');
        }
        depth += usize::from(opened);
        if depth > SHALLOW {
            return false;
        }
        depth = depth.saturating_sub(usize::from(closed));
    }
    true
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn of(content_type: &'static str) -> Encoding {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Encoding::of_headers(&headers)
    }

    #[test]
    fn the_encoding_is_what_requests_makes_of_the_headers() {
        assert_eq!(of("application/json"), Encoding::Utf8);
        assert_eq!(of("application/json; charset=UTF-8"), Encoding::Utf8);
        assert_eq!(of("application/json;charset=\"utf8\""), Encoding::Utf8);
        assert_eq!(of("text/html"), Encoding::AsciiAndMore);
        assert_eq!(of("text/html; Charset=utf-8"), Encoding::Utf8);
        assert_eq!(of("application/json; charset=iso-8859-1"), Encoding::AsciiAndMore);
        assert_eq!(of("application/vnd.api+json"), Encoding::Unsaid);
        assert_eq!(of("Application/JSON"), Encoding::Unsaid);
        assert_eq!(of("application/json; charset=utf-16"), Encoding::Other);
        assert_eq!(of("application/json; version=1; charset=utf-8"), Encoding::Other);
        assert_eq!(Encoding::of_headers(&HeaderMap::new()), Encoding::Unsaid);
        let mut twice = HeaderMap::new();
        twice.append(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        twice.append(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        assert_eq!(Encoding::of_headers(&twice), Encoding::Other);
    }

    #[test]
    fn a_body_is_taken_by_its_encoding() {
        let taken = |body: &'static [u8], encoding, guesses| is_plain_body(body, encoding, guesses);
        assert!(taken(b"{}", Encoding::Utf8, false));
        assert!(!taken(b"", Encoding::Utf8, false));
        assert!(taken(b"[\"a\"]", Encoding::AsciiAndMore, false));
        assert!(!taken(b"[\"\xe9\"]", Encoding::AsciiAndMore, false));
        assert!(taken(b"[\"a\"]", Encoding::Unsaid, true));
        assert!(!taken(b"[1]", Encoding::Unsaid, true));
        assert!(!taken(b"[\"a\"]", Encoding::Unsaid, false));
        assert!(!taken(b"[\"a\"]", Encoding::Other, true));
    }

    #[test]
    fn integers_at_the_edges_of_64_bits() {
        for plain in [
            "18446744073709551615",
            "-9223372036854775808",
            "9999999999999999999",
            "1",
        ] {
            assert!(is_plain(plain.as_bytes()), "{plain}");
        }
        for huge in [
            "18446744073709551616",
            "-9223372036854775809",
            "100000000000000000000",
            "-18446744073709551615",
        ] {
            assert!(!is_plain(huge.as_bytes()), "{huge}");
        }
    }

    #[test]
    fn nesting() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(is_plain(&nested(SHALLOW - 64)) && !is_plain(&nested(SHALLOW + 64)));
        assert!(is_plain("{},[]".repeat(10_000).as_bytes()));
    }

    proptest! {
        #[test]
        fn no_huge_integer_is_missed(before in "[^0-9]{0,60}", number in any::<i128>(), after in "[^0-9]{0,60}", more in "[0-9]{0,18}") {
            let text = format!("{more}{before}{number}{after}{more}");
            let digits = number.unsigned_abs();
            let is_huge = number > i128::from(u64::MAX) || (number < 0 && digits > 1 << 63);
            // A sign may come from `before`; then less fits.
            let may_be_signed = before.ends_with('-') && digits > 1 << 63;
            prop_assert_eq!(!is_plain(text.as_bytes()), is_huge || may_be_signed, "{}", text);
        }
    }
}

//! Whatever a server may send, thrown at the parts that read it: none of them panics, each stays within its bounds.
//!
//! The whole exchange over a real socket is in `tests/http/hostile.rs`; this is what cannot be reached from there. More
//! cases than usual: `PROPTEST_CASES=1000000 cargo test --no-default-features hostile`.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method};
use proptest::prelude::*;

use super::cookies::Jar;
use super::decode::{DecodeError, Decoding, decode};
use super::redirect::RedirectRule;
use super::response::Sent;
use super::target::Target;
use super::transcript::Transcript;

fn sent_to(url: &str) -> Sent {
    Sent {
        method: Method::POST,
        target: Target::parse(url).unwrap(),
        headers: Arc::default(),
        cookie: None,
        body: Some(Bytes::from_static(b"body")),
        feed: None,
    }
}

/// Bytes that a header value may hold: what the codec lets through.
fn header_value() -> impl Strategy<Value = HeaderValue> {
    let byte = prop_oneof![0x20_u8..0x7f, 0x80_u8..=0xff, Just(b'\t')];
    prop::collection::vec(byte, 0..120).prop_map(|bytes| HeaderValue::from_bytes(&bytes).unwrap())
}

/// `Set-Cookie` values that are right in parts.
fn set_cookie() -> impl Strategy<Value = HeaderValue> {
    let word = prop_oneof![
        "[a-z]{0,6}",
        "[ -~]{0,12}",
        Just("host.test".to_owned()),
        Just(".test".to_owned()),
        Just("/a/b".to_owned()),
        Just("Wed, 09 Jun 2099 10:18:14 GMT".to_owned()),
        Just("99999999999999999999".to_owned()),
        Just("-1".to_owned()),
    ];
    let name = prop_oneof![
        "[a-z]{1,3}",
        Just("Domain".to_owned()),
        Just("Path".to_owned()),
        Just("Expires".to_owned()),
        Just("Max-Age".to_owned()),
        Just("Port".to_owned()),
        Just("Secure".to_owned()),
        Just("Version".to_owned()),
    ];
    let attribute = (name, prop::option::of(word)).prop_map(|(name, value)| match value {
        Some(value) => format!("{name}={value}"),
        None => name,
    });
    prop::collection::vec(attribute, 0..6)
        .prop_map(|parts| HeaderValue::from_bytes(parts.join("; ").as_bytes()).unwrap())
}

/// A location that is right in parts.
fn location() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("http://".to_owned()),
        Just("https://".to_owned()),
        Just("//".to_owned()),
        Just("..".to_owned()),
        Just("/".to_owned()),
        Just("?".to_owned()),
        Just("#".to_owned()),
        Just("@".to_owned()),
        Just(":".to_owned()),
        Just("[::1]".to_owned()),
        Just("%".to_owned()),
        Just("%zz".to_owned()),
        Just("99999".to_owned()),
        Just("host.test".to_owned()),
        Just("ftp:".to_owned()),
        Just("javascript:".to_owned()),
        "[ -~]{0,8}",
        "\\PC{0,4}",
        any::<String>(),
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

#[derive(Clone, Copy, Debug)]
enum Coding {
    Gzip,
    Deflate,
    BareDeflate,
    Zstd,
}

impl Coding {
    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate | Self::BareDeflate => "deflate",
            Self::Zstd => "zstd",
        }
    }

    fn encode(self, text: &[u8]) -> Vec<u8> {
        use flate2::Compression;
        use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
        macro_rules! with {
            ($encoder:ident) => {{
                let mut encoder = $encoder::new(Vec::new(), Compression::fast());
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }};
        }
        match self {
            Self::Gzip => with!(GzEncoder),
            Self::Deflate => with!(ZlibEncoder),
            Self::BareDeflate => with!(DeflateEncoder),
            Self::Zstd => ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest),
        }
    }
}

fn coding() -> impl Strategy<Value = Coding> {
    prop_oneof![
        Just(Coding::Gzip),
        Just(Coding::Deflate),
        Just(Coding::BareDeflate),
        Just(Coding::Zstd)
    ]
}

fn encoded_as(names: &str) -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_str(names).unwrap())])
}

proptest! {
    #[test]
    fn any_text_is_a_url_or_a_problem(url in location(), query in prop_oneof![Just(String::new()), any::<String>()]) {
        if let Ok(target) = Target::parse_with_query(&url, &query) {
            let again = Target::parse(target.as_str()).unwrap();
            prop_assert_eq!((again.host(), again.port()), (target.host(), target.port()));
            if query.is_empty() {
                prop_assert_eq!(again.as_str(), target.as_str());
                prop_assert_eq!(again.path_url(), target.path_url());
            }
            let _ = target.wire_uri();
        }
    }

    #[test]
    fn any_location_leads_to_a_url_or_a_problem(location in location(), status in prop::sample::select(vec![301_u16, 302, 303, 307, 308])) {
        let sent = sent_to("http://user:secret@host.test:8080/a/b?c#d");
        for rule in [RedirectRule::Requests, RedirectRule::fast()] {
            if let Ok(next) = rule.next(&sent, status, location.as_bytes(), &sent.target) {
                // As in requests, a host that could not be asked for directly may still be looked up after a redirect.
                let _ = (Target::parse(next.target.as_str()), next.target.wire_uri(), next.all_headers());
                prop_assert!(matches!(next.target.scheme().as_str(), "http" | "https"));
            }
        }
    }

    #[test]
    fn any_header_is_a_location_or_none(value in header_value()) {
        let headers = HeaderMap::from_iter([(LOCATION, value)]);
        for rule in [RedirectRule::Requests, RedirectRule::fast()] {
            let _ = rule.location(302, &headers, 30);
        }
    }

    #[test]
    fn any_cookies_are_kept_once_and_sent_as_one_header(
        values in prop::collection::vec(prop_oneof![set_cookie(), header_value()], 0..20),
        url in prop::sample::select(vec!["http://host.test/a/b", "https://a.host.test:444/", "http://localhost/", "http://127.0.0.1:8/x"]),
    ) {
        let jar = Jar::default();
        let sent = sent_to(url);
        let headers: HeaderMap = values.iter().map(|value| (SET_COOKIE, value.clone())).collect();
        jar.store(&headers, &sent);
        let first = jar.list();
        prop_assert!(first.len() <= values.len());
        prop_assert_eq!(first.len(), jar.len());
        jar.store(&headers, &sent);
        prop_assert_eq!(jar.len(), first.len(), "the same cookies again are the same cookies");
        if let Some(header) = jar.header_for(&sent, true, &[]) {
            prop_assert!(header.as_bytes().split(|byte| *byte == b';').count() <= first.iter().map(|cookie| 1 + cookie.name.matches(';').count()).sum::<usize>());
            let with_cookie = Sent { headers: Arc::new(HeaderMap::from_iter([(COOKIE, header)])), ..sent };
            prop_assert!(jar.header_for(&with_cookie, true, &[]).is_none());
        }
    }

    #[test]
    fn a_transcript_hears_the_same_in_pieces_of_any_size(
        response in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..400),
            prop::collection::vec(prop::sample::select(vec![
                "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 C\r\n", "\r\n", "\n", "x: y\r\n", "Transfer-Encoding: chunked\r\n",
                "5\r\nhello\r\n", "0\r\n", "ffffffffffffffff\r\n", "zz", ";", "HTTP/1.1 1", "Content-Length: 5\r\n",
            ]), 0..30).prop_map(|parts| parts.concat().into_bytes()),
        ],
        size in 1_usize..50,
    ) {
        let heard = |size: usize| {
            let mut transcript = Transcript::default();
            transcript.begin(false);
            response.chunks(size).for_each(|piece| transcript.hear(piece));
            (transcript.head(), transcript.bad_status_line(), transcript.chunk_break(), transcript.excess(), transcript.unmatching_lengths())
        };
        prop_assert_eq!(heard(size), heard(response.len().max(1)));
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(
        names in prop::collection::vec(prop::sample::select(vec!["gzip", "deflate", "br", "zstd", "identity", "x-gzip"]), 1..7),
        body in prop::collection::vec(any::<u8>(), 0..600),
        magic in prop::sample::select(vec![&b""[..], b"\x1f\x8b\x08\0\0\0\0\0\0\0", b"\x78\x9c", b"\x28\xb5\x2f\xfd", b"\x0b"]),
        accepts_cut in any::<bool>(),
    ) {
        const LIMIT: u64 = 100_000;
        let body = Bytes::from([magic, &body[..]].concat());
        match decode(&encoded_as(&names.join(", ")), &body, Some(LIMIT), accepts_cut) {
            Ok(Some(decoded)) => prop_assert!(decoded.len() as u64 <= LIMIT),
            Ok(None) => prop_assert!(names.iter().all(|name| *name == "identity")),
            Err(DecodeError::TooLarge { limit }) => prop_assert_eq!(limit, LIMIT),
            Err(DecodeError::Corrupt { .. }) => {}
        }
    }

    #[test]
    fn what_was_encoded_is_decoded_whatever_lies_on_top(
        text in prop_oneof![prop::collection::vec(any::<u8>(), 0..2_000), (any::<u8>(), 0_usize..300_000).prop_map(|(byte, count)| vec![byte; count])],
        codings in prop::collection::vec(coding(), 1..4),
        damage in prop::option::of((any::<prop::sample::Index>(), any::<u8>(), any::<bool>())),
    ) {
        let encoded = codings.iter().fold(text.clone(), |body, coding| coding.encode(&body));
        let names: Vec<_> = codings.iter().map(|coding| coding.name()).collect();
        let headers = encoded_as(&names.join(","));
        let whole = decode(&headers, &Bytes::from(encoded.clone()), None, false).unwrap().unwrap();
        prop_assert!(whole == text);
        let limit = text.len() as u64;
        prop_assert!(decode(&headers, &Bytes::from(encoded.clone()), Some(limit), false).is_ok());
        if limit > 0 {
            let bounded = decode(&headers, &Bytes::from(encoded.clone()), Some(limit - 1), false);
            prop_assert_eq!(bounded, Err(DecodeError::TooLarge { limit: limit - 1 }));
        }
        if let Some((at, byte, is_cut)) = damage && !encoded.is_empty() {
            let mut damaged = encoded;
            let at = at.index(damaged.len());
            if is_cut { damaged.truncate(at) } else { damaged[at] = byte }
            if let Ok(Some(mut decoding)) = Decoding::begin(&headers, &Bytes::from(damaged), Some(1 << 22), true) {
                while let Ok(false) = decoding.step() {}
                prop_assert!(decoding.finish().len() <= (1 << 22) + 1);
            }
        }
    }
}

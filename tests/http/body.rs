//! Bodies as they come: whole, in chunks, in drips, until the end of the connection, encoded, or not at all.

use std::io::Write;

use rocust::http::{Failure, FailureKind, Options, Request, Response, Session};

use crate::support::{ScriptedServer, get, send, session};

async fn answer_to(request: impl FnOnce(Request) -> Request, response: Vec<u8>) -> Result<Response, Failure> {
    let server = ScriptedServer::start(move |mut visit, _| {
        let response = response.clone();
        async move {
            visit.request().await;
            visit.say(&response).await;
            visit.close().await;
        }
    })
    .await;
    send(&session(), request(get(&server.url("/")))).await
}

fn encoded(encoding: &str, body: &[u8]) -> Vec<u8> {
    let mut response = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    response.extend_from_slice(body);
    response
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn raw_deflate(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
}

/// "hello, brotli" by the reference encoder.
const BROTLI: &[u8] = &[
    0x0b, 0x06, 0x80, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x2c, 0x20, 0x62, 0x72, 0x6f, 0x74, 0x6c, 0x69, 0x03,
];

#[tokio::test]
async fn chunks_drips_and_unframed_bodies_are_whole() {
    for response in [
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nhello \r\n5;x=y\r\nworld\r\n0\r\nt: r\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world",
        "HTTP/1.0 200 OK\r\n\r\nhello world",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world",
    ] {
        let response = answer_to(|request| request, response.as_bytes().to_vec())
            .await
            .unwrap();
        assert_eq!((response.status, &response.body[..]), (200, &b"hello world"[..]));
    }
    let server = ScriptedServer::start(|mut visit, _| async move {
        visit.request().await;
        for byte in b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" {
            visit.say(&[*byte]).await;
            tokio::task::yield_now().await;
        }
    })
    .await;
    let response = send(&session(), get(&server.url("/"))).await.unwrap();
    assert_eq!(&response.body[..], b"hello");
}

#[tokio::test]
async fn a_large_body_is_whole() {
    let body: Vec<u8> = (0..5_000_000_u32).map(|number| (number % 251) as u8).collect();
    let mut response = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    response.extend_from_slice(&body);
    let response = answer_to(|request| request, response).await.unwrap();
    assert!(response.body == body);
    assert_eq!(response.wire_body_bytes, 5_000_000);
}

#[tokio::test]
async fn a_large_request_body_arrives() {
    let server = ScriptedServer::start(|mut visit, _| async move {
        let length = visit.request().await.unwrap().len();
        let text = length.to_string();
        visit
            .say(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len()).as_bytes())
            .await;
    })
    .await;
    let mut request = get(&server.url("/"));
    request.method = http::Method::PUT;
    request.body = Some(vec![b'x'; 3_000_000].into());
    let response = send(&session(), request).await.unwrap();
    let length: usize = std::str::from_utf8(&response.body).unwrap().parse().unwrap();
    assert!(length > 3_000_000);
}

#[tokio::test]
async fn responses_without_a_body_have_none() {
    let server = ScriptedServer::start(|mut visit, _| async move {
        while let Some(request) = visit.request().await {
            let status = if request.contains("/204") {
                "204 No Content"
            } else {
                "304 Not Modified"
            };
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: 5\r\ncontent-encoding: gzip\r\n\r\n");
            visit.say(head.as_bytes()).await;
        }
    })
    .await;
    let session = session();
    for path in ["/204", "/304", "/head"] {
        let mut request = get(&server.url(path));
        if path == "/head" {
            request.method = http::Method::HEAD;
            request.max_body_bytes = Some(1);
        }
        assert!(send(&session, request).await.unwrap().body.is_empty());
    }
    assert_eq!(server.visits(), 1);
}

#[tokio::test]
async fn the_reason_is_kept_where_it_is_not_the_usual_one() {
    let usual = answer_to(|request| request, b"HTTP/1.1 404 Not Found\r\n\r\n".to_vec())
        .await
        .unwrap();
    assert_eq!((usual.status, usual.reason), (404, None));
    let own = answer_to(|request| request, b"HTTP/1.1 404 Gone Fishing\r\n\r\n".to_vec())
        .await
        .unwrap();
    assert_eq!(own.reason.as_deref(), Some(&b"Gone Fishing"[..]));
    let none = answer_to(|request| request, b"HTTP/1.1 404 \r\n\r\n".to_vec())
        .await
        .unwrap();
    assert_eq!(none.reason.as_deref(), Some(&b""[..]));
}

#[tokio::test]
async fn every_encoding_is_undone_in_its_order() {
    let text = "hello, hello, hello".repeat(500);
    let text = text.as_bytes();
    for (encoding, body) in [
        ("gzip", gzip(text)),
        ("X-GZip", [gzip(&text[..100]), gzip(&text[100..])].concat()),
        ("gzip", [gzip(text), b"trailing".to_vec()].concat()),
        ("deflate", zlib(text)),
        ("deflate", raw_deflate(text)),
        ("zstd", zstd(text)),
        ("zstd", [zstd(&text[..100]), zstd(&text[100..])].concat()),
        ("gzip, zstd", zstd(&gzip(text))),
        ("deflate, identity , gzip", gzip(&zlib(text))),
    ] {
        let response = answer_to(|request| request, encoded(encoding, &body)).await.unwrap();
        assert!(response.body == text, "{encoding}");
        assert_eq!(response.wire_body_bytes, body.len() as u64);
    }
    let response = answer_to(|request| request, encoded("br", BROTLI)).await.unwrap();
    assert_eq!(&response.body[..], b"hello, brotli");
}

#[tokio::test]
async fn a_body_is_left_alone_when_asked_or_when_its_encoding_is_unknown() {
    let body = gzip(b"text");
    let raw = |mut request: Request| {
        request.decode = false;
        request
    };
    assert!(answer_to(raw, encoded("gzip", &body)).await.unwrap().body == body);
    assert!(
        answer_to(|request| request, encoded("gzip, rot13", &body))
            .await
            .unwrap()
            .body
            == body
    );
}

#[tokio::test]
async fn a_broken_encoding_is_a_bad_body() {
    for (encoding, mut body) in [
        ("gzip", gzip(b"some text to break")),
        ("deflate", zlib(b"some text to break")),
        ("br", BROTLI.to_vec()),
        ("zstd", zstd(b"some text to break")),
    ] {
        let garbage = answer_to(|request| request, encoded(encoding, b"garbage\xff\xfe"))
            .await
            .unwrap_err();
        assert_eq!(garbage.kind, FailureKind::BadBody, "{encoding}");
        assert!(garbage.message.starts_with("Received response with content-encoding: "));
        let raw = garbage.response.unwrap();
        assert_eq!(&raw.body[..], b"garbage\xff\xfe", "{encoding}");
        body.truncate(body.len() / 2);
        let strict = Session::new(Options {
            accepts_cut_encodings: false,
            ..Options::default()
        });
        let cut = answer_within(&strict, encoded(encoding, &body)).await.unwrap_err();
        assert_eq!(cut.kind, FailureKind::BadBody, "{encoding}");
    }
}

#[tokio::test]
async fn an_encoding_that_ends_too_soon_gives_what_came_of_it_where_that_is_accepted() {
    let text: Vec<u8> = (0..60_000_u32)
        .flat_map(|number| number.to_string().into_bytes())
        .collect();
    for (encoding, whole) in [
        ("gzip", gzip(&text)),
        ("deflate", zlib(&text)),
        ("deflate", raw_deflate(&text)),
    ] {
        for length in [whole.len() - 1, whole.len() / 2, 5, 1] {
            let response = answer_within(&session(), encoded(encoding, &whole[..length]))
                .await
                .unwrap();
            assert!(text.starts_with(&response.body), "{encoding} {length}");
            assert!(
                response.body.len() >= length.saturating_sub(1000),
                "{encoding} {length}"
            );
        }
    }
    for body in [
        [gzip(&text), gzip(&text)[..500].to_vec()].concat(),
        [gzip(&text), b"\x1f\x8b\x08\xff".to_vec()].concat(),
    ] {
        let response = answer_within(&session(), encoded("gzip", &body)).await.unwrap();
        assert!(response.body.starts_with(&text));
    }
    for body in [&b"not gzip"[..], b"x", b"\x1f\x8c"] {
        let failure = answer_within(&session(), encoded("gzip", body)).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::BadBody, "{body:?}");
    }
}

#[tokio::test]
async fn names_of_headers_can_be_had_as_the_server_spells_them() {
    let head =
        "HTTP/1.1 200 OK\r\nX-miXed: 1\r\nset-Cookie: a=b\r\nETag: 2\r\nSET-COOKIE:c=d \r\nContent-Length: 0\r\n\r\n";
    let response = answer_within(&session(), head.as_bytes().to_vec()).await.unwrap();
    let spelled: Vec<_> = response
        .spelled_headers()
        .into_iter()
        .map(|(name, value)| (name, value.to_str().unwrap()))
        .collect();
    assert_eq!(
        spelled,
        [
            ("X-miXed", "1"),
            ("set-Cookie", "a=b"),
            ("ETag", "2"),
            ("SET-COOKIE", "c=d"),
            ("Content-Length", "0")
        ]
    );
    let long = format!(
        "HTTP/1.1 200 OK\r\nLong: {}\r\nContent-Length: 0\r\n\r\n",
        "x".repeat(70_000)
    );
    let response = answer_within(&session(), long.into_bytes()).await.unwrap();
    let names: Vec<_> = response.spelled_headers().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["long", "content-length"]);
}

/// What a session gets from a server that says this and closes.
async fn answer_within(session: &Session, response: Vec<u8>) -> Result<Response, Failure> {
    let server = ScriptedServer::start(move |mut visit, _| {
        let response = response.clone();
        async move {
            visit.request().await;
            visit.say(&response).await;
            visit.close().await;
        }
    })
    .await;
    send(session, get(&server.url("/"))).await
}

#[tokio::test]
async fn a_small_body_that_decodes_to_a_huge_one_is_refused() {
    let zeros = vec![0; 1_000_000];
    for (encoding, body) in [
        ("gzip", gzip(&zeros)),
        ("deflate", zlib(&zeros)),
        ("zstd", zstd(&zeros)),
    ] {
        let bounded = |limit| {
            move |mut request: Request| {
                request.max_body_bytes = Some(limit);
                request
            }
        };
        assert_eq!(
            answer_to(bounded(1_000_000), encoded(encoding, &body))
                .await
                .unwrap()
                .body
                .len(),
            1_000_000
        );
        let failure = answer_to(bounded(999_999), encoded(encoding, &body)).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::TooLarge, "{encoding}");
    }
}

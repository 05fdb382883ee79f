//! Each way an exchange can break, and what is said of it.

use rocust::http::{ChunkBreak, Failure, FailureKind};

use crate::support::{ScriptedServer, get, send, session};

/// What a server makes of us that answers with these bytes and closes.
async fn after(response: &'static [u8]) -> Failure {
    let server = ScriptedServer::start(move |mut visit, _| async move {
        visit.request().await;
        visit.say(response).await;
        visit.close().await;
    })
    .await;
    let session = session();
    let failure = send(&session, get(&server.url("/"))).await.unwrap_err();
    assert_eq!(session.idle_connections(), 0);
    failure
}

#[tokio::test]
async fn nobody_listening_is_refused() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let failure = send(&session(), get(&url)).await.unwrap_err();
    assert_eq!((failure.kind, failure.errno), (FailureKind::Refused, Some(111)));
    assert_eq!(failure.to_string(), "[Errno 111] Connection refused");
    assert_eq!(failure.target.as_str(), url);
}

#[tokio::test]
async fn a_name_without_an_address_is_told_with_the_resolvers_number() {
    let failure = send(&session(), get("http://nothing.invalid/")).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Resolve);
    assert!(matches!(failure.errno, Some(-5..=-2)), "{failure:?}");
}

#[tokio::test]
async fn a_reset_before_the_response_has_its_errno() {
    let server = ScriptedServer::start(|mut visit, _| async move {
        visit.request().await;
        visit.reset();
    })
    .await;
    let failure = send(&session(), get(&server.url("/"))).await.unwrap_err();
    assert_eq!((failure.kind, failure.errno), (FailureKind::Reset, Some(104)));
    assert_eq!(failure.message, "Connection reset by peer");
}

#[tokio::test]
async fn a_reset_in_the_body_is_a_reset() {
    let server = ScriptedServer::start(|mut visit, _| async move {
        visit.request().await;
        visit
            .say(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nten bytes.")
            .await;
        visit.reset();
    })
    .await;
    let failure = send(&session(), get(&server.url("/"))).await.unwrap_err();
    assert_eq!((failure.kind, failure.errno), (FailureKind::Reset, Some(104)));
}

#[tokio::test]
async fn an_end_without_a_response_is_closed_early() {
    let failure = after(b"").await;
    assert_eq!(failure.kind, FailureKind::ClosedEarly);
    assert_eq!(failure.message, "Remote end closed connection without response");
}

#[tokio::test]
async fn what_is_not_http_is_told_as_such() {
    for garbage in [
        &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
        b"<html>HTTP/0.9 has no head</html>",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: minus one\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: y\r\n",
        b"HT",
        b"\x16\x03\x01\x02\x00\x01",
    ] {
        let failure = after(garbage).await;
        assert_eq!(failure.kind, FailureKind::NotHttp, "{garbage:?} {failure:?}");
        assert!(!failure.message.is_empty());
        let line = failure.status_line.as_deref();
        let first = garbage.split_inclusive(|byte| *byte == b'\n').next();
        assert_eq!(
            line,
            first.filter(|line| !line.starts_with(b"HTTP/1.1 200")),
            "{garbage:?}"
        );
    }
}

#[tokio::test]
async fn an_endless_head_is_refused_before_it_fills_the_memory() {
    let server = ScriptedServer::start(|mut visit, _| async move {
        visit.request().await;
        visit.say(b"HTTP/1.1 200 OK\r\nx: ").await;
        let piece = vec![b'y'; 65_536];
        while visit.try_say(&piece).await {}
    })
    .await;
    let failure = send(&session(), get(&server.url("/"))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Endless);
}

#[tokio::test]
async fn too_many_headers_are_refused() {
    let server = ScriptedServer::start(|mut visit, _| async move {
        visit.request().await;
        visit.say(b"HTTP/1.1 200 OK\r\n").await;
        while visit.try_say(b"x: y\r\n").await {}
    })
    .await;
    let failure = send(&session(), get(&server.url("/"))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Endless);
}

#[tokio::test]
async fn a_body_that_ends_too_soon_tells_how_far_it_came() {
    let failure = after(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nten bytes.").await;
    assert_eq!(failure.kind, FailureKind::BadBody);
    let progress = failure.progress.unwrap();
    assert_eq!((progress.received, progress.missing), (10, Some(90)));
}

#[tokio::test]
async fn broken_chunks_are_a_bad_body() {
    let inside = |received, missing| ChunkBreak::Inside { received, missing };
    let bad = |line: &[u8]| ChunkBreak::BadSize(line.into());
    for (body, place) in [
        (
            &b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel"[..],
            inside(3, 2),
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
            ChunkBreak::Between,
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfive\r\nhello\r\n0\r\n\r\n",
            bad(b"five\r\n"),
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello\r\n",
            bad(b"ffffffffffffffffff\r\n"),
        ),
    ] {
        let failure = after(body).await;
        assert_eq!(failure.kind, FailureKind::BadBody, "{body:?} {failure:?}");
        assert_eq!(failure.progress.unwrap().missing, None);
        assert_eq!(failure.chunk_break, Some(place));
    }
}

#[tokio::test]
async fn a_body_over_its_bound_is_refused_whether_it_says_so_or_not() {
    for response in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world"[..],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n",
    ] {
        let server = ScriptedServer::answering(response).await;
        let mut request = get(&server.url("/"));
        request.max_body_bytes = Some(11);
        assert_eq!(
            &send(&session(), request.clone()).await.unwrap().body[..],
            b"hello world"
        );
        request.max_body_bytes = Some(10);
        let failure = send(&session(), request).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::TooLarge);
    }
}

//! HTTP/2: one connection for the requests of a session, and what is sent again when a server gives up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rocust::http::{FailureKind, Options, Session, Timeline, TlsSettings, Verify, WireOptions, exchange, open};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::streams::{Pieces, upload};
use crate::support::{Authority, Framed, ScriptedServer, get, headers, kind, send};

const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;

fn session() -> Session {
    session_with(Options::default())
}

fn session_with(options: Options) -> Session {
    let session = Session::new(options);
    session.set_wire(Arc::new(WireOptions {
        http2: true,
        ..WireOptions::PLAIN
    }));
    session
}

/// Answers every request of every connection with `hello`.
async fn greeting_server() -> ScriptedServer {
    ScriptedServer::start(|visit, _| async move {
        let Some(mut framed) = Framed::greet(visit).await else {
            return;
        };
        while let Some(stream) = framed.request().await {
            framed.answer(stream, b"hello").await;
        }
    })
    .await
}

#[tokio::test]
async fn requests_at_the_same_time_share_one_connection() {
    const REQUESTS: usize = 25;
    let server = ScriptedServer::start(|visit, _| async move {
        let Some(mut framed) = Framed::greet(visit).await else {
            return;
        };
        let mut streams = Vec::new();
        // Nobody is answered before all have asked: they must be on the connection together.
        while streams.len() < REQUESTS {
            let Some(stream) = framed.request().await else { return };
            streams.push(stream);
        }
        for stream in streams.into_iter().rev() {
            framed.answer(stream, stream.to_string().as_bytes()).await;
        }
        framed.closed().await;
    })
    .await;
    let session = session();
    let url = server.url("/a");
    let all = (0..REQUESTS).map(|_| send(&session, get(&url)));
    let mut bodies: Vec<u32> = futures_util::future::join_all(all)
        .await
        .into_iter()
        .map(|response| std::str::from_utf8(&response.unwrap().body).unwrap().parse().unwrap())
        .collect();
    bodies.sort_unstable();
    bodies.dedup();
    assert_eq!((bodies.len(), server.visits()), (REQUESTS, 1));
}

#[tokio::test]
async fn who_closes_a_session_can_wait_for_its_connection() {
    let server = greeting_server().await;
    let session = session();
    send(&session, get(&server.url("/"))).await.unwrap();
    assert!(session.is_settled());
    session.close();
    // This is the thread that its driver runs in.
    assert!(!session.is_settled());
    session.closed().await;
    assert!(session.is_settled());
}

#[tokio::test]
async fn who_closes_a_session_does_not_wait_for_what_goes_on() {
    let (asked, mut asking) = mpsc::unbounded_channel();
    let go_on = Arc::new(tokio::sync::Notify::new());
    let goes_on = Arc::clone(&go_on);
    let server = ScriptedServer::start(move |visit, _| {
        let (asked, goes_on) = (asked.clone(), Arc::clone(&goes_on));
        async move {
            let mut framed = Framed::greet(visit).await.unwrap();
            let stream = framed.request().await.unwrap();
            asked.send(()).unwrap();
            goes_on.notified().await;
            framed.answer(stream, b"hello").await;
            framed.closed().await;
        }
    })
    .await;
    let session = session();
    let close = async {
        asking.recv().await.unwrap();
        session.closed().await;
        go_on.notify_one();
    };
    let (response, ()) = tokio::join!(send(&session, get(&server.url("/"))), close);
    assert_eq!(&*response.unwrap().body, b"hello");
}

#[tokio::test]
async fn a_request_looks_as_http2_wants_it_and_the_answer_says_its_version() {
    let (heard, mut hearing) = mpsc::unbounded_channel();
    let server = ScriptedServer::start(move |visit, _| {
        let heard = heard.clone();
        async move {
            let mut connection = h2::server::handshake(visit.into_stream()).await.unwrap();
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                let (parts, mut body) = request.into_parts();
                let heard = heard.clone();
                tokio::spawn(async move {
                    let mut bytes = Vec::new();
                    while let Some(piece) = body.data().await {
                        let piece = piece.unwrap();
                        body.flow_control().release_capacity(piece.len()).unwrap();
                        bytes.extend_from_slice(&piece);
                    }
                    heard.send((parts, bytes)).unwrap();
                    let response = http::Response::builder()
                        .header("X-Spelled", "so")
                        .header("set-cookie", "a=b")
                        .body(())
                        .unwrap();
                    respond.send_response(response, true).unwrap();
                });
            }
        }
    })
    .await;
    let session = session();
    let mut request = get(&server.url("/p%20q?x=1#part"));
    request.method = http::Method::POST;
    request.headers = headers(&[
        ("connection", "keep-alive, x-hop"),
        ("x-hop", "1"),
        ("te", "gzip"),
        ("user-agent", "me"),
    ]);
    // More than the window of a stream: the server has to give room for the rest.
    let body = vec![b'x'; 300_000];
    request.body = Some(body.clone().into());
    let mut timeline = Timeline::queued_at(tokio::time::Instant::now());
    let response = exchange(&session, request, &mut timeline).await.unwrap();
    assert_eq!(
        (response.version, response.status, response.body.len()),
        (http::Version::HTTP_2, 200, 0)
    );
    assert_eq!(response.spelled_headers()[0].0, "x-spelled");
    assert!(timeline.connected() <= timeline.sent() && timeline.sent() <= timeline.first_byte());
    assert_eq!(timeline.phases().map(|phases| phases.total()), timeline.response_time());
    assert!(timeline.first_byte() <= timeline.done() && timeline.tls().is_none() && timeline.sent().is_some());
    let (parts, sent) = hearing.recv().await.unwrap();
    assert_eq!(parts.uri.to_string(), server.url("/p%20q?x=1"));
    let names: Vec<_> = parts.headers.keys().map(http::HeaderName::as_str).collect();
    assert_eq!(names, ["user-agent", "content-length"]);
    assert_eq!(sent, body);
    // The jar works as ever, and a Host of the user's own is what the server is told.
    send(&session, get(&server.url("/"))).await.unwrap();
    assert_eq!(hearing.recv().await.unwrap().0.headers.get("cookie").unwrap(), "a=b");
    let mut renamed = get(&server.url("/"));
    renamed.headers = headers(&[("host", "other.example")]);
    send(&session, renamed).await.unwrap();
    let (parts, _) = hearing.recv().await.unwrap();
    assert_eq!(parts.uri.to_string(), "http://other.example/");
    assert_eq!(server.visits(), 1);
}

/// A TLS server that offers these protocols and counts its connections; speaks whichever was chosen.
async fn serve_tls(authority: &Authority, protocols: &[&[u8]]) -> (String, Arc<AtomicUsize>) {
    let mut config = authority.server_config(&["localhost"], false);
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let Ok(mut stream) = acceptor.accept(tcp).await else {
                continue;
            };
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            tokio::spawn(async move {
                if is_http2 {
                    let mut connection = h2::server::handshake(stream).await.unwrap();
                    while let Some(Ok((_, mut respond))) = connection.accept().await {
                        respond.send_response(http::Response::new(()), true).unwrap();
                    }
                    return;
                }
                let mut buffer = [0; 4096];
                while matches!(stream.read(&mut buffer).await, Ok(count) if count > 0) {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
                }
            });
        }
    });
    (url, connections)
}

#[tokio::test]
async fn over_tls_the_server_chooses_the_protocol() {
    let authority = Authority::new();
    let tls = Arc::new(TlsSettings {
        verify: Verify::Bundle(authority.bundle()),
        ..TlsSettings::default()
    });
    for (offered, expected, connections) in [
        (&[&b"h2"[..], b"http/1.1"][..], http::Version::HTTP_2, 1),
        (&[b"http/1.1"], http::Version::HTTP_11, 3),
        (&[], http::Version::HTTP_11, 3),
    ] {
        let (url, counted) = serve_tls(&authority, offered).await;
        let session = session_with(Options {
            tls: Arc::clone(&tls),
            ..Options::default()
        });
        let ask = || send(&session, get(&url));
        let (first, second, third) = tokio::join!(ask(), ask(), ask());
        for response in [first, second, third, ask().await] {
            assert_eq!(response.unwrap().version, expected);
        }
        assert_eq!(counted.load(Ordering::SeqCst), connections, "{offered:?}");
    }
}

#[tokio::test]
async fn requests_that_the_server_did_nothing_with_are_sent_again() {
    for (is_refused, connections) in [(true, 1), (false, 2)] {
        let served = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&served);
        let server = ScriptedServer::start(move |visit, number| {
            let counted = Arc::clone(&counted);
            async move {
                let Some(mut framed) = Framed::greet(visit).await else {
                    return;
                };
                let mut is_first = true;
                while let Some(stream) = framed.request().await {
                    if is_first && number == 0 && is_refused {
                        framed.reset(stream, REFUSED_STREAM).await;
                    } else if number == 0 && !is_refused {
                        // Nothing up to stream 0, so nothing at all, was worked on.
                        framed.go_away(0, NO_ERROR).await;
                    } else {
                        counted.fetch_add(1, Ordering::SeqCst);
                        framed.answer(stream, b"hello").await;
                    }
                    is_first = false;
                }
            }
        })
        .await;
        let session = session();
        let mut post = get(&server.url("/"));
        post.method = http::Method::POST;
        post.body = Some("once".into());
        assert_eq!(&send(&session, post).await.unwrap().body[..], b"hello");
        assert_eq!(
            (served.load(Ordering::SeqCst), server.visits()),
            (1, connections),
            "{is_refused}"
        );
    }
}

#[tokio::test]
async fn a_server_that_refuses_for_ever_is_told_of() {
    let server = ScriptedServer::start(|visit, _| async move {
        let Some(mut framed) = Framed::greet(visit).await else {
            return;
        };
        while let Some(stream) = framed.request().await {
            framed.reset(stream, REFUSED_STREAM).await;
        }
    })
    .await;
    let failure = send(&session(), get(&server.url("/"))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Other);
    assert_eq!(failure.message, "HTTP/2 stream reset by the server: REFUSED_STREAM");
}

#[tokio::test]
async fn a_stream_that_may_have_been_worked_on_is_never_sent_again() {
    let served = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&served);
    let server = ScriptedServer::start(move |visit, number| {
        let counted = Arc::clone(&counted);
        async move {
            let Some(mut framed) = Framed::greet(visit).await else {
                return;
            };
            let Some(stream) = framed.request().await else { return };
            counted.fetch_add(1, Ordering::SeqCst);
            match number {
                // Worked on, and then the connection breaks off.
                0 => framed.go_away(stream, NO_ERROR).await,
                1 => framed.go_away(stream, INTERNAL_ERROR).await,
                2 => {}
                _ => {
                    framed.reset(stream, INTERNAL_ERROR).await;
                    framed.closed().await;
                }
            }
            framed.close().await;
        }
    })
    .await;
    let session = session();
    for connections in 1..=3 {
        let failure = send(&session, get(&server.url("/"))).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::ClosedEarly, "{failure}");
        assert_eq!(
            (served.load(Ordering::SeqCst), server.visits()),
            (connections, connections)
        );
    }
    let failure = send(&session, get(&server.url("/"))).await.unwrap_err();
    assert_eq!(failure.message, "HTTP/2 stream reset by the server: INTERNAL_ERROR");
    assert_eq!(served.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn what_was_worked_on_before_a_goaway_is_answered_and_the_next_request_goes_elsewhere() {
    let server = ScriptedServer::start(|visit, number| async move {
        let Some(mut framed) = Framed::greet(visit).await else {
            return;
        };
        while let Some(stream) = framed.request().await {
            if number == 0 {
                framed.go_away(stream, NO_ERROR).await;
            }
            framed.answer(stream, number.to_string().as_bytes()).await;
        }
    })
    .await;
    let session = session();
    for expected in ["0", "1", "1"] {
        let response = send(&session, get(&server.url("/"))).await.unwrap();
        assert_eq!(response.body, expected);
    }
    assert_eq!(server.visits(), 2);
}

#[tokio::test]
async fn an_idle_connection_that_the_server_closed_is_replaced_silently() {
    let (closed, mut closing) = mpsc::unbounded_channel();
    let server = ScriptedServer::start(move |visit, _| {
        let closed = closed.clone();
        async move {
            let Some(mut framed) = Framed::greet(visit).await else {
                return;
            };
            let Some(stream) = framed.request().await else { return };
            framed.answer(stream, b"hello").await;
            framed.close().await;
            closed.send(()).unwrap();
        }
    })
    .await;
    let session = session();
    for expected in 1..=3 {
        let response = send(&session, get(&server.url("/"))).await.unwrap();
        assert_eq!((&response.body[..], server.visits()), (&b"hello"[..], expected));
        closing.recv().await.unwrap();
    }
}

#[tokio::test]
async fn a_dropped_exchange_resets_its_stream_and_leaves_the_others_alone() {
    let (heard, mut hearing) = mpsc::unbounded_channel();
    let server = ScriptedServer::start(move |visit, _| {
        let heard = heard.clone();
        async move {
            let Some(mut framed) = Framed::greet(visit).await else {
                return;
            };
            let first = framed.request().await.unwrap();
            let second = framed.request().await.unwrap();
            heard.send(0).unwrap();
            while let Some(frame) = framed.next().await {
                if frame.kind == kind::RST_STREAM {
                    let code: [u8; 4] = frame.payload[..].try_into().unwrap();
                    heard.send(u32::from_be_bytes(code)).unwrap();
                    let other = if frame.stream == first { second } else { first };
                    framed.answer(other, b"hello").await;
                }
            }
        }
    })
    .await;
    let session = session();
    let url = server.url("/");
    let kept = send(&session, get(&url));
    let dropped = async {
        tokio::select! {
            _ = send(&session, get(&url)) => unreachable!("it is not answered"),
            word = hearing.recv() => assert_eq!(word, Some(0)),
        }
        assert_eq!(hearing.recv().await, Some(CANCEL));
    };
    let (response, ()) = tokio::join!(kept, dropped);
    assert_eq!(&response.unwrap().body[..], b"hello");
    assert_eq!(server.visits(), 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_or_stalls_is_a_failure_and_the_connection_lives_on() {
    let server = ScriptedServer::start(|visit, _| async move {
        let Some(mut framed) = Framed::greet(visit).await else {
            return;
        };
        let mut number = 0;
        while let Some(stream) = framed.request().await {
            number += 1;
            match number {
                1 => {
                    framed.begin_answer(stream).await;
                    framed.say(kind::DATA, 0, stream, b"half").await;
                    framed.reset(stream, INTERNAL_ERROR).await;
                }
                2 => {
                    framed.begin_answer(stream).await;
                    framed.say(kind::DATA, 0, stream, b"half").await;
                }
                3 => {}
                4 => framed.answer(stream, &[b'x'; 1000]).await,
                _ => framed.answer(stream, b"hello").await,
            }
        }
    })
    .await;
    let session = session();
    let failure = send(&session, get(&server.url("/"))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::BadBody);
    assert_eq!(failure.message, "HTTP/2 stream reset by the server: INTERNAL_ERROR");
    assert_eq!(failure.progress.unwrap().received, 4);
    let partial = failure.partial.as_ref().unwrap();
    assert_eq!((partial.status, partial.body.len()), (200, 4));
    for received in [Some(4), None] {
        let mut request = get(&server.url("/"));
        request.read_timeout = Some(Duration::from_millis(50));
        let failure = send(&session, request).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::ReadTimeout);
        assert_eq!(failure.progress.map(|progress| progress.received), received);
    }
    let mut bounded = get(&server.url("/"));
    bounded.max_body_bytes = Some(999);
    assert_eq!(send(&session, bounded).await.unwrap_err().kind, FailureKind::TooLarge);
    assert_eq!(&send(&session, get(&server.url("/"))).await.unwrap().body[..], b"hello");
    assert_eq!(server.visits(), 1);
}

#[tokio::test]
async fn a_streamed_body_comes_as_it_is_pulled_and_a_dropped_one_resets_its_stream() {
    const OFFERED_BYTES: usize = 16 << 20;
    let (heard, mut hearing) = mpsc::unbounded_channel();
    let server = ScriptedServer::start(move |visit, _| {
        let heard = heard.clone();
        async move {
            let mut connection = h2::server::handshake(visit.into_stream()).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                let heard = heard.clone();
                tokio::spawn(async move {
                    let mut stream = respond.send_response(http::Response::new(()), false).unwrap();
                    let mut left = OFFERED_BYTES;
                    while left > 0 {
                        stream.reserve_capacity(left);
                        match std::future::poll_fn(|cx| stream.poll_capacity(cx)).await {
                            Some(Ok(room)) => {
                                left -= room;
                                stream.send_data(vec![b'x'; room].into(), left == 0).unwrap();
                            }
                            _ => break,
                        }
                    }
                    heard.send(left).unwrap();
                });
            }
        }
    })
    .await;
    let session = session();
    let mut request = get(&server.url("/"));
    request.is_streamed = true;
    let opened = open(&session, request.clone(), &mut Timeline::default()).await.unwrap();
    let mut flow = opened.1.unwrap();
    assert!(!flow.pull(&session, 1, false).await.unwrap().is_last);
    // As much as the window lets through is on its way; the rest waits for whoever pulls.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(
        hearing.try_recv().is_err(),
        "the server has sent all, though nobody has read it"
    );
    drop(flow);
    assert!(hearing.recv().await.unwrap() > 0, "the stream was reset half-way");

    let (response, flow) = open(&session, request, &mut Timeline::default()).await.unwrap();
    assert_eq!((response.status, response.body.len()), (200, 0));
    let mut flow = flow.unwrap();
    let mut received = 0;
    loop {
        let piece = flow.pull(&session, 65_536, false).await.unwrap();
        received += piece.bytes.len();
        if piece.is_last {
            break;
        }
    }
    assert_eq!((received, hearing.recv().await), (OFFERED_BYTES, Some(0)));
    assert_eq!(server.visits(), 1);
}

#[tokio::test]
async fn a_streamed_body_over_its_bound_resets_its_stream_and_leaves_the_connection() {
    const ALLOWED_BYTES: u64 = 100_000;
    let (heard, mut hearing) = mpsc::unbounded_channel();
    let server = ScriptedServer::start(move |visit, _| {
        let heard = heard.clone();
        async move {
            let mut connection = h2::server::handshake(visit.into_stream()).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                let heard = heard.clone();
                tokio::spawn(async move {
                    let mut stream = respond.send_response(http::Response::new(()), false).unwrap();
                    loop {
                        stream.reserve_capacity(16_384);
                        match std::future::poll_fn(|cx| stream.poll_capacity(cx)).await {
                            Some(Ok(room)) => stream.send_data(vec![b'x'; room].into(), false).unwrap(),
                            _ => break,
                        }
                    }
                    heard.send(()).unwrap();
                });
            }
        }
    })
    .await;
    let session = session();
    let mut request = get(&server.url("/"));
    (request.is_streamed, request.max_body_bytes) = (true, Some(ALLOWED_BYTES));
    for _ in 0..2 {
        let opened = open(&session, request.clone(), &mut Timeline::default()).await.unwrap();
        let (mut flow, mut received) = (opened.1.unwrap(), 0);
        let failure = loop {
            match flow.pull(&session, 1, false).await {
                Ok(piece) => received += piece.bytes.len() as u64,
                Err(failure) => break failure,
            }
        };
        assert_eq!((failure.kind, received), (FailureKind::TooLarge, ALLOWED_BYTES));
        hearing.recv().await.unwrap();
    }
    assert_eq!(server.visits(), 1);
}

#[tokio::test]
async fn a_server_of_http1_is_told_of_without_tls() {
    let server = ScriptedServer::answering(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    let failure = send(&session(), get(&server.url("/"))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotHttp);
    assert!(
        failure.message.starts_with("The server speaks HTTP/1."),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn all_who_wait_for_a_connection_share_its_failure() {
    // A port where nobody listens.
    let url = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    let session = session();
    let all = (0..5).map(|number| send(&session, get(&format!("{url}{number}"))));
    for (number, result) in futures_util::future::join_all(all).await.into_iter().enumerate() {
        let failure = result.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Refused);
        assert_eq!(failure.target.path_url(), format!("/{number}"));
    }
}

#[tokio::test]
async fn a_connection_closes_with_its_session_and_serves_one_request_on_wish() {
    let (closed, mut closing) = mpsc::unbounded_channel();
    let server = ScriptedServer::start(move |visit, number| {
        let closed = closed.clone();
        async move {
            let Some(mut framed) = Framed::greet(visit).await else {
                return;
            };
            while let Some(stream) = framed.request().await {
                framed.answer(stream, b"hello").await;
            }
            closed.send(number).unwrap();
        }
    })
    .await;
    let session = session();
    send(&session, get(&server.url("/"))).await.unwrap();
    let mut alone = get(&server.url("/"));
    alone.headers = headers(&[("connection", "close")]);
    send(&session, alone).await.unwrap();
    assert_eq!(closing.recv().await, Some(1));
    session.set_wire(Arc::new(WireOptions {
        http2: true,
        keep_alive: false,
        ..WireOptions::PLAIN
    }));
    assert_eq!(closing.recv().await, Some(0));
    for expected in [2, 3] {
        send(&session, get(&server.url("/"))).await.unwrap();
        assert_eq!(closing.recv().await, Some(expected));
    }
    session.set_wire(Arc::new(WireOptions {
        http2: true,
        ..WireOptions::PLAIN
    }));
    send(&session, get(&server.url("/"))).await.unwrap();
    drop(session);
    assert_eq!(closing.recv().await, Some(4));
}

#[tokio::test]
async fn a_second_request_uses_the_first_ones_connection() {
    let server = greeting_server().await;
    let session = session();
    for is_first in [true, false] {
        let mut timeline = Timeline::default();
        exchange(&session, get(&server.url("/")), &mut timeline).await.unwrap();
        assert_eq!(timeline.connected().is_some(), is_first);
    }
    assert_eq!(server.visits(), 1);
}

#[tokio::test]
async fn a_body_that_is_pulled_comes_piece_by_piece_and_leaves_the_connection_to_others() {
    let (next, hearing) = mpsc::unbounded_channel();
    let (told, mut telling) = mpsc::unbounded_channel();
    let hearing = Arc::new(tokio::sync::Mutex::new(hearing));
    let server = ScriptedServer::start(move |visit, _| {
        let (hearing, told) = (Arc::clone(&hearing), told.clone());
        async move {
            let mut hearing = hearing.lock().await;
            let Some(mut framed) = Framed::greet(visit).await else {
                return;
            };
            let first = framed.request().await.unwrap();
            framed.begin_answer(first).await;
            framed.say(kind::DATA, 0, first, b"one").await;
            hearing.recv().await.unwrap();
            let second = framed.request().await.unwrap();
            framed.answer(second, b"hello").await;
            framed.say(kind::DATA, 1, first, b"two").await;
            let third = framed.request().await.unwrap();
            framed.begin_answer(third).await;
            while let Some(frame) = framed.next().await {
                if frame.kind == kind::RST_STREAM {
                    told.send((frame.stream == third, frame.payload)).unwrap();
                }
            }
        }
    })
    .await;
    let session = session();
    let mut request = get(&server.url("/"));
    request.is_streamed = true;
    let mut timeline = Timeline::default();
    let (response, flow) = open(&session, request.clone(), &mut timeline).await.unwrap();
    let mut flow = flow.unwrap();
    assert_eq!((response.version, response.body.len()), (http::Version::HTTP_2, 0));
    let piece = flow.pull(&session, 1, false).await.unwrap();
    assert_eq!((&piece.bytes[..], piece.is_last), (&b"one"[..], false));
    next.send(()).unwrap();
    assert_eq!(&send(&session, get(&server.url("/"))).await.unwrap().body[..], b"hello");
    let piece = flow.pull(&session, 100, false).await.unwrap();
    assert_eq!((&piece.bytes[..], piece.is_last), (&b"two"[..], true));
    // One that is let go of is called off.
    let (_, flow) = open(&session, request, &mut Timeline::default()).await.unwrap();
    drop(flow);
    assert_eq!(telling.recv().await.unwrap(), (true, CANCEL.to_be_bytes().to_vec()));
    assert_eq!(server.visits(), 1);
}

#[tokio::test]
async fn a_body_made_on_the_way_is_sent_piece_by_piece_and_only_once() {
    let server = ScriptedServer::start(|visit, number| async move {
        let Some(mut framed) = Framed::greet(visit).await else {
            return;
        };
        while let Some(stream) = framed.request().await {
            let body = framed.body(stream).await;
            if number == 0 {
                framed.answer(stream, &body).await;
                // Half of the next one is in our hands when we give it back.
                let stream = framed.request().await.unwrap();
                framed.next().await.unwrap();
                framed.reset(stream, REFUSED_STREAM).await;
            }
        }
    })
    .await;
    let session = session();
    let pieces = Pieces::new(&[b"one", b", ", b"two"]);
    let framing = ("transfer-encoding", "chunked");
    let response = send(&session, upload(&server.url("/"), &pieces, framing, None))
        .await
        .unwrap();
    assert_eq!(&response.body[..], b"one, two");
    let pieces = Pieces::new(&[b"three"]);
    let failure = send(&session, upload(&server.url("/"), &pieces, framing, None))
        .await
        .unwrap_err();
    assert_eq!(failure.message, "HTTP/2 stream reset by the server: REFUSED_STREAM");
    assert_eq!(server.visits(), 1);
}

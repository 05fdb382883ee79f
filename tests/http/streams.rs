//! Bodies piece by piece: pulled when somebody asks, fed when the connection has room; connections kept or closed after.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use rocust::http::{ChunkBreak, Failure, FailureKind, Feed, Flow, Request, Response, Session, Supply, Timeline, open};

use crate::support::{ScriptedServer, get, headers, send, session};

fn streamed(url: &str) -> Request {
    let mut request = get(url);
    request.is_streamed = true;
    request
}

async fn opened(session: &Session, request: Request) -> Result<(Response, Option<Flow>), Failure> {
    open(session, request, &mut Timeline::default()).await
}

#[tokio::test]
async fn head_comes_before_the_body_and_a_read_body_gives_its_connection_back() {
    let (release, released) = tokio::sync::watch::channel(false);
    let server = ScriptedServer::start(move |mut visit, _| {
        let mut released = released.clone();
        async move {
            while visit.request().await.is_some() {
                visit.say(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").await;
                released.wait_for(|is_open| *is_open).await.unwrap();
                visit.say(b"world").await;
            }
        }
    })
    .await;
    let session = session();
    let mut timeline = Timeline::default();
    let (response, flow) = open(&session, streamed(&server.url("/")), &mut timeline).await.unwrap();
    assert_eq!((response.status, response.body.len()), (200, 0));
    assert!(timeline.done().is_some(), "the exchange ends with the head");
    let mut flow = flow.unwrap();
    let piece = flow.pull(&session, 1, false).await.unwrap();
    assert_eq!((&piece.bytes[..], piece.is_last), (&b"hello"[..], false));
    assert_eq!(session.idle_connections(), 0);
    release.send(true).unwrap();
    let piece = flow.pull(&session, 100, false).await.unwrap();
    assert_eq!((&piece.bytes[..], piece.is_last), (&b"world"[..], true));
    assert_eq!(session.idle_connections(), 1);
    send(&session, get(&server.url("/"))).await.unwrap();
    assert_eq!(server.visits(), 1);
}

#[tokio::test]
async fn dropped_body_closes_its_connection() {
    let server = ScriptedServer::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").await;
    let session = session();
    let (_, flow) = opened(&session, streamed(&server.url("/"))).await.unwrap();
    drop(flow);
    assert_eq!(session.idle_connections(), 0);
    opened(&session, streamed(&server.url("/"))).await.unwrap();
    assert_eq!(server.visits(), 2);
}

#[tokio::test]
async fn answer_without_a_body_needs_no_flow() {
    let server = ScriptedServer::answering(b"HTTP/1.1 204 No Content\r\n\r\n").await;
    let session = session();
    let (_, flow) = opened(&session, streamed(&server.url("/"))).await.unwrap();
    assert!(flow.is_none());
    assert_eq!(session.idle_connections(), 1);
}

#[tokio::test]
async fn pieces_end_with_their_chunks_when_asked() {
    let server = ScriptedServer::answering(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n2\r\nxy\r\n0\r\n\r\n",
    )
    .await;
    let session = session();
    let (_, flow) = opened(&session, streamed(&server.url("/"))).await.unwrap();
    let mut flow = flow.unwrap();
    let mut pieces = Vec::new();
    loop {
        let piece = flow.pull(&session, 100, true).await.unwrap();
        pieces.push((String::from_utf8(piece.bytes.to_vec()).unwrap(), piece.chunk_left));
        if piece.is_last {
            break;
        }
    }
    let expected = ["abc", "0123456789", "xy"].map(|text| (text.to_owned(), Some(0)));
    assert_eq!(pieces, expected);
    assert_eq!(session.idle_connections(), 1);
}

#[tokio::test]
async fn break_is_told_after_what_came_before_it() {
    for (response, received, missing, chunk_break) in [
        (
            &b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello"[..],
            5,
            Some(5),
            None,
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nA\r\nhello",
            5,
            None,
            Some(ChunkBreak::Inside {
                received: 5,
                missing: 5,
            }),
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
            5,
            None,
            Some(ChunkBreak::BadSize(b"zz\r\n"[..].into())),
        ),
    ] {
        let server = ScriptedServer::start(move |mut visit, _| async move {
            visit.request().await;
            visit.say(response).await;
            visit.close().await;
        })
        .await;
        let session = session();
        let (_, flow) = opened(&session, streamed(&server.url("/"))).await.unwrap();
        let mut flow = flow.unwrap();
        let piece = flow.pull(&session, 100, false).await.unwrap();
        assert_eq!((&piece.bytes[..], piece.is_last), (&b"hello"[..], false));
        let failure = flow.pull(&session, 100, false).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::BadBody);
        let progress = failure.progress.unwrap();
        assert_eq!((progress.received, progress.missing), (received, missing));
        assert_eq!(failure.chunk_break, chunk_break);
        assert!(flow.pull(&session, 100, false).await.unwrap().is_last);
        assert_eq!(session.idle_connections(), 0);
    }
}

#[tokio::test]
async fn silence_counts_from_the_pull() {
    let server = ScriptedServer::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").await;
    let session = session();
    let mut request = streamed(&server.url("/"));
    request.read_timeout = Some(Duration::from_millis(200));
    let (_, flow) = opened(&session, request).await.unwrap();
    let mut flow = flow.unwrap();
    // Longer than the limit, but nobody waits for the server meanwhile.
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(&flow.pull(&session, 1, false).await.unwrap().bytes[..], b"hello");
    let failure = flow.pull(&session, 1, false).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::ReadTimeout);
    assert_eq!(failure.progress.unwrap().received, 5);
}

#[tokio::test]
async fn server_is_slowed_down_by_a_reader_that_does_not_read() {
    const OFFERED_BYTES: usize = 64 << 20;
    let written = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&written);
    let server = ScriptedServer::start(move |mut visit, _| {
        let counted = Arc::clone(&counted);
        async move {
            visit.request().await;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {OFFERED_BYTES}\r\n\r\n");
            visit.say(head.as_bytes()).await;
            let block = vec![b'x'; 65_536];
            while *counted.lock().unwrap() < OFFERED_BYTES && visit.try_say(&block).await {
                *counted.lock().unwrap() += block.len();
            }
        }
    })
    .await;
    let session = session();
    let (_, flow) = opened(&session, streamed(&server.url("/"))).await.unwrap();
    let mut flow = flow.unwrap();
    flow.pull(&session, 1, false).await.unwrap();
    // What fits into the socket's buffers is written at once; then the server has to wait.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(*written.lock().unwrap() < OFFERED_BYTES / 2);
    let mut received = 0;
    loop {
        let piece = flow.pull(&session, 65_536, false).await.unwrap();
        received += piece.bytes.len();
        if piece.is_last {
            break;
        }
    }
    assert!(received > OFFERED_BYTES - (1 << 20));
}

#[tokio::test]
async fn only_the_last_body_of_a_chain_is_streamed() {
    let server = ScriptedServer::start(|mut visit, _| async move {
        while let Some(request) = visit.request().await {
            if request.starts_with("GET /a ") {
                visit
                    .say(b"HTTP/1.1 302 Found\r\nlocation: /b\r\ncontent-length: 5\r\n\r\nmoved")
                    .await;
            } else {
                visit.say(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            }
        }
    })
    .await;
    let session = session();
    let (response, flow) = opened(&session, streamed(&server.url("/a"))).await.unwrap();
    assert_eq!(&response.history[0].body[..], b"moved");
    let piece = flow.unwrap().pull(&session, 10, false).await.unwrap();
    assert_eq!((&piece.bytes[..], piece.is_last), (&b"ok"[..], true));
    assert_eq!(server.visits(), 1);
}

/// Whatever the server's bytes fall into, who pulls gets what is allowed, and then the failure.
#[tokio::test]
async fn pulled_body_over_its_bound_breaks_off_there() {
    for body in [
        &b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello world",
    ] {
        let server = ScriptedServer::start(move |mut visit, _| async move {
            visit.request().await;
            visit.say(body).await;
            visit.close().await;
        })
        .await;
        for (limit, allowed) in [(0, ""), (4, "hell"), (10, "hello worl"), (11, "hello world")] {
            let session = session();
            let mut request = streamed(&server.url("/"));
            request.max_body_bytes = Some(limit);
            let (_, flow) = opened(&session, request).await.unwrap();
            let (mut flow, mut came) = (flow.unwrap(), Vec::new());
            let ending = loop {
                match flow.pull(&session, 1, false).await {
                    Ok(piece) => came.extend_from_slice(&piece.bytes),
                    Err(failure) => break Some(failure),
                }
                if came.len() == 11 {
                    break None;
                }
            };
            assert_eq!(String::from_utf8(came).unwrap(), allowed);
            assert_eq!(ending.is_none(), limit == 11);
            if let Some(failure) = ending {
                assert_eq!(failure.kind, FailureKind::TooLarge);
                assert_eq!(
                    failure.message,
                    format!("The response body is larger than {limit} bytes")
                );
                assert_eq!(failure.progress.unwrap().received, limit);
                assert!(flow.pull(&session, 1, false).await.unwrap().is_last);
                assert_eq!(session.idle_connections(), 0);
            }
        }
    }
}

#[tokio::test]
async fn body_whose_length_is_over_the_bound_is_not_opened() {
    let server = ScriptedServer::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    let session = session();
    let mut request = streamed(&server.url("/"));
    request.max_body_bytes = Some(4);
    let failure = opened(&session, request.clone()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::TooLarge);
    assert_eq!(session.idle_connections(), 0);
    request.max_body_bytes = Some(5);
    let mut flow = opened(&session, request).await.unwrap().1.unwrap();
    assert_eq!(&flow.pull(&session, 5, false).await.unwrap().bytes[..], b"hello");
}

/// A body that is made of these pieces; counts how many were asked for.
#[derive(Debug)]
pub(crate) struct Pieces {
    all: Vec<&'static [u8]>,
    state: Mutex<(VecDeque<&'static [u8]>, usize, bool)>,
}

impl Pieces {
    pub(crate) fn new(all: &[&'static [u8]]) -> Arc<Self> {
        Arc::new(Self {
            all: all.to_vec(),
            state: Mutex::new((all.iter().copied().collect(), 0, false)),
        })
    }
}

impl Supply for Pieces {
    fn poll_piece(&self, _: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut state = self.state.lock().unwrap();
        state.1 += 1;
        let piece = state.0.pop_front();
        state.2 = piece.is_none();
        Poll::Ready(piece.map(Bytes::from_static))
    }

    fn poll_rewound(&self, _: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock().unwrap();
        state.0 = self.all.iter().copied().collect();
        state.2 = false;
        Poll::Ready(())
    }

    fn is_awaited(&self) -> bool {
        false
    }

    fn is_over(&self) -> bool {
        self.state.lock().unwrap().2
    }

    fn has_given_up(&self) -> bool {
        false
    }

    fn is_begun(&self) -> bool {
        self.state.lock().unwrap().1 > 0
    }
}

pub(crate) fn upload(url: &str, pieces: &Arc<Pieces>, framing: (&str, &str), length: Option<u64>) -> Request {
    let mut request = get(url);
    request.method = http::Method::POST;
    request.headers = headers(&[framing]);
    request.feed = Some(Feed::new(Arc::clone(pieces) as _, length));
    request
}

#[tokio::test]
async fn body_of_known_length_is_sent_as_it_is_and_again_after_a_redirect() {
    let server = ScriptedServer::start(|mut visit, _| async move {
        while let Some(request) = visit.request().await {
            assert!(request.ends_with("\r\n\r\none, two"), "{request}");
            let answer: &[u8] = if request.starts_with("POST /a ") {
                b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n"
            } else {
                b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
            };
            visit.say(answer).await;
        }
    })
    .await;
    let session = session();
    let pieces = Pieces::new(&[b"one, ", b"two"]);
    let request = upload(&server.url("/a"), &pieces, ("content-length", "8"), Some(8));
    let response = send(&session, request).await.unwrap();
    assert_eq!((&response.body[..], response.history.len()), (&b"ok"[..], 1));
    assert_eq!(session.idle_connections(), 1);
}

#[tokio::test]
async fn answer_of_a_server_that_does_not_read_on_is_the_answer() {
    let server = ScriptedServer::start(|mut visit, _| async move {
        // The head only: `request` takes a chunked body for the next request.
        visit.request().await;
        visit
            .say(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig")
            .await;
        visit.close().await;
    })
    .await;
    let session = session();
    let block: &'static [u8] = Box::leak(vec![b'x'; 1 << 20].into_boxed_slice());
    let pieces = Pieces::new(&[block; 64]);
    let request = upload(&server.url("/"), &pieces, ("transfer-encoding", "chunked"), None);
    let response = send(&session, request).await.unwrap();
    assert_eq!((response.status, &response.body[..]), (413, &b"big"[..]));
    assert!(pieces.state.lock().unwrap().1 < 64, "nobody wanted the rest");
    assert_eq!(session.idle_connections(), 0);
}

//! Connections are kept, shared out, and replaced when the server closed them.

use std::io::{Read, Write};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use tokio::sync::{Barrier, mpsc};
use tokio::time::Instant;

use rocust::http::{FailureKind, Timeline, exchange};

use crate::support::{ScriptedServer, get, headers, send, session};

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

#[tokio::test]
async fn one_connection_serves_exchanges_that_follow_each_other() {
    let server = ScriptedServer::answering(HELLO).await;
    let session = session();
    for _ in 0..10 {
        let response = send(&session, get(&server.url("/a"))).await.unwrap();
        assert_eq!((response.status, &response.body[..]), (200, &b"hello"[..]));
    }
    assert_eq!(server.visits(), 1);
    assert_eq!(session.idle_connections(), 1);
}

#[tokio::test]
async fn requests_look_on_the_wire_as_they_were_asked_for() {
    let (heard, mut hearing) = mpsc::unbounded_channel();
    let server = ScriptedServer::start(move |mut visit, _| {
        let heard = heard.clone();
        async move {
            while let Some(request) = visit.request().await {
                heard.send(request).unwrap();
                visit.say(HELLO).await;
            }
        }
    })
    .await;
    let session = session();
    let mut request = get(&server.url("/p%20q?x=1#part"));
    request.method = http::Method::POST;
    request.headers = headers(&[("user-agent", "me"), ("x-token", "7")]);
    request.body = Some("body".into());
    let response = send(&session, request).await.unwrap();
    let host = server.address();
    let expected = format!(
        "POST /p%20q?x=1 HTTP/1.1\r\nHost: {host}\r\nUser-Agent: me\r\nX-Token: 7\r\nContent-Length: 4\r\n\r\nbody"
    );
    assert_eq!(hearing.recv().await.unwrap(), expected);
    assert_eq!(response.sent.all_headers().len(), 4);
}

#[tokio::test]
async fn exchanges_at_the_same_time_use_connections_of_their_own() {
    let everybody = Arc::new(Barrier::new(3));
    let server = ScriptedServer::start(move |mut visit, _| {
        let everybody = Arc::clone(&everybody);
        async move {
            visit.request().await;
            everybody.wait().await;
            visit.say(HELLO).await;
            visit.closed().await;
        }
    })
    .await;
    let session = session();
    let ask = || send(&session, get(&server.url("/")));
    let (first, second, third) = tokio::join!(ask(), ask(), ask());
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    assert_eq!((server.visits(), session.idle_connections()), (3, 3));
    session.close();
    assert_eq!(session.idle_connections(), 0);
}

#[tokio::test]
async fn an_idle_connection_that_the_server_closed_is_replaced_silently() {
    let (closed, mut closing) = mpsc::unbounded_channel();
    let server = ScriptedServer::start(move |mut visit, _| {
        let closed = closed.clone();
        async move {
            visit.request().await;
            visit.say(HELLO).await;
            visit.close().await;
            closed.send(()).unwrap();
        }
    })
    .await;
    let session = session();
    for expected in 1..=3 {
        let mut post = get(&server.url("/"));
        post.method = http::Method::POST;
        post.body = Some("once".into());
        let response = send(&session, post).await.unwrap();
        assert_eq!(response.status, 200);
        assert_eq!(server.visits(), expected);
        // The response said nothing of closing, so the connection was kept; now it is closed for sure.
        closing.recv().await.unwrap();
    }
}

#[tokio::test]
async fn a_request_that_may_have_been_executed_is_never_sent_again() {
    let server = ScriptedServer::start(|mut visit, number| async move {
        visit.request().await;
        visit.say(HELLO).await;
        if number == 0 {
            visit.request().await;
        }
        visit.close().await;
    })
    .await;
    let session = session();
    send(&session, get(&server.url("/"))).await.unwrap();
    let failure = send(&session, get(&server.url("/"))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::ClosedEarly);
    assert_eq!(server.visits(), 1);
}

#[tokio::test]
async fn a_connection_that_either_side_wants_closed_is_not_kept() {
    for response in [
        &b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello"[..],
        b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello and more than it said",
    ] {
        let server = ScriptedServer::answering(response).await;
        let session = session();
        for expected in 1..=2 {
            let response = send(&session, get(&server.url("/"))).await.unwrap();
            assert_eq!((&response.body[..], server.visits()), (&b"hello"[..], expected));
        }
    }
    let server = ScriptedServer::answering(HELLO).await;
    let session = session();
    let mut request = get(&server.url("/"));
    request.headers = headers(&[("connection", "close")]);
    send(&session, request).await.unwrap();
    assert_eq!(session.idle_connections(), 0);
}

#[tokio::test]
async fn a_dropped_exchange_closes_its_connection_and_is_timed() {
    let (gone, mut going) = mpsc::unbounded_channel();
    let server = ScriptedServer::start(move |mut visit, _| {
        let gone = gone.clone();
        async move {
            visit.request().await;
            gone.send("asked").unwrap();
            visit.closed().await;
            gone.send("closed").unwrap();
        }
    })
    .await;
    let session = session();
    let mut timeline = Timeline::default();
    {
        let mut exchange = std::pin::pin!(exchange(&session, get(&server.url("/")), &mut timeline));
        tokio::select! {
            _ = &mut exchange => unreachable!("the server never answers"),
            word = going.recv() => assert_eq!(word, Some("asked")),
        }
    }
    assert_eq!(going.recv().await, Some("closed"));
    assert!(timeline.sent().is_some() && timeline.first_byte().is_none());
    assert!(timeline.done().is_some() && timeline.response_time().is_some());
    assert_eq!(session.idle_connections(), 0);
}

/// Wakes on behalf of another, and is counted: whoever keeps one keeps the task that it stands for.
#[derive(Default)]
struct Deputy(Mutex<Option<Waker>>);

impl Wake for Deputy {
    fn wake(self: Arc<Self>) {
        if let Some(waker) = self.0.lock().unwrap().take() {
            waker.wake();
        }
    }
}

#[tokio::test]
async fn a_connection_that_rests_keeps_nothing_of_the_task_that_used_it() {
    let server = ScriptedServer::answering(HELLO).await;
    let session = session();
    for _ in 0..2 {
        let task = Arc::new(Deputy::default());
        let waker = Waker::from(Arc::clone(&task));
        let mut sending = pin!(send(&session, get(&server.url("/"))));
        let response = std::future::poll_fn(|cx| {
            *task.0.lock().unwrap() = Some(cx.waker().clone());
            sending.as_mut().poll(&mut Context::from_waker(&waker))
        });
        assert_eq!(response.await.unwrap().status, 200);
        drop(waker);
        assert!(Arc::strong_count(&task) > 1, "the reactor would tell the task of news");
        assert!(!session.rest(Instant::now()), "the only connection rests");
        assert_eq!(Arc::strong_count(&task), 1);
    }
    assert_eq!((server.visits(), session.idle_connections()), (1, 1));
}

/// The server is a thread of its own and the client's reactor stands still between the exchanges, so it has no news of
/// the close: only the kernel knows.
#[test]
fn a_close_that_the_reactor_has_not_seen_yet_is_noticed() {
    const ROUNDS: usize = 20;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (closed, closing) = std::sync::mpsc::channel();
    let (answered, answering) = std::sync::mpsc::channel();
    let server = std::thread::spawn(move || {
        for _ in 0..ROUNDS {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            assert!(stream.read(&mut request).unwrap() > 0);
            stream.write_all(HELLO).unwrap();
            // Not before the client has read the answer: it would see the close together with it.
            if answering.recv().is_err() {
                return;
            }
            drop(stream);
            closed.send(()).unwrap();
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let session = session();
    for _ in 0..ROUNDS {
        let response = runtime.block_on(send(&session, get(&url)));
        assert_eq!(response.map_err(|failure| failure.kind).unwrap().status, 200);
        assert_eq!(session.idle_connections(), 1);
        answered.send(()).unwrap();
        closing.recv().unwrap();
    }
    server.join().unwrap();
}

/// urllib3 takes an idle connection with something to read for a dropped one, whatever it is.
#[tokio::test]
async fn a_server_that_speaks_out_of_turn_before_it_closes_costs_no_request() {
    let (closed, mut closing) = mpsc::unbounded_channel();
    let server = ScriptedServer::start(move |mut visit, number| {
        let closed = closed.clone();
        async move {
            visit.request().await;
            visit.say(HELLO).await;
            if number == 0 {
                visit
                    .say(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                    .await;
                visit.close().await;
                closed.send(()).unwrap();
            } else {
                visit.closed().await;
            }
        }
    })
    .await;
    let session = session();
    let mut post = get(&server.url("/"));
    post.method = http::Method::POST;
    post.body = Some("once".into());
    send(&session, post.clone()).await.unwrap();
    closing.recv().await.unwrap();
    let response = send(&session, post).await.unwrap();
    assert_eq!((response.status, server.visits()), (200, 2));
}

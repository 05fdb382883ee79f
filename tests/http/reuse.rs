//! Connections are kept, shared out, and replaced when the server closed them.

use std::sync::Arc;

use tokio::sync::{Barrier, mpsc};

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

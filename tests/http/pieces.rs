//! An answer that comes in two pieces is whole wherever it is cut: nobody may wait for news that has been there already.

use std::time::Duration;

use crate::support::{ScriptedServer, get, send, session};

/// Longer than any of these runs; only a lost wake-up uses it up.
const LIMIT: Duration = Duration::from_secs(60);

const ANSWERS: [&str; 4] = [
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ntransfer-encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nt: r\r\n\r\n",
];

/// Lets the client read what was written; loopback delivers within the system call.
async fn let_the_client_read() {
    for _ in 0..4 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn answers_are_whole_wherever_they_are_cut() {
    for answer in ANSWERS {
        let server = ScriptedServer::start(move |mut visit, _| async move {
            for cut in 0..=answer.len() {
                visit.request().await;
                let (first, second) = answer.split_at(cut);
                visit.say(first.as_bytes()).await;
                let_the_client_read().await;
                visit.say(second.as_bytes()).await;
            }
            visit.closed().await;
        })
        .await;
        let session = session();
        let all = async {
            for _ in 0..=answer.len() {
                let response = send(&session, get(&server.url("/"))).await.unwrap();
                assert_eq!((response.status, &response.body[..]), (200, &b"hello"[..]));
            }
        };
        tokio::time::timeout(LIMIT, all).await.expect("every answer is noticed");
        assert_eq!(server.visits(), 1, "one connection for all: {answer:?}");
    }
}

#[tokio::test]
async fn users_of_one_lane_do_not_take_each_others_news() {
    const USERS: usize = 20;
    const ROUNDS: usize = 200;
    let server = ScriptedServer::start(|mut visit, number| async move {
        for round in 0.. {
            if visit.request().await.is_none() {
                return;
            }
            let answer = ANSWERS[(number + round) % ANSWERS.len()];
            let (first, second) = answer.split_at((number * 7 + round) % answer.len());
            visit.say(first.as_bytes()).await;
            if round % 3 != 0 {
                let_the_client_read().await;
            }
            visit.say(second.as_bytes()).await;
        }
    })
    .await;
    let url = server.url("/");
    let users: Vec<_> = (0..USERS)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move {
                let session = session();
                for _ in 0..ROUNDS {
                    let response = send(&session, get(&url)).await.unwrap();
                    assert_eq!(&response.body[..], b"hello");
                }
            })
        })
        .collect();
    let all = async {
        for user in users {
            user.await.unwrap();
        }
    };
    tokio::time::timeout(LIMIT, all).await.expect("every answer is noticed");
    assert_eq!(server.visits(), USERS);
}

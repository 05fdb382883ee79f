//! Servers that lie, never stop or break off: each ends as one failure of a known kind (or as a success, where the lie
//! does no harm), soon, and the session goes on over a fresh connection.

use std::sync::Arc;
use std::time::Duration;

use rocust::http::{Failure, FailureKind, Options, RedirectRule, Request, Response, Session};

use crate::support::{ScriptedServer, Visit, get, send};

/// What a lying server does after it has read a request.
#[derive(Clone)]
struct Lie {
    says: Vec<u8>,
    /// Said again and again until the client has had enough.
    forever: Vec<u8>,
    then: Then,
}

#[derive(Clone, Copy)]
enum Then {
    Close,
    Reset,
    Wait,
}

fn says(text: impl Into<Vec<u8>>) -> Lie {
    Lie {
        says: text.into(),
        forever: Vec::new(),
        then: Then::Close,
    }
}

impl Lie {
    fn forever(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.forever = text.into();
        self
    }

    fn then(mut self, then: Then) -> Self {
        self.then = then;
        self
    }

    async fn play(&self, visit: &mut Visit) {
        visit.say(&self.says).await;
        while !self.forever.is_empty() && visit.try_say(&self.forever).await {}
    }
}

/// Nothing here takes this long; a test that does has found a hang.
const SOON: Duration = Duration::from_secs(20);
/// How long a silent server is waited for.
const SILENCE: Duration = Duration::from_millis(200);

fn session() -> Session {
    Session::new(Options::default())
}

/// What comes of a request to this liar. Whatever it was, an honest request of the same session succeeds afterwards.
async fn told(lie: Lie) -> Result<Response, Failure> {
    let lie = Arc::new(lie);
    let server = ScriptedServer::start(move |mut visit, _| {
        let lie = Arc::clone(&lie);
        async move {
            while let Some(request) = visit.request().await {
                if request.contains("/honest") {
                    visit.say(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhonest").await;
                    continue;
                }
                lie.play(&mut visit).await;
                match lie.then {
                    Then::Close => return visit.close().await,
                    Then::Reset => return visit.reset(),
                    Then::Wait => {}
                }
            }
        }
    })
    .await;
    let session = session();
    let ask = |path: &str| {
        let mut request = get(&server.url(path));
        request.read_timeout = Some(SILENCE);
        let session = &session;
        async move { tokio::time::timeout(SOON, send(session, request)).await.unwrap() }
    };
    let outcome = ask("/").await;
    let visits = server.visits();
    for _ in 0..2 {
        let honest = ask("/honest").await.unwrap();
        assert_eq!(&honest.body[..], b"honest");
    }
    if outcome.is_err() {
        assert_eq!(
            server.visits(),
            visits + 1,
            "a failure costs its connection and no other"
        );
    }
    outcome
}

async fn failed(lie: Lie) -> (FailureKind, String) {
    let failure = told(lie).await.unwrap_err();
    assert!(failure.message.len() < 2_000, "{}", failure.message.len());
    (failure.kind, failure.message)
}

const OK: &str = "HTTP/1.1 200 OK\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

#[tokio::test]
async fn what_never_ends_is_cut_off() {
    for (name, lie, message) in [
        (
            "status line",
            says("HTTP/1.1 200 ").forever("y".repeat(65_536)),
            "got more than 65536 bytes when reading status line",
        ),
        (
            "header line",
            says(format!("{OK}a: b\r\nx: ")).forever("y".repeat(65_536)),
            "got more than 65536 bytes when reading header line",
        ),
        (
            "headers",
            says(OK).forever("x: y\r\n".repeat(1_000)),
            "got more than 100 headers",
        ),
        (
            "large headers",
            says(OK).forever(format!("x: {}\r\n", "y".repeat(60_000))),
            "The head of the response is too large",
        ),
        (
            "100 Continue",
            says("").forever("HTTP/1.1 100 Continue\r\n\r\n".repeat(200)),
            "got more than 100 interim responses",
        ),
        (
            "103 Early Hints",
            says("").forever("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n".repeat(200)),
            "got more than 100 interim responses",
        ),
        (
            "digits of a chunk size",
            says(CHUNKED).forever("0".repeat(65_536)),
            "Response chunk size line exceeded maximum allowed length",
        ),
        (
            "digits of a chunk size after a long head",
            says(format!(
                "{OK}x: {}\r\ny: {}\r\ntransfer-encoding: chunked\r\n\r\n",
                "y".repeat(60_000),
                "y".repeat(60_000)
            ))
            .forever("0".repeat(65_536)),
            "Response chunk size line exceeded maximum allowed length",
        ),
        (
            "chunk extensions",
            says(CHUNKED).forever(format!("1;{}\r\nh\r\n", "x".repeat(200))),
            "got more than 16384 bytes of chunk extensions",
        ),
        (
            "trailers",
            says(format!("{CHUNKED}0\r\n")).forever("x: y\r\n"),
            "got more than 100 trailers",
        ),
        (
            "trailer line",
            says(format!("{CHUNKED}0\r\nx: ")).forever("y".repeat(65_536)),
            "got more than 16384 bytes of trailers",
        ),
    ] {
        let failure = failed(lie).await;
        assert_eq!(failure, (FailureKind::Endless, message.to_owned()), "{name}");
    }
    let (kind, _) = failed(says("").forever("\r\n".repeat(1_000))).await;
    assert_eq!(kind, FailureKind::Endless, "empty lines");
    // The codec's bound or ours, whichever is noticed first.
    let (kind, _) = failed(says(format!("{CHUNKED}5;")).forever("x".repeat(65_536))).await;
    assert_eq!(kind, FailureKind::Endless, "chunk extension");
    let (kind, _) = failed(says("").forever("y".repeat(65_536))).await;
    assert_eq!(kind, FailureKind::NotHttp, "no line at all");
}

#[tokio::test]
async fn a_hundred_interim_responses_are_one_response_and_no_more() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\n";
    let answer = format!("{OK}content-length: 2\r\n\r\nok");
    let response = told(says(interim.repeat(100) + &answer)).await.unwrap();
    assert_eq!((response.status, &response.body[..]), (200, &b"ok"[..]));
    let (kind, _) = failed(says(interim.repeat(101) + &answer)).await;
    assert_eq!(kind, FailureKind::Endless);
}

/// A server that sends faster than we read must not have the thread for itself.
#[tokio::test]
async fn others_have_their_turn_while_a_server_talks_without_end() {
    let server = ScriptedServer::start(|mut visit, _| async move {
        visit.request().await;
        visit.say(OK.as_bytes()).await;
        visit.say(b"content-length: 9000000000000\r\n\r\n").await;
        let piece = vec![b'y'; 1 << 20];
        while visit.try_say(&piece).await {}
    })
    .await;
    let mut request = get(&server.url("/"));
    request.max_body_bytes = Some(u64::MAX);
    let session = session();
    let mut exchange = std::pin::pin!(send(&session, request));
    for _ in 0..3 {
        tokio::select! {
            biased;
            outcome = &mut exchange => panic!("the body has no end: {outcome:?}"),
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
    }
}

#[tokio::test]
async fn lengths_that_lie_are_told() {
    for (headers, body, kind, message) in [
        (
            "content-length: 100",
            "hello",
            FailureKind::BadBody,
            "end of file before message length reached",
        ),
        (
            "content-length: 4611686018427387904",
            "hello",
            FailureKind::BadBody,
            "end of file before message length",
        ),
        (
            "content-length: -5",
            "hello",
            FailureKind::NotHttp,
            "invalid content-length parsed",
        ),
        (
            "content-length: five",
            "hello",
            FailureKind::NotHttp,
            "invalid content-length parsed",
        ),
        (
            "content-length: ",
            "hello",
            FailureKind::NotHttp,
            "invalid content-length parsed",
        ),
        (
            "content-length: +5",
            "hello",
            FailureKind::NotHttp,
            "invalid content-length parsed",
        ),
        (
            "content-length: 99999999999999999999999",
            "hello",
            FailureKind::NotHttp,
            "invalid content-length parsed",
        ),
        (
            "content-length: 5\r\ncontent-length: 3",
            "hello",
            FailureKind::NotHttp,
            "Content-Length contained multiple unmatching values (5, 3)",
        ),
        (
            "Content-LENGTH: 5, 3",
            "hello",
            FailureKind::NotHttp,
            "Content-Length contained multiple unmatching values (5, 3)",
        ),
    ] {
        let (found, words) = failed(says(format!("{OK}{headers}\r\n\r\n{body}"))).await;
        assert_eq!(found, kind, "{headers}");
        assert!(words.contains(message), "{headers}: {words}");
    }
    for (headers, body, expected) in [
        ("content-length: 3", "hello", "hel"),
        ("content-length: 5\r\ncontent-length: 5", "hello", "hello"),
        (
            "content-length: 3\r\ntransfer-encoding: chunked",
            "5\r\nhello\r\n0\r\n\r\n",
            "hello",
        ),
    ] {
        let lie = says(format!("{OK}{headers}\r\n\r\n{body}")).then(Then::Wait);
        let response = told(lie).await.unwrap();
        assert_eq!(&response.body[..], expected.as_bytes(), "{headers}");
    }
}

#[tokio::test]
async fn bodies_that_break_off_are_bad_bodies() {
    let hello = format!("{OK}content-length: 100\r\n\r\nhello");
    let chunk = format!("{CHUNKED}ff\r\nhello");
    assert_eq!(failed(says(hello.clone())).await.0, FailureKind::BadBody);
    assert_eq!(
        failed(says(hello.clone()).then(Then::Reset)).await.0,
        FailureKind::Reset
    );
    assert_eq!(failed(says(hello).then(Then::Wait)).await.0, FailureKind::ReadTimeout);
    assert_eq!(failed(says(chunk.clone())).await.0, FailureKind::BadBody);
    assert_eq!(
        failed(says(chunk.clone()).then(Then::Reset)).await.0,
        FailureKind::Reset
    );
    assert_eq!(failed(says(chunk).then(Then::Wait)).await.0, FailureKind::ReadTimeout);
    for size in ["zz", "-5", "0x5", "ffffffffffffffffff", "", " 5"] {
        let (kind, _) = failed(says(format!("{CHUNKED}{size}\r\nhello\r\n0\r\n\r\n"))).await;
        assert_eq!(kind, FailureKind::BadBody, "{size:?}");
    }
}

#[tokio::test]
async fn silence_ends_at_the_read_timeout_wherever_it_begins() {
    for lie in [
        "",
        "HTTP/1.1 2",
        "HTTP/1.1 200 OK\r\nx: y\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        let (kind, _) = failed(says(lie).then(Then::Wait)).await;
        assert_eq!(kind, FailureKind::ReadTimeout, "{lie:?}");
    }
}

/// Each byte begins the read timeout anew, as in every client that has one; the limit of the whole exchange does not care.
#[tokio::test]
async fn a_slow_drip_ends_at_the_total_timeout() {
    for start in [
        "",
        "HTTP/1.1 200 OK\r\nx: ",
        "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n",
    ] {
        let server = ScriptedServer::start(move |mut visit, _| async move {
            visit.request().await;
            visit.say(start.as_bytes()).await;
            for byte in b"HTTP/1.1 200 OK\r\nx: y".iter().cycle() {
                if !visit.try_say(&[*byte]).await {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        let mut request = get(&server.url("/"));
        request.read_timeout = Some(SILENCE);
        request.total_timeout = Some(SILENCE * 2);
        let failure = tokio::time::timeout(SOON, send(&session(), request))
            .await
            .unwrap()
            .unwrap_err();
        let expected = if start.is_empty() {
            FailureKind::NotHttp
        } else {
            FailureKind::TotalTimeout
        };
        let drips_a_head = start.is_empty() && failure.kind == FailureKind::TotalTimeout;
        assert!(failure.kind == expected || drips_a_head, "{start:?} {failure:?}");
    }
}

#[tokio::test]
async fn what_is_no_http_1_response_is_told() {
    for garbage in [
        &b"hello, plain HTTP/0.9\n"[..],
        b"<html>hello</html>",
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80\x00\x04\x00\x01\x00\x00",
        b"HTTP/2 200\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 000 x\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 99 x\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 1000 x\r\ncontent-length: 2\r\n\r\nok",
        b"\x15\x03\x03\x00\x02\x02\x28",
    ] {
        let failure = told(says(garbage)).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::NotHttp, "{garbage:?}");
        let first = garbage.split_inclusive(|byte| *byte == b'\n').next().unwrap();
        assert_eq!(failure.status_line.as_deref(), Some(first));
    }
}

#[tokio::test]
async fn bytes_that_are_no_utf_8_are_no_trouble() {
    let response = told(says(
        &b"HTTP/1.1 200 \xff\xfe\r\nx: \xff\r\ncontent-type: text/plain; charset=\xff\r\nset-cookie: \xff=\xfe; domain=\xfd\r\ncontent-length: 2\r\n\r\n\xff\xfe"
            [..],
    ))
    .await
    .unwrap();
    assert_eq!(response.reason.as_deref(), Some(&b"\xff\xfe"[..]));
    assert_eq!(response.headers["x"].as_bytes(), b"\xff");
    assert_eq!(&response.body[..], b"\xff\xfe");
    let (kind, _) = failed(says(&b"HTTP/1.1 200 OK\r\nx\xff: y\r\ncontent-length: 2\r\n\r\nok"[..])).await;
    assert_eq!(kind, FailureKind::NotHttp, "a header's name must be ASCII");
}

#[tokio::test]
async fn bodies_where_none_may_be_spoil_nothing() {
    for status in ["204 No Content", "304 Not Modified"] {
        let lie = says(format!("HTTP/1.1 {status}\r\ncontent-length: 5\r\n\r\nhello")).then(Then::Wait);
        assert!(told(lie).await.unwrap().body.is_empty());
    }
    let lie = says("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n\x01\x02hello");
    assert_eq!(told(lie.clone()).await.unwrap().status, 101);
    assert_eq!(told(lie.then(Then::Wait)).await.unwrap().status, 101);
}

/// The answer to the next request must never be one that came before it was asked.
#[tokio::test]
async fn an_answer_nobody_asked_for_is_nobodys() {
    let twice = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
    for lie in [
        twice.to_owned(),
        format!("{twice}{}", &twice[..60]),
        format!("{OK}content-length: 5\r\n\r\nhello and garbage"),
        format!("{CHUNKED}5\r\nhello\r\n0\r\n\r\n{twice}"),
        format!("HTTP/1.1 204 No Content\r\n\r\n{twice}"),
    ] {
        let response = told(says(lie.clone()).then(Then::Wait)).await.unwrap();
        assert!(response.body.is_empty() || &response.body[..] == b"hello", "{lie}");
    }
}

/// The same when the second answer comes later, while the connection is idle.
#[tokio::test]
async fn an_answer_that_comes_between_two_requests_is_nobodys() {
    let (said, mut saying) = tokio::sync::mpsc::unbounded_channel();
    let (ask, asked) = tokio::sync::watch::channel(());
    let server = ScriptedServer::start(move |mut visit, _| {
        let (said, mut asked) = (said.clone(), asked.clone());
        async move {
            visit.request().await;
            visit.say(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
            asked.changed().await.unwrap();
            visit.say(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil").await;
            said.send(()).unwrap();
            visit.closed().await;
        }
    })
    .await;
    let session = session();
    send(&session, get(&server.url("/"))).await.unwrap();
    assert_eq!(session.idle_connections(), 1);
    ask.send(()).unwrap();
    saying.recv().await.unwrap();
    let response = send(&session, get(&server.url("/"))).await.unwrap();
    assert_eq!((&response.body[..], server.visits()), (&b"hello"[..], 2));
}

/// Answered before the upload was read, and closed: what the server said counts, if it could be read at all.
#[tokio::test]
async fn an_early_answer_to_an_upload_is_an_answer_or_a_reset() {
    let server = ScriptedServer::start(|mut visit, number| async move {
        if number > 0 {
            visit.request().await;
            return visit.say(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        }
        visit.head().await;
        visit
            .say(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 5\r\nconnection: close\r\n\r\nlarge")
            .await;
        visit.close().await;
    })
    .await;
    let mut request = get(&server.url("/"));
    request.method = http::Method::PUT;
    request.body = Some(vec![b'x'; 20_000_000].into());
    request.read_timeout = Some(SOON);
    let session = session();
    match tokio::time::timeout(SOON, send(&session, request)).await.unwrap() {
        Ok(response) => assert_eq!((response.status, &response.body[..]), (413, &b"large"[..])),
        Err(failure) => assert_eq!(failure.kind, FailureKind::Reset, "{failure:?}"),
    }
    assert_eq!(session.idle_connections(), 0);
    assert_eq!(send(&session, get(&server.url("/"))).await.unwrap().status, 200);
}

fn bounded(url: &str, limit: u64) -> Request {
    let mut request = get(url);
    request.max_body_bytes = Some(limit);
    request
}

#[tokio::test]
async fn a_body_over_its_bound_is_refused_in_one_frame_too() {
    for response in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world"[..],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello world",
    ] {
        let server = ScriptedServer::start(move |mut visit, _| async move {
            visit.request().await;
            visit.say(response).await;
            visit.close().await;
        })
        .await;
        let session = session();
        let failure = send(&session, bounded(&server.url("/"), 10)).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::TooLarge);
        assert_eq!(failure.message, "The response body is larger than 10 bytes");
        assert_eq!(session.idle_connections(), 0);
        let response = send(&session, bounded(&server.url("/"), 11)).await.unwrap();
        assert_eq!(&response.body[..], b"hello world");
    }
}

/// A gibibyte is on offer and a mebibyte allowed: hardly more than that may be taken.
#[tokio::test]
async fn a_huge_body_is_hardly_touched_when_a_small_one_is_allowed() {
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n40000000\r\n",
    ] {
        let (taken, mut taking) = tokio::sync::mpsc::unbounded_channel();
        let server = ScriptedServer::start(move |mut visit, _| {
            let taken = taken.clone();
            async move {
                visit.request().await;
                visit.say(head.as_bytes()).await;
                let piece = vec![b'y'; 65_536];
                let mut pieces = 0_u64;
                while pieces < 16_384 && visit.try_say(&piece).await {
                    pieces += 1;
                }
                taken.send(pieces * 65_536).unwrap();
            }
        })
        .await;
        let failure = send(&session(), bounded(&server.url("/"), 1 << 20)).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::TooLarge);
        let taken = taking.recv().await.unwrap();
        // The rest is what the kernel's buffers hold on both sides.
        assert!(taken < 32 << 20, "{taken} bytes taken");
    }
}

/// What comes of a redirect by each of the two rules.
async fn redirected(location: &'static [u8]) -> [Result<Response, Failure>; 2] {
    let server = ScriptedServer::start(move |mut visit, _| async move {
        while let Some(request) = visit.request().await {
            if request.starts_with("GET /start ") {
                let head = [
                    &b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: "[..],
                    location,
                    b"\r\n\r\n",
                ];
                visit.say(&head.concat()).await;
            } else {
                visit.say(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
            }
        }
    })
    .await;
    let ask = |redirect_rule| async {
        let session = Session::new(Options {
            redirect_rule,
            ..Options::default()
        });
        send(&session, get(&server.url("/start"))).await
    };
    [ask(RedirectRule::Requests).await, ask(RedirectRule::fast()).await]
}

#[tokio::test]
async fn redirects_to_nowhere_are_told() {
    for location in [
        &b"ftp://127.0.0.1/x"[..],
        b"file:///etc/passwd",
        b"javascript:alert(1)",
        b"data:text/plain,hi",
        b"http://127.0.0.1:99999/",
        b"http://127.0.0.1:abc/",
        b"http://[::1/",
    ] {
        for outcome in redirected(location).await {
            let failure = outcome.unwrap_err();
            assert_eq!(failure.kind, FailureKind::InvalidRedirect, "{failure:?}");
            assert_eq!(failure.response.unwrap().status, 302);
        }
    }
}

#[tokio::test]
async fn locations_are_read_as_each_client_reads_them() {
    let [requests, fast] = redirected(b"/caf\xe9").await;
    let failure = requests.unwrap_err();
    assert_eq!(failure.kind, FailureKind::InvalidRedirect);
    assert_eq!(failure.message, r"The Location header is not UTF-8: b'/caf\xe9'");
    assert_eq!(fast.unwrap().target().path(), "/caf%C3%A9");
    let [requests, fast] = redirected("/café".as_bytes()).await;
    assert_eq!(requests.unwrap().target().path(), "/caf%C3%A9");
    assert_eq!(fast.unwrap().target().path(), "/caf%C3%83%C2%A9");
    for outcome in redirected(b"").await {
        assert_eq!(outcome.unwrap().status, 302);
    }
}

#[tokio::test]
async fn a_redirect_is_followed_though_its_body_breaks_off() {
    for (framing, then) in [
        ("content-length: 100", Then::Close),
        ("content-length: 100", Then::Reset),
        ("transfer-encoding: chunked", Then::Close),
    ] {
        let head = format!("HTTP/1.1 302 Found\r\nlocation: /honest\r\n{framing}\r\n\r\n");
        for body in ["", "4\r\nhe"] {
            let response = told(says(head.clone() + body).then(then)).await.unwrap();
            assert_eq!((&response.body[..], response.history.len()), (&b"honest"[..], 1));
        }
    }
}

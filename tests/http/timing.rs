//! Time limits, and the stamps of a timeline. Time stands still here unless everybody waits, so no test takes long.

use std::time::Duration;

use rocust::http::{Failure, FailureKind, Request, Response, Session, Timeline, exchange};
use tokio::time::{Instant, sleep};

use crate::support::{ScriptedServer, get, send, session};

const LIMIT: Duration = Duration::from_millis(500);

#[tokio::test(start_paused = true)]
async fn silence_before_the_response_is_a_read_timeout() {
    let server = ScriptedServer::start(|mut visit, _| async move {
        visit.request().await;
        visit.closed().await;
    })
    .await;
    let session = session();
    let mut request = get(&server.url("/"));
    request.read_timeout = Some(LIMIT);
    let mut timeline = Timeline::default();
    let failure = exchange(&session, request, &mut timeline).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::ReadTimeout);
    assert_eq!(failure.message, "Read timed out. (read timeout=0.5)");
    assert!(timeline.response_time().unwrap() >= LIMIT);
    assert_eq!(session.idle_connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_drip_is_not_silence() {
    let server = ScriptedServer::start(|mut visit, _| async move {
        while visit.request().await.is_some() {
            visit.say(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n").await;
            for _ in 0..8 {
                sleep(LIMIT * 9 / 10).await;
                visit.say(b".").await;
            }
        }
    })
    .await;
    let session = session();
    // Twice over one connection: the second time finds the timer of the first.
    for _ in 0..2 {
        let mut request = get(&server.url("/"));
        request.read_timeout = Some(LIMIT);
        let began = Instant::now();
        let response = send(&session, request).await.unwrap();
        assert_eq!(&response.body[..], b"........");
        assert!(began.elapsed() >= LIMIT * 7);
    }
    assert_eq!(server.visits(), 1);
}

#[tokio::test(start_paused = true)]
async fn silence_in_the_body_is_a_read_timeout() {
    let server = ScriptedServer::start(|mut visit, _| async move {
        visit.request().await;
        visit.say(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n....").await;
        visit.closed().await;
    })
    .await;
    let mut request = get(&server.url("/"));
    request.read_timeout = Some(LIMIT);
    let failure = send(&session(), request).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::ReadTimeout);
    assert_eq!(failure.progress.unwrap().received, 4);
}

#[tokio::test(start_paused = true)]
async fn a_shorter_limit_on_a_kept_connection_counts() {
    let server = ScriptedServer::start(|mut visit, _| async move {
        visit.request().await;
        visit.say(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        visit.closed().await;
    })
    .await;
    let session = session();
    let mut request = get(&server.url("/"));
    request.read_timeout = Some(Duration::from_secs(60));
    send(&session, request.clone()).await.unwrap();
    request.read_timeout = Some(LIMIT);
    let began = Instant::now();
    let failure = send(&session, request).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::ReadTimeout);
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(server.visits(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_total_limit_counts_everything() {
    let server = ScriptedServer::start(|mut visit, _| async move {
        visit.request().await;
        visit.say(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n").await;
        loop {
            sleep(LIMIT / 10).await;
            if !visit.try_say(b".").await {
                break;
            }
        }
    })
    .await;
    let mut request = get(&server.url("/"));
    request.read_timeout = Some(LIMIT);
    request.total_timeout = Some(LIMIT * 2);
    let mut timeline = Timeline::default();
    let failure = exchange(&session(), request, &mut timeline).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::TotalTimeout);
    assert!(timeline.response_time().unwrap() >= LIMIT * 2);
}

#[tokio::test]
async fn an_address_that_never_answers_is_a_connect_timeout() {
    // A full backlog drops further handshakes: nobody accepts here, so connections beyond the first ones hang.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket
        .bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut waiting = Vec::new();
    loop {
        let connecting = tokio::net::TcpStream::connect(address);
        match tokio::time::timeout(Duration::from_millis(100), connecting).await {
            Ok(stream) => waiting.push(stream.unwrap()),
            Err(_) => break,
        }
        assert!(waiting.len() < 100, "the backlog never fills");
    }
    let mut request = get(&format!("http://{address}/"));
    request.connect_timeout = Some(Duration::from_millis(50));
    let failure = send(&session(), request).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::ConnectTimeout);
    assert_eq!(
        failure.message,
        "Connection to 127.0.0.1 timed out. (connect timeout=0.05)"
    );
}

#[tokio::test(start_paused = true)]
async fn the_steps_are_stamped_in_order() {
    let server = ScriptedServer::start(|mut visit, _| async move {
        while visit.request().await.is_some() {
            sleep(LIMIT).await;
            visit.say(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n").await;
            sleep(LIMIT).await;
            visit.say(b"late").await;
        }
    })
    .await;
    let session = session();
    let mut timeline = Timeline::default();
    let response = exchange(&session, get(&server.url("/")), &mut timeline).await.unwrap();
    let steps = [
        timeline.begun(),
        timeline.dns(),
        timeline.connected(),
        timeline.sent(),
        timeline.first_byte(),
        timeline.done(),
    ]
    .map(Option::unwrap);
    assert!(steps.is_sorted(), "{steps:?}");
    assert_eq!(timeline.tls(), None);
    assert!(steps[4] - steps[3] >= LIMIT && steps[5] - steps[4] >= LIMIT);
    assert!(response.elapsed >= LIMIT && response.elapsed < timeline.response_time().unwrap());
    let mut second = Timeline::default();
    exchange(&session, get(&server.url("/")), &mut second).await.unwrap();
    assert_eq!((second.dns(), second.connected()), (None, None));
}

/// A whole exchange, with the stamp that the caller makes.
async fn timed(session: &Session, request: Request) -> (Result<Response, Failure>, Timeline) {
    let mut timeline = Timeline::queued_at(Instant::now());
    let result = exchange(session, request, &mut timeline).await;
    (result, timeline)
}

#[tokio::test(start_paused = true)]
async fn the_parts_tell_where_the_time_went() {
    let server = ScriptedServer::start(|mut visit, _| async move {
        while visit.request().await.is_some() {
            sleep(LIMIT).await;
            visit.say(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlat").await;
            sleep(LIMIT * 2).await;
            visit.say(b"e").await;
        }
    })
    .await;
    let session = session();
    for is_reused in [false, true] {
        let (result, timeline) = timed(&session, get(&server.url("/"))).await;
        result.unwrap();
        let phases = timeline.phases().unwrap();
        assert_eq!(phases.total(), timeline.response_time().unwrap());
        assert!(
            phases.first_byte >= LIMIT && phases.first_byte < LIMIT * 2,
            "{phases:?}"
        );
        assert!(phases.body >= LIMIT * 2 && phases.body < LIMIT * 3, "{phases:?}");
        assert_eq!(phases.tls, Duration::ZERO);
        if is_reused {
            assert_eq!((phases.dns, phases.connect), (Duration::ZERO, Duration::ZERO));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_parts_are_summed_over_redirects_and_connections() {
    const HOPS: u32 = 4;
    let server = ScriptedServer::start(|mut visit, _| async move {
        // Every answer closes the connection, so that every hop opens one.
        let Some(request) = visit.request().await else { return };
        sleep(LIMIT).await;
        let head = match request.split(' ').nth(1).and_then(|path| path[1..].parse::<u32>().ok()) {
            Some(hop) if hop < HOPS => format!("HTTP/1.1 302 Found\r\nlocation: /{}\r\n", hop + 1),
            _ => "HTTP/1.1 200 OK\r\n".to_owned(),
        };
        visit
            .say(format!("{head}connection: close\r\ncontent-length: 2\r\n\r\n.").as_bytes())
            .await;
        sleep(LIMIT / 2).await;
        visit.say(b".").await;
    })
    .await;
    let (result, timeline) = timed(&session(), get(&server.url("/0"))).await;
    assert_eq!(result.unwrap().history.len(), HOPS as usize);
    let phases = timeline.phases().unwrap();
    assert_eq!(phases.total(), timeline.response_time().unwrap());
    assert!(phases.first_byte >= LIMIT * (HOPS + 1), "{phases:?}");
    assert!(phases.body >= LIMIT / 2 * (HOPS + 1), "{phases:?}");
    assert_eq!(server.visits(), HOPS as usize + 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_billed_to_what_it_waited_for() {
    let server = ScriptedServer::start(|mut visit, _| async move {
        visit.request().await;
        visit.closed().await;
    })
    .await;
    let mut request = get(&server.url("/"));
    request.read_timeout = Some(LIMIT);
    let (result, timeline) = timed(&session(), request).await;
    assert_eq!(result.unwrap_err().kind, FailureKind::ReadTimeout);
    let phases = timeline.phases().unwrap();
    assert!(phases.first_byte >= LIMIT, "{phases:?}");
    assert_eq!(
        (phases.body, phases.total()),
        (Duration::ZERO, timeline.response_time().unwrap())
    );
}

#[tokio::test]
async fn an_answer_that_nobody_read_is_noticed_when_the_exchange_is_dropped() {
    let (said, mut saying) = tokio::sync::mpsc::unbounded_channel();
    let server = ScriptedServer::start(move |mut visit, _| {
        let said = said.clone();
        async move {
            visit.request().await;
            visit.say(b"HTTP/1.1 200 OK\r\n").await;
            said.send(()).unwrap();
            visit.closed().await;
        }
    })
    .await;
    let session = session();
    let mut timeline = Timeline::default();
    {
        let exchange = std::pin::pin!(exchange(&session, get(&server.url("/")), &mut timeline));
        // The server speaks while nobody polls the exchange: `saying` is ready first.
        tokio::select! { biased; Some(()) = saying.recv() => {}, _ = exchange => unreachable!() }
    }
    assert!(timeline.sent().is_some());
    assert_eq!((timeline.first_byte(), timeline.unread), (None, Some(17)));
}

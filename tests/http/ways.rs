//! How connections are made: overrides of names, versions of IP, addresses to come from, sockets of this machine, fresh ones.

use std::sync::Arc;

use rocust::http::{FailureKind, IpVersion, Override, Session, Timeline, WireOptions, exchange};
use tokio::sync::mpsc;

use crate::support::{ScriptedServer, get, headers, send, session};

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

fn session_by(options: WireOptions) -> Session {
    let session = session();
    session.set_wire(Arc::new(options));
    session
}

/// A server that tells the head of each request.
async fn telling_server() -> (ScriptedServer, mpsc::UnboundedReceiver<String>) {
    let (heard, hearing) = mpsc::unbounded_channel();
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
    (server, hearing)
}

#[tokio::test]
async fn a_name_leads_where_the_override_says_and_is_still_what_the_server_is_told() {
    let (server, mut hearing) = telling_server().await;
    let port = server.address().port();
    let session = session_by(WireOptions {
        overrides: vec![Override::parse(&format!("nowhere.invalid:{port}:127.0.0.1")).unwrap()],
        ..WireOptions::PLAIN
    });
    let url = format!("http://nowhere.invalid:{port}/");
    assert_eq!(send(&session, get(&url)).await.unwrap().status, 200);
    let request = hearing.recv().await.unwrap();
    assert!(
        request.contains(&format!("\r\nHost: nowhere.invalid:{port}\r\n")),
        "{request}"
    );
    let failure = send(&session, get("http://nowhere.invalid:1/")).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Resolve);
}

#[tokio::test]
async fn only_the_wanted_version_of_ip_is_used() {
    let server = ScriptedServer::answering(HELLO).await;
    let port = server.address().port();
    let by = |ip_version, address: &str| {
        let overrides = vec![Override::parse(&format!("both.invalid:{port}:{address}")).unwrap()];
        session_by(WireOptions {
            ip_version: Some(ip_version),
            overrides,
            ..WireOptions::PLAIN
        })
    };
    let url = format!("http://both.invalid:{port}/");
    // Nobody listens on the other address.
    let mixed = "127.0.0.1,[::1]";
    assert_eq!(send(&by(IpVersion::V4, mixed), get(&url)).await.unwrap().status, 200);
    assert!(send(&by(IpVersion::V6, mixed), get(&url)).await.is_err());
    assert_eq!(server.visits(), 1);
    let failure = send(&by(IpVersion::V6, "127.0.0.1"), get(&url)).await.unwrap_err();
    assert_eq!((failure.kind, failure.errno), (FailureKind::Resolve, Some(-5)));
}

/// Linux has all of 127.0.0.0/8 on its loopback.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn connections_come_from_the_address_that_was_asked_for() {
    let (told, mut telling) = mpsc::unbounded_channel();
    let server = ScriptedServer::start(move |visit, _| {
        let told = told.clone();
        async move {
            let stream = visit.into_stream();
            told.send(stream.peer_addr().unwrap().ip().to_string()).unwrap();
        }
    })
    .await;
    let session = session_by(WireOptions {
        source: Some("127.0.0.2:0".parse().unwrap()),
        ..WireOptions::PLAIN
    });
    assert!(send(&session, get(&server.url("/"))).await.is_err());
    assert_eq!(telling.recv().await.unwrap(), "127.0.0.2");
    let foreign = session_by(WireOptions {
        source: Some("192.0.2.1:0".parse().unwrap()),
        ..WireOptions::PLAIN
    });
    let failure = send(&foreign, get(&server.url("/"))).await.unwrap_err();
    assert_eq!(failure.to_string(), "[Errno 99] Cannot assign requested address");
}

#[tokio::test]
async fn without_keep_alive_every_request_has_a_connection_and_says_so() {
    let (server, mut hearing) = telling_server().await;
    let session = session_by(WireOptions {
        keep_alive: false,
        ..WireOptions::PLAIN
    });
    for expected in 1..=3 {
        let mut request = get(&server.url("/"));
        request.headers = headers(&[("connection", "keep-alive"), ("x-own", "1")]);
        let response = send(&session, request).await.unwrap();
        let told = hearing.recv().await.unwrap();
        assert!(
            told.contains("\r\nConnection: close\r\n") && told.contains("\r\nX-Own: 1\r\n"),
            "{told}"
        );
        assert_eq!(response.sent.all_headers()["connection"], "close");
        assert_eq!((server.visits(), session.idle_connections()), (expected, 0));
    }
}

#[tokio::test]
async fn options_that_change_leave_the_old_connections_behind() {
    let server = ScriptedServer::answering(HELLO).await;
    let session = session();
    send(&session, get(&server.url("/"))).await.unwrap();
    session.set_wire(Arc::default());
    send(&session, get(&server.url("/"))).await.unwrap();
    assert_eq!(server.visits(), 2);
}

#[cfg(unix)]
mod sockets {
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixListener;

    use super::*;

    /// Where a socket is, gone with the value.
    struct Place {
        path: PathBuf,
    }

    impl Place {
        fn new() -> Self {
            static COUNT: AtomicUsize = AtomicUsize::new(0);
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("rocust-{}-{number}.sock", std::process::id()));
            Self { path }
        }

        fn url(&self, path: &str) -> String {
            let encoded = self.path.to_str().unwrap().replace('/', "%2F");
            format!("http+unix://{encoded}{path}")
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.path);
        }
    }

    #[tokio::test]
    async fn http_is_spoken_over_a_socket_and_its_connection_kept() {
        let place = Place::new();
        let listener = UnixListener::bind(&place.path).unwrap();
        let (heard, mut hearing) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                heard.send("a connection".to_owned()).unwrap();
                let heard = heard.clone();
                tokio::spawn(async move {
                    let mut buffer = [0; 4096];
                    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                        let request = String::from_utf8_lossy(&buffer[..count]).into_owned();
                        let answer = if request.starts_with("GET /moved") {
                            b"HTTP/1.1 302 Found\r\nlocation: /a?b=c\r\ncontent-length: 0\r\n\r\n"
                        } else {
                            HELLO
                        };
                        heard.send(request).unwrap();
                        let _ = stream.write_all(answer).await;
                    }
                });
            }
        });
        let session = session();
        let mut timeline = Timeline::default();
        let response = exchange(&session, get(&place.url("/moved")), &mut timeline)
            .await
            .unwrap();
        assert_eq!(
            (&response.body[..], response.target().as_str()),
            (&b"hello"[..], &*place.url("/a?b=c"))
        );
        assert_eq!(response.target().path_url(), "/a?b=c");
        assert!(timeline.connected().is_some() && timeline.dns().is_none());
        send(&session, get(&place.url(""))).await.unwrap();
        for expected in [
            "a connection",
            "GET /moved HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /a?b=c HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ] {
            assert_eq!(hearing.recv().await.unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn a_socket_that_is_not_there_is_told_of() {
        let place = Place::new();
        let failure = send(&session(), get(&place.url("/"))).await.unwrap_err();
        assert_eq!(failure.to_string(), "[Errno 2] No such file or directory");
        for url in ["http+unix://%2Frun%2Fapp.sock:80/", "http+unix://%20run/"] {
            let problem = rocust::http::Target::parse(url).unwrap_err();
            assert!(
                problem.message().contains("is the path of a socket, percent-encoded"),
                "{problem}"
            );
        }
    }
}

//! Ways through an HTTP proxy: what it is told, what it hides, and what is said when it does not work.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::HeaderValue;
use rocust::http::proxy::{Rule, TunnelForm};
use rocust::http::{
    FailureKind, Options, Proxies, Proxy, ProxyKind, ProxyStage, Request, Session, Target, Timeline, TlsSettings,
    Verify, exchange,
};
use tokio::time::Instant;

use crate::support::{Authority, ScriptedServer, get, headers, send, session};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn proxy(url: &str) -> Proxy {
    Proxy {
        kind: ProxyKind::Http,
        address: Target::parse(url).unwrap(),
        credentials: None,
        authorization: Some(HeaderValue::from_static("Basic dTpw")),
        tunnel_form: TunnelForm::Http10,
        always_names_port: false,
    }
}

fn through(proxy: Proxy, url: &str) -> Request {
    let mut request = get(url);
    request.proxies = Some(Arc::new(Proxies::all(proxy)));
    request
}

/// A proxy that answers every request itself, and what it was told.
async fn answering_proxy(answer: &'static [u8]) -> (ScriptedServer, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&told);
    let server = ScriptedServer::start(move |mut visit, number| {
        let noted = Arc::clone(&noted);
        async move {
            while let Some(request) = visit.request().await {
                noted.lock().unwrap().push(format!("{number} {request}"));
                visit.say(answer).await;
            }
        }
    })
    .await;
    (server, told)
}

/// A proxy that opens a tunnel to this address whatever it is asked for.
async fn tunnel_proxy(target: SocketAddr) -> (ScriptedServer, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&told);
    let server = ScriptedServer::start(move |mut visit, _| {
        let noted = Arc::clone(&noted);
        async move {
            let request = visit.request().await.unwrap();
            noted.lock().unwrap().push(request);
            visit
                .say(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")
                .await;
            visit.tunnel_to(target).await;
        }
    })
    .await;
    (server, told)
}

#[tokio::test]
async fn proxy_is_told_the_whole_url_and_its_credentials() {
    let (server, told) = answering_proxy(OK).await;
    let session = session();
    let mut request = through(proxy(&server.url("/")), "http://user:secret@a.test:8080/p?q='x#f");
    request.headers = headers(&[("x-own", "1")]);
    assert_eq!(&send(&session, request).await.unwrap().body[..], b"hello");
    let expected = "0 GET http://a.test:8080/p?q='x HTTP/1.1\r\nHost: a.test:8080\r\nX-Own: 1\r\n\
                    Proxy-Authorization: Basic dTpw";
    assert_eq!(told.lock().unwrap().remove(0).trim_end(), expected);
}

#[tokio::test]
async fn port_is_named_where_the_url_names_it_or_always() {
    let (server, told) = answering_proxy(OK).await;
    let session = session();
    let mut always = proxy(&server.url("/"));
    always.always_names_port = true;
    for (proxy, url) in [
        (proxy(&server.url("/")), "http://a.test/"),
        (proxy(&server.url("/")), "http://a.test:80/"),
        (always, "http://a.test/"),
    ] {
        send(&session, through(proxy, url)).await.unwrap();
    }
    let lines: Vec<String> = told
        .lock()
        .unwrap()
        .iter()
        .map(|told| told.lines().take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        lines,
        [
            "0 GET http://a.test/ HTTP/1.1 Host: a.test",
            "0 GET http://a.test:80/ HTTP/1.1 Host: a.test:80",
            "1 GET http://a.test:80/ HTTP/1.1 Host: a.test",
        ]
    );
}

#[tokio::test]
async fn one_connection_to_a_proxy_serves_every_host_it_forwards_to() {
    let (server, _) = answering_proxy(OK).await;
    let session = session();
    for url in ["http://a.test/", "http://b.test:81/", "http://a.test/again"] {
        send(&session, through(proxy(&server.url("/")), url)).await.unwrap();
    }
    assert_eq!((server.visits(), session.idle_connections()), (1, 1));
    // Without the proxy that connection is of no use.
    let (direct, told) = answering_proxy(OK).await;
    send(&session, get(&direct.url("/"))).await.unwrap();
    assert_eq!(told.lock().unwrap()[0].lines().next(), Some("0 GET / HTTP/1.1"));
    assert_eq!(session.idle_connections(), 2);
}

fn believing(authority: &Authority) -> Session {
    let tls = Arc::new(TlsSettings {
        verify: Verify::Bundle(authority.bundle()),
        ..TlsSettings::default()
    });
    Session::new(Options {
        tls,
        ..Options::default()
    })
}

#[tokio::test]
async fn tunnel_hides_all_but_the_name_and_is_kept() {
    let authority = Authority::new();
    let port = authority.serve(&["a.test"], false).await;
    let (server, told) = tunnel_proxy(SocketAddr::from(([127, 0, 0, 1], port))).await;
    let session = believing(&authority);
    for path in ["/secret", "/again"] {
        let request = through(proxy(&server.url("/")), &format!("https://a.test{path}"));
        let mut timeline = Timeline::queued_at(Instant::now());
        let response = exchange(&session, request, &mut timeline).await.unwrap();
        assert_eq!(response.status, 200);
        let phases = timeline.phases().unwrap();
        let is_new = path == "/secret";
        assert_eq!(
            (!phases.connect.is_zero(), !phases.tls.is_zero()),
            (is_new, is_new),
            "{phases:?}"
        );
        assert_eq!(phases.total(), timeline.response_time().unwrap());
    }
    assert_eq!(
        *told.lock().unwrap(),
        ["CONNECT a.test:443 HTTP/1.0\r\nProxy-Authorization: Basic dTpw\r\n\r\n"]
    );
    assert_eq!(server.visits(), 1);
    // Another name needs a tunnel of its own, and its certificate is checked at the far end of it.
    let failure = send(&session, through(proxy(&server.url("/")), "https://b.test/"))
        .await
        .unwrap_err();
    let via = failure.via.unwrap();
    assert_eq!(
        (failure.kind, via.stage, server.visits()),
        (FailureKind::Tls, ProxyStage::Beyond, 2)
    );
}

#[tokio::test]
async fn refused_tunnel_tells_what_the_proxy_said() {
    for (answer, kind, message) in [
        (
            &b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"[..],
            FailureKind::Tunnel,
            "Tunnel connection failed: 407 Proxy Authentication Required",
        ),
        (
            b"HTTP/1.1 503 Go Away\r\n",
            FailureKind::Tunnel,
            "Tunnel connection failed: 503 Go Away",
        ),
        (b"hello\r\n", FailureKind::NotHttp, "The proxy does not speak HTTP"),
    ] {
        let (server, _) = answering_proxy(answer).await;
        let failure = send(&session(), through(proxy(&server.url("/")), "https://a.test/"))
            .await
            .unwrap_err();
        assert_eq!((failure.kind, failure.message.as_str()), (kind, message));
        assert_eq!(failure.target.as_str(), "https://a.test/");
        assert_eq!(failure.via.unwrap().stage, ProxyStage::Asking);
        let first_line = answer.split_inclusive(|byte| *byte == b'\n').next();
        assert_eq!(failure.status_line.as_deref(), first_line);
    }
}

#[tokio::test]
async fn proxy_that_hangs_up_is_told_from_a_target_that_does() {
    let server = ScriptedServer::start(|mut visit, _| async move {
        visit.request().await;
        visit.close().await;
    })
    .await;
    for (url, stage) in [
        ("https://a.test/", ProxyStage::Asking),
        ("http://a.test/", ProxyStage::Beyond),
    ] {
        let failure = send(&session(), through(proxy(&server.url("/")), url))
            .await
            .unwrap_err();
        assert_eq!(
            (failure.kind, failure.via.unwrap().stage),
            (FailureKind::ClosedEarly, stage),
            "{url}"
        );
    }
}

#[tokio::test]
async fn proxy_that_nobody_listens_at_is_what_could_not_be_reached() {
    // Bound, so that it is nobody else's, and not listened at.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = socket.local_addr().unwrap();
    for url in ["http://a.test/x", "https://a.test/x"] {
        let failure = send(&session(), through(proxy(&format!("http://{address}/")), url))
            .await
            .unwrap_err();
        assert_eq!((failure.kind, failure.target.as_str()), (FailureKind::Refused, url));
        let via = failure.via.unwrap();
        assert_eq!(
            (via.stage, via.proxy.address.port()),
            (ProxyStage::Reaching, address.port())
        );
    }
}

#[tokio::test]
async fn silent_proxy_ends_by_the_connect_timeout() {
    let server = ScriptedServer::start(|mut visit, _| async move { visit.closed().await }).await;
    let mut request = through(proxy(&server.url("/")), "https://a.test/");
    request.connect_timeout = Some(std::time::Duration::from_millis(30));
    let failure = send(&session(), request).await.unwrap_err();
    assert_eq!(
        (failure.kind, failure.via.unwrap().stage),
        (FailureKind::ReadTimeout, ProxyStage::Asking)
    );
}

#[tokio::test]
async fn redirect_picks_anew_and_brings_the_credentials_of_its_own_proxy() {
    let (far, far_told) = answering_proxy(OK).await;
    let near =
        ScriptedServer::answering(b"HTTP/1.1 302 Found\r\nLocation: http://far.test/\r\nContent-Length: 0\r\n\r\n")
            .await;
    let mut request = get(&near.url("/start"));
    request.headers = headers(&[("proxy-authorization", "Basic own")]);
    request.proxies = Some(Arc::new(Proxies {
        rules: vec![("http://far.test".into(), Rule::Through(Arc::new(proxy(&far.url("/")))))],
    }));
    let response = send(&session(), request).await.unwrap();
    assert_eq!((response.status, response.history.len()), (200, 1));
    let told = far_told.lock().unwrap().remove(0);
    assert!(told.starts_with("0 GET http://far.test/ HTTP/1.1\r\n"), "{told}");
    assert!(told.contains("Basic dTpw") && !told.contains("Basic own"), "{told}");
}

#[tokio::test]
async fn proxy_that_cannot_be_used_is_named() {
    let mut request = get("http://a.test/");
    request.proxies = Some(Arc::new(Proxies {
        rules: vec![("http".into(), Rule::Unusable("ftp://proxy".into()))],
    }));
    let failure = send(&session(), request).await.unwrap_err();
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (FailureKind::UnusableProxy, "ftp://proxy")
    );
}

/// A SOCKS proxy that plays a script: what it is told, byte for byte, and what it answers.
async fn socks_proxy(script: &[(&'static [u8], &'static [u8])], target: SocketAddr) -> ScriptedServer {
    let script = Arc::new(script.to_vec());
    ScriptedServer::start(move |mut visit, _| {
        let script = Arc::clone(&script);
        async move {
            for (told, answer) in script.iter() {
                assert_eq!(visit.bytes(told.len()).await, *told);
                visit.say(answer).await;
            }
            if script
                .last()
                .is_some_and(|(_, answer)| matches!(answer.get(1), Some(0 | 0x5a)))
            {
                visit.tunnel_to(target).await;
            }
        }
    })
    .await
}

fn socks(kind: ProxyKind, url: &str, credentials: Option<(&str, &str)>) -> Proxy {
    Proxy {
        kind,
        authorization: None,
        credentials: credentials.map(|(user, password)| (user.to_owned(), password.to_owned())),
        ..proxy(url)
    }
}

const BOUND: &[u8] = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00";
/// What is asked for: `a.test`, port 8080.
const NAMED: &[u8] = b"\x05\x01\x00\x03\x06a.test\x1f\x90";

#[tokio::test]
async fn socks_proxies_are_told_where_to_and_nothing_of_http() {
    let (target, told) = answering_proxy(OK).await;
    let address = target.address();
    for (kind, credentials, url, script) in [
        (
            ProxyKind::Socks5h,
            None,
            "http://a.test:8080/p",
            &[(&b"\x05\x01\x00"[..], &b"\x05\x00"[..]), (NAMED, BOUND)][..],
        ),
        (
            ProxyKind::Socks5h,
            Some(("u", "pw")),
            "http://a.test:8080/p",
            &[
                (b"\x05\x02\x00\x02", b"\x05\x02"),
                (b"\x01\x01u\x02pw", b"\x01\x00"),
                (NAMED, BOUND),
            ],
        ),
        (
            ProxyKind::Socks5,
            None,
            "http://127.0.0.1:8080/p",
            &[
                (b"\x05\x01\x00", b"\x05\x00"),
                (
                    b"\x05\x01\x00\x01\x7f\x00\x00\x01\x1f\x90",
                    b"\x05\x00\x00\x03\x01x\x00\x01",
                ),
            ],
        ),
        (
            ProxyKind::Socks5h,
            None,
            "http://[::1]:8080/p",
            &[
                (b"\x05\x01\x00", b"\x05\x00"),
                (b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x1f\x90", BOUND),
            ],
        ),
        (
            ProxyKind::Socks4a,
            Some(("u", "")),
            "http://a.test:8080/p",
            &[(
                b"\x04\x01\x1f\x90\x00\x00\x00\x01u\x00a.test\x00",
                b"\x00\x5a\x00\x00\x00\x00\x00\x00",
            )],
        ),
        (
            ProxyKind::Socks4,
            None,
            "http://127.0.0.1:8080/p",
            &[(
                b"\x04\x01\x1f\x90\x7f\x00\x00\x01\x00",
                b"\x00\x5a\x00\x00\x00\x00\x00\x00",
            )],
        ),
    ] {
        let server = socks_proxy(script, address).await;
        let session = session();
        for _ in 0..2 {
            let proxy = socks(kind, &server.url("/"), credentials);
            assert_eq!(
                send(&session, through(proxy, url)).await.unwrap().status,
                200,
                "{kind:?} {url}"
            );
        }
        assert_eq!(server.visits(), 1, "{kind:?}: the connection is kept");
        assert!(
            told.lock()
                .unwrap()
                .pop()
                .unwrap()
                .contains(" GET /p HTTP/1.1\r\nHost: ")
        );
    }
}

#[tokio::test]
async fn socks_connections_lead_to_one_target_only() {
    let (target, _) = answering_proxy(OK).await;
    let script: &[(&[u8], &[u8])] = &[(b"\x05\x01\x00", b"\x05\x00"), (NAMED, BOUND)];
    let server = socks_proxy(script, target.address()).await;
    let session = session();
    for _ in 0..2 {
        send(
            &session,
            through(socks(ProxyKind::Socks5h, &server.url("/"), None), "http://a.test:8080/"),
        )
        .await
        .unwrap();
    }
    // The script knows no other name: asking for it is a connection of its own.
    let other = through(socks(ProxyKind::Socks5h, &server.url("/"), None), "http://b.test:8080/");
    assert!(send(&session, other).await.is_err());
    assert_eq!(server.visits(), 2);
}

#[tokio::test]
async fn refusal_of_a_socks_proxy_has_the_words_of_pysocks() {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
    for (kind, script, words) in [
        (
            ProxyKind::Socks5h,
            &[(&b"\x05\x01\x00"[..], &b"\x05\xff"[..])][..],
            "All offered SOCKS5 authentication methods were rejected",
        ),
        (
            ProxyKind::Socks5h,
            &[(b"\x05\x01\x00", b"HTTP/1.1 400")],
            "SOCKS5 proxy server sent invalid data",
        ),
        (
            ProxyKind::Socks5h,
            &[(b"\x05\x01\x00", b"\x05")],
            "Connection closed unexpectedly",
        ),
        (
            ProxyKind::Socks5h,
            &[
                (b"\x05\x01\x00", b"\x05\x00"),
                (NAMED, b"\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"),
            ],
            "0x05: Connection refused",
        ),
        (
            ProxyKind::Socks4a,
            &[(
                b"\x04\x01\x1f\x90\x00\x00\x00\x01\x00a.test\x00",
                b"\x00\x5b\x00\x00\x00\x00\x00\x00",
            )],
            "0x5b: Request rejected or failed",
        ),
    ] {
        let server = socks_proxy(script, nowhere).await;
        let request = through(socks(kind, &server.url("/"), None), "http://a.test:8080/");
        let failure = send(&session(), request).await.unwrap_err();
        assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Tunnel, words));
        assert_eq!(failure.via.unwrap().stage, ProxyStage::Asking);
    }
}

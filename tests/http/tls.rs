//! TLS against a rustls server with certificates made here.

use std::sync::Arc;

use rocust::http::{
    Anchors, ClientCert, FailureKind, Options, Request, Session, Timeline, TlsSettings, TlsVersions, Verify,
    WireOptions, exchange,
};
use rustls::{HandshakeKind, ProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::support::{Authority, ScriptedServer, get, headers, send};

fn session(verify: Verify, cert: Option<ClientCert>) -> Session {
    Session::new(Options {
        tls: Arc::new(TlsSettings {
            verify,
            cert,
            ..TlsSettings::default()
        }),
        ..Options::default()
    })
}

#[tokio::test]
async fn a_certificate_of_a_known_root_is_accepted_and_the_connection_kept() {
    let authority = Authority::new();
    let port = authority.serve(&["localhost", "127.0.0.1"], false).await;
    let session = session(Verify::Bundle(authority.bundle()), None);
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{port}/");
        let mut timeline = Timeline::queued_at(Instant::now());
        let response = exchange(&session, get(&url), &mut timeline).await.unwrap();
        assert_eq!(&response.body[..], b"hello");
        let phases = timeline.phases().unwrap();
        assert!(!phases.connect.is_zero() && !phases.tls.is_zero(), "{phases:?}");
        assert_eq!(phases.total(), timeline.response_time().unwrap());
        assert!(timeline.connected() <= timeline.tls() && timeline.tls().is_some());
        let mut second = Timeline::queued_at(Instant::now());
        exchange(&session, get(&url), &mut second).await.unwrap();
        assert_eq!(second.connected(), None);
        let phases = second.phases().unwrap();
        assert!(
            phases.dns.is_zero() && phases.connect.is_zero() && phases.tls.is_zero(),
            "{phases:?}"
        );
    }
    assert_eq!(session.idle_connections(), 2);
}

#[tokio::test]
async fn a_certificate_that_does_not_fit_is_refused_unless_nothing_is_verified() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let named_otherwise = authority.serve(&["other.example"], false).await;
    let unknown = stranger.serve(&["127.0.0.1"], false).await;
    let words = [
        (
            named_otherwise,
            "IP address mismatch, certificate is not valid for '127.0.0.1'.",
        ),
        (unknown, "unable to get local issuer certificate"),
    ];
    for (port, problem) in words {
        let url = format!("https://127.0.0.1:{port}/");
        let strict = session(Verify::Bundle(authority.bundle()), None);
        let failure = send(&strict, get(&url)).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Tls);
        let verdict = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed";
        assert_eq!(failure.message, format!("{verdict}: {problem}"));
        let lenient = session(Verify::Off, None);
        assert_eq!(send(&lenient, get(&url)).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn settings_of_one_request_do_not_borrow_a_connection_of_others() {
    let authority = Authority::new();
    let port = authority.serve(&["other.example"], false).await;
    let session = session(Verify::Off, None);
    let url = format!("https://127.0.0.1:{port}/");
    send(&session, get(&url)).await.unwrap();
    let mut strict = get(&url);
    strict.tls = Some(Arc::new(TlsSettings {
        verify: Verify::Bundle(authority.bundle()),
        ..TlsSettings::default()
    }));
    assert_eq!(send(&session, strict).await.unwrap_err().kind, FailureKind::Tls);
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let authority = Authority::new();
    let port = authority.serve(&["127.0.0.1"], true).await;
    let url = format!("https://127.0.0.1:{port}/");
    let nobody = session(Verify::Off, None);
    assert_eq!(send(&nobody, get(&url)).await.unwrap_err().kind, FailureKind::Tls);
    let (certificate, key) = authority.sign(&["me"]);
    let both = authority.write("both.pem", &(certificate.pem() + &key.serialize_pem()));
    let one = ClientCert {
        certificate: both,
        key: None,
    };
    let pair = ClientCert {
        certificate: authority.write("cert.pem", &certificate.pem()),
        key: Some(authority.write("key.pem", &key.serialize_pem())),
    };
    for cert in [one, pair] {
        assert_eq!(
            send(&session(Verify::Off, Some(cert)), get(&url)).await.unwrap().status,
            200
        );
    }
}

#[tokio::test]
async fn a_server_without_tls_and_a_bundle_without_certificates_are_told() {
    let authority = Authority::new();
    let plain = ScriptedServer::start(|mut visit, _| async move {
        visit.say(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        visit.closed().await;
    })
    .await;
    let url = format!("https://{}/", plain.address());
    let failure = send(&session(Verify::Off, None), get(&url)).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Tls);
    let empty = authority.write("empty.pem", "nothing here\n");
    for bundle in [empty, authority.folder.join("missing.pem")] {
        let port = authority.serve(&["127.0.0.1"], false).await;
        let url = format!("https://127.0.0.1:{port}/");
        let failure = send(&session(Verify::Bundle(bundle.clone()), None), get(&url))
            .await
            .unwrap_err();
        assert_eq!(failure.kind, FailureKind::Tls);
        assert!(
            failure.message.contains(&*bundle.to_string_lossy()),
            "{}",
            failure.message
        );
    }
}

fn session_by(tls: TlsSettings) -> Session {
    Session::new(Options {
        tls: Arc::new(tls),
        ..Options::default()
    })
}

/// A request whose connection is not kept.
fn get_once(url: &str) -> Request {
    let mut request = get(url);
    request.headers = headers(&[("connection", "close")]);
    request
}

#[tokio::test]
async fn a_second_connection_continues_the_first_ones_session_and_nobody_elses() {
    let authority = Authority::new();
    for versions in [TlsVersions::Only13, TlsVersions::Only12] {
        let (port, mut told) = authority.serve_telling(&["127.0.0.1"]).await;
        let url = format!("https://127.0.0.1:{port}/");
        let settings = TlsSettings {
            verify: Verify::Bundle(authority.bundle()),
            versions,
            ..TlsSettings::default()
        };
        let expected_version = match versions {
            TlsVersions::Only12 => ProtocolVersion::TLSv1_2,
            _ => ProtocolVersion::TLSv1_3,
        };
        let first = session_by(settings.clone());
        for expected in [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed] {
            send(&first, get_once(&url)).await.unwrap();
            assert_eq!(told.recv().await.unwrap(), (expected, expected_version));
        }
        // Another user is another client to the server.
        let second = session_by(settings.clone());
        send(&second, get_once(&url)).await.unwrap();
        assert_eq!(told.recv().await.unwrap().0, HandshakeKind::Full);
        let forgetful = session_by(settings);
        forgetful.set_wire(Arc::new(WireOptions {
            resumes_tls: false,
            ..WireOptions::PLAIN
        }));
        for _ in 0..2 {
            send(&forgetful, get_once(&url)).await.unwrap();
            assert_eq!(told.recv().await.unwrap().0, HandshakeKind::Full);
        }
    }
}

#[tokio::test]
async fn a_certificate_for_another_host_is_accepted_on_wish_and_an_unknown_root_never() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let lenient = |authority: &Authority| {
        session_by(TlsSettings {
            verify: Verify::Anchors(Arc::new(Anchors::new(vec![authority.issuer.der().to_vec()]))),
            accepts_other_hosts: true,
            ..TlsSettings::default()
        })
    };
    let port = authority.serve(&["other.example"], false).await;
    let url = format!("https://127.0.0.1:{port}/");
    assert_eq!(send(&lenient(&authority), get(&url)).await.unwrap().status, 200);
    let failure = send(&lenient(&stranger), get(&url)).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Tls);
    assert!(
        failure.message.contains("unable to get local issuer certificate"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_folder_of_certificates_may_hold_other_files() {
    let authority = Authority::new();
    authority.bundle();
    authority.write("a-note.txt", "not a certificate");
    authority.write(
        "broken.pem",
        "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n",
    );
    let port = authority.serve(&["127.0.0.1"], false).await;
    let session = session(Verify::Bundle(authority.folder.clone()), None);
    let response = send(&session, get(&format!("https://127.0.0.1:{port}/"))).await;
    assert_eq!(response.unwrap().status, 200);
}

#[tokio::test]
async fn an_encrypted_key_is_told_of() {
    let authority = Authority::new();
    let (certificate, _) = authority.sign(&["me"]);
    let cert = ClientCert {
        certificate: authority.write("cert.pem", &certificate.pem()),
        key: Some(authority.write(
            "key.pem",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        )),
    };
    let port = authority.serve(&["127.0.0.1"], true).await;
    let failure = send(
        &session(Verify::Off, Some(cert)),
        get(&format!("https://127.0.0.1:{port}/")),
    )
    .await
    .unwrap_err();
    assert!(failure.message.contains("key.pem: the key is encrypted"), "{failure}");
}

#[tokio::test]
async fn an_idle_connection_that_the_server_ended_politely_is_replaced_silently() {
    let authority = Authority::new();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(authority.server_config(&["127.0.0.1"], false)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let (closed, mut closing) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let mut stream = acceptor.accept(tcp).await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
            stream.write_all(answer).await.unwrap();
            stream.flush().await.unwrap();
            // A close_notify, which is bytes to read, and then the end.
            let _ = stream.shutdown().await;
            closed.send(()).unwrap();
        }
    });
    let session = session(Verify::Bundle(authority.bundle()), None);
    for _ in 0..3 {
        assert_eq!(send(&session, get(&url)).await.unwrap().status, 200);
        closing.recv().await.unwrap();
    }
}

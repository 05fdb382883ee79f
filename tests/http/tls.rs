//! TLS against a rustls server with certificates made here.

use std::sync::Arc;

use rocust::http::{ClientCert, FailureKind, Options, Session, Timeline, TlsSettings, Verify, exchange};

use crate::support::{Authority, ScriptedServer, get, send};

fn session(verify: Verify, cert: Option<ClientCert>) -> Session {
    Session::new(Options {
        tls: Arc::new(TlsSettings { verify, cert }),
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
        let mut timeline = Timeline::default();
        let response = exchange(&session, get(&url), &mut timeline).await.unwrap();
        assert_eq!(&response.body[..], b"hello");
        assert!(timeline.connected() <= timeline.tls() && timeline.tls().is_some());
        let mut second = Timeline::default();
        exchange(&session, get(&url), &mut second).await.unwrap();
        assert_eq!(second.connected(), None);
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
        cert: None,
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

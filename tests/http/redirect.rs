//! Redirects by the two rules: what is sent where, and when it ends.

use std::sync::Arc;

use rocust::http::{Cookie, FailureKind, Options, RedirectRule, Request, Session};
use tokio::sync::mpsc;

use crate::support::{ScriptedServer, get, headers, send, session};

/// A server that answers `/<status>/<location>` with that redirect and everything else with 200, and tells what it heard.
async fn redirecting() -> (ScriptedServer, mpsc::UnboundedReceiver<String>) {
    let (heard, hearing) = mpsc::unbounded_channel();
    let server = ScriptedServer::start(move |mut visit, _| {
        let heard = heard.clone();
        async move {
            while let Some(request) = visit.request().await {
                let path = request.split(' ').nth(1).unwrap().to_owned();
                let _ = heard.send(request);
                let redirect = path.get(1..4).filter(|status| status.starts_with('3')).zip(path.get(5..));
                let response = match redirect {
                    Some((status, location)) => format!(
                        "HTTP/1.1 {status} Moved\r\nlocation: {location}\r\nset-cookie: c{status}=1; Path=/\r\ncontent-length: 2\r\n\r\ngo"
                    ),
                    None => "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone".to_owned(),
                };
                visit.say(response.as_bytes()).await;
            }
        }
    })
    .await;
    (server, hearing)
}

fn post(url: &str) -> Request {
    let mut request = get(url);
    request.method = http::Method::POST;
    request.headers = headers(&[("content-type", "text/plain"), ("authorization", "Basic eA==")]);
    request.body = Some("payload".into());
    request
}

fn fast_session() -> Session {
    Session::new(Options {
        redirect_rule: RedirectRule::fast(),
        ..Options::default()
    })
}

#[tokio::test]
async fn methods_and_bodies_change_as_requests_changes_them() {
    for (method, status, expected, keeps_body) in [
        ("POST", 301, "GET", false),
        ("PUT", 301, "PUT", false),
        ("POST", 302, "GET", false),
        ("PUT", 302, "GET", false),
        ("HEAD", 302, "HEAD", false),
        ("POST", 303, "GET", false),
        ("HEAD", 303, "HEAD", false),
        ("POST", 307, "POST", true),
        ("PUT", 308, "PUT", true),
    ] {
        let (server, mut heard) = redirecting().await;
        let mut request = post(&server.url(&format!("/{status}//end")));
        request.method = method.parse().unwrap();
        let response = send(&session(), request).await.unwrap();
        assert_eq!((response.status, response.history.len()), (200, 1), "{method} {status}");
        assert_eq!(response.history[0].status, status);
        heard.recv().await.unwrap();
        let second = heard.recv().await.unwrap();
        assert!(
            second.starts_with(&format!("{expected} /end ")),
            "{method} {status}: {second}"
        );
        assert_eq!(second.ends_with("payload"), keeps_body, "{method} {status}");
        assert_eq!(second.contains("Content-Type"), keeps_body);
        assert!(second.contains("Authorization: Basic eA=="), "the host is the same");
        assert!(second.contains(&format!("Cookie: c{status}=1")));
        assert_eq!(response.sent.method.as_str(), expected);
    }
}

#[tokio::test]
async fn credentials_do_not_go_to_another_origin() {
    let (other, mut heard) = redirecting().await;
    let (server, _heard) = redirecting().await;
    let response = send(&session(), post(&server.url(&format!("/307/{}", other.url("/end")))))
        .await
        .unwrap();
    let request = heard.recv().await.unwrap();
    assert!(request.contains(&format!("Host: {}\r\n", other.address())));
    assert!(!request.contains("Authorization"));
    assert_eq!(response.target().as_str(), other.url("/end"));
    // Same host name, another port: cookies do not know ports.
    assert!(request.contains("Cookie: c307=1"));
}

#[tokio::test]
async fn a_host_of_the_users_own_survives_and_the_targets_own_moves_on() {
    let (server, mut heard) = redirecting().await;
    for (host, expected) in [("chosen.example".to_owned(), "chosen.example".to_owned()), {
        let own = server.address().to_string();
        (own.clone(), own)
    }] {
        let mut request = get(&server.url("/302//end"));
        request.headers = headers(&[("host", &host), ("x", "y")]);
        send(&session(), request).await.unwrap();
        for _ in 0..2 {
            assert!(
                heard
                    .recv()
                    .await
                    .unwrap()
                    .contains(&format!("Host: {expected}\r\nX: y"))
            );
        }
    }
}

#[tokio::test]
async fn too_many_redirects_carry_the_last_response() {
    let (server, _heard) = redirecting().await;
    let endless =
        ScriptedServer::answering(b"HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 4\r\n\r\nbody").await;
    let failure = send(&session(), get(&endless.url("/"))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::TooManyRedirects);
    assert_eq!(failure.message, "Exceeded 30 redirects.");
    let last = failure.response.unwrap();
    assert_eq!(
        (last.status, last.history.len(), &last.body[..]),
        (302, 30, &b"body"[..])
    );
    let mut once = get(&server.url("/302//end"));
    once.max_redirects = 0;
    assert_eq!(
        send(&session(), once).await.unwrap_err().kind,
        FailureKind::TooManyRedirects
    );
}

#[tokio::test]
async fn a_redirect_is_handed_back_when_it_is_not_to_be_followed() {
    let (server, _heard) = redirecting().await;
    let mut request = get(&server.url("/302//end"));
    request.follow_redirects = false;
    let response = send(&session(), request).await.unwrap();
    assert_eq!((response.status, &response.body[..]), (302, &b"go"[..]));
    for not_a_redirect in ["/304//end", "/302/"] {
        let response = send(&session(), get(&server.url(not_a_redirect))).await.unwrap();
        assert!(response.history.is_empty());
    }
}

#[tokio::test]
async fn a_location_that_cannot_be_requested_is_told_with_its_response() {
    let (server, _heard) = redirecting().await;
    let failure = send(&session(), get(&server.url("/302/ftp://example.com/x")))
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::InvalidRedirect);
    assert_eq!(
        failure.message,
        "No connection adapters were found for 'ftp://example.com/x'"
    );
    assert_eq!(failure.response.unwrap().status, 302);
    assert!(matches!(
        failure.url_problem,
        Some(rocust::http::UrlProblem::InvalidSchema(_))
    ));
}

#[tokio::test]
async fn the_fast_rule_counts_and_rewrites_in_its_own_way() {
    let (server, mut heard) = redirecting().await;
    let mut request = post(&server.url("/301//end"));
    request.method = http::Method::PUT;
    request.max_redirects = 0;
    let untouched = send(&fast_session(), request.clone()).await.unwrap();
    assert_eq!(untouched.status, 301);
    heard.recv().await.unwrap();
    request.max_redirects = 1;
    assert_eq!(send(&fast_session(), request.clone()).await.unwrap().status, 200);
    heard.recv().await.unwrap();
    assert!(heard.recv().await.unwrap().starts_with("GET /end "));
    request.target = rocust::http::Target::parse(&server.url("/302//302//end")).unwrap();
    let failure = send(&fast_session(), request).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::TooManyRedirects);
    assert_eq!(failure.message, "Redirection limit reached (1)");
}

#[tokio::test]
async fn cookies_are_sent_kept_and_left_out_as_asked() {
    let (server, mut heard) = redirecting().await;
    let session = session();
    session.cookies().set(Cookie::new("mine", "1"));
    let mut request = get(&server.url("/302//end"));
    request.cookies = vec![Cookie::new("once", "2")];
    let request = Arc::new(request);
    send(&session, request.as_ref().clone()).await.unwrap();
    assert!(heard.recv().await.unwrap().contains("Cookie: mine=1; once=2\r\n"));
    assert!(
        heard
            .recv()
            .await
            .unwrap()
            .contains("Cookie: mine=1; once=2; c302=1\r\n")
    );
    assert_eq!(session.cookies().len(), 2);
    let mut without = get(&server.url("/end"));
    without.use_jar = false;
    send(&session, without).await.unwrap();
    assert!(!heard.recv().await.unwrap().contains("Cookie"));
}

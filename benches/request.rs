//! The request path: parsing a URL, and whole exchanges with a server in the same process on another thread.
//!
//! The server answers 13 bytes from a raw socket as cheaply as it can, so that what is measured is mostly ours. Compare
//! with an earlier run on the same machine; absolute numbers say little.

#![expect(clippy::expect_used, reason = "a bench that cannot start has nothing to say")]

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, HeaderValue, Method};
use rocust::http::{Options, Request, Session, Target, Timeline, exchange};

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!";

/// Serves until the process ends; one thread for each connection.
fn serve() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while matches!(stream.read(&mut buffer), Ok(count) if count > 0) {
                    if stream.write_all(ANSWER).is_err() {
                        break;
                    }
                }
            });
        }
    });
    Ok(address)
}

fn template(target: &Target) -> Arc<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert("host", target.host_header().clone());
    headers.insert("user-agent", HeaderValue::from_static("bench"));
    headers.insert("accept-encoding", HeaderValue::from_static("gzip, deflate"));
    headers.insert("accept", HeaderValue::from_static("*/*"));
    headers.insert("connection", HeaderValue::from_static("keep-alive"));
    Arc::new(headers)
}

fn exchanges(criterion: &mut Criterion) {
    let address = serve().expect("a port to listen on");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let target = Target::parse(&format!("http://{address}/hello?x=1")).expect("a URL");
    let headers = template(&target);
    let session = Session::new(Options::default());
    for (name, read_timeout) in [
        ("exchange", None),
        ("exchange with a read timeout", Some(Duration::from_secs(60))),
    ] {
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut request = Request::new(Method::GET, target.clone());
                request.headers = Arc::clone(&headers);
                request.read_timeout = read_timeout;
                let mut timeline = Timeline::default();
                let response = runtime.block_on(exchange(&session, request, &mut timeline));
                assert_eq!(response.expect("an answer").body.len(), 13);
            });
        });
    }
}

fn urls(criterion: &mut Criterion) {
    for (name, url) in [
        ("plain URL", "http://localhost:8080/api/items/42?page=3&sort=name"),
        ("URL to quote", "http://localhost:8080/api/items/ä b?page=3&sort=[name]"),
    ] {
        criterion.bench_function(name, |bencher| bencher.iter(|| Target::parse(black_box(url)).is_ok()));
    }
}

criterion_group!(request, exchanges, urls);
criterion_main!(request);

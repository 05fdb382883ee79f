//! Bytes on the wire, against a real server on a free port.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use super::*;

const LIMIT: Duration = Duration::from_secs(10);

fn target(manner: Manner) -> Server {
    Server::start("127.0.0.1", 0, manner, 2).unwrap()
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
}

/// Sends one request and reads exactly one answer: (status, head, body).
fn exchange(stream: &mut TcpStream, request: &str) -> (u16, String, String) {
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; if request.starts_with("HEAD") { 0 } else { length }];
    stream.read_exact(&mut body).unwrap();
    (status, head, String::from_utf8(body).unwrap())
}

/// Sends a request and returns once the server is known to be at work on it: it asks for the body only then.
fn begin(stream: &mut TcpStream) {
    let request = b"POST / HTTP/1.1\r\nhost: target\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n";
    stream.write_all(request).unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"x").unwrap();
}

fn get(stream: &mut TcpStream, path: &str) -> (u16, String) {
    let (status, _, body) = exchange(stream, &format!("GET {path} HTTP/1.1\r\nhost: target\r\n\r\n"));
    (status, body)
}

fn hello(status: u16) -> (u16, String) {
    (status, "Hello, World!".to_owned())
}

#[test]
fn every_path_is_answered_alike_on_one_connection_and_counted() {
    let server = target(Manner::default());
    let mut stream = connect(&server);
    for path in ["/", "/hello", "/a/b?page=2", "/counter"] {
        assert_eq!(get(&mut stream, path), hello(200));
    }
    assert_eq!(server.requests(), 4);
    for _ in 0..2 {
        assert_eq!(get(&mut stream, "/count"), (200, r#"{"requests": 4}"#.to_owned()));
    }
}

#[test]
fn bodies_are_read_whether_sized_or_chunked() {
    let server = target(Manner::default());
    let mut stream = connect(&server);
    let sized = format!(
        "POST / HTTP/1.1\r\nhost: target\r\ncontent-length: 100000\r\n\r\n{}",
        "x".repeat(100_000)
    );
    let chunked = "PUT / HTTP/1.1\r\nhost: target\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for request in [sized.as_str(), chunked, "HEAD / HTTP/1.1\r\nhost: target\r\n\r\n"] {
        assert_eq!(exchange(&mut stream, request).0, 200);
    }
    assert_eq!(get(&mut stream, "/"), hello(200));
    assert_eq!(server.requests(), 4);
}

#[test]
fn status_and_delay_are_the_usual_ones_unless_the_query_says_otherwise() {
    let server = target(Manner::new(0.0, 503).unwrap());
    let mut stream = connect(&server);
    assert_eq!(get(&mut stream, "/"), hello(503));
    assert_eq!(get(&mut stream, "/?status=404"), hello(404));
    assert_eq!(get(&mut stream, "/?status=204"), (204, String::new()));
    let before = alarm::now();
    assert_eq!(get(&mut stream, "/?delay=30&status=200"), hello(200));
    assert!(before.elapsed() >= Duration::from_millis(30));
    let (status, sentence) = get(&mut stream, "/?status=soon");
    assert_eq!((status, sentence.as_str()), (400, r#"status is not a number: "soon""#));
    assert_eq!(server.requests(), 5);
}

#[test]
fn stopping_lets_an_answer_under_way_finish_and_refuses_new_connections() {
    let server = target(Manner::new(200.0, 200).unwrap());
    let address = server.address();
    let (mut busy, mut idle) = (connect(&server), connect(&server));
    assert_eq!(get(&mut idle, "/?delay=0"), hello(200));
    begin(&mut busy);
    assert_eq!(server.requests(), 1);
    server.stop();
    let mut answer = String::new();
    busy.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
    assert_eq!(idle.read(&mut [0]).unwrap(), 0, "an idle connection is closed");
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn stopping_does_not_wait_for_an_answer_that_is_far_off() {
    let server = target(Manner::new(600_000.0, 200).unwrap());
    let mut stream = connect(&server);
    begin(&mut stream);
    let before = alarm::now();
    server.stop();
    assert!(before.elapsed() < LIMIT);
}

#[test]
fn a_client_that_leaves_before_its_answer_is_not_counted() {
    let server = target(Manner::new(50.0, 200).unwrap());
    let mut leaving = connect(&server);
    begin(&mut leaving);
    drop(leaving);
    let mut staying = connect(&server);
    // Due after the other one's would have been.
    assert_eq!(get(&mut staying, "/?delay=100"), hello(200));
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_taken_port_and_an_unknown_name_are_errors() {
    let server = target(Manner::default());
    let taken = Server::start("127.0.0.1", server.address().port(), Manner::default(), 1).unwrap_err();
    assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    assert!(Server::start("no such host", 0, Manner::default(), 1).is_err());
}

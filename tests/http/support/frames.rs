//! HTTP/2 as a server sees it, frame by frame, for tests that say exactly which one comes when.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::scripted::Visit;

/// The kinds of frames that tests speak of.
pub(crate) mod kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const PING: u8 = 6;
    pub(crate) const GOAWAY: u8 = 7;
}

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// One frame.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// A connection that speaks HTTP/2.
pub(crate) struct Framed {
    stream: TcpStream,
}

impl Framed {
    /// Reads the preface and says hello. `None` when the client is gone already.
    pub(crate) async fn greet(visit: Visit) -> Option<Self> {
        let mut stream = visit.into_stream();
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).await.ok()?;
        assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        let mut framed = Self { stream };
        framed.say(kind::SETTINGS, 0, 0, &[]).await;
        Some(framed)
    }

    /// The next frame; settings and pings are answered. `None` when the client has closed.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            let mut head = [0; 9];
            self.stream.read_exact(&mut head).await.ok()?;
            let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            let mut payload = vec![0; length];
            self.stream.read_exact(&mut payload).await.ok()?;
            let frame = Frame {
                kind: head[3],
                flags: head[4],
                stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]),
                payload,
            };
            match frame.kind {
                kind::SETTINGS if frame.flags & ACK == 0 => self.say(kind::SETTINGS, ACK, 0, &[]).await,
                kind::PING if frame.flags & ACK == 0 => self.say(kind::PING, ACK, 0, &frame.payload).await,
                _ => return Some(frame),
            }
        }
    }

    /// The stream of the next request whose head has come.
    pub(crate) async fn request(&mut self) -> Option<u32> {
        loop {
            let frame = self.next().await?;
            if frame.kind == kind::HEADERS {
                return Some(frame.stream);
            }
        }
    }

    /// The body of this stream's request, which nothing else may interrupt.
    pub(crate) async fn body(&mut self, stream: u32) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let frame = self.next().await.unwrap();
            assert_eq!((frame.kind, frame.stream), (kind::DATA, stream));
            body.extend(frame.payload);
            if frame.flags & END_STREAM != 0 {
                return body;
            }
        }
    }

    /// Writes a frame; a client that has gone is no error.
    pub(crate) async fn say(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut bytes = vec![length[1], length[2], length[3], kind, flags];
        bytes.extend(stream.to_be_bytes());
        bytes.extend(payload);
        let _ = self.stream.write_all(&bytes).await;
    }

    /// Answers with status 200 and this body.
    pub(crate) async fn answer(&mut self, stream: u32, body: &[u8]) {
        self.begin_answer(stream).await;
        self.say(kind::DATA, END_STREAM, stream, body).await;
    }

    /// Answers with status 200; the body is still to come.
    pub(crate) async fn begin_answer(&mut self, stream: u32) {
        // 0x88 is `:status: 200` in the static table of HPACK.
        self.say(kind::HEADERS, END_HEADERS, stream, &[0x88]).await;
    }

    /// Ends a stream with an error code.
    pub(crate) async fn reset(&mut self, stream: u32, code: u32) {
        self.say(kind::RST_STREAM, 0, stream, &code.to_be_bytes()).await;
    }

    /// Takes no streams above `last` any more.
    pub(crate) async fn go_away(&mut self, last: u32, code: u32) {
        let payload = [last.to_be_bytes(), code.to_be_bytes()].concat();
        self.say(kind::GOAWAY, 0, 0, &payload).await;
    }

    /// Closes the connection so that the client sees an orderly end.
    pub(crate) async fn close(mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Waits until the client has closed.
    pub(crate) async fn closed(&mut self) {
        while self.next().await.is_some() {}
    }
}

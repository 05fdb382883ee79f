//! A server on a raw socket: each connection is played by a function that reads and writes what it wants, when it wants.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Listens on a port of its own; gone with the value.
pub(crate) struct ScriptedServer {
    address: SocketAddr,
    visits: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl ScriptedServer {
    /// Plays `script` for every connection. The script gets the connection and its number, counted from 0.
    pub(crate) async fn start<F, S>(script: S) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
        S: Fn(Visit, usize) -> F + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let visits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&visits);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let number = counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(script(
                    Visit {
                        stream,
                        unread: Vec::new(),
                    },
                    number,
                ));
            }
        });
        Self {
            address,
            visits,
            accepting,
        }
    }

    /// Answers every request of every connection with the same bytes.
    pub(crate) async fn answering(response: &'static [u8]) -> Self {
        Self::start(move |mut visit, _| async move {
            while visit.request().await.is_some() {
                visit.say(response).await;
            }
        })
        .await
    }

    /// The server's URL with this path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections accepted so far.
    pub(crate) fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// One connection, from the server's side.
pub(crate) struct Visit {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Visit {
    /// Reads one request: head and body (by `content-length`). `None` when the client has closed.
    pub(crate) async fn request(&mut self) -> Option<String> {
        loop {
            if let Some(end) = find(&self.unread, b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.unread[..end]).into_owned();
                let length = head
                    .lines()
                    .find_map(|line| {
                        line.to_ascii_lowercase()
                            .strip_prefix("content-length: ")?
                            .parse::<usize>()
                            .ok()
                    })
                    .unwrap_or(0);
                let whole = end + 4 + length;
                if self.unread.len() >= whole {
                    let request = self.unread.drain(..whole).collect::<Vec<u8>>();
                    return Some(String::from_utf8_lossy(&request).into_owned());
                }
            }
            if self.stream.read_buf(&mut self.unread).await.ok()? == 0 {
                return None;
            }
        }
    }

    /// Reads the head of one request and leaves its body alone.
    pub(crate) async fn head(&mut self) {
        while find(&self.unread, b"\r\n\r\n").is_none() {
            if self.stream.read_buf(&mut self.unread).await.unwrap_or(0) == 0 {
                return;
            }
        }
    }

    /// Writes these bytes; a client that has gone is no error.
    pub(crate) async fn say(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Writes these bytes; says whether the client still takes them.
    pub(crate) async fn try_say(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Reads so many bytes.
    pub(crate) async fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.unread.len() < count {
            if self.stream.read_buf(&mut self.unread).await.unwrap_or(0) == 0 {
                break;
            }
        }
        self.unread.drain(..count.min(self.unread.len())).collect()
    }

    /// Carries bytes both ways between the client and this address until both have closed.
    pub(crate) async fn tunnel_to(mut self, address: SocketAddr) {
        let mut upstream = TcpStream::connect(address).await.unwrap();
        upstream.write_all(&std::mem::take(&mut self.unread)).await.unwrap();
        // However it ends, it has ended.
        let _ = tokio::io::copy_bidirectional(&mut self.stream, &mut upstream).await;
    }

    /// Closes the connection so that the client sees an orderly end.
    pub(crate) async fn close(mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Closes the connection so that the client sees a reset.
    pub(crate) fn reset(self) {
        socket2::SockRef::from(&self.stream)
            .set_linger(Some(std::time::Duration::ZERO))
            .unwrap();
    }

    /// The connection itself, before anything was read from it.
    pub(crate) fn into_stream(self) -> TcpStream {
        assert!(self.unread.is_empty(), "something was read already");
        self.stream
    }

    /// Waits until the client has closed its side.
    pub(crate) async fn closed(&mut self) {
        let mut rest = [0; 1024];
        while matches!(self.stream.read(&mut rest).await, Ok(count) if count > 0) {}
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

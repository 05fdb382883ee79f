//! Threads, connections, start and stop of the demo target.
//!
//! A lane is a thread with a tokio runtime of its own; lane 0 also accepts and deals connections out in turn, so that fifty
//! connections are spread evenly and none migrates. hyper speaks HTTP; the only thing shared between lanes is the count.

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    runtime::{Builder, Runtime},
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::{
    alarm::{self, Alarm, Board},
    answer::Manner,
};

/// What every answer carries: thirteen bytes, as small as a real page can be.
const BODY: Bytes = Bytes::from_static(b"Hello, World!");
/// How long a stop waits for answers that are under way.
const GRACE: Duration = Duration::from_secs(1);
/// Connections the kernel may hold for us: thousands of users may knock at once.
const BACKLOG: u32 = 4096;
/// After a failed accept (no file descriptor left, say), how long to leave the listener alone.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// A running target. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    /// Where it listens: with port 0 asked for, this has the one that was given.
    address: SocketAddr,
    answered: Arc<AtomicU64>,
    stop: watch::Sender<bool>,
    lanes: Vec<JoinHandle<()>>,
    /// Dropped after the lanes have ended: whoever waits for a delay is woken until then.
    _alarm: Alarm,
}

/// What a connection needs to answer: shared by all of them.
#[derive(Debug)]
struct Desk {
    manner: Manner,
    answered: Arc<AtomicU64>,
    board: Arc<Board>,
}

impl Server {
    /// Binds `host:port` (port 0: any free one) and serves on `lane_count` threads until stopped. When this returns, it answers.
    ///
    /// # Errors
    /// When the name does not resolve, the address cannot be bound, or a thread cannot be started.
    pub fn start(host: &str, port: u16, manner: Manner, lane_count: usize) -> io::Result<Self> {
        let runtimes = (0..lane_count.max(1))
            .map(|_| new_runtime())
            .collect::<io::Result<Vec<_>>>()?;
        let listener = {
            let _entered = runtimes.first().map(Runtime::enter);
            listen(host, port)?
        };
        let address = listener.local_addr()?;
        let alarm = Alarm::start()?;
        let answered = Arc::new(AtomicU64::new(0));
        let desk = Arc::new(Desk {
            manner,
            answered: Arc::clone(&answered),
            board: alarm.board(),
        });
        let (stop, stopping) = watch::channel(false);
        // From here on an early return drops `server`, which stops the lanes that have started.
        let mut server = Self {
            address,
            answered,
            stop,
            lanes: Vec::new(),
            _alarm: alarm,
        };

        let (doors, arrivals): (Vec<_>, Vec<_>) = runtimes.iter().map(|_| mpsc::unbounded_channel()).unzip();
        let mut acceptor = Some(accept(listener, doors));
        for (index, (runtime, arrivals)) in runtimes.into_iter().zip(arrivals).enumerate() {
            if let Some(acceptor) = acceptor.take() {
                runtime.spawn(acceptor);
            }
            let lane = run_lane(arrivals, Arc::clone(&desk), stopping.clone());
            let thread = thread::Builder::new().name(format!("demo-lane-{index}"));
            server.lanes.push(thread.spawn(move || runtime.block_on(lane))?);
        }
        Ok(server)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests it has answered, `/count` aside. One whose client left before the answer was due is not among them.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Refuses new connections, lets answers that are under way finish for up to a second, and ends all threads.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        for lane in self.lanes.drain(..) {
            let _ended = lane.join();
        }
    }
}

fn new_runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_io().enable_time().build()
}

fn listen(host: &str, port: u16) -> io::Result<TcpListener> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match listen_on(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // On Windows the option would let two servers share a port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Deals connections out in turn, for as long as lane 0 runs.
async fn accept(listener: TcpListener, doors: Vec<mpsc::UnboundedSender<std::net::TcpStream>>) {
    for door in doors.iter().cycle() {
        let stream = loop {
            match listener.accept().await.and_then(|(stream, _)| stream.into_std()) {
                Ok(stream) => break stream,
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        };
        // A lane that has ended drops the connection: the target is stopping.
        let _dropped = door.send(stream);
    }
}

/// Serves what arrives until told to stop, then lets its connections finish within the grace.
async fn run_lane(
    mut arrivals: mpsc::UnboundedReceiver<std::net::TcpStream>,
    desk: Arc<Desk>,
    mut stopping: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            () = told_to_stop(&mut stopping) => break,
            Some(_) = connections.join_next() => continue,
            Some(stream) = arrivals.recv() => stream,
        };
        if let Ok(stream) = TcpStream::from_std(stream) {
            connections.spawn(serve(stream, Arc::clone(&desk), stopping.clone()));
        }
    }
    let finish = async { while connections.join_next().await.is_some() {} };
    let _overrun = tokio::time::timeout(GRACE, finish).await;
}

async fn told_to_stop(stopping: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which says the same.
    let _gone = stopping.wait_for(|is_stopping| *is_stopping).await;
}

/// One connection, from accept to close. What goes wrong on it is its client's to notice.
async fn serve(stream: TcpStream, desk: Arc<Desk>, mut stopping: watch::Receiver<bool>) {
    // Without it the kernel may hold a small answer back; where it cannot be set, answers are only later.
    let _unset = stream.set_nodelay(true);
    let service = service_fn(|request| answer(request, &desk));
    let mut connection = std::pin::pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    let _closed = tokio::select! {
        biased;
        closed = connection.as_mut() => closed,
        () = told_to_stop(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
}

async fn answer(request: Request<Incoming>, desk: &Desk) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    if head.uri.path() == "/count" {
        let count = format!("{{\"requests\": {}}}", desk.answered.load(Ordering::Relaxed));
        return Ok(respond(StatusCode::OK, "application/json", count.into()));
    }
    let response = match head
        .uri
        .query()
        .map_or(Ok(desk.manner), |query| desk.manner.for_query(query))
    {
        Ok(manner) => answer_in(manner, body, &desk.board).await?,
        Err(sentence) => respond(StatusCode::BAD_REQUEST, "text/plain", sentence.into()),
    };
    desk.answered.fetch_add(1, Ordering::Relaxed);
    Ok(response)
}

async fn answer_in(
    manner: Manner,
    mut body: Incoming,
    board: &Arc<Board>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let due = (!manner.delay.is_zero()).then(|| alarm::now() + manner.delay);
    while let Some(frame) = body.frame().await {
        frame?;
    }
    if let Some(due) = due {
        board.wait_until(due).await;
    }
    let has_body = !matches!(manner.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    Ok(respond(
        manner.status,
        "text/plain",
        if has_body { BODY } else { Bytes::new() },
    ))
}

fn respond(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests;

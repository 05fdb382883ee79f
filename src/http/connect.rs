//! From a target to an open connection: addresses in turn, TCP, TLS.
//!
//! Addresses are tried in the order the system gives them, each with the whole connect timeout, and the last error is
//! the one reported, as Python's `socket.create_connection` does.

mod socks;
mod tunnel;

use std::io::{self, Read};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::dns;
use super::failure::{Failure, FailureKind};
use super::spelling::{Speller, Spelling};
use super::target::{Scheme, Target};
use super::timeline::Timeline;
use super::tls::{self, Protocols, TlsSettings};
use super::transcript::Transcript;
use super::transport::Order;

/// What an open connection tells while the codec owns it.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    read: AtomicU64,
    written: AtomicU64,
    is_to_probe: AtomicBool,
    /// Whether a peer that does not read the rest of a request may still answer it.
    forgives_writes: AtomicBool,
    is_write_broken: AtomicBool,
    transcript: Mutex<Transcript>,
    is_to_spell: AtomicBool,
    speller: Mutex<Option<Speller>>,
    /// What broke the TLS layer after the last bytes. The codec may come upon it while it looks for something else than the
    /// body, and then says nothing of it.
    tls_error: OnceLock<rustls::Error>,
}

impl Gauge {
    /// Bytes read so far, as the codec saw them.
    pub(crate) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Bytes written so far.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// What the response looks like before the codec. Held for moments only, and never contended: whoever asks drives
    /// the connection too.
    pub(crate) fn transcript(&self) -> MutexGuard<'_, Transcript> {
        // Whatever a panic left here is replaced when the next head is awaited.
        self.transcript.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tls_error(&self) -> Option<&rustls::Error> {
        self.tls_error.get()
    }

    /// Has the next head go out in this spelling; `None` leaves it as the codec writes it.
    pub(crate) fn spell(&self, spelling: Option<&Spelling>) {
        if spelling.is_some() || self.is_to_spell.load(Ordering::Relaxed) {
            *self.speller() = spelling.cloned().map(Speller::new);
            self.is_to_spell.store(spelling.is_some(), Ordering::Relaxed);
        }
    }

    fn speller(&self) -> MutexGuard<'_, Option<Speller>> {
        self.speller.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the next read ask the kernel whether the peer has closed, instead of trusting the reactor's last news.
    pub(crate) fn probe(&self) {
        self.is_to_probe.store(true, Ordering::Relaxed);
    }

    /// Says whether the request has a body. Servers answer those early and close; then writing fails while the answer
    /// waits to be read, and it is the answer that counts, as it does for urllib3.
    pub(crate) fn forgive_writes(&self, does: bool) {
        self.forgives_writes.store(does, Ordering::Relaxed);
    }

    /// Whether the peer has stopped reading; what was written since went nowhere.
    pub(crate) fn is_write_broken(&self) -> bool {
        self.is_write_broken.load(Ordering::Relaxed)
    }
}

/// How many reads in a row find bytes before others get their turn. The codec reads as long as there is something, so a
/// server that sends faster than we read would have the thread for itself.
const READS_AT_ONCE: u32 = 128;

/// An open connection, counted.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: Stream,
    gauge: Arc<Gauge>,
    /// Reads that found bytes since the last one that did not.
    reads_in_a_row: u32,
    /// What broke the TLS layer while there were still bytes to hand out.
    broken: Option<io::Error>,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    #[cfg(unix)]
    Local(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// TLS to the target inside of TLS to a proxy.
    Nested(Box<TlsStream<TlsStream<TcpStream>>>),
}

impl Stream {
    fn poll_write_slices(&mut self, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, slices),
            #[cfg(unix)]
            Self::Local(socket) => Pin::new(socket).poll_write_vectored(cx, slices),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, slices),
            Self::Nested(tls) => Pin::new(tls).poll_write_vectored(cx, slices),
        }
    }
}

impl Wire {
    fn new(stream: Stream) -> Self {
        Self {
            stream,
            gauge: Arc::default(),
            reads_in_a_row: 0,
            broken: None,
        }
    }

    pub(crate) fn gauge(&self) -> Arc<Gauge> {
        Arc::clone(&self.gauge)
    }

    /// How many bytes wait to be read, up to 4,096; `None` when the connection has ended or broken.
    pub(crate) fn unread(&self) -> Option<usize> {
        let mut bytes = [std::mem::MaybeUninit::uninit(); 4_096];
        match self.socket().peek(&mut bytes) {
            Ok(0) => None,
            Ok(count) => Some(count),
            Err(error) => (error.kind() == io::ErrorKind::WouldBlock).then_some(0),
        }
    }

    /// Whether both ends agreed on HTTP/2 when they shook hands.
    pub(crate) fn has_agreed_on_http2(&self) -> bool {
        match &self.stream {
            Stream::Plain(_) => false,
            #[cfg(unix)]
            Stream::Local(_) => false,
            Stream::Tls(tls) => tls.get_ref().1.alpn_protocol() == Some(b"h2"),
            Stream::Nested(tls) => tls.get_ref().1.alpn_protocol() == Some(b"h2"),
        }
    }

    /// Whether the peer has closed. Data that waits says no: it has to be read first.
    fn is_closed_by_peer(&self) -> bool {
        let mut byte = [std::mem::MaybeUninit::uninit()];
        match self.socket().peek(&mut byte) {
            Ok(count) => count == 0,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }

    /// Has the reactor wake nobody when something comes. It keeps the waker of who asked last, and with it the whole task, ended or
    /// not: three kilobytes that nobody would miss.
    pub(crate) fn let_go_of_waker(&self) {
        let mut nobody = Context::from_waker(Waker::noop());
        // Ready or not: where there is news, the waker has been taken to tell it.
        let _ = match &self.stream {
            Stream::Plain(tcp) => tcp.poll_read_ready(&mut nobody),
            #[cfg(unix)]
            Stream::Local(socket) => socket.poll_read_ready(&mut nobody),
            Stream::Tls(tls) => tls.get_ref().0.poll_read_ready(&mut nobody),
            Stream::Nested(tls) => tls.get_ref().0.get_ref().0.poll_read_ready(&mut nobody),
        };
    }

    fn socket(&self) -> socket2::SockRef<'_> {
        match &self.stream {
            Stream::Plain(tcp) => tcp.into(),
            #[cfg(unix)]
            Stream::Local(socket) => socket.into(),
            Stream::Tls(tls) => tls.get_ref().0.into(),
            Stream::Nested(tls) => tls.get_ref().0.get_ref().0.into(),
        }
    }
}

/// Opens a connection for the order, through its proxy if it has one; over TLS these protocols are offered.
pub(crate) async fn reach(order: &Order<'_>, protocols: Protocols, timeline: &mut Timeline) -> Result<Wire, Failure> {
    match order.proxy {
        None => open(&order.sent.target, order.tls, protocols, order, timeline).await,
        Some(proxy) if proxy.kind.is_socks() => socks::open(proxy, order, protocols, timeline).await,
        Some(proxy) => tunnel::open(proxy, order, protocols, timeline).await,
    }
}

/// Opens a connection to the target, within the limits of the order.
async fn open(
    target: &Target,
    settings: &TlsSettings,
    protocols: Protocols,
    order: &Order<'_>,
    timeline: &mut Timeline,
) -> Result<Wire, Failure> {
    let limit = order.connect_timeout;
    if let Some(path) = target.socket() {
        return open_local(path, target, limit, timeline).await;
    }
    timeline.opening_at(Instant::now());
    let addresses = dns::addresses(target, order.wire).await?;
    timeline.resolved_at(Instant::now());
    let mut last = None;
    for address in addresses.iter() {
        let address = SocketAddr::new(*address, target.port());
        match within(limit, dial(address, order.wire.source)).await {
            Some(Ok(tcp)) => {
                timeline.connected_at(Instant::now(), target.scheme() == Scheme::Https);
                // Without it the request would still be right, only slower.
                let _ = tcp.set_nodelay(true);
                let stream = match target.scheme() {
                    Scheme::Http => Stream::Plain(tcp),
                    Scheme::Https => {
                        let stream = secure(tcp, target, settings, protocols, order).await?;
                        timeline.secured_at(Instant::now());
                        Stream::Tls(Box::new(stream))
                    }
                };
                return Ok(Wire::new(stream));
            }
            Some(Err(error)) => last = Some(Failure::from_io(&error, target)),
            None => last = Some(connect_timeout(target, limit)),
        }
    }
    Err(last.unwrap_or_else(|| Failure::new(FailureKind::Resolve, target, "getaddrinfo returns an empty list")))
}

/// Opens a connection to a Unix socket.
#[cfg(unix)]
async fn open_local(
    path: &str,
    target: &Target,
    limit: Option<Duration>,
    timeline: &mut Timeline,
) -> Result<Wire, Failure> {
    timeline.connecting_at(Instant::now());
    match within(limit, UnixStream::connect(path)).await {
        Some(Ok(socket)) => {
            timeline.connected_at(Instant::now(), false);
            Ok(Wire::new(Stream::Local(socket)))
        }
        Some(Err(error)) => Err(Failure::from_io(&error, target)),
        None => Err(connect_timeout(target, limit)),
    }
}

#[cfg(not(unix))]
#[expect(clippy::unused_async, reason = "as where there are such sockets")]
async fn open_local(path: &str, target: &Target, _: Option<Duration>, _: &mut Timeline) -> Result<Wire, Failure> {
    let message = format!("{path}: there are no Unix sockets on this system");
    Err(Failure::new(FailureKind::Other, target, message))
}

/// A TCP connection, from where the user wants it to come.
async fn dial(address: SocketAddr, source: Option<SocketAddr>) -> io::Result<TcpStream> {
    let Some(source) = source else {
        return TcpStream::connect(address).await;
    };
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    socket.bind(source)?;
    socket.connect(address).await
}

/// Shakes hands with the target on a stream that leads there.
async fn secure<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    target: &Target,
    settings: &TlsSettings,
    protocols: Protocols,
    order: &Order<'_>,
) -> Result<TlsStream<S>, Failure> {
    let limit = order.connect_timeout;
    let refused = |message: String| Failure::new(FailureKind::Tls, target, message);
    let config = order
        .tickets
        .config(settings, protocols, order.wire.resumes_tls)
        .map_err(refused)?;
    let host = target.host().trim_end_matches('.').to_owned();
    let name = ServerName::try_from(host).map_err(|error| refused(error.to_string()))?;
    match within(limit, TlsConnector::from(config).connect(name, stream)).await {
        Some(Ok(stream)) => Ok(stream),
        Some(Err(error)) => Err(handshake_failure(&error, target)),
        None => Err(connect_timeout(target, limit)),
    }
}

fn handshake_failure(error: &io::Error, target: &Target) -> Failure {
    if error.raw_os_error().is_some() {
        return Failure::from_io(error, target);
    }
    Failure::new(FailureKind::Tls, target, tls::words::of_handshake(error, target.host()))
}

fn connect_timeout(target: &Target, limit: Option<Duration>) -> Failure {
    let seconds = limit.unwrap_or_default().as_secs_f64();
    let message = format!("Connection to {} timed out. (connect timeout={seconds})", target.host());
    Failure::new(FailureKind::ConnectTimeout, target, message)
}

/// The future's output, or `None` when it takes longer than the limit.
async fn within<F: Future>(limit: Option<Duration>, future: F) -> Option<F::Output> {
    match limit {
        Some(limit) => tokio::time::timeout(limit, future).await.ok(),
        None => Some(future.await),
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.gauge.is_to_probe.load(Ordering::Relaxed) {
            this.gauge.is_to_probe.store(false, Ordering::Relaxed);
            if this.is_closed_by_peer() {
                return Poll::Ready(Ok(()));
            }
        }
        if this.reads_in_a_row >= READS_AT_ONCE {
            this.reads_in_a_row = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(error) = this.broken.take() {
            return Poll::Ready(Err(error));
        }
        let before = buffer.filled().len();
        let polled = match &mut this.stream {
            Stream::Plain(tcp) => Pin::new(tcp).poll_read(cx, buffer),
            #[cfg(unix)]
            Stream::Local(socket) => Pin::new(socket).poll_read(cx, buffer),
            Stream::Tls(tls) => {
                let polled = end_if_ragged(Pin::new(&mut *tls).poll_read(cx, buffer));
                rescued(polled, tls, buffer, &this.gauge, &mut this.broken)
            }
            Stream::Nested(tls) => {
                let polled = end_if_ragged(Pin::new(&mut *tls).poll_read(cx, buffer));
                rescued(polled, tls, buffer, &this.gauge, &mut this.broken)
            }
        };
        let bytes = &buffer.filled()[before..];
        if bytes.is_empty() {
            this.reads_in_a_row = 0;
            return polled;
        }
        this.reads_in_a_row += 1;
        this.gauge.read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let mut transcript = this.gauge.transcript();
        transcript.hear(bytes);
        match transcript.excess() {
            None => polled,
            Some(excess) => Poll::Ready(Err(io::Error::other(excess))),
        }
    }
}

/// Many servers close TLS connections without saying so first. Python takes that for an ordinary end, and so do we: a
/// body of known length or in chunks still notices when it is cut off.
fn end_if_ragged(polled: Poll<io::Result<()>>) -> Poll<io::Result<()>> {
    match polled {
        Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
        polled => polled,
    }
}

/// An alert, or nonsense, may come with the last bytes before it, and must not hide them: they are read first, and the
/// error is kept for the next read.
fn rescued<S>(
    polled: Poll<io::Result<()>>,
    tls: &mut TlsStream<S>,
    buffer: &mut ReadBuf<'_>,
    gauge: &Gauge,
    broken: &mut Option<io::Error>,
) -> Poll<io::Result<()>> {
    let Poll::Ready(Err(error)) = polled else { return polled };
    match tls.get_mut().1.reader().read(buffer.initialize_unfilled()) {
        Ok(count) if count > 0 => {
            buffer.advance(count);
            if let Some(known) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                let _ = gauge.tls_error.set(known.clone());
            }
            *broken = Some(error);
            Poll::Ready(Ok(()))
        }
        _ => Poll::Ready(Err(error)),
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.gauge.is_to_spell.load(Ordering::Relaxed) {
            return this.poll_write_spelled(cx, &[io::IoSlice::new(bytes)]);
        }
        let polled = match &mut this.stream {
            Stream::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            #[cfg(unix)]
            Stream::Local(socket) => Pin::new(socket).poll_write(cx, bytes),
            Stream::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
            Stream::Nested(tls) => Pin::new(tls).poll_write(cx, bytes),
        };
        this.count_written(polled, bytes.len())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [only] = slices {
            // A request without a body, so nearly every one: `send` is the cheaper system call.
            return self.poll_write(cx, only);
        }
        let this = &mut *self;
        if this.gauge.is_to_spell.load(Ordering::Relaxed) {
            return this.poll_write_spelled(cx, slices);
        }
        let polled = this.stream.poll_write_slices(cx, slices);
        this.count_written(polled, slices.iter().map(|slice| slice.len()).sum())
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(tcp) => tcp.is_write_vectored(),
            #[cfg(unix)]
            Stream::Local(socket) => socket.is_write_vectored(),
            Stream::Tls(tls) => tls.is_write_vectored(),
            Stream::Nested(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            #[cfg(unix)]
            Stream::Local(socket) => Pin::new(socket).poll_flush(cx),
            Stream::Tls(tls) => Pin::new(tls).poll_flush(cx),
            Stream::Nested(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            #[cfg(unix)]
            Stream::Local(socket) => Pin::new(socket).poll_shutdown(cx),
            Stream::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
            Stream::Nested(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}

impl Wire {
    /// Takes note of what was written of `offered` bytes.
    fn count_written(&self, polled: Poll<io::Result<usize>>, offered: usize) -> Poll<io::Result<usize>> {
        match &polled {
            Poll::Ready(Ok(count)) => {
                self.gauge.written.fetch_add(*count as u64, Ordering::Relaxed);
            }
            Poll::Ready(Err(error))
                if self.gauge.forgives_writes.load(Ordering::Relaxed)
                    && matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) =>
            {
                self.gauge.is_write_broken.store(true, Ordering::Relaxed);
                return Poll::Ready(Ok(offered));
            }
            _ => {}
        }
        polled
    }

    /// Writes a head with its names in the caller's spelling, and what follows it.
    fn poll_write_spelled(&mut self, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let Some((first, more)) = slices.split_first() else {
            return Poll::Ready(Ok(0));
        };
        let mut speller = self.gauge.speller();
        let head = speller.as_mut().map_or(&[][..], |speller| speller.spelled(first));
        let mut out = vec![io::IoSlice::new(head), io::IoSlice::new(&first[head.len()..])];
        out.retain(|slice| !slice.is_empty());
        out.extend_from_slice(more);
        let polled = self.stream.poll_write_slices(cx, &out);
        drop(out);
        if let Poll::Ready(Ok(count)) = &polled
            && speller.as_mut().is_none_or(|speller| speller.wrote(*count))
        {
            *speller = None;
            self.gauge.is_to_spell.store(false, Ordering::Relaxed);
        }
        drop(speller);
        self.count_written(polled, slices.iter().map(|slice| slice.len()).sum())
    }
}

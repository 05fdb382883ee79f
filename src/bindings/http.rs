//! `Client` and `Exchange`: one user's session, and what came of one request, seen from Python.
//!
//! A call hands over references and gets a ticket; everything that can be kept between calls (parsed URLs, header blocks, statistics
//! entries) is kept here, so that a plain call costs a lookup. An exchange answers for its parts when asked.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use rustc_hash::FxHashMap;
use tokio::time::Instant;

use super::control;
use super::failure::{InvalidHeader, InvalidTarget};
use super::flow::{PyFlow, PyUpload};
use super::port::{Awaited, PyPort};
use super::proxies::PyProxies;
use super::stats::PyLedger;
use super::wire::{PyTlsSettings, PyWireOptions};
use crate::engine::exchange::{Finished, Job, Report, Underway, Unreported, declared_length, reason};
use crate::engine::in_flight::InFlight;
use crate::engine::runtime::Engine;
use crate::engine::stream::{Stream, Waiter};
use crate::engine::verdict::Dialect;
use crate::http::decode::content_encoding;
use crate::http::encode;
use crate::http::json::{self, Encoding};
use crate::http::{
    ChunkBreak, Cookie, Failure, FailureKind, Options, Phases, Pool, Proxies, ProxyStage, RedirectRule, Request,
    Response, Scheme, Session, Spelling, Target, Timeline, TlsSettings, UrlProblem, Via,
};
use crate::ids::EntryId;
use crate::stats::{Ledger, PARTS};

/// How many URLs a client remembers; a user that never repeats one starts over now and then.
const REMEMBERED_URLS: usize = 512;

/// Headers in the order they were set.
type HeaderList = Arc<[(HeaderName, HeaderValue)]>;

/// A URL and what is sent with it, made ready; the same object for all clients that send the same.
struct Stencil {
    target: Target,
    /// The headers with this target's `Host` among them: nothing to add before sending.
    headers: Arc<HeaderMap>,
    /// What the headers were made from; held, so that its address stays its own.
    _list: HeaderList,
}

/// How many stencils, and how many lists of headers, the process remembers; when there are more, it starts over.
const REMEMBERED_STENCILS: usize = 2_048;

/// Stencils by the address of their list of headers and their whole URL.
static STENCILS: Shared<(usize, Dialect, String), Stencil> = Shared::new();
static HEADER_LISTS: Shared<WrittenHeaders, [(HeaderName, HeaderValue)]> = Shared::new();

/// Headers as Python wrote them.
type WrittenHeaders = Vec<(String, Vec<u8>)>;

/// Things that thousands of users have in common, once for all of them.
struct Shared<K, V: ?Sized> {
    known: OnceLock<Mutex<FxHashMap<K, Arc<V>>>>,
}

impl<K: std::hash::Hash + Eq, V: ?Sized> Shared<K, V> {
    const fn new() -> Self {
        Self { known: OnceLock::new() }
    }

    fn get(&self, key: K, make: impl FnOnce(&K) -> PyResult<Arc<V>>) -> PyResult<Arc<V>> {
        let mut known = self
            .known
            .get_or_init(Mutex::default)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = known.get(&key) {
            return Ok(Arc::clone(value));
        }
        let value = make(&key)?;
        if known.len() >= REMEMBERED_STENCILS {
            known.clear();
        }
        known.insert(key, Arc::clone(&value));
        Ok(value)
    }
}

fn stencil(dialect: Dialect, url: String, list: &HeaderList) -> PyResult<Arc<Stencil>> {
    STENCILS.get((list.as_ptr() as usize, dialect, url), |(_, dialect, url)| {
        let target = match dialect {
            Dialect::Requests => Target::parse(url)?,
            Dialect::Fast => Target::parse_fast(url, "")?,
        };
        let headers = Arc::new(with_host(*dialect, &target, list));
        Ok(Arc::new(Stencil {
            target,
            headers,
            _list: Arc::clone(list),
        }))
    })
}

fn header_list(headers: &Headers<'_>) -> PyResult<HeaderList> {
    let key: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.clone(), value.as_bytes().to_vec()))
        .collect();
    HEADER_LISTS.get(key, |key| {
        let list: Vec<_> = key
            .iter()
            .map(|(name, value)| header(name, value))
            .collect::<PyResult<_>>()?;
        Ok(list.into())
    })
}

/// A URL as a task wrote it.
struct Prepared {
    stencil: Arc<Stencil>,
    /// The statistics entry last used with the URL's own name.
    entry: Option<KnownEntry>,
}

/// A statistics entry and what it was looked up by.
#[derive(Clone)]
struct KnownEntry {
    ledger: Arc<Ledger>,
    method: Method,
    entry: EntryId,
    name: Arc<str>,
}

struct Settings {
    base_url: String,
    headers: HeaderList,
    /// How those headers are spelled, where it matters.
    spelling: Option<Spelling>,
    connect_timeout: Option<f64>,
    read_timeout: Option<f64>,
    total_timeout: Option<f64>,
    max_redirects: u32,
    max_body_bytes: Option<u64>,
    /// Which answers are redirects, where that was changed.
    redirect_rule: Option<RedirectRule>,
    /// Whom to believe, where that was changed.
    tls: Option<Arc<TlsSettings>>,
    /// Which proxies requests take that bring none of their own.
    proxies: Option<Arc<Proxies>>,
    urls: FxHashMap<Box<str>, Prepared>,
}

/// One user's session, pinned to a lane at its first request.
#[pyclass(frozen, name = "Client", module = "rocust._core")]
pub(crate) struct PyClient {
    dialect: Dialect,
    session: Arc<Session>,
    /// The pool's, where connections are shared.
    lane: Arc<OnceLock<usize>>,
    /// How many requests were handed to the lane.
    submitted: AtomicU64,
    settings: Mutex<Settings>,
}

/// Connections that clients share, and a bound for how many requests are under way on them.
#[pyclass(frozen, name = "Pool", module = "rocust._core")]
pub(crate) struct PyPool {
    inner: Pool,
    /// Where all of them run: a connection stays on the lane that opened it.
    lane: Arc<OnceLock<usize>>,
}

#[pymethods]
impl PyPool {
    /// A pool for so many requests at once, so many of them at one server, that keeps so many idle connections.
    #[new]
    #[pyo3(signature = (requests, per_origin = None, max_idle = None))]
    fn new(requests: usize, per_origin: Option<usize>, max_idle: Option<usize>) -> Self {
        let mut inner = Pool::limited(requests);
        if let Some(per_origin) = per_origin {
            inner = inner.limited_per_origin(per_origin);
        }
        if let Some(max_idle) = max_idle {
            inner = inner.keeping(max_idle);
        }
        Self {
            inner,
            lane: Arc::default(),
        }
    }

    /// Closes the idle connections.
    fn close(&self) {
        self.inner.close();
    }
}

/// What a call brings beyond method, URL and name.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
#[expect(clippy::struct_excessive_bools, reason = "a dict of independent options, read once")]
struct Extra<'py> {
    /// All headers of this request, instead of the session's.
    headers: Option<Vec<(String, Bound<'py, PyBytes>)>>,
    body: Option<Bound<'py, PyBytes>>,
    query: String,
    /// Whether the URL is to be taken as it stands: `requests` has prepared it, or a user's own hand.
    #[pyo3(default)]
    is_prepared: bool,
    /// Cookies of this request, beside the session's.
    cookies: Vec<CookieFields>,
    /// Whether the session's cookies are sent and those of the response kept.
    use_jar: bool,
    connect_timeout: Option<f64>,
    read_timeout: Option<f64>,
    /// Seconds for all of the exchange.
    #[pyo3(default)]
    total_timeout: Option<f64>,
    follow: bool,
    max_redirects: u32,
    /// Most bytes of the body: the session's bound when it is missing, none when it is negative.
    #[pyo3(default)]
    max_body: Option<i64>,
    tls: Bound<'py, PyTlsSettings>,
    /// Whether the response is wanted with its head.
    #[pyo3(default)]
    is_streamed: bool,
    /// What makes the body, instead of `body`.
    #[pyo3(default)]
    upload: Option<Py<PyUpload>>,
    /// Which proxies to take, instead of the session's.
    #[pyo3(default)]
    proxies: Option<Bound<'py, PyProxies>>,
}

/// The parts of a call that every call has.
struct Call<'a, 'py> {
    port: &'a Bound<'py, PyPort>,
    greenlet: Py<PyAny>,
    ledger: Option<&'a Bound<'py, PyLedger>>,
    is_direct: bool,
    method: &'a str,
    url: &'a str,
    name: Option<&'a str>,
}

impl PyClient {
    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lane(&self, engine: &Engine) -> PyResult<usize> {
        if let Some(lane) = self.lane.get() {
            return Ok(*lane);
        }
        let lane = engine.next_lane()?;
        Ok(*self.lane.get_or_init(|| lane))
    }

    /// The request and its report, prepared as far as the URL and the session's own settings go.
    fn prepare(&self, call: &Call<'_, '_>, query: &str, is_prepared: bool) -> PyResult<(Request, Report)> {
        let method = Method::from_bytes(call.method.to_ascii_uppercase_if_needed().as_bytes())
            .map_err(|_| not_a_method(call.port.py(), self.dialect, call.method))?;
        let mut settings = self.settings();
        let settings = &mut *settings;
        let ledger = call.ledger.map(|ledger| &ledger.get().inner);
        if is_prepared || !query.is_empty() {
            let target = match self.dialect {
                _ if is_prepared => Target::prepared(call.url)?,
                Dialect::Requests => Target::parse_with_query(&settings.absolute(call.url), query)?,
                Dialect::Fast => Target::parse_fast(&settings.absolute(call.url), query)?,
            };
            let report = match ledger.filter(|_| call.is_direct) {
                Some(ledger) => {
                    let name = call.name.unwrap_or_else(|| target.path_url());
                    Report::Now {
                        entry: ledger.intern(call.method, name),
                        name: name.into(),
                        dialect: self.dialect,
                    }
                }
                None => Report::Later,
            };
            let headers = Arc::new(with_host(self.dialect, &target, &settings.headers));
            return Ok((self.request(method, target, headers, settings), report));
        }
        if !settings.urls.contains_key(call.url) {
            let stencil = stencil(
                self.dialect,
                settings.absolute(call.url).into_owned(),
                &settings.headers,
            )?;
            if settings.urls.len() >= REMEMBERED_URLS {
                settings.urls.clear();
            }
            settings.urls.insert(call.url.into(), Prepared { stencil, entry: None });
        }
        let Some(prepared) = settings.urls.get_mut(call.url) else {
            unreachable!("it was inserted above")
        };
        let report = match (ledger, call.is_direct) {
            (Some(ledger), true) => {
                let known = prepared.entry_for(ledger, &method, call.method, call.name);
                Report::Now {
                    entry: known.entry,
                    name: known.name,
                    dialect: self.dialect,
                }
            }
            _ => Report::Later,
        };
        let (target, headers) = (prepared.stencil.target.clone(), Arc::clone(&prepared.stencil.headers));
        Ok((self.request(method, target, headers, settings), report))
    }

    fn request(&self, method: Method, target: Target, headers: Arc<HeaderMap>, settings: &Settings) -> Request {
        let mut request = Request::new(method, target);
        request.headers = headers;
        request.spelling.clone_from(&settings.spelling);
        request.connect_timeout = seconds(settings.connect_timeout);
        request.read_timeout = seconds(settings.read_timeout);
        request.total_timeout = seconds(settings.total_timeout);
        request.max_redirects = settings.max_redirects;
        request.max_body_bytes = settings.max_body_bytes;
        request.redirect_rule.clone_from(&settings.redirect_rule);
        request.tls.clone_from(&settings.tls);
        request.proxies.clone_from(&settings.proxies);
        let says_length_zero = match self.dialect {
            Dialect::Requests => request.method != Method::GET && request.method != Method::HEAD,
            Dialect::Fast => matches!(request.method, Method::POST | Method::PUT | Method::PATCH),
        };
        if says_length_zero {
            request.body = Some(Bytes::new());
        }
        request
    }

    /// Hands the request to the lane and notes who waits for it.
    fn submit(
        &self,
        call: Call<'_, '_>,
        mut request: Request,
        report: Report,
        upload: Option<&PyUpload>,
    ) -> PyResult<u64> {
        if let Some(proxies) = &request.proxies
            && let Err(url) = proxies.pick(&request.target)
        {
            return Err(InvalidTarget::new_err(("invalid-proxy", url.to_string())));
        }
        let engine = Engine::get()?;
        let lane = self.lane(engine)?;
        let underway = Underway::new(Arc::clone(&self.session));
        let cancel = underway.cancel();
        let port = call.port.get();
        let ticket = port.register(call.greenlet, Awaited::Job(Arc::clone(cancel)));
        let supplier = upload.map(|upload| {
            let (supplier, feed) = upload.open(cancel, Waiter::new(ticket, port.shared()));
            request.feed = Some(feed);
            supplier
        });
        let job = Job {
            underway,
            request,
            ledger: call.ledger.map(|ledger| Arc::clone(&ledger.get().inner)),
            report,
            ticket,
            port: port.shared(),
            supplier,
            in_flight: InFlight::begin(),
            queued: Instant::now(),
        };
        if let Err(error) = engine.lane(lane).submit(job) {
            port.forget(ticket.0);
            return Err(error.into());
        }
        self.submitted.fetch_add(1, Ordering::Relaxed);
        Ok(ticket.0)
    }
}

impl Prepared {
    fn entry_for(&mut self, ledger: &Arc<Ledger>, method: &Method, written: &str, name: Option<&str>) -> KnownEntry {
        if let Some(name) = name {
            let known = self
                .entry
                .as_ref()
                .filter(|known| known.is_for(ledger, method) && *known.name == *name);
            if let Some(known) = known {
                return known.clone();
            }
        } else if let Some(known) = &self.entry
            && known.is_for(ledger, method)
            && *known.name == *self.stencil.target.path_url()
        {
            return known.clone();
        }
        let name: Arc<str> = name.unwrap_or_else(|| self.stencil.target.path_url()).into();
        let entry = ledger.intern(written, &name);
        let known = KnownEntry {
            ledger: Arc::clone(ledger),
            method: method.clone(),
            entry,
            name,
        };
        self.entry = Some(known.clone());
        known
    }
}

impl KnownEntry {
    fn is_for(&self, ledger: &Arc<Ledger>, method: &Method) -> bool {
        Arc::ptr_eq(&self.ledger, ledger) && self.method == *method
    }
}

impl Settings {
    /// A path appended to the base URL, or a whole URL as it is.
    fn absolute<'a>(&self, url: &'a str) -> std::borrow::Cow<'a, str> {
        if is_absolute(url) {
            url.into()
        } else {
            format!("{}{url}", self.base_url).into()
        }
    }
}

fn is_absolute(url: &str) -> bool {
    let starts = |prefix: &str| {
        url.get(..prefix.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    };
    starts("http://") || starts("https://") || starts("http+unix://")
}

/// Headers with the target's `Host` where each client has it: `requests` in front, geventhttpclient behind, but for the length of a
/// body that it did not encode itself.
fn with_host(dialect: Dialect, target: &Target, headers: &[(HeaderName, HeaderValue)]) -> HeaderMap {
    let place = match dialect {
        Dialect::Requests => 0,
        Dialect::Fast => headers.len(),
    };
    with_host_at(place, target, headers)
}

fn with_host_at(place: usize, target: &Target, headers: &[(HeaderName, HeaderValue)]) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(headers.len() + 1);
    let (before, after) = headers.split_at(place);
    for (name, value) in before {
        map.append(name.clone(), value.clone());
    }
    if !headers.iter().any(|(name, _)| name == HOST) {
        map.insert(HOST, target.host_header().clone());
    }
    for (name, value) in after {
        map.append(name.clone(), value.clone());
    }
    map
}

/// Where geventhttpclient adds the host: after all that its user and its encoder wrote (the latter in lower case), before the framing
/// of a body that it did not encode.
fn place_of_host(dialect: Dialect, headers: &[(String, Bound<'_, PyBytes>)]) -> usize {
    let is_framing = |(name, _): &(String, Bound<'_, PyBytes>)| name == "Content-Length" || name == "Transfer-Encoding";
    match dialect {
        Dialect::Requests => 0,
        Dialect::Fast => headers.iter().position(is_framing).unwrap_or(headers.len()),
    }
}

/// The error of each client for a method that is no token.
fn not_a_method(py: Python<'_>, dialect: Dialect, method: &str) -> PyErr {
    let is_strange = |c: &char| !(c.is_ascii_alphanumeric() || "-!#$%&'*+.^_`|~".contains(*c));
    let strange: String = method.chars().filter(is_strange).take(1).collect();
    let shown = |text: &str| {
        PyString::new(py, text)
            .repr()
            .map(|shown| shown.to_string())
            .unwrap_or_default()
    };
    if matches!(dialect, Dialect::Fast) {
        return PyValueError::new_err(format!("invalid HTTP method {}", shown(&method.to_uppercase())));
    }
    PyValueError::new_err(format!(
        "Method cannot contain non-token characters {} (found at least {})",
        shown(&method.to_uppercase()),
        shown(&strange)
    ))
}

fn seconds(value: Option<f64>) -> Option<Duration> {
    value.and_then(|value| Duration::try_from_secs_f64(value).ok())
}

fn header(name: &str, value: &[u8]) -> PyResult<(HeaderName, HeaderValue)> {
    let refuse = |what: &str| {
        let shown = String::from_utf8_lossy(value);
        InvalidHeader::new_err((
            name.to_owned(),
            format!("Invalid {what} in header: {name:?}: {shown:?}"),
        ))
    };
    let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refuse("character in the name"))?;
    let value = HeaderValue::from_bytes(value)
        .map_err(|_| refuse("leading whitespace, reserved character(s), or return character(s)"))?;
    Ok((key, value))
}

/// `Method` knows the common verbs by their upper-case names; `requests` upper-cases what it is given.
trait UppercaseIfNeeded {
    fn to_ascii_uppercase_if_needed(&self) -> std::borrow::Cow<'_, str>;
}

impl UppercaseIfNeeded for str {
    fn to_ascii_uppercase_if_needed(&self) -> std::borrow::Cow<'_, str> {
        if self.bytes().any(|byte| byte.is_ascii_lowercase()) {
            self.to_ascii_uppercase().into()
        } else {
            self.into()
        }
    }
}

/// Text as Python passed it: a string, or bytes that are UTF-8.
fn text(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(text.to_str()?.to_owned());
    }
    match value.cast::<PyBytes>() {
        Ok(bytes) => String::from_utf8(bytes.as_bytes().to_vec())
            .map_err(|_| PyValueError::new_err("a URL or method given as bytes must be UTF-8")),
        Err(_) => Ok(value.str()?.to_str()?.to_owned()),
    }
}

/// Runs `work` with `value` as text, without a copy where it is a string already.
fn with_text<T>(value: &Bound<'_, PyAny>, work: impl FnOnce(&str) -> PyResult<T>) -> PyResult<T> {
    match value.cast::<PyString>() {
        Ok(string) => work(string.to_str()?),
        Err(_) => work(&text(value)?),
    }
}

type Headers<'py> = Vec<(String, Bound<'py, PyBytes>)>;

fn spelling_of(headers: &[(String, Bound<'_, PyBytes>)]) -> Option<Spelling> {
    Spelling::of(headers.iter().map(|(name, _)| name.as_str()))
}

#[pymethods]
impl PyClient {
    #[new]
    #[pyo3(signature = (dialect, base_url, headers, tls, pool = None))]
    fn new(
        dialect: &str,
        base_url: String,
        headers: Headers<'_>,
        tls: &Bound<'_, PyTlsSettings>,
        pool: Option<&Bound<'_, PyPool>>,
    ) -> PyResult<Self> {
        let (dialect, redirect_rule) = match dialect {
            "requests" => (Dialect::Requests, RedirectRule::Requests),
            "fast" => (Dialect::Fast, RedirectRule::fast()),
            other => return Err(PyValueError::new_err(format!("there is no client of kind {other:?}"))),
        };
        let options = Options {
            tls: Arc::clone(&tls.get().inner),
            redirect_rule,
            accepts_cut_encodings: matches!(dialect, Dialect::Requests),
            undoes_zstd_on_wish: matches!(dialect, Dialect::Requests),
            ..Options::default()
        };
        let settings = Settings {
            base_url,
            headers: header_list(&headers)?,
            spelling: spelling_of(&headers),
            connect_timeout: None,
            read_timeout: None,
            total_timeout: None,
            max_redirects: 30,
            max_body_bytes: None,
            redirect_rule: None,
            tls: None,
            proxies: None,
            urls: FxHashMap::default(),
        };
        let (session, lane) = match pool {
            None => (Session::new(options), Arc::default()),
            Some(pool) => {
                let pool = pool.get();
                (Session::sharing(options, pool.inner.clone()), Arc::clone(&pool.lane))
            }
        };
        Ok(Self {
            dialect,
            session: Arc::new(session),
            lane,
            submitted: AtomicU64::new(0),
            settings: Mutex::new(settings),
        })
    }

    /// Has paths appended to `base_url` from now on.
    fn set_base_url(&self, base_url: String) {
        let mut settings = self.settings();
        settings.base_url = base_url;
        settings.urls.clear();
    }

    /// Believes these certificates from now on, in requests that bring no settings of their own.
    fn set_tls(&self, tls: &Bound<'_, PyTlsSettings>) {
        self.settings().tls = Some(Arc::clone(&tls.get().inner));
    }

    /// Makes connections by these options from now on, and closes those made before.
    fn set_wire(&self, options: &Bound<'_, PyWireOptions>) {
        self.session.set_wire(Arc::clone(&options.get().inner));
    }

    /// Sends these headers with every request from now on.
    fn set_headers(&self, headers: Headers<'_>) -> PyResult<()> {
        let list = header_list(&headers)?;
        let mut settings = self.settings();
        settings.headers = list;
        settings.spelling = spelling_of(&headers);
        settings.urls.clear();
        Ok(())
    }

    /// Limits of requests that bring none of their own: seconds to connect, seconds without a byte, redirects, seconds for all.
    #[pyo3(signature = (connect_timeout, read_timeout, max_redirects, total_timeout = None))]
    fn set_limits(
        &self,
        connect_timeout: Option<f64>,
        read_timeout: Option<f64>,
        max_redirects: u32,
        total_timeout: Option<f64>,
    ) {
        let mut settings = self.settings();
        settings.total_timeout = total_timeout;
        (settings.connect_timeout, settings.read_timeout) = (connect_timeout, read_timeout);
        settings.max_redirects = max_redirects;
    }

    /// Bounds the bodies of responses: bytes as received and as decoded; a negative number stands for no bound.
    fn set_max_body(&self, bytes: i64) {
        self.settings().max_body_bytes = u64::try_from(bytes).ok();
    }

    /// Takes answers with these statuses for redirects from now on, and no others.
    fn set_redirect_codes(&self, codes: Vec<u16>) {
        self.settings().redirect_rule = Some(RedirectRule::Fast(codes.into()));
    }

    /// Has requests take these proxies from now on, unless they bring their own.
    fn set_proxies(&self, proxies: Option<&Bound<'_, PyProxies>>) {
        self.settings().proxies = proxies.map(|proxies| Arc::clone(&proxies.get().inner));
    }

    /// Sends a request that brings nothing but its method, URL and name; returns the ticket that `greenlet` waits with.
    #[expect(
        clippy::too_many_arguments,
        reason = "positional and flat: this is called for every request"
    )]
    #[pyo3(signature = (port, greenlet, ledger, is_direct, method, url, name, /))]
    fn send(
        &self,
        port: &Bound<'_, PyPort>,
        greenlet: Py<PyAny>,
        ledger: Option<&Bound<'_, PyLedger>>,
        is_direct: bool,
        method: &Bound<'_, PyAny>,
        url: &Bound<'_, PyAny>,
        name: Option<&str>,
    ) -> PyResult<u64> {
        with_text(method, |method| {
            with_text(url, |url| {
                let call = Call {
                    port,
                    greenlet,
                    ledger,
                    is_direct,
                    method,
                    url,
                    name,
                };
                let (request, report) = self.prepare(&call, "", false)?;
                self.submit(call, request, report, None)
            })
        })
    }

    /// Sends a request with a body, headers, limits or anything else of its own.
    #[expect(clippy::too_many_arguments, reason = "the same as `send`, and a dict of the rest")]
    #[pyo3(signature = (port, greenlet, ledger, is_direct, method, url, name, extra, /))]
    fn send_with(
        &self,
        port: &Bound<'_, PyPort>,
        greenlet: Py<PyAny>,
        ledger: Option<&Bound<'_, PyLedger>>,
        is_direct: bool,
        method: &Bound<'_, PyAny>,
        url: &Bound<'_, PyAny>,
        name: Option<&str>,
        extra: Extra<'_>,
    ) -> PyResult<u64> {
        with_text(method, |method| {
            with_text(url, |url| {
                let call = Call {
                    port,
                    greenlet,
                    ledger,
                    is_direct,
                    method,
                    url,
                    name,
                };
                let (mut request, report) = self.prepare(&call, &extra.query, extra.is_prepared)?;
                self.apply(&mut request, &extra)?;
                let upload = extra.upload.as_ref().map(Py::get);
                self.submit(call, request, report, upload)
            })
        })
    }

    /// How many requests were handed over so far; the hops of a redirect count as one.
    #[getter]
    fn submitted(&self) -> u64 {
        self.submitted.load(Ordering::Relaxed)
    }

    /// Closes the idle connections.
    fn close(&self) {
        self.session.close();
    }

    /// Closes the idle connections, and gives what is to be awaited until those, and the connections of requests that were called
    /// off, are closed. None when nothing is left to wait for, or nobody who would close it: threads do not survive a fork.
    fn closing<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.session.close();
        if self.session.is_settled() {
            return Ok(None);
        }
        let Ok(engine) = Engine::get() else { return Ok(None) };
        let session = Arc::clone(&self.session);
        control::awaitable(py, engine, async move { session.closed().await }).map(Some)
    }

    /// A number that changes whenever the cookies do.
    fn cookies_version(&self) -> u64 {
        self.session.cookies().version()
    }

    /// All cookies.
    fn cookies(&self) -> Vec<CookieFields> {
        self.session
            .cookies()
            .list()
            .into_iter()
            .map(CookieFields::from)
            .collect()
    }

    /// Adds or replaces a cookie.
    fn set_cookie(&self, cookie: CookieFields) {
        self.session.cookies().set(cookie.into());
    }

    /// Drops the cookies of a domain, of a path in it, or one of them by name; all of them without arguments.
    #[pyo3(signature = (domain, path, name))]
    fn clear_cookies(&self, domain: Option<&str>, path: Option<&str>, name: Option<&str>) {
        let jar = self.session.cookies();
        match (domain, path, name) {
            (Some(domain), Some(path), Some(name)) => {
                jar.delete(domain, path, name);
            }
            _ => {
                jar.clear(domain, path);
            }
        }
    }
}

/// A cookie as a dict, by the argument names of `http.cookiejar.Cookie`.
#[derive(Clone, FromPyObject, IntoPyObject)]
#[pyo3(from_item_all)]
struct CookieFields {
    name: String,
    value: Option<String>,
    domain: String,
    domain_specified: bool,
    path: String,
    path_specified: bool,
    secure: bool,
    expires: Option<i64>,
    port: Option<String>,
    rest: Vec<(String, Option<String>)>,
}

impl From<Cookie> for CookieFields {
    fn from(cookie: Cookie) -> Self {
        Self {
            name: cookie.name,
            value: cookie.value,
            domain: cookie.domain,
            domain_specified: cookie.is_domain_specified,
            path: cookie.path,
            path_specified: cookie.is_path_specified,
            secure: cookie.is_secure,
            expires: cookie.expires_s,
            port: cookie.port,
            rest: cookie.rest,
        }
    }
}

impl From<CookieFields> for Cookie {
    fn from(fields: CookieFields) -> Self {
        Self {
            name: fields.name,
            value: fields.value,
            domain: fields.domain,
            is_domain_specified: fields.domain_specified,
            path: fields.path,
            is_path_specified: fields.path_specified,
            is_secure: fields.secure,
            expires_s: fields.expires,
            port: fields.port,
            rest: fields.rest,
        }
    }
}

impl PyClient {
    fn apply(&self, request: &mut Request, extra: &Extra<'_>) -> PyResult<()> {
        if let Some(headers) = &extra.headers {
            let headers = headers
                .iter()
                .map(|(name, value)| header(name, value.as_bytes()))
                .collect::<PyResult<Vec<_>>>()?;
            let place = place_of_host(self.dialect, extra.headers.as_deref().unwrap_or_default());
            request.headers = Arc::new(with_host_at(place, &request.target, &headers));
            request.spelling = spelling_of(extra.headers.as_deref().unwrap_or_default());
        }
        request.body = extra.body.as_ref().map(|body| Bytes::copy_from_slice(body.as_bytes()));
        request.is_streamed = extra.is_streamed;
        request.cookies = extra.cookies.iter().cloned().map(Cookie::from).collect();
        request.use_jar = extra.use_jar;
        if let Some(proxies) = &extra.proxies {
            request.proxies = Some(Arc::clone(&proxies.get().inner));
        }
        request.connect_timeout = limit("connect", extra.connect_timeout)?;
        request.read_timeout = limit("read", extra.read_timeout)?;
        request.total_timeout = limit("total", extra.total_timeout)?;
        request.follow_redirects = extra.follow;
        request.max_redirects = extra.max_redirects;
        if let Some(bytes) = extra.max_body {
            request.max_body_bytes = u64::try_from(bytes).ok();
        }
        request.tls = Some(Arc::clone(&extra.tls.get().inner));
        Ok(())
    }
}

fn limit(which: &str, value: Option<f64>) -> PyResult<Option<Duration>> {
    match value {
        None => Ok(None),
        Some(value) if value > 0.0 => Ok(Duration::try_from_secs_f64(value).ok()),
        Some(value) => Err(PyValueError::new_err(format!(
            "Attempted to set {which} timeout to {value}, but the timeout cannot be set to a value less than or equal to 0."
        ))),
    }
}

/// What came of one request: a response or a failure, and the times.
#[pyclass(frozen, name = "Exchange", module = "rocust._core")]
pub(crate) struct PyExchange {
    result: Result<Response, Box<Failure>>,
    timeline: Timeline,
    started_at: Duration,
    unreported: Mutex<Unreported>,
    is_settled: AtomicBool,
    body: OnceLock<Py<PyBytes>>,
    /// The body, when it is to be streamed.
    stream: Option<Arc<Stream>>,
}

impl PyExchange {
    pub(super) fn new(finished: Finished) -> Self {
        let Finished {
            result,
            timeline,
            started_at,
            unreported,
            is_recorded,
            stream,
        } = finished;
        Self {
            result: result.map_err(Box::new),
            timeline,
            started_at,
            is_settled: AtomicBool::new(is_recorded),
            unreported: Mutex::new(unreported),
            body: OnceLock::new(),
            stream: stream.map(Arc::new),
        }
    }

    /// What broke while a body was streamed, told as a failed exchange is; it has been reported already.
    pub(super) fn of_failure(failure: Failure) -> Self {
        Self {
            result: Err(Box::new(failure)),
            timeline: Timeline::default(),
            started_at: Duration::ZERO,
            unreported: Mutex::new(Unreported::none()),
            is_settled: AtomicBool::new(true),
            body: OnceLock::new(),
            stream: None,
        }
    }

    fn response(&self) -> Option<&Response> {
        match &self.result {
            Ok(response) => Some(response),
            Err(failure) => failure.response.as_deref(),
        }
    }

    fn target(&self) -> &Target {
        match &self.result {
            Ok(response) => response.target(),
            Err(failure) => &failure.target,
        }
    }

    /// Where the chain of redirects began.
    fn first_target(&self) -> &Target {
        match self.response().and_then(|response| response.history.first()) {
            Some(first) => first.target(),
            None => self.target(),
        }
    }

    /// The response time in milliseconds, and its parts.
    pub(super) fn measured(&self) -> (f64, Option<Phases>) {
        (self.response_time(), self.timeline.phases())
    }

    /// An exchange for a response that belongs to this one, with nothing to report of its own.
    fn beside(&self, response: &Response) -> Self {
        Self {
            result: Ok(response.clone()),
            timeline: Timeline::default(),
            started_at: self.started_at,
            unreported: Mutex::new(Unreported::none()),
            is_settled: AtomicBool::new(true),
            body: OnceLock::new(),
            stream: None,
        }
    }

    fn failure(&self) -> Option<&Failure> {
        self.result.as_ref().err().map(|failure| &**failure)
    }

    fn plain_body<'py>(&self, py: Python<'py>, encoding: Encoding, guesses: bool) -> Option<Bound<'py, PyBytes>> {
        let response = self.result.as_ref().ok()?;
        json::is_plain_body(&response.body, encoding, guesses).then(|| self.body(py))
    }
}

#[pymethods]
impl PyExchange {
    /// Whether there is no response.
    #[getter]
    fn failed(&self) -> bool {
        self.result.is_err()
    }

    /// Whether it is in the statistics, or nobody is left who should put it there.
    #[getter]
    fn is_settled(&self) -> bool {
        self.is_settled.load(Ordering::Relaxed)
    }

    /// Says that it is being reported.
    pub(super) fn settle(&self) {
        self.is_settled.store(true, Ordering::Relaxed);
        self.unreported.lock().unwrap_or_else(PoisonError::into_inner).settle();
    }

    /// The status code; 0 when there is no response.
    #[getter]
    fn status(&self) -> u16 {
        self.result.as_ref().map_or(0, |response| response.status)
    }

    /// The version of HTTP: 9, 10, 11 or 20; 0 when there is no response.
    #[getter]
    fn version(&self) -> u8 {
        match self.result.as_ref().map(|response| response.version) {
            Ok(Version::HTTP_09) => 9,
            Ok(Version::HTTP_10) => 10,
            Ok(Version::HTTP_11) => 11,
            Ok(Version::HTTP_2) => 20,
            _ => 0,
        }
    }

    /// The reason phrase.
    #[getter]
    fn reason(&self) -> Option<String> {
        self.result.as_ref().ok().map(|response| reason(response).into_owned())
    }

    /// The response's headers in order, repeated ones repeated.
    fn headers(&self) -> Vec<(String, String)> {
        self.result
            .as_ref()
            .map_or_else(|_| Vec::new(), |response| pairs(response.spelled_headers()))
    }

    /// The body, decoded.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let body = self.body.get_or_init(|| {
            let bytes = self.result.as_ref().map_or(&[][..], |response| &response.body);
            PyBytes::new(py, bytes).unbind()
        });
        body.bind(py).clone()
    }

    /// The body, if any parser makes the same of it as Python's `json`; by the encoding that the headers say.
    fn json_body<'py>(&self, py: Python<'py>, guesses: bool) -> Option<Bound<'py, PyBytes>> {
        let response = self.result.as_ref().ok()?;
        self.plain_body(py, Encoding::of_headers(&response.headers), guesses)
    }

    /// The same by an encoding that somebody else says, or says to be unknown.
    fn json_body_as<'py>(&self, py: Python<'py>, encoding: Option<&str>, guesses: bool) -> Option<Bound<'py, PyBytes>> {
        let encoding = encoding.filter(|name| !name.is_empty());
        self.plain_body(py, encoding.map_or(Encoding::Unsaid, Encoding::named), guesses)
    }

    /// The body as text, where its encoding is said and makes no question; None where a closer look is due.
    fn plain_text<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        let response = self.result.as_ref().ok()?;
        let is_plain = match Encoding::of_headers(&response.headers) {
            Encoding::Utf8 => true,
            Encoding::AsciiAndMore => response.body.is_ascii(),
            _ => false,
        };
        let text = std::str::from_utf8(&response.body).ok().filter(|_| is_plain)?;
        Some(PyString::new(py, text))
    }

    /// The size of the decoded body.
    #[getter]
    fn length(&self) -> usize {
        self.result.as_ref().map_or(0, |response| response.body.len())
    }

    /// The length of the body in the server's own words, 0 when it has none: all that is known before it has come.
    #[getter]
    fn declared_length(&self) -> u64 {
        self.result.as_ref().map_or(0, declared_length)
    }

    /// Whether the body comes in chunks.
    #[getter]
    fn is_chunked(&self) -> bool {
        self.response().is_some_and(|response| {
            let encodings = response.headers.get_all(TRANSFER_ENCODING).iter();
            encodings
                .filter_map(|value| value.to_str().ok())
                .any(|value| value.to_ascii_lowercase().contains("chunked"))
        })
    }

    /// The rest of the body, to be pulled; None when there is none, or it was not to be streamed.
    fn flow(&self) -> Option<PyFlow> {
        self.stream.as_ref().map(|stream| PyFlow::new(Arc::clone(stream)))
    }

    /// The URL that answered, or failed to.
    #[getter]
    fn url(&self) -> &str {
        self.target().as_str()
    }

    /// Its path and query.
    #[getter]
    fn path_url(&self) -> &str {
        self.target().path_url()
    }

    /// The URL that was asked for, before redirects.
    #[getter]
    fn first_url(&self) -> &str {
        self.first_target().as_str()
    }

    /// Its path and query.
    #[getter]
    fn first_path_url(&self) -> &str {
        self.first_target().path_url()
    }

    /// Host name or address.
    #[getter]
    fn host(&self) -> &str {
        self.target().host()
    }

    /// Port.
    #[getter]
    fn port(&self) -> u16 {
        self.target().port()
    }

    /// Whether the URL is https.
    #[getter]
    fn is_tls(&self) -> bool {
        self.target().scheme() == Scheme::Https
    }

    /// Seconds from sending to the parsed head of the response.
    #[getter]
    fn elapsed(&self) -> f64 {
        self.result
            .as_ref()
            .map_or(0.0, |response| response.elapsed.as_secs_f64())
    }

    /// Milliseconds from the start of the exchange to its end.
    #[getter]
    fn response_time(&self) -> f64 {
        self.timeline.response_time().unwrap_or_default().as_secs_f64() * 1e3
    }

    /// Milliseconds of each part in order, the time in the queue first; None where they are not known.
    fn timings(&self) -> Option<[f64; PARTS]> {
        let phases = self.timeline.phases()?;
        Some(phases.in_order().map(|part| part.as_secs_f64() * 1e3))
    }

    /// When it began, in seconds since the epoch.
    #[getter]
    fn started_at(&self) -> f64 {
        self.started_at.as_secs_f64()
    }

    /// Seconds between the call and the start on the lane: the engine's own delay.
    #[getter]
    fn queued(&self) -> f64 {
        self.timeline.phases().map_or(0.0, |phases| phases.queue.as_secs_f64())
    }

    /// The redirects on the way, the first one first.
    fn history(&self) -> Vec<Self> {
        let Ok(response) = &self.result else { return Vec::new() };
        response.history.iter().map(|hop| self.beside(hop)).collect()
    }

    /// What kind of failure; empty when there is a response.
    #[getter]
    fn failure_kind(&self) -> &'static str {
        self.failure().map_or("", |failure| match failure.url_problem {
            Some(UrlProblem::InvalidUrl(_) | UrlProblem::Malformed(_)) => "bad-location",
            _ => kind_name(failure.kind),
        })
    }

    /// The failure in words; empty when there is a response.
    #[getter]
    fn failure_message(&self) -> &str {
        self.failure().map_or("", |failure| &failure.message)
    }

    /// The operating system's number for it.
    #[getter]
    fn failure_errno(&self) -> Option<i32> {
        self.failure().and_then(|failure| failure.errno)
    }

    /// Bytes of the body that had come when it broke off; None when it had not begun.
    #[getter]
    fn body_received(&self) -> Option<u64> {
        self.failure()
            .and_then(|failure| failure.progress)
            .map(|progress| progress.received)
    }

    /// Bytes of the body that were still to come, when the server had said.
    #[getter]
    fn body_missing(&self) -> Option<u64> {
        self.failure()
            .and_then(|failure| failure.progress)
            .and_then(|progress| progress.missing)
    }

    /// Of a body in chunks that broke off inside of one: the bytes of that chunk that had come, and those still missing.
    #[getter]
    fn chunk_progress(&self) -> Option<(u64, u64)> {
        match self.failure()?.chunk_break {
            Some(ChunkBreak::Inside { received, missing }) => Some((received, missing)),
            _ => None,
        }
    }

    /// The line that should have been the size of a chunk.
    #[getter]
    fn chunk_line<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        match &self.failure()?.chunk_break {
            Some(ChunkBreak::BadSize(line)) => Some(PyBytes::new(py, line)),
            _ => None,
        }
    }

    /// Whether some of the head had come when the exchange failed in it.
    #[getter]
    fn is_in_head(&self) -> bool {
        self.failure().is_some_and(|failure| failure.is_in_head)
    }

    /// What had come of a response whose body broke off or could not be decoded, as a response; None of any other exchange.
    fn broken(&self) -> Option<Self> {
        let failure = self.failure()?;
        let response = match failure.kind {
            FailureKind::BadBody => failure.partial.as_ref().or(failure.response.as_ref()),
            _ => failure.partial.as_ref(),
        };
        Some(Self {
            timeline: self.timeline,
            ..self.beside(response?)
        })
    }

    /// The line that should have been a status line.
    #[getter]
    fn status_line<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        let line = self.failure()?.status_line.as_ref()?;
        Some(PyBytes::new(py, line))
    }

    /// The proxy on the way of a failed exchange, as (kind, host, port, how far it had come: reaching, asking or beyond).
    #[getter]
    fn via(&self) -> Option<(&'static str, &str, u16, &'static str)> {
        let Via { proxy, stage } = self.failure()?.via.as_ref()?;
        let stage = match stage {
            ProxyStage::Reaching => "reaching",
            ProxyStage::Asking => "asking",
            ProxyStage::Beyond => "beyond",
        };
        Some((proxy.kind.as_str(), proxy.address.host(), proxy.address.port(), stage))
    }

    /// The content encoding that could not be undone, and the body in it.
    #[getter]
    fn undecoded<'py>(&self, py: Python<'py>) -> Option<(String, Bound<'py, PyBytes>)> {
        let failure = self.failure().filter(|failure| failure.kind == FailureKind::BadBody)?;
        let response = failure.response.as_ref()?;
        let body = PyBytes::new(py, &response.body);
        Some((content_encoding(&response.headers), body))
    }

    /// The method of the (last) request.
    #[getter]
    fn request_method(&self) -> &str {
        self.response().map_or("", |response| response.sent.method.as_str())
    }

    /// The headers of the (last) request as sent.
    fn request_headers(&self) -> Vec<(String, String)> {
        self.response().map_or_else(Vec::new, |response| {
            let headers = response.sent.all_headers();
            pairs(headers.iter().map(|(name, value)| (name.as_str(), value)))
        })
    }

    /// The body of the (last) request.
    #[getter]
    fn request_body<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        let body = self.response()?.sent.body.as_ref().filter(|body| !body.is_empty())?;
        Some(PyBytes::new(py, body))
    }
}

fn pairs<'a>(headers: impl IntoIterator<Item = (&'a str, &'a HeaderValue)>) -> Vec<(String, String)> {
    headers
        .into_iter()
        .map(|(name, value)| {
            let text = value.to_str().map_or_else(
                |_| value.as_bytes().iter().map(|&byte| char::from(byte)).collect(),
                str::to_owned,
            );
            (name.to_owned(), text)
        })
        .collect()
}

fn kind_name(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Refused => "refused",
        FailureKind::Reset => "reset",
        FailureKind::ClosedEarly => "closed-early",
        FailureKind::ConnectTimeout => "connect-timeout",
        FailureKind::ReadTimeout => "read-timeout",
        FailureKind::TotalTimeout => "total-timeout",
        FailureKind::Resolve => "resolve",
        FailureKind::Tls => "tls",
        FailureKind::NotHttp => "not-http",
        FailureKind::BadBody => "bad-body",
        FailureKind::TooManyRedirects => "too-many-redirects",
        FailureKind::InvalidRedirect => "invalid-redirect",
        FailureKind::Aborted => "aborted",
        FailureKind::BodyGivenUp => "body-given-up",
        FailureKind::TooLarge => "too-large",
        FailureKind::Endless => "endless",
        FailureKind::Tunnel => "tunnel",
        FailureKind::UnusableProxy => "invalid-proxy",
        _ => "other",
    }
}

/// Pairs as `urllib.parse.urlencode` writes them.
#[pyfunction]
fn form(pairs: Vec<(Bound<'_, PyString>, Bound<'_, PyString>)>) -> PyResult<String> {
    let texts = pairs.iter().map(|(name, value)| Ok((name.to_str()?, value.to_str()?)));
    Ok(encode::form(texts.collect::<PyResult<Vec<_>>>()?))
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(form, module)?)?;
    module.add_class::<PyClient>()?;
    module.add_class::<PyPool>()?;
    module.add_class::<PyExchange>()
}

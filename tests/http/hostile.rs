//! Any bytes as the answer to a request, over a real socket: each exchange ends, as a response or a failure, and the
//! next one of the same session is not harmed.
//!
//! `ROCUST_FUZZ_SECONDS=300` runs for so long instead of the usual number of cases. What was found once is tried first:
//! `tests/http/hostile.regressions`.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};
use rocust::http::{Options, RedirectRule, Session};
use tokio::time::Instant;

use crate::support::{ScriptedServer, get, send};

/// What the server says, piece by piece, and whether it then stays silent instead of closing.
#[derive(Clone, Debug)]
struct Answer {
    pieces: Vec<Vec<u8>>,
    hangs: bool,
}

fn words(list: &[&'static str]) -> impl Strategy<Value = Vec<u8>> + use<> {
    prop::sample::select(list.to_vec()).prop_map(|word| word.as_bytes().to_vec())
}

/// Parts of responses, right and wrong ones.
fn part() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => words(&[
            "HTTP/1.1 200 OK\r\n", "HTTP/1.1 204 No Content\r\n", "HTTP/1.1 302 Found\r\n", "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\n", "HTTP/1.0 200 OK\r\n", "HTTP/1.1 304 \r\n", "HTTP/2 200\r\n", "HTTP/1.1 999\n",
        ]),
        6 => words(&[
            "Content-Length: 5\r\n", "Content-Length: 0\r\n", "Content-Length: 99999999999\r\n", "content-length: -1\r\n",
            "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip, chunked\r\n", "Content-Encoding: gzip\r\n",
            "Content-Encoding: deflate\r\n", "Content-Encoding: br\r\n", "Content-Encoding: zstd, gzip\r\n", "Connection: close\r\n",
            "Connection: keep-alive\r\n", "Connection: upgrade\r\nUpgrade: x\r\n", "Location: /again\r\n", "Location: ftp://x/\r\n",
            "Location: \r\n", "Location: /\u{e9}\r\n", "Set-Cookie: a=b; Path=/; Max-Age=1\r\n", "Set-Cookie: =\r\n", "x:y\r\n", ": \r\n",
            "no colon\r\n", " folded\r\n",
        ]),
        4 => words(&["\r\n", "\n", "\r\n\r\n", "\r", "hello", "5\r\nhello\r\n", "0\r\n\r\n", "0\r\nt: r\r\n\r\n", "ff;x=y\r\n", "zz\r\n"]),
        2 => words(&["\u{1f}\u{8}\0\0\0\0\0\0\0\0", "x\u{9c}", "\0\0\u{12}\u{4}\0\0\0\0\0"]),
        2 => prop::collection::vec(any::<u8>(), 0..60),
        1 => (any::<u8>(), 0_usize..70_000).prop_map(|(byte, count)| vec![byte; count]),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    let parts = prop::collection::vec(part(), 0..14).boxed();
    let well_begun = parts.clone().prop_map(|mut parts| {
        parts.insert(0, b"HTTP/1.1 200 OK\r\n".to_vec());
        parts
    });
    (
        prop_oneof![parts, well_begun],
        prop::bool::weighted(0.02),
        prop::bool::weighted(0.7),
    )
        .prop_map(|(parts, hangs, at_once)| Answer {
            pieces: if at_once { vec![parts.concat()] } else { parts },
            hangs,
        })
}

/// How many connections are in the middle of an answer that ends with a close.
type Visitors = tokio::sync::watch::Sender<usize>;

/// Nothing here takes this long: a case that does has found a hang.
const SOON: Duration = Duration::from_secs(10);

async fn survives(session: &Session, server: &ScriptedServer, visitors: &Visitors) -> Result<(), TestCaseError> {
    for path in ["/", "/honest"] {
        let mut request = get(&server.url(path));
        request.read_timeout = Some(Duration::from_millis(50));
        request.max_redirects = 3;
        request.max_body_bytes = Some(1 << 20);
        let outcome = tokio::time::timeout(SOON, send(session, request)).await;
        let outcome = outcome.map_err(|_| TestCaseError::fail(format!("{path} hangs")))?;
        match outcome {
            Ok(response) => prop_assert!(response.body.len() <= 1 << 20),
            Err(failure) => prop_assert!(path == "/" && !failure.message.is_empty(), "{path} {failure:?}"),
        }
        // A server that closes at the very moment of the next request is another story.
        let mut closing = visitors.subscribe();
        let closed = tokio::time::timeout(SOON, closing.wait_for(|visitors| *visitors == 0)).await;
        prop_assert!(closed.is_ok() || path == "/honest");
    }
    Ok(())
}

#[test]
fn any_answer_ends_and_harms_no_other_exchange() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let answer_now: Arc<Mutex<Answer>> = Arc::new(Mutex::new(Answer {
        pieces: Vec::new(),
        hangs: false,
    }));
    let told = Arc::clone(&answer_now);
    let visitors = Arc::new(Visitors::new(0));
    let counted = Arc::clone(&visitors);
    let server = runtime.block_on(ScriptedServer::start(move |mut visit, _| {
        let (told, visitors) = (Arc::clone(&told), Arc::clone(&counted));
        async move {
            while let Some(request) = visit.request().await {
                if request.contains("/honest") {
                    visit.say(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
                    continue;
                }
                let answer = told.lock().unwrap().clone();
                if !answer.hangs {
                    visitors.send_modify(|visitors| *visitors += 1);
                }
                for piece in &answer.pieces {
                    visit.say(piece).await;
                    tokio::task::yield_now().await;
                }
                if !answer.hangs {
                    visit.close().await;
                    visitors.send_modify(|visitors| *visitors -= 1);
                    return;
                }
            }
        }
    }));
    let rules = [RedirectRule::Requests, RedirectRule::fast()];
    let regressions = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/http/hostile.regressions");
    let path: &'static str = Box::leak(regressions.to_string_lossy().into_owned().into_boxed_str());
    let config = Config {
        cases: 2_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(path))),
        ..Config::default()
    };
    let seconds = std::env::var("ROCUST_FUZZ_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut rounds = 0;
    loop {
        let mut runner = TestRunner::new(config.clone());
        let outcome = runner.run(&(answer(), any::<bool>()), |(answer, is_fast)| {
            *answer_now.lock().unwrap() = answer;
            let session = Session::new(Options {
                redirect_rule: rules[usize::from(is_fast)].clone(),
                accepts_cut_encodings: !is_fast,
                ..Options::default()
            });
            runtime.block_on(survives(&session, &server, &visitors))
        });
        if let Err(error) = outcome {
            panic!("{error}");
        }
        rounds += 1;
        if until.is_none_or(|until| Instant::now() >= until) {
            break;
        }
    }
    assert!(server.visits() >= rounds * config.cases as usize);
}

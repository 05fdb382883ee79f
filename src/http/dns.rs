//! From a host name to addresses, once for all users that ask at the same time.
//!
//! Lookups run in tokio's blocking pool (`getaddrinfo`, so `/etc/hosts` and `nsswitch` count). Those for one name that
//! overlap are one lookup, and its result serves everybody for [`TTL`]: 5,000 users that connect to `localhost` at once
//! cost one `getaddrinfo`, and a moved name is noticed within seconds. Failures are not kept: the next exchange asks again.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use rustc_hash::FxHashMap;
use tokio::time::Instant;

use super::failure::{Failure, FailureKind};
use super::target::Target;
use super::wire::WireOptions;

/// How long the addresses of a name are used without asking again.
pub(crate) const TTL: Duration = Duration::from_secs(5);

type Addresses = Arc<[IpAddr]>;
type Lookup = Shared<BoxFuture<'static, Result<Addresses, Arc<io::Error>>>>;

/// What is known of a name.
enum Knowledge {
    Fresh { addresses: Addresses, since: Instant },
    Asked { lookup: Lookup },
}

/// Names and their addresses.
#[derive(Default)]
struct Resolver {
    names: Mutex<FxHashMap<Box<str>, Knowledge>>,
}

static RESOLVER: LazyLock<Resolver> = LazyLock::new(Resolver::default);

/// The addresses of the target's host, in the order the system gives them, or those that were given in their place.
pub(crate) async fn addresses(target: &Target, wire: &WireOptions) -> Result<Addresses, Failure> {
    let found = if let Some(given) = wire.overridden(target) {
        Arc::clone(given)
    } else if let Ok(address) = target.host().parse::<IpAddr>() {
        Arc::from([address])
    } else {
        RESOLVER
            .resolve(target.host(), wire.dns_ttl.unwrap_or(TTL), system_lookup)
            .await
            .map_err(|error| resolve_failure(&error, target))?
    };
    if wire.ip_version.is_none() {
        return Ok(found);
    }
    let allowed: Addresses = found.iter().copied().filter(|address| wire.allows(*address)).collect();
    if allowed.is_empty() {
        let error = io::Error::other("No address associated with hostname");
        return Err(resolve_failure(&error, target));
    }
    Ok(allowed)
}

/// Asks the system. The port is not part of the question.
fn system_lookup(host: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
    async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) }.boxed()
}

impl Resolver {
    async fn resolve(
        &self,
        host: &str,
        ttl: Duration,
        ask: impl FnOnce(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>,
    ) -> Result<Addresses, Arc<io::Error>> {
        let lookup = match self.known(host, ttl, ask) {
            Ok(addresses) => return Ok(addresses),
            Err(lookup) => lookup,
        };
        let result = lookup.clone().await;
        let mut names = self.lock();
        // Only the lookup that was awaited is replaced: somebody may have begun another one since.
        if let Some(Knowledge::Asked { lookup: asked }) = names.get(host)
            && asked.ptr_eq(&lookup)
        {
            match &result {
                Ok(addresses) => {
                    let fresh = Knowledge::Fresh {
                        addresses: Arc::clone(addresses),
                        since: Instant::now(),
                    };
                    names.insert(host.into(), fresh);
                }
                Err(_) => {
                    names.remove(host);
                }
            }
        }
        result
    }

    /// Fresh addresses, or the lookup to wait for: one under way, or a new one.
    fn known(
        &self,
        host: &str,
        ttl: Duration,
        ask: impl FnOnce(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>,
    ) -> Result<Addresses, Lookup> {
        let mut names = self.lock();
        match names.get(host) {
            Some(Knowledge::Fresh { addresses, since }) if since.elapsed() < ttl => {
                return Ok(Arc::clone(addresses));
            }
            Some(Knowledge::Asked { lookup }) => return Err(lookup.clone()),
            _ => {}
        }
        let answer = ask(host.to_owned());
        let lookup = async move {
            let found = answer.await.map_err(Arc::new)?;
            if found.is_empty() {
                return Err(Arc::new(io::Error::other("No address associated with hostname")));
            }
            Ok(found.iter().map(SocketAddr::ip).collect::<Addresses>())
        }
        .boxed()
        .shared();
        names.insert(host.into(), Knowledge::Asked { lookup: lookup.clone() });
        Err(lookup)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, FxHashMap<Box<str>, Knowledge>> {
        // The map is whole after every statement that changes it.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the resolver's words and its `EAI_*` number, which std keeps only as text.
fn resolve_failure(error: &io::Error, target: &Target) -> Failure {
    let words = error.to_string();
    let reason = words
        .strip_prefix("failed to lookup address information: ")
        .unwrap_or(&words);
    let mut failure = Failure::new(FailureKind::Resolve, target, reason);
    failure.errno = match reason {
        "Name or service not known" => Some(-2),
        "Temporary failure in name resolution" => Some(-3),
        "Non-recoverable failure in name resolution" => Some(-4),
        "No address associated with hostname" => Some(-5),
        _ => None,
    };
    failure
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "what a lookup answers")]
    fn answer() -> io::Result<Vec<SocketAddr>> {
        Ok(vec![SocketAddr::from(([127, 0, 0, 1], 0))])
    }

    #[tokio::test(start_paused = true)]
    async fn overlapping_lookups_of_one_name_are_one() {
        let resolver = Resolver::default();
        let asked = AtomicUsize::new(0);
        let gate = Arc::new(Notify::new());
        let ask = |_: String| {
            asked.fetch_add(1, Ordering::Relaxed);
            let gate = Arc::clone(&gate);
            async move {
                gate.notified().await;
                answer()
            }
            .boxed()
        };
        let all = futures_util::future::join_all((0..5_000).map(|_| resolver.resolve("many.test", TTL, ask)));
        let opener = async {
            tokio::task::yield_now().await;
            gate.notify_one();
        };
        let (results, ()) = futures_util::future::join(all, opener).await;
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_are_asked_for_again_after_their_time() {
        let resolver = Resolver::default();
        let asked = AtomicUsize::new(0);
        let ask = |_: String| {
            asked.fetch_add(1, Ordering::Relaxed);
            async { answer() }.boxed()
        };
        for (pause, expected) in [(Duration::ZERO, 1), (TTL / 2, 1), (TTL, 2)] {
            tokio::time::advance(pause).await;
            resolver.resolve("moving.test", TTL, ask).await.expect("an address");
            assert_eq!(asked.load(Ordering::Relaxed), expected);
        }
    }

    /// The table of names is the process's; the time is each asker's own.
    #[tokio::test(start_paused = true)]
    async fn each_asker_has_a_time_of_its_own_for_the_same_addresses() {
        let resolver = Resolver::default();
        let asked = AtomicUsize::new(0);
        let ask = |_: String| {
            asked.fetch_add(1, Ordering::Relaxed);
            async { answer() }.boxed()
        };
        let long = Duration::from_secs(60);
        let steps = [
            // (seconds that pass, how old addresses may be, lookups so far)
            (0, long, 1),
            (59, long, 1),
            (0, TTL, 2),
            // The lookup of the impatient one serves the patient one, and its time begins anew.
            (59, long, 2),
            (1, long, 3),
            (0, Duration::ZERO, 4),
            (0, Duration::ZERO, 5),
        ];
        for (seconds, ttl, expected) in steps {
            tokio::time::advance(Duration::from_secs(seconds)).await;
            resolver.resolve("shared.test", ttl, ask).await.expect("an address");
            assert_eq!(
                asked.load(Ordering::Relaxed),
                expected,
                "after {seconds} s, with {ttl:?}"
            );
        }
        resolver.resolve("other.test", long, ask).await.expect("an address");
        assert_eq!(asked.load(Ordering::Relaxed), 6, "another name is another question");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_lookup_is_not_kept_and_an_abandoned_one_is_finished_by_others() {
        let resolver = Resolver::default();
        let refused = |_: String| async { Err(io::Error::other("Name or service not known")) }.boxed();
        assert!(resolver.resolve("late.test", TTL, refused).await.is_err());
        let slow = |_: String| {
            async {
                tokio::time::sleep(Duration::from_secs(3)).await;
                answer()
            }
            .boxed()
        };
        let first = resolver.resolve("late.test", TTL, slow);
        assert!(tokio::time::timeout(Duration::from_secs(1), first).await.is_err());
        let never = |_: String| -> BoxFuture<'static, _> { unreachable!("a lookup is under way") };
        assert!(resolver.resolve("late.test", TTL, never).await.is_ok());
    }
}

//! What a post costs, and how many posts share a ring.
//!
//! `cargo bench --no-default-features --bench mailbox`

#![expect(clippy::expect_used, reason = "a bench that cannot start has nothing to say")]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rocust::engine::doorbell::Doorbell;
use rocust::engine::mailbox::{Bell, Mailbox};

const POSTS: usize = 1_000;

/// Counts rings instead of making a system call.
#[derive(Default)]
struct SilentBell {
    rings: AtomicUsize,
}

impl Bell for SilentBell {
    fn ring(&self) {
        self.rings.fetch_add(1, Ordering::Relaxed);
    }
    fn silence(&self) {}
}

fn one_poster(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mailbox");
    group.throughput(Throughput::Elements(POSTS as u64));
    group.bench_function("1000 posts, one drain, no real bell", |bencher| {
        bencher.iter_batched(
            || (Mailbox::new(SilentBell::default()), Vec::with_capacity(POSTS)),
            |(mailbox, mut drained)| {
                for post in 0..POSTS {
                    mailbox.post(black_box([post; 3]));
                }
                mailbox.drain(&mut drained);
                drained
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("1000 posts, one drain, doorbell", |bencher| {
        let mailbox = Mailbox::new(Doorbell::new().expect("a socket pair"));
        let mut drained = Vec::with_capacity(POSTS);
        bencher.iter(|| {
            for post in 0..POSTS {
                mailbox.post(black_box([post; 3]));
            }
            mailbox.drain(&mut drained);
            drained.clear();
        });
    });
    group.bench_function("1000 posts, a drain each, doorbell", |bencher| {
        let mailbox = Mailbox::new(Doorbell::new().expect("a socket pair"));
        let mut drained = Vec::with_capacity(1);
        bencher.iter(|| {
            for post in 0..POSTS {
                mailbox.post(black_box([post; 3]));
                mailbox.drain(&mut drained);
                drained.clear();
            }
        });
    });
    group.finish();
}

fn two_threads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mailbox");
    group.throughput(Throughput::Elements(POSTS as u64));
    group.bench_function("1000 posts from a lane, drained as they come", |bencher| {
        bencher.iter(|| {
            let mailbox = Arc::new(Mailbox::new(SilentBell::default()));
            let poster = Arc::clone(&mailbox);
            let lane = thread::spawn(move || {
                for post in 0..POSTS {
                    poster.post([post; 3]);
                }
            });
            let mut drained = Vec::with_capacity(POSTS);
            let mut total = 0;
            while total < POSTS {
                mailbox.drain(&mut drained);
                total += drained.len();
                drained.clear();
                thread::yield_now();
            }
            lane.join().expect("the lane does not panic");
        });
    });
    group.finish();
}

criterion_group!(benches, one_poster, two_threads);
criterion_main!(benches);

//! What a sample costs: on the thread that records it, and altogether with its way into the entries.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rocust::ids::EntryId;
use rocust::stats::{Ledger, Parts, Sample};

/// More than a shard takes before it is merged.
const BATCH: u64 = 10_240;

fn sample(entry: EntryId, turn: u64) -> Sample {
    // Spread over the magnitudes that real services have; ten thousand a second.
    let elapsed = Duration::from_micros(200 + turn.wrapping_mul(7_919) % 400_000);
    Sample {
        entry,
        elapsed: Some(elapsed),
        length_bytes: 1_234,
        at_epoch_s: 1_700_000_000.0 + turn as f64 * 1e-4,
        failure: None,
        parts: Some(Parts([30, 0, 0, 0, 12, elapsed.subsec_micros(), 3])),
    }
}

fn record_batch(ledger: &Ledger, entries: &[EntryId], shard: usize) {
    for turn in 0..BATCH {
        ledger.record(shard, black_box(sample(entries[turn as usize % entries.len()], turn)));
    }
}

fn ledger_with(names: usize, recent_s: usize) -> (Arc<Ledger>, Vec<EntryId>) {
    let ledger = Ledger::new(3);
    ledger.set_recent(recent_s);
    let entries = (0..names)
        .map(|number| ledger.intern("GET", &format!("/{number}")))
        .collect();
    (ledger, entries)
}

fn recorder(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("recorder");
    group.throughput(Throughput::Elements(BATCH));

    group.bench_function("keep only", |bencher| {
        let (ledger, entries) = ledger_with(1, 20);
        // Nothing is merged inside the measured part: it is thrown away by a reset of the held shards afterwards.
        bencher.iter_custom(|rounds| {
            let mut took = Duration::ZERO;
            for _ in 0..rounds {
                let hold = ledger.hold();
                #[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
                let start = std::time::Instant::now();
                record_batch(&ledger, &entries, 1);
                took += start.elapsed();
                drop(hold);
                ledger.collect();
            }
            took
        });
    });
    for (label, names, recent_s) in [
        ("1 name", 1, 20),
        ("100 names", 100, 20),
        ("10,000 names", 10_000, 20),
        ("1 name, no recent", 1, 0),
    ] {
        group.bench_function(format!("record and collect, {label}"), |bencher| {
            let (ledger, entries) = ledger_with(names, recent_s);
            bencher.iter(|| {
                record_batch(&ledger, &entries, 1);
                ledger.collect();
            });
        });
    }
    group.bench_function("record beside a reader", |bencher| {
        let (ledger, entries) = ledger_with(100, 20);
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    black_box(ledger.snapshot());
                }
            });
            bencher.iter(|| record_batch(&ledger, &entries, 1));
            is_over.store(true, Ordering::Relaxed);
        });
    });
    group.finish();
}

fn percentiles(criterion: &mut Criterion) {
    let (ledger, entries) = ledger_with(1, 20);
    for _ in 0..20 {
        record_batch(&ledger, &entries, 1);
    }
    ledger.collect();
    let shares = [0.5, 0.66, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0];
    let total = ledger.total();
    criterion.bench_function("eleven exact percentiles", |bencher| {
        bencher.iter(|| {
            total
                .lock()
                .map(|total| total.figures.exact_percentiles_ms(black_box(&shares)))
        });
    });
}

criterion_group!(benches, recorder, percentiles);
criterion_main!(benches);

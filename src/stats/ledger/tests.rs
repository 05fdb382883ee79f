use std::sync::Barrier;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::Duration;

use crate::stats::PartSums;

use super::*;

fn sample(entry: EntryId, ms: u64) -> Sample {
    Sample {
        entry,
        elapsed: Some(Duration::from_millis(ms)),
        length_bytes: 10,
        at_epoch_s: 1_000.0,
        failure: None,
        parts: None,
    }
}

fn requests(ledger: &Ledger) -> u64 {
    ledger.collect();
    lock(&ledger.total()).figures.num_requests
}

#[test]
fn interning_shows_nothing_and_is_stable() {
    let ledger = Ledger::new(2);
    let id = ledger.intern("GET", "/a");
    assert_eq!(id, ledger.intern("GET", "/a"));
    assert_ne!(id, ledger.intern("POST", "/a"));
    assert!(ledger.entries_from(0).1.is_empty());
    ledger.record(1, sample(id, 5));
    let (_, listed) = ledger.entries_from(0);
    assert_eq!(
        listed
            .iter()
            .map(|entry| (&*entry.method, &*entry.name))
            .collect::<Vec<_>>(),
        [("GET", "/a")]
    );
}

#[test]
fn parts_are_counted_where_they_are_known_and_reset_with_the_entry() {
    let ledger = Ledger::new(2);
    let id = ledger.intern("GET", "/a");
    let parts = Some(Parts([1, 2, 3, 4, 5, 6, 7]));
    ledger.record(1, Sample { parts, ..sample(id, 5) });
    ledger.record(1, sample(id, 5));
    ledger.record_request(0, id, None, 0, 1_000.0, None);
    ledger.record_parts(0, id, Parts([9, 0, 0, 0, 0, 0, 0]));
    let expected = PartSums {
        count: 2,
        totals_us: [10, 2, 3, 4, 5, 6, 7],
        max_us: [9, 2, 3, 4, 5, 6, 7],
    };
    let snapshot = ledger.take(2_000.0);
    assert_eq!(snapshot.total.parts, expected);
    assert_eq!(snapshot.total.num_requests, 3);
    assert_eq!(snapshot.entries.values().next().unwrap().parts, expected);
    assert_eq!(ledger.snapshot().total.parts, PartSums::default());
}

#[test]
fn an_entry_counts_what_was_recorded() {
    let ledger = Ledger::new(1);
    let id = ledger.intern("GET", "/a");
    for (ms, at, failure) in [
        (Some(20), 1_000.25, None),
        (Some(147), 1_001.5, Some("boom")),
        (None, 1_001.75, Some("boom")),
    ] {
        let failure = failure.map(Arc::from);
        ledger.record(
            0,
            Sample {
                entry: id,
                elapsed: ms.map(Duration::from_millis),
                length_bytes: 7,
                at_epoch_s: at,
                failure,
                parts: None,
            },
        );
    }
    let (_, listed) = ledger.entries_from(0);
    let entry = lock(&listed[0].entry);
    let figures = &entry.figures;
    assert_eq!(
        (figures.num_requests, figures.num_none_requests, figures.num_failures),
        (3, 1, 2)
    );
    assert!((figures.total_response_time_ms() - 167.0).abs() < 1e-9);
    assert_eq!(
        (figures.min_response_time_ms, figures.max_response_time_ms),
        (Some(20.0), 147.0)
    );
    assert_eq!(figures.total_content_length_bytes, 21);
    assert_eq!(
        (figures.start_time_s, figures.last_request_timestamp_s),
        (Some(1_000.25), Some(1_001.75))
    );
    assert_eq!(figures.response_times.iter().collect::<Vec<_>>(), [(20, 1), (150, 1)]);
    assert_eq!(figures.window.sum(1_001, 1_002), (2, 2));
    assert_eq!(
        figures.exact_percentiles_ms(&[1.0, 0.0, 0.5]),
        Some(vec![147.0, 20.0, 147.0])
    );
    let (_, failures) = ledger.failures_from(0);
    assert_eq!(failures.len(), 1);
    let failure = *lock(&failures[0].failure);
    assert_eq!(
        failure,
        Failure {
            occurrences: 2,
            first_seen_s: Some(1_001.5),
            last_seen_s: Some(1_001.75)
        }
    );
}

#[test]
fn a_hold_keeps_entries_still_and_loses_nothing() {
    let ledger = Ledger::new(1);
    let id = ledger.intern("GET", "/a");
    ledger.record(0, sample(id, 1));
    let hold = ledger.hold();
    for _ in 0..3 * SHARD_SAMPLES {
        ledger.record(0, sample(id, 1));
    }
    assert_eq!(requests(&ledger), 1);
    drop(hold);
    assert_eq!(requests(&ledger), 1 + 3 * SHARD_SAMPLES as u64);
}

#[test]
fn what_is_recorded_during_a_hold_survives_what_is_cleared_in_it() {
    let ledger = Ledger::new(1);
    let id = ledger.intern("GET", "/a");
    let fail = || {
        ledger.record(
            0,
            Sample {
                failure: Some(Arc::from("boom")),
                ..sample(id, 1)
            },
        );
    };
    fail();
    let hold = ledger.hold();
    fail();
    ledger.abort(0);
    assert_eq!(
        ledger
            .take(5.0)
            .failures
            .values()
            .map(|failure| failure.occurrences)
            .sum::<u64>(),
        1
    );
    ledger.clear_failures();
    ledger.reset_all(6.0);
    assert_eq!(ledger.aborted(), 0);
    drop(hold);
    assert_eq!(lock(&ledger.failures_from(0).1[0].failure).occurrences, 1);
    assert_eq!((requests(&ledger), ledger.aborted()), (1, 1));
}

#[test]
fn clearing_leaves_old_handles_alone_and_numbers_good() {
    let ledger = Ledger::new(1);
    let id = ledger.intern("GET", "/a");
    ledger.record(0, sample(id, 1));
    let (edition, listed) = ledger.entries_from(0);
    ledger.clear_all(2_000.0);
    assert_ne!(ledger.entries_from(0).0, edition);
    assert!(ledger.entries_from(0).1.is_empty());
    ledger.record(0, sample(id, 1));
    ledger.record(0, sample(id, 1));
    assert_eq!(requests(&ledger), 2);
    assert_eq!(lock(&listed[0].entry).figures.num_requests, 1);
    assert_eq!(lock(&ledger.entries_from(0).1[0].entry).figures.num_requests, 2);
}

#[test]
fn aborted_requests_are_counted_apart() {
    let ledger = Ledger::new(2);
    ledger.abort(0);
    ledger.abort(1);
    assert_eq!((ledger.aborted(), requests(&ledger)), (2, 0));
    ledger.reset_all(1.0);
    assert_eq!(ledger.aborted(), 0);
}

/// Four threads record while others collect, hold, reset and clear: what each period counted adds up to what was recorded.
#[test]
fn no_sample_is_lost_or_counted_twice_over_any_swap() {
    const THREADS: usize = 4;
    const SAMPLES: u64 = 30_000;
    let ledger = Ledger::new(THREADS);
    let start = Barrier::new(THREADS + 1);
    let done = AtomicU64::new(0);
    let mut counted = (0, 0, 0);
    let mut take = |snapshot: &Snapshot| {
        let entries: u64 = snapshot.entries.values().map(|figures| figures.num_requests).sum();
        assert_eq!(
            entries, snapshot.total.num_requests,
            "the entries and the total are of one moment"
        );
        assert_eq!(snapshot.total.exact.count(), entries);
        assert_eq!(
            snapshot
                .total
                .response_times
                .iter()
                .map(|(_, count)| count)
                .sum::<u64>(),
            entries
        );
        counted.0 += entries;
        counted.1 += snapshot
            .failures
            .values()
            .map(|failure| failure.occurrences)
            .sum::<u64>();
        counted.2 += snapshot.num_aborted;
    };
    thread::scope(|scope| {
        for shard in 0..THREADS {
            let (ledger, start, done) = (&ledger, &start, &done);
            scope.spawn(move || {
                start.wait();
                for turn in 0..SAMPLES {
                    let id = ledger.intern("GET", ["/a", "/b", "/c"][turn as usize % 3]);
                    let failure = (turn % 10 == 0).then(|| Arc::from("boom"));
                    ledger.record(
                        shard,
                        Sample {
                            failure,
                            ..sample(id, turn % 500)
                        },
                    );
                    if turn % 100 == 0 {
                        ledger.abort(shard);
                    }
                }
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        start.wait();
        let mut turn = 0;
        while done.load(Ordering::SeqCst) < THREADS as u64 {
            if turn % 2 == 0 {
                take(&ledger.take(1.0));
            } else {
                let mut book = lock(&ledger.book);
                ledger.merge_all(&mut book);
                take(&ledger.copy(&book));
                book.clear(1.0);
            }
            drop(ledger.hold());
            ledger.collect();
            turn += 1;
        }
    });
    take(&ledger.snapshot());
    let recorded = THREADS as u64 * SAMPLES;
    assert_eq!(counted, (recorded, recorded / 10, recorded / 100));
}

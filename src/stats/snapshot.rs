//! A copy of everything that no longer changes: to be merged with others (several workers) and sent as bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::bucket::Buckets;
use super::encoding::{DecodeError, Reader, Writer};
use super::failure::Failure;
use super::figures::Figures;
use super::histogram::Histogram;
use super::parts::{PARTS, PartSums};
use super::window::{TOTAL_WINDOW_SECONDS, Window};

const VERSION: u8 = 2;

/// What makes two failures the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FailureKey {
    /// The method of the entry that failed.
    pub method: Arc<str>,
    /// The name of the entry that failed.
    pub name: Arc<str>,
    /// What the failure says.
    pub text: Arc<str>,
}

/// All figures as of one moment. Merging is associative and commutative.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The total over all entries.
    pub total: Figures,
    /// By (name, method), as Locust's `entries`.
    pub entries: BTreeMap<(Arc<str>, Arc<str>), Figures>,
    /// All failures.
    pub failures: BTreeMap<FailureKey, Failure>,
    /// Requests that were begun and never reported, because their user was stopped.
    pub num_aborted: u64,
}

impl Snapshot {
    /// Adds everything that `other` holds.
    pub fn merge(&mut self, other: &Self) {
        self.total.merge(&other.total);
        for (key, figures) in &other.entries {
            self.entries.entry(key.clone()).or_default().merge(figures);
        }
        for (key, failure) in &other.failures {
            self.failures.entry(key.clone()).or_default().merge(failure);
        }
        self.num_aborted += other.num_aborted;
    }

    /// The snapshot as bytes, beginning with a version.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.byte(VERSION);
        write_figures(&mut writer, &self.total);
        writer.number(self.entries.len() as u64);
        for ((name, method), figures) in &self.entries {
            writer.text(name);
            writer.text(method);
            write_figures(&mut writer, figures);
        }
        writer.number(self.failures.len() as u64);
        for (key, failure) in &self.failures {
            for text in [&key.method, &key.name, &key.text] {
                writer.text(text);
            }
            writer.number(failure.occurrences);
            writer.optional_double(failure.first_seen_s);
            writer.optional_double(failure.last_seen_s);
        }
        writer.number(self.num_aborted);
        writer.0
    }

    /// The snapshot that [`Snapshot::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are not all of one snapshot of a version that is known here.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader(bytes);
        match reader.byte()? {
            VERSION => {}
            version => return Err(DecodeError::UnknownVersion(version)),
        }
        let mut snapshot = Self {
            total: read_figures(&mut reader)?,
            ..Self::default()
        };
        for _ in 0..reader.count()? {
            let key = (reader.text()?, reader.text()?);
            snapshot.entries.insert(key, read_figures(&mut reader)?);
        }
        for _ in 0..reader.count()? {
            let key = FailureKey {
                method: reader.text()?,
                name: reader.text()?,
                text: reader.text()?,
            };
            let failure = Failure {
                occurrences: reader.number()?,
                first_seen_s: reader.optional_double()?,
                last_seen_s: reader.optional_double()?,
            };
            snapshot.failures.insert(key, failure);
        }
        snapshot.num_aborted = reader.number()?;
        if reader.0.is_empty() {
            Ok(snapshot)
        } else {
            Err(DecodeError::Malformed("bytes are left over"))
        }
    }
}

fn write_figures(writer: &mut Writer, figures: &Figures) {
    writer.number(figures.num_requests);
    writer.number(figures.num_none_requests);
    writer.number(figures.num_failures);
    writer.signed(figures.total_response_time_ns);
    writer.double(figures.loose_response_time_ms);
    writer.optional_double(figures.min_response_time_ms);
    writer.double(figures.max_response_time_ms);
    writer.number(figures.total_content_length_bytes);
    writer.optional_double(figures.start_time_s);
    writer.optional_double(figures.last_request_timestamp_s);
    writer.byte(u8::from(figures.is_whole));
    writer.byte(u8::from(figures.is_rounded));
    let buckets: Vec<(i64, u64)> = figures.response_times.iter().collect();
    writer.number(buckets.len() as u64);
    for (key, count) in buckets {
        writer.signed(i128::from(key));
        writer.number(count);
    }
    let cells = figures.exact.cells();
    writer.number(cells.len() as u64);
    for (value_us, count) in cells {
        writer.number(value_us);
        writer.number(count);
    }
    let seconds: Vec<_> = figures.window.iter().collect();
    writer.number(seconds.len() as u64);
    for second in seconds {
        writer.signed(i128::from(second.at_epoch_s));
        writer.number(second.requests);
        writer.number(second.failures);
    }
    writer.number(figures.parts.count);
    for (&total_us, &max_us) in figures.parts.totals_us.iter().zip(&figures.parts.max_us) {
        writer.number(total_us);
        writer.number(max_us.into());
    }
}

fn read_figures(reader: &mut Reader<'_>) -> Result<Figures, DecodeError> {
    let mut figures = Figures {
        num_requests: reader.number()?,
        num_none_requests: reader.number()?,
        num_failures: reader.number()?,
        total_response_time_ns: reader.signed()?,
        loose_response_time_ms: reader.double()?,
        min_response_time_ms: reader.optional_double()?,
        max_response_time_ms: reader.double()?,
        total_content_length_bytes: reader.number()?,
        start_time_s: reader.optional_double()?,
        last_request_timestamp_s: reader.optional_double()?,
        is_whole: reader.flag()?,
        is_rounded: reader.flag()?,
        response_times: Buckets::default(),
        exact: Histogram::default(),
        window: Window::reaching(TOTAL_WINDOW_SECONDS),
        parts: PartSums::default(),
    };
    for _ in 0..reader.count()? {
        figures.response_times.set(reader.second()?, reader.number()?);
    }
    for _ in 0..reader.count()? {
        figures.exact.record(reader.number()?, reader.number()?);
    }
    for _ in 0..reader.count()? {
        figures.window.add(reader.second()?, reader.number()?, reader.number()?);
    }
    figures.parts.count = reader.number()?;
    for place in 0..PARTS {
        figures.parts.totals_us[place] = reader.number()?;
        let max_us = u32::try_from(reader.number()?);
        figures.parts.max_us[place] = max_us.map_err(|_| DecodeError::Malformed("a number is too large"))?;
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use crate::stats::{Ledger, Parts, Sample, lock};

    use super::*;

    /// (name, milliseconds and a fraction or none, second, failure)
    type Event = (u8, Option<u32>, u16, Option<u8>);

    fn events() -> impl Strategy<Value = Vec<Event>> {
        prop::collection::vec(
            (
                0_u8..4,
                prop::option::weighted(0.9, 0_u32..3_000_000),
                0_u16..9_000,
                prop::option::weighted(0.2, 0_u8..3),
            ),
            0..120,
        )
    }

    fn snapshot(events: &[Event]) -> Snapshot {
        let ledger = Ledger::new(3);
        for (turn, &(name, elapsed_us, second, failure)) in events.iter().enumerate() {
            let entry = ledger.intern(
                ["GET", "POST"][usize::from(name % 2)],
                ["/a", "/b"][usize::from(name / 2)],
            );
            ledger.record(
                turn,
                Sample {
                    entry,
                    elapsed: elapsed_us.map(|us| Duration::from_micros(us.into())),
                    length_bytes: u64::from(second),
                    at_epoch_s: 1_000_000.0 + f64::from(second),
                    failure: failure.map(|number| Arc::from(format!("failure {number}"))),
                    parts: elapsed_us.map(|us| Parts([0, us / 7, us, u32::MAX - us, 1, u32::from(second), us % 9])),
                },
            );
            if second % 100 == 0 {
                ledger.abort(turn);
            }
        }
        ledger.snapshot()
    }

    fn joined(one: &Snapshot, other: &Snapshot) -> Snapshot {
        let mut joined = one.clone();
        joined.merge(other);
        joined
    }

    proptest! {
        #[test]
        fn merge_is_associative_and_commutative(a in events(), b in events(), c in events()) {
            let (a, b, c) = (snapshot(&a), snapshot(&b), snapshot(&c));
            prop_assert_eq!(joined(&a, &b), joined(&b, &a));
            prop_assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)));
        }

        #[test]
        fn parts_sum_to_the_whole(events in events(), cut in 0_usize..120) {
            let cut = cut.min(events.len());
            let mut parts = joined(&snapshot(&events[..cut]), &snapshot(&events[cut..]));
            let mut whole = snapshot(&events);
            // When an entry began to count depends on what was counted first, not on the earliest sample.
            for figures in [&mut parts, &mut whole].into_iter().flat_map(|part| part.entries.values_mut().chain([&mut part.total])) {
                figures.start_time_s = None;
            }
            prop_assert_eq!(parts, whole);
        }

        #[test]
        fn bytes_are_an_identity(events in events()) {
            let snapshot = snapshot(&events);
            prop_assert_eq!(Snapshot::from_bytes(&snapshot.to_bytes()), Ok(snapshot));
        }

        #[test]
        fn bytes_cut_short_are_refused(events in events(), cut in 0.0..1.0_f64) {
            let bytes = snapshot(&events).to_bytes();
            let kept = (bytes.len() as f64 * cut) as usize;
            prop_assert!(Snapshot::from_bytes(&bytes[..kept]).is_err());
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Snapshot::from_bytes(&bytes);
        }
    }

    #[test]
    fn python_sums_and_whole_numbers_survive_the_bytes() {
        use crate::stats::ResponseTime;
        let ledger = Ledger::new(1);
        let id = ledger.intern("GRPC", "call");
        ledger.record_request(0, id, Some(ResponseTime::LooseMs(1.1)), 0, 5.0, None);
        ledger.record_request(0, id, Some(ResponseTime::LooseMs(1.99)), 0, 5.0, None);
        ledger.record_request(0, id, Some(ResponseTime::LooseMs(3.1)), 0, 5.0, None);
        lock(&ledger.total()).figures.is_rounded = true;
        let snapshot = Snapshot::from_bytes(&ledger.snapshot().to_bytes()).unwrap();
        assert_eq!(
            snapshot.total.total_response_time_ms().to_bits(),
            (1.1_f64 + 1.99 + 3.1).to_bits()
        );
        assert!(snapshot.total.is_rounded && !snapshot.total.is_whole);
        assert_eq!(Snapshot::from_bytes(&[9]), Err(DecodeError::UnknownVersion(9)));
    }
}

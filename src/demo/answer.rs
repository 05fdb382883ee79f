//! What one request is answered with. Pure: no clock, no socket.

use std::{str::FromStr, time::Duration};

use http::StatusCode;

/// The longest delay that can be asked for: an hour.
const LONGEST_DELAY_MS: f64 = 3_600_000.0;

/// How the target behaves: what every answer takes and says, unless the request's query asks for something else.
///
/// `?delay=MS` and `?status=CODE` override the two for one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// Time between the arrival of a request's head and its answer.
    pub delay: Duration,
    /// The status of the answer.
    pub status: StatusCode,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            status: StatusCode::OK,
        }
    }
}

impl Manner {
    /// A manner from the numbers a command line has.
    ///
    /// # Errors
    /// A sentence for the user, when the delay is not a number of milliseconds between 0 and an hour or the status is not a final
    /// HTTP status (200 to 599).
    pub fn new(delay_ms: f64, status: u16) -> Result<Self, String> {
        Ok(Self {
            delay: checked_delay(delay_ms)?,
            status: checked_status(status)?,
        })
    }

    /// This manner as one request's query wants it. Unknown parameters are the caller's business and ignored.
    pub(super) fn for_query(self, query: &str) -> Result<Self, String> {
        let mut manner = self;
        for pair in query.split('&') {
            match pair.split_once('=') {
                Some(("delay", value)) => manner.delay = checked_delay(number("delay", value)?)?,
                Some(("status", value)) => manner.status = checked_status(number("status", value)?)?,
                _ => {}
            }
        }
        Ok(manner)
    }
}

fn number<N: FromStr>(name: &str, value: &str) -> Result<N, String> {
    value.parse().map_err(|_| format!("{name} is not a number: {value:?}"))
}

fn checked_delay(delay_ms: f64) -> Result<Duration, String> {
    if (0.0..=LONGEST_DELAY_MS).contains(&delay_ms) {
        Ok(Duration::from_secs_f64(delay_ms / 1e3))
    } else {
        Err(format!(
            "a delay is 0 to {LONGEST_DELAY_MS} milliseconds, not {delay_ms}"
        ))
    }
}

fn checked_status(code: u16) -> Result<StatusCode, String> {
    match StatusCode::from_u16(code) {
        Ok(status) if (200..600).contains(&code) => Ok(status),
        _ => Err(format!("a status is 200 to 599, not {code}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_overrides_only_what_it_names() {
        let usual = Manner::new(5.0, 201).unwrap();
        assert_eq!(usual.for_query(""), Ok(usual));
        assert_eq!(usual.for_query("page=2&sort"), Ok(usual));
        assert_eq!(
            usual.for_query("status=503"),
            Ok(Manner {
                status: StatusCode::SERVICE_UNAVAILABLE,
                ..usual
            })
        );
        assert_eq!(
            usual.for_query("a=1&delay=0.25"),
            Ok(Manner {
                delay: Duration::from_micros(250),
                ..usual
            })
        );
    }

    #[test]
    fn what_cannot_be_kept_is_refused_with_a_sentence() {
        let usual = Manner::default();
        for query in [
            "delay=soon",
            "delay=-1",
            "delay=nan",
            "delay=1e9",
            "status=100",
            "status=600",
            "status=ok",
        ] {
            let sentence = usual.for_query(query).unwrap_err();
            assert!(
                sentence.contains(query.split('=').next().unwrap()),
                "{query}: {sentence}"
            );
        }
    }
}

//! What the statistics say of a response, in the words of the client the user chose.
//!
//! Only statuses are judged here: they are frequent, and known on the lane. A connection that failed is judged in Python, where the
//! exception object that the user's code sees is built: one text, one place.

use std::fmt::Write as _;

/// Whose rules and words apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `HttpUser`: `requests.Response.raise_for_status`.
    Requests,
    /// `FastHttpUser`: any status outside Locust's list of valid ones.
    Fast,
}

impl Dialect {
    /// The failure text for `status`, or `None` when it is a success.
    #[must_use]
    pub fn failure(self, status: u16, reason: &str, name: &str) -> Option<String> {
        match self {
            Self::Requests => {
                let blame = match status {
                    400..=499 => "Client",
                    500..=599 => "Server",
                    _ => return None,
                };
                let message = format!("{status} {blame} Error: {reason} for url: {name}");
                Some(format!("HTTPError({})", python_repr(&message)))
            }
            Self::Fast => match status {
                200..=208 | 226 | 301..=304 | 307 | 308 => None,
                _ => Some(format!("LocustBadStatusCode(code={status})")),
            },
        }
    }
}

/// `repr(text)` as Python writes it, for text of the kind that names and reasons are made of.
#[must_use]
pub fn python_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            '\0'..='\x1f' | '\x7f'..='\u{a0}' | '\u{ad}' => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_judges_as_raise_for_status_does() {
        let verdict = |status, reason| Dialect::Requests.failure(status, reason, "/a");
        assert_eq!(verdict(200, "OK"), None);
        assert_eq!(verdict(302, "Found"), None);
        assert_eq!(verdict(600, "Odd"), None);
        assert_eq!(
            verdict(404, "Not Found").as_deref(),
            Some("HTTPError('404 Client Error: Not Found for url: /a')")
        );
        assert_eq!(
            verdict(503, "Busy").as_deref(),
            Some("HTTPError('503 Server Error: Busy for url: /a')")
        );
    }

    #[test]
    fn fast_judges_by_its_list() {
        let verdict = |status| Dialect::Fast.failure(status, "", "/a");
        for valid in [200, 204, 208, 226, 301, 304, 307, 308] {
            assert_eq!(verdict(valid), None);
        }
        for invalid in [209, 300, 305, 400, 404, 500, 600] {
            assert_eq!(verdict(invalid), Some(format!("LocustBadStatusCode(code={invalid})")));
        }
    }

    #[test]
    fn reprs_are_pythons() {
        for (text, repr) in [
            ("plain", "'plain'"),
            ("it's", "\"it's\""),
            ("it's \"it\"", "'it\\'s \"it\"'"),
            ("a\\b\n\t\x01\x7f", "'a\\\\b\\n\\t\\x01\\x7f'"),
            ("caf\u{e9} \u{a0}", "'caf\u{e9} \\xa0'"),
        ] {
            assert_eq!(python_repr(text), repr);
        }
    }
}

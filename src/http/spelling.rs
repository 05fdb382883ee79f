//! How header names are spelled on the wire.
//!
//! To the codec names are lower case, and it writes all of them in Title-Case. Users see their own spelling at the
//! server, and some servers look: so when a request has names that are spelled otherwise, the connection shows this
//! file what it is about to write, and the head goes out with the names as they were given. Changing case changes no
//! length, so nothing else moves.
//!
//! Pure: no sockets, no clock.

use std::sync::Arc;

const HEAD_END: &[u8] = b"\r\n\r\n";

/// The names of a request that are not in Title-Case, as they were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelling {
    names: Arc<[Box<str>]>,
}

impl Spelling {
    /// What has to be spelled, of these names; `None` when the codec would write all of them so anyway.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let odd: Vec<Box<str>> = names
            .into_iter()
            .filter(|name| !is_title_case(name))
            .map(Into::into)
            .collect();
        (!odd.is_empty()).then(|| Self { names: odd.into() })
    }

    fn spell(&self, head: &mut [u8]) {
        let mut lines = head.split_mut(|byte| *byte == b'\n');
        // The request line has no name.
        lines.next();
        for line in lines {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else {
                continue;
            };
            let name = &mut line[..colon];
            if let Some(own) = self.names.iter().find(|own| own.as_bytes().eq_ignore_ascii_case(name)) {
                name.copy_from_slice(own.as_bytes());
            }
        }
    }
}

/// Whether this is how the codec writes it: upper case at the start and after each hyphen, lower case elsewhere.
fn is_title_case(name: &str) -> bool {
    let mut starts = true;
    name.bytes().all(|byte| {
        let fits = if starts {
            !byte.is_ascii_lowercase()
        } else {
            !byte.is_ascii_uppercase()
        };
        starts = byte == b'-';
        fits
    })
}

/// One head on its way out.
#[derive(Debug)]
pub(crate) struct Speller {
    spelling: Spelling,
    /// The head as it is to go out, once its first bytes came by.
    head: Vec<u8>,
    written: usize,
}

impl Speller {
    pub(crate) fn new(spelling: Spelling) -> Self {
        Self {
            spelling,
            head: Vec::new(),
            written: 0,
        }
    }

    /// What goes out in place of the beginning of `bytes`, as long as that.
    pub(crate) fn spelled(&mut self, bytes: &[u8]) -> &[u8] {
        if self.head.is_empty() {
            let end = bytes.windows(HEAD_END.len()).position(|window| window == HEAD_END);
            self.head = bytes[..end.map_or(bytes.len(), |end| end + HEAD_END.len())].to_vec();
            self.spelling.spell(&mut self.head);
        }
        let rest = &self.head[self.written..];
        &rest[..rest.len().min(bytes.len())]
    }

    /// Notes that so many bytes went out; says whether the whole head has.
    pub(crate) fn wrote(&mut self, count: usize) -> bool {
        self.written = (self.written + count).min(self.head.len());
        self.written == self.head.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_title_case_need_nothing() {
        assert_eq!(Spelling::of(["Host", "X-Trace-2", "User-Agent", "-", "1a"]), None);
        for odd in ["host", "X-MiXeD", "ETag", "x", "Content-type"] {
            assert!(Spelling::of(["Host", odd]).is_some(), "{odd}");
        }
    }

    #[test]
    fn names_are_spelled_and_nothing_else_changes() {
        let spelling = Spelling::of(["x-lower", "Host", "ETag"]).expect("odd names");
        let head = b"GET /x-lower: HTTP/1.1\r\nHost: x-lower\r\nX-Lower: Etag: 1\r\nEtag: e\r\n\r\n";
        let body = b"X-Lower: body";
        let whole = [&head[..], body].concat();
        let mut speller = Speller::new(spelling);
        let spelled = speller.spelled(&whole).to_vec();
        assert_eq!(
            String::from_utf8_lossy(&spelled),
            "GET /x-lower: HTTP/1.1\r\nHost: x-lower\r\nx-lower: Etag: 1\r\nETag: e\r\n\r\n"
        );
    }

    #[test]
    fn a_head_that_goes_out_in_pieces_is_spelled_whole() {
        let head = b"GET / HTTP/1.1\r\nX-Lower: 1\r\n\r\n";
        for piece in 1..head.len() {
            let mut speller = Speller::new(Spelling::of(["x-lower"]).expect("an odd name"));
            let mut out = Vec::new();
            let mut is_done = false;
            while !is_done {
                let bytes = speller.spelled(&head[out.len()..]);
                let count = bytes.len().min(piece);
                out.extend_from_slice(&bytes[..count]);
                is_done = speller.wrote(count);
            }
            assert_eq!(out, b"GET / HTTP/1.1\r\nx-lower: 1\r\n\r\n");
        }
    }
}

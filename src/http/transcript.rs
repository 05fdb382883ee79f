//! What a response looked like before the codec made sense of it: the raw head, and the frame of a body in chunks.
//!
//! The codec gives header names in lower case, and of what it cannot read only that it could not. Users see more than
//! that: names in the server's own spelling, the line that was no status line, how far a chunk came. So the connection
//! shows this file what it reads; it keeps the head, and of a chunked body nothing but where in a chunk it stands.
//!
//! Pure: no sockets, no clock. It never judges a response; the codec alone does.

use std::io::BufRead;

use super::failure::ChunkBreak;

/// Longest head that is kept (and longest chunk size line); `http.client` reads no longer lines either. Of a longer
/// one nothing is kept.
const MAX_KEPT_BYTES: usize = 65_536;

/// The raw side of one response at a time.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    state: State,
    /// The head so far. The memory is kept from one response to the next.
    head: Vec<u8>,
    /// Where in `head` the line begins that is still coming.
    line_start: usize,
    /// Where the body is, when the head says that it comes in chunks.
    chunks: Option<Chunks>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing is awaited, or the head is too long.
    #[default]
    Deaf,
    Head,
    Body,
}

impl Transcript {
    /// Forgets the last response and awaits the head of the next one.
    pub(crate) fn begin(&mut self) {
        self.state = State::Head;
        self.head.clear();
        self.line_start = 0;
        self.chunks = None;
    }

    /// Gives the memory back, when nothing is awaited for a while.
    pub(crate) fn rest(&mut self) {
        *self = Self::default();
    }

    /// Takes note of bytes just read.
    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        let rest = if self.state == State::Head {
            self.hear_head(bytes)
        } else {
            bytes
        };
        if self.state == State::Body
            && let Some(chunks) = &mut self.chunks
        {
            chunks.hear(rest);
        }
    }

    /// The head, in lines as they came. Empty when it was too long to be kept.
    pub(crate) fn head(&self) -> Box<[u8]> {
        self.head.as_slice().into()
    }

    /// What stands where a status line should be, if it is none.
    pub(crate) fn bad_status_line(&self) -> Option<Box<[u8]>> {
        let line = &self.head[..line_length(&self.head)];
        (!line.is_empty() && !is_status_line(line)).then(|| line.into())
    }

    /// Where in its chunks the body is; `None` when it does not come in chunks.
    pub(crate) fn chunk_break(&self) -> Option<ChunkBreak> {
        self.chunks.as_ref().map(Chunks::place)
    }

    /// Gives back what is not of the head.
    fn hear_head<'a>(&mut self, mut bytes: &'a [u8]) -> &'a [u8] {
        while self.state == State::Head && !bytes.is_empty() {
            let (piece, rest) = bytes.split_at(line_length(bytes));
            bytes = rest;
            if self.head.len() + piece.len() > MAX_KEPT_BYTES {
                self.head.clear();
                self.state = State::Deaf;
                break;
            }
            self.head.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.end_line();
            }
        }
        bytes
    }

    fn end_line(&mut self) {
        let line = &self.head[self.line_start..];
        if matches!(line, b"\r\n" | b"\n") {
            if self.line_start == 0 || is_interim(&self.head) {
                // Empty lines before a status line do not count; after an interim response comes another head.
                self.begin();
            } else {
                self.state = State::Body;
            }
            return;
        }
        if tells_of_chunks(line) {
            self.chunks = Some(Chunks::default());
        }
        self.line_start = self.head.len();
    }
}

/// The names in a head, as spelled there.
pub(super) fn names(head: &[u8]) -> impl Iterator<Item = &str> {
    head.split(|byte| *byte == b'\n').skip(1).filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        std::str::from_utf8(&line[..colon]).ok().map(str::trim_end)
    })
}

/// Up to and including the first line feed, or all there is.
fn line_length(mut bytes: &[u8]) -> usize {
    // Searching slices for a byte is quick in here; reading from memory never fails.
    bytes.skip_until(b'\n').unwrap_or_default()
}

fn is_status_line(line: &[u8]) -> bool {
    line.strip_prefix(b"HTTP/1.").is_some_and(|rest| {
        matches!(rest, [b'0' | b'1', b' ', code @ ..]
            if code.len() >= 3 && code[..3].iter().all(u8::is_ascii_digit) && code.get(3).is_none_or(u8::is_ascii_whitespace))
    })
}

/// Whether the head is of a `1xx` response, which another one follows. (After a 101 comes no HTTP at all.)
fn is_interim(head: &[u8]) -> bool {
    const STATUS_AT: usize = "HTTP/1.1 ".len();
    head.get(STATUS_AT) == Some(&b'1') && !head[STATUS_AT..].starts_with(b"101")
}

fn tells_of_chunks(line: &[u8]) -> bool {
    const NAME: &[u8] = b"transfer-encoding:";
    const CHUNKED: &[u8] = b"chunked";
    matches!(line.first(), Some(b't' | b'T'))
        && line.len() > NAME.len()
        && line[..NAME.len()].eq_ignore_ascii_case(NAME)
        && line[NAME.len()..].trim_ascii().to_ascii_lowercase().ends_with(CHUNKED)
}

/// Where in a body of chunks the connection is.
#[derive(Debug, Default)]
struct Chunks {
    part: Part,
    /// The size line so far.
    line: Vec<u8>,
    /// Of the present part, in bytes.
    received: u64,
    missing: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Size,
    Data,
    /// The line end that follows the data.
    DataEnd,
    /// After the last chunk.
    Trailers,
    /// After a size that is none.
    Broken,
}

impl Chunks {
    fn hear(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let count = match self.part {
                Part::Size => self.hear_size(bytes),
                Part::Data => self.hear_data(bytes, Part::DataEnd, 2),
                Part::DataEnd => self.hear_data(bytes, Part::Size, 0),
                Part::Trailers | Part::Broken => return,
            };
            bytes = &bytes[count..];
        }
    }

    fn hear_size(&mut self, bytes: &[u8]) -> usize {
        let count = line_length(bytes);
        self.line.extend_from_slice(&bytes[..count]);
        if self.line.len() > MAX_KEPT_BYTES {
            self.line.truncate(MAX_KEPT_BYTES);
            self.part = Part::Broken;
        } else if self.line.ends_with(b"\n") {
            match chunk_size(&self.line) {
                None => self.part = Part::Broken,
                Some(0) => self.part = Part::Trailers,
                Some(size) => {
                    self.line.clear();
                    self.enter(Part::Data, size);
                }
            }
        }
        count
    }

    fn hear_data(&mut self, bytes: &[u8], next: Part, next_bytes: u64) -> usize {
        let count = self.missing.min(bytes.len() as u64);
        self.received += count;
        self.missing -= count;
        if self.missing == 0 {
            self.enter(next, next_bytes);
        }
        count as usize
    }

    fn enter(&mut self, part: Part, length: u64) {
        self.part = part;
        self.received = 0;
        self.missing = length;
    }

    fn place(&self) -> ChunkBreak {
        match self.part {
            Part::Data | Part::DataEnd => ChunkBreak::Inside {
                received: self.received,
                missing: self.missing,
            },
            Part::Size | Part::Broken if !self.line.is_empty() => match chunk_size(&self.line) {
                // The whole size may have come without its line end.
                Some(missing) => ChunkBreak::Inside { received: 0, missing },
                None => ChunkBreak::BadSize(self.line.as_slice().into()),
            },
            Part::Size | Part::Broken | Part::Trailers => ChunkBreak::Between,
        }
    }
}

/// The size that a line tells, extensions aside.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii_end();
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is known after these bytes, in pieces of every size.
    fn heard(response: &[u8], check: impl Fn(&Transcript)) {
        let mut transcript = Transcript::default();
        for size in 1..=response.len() {
            transcript.begin();
            response.chunks(size).for_each(|piece| transcript.hear(piece));
            check(&transcript);
        }
    }

    #[test]
    fn head_is_kept_as_it_came_and_nothing_after_it() {
        let head = b"HTTP/1.1 200 OK\r\nX-miXed: a\r\nETag:b\nETAG : c\r\n\r\n";
        heard(&[&head[..], b"body: x\r\n\r\n"].concat(), |transcript| {
            assert_eq!(&transcript.head()[..], head);
            assert!(names(&transcript.head()).eq(["X-miXed", "ETag", "ETAG"]));
            assert_eq!((transcript.bad_status_line(), transcript.chunk_break()), (None, None));
        });
    }

    #[test]
    fn interim_heads_and_empty_lines_before_a_head_are_forgotten() {
        let interim = b"\r\nHTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n";
        heard(
            &[&interim[..], b"HTTP/1.1 200 OK\r\na: b\r\n\r\n"].concat(),
            |transcript| {
                assert_eq!(&transcript.head()[..], b"HTTP/1.1 200 OK\r\na: b\r\n\r\n");
                assert_eq!(transcript.chunk_break(), None);
            },
        );
    }

    #[test]
    fn line_that_is_no_status_line_is_told() {
        for (response, line) in [
            ("SSH-2.0-x\r\nmore", Some("SSH-2.0-x\r\n")),
            ("HT", Some("HT")),
            ("HTTP/1.1 abc\r\n", Some("HTTP/1.1 abc\r\n")),
            ("HTTP/1.1 2000\r\n", Some("HTTP/1.1 2000\r\n")),
            ("HTTP/2 200\r\n", Some("HTTP/2 200\r\n")),
            ("HTTP/1.0 404\r\n", None),
            ("HTTP/1.1 200 OK\r\nno colon", None),
        ] {
            heard(response.as_bytes(), |transcript| {
                assert_eq!(
                    transcript.bad_status_line().as_deref(),
                    line.map(str::as_bytes),
                    "{response}"
                );
            });
        }
    }

    #[test]
    fn place_in_a_chunked_body_is_known() {
        let inside = |received, missing| ChunkBreak::Inside { received, missing };
        for (body, place) in [
            ("", ChunkBreak::Between),
            ("ff\r\nhalf", inside(4, 251)),
            ("ff", inside(0, 255)),
            ("4;a=b\r\nwhol", inside(0, 2)),
            ("4 \r\nwhol\r", inside(1, 1)),
            ("4\r\nwhol\r\n", ChunkBreak::Between),
            ("4\r\nwhol\r\n3\r\n", inside(0, 3)),
            ("zz\r\nhalf", ChunkBreak::BadSize(b"zz\r\n"[..].into())),
            ("\r\n", ChunkBreak::BadSize(b"\r\n"[..].into())),
            ("+5\r\n", ChunkBreak::BadSize(b"+5\r\n"[..].into())),
            ("1\r\na\r\n0\r\n", ChunkBreak::Between),
        ] {
            let response = format!("HTTP/1.1 200 OK\r\ntransfer-ENCODING: gzip, Chunked \r\n\r\n{body}");
            heard(response.as_bytes(), |transcript| {
                assert_eq!(transcript.chunk_break(), Some(place.clone()), "{body:?}");
            });
        }
    }

    #[test]
    fn head_without_end_is_not_kept() {
        let mut transcript = Transcript::default();
        transcript.begin();
        transcript.hear(b"HTTP/1.1 200 OK\r\n");
        (0..20_000).for_each(|_| transcript.hear(b"x: y\r\n"));
        assert!(transcript.head().is_empty());
        assert!(transcript.head.capacity() <= 2 * MAX_KEPT_BYTES);
    }
}

//! What a response looked like before the codec made sense of it: the raw head, and the frame of a body in chunks.
//!
//! The codec gives header names in lower case, and of what it cannot read only that it could not. Users see more than
//! that: names in the server's own spelling, the line that was no status line, how far a chunk came. So the connection
//! shows this file what it reads; it keeps the head, and of a chunked body nothing but where in a chunk it stands.
//!
//! Pure: no sockets, no clock. It judges a response only where the codec has no bound of its own and a server could go
//! on for ever ([`Excess`]); the codec judges all the rest.

use std::collections::VecDeque;
use std::fmt;
use std::io::BufRead;

use super::failure::ChunkBreak;

/// Longest head that is kept; of a longer one only the line that is coming and the status line are.
const MAX_KEPT_BYTES: usize = 65_536;

/// Longest line, as in `http.client` and urllib3.
const MAX_LINE_BYTES: usize = 65_536;

/// Most interim (`1xx`) responses before the one that counts. Servers send one or two; stock has no bound.
pub(crate) const MAX_INTERIM_RESPONSES: u32 = 100;

/// What a line that is no status line is quoted with at most: it ends up in a table of failures.
const MAX_QUOTED_BYTES: usize = 1_024;

/// What a server has too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    InterimResponses,
    ChunkSizeLine,
}

impl fmt::Display for Excess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InterimResponses => write!(formatter, "got more than {MAX_INTERIM_RESPONSES} interim responses"),
            // In urllib3's words.
            Self::ChunkSizeLine => formatter.write_str("Response chunk size line exceeded maximum allowed length"),
        }
    }
}

impl std::error::Error for Excess {}

/// The raw side of one response at a time.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    state: State,
    /// The head so far. The memory is kept from one response to the next.
    head: Vec<u8>,
    /// Where in `head` the line begins that is still coming.
    line_start: usize,
    /// Whether `head` is all of the head.
    is_cut: bool,
    /// How many lines of the head have come whole.
    lines: usize,
    interim_responses: u32,
    excess: Option<Excess>,
    /// Where the body is, when the head says that it comes in chunks.
    chunks: Option<Chunks>,
    /// Whether the sizes of chunks are kept until somebody asks for them.
    keeps_sizes: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing is awaited.
    #[default]
    Deaf,
    /// The first bytes of a connection that should be no HTTP/1.
    Opening,
    Head,
    Body,
}

impl Transcript {
    /// Forgets the last response and awaits the head of the next one. `keeps_sizes` has the sizes of its chunks kept
    /// for [`Self::next_chunk`].
    pub(crate) fn begin(&mut self, keeps_sizes: bool) {
        self.keeps_sizes = keeps_sizes;
        self.interim_responses = 0;
        self.excess = None;
        self.begin_head();
    }

    /// Awaits the first bytes of a connection, enough to tell HTTP/1 by them.
    pub(crate) fn begin_opening(&mut self) {
        self.begin(false);
        self.state = State::Opening;
    }

    fn begin_head(&mut self) {
        self.state = State::Head;
        self.head.clear();
        self.line_start = 0;
        self.is_cut = false;
        self.lines = 0;
        self.chunks = None;
    }

    /// Gives the memory back, when nothing is awaited for a while.
    pub(crate) fn rest(&mut self) {
        *self = Self::default();
    }

    /// Takes note of bytes just read.
    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        /// `HTTP/1.1 400 Bad`.
        const OPENING_BYTES: usize = 16;
        if self.state == State::Opening {
            let room = OPENING_BYTES - self.head.len();
            self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
            if self.head.len() == OPENING_BYTES {
                self.state = State::Deaf;
            }
            return;
        }
        let rest = if self.state == State::Head {
            self.hear_head(bytes)
        } else {
            bytes
        };
        if self.state == State::Body
            && let Some(chunks) = &mut self.chunks
        {
            chunks.hear(rest);
            if chunks.line.len() > MAX_LINE_BYTES {
                self.excess = Some(Excess::ChunkSizeLine);
            }
        }
    }

    /// What there is too much of. The connection is of no use then.
    pub(crate) fn excess(&self) -> Option<Excess> {
        self.excess
    }

    /// The head, in lines as they came. Empty when it was too long to be kept.
    pub(crate) fn head(&self) -> Box<[u8]> {
        if self.is_cut {
            [].into()
        } else {
            self.head.as_slice().into()
        }
    }

    /// What stands where a status line should be, if it is none.
    pub(crate) fn bad_status_line(&self) -> Option<Box<[u8]>> {
        let line = &self.head[..line_length(&self.head)];
        (!line.is_empty() && !is_status_line(line)).then(|| line[..line.len().min(MAX_QUOTED_BYTES)].into())
    }

    /// What is too large about a head that the codec gave up on, in `http.client`'s words where it has some.
    pub(crate) fn too_large(&self) -> String {
        /// The codec's own bound, and `http.client`'s.
        const MAX_HEADERS: usize = 100;
        if self.head.len() - self.line_start > MAX_LINE_BYTES {
            let which = if self.lines == 0 { "status" } else { "header" };
            format!("got more than {MAX_LINE_BYTES} bytes when reading {which} line")
        } else if self.lines > MAX_HEADERS {
            format!("got more than {MAX_HEADERS} headers")
        } else {
            "The head of the response is too large".to_owned()
        }
    }

    /// What urllib3 says of a head that tells more than one length of its body; `None` when it does not.
    pub(crate) fn unmatching_lengths(&self) -> Option<String> {
        const NAME: &[u8] = b"content-length:";
        let values: Vec<_> = self
            .head
            .split(|byte| *byte == b'\n')
            .filter(|line| line.len() >= NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME))
            .map(|line| String::from_utf8_lossy(line[NAME.len()..].trim_ascii()))
            .collect();
        let together = values.join(", ");
        let mut numbers = together.split(',').map(|number| number.trim().parse::<u64>());
        let first = numbers.next()?.ok()?;
        let mut others = numbers.collect::<Result<Vec<_>, _>>().ok()?.into_iter();
        others
            .any(|number| number != first)
            .then(|| format!("Content-Length contained multiple unmatching values ({together})"))
    }

    /// Where in its chunks the body is; `None` when it does not come in chunks.
    pub(crate) fn chunk_break(&self) -> Option<ChunkBreak> {
        self.chunks.as_ref().map(Chunks::place)
    }

    /// The size of the next chunk that nobody has asked for yet. As many sizes wait here as chunks wait in the codec's
    /// buffer, which bounds them.
    pub(crate) fn next_chunk(&mut self) -> Option<u64> {
        self.chunks.as_mut()?.sizes.as_mut()?.pop_front()
    }

    /// Gives back what is not of the head.
    fn hear_head<'a>(&mut self, mut bytes: &'a [u8]) -> &'a [u8] {
        while self.state == State::Head && !bytes.is_empty() {
            let (piece, rest) = bytes.split_at(line_length(bytes));
            bytes = rest;
            if self.head.len() + piece.len() > MAX_KEPT_BYTES && self.lines > 0 {
                // The codec bounds what comes here in the end. Lines that have been looked at are not needed for that.
                let status_line = line_length(&self.head);
                self.head.drain(status_line..self.line_start);
                self.line_start = status_line;
                self.is_cut = true;
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
            if self.line_start == 0 {
                // Empty lines before a status line do not count.
                self.begin_head();
            } else if is_interim(&self.head) {
                // After an interim response comes another head.
                self.begin_head();
                self.interim_responses += 1;
                if self.interim_responses > MAX_INTERIM_RESPONSES {
                    self.excess = Some(Excess::InterimResponses);
                    self.state = State::Deaf;
                }
            } else {
                self.state = State::Body;
            }
            return;
        }
        self.lines += 1;
        if tells_of_chunks(line) {
            self.chunks = Some(Chunks {
                sizes: self.keeps_sizes.then(VecDeque::new),
                ..Chunks::default()
            });
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

/// The reason phrase of a head.
pub(super) fn reason(head: &[u8]) -> &[u8] {
    const PHRASE_AT: usize = "HTTP/1.1 200 ".len();
    head[..line_length(head)]
        .get(PHRASE_AT..)
        .unwrap_or_default()
        .trim_ascii_end()
}

/// Up to and including the first line feed, or all there is.
fn line_length(mut bytes: &[u8]) -> usize {
    // Searching slices for a byte is quick in here; reading from memory never fails.
    bytes.skip_until(b'\n').unwrap_or_default()
}

fn is_status_line(line: &[u8]) -> bool {
    line.strip_prefix(b"HTTP/1.").is_some_and(|rest| {
        matches!(rest, [b'0' | b'1', b' ', b'1'..=b'9', code @ ..]
            if code.len() >= 2 && code[..2].iter().all(u8::is_ascii_digit) && code.get(2).is_none_or(u8::is_ascii_whitespace))
    })
}

/// Whether the head is of a `1xx` response, which another one follows. (After a 101 comes no HTTP at all.)
fn is_interim(head: &[u8]) -> bool {
    const STATUS_AT: usize = "HTTP/1.1 ".len();
    is_status_line(&head[..line_length(head)])
        && head.get(STATUS_AT) == Some(&b'1')
        && !head[STATUS_AT..].starts_with(b"101")
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
    /// Sizes of chunks, for those who want to know where each one ends.
    sizes: Option<VecDeque<u64>>,
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
        if self.line.len() > MAX_LINE_BYTES {
            // One byte more than allowed, which tells that it is too long.
            self.line.truncate(MAX_LINE_BYTES + 1);
            self.part = Part::Broken;
        } else if self.line.ends_with(b"\n") {
            match chunk_size(&self.line) {
                None => self.part = Part::Broken,
                Some(0) => self.part = Part::Trailers,
                Some(size) => {
                    self.line.clear();
                    if let Some(sizes) = &mut self.sizes {
                        sizes.push_back(size);
                    }
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
            transcript.begin(false);
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
    fn response_that_only_looks_like_an_interim_one_is_none() {
        heard(b"HTTP/1.1 1000 x\r\n\r\nHTTP/1.1 200 OK\r\n", |transcript| {
            assert_eq!(
                transcript.bad_status_line().as_deref(),
                Some(&b"HTTP/1.1 1000 x\r\n"[..])
            );
        });
    }

    #[test]
    fn what_follows_a_head_too_long_to_be_kept_is_still_understood() {
        let line = format!("x: {}\r\n", "y".repeat(50_000));
        let head = format!("HTTP/1.1 200 OK\r\n{line}{line}Transfer-Encoding: chunked\r\n\r\n");
        let mut transcript = Transcript::default();
        for (body, excess) in [
            ("5\r\nhel".to_owned(), None),
            ("0".repeat(70_000), Some(Excess::ChunkSizeLine)),
        ] {
            transcript.begin(false);
            let response = head.clone() + &body;
            response
                .as_bytes()
                .chunks(8_192)
                .for_each(|piece| transcript.hear(piece));
            assert!(transcript.head().is_empty() && transcript.head.len() < 2 * MAX_KEPT_BYTES);
            assert!(transcript.chunk_break().is_some());
            assert_eq!(transcript.excess(), excess);
        }
    }

    #[test]
    fn sizes_of_chunks_are_kept_for_those_who_ask() {
        let response =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
        for (keeps, expected) in [(true, [Some(3), Some(10), None]), (false, [None; 3])] {
            let mut transcript = Transcript::default();
            transcript.begin(keeps);
            response.chunks(4).for_each(|piece| transcript.hear(piece));
            assert_eq!([(); 3].map(|()| transcript.next_chunk()), expected);
        }
    }

    #[test]
    fn head_without_end_is_not_kept() {
        let mut transcript = Transcript::default();
        transcript.begin(false);
        transcript.hear(b"HTTP/1.1 200 OK\r\n");
        (0..20_000).for_each(|_| transcript.hear(b"x: y\r\n"));
        assert!(transcript.head().is_empty());
        assert!(transcript.head.capacity() <= 2 * MAX_KEPT_BYTES);
    }
}

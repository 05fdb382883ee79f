//! Undoing br and zstd piece by piece, with an upper bound on what comes of each piece.
//!
//! For bodies that are streamed. gzip and deflate are not here: who reads a streamed body has zlib, and its words.

use std::fmt;
use std::io::{self, Read};

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// How much is decoded at once, at most.
const STEP_BYTES: usize = 16 * 1024;

/// One content encoding, being undone.
#[derive(Debug)]
pub struct PieceDecoder {
    coding: Coding,
    /// Input that is not decoded yet.
    tail: Vec<u8>,
    has_more: bool,
}

enum Coding {
    Brotli(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>),
    Zstd(Box<Zstd>),
    /// After the end; what follows it is ignored.
    Over,
}

impl fmt::Debug for Coding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Brotli(_) => "Brotli",
            Self::Zstd(_) => "Zstd",
            Self::Over => "Over",
        })
    }
}

impl PieceDecoder {
    /// A decoder for `br` or `zstd`; `None` for anything else.
    #[must_use]
    pub fn new(encoding: &str) -> Option<Self> {
        let coding = match encoding {
            "br" => Coding::Brotli(Box::new(BrotliState::new(
                StandardAlloc::default(),
                StandardAlloc::default(),
                StandardAlloc::default(),
            ))),
            "zstd" => Coding::Zstd(Box::default()),
            _ => return None,
        };
        Some(Self {
            coding,
            tail: Vec::new(),
            has_more: false,
        })
    }

    /// What comes of `input` (and of input that waits from before), at most `limit` bytes; the rest waits.
    ///
    /// # Errors
    ///
    /// When the bytes are not in this encoding.
    pub fn decode(&mut self, input: &[u8], limit: Option<usize>) -> io::Result<Vec<u8>> {
        let limit = limit.unwrap_or(usize::MAX);
        self.tail.extend_from_slice(input);
        let mut decoded = Vec::new();
        self.has_more = false;
        loop {
            let room = limit - decoded.len();
            if room == 0 {
                self.has_more = true;
                return Ok(decoded);
            }
            let step = match &mut self.coding {
                Coding::Brotli(state) => unbrotli(state, &mut self.tail, &mut decoded, room.min(STEP_BYTES))?,
                Coding::Zstd(zstd) => zstd.step(&mut self.tail, &mut decoded, room.min(STEP_BYTES))?,
                Coding::Over => {
                    self.tail.clear();
                    return Ok(decoded);
                }
            };
            match step {
                Step::More => {}
                Step::Hungry => return Ok(decoded),
                Step::Over => self.coding = Coding::Over,
            }
        }
    }

    /// Whether more comes without more input.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.has_more
    }

    /// Whether the input so far ends where the encoding ends. (For zstd between two frames.)
    #[must_use]
    pub fn is_whole(&self) -> bool {
        match &self.coding {
            Coding::Brotli(_) => false,
            Coding::Zstd(zstd) => !zstd.is_in_frame && self.tail.is_empty(),
            Coding::Over => true,
        }
    }
}

enum Step {
    /// It goes on.
    More,
    /// It goes on with more input.
    Hungry,
    /// That was all.
    Over,
}

fn unbrotli(
    state: &mut BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    tail: &mut Vec<u8>,
    decoded: &mut Vec<u8>,
    room: usize,
) -> io::Result<Step> {
    let start = decoded.len();
    decoded.resize(start + room, 0);
    let (mut available_in, mut consumed) = (tail.len(), 0);
    let (mut available_out, mut written, mut total) = (room, 0, 0);
    let result = BrotliDecompressStream(
        &mut available_in,
        &mut consumed,
        tail,
        &mut available_out,
        &mut written,
        &mut decoded[start..],
        &mut total,
        state,
    );
    decoded.truncate(start + written);
    tail.drain(..consumed);
    match result {
        BrotliResult::ResultSuccess => Ok(Step::Over),
        BrotliResult::NeedsMoreInput => Ok(Step::Hungry),
        BrotliResult::NeedsMoreOutput => Ok(Step::More),
        BrotliResult::ResultFailure => Err(io::Error::new(io::ErrorKind::InvalidData, "brotli: decoder failed")),
    }
}

/// One frame after another, block by block: a block is at most 128 KiB, whatever few bytes it was made of.
#[derive(Default)]
struct Zstd {
    decoder: FrameDecoder,
    is_in_frame: bool,
    has_checksum: bool,
    is_last_decoded: bool,
}

impl Zstd {
    /// The longest header that a frame can have.
    const MAX_HEADER_BYTES: usize = 18;
    const BLOCK_HEADER_BYTES: usize = 3;
    const CHECKSUM_BYTES: usize = 4;

    fn step(&mut self, tail: &mut Vec<u8>, decoded: &mut Vec<u8>, room: usize) -> io::Result<Step> {
        if !self.is_in_frame && !self.begin(tail)? {
            return Ok(Step::Hungry);
        }
        let start = decoded.len();
        decoded.resize(start + room, 0);
        let count = self.decoder.read(&mut decoded[start..])?;
        decoded.truncate(start + count);
        if count > 0 {
            return Ok(Step::More);
        }
        if self.is_last_decoded {
            self.is_in_frame = false;
            return Ok(Step::More);
        }
        Ok(if self.decode_block(tail)? {
            Step::More
        } else {
            Step::Hungry
        })
    }

    /// Reads a frame's header, if it is whole.
    fn begin(&mut self, tail: &mut Vec<u8>) -> io::Result<bool> {
        const DESCRIPTOR_AT: usize = 4;
        const CHECKSUM_FLAG: u8 = 4;
        if tail.is_empty() {
            return Ok(false);
        }
        let mut rest = tail.as_slice();
        match self.decoder.reset(&mut rest) {
            Err(_) if tail.len() < Self::MAX_HEADER_BYTES => return Ok(false),
            Err(error) => return Err(io::Error::other(error)),
            Ok(()) => {}
        }
        self.has_checksum = tail.get(DESCRIPTOR_AT).is_some_and(|byte| byte & CHECKSUM_FLAG != 0);
        let length = tail.len() - rest.len();
        tail.drain(..length);
        (self.is_in_frame, self.is_last_decoded) = (true, false);
        Ok(true)
    }

    /// Decodes one block, if it is whole.
    fn decode_block(&mut self, tail: &mut Vec<u8>) -> io::Result<bool> {
        const RUN_LENGTH: u32 = 1;
        let Some(header) = tail.first_chunk::<{ Self::BLOCK_HEADER_BYTES }>() else {
            return Ok(false);
        };
        let header = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        let is_last = header & 1 == 1;
        let content = if (header >> 1) & 3 == RUN_LENGTH {
            1
        } else {
            header >> 3
        };
        let mut length = Self::BLOCK_HEADER_BYTES + content as usize;
        if is_last && self.has_checksum {
            length += Self::CHECKSUM_BYTES;
        }
        if tail.len() < length {
            return Ok(false);
        }
        self.decoder
            .decode_blocks(&tail[..length], BlockDecodingStrategy::UptoBlocks(1))
            .map_err(io::Error::other)?;
        tail.drain(..length);
        self.is_last_decoded = is_last;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "hello, brotli" by the reference encoder.
    const BROTLI: &[u8] = &[
        0x0b, 0x06, 0x80, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x2c, 0x20, 0x62, 0x72, 0x6f, 0x74, 0x6c, 0x69, 0x03,
    ];

    fn zstd(text: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
    }

    /// What comes of it in pieces of `size` bytes, `limit` bytes at a time.
    fn decoded(encoding: &str, bytes: &[u8], size: usize, limit: Option<usize>) -> io::Result<Vec<u8>> {
        let mut decoder = PieceDecoder::new(encoding).unwrap();
        let mut all = Vec::new();
        for piece in bytes.chunks(size) {
            let mut input = piece;
            loop {
                let part = decoder.decode(input, limit)?;
                assert!(limit.is_none_or(|limit| part.len() <= limit));
                all.extend(part);
                input = &[];
                if !decoder.has_more() {
                    break;
                }
            }
        }
        assert!(decoder.is_whole());
        Ok(all)
    }

    #[test]
    fn pieces_of_every_size_give_the_same() {
        let text: Vec<u8> = (0..200_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        let packed = zstd(&text);
        let two_frames = [zstd(b"one, "), zstd(b"two")].concat();
        for (size, limit) in [
            (1, None),
            (3, Some(1)),
            (7, Some(100)),
            (usize::MAX, None),
            (usize::MAX, Some(5)),
        ] {
            assert_eq!(decoded("br", BROTLI, size, limit).unwrap(), b"hello, brotli");
            assert_eq!(decoded("zstd", &two_frames, size, limit).unwrap(), b"one, two");
        }
        for (size, limit) in [(1_000, None), (70_000, Some(333)), (usize::MAX, Some(65_536))] {
            assert!(decoded("zstd", &packed, size, limit).unwrap() == text);
        }
    }

    #[test]
    fn nonsense_is_refused_and_what_is_cut_is_not_whole() {
        assert!(PieceDecoder::new("gzip").is_none());
        assert!(PieceDecoder::new("zstd").unwrap().decode(&[b'x'; 32], None).is_err());
        assert!(PieceDecoder::new("br").unwrap().decode(&[0xff; 32], None).is_err());
        for (encoding, bytes) in [("br", BROTLI.to_vec()), ("zstd", zstd(b"hello"))] {
            let mut decoder = PieceDecoder::new(encoding).unwrap();
            decoder.decode(&bytes[..bytes.len() - 1], None).unwrap();
            assert!(!decoder.is_whole(), "{encoding}");
        }
    }

    #[test]
    fn bomb_goes_off_bit_by_bit() {
        let bomb = zstd(&vec![0; 64 << 20]);
        let mut decoder = PieceDecoder::new("zstd").unwrap();
        let first = decoder.decode(&bomb, Some(1_000)).unwrap();
        assert_eq!(first.len(), 1_000);
        assert!(decoder.has_more());
    }
}

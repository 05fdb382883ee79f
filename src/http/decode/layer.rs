//! One encoding on top of another, each a reader over the one below.
//!
//! Their manners are urllib3's: gzip may have many members and anything after the first, deflate may lack its wrapper,
//! zstd may have many frames.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use bytes::{Buf, Bytes};
use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use super::Coding;

type Source = Box<dyn Read + Send>;
type Buffered = BufReader<Source>;

/// A reader of what `body` was before these encodings were applied, in their order.
pub(super) fn stacked(codings: &[Coding], body: Bytes) -> Source {
    let mut source: Source = Box::new(body.reader());
    for coding in codings.iter().rev() {
        source = match coding {
            Coding::Gzip => Box::new(Gzip::Begin(buffered(source))),
            Coding::Deflate => Box::new(Deflate::Begin(buffered(source))),
            Coding::Brotli => {
                /// Brotli's own advice.
                const WINDOW_BYTES: usize = 4096;
                Box::new(brotli_decompressor::Decompressor::new(source, WINDOW_BYTES))
            }
            Coding::Zstd => Box::new(Zstd::Between(buffered(source))),
        };
    }
    source
}

/// Buffered, as small pieces are looked at.
fn buffered(source: Source) -> Buffered {
    const BUFFER_BYTES: usize = 16 * 1024;
    BufReader::with_capacity(BUFFER_BYTES, source)
}

/// A source that gives back the bytes that were looked at.
type Peeked<const N: usize> = io::Chain<io::Take<Cursor<[u8; N]>>, Buffered>;

/// The first bytes of a source, as many of `N` as there are, and the source with them in front again.
fn peek<const N: usize>(mut source: Buffered) -> io::Result<([u8; N], usize, Peeked<N>)> {
    let mut bytes = [0; N];
    let mut count = 0;
    while count < N {
        match source.read(&mut bytes[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let seen = Read::take(Cursor::new(bytes), count as u64);
    Ok((bytes, count, Read::chain(seen, source)))
}

/// One member after another; what follows the first one and is not gzip, or is broken, is ignored.
enum Gzip {
    Begin(Buffered),
    First(Box<GzDecoder<Peeked<3>>>),
    Later(Box<GzDecoder<Peeked<3>>>),
    Done,
}

impl Gzip {
    /// What a member begins with, the only known method of compression included.
    const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

    /// The first member.
    fn begin(source: Buffered) -> io::Result<Self> {
        let (magic, count, source) = peek(source)?;
        if magic[..count] != Self::MAGIC[..count] {
            // The decoder would take a body shorter than a header for one that was cut.
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "invalid gzip header"));
        }
        Ok(Self::First(Box::new(GzDecoder::new(source))))
    }

    /// The next member, if there is one.
    fn next(source: Peeked<3>) -> Self {
        // The bytes that were looked at have been read: they are no longer than a header.
        let (_, source) = source.into_inner();
        match peek(source) {
            Ok((Self::MAGIC, 3, source)) => Self::Later(Box::new(GzDecoder::new(source))),
            _ => Self::Done,
        }
    }
}

impl Read for Gzip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let (read, is_first) = match self {
                Self::First(member) => (member.read(buffer), true),
                Self::Later(member) => (member.read(buffer), false),
                Self::Done => return Ok(0),
                Self::Begin(_) => (Ok(0), true),
            };
            match read {
                Ok(0) => {}
                Err(error) if is_first || error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Err(_) => {
                    *self = Self::Done;
                    return Ok(0);
                }
                Ok(count) => return Ok(count),
            }
            *self = match std::mem::replace(self, Self::Done) {
                Self::Begin(source) => Self::begin(source)?,
                Self::First(member) | Self::Later(member) => Self::next(member.into_inner()),
                Self::Done => Self::Done,
            };
        }
    }
}

/// With the zlib wrapper, as the RFC wants it, or without, as some servers send it.
enum Deflate {
    Begin(Buffered),
    Wrapped(Box<ZlibDecoder<Peeked<2>>>),
    Bare(Box<DeflateDecoder<Peeked<2>>>),
    Done,
}

impl Deflate {
    fn begin(source: Buffered) -> io::Result<Self> {
        let (header, count, source) = peek(source)?;
        // Bare deflate never looks like this: it would be a stored block with bits set that must not be.
        let is_wrapper = |[method, flags]: [u8; 2]| {
            method & 15 == 8 && method >> 4 <= 7 && u16::from_be_bytes([method, flags]) % 31 == 0
        };
        if count < header.len() || is_wrapper(header) {
            Ok(Self::Wrapped(Box::new(ZlibDecoder::new(source))))
        } else {
            Ok(Self::Bare(Box::new(DeflateDecoder::new(source))))
        }
    }
}

impl Read for Deflate {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if matches!(self, Self::Begin(_))
            && let Self::Begin(source) = std::mem::replace(self, Self::Done)
        {
            *self = Self::begin(source)?;
        }
        match self {
            Self::Wrapped(decoder) => decoder.read(buffer),
            Self::Bare(decoder) => decoder.read(buffer),
            Self::Begin(_) | Self::Done => Ok(0),
        }
    }
}

/// One frame after another.
enum Zstd {
    Between(Buffered),
    Frame(Box<StreamingDecoder<Buffered, FrameDecoder>>),
    Done,
}

impl Read for Zstd {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Self::Frame(frame) = self {
                let count = frame.read(buffer)?;
                if count > 0 {
                    return Ok(count);
                }
            }
            *self = match std::mem::replace(self, Self::Done) {
                Self::Frame(frame) => Self::Between(frame.into_inner()),
                Self::Between(mut source) => {
                    if source.fill_buf()?.is_empty() {
                        return Ok(0);
                    }
                    Self::Frame(Box::new(StreamingDecoder::new(source).map_err(io::Error::other)?))
                }
                Self::Done => return Ok(0),
            };
        }
    }
}

//! Undoing content encodings: gzip, deflate, br and zstd, once the whole body is there.
//!
//! Pure, bounded when asked to be, and never panics whatever the bytes are.

use std::io::{self, BufRead, Read};

use bytes::Bytes;
use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// Why a body could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes are not what the header says.
    Corrupt {
        /// The whole `Content-Encoding`.
        encoding: String,
        /// What the decoder found.
        detail: String,
    },
    /// The decoded body would exceed the bound.
    TooLarge {
        /// The bound in bytes.
        limit: u64,
    },
}

/// One encoding that can be undone.
#[derive(Clone, Copy, Debug)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// The body with its encodings undone, the last applied first. `None` when there is nothing to undo: no encoding, or
/// one that is not known, which is handed on as it came (as urllib3 does).
///
/// gzip, deflate and br that end too soon give what came of them when `accepts_cut` says so.
///
/// # Errors
///
/// When the bytes are corrupt or truncated, or the result exceeds `limit` bytes.
pub fn decode(
    headers: &HeaderMap,
    body: &Bytes,
    limit: Option<u64>,
    accepts_cut: bool,
) -> Result<Option<Bytes>, DecodeError> {
    let Some(codings) = codings(headers).filter(|codings| !codings.is_empty()) else {
        return Ok(None);
    };
    let mut decoded = body.clone();
    for coding in codings.iter().rev() {
        decoded = undo(*coding, &decoded, limit, accepts_cut).map_err(|error| match (error.kind(), limit) {
            (io::ErrorKind::FileTooLarge, Some(limit)) => DecodeError::TooLarge { limit },
            _ => DecodeError::Corrupt {
                encoding: content_encoding(headers),
                detail: error.to_string(),
            },
        })?;
    }
    Ok(Some(decoded))
}

/// The encodings in the order they were applied; `None` when one is not known.
fn codings(headers: &HeaderMap) -> Option<Vec<Coding>> {
    let mut codings = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        for word in value.to_str().ok()?.split(',') {
            match word.trim().to_ascii_lowercase().as_str() {
                "gzip" | "x-gzip" => codings.push(Coding::Gzip),
                "deflate" => codings.push(Coding::Deflate),
                "br" => codings.push(Coding::Brotli),
                "zstd" => codings.push(Coding::Zstd),
                "identity" | "" => {}
                _ => return None,
            }
        }
    }
    Some(codings)
}

/// The whole `Content-Encoding`, whatever it says.
pub fn content_encoding(headers: &HeaderMap) -> String {
    let values: Vec<_> = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    values.join(", ")
}

fn undo(coding: Coding, body: &[u8], limit: Option<u64>, accepts_cut: bool) -> io::Result<Bytes> {
    let mut decoded = Vec::new();
    let result = match coding {
        Coding::Gzip => gunzip(body, &mut decoded, limit),
        Coding::Deflate => inflate(body, &mut decoded, limit),
        Coding::Brotli => {
            /// Brotli's own advice for whole buffers.
            const WINDOW_BYTES: usize = 4096;
            read_bounded(
                brotli_decompressor::Decompressor::new(body, WINDOW_BYTES),
                &mut decoded,
                limit,
            )
        }
        Coding::Zstd => unzstd(body, &mut decoded, limit),
    };
    match result {
        Err(error)
            if error.kind() == io::ErrorKind::UnexpectedEof && accepts_cut && !matches!(coding, Coding::Zstd) => {}
        result => result?,
    }
    Ok(Bytes::from(decoded))
}

/// Reads to the end, but not beyond the limit.
fn read_bounded(reader: impl Read, decoded: &mut Vec<u8>, limit: Option<u64>) -> io::Result<()> {
    let limit = limit.unwrap_or(u64::MAX - 1);
    let room = (limit + 1).saturating_sub(decoded.len() as u64);
    reader.take(room).read_to_end(decoded)?;
    if decoded.len() as u64 > limit {
        Err(io::Error::from(io::ErrorKind::FileTooLarge))
    } else {
        Ok(())
    }
}

/// One member after another; what follows the first one and is not gzip, or is broken, is ignored, as urllib3 does.
fn gunzip(body: &[u8], decoded: &mut Vec<u8>, limit: Option<u64>) -> io::Result<()> {
    /// What a member begins with, the only known method of compression included.
    const MAGIC: &[u8] = &[0x1f, 0x8b, 8];
    if body.iter().zip(MAGIC).any(|(byte, magic)| byte != magic) {
        // The decoder would take a body shorter than a header for one that was cut.
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "invalid gzip header"));
    }
    let mut rest = body;
    loop {
        let mut member = GzDecoder::new(rest);
        match read_bounded(&mut member, decoded, limit) {
            Err(error) if rest.len() == body.len() || error.kind() == io::ErrorKind::FileTooLarge => return Err(error),
            Err(_) => return Ok(()),
            Ok(()) => rest = member.into_inner(),
        }
        if !rest.starts_with(MAGIC) {
            return Ok(());
        }
    }
}

/// With the zlib wrapper, as the RFC wants it, or without, as some servers send it.
fn inflate(body: &[u8], decoded: &mut Vec<u8>, limit: Option<u64>) -> io::Result<()> {
    match read_bounded(ZlibDecoder::new(body), decoded, limit) {
        Err(error) if error.kind() != io::ErrorKind::FileTooLarge => {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                return Err(error);
            }
            decoded.clear();
            // The wrapper's error is the one to tell: bare deflate is only a guess.
            read_bounded(DeflateDecoder::new(body), decoded, limit).map_err(|second| match second.kind() {
                io::ErrorKind::FileTooLarge | io::ErrorKind::UnexpectedEof => second,
                _ => error,
            })
        }
        result => result,
    }
}

/// One frame after another.
fn unzstd(body: &[u8], decoded: &mut Vec<u8>, limit: Option<u64>) -> io::Result<()> {
    let mut rest = body;
    while !rest.fill_buf()?.is_empty() {
        let frame = ruzstd::decoding::StreamingDecoder::new(&mut rest).map_err(io::Error::other)?;
        read_bounded(frame, decoded, limit)?;
    }
    Ok(())
}

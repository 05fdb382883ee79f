//! Undoing content encodings: gzip, deflate, br and zstd, once the whole body is there; [`PieceDecoder`] does it before.
//!
//! Pure, always bounded, and never panics whatever the bytes are. Encodings on top of each other are undone together, in
//! steps, so no more is in memory than what came and what comes of it, and whoever decodes can let others have their turn.

mod layer;
mod pieces;

use std::io::{self, Read};

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

pub use pieces::PieceDecoder;

/// Upper bound of a decoded body for requests that bring none of their own: a few hundred kilobytes can decode to
/// gigabytes. A larger one has to be asked for, with [`super::Request::max_body_bytes`].
pub const MAX_DECODED_BYTES: u64 = 1 << 30;

/// Most encodings on top of each other, as in urllib3.
const MAX_CODINGS: usize = 5;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// A body whose encodings are being undone, the last applied first.
pub struct Decoding {
    encoding: String,
    source: Box<dyn Read + Send>,
    decoded: Vec<u8>,
    limit: u64,
    accepts_cut: bool,
}

impl std::fmt::Debug for Decoding {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Decoding")
            .field("encoding", &self.encoding)
            .field("decoded_bytes", &self.decoded.len())
            .finish_non_exhaustive()
    }
}

impl Decoding {
    /// Begins. `None` when there is nothing to undo: no encoding, or one that is not known, whose body is handed on as
    /// it came (as urllib3 does).
    ///
    /// gzip, deflate and br that end too soon give what came of them when `accepts_cut` says so. The decoded body may
    /// have `limit` bytes, or [`MAX_DECODED_BYTES`].
    ///
    /// # Errors
    ///
    /// When there are more encodings than anybody needs.
    pub fn begin(
        headers: &HeaderMap,
        body: &Bytes,
        limit: Option<u64>,
        accepts_cut: bool,
    ) -> Result<Option<Self>, DecodeError> {
        let Some(codings) = codings(headers).filter(|codings| !codings.is_empty()) else {
            return Ok(None);
        };
        let encoding = content_encoding(headers);
        if codings.len() > MAX_CODINGS {
            let detail = format!(
                "Too many content encodings in the chain: {} > {MAX_CODINGS}",
                codings.len()
            );
            return Err(DecodeError::Corrupt { encoding, detail });
        }
        Ok(Some(Self {
            encoding,
            source: layer::stacked(&codings, body.clone()),
            decoded: Vec::new(),
            limit: limit.unwrap_or(MAX_DECODED_BYTES),
            accepts_cut,
        }))
    }

    /// Undoes some more. Says whether that was all.
    ///
    /// # Errors
    ///
    /// When the bytes are corrupt or truncated, or the result exceeds the limit.
    pub fn step(&mut self) -> Result<bool, DecodeError> {
        /// Well below a millisecond's work.
        const STEP_BYTES: u64 = 256 * 1024;
        let room = self.limit.saturating_add(1).saturating_sub(self.decoded.len() as u64);
        let wanted = room.min(STEP_BYTES);
        let read = (&mut self.source).take(wanted).read_to_end(&mut self.decoded);
        if self.decoded.len() as u64 > self.limit {
            return Err(DecodeError::TooLarge { limit: self.limit });
        }
        match read {
            Ok(count) => Ok((count as u64) < wanted),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && self.accepts_cut => Ok(true),
            Err(error) => Err(DecodeError::Corrupt {
                encoding: self.encoding.clone(),
                detail: error.to_string(),
            }),
        }
    }

    /// What has come of the body so far.
    #[must_use]
    pub fn finish(self) -> Bytes {
        self.decoded.into()
    }
}

/// All steps of a [`Decoding`] at once; `None` when there is nothing to undo.
///
/// # Errors
///
/// As [`Decoding::begin`] and [`Decoding::step`].
pub fn decode(
    headers: &HeaderMap,
    body: &Bytes,
    limit: Option<u64>,
    accepts_cut: bool,
) -> Result<Option<Bytes>, DecodeError> {
    let Some(mut decoding) = Decoding::begin(headers, body, limit, accepts_cut)? else {
        return Ok(None);
    };
    while !decoding.step()? {}
    Ok(Some(decoding.finish()))
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

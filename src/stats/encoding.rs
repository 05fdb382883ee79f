//! The bytes of a snapshot: numbers of variable length, least significant seven bits first, and doubles as their eight bytes.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Bytes that are no snapshot, or one of a later version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end before the snapshot does.
    Truncated,
    /// A version this program does not know.
    UnknownVersion(u8),
    /// Something that no snapshot holds.
    Malformed(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => formatter.write_str("the snapshot ends too early"),
            Self::UnknownVersion(version) => write!(
                formatter,
                "the snapshot has version {version}; hint: run the same version of rocust everywhere"
            ),
            Self::Malformed(what) => write!(formatter, "the snapshot is malformed: {what}"),
        }
    }
}

impl Error for DecodeError {}

/// Appends values to bytes.
#[derive(Debug, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn number(&mut self, value: u64) {
        self.wide(u128::from(value));
    }

    pub(crate) fn signed(&mut self, value: i128) {
        // Zigzag: small magnitudes of either sign stay short.
        self.wide(((value << 1) ^ (value >> 127)).cast_unsigned());
    }

    pub(crate) fn double(&mut self, value: f64) {
        self.0.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    pub(crate) fn optional_double(&mut self, value: Option<f64>) {
        self.byte(u8::from(value.is_some()));
        if let Some(value) = value {
            self.double(value);
        }
    }

    pub(crate) fn text(&mut self, value: &str) {
        self.number(value.len() as u64);
        self.0.extend_from_slice(value.as_bytes());
    }

    fn wide(&mut self, mut value: u128) {
        while value >= 0x80 {
            self.byte((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.byte((value & 0x7f) as u8);
    }
}

/// Takes values off the front of bytes.
#[derive(Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl Reader<'_> {
    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        let (&first, rest) = self.0.split_first().ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(first)
    }

    pub(crate) fn number(&mut self) -> Result<u64, DecodeError> {
        u64::try_from(self.wide()?).map_err(|_| DecodeError::Malformed("a number is too large"))
    }

    /// A number of things that follow, each of at least one byte: never more than there are bytes.
    pub(crate) fn count(&mut self) -> Result<usize, DecodeError> {
        let count = usize::try_from(self.number()?).map_err(|_| DecodeError::Truncated)?;
        if count > self.0.len() {
            Err(DecodeError::Truncated)
        } else {
            Ok(count)
        }
    }

    pub(crate) fn signed(&mut self) -> Result<i128, DecodeError> {
        let value = self.wide()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    pub(crate) fn second(&mut self) -> Result<i64, DecodeError> {
        i64::try_from(self.signed()?).map_err(|_| DecodeError::Malformed("a number is too large"))
    }

    pub(crate) fn double(&mut self) -> Result<f64, DecodeError> {
        let (bytes, rest) = self.0.split_first_chunk::<8>().ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(f64::from_bits(u64::from_le_bytes(*bytes)))
    }

    pub(crate) fn optional_double(&mut self) -> Result<Option<f64>, DecodeError> {
        Ok(if self.flag()? { Some(self.double()?) } else { None })
    }

    pub(crate) fn flag(&mut self) -> Result<bool, DecodeError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::Malformed("a flag is neither 0 nor 1")),
        }
    }

    pub(crate) fn text(&mut self) -> Result<Arc<str>, DecodeError> {
        let length = self.count()?;
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        std::str::from_utf8(bytes)
            .map(Arc::from)
            .map_err(|_| DecodeError::Malformed("a text is not UTF-8"))
    }

    fn wide(&mut self) -> Result<u128, DecodeError> {
        let mut value = 0_u128;
        for place in (0..128).step_by(7) {
            let byte = self.byte()?;
            value |= u128::from(byte & 0x7f) << place;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::Malformed("a number does not end"))
    }
}

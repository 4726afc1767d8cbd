//! The header before every page of a column chunk, read just far enough to judge it.
//!
//! The decoder believes what a header says and reserves that much memory, so it is read here
//! first. Headers are Thrift structs in the compact protocol.

use parquet::basic::Compression;
use parquet::file::metadata::ColumnChunkMetaData;

/// What a page header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PageHeader {
    /// Bytes of the header itself.
    pub(crate) len: usize,
    /// What kind of page follows.
    pub(crate) kind: PageKind,
    /// Bytes of the page once decompressed.
    pub(crate) uncompressed: u64,
    /// Bytes of the page in the file.
    pub(crate) compressed: u64,
    /// Values in it, nulls included.
    pub(crate) values: u64,
    /// Rows in it, where the header tells.
    pub(crate) rows: Option<u64>,
    /// Whether its values are indexes into the dictionary.
    pub(crate) by_dictionary: bool,
    /// Bytes of levels that stand uncompressed before the values.
    pub(crate) levels: u64,
    /// Whether it is stored as it is, whatever the codec of its chunk.
    pub(crate) plain: bool,
}

/// Kinds of pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PageKind {
    /// Values.
    #[default]
    Data,
    /// Nothing a reader of rows needs.
    Other,
    /// The values that data pages refer to.
    Dictionary,
}

/// Why a header could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderError {
    /// It goes on behind the bytes given.
    Short,
    /// It is no page header.
    Malformed,
}

impl PageHeader {
    /// Reads a header with at most `left` bytes to its chunk's end; `read` fills a buffer from
    /// the header's first byte on.
    pub(crate) fn read(
        left: u64,
        mut read: impl FnMut(&mut [u8]) -> std::io::Result<()>,
    ) -> std::io::Result<Result<Self, HeaderError>> {
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        // Statistics in a header may hold whole values, so some headers are long.
        for room in [256, 16 << 10, 1 << 20, 64 << 20] {
            let mut buffer = vec![0; left.min(room)];
            read(&mut buffer)?;
            match Self::parse(&buffer) {
                Err(HeaderError::Short) if room < left => {}
                parsed => return Ok(parsed),
            }
        }
        Ok(Err(HeaderError::Short))
    }

    /// Why no writer would have written this header in `chunk`, where the footer leaves
    /// `values_left` values to come; `None` where all is well.
    pub(crate) fn implausible(
        &self,
        chunk: &ColumnChunkMetaData,
        values_left: u64,
    ) -> Option<String> {
        let most = match chunk.compression() {
            Compression::UNCOMPRESSED => 1,
            Compression::SNAPPY => 32,
            Compression::LZ4 | Compression::LZ4_RAW => 260,
            _ => 1100,
        };
        if (most == 1 || self.plain) && self.compressed != self.uncompressed {
            return Some(format!(
                "an uncompressed page of {} bytes claims to hold {}",
                self.compressed, self.uncompressed
            ));
        }
        let plausible = self.compressed.saturating_mul(most).saturating_add(64 << 10);
        // The codecs at the end of the list know no limit, but a page is part of its chunk.
        let chunk_bytes = u64::try_from(chunk.uncompressed_size()).unwrap_or(0);
        if self.uncompressed > plausible && (most < 1100 || self.uncompressed > chunk_bytes) {
            return Some(format!(
                "a page of {} bytes claims to hold {}",
                self.compressed, self.uncompressed
            ));
        }
        match self.kind {
            PageKind::Data if self.values > values_left => Some(format!(
                "a page claims {} values where the footer leaves {values_left}",
                self.values
            )),
            PageKind::Dictionary if self.values > self.uncompressed => Some(format!(
                "a dictionary of {} bytes claims {} values",
                self.uncompressed, self.values
            )),
            _ => None,
        }
    }

    /// Reads the header at the start of `bytes`.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, HeaderError> {
        let mut input = Compact { bytes, at: 0 };
        let mut header = Self::default();
        let (mut kind, mut sizes) = (None, [None, None]);
        let mut detail = None;
        let mut field = 0;
        while let Some(type_) = input.field(&mut field)? {
            match (field, type_) {
                (1, I32) => kind = Some(input.int()?),
                (2, I32) => sizes[0] = Some(input.size()?),
                (3, I32) => sizes[1] = Some(input.size()?),
                (5 | 7 | 8, STRUCT) => {
                    detail = Some(field);
                    header.detail(&mut input, field)?;
                }
                _ => input.skip(type_, 0)?,
            }
        }
        header.len = input.at;
        let [Some(uncompressed), Some(compressed)] = sizes else {
            return Err(HeaderError::Malformed);
        };
        (header.uncompressed, header.compressed) = (uncompressed, compressed);
        header.kind = match (kind, detail) {
            (Some(0), Some(5)) | (Some(3), Some(8)) => PageKind::Data,
            (Some(2), Some(7)) => PageKind::Dictionary,
            (Some(1), _) => PageKind::Other,
            _ => return Err(HeaderError::Malformed),
        };
        Ok(header)
    }

    fn detail(&mut self, input: &mut Compact<'_>, of: i64) -> Result<(), HeaderError> {
        let encoding_field = if of == 8 { 4 } else { 2 };
        let mut field = 0;
        while let Some(type_) = input.field(&mut field)? {
            match (field, type_) {
                (1, I32) => self.values = input.size()?,
                (3, I32) if of == 8 => self.rows = Some(input.size()?),
                (5 | 6, I32) if of == 8 => self.levels += input.size()?,
                (7, FALSE) if of == 8 => self.plain = true,
                // PLAIN_DICTIONARY and RLE_DICTIONARY.
                (f, I32) if f == encoding_field => {
                    self.by_dictionary = matches!(input.int()?, 2 | 8);
                }
                _ => input.skip(type_, 0)?,
            }
        }
        Ok(())
    }
}

const FALSE: u8 = 2;
const I32: u8 = 5;
const STRUCT: u8 = 12;

struct Compact<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Compact<'_> {
    fn byte(&mut self) -> Result<u8, HeaderError> {
        let byte = self.bytes.get(self.at).copied().ok_or(HeaderError::Short)?;
        self.at += 1;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64, HeaderError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(HeaderError::Malformed)
    }

    /// A signed number, zigzag encoded.
    fn int(&mut self) -> Result<i64, HeaderError> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// A number that counts something.
    fn size(&mut self) -> Result<u64, HeaderError> {
        let value = i32::try_from(self.int()?).map_err(|_| HeaderError::Malformed)?;
        u64::try_from(value).map_err(|_| HeaderError::Malformed)
    }

    /// The type of the next field, whose number is put into `field`; `None` at the struct's end.
    fn field(&mut self, field: &mut i64) -> Result<Option<u8>, HeaderError> {
        let byte = self.byte()?;
        if byte == 0 {
            return Ok(None);
        }
        *field = match i64::from(byte >> 4) {
            0 => self.int()?,
            step => field.wrapping_add(step),
        };
        Ok(Some(byte & 0x0f))
    }

    fn skip(&mut self, type_: u8, depth: usize) -> Result<(), HeaderError> {
        if depth > 16 {
            return Err(HeaderError::Malformed);
        }
        match type_ {
            1 | 2 => {}
            3 => drop(self.byte()?),
            4..=6 => drop(self.varint()?),
            7 => self.advance(8)?,
            8 => {
                let len = self.varint()?;
                self.advance(usize::try_from(len).map_err(|_| HeaderError::Malformed)?)?;
            }
            9 | 10 => {
                let byte = self.byte()?;
                let count = match byte >> 4 {
                    15 => self.varint()?,
                    count => u64::from(count),
                };
                for _ in 0..count {
                    match byte & 0x0f {
                        // In a list a truth value takes a byte; in a struct it is the type.
                        1 | 2 => drop(self.byte()?),
                        item => self.skip(item, depth + 1)?,
                    }
                }
            }
            12 => {
                let mut field = 0;
                while let Some(type_) = self.field(&mut field)? {
                    self.skip(type_, depth + 1)?;
                }
            }
            _ => return Err(HeaderError::Malformed),
        }
        Ok(())
    }

    fn advance(&mut self, bytes: usize) -> Result<(), HeaderError> {
        // A length beyond any header is damage, not a reason to read on.
        if bytes > 64 << 20 {
            return Err(HeaderError::Malformed);
        }
        self.at += bytes;
        if self.at > self.bytes.len() { Err(HeaderError::Short) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// type, sizes 100 and 60, then a v1 data page of 7 values in PLAIN_DICTIONARY.
    const DATA: [u8; 18] = [
        0x15, 0x00, 0x15, 0xc8, 0x01, 0x15, 0x78, 0x2c, 0x15, 0x0e, 0x15, 0x04, 0x15, 0x06, 0x15,
        0x06, 0x00, 0x00,
    ];

    #[test]
    fn a_data_page_header_is_understood() {
        let header = PageHeader::parse(&DATA).unwrap();
        assert_eq!(
            header,
            PageHeader {
                len: 18,
                kind: PageKind::Data,
                uncompressed: 100,
                compressed: 60,
                values: 7,
                rows: None,
                by_dictionary: true,
                levels: 0,
                plain: false,
            }
        );
    }

    #[test]
    fn every_cut_is_short_and_nonsense_is_malformed() {
        for end in 0..DATA.len() {
            assert_eq!(PageHeader::parse(&DATA[..end]), Err(HeaderError::Short), "{end}");
        }
        assert_eq!(PageHeader::parse(&[0xff; 64]), Err(HeaderError::Malformed));
        // A negative size.
        let mut negative = DATA;
        negative[6] = 0x77;
        assert_eq!(PageHeader::parse(&negative), Err(HeaderError::Malformed));
    }
}

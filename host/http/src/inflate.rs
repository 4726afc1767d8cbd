//! Unpacking bodies, no more at a time than is asked for: a few bytes may stand for gigabytes.

use std::io::{self, BufRead, Read};

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use bytes::{Buf, Bytes};
use flate2::bufread::MultiGzDecoder;
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

/// What the host offers to unpack.
pub(crate) const ACCEPTED: &str = "gzip, br, zstd";
/// The largest window of zstd that is kept for an answer: 8 MiB, as RFC 9659 asks for.
const WINDOW_LOG: u32 = 23;

type Brotli = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

/// Unpacks one body.
pub(crate) enum Inflater {
    Gzip(Box<MultiGzDecoder<Feed>>),
    Brotli { state: Box<Brotli>, input: Bytes, ended: bool, whole: bool },
    Zstd { decoder: Decoder<'static>, input: Bytes, ended: bool, whole: bool },
}

/// What came of a try to unpack more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// So many bytes.
    Bytes(usize),
    /// Nothing before there is more input.
    Hungry,
    /// Nothing ever again.
    End,
}

impl Inflater {
    /// For a content encoding; an error names one that nobody asked for.
    pub(crate) fn new(encoding: &str) -> Result<Option<Self>, String> {
        Ok(Some(match encoding.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => return Ok(None),
            "gzip" | "x-gzip" => Self::Gzip(Box::new(MultiGzDecoder::new(Feed::default()))),
            "br" => {
                let alloc = StandardAlloc::default;
                let state = Box::new(BrotliState::new_strict(alloc(), alloc(), alloc()));
                Self::Brotli { state, input: Bytes::new(), ended: false, whole: false }
            }
            "zstd" => {
                let mut decoder = Decoder::new().map_err(|error| error.to_string())?;
                decoder
                    .set_parameter(DParameter::WindowLogMax(WINDOW_LOG))
                    .map_err(|error| error.to_string())?;
                Self::Zstd { decoder, input: Bytes::new(), ended: false, whole: true }
            }
            other => {
                return Err(format!("is packed as `{other}`, and was asked for as {ACCEPTED}"));
            }
        }))
    }

    /// About how many bytes it keeps to refer back to.
    pub(crate) fn keeps(&self) -> usize {
        match self {
            Self::Gzip(_) => 64 << 10,
            // What encoders use by default.
            Self::Brotli { .. } => 4 << 20,
            Self::Zstd { .. } => 2 << 20,
        }
    }

    /// Gives it more input. To be called only when it is hungry.
    pub(crate) fn feed(&mut self, bytes: Bytes) {
        match self {
            Self::Gzip(decoder) => decoder.get_mut().bytes = bytes,
            Self::Brotli { input, .. } | Self::Zstd { input, .. } => *input = bytes,
        }
    }

    /// There will be no more input.
    pub(crate) fn finish(&mut self) {
        match self {
            Self::Gzip(decoder) => decoder.get_mut().ended = true,
            Self::Brotli { ended, .. } | Self::Zstd { ended, .. } => *ended = true,
        }
    }

    /// Unpacks into `output`, as much as fits.
    pub(crate) fn inflate(&mut self, output: &mut [u8]) -> io::Result<Step> {
        match self {
            Self::Gzip(decoder) => match decoder.read(output) {
                Ok(0) => Ok(Step::End),
                Ok(count) => Ok(Step::Bytes(count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Step::Hungry),
                Err(error) => Err(error),
            },
            Self::Brotli { state, input, ended, whole } => {
                if *whole {
                    return after_the_end(input, *ended);
                }
                let (mut available_in, mut taken) = (input.len(), 0);
                let (mut available_out, mut given, mut total) = (output.len(), 0, 0);
                let result = BrotliDecompressStream(
                    &mut available_in,
                    &mut taken,
                    input,
                    &mut available_out,
                    &mut given,
                    output,
                    &mut total,
                    state,
                );
                input.advance(taken);
                match result {
                    BrotliResult::ResultFailure => Err(damaged()),
                    BrotliResult::ResultSuccess => {
                        *whole = true;
                        if given > 0 {
                            Ok(Step::Bytes(given))
                        } else {
                            after_the_end(input, *ended)
                        }
                    }
                    _ if given > 0 => Ok(Step::Bytes(given)),
                    _ if *ended => Err(io::ErrorKind::UnexpectedEof.into()),
                    _ => Ok(Step::Hungry),
                }
            }
            Self::Zstd { decoder, input, ended, whole } => loop {
                let mut from = InBuffer::around(input);
                let mut to = OutBuffer::around(&mut *output);
                let before = from.pos();
                // Between frames there is nothing to do until there is input.
                if *whole && input.is_empty() {
                    return Ok(if *ended { Step::End } else { Step::Hungry });
                }
                let hint = decoder.run(&mut from, &mut to)?;
                let (taken, given) = (from.pos(), to.pos());
                input.advance(taken);
                *whole = hint == 0;
                if given > 0 {
                    return Ok(Step::Bytes(given));
                }
                if taken == before && !*whole {
                    return match *ended && input.is_empty() {
                        true => Err(io::ErrorKind::UnexpectedEof.into()),
                        false if input.is_empty() => Ok(Step::Hungry),
                        false => Err(damaged()),
                    };
                }
            },
        }
    }
}

/// What is left after the end of a stream that has only one.
fn after_the_end(input: &Bytes, ended: bool) -> io::Result<Step> {
    match (input.is_empty(), ended) {
        (false, _) => Err(damaged()),
        (true, true) => Ok(Step::End),
        (true, false) => Ok(Step::Hungry),
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the packed data is damaged")
}

/// Input that comes in pieces: at the end of one, a reader is told to come again.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    bytes: Bytes,
    ended: bool,
}

impl Read for Feed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let from = self.fill_buf()?;
        let count = from.len().min(into.len());
        into[..count].copy_from_slice(&from[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Feed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.bytes.is_empty() && !self.ended {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(&self.bytes)
    }

    fn consume(&mut self, count: usize) {
        self.bytes.advance(count.min(self.bytes.len()));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(data: &[u8]) -> Vec<u8> {
        zstd::encode_all(data, 1).unwrap()
    }

    fn brotli(data: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        brotli::BrotliCompress(&mut &*data, &mut packed, &Default::default()).unwrap();
        packed
    }

    /// Unpacks what arrives in pieces of `size` bytes, through a buffer of `room` bytes.
    fn unpacked(encoding: &str, packed: &[u8], size: usize, room: usize) -> io::Result<Vec<u8>> {
        let mut inflater = Inflater::new(encoding).unwrap().unwrap();
        let mut pieces = packed.chunks(size);
        let (mut all, mut output) = (Vec::new(), vec![0; room]);
        loop {
            match inflater.inflate(&mut output)? {
                Step::Bytes(count) => all.extend_from_slice(&output[..count]),
                Step::End => return Ok(all),
                Step::Hungry => match pieces.next() {
                    Some(piece) => inflater.feed(Bytes::copy_from_slice(piece)),
                    None => inflater.finish(),
                },
            }
        }
    }

    #[test]
    fn what_was_packed_comes_out_however_it_arrives() {
        let data = b"hello, ".repeat(30_000);
        for (encoding, packed) in
            [("gzip", gzip(&data)), ("br", brotli(&data)), ("zstd", zstd(&data))]
        {
            for (size, room) in [(1, 100_000), (7, 13), (100_000, 4096), (100_000, 1 << 20)] {
                let out = unpacked(encoding, &packed, size, room).unwrap();
                assert!(out == data, "{encoding} {size} {room}");
            }
            if encoding == "br" {
                continue;
            }
            // Two in a row are one body.
            let twice = [packed.clone(), packed].concat();
            assert_eq!(unpacked(encoding, &twice, 1000, 4096).unwrap().len(), data.len() * 2);
        }
    }

    #[test]
    fn what_is_cut_short_or_damaged_is_an_error() {
        let data: Vec<u8> =
            (0..200_000_u32).flat_map(|n| n.wrapping_mul(n).to_le_bytes()).collect();
        for (encoding, packed) in
            [("gzip", gzip(&data)), ("br", brotli(&data)), ("zstd", zstd(&data))]
        {
            for cut in [1, 5, packed.len() / 2, packed.len() - 1] {
                assert!(unpacked(encoding, &packed[..cut], 999, 4096).is_err(), "{encoding} {cut}");
            }
            assert!(unpacked(encoding, b"this is not packed at all", 10, 4096).is_err());
        }
        // The others may come without a checksum.
        let mut damaged = gzip(&data);
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0xff;
        assert!(unpacked("gzip", &damaged, 999, 4096).is_err());
    }

    #[test]
    fn a_bomb_comes_out_bit_by_bit() {
        let packed = zstd(&vec![0; 64 << 20]);
        let mut inflater = Inflater::new("zstd").unwrap().unwrap();
        inflater.feed(Bytes::from(packed));
        let mut output = [0; 1000];
        assert_eq!(inflater.inflate(&mut output).unwrap(), Step::Bytes(1000));
    }

    #[test]
    fn only_what_was_asked_for_is_unpacked() {
        assert!(Inflater::new("identity").unwrap().is_none());
        assert!(Inflater::new("compress").is_err());
        assert!(Inflater::new("gzip, br").is_err());
        assert!(Inflater::new("br").is_ok());
    }
}

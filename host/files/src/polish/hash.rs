//! Columns made of a hash over others.

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, StringBuilder};
use arrow_array::{Array, ArrayRef};
use hygge_core::fault::Fault;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::config::Algorithm;
use crate::cell::{self, CellWriter, Style};

/// Hashes each row of `columns`, given with their names. Null where any of them is null.
pub(super) fn column(
    columns: &[(&str, &dyn Array)],
    rows: usize,
    algorithm: Algorithm,
    hex: bool,
) -> Result<ArrayRef, Fault> {
    let style = Style::hashed();
    let writers: Vec<CellWriter<'_>> = columns
        .iter()
        .map(|&(name, array)| cell::cells(name, array, &style))
        .collect::<Result<_, _>>()?;
    let size = match algorithm {
        Algorithm::Md5 => 16,
        Algorithm::Sha1 => 20,
        Algorithm::Sha256 => 32,
        Algorithm::Sha512 => 64,
    };
    let mut texts = StringBuilder::with_capacity(rows, if hex { rows * size * 2 } else { 0 });
    let mut bytes = BinaryBuilder::with_capacity(rows, if hex { 0 } else { rows * size });
    let (mut joined, mut digits) = (Vec::new(), Vec::new());
    for row in 0..rows {
        if columns.iter().any(|&(_, array)| cell::is_null(array, row)) {
            if hex {
                texts.append_null();
            } else {
                bytes.append_null();
            }
            continue;
        }
        joined.clear();
        for (index, write) in writers.iter().enumerate() {
            if index > 0 {
                joined.push(b'|');
            }
            write(row, &mut joined)?;
        }
        let digest: &[u8] = match algorithm {
            Algorithm::Md5 => &Md5::digest(&joined),
            Algorithm::Sha1 => &Sha1::digest(&joined),
            Algorithm::Sha256 => &Sha256::digest(&joined),
            Algorithm::Sha512 => &Sha512::digest(&joined),
        };
        if hex {
            digits.clear();
            cell::hexadecimal(digest, &mut digits);
            texts.append_value(String::from_utf8_lossy(&digits));
        } else {
            bytes.append_value(digest);
        }
    }
    Ok(if hex { Arc::new(texts.finish()) } else { Arc::new(bytes.finish()) })
}

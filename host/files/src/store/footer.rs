//! How floats compare, said in the way that every reader understands.
//!
//! A footer says for each column in which order its lowest and highest values are (`parquet.thrift`,
//! `ColumnOrder`). The writer says of floats that they are in IEEE 754's total order, which is new:
//! most readers do not know it, and then use no statistics of floats at all. Statistics in that
//! order, which leaves out what is no number, are also right in the order of the type, where a
//! reader takes a zero for either zero. So that is said instead.

use std::io;

use super::disk::DiskFile;

/// A column order is a union of empty structs: the head of one of them, its end, and the union's.
const ORDER: usize = 3;

const TYPE_ORDER: [u8; ORDER] = [0x1c, 0, 0];
const TOTAL_ORDER: [u8; ORDER] = [0x2c, 0, 0];
const INT96_ORDER: [u8; ORDER] = [0x3c, 0, 0];

/// What follows the last column's order: the end of the metadata, its length, the magic bytes.
const AFTER: usize = 1 + 4 + 4;

/// Changes what the footer of a finished file of so many columns says of floats. The orders are the
/// last that is in it, and all are equally long.
pub(super) fn restate_float_orders(file: &mut DiskFile, columns: usize) -> io::Result<()> {
    let length = columns * ORDER + AFTER;
    let at = file.written().checked_sub(length as u64).ok_or_else(unexpected)?;
    let mut tail = vec![0; length];
    file.read_back(&mut tail, at)?;
    let (orders, after) = tail.split_at_mut_checked(columns * ORDER).ok_or_else(unexpected)?;
    if after.first() != Some(&0) || !after.ends_with(b"PAR1") {
        return Err(unexpected());
    }
    let mut changed = false;
    for order in orders.as_chunks_mut::<ORDER>().0 {
        match *order {
            TYPE_ORDER | INT96_ORDER => {}
            TOTAL_ORDER => {
                *order = TYPE_ORDER;
                changed = true;
            }
            _ => return Err(unexpected()),
        }
    }
    if changed { file.write_over(&tail, at) } else { Ok(()) }
}

fn unexpected() -> io::Error {
    io::Error::other("the footer was not written as was expected")
}

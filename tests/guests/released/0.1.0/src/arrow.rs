//! As much of Arrow's IPC stream as it takes to count rows.

/// The kind of message that holds rows.
const RECORD_BATCH: u8 = 3;

/// The rows of a complete stream; `None` if it is none.
pub(crate) fn rows(stream: &[u8]) -> Option<u64> {
    let (mut at, mut rows) = (0, 0);
    while at < stream.len() {
        // 0xffffffff, the length of the header, the header, the body.
        if word(stream, at)? != u32::MAX {
            return None;
        }
        let length = word(stream, at + 4)? as usize;
        if length == 0 {
            return Some(rows);
        }
        let header = stream.get(at + 8..at + 8 + length)?;
        let message = word(header, 0)? as usize;
        if *header.get(field(header, message, 1)?)? == RECORD_BATCH {
            let place = field(header, message, 2)?;
            let batch = place + word(header, place)? as usize;
            rows += field(header, batch, 0).map_or(Some(0), |place| long(header, place))?;
        }
        let body = field(header, message, 3).map_or(Some(0), |place| long(header, place))?;
        at += 8 + length + usize::try_from(body).ok()?;
    }
    None
}

/// Where a field of a FlatBuffers table stands; `None` if it has its default.
fn field(bytes: &[u8], table: usize, number: usize) -> Option<usize> {
    let back = i32::from_le_bytes(word(bytes, table)?.to_le_bytes());
    let offsets = table.checked_add_signed((back as isize).checked_neg()?)?;
    let entry = 4 + 2 * number;
    if entry >= short(bytes, offsets)? {
        return None;
    }
    let offset = short(bytes, offsets + entry)?;
    (offset > 0).then_some(table + offset)
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + 2)?.try_into().ok()?;
    Some(usize::from(u16::from_le_bytes(bytes)))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

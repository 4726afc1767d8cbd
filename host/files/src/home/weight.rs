//! How many bytes rows really hold.

use std::collections::HashSet;

use arrow_array::{Array, RecordBatch};
use arrow_data::ArrayData;

/// The bytes that stay in memory as long as these rows do: every buffer they reach, whole, and
/// each once, however many columns share it.
pub(crate) fn held_bytes(rows: &RecordBatch) -> usize {
    let mut seen = HashSet::new();
    let mut bytes = 0;
    for column in rows.columns() {
        add(&column.to_data(), &mut seen, &mut bytes);
    }
    bytes + rows.num_columns() * std::mem::size_of::<ArrayData>()
}

fn add(data: &ArrayData, seen: &mut HashSet<usize>, bytes: &mut usize) {
    let nulls = data.nulls().map(|nulls| nulls.buffer());
    for buffer in data.buffers().iter().chain(nulls) {
        // A slice shares its allocation's start, not its own.
        if seen.insert(buffer.data_ptr().as_ptr() as usize) {
            *bytes += buffer.capacity();
        }
    }
    for child in data.child_data() {
        add(child, seen, bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array};

    use super::*;

    #[test]
    fn a_shared_buffer_counts_once_and_a_slice_counts_whole() {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
        let twice =
            RecordBatch::try_from_iter([("a", Arc::clone(&column)), ("b", column)]).unwrap();
        let bytes = held_bytes(&twice);
        assert!((8000..10_000).contains(&bytes), "{bytes}");
        let sliced = held_bytes(&twice.slice(10, 5));
        assert!((8000..10_000).contains(&sliced), "{sliced}");
    }
}

//! What rows come to once they are laid out value by value.
//!
//! Dictionaries, views and runs let a few bytes stand for many: a megabyte of keys that all point
//! at one value of a megabyte. Whoever writes such rows to a file writes every value.

use arrow_array::cast::AsArray;
use arrow_array::types::{BinaryViewType, ByteViewType, StringViewType};
use arrow_array::{Array, GenericByteViewArray, OffsetSizeTrait, RecordBatch};
use arrow_schema::DataType;

use crate::refused::Refused;

/// What a batch may come to.
const MOST: u64 = 256 << 20;

/// Checks that `rows` come to a size that can be worked with.
pub(super) fn check(rows: &RecordBatch) -> Result<(), Refused> {
    let bytes = rows.columns().iter().fold(0u64, |sum, column| sum.saturating_add(extra(column)));
    if bytes > MOST {
        return Err(Refused::new(format!(
            "a batch comes to {} MB with its dictionaries and views laid out: more than {} MB",
            bytes >> 20,
            MOST >> 20
        )));
    }
    Ok(())
}

/// The bytes of the values that an array refers to rather than holds.
fn extra(array: &dyn Array) -> u64 {
    match array.data_type() {
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            let values = dictionary.values();
            if values.is_empty() {
                return 0;
            }
            let most = longest(values).saturating_mul(array.len() as u64);
            if most <= MOST {
                return most;
            }
            dictionary
                .normalized_keys()
                .into_iter()
                .fold(0, |sum: u64, key| sum.saturating_add(width(values, key)))
        }
        DataType::RunEndEncoded(_, _) => array.to_data().child_data().get(1).map_or(0, |values| {
            let values = arrow_array::make_array(values.clone());
            longest(&values).saturating_mul(array.len() as u64)
        }),
        DataType::Utf8View => viewed::<StringViewType>(array.as_byte_view()),
        DataType::BinaryView => viewed::<BinaryViewType>(array.as_byte_view()),
        DataType::List(_) => extra(array.as_list::<i32>().values()),
        DataType::LargeList(_) => extra(array.as_list::<i64>().values()),
        DataType::ListView(_) => listed::<i32>(array),
        DataType::LargeListView(_) => listed::<i64>(array),
        DataType::FixedSizeList(_, _) => extra(array.as_fixed_size_list().values()),
        DataType::Map(_, _) => {
            let map = array.as_map();
            extra(map.keys()).saturating_add(extra(map.values()))
        }
        DataType::Struct(_) => array
            .as_struct()
            .columns()
            .iter()
            .fold(0, |sum: u64, column| sum.saturating_add(extra(column))),
        _ => 0,
    }
}

fn viewed<T: ByteViewType>(array: &GenericByteViewArray<T>) -> u64 {
    // The length is the lower half of the first word of a view.
    array.views().iter().map(|view| u64::from(*view as u32)).fold(0, u64::saturating_add)
}

/// Lists that show one item several times: its bytes count as often.
fn listed<O: OffsetSizeTrait>(array: &dyn Array) -> u64 {
    let lists = array.as_list_view::<O>();
    let items = lists.values();
    let shown =
        lists.sizes().iter().fold(0u64, |sum, size| sum.saturating_add(size.as_usize() as u64));
    let held = items.len().max(1) as u64;
    let bytes = (items.get_buffer_memory_size() as u64).saturating_add(extra(items));
    if shown <= held { extra(items) } else { bytes.saturating_mul(shown.div_ceil(held)) }
}

/// The bytes of the longest value.
fn longest(values: &dyn Array) -> u64 {
    match values.data_type() {
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView => (0..values.len()).map(|at| width(values, at)).max().unwrap_or(0),
        _ => width(values, 0),
    }
}

/// The bytes of the value at `at`.
fn width(values: &dyn Array, at: usize) -> u64 {
    let bytes = match values.data_type() {
        DataType::Utf8 => values.as_string::<i32>().value_length(at) as usize,
        DataType::LargeUtf8 => values.as_string::<i64>().value_length(at) as usize,
        DataType::Utf8View => {
            values.as_string_view().views().get(at).map_or(0, |v| *v as u32 as usize)
        }
        DataType::Binary => values.as_binary::<i32>().value_length(at) as usize,
        DataType::LargeBinary => values.as_binary::<i64>().value_length(at) as usize,
        DataType::BinaryView => {
            values.as_binary_view().views().get(at).map_or(0, |v| *v as u32 as usize)
        }
        DataType::FixedSizeBinary(width) => usize::try_from(*width).unwrap_or(0),
        plain => plain.primitive_width().unwrap_or(1),
    };
    bytes as u64
}

//! Rows of one file, brought into the schema of all.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, LargeListArray, ListArray, MapArray, StructArray,
    new_null_array,
};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema};

use super::unify::numbered;

/// Where each column of `file` goes in the schema of `all` files.
pub(crate) fn places(file: &Schema, all: &Schema) -> Vec<usize> {
    let known: HashMap<(&str, usize), usize> =
        numbered(all.fields()).enumerate().map(|(at, (name, nth, _))| ((name, nth), at)).collect();
    numbered(file.fields()).filter_map(|(name, nth, _)| known.get(&(name, nth)).copied()).collect()
}

/// The values of `array` as the type of `field`, which [`unify`](super::unify) found to hold them.
pub(crate) fn adapt(array: &ArrayRef, field: &Field) -> Result<ArrayRef, ArrowError> {
    let to = field.data_type();
    if array.data_type() == to {
        return Ok(Arc::clone(array));
    }
    match (array.data_type(), to) {
        (DataType::Null, _) => Ok(new_null_array(to, array.len())),
        (DataType::Struct(from), DataType::Struct(to)) => {
            Ok(Arc::new(adapt_struct(array.as_struct(), from, to)?))
        }
        (DataType::List(_), DataType::List(item)) => {
            let list = array.as_list::<i32>();
            let values = adapt(list.values(), item)?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, values, nulls)?))
        }
        (DataType::LargeList(_), DataType::LargeList(item)) => {
            let list = array.as_list::<i64>();
            let values = adapt(list.values(), item)?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Ok(Arc::new(LargeListArray::try_new(Arc::clone(item), offsets, values, nulls)?))
        }
        (DataType::FixedSizeList(_, _), DataType::FixedSizeList(item, size)) => {
            let list = array.as_fixed_size_list();
            let values = adapt(list.values(), item)?;
            let nulls = list.nulls().cloned();
            Ok(Arc::new(FixedSizeListArray::try_new(Arc::clone(item), *size, values, nulls)?))
        }
        // Another kind of list with items of another kind: first the items, then the list.
        (
            DataType::List(from),
            DataType::LargeList(item) | DataType::ListView(item) | DataType::LargeListView(item),
        ) if from.data_type() != item.data_type() => adapt(
            &adapt(array, &field.clone().with_data_type(DataType::List(item.clone())))?,
            field,
        ),
        (
            DataType::LargeList(from),
            DataType::List(item) | DataType::ListView(item) | DataType::LargeListView(item),
        ) if from.data_type() != item.data_type() => adapt(
            &adapt(array, &field.clone().with_data_type(DataType::LargeList(item.clone())))?,
            field,
        ),
        (DataType::ListView(from), _) if !is_list_of(to, from.data_type()) => {
            adapt(&cast(array, &DataType::List(from.clone()))?, field)
        }
        (DataType::LargeListView(from), _) if !is_list_of(to, from.data_type()) => {
            adapt(&cast(array, &DataType::LargeList(from.clone()))?, field)
        }
        (DataType::Map(_, _), DataType::Map(entries, sorted)) => {
            let map = array.as_map();
            let DataType::Struct(parts) = entries.data_type() else {
                return cast(array, to);
            };
            let columns = map
                .entries()
                .columns()
                .iter()
                .zip(parts)
                .map(|(column, part)| adapt(column, part))
                .collect::<Result<Vec<_>, _>>()?;
            let values = StructArray::try_new(parts.clone(), columns, None)?;
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            Ok(Arc::new(MapArray::try_new(Arc::clone(entries), offsets, values, nulls, *sorted)?))
        }
        _ => cast(array, to),
    }
}

fn is_list_of(list: &DataType, item: &DataType) -> bool {
    match list {
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field) => field.data_type() == item,
        _ => false,
    }
}

fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    // What does not fit is an error, never a null.
    cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() })
}

fn adapt_struct(
    array: &StructArray,
    from: &Fields,
    to: &Fields,
) -> Result<StructArray, ArrowError> {
    let known: HashMap<(&str, usize), usize> =
        numbered(from).enumerate().map(|(at, (name, nth, _))| ((name, nth), at)).collect();
    let mut columns = Vec::with_capacity(to.len());
    for (name, nth, field) in numbered(to) {
        columns.push(match known.get(&(name, nth)).and_then(|at| array.columns().get(*at)) {
            Some(column) => adapt(column, field)?,
            None => new_null_array(field.data_type(), array.len()),
        });
    }
    StructArray::try_new_with_length(to.clone(), columns, array.nulls().cloned(), array.len())
}

#[cfg(test)]
mod tests {
    use arrow_array::types::Int32Type;
    use arrow_array::{Int32Array, StringArray};

    use super::*;

    #[test]
    fn lists_of_structs_gain_fields_and_other_clothes() {
        let inner = Fields::from(vec![Field::new("x", DataType::Utf8, true)]);
        let structs = StructArray::new(
            inner.clone(),
            vec![Arc::new(StringArray::from(vec!["a", "b", "c"])) as ArrayRef],
            None,
        );
        let item = Arc::new(Field::new("item", DataType::Struct(inner), true));
        let list: ArrayRef = Arc::new(ListArray::new(
            item,
            arrow_buffer::OffsetBuffer::from_lengths([2, 0, 1]),
            Arc::new(structs),
            None,
        ));
        let wider = Fields::from(vec![
            Field::new("y", DataType::Int64, true),
            Field::new("x", DataType::Utf8View, true),
        ]);
        let to = Field::new(
            "l",
            DataType::LargeList(Arc::new(Field::new("item", DataType::Struct(wider), true))),
            true,
        );
        let out = adapt(&list, &to).unwrap();
        assert_eq!(out.data_type(), to.data_type());
        let values = out.as_list::<i64>().values().as_struct();
        assert_eq!(values.column(0).null_count(), 3);
        assert_eq!(values.column(1).as_string_view().value(2), "c");
    }

    #[test]
    fn fixed_size_lists_and_nulls() {
        let list: ArrayRef = Arc::new(FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(
            [Some([Some(1), Some(2)]), None],
            2,
        ));
        let item = Arc::new(Field::new("element", DataType::Int32, true));
        let to = Field::new("l", DataType::FixedSizeList(item, 2), true);
        let out = adapt(&list, &to).unwrap();
        assert_eq!(out.data_type(), to.data_type());
        assert!(out.is_null(1));

        let nothing: ArrayRef = Arc::new(arrow_array::NullArray::new(3));
        let out = adapt(&nothing, &Field::new("n", DataType::Int32, true)).unwrap();
        assert_eq!(out.as_ref(), &Int32Array::from(vec![None, None, None]) as &dyn Array);
    }
}

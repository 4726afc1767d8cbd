//! Moments in UTC, for code that does not know its name.
//!
//! Without a database of time zones Arrow's JSON reader and writer only take offsets. `UTC` is what
//! the contract and most others call it, so columns are relabelled on their way in and out.

use std::sync::Arc;

use arrow_array::{Array as _, ArrayRef, RecordBatch, RecordBatchOptions, make_array};
use arrow_data::ArrayData;
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};

use crate::error::Result;

const NAME: &str = "UTC";
const OFFSET: &str = "+00:00";

/// The schema with the offset in place of the name.
pub(crate) fn with_offset(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(field).collect::<Vec<_>>();
    Arc::new(Schema::new(fields))
}

fn field(field: &FieldRef) -> FieldRef {
    Arc::new(Field::clone(field).with_data_type(data_type(field.data_type())))
}

fn data_type(own: &DataType) -> DataType {
    match own {
        DataType::Timestamp(unit, Some(zone)) if zone.as_ref() == NAME => {
            DataType::Timestamp(*unit, Some(OFFSET.into()))
        }
        DataType::List(item) => DataType::List(field(item)),
        DataType::LargeList(item) => DataType::LargeList(field(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(field).collect()),
        other => other.clone(),
    }
}

/// The same values under a schema that differs in how it calls UTC.
pub(crate) fn relabel(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| array(column, field.data_type()))
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}

fn array(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
    if column.data_type() == wanted {
        return Ok(column.clone());
    }
    Ok(make_array(data(column.to_data(), wanted)?))
}

fn data(own: ArrayData, wanted: &DataType) -> Result<ArrayData> {
    let inner: Vec<&FieldRef> = match wanted {
        DataType::List(item) | DataType::LargeList(item) => vec![item],
        DataType::Struct(fields) => fields.iter().collect(),
        _ => Vec::new(),
    };
    let children = own
        .child_data()
        .iter()
        .zip(&inner)
        .map(|(child, field)| data(child.clone(), field.data_type()))
        .collect::<Result<Vec<_>>>()?;
    let mut builder = own.into_builder().data_type(wanted.clone());
    if !inner.is_empty() {
        builder = builder.child_data(children);
    }
    Ok(builder.build()?)
}

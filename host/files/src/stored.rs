//! The types in which columns are stored in Parquet files.

use std::sync::Arc;

use arrow_array::{Array as _, ArrayRef};
use arrow_schema::{DataType, Field, FieldRef, IntervalUnit, Schema, SchemaRef, TimeUnit};
use hygge_core::fault::Fault;

/// The columns as they are stored. Parquet has no unit of whole seconds: such values would be
/// stored as plain numbers, which most readers would take for just that, so they are stored in
/// milliseconds.
pub(crate) fn stored(schema: &SchemaRef) -> Result<SchemaRef, Fault> {
    let mut fields: Vec<FieldRef> = Vec::with_capacity(schema.fields().len());
    let mut changed = false;
    for field in schema.fields() {
        if let Some(reason) = unsupported(field.data_type()) {
            return Err(Fault::config(format!(
                "the column `{}` ({}) cannot be written to Parquet: {reason}",
                field.name(),
                field.data_type()
            ))
            .with_help("leave the column out at the source, or turn it into another type there"));
        }
        let stored = stored_type(field.data_type());
        changed |= stored.is_some();
        fields.push(match stored {
            Some(stored) => Arc::new(field.as_ref().clone().with_data_type(stored)),
            None => Arc::clone(field),
        });
    }
    Ok(if changed {
        Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
    } else {
        Arc::clone(schema)
    })
}

/// A column in the type in which it is stored.
pub(crate) fn stored_column(column: &ArrayRef, field: &Field) -> Result<ArrayRef, Fault> {
    if column.data_type() == field.data_type() {
        return Ok(Arc::clone(column));
    }
    let options = arrow_cast::CastOptions { safe: false, ..Default::default() };
    arrow_cast::cast_with_options(column, field.data_type(), &options).map_err(|error| {
        Fault::data(format!(
            "a value of the column `{}` does not fit {}",
            field.name(),
            field.data_type()
        ))
        .because(error)
    })
}

/// The type instead of which another is stored; `None` for those stored as they are.
fn stored_type(data_type: &DataType) -> Option<DataType> {
    let inner = |field: &Field| {
        stored_type(field.data_type()).map(|stored| Arc::new(field.clone().with_data_type(stored)))
    };
    match data_type {
        DataType::Timestamp(TimeUnit::Second, zone) => {
            Some(DataType::Timestamp(TimeUnit::Millisecond, zone.clone()))
        }
        DataType::Time32(TimeUnit::Second) => Some(DataType::Time32(TimeUnit::Millisecond)),
        DataType::List(field) => inner(field).map(DataType::List),
        DataType::LargeList(field) => inner(field).map(DataType::LargeList),
        DataType::FixedSizeList(field, size) => {
            inner(field).map(|field| DataType::FixedSizeList(field, *size))
        }
        DataType::Struct(fields) if fields.iter().any(|field| inner(field).is_some()) => {
            let fields = fields.iter().map(|field| inner(field).unwrap_or(Arc::clone(field)));
            Some(DataType::Struct(fields.collect()))
        }
        _ => None,
    }
}

/// Why a type cannot be carried, if so.
fn unsupported(data_type: &DataType) -> Option<&'static str> {
    match data_type {
        DataType::Union(..) => Some("Parquet has no unions"),
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            Some("Parquet has no intervals in nanoseconds")
        }
        DataType::Struct(fields) if fields.is_empty() => {
            Some("Parquet has no structures without members")
        }
        DataType::Struct(fields) => fields.iter().find_map(|field| unsupported(field.data_type())),
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale)
            if *scale < 0 =>
        {
            Some("Parquet has no decimals with a negative scale")
        }
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => unsupported(field.data_type()),
        DataType::Dictionary(_, values) => unsupported(values),
        DataType::RunEndEncoded(_, values) => unsupported(values.data_type()),
        _ => None,
    }
}

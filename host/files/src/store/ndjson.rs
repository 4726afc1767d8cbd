//! Rows as lines of JSON, one object each.

use arrow_array::{RecordBatch, new_null_array};
use arrow_json::WriterBuilder;
use arrow_json::writer::LineDelimited;
use arrow_schema::{DataType, SchemaRef, TimeUnit};
use hygge_core::fault::Fault;

use super::text::Lines;

/// NDJSON for rows with these columns.
#[derive(Debug)]
pub(super) struct Ndjson {
    timestamp_format: String,
}

impl Ndjson {
    /// Refuses columns that JSON cannot carry.
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, Fault> {
        let digits = schema.fields().iter().filter_map(|field| match field.data_type() {
            DataType::Timestamp(TimeUnit::Millisecond, None) => Some(3),
            DataType::Timestamp(TimeUnit::Microsecond, None) => Some(6),
            DataType::Timestamp(TimeUnit::Nanosecond, None) => Some(9),
            _ => None,
        });
        let fraction = digits.max().map_or_else(String::new, |digits| format!("%.{digits}f"));
        let ndjson = Self { timestamp_format: format!("%Y-%m-%d %H:%M:%S{fraction}") };
        for field in schema.fields() {
            // One null shows whether the type can be written at all.
            let column = new_null_array(field.data_type(), 1);
            let rows = RecordBatch::try_from_iter([(field.name(), column)]);
            rows.and_then(|rows| ndjson.lines(&rows)).map_err(|error| {
                Fault::config(format!(
                    "the column `{}` ({}) cannot be written to NDJSON",
                    field.name(),
                    field.data_type()
                ))
                .with_help("choose `format: parquet`, or leave the column out at the source")
                .because(error)
            })?;
        }
        Ok(ndjson)
    }

    fn lines(&self, rows: &RecordBatch) -> Result<Vec<u8>, arrow_schema::ArrowError> {
        let mut writer = WriterBuilder::new()
            // A key that is missing where a value is null would be a column that is missing
            // when none has a value.
            .with_explicit_nulls(true)
            .with_timestamp_format(self.timestamp_format.clone())
            .build::<_, LineDelimited>(Vec::new());
        writer.write(rows)?;
        writer.finish()?;
        Ok(writer.into_inner())
    }
}

impl Lines for Ndjson {
    fn head(&self) -> Result<Vec<u8>, Fault> {
        Ok(Vec::new())
    }

    fn encode(&self, rows: &RecordBatch) -> Result<Vec<u8>, Fault> {
        self.lines(rows)
            .map_err(|error| Fault::data("a value cannot be written as JSON").because(error))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, Decimal128Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
    };

    use super::*;

    #[test]
    fn every_key_is_in_every_line() {
        let rows = RecordBatch::try_from_iter([
            ("n", Arc::new(Int64Array::from(vec![Some(i64::MAX), None])) as ArrayRef),
            ("s", Arc::new(StringArray::from(vec![Some("a\"\n"), None]))),
            ("f", Arc::new(Float64Array::from(vec![1.5, f64::NAN]))),
            (
                "t",
                Arc::new(TimestampMicrosecondArray::from(vec![Some(1_704_067_200_000_001), None])),
            ),
            (
                "d",
                Arc::new(
                    Decimal128Array::from(vec![150, -5]).with_precision_and_scale(10, 2).unwrap(),
                ),
            ),
        ])
        .unwrap();
        let ndjson = Ndjson::new(&rows.schema()).unwrap();
        assert_eq!(
            String::from_utf8(ndjson.encode(&rows).unwrap()).unwrap(),
            "{\"n\":9223372036854775807,\"s\":\"a\\\"\\n\",\"f\":1.5,\
             \"t\":\"2024-01-01 00:00:00.000001\",\"d\":1.50}\n\
             {\"n\":null,\"s\":null,\"f\":null,\"t\":null,\"d\":-0.05}\n"
        );
        assert!(ndjson.head().unwrap().is_empty());
    }
}

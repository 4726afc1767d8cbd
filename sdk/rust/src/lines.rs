//! Rows as lines of JSON, for destinations that take them so.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array, StringArray};
use arrow_json::writer::{LineDelimited, NullableEncoder, WriterBuilder};
use arrow_json::{Encoder, EncoderFactory, EncoderOptions};
use arrow_schema::{ArrowError, DataType, FieldRef};

use crate::batch::Received;
use crate::error::Result;
use crate::utc;

impl Received {
    /// The rows as lines of JSON objects: columns of JSON as what they hold, times in RFC 3339,
    /// binary in hexadecimal digits. `nulls` says whether nulls are written or left out.
    pub fn to_lines(&self, nulls: bool) -> Result<Vec<u8>> {
        let builder =
            WriterBuilder::new().with_explicit_nulls(nulls).with_encoder_factory(Arc::new(AsItIs));
        let mut writer = builder.build::<_, LineDelimited>(Vec::new());
        for batch in self.batches()? {
            let schema = utc::with_offset(&batch.schema());
            writer.write(&utc::relabel(&batch, &schema)?)?;
        }
        writer.finish()?;
        Ok(writer.into_inner())
    }
}

/// Writes text that holds JSON as the JSON it is.
#[derive(Debug)]
struct AsItIs;

struct Verbatim<'a>(&'a StringArray);

impl Encoder for Verbatim<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        // Outside of its texts JSON may be broken into lines, and in them it may not.
        let one_line = |byte: u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte };
        out.extend(self.0.value(row).bytes().map(one_line));
    }
}

impl EncoderFactory for AsItIs {
    fn make_default_encoder<'a>(
        &self,
        field: &'a FieldRef,
        array: &'a dyn Array,
        _: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let is_json =
            field.metadata().get("ARROW:extension:name").is_some_and(|name| name == "arrow.json");
        if !is_json || *array.data_type() != DataType::Utf8 {
            return Ok(None);
        }
        let texts = array.as_string::<i32>();
        // What is called JSON and is none must not break the line it stands in.
        let sound = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        if let Some(text) = texts.iter().flatten().find(|text| !sound(text)) {
            return Err(ArrowError::JsonError(format!(
                "`{}` is a column of JSON and holds {text:?}",
                field.name()
            )));
        }
        Ok(Some(NullableEncoder::new(Box::new(Verbatim(texts)), texts.nulls().cloned())))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::batch::write_ipc;
    use crate::{Field, Received, Rows, Schema, Type};

    #[test]
    fn rows_become_lines_of_json() {
        let schema = Schema::new([
            Field::new("id", Type::Int64),
            Field::new("at", Type::TimestampUtc),
            Field::new("raw", Type::Json),
            Field::new("price", Type::Decimal(38, 2)),
        ]);
        let mut rows = Rows::new(&schema).unwrap();
        let price = "123456789012345678901234567890.12";
        rows.push(&json!({"id": 1, "at": "2026-01-31T12:00:00.5Z", "raw": {"a": [1, null]}, "price": price}))
            .unwrap();
        rows.push(&json!({"id": 2})).unwrap();
        let batch = rows.take_arrow().unwrap();
        let received = Received::new(write_ipc(&batch.schema(), Some(&batch)).unwrap());
        let text = String::from_utf8(received.to_lines(false).unwrap()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                r#"{"id":1,"at":"2026-01-31T12:00:00.500Z","raw":{"a":[1,null]},"price":123456789012345678901234567890.12}"#,
                r#"{"id":2}"#,
            ]
        );
        let text = String::from_utf8(received.to_lines(true).unwrap()).unwrap();
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(last, json!({"id": 2, "at": null, "raw": null, "price": null}));
    }
}

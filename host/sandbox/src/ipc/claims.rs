//! What a message claims of its body, checked before anything is read by it.
//!
//! Every node and every buffer of a record batch is a number a guest wrote down. Afterwards each
//! buffer lies within the body, no two of them can share bytes to seem larger than it, no array is
//! longer than its bytes can account for, there are exactly as many of both as the types need, and
//! offsets, views and keys are whole ones: Arrow's validation takes that for granted.
//! What the bytes themselves say (offsets, UTF-8, keys) is left to Arrow's validation.

use arrow_ipc::{Buffer, FieldNode, RecordBatch};
use arrow_schema::{DataType, Field};

use crate::refused::Refused;

/// Arrays without bytes of their own (nulls) may be this long whatever the size of the stream.
const FREE_LENGTH: usize = 1 << 20;

/// Checks `batch`, whose columns are `fields` and whose body has `body` bytes.
pub(super) fn check<'f>(
    batch: &RecordBatch<'_>,
    fields: impl IntoIterator<Item = &'f Field>,
    body: usize,
) -> Result<(), Refused> {
    if batch.compression().is_some() {
        return Err(Refused::new("the batch is compressed: it has to be handed over as it is"));
    }
    let longest = FREE_LENGTH.max(body.saturating_mul(8));
    let rows = batch.length();
    if !usize::try_from(rows).is_ok_and(|rows| rows <= longest) {
        return Err(Refused::new(format!("a batch of {body} bytes claims {rows} rows")));
    }
    let mut total = 0usize;
    for buffer in batch.buffers().into_iter().flatten() {
        let (offset, length) = (buffer.offset(), buffer.length());
        let within = usize::try_from(offset).ok().zip(usize::try_from(length).ok());
        let within =
            within.filter(|(at, length)| at.checked_add(*length).is_some_and(|end| end <= body));
        let Some((_, length)) = within else {
            return Err(Refused::new(format!(
                "a buffer claims {length} bytes at {offset} of a body of {body}"
            )));
        };
        total = total.saturating_add(length);
    }
    if total > body {
        return Err(Refused::new(format!(
            "the buffers of a batch claim {total} bytes of a body of {body}: they overlap"
        )));
    }
    let mut walk = Walk {
        nodes: batch.nodes().into_iter().flatten(),
        buffers: batch.buffers().into_iter().flatten(),
        variadic: batch.variadicBufferCounts().into_iter().flatten(),
        longest,
    };
    for field in fields {
        walk.column(field)?;
    }
    walk.finish()
}

struct Walk<N, B, V> {
    nodes: N,
    buffers: B,
    variadic: V,
    longest: usize,
}

impl<'a, N, B, V> Walk<N, B, V>
where
    N: Iterator<Item = &'a FieldNode>,
    B: Iterator<Item = &'a Buffer>,
    V: Iterator<Item = i64>,
{
    fn column(&mut self, field: &Field) -> Result<(), Refused> {
        self.node(field)?;
        match field.data_type() {
            DataType::Null => Ok(()),
            DataType::Utf8 | DataType::Binary => self.take(field, &[1, 4, 1]),
            DataType::LargeUtf8 | DataType::LargeBinary => self.take(field, &[1, 8, 1]),
            DataType::Utf8View | DataType::BinaryView => {
                self.take(field, &[1, 16])?;
                let claimed = self.variadic.next().unwrap_or(-1);
                if claimed < 0 {
                    return Err(Refused::new(format!(
                        "column `{}` claims {claimed} buffers",
                        field.name()
                    )));
                }
                (0..claimed).try_for_each(|_| self.take(field, &[1]))
            }
            DataType::List(item) | DataType::Map(item, _) => {
                self.take(field, &[1, 4])?;
                self.column(item)
            }
            DataType::LargeList(item) => {
                self.take(field, &[1, 8])?;
                self.column(item)
            }
            DataType::ListView(item) => {
                self.take(field, &[1, 4, 4])?;
                self.column(item)
            }
            DataType::LargeListView(item) => {
                self.take(field, &[1, 8, 8])?;
                self.column(item)
            }
            DataType::FixedSizeList(item, _) => {
                self.take(field, &[1])?;
                self.column(item)
            }
            DataType::Struct(fields) => {
                self.take(field, &[1])?;
                fields.iter().try_for_each(|field| self.column(field))
            }
            DataType::RunEndEncoded(ends, values) => {
                self.column(ends)?;
                self.column(values)
            }
            DataType::Union(_, _) => Err(Refused::new(format!(
                "column `{}` is a union, which no batch may hold",
                field.name()
            ))),
            DataType::Dictionary(keys, _) => self.take(field, &[1, whole(keys)]),
            other => self.take(field, &[1, whole(other)]),
        }
    }

    fn node(&mut self, field: &Field) -> Result<(), Refused> {
        let name = field.name();
        let node = self
            .nodes
            .next()
            .ok_or_else(|| Refused::new(format!("a batch lacks the column `{name}`")))?;
        let (length, nulls) = (node.length(), node.null_count());
        if !usize::try_from(length).is_ok_and(|length| length <= self.longest) {
            return Err(Refused::new(format!(
                "column `{name}` claims {length} values, more than its bytes can hold"
            )));
        }
        if nulls < 0 || nulls > length {
            return Err(Refused::new(format!(
                "column `{name}` claims {nulls} nulls in {length} values"
            )));
        }
        Ok(())
    }

    /// Goes past a buffer for each of `widths`, whose length is a multiple of it.
    fn take(&mut self, field: &Field, widths: &[i64]) -> Result<(), Refused> {
        for width in widths {
            let name = field.name();
            let buffer = self.buffers.next().ok_or_else(|| {
                Refused::new(format!("a batch lacks buffers of the column `{name}`"))
            })?;
            let length = buffer.length();
            if length % width != 0 {
                return Err(Refused::new(format!(
                    "column `{name}` has a buffer of {length} bytes: not a multiple of {width}"
                )));
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), Refused> {
        if self.nodes.next().is_some()
            || self.buffers.next().is_some()
            || self.variadic.next().is_some()
        {
            return Err(Refused::new("a batch holds more than the columns of its schema"));
        }
        Ok(())
    }
}

/// The bytes of a whole number; of other types, which need not be checked, one.
fn whole(data_type: &DataType) -> i64 {
    let width = data_type.primitive_width().filter(|_| data_type.is_integer());
    width.and_then(|width| i64::try_from(width).ok()).unwrap_or(1)
}

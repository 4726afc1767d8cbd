//! Lists and structures.

use std::sync::Arc;

use arrow_array::{ArrayRef, ListArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{FieldRef, Fields};
use hygge_sdk::{Error, Result};

use super::{Sink, Trouble, shown, sink};
use crate::json::{Kind as Next, Likely, Name, Scanner};
use crate::table::kind::{Field, Kind, item_field};

pub(super) struct List {
    field: FieldRef,
    items: Box<dyn Sink>,
    offsets: Vec<i32>,
    count: usize,
    valid: NullBufferBuilder,
}

impl List {
    pub(super) fn new(item: &Kind, lenient: bool) -> Self {
        Self {
            field: Arc::new(item_field(item)),
            items: sink(item, lenient),
            offsets: vec![0],
            count: 0,
            valid: NullBufferBuilder::new(0),
        }
    }

    fn close(&mut self, valid: bool) -> Result<()> {
        let end = i32::try_from(self.count)
            .map_err(|_| Error::data("a column of lists has more than 2^31 items in one batch"))?;
        self.offsets.push(end);
        self.valid.append(valid);
        Ok(())
    }
}

impl Sink for List {
    fn take(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Trouble> {
        match scanner.peek()? {
            Next::List => {
                scanner.enter_list()?;
                let mut first = true;
                while scanner.item(&mut first)? {
                    self.items.take(scanner)?;
                    self.count += 1;
                }
                Ok(self.close(true)?)
            }
            Next::Null => {
                scanner.skip()?;
                Ok(self.close(false)?)
            }
            _ => Err(Trouble::Misfit(shown(&scanner.token()?))),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Trouble> {
        self.take(&mut Scanner::new(text))
    }

    fn null(&mut self) {
        self.offsets.push(self.offsets.last().copied().unwrap_or_default());
        self.valid.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        self.count = 0;
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        let list = ListArray::try_new(
            Arc::clone(&self.field),
            offsets,
            self.items.finish()?,
            self.valid.finish(),
        )?;
        Ok(Arc::new(list))
    }
}

pub(super) struct Object {
    fields: Fields,
    parts: Vec<Part>,
    rows: usize,
    valid: NullBufferBuilder,
}

struct Part {
    name: String,
    likely: Likely,
    sink: Box<dyn Sink>,
    rows: usize,
}

impl Object {
    pub(super) fn new(fields: &[Field], lenient: bool) -> Self {
        let part = |field: &Field| Part {
            name: field.name.clone(),
            likely: Likely::new(&field.name),
            sink: sink(&field.kind, lenient),
            rows: 0,
        };
        Self {
            fields: fields.iter().map(Field::arrow).collect(),
            parts: fields.iter().map(part).collect(),
            rows: 0,
            valid: NullBufferBuilder::new(0),
        }
    }

    /// Ends a row: what it does not have is null.
    fn close(&mut self, valid: bool) {
        self.rows += 1;
        for part in self.parts.iter_mut().filter(|part| part.rows < self.rows) {
            part.sink.null();
            part.rows = self.rows;
        }
        self.valid.append(valid);
    }
}

impl Sink for Object {
    fn take(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Trouble> {
        match scanner.peek()? {
            Next::Object => {}
            Next::Null => {
                scanner.skip()?;
                self.close(false);
                return Ok(());
            }
            _ => return Err(Trouble::Misfit(shown(&scanner.token()?))),
        }
        scanner.enter_object()?;
        let (mut first, mut likely) = (true, 0);
        loop {
            let expected = self.parts.get(likely).map(|part| &part.likely);
            let at = match scanner.name(&mut first, expected)? {
                Name::Expected => Some(likely),
                Name::Other(name) => self.parts.iter().position(|part| part.name == name),
                Name::End => break,
            };
            match at.and_then(|at| Some((at, self.parts.get_mut(at)?))) {
                // A name that comes twice counts once.
                Some((at, part)) if part.rows == self.rows => {
                    part.sink.take(scanner)?;
                    part.rows += 1;
                    likely = at + 1;
                }
                _ => {
                    scanner.skip()?;
                }
            }
        }
        self.close(true);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Trouble> {
        self.take(&mut Scanner::new(text))
    }

    fn null(&mut self) {
        self.close(false);
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let arrays =
            self.parts.iter_mut().map(|part| part.sink.finish()).collect::<Result<Vec<_>>>()?;
        for part in &mut self.parts {
            part.rows = 0;
        }
        let rows = std::mem::take(&mut self.rows);
        let array = StructArray::try_new_with_length(
            self.fields.clone(),
            arrays,
            self.valid.finish(),
            rows,
        )?;
        Ok(Arc::new(array))
    }
}

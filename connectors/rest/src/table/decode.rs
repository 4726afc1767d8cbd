//! Records becoming rows.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use hygge_sdk::{Error, Result, warn};

use super::kind::{Column, Source, schema};
use super::sink::{Sink, Trouble, sink};
use crate::json::{Kind as Next, Likely, Name, Scanner};

/// What becomes of values that were not expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tolerance {
    /// Numbers in texts are numbers, and everything is text where text is wanted.
    pub(crate) lenient: bool,
    /// The columns were inferred, so that others are news.
    pub(crate) inferred: bool,
}

/// More names are not told: a source that makes up names would fill the log.
const MOST_TOLD: usize = 20;

/// Makes rows of records.
pub(crate) struct Decoder {
    schema: SchemaRef,
    slots: Vec<Slot>,
    root: Rc<Branch>,
    parents: Vec<(usize, String)>,
    tolerance: Tolerance,
    rows: usize,
    bytes: usize,
    told: BTreeSet<String>,
}

struct Slot {
    name: String,
    kind: String,
    required: bool,
    sink: Box<dyn Sink>,
    /// How many rows it has; one behind while its value of a row has not come.
    rows: usize,
}

/// A value, and which columns are made of it.
#[derive(Default)]
struct Branch {
    /// Columns that hold the whole value.
    columns: Vec<usize>,
    /// Those that are made of parts of it, if it is an object.
    members: Vec<Member>,
    places: HashMap<String, usize>,
}

struct Member {
    likely: Likely,
    /// What leads to the names in it: `address.street.`.
    within: String,
    branch: Branch,
}

impl Branch {
    fn add(&mut self, names: &[String], column: usize, within: &str) {
        let Some((name, further)) = names.split_first() else {
            self.columns.push(column);
            return;
        };
        let at = *self.places.entry(name.clone()).or_insert_with(|| {
            let within = format!("{within}{name}.");
            let likely = Likely::new(name);
            self.members.push(Member { likely, within, branch: Self::default() });
            self.members.len() - 1
        });
        let Member { branch, within, .. } = &mut self.members[at];
        branch.add(further, column, within);
    }

    /// A column that is made of this value or a part of it.
    fn any_column(&self) -> Option<usize> {
        let inner = || self.members.iter().find_map(|member| member.branch.any_column());
        self.columns.first().copied().or_else(inner)
    }
}

impl Decoder {
    pub(crate) fn new(columns: &[Column], tolerance: Tolerance) -> Self {
        let mut root = Branch::default();
        let mut parents = Vec::new();
        for (at, column) in columns.iter().enumerate() {
            match &column.from {
                Source::Record(names) => root.add(names, at, ""),
                Source::Parent(name) => parents.push((at, name.clone())),
            }
        }
        let slot = |column: &Column| Slot {
            name: column.field.name.clone(),
            kind: column.field.kind.name(),
            required: column.field.required,
            sink: sink(&column.field.kind, tolerance.lenient),
            rows: 0,
        };
        Self {
            schema: schema(columns),
            slots: columns.iter().map(slot).collect(),
            root: Rc::new(root),
            parents,
            tolerance,
            rows: 0,
            bytes: 0,
            told: BTreeSet::new(),
        }
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// How many bytes their records had.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds the record that comes next, and passes it. `parent` are the values of the record it
    /// belongs to, as JSON.
    pub(crate) fn record(
        &mut self,
        record: &mut Scanner<'_>,
        parent: &[(String, String)],
    ) -> Result<()> {
        let kind = record.peek()?;
        let from = record.place();
        let root = Rc::clone(&self.root);
        match kind {
            Next::Object if root.columns.is_empty() => self.walk(&root, record, "")?,
            _ if !root.columns.is_empty() => {
                let value = record.skip()?;
                for column in &root.columns {
                    self.put(*column, &mut Scanner::new(value))?;
                }
                if kind == Next::Object && !root.members.is_empty() {
                    self.walk(&root, &mut Scanner::new(value), "")?;
                }
            }
            _ => {
                return Err(Error::data(format!(
                    "row {}: a record is {}, where an object was expected; `records` says where \
                     they are",
                    self.rows + 1,
                    cut(record.skip()?)
                )));
            }
        }
        self.bytes += record.place() - from;
        for at in 0..self.parents.len() {
            let (column, name) = &self.parents[at];
            let column = *column;
            if let Some((_, value)) = parent.iter().find(|(own, _)| own == name) {
                self.put(column, &mut Scanner::new(value))?;
            }
        }
        self.end_row()
    }

    /// Which column each of these names is; for [`Decoder::cells`].
    pub(crate) fn header(&mut self, names: &[String]) -> Vec<Option<usize>> {
        names
            .iter()
            .map(|name| {
                let column = self
                    .root
                    .places
                    .get(name)
                    .and_then(|at| self.root.members[*at].branch.columns.first().copied());
                if column.is_none() {
                    self.news(name);
                }
                column
            })
            .collect()
    }

    /// Adds a row of texts. Empty ones are null.
    pub(crate) fn cells(
        &mut self,
        header: &[Option<usize>],
        cells: &[String],
        parent: &[(String, String)],
    ) -> Result<()> {
        for (column, cell) in header.iter().zip(cells) {
            self.bytes += cell.len() + 1;
            let Some(column) = column.filter(|_| !cell.is_empty()) else { continue };
            let slot = &mut self.slots[column];
            if slot.rows == self.rows {
                slot.rows += 1;
                let taken = slot.sink.text(cell);
                taken.map_err(|trouble| self.explain(column, trouble))?;
            }
        }
        for (column, name) in self.parents.clone() {
            if let Some((_, value)) = parent.iter().find(|(own, _)| *own == name) {
                self.put(column, &mut Scanner::new(value))?;
            }
        }
        self.end_row()
    }

    /// The rows so far.
    pub(crate) fn take(&mut self) -> Result<RecordBatch> {
        let arrays =
            self.slots.iter_mut().map(|slot| slot.sink.finish()).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)?;
        for slot in &mut self.slots {
            slot.rows = 0;
        }
        (self.rows, self.bytes) = (0, 0);
        Ok(batch)
    }

    /// Takes an object apart as it is passed. `within` leads to it.
    fn walk(&mut self, branch: &Branch, scanner: &mut Scanner<'_>, within: &str) -> Result<()> {
        scanner.enter_object()?;
        // Records look alike: what probably comes is the name that came next the last time.
        let (mut first, mut likely) = (true, 0);
        loop {
            let expected = branch.members.get(likely).map(|member| &member.likely);
            let at = match scanner.name(&mut first, expected)? {
                Name::Expected => likely,
                Name::Other(name) => match branch.places.get(&*name) {
                    Some(at) => *at,
                    None => {
                        let value = scanner.skip()?;
                        if self.tolerance.inferred && self.told.len() < MOST_TOLD && value != "null"
                        {
                            self.news(&format!("{within}{name}"));
                        }
                        continue;
                    }
                },
                Name::End => return Ok(()),
            };
            likely = at + 1;
            let Member { within, branch, .. } = &branch.members[at];
            match (branch.columns.as_slice(), branch.members.is_empty()) {
                ([column], true) => self.put(*column, scanner)?,
                ([], false) if scanner.peek()? == Next::Object => {
                    self.walk(branch, scanner, within)?;
                }
                _ => self.whole(branch, scanner.skip()?, within)?,
            }
        }
    }

    /// Takes a value of which, as a whole, columns are made, and of what is in it if it is an object.
    fn whole(&mut self, branch: &Branch, value: &str, within: &str) -> Result<()> {
        for column in &branch.columns {
            self.put(*column, &mut Scanner::new(value))?;
        }
        if branch.members.is_empty() {
            return Ok(());
        }
        match Scanner::new(value).peek()? {
            Next::Object => self.walk(branch, &mut Scanner::new(value), within),
            Next::Null => Ok(()),
            _ => {
                let found = format!("{}, where an object was expected", cut(value));
                let column = branch.any_column().unwrap_or_default();
                Err(self.explain(column, Trouble::Misfit(found)))
            }
        }
    }

    #[inline]
    fn put(&mut self, column: usize, scanner: &mut Scanner<'_>) -> Result<()> {
        let slot = &mut self.slots[column];
        if slot.rows > self.rows {
            // A name that comes twice counts once.
            scanner.skip()?;
            return Ok(());
        }
        if slot.required && scanner.peek()? == Next::Null {
            return self.missing(column);
        }
        slot.rows += 1;
        match slot.sink.take(scanner) {
            Ok(()) => Ok(()),
            Err(trouble) => Err(self.explain(column, trouble)),
        }
    }

    fn end_row(&mut self) -> Result<()> {
        for column in 0..self.slots.len() {
            let slot = &mut self.slots[column];
            if slot.rows == self.rows {
                if slot.required {
                    return self.missing(column);
                }
                slot.sink.null();
                slot.rows += 1;
            }
        }
        self.rows += 1;
        Ok(())
    }

    fn missing(&self, column: usize) -> Result<()> {
        Err(Error::data(format!(
            "row {}: the column `{}` is required, and there is nothing for it",
            self.rows + 1,
            self.slots[column].name
        )))
    }

    fn explain(&self, column: usize, trouble: Trouble) -> Error {
        let row = self.rows + 1;
        let found = match trouble {
            // It says by itself where it is.
            Trouble::Broken(error) => return error,
            Trouble::Misfit(found) => found,
        };
        let Slot { name, kind, .. } = &self.slots[column];
        let advice = if self.tolerance.inferred {
            "name its type in `schema`, or have more rows looked at with `sample`"
        } else {
            "give it another type in `schema`"
        };
        Error::data(format!(
            "row {row}: the column `{name}` is {kind} and cannot hold {found}; {advice}"
        ))
    }

    /// Something that was not there when the columns were inferred.
    fn news(&mut self, name: &str) {
        if !self.tolerance.inferred || self.told.len() >= MOST_TOLD || self.told.contains(name) {
            return;
        }
        self.told.insert(name.to_owned());
        warn!(
            "`{name}` first comes after the rows that the columns were inferred from, and is left \
             out: have more rows looked at with `sample`, or name all columns in `schema`"
        );
    }
}

/// A value for a message.
fn cut(value: &str) -> String {
    const LONGEST: usize = 60;
    match value.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value.to_owned(),
    }
}

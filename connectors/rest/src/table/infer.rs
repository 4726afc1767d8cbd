//! What columns there are, judged by a sample of the records.

use std::collections::HashMap;

use hygge_sdk::{Error, Result};
use serde::Deserialize;

use super::kind::{Column, Field, Kind, Source};
use super::time;
use crate::json::{Scanner, Token};

/// What becomes of objects and lists within records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Nested {
    /// One column with the text of their JSON.
    #[default]
    Json,
    /// A column for each name within an object; lists are JSON.
    Flatten,
    /// Structures and lists, as they are.
    Struct,
}

/// How columns are made of a sample.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) nested: Nested,
    /// Between the names of a flattened column.
    pub(crate) separator: String,
    /// A value that fits no other is reported, rather than the type widened.
    pub(crate) strict: bool,
    /// Texts that are dates or times are dates and times.
    pub(crate) times: bool,
}

/// Gathers what records look like.
#[derive(Debug, Default)]
pub(crate) struct Inference {
    rows: u64,
    header: Vec<String>,
    record: Shape,
    parents: Members,
}

/// What values of one place look like. Numbers of rows say where a sort was first seen.
#[derive(Debug, Default)]
struct Shape {
    boolean: Option<u64>,
    number: Option<Number>,
    text: Option<Text>,
    list: Option<(u64, Box<Shape>)>,
    object: Option<(u64, Members)>,
}

#[derive(Debug, Default)]
struct Members {
    shapes: Vec<(String, Shape)>,
    places: HashMap<String, usize>,
}

#[derive(Debug)]
struct Number {
    row: u64,
    fraction: bool,
    /// Within 64 bits with a sign, or without.
    signed: bool,
    unsigned: bool,
}

#[derive(Debug)]
struct Text {
    row: u64,
    /// Without and with a time of day, and with an offset: all of them are of this sort.
    date: bool,
    timestamp: bool,
    moment: bool,
}

impl Members {
    fn get(&mut self, name: &str) -> &mut Shape {
        let at = match self.places.get(name) {
            Some(at) => *at,
            None => {
                self.places.insert(name.to_owned(), self.shapes.len());
                self.shapes.push((name.to_owned(), Shape::default()));
                self.shapes.len() - 1
            }
        };
        &mut self.shapes[at].1
    }
}

impl Inference {
    /// How many records it has seen.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Looks at a record, and at the values of the record it belongs to.
    pub(crate) fn record(&mut self, record: &str, parent: &[(String, String)]) -> Result<()> {
        self.rows += 1;
        self.record.see(&mut Scanner::new(record), self.rows)?;
        for (name, value) in parent {
            self.parents.get(name).see(&mut Scanner::new(value), self.rows)?;
        }
        Ok(())
    }

    /// Looks at a value that records may belong to.
    pub(crate) fn value(&mut self, name: &str, value: &str) -> Result<()> {
        self.parents.get(name).see(&mut Scanner::new(value), self.rows)
    }

    /// The names of the cells to come. They are columns, whatever comes.
    pub(crate) fn header(&mut self, names: &[String]) {
        let (_, members) = self.record.object.get_or_insert_with(Default::default);
        for name in names {
            members.get(name);
        }
        self.header = names.to_vec();
    }

    /// Looks at a row of texts. Empty ones are null.
    pub(crate) fn cells(&mut self, cells: &[String], parent: &[(String, String)]) -> Result<()> {
        self.rows += 1;
        let (_, members) = self.record.object.get_or_insert_with(Default::default);
        for (name, cell) in self.header.iter().zip(cells) {
            let shape = members.get(name);
            let number = || {
                let digits = cell.strip_prefix('-').unwrap_or(cell);
                // A zero in front means that it is a code rather than a number.
                let code = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
                let mut scanner = Scanner::new(cell);
                !code && matches!(scanner.token(), Ok(Token::Number(_))) && scanner.end().is_ok()
            };
            match cell.as_str() {
                "" => {}
                "true" | "false" => shape.see(&mut Scanner::new(cell), self.rows)?,
                _ if number() => shape.see(&mut Scanner::new(cell), self.rows)?,
                text => shape.see_text(text, self.rows),
            }
        }
        for (name, value) in parent {
            self.parents.get(name).see(&mut Scanner::new(value), self.rows)?;
        }
        Ok(())
    }

    /// The columns that hold everything that was seen.
    pub(crate) fn columns(&self, rules: &Rules) -> Result<Vec<Column>> {
        let mut columns = Vec::new();
        match (&self.record.object, self.record.sorts() > 1 && !rules.strict) {
            (Some((_, members)), false) => {
                self.record.check("a record", rules)?;
                for (name, shape) in &members.shapes {
                    shape.column(name.clone(), vec![name.clone()], rules, &mut columns)?;
                }
            }
            // Records that are no objects have one column.
            _ => self.record.column("value".to_owned(), Vec::new(), rules, &mut columns)?,
        }
        let rules = Rules { nested: Nested::Json, ..rules.clone() };
        for (name, shape) in &self.parents.shapes {
            let kind = shape.kind(name, &rules)?;
            let field = Field::new(name, kind);
            columns.push(Column { field, from: Source::Parent(name.clone()) });
        }
        let mut seen: HashMap<&str, &Source> = HashMap::new();
        for Column { field, from } in &columns {
            if let Some(other) = seen.insert(&field.name, from) {
                let place = |source: &Source| match source {
                    Source::Record(names) => format!("`{}`", names.join(".")),
                    Source::Parent(name) => format!("the parent's `{name}`"),
                };
                return Err(Error::config(format!(
                    "two columns would be called `{}`: {} and {}; choose another `separator`, or \
                     name the columns in `schema`",
                    field.name,
                    place(other),
                    place(from)
                )));
            }
        }
        Ok(columns)
    }
}

impl Shape {
    fn see(&mut self, scanner: &mut Scanner<'_>, row: u64) -> Result<()> {
        match scanner.token()? {
            Token::Null => {}
            Token::Bool(_) => {
                self.boolean.get_or_insert(row);
            }
            Token::Number(text) => self.see_number(text, row),
            Token::Text(text) => self.see_text(&text, row),
            Token::Nested(value) => {
                let mut inner = Scanner::new(value);
                let mut first = true;
                if value.starts_with('[') {
                    let (_, items) = self.list.get_or_insert_with(|| (row, Box::default()));
                    inner.enter_list()?;
                    while inner.item(&mut first)? {
                        items.see(&mut inner, row)?;
                    }
                } else {
                    let (_, members) = self.object.get_or_insert_with(|| (row, Members::default()));
                    inner.enter_object()?;
                    while let Some(key) = inner.key(&mut first)? {
                        members.get(&key).see(&mut inner, row)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn see_number(&mut self, text: &str, row: u64) {
        let number = self.number.get_or_insert(Number {
            row,
            fraction: false,
            signed: true,
            unsigned: true,
        });
        number.fraction |= text.contains(['.', 'e', 'E']);
        number.signed &= text.parse::<i64>().is_ok();
        number.unsigned &= text.parse::<u64>().is_ok();
    }

    fn see_text(&mut self, text: &str, row: u64) {
        let seen = self.text.get_or_insert(Text { row, date: true, timestamp: true, moment: true });
        if seen.date || seen.timestamp || seen.moment {
            let found = time::parse(text);
            let is = |wanted: fn(time::Moment) -> bool| found.is_some_and(wanted);
            seen.date &= is(|moment| !moment.clock);
            seen.timestamp &= is(|moment| moment.clock && !moment.offset);
            seen.moment &= is(|moment| moment.offset);
        }
    }

    /// How many sorts of values there are that have nothing in common.
    fn sorts(&self) -> usize {
        self.first_rows().iter().flatten().count()
    }

    fn first_rows(&self) -> [Option<(u64, &'static str)>; 5] {
        [
            self.boolean.map(|row| (row, "true or false")),
            self.number.as_ref().map(|number| (number.row, "numbers")),
            self.text.as_ref().map(|text| (text.row, "texts")),
            self.list.as_ref().map(|(row, _)| (*row, "lists")),
            self.object.as_ref().map(|(row, _)| (*row, "objects")),
        ]
    }

    /// Refuses what has nothing in common, if that is asked for.
    fn check(&self, name: &str, rules: &Rules) -> Result<()> {
        let rows = self.first_rows();
        let mut found = rows.iter().flatten();
        match (found.next(), found.next()) {
            (Some((one, this)), Some((other, that))) if rules.strict => Err(Error::data(format!(
                "`{name}` holds {this} (row {one}) and {that} (row {other}), and \
                 `conflicts: fail` asks to be told; name its type in `schema`, or say \
                 `conflicts: widen`"
            ))),
            _ => Ok(()),
        }
    }

    /// Adds the column, or the columns, of these values.
    fn column(
        &self,
        name: String,
        names: Vec<String>,
        rules: &Rules,
        columns: &mut Vec<Column>,
    ) -> Result<()> {
        self.check(&name, rules)?;
        if let (Nested::Flatten, 1, Some((_, members))) = (rules.nested, self.sorts(), &self.object)
            && !members.shapes.is_empty()
        {
            for (inner, shape) in &members.shapes {
                let mut names = names.clone();
                names.push(inner.clone());
                shape.column(format!("{name}{}{inner}", rules.separator), names, rules, columns)?;
            }
            return Ok(());
        }
        let kind = self.kind(&name, rules)?;
        columns.push(Column { field: Field::new(name, kind), from: Source::Record(names) });
        Ok(())
    }

    /// The narrowest type that holds all of them.
    fn kind(&self, name: &str, rules: &Rules) -> Result<Kind> {
        self.check(name, rules)?;
        let nested = self.list.is_some() || self.object.is_some();
        if self.sorts() > 1 {
            return Ok(if nested { Kind::Json } else { Kind::String });
        }
        if nested && rules.nested != Nested::Struct {
            return Ok(Kind::Json);
        }
        if self.boolean.is_some() {
            return Ok(Kind::Bool);
        }
        if let Some(number) = &self.number {
            return Ok(number.kind());
        }
        if let Some((_, items)) = &self.list {
            return Ok(Kind::List(Box::new(items.kind(&format!("{name}[*]"), rules)?)));
        }
        if let Some((_, members)) = &self.object {
            if members.shapes.is_empty() {
                return Ok(Kind::Json);
            }
            let field = |(inner, shape): &(String, Shape)| {
                Ok(Field::new(inner, shape.kind(&format!("{name}.{inner}"), rules)?))
            };
            return Ok(Kind::Struct(members.shapes.iter().map(field).collect::<Result<_>>()?));
        }
        Ok(match &self.text {
            Some(text) if rules.times && text.date => Kind::Date,
            Some(text) if rules.times && text.timestamp => Kind::Timestamp,
            Some(text) if rules.times && text.moment => Kind::TimestampUtc,
            _ => Kind::String,
        })
    }
}

impl Number {
    fn kind(&self) -> Kind {
        match self {
            Self { fraction: true, .. } => Kind::Float64,
            Self { signed: true, .. } => Kind::Int64,
            Self { unsigned: true, .. } => Kind::Uint64,
            // Whole numbers beyond 64 bits are not rounded.
            _ => Kind::Decimal(38, 0),
        }
    }
}

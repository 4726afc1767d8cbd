//! Last touches to rows before they are written: `polish:`.
//!
//! [`Polish`] is what is configured; [`Polish::bind`] works out once, against the columns of a
//! load, where every column of the result comes from. The schema and the batches both follow
//! from that one list, so they cannot disagree, and a column that is not made anew is passed on
//! as it is.

mod config;
mod hash;
mod names;
mod stamp;

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, NullArray, RecordBatch,
    RecordBatchOptions, StringArray, UInt32Array,
};
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};
use hygge_core::fault::Fault;
use hygge_core::project::keys::nearest;
use jiff::Zoned;

pub use config::{
    Algorithm, Case, Clock, ColumnKeys, ConstantKeys, HashKeys, PolishKeys, RowMarkerKeys, Scalar,
    StampType, TimestampKeys,
};

/// What `polish:` asks for.
#[derive(Clone, Debug)]
pub struct Polish {
    keys: PolishKeys,
}

/// [`Polish`] worked out for the columns of one load.
#[derive(Clone, Debug)]
pub struct Polisher {
    outputs: Vec<Output>,
    schema: SchemaRef,
    warnings: Vec<String>,
}

/// A column of the result.
#[derive(Clone, Debug)]
struct Output {
    field: FieldRef,
    origin: Origin,
}

/// Where a column of the result comes from.
#[derive(Clone, Debug)]
enum Origin {
    /// A column of the batch, passed on.
    Input(usize),
    /// A hash over other columns of the result.
    Hash { columns: Vec<Origin>, names: Vec<String>, algorithm: Algorithm, hex: bool },
    /// One value for all rows, in an array of one.
    Value(ArrayRef),
}

/// Where a column of the result comes from, as far as others need to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A column of the input, passed on, perhaps under another name.
    Passed(usize),
    /// Made of these columns of the input; of none where every row has the same value.
    Made(Vec<usize>),
}

/// Some columns of the input, and which they are.
#[derive(Clone, Copy, Debug)]
struct Inputs<'a> {
    rows: &'a RecordBatch,
    /// The place of each in the whole input; `None` when all are there.
    places: Option<&'a [usize]>,
}

impl Polish {
    /// Works out what becomes of rows with these columns. `now` is the time that timestamp
    /// columns get: one for the whole run.
    pub fn bind(&self, schema: &Schema, now: &Zoned) -> Result<Polisher, Fault> {
        let mut outputs: Vec<Output> = schema
            .fields()
            .iter()
            .enumerate()
            .map(|(index, field)| Output { field: Arc::clone(field), origin: Origin::Input(index) })
            .collect();
        for rule in &self.keys.hash_ids {
            self.add_hash(rule, &mut outputs)?;
        }
        let warnings = self.rename(&mut outputs);
        for rule in &self.keys.constants {
            add_value(&mut outputs, &rule.name, constant(&rule.value));
        }
        for rule in &self.keys.timestamps {
            let value = stamp::value(rule, now).map_err(|error| {
                Fault::config(format!("cannot write the timestamp `{}`", rule.name))
                    .with_help("correct its `format` under `polish`")
                    .because(error)
            })?;
            add_value(&mut outputs, &rule.name, value);
        }
        let fields: Vec<FieldRef> =
            outputs.iter().map(|output| Arc::clone(&output.field)).collect();
        Ok(Polisher {
            outputs,
            schema: Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())),
            warnings,
        })
    }

    /// What a column of the source is called among `names`, the columns of a table written
    /// earlier. `None` where that cannot be told: another column may have taken its name.
    pub fn renamed_among(&self, source: &str, names: &[&str]) -> Option<String> {
        let Some(rules) = &self.keys.columns else { return Some(source.to_owned()) };
        let (new, _) = names::rewrite(&[source], rules);
        let new = new.into_iter().next()?;
        let numbered = |name: &str| {
            name.strip_prefix(&new)
                .and_then(|rest| rest.strip_prefix('_'))
                .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        };
        (!names.iter().any(|name| numbered(name))).then_some(new)
    }

    fn add_hash(&self, rule: &HashKeys, outputs: &mut Vec<Output>) -> Result<(), Fault> {
        let found = self.hash_sources(rule, outputs)?;
        if outputs.iter().any(|output| output.field.name() == &rule.name) {
            return Ok(());
        }
        for &index in &found {
            let field = &outputs[index].field;
            if !crate::cell::has_text_form(field.data_type()) {
                return Err(Fault::config(format!(
                    "the hash id `{}` cannot be made of the column `{}` ({})",
                    rule.name,
                    field.name(),
                    field.data_type()
                ))
                .with_help("leave that column out of `from_columns` under `polish`"));
            }
        }
        let data_type = if rule.hex { DataType::Utf8 } else { DataType::Binary };
        let origin = Origin::Hash {
            columns: found.iter().map(|&index| outputs[index].origin.clone()).collect(),
            names: found.iter().map(|&index| outputs[index].field.name().clone()).collect(),
            algorithm: rule.algo,
            hex: rule.hex,
        };
        let field = Arc::new(Field::new(&rule.name, data_type, true));
        outputs.insert(0, Output { field, origin });
        Ok(())
    }

    /// The columns a hash is made of. A name that does not exist stands for the column whose
    /// name reads the same once rewritten.
    fn hash_sources(&self, rule: &HashKeys, outputs: &[Output]) -> Result<Vec<usize>, Fault> {
        let alike = |name: &str| match self.keys.columns.as_ref().and_then(|rules| rules.case) {
            Some(case) => names::in_case(name, case),
            None => name.replace([' ', '_', '-'], ""),
        };
        rule.from_columns
            .iter()
            .map(|wanted| {
                let exact = outputs.iter().position(|output| output.field.name() == wanted);
                let similar = || {
                    let wanted = alike(wanted);
                    outputs.iter().position(|output| alike(output.field.name()) == wanted)
                };
                exact.or_else(similar).ok_or_else(|| {
                    let known: Vec<&str> =
                        outputs.iter().map(|output| output.field.name().as_str()).collect();
                    let help = match nearest(wanted, known.iter().copied()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("the columns are: {}", known.join(", ")),
                    };
                    Fault::config(format!(
                        "the hash id `{}` is made of the column `{wanted}`, which does not exist",
                        rule.name
                    ))
                    .with_help(help)
                })
            })
            .collect()
    }

    fn rename(&self, outputs: &mut [Output]) -> Vec<String> {
        let Some(rules) = &self.keys.columns else { return Vec::new() };
        if !rules.remove_special && !rules.remove_spaces && rules.case.is_none() {
            return Vec::new();
        }
        let old: Vec<&str> = outputs.iter().map(|output| output.field.name().as_str()).collect();
        let (new, warnings) = names::rewrite(&old, rules);
        for (output, name) in outputs.iter_mut().zip(new) {
            if output.field.name() != &name {
                output.field = Arc::new(output.field.as_ref().clone().with_name(name));
            }
        }
        warnings
    }
}

/// Appends a column with one value, unless there is one of that name.
fn add_value(outputs: &mut Vec<Output>, name: &str, value: ArrayRef) {
    if outputs.iter().any(|output| output.field.name() == name) {
        return;
    }
    let nullable = value.logical_null_count() > 0;
    let field = Arc::new(Field::new(name, value.data_type().clone(), nullable));
    outputs.push(Output { field, origin: Origin::Value(value) });
}

fn constant(value: &Scalar) -> ArrayRef {
    match value {
        Scalar::Null => Arc::new(NullArray::new(1)),
        Scalar::Bool(value) => Arc::new(BooleanArray::from(vec![*value])),
        Scalar::Int(value) => match i32::try_from(*value) {
            Ok(value) => Arc::new(Int32Array::from(vec![value])),
            Err(_) => Arc::new(Int64Array::from(vec![*value])),
        },
        Scalar::Float(value) => Arc::new(Float64Array::from(vec![*value])),
        Scalar::Text(value) => Arc::new(StringArray::from(vec![value.as_str()])),
    }
}

impl Polisher {
    /// One that leaves rows with these columns as they are.
    pub fn none(schema: &SchemaRef) -> Self {
        Self { outputs: Vec::new(), schema: Arc::clone(schema), warnings: Vec::new() }
    }

    /// The columns after polish.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What is worth a warning: names that had to be told apart.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether rows are passed on as they are.
    pub fn is_idle(&self) -> bool {
        self.outputs.is_empty()
    }

    /// Where each column of the result comes from.
    pub(crate) fn sources(&self) -> Vec<Source> {
        if self.is_idle() {
            return (0..self.schema.fields().len()).map(Source::Passed).collect();
        }
        let sources = self.outputs.iter().map(|output| match &output.origin {
            Origin::Input(index) => Source::Passed(*index),
            made => {
                let mut needed = Vec::new();
                made.add_needed(&mut needed);
                Source::Made(needed)
            }
        });
        sources.collect()
    }

    /// One column of the result, from some columns of the input whose places are given.
    pub(crate) fn column(
        &self,
        index: usize,
        rows: &RecordBatch,
        places: &[usize],
    ) -> Result<ArrayRef, Fault> {
        let inputs = Inputs { rows, places: Some(places) };
        match self.outputs.get(index) {
            Some(output) => output.origin.column(inputs),
            None => Origin::Input(index).column(inputs),
        }
    }

    /// The rows after polish.
    pub fn apply(&self, rows: &RecordBatch) -> Result<RecordBatch, Fault> {
        if self.is_idle() {
            return Ok(rows.clone());
        }
        let columns = self
            .outputs
            .iter()
            .map(|output| output.origin.column(Inputs { rows, places: None }))
            .collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).map_err(
            |error| Fault::bug("the polished columns do not fit their schema").because(error),
        )
    }
}

impl Inputs<'_> {
    fn get(self, index: usize) -> Result<ArrayRef, Fault> {
        let at = match self.places {
            Some(places) => places.iter().position(|place| *place == index),
            None => Some(index),
        };
        at.and_then(|at| self.rows.columns().get(at)).map(Arc::clone).ok_or_else(|| {
            Fault::bug(format!(
                "the column {index} is not among the {} of a batch",
                self.rows.num_columns()
            ))
        })
    }
}

impl Origin {
    fn column(&self, inputs: Inputs<'_>) -> Result<ArrayRef, Fault> {
        match self {
            Self::Input(index) => inputs.get(*index),
            Self::Hash { columns, names, algorithm, hex } => {
                let columns = columns.iter().map(|origin| origin.column(inputs)).collect::<Result<
                    Vec<_>,
                    _,
                >>(
                )?;
                let named: Vec<(&str, &dyn Array)> = names
                    .iter()
                    .map(String::as_str)
                    .zip(columns.iter().map(|column| column.as_ref() as &dyn Array))
                    .collect();
                hash::column(&named, inputs.rows.num_rows(), *algorithm, *hex)
            }
            Self::Value(value) => {
                let first = UInt32Array::from_value(0, inputs.rows.num_rows());
                arrow_select::take::take(value, &first, None)
                    .map_err(|error| Fault::bug("cannot repeat a constant").because(error))
            }
        }
    }

    fn add_needed(&self, needed: &mut Vec<usize>) {
        match self {
            Self::Input(index) if needed.contains(index) => {}
            Self::Input(index) => needed.push(*index),
            Self::Hash { columns, .. } => {
                columns.iter().for_each(|column| column.add_needed(needed));
            }
            Self::Value(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;

//! Rows as the body of a request.

use hygge_sdk::{Error, Result};
use serde_json::Value;

use super::config::Form;
use crate::json::{Found, Path};

/// How the bodies of a Store's requests are made.
#[derive(Clone, Debug)]
pub(super) struct Body {
    form: Form,
    /// JSON with [`ROWS`] or [`ROW`] where they go; the rows alone when there is none.
    around: Option<String>,
    single: bool,
}

const ROWS: &str = "\"{rows}\"";
const ROW: &str = "\"{row}\"";

impl Body {
    /// Bodies of this shape. `single` says that each holds one row.
    pub(super) fn new(form: Form, around: Option<&Value>, single: bool) -> Result<Self> {
        let around = around.map(Value::to_string);
        if let Some(text) = &around
            && !text.contains(ROWS)
            && !(single && text.contains(ROW))
        {
            return Err(Error::config(if single {
                "`body` has no place for the row: write `\"{row}\"` where it goes"
            } else {
                "`body` has no place for the rows: write `\"{rows}\"` where they go; `\"{row}\"` is \
                 for `rows_per_request: 1`"
            }));
        }
        Ok(Self { form, around, single })
    }

    pub(super) fn content_type(&self) -> &'static str {
        match self.form {
            Form::Json => "application/json",
            Form::Ndjson => "application/x-ndjson",
        }
    }

    /// The body of these rows, each the text of a JSON object.
    pub(super) fn of(&self, rows: &[String]) -> String {
        if self.form == Form::Ndjson {
            return rows.iter().flat_map(|row| [row.as_str(), "\n"]).collect();
        }
        let list = || format!("[{}]", rows.join(","));
        let first = || rows.first().cloned().unwrap_or_default();
        match &self.around {
            None if self.single => first(),
            None => list(),
            // What stands between quotes in JSON has no quotes within: nothing else is replaced.
            Some(around) => around.replace(ROWS, &list()).replace(ROW, &first()),
        }
    }
}

/// The values of a row that these names ask for.
pub(super) fn values(row: &str, names: &[String]) -> Result<Vec<(String, String)>> {
    let value = |name: &String| {
        let found = Path::parse(&format!("$['{name}']"))?.first(row)?;
        match found {
            Found::Value(value) if value != "null" => Ok((name.clone(), value.to_owned())),
            _ => Err(Error::data(format!(
                "`path` has a place for `{{{name}}}`, and a row has nothing there"
            ))),
        }
    };
    names.iter().map(value).collect()
}

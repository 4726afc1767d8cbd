//! Lists of values: an endpoint is read for each of them.

use hygge_sdk::{Error, Result};
use serde_json::{Map, Value};

use crate::endpoint::{Bound, Given, is_name};

/// Lists of values, of which every combination is one round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Each {
    lists: Vec<List>,
}

#[derive(Clone, Debug)]
struct List {
    name: String,
    /// What each value is as JSON.
    values: Vec<String>,
    /// The column that holds it, if there is one.
    column: Option<String>,
}

/// What a combination of values comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) given: Vec<Given>,
    pub(super) include: Bound,
    pub(super) told: String,
}

impl Each {
    /// Names, each with a list, or with `values` and `as`. Null takes one back.
    pub(crate) fn read(keys: Option<&Map<String, Value>>) -> Result<Self> {
        let given = keys.into_iter().flatten().filter(|(_, value)| !value.is_null());
        let each =
            Self { lists: given.map(|(name, value)| list(name, value)).collect::<Result<_>>()? };
        for (at, (name, column)) in each.columns().enumerate() {
            if let Some((other, _)) = each.columns().take(at).find(|(_, own)| *own == column) {
                return Err(Error::config(format!(
                    "`each.{other}` and `each.{name}` both become the column `{column}`: give one \
                     of them another name with `as`"
                )));
            }
        }
        Ok(each)
    }

    /// The names that are filled in.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.lists.iter().map(|list| list.name.as_str())
    }

    /// Names, and the columns they become.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lists.iter().filter_map(|list| Some((list.name.as_str(), list.column.as_deref()?)))
    }

    /// All that a column holds, in one round or another.
    pub(crate) fn all_values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lists.iter().flat_map(|list| {
            let column = list.column.as_deref();
            list.values.iter().filter_map(move |value| Some((column?, value.as_str())))
        })
    }

    /// How many combinations there are; one where nothing is listed.
    pub(super) fn count(&self) -> u64 {
        self.lists.iter().fold(1, |count: u64, list| count.saturating_mul(list.values.len() as u64))
    }

    /// A combination, by its number. The last list goes round first.
    pub(super) fn chosen(&self, number: u64) -> Chosen {
        let mut chosen = Chosen::default();
        let mut left = self.count();
        for List { name, values, column } in &self.lists {
            left /= (values.len() as u64).max(1);
            let at = number / left.max(1) % (values.len() as u64).max(1);
            let Some(value) = usize::try_from(at).ok().and_then(|at| values.get(at)) else {
                continue;
            };
            if !chosen.told.is_empty() {
                chosen.told.push(' ');
            }
            chosen.told.push_str(&format!("{name}={}", value.trim_matches('"')));
            chosen.given.push(Given::new(name, value.clone(), None));
            if let Some(column) = column {
                chosen.include.push((column.clone(), value.clone()));
            }
        }
        chosen
    }
}

fn list(name: &str, keys: &Value) -> Result<List> {
    let wrong = |what: String| Error::config(format!("`each.{name}` {what}"));
    if !is_name(name) {
        return Err(wrong(
            "is no name to be filled in: those are of letters, digits and `_`".to_owned(),
        ));
    }
    if ["entity", "since", "until"].contains(&name) {
        return Err(wrong("is filled in already: choose another name".to_owned()));
    }
    let (values, column) = match keys {
        Value::Array(values) => (values, None),
        Value::Object(keys) => {
            if let Some(other) = keys.keys().find(|key| !["values", "as"].contains(&key.as_str())) {
                return Err(wrong(format!("has no key `{other}`; there are `values` and `as`")));
            }
            let column = match keys.get("as") {
                None | Some(Value::Null) => None,
                Some(Value::String(column)) if !column.is_empty() => Some(column.clone()),
                Some(_) => return Err(wrong("says with `as` how its column is called".to_owned())),
            };
            match keys.get("values") {
                Some(Value::Array(values)) => (values, column),
                _ => return Err(wrong("needs a list of `values`".to_owned())),
            }
        }
        _ => {
            return Err(wrong(
                "is a list, such as `[eu, us]`, or `values` with such a list".to_owned(),
            ));
        }
    };
    if values.is_empty() {
        return Err(wrong(
            "is an empty list: nothing would be read; leave it out, or take it back with null"
                .to_owned(),
        ));
    }
    let mut plain = std::collections::HashSet::new();
    for value in values {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return Err(wrong(format!("holds {value}, which is neither text nor a number"))),
        };
        if !plain.insert(text) {
            return Err(wrong(format!("holds {value} twice: its rows would come twice")));
        }
    }
    let values = values.iter().map(Value::to_string).collect();
    Ok(List { name: name.to_owned(), values, column })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(keys: Value) -> Result<Each> {
        Each::read(keys.as_object())
    }

    #[test]
    fn every_combination_comes_once() {
        let each = read(json!({
            "region": {"values": ["eu", "us"], "as": "land"}, "gone": null, "n": [1, 2, 3],
        }))
        .unwrap();
        assert_eq!(each.count(), 6);
        let told: Vec<String> = (0..6).map(|number| each.chosen(number).told).collect();
        assert_eq!(
            told,
            [
                "region=eu n=1",
                "region=eu n=2",
                "region=eu n=3",
                "region=us n=1",
                "region=us n=2",
                "region=us n=3"
            ]
        );
        let last = each.chosen(5);
        assert_eq!(last.given[0], Given::new("region", "\"us\"".to_owned(), None));
        assert_eq!(last.given[1], Given::new("n", "3".to_owned(), None));
        assert_eq!(last.include, [("land".to_owned(), "\"us\"".to_owned())]);
        assert_eq!(each.all_values().collect::<Vec<_>>(), [("land", "\"eu\""), ("land", "\"us\"")]);
        let none = read(json!({})).unwrap();
        assert_eq!((none.count(), none.chosen(0)), (1, Chosen::default()));
    }

    #[test]
    fn mistakes_are_told_with_their_name() {
        for (keys, told) in [
            (json!({"a": []}), "`each.a` is an empty list"),
            (json!({"a": {"values": []}}), "`each.a` is an empty list"),
            (json!({"a": "eu"}), "`each.a` is a list, such as"),
            (json!({"a": {"as": "b"}}), "`each.a` needs a list of `values`"),
            (json!({"a": {"values": [1], "is": "b"}}), "`each.a` has no key `is`"),
            (json!({"a": {"values": [1], "as": 7}}), "how its column is called"),
            (json!({"a": [1, null]}), "`each.a` holds null"),
            (json!({"a": ["1", 1]}), "`each.a` holds 1 twice"),
            (json!({"a-b": [1]}), "is no name"),
            (json!({"since": [1]}), "is filled in already"),
            (
                json!({"a": {"values": [1], "as": "x"}, "b": {"values": [1], "as": "x"}}),
                "`each.a` and `each.b` both become the column `x`",
            ),
        ] {
            let error = read(keys).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}

//! The types of NDJSON keys, from the values under them.

use arrow_schema::{DataType, Field, Fields};
use indexmap::IndexMap;
use serde_json::Value;

/// What the values under a key have looked like so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shape {
    bool: bool,
    /// Whole numbers: any at all, any below zero, any too large for 64 bits with a sign.
    int: bool,
    negative: bool,
    large: bool,
    float: bool,
    text: bool,
    list: Option<Box<Shape>>,
    object: Option<IndexMap<String, Shape>>,
}

impl Shape {
    /// Looks at another value.
    pub(super) fn see(&mut self, value: &Value) {
        match value {
            Value::Null => {}
            Value::Bool(_) => self.bool = true,
            Value::Number(number) => {
                if let Some(whole) = number.as_i64() {
                    self.int = true;
                    self.negative |= whole < 0;
                } else if number.is_u64() {
                    self.int = true;
                    self.large = true;
                } else {
                    self.float = true;
                }
            }
            Value::String(_) => self.text = true,
            Value::Array(items) => {
                let item = self.list.get_or_insert_default();
                items.iter().for_each(|value| item.see(value));
            }
            Value::Object(members) => {
                let object = self.object.get_or_insert_default();
                for (key, value) in members {
                    see_member(object, key, value);
                }
            }
        }
    }

    /// What both have looked like.
    pub(super) fn merge(&mut self, other: Self) {
        self.bool |= other.bool;
        self.int |= other.int;
        self.negative |= other.negative;
        self.large |= other.large;
        self.float |= other.float;
        self.text |= other.text;
        if let Some(item) = other.list {
            self.list.get_or_insert_default().merge(*item);
        }
        if let Some(members) = other.object {
            merge_members(self.object.get_or_insert_default(), members);
        }
    }

    /// The type that holds all of it. Nothing but nulls is text, and so, as JSON, is what goes
    /// together in no other way.
    pub(super) fn data_type(&self) -> DataType {
        let number = self.int || self.float;
        let kinds = [self.bool, number, self.text, self.list.is_some(), self.object.is_some()];
        if kinds.into_iter().filter(|seen| *seen).count() != 1 {
            return DataType::Utf8;
        }
        if let Some(item) = &self.list {
            return DataType::new_list(item.data_type(), true);
        }
        match &self.object {
            // A struct of nothing cannot be stored anywhere.
            Some(members) if members.is_empty() => DataType::Utf8,
            Some(members) => DataType::Struct(fields(members)),
            None if self.bool => DataType::Boolean,
            None if self.float => DataType::Float64,
            None if self.large && self.negative => DataType::Decimal128(20, 0),
            None if self.large => DataType::UInt64,
            None if self.int => DataType::Int64,
            None => DataType::Utf8,
        }
    }
}

/// Looks at the value of a key.
pub(super) fn see_member(members: &mut IndexMap<String, Shape>, key: &str, value: &Value) {
    match members.get_mut(key) {
        Some(shape) => shape.see(value),
        None => {
            let mut shape = Shape::default();
            shape.see(value);
            members.insert(key.to_owned(), shape);
        }
    }
}

/// What both objects have looked like.
pub(super) fn merge_members(into: &mut IndexMap<String, Shape>, other: IndexMap<String, Shape>) {
    for (key, shape) in other {
        match into.get_mut(&key) {
            Some(known) => known.merge(shape),
            None => drop(into.insert(key, shape)),
        }
    }
}

/// The columns for these keys; any of them may be missing in a line.
fn fields(members: &IndexMap<String, Shape>) -> Fields {
    members.iter().map(|(key, shape)| Field::new(key, shape.data_type(), true)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_of(values: &[&str]) -> DataType {
        let mut shape = Shape::default();
        for value in values {
            shape.see(&serde_json::from_str(value).unwrap());
        }
        shape.data_type()
    }

    #[test]
    fn types_follow_from_values() {
        assert_eq!(type_of(&["1", "null"]), DataType::Int64);
        assert_eq!(type_of(&["1", "1.5"]), DataType::Float64);
        assert_eq!(type_of(&["18446744073709551615"]), DataType::UInt64);
        assert_eq!(type_of(&["18446744073709551615", "-1"]), DataType::Decimal128(20, 0));
        assert_eq!(type_of(&["null"]), DataType::Utf8);
        assert_eq!(type_of(&["1", "\"x\""]), DataType::Utf8);
        assert_eq!(type_of(&["[1]", "{}"]), DataType::Utf8);
        assert_eq!(type_of(&["[1, null]", "[]"]), DataType::new_list(DataType::Int64, true));
        assert_eq!(type_of(&["[]"]), DataType::new_list(DataType::Utf8, true));
        let DataType::Struct(fields) = type_of(&[r#"{"a": 1}"#, r#"{"b": {"c": true}, "a": 2.5}"#])
        else {
            panic!()
        };
        assert_eq!(fields[0].data_type(), &DataType::Float64);
        let inner = Fields::from(vec![Field::new("c", DataType::Boolean, true)]);
        assert_eq!(fields[1].data_type(), &DataType::Struct(inner));
    }
}

//! A value of YAML as the JSON that a schema asks for.
//!
//! Of JSON Schema this is what configuration needs: `type`, `enum`, `const`, `anyOf`/`oneOf`,
//! bounds of numbers, texts and lists, `items`, `properties`, `required`, `additionalProperties`
//! and `default`. What else a schema says is left to whoever reads the value.

use super::{Json, JsonMap, Key, KeySet, nearest, wrong_type};
use crate::project::problem::Problems;
use crate::project::yaml::{Node, Value};

/// The value as the schema wants it. `None` means that a mistake was recorded, at the value's own
/// place. As everywhere in a project, a text that came from a variable may stand for a number or
/// a truth value, and a number for a text.
pub(super) fn conform(node: &Node, schema: &Json, problems: &mut Problems) -> Option<Json> {
    if schema == &Json::Bool(false) {
        problems.add(&node.span, "nothing can be given here");
        return None;
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(Json::Array(options)) = schema.get(key) {
            return any_of(node, schema, options, problems);
        }
    }
    if let Some(only) = schema.get("const") {
        return one_of(node, std::slice::from_ref(only), problems);
    }
    if let Some(Json::Array(values)) = schema.get("enum") {
        return one_of(node, values, problems);
    }
    let types = types(schema);
    let Some(kind) = fitting(node, &types) else {
        if types.is_empty() {
            return anything(node, schema, problems);
        }
        match node.value {
            Value::Float(value) if !value.is_finite() => {
                infinite(node, problems);
            }
            _ => wrong_type(node, &expected(schema), problems),
        }
        return None;
    };
    match kind {
        "object" => object(node, schema, problems),
        "array" => list(node, schema, problems),
        "string" => {
            let text = String::read(node, problems)?;
            let length = text.chars().count() as u64;
            within(node, schema, ["minLength", "maxLength"], length, "characters", problems)?;
            Some(Json::String(text))
        }
        "boolean" => bool::read(node, problems).map(Json::Bool),
        "null" => Some(Json::Null),
        _ => {
            let value = number(node, kind)?;
            in_range(node, schema, &value, problems)?;
            Some(value)
        }
    }
}

/// The types a schema names.
fn types(schema: &Json) -> Vec<&str> {
    match schema.get("type") {
        Some(Json::String(name)) => vec![name],
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
        _ if schema.get("properties").is_some() => vec!["object"],
        _ if schema.get("items").is_some() => vec!["array"],
        _ => Vec::new(),
    }
}

/// The type the value is of, or else one it can be read as.
fn fitting<'a>(node: &Node, types: &[&'a str]) -> Option<&'a str> {
    let is = |kind: &&&str| match (&node.value, **kind) {
        (Value::Int(_), "integer" | "number") => true,
        (Value::Float(value), "number") => value.is_finite(),
        (Value::String(_), "string") | (Value::Bool(_), "boolean") => true,
        (Value::Sequence(_), "array") | (Value::Mapping(_), "object") => true,
        (Value::Null, "null") => true,
        _ => false,
    };
    let can_be = |kind: &&&str| match **kind {
        "string" => matches!(node.value, Value::Int(_) | Value::Float(_) | Value::Bool(_)),
        "boolean" => bool::read(node, &mut Problems::default()).is_some(),
        "integer" | "number" => number(node, kind).is_some(),
        _ => false,
    };
    types.iter().find(is).or_else(|| types.iter().find(can_be)).copied()
}

/// A number; also one in a text, as a variable expands to, and `10.0` for a whole one.
fn number(node: &Node, kind: &str) -> Option<Json> {
    let whole_only = kind == "integer";
    match &node.value {
        Value::Int(value) => Some(Json::from(*value)),
        Value::Float(value) if whole_only => {
            (value.fract() == 0.0 && value.abs() < 9e15).then(|| Json::from(*value as i64))
        }
        Value::Float(value) => serde_json::Number::from_f64(*value).map(Json::Number),
        Value::String(text) => {
            let plain = text.trim().replace('_', "");
            match plain.parse::<i64>() {
                Ok(value) => Some(Json::from(value)),
                Err(_) if whole_only => None,
                Err(_) => {
                    let value = plain.parse().ok()?;
                    serde_json::Number::from_f64(value).map(Json::Number)
                }
            }
        }
        _ => None,
    }
}

/// YAML knows numbers that JSON does not.
fn infinite(node: &Node, problems: &mut Problems) {
    problems.add(&node.span, format!("expected a finite number, found `{}`", node.span.text()));
}

/// A value of which nothing is said, as it stands.
fn anything(node: &Node, schema: &Json, problems: &mut Problems) -> Option<Json> {
    match &node.value {
        Value::Float(value) if !value.is_finite() => {
            infinite(node, problems);
            None
        }
        Value::Sequence(_) => list(node, schema, problems),
        Value::Mapping(_) => object(node, schema, problems),
        _ => Some(node.to_json()),
    }
}

fn object(node: &Node, schema: &Json, problems: &mut Problems) -> Option<Json> {
    let mapping = node.as_mapping()?;
    let set = KeySet::from_json_schema(schema);
    let mut object = set.read_json(mapping, &node.span, &[], problems)?;
    // Further keys may have a schema, too: the same for all of them.
    if let Some(more @ Json::Object(_)) = schema.get("additionalProperties") {
        let before = problems.list.len();
        for (name, (_, value)) in mapping.entries.iter().filter(|(name, _)| !set.has(name)) {
            let value = conform(value, more, problems);
            object.extend(value.map(|value| (name.clone(), value)));
        }
        if problems.list.len() > before {
            return None;
        }
    }
    let length = object.len() as u64;
    within(node, schema, ["minProperties", "maxProperties"], length, "keys", problems)?;
    Some(Json::Object(JsonMap::from_iter(object)))
}

fn list(node: &Node, schema: &Json, problems: &mut Problems) -> Option<Json> {
    let Value::Sequence(items) = &node.value else { return None };
    let each = schema.get("items").unwrap_or(&Json::Bool(true));
    // Every item is read even when one is wrong, so that all mistakes are found.
    let read: Vec<Option<Json>> = items.iter().map(|item| conform(item, each, problems)).collect();
    let length = items.len() as u64;
    within(node, schema, ["minItems", "maxItems"], length, "items", problems)?;
    read.into_iter().collect::<Option<Vec<_>>>().map(Json::Array)
}

fn any_of(node: &Node, schema: &Json, options: &[Json], problems: &mut Problems) -> Option<Json> {
    if let [only] = options {
        return conform(node, only, problems);
    }
    let fit = |option: &Json| conform(node, option, &mut Problems::default());
    let found = options.iter().find_map(fit);
    if found.is_none() {
        // Where only one of them is of the value's type, what it says is of more help.
        let mut alike = options.iter().filter(|option| fitting(node, &types(option)).is_some());
        match (alike.next(), alike.next()) {
            (Some(option), None) => return conform(node, option, problems),
            _ => wrong_type(node, &expected(schema), problems),
        }
    }
    found
}

fn one_of(node: &Node, values: &[Json], problems: &mut Problems) -> Option<Json> {
    let text = String::read(node, &mut Problems::default());
    let found = values.iter().find(|value| match value {
        Json::String(word) => text.as_ref().is_some_and(|text| text.eq_ignore_ascii_case(word)),
        Json::Number(wanted) => {
            number(node, "number").is_some_and(|number| number.as_f64() == wanted.as_f64())
        }
        Json::Bool(wanted) => bool::read(node, &mut Problems::default()) == Some(*wanted),
        other => &&node.to_json() == other,
    });
    if found.is_none() {
        let words: Vec<String> = values.iter().map(word).collect();
        match text {
            Some(text) => {
                let message = format!("`{text}` is not one of: {}", words.join(", "));
                let problem = problems.add(&node.span, message);
                if let Some(near) = nearest(&text, words.iter().map(String::as_str)) {
                    problem.label(format!("did you mean `{near}`?"));
                }
            }
            None => wrong_type(node, &format!("one of: {}", words.join(", ")), problems),
        }
    }
    found.cloned()
}

fn word(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What a schema expects, in words.
fn expected(schema: &Json) -> String {
    for key in ["anyOf", "oneOf"] {
        if let Some(Json::Array(options)) = schema.get(key) {
            return options.iter().map(expected).collect::<Vec<_>>().join(" or ");
        }
    }
    if let Some(Json::Array(values)) = schema.get("enum") {
        return format!("one of: {}", values.iter().map(word).collect::<Vec<_>>().join(", "));
    }
    let words = types(schema).into_iter().map(|kind| match kind {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a mapping",
        _ => "nothing",
    });
    words.collect::<Vec<_>>().join(" or ")
}

fn in_range(node: &Node, schema: &Json, value: &Json, problems: &mut Problems) -> Option<()> {
    let value = value.as_f64()?;
    type Holds = fn(&f64, &f64) -> bool;
    let bounds: [(&str, &str, Holds); 4] = [
        ("minimum", "at least", f64::ge),
        ("maximum", "at most", f64::le),
        ("exclusiveMinimum", "more than", f64::gt),
        ("exclusiveMaximum", "less than", f64::lt),
    ];
    for (key, words, holds) in bounds {
        let Some(bound) = schema.get(key).and_then(Json::as_f64) else { continue };
        if !holds(&value, &bound) {
            problems
                .add(&node.span, format!("{value} is out of range"))
                .label(format!("should be {words} {bound}"));
            return None;
        }
    }
    Some(())
}

fn within(
    node: &Node,
    schema: &Json,
    [least, most]: [&str; 2],
    count: u64,
    what: &str,
    problems: &mut Problems,
) -> Option<()> {
    let bound = |key: &str| schema.get(key).and_then(Json::as_u64);
    let label = match (bound(least), bound(most)) {
        (Some(least), _) if count < least => format!("should have at least {least}"),
        (_, Some(most)) if count > most => format!("should have at most {most}"),
        _ => return Some(()),
    };
    problems.add(&node.span, format!("this has {count} {what}")).label(label);
    None
}

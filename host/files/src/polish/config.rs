//! The keys of `polish:`.

use hygge_core::project::keys::{Json, Key};
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::{Node, Span, Value};
use jiff::Zoned;

use super::Polish;

/// The column that tells a mirroring engine what a row means.
const ROW_MARKER: &str = "__rowMarker__";

hygge_core::keys! {
    /// Last touches to rows before they are written, in this order: hash ids, column names,
    /// constants, timestamps.
    pub struct PolishKeys {
        /// How all column names are rewritten.
        columns: Option<ColumnKeys>,
        /// Columns made of a hash over others; each is placed first.
        hash_ids: Vec<HashKeys> = Vec::new(),
        /// Columns with one value for all rows, placed last.
        constants: Vec<ConstantKeys> = Vec::new(),
        /// Columns with the time of the run, the same for all its rows, placed last.
        timestamps: Vec<TimestampKeys> = Vec::new(),
        /// A constant column `__rowMarker__`.
        add_row_marker: Option<RowMarkerKeys>,
    }
}

hygge_core::keys! {
    /// How all column names are rewritten.
    pub struct ColumnKeys {
        /// Drops everything but letters (a to z), digits, spaces, `_` and `-`; what is in
        /// parentheses moves to the end.
        remove_special: bool = false,
        /// Drops spaces.
        remove_spaces: bool = false,
        /// Joins the words of a name as `PascalCase`, `camelCase` or `snake_case`.
        case: Option<Case>,
    }
}

hygge_core::choices! {
    /// How the words of a name are joined.
    pub enum Case {
        /// `OrderNumber`.
        Pascal = "pascal",
        /// `orderNumber`.
        Camel = "camel",
        /// `order_number`.
        Snake = "snake",
    }
}

hygge_core::keys! {
    /// A column made of a hash over others.
    pub struct HashKeys {
        /// The column's name.
        name: String,
        /// The columns whose values, as text joined with `|`, are hashed. Null when any is null.
        from_columns: Vec<String>,
        /// The hash.
        algo: Algorithm = Algorithm::Sha256,
        /// Hexadecimal text; otherwise the bytes themselves.
        hex: bool = true,
    }
}

hygge_core::choices! {
    /// A hash.
    pub enum Algorithm {
        /// 32 bytes.
        Sha256 = "sha256",
        /// 64 bytes.
        Sha512 = "sha512",
        /// 20 bytes.
        Sha1 = "sha1",
        /// 16 bytes.
        Md5 = "md5",
    }
}

hygge_core::keys! {
    /// A column with one value for all rows.
    pub struct ConstantKeys {
        /// The column's name.
        name: String,
        /// The value: text, a number, or true or false.
        value: Scalar,
    }
}

/// A value that stands for itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
}

impl Key for Scalar {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        Some(match &node.value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::Int(*value),
            Value::Float(value) => Self::Float(*value),
            Value::String(value) => Self::Text(value.clone()),
            Value::Sequence(_) | Value::Mapping(_) => {
                hygge_core::project::keys::wrong_type(
                    node,
                    "text, a number, or true or false",
                    problems,
                );
                return None;
            }
        })
    }

    fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::from(*value),
            Self::Int(value) => Json::from(*value),
            Self::Float(value) => Json::from(*value),
            Self::Text(value) => Json::from(value.clone()),
        }
    }

    fn schema() -> Json {
        serde_json::json!({ "type": ["string", "number", "boolean", "null"] })
    }
}

hygge_core::keys! {
    /// A column with the time of the run.
    pub struct TimestampKeys {
        /// The column's name.
        name: String,
        /// Coordinated universal time, or the time of this machine's zone.
        source: Clock = Clock::Utc,
        /// A timestamp, or text.
        r#type: StampType = StampType::DateTime,
        /// How text is written, in the terms of `strftime`; ISO 8601 when left out.
        format: Option<String>,
    }
}

hygge_core::choices! {
    /// Which clock.
    pub enum Clock {
        /// Coordinated universal time.
        Utc = "now_utc",
        /// The time of this machine's zone.
        Local = "now_local",
    }
}

hygge_core::choices! {
    /// What a time is stored as.
    pub enum StampType {
        /// A timestamp in microseconds.
        DateTime = "datetime",
        /// Text.
        Text = "string",
    }
}

hygge_core::keys! {
    /// A constant column `__rowMarker__`.
    pub struct RowMarkerKeys {
        /// Whether to add it.
        enabled: bool = false,
        /// 0 insert, 1 update, 2 delete, 4 upsert.
        value: i64 = 4,
    }
}

impl Polish {
    /// Checks what single keys cannot tell; `span` is where `polish` stands.
    pub fn configure(mut keys: PolishKeys, span: &Span, problems: &mut Problems) -> Option<Self> {
        let before = problems.list.len();
        if let Some(marker) = keys.add_row_marker.take()
            && marker.enabled
            && !keys.constants.iter().any(|constant| constant.name == ROW_MARKER)
        {
            keys.constants.push(ConstantKeys {
                name: ROW_MARKER.to_owned(),
                value: Scalar::Int(marker.value),
            });
        }
        for rule in &keys.hash_ids {
            if rule.from_columns.is_empty() {
                let message = format!("the hash id `{}` is made of no columns", rule.name);
                problems.add(span, message).help("name at least one column in `from_columns`");
            }
        }
        let names = (keys.hash_ids.iter().map(|rule| &rule.name))
            .chain(keys.constants.iter().map(|rule| &rule.name))
            .chain(keys.timestamps.iter().map(|rule| &rule.name));
        let mut seen: Vec<&String> = Vec::new();
        for name in names {
            if name.is_empty() {
                problems.add(span, "a column that `polish` adds has an empty name");
            } else if seen.contains(&name) {
                problems
                    .add(span, format!("`polish` adds the column `{name}` twice"))
                    .help("give one of them another name");
            }
            seen.push(name);
        }
        for rule in &keys.timestamps {
            if let Some(format) = &rule.format
                && let Err(error) = super::stamp::text(&Zoned::UNIX_EPOCH, format)
            {
                problems
                    .add(span, format!("`{format}` is not a strftime format: {error}"))
                    .help(format!("correct `format` of the timestamp `{}`", rule.name));
            }
        }
        (problems.list.len() == before).then_some(Self { keys })
    }
}

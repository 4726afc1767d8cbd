//! The declarations that make types of keys.

use serde_json::json;

use super::Json;

/// The documentation lines of a key as one text.
#[doc(hidden)]
pub fn join_docs(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// Declares a set of keys as a struct. See the [module](crate::project::keys).
#[macro_export]
macro_rules! keys {
    (
        $(#[doc = $about:literal])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $doc:literal])*
                $key:ident : $ty:ty $(= $default:expr)?
            ),* $(,)?
        }
        $(ignores [$($ignored:literal),* $(,)?])?
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            $($(#[doc = $doc])* pub $key: $ty,)*
        }

        impl $name {
            /// What these keys accept.
            $vis fn key_set() -> &'static $crate::project::keys::KeySet {
                static SET: ::std::sync::OnceLock<$crate::project::keys::KeySet> =
                    ::std::sync::OnceLock::new();
                SET.get_or_init(|| $crate::project::keys::KeySet {
                    about: $crate::project::keys::join_docs(&[$($about),*]),
                    keys: vec![$({
                        #[allow(unused_mut, unused_assignments)]
                        let mut default: ::std::option::Option<$ty> =
                            <$ty as $crate::project::keys::Key>::absent();
                        $(default = ::std::option::Option::Some($default);)?
                        $crate::project::keys::KeyInfo {
                            name: $crate::__key_name!($key).into(),
                            about: $crate::project::keys::join_docs(&[$($doc),*]),
                            required: default.is_none(),
                            default: default
                                .as_ref()
                                .map($crate::project::keys::Key::to_json),
                            schema: <$ty as $crate::project::keys::Key>::schema(),
                        }
                    }),*],
                    ignored: &[$($($ignored),*)?],
                    open: false,
                })
            }

            /// Reads the keys from a mapping, reporting everything that is wrong in it. `whole`
            /// is where the mapping stands, for keys that are missing; `extra` are keys that the
            /// caller reads itself.
            $vis fn from_mapping(
                mapping: &$crate::project::yaml::Mapping,
                whole: &$crate::project::yaml::Span,
                extra: &[&str],
                problems: &mut $crate::project::problem::Problems,
            ) -> ::std::option::Option<Self> {
                $crate::project::keys::check_unknown(mapping, Self::key_set(), extra, problems);
                // Every key is read before any missing one ends it: all mistakes at once.
                $(
                    #[allow(unused_mut, unused_assignments)]
                    let mut default: ::std::option::Option<$ty> =
                        <$ty as $crate::project::keys::Key>::absent();
                    $(default = ::std::option::Option::Some($default);)?
                    let $key: ::std::option::Option<$ty> =
                        match mapping.get($crate::__key_name!($key)) {
                            ::std::option::Option::Some(node) => {
                                <$ty as $crate::project::keys::Key>::read(node, problems)
                            }
                            ::std::option::Option::None if default.is_some() => default,
                            ::std::option::Option::None => {
                                problems.add(whole, format!(
                                    "the key `{}` is missing",
                                    $crate::__key_name!($key)
                                )).label(format!("needs `{}`", $crate::__key_name!($key)));
                                ::std::option::Option::None
                            }
                        };
                )*
                ::std::option::Option::Some(Self { $($key: $key?),* })
            }
        }

        impl $crate::project::keys::Key for $name {
            fn read(
                node: &$crate::project::yaml::Node,
                problems: &mut $crate::project::problem::Problems,
            ) -> ::std::option::Option<Self> {
                match &node.value {
                    $crate::project::yaml::Value::Mapping(mapping) => {
                        Self::from_mapping(mapping, &node.span, &[], problems)
                    }
                    // A key with all that was below it commented out.
                    $crate::project::yaml::Value::Null => Self::from_mapping(
                        &::std::default::Default::default(),
                        &node.span,
                        &[],
                        problems,
                    ),
                    _ => {
                        $crate::project::keys::wrong_type(node, "a mapping", problems);
                        ::std::option::Option::None
                    }
                }
            }

            // Keys that all have a default may be left out together.
            fn absent() -> ::std::option::Option<Self> {
                $(
                    #[allow(unused_mut, unused_assignments)]
                    let mut $key: ::std::option::Option<$ty> =
                        <$ty as $crate::project::keys::Key>::absent();
                    $($key = ::std::option::Option::Some($default);)?
                )*
                ::std::option::Option::Some(Self { $($key: $key?),* })
            }

            fn to_json(&self) -> $crate::project::keys::Json {
                let mut object = $crate::project::keys::JsonMap::new();
                $(object.insert(
                    $crate::__key_name!($key).to_owned(),
                    $crate::project::keys::Key::to_json(&self.$key),
                );)*
                $crate::project::keys::Json::Object(object)
            }

            fn schema() -> $crate::project::keys::Json {
                Self::key_set().schema(&[])
            }
        }
    };
}

/// The YAML name of a key: `r#type` is `type`.
#[doc(hidden)]
#[macro_export]
macro_rules! __key_name {
    ($key:ident) => {{
        const NAME: &str = stringify!($key);
        const PLAIN: &str = match NAME.as_bytes() {
            [b'r', b'#', ..] => NAME.split_at(2).1,
            _ => NAME,
        };
        PLAIN
    }};
}

/// Declares an enum whose values are written as fixed words; letter case is free.
///
/// ```
/// hygge_core::choices! {
///     /// How text is compressed.
///     pub enum TextCompression {
///         /// Not at all.
///         None = "uncompressed" | "none",
///         /// RFC 1952.
///         Gzip = "gzip",
///     }
/// }
/// ```
#[macro_export]
macro_rules! choices {
    (
        $(#[doc = $about:literal])*
        $vis:vis enum $name:ident {
            $($(#[doc = $doc:literal])* $variant:ident = $word:literal $(| $alias:literal)*),* $(,)?
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $vis enum $name {
            $($(#[doc = $doc])* $variant),*
        }

        impl $name {
            /// The word for this value.
            $vis fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl $crate::project::keys::Key for $name {
            fn read(
                node: &$crate::project::yaml::Node,
                problems: &mut $crate::project::problem::Problems,
            ) -> ::std::option::Option<Self> {
                let text = <String as $crate::project::keys::Key>::read(node, problems)?;
                match text.to_ascii_lowercase().as_str() {
                    $($word $(| $alias)* => ::std::option::Option::Some(Self::$variant),)*
                    _ => {
                        let known = [$($word),*];
                        let problem = problems.add(
                            &node.span,
                            format!("`{text}` is not one of: {}", known.join(", ")),
                        );
                        if let ::std::option::Option::Some(near) =
                            $crate::project::keys::nearest(&text, known.into_iter())
                        {
                            problem.label(format!("did you mean `{near}`?"));
                        }
                        ::std::option::Option::None
                    }
                }
            }

            fn to_json(&self) -> $crate::project::keys::Json {
                $crate::project::keys::Json::String(self.as_str().to_owned())
            }

            fn schema() -> $crate::project::keys::Json {
                $crate::project::keys::word_schema(&[$($word),*], &[$($($alias,)*)*])
            }
        }
    };
}

/// The JSON Schema of a value that is one of `words`, or of `aliases`, which are not suggested, in
/// any letter case.
#[doc(hidden)]
pub fn word_schema(words: &[&str], aliases: &[&str]) -> Json {
    // The patterns of JSON Schema have no way to ignore the letter case.
    let pattern = words
        .iter()
        .chain(aliases)
        .map(|word| {
            word.chars()
                .map(|c| match c {
                    c if c.is_ascii_alphabetic() => {
                        format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase())
                    }
                    c if c.is_ascii_alphanumeric() || c == '_' || c == '-' => c.to_string(),
                    c => format!("\\{c}"),
                })
                .collect::<String>()
        })
        .collect::<Vec<_>>()
        .join("|");
    json!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": format!("^({pattern})$") }] })
}

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// All of a text as serde has it, read by the scanner.
fn read(scanner: &mut Scanner<'_>) -> hygge_sdk::Result<Value> {
    let mut first = true;
    Ok(match scanner.peek()? {
        Kind::Object => {
            scanner.enter_object()?;
            let mut object = serde_json::Map::new();
            while let Some(key) = scanner.key(&mut first)? {
                object.insert(key.into_owned(), read(scanner)?);
            }
            Value::Object(object)
        }
        Kind::List => {
            scanner.enter_list()?;
            let mut list = Vec::new();
            while scanner.item(&mut first)? {
                list.push(read(scanner)?);
            }
            Value::Array(list)
        }
        _ => match scanner.token()? {
            Token::Null => Value::Null,
            Token::Bool(value) => Value::Bool(value),
            Token::Number(text) => serde_json::from_str(text)?,
            Token::Text(text) => Value::String(text.into_owned()),
            Token::Nested(text) => panic!("{text}"),
        },
    })
}

fn whole(text: &str) -> hygge_sdk::Result<Value> {
    let mut scanner = Scanner::new(text);
    let value = read(&mut scanner)?;
    scanner.end()?;
    Ok(value)
}

fn skipped(text: &str) -> bool {
    let mut scanner = Scanner::new(text);
    scanner.skip().is_ok() && scanner.end().is_ok()
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn json_is_read_as_serde_reads_it(value in values(), pretty: bool) {
        let text = if pretty {
            serde_json::to_string_pretty(&value).unwrap()
        } else {
            value.to_string()
        };
        prop_assert_eq!(whole(&text).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
        prop_assert!(skipped(&text));
    }

    #[test]
    fn what_is_no_json_is_refused_as_serde_refuses_it(
        value in values(), at in any::<prop::sample::Index>(), with in "[\\x00-\\x7f]{0,2}",
    ) {
        let text = value.to_string();
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let at = places[at.index(places.len())];
        let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
        let text = format!("{}{with}{}", &text[..at], &text[end..]);
        let good = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        prop_assert_eq!(skipped(&text), good, "{}", text);
    }
}

#[test]
fn escapes_are_read() {
    assert_eq!(
        whole(r#""a\"\\\/\b\f\n\r\t\u00e4\ud83d\ude00\ud83dx""#).unwrap(),
        json!("a\"\\/\u{8}\u{c}\n\r\tä😀\u{fffd}x")
    );
    for bad in [
        "\"\\x\"",
        "\"\\u12\"",
        "\"a",
        "\"\n\"",
        "01",
        "1.",
        "-",
        "1e",
        "tru",
        "[1,]",
        "{,}",
        "[1 2]",
    ] {
        assert!(!skipped(bad) && whole(bad).is_err(), "{bad}");
    }
    let deep = "[".repeat(200) + &"]".repeat(200);
    assert!(Scanner::new(&deep).skip().unwrap_err().to_string().contains("128 levels"));
}

#[test]
fn names_are_expected_as_they_are_usually_written() {
    let names =
        ["", "a", "sixsix", "sevenxx", "eightxxx", "fourteen_chars", "fifteen_letters", "ä"];
    for name in names {
        let likely = Likely::new(name);
        for written in names {
            for behind in ["", ", \"more of the same\": true"] {
                let text = format!("{{\"{written}\": 1{behind}}}");
                let mut scanner = Scanner::new(&text);
                scanner.enter_object().unwrap();
                let found = scanner.name(&mut true, Some(&likely)).unwrap();
                let other = Name::Other(written.into());
                assert_eq!(found, if name == written { Name::Expected } else { other });
                assert_eq!(scanner.token().unwrap(), Token::Number("1"));
            }
        }
    }
    let escaped = Likely::new("a\"b");
    let mut scanner = Scanner::new(r#"{"a\"b": 1}"#);
    scanner.enter_object().unwrap();
    let found = scanner.name(&mut true, Some(&escaped)).unwrap();
    assert_eq!(found, Name::Other("a\"b".into()));
}

#[test]
fn what_was_passed_is_not_looked_at_again() {
    let text = r#"{"data": [1, 2, 3], "next": 7}"#;
    // Nothing but a look at it would find this wrong.
    let broken = text.replace("2", "x");
    let passed = 9..18;
    let next = Path::parse("next").unwrap();
    let known = Document { text: &broken, passed: passed.clone() };
    assert_eq!(next.first(known).unwrap(), Found::Value("7"));
    assert!(next.first(broken.as_str()).is_err());
    let last = Path::parse("data[-1]").unwrap();
    assert_eq!(last.first(Document { text, passed }).unwrap(), Found::Value("3"));
}

#[test]
fn paths_lead_to_every_place() {
    let document = r#"{"data": [{"id": 1, "x": {"y": [10, 20]}}, {"id": 2}], "a b": {"next": null},
        "groups": {"p": [3, 4], "q": [5]}}"#;
    let all = |path: &str| {
        let mut found = Vec::new();
        let led = Path::parse(path).unwrap().each(document, |scanner| {
            found.push(scanner.skip()?);
            Ok(())
        });
        (led.unwrap(), found.join(" "))
    };
    assert_eq!(all("$.data[*].id"), (true, "1 2".to_owned()));
    assert_eq!(all("data[0].x.y[-1]"), (true, "20".to_owned()));
    assert_eq!(all("$['data'][-1].id"), (true, "2".to_owned()));
    assert_eq!(all("$[\"a b\"].next"), (true, "null".to_owned()));
    assert_eq!(all("$.groups.*[*]"), (true, "3 4 5".to_owned()));
    assert_eq!(all("$.data[9]"), (false, String::new()));
    assert_eq!(all("$.data[-9]"), (false, String::new()));
    assert_eq!(all("$.data.id"), (false, String::new()));
    assert_eq!(all("nothing"), (false, String::new()));
    assert_eq!(Path::parse("$").unwrap().first("[1]").unwrap(), Found::Value("[1]"));
    for bad in ["$..a", "$.a[", "$.a[?(@.b)]", "$.a[1:2]", "$a", "$.", "$['a"] {
        let told = Path::parse(bad).unwrap_err().to_string();
        assert!(told.contains("is no path"), "{bad}: {told}");
    }
}

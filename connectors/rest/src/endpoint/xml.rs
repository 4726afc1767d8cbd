//! Documents of XML (1.0), as the JSON that says the same.
//!
//! An element with nothing but text is that text, one without anything is null. Any other is an
//! object: of its attributes (`@name`), its elements by name (a list where a name occurs more than
//! once), and its text (`#text`). Names are as they are written, prefixes included.

use hygge_sdk::{Error, Result};
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::answer::beginning;

/// How deep elements may be within one another.
const DEEPEST: usize = 128;
/// As many digits as a number may have and still be one: more would not all be kept.
const DIGITS: usize = 15;

/// An element whose end has not come.
#[derive(Default)]
struct Open {
    name: String,
    /// What it has by name, each as JSON.
    members: Vec<(String, Vec<String>)>,
    text: String,
    is_nil: bool,
}

/// The JSON of a document; that of nothing is empty.
pub(super) fn to_json(document: &str) -> Result<String> {
    let mut reader = Reader::from_str(document);
    let mut open = vec![Open::default()];
    loop {
        let event = reader.read_event();
        let event = event.map_err(|error| wrong(document, &error.to_string()))?;
        let is_empty = matches!(event, Event::Empty(_));
        match event {
            Event::Start(tag) | Event::Empty(tag) => {
                if open.len() > DEEPEST {
                    return Err(Error::data(format!(
                        "the elements of the answer are more than {DEEPEST} deep"
                    )));
                }
                open.push(begun(document, &tag)?);
                if is_empty {
                    close(&mut open);
                }
            }
            // That it ends the right one has been looked at.
            Event::End(_) => close(&mut open),
            Event::Text(text) => add(&mut open, &text.xml10_content()),
            Event::CData(text) => add(&mut open, &text.xml10_content()),
            Event::GeneralRef(reference) => {
                let of_number = reference.resolve_char_ref();
                let of_number = of_number.map_err(|error| wrong(document, &error.to_string()))?;
                if let Some(letter) = of_number {
                    add(&mut open, letter.encode_utf8(&mut [0; 4]));
                } else if let Some(text) = resolve_predefined_entity(&reference) {
                    add(&mut open, text);
                } else {
                    // What a document declares itself is not looked at: it may be made to explode.
                    let why = format!("it has an entity of its own, `&{};`", &*reference);
                    return Err(wrong(document, &why));
                }
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    match <[Open; 1]>::try_from(open) {
        Ok([root]) if root.members.is_empty() && root.text.trim().is_empty() => Ok(String::new()),
        Ok([root]) if root.members.is_empty() => Err(wrong(document, "it has no element")),
        Ok([root]) => Ok(root.into_json()),
        Err(_) => Err(wrong(document, "it has no end: is it cut off?")),
    }
}

fn begun(document: &str, tag: &BytesStart<'_>) -> Result<Open> {
    let mut begun = Open { name: tag.name().0.to_owned(), ..Open::default() };
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| wrong(document, &error.to_string()))?;
        let name = attribute.key.0;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
        let value = value.map_err(|error| wrong(document, &error.to_string()))?;
        match name {
            // What prefixes stand for is no value.
            name if name == "xmlns" || name.starts_with("xmlns:") => {}
            "xsi:nil" => begun.is_nil = matches!(&*value, "true" | "1"),
            name => begun.members.push((format!("@{name}"), vec![scalar(&value)])),
        }
    }
    Ok(begun)
}

fn add(open: &mut [Open], text: &str) {
    if let Some(open) = open.last_mut() {
        open.text.push_str(text);
    }
}

/// The innermost element has come to its end.
fn close(open: &mut Vec<Open>) {
    let Some(done) = open.pop() else { return };
    let Some(parent) = open.last_mut() else { return };
    let name = done.name.clone();
    let value = done.into_json();
    match parent.members.iter_mut().find(|(other, _)| *other == name) {
        Some((_, values)) => values.push(value),
        None => parent.members.push((name, vec![value])),
    }
}

impl Open {
    fn into_json(mut self) -> String {
        if self.is_nil {
            return "null".to_owned();
        }
        let text = scalar(self.text.trim());
        if self.members.is_empty() {
            return text;
        }
        if text != "null" {
            self.members.push(("#text".to_owned(), vec![text]));
        }
        let mut json = String::from("{");
        for (place, (name, values)) in self.members.iter().enumerate() {
            if place > 0 {
                json.push(',');
            }
            json.push_str(&quoted(name));
            json.push(':');
            match values.as_slice() {
                [value] => json.push_str(value),
                values => {
                    json.push('[');
                    json.push_str(&values.join(","));
                    json.push(']');
                }
            }
        }
        json.push('}');
        json
    }
}

/// A text as JSON: what can only be a number or a truth is one.
fn scalar(text: &str) -> String {
    match text {
        "" => "null".to_owned(),
        "true" | "false" => text.to_owned(),
        text if is_number(text) => text.to_owned(),
        text => quoted(text),
    }
}

/// Whether a text is a number that is written the one way numbers are: `007`, `+1` and `1e5` may
/// well be something else.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all(whole)
        && all(part)
        && (whole == "0" || !whole.starts_with('0'))
        && whole.len() + part.len() <= DIGITS + 1
        && text != "-0"
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Something else than XML.
fn wrong(document: &str, why: &str) -> Error {
    let said = beginning(document);
    Error::data(format!("the answer is no XML: {why}; it begins with {said:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(xml: &str, json: serde_json::Value) {
        let made = to_json(xml).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&made).unwrap(), json, "{xml}");
    }

    #[test]
    fn elements_are_objects_texts_and_lists() {
        same(
            "<?xml version=\"1.0\"?><!DOCTYPE f><f xmlns='a' xmlns:x='b'><!-- no --><e id='7'><n>a &amp; \
             &#x42;</n><n><![CDATA[<c>]]></n><x:p>1.50</x:p></e><e id=\"08\">said</e><e/></f>",
            serde_json::json!({"f": {"e": [
                {"@id": 7, "n": ["a & B", "<c>"], "x:p": 1.50},
                {"@id": "08", "#text": "said"},
                null,
            ]}}),
        );
        same(
            "<a><b xsi:nil='true' c='1'/><d> true </d></a>",
            serde_json::json!({"a": {"b": null, "d": true}}),
        );
        assert_eq!(to_json(" \n").unwrap(), "");
    }

    #[test]
    fn only_what_can_be_nothing_else_is_a_number() {
        for number in ["0", "-1", "12.50", "123456789012345", "0.001"] {
            assert_eq!(
                to_json(&format!("<a>{number}</a>")).unwrap(),
                format!("{{\"a\":{number}}}")
            );
        }
        for text in ["007", "+1", "1e5", ".5", "1.", "-", "-0", "1,5", "12345678901234567", "١"] {
            assert_eq!(
                to_json(&format!("<a>{text}</a>")).unwrap(),
                format!("{{\"a\":\"{text}\"}}")
            );
        }
    }

    #[test]
    fn what_is_no_document_is_told() {
        for (xml, why) in [
            ("<a><b></a>", "no XML"),
            ("<a>", "cut off"),
            ("{\"a\": 1}", "no element"),
            ("<a b='1' b='2'/>", "no XML"),
            ("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "entity of its own"),
            (&"<a>".repeat(200), "deep"),
        ] {
            let told = to_json(xml).unwrap_err().to_string();
            assert!(told.contains(why), "{xml}: {told}");
        }
    }
}

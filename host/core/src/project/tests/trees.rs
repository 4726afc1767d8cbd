//! YAML as trees with places.

use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;

use crate::project::keys::Key;
use crate::project::parse::parse;
use crate::project::problem::Problems;
use crate::project::render::render;
use crate::project::yaml::{Node, Source, Value};

fn read(text: &str) -> (Option<Node>, Problems) {
    let source =
        Source { name: "a.yml".to_owned(), path: PathBuf::from("a.yml"), text: text.to_owned() };
    let mut problems = Problems::default();
    let node = parse(&Arc::new(source), &mut problems);
    (node, problems)
}

fn json(text: &str) -> String {
    let (node, problems) = read(text);
    assert!(problems.is_empty(), "{}", render(&problems, false));
    node.unwrap().to_json().to_string()
}

fn mistakes(text: &str) -> String {
    let (_, problems) = read(text);
    assert!(!problems.is_empty(), "no mistake in {text}");
    render(&problems, false)
}

/// The text that each scalar and collection says it stands in.
fn places(node: &Node, into: &mut Vec<String>) {
    match &node.value {
        Value::Sequence(items) => {
            into.push(node.span.text().to_owned());
            items.iter().for_each(|item| places(item, into));
        }
        Value::Mapping(mapping) => {
            into.push(node.span.text().to_owned());
            for (span, value) in mapping.entries.values() {
                into.push(span.text().to_owned());
                places(value, into);
            }
        }
        _ => into.push(node.span.text().to_owned()),
    }
}

#[test]
fn values() {
    assert_eq!(
        json("a: yes\nb: 'yes'\nc: 10_000\nd: \"5\"\ne:\nf: [1.5, ~]\n2024: x\ntrue: y\n"),
        r#"{"a":true,"b":"yes","c":10000,"d":"5","e":null,"f":[1.5,null],"2024":"x","true":"y"}"#
    );
}

#[test]
fn nothing_is_an_empty_mapping() {
    assert_eq!(json(""), "{}");
    assert_eq!(json("# nothing\n"), "{}");
    assert_eq!(json("---\n"), "{}");
}

#[test]
fn texts_over_lines() {
    assert_eq!(
        json("a: |\n  one\n  two\nb: >-\n  one\n  two\nc: one\n  two\n"),
        r#"{"a":"one\ntwo\n","b":"one two","c":"one two"}"#
    );
}

#[test]
fn tags() {
    assert_eq!(json("a: !!str 5\nb: !!int '5'\nc: ! 5\n"), r#"{"a":"5","b":5,"c":"5"}"#);
}

#[test]
fn anchors_and_merges() {
    assert_eq!(
        json("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  b: 0\n  <<: [*x, *y]\nw: *x\n"),
        r#"{"x":{"a":1,"b":2},"y":{"b":3,"c":4},"z":{"b":0,"a":1,"c":4},"w":{"a":1,"b":2}}"#
    );
    // In quotes it is a key like any other.
    assert_eq!(json("'<<': {a: 1}\n"), r#"{"<<":{"a":1}}"#);
}

#[test]
fn places_are_exact() {
    let text = "# ü\na: &n ünder  # why\nb:\n  - !!str x\n  - 'q'\n\n# end\nc: {d: 1}\ne: *n\nf:\n";
    let (node, _) = read(text);
    let mut found = Vec::new();
    places(&node.unwrap(), &mut found);
    assert_eq!(
        found[1..],
        [
            "a",
            "ünder",
            "b",
            "- !!str x\n  - 'q'",
            "x",
            "'q'",
            "c",
            "{d: 1}",
            "d",
            "1",
            "e",
            "ünder",
            "f",
            ""
        ]
    );
}

#[test]
fn carriage_returns_do_not_move_places() {
    let (node, _) = read("a: 1\r\nb: two\r\n");
    let mut found = Vec::new();
    places(&node.unwrap(), &mut found);
    assert_eq!(found[1..], ["a", "1", "b", "two"]);
}

#[test]
fn the_same_key_twice() {
    insta::assert_snapshot!(mistakes("name: a\nflows_dir: x\nname: b\n"), @r"
    error: the key `name` is here twice
     --> a.yml:3:1
      |
    1 | name: a
      | ---- first here
    2 | flows_dir: x
    3 | name: b
      | ^^^^ again here
      |
      = help: keep one of them

    1 problem in 1 file
    ");
}

#[test]
fn a_second_document() {
    insta::assert_snapshot!(mistakes("name: a\n---\nname: b\n"), @r"
    error: a second document begins here
     --> a.yml:2:1
      |
    2 | ---
      | ^^^ not allowed
      |
      = help: a file holds one document: remove the `---` or make two files

    1 problem in 1 file
    ");
}

#[test]
fn a_tab() {
    insta::assert_snapshot!(mistakes("home:\n\tpath: x\n"), @r"
    error: a tab stands where YAML allows only spaces
     --> a.yml:2:1
      |
    2 |     path: x
      | ^ YAML cannot be read from here on
      |
      = help: indent with spaces

    1 problem in 1 file
    ");
}

#[test]
fn quotes_without_end() {
    insta::assert_snapshot!(mistakes("name: \"a\nhome: x\n"), @r#"
    error: the quote that opens here is not closed
     --> a.yml:1:7
      |
    1 | name: "a
      |       ^ YAML cannot be read from here on
      |
      = help: add the closing quote

    1 problem in 1 file
    "#);
}

#[test]
fn two_colons() {
    insta::assert_snapshot!(mistakes("query: select a: b\n"), @r"
    error: a second `:` where only one can stand
     --> a.yml:1:16
      |
    1 | query: select a: b
      |                ^ YAML cannot be read from here on
      |
      = help: a text that contains `: ` or ` #`, or begins with a sign, needs quotes

    1 problem in 1 file
    ");
}

#[test]
fn wrong_indentation() {
    insta::assert_snapshot!(mistakes("home:\n    type: parquet\n  path: x\n"), @r"
    error: this does not belong to the mapping above it
     --> a.yml:3:3
      |
    3 |   path: x
      |   ^ YAML cannot be read from here on
      |
      = help: compare its indentation with the lines above: keys of one mapping stand in one column

    1 problem in 1 file
    ");
}

#[test]
fn brackets_without_end() {
    insta::assert_snapshot!(mistakes("entities: [a, b\nstore: x\n"), @r"
    error: a `:` cannot stand here
     --> a.yml:2:6
      |
    2 | store: x
      |      ^ YAML cannot be read from here on
      |
      = help: is a `]` or `}` missing before it?

    1 problem in 1 file
    ");
}

#[test]
fn an_escape_that_is_none() {
    insta::assert_snapshot!(mistakes(r#"path: "C:\data""#), @r#"
    error: this text has an escape with `\` that YAML does not know
     --> a.yml:1:7
      |
    1 | path: "C:\data"
      |       ^ YAML cannot be read from here on
      |
      = help: in single quotes a backslash is just a backslash: write Windows paths so

    1 problem in 1 file
    "#);
}

#[test]
fn an_alias_of_nothing() {
    insta::assert_snapshot!(mistakes("table: *all\n"), @r"
    error: this alias has no anchor before it
     --> a.yml:1:8
      |
    1 | table: *all
      |        ^ YAML cannot be read from here on
      |
      = help: a text that begins with `*` needs quotes

    1 problem in 1 file
    ");
}

#[test]
fn an_alias_of_itself() {
    insta::assert_snapshot!(mistakes("a: &a\n  b: *a\n"), @r"
    error: this repeats a value from within that value
     --> a.yml:2:6
      |
    2 |   b: *a
      |      ^^
      |
      = help: an alias can only stand after the end of the value that its anchor names

    1 problem in 1 file
    ");
}

#[test]
fn a_tag_of_ones_own() {
    insta::assert_snapshot!(mistakes("path: !env HOME\n"), @r"
    error: this YAML tag means nothing here
     --> a.yml:1:7
      |
    1 | path: !env HOME
      |       ^^^^^^^^^ remove the `!…`
      |
      = help: a text that begins with `!` needs quotes

    1 problem in 1 file
    ");
}

#[test]
fn a_list_as_a_key() {
    insta::assert_snapshot!(mistakes("[a, b]: c\n"), @r"
    error: a key should be a word, found a list
     --> a.yml:1:1
      |
    1 | [a, b]: c
      | ^^^^^^
      |
      = help: a text with braces or brackets in it needs quotes

    1 problem in 1 file
    ");
}

#[test]
fn a_text_merged_in() {
    insta::assert_snapshot!(mistakes("a:\n  <<: text\n"), @r"
    error: `<<` takes in a mapping, found text
     --> a.yml:2:7
      |
    2 |   <<: text
      |       ^^^^
      |
      = help: write `<<: *name` where `&name` marks a mapping

    1 problem in 1 file
    ");
}

#[test]
fn aliases_of_aliases_are_bounded() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    let (node, problems) = read(&text);
    assert!(node.is_none());
    assert_eq!(problems.list[0].message, "aliases repeat more than 20000 values");
}

#[test]
fn depth_is_bounded() {
    for text in ["[".repeat(5_000), "- ".repeat(5_000), "{a: ".repeat(5_000)] {
        let (node, problems) = read(&text);
        assert!(node.is_none());
        assert!(!problems.is_empty());
    }
    // Aliases cannot build what brackets may not.
    let mut text = "a0: &a0 [x]\n".to_owned();
    for level in 1..100 {
        text.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    let (_, problems) = read(&text);
    assert_eq!(problems.list[0].message, "more than 64 levels within each other");
}

proptest! {
    #[test]
    fn no_text_makes_it_fail(text in "[ \\n\\ta-c0&*:<>{}\\[\\],'\"#!|%@?~ü\\-\\.\\\\$]{0,60}") {
        let (node, mut problems) = read(&text);
        prop_assert!(node.is_some() || !problems.is_empty());
        // Showing a mistake must not fail either, wherever it stands.
        if let Some(node) = &node {
            let mut found = Vec::new();
            places(node, &mut found);
            problems.add(&node.span, "all of it");
        }
        prop_assert!(render(&problems, false).contains("problem"));
    }
}

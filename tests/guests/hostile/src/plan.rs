//! Plans, honest ones and others.

use hygge_sdk::bindings::home::exports::hygge::connector::home as contract;

use crate::rows;

/// The plan that `behaviour` makes.
pub(crate) fn of(behaviour: &str) -> Vec<contract::Split> {
    let one = |id: &str| split(id, None);
    match behaviour {
        "splits_million" => (0..1_000_000).map(|number| one(&format!("{number}"))).collect(),
        "splits_many" => (0..150_000).map(|number| one(&format!("{number}"))).collect(),
        "splits_same" => vec![one("same"), one("same")],
        "splits_nameless" => vec![one("")],
        "splits_long" => vec![one(&"n".repeat(5_000_000))],
        "splits_heavy" => vec![contract::Split { spec: vec![7; 1 << 20], ..one("heavy") }],
        "rows_more" => vec![split("all", Some(200))],
        "rows_fewer" => vec![split("all", Some(301))],
        "image" => vec![one("all")],
        "rows_most" => vec![split("a", Some(u64::MAX)), split("b", Some(u64::MAX))],
        slow if slow.starts_with("slow") => (0..rows::SLOW_SPLITS)
            .map(|number| contract::Split {
                spec: vec![number],
                ..split(&format!("part-{number}"), Some(rows::slow_rows()))
            })
            .collect(),
        _ => vec![split("all", Some(300))],
    }
}

fn split(id: &str, rows: Option<u64>) -> contract::Split {
    contract::Split { id: id.to_owned(), spec: Vec::new(), rows, bytes: None }
}

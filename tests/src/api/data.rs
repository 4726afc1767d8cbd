//! The rows there are.

use std::fmt::Write as _;
use std::ops::Range;

/// Microseconds between two rows' `updated_at` do not matter; ten of them share one second.
const TIES: u64 = 10;

/// The row of a number, as JSON.
pub fn row(id: u64) -> String {
    let mut row = String::with_capacity(200);
    // Writing into a string does not fail.
    let _ = write!(
        row,
        "{{\"id\":{id},\"name\":\"name \\u00e4 {id}\",\"amount\":{}.{:02},\"flag\":{},\
         \"note\":{},\"updated_at\":\"{}\",\"place\":{{\"city\":\"c{}\",\"zip\":{}}},\
         \"tags\":[\"t{}\",\"x\"]}}",
        id * 7 % 1000,
        id % 100,
        id.is_multiple_of(2),
        if id.is_multiple_of(3) { "null".to_owned() } else { format!("\"note \\\"{id}\\\"\"") },
        updated_at(id),
        id % 17,
        id % 90_000 + 10_000,
        id % 5,
    );
    row
}

/// When a row was last changed.
pub fn updated_at(id: u64) -> String {
    let second = id / TIES;
    let (day, second) = (second / 86_400, second % 86_400);
    format!(
        "2026-01-{:02}T{:02}:{:02}:{:02}Z",
        day + 1,
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// Rows as a list of JSON.
pub fn list(ids: Range<u64>) -> String {
    let mut list = String::from("[");
    for id in ids {
        if list.len() > 1 {
            list.push(',');
        }
        list.push_str(&row(id));
    }
    list.push(']');
    list
}

/// Rows as lines of JSON.
pub fn lines(ids: Range<u64>) -> String {
    ids.fold(String::new(), |mut lines, id| {
        lines.push_str(&row(id));
        lines.push('\n');
        lines
    })
}

/// Rows as XML, of the same columns as CSV.
pub fn xml(ids: Range<u64>) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rows>\n");
    for id in ids {
        let note = match id.is_multiple_of(3) {
            true => "<note/>".to_owned(),
            false => format!("<note>note &quot;{id}&quot;</note>"),
        };
        let _ = writeln!(
            xml,
            "<row id=\"{id}\"><name>name ä {id}</name><amount>{}.{:02}</amount><flag>{}</flag>{note}\
             <updated_at>{}</updated_at></row>",
            id * 7 % 1000,
            id % 100,
            id % 2 == 0,
            updated_at(id)
        );
    }
    xml.push_str("</rows>\n");
    xml
}

/// Rows as CSV, of the columns that CSV can hold.
pub fn csv(ids: Range<u64>) -> String {
    let mut csv = String::from("id,name,amount,flag,note,updated_at\r\n");
    for id in ids {
        let note =
            if id.is_multiple_of(3) { String::new() } else { format!("\"note \"\"{id}\"\"\"") };
        let _ = write!(
            csv,
            "{id},name ä {id},{}.{:02},{},{note},{}\r\n",
            id * 7 % 1000,
            id % 100,
            id % 2 == 0,
            updated_at(id)
        );
    }
    csv
}

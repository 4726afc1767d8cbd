//! Endpoints that are read for each of some values.

use hygge_sdk::Home as _;

use super::*;

/// Rows that say what was asked for.
fn echo() -> World {
    world(|sent| Answer::json(json!([{"asked": sent.target}])))
}

fn asked(config: Value) -> Vec<String> {
    rows(&echo(), config).iter().map(|row| row["asked"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_combination_is_asked_for_and_is_a_column() {
    let config = json!({
        "path": "/{region}/rows", "params": {"kind": "{kind}", "n": 1},
        "each": {"region": {"values": ["eu", "u s"], "as": "place"}, "kind": {"values": [1, 2], "as": "kind"}},
    });
    let rows = rows(&echo(), config.clone());
    assert_eq!(
        rows,
        [
            json!({"asked": "/eu/rows?kind=1&n=1", "place": "eu", "kind": 1}),
            json!({"asked": "/eu/rows?kind=2&n=1", "place": "eu", "kind": 2}),
            json!({"asked": "/u%20s/rows?kind=1&n=1", "place": "u s", "kind": 1}),
            json!({"asked": "/u%20s/rows?kind=2&n=1", "place": "u s", "kind": 2}),
        ]
    );
    let api = echo();
    let home = open(&api, config);
    assert_eq!(home.check_resume(&Query::table("rows")).unwrap(), 4);
    assert_eq!(api.run(|| home.home().plan(&Query::table("rows"))).unwrap().len(), 4);
}

#[test]
fn the_columns_of_values_hold_all_of_them() {
    let config = json!({
        "params": {"n": "{n}"}, "sample": 1, "each": {"n": {"values": [1, 2.5, "x"], "as": "n"}},
    });
    let found: Vec<Value> = rows(&echo(), config).iter().map(|row| row["n"].clone()).collect();
    assert_eq!(found, [json!("1"), json!("2.5"), json!("x")]);

    let mut config = json!({
        "params": {"n": "{n}"}, "schema": {"asked": "string", "n": "int8"},
        "each": {"n": {"values": [7], "as": "n"}},
    });
    assert_eq!(rows(&echo(), config.clone()), [json!({"asked": "/rows?n=7", "n": 7})]);
    config["schema"] = json!({"asked": "string"});
    let told = fault(&echo(), config).to_string();
    assert!(told.contains("`each.n` has `n`, and `schema` does not say"), "{told}");
}

#[test]
fn very_many_values_are_grouped() {
    let values: Vec<u64> = (0..1000).collect();
    let config = json!({"path": "/{id}", "each": {"id": values}});
    let api = echo();
    let home = open(&api, config.clone());
    assert_eq!(api.run(|| home.home().plan(&Query::table("rows"))).unwrap().len(), 128);
    let wanted: Vec<String> = (0..1000).map(|id| format!("/{id}")).collect();
    assert_eq!(asked(config), wanted);
}

#[test]
fn parents_and_windows_are_read_for_each() {
    let api = world(|sent| {
        Answer::json(match sent.path() {
            "/eu/users" => json!([{"id": 1}, {"id": 2}]),
            "/us/users" => json!([{"id": 3}]),
            _ => json!([{"asked": sent.target}]),
        })
    });
    let config = json!({
        "path": "/users/{user}/posts", "params": {"day": "{since}", "to": "{until}"},
        "parent": {"path": "/{region}/users", "bind": {"user": "id"}, "include": {"user": "id"}},
        "each": {"region": {"values": ["eu", "us"], "as": "region"}},
        "incremental": {"format": "date", "start": "2025-12-31", "step": "1d",
                        "until": {"inclusive": true}},
    });
    let found = rows(&api, config);
    let plain: Vec<(&str, &str, u64)> = found
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap();
            (text("asked"), text("region"), row["user"].as_u64().unwrap())
        })
        .collect();
    let day = |user: u64, day: &str| format!("/users/{user}/posts?day={day}&to={day}");
    let (old, new) = ("2025-12-31", "2026-01-01");
    assert_eq!(
        plain,
        [
            (day(1, old).as_str(), "eu", 1),
            (day(2, old).as_str(), "eu", 2),
            (day(1, new).as_str(), "eu", 1),
            (day(2, new).as_str(), "eu", 2),
            (day(3, old).as_str(), "us", 3),
            (day(3, new).as_str(), "us", 3),
        ]
    );
}

#[test]
fn mistakes_are_told() {
    let told = |config: Value| fault(&echo(), config).to_string();
    let unused = json!({"path": "/rows", "each": {"region": ["eu"]}});
    assert!(told(unused).contains("nothing uses `each.region`"));
    let unknown = json!({"path": "/{land}/{region}", "each": {"region": ["eu"]}});
    assert!(told(unknown).contains("a place for `{land}`, and what is filled in is region alone"));
    let twice = json!({
        "path": "/{id}", "each": {"id": [1]}, "parent": {"path": "/x", "bind": {"id": "id"}},
    });
    assert!(told(twice).contains("`each.id` and `parent.bind` both fill in `{id}`"));
    let column = json!({
        "path": "/{id}/{n}", "each": {"n": {"values": [1], "as": "c"}},
        "parent": {"path": "/x", "bind": {"id": "id"}, "include": {"c": "id"}},
    });
    assert!(told(column).contains("both become the column `c`"));
    let many: Vec<u64> = (0..400).collect();
    let many = json!({"path": "/{a}/{b}", "each": {"a": many, "b": many}});
    assert!(told(many).contains("`each` has 160000 combinations"));
    let empty = json!({"path": "/{a}", "each": {"a": []}});
    assert!(told(empty).contains("`each.a` is an empty list"));
    let schema = json!({"path": "/{a}", "each": {"a": [1, 2]}, "schema": {"asked": "int8"}});
    let error = told(schema);
    assert!(error.starts_with("a=1: page 1 of /{a}: row 1"), "{error}");
}

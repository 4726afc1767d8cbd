//! Requests that are sent before it is their turn change nothing but the time that it takes.

use super::*;

const SIZE: u64 = 10;

/// One page of so many rows.
fn page(number: u64, rows: u64) -> Vec<Value> {
    let from = number.saturating_sub(1) * SIZE;
    (from..rows.min(from + SIZE)).map(|id| json!({"id": id})).collect()
}

fn number(sent: &Sent, name: &str) -> u64 {
    sent.param(name).map_or(1, |text| text.parse().unwrap())
}

fn config(paginate: Value, concurrency: usize) -> Value {
    json!({"paginate": paginate, "records": "$.data[*]", "schema": {"id": "int64"},
        "concurrency": concurrency})
}

/// Pages of so many rows.
fn pages(rows: u64) -> World {
    world(move |sent| {
        Answer::json(json!({"data": page(number(sent, "page"), rows), "total": rows}))
    })
}

/// How many rows came, with how many requests, of which so many were side by side.
fn read_with(world: &World, config: Value) -> (usize, usize, usize) {
    let read = rows(world, config);
    assert!(read.iter().map(|row| row["id"].as_u64().unwrap()).eq(0..read.len() as u64));
    (read.len(), world.sent().len(), world.side_by_side())
}

#[test]
fn a_known_end_is_kept_to() {
    let total = json!({"type": "page_number", "total": "$.total"});
    assert_eq!(read_with(&pages(200), config(total.clone(), 4)), (200, 20, 4));
    assert_eq!(read_with(&pages(200), config(total.clone(), 1)), (200, 20, 1));
    assert_eq!(read_with(&pages(25), config(total.clone(), 16)), (25, 3, 2));
    assert_eq!(read_with(&pages(10), config(total, 4)), (10, 1, 1));
    let some = json!({"type": "page_number", "max_pages": 7});
    assert_eq!(read_with(&pages(200), config(some, 4)), (70, 7, 4));
}

#[test]
fn an_end_that_is_not_known_is_approached() {
    let paginate = json!("page_number");
    let read = |rows: u64, most: usize| read_with(&pages(rows), config(paginate.clone(), most));
    // The empty page is what ends it, with or without others behind it.
    assert_eq!(read(0, 4), (0, 1, 1));
    assert_eq!(read(10, 4), (10, 2, 1));
    assert_eq!(read(15, 4), (15, 3, 1));
    assert_eq!(read(200, 1), (200, 21, 1));
    let (rows, requests, side_by_side) = read(200, 4);
    assert_eq!((rows, side_by_side), (200, 4));
    assert!((21..=24).contains(&requests), "{requests} requests");
}

#[test]
fn what_lies_behind_the_end_is_not_looked_at() {
    let api = world(|sent| match number(sent, "page") {
        number @ 1..=9 => Answer::json(json!({"data": page(number, 85)})),
        _ => Answer::status(404),
    });
    let paginate = json!({"type": "page_number", "size": SIZE, "short_page": true});
    let (rows, requests, _) = read_with(&api, config(paginate, 4));
    assert_eq!(rows, 85);
    assert!(requests > 9, "nothing was asked for behind the end");
}

#[test]
fn what_is_wrong_is_told_when_it_is_its_turn() {
    let api = world(|sent| match number(sent, "page") {
        8 => Answer::status(400),
        number => Answer::json(json!({"data": page(number, 1000)})),
    });
    let keys = config(json!("page_number"), 4);
    let told = fault(&api, keys.clone()).to_string();
    assert!(told.starts_with("page 8 of /rows: rows answered 400"), "{told}");
    assert_eq!(api.side_by_side(), 4);
    // What comes before is there, with the state that leads on to the page that failed.
    let home = open(&api, keys);
    let query = Query::table("rows");
    let columns = home.home().selected(&query).unwrap();
    let states = api.run(|| {
        let part = crate::home::Part { query, columns, span: None, rounds: 0..1 };
        let mut reader = hygge_sdk::Home::read(home.home(), part, None).unwrap();
        let mut states = 0;
        while reader.gather(1 << 20).is_ok() {
            states += u64::from(reader.state.take().is_some());
        }
        states
    });
    assert_eq!(states, 7);
}

#[test]
fn rows_that_are_not_where_they_were_looked_for_are_found() {
    // Fewer rows on every third page: those behind it begin elsewhere.
    let api = || {
        world(|sent| {
            let from: u64 = sent.param("offset").unwrap().parse().unwrap();
            let rows = if from % 3 == 2 { SIZE - 3 } else { SIZE };
            let data: Vec<Value> =
                (from..200.min(from + rows)).map(|id| json!({"id": id})).collect();
            Answer::json(json!({"data": data, "total": 200}))
        })
    };
    for more in [json!({}), json!({"size": 10}), json!({"total": "$.total"})] {
        let mut paginate = json!({"type": "offset"});
        paginate.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (rows, alone, _) = read_with(&api(), config(paginate.clone(), 1));
        assert_eq!(rows, 200);
        let (rows, requests, side_by_side) = read_with(&api(), config(paginate, 4));
        assert_eq!(rows, 200);
        assert!(side_by_side > 1 && requests < alone + 4, "{requests} requests, not {alone}");
    }
    // A server gives fewer rows than it is asked for, always as many.
    let capped = world(|sent| {
        let from: u64 = sent.param("offset").unwrap().parse().unwrap();
        let data: Vec<Value> = (from..200.min(from + 5)).map(|id| json!({"id": id})).collect();
        Answer::json(json!({"data": data, "total": 200}))
    });
    let paginate = json!({"type": "offset", "size": 10, "total": "$.total"});
    assert_eq!(read_with(&capped, config(paginate, 4)), (200, 40, 4));
}

/// Parents on pages of five, and their children, on as many pages as `children` says.
fn family(children: impl Fn(u64) -> u64 + 'static) -> World {
    world(move |sent| {
        let number = number(sent, "page");
        let parts: Vec<&str> = sent.path().trim_matches('/').split('/').collect();
        let data: Vec<Value> = match parts[..] {
            ["parents"] => (number * 5 - 5..number * 5)
                .filter(|id| *id < 23)
                .map(|id| json!({"id": id}))
                .collect(),
            ["parents", parent, "rows"] => {
                let parent: u64 = parent.parse().unwrap();
                match number {
                    number if number <= children(parent) => {
                        vec![json!({"n": number}), json!({"n": 0})]
                    }
                    _ => Vec::new(),
                }
            }
            _ => return Answer::status(404),
        };
        let next = (number < children(0)).then(|| number + 1);
        Answer::json(json!({"data": data, "next": next}))
    })
}

fn below(paginate: Value, concurrency: usize) -> Value {
    json!({
        "path": "/parents/{parent}/rows", "records": "$.data[*]", "paginate": paginate,
        "schema": {"n": "int64", "parent": "int64"}, "concurrency": concurrency,
        "parent": {"path": "/parents", "paginate": "page_number", "bind": {"parent": "$.id"},
            "include": {"parent": "$.id"}},
    })
}

#[test]
fn the_first_pages_of_records_are_asked_for_side_by_side() {
    for paginate in [
        json!("none"),
        json!("page_number"),
        json!({"type": "cursor", "param": "page", "path": "$.next"}),
    ] {
        let children = |_| 3;
        let alone = family(children);
        let wanted = rows(&alone, below(paginate.clone(), 1));
        assert_eq!(alone.side_by_side(), 1);
        let world = family(children);
        assert_eq!(rows(&world, below(paginate.clone(), 4)), wanted);
        assert_eq!(world.side_by_side(), 4);
        let (mut once, mut all) = (alone.requests(), world.requests());
        if paginate != json!("page_number") {
            // Nothing is asked for that would not be, and nothing twice.
            once.sort();
            all.sort();
            assert_eq!(all, once);
        }
        let states = open(&world, below(paginate, 4)).check_resume(&Query::table("rows")).unwrap();
        assert!(states >= 23, "{states} states");
    }
}

#[test]
fn a_record_with_many_pages_has_all_the_room() {
    // Every seventh has many, and the others one.
    let children = |parent: u64| if parent % 7 == 3 { 60 } else { 1 };
    let alone = family(children);
    let wanted = rows(&alone, below(json!("page_number"), 1));
    let world = family(children);
    assert_eq!(rows(&world, below(json!("page_number"), 4)), wanted);
    assert_eq!(world.side_by_side(), 4);
    // Behind each of the three long ones, and for those that gave up their room for it.
    let (once, all) = (alone.requests().len(), world.requests().len());
    assert!(all <= once + 3 * (3 + 4), "{all} requests, not {once}");
    // While a long one is read, four of its pages are under way: the next record, which had been
    // asked for, gave up its room, and is asked for again.
    for long in [3, 10, 17] {
        let target = format!("parents/{long}/rows?page=40");
        let sent = world.sent().into_iter().find(|sent| sent.target == target).unwrap();
        assert_eq!(sent.under_way, 4);
    }
    let next = world.sent().into_iter().filter(|sent| sent.target == "parents/4/rows?page=1");
    assert_eq!(next.count(), 2);

    let all_long = family(|_| 60);
    rows(&all_long, below(json!("page_number"), 4));
    let most = 23 * (61 + 3) + 6 + 3 + 4;
    assert!(all_long.requests().len() <= most, "{}", all_long.requests().len());
}

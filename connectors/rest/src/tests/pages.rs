//! Every way from page to page gives every row once, and goes on from every page.

use super::*;

const ALL: u64 = 25;
const PAGE: u64 = 10;

/// Some of the rows: from a number on, of a page.
fn some(from: u64) -> Vec<Value> {
    (from..ALL.min(from + PAGE)).map(|id| json!({"id": id, "name": format!("n{id}")})).collect()
}

fn number(sent: &Sent, name: &str) -> Option<u64> {
    sent.param(name).map(|text| text.parse().unwrap())
}

/// Every row came once, in order; going on from every page gives the rest, however many requests
/// are sent side by side. Answers with how many the reading took when there was one at a time.
fn holds(world: &World, paginate: Value) -> usize {
    let columns = json!({"id": "int64", "name": "string"});
    let mut config = json!({"paginate": paginate, "records": "$.data[*]", "schema": columns});
    let wanted: Vec<Value> = (0..ALL).flat_map(|from| some(from).into_iter().take(1)).collect();
    let mut alone = None;
    for concurrency in [1, 2, 4, 16] {
        config["concurrency"] = json!(concurrency);
        let before = world.sent().len();
        assert_eq!(rows(world, config.clone()), wanted);
        let requests = world.sent().len() - before;
        let alone = *alone.get_or_insert(requests);
        assert!((alone..alone + concurrency).contains(&requests), "{requests} requests");
        let states = open(world, config.clone()).check_resume(&Query::table("rows")).unwrap();
        assert_eq!(states, 3, "one state for each page");
        assert!(world.side_by_side() <= concurrency);
    }
    alone.unwrap()
}

#[test]
fn by_the_number_of_the_page() {
    let api = || {
        world(|sent| {
            let page = number(sent, "page").unwrap();
            assert!(page > 0);
            Answer::json(json!({"data": some((page - 1) * PAGE), "total": ALL, "pages": 3}))
        })
    };
    assert_eq!(holds(&api(), json!("page_number")), 4);
    let with = |more: Value| {
        let mut keys = json!({"type": "page_number"});
        keys.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        holds(&api(), keys)
    };
    assert_eq!(with(json!({"total": "$.total"})), 3);
    assert_eq!(with(json!({"total_pages": "pages"})), 3);
    assert_eq!(with(json!({"size": PAGE, "short_page": true})), 3);

    let other = world(|sent| {
        assert_eq!(number(sent, "per_page"), Some(PAGE));
        Answer::json(json!({"data": some(number(sent, "p").unwrap() * PAGE)}))
    });
    let paginate = json!({"type": "page_number", "param": "p", "start": 0, "size": PAGE, "size_param": "per_page"});
    assert_eq!(holds(&other, paginate), 4);
}

#[test]
fn by_the_number_of_rows() {
    let api = world(|sent| {
        assert_eq!(number(sent, "limit"), Some(PAGE));
        Answer::json(json!({"data": some(number(sent, "offset").unwrap()), "total": ALL}))
    });
    assert_eq!(holds(&api, json!({"type": "offset", "size": PAGE, "total": "$.total"})), 3);
}

#[test]
fn by_a_cursor_in_the_answer() {
    let api = |last: Value| {
        world(move |sent| {
            let from = number(sent, "after").unwrap_or(0);
            let next = if from + PAGE < ALL { json!(from + PAGE) } else { last.clone() };
            let more = from + PAGE < ALL;
            Answer::json(json!({"data": some(from), "meta": {"next": next, "more": more}}))
        })
    };
    let paginate = json!({"type": "cursor", "param": "after", "path": "$.meta.next"});
    for last in [json!(null), json!(""), json!(false)] {
        assert_eq!(holds(&api(last), paginate.clone()), 3);
    }
    // An API that goes on giving cursors says otherwise that it has no more.
    let mut with_more = paginate;
    with_more["has_more"] = json!("$.meta.more");
    assert_eq!(holds(&api(json!("99")), with_more), 3);
}

#[test]
fn by_a_cursor_in_the_last_row() {
    let api = world(|sent| {
        let from = number(sent, "starting_after").map_or(0, |id| id + 1);
        Answer::json(json!({"data": some(from), "has_more": from + PAGE < ALL}))
    });
    let paginate = json!({"type": "cursor", "param": "starting_after", "path": "$.data[-1].id",
        "has_more": "$.has_more"});
    assert_eq!(holds(&api, paginate), 3);
}

#[test]
fn by_a_cursor_in_the_body() {
    let api = world(|sent| {
        assert_eq!(sent.method, "POST");
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        assert_eq!(body["query"], "all");
        // The cursor is sent as the number that it was.
        let from = body["page"]["after"].as_u64().unwrap_or(0);
        let next = (from + PAGE < ALL).then_some(from + PAGE);
        Answer::json(json!({"data": some(from), "next": next}))
    });
    let columns = json!({"id": "int64"});
    let config = json!({"records": "$.data[*]", "body": {"query": "all"}, "schema": columns,
        "paginate": {"type": "cursor", "body": "page.after", "path": "$.next"}});
    assert_eq!(rows(&api, config.clone()).len() as u64, ALL);
    assert_eq!(open(&api, config).check_resume(&Query::table("rows")).unwrap(), 3);
    let again = ("retry".to_owned(), "always".to_owned());
    assert!(api.sent().iter().all(|sent| sent.options.contains(&again)), "reading is repeatable");
}

#[test]
fn by_addresses_in_the_answer() {
    let api = |next: fn(u64) -> String| {
        world(move |sent| {
            let from = number(sent, "from").unwrap_or(0);
            let next = (from + PAGE < ALL).then(|| next(from + PAGE));
            let whole = "https://api.test/v2/rows";
            assert!(["/rows", whole].contains(&sent.path()), "{}", sent.target);
            Answer::json(json!({"data": some(from), "next": next}))
        })
    };
    let paginate = json!({"type": "next_url", "path": "$.next"});
    assert_eq!(
        holds(&api(|from| format!("https://api.test/v2/rows?from={from}")), paginate.clone()),
        3
    );
    assert_eq!(holds(&api(|from| format!("/v2/rows?from={from}")), paginate.clone()), 3);
    assert_eq!(holds(&api(|from| format!("?from={from}")), paginate), 3);
}

#[test]
fn by_headers() {
    let api = world(|sent| {
        let from = number(sent, "from").unwrap_or(0);
        let answer = Answer::json(json!({"data": some(from)}));
        if from + PAGE >= ALL {
            return answer.header("Link", "</v2/rows>; rel=\"first\"");
        }
        let next =
            format!("</v2/rows>; rel=\"first\", </v2/rows?from={}>; rel=\"next\"", from + PAGE);
        answer.header("Link", &next)
    });
    assert_eq!(holds(&api, json!("link_header")), 3);

    let api = world(|sent| {
        let from = number(sent, "c").unwrap_or(0);
        let answer = Answer::json(json!({"data": some(from)}));
        if from + PAGE >= ALL {
            answer
        } else {
            answer.header("X-Next", &(from + PAGE).to_string())
        }
    });
    let paginate = json!({"type": "header_cursor", "param": "c", "from_header": "x-next"});
    assert_eq!(holds(&api, paginate), 3);
}

#[test]
fn no_more_pages_than_wanted() {
    let api = world(|sent| Answer::json(json!(some(number(sent, "offset").unwrap()))));
    let read = rows(&api, json!({"paginate": {"type": "offset", "max_pages": 2}}));
    assert_eq!(read.len() as u64, 2 * PAGE);
}

#[test]
fn pages_that_never_end_are_a_fault() {
    let stuck = only(json!({"data": [{"id": 1}], "next": "a"}));
    let cursor = json!({"records": "data", "paginate": {"type": "cursor", "path": "$.next"}});
    let told = fault(&stuck, cursor).to_string();
    assert!(told.contains("the cursor \"a\" came before"), "{told}");
    assert!(told.starts_with("page 3 of /rows: "), "{told}");

    let link = only(json!({"data": [{"id": 1}], "next": "?page=1"}));
    let link_config =
        json!({"records": "data", "paginate": {"type": "next_url", "path": "$.next"}});
    assert!(fault(&link, link_config).to_string().contains("lead in a circle"));

    let deaf = only(json!([{"id": 1}]));
    let told = fault(&deaf, json!({"paginate": "page_number"})).to_string();
    assert!(told.contains("4 pages in a row are all the same"), "{told}");
}

#[test]
fn what_does_not_fit_the_api_is_told() {
    let pages = only(json!({"data": [{"id": 1}], "more": true, "count": "many"}));
    let config = |paginate: Value| json!({"records": "data", "paginate": paginate});
    rows(&pages, config(json!({"type": "cursor", "path": "$.next"})));
    let told = &pages.lines()[0].1;
    assert!(told.contains("nothing at `$.next`") && told.contains("the only one"), "{told}");
    let more = json!({"type": "cursor", "path": "$.next", "has_more": "more"});
    assert!(fault(&pages, config(more)).to_string().contains("nothing leads to the next one"));
    let count = json!({"type": "page_number", "total": "count"});
    assert!(fault(&pages, config(count)).to_string().contains("should be a count"));
    let count = json!({"type": "page_number", "total": "$.total"});
    assert!(fault(&pages, config(count)).to_string().contains("nothing at `$.total`"));
    let object = json!({"type": "cursor", "path": "$.data"});
    assert!(fault(&pages, config(object)).to_string().contains("neither text nor a number"));

    let linked = world(|_| Answer::json(json!([1])).header("Link", "</x>; rel=next"));
    rows(&linked, json!({}));
    assert!(linked.lines()[0].1.contains("`paginate: link_header` in `home` reads all"));
}

#[test]
fn more_pages_are_told_of_where_nothing_is_said_of_them() {
    let api = || {
        world(|sent| match sent.path() {
            "/users" => Answer::json(json!({"data": [{"id": 1}, {"id": 2}], "has_more": true})),
            _ => Answer::json(json!({"data": [{"id": 1}], "meta": {"next": "/rows?page=2"}})),
        })
    };
    let told = |config: Value| {
        let api = api();
        rows(&api, config);
        let mut told: Vec<String> = api.lines().into_iter().map(|(_, line)| line).collect();
        // The host tells of the same thing once; here are a sample and a reading.
        told.dedup();
        told
    };
    assert_eq!(
        told(json!({"records": "data"})),
        ["/rows says at `$.meta.next` that there are more pages, and one is read: `paginate: \
          {type: next_url, path: $.meta.next}` in `home` reads all; `paginate: none` says that one \
          is enough"]
    );
    assert_eq!(told(json!({"records": "data", "paginate": "none"})), [""; 0]);
    assert_eq!(told(json!({"records": "data", "paginate": {"type": "none"}})), [""; 0]);
    let parent = json!({
        "records": "data", "path": "/rows/{id}",
        "parent": {"path": "/users", "bind": {"id": "id"}},
    });
    let lines = told(parent.clone());
    assert_eq!(lines.len(), 4, "both, twice: {lines:?}");
    assert!(lines[0].starts_with("/users says at `$.has_more`"), "{}", lines[0]);
    assert!(lines[0].contains("`paginate: page_number` in `parent` may read all"), "{}", lines[0]);
    assert!(lines[1].starts_with("/rows/{id} says at `$.meta.next`"), "{}", lines[1]);
    let mut silent = parent;
    silent["parent"]["paginate"] = json!("none");
    assert_eq!(told(silent.clone()).len(), 1, "that of the rows");
    silent["paginate"] = json!("none");
    assert_eq!(told(silent), [""; 0]);
}

//! Endpoints below the records of others.

use hygge_sdk::{Fault, Home as _};

use super::*;

/// Three users on two pages, each with posts on pages of two, each with comments.
fn api() -> World {
    world(|sent| {
        let page: u64 = sent.param("page").unwrap().parse().unwrap();
        let parts: Vec<&str> = sent.path().trim_matches('/').split('/').collect();
        let all: Vec<Value> = match parts[..] {
            ["users"] => {
                (1..=3).map(|id| json!({"id": id, "info": {"name": format!("u {id}")}})).collect()
            }
            ["users", user, "posts"] => {
                let user: u64 = user.parse().unwrap();
                (0..user).map(|n| json!({"slug": format!("p/{user}-{n}")})).collect()
            }
            ["posts", slug, "comments"] => {
                assert!(slug.starts_with("p%2F"), "escaped: {slug}");
                (0..3).map(|n| json!({"text": format!("{slug}:{n}")})).collect()
            }
            _ => return Answer::status(404),
        };
        let page: Vec<Value> = all.into_iter().skip((page as usize - 1) * 2).take(2).collect();
        Answer::json(json!({"data": page}))
    })
}

fn posts() -> Value {
    json!({
        "path": "/users/{user}/posts", "records": "$.data[*]", "paginate": "page_number",
        "parent": {"path": "/users", "bind": {"user": "$.id"},
                   "include": {"user_id": "$.id", "user_name": "info.name"}},
    })
}

#[test]
fn rows_of_all_parents_come_with_what_the_parents_know() {
    let rows = rows(&api(), posts());
    let slugs: Vec<&str> = rows.iter().map(|row| row["slug"].as_str().unwrap()).collect();
    assert_eq!(slugs, ["p/1-0", "p/2-0", "p/2-1", "p/3-0", "p/3-1", "p/3-2"]);
    assert_eq!(rows[5], json!({"slug": "p/3-2", "user_id": 3, "user_name": "u 3"}));
}

#[test]
fn parents_have_parents() {
    let config = json!({
        "path": "/posts/{post}/comments", "records": "$.data[*]", "paginate": "page_number",
        "parent": {"path": "/users/{user}/posts", "bind": {"post": "slug"}, "include": {"post": "slug"},
                   "parent": {"path": "/users", "bind": {"user": "id"}, "include": {"user": "id"}}},
    });
    let rows = rows(&api(), config.clone());
    assert_eq!(rows.len(), 6 * 3);
    assert_eq!(rows[17], json!({"text": "p%2F3-2:2", "user": 3, "post": "p/3-2"}));
    // Two pages with rows for each post, and an empty one that ends them.
    assert!(open(&api(), config).check_resume(&Query::table("rows")).unwrap() >= 12);
}

#[test]
fn going_on_finds_the_same_parent_or_refuses() {
    assert!(open(&api(), posts()).check_resume(&Query::table("rows")).unwrap() >= 4);

    // The first time there are two users, then another one stands before them.
    let asked = std::cell::Cell::new(0);
    let changing = world(move |sent| {
        let users = sent.path() == "/users";
        asked.set(asked.get() + u32::from(users));
        Answer::json(match sent.param("page") {
            Some("1") if users && asked.get() > 1 => json!({"data": [{"id": 9}, {"id": 1}]}),
            Some("1") if users => json!({"data": [{"id": 1}, {"id": 2}]}),
            Some("1") => json!({"data": [{"slug": sent.path()}]}),
            _ => json!({"data": []}),
        })
    });
    let mut config = posts();
    config["schema"] = json!({"slug": "string", "user_id": "int64", "user_name": "string"});
    let home = open(&changing, config);
    let part = || {
        let query = Query::table("rows");
        let columns = home.home().selected(&query).unwrap();
        crate::home::Part { query, columns, span: None, rounds: 0..1 }
    };
    changing.run(|| {
        let mut reader = home.home().read(part(), None).unwrap();
        assert!(reader.gather(1 << 20).unwrap());
        let state = reader.state.take().unwrap();
        let refused = home.home().read(part(), Some(state)).map(|_| ()).unwrap_err();
        assert_eq!(refused.fault(), Fault::Missing);
        assert!(refused.to_string().contains("not those they were"), "{refused}");
    });
}

#[test]
fn what_is_missing_is_told() {
    let told = |parent: Value, schema: Value| {
        let mut config = posts();
        config["parent"] = parent;
        config["schema"] = schema;
        fault(&api(), config)
    };
    let none = json!(null);
    let error = told(json!({"path": "/users", "bind": {"id": "$.id"}}), none.clone());
    assert!(
        error.to_string().contains("place for `{user}`, and what is filled in is id alone"),
        "{error}"
    );
    let error = told(json!({"path": "/users", "bind": {"user": "$.uid"}}), none.clone());
    assert!(error.to_string().contains("nothing at `$.uid`, which `user` is bound to"), "{error}");
    let twice = json!({"path": "/users/{user}", "bind": {"user": "id"},
        "parent": {"path": "/users", "bind": {"user": "id"}}});
    let error = told(twice, none.clone());
    assert!(error.to_string().contains("two parents bind `user`"), "{error}");
    let error = told(json!({"bind": {"user": "id"}}), none.clone());
    assert!(error.to_string().contains("`parent.path` is missing"), "{error}");
    let error = told(json!({"path": "/users", "bind": {"user": "info"}}), none);
    assert!(error.to_string().contains("neither text nor a number"), "{error}");
    let error = told(
        json!({"path": "/users", "bind": {"user": "id"}, "include": {"name": "id"}}),
        json!({"slug": "string"}),
    );
    assert_eq!(error.fault(), Fault::Config);
    assert!(error.to_string().contains("`parent.include` has `name`"), "{error}");
}

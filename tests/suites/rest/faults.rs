//! What an API does wrong on the way is made good, or told.

use hygge_tests::api::credentials::{SECRET, TOKEN};

use super::*;

#[test]
fn rows_arrive_through_faults() {
    let api = Api::start();
    let project = project(&api, "/faulty", 1500, 0);
    project.hygge(&["go"]).ok();
    assert_equal(&project, &api, 1500);
}

#[test]
fn who_has_a_credential_is_let_in_and_it_shows_nowhere() {
    let api = Api::start();
    let url = api.url();
    let project = Project::new();
    project.write("hygge.yml", "name: rest\njournal: { path: journal }\n");
    let ways = [
        ("bearer", "{ type: bearer, token: \"${SECRET}\" }"),
        ("basic", "{ type: basic, username: user, password: \"${SECRET}\" }"),
        ("header", "{ type: api_key, header: X-Api-Key, key: \"${SECRET}\" }"),
        ("query", "{ type: api_key, query: api_key, key: \"${SECRET}\" }"),
        (
            "oauth",
            "{ type: oauth2_client_credentials, token_url: \"URL/oauth/token\", client_id: user, \
             client_secret: \"${SECRET}\" }",
        ),
    ];
    for (way, auth) in ways {
        let auth = auth.replace("URL", &url);
        project.write(
            &format!("flows/{way}/flow.yml"),
            format!(
                "home:\n  type: rest\n  base_url: {url}/secured/{way}\n  path: /next_url/rows\n  \
                 auth: {auth}\n  records: data\n  paginate: {{ type: next_url, path: next }}\n\
                 store: lake/{way}\nentities: [rows]\n\
                 connectors: {{ rest: {{ allow_hosts: [\"{url}\"] }} }}\n"
            ),
        );
    }
    let go = |arguments: &[&str]| {
        let mut command = project.command(arguments);
        command.env("SECRET", SECRET);
        hygge_tests::project::finish(command.spawn().unwrap())
    };
    let said = go(&["go", "--verbose"]).ok();
    for (way, _) in ways {
        assert_eq!(hygge_tests::table::count(&project.path(&format!("lake/{way}/rows"))), 1000);
    }
    for secret in [SECRET, TOKEN] {
        assert!(!said.all().contains(secret), "a secret was said");
        for file in project.files(".") {
            let bytes = std::fs::read(project.path(&file)).unwrap();
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "a secret stands in {file}");
        }
    }
    let mut command = project.command(&["go", "--flow", "bearer"]);
    command.env("SECRET", "another one");
    let refused = hygge_tests::project::finish(command.spawn().unwrap());
    refused.fails_with(&["401", "credentials"]);
}

#[test]
fn what_is_wrong_with_an_answer_is_told() {
    let api = Api::start();
    let url = api.url();
    let project = Project::new();
    let flow = |home: &str| {
        project.write(
            "flows/f/flow.yml",
            format!(
                "home:\n  type: rest\n  base_url: {url}\n{home}store: lake\nentities: [rows]\n\
                 connectors: {{ rest: {{ allow_hosts: [\"{url}\"] }} }}\n"
            ),
        );
        project.hygge(&["go"])
    };
    flow("  path: /cursor/rows\n  records: rows\n")
        .fails_with(&["nothing at `records: rows`", "`meta`, `data`"]);
    flow("  path: /nowhere\n").fails_with(&["nowhere answered 404"]);
    flow("  path: /link_header/rows\n  paginate: { type: page_number }\n")
        .fails_with(&["4 pages in a row are all the same"]);
    flow("  path: /list/rows\n  schema: { name: int64 }\n")
        .fails_with(&["page 1 of /list/rows: row 1: the column `name` is int64", "`schema`"]);
    // What stands in the configuration is told with its place, before anything is asked.
    api.forget();
    flow("  path: /list/rows\n  pagniate: none\n")
        .fails_with(&["flow.yml:5", "did you mean `paginate`?"]);
    assert_eq!(api.asked(), Vec::<String>::new());
}

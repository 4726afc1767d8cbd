//! What makes another load of an entity, and what does not.

use super::Scene;

const PROJECT: &str = "connections:\n  erp: {server: one, password: '${PW}', url: 'x:${PW}@y'}\n  \
                       other: {server: two}\n";
const FLOW: &str = "home: {type: mssql, connection: erp, table: t}\nstore: {path: out}\n";

fn fingerprint(project: &str, flow: &str, password: &str) -> String {
    let scene = Scene::new(&[("hygge.yml", project), ("flows/shop/flow.yml", flow)]);
    let plan = scene.variable("PW", password).plan();
    plan.entities[0].fingerprint.clone()
}

#[test]
fn it_is_the_same_each_time_and_knows_no_secret() {
    let first = fingerprint(PROJECT, FLOW, "correct horse");
    assert_eq!(first.len(), 32);
    assert_eq!(fingerprint(PROJECT, FLOW, "correct horse"), first);
    assert_eq!(fingerprint(PROJECT, FLOW, "battery staple"), first);
    assert_eq!(
        fingerprint(&PROJECT.replace("two", "three"), FLOW, "p"),
        fingerprint(PROJECT, FLOW, "p")
    );
    // How a run is done is not what it loads.
    let options = format!("{PROJECT}options: {{memory: 1 GB, retries: 9}}\n");
    assert_eq!(fingerprint(&options, FLOW, "correct horse"), first);
}

#[test]
fn it_is_another_where_rows_may_be() {
    let first = fingerprint(PROJECT, FLOW, "p");
    let mut seen = vec![first];
    for (project, flow) in [
        (PROJECT.replace("one", "three"), FLOW.to_owned()),
        (PROJECT.to_owned(), FLOW.replace("erp", "other")),
        (PROJECT.to_owned(), FLOW.replace("table: t", "table: u")),
        (PROJECT.to_owned(), FLOW.replace("out}", "elsewhere}")),
        (PROJECT.to_owned(), FLOW.replace("out}", "out, compression: zstd}")),
        (PROJECT.to_owned(), FLOW.replace("out}", "out, polish: {a: [1, 2]}}")),
        (PROJECT.to_owned(), FLOW.replace("out}", "out, polish: {a: [1], b: 2}}")),
        (
            PROJECT.to_owned(),
            FLOW.replace("{type: mssql, connection: erp, table: t}", "{path: in}"),
        ),
    ] {
        let other = fingerprint(&project, &flow, "p");
        assert!(!seen.contains(&other), "{project}{flow}");
        seen.push(other);
    }
}

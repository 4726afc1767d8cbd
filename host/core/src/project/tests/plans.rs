//! What a project without mistakes means.

use std::time::Duration;

use super::Scene;
use crate::contract::{Durability, Mode};
use crate::project::plan::{LogLevel, RunType};

const MOVE: &str = "home: {path: in}\nstore: {path: out}\n";

#[test]
fn the_template_of_the_earlier_tool() {
    let scene = Scene::new(&[
        (
            "hygge.yml",
            "name: my_project\nflows_dir: flows\n\noptions:\n  log_level: INFO\n  \
             continue_on_error: false\n",
        ),
        (
            "flows/example_flow/flow.yml",
            "name: \"example_flow\"\nhome:\n  type: \"parquet\"\n  path: \"data/source\"\nstore:\n  \
             type: \"parquet\"\n  path: \"data/destination\"\ndefaults:\n  key_column: \"id\"\n  \
             batch_size: 10000\n",
        ),
        (
            "flows/example_flow/entities/users.yml",
            "name: \"users\"\ncolumns:\n  - id\n  - name\n  - email\nsource_config:\n  \
             where: \"active = true\"\n",
        ),
    ]);
    let plan = scene.plan();
    assert_eq!(plan.name, "my_project");
    assert_eq!(plan.options.log_level, LogLevel::Info);
    assert!(!plan.options.continue_on_error);
    assert_eq!(plan.entities[0].mode, Mode::Replace);
    insta::assert_snapshot!(scene.moves(), @r"
    example_flow.users: <root>/data/source/users (10000 rows) -> <root>/data/destination/users (10000 rows, snappy)
    ");
}

#[test]
fn what_is_left_out() {
    let scene = Scene::new(&[("hygge.yml", ""), ("flows/shop/flow.yml", MOVE)]);
    let plan = scene.plan();
    assert_eq!(plan.name, scene.root().file_name().unwrap().to_str().unwrap());
    assert_eq!(plan.flows_dir, scene.root().join("flows"));
    assert_eq!(plan.options.concurrency, 8);
    assert_eq!(plan.options.memory.0, 256_000_000);
    assert_eq!(plan.options.durability, Durability::Disk);
    assert_eq!(plan.options.retries, 3);
    assert_eq!(plan.options.retry_wait, Duration::from_secs(1));
    assert_eq!(plan.options.checkpoint, Duration::from_secs(30));
    assert!(plan.options.continue_on_error);
    let entity = &plan.entities[0];
    assert_eq!(entity.run_type, RunType::FullDrop);
    assert_eq!(entity.queue_size, 10);
    assert_eq!((&entity.watermark, &entity.journal, entity.timeout), (&None, &None, None));
}

#[test]
fn options_as_written() {
    let scene = Scene::new(&[
        (
            "hygge.yml",
            "options: {memory: 1 GiB, durability: Process, retries: 0, retry_wait: 500ms, \
             checkpoint: 20ms, log_level: warn}\nconnections:\n  a: {pool_size: 3}\n  b:\n    pool_size: ${POOL}\n",
        ),
        ("flows/shop/flow.yml", MOVE),
    ])
    .variable("POOL", "12");
    let options = scene.plan().options;
    assert_eq!(options.memory.0, 1 << 30);
    assert_eq!(options.durability, Durability::Process);
    assert_eq!(options.retries, 0);
    assert_eq!(options.retry_wait, Duration::from_millis(500));
    assert_eq!(options.checkpoint, Duration::from_millis(20));
    assert_eq!(options.log_level, LogLevel::Warning);
    assert_eq!(options.concurrency, 12);
    let scene = scene.request(|request| request.concurrency = Some(2));
    assert_eq!(scene.plan().options.concurrency, 2);
}

#[test]
fn keys_with_nothing_below_them() {
    let scene = Scene::new(&[
        ("hygge.yml", "options:\nconnections:\njournal:\n"),
        ("flows/shop/flow.yml", &format!("{MOVE}entities:\ndefaults:\nwatermark:\noptions:\n")),
    ]);
    insta::assert_snapshot!(scene.moves(), @r"
    shop.shop: <root>/in (10000 rows) -> <root>/out (100000 rows, snappy)
    ");
}

#[test]
fn paths_as_texts() {
    let scene = Scene::of_flow("home: in\nstore: out\nentities: [a, 2024]\n");
    insta::assert_snapshot!(scene.moves(), @r"
    shop.a: <root>/in/a (10000 rows) -> <root>/out/a (100000 rows, snappy)
    shop.2024: <root>/in/2024 (10000 rows) -> <root>/out/2024 (100000 rows, snappy)
    ");
}

#[test]
fn files_of_entities_replace_the_list() {
    let scene = Scene::of_flow(&format!("{MOVE}entities: [never]\n"));
    scene.write("flows/shop/entities/b.yaml", b"name: beta\n");
    scene.write("flows/shop/entities/a.yml", b"\xef\xbb\xbf");
    scene.write("flows/shop/entities/.b.yml.swp", b"\x00");
    scene.write("flows/shop/entities/notes.txt", b"no YAML: at: all");
    insta::assert_snapshot!(scene.moves(), @r"
    shop.a: <root>/in/a (10000 rows) -> <root>/out/a (100000 rows, snappy)
    shop.beta: <root>/in/beta (10000 rows) -> <root>/out/beta (100000 rows, snappy)
    ");
}

#[test]
fn flows_in_order_of_their_names() {
    let scene = Scene::new(&[
        ("hygge.yml", "flows_dir: work\n"),
        ("work/b/flow.yml", "home: in\nstore: out/b\n"),
        ("work/a/flow.yml", "home: in\nstore: out/a\nentities: [z, y]\n"),
        ("work/notes/readme.md", ""),
    ]);
    insta::assert_snapshot!(scene.moves(), @r"
    a.z: <root>/in/z (10000 rows) -> <root>/out/a/z (100000 rows, snappy)
    a.y: <root>/in/y (10000 rows) -> <root>/out/a/y (100000 rows, snappy)
    b.b: <root>/in (10000 rows) -> <root>/out/b (100000 rows, snappy)
    ");
}

#[test]
fn entities_laid_over_their_flow() {
    let scene = Scene::of_flow(
        "home: {path: in, batch_size: 5}
store:
  path: out
  polish: {columns: {case: snake, remove_spaces: true}, constants: [1, 2]}
defaults:
  batch_size: 7
  parallel_workers: 3
entities:
  - plain
  - name: own_path
    home: {path: special/file.parquet}
  - name: text
    home: elsewhere
  - name: absolute
    home: {path: /data/x}
  - name: deep
    store: {compression: ZSTD, polish: {columns: {case: camel}, constants: [3]}}
  - name: own_size
    batch_size: 8
  - name: own_store
    store: {path: other}
",
    );
    insta::assert_snapshot!(scene.moves(), @r#"
    shop.plain: <root>/in/plain (5 rows) -> <root>/out/plain (7 rows, snappy) {"columns":{"case":"snake","remove_spaces":true},"constants":[1,2]}
    shop.own_path: <root>/in/special/file.parquet (5 rows) -> <root>/out/own_path (7 rows, snappy) {"columns":{"case":"snake","remove_spaces":true},"constants":[1,2]}
    shop.text: <root>/in/elsewhere (5 rows) -> <root>/out/text (7 rows, snappy) {"columns":{"case":"snake","remove_spaces":true},"constants":[1,2]}
    shop.absolute: /data/x (5 rows) -> <root>/out/absolute (7 rows, snappy) {"columns":{"case":"snake","remove_spaces":true},"constants":[1,2]}
    shop.deep: <root>/in/deep (5 rows) -> <root>/out/deep (7 rows, zstd) {"columns":{"case":"camel","remove_spaces":true},"constants":[3]}
    shop.own_size: <root>/in/own_size (5 rows) -> <root>/out/own_size (8 rows, snappy) {"columns":{"case":"snake","remove_spaces":true},"constants":[1,2]}
    shop.own_store: <root>/in/own_store (5 rows) -> <root>/other/own_store (7 rows, snappy) {"columns":{"case":"snake","remove_spaces":true},"constants":[1,2]}
    "#);
}

#[test]
fn an_entity_of_another_kind_than_its_flow() {
    let scene = Scene::new(&[
        ("hygge.yml", "connections: {db: {type: mssql}}\n"),
        (
            "flows/shop/flow.yml",
            "home: {type: mssql, connection: db, table: 'dbo.{entity}', parallel_workers: 2}
store: {type: mssql, connection: db, table: '{entity}_copy', if_exists: append}
defaults: {if_exists: replace, parallel_workers: 4}
entities:
  - a
  - {name: b, home: {type: parquet, path: b.parquet}, store: {type: parquet, path: out}}
",
        ),
    ]);
    insta::assert_snapshot!(scene.moves(), @r"
    shop.a: db.dbo.a (fail, 102400 rows, 2 workers) -> db.a_copy (replace, 102400 rows, 4 workers)
    shop.b: <root>/b.parquet (10000 rows) -> <root>/out/b (100000 rows, snappy)
    ");
}

#[test]
fn the_name_is_filled_in() {
    let scene = Scene::new(&[
        ("hygge.yml", "connections: {db: {type: mssql}}\n"),
        (
            "flows/shop/flow.yml",
            "home: {type: mssql, connection: db, table: {entity}}
store:
  path: lake/{entity}/now
  file_pattern: 'x_{entity}_{sequence:020d}'
  polish: {constants: [{name: source, value: '{entity} {other}'}]}
entities: [users]
",
        ),
    ]);
    insta::assert_snapshot!(scene.moves(), @r#"
    shop.users: db.users (fail, 102400 rows, 8 workers) -> <root>/lake/users/now (100000 rows, snappy) {"constants":[{"name":"source","value":"users {other}"}]} x_users_{sequence:020d}
    "#);
}

#[test]
fn variables() {
    let scene = Scene::of_flow(
        "home: {path: '${BASE}/in', batch_size: '${ROWS}'}
store:
  path: \"${OUT:-data/out}${EMPTY}\"
  batch_size: ${MORE:-20}
  compression: zstd${NONE:-never}
",
    )
    .variable("BASE", "/base")
    .variable("ROWS", "50")
    .variable("NONE", "")
    .variable("EMPTY", "");
    insta::assert_snapshot!(scene.moves(), @r"
    shop.shop: /base/in (50 rows) -> <root>/data/out (20 rows, zstd)
    ");
}

#[test]
fn values_from_the_command_line() {
    let scene = Scene::new(&[
        ("hygge.yml", ""),
        ("flows/a/flow.yml", "home: in\nstore: out/a\nentities: [x]\n"),
        ("flows/a.b/flow.yml", "home: in\nstore: {path: out/b}\n"),
    ])
    .request(|request| {
        request.vars = vec![
            "flow.a.store.batch_size=1".to_owned(),
            "flow.a.b.home.path=${IN:-other}".to_owned(),
            "flow.a.b.store.polish.columns.case=snake".to_owned(),
        ];
    });
    insta::assert_snapshot!(scene.moves(), @r#"
    a.x: <root>/in/x (10000 rows) -> <root>/out/a/x (1 rows, snappy)
    a.b.a.b: <root>/other (10000 rows) -> <root>/out/b (100000 rows, snappy) {"columns":{"case":"snake"}}
    "#);
}

/// The run type and the mode that `flow` and `entity` lead to.
fn modes(flow: &str, entity: &str, request: Option<RunType>) -> (RunType, Mode) {
    let scene =
        Scene::of_flow(&format!("home: in\n{flow}\nentities:\n  - {{name: x, {entity}}}\n"))
            .request(|asked| asked.run_type = request);
    let entity = &scene.plan().entities[0];
    (entity.run_type, entity.mode)
}

#[test]
fn run_types() {
    use Mode::{Append, Replace};
    use RunType::{FullDrop, Incremental};
    for (flow, entity, asked, expected) in [
        ("store: out", "", None, (FullDrop, Replace)),
        ("store: out\nrun_type: incremental", "", None, (Incremental, Append)),
        ("store: out\nrun_type: incremental\nfull_drop: true", "", None, (FullDrop, Replace)),
        ("store: out\nfull_drop: no", "", None, (Incremental, Append)),
        ("store: out\nfull_drop: true", "run_type: incremental", None, (Incremental, Append)),
        ("store: out", "run_type: incremental, full_drop: yes", None, (FullDrop, Replace)),
        ("store: {path: out, incremental: true}", "", None, (FullDrop, Append)),
        (
            "store: {path: out, incremental: false}\nrun_type: incremental",
            "",
            None,
            (Incremental, Replace),
        ),
        ("store: {path: out, incremental: true}", "", Some(FullDrop), (FullDrop, Replace)),
        ("store: {path: out, incremental: false}", "", Some(Incremental), (Incremental, Append)),
    ] {
        assert_eq!(modes(flow, entity, asked), expected, "{flow} / {entity} / {asked:?}");
    }
}

#[test]
fn watermarks() {
    let scene = Scene::of_flow(&format!(
        "{MOVE}watermark: {{primary_key: id, watermark_column: updated_at}}
entities:
  - a
  - {{name: b, watermark: {{primary_key: [x, y]}}}}
  - {{name: c, watermark: {{primary_key: 'x, y', watermark_column: seen}}}}
  - {{name: d, watermark: false}}
"
    ));
    let shown: Vec<String> = scene
        .plan()
        .entities
        .iter()
        .map(|entity| match &entity.watermark {
            Some(spec) => format!("{} {}", spec.primary_key, spec.column),
            None => "none".to_owned(),
        })
        .collect();
    assert_eq!(shown, ["id updated_at", "x,y updated_at", "x,y seen", "none"]);
}

#[test]
fn journals() {
    for (project, flow, entity, expected) in [
        ("", "", "", None),
        ("journal: true", "", "", Some("out/.hygge_journal")),
        ("journal: {}", "", "", Some("out/.hygge_journal")),
        ("journal: {location: home}", "", "", Some("in/.hygge_journal")),
        ("journal: {path: j}", "", "", Some("j")),
        ("journal: {path: j}", "journal: true", "", Some("out/.hygge_journal")),
        ("journal: {path: j}", "journal: false", "", None),
        ("journal: {path: j}", "journal: false", "journal: {path: /k}", Some("/k")),
        ("journal: true", "", "journal: no", None),
    ] {
        let scene = Scene::new(&[
            ("hygge.yml", project),
            (
                "flows/shop/flow.yml",
                &format!("{MOVE}{flow}\nentities:\n  - {{name: x, {entity}}}\n"),
            ),
        ]);
        let journal = scene.plan().entities[0].journal.clone();
        let expected = expected.map(|path| scene.root().join(path));
        assert_eq!(journal, expected, "{project} / {flow} / {entity}");
    }
}

#[test]
fn timeouts() {
    let scene = Scene::of_flow(&format!(
        "{MOVE}timeout: 60\nqueue_size: 3\nentities: [a, {{name: b, timeout: 5m}}]\n"
    ));
    let plan = scene.plan();
    assert_eq!(plan.entities[0].timeout, Some(Duration::from_secs(60)));
    assert_eq!(plan.entities[1].timeout, Some(Duration::from_secs(300)));
    assert_eq!(plan.entities[1].queue_size, 3);
}

#[test]
fn a_folder_without_entities_is_none() {
    // The folder may be there with nothing in it.
    let scene = Scene::of_flow(&format!("{MOVE}entities: [a]\n"));
    std::fs::create_dir_all(scene.root().join("flows/shop/entities")).unwrap();
    insta::assert_snapshot!(scene.moves(), @r"
    shop.a: <root>/in/a (10000 rows) -> <root>/out/a (100000 rows, snappy)
    ");
}

#[cfg(unix)]
#[test]
fn a_flow_behind_a_link() {
    let scene = Scene::new(&[("hygge.yml", ""), ("shared/flow.yml", MOVE)]);
    std::fs::create_dir(scene.root().join("flows")).unwrap();
    std::os::unix::fs::symlink("../shared", scene.root().join("flows/linked")).unwrap();
    assert_eq!(&*scene.plan().entities[0].name.flow, "linked");
}

#[test]
fn a_project_is_found_from_within() {
    let scene = Scene::of_flow(MOVE);
    let found = crate::project::find(&scene.root().join("flows/shop")).unwrap();
    assert_eq!(found, scene.root());
}

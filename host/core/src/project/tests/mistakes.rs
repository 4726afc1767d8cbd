//! What mistakes look like.

use super::Scene;
use crate::project::discover::find;
use crate::project::render::render;

#[test]
fn no_project() {
    let folder = tempfile::tempdir().unwrap();
    let shown = |start| {
        render(&find(start).unwrap_err(), false)
            .replace(&folder.path().display().to_string(), "<root>")
    };
    insta::assert_snapshot!(shown(folder.path()), @r"
    error: there is no `hygge.yml` in `<root>`
     |
     = help: no folder above it has one either: run `hygge` inside a project, or begin a new one with `hygge init my_project`

    1 problem
    ");
    std::fs::write(folder.path().join("hygge.yaml"), "").unwrap();
    insta::assert_snapshot!(shown(&folder.path().join("sub")), @r"
    error: there is no `hygge.yml` in `<root>/sub`
     |
     = help: rename `<root>/hygge.yaml` to `hygge.yml`

    1 problem
    ");
}

#[test]
fn no_flows() {
    let scene = Scene::new(&[("hygge.yml", "flows_dir: flow\n")]);
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: there is no folder `flow` for the flows
     --> hygge.yml:1:12
      |
    1 | flows_dir: flow
      |            ^^^^
      |
      = help: make the folder, or set `flows_dir` to where the flows are

    1 problem in 1 file
    ");
    std::fs::create_dir(scene.root().join("flow")).unwrap();
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: there is no flow in `flow`
     --> hygge.yml:1:12
      |
    1 | flows_dir: flow
      |            ^^^^
      |
      = help: a flow is a folder in it with a file `flow.yml`

    1 problem in 1 file
    ");
    let scene = Scene::new(&[("hygge.yml", ""), ("flows/a/flow.yaml", "")]);
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: `flows/a/flow.yaml` is not read
     |
     = help: rename it to `flow.yml`

    error: there is no flow in `flows`
     |
     = help: a flow is a folder in it with a file `flow.yml`

    2 problems
    ");
}

#[test]
fn unknown_keys_everywhere() {
    let scene = Scene::new(&[
        ("hygge.yml", "nam: x\noptions:\n  concurency: 3\n"),
        (
            "flows/shop/flow.yml",
            "home: {pth: in}\nstore: {path: out, compresion: zstd}\nwatermarks: {}\n",
        ),
        ("flows/shop/entities/users.yml", "batchsize: 5\nzzz: 1\n"),
    ]);
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: unknown key `nam`
     --> hygge.yml:1:1
      |
    1 | nam: x
      | ^^^ did you mean `name`?

    error: unknown key `concurency`
     --> hygge.yml:3:3
      |
    3 |   concurency: 3
      |   ^^^^^^^^^^ did you mean `concurrency`?

    error: the key `path` is missing
     --> flows/shop/flow.yml:1:1
      |
    1 | home: {pth: in}
      | ^^^^ needs `path`

    error: unknown key `pth`
     --> flows/shop/flow.yml:1:8
      |
    1 | home: {pth: in}
      |        ^^^ did you mean `path`?

    error: unknown key `compresion`
     --> flows/shop/flow.yml:2:20
      |
    2 | store: {path: out, compresion: zstd}
      |                    ^^^^^^^^^^ did you mean `compression`?

    error: unknown key `watermarks`
     --> flows/shop/flow.yml:3:1
      |
    3 | watermarks: {}
      | ^^^^^^^^^^ did you mean `watermark`?

    error: unknown key `batchsize`
     --> flows/shop/entities/users.yml:1:1
      |
    1 | batchsize: 5
      | ^^^^^^^^^ did you mean `batch_size`?

    error: unknown key `zzz`
     --> flows/shop/entities/users.yml:2:1
      |
    2 | zzz: 1
      | ^^^
      |
      = help: known here: name, home, store, run_type, full_drop, watermark, journal, if_exists, batch_size, parallel_workers, timeout, folder_deletion_wait_seconds

    8 problems in 3 files
    ");
}

#[test]
fn a_flow_with_nothing_in_it() {
    insta::assert_snapshot!(Scene::of_flow("").mistakes(), @r"
    error: the key `home` is missing
     --> flows/shop/flow.yml:1:1
      |
    1 |
      | ^
      | |
      | needs `home`
      | the key `store` is missing
      |
      = help: say where the data lives: `home: { type: parquet, path: data/in }`
      = help: say where the data settles: `store: { type: parquet, path: data/out }`

    2 problems in 1 file
    ");
}

#[test]
fn wrong_values() {
    let scene = Scene::of_flow(
        "home: [in]
store:
  path: {a: b}
  batch_size: many
  compression: zst
queue_size: 0
run_type: sometimes
timeout: soon
full_drop: perhaps
journal: 5
entities: users
defaults: none
options: 3
watermark: updated_at
",
    );
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: expected a path, or a mapping with `type`, found a list
     --> flows/shop/flow.yml:1:7
      |
    1 | home: [in]
      |       ^^^^

    error: expected text, found a mapping
     --> flows/shop/flow.yml:3:9
      |
    3 |   path: {a: b}
      |         ^^^^^^

    error: expected a whole number, found text
     --> flows/shop/flow.yml:4:15
      |
    4 |   batch_size: many
      |               ^^^^

    error: `zst` is not one of: snappy, zstd, uncompressed
     --> flows/shop/flow.yml:5:16
      |
    5 |   compression: zst
      |                ^^^ did you mean `zstd`?

    error: 0 is out of range
     --> flows/shop/flow.yml:6:13
      |
    6 | queue_size: 0
      |             ^ should be at least 1

    error: `sometimes` is not one of: full_drop, incremental
     --> flows/shop/flow.yml:7:11
      |
    7 | run_type: sometimes
      |           ^^^^^^^^^

    error: expected a length of time such as `30` (seconds), `500ms` or `5m`, found text
     --> flows/shop/flow.yml:8:10
      |
    8 | timeout: soon
      |          ^^^^

    error: expected true or false, found text
     --> flows/shop/flow.yml:9:12
      |
    9 | full_drop: perhaps
      |            ^^^^^^^

    error: expected true, false or a mapping, found a whole number
      --> flows/shop/flow.yml:10:10
       |
    10 | journal: 5
       |          ^

    error: expected a list, found text
      --> flows/shop/flow.yml:11:11
       |
    11 | entities: users
       |           ^^^^^

    error: expected keys of an entity, found text
      --> flows/shop/flow.yml:12:11
       |
    12 | defaults: none
       |           ^^^^

    error: expected a mapping, found a whole number
      --> flows/shop/flow.yml:13:10
       |
    13 | options: 3
       |          ^

    error: expected `primary_key` and `watermark_column`, found text
      --> flows/shop/flow.yml:14:12
       |
    14 | watermark: updated_at
       |            ^^^^^^^^^^

    13 problems in 1 file
    ");
}

#[test]
fn wrong_options() {
    let scene = Scene::new(&[
        (
            "hygge.yml",
            "options:\n  memory: lots\n  concurrency: 0\n  retries: -1\n  log_level: loud\n\
             connections: {db: x}\njournal: {location: moon, pth: x}\n",
        ),
        ("flows/shop/flow.yml", "home: in\nstore: out\noptions: {retries: 5, retrys: 5}\n"),
    ]);
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: expected a size such as `256 MB`, found text
     --> hygge.yml:2:11
      |
    2 |   memory: lots
      |           ^^^^

    error: 0 is out of range
     --> hygge.yml:3:16
      |
    3 |   concurrency: 0
      |                ^ should be at least 1

    error: -1 is out of range
     --> hygge.yml:4:12
      |
    4 |   retries: -1
      |            ^^ should be at least 0

    error: `loud` is not one of: debug, info, warning, error
     --> hygge.yml:5:14
      |
    5 |   log_level: loud
      |              ^^^^

    error: expected the keys of a connection, found text
     --> hygge.yml:6:19
      |
    6 | connections: {db: x}
      |                   ^

    error: `moon` is not one of: store, home
     --> hygge.yml:7:21
      |
    7 | journal: {location: moon, pth: x}
      |                     ^^^^

    error: unknown key `pth`
     --> hygge.yml:7:27
      |
    7 | journal: {location: moon, pth: x}
      |                           ^^^ did you mean `path`?

    error: `retries` holds for a whole run, not for one flow
     --> flows/shop/flow.yml:3:11
      |
    3 | options: {retries: 5, retrys: 5}
      |           ^^^^^^^ not possible here
      |
      = help: move `retries` to `options` in `hygge.yml`

    error: unknown key `retrys`
     --> flows/shop/flow.yml:3:23
      |
    3 | options: {retries: 5, retrys: 5}
      |                       ^^^^^^ did you mean `retries`?

    9 problems in 2 files
    ");
}

#[test]
fn kinds() {
    let flow = |home: &str, store: &str| {
        Scene::of_flow(&format!(
            "home: {{type: {home}, path: in}}\nstore: {{type: {store}, path: out}}\n"
        ))
        .mistakes()
    };
    insta::assert_snapshot!(flow("parqet", "snowflake"), @r"
    error: unknown type of home `parqet`
     --> flows/shop/flow.yml:1:14
      |
    1 | home: {type: parqet, path: in}
      |              ^^^^^^ did you mean `parquet`?
      |
      = help: a connector would be found as `connectors/parqet.wasm`

    error: unknown type of store `snowflake`
     --> flows/shop/flow.yml:2:15
      |
    2 | store: {type: snowflake, path: out}
      |               ^^^^^^^^^
      |
      = help: known here: parquet, mssql, onelake, generate; a connector would be found as `connectors/snowflake.wasm`

    2 problems in 1 file
    ");
    insta::assert_snapshot!(flow("onelake", "salesforce"), @r"
    error: there is no home of type `onelake`
     --> flows/shop/flow.yml:1:14
      |
    1 | home: {type: onelake, path: in}
      |              ^^^^^^^ `onelake` can only be a store
      |
      = help: a home can be: parquet, mssql

    error: this build of hygge does not have `salesforce`
     --> flows/shop/flow.yml:2:15
      |
    2 | store: {type: salesforce, path: out}
      |               ^^^^^^^^^^ left out of this build
      |
      = help: it has: parquet, mssql, onelake

    2 problems in 1 file
    ");
}

#[test]
fn the_same_mistake_of_many_entities_is_shown_once() {
    let scene =
        Scene::of_flow("home: {path: in, x: 1}\nstore: {type: mssql}\nentities: [a, b, c]\n");
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: unknown key `x`
     --> flows/shop/flow.yml:1:18
      |
    1 | home: {path: in, x: 1}
      |                  ^
      |
      = help: known here: path, batch_size, type

    error: the key `connection` is missing
     --> flows/shop/flow.yml:2:1
      |
    2 | store: {type: mssql}
      | ^^^^^
      | |
      | needs `connection`
      | the key `table` is missing

    3 problems in 1 file
    ");
}

#[test]
fn keys_of_a_flow_whose_entities_are_of_another_kind() {
    let scene = Scene::new(&[
        ("hygge.yml", "connections: {db: {type: mssql}}\n"),
        (
            "flows/shop/flow.yml",
            "home: {path: in, columns: [a]}\nstore: {path: out, incremental: yes, tabel: x}\n\
             entities:\n  - {name: a, store: {type: mssql, connection: db, table: t}}\n",
        ),
    ]);
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: unknown key `tabel`
     --> flows/shop/flow.yml:2:38
      |
    2 | store: {path: out, incremental: yes, tabel: x}
      |                                      ^^^^^
      |
      = help: known here: path, batch_size, compression, file_pattern, polish, type, incremental

    1 problem in 1 file
    ");
}

#[test]
fn connections() {
    let scene = Scene::new(&[
        ("hygge.yml", "connections: {warehouse: {type: mssql}}\n"),
        ("flows/shop/flow.yml", "home: in\nstore: {type: mssql, connection: warehose, table: t}\n"),
    ]);
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: unknown connection `warehose`
     --> flows/shop/flow.yml:2:34
      |
    2 | store: {type: mssql, connection: warehose, table: t}
      |                                  ^^^^^^^^ did you mean `warehouse`?

    1 problem in 1 file
    ");
}

#[test]
fn variables() {
    let scene = Scene::of_flow(
        "home: {path: 'data/${FOLDER}/in'}\nstore: \"${FOLDER}/${MY VAR}/${OPEN\"\ntimeout: ${A:5}\n",
    );
    insta::assert_snapshot!(scene.mistakes(), @r#"
    error: the environment variable `FOLDER` is not set
     --> flows/shop/flow.yml:1:20
      |
    1 | home: {path: 'data/${FOLDER}/in'}
      |                    ^^^^^^^^^ needed here
      |
      = help: set `FOLDER`, or give a default: `${FOLDER:-value}`

    error: the environment variable `FOLDER` is not set
     --> flows/shop/flow.yml:2:9
      |
    2 | store: "${FOLDER}/${MY VAR}/${OPEN"
      |         ^^^^^^^^^ needed here
      |
      = help: set `FOLDER`, or give a default: `${FOLDER:-value}`

    error: this is not the name of a variable
     --> flows/shop/flow.yml:2:19
      |
    2 | store: "${FOLDER}/${MY VAR}/${OPEN"
      |                   ^^^^^^^^^
      |
      = help: write `${NAME}`, or `${NAME:-value}` to have a default

    error: `${` without its `}`
     --> flows/shop/flow.yml:2:29
      |
    2 | store: "${FOLDER}/${MY VAR}/${OPEN"
      |                             ^^^^^^
      |
      = help: write `${NAME}`, or `${NAME:-value}` to have a default

    error: this is not the name of a variable
     --> flows/shop/flow.yml:3:10
      |
    3 | timeout: ${A:5}
      |          ^^^^^^
      |
      = help: write `${NAME}`, or `${NAME:-value}` to have a default

    5 problems in 1 file
    "#);
}

#[test]
fn a_variable_without_quotes_in_braces() {
    insta::assert_snapshot!(Scene::of_flow("home: {path: ${IN}}\nstore: out\n").mistakes(), @r#"
    error: a variable within braces or brackets needs quotes
     --> flows/shop/flow.yml:1:15
      |
    1 | home: {path: ${IN}}
      |               ^ YAML cannot be read from here on
      |
      = help: write `"${NAME}"`

    1 problem in 1 file
    "#);
}

#[test]
fn secrets_are_not_shown() {
    let scene = Scene::new(&[
        ("hygge.yml", "connections: {db: {type: mssql}}\n"),
        (
            "flows/shop/flow.yml",
            "home: {type: mssql, connection: db, table: t, password: hunter2, if_exists: '${KEY_TOKEN}'}
store:
  type: mssql
  connection: db
  table: u
  password: 99999999999
  if_exists: ${PASSWORD}
",
        ),
        ("flows/other/flow.yml", "home: in\nstore: out\nrun_type: ${PASSWORD}\n"),
    ])
    .variable("PASSWORD", "swordfish")
    .variable("KEY_TOKEN", "abc");
    let shown = scene.mistakes();
    for secret in ["hunter2", "swordfish", "abc", "99999999999"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    insta::assert_snapshot!(shown, @r"
    error: `***` is not one of: full_drop, incremental
     --> flows/other/flow.yml:3:11
      |
    3 | run_type: ${PASSWORD}
      |           ^^^^^^^^^^^

    error: expected a whole number, found text
     --> flows/shop/flow.yml:1:57
      |
    1 | home: {type: mssql, connection: db, table: t, password: ******** ********** '${KEY_TOKEN}'*
      |                                                         ^^^^^^^

    error: `***` is not one of: fail, append, replace
     --> flows/shop/flow.yml:1:77
      |
    1 | home: {type: mssql, connection: db, table: t, password: ******** ********** '${KEY_TOKEN}'*
      |                                                                             ^^^^^^^^^^^^^^

    error: *** is out of range
     --> flows/shop/flow.yml:6:13
      |
    6 |   password: ***********
      |             ^^^^^^^^^^^ should be at most 4294967295

    error: `***` is not one of: fail, append, replace
     --> flows/shop/flow.yml:7:14
      |
    7 |   if_exists: ${PASSWORD}
      |              ^^^^^^^^^^^

    5 problems in 2 files
    ");
}

#[test]
fn entities() {
    let scene = Scene::of_flow(
        "home: in\nstore: out\nentities:\n  - users\n  - {name: users}\n  - {table: x}\n  \
         - [a]\n  - ../up\n  - {name: }\n",
    );
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: the entity `users` is here twice
     --> flows/shop/flow.yml:5:12
      |
    4 |   - users
      |     ----- first here
    5 |   - {name: users}
      |            ^^^^^ again here
      |
      = help: rename one of them, or remove it

    error: the key `name` is missing
     --> flows/shop/flow.yml:6:5
      |
    6 |   - {table: x}
      |     ^^^^^^^^^^ needs `name`
      |
      = help: an entity is a name, or a mapping with `name` and other keys

    error: expected the name of an entity, or its keys, found a list
     --> flows/shop/flow.yml:7:5
      |
    7 |   - [a]
      |     ^^^

    error: an entity cannot be named `../up`: it has a slash in it
     --> flows/shop/flow.yml:8:5
      |
    8 |   - ../up
      |     ^^^^^
      |
      = help: the name becomes part of paths and of tables; for a folder within the home, write `home: { path: … }`

    error: expected text, found nothing
     --> flows/shop/flow.yml:9:10
      |
    9 |   - {name: }
      |          ^

    5 problems in 1 file
    ");
}

#[test]
fn files_of_the_same_entity() {
    let scene = Scene::of_flow("home: in\nstore: out\n");
    scene.write("flows/shop/entities/a.yml", b"name: users\n");
    scene.write("flows/shop/entities/b.yml", b"# copied\nname: users\n");
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: the entity `users` is here twice
     --> flows/shop/entities/b.yml:2:7
      |
    2 | name: users
      |       ^^^^^ again here
      |
     ::: flows/shop/entities/a.yml:1:7
      |
    1 | name: users
      |       ----- first here
      |
      = help: rename one of them, or remove it

    1 problem in 1 file
    ");
}

#[test]
fn watermarks() {
    let scene =
        Scene::of_flow("home: in\nstore: out\nwatermark: {primary_key: [], watermark_colum: x}\n");
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: the key `watermark_column` is missing
     --> flows/shop/flow.yml:3:12
      |
    3 | watermark: {primary_key: [], watermark_colum: x}
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ needs `watermark_column`

    error: a column name is empty
     --> flows/shop/flow.yml:3:26
      |
    3 | watermark: {primary_key: [], watermark_colum: x}
      |                          ^^ should name a column

    error: unknown key `watermark_colum`
     --> flows/shop/flow.yml:3:30
      |
    3 | watermark: {primary_key: [], watermark_colum: x}
      |                              ^^^^^^^^^^^^^^^ did you mean `watermark_column`?

    3 problems in 1 file
    ");
}

#[test]
fn a_journal_without_a_folder() {
    let scene = Scene::new(&[
        ("hygge.yml", "journal: true\nconnections: {db: {type: mssql}}\n"),
        (
            "flows/shop/flow.yml",
            "home: in\nstore: {type: mssql, connection: db, table: '{entity}'}\nentities: [a, b]\n",
        ),
    ]);
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: the store of flow `shop` has no folder to keep a journal in
     --> hygge.yml:1:1
      |
    1 | journal: true
      | ^^^^^^^
      |
      = help: give the journal a folder of its own: `journal: { path: data/journal }`

    1 problem in 1 file
    ");
}

#[test]
fn two_that_write_to_one_place() {
    let scene = Scene::new(&[
        ("hygge.yml", "connections: {db: {type: mssql}}\n"),
        ("flows/a/flow.yml", "home: in\nstore: {path: data/out}\nentities: [users, users_old]\n"),
        ("flows/b/flow.yml", "home: in\nstore: {path: data/out/users}\n"),
        ("flows/c/flow.yml", "home: in\nstore: data\nentities: [out2, {name: x, store: data}]\n"),
        ("flows/d/flow.yml", "home: in\nstore: {path: data/out}\nentities: [{name: users}]\n"),
        (
            "flows/e/flow.yml",
            "home: in\nstore: {type: mssql, connection: db, table: all}\nentities: [p, q]\n",
        ),
    ]);
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: `e.p` and `e.q` would both write to db.all (fail, 102400 rows, 8 workers)
     --> flows/e/flow.yml:2:1
      |
    2 | store: {type: mssql, connection: db, table: all}
      | ^^^^^
      |
      = help: give each a place of its own

    error: `a.users` and `b` would both write to <root>/data/out/users (100000 rows, snappy)
     --> flows/b/flow.yml:2:15
      |
    2 | store: {path: data/out/users}
      |               ^^^^^^^^^^^^^^ place of `b`
      |
     ::: flows/a/flow.yml:2:15
      |
    2 | store: {path: data/out}
      |               -------- place of `a.users`
      |
      = help: give each a place of its own

    error: `b` and `d.users` would both write to <root>/data/out/users (100000 rows, snappy)
     --> flows/d/flow.yml:2:15
      |
    2 | store: {path: data/out}
      |               ^^^^^^^^ place of `d.users`
      |
     ::: flows/b/flow.yml:2:15
      |
    2 | store: {path: data/out/users}
      |               -------------- place of `b`
      |
      = help: give each a place of its own

    3 problems in 3 files
    ");
}

#[test]
fn a_whole_flow_around_another() {
    let scene = Scene::new(&[
        ("hygge.yml", ""),
        ("flows/a/flow.yml", "home: in\nstore: data\n"),
        ("flows/b/flow.yml", "home: in\nstore: data/b\nentities: [x, y]\n"),
        ("flows/c/flow.yml", "home: in\nstore: data_c\n"),
    ]);
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: `b.x` would write to <root>/data/b/x (100000 rows, snappy), which lies within <root>/data (100000 rows, snappy), where `a` writes
     --> flows/b/flow.yml:2:8
      |
    2 | store: data/b
      |        ^^^^^^ place of `b.x`
      |
     ::: flows/a/flow.yml:2:8
      |
    2 | store: data
      |        ---- place of `a`
      |
      = help: give each a place of its own

    1 problem in 1 file
    ");
}

#[test]
fn values_from_the_command_line() {
    let scene =
        Scene::of_flow("home: in\nstore: {path: out}\nqueue_size: 5\n").request(|request| {
            request.vars = [
                "flow.shop.queue_size=none",
                "flow.shop.store.compresion=zstd",
                "flow.shop.queue_size.a=1",
                "flow.shopp.home=in",
                "flow.zzz.home=in",
                "shop.home=in",
                "flow.shop.home",
                "flow.shop=in",
                "flow.shop..x=1",
            ]
            .map(str::to_owned)
            .to_vec();
        });
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: there is no flow named `shopp`
     --> --var:1:6
      |
    1 | flow.shopp.home=in
      |      ^^^^^ did you mean `shop`?

    error: there is no flow named `zzz`
     --> --var:1:6
      |
    1 | flow.zzz.home=in
      |      ^^^
      |
      = help: the flows are: shop

    error: this does not begin with `flow.`
     --> --var:1:1
      |
    1 | shop.home=in
      | ^^^^^^^^^
      |
      = help: write `--var flow.<flow>.path.to.key=value`

    error: there is no `=` with a value
     --> --var:1:1
      |
    1 | flow.shop.home
      | ^^^^^^^^^^^^^^
      |
      = help: write `--var flow.<flow>.path.to.key=value`

    error: a key is missing
     --> --var:1:1
      |
    1 | flow.shop=in
      | ^^^^^^^^^
      |
      = help: write `--var flow.<flow>.path.to.key=value`

    error: a key is missing
     --> --var:1:1
      |
    1 | flow.shop..x=1
      | ^^^^^^^^^^^^
      |
      = help: write `--var flow.<flow>.path.to.key=value`

    error: `queue_size` has no keys within it: it is text
     --> --var:1:11
      |
    1 | flow.shop.queue_size.a=1
      |           ^^^^^^^^^^
      |
     ::: --var:1:22
      |
    1 | flow.shop.queue_size=none
      |                      ---- set here

    error: expected a whole number, found text
     --> --var:1:22
      |
    1 | flow.shop.queue_size=none
      |                      ^^^^

    error: unknown key `compresion`
     --> --var:1:17
      |
    1 | flow.shop.store.compresion=zstd
      |                 ^^^^^^^^^^ did you mean `compression`?

    9 problems
    ");
}

#[test]
fn bytes_that_are_not_text() {
    let scene = Scene::of_flow("");
    scene.write("flows/shop/flow.yml", b"home: in\nstore: caf\xe9\n");
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: the file is not UTF-8
     --> flows/shop/flow.yml:2:11
      |
    2 | store: caf�
      |           ^ not a character in UTF-8
      |
      = help: save the file as UTF-8 in your editor

    1 problem in 1 file
    ");
}

#[test]
fn not_a_mapping() {
    insta::assert_snapshot!(Scene::of_flow("- a\n- b\n").mistakes(), @r"
    error: expected keys and values, found a list
     --> flows/shop/flow.yml:1:1
      |
    1 | - a
      | ^^^

    1 problem in 1 file
    ");
}

#[test]
fn mistakes_in_several_files_at_once() {
    let scene = Scene::new(&[
        ("hygge.yml", "name: x\n"),
        ("flows/a/flow.yml", "home: 'in\n"),
        ("flows/b/flow.yml", "home: in\nstore: out\n"),
        ("flows/b/entities/x.yml", "key: [\n"),
        ("flows/b/entities/y.yml", "run_type: full\n"),
    ]);
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: the quote that opens here is not closed
     --> flows/a/flow.yml:1:7
      |
    1 | home: 'in
      |       ^ YAML cannot be read from here on
      |
      = help: add the closing quote

    error: the file ends within brackets or braces
     --> flows/b/entities/x.yml:1:6
      |
    1 | key: *
      |      ^ the file ends here
      |
      = help: add the missing `]` or `}`

    error: `full` is not one of: full_drop, incremental
     --> flows/b/entities/y.yml:1:11
      |
    1 | run_type: full
      |           ^^^^ did you mean `full_drop`?

    3 problems in 3 files
    ");
}

#[test]
fn colors_only_when_asked_for() {
    let problems = Scene::of_flow("").load().unwrap_err();
    assert!(render(&problems, true).contains('\x1b'));
    assert!(!render(&problems, false).contains('\x1b'));
}

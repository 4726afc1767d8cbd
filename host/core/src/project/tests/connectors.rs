//! Connectors: found, configured by the keys they describe, and everything that can be wrong with
//! them.

use super::Scene;
use super::kinds::kinds;
use crate::project::load_kinds;
use crate::project::schema::schema;

/// What the connector `shop` says of its keys.
const SHOP: &str = r#"{
    "type": "object",
    "description": "A shop.",
    "properties": {
        "url": { "type": "string", "minLength": 3, "description": "Where it is." },
        "pages": { "type": "integer", "minimum": 1, "maximum": 100, "default": 10 },
        "ratio": { "type": "number", "exclusiveMinimum": 0 },
        "fast": { "type": "boolean" },
        "sort": { "enum": ["asc", "desc"] },
        "fields": { "type": "array", "items": { "type": "string" }, "minItems": 1 },
        "limit": { "anyOf": [{ "type": "integer" }, { "enum": ["none"] }] },
        "columns": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": { "type": { "enum": ["int", "text"] }, "null": { "type": "number" } },
                "required": ["type"],
                "additionalProperties": false
            }
        }
    },
    "required": ["url"],
    "additionalProperties": false
}"#;

fn scene(project: &str, flow: &str) -> Scene {
    Scene::new(&[
        ("hygge.yml", project),
        ("connectors/shop.wasm", SHOP),
        ("elsewhere/any.wasm", "{}"),
        ("flows/sales/flow.yml", flow),
    ])
}

#[test]
fn a_connector_in_the_folder_is_a_type() {
    let scene = scene(
        "name: test\n",
        "home:\n  type: shop\n  url: ${URL}/{entity}\n  pages: ${PAGES}\n  ratio: 2\n  fast: yes\n  \
         sort: DESC\n  fields: [a, 2, true]\n  limit: none\n  columns:\n    id: { type: int }\n    \
         name: { type: text, 'null': 0.5 }\nstore: out\nentities: [orders]\n",
    )
    .variable("URL", "https://x")
    .variable("PAGES", "20");
    assert_eq!(
        scene.moves(),
        "sales.orders: shop {\"url\":\"https://x/orders\",\"pages\":20,\"ratio\":2,\"fast\":true,\
         \"sort\":\"desc\",\"fields\":[\"a\",\"2\",\"true\"],\"limit\":\"none\",\"columns\":{\
         \"id\":{\"type\":\"int\"},\"name\":{\"type\":\"text\",\"null\":0.5}}} \
         {\"allow_hosts\":null,\"memory\":null} -> <root>/out/orders (100000 rows, snappy)\n"
    );
}

#[test]
fn defaults_are_filled_in_and_nothing_is_as_good_as_left_out() {
    let scene = scene("name: test\n", "home: {type: shop, url: abc, ratio: }\nstore: out\n");
    assert!(scene.moves().contains(r#"shop {"url":"abc","pages":10} "#), "{}", scene.moves());
}

#[test]
fn a_flow_lays_its_limits_over_those_of_the_project() {
    let scene = scene(
        "connectors:\n  shop: { allow_hosts: [a, b], memory: 1 MB }\n",
        "home: {type: shop, url: abc}\nstore: out\nconnectors: {shop: {memory: 2 MB}}\n",
    );
    let shown = scene.moves();
    assert!(shown.contains(r#"{"allow_hosts":["a","b"],"memory":2000000}"#), "{shown}");
}

#[test]
fn without_a_description_any_key_is_accepted() {
    let scene = scene(
        "connectors: {any: {path: elsewhere/any.wasm}}\n",
        "home: {type: any, columns: [1, 2.5, x, null], name: n, timeout: 5}\nstore: out\n",
    );
    let shown = scene.moves();
    assert!(
        shown.contains(r#"any {"columns":[1,2.5,"x",null],"name":"n","timeout":5}"#),
        "{shown}"
    );
}

#[test]
fn every_mistake_in_its_keys_is_told_with_its_place() {
    let scene = scene(
        "name: test\n",
        "home:\n  type: shop\n  pages: 0\n  ratio: .nan\n  fast: perhaps\n  sort: dsc\n  fields: []\n  \
         limit: some\n  colums: 1\n  columns: { id: { type: date }, x: { size: 1 }, y: 5 }\nstore: out\n",
    );
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: the key `url` is missing
     --> flows/sales/flow.yml:1:1
      |
    1 | home:
      | ^^^^ needs `url`

    error: 0 is out of range
     --> flows/sales/flow.yml:3:10
      |
    3 |   pages: 0
      |          ^ should be at least 1

    error: expected a finite number, found `.nan`
     --> flows/sales/flow.yml:4:10
      |
    4 |   ratio: .nan
      |          ^^^^

    error: expected true or false, found text
     --> flows/sales/flow.yml:5:9
      |
    5 |   fast: perhaps
      |         ^^^^^^^

    error: `dsc` is not one of: asc, desc
     --> flows/sales/flow.yml:6:9
      |
    6 |   sort: dsc
      |         ^^^ did you mean `desc`?

    error: this has 0 items
     --> flows/sales/flow.yml:7:11
      |
    7 |   fields: []
      |           ^^ should have at least 1

    error: expected a whole number or one of: none, found text
     --> flows/sales/flow.yml:8:10
      |
    8 |   limit: some
      |          ^^^^

    error: unknown key `colums`
     --> flows/sales/flow.yml:9:3
      |
    9 |   colums: 1
      |   ^^^^^^ did you mean `columns`?

    error: `date` is not one of: int, text
      --> flows/sales/flow.yml:10:26
       |
    10 |   columns: { id: { type: date }, x: { size: 1 }, y: 5 }
       |                          ^^^^

    error: the key `type` is missing
      --> flows/sales/flow.yml:10:37
       |
    10 |   columns: { id: { type: date }, x: { size: 1 }, y: 5 }
       |                                     ^^^^^^^^^^^ needs `type`

    error: unknown key `size`
      --> flows/sales/flow.yml:10:39
       |
    10 |   columns: { id: { type: date }, x: { size: 1 }, y: 5 }
       |                                       ^^^^
       |
       = help: known here: type, null

    error: expected a mapping, found a whole number
      --> flows/sales/flow.yml:10:53
       |
    10 |   columns: { id: { type: date }, x: { size: 1 }, y: 5 }
       |                                                     ^

    12 problems in 1 file
    ");
}

#[test]
fn a_type_nobody_knows_may_be_a_connector_that_is_not_there() {
    let flow = |home: &str| {
        scene("name: test\n", &format!("home: {{type: {home}}}\nstore: out\n")).mistakes()
    };
    insta::assert_snapshot!(flow("shp") + "\n" + &flow("crm") + "\n" + &flow("a/b"), @r"
    error: unknown type of home `shp`
     --> flows/sales/flow.yml:1:14
      |
    1 | home: {type: shp}
      |              ^^^ did you mean `shop`?
      |
      = help: a connector would be found as `connectors/shp.wasm`

    1 problem in 1 file

    error: unknown type of home `crm`
     --> flows/sales/flow.yml:1:14
      |
    1 | home: {type: crm}
      |              ^^^
      |
      = help: known here: parquet, mssql, generate, shop; a connector would be found as `connectors/crm.wasm`

    1 problem in 1 file

    error: unknown type of home `a/b`
     --> flows/sales/flow.yml:1:14
      |
    1 | home: {type: a/b}
      |              ^^^
      |
      = help: known here: parquet, mssql, generate, shop

    1 problem in 1 file
    ");
}

#[test]
fn what_the_project_says_of_connectors() {
    let scene = scene(
        "connectors:\n  parquet: {memory: 1 MB}\n  shp: {memory: 1 MB}\n  generate: {path: x.wasm}\n  \
         a: {path: nowhere.wasm}\n  b: {path: elsewhere}\n  c: {path: https://example.com/c.wasm}\n  \
         d: {path: 'oci://registry/d:1'}\n  e: 5\n",
        "home: in\nstore: out\nconnectors:\n  shop: {path: x.wasm}\n  shpo: {}\n  generate: {memry: 1}\n",
    );
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: `parquet` is built in, and no connector
     --> hygge.yml:2:3
      |
    2 |   parquet: {memory: 1 MB}
      |   ^^^^^^^ not a name for a connector
      |
      = help: a home or a store of this type would not be the connector: choose another

    error: there is no connector `shp`
     --> hygge.yml:3:3
      |
    3 |   shp: {memory: 1 MB}
      |   ^^^ did you mean `shop`?
      |
      = help: put it at `connectors/shp.wasm`, or say with `path` where it is

    error: the connector `generate` is built in
     --> hygge.yml:4:20
      |
    4 |   generate: {path: x.wasm}
      |                    ^^^^^^ has no `path`
      |
      = help: remove `path`, or give your connector another name

    error: there is no file `nowhere.wasm`
     --> hygge.yml:5:13
      |
    5 |   a: {path: nowhere.wasm}
      |             ^^^^^^^^^^^^
      |
      = help: `path` names the connector's `.wasm` file; it starts at the project's folder

    error: `elsewhere` is not a file
     --> hygge.yml:6:13
      |
    6 |   b: {path: elsewhere}
      |             ^^^^^^^^^
      |
      = help: `path` names the connector's `.wasm` file; it starts at the project's folder

    error: connectors cannot be taken from the web yet
     --> hygge.yml:7:13
      |
    7 |   c: {path: https://example.com/c.wasm}
      |             ^^^^^^^^^^^^^^^^^^^^^^^^^^ should be a file
      |
      = help: download it to `connectors/`, where it is found by its file's name

    error: connectors cannot be taken from a registry yet
     --> hygge.yml:8:13
      |
    8 |   d: {path: 'oci://registry/d:1'}
      |             ^^^^^^^^^^^^^^^^^^^^ should be a file
      |
      = help: download it to `connectors/`, where it is found by its file's name

    error: expected the keys of a connector, found a whole number
     --> hygge.yml:9:6
      |
    9 |   e: 5
      |      ^

    error: `path` holds for the whole project, not for one flow
     --> flows/sales/flow.yml:4:10
      |
    4 |   shop: {path: x.wasm}
      |          ^^^^ not possible here
      |
      = help: move it to `connectors: { shop: … }` in `hygge.yml`

    error: unknown connector `shpo`
     --> flows/sales/flow.yml:5:3
      |
    5 |   shpo: {}
      |   ^^^^ did you mean `shop`?

    error: unknown key `memry`
     --> flows/sales/flow.yml:6:14
      |
    6 |   generate: {memry: 1}
      |              ^^^^^ did you mean `memory`?

    11 problems in 2 files
    ");
}

#[test]
fn a_file_cannot_take_the_name_of_something_built_in() {
    let scene = Scene::of_flow("home: in\nstore: out\n");
    scene.write("connectors/mssql.wasm", b"{}");
    scene.write("connectors/generate.wasm", b"{}");
    let mistakes = scene.mistakes();
    for name in ["mssql", "generate"] {
        let message =
            format!("`connectors/{name}.wasm` has the name of something built in: `{name}`");
        assert!(mistakes.contains(&message), "{mistakes}");
    }
}

#[test]
fn what_nobody_uses_is_not_read() {
    let scene = Scene::of_flow("home: in\nstore: out\n");
    scene.write("connectors/broken.wasm", b"not what it seems");
    scene.write("connectors/.hidden.wasm", b"");
    scene.write("connectors/readme.md", b"");
    scene.plan();
    scene.write("flows/shop/flow.yml", b"home: { type: broken }\nstore: out\n");
    assert!(scene.mistakes().contains("`connectors/broken.wasm` is no connector"));
}

#[test]
fn editors_know_the_connectors_of_a_project() {
    let scene = scene(
        "connectors: {any: {path: elsewhere/any.wasm}, shop: {memory: 1 MB}}\n",
        "home: in\nstore: out\n",
    );
    let (kinds_of_project, problems) = load_kinds(scene.root(), &super::kinds::source, &|_| None);
    assert!(problems.is_empty(), "{problems:?}");
    let known = schema(&kinds_of_project);
    let shop = &known["$defs"]["home_shop"];
    assert_eq!(shop["additionalProperties"], false);
    assert_eq!(shop["properties"]["sort"]["anyOf"][0]["enum"][1], "desc");
    assert_eq!(shop["properties"]["sort"]["anyOf"][1]["$ref"], "#/$defs/variable");
    assert_eq!(known["$defs"]["home_any"]["additionalProperties"], true);
    let limits = "/$defs/hygge/properties/connectors/properties/any/anyOf/0/properties";
    assert!(known.pointer(&format!("{limits}/path")).is_some());
    assert!(known.pointer(&format!("{limits}/memory")).is_some());
    let of_flow = limits.replace("hygge", "flow");
    assert!(known.pointer(&format!("{of_flow}/memory")).is_some());
    assert!(known.pointer(&format!("{of_flow}/path")).is_none());
    let types = |schema: &serde_json::Value| schema["$defs"]["home"]["properties"]["type"].clone();
    assert_eq!(types(&known)["enum"], serde_json::json!(["parquet", "mssql", "any", "shop"]));
    assert_eq!(types(&schema(&kinds()))["enum"], serde_json::json!(["parquet", "mssql"]));
}

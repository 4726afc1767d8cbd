//! The JSON Schema that editors use.

use std::collections::BTreeSet;

use serde_json::Value;

use super::kinds::kinds;
use crate::project::schema::schema;
use crate::project::settings::{EntityKeys, FlowKeys, ProjectKeys};

fn references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, into)),
        Value::Object(object) => {
            if let Some(Value::String(target)) = object.get("$ref") {
                into.insert(target.clone());
            }
            object.values().for_each(|inner| references(inner, into));
        }
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let schema = schema(&kinds());
    let mut found = BTreeSet::new();
    references(&schema, &mut found);
    assert!(found.contains("#/$defs/store_onelake"));
    for reference in &found {
        let target = reference.strip_prefix('#').unwrap();
        assert!(schema.pointer(target).is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn every_key_is_explained() {
    let schema = schema(&kinds());
    for (name, set) in [
        ("hygge", ProjectKeys::key_set()),
        ("flow", FlowKeys::key_set()),
        ("entity", EntityKeys::key_set()),
    ] {
        for key in &set.keys {
            let about = format!("/$defs/{name}/properties/{}/description", key.name);
            assert_eq!(schema.pointer(&about), Some(&Value::from(key.about.as_str())), "{about}");
        }
    }
}

#[test]
fn a_kind() {
    let schema = schema(&kinds());
    let kind = serde_json::to_string_pretty(&schema["$defs"]["store_mssql"]).unwrap();
    insta::assert_snapshot!(kind, @r##"
    {
      "type": "object",
      "description": "A table on a server.",
      "properties": {
        "type": {
          "const": "mssql",
          "description": "The kind."
        },
        "incremental": {
          "type": [
            "boolean",
            "string"
          ],
          "description": "Add to what is there (`true`) or replace it; wins over `run_type`."
        },
        "columns": {
          "description": "Accepted without effect.",
          "deprecated": true
        },
        "key_column": {
          "description": "Accepted without effect.",
          "deprecated": true
        },
        "source_config": {
          "description": "Accepted without effect.",
          "deprecated": true
        },
        "driver": {
          "description": "Accepted without effect.",
          "deprecated": true
        },
        "timeout": {
          "description": "Accepted without effect.",
          "deprecated": true
        },
        "name": {
          "description": "Accepted without effect.",
          "deprecated": true
        },
        "version": {
          "description": "Accepted without effect.",
          "deprecated": true
        },
        "connection": {
          "type": "string",
          "description": "The name of a connection. (Required, here or in the entity.)"
        },
        "table": {
          "type": "string",
          "description": "The table. (Required, here or in the entity.)"
        },
        "password": {
          "description": "Tells who you are.",
          "anyOf": [
            {
              "type": "integer",
              "minimum": 1,
              "maximum": 4294967295
            },
            {
              "$ref": "#/$defs/variable"
            }
          ]
        },
        "if_exists": {
          "anyOf": [
            {
              "enum": [
                "fail",
                "append",
                "replace"
              ]
            },
            {
              "type": "string",
              "pattern": "^([Ff][Aa][Ii][Ll]|[Aa][Pp][Pp][Ee][Nn][Dd]|[Rr][Ee][Pp][Ll][Aa][Cc][Ee])$"
            },
            {
              "$ref": "#/$defs/variable"
            }
          ],
          "description": "What to do when the table is there.",
          "default": "fail"
        },
        "batch_size": {
          "default": 102400,
          "description": "Rows at a time.",
          "anyOf": [
            {
              "type": "integer",
              "minimum": 1,
              "maximum": 4294967295
            },
            {
              "$ref": "#/$defs/variable"
            }
          ]
        },
        "parallel_workers": {
          "default": 8,
          "description": "Writers side by side.",
          "anyOf": [
            {
              "type": "integer",
              "minimum": 1,
              "maximum": 4294967295
            },
            {
              "$ref": "#/$defs/variable"
            }
          ]
        }
      },
      "additionalProperties": false
    }
    "##);
}

#[test]
fn a_choice_of_kinds() {
    let schema = schema(&kinds());
    insta::assert_snapshot!(serde_json::to_string_pretty(&schema["$defs"]["home"]).unwrap(), @r##"
    {
      "type": [
        "string",
        "object"
      ],
      "properties": {
        "type": {
          "enum": [
            "parquet",
            "mssql"
          ],
          "default": "parquet"
        }
      },
      "allOf": [
        {
          "if": {
            "type": "object",
            "properties": {
              "type": {
                "const": "parquet"
              }
            },
            "required": [
              "type"
            ]
          },
          "then": {
            "$ref": "#/$defs/home_parquet"
          }
        },
        {
          "if": {
            "type": "object",
            "properties": {
              "type": {
                "const": "mssql"
              }
            },
            "required": [
              "type"
            ]
          },
          "then": {
            "$ref": "#/$defs/home_mssql"
          }
        },
        {
          "if": {
            "type": "object",
            "not": {
              "required": [
                "type"
              ]
            }
          },
          "then": {
            "$ref": "#/$defs/home_parquet"
          }
        }
      ]
    }
    "##);
}

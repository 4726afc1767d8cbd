use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, TimestampMicrosecondType};
use arrow_array::{BinaryArray, TimestampMicrosecondArray};
use arrow_schema::TimeUnit;
use hygge_core::fault::FaultKind;

use super::*;

fn polish(keys: PolishKeys) -> Polish {
    Polish { keys }
}

fn nothing() -> PolishKeys {
    PolishKeys {
        columns: None,
        hash_ids: Vec::new(),
        constants: Vec::new(),
        timestamps: Vec::new(),
        add_row_marker: None,
    }
}

fn hash(name: &str, from: &[&str], algo: Algorithm, hex: bool) -> HashKeys {
    let from_columns = from.iter().map(|name| (*name).to_owned()).collect();
    HashKeys { name: name.to_owned(), from_columns, algo, hex }
}

fn snake() -> ColumnKeys {
    ColumnKeys { remove_special: false, remove_spaces: false, case: Some(Case::Snake) }
}

fn now() -> Zoned {
    "2024-05-06T07:08:09.000010+02:00[+02:00]".parse().unwrap()
}

fn people() -> RecordBatch {
    RecordBatch::try_from_iter([
        ("Id", Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef),
        ("First Name", Arc::new(StringArray::from(vec![Some("Ann"), None]))),
        ("rate", Arc::new(Float64Array::from(vec![1.5, 2.0]))),
        ("active", Arc::new(BooleanArray::from(vec![true, false]))),
        ("since", Arc::new(TimestampMicrosecondArray::from(vec![1_704_067_200_000_000, 0]))),
    ])
    .unwrap()
}

fn names(schema: &Schema) -> Vec<&str> {
    schema.fields().iter().map(|field| field.name().as_str()).collect()
}

#[test]
fn a_hash_is_of_the_values_joined_and_stands_first() {
    let columns = ["Id", "First Name", "rate", "active", "since"];
    let keys =
        PolishKeys { hash_ids: vec![hash("key", &columns, Algorithm::Sha256, true)], ..nothing() };
    let rows = people();
    let polisher = polish(keys).bind(&rows.schema(), &now()).unwrap();
    let polished = polisher.apply(&rows).unwrap();
    assert_eq!(names(&polished.schema())[0], "key");
    let key = polished.column(0).as_string::<i32>();
    // SHA-256 of `1|Ann|1.5|true|2024-01-01 00:00:00.000000`.
    assert_eq!(key.value(0), "860dd77b804c555c38873bf75a9e5b940a15461bbcd0f844fc4f0fe011865de1");
    assert!(key.is_null(1), "a row with a null has no hash");
    // The other columns are the same buffers.
    assert!(Arc::ptr_eq(polished.column(1), rows.column(0)));
}

#[test]
fn every_algorithm_and_raw_bytes() {
    let rows = RecordBatch::try_from_iter([
        ("n", Arc::new(Int64Array::from(vec![7])) as ArrayRef),
        ("s", Arc::new(StringArray::from(vec!["x"]))),
    ])
    .unwrap();
    let keys = PolishKeys {
        hash_ids: vec![
            hash("md5", &["n", "s"], Algorithm::Md5, true),
            hash("sha1", &["n"], Algorithm::Sha1, true),
            hash("sha512", &["n"], Algorithm::Sha512, true),
            hash("raw", &["n", "s"], Algorithm::Md5, false),
        ],
        ..nothing()
    };
    let polished = polish(keys).bind(&rows.schema(), &now()).unwrap().apply(&rows).unwrap();
    assert_eq!(names(&polished.schema()), ["raw", "sha512", "sha1", "md5", "n", "s"]);
    let text = |name: &str| polished.column_by_name(name).unwrap().as_string::<i32>().value(0);
    assert_eq!(text("md5"), "d093849adc737959921ea722c40ae247");
    assert_eq!(text("sha1"), "902ba3cda1883801594b6e1b452790cc53948fda");
    assert!(text("sha512").starts_with("f05210c5b4263f0ec4c3995bdab458d8"));
    let raw = polished.column(0).as_any().downcast_ref::<BinaryArray>().unwrap();
    let mut digits = Vec::new();
    crate::cell::hexadecimal(raw.value(0), &mut digits);
    assert_eq!(String::from_utf8(digits).unwrap(), "d093849adc737959921ea722c40ae247");
}

#[test]
fn a_hash_is_taken_before_columns_are_renamed() {
    let keys = PolishKeys {
        columns: Some(snake()),
        hash_ids: vec![hash("RowKey", &["First Name"], Algorithm::Sha256, true)],
        ..nothing()
    };
    let polisher = polish(keys).bind(&people().schema(), &now()).unwrap();
    assert_eq!(
        names(polisher.schema()),
        ["row_key", "id", "first_name", "rate", "active", "since"]
    );
}

#[test]
fn a_name_that_reads_the_same_once_rewritten_is_found() {
    let keys = PolishKeys {
        columns: Some(snake()),
        hash_ids: vec![hash("k", &["first_name"], Algorithm::Sha256, true)],
        ..nothing()
    };
    assert!(polish(keys).bind(&people().schema(), &now()).is_ok());
    let plain = PolishKeys {
        hash_ids: vec![hash("k", &["FirstName"], Algorithm::Sha256, true)],
        ..nothing()
    };
    assert!(polish(plain).bind(&people().schema(), &now()).is_ok());
}

#[test]
fn a_hash_of_a_missing_column_names_the_rule_the_column_and_the_nearest() {
    let keys = PolishKeys {
        hash_ids: vec![hash("key", &["Frist Name"], Algorithm::Sha256, true)],
        ..nothing()
    };
    let fault = polish(keys).bind(&people().schema(), &now()).unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Config);
    assert!(fault.to_string().contains("`key`") && fault.to_string().contains("`Frist Name`"));
    assert_eq!(fault.help(), Some("did you mean `First Name`?"));
}

#[test]
fn what_exists_is_respected() {
    let keys = PolishKeys {
        hash_ids: vec![hash("Id", &["rate"], Algorithm::Sha256, true)],
        constants: vec![ConstantKeys { name: "rate".into(), value: Scalar::Int(1) }],
        timestamps: vec![TimestampKeys {
            name: "since".into(),
            source: Clock::Utc,
            r#type: StampType::DateTime,
            format: None,
        }],
        ..nothing()
    };
    let rows = people();
    let polished = polish(keys).bind(&rows.schema(), &now()).unwrap().apply(&rows).unwrap();
    assert_eq!(polished, rows);
}

#[test]
fn constants_and_timestamps_are_appended() {
    let constant = |name: &str, value: Scalar| ConstantKeys { name: name.to_owned(), value };
    let stamp = |name: &str, source: Clock, r#type: StampType, format: Option<&str>| {
        TimestampKeys { name: name.into(), source, r#type, format: format.map(str::to_owned) }
    };
    let keys = PolishKeys {
        constants: vec![
            constant("marker", Scalar::Int(4)),
            constant("big", Scalar::Int(1 << 40)),
            constant("share", Scalar::Float(0.5)),
            constant("yes", Scalar::Bool(true)),
            constant("who", Scalar::Text("me".into())),
        ],
        timestamps: vec![
            stamp("utc", Clock::Utc, StampType::DateTime, None),
            stamp("wall", Clock::Local, StampType::DateTime, None),
            stamp("iso", Clock::Utc, StampType::Text, None),
            stamp("own", Clock::Local, StampType::Text, Some("%Y%m%d %H:%M:%S.%f")),
        ],
        ..nothing()
    };
    let rows = people();
    let polished = polish(keys).bind(&rows.schema(), &now()).unwrap().apply(&rows).unwrap();
    let schema = polished.schema();
    assert_eq!(
        names(&schema)[5..],
        ["marker", "big", "share", "yes", "who", "utc", "wall", "iso", "own"]
    );
    let data_type = |name: &str| schema.field_with_name(name).unwrap().data_type().clone();
    assert_eq!(data_type("marker"), DataType::Int32);
    assert_eq!(data_type("big"), DataType::Int64);
    assert_eq!(data_type("utc"), DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    assert_eq!(data_type("wall"), DataType::Timestamp(TimeUnit::Microsecond, None));
    let column = |name: &str| polished.column_by_name(name).unwrap();
    assert_eq!(column("marker").as_primitive::<Int32Type>().values(), &[4, 4]);
    assert_eq!(column("iso").as_string::<i32>().value(1), "2024-05-06T05:08:09.000010+00:00");
    assert_eq!(column("own").as_string::<i32>().value(0), "20240506 07:08:09.000010");
    let utc = column("utc").as_primitive::<TimestampMicrosecondType>();
    let wall = column("wall").as_primitive::<TimestampMicrosecondType>();
    assert_eq!(utc.value(0), utc.value(1));
    assert_eq!(wall.value(0) - utc.value(0), 2 * 3600 * 1_000_000);
}

#[test]
fn no_rows_still_have_their_columns() {
    let keys = PolishKeys {
        hash_ids: vec![hash("k", &["Id"], Algorithm::Sha256, true)],
        constants: vec![ConstantKeys { name: "c".into(), value: Scalar::Null }],
        ..nothing()
    };
    let rows = people().slice(0, 0);
    let polished = polish(keys).bind(&rows.schema(), &now()).unwrap().apply(&rows).unwrap();
    assert_eq!(polished.num_rows(), 0);
    assert_eq!(polished.num_columns(), 7);
}

#[test]
fn a_column_is_found_again_under_its_new_name() {
    let polish = polish(PolishKeys { columns: Some(snake()), ..nothing() });
    let written = ["id", "first_name"];
    assert_eq!(polish.renamed_among("First Name", &written).as_deref(), Some("first_name"));
    // Either of two columns that read the same may be the one asked for.
    let numbered = ["first_name", "first_name_1"];
    assert_eq!(polish.renamed_among("First Name", &numbered), None);
}

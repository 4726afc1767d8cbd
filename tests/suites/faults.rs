//! Everything that can be wrong with a source or a destination: a clear message, or the right
//! rows; and the old destination is never harmed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, Int64Array, RecordBatch};
use hygge_tests::mount::Mount;
use hygge_tests::project::{Project, finish};
use hygge_tests::table;
use parquet::file::reader::{FileReader as _, SerializedFileReader};

/// A project with one entity `t`, whose destination holds an older table of 100 rows.
fn with_old_table() -> Project {
    let project = Project::with_flow(&["t"], "");
    table::write(&project.path("source/t/a.parquet"), &table::rows(0..100, 1, 1));
    project.hygge(&["go"]).ok();
    assert_eq!(table::count(&project.path("lake/t")), 100);
    project
}

/// Panics unless the older table is there as it was and nothing else was left.
#[track_caller]
fn old_table_is_intact(project: &Project) {
    let landed = table::read(&project.path("lake/t")).expect("the old table");
    assert_eq!(landed.num_rows(), 100);
    assert_eq!(table::ints(&landed, "version"), vec![1; 100]);
    assert_eq!(project.strays(), Vec::<String>::new());
}

fn source(project: &Project) -> std::path::PathBuf {
    project.path("source/t/a.parquet")
}

#[test]
fn a_missing_source() {
    let project = with_old_table();
    std::fs::remove_dir_all(project.path("source/t")).unwrap();
    project.hygge(&["go"]).fails_with(&["source/t"]);
    old_table_is_intact(&project);
}

#[test]
fn an_empty_folder() {
    let project = with_old_table();
    std::fs::remove_file(source(&project)).unwrap();
    project.write("source/t/data.csv", "a,b\n1,2\n");
    project.hygge(&["go"]).fails_with(&["source/t", ".parquet", "csv"]);
    old_table_is_intact(&project);
}

#[test]
fn a_file_without_rows_replaces_the_table_by_an_empty_one() {
    let project = with_old_table();
    table::write(&source(&project), &table::rows(0..0, 2, 1));
    project.hygge(&["go"]).ok();
    let landed = table::read(&project.path("lake/t")).expect("a table with columns");
    assert_eq!((landed.num_rows(), landed.num_columns()), (0, 4));
    assert_eq!(project.strays(), Vec::<String>::new());
}

#[test]
fn one_row() {
    let project = with_old_table();
    table::write(&source(&project), &table::rows(7..8, 2, 1));
    project.hygge(&["go"]).ok();
    let landed = table::read(&project.path("lake/t")).unwrap();
    assert_eq!(table::ints(&landed, "id"), [7]);
}

#[test]
fn two_thousand_columns() {
    let project = with_old_table();
    let columns = (0..2_000).map(|index| {
        let values = Int64Array::from_iter_values((0..500).map(|row| row * 2_000 + index));
        (format!("c{index}"), Arc::new(values) as ArrayRef)
    });
    table::write(&source(&project), &RecordBatch::try_from_iter(columns).unwrap());
    project.hygge(&["go"]).ok();
    let landed = table::read(&project.path("lake/t")).unwrap();
    assert_eq!((landed.num_rows(), landed.num_columns()), (500, 2_000));
    assert_eq!(table::ints(&landed, "c1999")[499], 499 * 2_000 + 1_999);
}

#[test]
fn a_truncated_footer() {
    let project = with_old_table();
    let whole = std::fs::read(source(&project)).unwrap();
    for cut in [1, 4, 8, 100, whole.len() - 4] {
        std::fs::write(source(&project), &whole[..whole.len() - cut]).unwrap();
        project.hygge(&["go"]).fails_with(&["a.parquet"]);
        old_table_is_intact(&project);
    }
}

#[test]
fn a_file_that_is_not_parquet() {
    let project = with_old_table();
    for content in [&b""[..], b"PAR1", b"id,name\n1,one\n", &[0; 5_000]] {
        std::fs::write(source(&project), content).unwrap();
        project.hygge(&["go"]).fails_with(&["a.parquet"]);
        old_table_is_intact(&project);
    }
}

#[test]
fn flipped_bytes_never_land_unnoticed_as_a_crash() {
    let project = with_old_table();
    // Without this, pages that only change place are checked for their structure alone.
    let flow = "home: source\nstore: {path: lake, verify: values}\nentities: [t]\n";
    project.write("flows/f/flow.yml", flow);
    table::write(&source(&project), &table::rows(0..2_000, 2, 1));
    let whole = std::fs::read(source(&project)).unwrap();
    let mut refused = 0;
    for at in (4..whole.len()).step_by(whole.len() / 60) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xFF;
        damaged[(at + 1).min(whole.len() - 1)] ^= 0x55;
        std::fs::write(source(&project), &damaged).unwrap();
        let said = project.hygge(&["go"]);
        assert!(!said.all().contains("panicked"), "byte {at}:\n{}", said.all());
        // A flipped byte of a plain value is a value like any other; whatever breaks the
        // structure must be refused, and name the file.
        if said.code != Some(0) {
            refused += 1;
            said.fails_with(&["a.parquet"]);
        }
        assert_eq!(project.strays(), Vec::<String>::new());
    }
    assert!(refused > 10, "only {refused} were refused");
}

#[test]
fn an_unreadable_file() {
    let project = with_old_table();
    std::fs::set_permissions(source(&project), PermissionsExt::from_mode(0o000)).unwrap();
    project.hygge_unprivileged(&["go"]).fails_with(&["a.parquet", "ermission"]);
    old_table_is_intact(&project);
}

#[test]
fn a_folder_that_may_not_be_written_to() {
    let project = with_old_table();
    let allow = |mode| {
        for folder in ["lake", "lake/t"] {
            std::fs::set_permissions(project.path(folder), PermissionsExt::from_mode(mode))
                .unwrap();
        }
    };
    allow(0o555);
    project.hygge_unprivileged(&["go"]).fails_with(&["lake", "ermission"]);
    allow(0o755);
    old_table_is_intact(&project);
}

#[test]
fn a_destination_that_becomes_read_only() {
    let project = Project::with_flow(&["t"], "");
    let Some(mount) = Mount::tmpfs(&project.path("lake"), "size=8m") else { return };
    table::write(&source(&project), &table::rows(0..100, 1, 1));
    project.hygge(&["go"]).ok();
    mount.remount("ro");
    project.hygge(&["go"]).fails_with(&["lake", "ead-only"]);
    project.hygge(&["debug"]).fails_with(&["lake"]);
    old_table_is_intact(&project);
}

#[test]
fn a_full_disk() {
    let project = Project::with_flow(&["t"], "");
    let Some(_mount) = Mount::tmpfs(&project.path("lake"), "size=2m") else { return };
    table::write(&source(&project), &table::rows(0..100, 1, 1));
    project.hygge(&["go"]).ok();
    table::write(&source(&project), &table::rows(0..1_000_000, 2, 1));
    project.hygge(&["go"]).fails_with(&["lake", "room"]);
    old_table_is_intact(&project);
    // With room again, the next run is like any other.
    table::write(&source(&project), &table::rows(0..1_000, 3, 1));
    project.hygge(&["go"]).ok();
    assert_eq!(table::count(&project.path("lake/t")), 1_000);
}

#[test]
fn a_destination_on_another_file_system() {
    let project = Project::with_flow(&["t"], "");
    let Some(_mount) = Mount::tmpfs(&project.path("lake"), "size=64m") else { return };
    for version in 1..4 {
        table::write(&source(&project), &table::rows(0..1_000, version, 1));
        project.hygge(&["go"]).ok();
        let landed = table::read(&project.path("lake/t")).unwrap();
        assert_eq!(table::ints(&landed, "version"), vec![version; 1_000]);
    }
    assert_eq!(project.strays(), Vec::<String>::new());
}

#[test]
fn a_table_that_is_a_mount_point_itself() {
    let project = Project::with_flow(&["t"], "");
    let Some(_mount) = Mount::tmpfs(&project.path("lake/t"), "size=64m") else { return };
    for version in 1..4 {
        table::write(&source(&project), &table::rows(0..1_000, version, 1));
        project.hygge(&["go"]).ok();
        let landed = table::read(&project.path("lake/t")).unwrap();
        assert_eq!(table::ints(&landed, "version"), vec![version; 1_000]);
    }
    assert_eq!(project.strays(), Vec::<String>::new());
}

#[test]
fn spaces_and_unicode_in_paths() {
    let project = Project::new();
    project.write(
        "flows/Größe und Gewicht/flow.yml",
        "home: \"quelle der daten/日本\"\nstore: \"lake of data/ø\"\nentities: [\"tabell én\"]\n",
    );
    let from = project.path("quelle der daten/日本/tabell én/a b.parquet");
    table::write(&from, &table::rows(0..10, 1, 1));
    project.hygge(&["go"]).ok();
    assert_eq!(table::count(&project.path("lake of data/ø/tabell én")), 10);
}

#[test]
fn symlink_loops() {
    let project = with_old_table();
    let link = |to: &Path, at: &str| std::os::unix::fs::symlink(to, project.path(at)).unwrap();
    link(&project.path("source/t"), "source/t/again");
    link(&project.path("source"), "source/t/up");
    link(Path::new("self"), "source/t/self");
    project.hygge(&["go"]).ok();
    old_table_is_intact(&project);
}

#[test]
fn two_flows_that_write_to_one_place() {
    let project = with_old_table();
    project.write("flows/g/flow.yml", "home: source\nstore: ./lake/\nentities: [t]\n");
    project.hygge(&["go"]).fails_with(&["flows/f/flow.yml", "flows/g/flow.yml"]);
    old_table_is_intact(&project);
}

#[test]
fn a_source_that_changes_while_it_is_read() {
    let project = with_old_table();
    let batches: Vec<RecordBatch> =
        (0..40).map(|part| table::rows(part * 50_000..(part + 1) * 50_000, 2, 1)).collect();
    table::write_all(&source(&project), &batches[0].schema(), &batches);
    let child = project.start(&["go"]);
    std::thread::sleep(std::time::Duration::from_millis(150));
    // In place, as a careless writer would.
    table::write(&source(&project), &table::rows(0..30, 3, 1));
    let said = finish(child);
    if said.code == Some(0) {
        // It was read before or after the change: one or the other, whole.
        let rows = table::count(&project.path("lake/t"));
        assert!(rows == 2_000_000 || rows == 30, "{rows} rows");
    } else {
        said.fails_with(&["a.parquet"]);
        old_table_is_intact(&project);
    }
    assert_eq!(project.strays(), Vec::<String>::new());
}

#[test]
fn a_column_that_some_files_lack_is_filled_with_nulls() {
    let project = with_old_table();
    let narrow = table::rows(100..200, 1, 1).project(&[0, 1]).unwrap();
    table::write(&project.path("source/t/b.parquet"), &narrow);
    project.hygge(&["go"]).ok();
    let landed = table::read(&project.path("lake/t")).unwrap();
    assert_eq!(landed.num_rows(), 200);
    assert_eq!(landed.column_by_name("name").unwrap().null_count(), 100);
}

#[test]
fn a_conflict_of_types_names_file_and_column() {
    let project = with_old_table();
    let other = RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from(vec![1])) as ArrayRef),
        ("name", Arc::new(Int32Array::from(vec![1])) as ArrayRef),
    ]);
    table::write(&project.path("source/t/b.parquet"), &other.unwrap());
    project.hygge(&["go"]).fails_with(&["a.parquet", "b.parquet", "name"]);
    old_table_is_intact(&project);
}

#[test]
fn one_failed_entity_leaves_the_others_running() {
    let project = Project::with_flow(&["a", "bad", "c"], "");
    for name in ["a", "c"] {
        let path = project.path(&format!("source/{name}/x.parquet"));
        table::write(&path, &table::rows(0..10, 1, 1));
    }
    project.write("source/bad/x.parquet", "no");
    project.hygge(&["go"]).fails_with(&["bad", "x.parquet"]);
    assert_eq!(table::count(&project.path("lake/a")), 10);
    assert_eq!(table::count(&project.path("lake/c")), 10);
}

/// A decoder may panic over what is broken. That is caught and told as any other fault, and what
/// the panic itself says is a detail of the log.
#[test]
fn what_a_decoder_panics_over_is_a_fault_like_any_other() {
    let ids = Int64Array::from_iter((0..60).map(|at| (at % 7 != 0).then_some(at)));
    let rows = RecordBatch::try_from_iter([("id", Arc::new(ids) as ArrayRef)]).unwrap();
    let project = Project::new();
    table::write(&project.path("whole.parquet"), &rows);
    let whole = std::fs::read(project.path("whole.parquet")).unwrap();
    let reader =
        SerializedFileReader::new(std::fs::File::open(project.path("whole.parquet")).unwrap())
            .unwrap();
    let page = reader.metadata().row_group(0).column(0).data_page_offset() as usize;
    // Every bit of the header of the page, and more, in a table of its own.
    let bits = (page..page + 64).flat_map(|byte| (0..8).map(move |bit| (byte, bit)));
    let entities: Vec<String> = bits
        .map(|(byte, bit)| {
            let mut flipped = whole.clone();
            flipped[byte] ^= 1 << bit;
            let entity = format!("byte_{byte}_bit_{bit}");
            project.write(&format!("source/{entity}/a.parquet"), &flipped);
            entity
        })
        .collect();
    let list: String = entities.iter().map(|name| format!("  - {name}\n")).collect();
    let flow = format!("home: source\nstore: {{path: lake, batch_size: 500}}\nentities:\n{list}");
    project.write("flows/f/flow.yml", flow);
    project.hygge(&["go"]).fails_with(&["a.parquet is damaged: row group 0, column `id`"]);
    let [log] = &project.files("logs")[..] else { panic!("no log file") };
    let log = std::fs::read_to_string(project.path("logs").join(log)).unwrap();
    assert!(log.contains("DEBUG  caught: panicked at "), "no decoder panicked: try other bytes");
}

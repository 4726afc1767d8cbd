//! However many pages there are, memory is what it was.

use hygge_tests::memory::finish_with_peak;
use hygge_tests::table;

use super::*;

/// The most that a run may have more than one with a tenth of the rows.
const MORE: u64 = 48 << 20;

#[test]
fn a_million_rows_over_a_thousand_pages_need_no_more_memory() {
    let api = Api::start();
    let url = api.url();
    let peak = |rows: u64| {
        let project = Project::new();
        project.write(
            "flows/f/flow.yml",
            format!(
                "home:\n  type: rest\n  base_url: {url}\n  path: /cursor/rows\n  records: data\n  \
                 params: {{ rows: {rows}, size: 1000 }}\n  \
                 paginate: {{ type: cursor, param: after, path: meta.next }}\nstore: lake\n\
                 entities: [rows]\nconnectors: {{ rest: {{ allow_hosts: [\"{url}\"] }} }}\n"
            ),
        );
        api.forget();
        let (said, peak) = finish_with_peak(project.start(&["go"]));
        said.ok();
        // The first page is asked for twice: once for the columns.
        assert_eq!(api.asked().len() as u64, rows / 1000 + 1);
        assert_eq!(table::count(&project.path("lake/rows")) as u64, rows);
        peak
    };
    let (some, many) = (peak(100_000), peak(1_000_000));
    println!("peaks: {} MB for 100,000 rows, {} MB for 1,000,000", some >> 20, many >> 20);
    assert!(many < some + MORE, "{some} bytes for 100,000 rows, {many} for a million");
}

//! What the guests do, and what is said of each.

/// An entity, and the words that its fault must hold.
pub(crate) type Deed = (&'static str, &'static [&'static str]);

const LOOPS: &[&str] = &["`hostile` kept a core busy for more than 300ms", "`cpu` of `hostile`"];
const WAITS: &[&str] = &["`hostile` made no progress", "for 500ms", "`idle` of `hostile`"];
const MEMORY: &[&str] = &["`hostile` asked for more than its 64 MB of memory"];

/// Homes that lie, loop, trap and take.
pub(crate) const HOMES: &[Deed] = &[
    ("loop_in_open", LOOPS),
    ("loop_in_schema", LOOPS),
    ("loop_in_plan", LOOPS),
    ("loop_in_read", LOOPS),
    ("loop_in_next", LOOPS),
    ("endless_destructor", LOOPS),
    ("calls_in_next", LOOPS),
    ("loop_in_tables", &["`hostile`: there is no such table"]),
    ("trap_in_open", &["`hostile` aborted", "`home.session.open`"]),
    ("trap_in_next", &["`hostile` aborted", "`home.reader.next`"]),
    ("recursion_in_next", &["`hostile` called itself too deeply", "stack overflow"]),
    ("grow_in_next", MEMORY),
    ("allocate_in_next", MEMORY),
    ("handles", &["`hostile` held more than 100 handles", "`handles` of `hostile`"]),
    ("dropped_twice", &["`hostile`", "unknown handle", "`home.reader.next`"]),
    ("used_after_drop", &["`hostile`", "unknown handle", "`home.reader.next`"]),
    ("made_up", &["`hostile`", "unknown handle index 16777215"]),
    ("screen_in_next", &["`hostile`: [2J]0;ownedall is well"]),
    ("cancelled_in_next", &["`hostile`: so be it", "mistake in the connector"]),
    ("metadata_in_next", &["`hostile`", "may not connect to `169.254.169.254`", "allow_hosts"]),
    ("file_in_next", &["`hostile`", "may not send a request to `file:///etc/passwd`"]),
    ("claimed", &["`hostile` handed over something larger than its memory"]),
    ("ipc_garbage", &["`hostile`", "not an Arrow IPC stream"]),
    ("ipc_cut", &["`hostile`", "cut short"]),
    ("ipc_trailing", &["`hostile`", "100 bytes follow the end"]),
    ("ipc_twice", &["`hostile`", "follow the end"]),
    ("ipc_utf8", &["`hostile`", "Invalid UTF8"]),
    ("ipc_offsets", &["`hostile`", "damaged", "offset"]),
    ("schema_unlike", &["`hostile`", "column 2 is `title`, announced as `name`"]),
    ("schema_changes", &["`hostile`", "column 2 is `title`, announced as `name`"]),
    ("schema_deep", &["`hostile`", "announced schema is not JSON"]),
    ("schema_same", &["`hostile`", "`id` is announced twice"]),
    ("schema_arrow", &["`hostile`", "a message claims -1 bytes"]),
    ("ndjson_deep", &["`hostile`", "line 1 is nested more than 64 deep"]),
    ("ndjson_unlike", &["`hostile`", "line 1: `password` is not in the announced schema"]),
    ("ndjson_utf8", &["`hostile`", "line 1 is not UTF-8"]),
    ("ndjson_nulls", &["`hostile`", "column `id` is missing"]),
    ("ndjson_numbers", &["`hostile`", "line 1 cannot be read"]),
    ("empty_chunks", &["`hostile` gave 10000 chunks without a row", "`all`"]),
    ("state_large", &["`hostile` gave a state of 1048576 bytes, of at most 65536"]),
    ("splits_same", &["`hostile` planned two splits named `same`"]),
    ("splits_nameless", &["`hostile` named a split by 0 bytes"]),
    ("splits_long", &["`hostile` named a split by 5000000 bytes"]),
    ("splits_heavy", &["`hostile` described split `heavy` in 1048576 bytes"]),
    ("rows_more", &["`hostile` said that split `all`", "has 200 rows and gave more than that"]),
    ("rows_fewer", &["`hostile` said that split `all`", "has 301 rows and gave 300"]),
    ("rows_most", &["`hostile` planned more rows than can be counted"]),
];

/// Homes that do nothing, for ever.
pub(crate) const WAITING: &[Deed] =
    &[("sleep_in_open", WAITS), ("sleep_in_plan", WAITS), ("sleep_in_next", WAITS)];

/// Homes that look busy, for ever.
pub(crate) const NAPPING: &[Deed] =
    &[("naps_in_next", &["`hostile` was not done after 1s", "`timeout` of `hostile`"])];

/// Homes that hold on to memory while others need it.
pub(crate) const HOGGING: &[Deed] =
    &[("hog_in_next", &["`hostile` made no progress", "for 5s", "`idle` of `hostile`"])];

/// Homes that hand over a great deal.
pub(crate) const LARGE: &[Deed] = &[
    ("line_in_next", &["`hostile` handed over more than 64 MiB at once"]),
    ("error_in_next", &["`hostile`: [2J]0;ownedall is well"]),
    ("requests_in_next", &["`hostile`", "asked for 100000 requests at once, of at most 100"]),
    ("splits_million", &["`hostile` handed over more than 64 MiB at once", "`home.session.plan`"]),
    ("splits_many", &["`hostile` planned 150000 splits"]),
    ("schema_wide", &["`hostile`", "has 100000 columns"]),
    ("ndjson_long", &["`hostile` asked for more than its 256 MB of memory"]),
];

/// Homes that are told off and read all the same: every one has 300 rows.
pub(crate) const TOLERATED: &[&str] =
    &["good", "loop_in_destructor", "warnings_in_next", "fields_in_next"];

/// Stores that lie, loop and trap.
pub(crate) const STORES: &[Deed] = &[
    ("trap_in_open", &["`hostile` aborted", "`store.session.open`"]),
    ("trap_in_write", &["`hostile` aborted", "`store.writer.write`"]),
    ("trap_in_prepare", &["`hostile` aborted", "`store.writer.prepare`"]),
    ("trap_in_commit", &["`hostile` aborted", "`store.session.commit`"]),
    ("trap_in_sweep", &["`hostile` aborted", "`store.session.sweep`"]),
    ("loop_in_begin", LOOPS),
    ("loop_in_write", LOOPS),
    ("loop_in_prepare", LOOPS),
    ("loop_in_commit", LOOPS),
    ("loop_in_sweep", LOOPS),
    ("grow_in_write", MEMORY),
    ("screen_in_write", &["`hostile`: [2J]0;ownedall is well"]),
    ("prepare_fewer", &["1000 rows were read but 999 staged", "to hostile prepare_fewer"]),
    ("prepare_more", &["18446744073709551615 staged", "to hostile prepare_more"]),
    ("commit_fewer", &["1000 rows were staged but 999 published", "to hostile commit_fewer"]),
    ("commit_more", &["18446744073709551615 published", "to hostile commit_more"]),
    ("token_large", &["`hostile` gave a state of 1048576 bytes", "`store.writer.prepare`"]),
];

/// Stores that take their rows whatever else they do.
pub(crate) const TAKING: &[&str] = &["good", "loop_in_abort", "sizes_most", "sizes_most_too"];

/// Homes that are only looked at.
pub(crate) const LOOKED_AT: &[Deed] = &[
    ("loop_in_check", LOOPS),
    ("trap_in_check", &["`hostile` aborted", "`home.session.check`"]),
    ("grow_in_check", MEMORY),
    ("screen_in_check", &["`hostile`: [2J]0;ownedall is well"]),
];

/// A connector that looks for a way out through WASI.
pub(crate) const WASI: &[Deed] = &[
    ("exits", &["`intruder` ended itself with exit code 0"]),
    ("random", &["`intruder`", "exceeds limit"]),
    ("zeroes", &["`intruder`", "cannot write more zeroes"]),
];

/// One that waits there.
pub(crate) const WASI_WAITING: &[Deed] =
    &[("waits", &["`intruder` made no progress", "for 500ms", "`idle` of `intruder`"])];

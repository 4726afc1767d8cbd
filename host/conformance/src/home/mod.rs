//! What every Home must hold.

mod cancel;
mod faults;
mod memory;
mod reading;
mod resume;

use std::sync::Arc;

use hygge_core::contract::{Home, ReadRequest};

use crate::{Bench, Point, point};

/// A Home to examine.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The Home. Its data must not change meanwhile.
    pub home: Arc<dyn Home>,
    /// The same kind of Home, of a table that does not exist.
    pub without_table: Option<Arc<dyn Home>>,
    /// What to read.
    pub request: ReadRequest,
}

/// Examines a Home, point by point. Reads its table a dozen times.
pub async fn examine(subject: &Subject, bench: &Bench) -> Vec<Point> {
    vec![
        point(
            bench,
            "check",
            "`check` finds nothing wrong with a source that can be read",
            reading::check(subject),
        )
        .await,
        point(
            bench,
            "plan",
            "what is planned is what is read: the columns, and not fewer rows than planned",
            reading::plan(subject, bench),
        )
        .await,
        point(
            bench,
            "schema",
            "every batch has the announced columns, and nothing comes after the end",
            reading::schema(subject, bench),
        )
        .await,
        point(
            bench,
            "batches",
            "every batch is valid: its offsets, its text, and no nulls where there cannot be any",
            reading::batches(subject, bench),
        )
        .await,
        point(
            bench,
            "rows",
            "there are as many rows as were promised",
            reading::rows(subject, bench),
        )
        .await,
        point(bench, "again", "reading again gives the same rows", reading::again(subject, bench))
            .await,
        point(
            bench,
            "resume",
            "from every state that a reader gives, a fresh one gives exactly the rows after it",
            resume::everywhere(subject, bench),
        )
        .await,
        point(
            bench,
            "resume twice",
            "a reader that goes on from a state gives states, too",
            resume::twice(subject, bench),
        )
        .await,
        point(
            bench,
            "foreign state",
            "a state that is none is refused with a fault that is no bug",
            resume::foreign(subject, bench),
        )
        .await,
        point(
            bench,
            "cancel",
            "a cancelled run ends soon, whenever it is cancelled, and gives its memory back",
            cancel::anywhere(subject, bench),
        )
        .await,
        point(
            bench,
            "drop",
            "a reader that is dropped gives its memory back",
            cancel::dropped(subject, bench),
        )
        .await,
        point(
            bench,
            "memory",
            "rows are charged for, and what is held back holds back what is read",
            memory::held_back(subject, bench),
        )
        .await,
        point(
            bench,
            "missing table",
            "a table that does not exist is a fault of that sort, which is not tried again",
            faults::missing(subject, bench),
        )
        .await,
    ]
}

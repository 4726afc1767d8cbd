//! What every Store must hold.

mod cancel;
mod checkpoint;
mod load;
mod publish;
mod sweep;

use std::fmt;
use std::sync::Arc;

use hygge_core::contract::{Home, Store};

use crate::{Bench, Point, point};

/// A Store to examine. What is at its destination is written over.
#[derive(Clone)]
pub struct Subject {
    /// Makes the Store from its configuration, as each new process does.
    pub store: Arc<dyn Fn() -> Arc<dyn Store>>,
    /// Reads what is at the destination, as somebody else would. Without it the points rest on
    /// what the Store says.
    pub read_back: Option<Arc<dyn Home>>,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("read_back", &self.read_back).finish_non_exhaustive()
    }
}

/// Examines a Store, point by point. Loads [`sample`](crate::sample) rows a few dozen times.
pub async fn examine(subject: &Subject, bench: &Bench) -> Vec<Point> {
    vec![
        point(
            bench,
            "check",
            "`check` finds nothing wrong with a destination that can be written to",
            publish::check(subject),
        )
        .await,
        point(
            bench,
            "publish",
            "rows staged = rows published = rows written, and none is seen before",
            publish::all_at_once(subject, bench),
        )
        .await,
        point(
            bench,
            "publish again",
            "publishing again, from a fresh process, changes nothing and answers the same",
            publish::again(subject, bench),
        )
        .await,
        point(
            bench,
            "replace",
            "a further load replaces the table, with fewer rows or none at all",
            publish::replace(subject, bench),
        )
        .await,
        point(
            bench,
            "append",
            "rows that are added are added to what is there",
            publish::append(subject, bench),
        )
        .await,
        point(
            bench,
            "plan",
            "a plan can be had with and without a table, and changes nothing",
            publish::plan(subject, bench),
        )
        .await,
        point(
            bench,
            "abort",
            "a load that is given up leaves the table as it was",
            sweep::aborted(subject, bench),
        )
        .await,
        point(
            bench,
            "crash",
            "what a killed load left behind is swept, and the table stays as it was",
            sweep::killed(subject, bench),
        )
        .await,
        point(
            bench,
            "sweep keeps",
            "what is staged and kept can be published after a sweep",
            sweep::kept(subject, bench),
        )
        .await,
        point(
            bench,
            "swept away",
            "publishing what is no longer staged is a fault, and the table stays as it was",
            sweep::away(subject, bench),
        )
        .await,
        point(
            bench,
            "resume",
            "a load that goes on from a checkpoint has every row once",
            checkpoint::goes_on(subject, bench),
        )
        .await,
        point(
            bench,
            "resume again",
            "a checkpoint stays as it is while a load that goes on from it is killed, too",
            checkpoint::goes_on_again(subject, bench),
        )
        .await,
        point(
            bench,
            "lost checkpoint",
            "going on from a checkpoint that was swept is a missing fault",
            checkpoint::lost(subject, bench),
        )
        .await,
        point(
            bench,
            "cancel",
            "a cancelled load ends soon and leaves the table as it was",
            cancel::anywhere(subject, bench),
        )
        .await,
    ]
}

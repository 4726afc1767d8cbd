//! What was chosen for a load, in words.

use std::collections::BTreeMap;

use crate::routes::{Route, Routes};

/// Why rows are decoded that might have been handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    /// Some rows of their row group may have landed before.
    Filtered,
    /// No column stays what it is.
    AllChange,
    /// `row_group_size` asks for smaller row groups.
    RowGroupSize,
    /// Their row groups are small and are merged.
    Small,
}

/// What was chosen, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    /// All of it: `copied 4 files as they are`.
    pub(super) words: String,
    /// As short as can be, for a line that says much else: `copied`. `None` where nothing moves.
    pub(super) brief: Option<String>,
}

impl Chosen {
    /// The Store takes rows alone.
    pub(super) fn refused(why: &str) -> Self {
        Self { words: format!("decoded: {why}"), brief: Some(format!("re-encoded: {why}")) }
    }
}

/// The most that is done to a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Copied,
    Recompressed,
    Encoded,
}

/// Counts what was chosen.
#[derive(Debug)]
pub(super) struct Tally {
    whole_files: u64,
    row_groups: u64,
    columns: Vec<Work>,
    decoded: BTreeMap<Reason, u64>,
}

impl Reason {
    fn words(self) -> &'static str {
        match self {
            Self::Filtered => "rows of the last load may be among them",
            Self::AllChange => "every column changes",
            Self::RowGroupSize => "`row_group_size` is smaller than their row groups",
            Self::Small => "small row groups are merged",
        }
    }
}

impl Tally {
    /// For a destination with this many columns.
    pub(super) fn new(columns: usize) -> Self {
        let columns = vec![Work::Copied; columns];
        Self { whole_files: 0, row_groups: 0, columns, decoded: BTreeMap::new() }
    }

    /// A file goes as it is.
    pub(super) fn whole_file(&mut self) {
        self.whole_files += 1;
    }

    /// A row group goes column by column; `kept` tells of a column of its file whether that is
    /// compressed as it should be.
    pub(super) fn row_group(&mut self, routes: &Routes, kept: impl Fn(usize) -> bool) {
        self.row_groups += 1;
        for (work, route) in self.columns.iter_mut().zip(&routes.columns) {
            let here = match route {
                Route::Encode => Work::Encoded,
                Route::Move(root) if kept(*root) => Work::Copied,
                Route::Move(_) => Work::Recompressed,
            };
            *work = here.max(*work);
        }
    }

    /// Rows are decoded.
    pub(super) fn decoded(&mut self, reason: Reason, rows: u64) {
        *self.decoded.entry(reason).or_default() += rows;
    }

    /// All of it in words.
    pub(super) fn chosen(&self) -> Chosen {
        Chosen { words: self.words(), brief: self.brief() }
    }

    fn words(&self) -> String {
        let mut parts = Vec::new();
        match self.whole_files {
            0 => {}
            1 => parts.push("copied 1 file as it is".to_owned()),
            files => parts.push(format!("copied {files} files as they are")),
        }
        if self.row_groups > 0 {
            parts.push(self.columns_in_words());
        }
        if !self.decoded.is_empty() {
            let what = match (parts.is_empty(), self.decoded.values().sum::<u64>()) {
                (true, _) => String::new(),
                (_, 1) => " 1 row".to_owned(),
                (_, rows) => format!(" {rows} rows"),
            };
            parts.push(format!("decoded{what}: {}", self.reasons()));
        }
        if parts.is_empty() { "nothing to move".to_owned() } else { parts.join("; ") }
    }

    fn brief(&self) -> Option<String> {
        let mut parts = Vec::new();
        let (encoded, recompressed) = (self.count(Work::Encoded), self.count(Work::Recompressed));
        let of = self.columns.len();
        if self.row_groups > 0 && encoded > 0 {
            parts.push(format!("{encoded} of {of} columns encoded"));
        }
        if self.row_groups > 0 && recompressed > 0 {
            parts.push(match recompressed {
                all if all == of => "recompressed".to_owned(),
                some if encoded > 0 => format!("{some} recompressed"),
                some => format!("{some} of {of} columns recompressed"),
            });
        }
        if parts.is_empty() && self.whole_files + self.row_groups > 0 {
            parts.push("copied".to_owned());
        }
        if !self.decoded.is_empty() {
            let rows: u64 = self.decoded.values().sum();
            let what = match (parts.is_empty(), rows) {
                (true, _) => String::new(),
                (_, 1) => "1 row ".to_owned(),
                (_, rows) => format!("{rows} rows "),
            };
            parts.push(format!("{what}re-encoded: {}", self.reasons()));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    fn reasons(&self) -> String {
        self.decoded.keys().map(|reason| reason.words()).collect::<Vec<_>>().join(", ")
    }

    fn count(&self, work: Work) -> usize {
        self.columns.iter().filter(|column| **column == work).count()
    }

    fn columns_in_words(&self) -> String {
        let count = |work| self.count(work);
        let all = self.columns.len();
        let mut parts = Vec::new();
        for (work, word) in [
            (Work::Copied, "copied"),
            (Work::Recompressed, "recompressed"),
            (Work::Encoded, "encoded"),
        ] {
            match count(work) {
                0 => {}
                some if parts.is_empty() => parts.push(format!("{word} {some} of {all} columns")),
                some => parts.push(format!("{word} {some}")),
            }
        }
        if count(Work::Encoded) == 0 && count(Work::Recompressed) > 0 {
            parts.push("values untouched".to_owned());
        }
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(columns: &[Route]) -> Routes {
        Routes { columns: columns.to_vec(), unchanged: false }
    }

    #[track_caller]
    fn says(tally: &Tally, words: &str, brief: Option<&str>) {
        let brief = brief.map(str::to_owned);
        assert_eq!(tally.chosen(), Chosen { words: words.to_owned(), brief });
    }

    #[test]
    fn one_line_says_what_was_chosen_and_why() {
        let mut tally = Tally::new(3);
        says(&tally, "nothing to move", None);
        tally.decoded(Reason::Small, 7);
        says(
            &tally,
            "decoded: small row groups are merged",
            Some("re-encoded: small row groups are merged"),
        );
        tally.whole_file();
        says(
            &tally,
            "copied 1 file as it is; decoded 7 rows: small row groups are merged",
            Some("copied, 7 rows re-encoded: small row groups are merged"),
        );
    }

    #[test]
    fn the_columns_of_row_groups_are_told_apart() {
        let columns = [Route::Move(0), Route::Move(1), Route::Move(2)];
        let mut tally = Tally::new(3);
        tally.row_group(&routes(&columns), |_| true);
        says(&tally, "copied 3 of 3 columns", Some("copied"));
        let mut tally = Tally::new(3);
        tally.row_group(&routes(&columns), |_| false);
        says(&tally, "recompressed 3 of 3 columns, values untouched", Some("recompressed"));
        tally.row_group(&routes(&[Route::Move(0), Route::Encode, Route::Move(1)]), |_| true);
        says(
            &tally,
            "recompressed 2 of 3 columns, encoded 1",
            Some("1 of 3 columns encoded, 2 recompressed"),
        );
        let mut tally = Tally::new(3);
        tally.row_group(&routes(&columns), |root| root == 0);
        says(
            &tally,
            "copied 1 of 3 columns, recompressed 2, values untouched",
            Some("2 of 3 columns recompressed"),
        );
        tally.whole_file();
        tally.decoded(Reason::Filtered, 1);
        says(
            &tally,
            "copied 1 file as it is; copied 1 of 3 columns, recompressed 2, values untouched; \
             decoded 1 row: rows of the last load may be among them",
            Some(
                "2 of 3 columns recompressed, 1 row re-encoded: rows of the last load may be among \
                 them",
            ),
        );
    }
}

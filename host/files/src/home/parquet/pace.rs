//! How many rows go into a batch.

use std::num::NonZeroU64;

use parquet::basic::Type;
use parquet::file::metadata::RowGroupMetaData;

/// Rows in a batch at most, unless the user asks for more: beyond this, size brings no speed.
const MOST_ROWS: usize = 64 << 10;

/// Rows in the first batch of rows whose width is a guess.
const TRIAL_ROWS: usize = 4 << 10;

/// Chooses how many rows go into a batch, so that batches have the bytes they should have however
/// wide the rows are.
#[derive(Debug)]
pub(super) struct Pace {
    most_rows: usize,
    target: usize,
    /// Bytes of a row as it was last seen.
    seen: Option<f64>,
}

/// How wide rows are, by a row group's metadata.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Width {
    /// Bytes of a row, or fewer than that.
    pub(super) bytes: f64,
    /// Whether that is all there is: not so with text in a dictionary, which may be written once
    /// and occur in every row.
    pub(super) certain: bool,
}

impl Pace {
    /// For an entity that should stay under `share` bytes; `rows` if the user said how many.
    pub(super) fn new(share: usize, rows: Option<NonZeroU64>) -> Self {
        match rows {
            None => {
                let target = (share / 16).clamp(256 << 10, 4 << 20);
                Self { most_rows: MOST_ROWS, target, seen: None }
            }
            // What the user asks for, as long as a few of them fit into memory.
            Some(rows) => Self {
                most_rows: usize::try_from(rows.get()).unwrap_or(usize::MAX),
                target: (share / 4).clamp(256 << 10, 64 << 20),
                seen: None,
            },
        }
    }

    /// Bytes a batch may have before it is given up and tried again with fewer rows.
    pub(super) fn ceiling(&self) -> usize {
        self.target * 4
    }

    /// Rows in the next batch of rows with this width.
    pub(super) fn begin(&self, width: Width) -> usize {
        let rows = self.rows_of(self.seen.map_or(width.bytes, |seen| seen.max(width.bytes)));
        if width.certain || self.seen.is_some() { rows } else { rows.min(TRIAL_ROWS) }
    }

    /// Bytes that a batch of this many rows is likely to have.
    pub(super) fn bytes_of(&self, rows: usize, width: Width) -> usize {
        let bytes = self.seen.unwrap_or(width.bytes) * rows as f64;
        (bytes as usize).clamp(1, self.ceiling())
    }

    /// A batch of `rows` rows had this many bytes; `left` rows are to come. Answers with another
    /// number of rows for the batches after it, where that is worth beginning anew.
    pub(super) fn saw(
        &mut self,
        rows: usize,
        bytes: usize,
        now: usize,
        left: u64,
    ) -> Option<usize> {
        let width = bytes as f64 / rows.max(1) as f64;
        self.seen = Some(width);
        let ideal = self.rows_of(width);
        if ideal < now / 2 {
            Some(ideal)
        } else if ideal >= now.saturating_mul(2) && left > 4 * now as u64 {
            Some(ideal.min(now.saturating_mul(8)))
        } else {
            None
        }
    }

    /// A batch of this many rows passed the ceiling: how many to try instead.
    pub(super) fn fewer(&mut self, rows: usize) -> usize {
        let fewer = (rows / 8).max(1);
        self.seen = Some(self.target as f64 / fewer as f64);
        fewer
    }

    fn rows_of(&self, width: f64) -> usize {
        ((self.target as f64 / width.max(0.125)) as usize).clamp(1, self.most_rows)
    }
}

impl Width {
    /// The width of the rows of these row groups together.
    pub(super) fn of<'a>(groups: impl Iterator<Item = &'a RowGroupMetaData>) -> Self {
        Self::of_columns(groups, |_| true)
    }

    /// The width of the rows of these row groups together, of the leaves that `counts` alone.
    pub(super) fn of_columns<'a>(
        groups: impl Iterator<Item = &'a RowGroupMetaData>,
        counts: impl Fn(usize) -> bool,
    ) -> Self {
        let mut width = Self { bytes: 0.0, certain: true };
        let mut rows = 0.0;
        for group in groups {
            rows += group.num_rows() as f64;
            let leaves = group.columns().iter().enumerate();
            for (_, column) in leaves.filter(|(leaf, _)| counts(*leaf)) {
                let values = column.num_values() as f64;
                // A bit for nulls; in lists, an offset as well.
                let nested = column.column_descr().max_rep_level() > 0;
                width.bytes += values * if nested { 4.125 } else { 0.125 };
                width.bytes += match column.column_type() {
                    Type::BOOLEAN => values / 8.0,
                    Type::INT32 | Type::FLOAT => values * 4.0,
                    Type::INT64 | Type::DOUBLE | Type::INT96 => values * 8.0,
                    Type::FIXED_LEN_BYTE_ARRAY => {
                        values * f64::from(column.column_descr().type_length().max(16))
                    }
                    Type::BYTE_ARRAY => {
                        let told = column.unencoded_byte_array_data_bytes();
                        width.certain &= told.is_some();
                        let bytes = told.unwrap_or_else(|| column.uncompressed_size());
                        values * 8.0 + bytes.max(0) as f64
                    }
                };
            }
        }
        width.bytes /= f64::max(rows, 1.0);
        width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUESS: Width = Width { bytes: 8.0, certain: false };

    #[test]
    fn wide_rows_make_short_batches() {
        let pace = Pace::new(64 << 20, None);
        assert_eq!(pace.begin(Width { bytes: 8.0, certain: true }), MOST_ROWS);
        assert_eq!(pace.begin(Width { bytes: 16_384.0, certain: true }), 256);
        assert_eq!(pace.begin(Width { bytes: 1e12, certain: true }), 1);
        assert_eq!(Pace::new(64 << 20, NonZeroU64::new(10)).begin(GUESS), 10);
    }

    #[test]
    fn a_guess_is_tried_with_few_rows_and_then_grows_or_shrinks() {
        let mut pace = Pace::new(64 << 20, None);
        assert_eq!(pace.begin(GUESS), TRIAL_ROWS);
        assert_eq!(pace.saw(4096, 4096 * 8, 4096, 1_000_000), Some(4096 * 8));
        assert_eq!(pace.saw(32_768, 32_768 * 8, 32_768, 100), None);
        assert_eq!(pace.saw(32_768, 32_768 * 1024, 32_768, 100), Some(4096));
        // What was learnt holds for the next row group.
        assert_eq!(pace.begin(GUESS), 4096);
        assert_eq!(pace.fewer(4096), 512);
        assert_eq!(pace.fewer(1), 1);
    }
}

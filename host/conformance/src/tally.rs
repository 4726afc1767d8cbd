//! What rows there were, in a few bytes.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use arrow_array::RecordBatch;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use hygge_core::fault::Fault;

/// Which rows there were: their number, and a sum over them that does not depend on their order.
/// The sums of two parts give that of the whole.
///
/// Values count as they are written: 1 is 1, whatever the width of its column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub rows: u64,
    sum: u128,
}

impl Tally {
    /// Adds the rows of a batch.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), Fault> {
        let unreadable = |error: arrow_schema::ArrowError| {
            Fault::data("a batch holds values that cannot be read").because(error)
        };
        let options = FormatOptions::default().with_display_error(false);
        let columns = batch
            .columns()
            .iter()
            .map(|column| Ok((column, ArrayFormatter::try_new(column.as_ref(), &options)?)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(unreadable)?;
        for row in 0..batch.num_rows() {
            let mut hashers = [DefaultHasher::new(), DefaultHasher::new()];
            1_u8.hash(&mut hashers[1]);
            for (column, values) in &columns {
                let text = match column.is_null(row) {
                    true => None,
                    false => Some(values.value(row).try_to_string().map_err(unreadable)?),
                };
                hashers.iter_mut().for_each(|hasher| text.hash(hasher));
            }
            let [low, high] = hashers.map(|hasher| u128::from(hasher.finish()));
            self.sum = self.sum.wrapping_add(high << 64 | low);
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// These rows and those.
    #[must_use]
    pub fn with(self, more: Self) -> Self {
        Self { rows: self.rows + more.rows, sum: self.sum.wrapping_add(more.sum) }
    }

    /// How these rows differ from `wanted`, in words.
    pub(crate) fn unlike(self, wanted: Self) -> Option<String> {
        match self.rows.cmp(&wanted.rows) {
            std::cmp::Ordering::Equal if self == wanted => None,
            std::cmp::Ordering::Equal => {
                Some(format!("{self}, as there should be, but not the same ones"))
            }
            _ => Some(format!("{self} in place of {wanted}")),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rows {
            1 => f.write_str("1 row"),
            rows => write!(f, "{rows} rows"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn parts_add_up_in_any_order_and_other_rows_are_other_rows() {
        let tally = |start, length| {
            let mut tally = Tally::default();
            tally.add(&sample(start, length)).unwrap();
            tally
        };
        let whole = tally(0, 10);
        assert_eq!(tally(4, 6).with(tally(0, 4)), whole);
        assert_eq!(whole.unlike(whole), None);
        assert!(tally(1, 10).unlike(whole).unwrap().contains("not the same ones"));
        assert_eq!(tally(0, 9).unlike(whole).unwrap(), "9 rows in place of 10 rows");
        // A row twice in place of another is no match either.
        assert_ne!(tally(0, 5).with(tally(0, 5)), whole);
    }
}

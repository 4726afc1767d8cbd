//! How far ahead pages that are counted may be asked for.

/// What the pages so far say of those to come.
#[derive(Debug, Default)]
pub(crate) struct Outlook {
    /// Pages that had rows.
    pages: u32,
    /// The most rows that one of them had.
    rows: u64,
    /// How many pages behind the next one there are, or may be.
    reach: u64,
    /// Whether it is known that there are.
    is_known: bool,
    /// A page was not where it had been looked for.
    astray: bool,
}

impl Outlook {
    /// A page had so many rows, at least one, of `size` that it could have had, and there are as
    /// many rows and pages left, as far as that is said. `most` is how many pages may follow it.
    pub(crate) fn turned(&mut self, rows: u64, size: Option<u64>, left: Left, most: Option<u64>) {
        self.pages = self.pages.saturating_add(1);
        self.rows = self.rows.max(rows);
        let is_short = rows < size.unwrap_or(self.rows);
        let known = [left.rows.map(|rows| rows.div_ceil(self.rows.max(1))), left.pages];
        let known = known.into_iter().flatten().min();
        self.is_known = known.is_some();
        let reach = match known {
            Some(pages) => pages.saturating_sub(1),
            // It may be the last one.
            None if is_short => 0,
            // A list that goes on may go on for as long again: 1, 1, 2, 4, … at a time.
            None => (1 << self.pages.saturating_sub(1).min(32)) - 1,
        };
        self.reach = most.map_or(reach, |most| reach.min(most.saturating_sub(1)));
    }

    /// A page was asked for that is not the next one: those that follow are asked for when it is
    /// known where they are.
    pub(crate) fn went_astray(&mut self) {
        self.astray = true;
    }

    /// How many pages behind the next one may be asked for with it.
    pub(crate) fn reach(&self) -> usize {
        if self.astray { 0 } else { usize::try_from(self.reach).unwrap_or(usize::MAX) }
    }

    /// Whether it is known how many pages there are.
    pub(crate) fn is_known(&self) -> bool {
        self.is_known
    }

    /// How many rows a page has, when it is not the last one.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }
}

/// What is said to be left behind a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) rows: Option<u64>,
    pub(crate) pages: Option<u64>,
}

impl Left {
    /// Whether it is said that nothing is.
    pub(crate) fn is_nothing(&self) -> bool {
        self.rows == Some(0) || self.pages == Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_count_pages_are_asked_for_as_many_as_there_were() {
        let mut outlook = Outlook::default();
        let mut turned = |rows: u64| {
            outlook.turned(rows, None, Left::default(), None);
            outlook.reach()
        };
        assert_eq!([turned(10), turned(10), turned(10), turned(10)], [0, 1, 3, 7]);
        assert_eq!(turned(9), 0, "it may be the last one");
        assert_eq!(turned(10), 31);
        outlook.went_astray();
        assert_eq!(outlook.reach(), 0);

        let mut sized = Outlook::default();
        sized.turned(99, Some(100), Left::default(), None);
        sized.turned(99, Some(100), Left::default(), None);
        assert_eq!(sized.reach(), 0);
    }

    #[test]
    fn nothing_is_asked_for_beyond_a_known_end() {
        let reach = |rows: Option<u64>, pages: Option<u64>, most: Option<u64>| {
            let mut outlook = Outlook::default();
            outlook.turned(10, Some(100), Left { rows, pages }, most);
            outlook.reach()
        };
        assert_eq!(reach(Some(1), None, None), 0);
        assert_eq!(reach(Some(41), None, None), 4);
        assert_eq!(reach(None, Some(3), None), 2);
        assert_eq!(reach(Some(41), Some(3), None), 2);
        assert_eq!(reach(Some(41), None, Some(2)), 1);
        assert_eq!(reach(None, None, Some(0)), 0);
    }
}

//! Columns of text, aligned.

use std::fmt::Write as _;

use anstyle::Style;

use crate::report::style::{HEADING, paint};

/// Rows of cells under headings.
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// A column.
pub(super) struct Column {
    heading: &'static str,
    right: bool,
}

impl Column {
    /// Aligned to the left.
    pub(super) fn text(heading: &'static str) -> Self {
        Self { heading, right: false }
    }

    /// Aligned to the right.
    pub(super) fn number(heading: &'static str) -> Self {
        Self { heading, right: true }
    }
}

/// A cell.
pub(super) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// Text in a style.
    pub(super) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        // A cell is one line, whatever a message holds.
        let text = text.into().replace(['\n', '\r', '\t'], " ");
        Self { text, style: Style::new() }
    }
}

impl Table {
    /// A table without rows.
    pub(super) fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row, one cell for each column.
    pub(super) fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    /// The table as text. Columns in which no row says anything are left out.
    pub(super) fn render(&self) -> String {
        let width = |place: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(place));
            cells.map(|cell| cell.text.chars().count()).max().unwrap_or(0)
        };
        let shown: Vec<(usize, &Column, usize)> = self
            .columns
            .iter()
            .enumerate()
            .map(|(place, column)| (place, column, width(place)))
            .filter(|(_, _, width)| *width > 0)
            .map(|(place, column, width)| (place, column, width.max(column.heading.len())))
            .collect();

        let mut text = String::new();
        let mut line = |cells: &dyn Fn(usize, &Column) -> (String, Style)| {
            let mut blanks = 0;
            for (place, column, width) in &shown {
                let (cell, style) = cells(*place, column);
                let space = width.saturating_sub(cell.chars().count());
                let (before, after) = if column.right { (space, 0) } else { (0, space) };
                blanks += before;
                // Blanks are written before a cell that says something, never at a line's end.
                if !cell.is_empty() {
                    let _ = write!(text, "{:blanks$}{}", "", paint(style, cell));
                    blanks = 0;
                }
                blanks += after + 2;
            }
            text.push('\n');
        };
        line(&|_, column| (column.heading.to_owned(), HEADING));
        for row in &self.rows {
            line(&|place, _| {
                row.get(place).map_or_else(
                    || (String::new(), Style::new()),
                    |cell| (cell.text.clone(), cell.style),
                )
            });
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::style::plain;

    #[test]
    fn columns_align_and_empty_ones_vanish() {
        let mut table =
            Table::new(vec![Column::text("NAME"), Column::text("NOTE"), Column::number("ROWS")]);
        table.push(vec!["orders".into(), "".into(), "1,234".into()]);
        table.push(vec!["é".into(), "".into(), "7".into()]);
        table.push(vec!["users".into(), "".into(), "".into()]);
        assert_eq!(plain(&table.render()), "NAME     ROWS\norders  1,234\né           7\nusers\n");
    }
}

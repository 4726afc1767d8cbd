//! Lengths of time: of the clock, or of the calendar.

use hygge_sdk::calendar;

use super::time::{DAY, SECOND, parse_span};

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stride {
    Micros(i64),
    Months(i64),
}

/// The longest that is counted in months: ten thousand years.
const MOST_MONTHS: i64 = 120_000;

impl Stride {
    pub(crate) const SECOND: Self = Self::Micros(SECOND);
    pub(crate) const DAY: Self = Self::Micros(DAY);

    /// As spans are written, and `1mo` and `1y`. Nothing is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let months = |unit: &str, factor: i64| {
            let count: i64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
            count.checked_mul(factor).filter(|months| *months <= MOST_MONTHS)
        };
        let stride = match months("mo", 1).or_else(|| months("y", 12)) {
            Some(months) => Self::Months(months),
            None => Self::Micros(parse_span(text)?),
        };
        let (Self::Micros(length) | Self::Months(length)) = stride;
        (length > 0).then_some(stride)
    }

    /// Whether this is at least as long as another one, whatever month it begins in.
    pub(crate) fn holds(self, other: Self) -> bool {
        match (self, other) {
            (Self::Micros(own), Self::Micros(other)) => own >= other,
            (Self::Months(own), Self::Months(other)) => own >= other,
            (Self::Months(own), Self::Micros(other)) => own * 28 * DAY >= other,
            (Self::Micros(own), Self::Months(other)) => own >= other * 31 * DAY,
        }
    }

    /// The moment that comes so many of these after another. Months end where the month does.
    pub(crate) fn after(self, micros: i64, count: i64) -> i64 {
        match self {
            Self::Micros(length) => micros.saturating_add(length.saturating_mul(count)),
            Self::Months(length) => {
                let (year, month, day) = calendar::date(micros.div_euclid(DAY));
                let months = (year * 12 + month - 1).saturating_add(length.saturating_mul(count));
                let months = months.clamp(-MOST_MONTHS, MOST_MONTHS);
                let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
                let day = day.min(calendar::days_in_month(year, month));
                calendar::days(year, month, day) * DAY + micros.rem_euclid(DAY)
            }
        }
    }

    /// The last moment that is a multiple of this, and not after another.
    pub(crate) fn floor(self, micros: i64) -> i64 {
        match self {
            Self::Micros(length) => micros.div_euclid(length).saturating_mul(length),
            Self::Months(length) => {
                let (year, month, _) = calendar::date(micros.div_euclid(DAY));
                let months = (year * 12 + month - 1).div_euclid(length) * length;
                calendar::days(months.div_euclid(12), months.rem_euclid(12) + 1, 1) * DAY
            }
        }
    }

    /// The first moment that is a multiple of this, and not before another.
    pub(crate) fn ceiling(self, micros: i64) -> i64 {
        let floor = self.floor(micros);
        if floor == micros { floor } else { self.after(floor, 1) }
    }

    /// How many of these it takes from one moment to another.
    pub(crate) fn count(self, from: i64, to: i64) -> i64 {
        if from >= to {
            return 0;
        }
        let about = match self {
            Self::Micros(length) => {
                let whole = to.saturating_sub(from);
                return whole / length + i64::from(whole % length != 0);
            }
            // Months have 28 to 31 days: this is a little less than it will be.
            Self::Months(length) => (to.saturating_sub(from) / (31 * DAY) - 1).max(0) / length,
        };
        let mut count = about;
        while self.after(from, count) < to && self.after(from, count) < self.after(from, count + 1)
        {
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::time::parse;

    fn at(text: &str) -> i64 {
        parse(text).unwrap().micros
    }

    #[test]
    fn lengths_are_read() {
        assert_eq!(Stride::parse("7d"), Some(Stride::Micros(7 * DAY)));
        assert_eq!(Stride::parse("2w"), Some(Stride::Micros(14 * DAY)));
        assert_eq!(Stride::parse("30m"), Some(Stride::Micros(1800 * SECOND)));
        assert_eq!(Stride::parse("3mo"), Some(Stride::Months(3)));
        assert_eq!(Stride::parse("1y"), Some(Stride::Months(12)));
        for bad in ["", "0d", "d", "7", "-1d", "0mo", "99999999999y", "1 fortnight"] {
            assert_eq!(Stride::parse(bad), None, "{bad}");
        }
        assert!(Stride::Months(1).holds(Stride::DAY) && !Stride::DAY.holds(Stride::Months(1)));
        assert!(Stride::Micros(31 * DAY).holds(Stride::Months(1)));
        assert!(Stride::Months(12).holds(Stride::Months(12)));
    }

    #[test]
    fn months_end_where_the_month_does() {
        let month = Stride::Months(1);
        let from = at("2024-01-31T12:00:00Z");
        assert_eq!(month.after(from, 1), at("2024-02-29T12:00:00Z"));
        assert_eq!(month.after(from, 2), at("2024-03-31T12:00:00Z"));
        assert_eq!(month.after(from, -2), at("2023-11-30T12:00:00Z"));
        assert_eq!(month.floor(from), at("2024-01-01"));
        assert_eq!(month.ceiling(from), at("2024-02-01"));
        assert_eq!(month.ceiling(at("2024-02-01")), at("2024-02-01"));
        assert_eq!(Stride::Months(12).floor(from), at("2024-01-01"));
    }

    #[test]
    fn steps_are_counted_as_they_are_taken() {
        let from = at("2019-12-31T01:02:03Z");
        for stride in [Stride::Months(1), Stride::Months(5), Stride::Months(12), Stride::DAY] {
            for behind in [0, 1, DAY, 27 * DAY, 59 * DAY, 366 * DAY, 4000 * DAY, 4000 * DAY + 1] {
                let to = from + behind;
                let mut steps = 0;
                while stride.after(from, steps) < to {
                    steps += 1;
                }
                assert_eq!(stride.count(from, to), steps, "{stride:?} {behind}");
            }
            assert_eq!(stride.count(from, from - 1), 0);
        }
        assert_eq!(Stride::Micros(i64::MAX).count(from, from + 1), 1);
    }
}

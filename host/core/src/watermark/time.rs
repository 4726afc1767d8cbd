//! Dates and times as nanoseconds since 1970, wide enough for every unit.

use arrow_schema::TimeUnit;
use jiff::SignedDuration;
use jiff::civil::DateTime;

pub(super) const NANOS_PER_DAY: i128 = 86_400_000_000_000;
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// How many nanoseconds one of `unit` has.
pub(super) fn nanos_per(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

pub(super) fn nanos_of(time: DateTime) -> i128 {
    time.duration_since(EPOCH).as_nanos()
}

/// `None` beyond the years that the calendar has, -9999 to 9999.
pub(super) fn time_of(nanos: i128) -> Option<DateTime> {
    let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?;
    let rest = i32::try_from(nanos.rem_euclid(1_000_000_000)).ok()?;
    EPOCH.checked_add(SignedDuration::new(seconds, rest)).ok()
}

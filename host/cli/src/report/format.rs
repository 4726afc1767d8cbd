//! Numbers, sizes and times as people read them.

use std::time::Duration;

/// `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 file`, `4 files`: a number and what is counted.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `12.3 MB`: powers of 1000, as `options.memory` reads them.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if number < 1000 {
        return format!("{number} B");
    }
    let mut value = number as f64;
    let mut unit = "B";
    for next in UNITS {
        // At 999.95 one decimal would show 1000.0.
        if value < 999.95 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

/// `340ms`, `12.3s`, `4m 05s`, `2h 01m`.
pub(crate) fn duration(length: Duration) -> String {
    let millis = length.as_millis();
    let seconds = length.as_secs();
    if millis < 1000 {
        format!("{millis}ms")
    } else if millis < 59_950 {
        format!("{:.1}s", length.as_secs_f64())
    } else if seconds < 3600 {
        // Rounded up to the minute that `59.95s` belongs to.
        let seconds = seconds.max(60);
        format!("{}m {:02}s", seconds / 60, seconds % 60)
    } else {
        format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60)
    }
}

/// Seconds to the microsecond, for machines: without the dust of binary fractions.
pub(crate) fn seconds(length: Duration) -> f64 {
    length.as_micros() as f64 / 1e6
}

/// Rows a second, in whole rows; `None` where there is no time or there are no rows to speak of.
pub(crate) fn per_second(rows: u64, length: Duration) -> Option<u64> {
    let seconds = length.as_secs_f64();
    (rows > 0 && seconds > 0.0).then(|| (rows as f64 / seconds) as u64)
}

/// `1,234,567 rows/s`.
pub(crate) fn rate(rows: u64, length: Duration) -> Option<String> {
    per_second(rows, length).map(|rate| format!("{} rows/s", count(rate)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_commas() {
        let shown = [0, 7, 999, 1000, 12_345, 1_000_000, u64::MAX].map(count);
        assert_eq!(
            shown,
            ["0", "7", "999", "1,000", "12,345", "1,000,000", "18,446,744,073,709,551,615"]
        );
        assert_eq!(counted(1, "file", "files"), "1 file");
        assert_eq!(counted(0, "file", "files"), "0 files");
    }

    #[test]
    fn sizes_have_one_decimal() {
        let shown = [0, 999, 1000, 12_340_000, 999_949, 999_950, 1_500_000_000, u64::MAX];
        assert_eq!(
            shown.map(bytes),
            ["0 B", "999 B", "1.0 kB", "12.3 MB", "999.9 kB", "1.0 MB", "1.5 GB", "18446.7 PB"]
        );
    }

    #[test]
    fn durations_grow_coarser() {
        let shown = [0, 340, 999, 1000, 12_340, 59_949, 59_950, 60_000, 245_000, 7_260_000];
        assert_eq!(
            shown.map(|millis| duration(Duration::from_millis(millis))),
            [
                "0ms", "340ms", "999ms", "1.0s", "12.3s", "59.9s", "1m 00s", "1m 00s", "4m 05s",
                "2h 01m"
            ]
        );
    }

    #[test]
    fn a_rate_needs_rows_and_time() {
        assert_eq!(rate(3_000_000, Duration::from_secs(2)).as_deref(), Some("1,500,000 rows/s"));
        assert_eq!(rate(0, Duration::from_secs(2)), None);
        assert_eq!(rate(10, Duration::ZERO), None);
    }
}

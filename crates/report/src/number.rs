//! How numbers are written for people.
//!
//! A figure that is undefined is written as a dash, never as a number.

use evalwright_stats::Interval;

/// What stands for an undefined figure.
pub(crate) const UNDEFINED: &str = "–";

/// A share as a percentage with one digit: `84.0 %`.
pub(crate) fn share(value: Option<f64>) -> String {
    value.map_or_else(
        || UNDEFINED.to_owned(),
        |value| format!("{:.1} %", value * 100.0),
    )
}

/// The ends of an interval of shares: `79.4–87.7 %`.
pub(crate) fn share_interval(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || UNDEFINED.to_owned(),
        |ends| format!("{:.1}–{:.1} %", ends.low * 100.0, ends.high * 100.0),
    )
}

/// A number with two digits, its minus as a true minus sign.
pub(crate) fn two_digits(value: Option<f64>) -> String {
    decimal(value, 2)
}

/// A number with three digits.
pub(crate) fn three_digits(value: Option<f64>) -> String {
    decimal(value, 3)
}

fn decimal(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(
        || UNDEFINED.to_owned(),
        |value| {
            let text = format!("{value:.digits$}");
            // Rounding makes -0.00 of a tiny negative number.
            let is_zero = !text.contains(|c: char| c.is_ascii_digit() && c != '0');
            let magnitude = text.trim_start_matches('-');
            if text.starts_with('-') && !is_zero {
                format!("−{magnitude}")
            } else {
                magnitude.to_owned()
            }
        },
    )
}

/// The ends of an interval with three digits: `−0.091 to 0.002`.
pub(crate) fn three_digit_interval(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || UNDEFINED.to_owned(),
        |ends| {
            format!(
                "{} to {}",
                three_digits(Some(ends.low)),
                three_digits(Some(ends.high))
            )
        },
    )
}

/// The ends of an interval with two digits: `0.60 to 0.76`.
pub(crate) fn two_digit_interval(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || UNDEFINED.to_owned(),
        |ends| {
            format!(
                "{} to {}",
                two_digits(Some(ends.low)),
                two_digits(Some(ends.high))
            )
        },
    )
}

/// A count and its noun: `1 row`, `2 rows`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A number rounded to six digits after the point, so that the last bit of a logarithm, which differs from
/// machine to machine, does not show in published bytes.
pub(crate) fn rounded(value: f64) -> f64 {
    // Adding 0 takes the sign off a negative zero.
    (value * 1e6).round() / 1e6 + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well_and_undefined_ones_are_dashes() {
        assert_eq!(share(Some(0.8404)), "84.0 %");
        assert_eq!(share(None), "–");
        assert_eq!(two_digits(Some(-0.041)), "−0.04");
        assert_eq!(two_digits(Some(-0.0004)), "0.00");
        assert_eq!(three_digits(Some(0.5)), "0.500");
        let ends = Interval {
            low: -0.1,
            high: 0.25,
        };
        assert_eq!(two_digit_interval(Some(ends)), "−0.10 to 0.25");
        assert_eq!(share_interval(None), "–");
        assert_eq!(counted(1, "row", "rows"), "1 row");
        assert_eq!(rounded(-1e-9).to_string(), "0");
        assert_eq!(rounded(0.123_456_78).to_string(), "0.123457");
    }
}

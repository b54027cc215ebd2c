//! When a server wants to be asked again.
//!
//! Invariant: the wait that is read is never shorter than the one that was written; fractions are rounded
//! up. A header that cannot be read says nothing.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use super::moment::{http_date, rfc3339};

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Requests.
    Requests,
    /// Tokens, or some kind of them.
    Tokens,
}

/// The headers about one limit.
pub(crate) struct LimitHeaders {
    /// What it counts.
    pub(crate) counted: Counted,
    /// How many there are in all.
    pub(crate) limit: &'static str,
    /// How many are left.
    pub(crate) remaining: &'static str,
    /// When it is filled again.
    pub(crate) reset: &'static str,
}

macro_rules! limit {
    ($counted:ident, $limit:literal, $remaining:literal, $reset:literal) => {
        LimitHeaders {
            counted: Counted::$counted,
            limit: $limit,
            remaining: $remaining,
            reset: $reset,
        }
    };
}

/// What the names of all those headers hold.
const ABOUT_LIMITS: &str = "ratelimit";

/// The limits that servers tell of: in OpenAI's form, then in Anthropic's.
#[rustfmt::skip]
pub(crate) const LIMITS: [LimitHeaders; 7] = [
    limit!(Requests, "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    limit!(Tokens, "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    limit!(Requests, "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
    limit!(Requests, "anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset"),
    limit!(Tokens, "anthropic-ratelimit-tokens-limit", "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset"),
    limit!(Tokens, "anthropic-ratelimit-input-tokens-limit", "anthropic-ratelimit-input-tokens-remaining",
        "anthropic-ratelimit-input-tokens-reset"),
    limit!(Tokens, "anthropic-ratelimit-output-tokens-limit", "anthropic-ratelimit-output-tokens-remaining",
        "anthropic-ratelimit-output-tokens-reset"),
];

/// The wait that a server asks for in `retry-after-ms` or `Retry-After`, else until the last of those
/// limits is filled again that it calls used up. Dates count from the response's own `Date`, or from `now`
/// where it has none.
#[must_use]
pub(crate) fn asked_wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let now = server_time(headers, now);
    // Milliseconds are finer, and the two say the same: they are never added up.
    if let Some(wait) = text(headers, "retry-after-ms").and_then(|text| decimal(text, 1_000_000)) {
        return Some(wait);
    }
    if let Some(wait) = text(headers, RETRY_AFTER.as_str()) {
        let wait =
            decimal(wait, 1_000_000_000).or_else(|| http_date(wait).map(|at| until(at, now)));
        if wait.is_some() {
            return wait;
        }
    }
    used_up(headers, now)
}

/// Whether any header is about a limit: most servers send none, and then none has to be looked for.
pub(crate) fn tells_limits(headers: &HeaderMap) -> bool {
    headers
        .keys()
        .any(|name| name.as_str().contains(ABOUT_LIMITS))
}

/// What the response's `Date` says, else `now`.
pub(crate) fn server_time(headers: &HeaderMap, now: SystemTime) -> SystemTime {
    text(headers, DATE.as_str())
        .and_then(http_date)
        .unwrap_or(now)
}

/// The longest wait until a limit that has nothing left is filled again.
pub(crate) fn used_up(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    LIMITS
        .iter()
        .filter(|limit| text(headers, limit.remaining) == Some("0"))
        .filter_map(|limit| reset_wait(text(headers, limit.reset)?, now))
        .max()
}

/// The wait until a limit is filled again, in the forms that are seen: `6m0s`, `250ms`, seconds, seconds
/// or milliseconds since 1970, RFC 3339.
pub(crate) fn reset_wait(text: &str, now: SystemTime) -> Option<Duration> {
    if let Some(number) = decimal(text, 1_000_000_000) {
        // No limit lasts for 30 years; what is larger counts since 1970.
        return Some(match number.as_secs() {
            0..1_000_000_000 => number,
            1_000_000_000..100_000_000_000 => until(UNIX_EPOCH.checked_add(number)?, now),
            _ => until(
                UNIX_EPOCH.checked_add(Duration::from_millis(number.as_secs()))?,
                now,
            ),
        });
    }
    units(text).or_else(|| rfc3339(text).map(|at| until(at, now)))
}

fn until(at: SystemTime, now: SystemTime) -> Duration {
    at.duration_since(now).unwrap_or(Duration::ZERO)
}

pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

/// A sum of numbers with units: `1h2m3.5s`, `1m`, `20ms`.
fn units(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let number_ends = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at_checked(number_ends)?;
        let unit_ends = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit_ends)?;
        let nanoseconds = match unit {
            "d" => 86_400_000_000_000,
            "h" => 3_600_000_000_000,
            "m" => 60_000_000_000,
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "us" | "µs" => 1_000,
            "ns" => 1,
            _ => return None,
        };
        sum = sum.saturating_add(decimal(number, nanoseconds)?);
        rest = after;
    }
    (!text.is_empty()).then_some(sum)
}

/// A plain decimal number of units of so many nanoseconds, rounded up to a whole one; numbers that are too
/// large become the longest wait there is.
fn decimal(text: &str, nanoseconds: u64) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let Some(whole) = whole
        .parse::<u64>()
        .ok()
        .map(|whole| u128::from(whole) * u128::from(nanoseconds))
    else {
        return Some(Duration::MAX);
    };
    // Eighteen digits are more than a nanosecond can show; whatever follows rounds up.
    let mut share = 0_u128;
    for index in 0..18 {
        let digit = fraction.as_bytes().get(index).map_or(0, |byte| byte - b'0');
        share = share * 10 + u128::from(digit);
    }
    let beyond = fraction.bytes().skip(18).any(|byte| byte != b'0');
    let share = share * u128::from(nanoseconds) + u128::from(beyond);
    let total = whole + share.div_ceil(10_u128.pow(18));
    let seconds = u64::try_from(total / 1_000_000_000).ok();
    let rest = u32::try_from(total % 1_000_000_000).ok()?;
    Some(seconds.map_or(Duration::MAX, |seconds| Duration::new(seconds, rest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reqwest::header::{HeaderName, HeaderValue};

    const DATE_TEXT: &str = "Tue, 10 Mar 2026 09:00:00 GMT";

    fn wait(headers: &[(&str, &str)]) -> Option<Duration> {
        let map: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                let name: HeaderName = name.parse().unwrap();
                (name, HeaderValue::from_str(value).unwrap())
            })
            .collect();
        let now = http_date(DATE_TEXT).unwrap();
        asked_wait(&map, now)
    }

    #[test]
    fn every_form_is_read() {
        let seconds = |seconds: f64| Some(Duration::from_secs_f64(seconds));
        for (headers, expected) in [
            (vec![("retry-after", "7")], seconds(7.0)),
            (vec![("retry-after", " 0.25 ")], seconds(0.25)),
            (vec![("retry-after", "0")], seconds(0.0)),
            (
                vec![("retry-after-ms", "1500"), ("retry-after", "2")],
                seconds(1.5),
            ),
            (
                vec![("retry-after-ms", "?"), ("retry-after", "2")],
                seconds(2.0),
            ),
            (
                vec![("retry-after", "Tue, 10 Mar 2026 09:00:45 GMT")],
                seconds(45.0),
            ),
            // The server's clock counts, not ours.
            (
                vec![
                    ("date", "Tue, 10 Mar 2020 09:00:00 GMT"),
                    ("retry-after", "Tue, 10 Mar 2020 09:00:30 GMT"),
                ],
                seconds(30.0),
            ),
            (
                vec![("retry-after", "Tue, 10 Mar 2020 09:00:45 GMT")],
                seconds(0.0),
            ),
            (vec![("retry-after", "-3")], None),
            (vec![("retry-after", "NaN")], None),
            (vec![("retry-after", "soon")], None),
            (vec![("retry-after", "")], None),
            (
                vec![("retry-after", "99999999999999999999999")],
                Some(Duration::MAX),
            ),
            (
                vec![
                    ("x-ratelimit-remaining-requests", "0"),
                    ("x-ratelimit-reset-requests", "250ms"),
                    ("x-ratelimit-remaining-tokens", "0"),
                    ("x-ratelimit-reset-tokens", "1m2.5s"),
                ],
                seconds(62.5),
            ),
            (
                vec![
                    ("x-ratelimit-remaining-requests", "3"),
                    ("x-ratelimit-reset-requests", "8h0m0s"),
                ],
                None,
            ),
            (
                vec![
                    ("anthropic-ratelimit-input-tokens-remaining", "0"),
                    (
                        "anthropic-ratelimit-input-tokens-reset",
                        "2026-03-10T09:00:20Z",
                    ),
                ],
                seconds(20.0),
            ),
            (
                vec![
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset", "1773133203000"),
                ],
                seconds(3.0),
            ),
            (
                vec![
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset", "1773133203"),
                ],
                seconds(3.0),
            ),
        ] {
            assert_eq!(wait(&headers), expected, "{headers:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn never_earlier_than_asked(seconds in 0_u64..10_000_000, digits in "[0-9]{0,30}", form in 0..4) {
            // The exact number, in units of 1e-30 s, compared without rounding.
            let padded: String = digits.chars().chain(std::iter::repeat('0')).take(30).collect();
            let fraction: u128 = padded.parse().unwrap();
            let text = if digits.is_empty() { seconds.to_string() } else { format!("{seconds}.{digits}") };
            let (waited, unit) = match form {
                0 => (wait(&[("retry-after", &text)]), 1_000_000_000),
                1 => (wait(&[("retry-after-ms", &text)]), 1_000_000),
                2 => (reset_wait(&format!("{text}s"), UNIX_EPOCH), 1_000_000_000),
                _ => (reset_wait(&format!("{text}ms"), UNIX_EPOCH), 1_000_000),
            };
            let waited = waited.unwrap().as_nanos();
            let least = u128::from(seconds) * unit;
            prop_assert!(waited >= least);
            // waited - least nanoseconds are at least the fraction's: (fraction / 1e30) · unit.
            let over = waited - least;
            prop_assert!(over * (10_u128.pow(30) / unit) >= fraction, "{} {}", text, waited);
            prop_assert!(over <= unit);
        }

        #[test]
        fn no_text_panics(text in any::<String>(), near in "[0-9a-z.:-]{0,20}") {
            let _wait = (reset_wait(&text, UNIX_EPOCH), reset_wait(&near, UNIX_EPOCH), decimal(&near, 1));
        }

        #[test]
        fn dates_are_kept_to_the_second(seconds in 0_u64..86_400) {
            let text = format!(
                "Wed, 11 Mar 2026 {:02}:{:02}:{:02} GMT", seconds / 3600, seconds / 60 % 60, seconds % 60
            );
            let expected = Duration::from_secs(15 * 3600 + seconds);
            prop_assert_eq!(wait(&[("retry-after", &text)]), Some(expected));
        }
    }
}

//! Points in time as servers write them: HTTP dates in their three forms, and RFC 3339.
//!
//! Invariant: no clock is read; a text that is none of these forms is nothing, never another time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// An HTTP date (RFC 9110, section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`,
/// `Sunday, 06-Nov-94 08:49:37 GMT` or `Sun Nov  6 08:49:37 1994`.
pub(crate) fn http_date(text: &str) -> Option<SystemTime> {
    let words: Vec<&str> = text
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let (day, month, year, clock) = match words.as_slice() {
        [_, day, month, year, hour, minute, second, "GMT" | "UTC"] => {
            (day, month, year, [hour, minute, second])
        }
        [_, month, day, hour, minute, second, year] => (day, month, year, [hour, minute, second]),
        _ => return None,
    };
    let month = MONTHS
        .iter()
        .position(|name| month.eq_ignore_ascii_case(name))?;
    let year = match (year.len(), number(year)?) {
        (4, year) => year,
        // Two digits: servers that still write them mean a time near the present.
        (2, year) if year < 70 => 2000 + year,
        (2, year) => 1900 + year,
        _ => return None,
    };
    let [hour, minute, second] = clock;
    let clock = [number(hour)?, number(minute)?, number(second)?];
    moment(
        [year, u64::try_from(month).ok()? + 1, number(day)?],
        clock,
        0,
    )
}

/// A time as in `2026-03-10T09:00:45Z`, with a fraction and an offset if there are any. A fraction is
/// rounded up, so that a wait until then is never too short.
pub(crate) fn rfc3339(text: &str) -> Option<SystemTime> {
    let (date, time) = text.trim().split_once(['T', 't', ' '])?;
    let zone_at = time.find(['Z', 'z', '+', '-'])?;
    let (time, zone) = time.split_at_checked(zone_at)?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let date: Vec<u64> = date.split('-').map_while(number).collect();
    let clock: Vec<u64> = time.split(':').map_while(number).collect();
    let &[year, month, day] = date.as_slice() else {
        return None;
    };
    let &[hour, minute, second] = clock.as_slice() else {
        return None;
    };
    let east = if zone.eq_ignore_ascii_case("z") {
        0
    } else {
        let (hours, minutes) = zone.get(1..)?.split_once(':')?;
        let seconds = number(hours)?.min(24) * 3600 + number(minutes)?.min(60) * 60;
        let seconds = i64::try_from(seconds).ok()?;
        if zone.starts_with('-') {
            -seconds
        } else {
            seconds
        }
    };
    let up = u64::from(fraction.bytes().any(|digit| digit != b'0'));
    moment([year, month, day], [hour, minute, second], east)?.checked_add(Duration::from_secs(up))
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// The time of a day in the Gregorian calendar, `east` seconds ahead of UTC, from 1970 on.
fn moment(date: [u64; 3], clock: [u64; 3], east: i64) -> Option<SystemTime> {
    let [year, month, day] = date;
    let [hour, minute, second] = clock;
    // A second of 60 is a leap second.
    let fits = year >= 1970
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !fits {
        return None;
    }
    // Days since 0000-03-01: years begin in March, so that a leap day is the last of its year.
    let (march_year, march_month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * march_year + march_year / 4 - march_year / 100
        + march_year / 400
        + (153 * march_month + 2) / 5
        + day
        - 1;
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    let days = days.checked_sub(719_468)?;
    let local = days * 86_400 + hour * 3600 + minute * 60 + second;
    let utc = i64::try_from(local).ok()?.checked_sub(east)?;
    UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(utc).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seconds(time: Option<SystemTime>) -> Option<u64> {
        time.map(|time| time.duration_since(UNIX_EPOCH).unwrap().as_secs())
    }

    #[test]
    fn the_three_forms_of_an_http_date_are_one_time() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(seconds(http_date(text)), Some(784_111_777), "{text}");
        }
        // Worked with `date -u -d … +%s`.
        let leap = "Thu, 29 Feb 2024 23:59:59 GMT";
        assert_eq!(seconds(http_date(leap)), Some(1_709_251_199));
        let last = "Fri, 31 Dec 1999 23:59:59 GMT";
        assert_eq!(seconds(http_date(last)), Some(946_684_799));
        assert_eq!(seconds(http_date("Thu, 01 Jan 1970 00:00:00 GMT")), Some(0));
    }

    #[test]
    fn what_is_no_date_is_nothing() {
        for text in [
            "",
            "45",
            "soon",
            "Tue, 10 Mar 2026 09:00:45",
            "Tue, 10 Mar 2026 09:00:45 CET",
            "Tue, 10 Foo 2026 09:00:45 GMT",
            "Tue, 10 Mar 2026 25:00:45 GMT",
            "Tue, 10 Mar 1900 09:00:45 GMT",
            "Tue, 99999999999999999999 Mar 2026 09:00:45 GMT",
        ] {
            assert_eq!(http_date(text), None, "{text}");
            assert_eq!(rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn rfc3339_knows_offsets_and_rounds_up() {
        let base = seconds(http_date("Tue, 10 Mar 2026 09:00:45 GMT"));
        assert!(base.is_some());
        for text in [
            "2026-03-10T09:00:45Z",
            "2026-03-10T09:00:45.000Z",
            "2026-03-10T10:30:45+01:30",
            "2026-03-10T08:00:44.2-01:00",
        ] {
            assert_eq!(seconds(rfc3339(text)), base, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>(), digits in "[0-9A-Za-z:,. +-]{0,40}") {
            let _time = (http_date(&text), rfc3339(&text), http_date(&digits), rfc3339(&digits));
        }

        #[test]
        fn calendar_and_epoch_agree(days in 0_u64..40_000) {
            // Counts the calendar up day by day, the slow and plain way.
            let (mut year, mut left) = (1970_u64, days);
            let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
            while left >= 365 + u64::from(is_leap(year)) {
                left -= 365 + u64::from(is_leap(year));
                year += 1;
            }
            let mut month = 1;
            for length in [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
                if left < length {
                    break;
                }
                left -= length;
                month += 1;
            }
            let text = format!("{year:04}-{month:02}-{:02}T00:00:00Z", left + 1);
            prop_assert_eq!(seconds(rfc3339(&text)), Some(days * 86_400), "{}", text);
        }
    }
}

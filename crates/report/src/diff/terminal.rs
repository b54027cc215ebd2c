//! A difference in sentences and on a terminal.

use evalwright_core::show::visible;

use super::{Counted, Counts, Difference, Setting, Shift, TopicShift, Verdict};
use crate::number::{share, share_interval, three_digit_interval, three_digits};

/// What the figures say, the most important first.
pub(super) fn verdict(
    counts: &Counts,
    shifts: &[Shift],
    topics: &[TopicShift],
    settings: &[Setting],
    is_empty: bool,
) -> Vec<String> {
    if is_empty {
        return vec!["Nothing differs: same rows in the same order, same settings.".to_owned()];
    }
    let mut lines = Vec::new();
    let same_rows = counts.unchanged == counts.before && counts.unchanged == counts.after;
    if same_rows {
        lines.push(if counts.same_order {
            "The rows are the same; only settings differ.".to_owned()
        } else {
            "The rows are the same and stand in another order.".to_owned()
        });
    } else {
        lines.push(format!(
            "{} rows before, {} after; {} are unchanged.",
            counts.before, counts.after, counts.unchanged
        ));
    }
    let count = |what: &str, counted: &Counted| {
        (counted.count > 0).then(|| {
            format!(
                "{what}: {} ({}, 95 % interval {}).",
                counted.count,
                share(counted.share),
                share_interval(counted.interval)
            )
        })
    };
    let both = counts.before > 0 && counts.unchanged + counts.rescored.count == 0;
    lines.extend(count("Label flipped on the same text", &counts.flipped));
    if both && counts.flipped.count > 0 && counts.flipped.count == counts.flipped.of {
        lines.push(
            "Every row that both sides have carries the other label: the meaning of the label changed.".to_owned(),
        );
    }
    lines.extend(count("Reworded", &counts.reworded));
    lines.extend(count("Another confidence", &counts.rescored));
    lines.extend(count("Dropped", &counts.dropped));
    lines.extend(count("Added", &counts.added));
    for shift in shifts {
        if matches!(shift.verdict, Verdict::Higher | Verdict::Lower) {
            lines.push(format!(
                "{} is {}: {} before, {} after (difference {}, 95 % interval {}).",
                capital(&shift.figure),
                shift.verdict.words(),
                three_digits(shift.before),
                three_digits(shift.after),
                three_digits(shift.difference),
                three_digit_interval(shift.interval)
            ));
        }
    }
    for (verdict, what) in [(Verdict::Lower, "lost"), (Verdict::Higher, "won")] {
        let words: Vec<&str> = topics
            .iter()
            .filter(|topic| topic.verdict == verdict)
            .take(8)
            .map(|topic| topic.word.as_str())
            .collect();
        if !words.is_empty() {
            lines.push(format!(
                "Topics {what}, by their words: {}.",
                words.join(", ")
            ));
        }
    }
    if !settings.is_empty() {
        let names: Vec<&str> = settings
            .iter()
            .take(6)
            .map(|one| one.path.as_str())
            .collect();
        let more = settings.len().saturating_sub(names.len());
        let tail = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        lines.push(format!("Settings that differ: {}{tail}.", names.join(", ")));
    }
    lines
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

/// For a terminal: the verdict, a table of figures, a few examples.
pub(super) fn summary(difference: &Difference) -> String {
    let mut text = format!("{} → {}\n\n", difference.before, difference.after);
    for line in &difference.verdict {
        text.push_str(line);
        text.push('\n');
    }
    if !difference.is_empty {
        text.push_str(&format!(
            "\n{:<44} {:>9} {:>9}  {}\n",
            "figure", "before", "after", "difference (95 % interval)"
        ));
        for shift in &difference.shifts {
            text.push_str(&format!(
                "{:<44} {:>9} {:>9}  {} ({}): {}\n",
                shift.figure,
                three_digits(shift.before),
                three_digits(shift.after),
                three_digits(shift.difference),
                three_digit_interval(shift.interval),
                shift.verdict.words()
            ));
        }
        for (what, changes) in [
            ("flipped", &difference.flipped),
            ("reworded", &difference.reworded),
        ] {
            for change in changes.iter().take(3) {
                text.push_str(&format!(
                    "\n{what}: [{}] {}\n      → [{}] {}\n",
                    change.before.label.trim(),
                    change.before.text,
                    change.after.label.trim(),
                    change.after.text
                ));
            }
        }
    }
    text.lines().map(|line| visible(line) + "\n").collect()
}

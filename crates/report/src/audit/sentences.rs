//! What an audit's figures say, in sentences, the gravest first.

use evalwright_stats::giveaway::Guesser;

use super::Audit;
use crate::number::{share, share_interval, two_digit_interval, two_digits};

/// The sentences.
pub(super) fn verdict(audit: &Audit) -> Vec<String> {
    let mut lines = Vec::new();
    for gate in audit.gates.iter().filter(|gate| !gate.met) {
        lines.push(match gate.measured {
            Some(measured) => format!(
                "Not met: {} is {measured:.4} and must be {} {}.",
                gate.about, gate.rule, gate.wanted
            ),
            None => format!(
                "Not met: {} is undefined here and must be {} {}.",
                gate.about, gate.rule, gate.wanted
            ),
        });
    }
    if audit.totals.damaged > 0 || audit.files.iter().any(|file| file.problem.is_some()) {
        lines.push(format!(
            "{} could not be read; they are named under `damage`, and everything below is about the rest.",
            plural(audit.totals.damaged, "line")
        ));
    }
    files(audit, &mut lines);
    labels(audit, &mut lines);
    super::judging_sentences::add(audit, &mut lines);
    rows(audit, &mut lines);
    giveaways(audit, &mut lines);
    if lines.is_empty() {
        lines.push("Nothing that this audit looks for was found.".to_owned());
    }
    lines
}

fn plural(count: u64, word: &str) -> String {
    if count == 1 {
        format!("1 {word}")
    } else {
        format!("{count} {word}s")
    }
}

fn files(audit: &Audit, lines: &mut Vec<String>) {
    let across = &audit.across;
    for twins in &across.identical {
        lines.push(format!(
            "{} are one and the same ({}, {}): one of them is not what its name says.",
            twins.files.join(" and "),
            if twins.same_bytes {
                "same bytes"
            } else {
                "same rows"
            },
            plural(twins.rows, "row")
        ));
    }
    for one in &across.contained {
        lines.push(format!(
            "All {} of {} stand in {} as well ({} rows).",
            plural(one.rows, "row"),
            one.inner,
            one.outer,
            one.of
        ));
    }
    for one in &across.list_differences {
        if one.texts > 0 {
            lines.push(format!(
                "In {} the other answers are a list in {} and a text in {} other files.",
                one.family,
                one.lists.join(", "),
                one.texts
            ));
        }
    }
    if across.mixed_encodings {
        lines.push(format!(
            "Two ways of writing in one release: letters beyond ASCII stand as they are in {}, as \\u escapes in {}.",
            plural(across.raw_unicode_files, "file"),
            plural(across.escaped_unicode_files, "file")
        ));
    }
    if across.falling_files > 0 {
        lines.push(format!(
            "{} sorted by confidence: the first rows are the most typical ones, never a sample.",
            if across.falling_files == 1 {
                "1 file is".to_owned()
            } else {
                format!("{} files are", across.falling_files)
            }
        ));
    }
    if across.alternating_files > 0 {
        lines.push(format!(
            "In {} labels alternate strictly.",
            plural(across.alternating_files, "file")
        ));
    }
    if across.opposite_labels > 0 {
        lines.push(format!(
            "{} stand in more than one file; {} of them with different labels.",
            plural(across.shared_texts, "text"),
            across.opposite_labels
        ));
    }
    let copied: u64 = across.copied_examples.iter().map(|one| one.rows).sum();
    if copied > 0 {
        lines.push(format!(
            "{} repeat a few-shot example of their own behaviour, in {}.",
            plural(copied, "row"),
            plural(across.copied_examples.len() as u64, "file")
        ));
    }
}

fn labels(audit: &Audit, lines: &mut Vec<String>) {
    let Some(table) = audit.agreement.first() else {
        return;
    };
    let figures = &table.figures;
    lines.push(format!(
        "{} labels of {} rows by {} sources: {} of pairs agree (95 % interval {}).",
        figures.ratings,
        figures.items,
        figures.raters,
        share(figures.observed),
        share_interval(figures.observed_interval)
    ));
    for pair in figures.pairs.iter().filter(|pair| pair.first == 0) {
        let name = table.sources.get(pair.second).map_or("", String::as_str);
        let agreement = &pair.agreement;
        lines.push(format!(
            "Published label and {name}: {} the same ({} rows), kappa {} ({}), AC1 {}, prevalence {}, bias {}.",
            share(agreement.raw),
            agreement.items,
            two_digits(agreement.cohen.value),
            two_digit_interval(agreement.cohen_interval),
            two_digits(agreement.gwet.value),
            two_digits(agreement.prevalence_index),
            two_digits(agreement.bias_index)
        ));
    }
    match (&table.label_errors, &table.label_errors_undefined) {
        (Some(rate), _) => lines.push(format!(
            "About {} of the published labels are wrong by Dawid and Skene's model (95 % interval {}).",
            share(Some(rate.rate)),
            share_interval(rate.interval)
        )),
        // Where one judge's probabilities give an estimate, its own sentence says so.
        (None, Some(_)) if audit.judging.is_some() => {}
        (None, Some(reason)) => lines.push(format!("How many labels are wrong cannot be estimated: {reason}.")),
        (None, None) => {}
    }
}

fn rows(audit: &Audit, lines: &mut Vec<String>) {
    let totals = &audit.totals;
    let repeats: u64 = audit.files.iter().map(|file| file.duplicates.all()).sum();
    if repeats > 0 {
        let of = |layer: &str| totals.duplicates.get(layer).copied().unwrap_or(0);
        lines.push(format!(
            "{} repeat an earlier row of their file ({}): {} exactly, {} but for writing, {} nearly.",
            plural(repeats, "row"),
            share(Some(repeats as f64 / totals.rows.max(1) as f64)),
            of("exact"),
            of("normalised"),
            of("near")
        ));
    }
    if totals.conflicts > 0 {
        lines.push(format!(
            "{} share their text with a row of the same file that has another label.",
            plural(totals.conflicts, "row")
        ));
    }
    let worst: Vec<String> = audit
        .defects
        .iter()
        .filter(|defect| defect.severity != "style")
        .take(8)
        .map(|defect| format!("{} ({})", defect.code, defect.rows))
        .collect();
    if !worst.is_empty() {
        lines.push(format!("Defects, by rows: {}.", worst.join(", ")));
    }
}

fn giveaways(audit: &Audit, lines: &mut Vec<String>) {
    for family in &audit.giveaways {
        for guesser in family.guessers.iter().filter(|one| one.giveaways > 0) {
            let by = match guesser.guesser {
                Guesser::Length => "the length alone gives away",
                Guesser::Letter => "the letter alone gives away",
                Guesser::FirstWord => "the first word alone gives away",
                Guesser::Words => "the words alone give away",
            };
            let area = guesser.area.map_or_else(String::new, |area| {
                let range =
                    guesser
                        .area_range
                        .or(guesser.area_interval)
                        .map_or_else(String::new, |ends| {
                            format!(
                                ", {} {:.2} to {:.2}",
                                if guesser.area_range.is_some() {
                                    "range"
                                } else {
                                    "95 % interval"
                                },
                                ends.low,
                                ends.high
                            )
                        });
                format!("; area under the curve {area:.2}{range}")
            });
            lines.push(format!(
                "{}: {by} {} in {} of {} (right {} against {} by chance{area}).",
                family.of,
                family.guessed,
                guesser.giveaways,
                plural(guesser.files, "file"),
                share(guesser.accuracy),
                share(guesser.chance),
            ));
        }
    }
}

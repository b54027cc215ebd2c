//! The charts of an audit: each drawn from the same figures that its CSV file lists.

use evalwright_stats::Interval;
use evalwright_stats::giveaway::Guesser;

use super::Audit;
use super::file::BINS;
use crate::chart::{Axis, Bar, Mark, Panel, Point, bars, histograms, intervals};
use crate::number::{rounded, share, two_digits};
use crate::plots::Plot;

/// Labels drawn in a histogram; more are in the CSV file.
const MOST_LABELS: usize = 4;

/// All charts that have something to show, in the order of the page.
pub(super) fn all(audit: &Audit) -> Vec<Plot> {
    let mut plots = vec![families(audit), defects(audit), duplicates(audit)];
    if audit
        .files
        .iter()
        .any(|file| !file.confidence_by_label.is_empty())
    {
        plots.push(confidence(audit));
    }
    if !audit.giveaways.is_empty() {
        plots.push(giveaways(audit));
    }
    if !audit.agreement.is_empty() {
        plots.push(agreement(audit));
        plots.push(coefficients(audit));
        plots.push(confusion(audit));
    }
    plots.extend(super::judging_charts::all(audit));
    if audit.funnels.iter().any(|one| !one.stages.is_empty()) {
        plots.push(super::funnels::plot(&audit.funnels));
    }
    plots.extend(audit.map.as_ref().map(super::row_map::RowMap::plot));
    plots
}

fn families(audit: &Audit) -> Plot {
    let title = "Rows by family".to_owned();
    let drawn: Vec<Bar> = audit
        .totals
        .families
        .iter()
        .map(|(family, rows)| Bar {
            label: family.clone(),
            note: rows.to_string(),
            value: *rows,
            behind: None,
            class: "plain",
        })
        .collect();
    Plot {
        stem: "families",
        how: "Rows that were read, by the family that path or format tells.".to_owned(),
        svg: bars(&title, &drawn),
        title,
        header: vec!["file", "family", "behaviour", "rows", "damaged"],
        rows: audit
            .files
            .iter()
            .map(|file| {
                vec![
                    file.file.clone(),
                    file.family.clone(),
                    file.behaviour.clone(),
                    file.rows.to_string(),
                    file.damaged.to_string(),
                ]
            })
            .collect(),
    }
}

fn defects(audit: &Audit) -> Plot {
    let title = "Rows by defect".to_owned();
    let drawn: Vec<Bar> = audit
        .defects
        .iter()
        .take(20)
        .map(|defect| Bar {
            label: format!("{} ({})", defect.code, defect.severity),
            note: defect.rows.to_string(),
            value: defect.rows,
            behind: None,
            class: "plain",
        })
        .collect();
    Plot {
        stem: "defects",
        how: "Rows in which each check found something; a row may stand under several. The file lists them by file.".to_owned(),
        svg: bars(&title, &drawn),
        title,
        header: vec!["file", "defect", "rows"],
        rows: audit
            .files
            .iter()
            .flat_map(|file| {
                file.defects
                    .iter()
                    .map(|(code, rows)| vec![file.file.clone(), code.clone(), rows.to_string()])
            })
            .collect(),
    }
}

fn duplicates(audit: &Audit) -> Plot {
    let title = "Rows that repeat an earlier one of their file".to_owned();
    let drawn: Vec<Bar> = audit
        .totals
        .duplicates
        .iter()
        .map(|(layer, rows)| Bar {
            label: layer.clone(),
            note: rows.to_string(),
            value: *rows,
            behind: None,
            class: "plain",
        })
        .collect();
    Plot {
        stem: "duplicates",
        how: "Exact: the same bytes. Normalised: the same but for case, blanks and signs. Near: word 3-grams with a Jaccard \
              similarity of at least the threshold, clusters joined. Stems: questions that ask the same, whatever their \
              options."
            .to_owned(),
        svg: bars(&title, &drawn),
        title,
        header: vec!["file", "exact", "normalised", "near", "stems", "conflicts"],
        rows: audit
            .files
            .iter()
            .map(|file| {
                let found = &file.duplicates;
                vec![
                    file.file.clone(),
                    found.exact.to_string(),
                    found.normalised.to_string(),
                    found.near.to_string(),
                    found.stems.to_string(),
                    found.conflicts.to_string(),
                ]
            })
            .collect(),
    }
}

fn confidence(audit: &Audit) -> Plot {
    let title = "Confidence by label".to_owned();
    let mut by_label: std::collections::BTreeMap<&str, Vec<u64>> =
        std::collections::BTreeMap::new();
    for one in audit
        .files
        .iter()
        .flat_map(|file| &file.confidence_by_label)
    {
        let bins = by_label.entry(&one.label).or_insert_with(|| vec![0; BINS]);
        for (bin, count) in bins.iter_mut().zip(&one.bins) {
            *bin += count;
        }
    }
    let panels: Vec<Panel> = by_label
        .iter()
        .take(MOST_LABELS)
        .enumerate()
        .map(|(place, (label, counts))| Panel {
            label: (*label).to_owned(),
            counts: counts.clone(),
            class: if place % 2 == 0 {
                "not_matching"
            } else {
                "matching"
            },
        })
        .collect();
    let axis = Axis {
        low: 0.0,
        high: 1.0,
        ticks: quarters(),
        label: "confidence in the label".to_owned(),
        reference: None,
    };
    let edge = |bin: usize| rounded(bin as f64 / BINS as f64).to_string();
    Plot {
        stem: "confidence",
        how: "Rows by the confidence that their file states, in bins of equal width; the last bin holds both its edges.".to_owned(),
        svg: histograms(&title, &panels, &axis),
        title,
        header: vec!["label", "from", "to", "rows"],
        rows: by_label
            .iter()
            .flat_map(|(label, counts)| {
                counts.iter().enumerate().map(|(bin, count)| {
                    vec![(*label).to_owned(), edge(bin), edge(bin + 1), count.to_string()]
                })
            })
            .collect(),
    }
}

fn quarters() -> Vec<(f64, String)> {
    [
        (0.0, "0"),
        (0.25, "0.25"),
        (0.5, "0.5"),
        (0.75, "0.75"),
        (1.0, "1"),
    ]
    .map(|(value, text)| (value, text.to_owned()))
    .to_vec()
}

fn guesser_name(guesser: Guesser) -> &'static str {
    match guesser {
        Guesser::Length => "length",
        Guesser::Letter => "letter",
        Guesser::FirstWord => "first word",
        Guesser::Words => "words",
    }
}

fn giveaways(audit: &Audit) -> Plot {
    let title = "What gives labels away: area under the curve".to_owned();
    let marks: Vec<Mark> = audit
        .giveaways
        .iter()
        .flat_map(|family| {
            family.guessers.iter().map(move |one| Mark {
                label: format!("{}: {}", family.of, guesser_name(one.guesser)),
                note: two_digits(one.area),
                points: vec![Point {
                    value: one.area,
                    interval: one.area_interval.or(one.area_range),
                    hollow: false,
                }],
            })
        })
        .collect();
    let axis = Axis {
        low: 0.0,
        high: 1.0,
        ticks: quarters(),
        label: "area under the curve".to_owned(),
        reference: Some((0.5, "chance".to_owned())),
    };
    let text =
        |value: Option<f64>| value.map_or_else(String::new, |value| rounded(value).to_string());
    Plot {
        stem: "giveaways",
        how: "How well the label is guessed from what should not tell it, cross-validated within each file. A point is the \
              mean over the files of a family and its line their range; for a single file the line is the 95 % interval. \
              The area of the length guesser is that of the number of words itself: above 0.5 the second label has the \
              longer texts."
            .to_owned(),
        svg: intervals(&title, &marks, &axis),
        title,
        header: vec!["file", "guessed", "guesser", "accuracy", "chance", "area", "giveaway"],
        rows: audit
            .files
            .iter()
            .flat_map(|file| {
                file.giveaways.guessers.iter().map(move |one| {
                    vec![
                        file.file.clone(),
                        file.giveaways.guessed.clone(),
                        guesser_name(one.guesser).to_owned(),
                        text(one.accuracy),
                        text(one.chance),
                        text(one.area),
                        one.giveaways.to_string(),
                    ]
                })
            })
            .collect(),
    }
}

fn agreement(audit: &Audit) -> Plot {
    let title = "Same label, by pair of sources".to_owned();
    let mut marks = Vec::new();
    let mut rows = Vec::new();
    for table in audit.agreement.iter().take(1) {
        let name = |place: usize| table.sources.get(place).cloned().unwrap_or_default();
        for pair in &table.figures.pairs {
            let label = format!("{} and {}", name(pair.first), name(pair.second));
            let found = &pair.agreement;
            marks.push(Mark {
                label: label.clone(),
                note: format!(
                    "{}, kappa {}",
                    share(found.raw),
                    two_digits(found.cohen.value)
                ),
                points: vec![Point {
                    value: found.raw,
                    interval: found.raw_interval,
                    hollow: false,
                }],
            });
            let text = |value: Option<f64>| {
                value.map_or_else(String::new, |value| rounded(value).to_string())
            };
            rows.push(vec![
                name(pair.first),
                name(pair.second),
                found.items.to_string(),
                text(found.raw),
                text(found.raw_interval.map(|ends| ends.low)),
                text(found.raw_interval.map(|ends| ends.high)),
                text(found.cohen.value),
                text(found.cohen_interval.map(|ends| ends.low)),
                text(found.cohen_interval.map(|ends| ends.high)),
                text(found.gwet.value),
                text(found.prevalence_index),
                text(found.bias_index),
            ]);
        }
    }
    Plot {
        stem: "agreement",
        how: "Share of rows to which both sources give the same label, over rows that both labelled, with Wilson's 95 % \
              interval."
            .to_owned(),
        svg: intervals(&title, &marks, &share_axis("share of the same label")),
        title,
        header: vec![
            "first", "second", "rows", "same", "same_low", "same_high", "kappa", "kappa_low", "kappa_high", "ac1",
            "prevalence_index", "bias_index",
        ],
        rows,
    }
}

fn share_axis(label: &str) -> Axis {
    Axis {
        low: 0.0,
        high: 1.0,
        ticks: quarters(),
        label: label.to_owned(),
        reference: None,
    }
}

fn coefficients(audit: &Audit) -> Plot {
    let title = "Agreement over all sources".to_owned();
    let mut marks = Vec::new();
    let mut rows = Vec::new();
    for table in &audit.agreement {
        let observed = (
            "share of agreeing pairs",
            table.figures.observed,
            table.figures.observed_interval,
        );
        let measures = table
            .figures
            .measures
            .iter()
            .map(|one| (one.name, one.coefficient.value, one.interval));
        for (name, value, interval) in std::iter::once(observed).chain(measures) {
            marks.push(Mark {
                label: format!("{}: {}", table.of, name.replace('_', " ")),
                note: two_digits(value),
                points: vec![Point {
                    value,
                    interval,
                    hollow: false,
                }],
            });
            let text = |value: Option<f64>| {
                value.map_or_else(String::new, |value| rounded(value).to_string())
            };
            let end = |of: fn(Interval) -> f64| text(interval.map(of));
            rows.push(vec![
                table.of.clone(),
                name.to_owned(),
                text(value),
                end(|ends| ends.low),
                end(|ends| ends.high),
            ]);
        }
    }
    let axis = Axis {
        low: -0.2,
        high: 1.0,
        reference: Some((0.0, "chance".to_owned())),
        ..share_axis("coefficient")
    };
    Plot {
        stem: "coefficients",
        how: "Coefficients over rows with at least two labels; lines are 95 % intervals over rows drawn again. No coefficient \
              stands alone: those above chance models that follow the skew of labels (kappa, alpha) fall with skew, AC1 \
              does not."
            .to_owned(),
        svg: intervals(&title, &marks, &axis),
        title,
        header: vec!["over", "coefficient", "value", "low", "high"],
        rows,
    }
}

fn confusion(audit: &Audit) -> Plot {
    let title = "Published label and what others say".to_owned();
    let mut drawn = Vec::new();
    let mut rows = Vec::new();
    for table in audit.agreement.iter().take(1) {
        for pair in table.figures.pairs.iter().filter(|pair| pair.first == 0) {
            let source = table.sources.get(pair.second).cloned().unwrap_or_default();
            for (label, counts) in table.labels.iter().zip(&pair.agreement.table) {
                let all: u64 = counts.iter().sum();
                for (other, count) in table.labels.iter().zip(counts) {
                    rows.push(vec![
                        source.clone(),
                        label.clone(),
                        other.clone(),
                        count.to_string(),
                    ]);
                    if all > 0 {
                        drawn.push(Bar {
                            label: format!("{label}; {source}: {other}"),
                            note: format!("{count} of {all}"),
                            value: *count,
                            behind: Some(all),
                            class: if label == other {
                                "matching"
                            } else {
                                "not_matching"
                            },
                        });
                    }
                }
            }
        }
    }
    Plot {
        stem: "confusion",
        how: "For each published label, how often another source says what (dark) of all rows with that label that it \
              labelled (pale)."
            .to_owned(),
        svg: bars(&title, &drawn),
        title,
        header: vec!["source", "published", "said", "rows"],
        rows,
    }
}

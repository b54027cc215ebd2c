//! Which charts a report has: each drawn from the same figures that its CSV file lists.

use evalwright_core::Side;
use evalwright_dataset::csv;

use crate::agreement::{Agreement, INTENDED, Population};
use crate::calibrated::CalibrationInUse;
use crate::chart::{Axis, Bar, Mark, Panel, Point, bars, histograms, intervals};
use crate::confidence::BINS;
use crate::diversity::Diversity;
use crate::giveaways::GiveAways;
use crate::number::{rounded, share, two_digits};
use crate::report::Figures;
use crate::selection;
use crate::words::label;

/// One chart with its numbers.
pub(crate) struct Plot {
    /// Name of the CSV file without folder and ending, and of the chart on the page.
    pub(crate) stem: &'static str,
    /// What it shows.
    pub(crate) title: String,
    /// How its numbers were computed.
    pub(crate) how: String,
    /// The drawing.
    pub(crate) svg: String,
    pub(crate) header: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Plot {
    /// The path of its CSV file inside a version's folder.
    pub(crate) fn file(&self) -> String {
        format!("charts/{}.csv", self.stem)
    }

    /// The bytes of its CSV file.
    pub(crate) fn csv(&self) -> Vec<u8> {
        csv(&self.header, &self.rows)
    }
}

/// All charts in the order of the page.
pub(crate) fn all(figures: &Figures) -> Vec<Plot> {
    let mut plots = vec![
        funnel(figures),
        reasons(figures),
        balance(figures),
        length(figures),
        confidence(figures, Population::AllScored),
        confidence(figures, Population::Rows),
        agreement(figures),
        raters(figures),
    ];
    plots.extend(figures.calibration.as_ref().map(CalibrationInUse::plot));
    plots.extend(selection::clusters(figures.selection.as_ref()));
    plots.extend(figures.giveaways.iter().flat_map(GiveAways::plots));
    plots.extend(figures.diversity.iter().flat_map(Diversity::plots));
    plots
}

fn class(side: Side) -> &'static str {
    side.as_str()
}

fn funnel(figures: &Figures) -> Plot {
    let title = "Candidates at each stage".to_owned();
    let drawn: Vec<Bar> = figures
        .stages
        .iter()
        .map(|stage| Bar {
            label: stage.stage.clone(),
            note: format!("{} of {}", stage.passed, stage.received),
            value: stage.passed,
            behind: Some(stage.received),
            class: "plain",
        })
        .collect();
    Plot {
        stem: "funnel",
        how: "Candidates that came into each stage (pale) and went on from it (dark), from the manifest's funnel. A \
              reply without any usable item counts as one candidate."
            .to_owned(),
        svg: bars(&title, &drawn),
        title,
        header: vec!["stage", "received", "passed"],
        rows: figures
            .stages
            .iter()
            .map(|stage| vec![stage.stage.clone(), stage.received.to_string(), stage.passed.to_string()])
            .collect(),
    }
}

fn reasons(figures: &Figures) -> Plot {
    let title = "Why candidates fell".to_owned();
    let drawn: Vec<Bar> = figures
        .reasons
        .iter()
        .map(|reason| Bar {
            label: reason.code.clone(),
            note: reason.count.to_string(),
            value: reason.count,
            behind: None,
            class: "plain",
        })
        .collect();
    Plot {
        stem: "reasons",
        how: "Candidates by the reason for which they fell, from the manifest's funnel. Each fell once, at the first \
              stage that did not let it pass."
            .to_owned(),
        svg: bars(&title, &drawn),
        title,
        header: vec!["code", "reason", "count"],
        rows: figures
            .reasons
            .iter()
            .map(|reason| vec![reason.code.clone(), reason.words.clone(), reason.count.to_string()])
            .collect(),
    }
}

fn balance(figures: &Figures) -> Plot {
    let title = "Rows by label".to_owned();
    let drawn: Vec<Bar> = figures
        .balance
        .iter()
        .map(|cell| Bar {
            label: label(cell.label).to_owned(),
            note: format!("{} of {} wanted", cell.got, cell.wanted),
            value: cell.got,
            behind: Some(cell.wanted),
            class: class(cell.label),
        })
        .collect();
    Plot {
        stem: "balance",
        how: "Rows published (dark) of those wanted (pale), by the label that a statement was written for.".to_owned(),
        svg: bars(&title, &drawn),
        title,
        header: vec!["label", "wanted", "got", "asked"],
        rows: figures
            .balance
            .iter()
            .map(|cell| {
                vec![
                    cell.label.to_string(),
                    cell.wanted.to_string(),
                    cell.got.to_string(),
                    cell.asked.to_string(),
                ]
            })
            .collect(),
    }
}

fn length(figures: &Figures) -> Plot {
    let title = "Words in a statement".to_owned();
    let length = &figures.length;
    let bins = length
        .labels
        .iter()
        .map(|one| one.counts.len())
        .max()
        .unwrap_or(0);
    let edge = |bin: usize| bin as u64 * length.bin_words;
    let panels: Vec<Panel> = length
        .labels
        .iter()
        .map(|one| Panel {
            label: label(one.label).to_owned(),
            counts: one.counts.clone(),
            class: class(one.label),
        })
        .collect();
    // Every bin edge would crowd a phone: about six numbers fit.
    let every = bins.div_ceil(6).max(1);
    let axis = Axis {
        low: 0.0,
        high: edge(bins) as f64,
        ticks: (0..=bins)
            .step_by(every)
            .map(|bin| (edge(bin) as f64, edge(bin).to_string()))
            .collect(),
        label: "words".to_owned(),
        reference: None,
    };
    Plot {
        stem: "length",
        how: "Rows by the number of words (runs of characters between blanks) in the statement; a bin holds its left \
              edge and not its right one. The length-only area under the curve is the share of (matching, not \
              matching) pairs in which the matching statement has more words, ties counted as half: 0.5 means that \
              length says nothing about the label."
            .to_owned(),
        svg: histograms(&title, &panels, &axis),
        title,
        header: vec!["label", "words_from", "words_below", "rows"],
        rows: length
            .labels
            .iter()
            .flat_map(|one| {
                one.counts.iter().enumerate().map(move |(bin, count)| {
                    vec![
                        one.label.to_string(),
                        edge(bin).to_string(),
                        edge(bin + 1).to_string(),
                        count.to_string(),
                    ]
                })
            })
            .collect(),
    }
}

fn confidence(figures: &Figures, population: Population) -> Plot {
    let (stem, over) = match population {
        Population::AllScored => ("confidence-all", "all scored candidates"),
        Population::Rows => ("confidence-rows", "published rows"),
    };
    let title = format!("P(intended label), {over}");
    let chosen = || {
        figures
            .confidence
            .iter()
            .filter(|one| one.population == population)
    };
    let panels: Vec<Panel> = chosen()
        .map(|one| Panel {
            label: label(one.label).to_owned(),
            counts: one.counts.clone(),
            class: class(one.label),
        })
        .collect();
    let axis = Axis {
        low: 0.0,
        high: 1.0,
        ticks: share_ticks(),
        label: "P(intended label)".to_owned(),
        reference: Some((
            figures.minimum_confidence,
            format!("minimum {}", two_digits(Some(figures.minimum_confidence))),
        )),
    };
    let edge = |bin: usize| rounded(bin as f64 / BINS as f64).to_string();
    Plot {
        stem,
        how: format!(
            "P(intended label) over all counting raters (the mean of their calibrated probabilities, under a curve of its own where the kind has one) for \
             {over}, in ten bins of equal width; the last bin holds both its edges. The dashed line is the minimum \
             for a row. Candidates without a known probability are left out."
        ),
        svg: histograms(&title, &panels, &axis),
        title,
        header: vec!["label", "from", "to", "count"],
        rows: chosen()
            .flat_map(|one| {
                one.counts.iter().enumerate().map(move |(bin, count)| {
                    vec![
                        one.label.to_string(),
                        edge(bin),
                        edge(bin + 1),
                        count.to_string(),
                    ]
                })
            })
            .collect(),
    }
}

fn share_ticks() -> Vec<(f64, String)> {
    vec![
        (0.0, "0".to_owned()),
        (0.25, "0.25".to_owned()),
        (0.5, "0.5".to_owned()),
        (0.75, "0.75".to_owned()),
        (1.0, "1".to_owned()),
    ]
}

fn share_axis() -> Axis {
    Axis {
        low: 0.0,
        high: 1.0,
        ticks: share_ticks(),
        label: "share of the same label".to_owned(),
        reference: Some((0.5, "a coin".to_owned())),
    }
}

/// One mark for each pair of names, with one point for each population.
fn marks(list: &[Agreement], label: impl Fn(&Agreement) -> String) -> Vec<Mark> {
    let over = |population: Population| list.iter().filter(move |one| one.population == population);
    over(Population::AllScored)
        .map(|one| {
            let rows = over(Population::Rows)
                .find(|other| (&other.first, &other.second) == (&one.first, &one.second));
            let point = |agreement: &Agreement| Point {
                value: agreement.raw,
                interval: agreement.raw_interval,
                hollow: agreement.population == Population::Rows,
            };
            Mark {
                label: label(one),
                note: format!(
                    "{} · rows {}",
                    share(one.raw),
                    share(rows.and_then(|rows| rows.raw))
                ),
                points: std::iter::once(one).chain(rows).map(point).collect(),
            }
        })
        .collect()
}

fn agreement(figures: &Figures) -> Plot {
    let title = "Same label as intended".to_owned();
    let marks = marks(&figures.agreement, |one| {
        figures.short_name(&one.second).to_owned()
    });
    Plot {
        stem: "agreement",
        how: "A rater's label is matching where its P(matching) is at least 0.5. Filled points: all scored candidates, \
              before any was chosen. Hollow points: published rows, which were chosen by these ratings. Lines: \
              Wilson's 95 % interval. Kappa: Cohen's, with a 95 % percentile interval over 1,000 draws of candidates \
              seeded by the run. Unknown judgements are counted and left out."
            .to_owned(),
        svg: intervals(&title, &marks, &share_axis()),
        title,
        header: agreement_header(),
        rows: figures.agreement.iter().map(agreement_row).collect(),
    }
}

fn raters(figures: &Figures) -> Plot {
    let title = "Same label as another rater".to_owned();
    let marks = marks(&figures.rater_pairs, |one| {
        format!(
            "{} · {}",
            figures.short_name(&one.first),
            figures.short_name(&one.second)
        )
    });
    Plot {
        stem: "raters",
        how: "Share of candidates that two raters give the same label, with Wilson's 95 % interval; filled points over \
              all scored candidates, hollow ones over published rows. The intended label plays no part."
            .to_owned(),
        svg: intervals(&title, &marks, &share_axis()),
        title,
        header: agreement_header(),
        rows: figures.rater_pairs.iter().map(agreement_row).collect(),
    }
}

fn agreement_header() -> Vec<&'static str> {
    vec![
        "population",
        "first",
        "second",
        "n",
        "unknown",
        "not_asked",
        "raw",
        "raw_low",
        "raw_high",
        "kappa",
        "kappa_low",
        "kappa_high",
        "ac1",
        "prevalence_index",
        "bias_index",
        "area_under_curve",
    ]
}

fn agreement_row(one: &Agreement) -> Vec<String> {
    // An undefined figure is an empty cell, as every reader of tables takes it.
    let number =
        |value: Option<f64>| value.map_or_else(String::new, |value| rounded(value).to_string());
    let first = if one.first == INTENDED {
        "intended_label"
    } else {
        one.first.as_str()
    };
    vec![
        one.population.as_str().to_owned(),
        first.to_owned(),
        one.second.clone(),
        one.n.to_string(),
        one.unknown.to_string(),
        one.not_asked.to_string(),
        number(one.raw),
        number(one.raw_interval.map(|ends| ends.low)),
        number(one.raw_interval.map(|ends| ends.high)),
        number(one.kappa),
        number(one.kappa_interval.map(|ends| ends.low)),
        number(one.kappa_interval.map(|ends| ends.high)),
        number(one.ac1),
        number(one.prevalence_index),
        number(one.bias_index),
        number(one.area_under_curve),
    ]
}

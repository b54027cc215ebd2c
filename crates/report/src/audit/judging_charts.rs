//! Charts about judges: what they say of relevance and clearness, how steady they are, and how far stated probabilities
//! can be believed.

use super::{Audit, Reliability};
use crate::chart::{Axis, Mark, Panel, Point, histograms, intervals};
use crate::number::{rounded, share, two_digit_interval, two_digits};
use crate::plane::{Dot, Frame, Series, plane};
use crate::plots::Plot;

/// The charts that have something to show.
pub(super) fn all(audit: &Audit) -> Vec<Plot> {
    let mut plots: Vec<Plot> = audit
        .reliability
        .iter()
        .enumerate()
        .map(|(place, one)| reliability(one, place))
        .collect();
    if let Some(judging) = &audit.judging {
        if judging.judges.iter().any(|judge| judge.relevance.is_some()) {
            plots.push(relevance(audit));
        }
        plots.push(habits(audit));
    }
    plots
}

fn reliability(one: &Reliability, place: usize) -> Plot {
    let title = format!("Reliability: {}", one.of);
    let dots: Vec<Dot> = one
        .bins
        .iter()
        .map(|bin| Dot {
            x: bin.mean_probability,
            y: bin.share_right,
            interval: Some(bin.interval),
            says: Some(format!(
                "stated {:.2}, right {:.2} ({:.2} to {:.2}), {} rows",
                bin.mean_probability,
                bin.share_right,
                bin.interval.low,
                bin.interval.high,
                bin.count
            )),
        })
        .collect();
    let series = [Series {
        name: one.of.clone(),
        class: "point",
        joined: true,
        dots,
    }];
    let frame = Frame {
        x: (0.0, 1.0),
        y: (0.0, 1.0),
        ticks: [0.0, 0.5, 1.0].map(|at| (at, at.to_string())).to_vec(),
        x_label: "stated probability of the published label".to_owned(),
        y_label: "share on which most people give it".to_owned(),
        diagonal: true,
        radius: 4.0,
    };
    Plot {
        // More than one such chart can stand on a page; their files are told apart by number.
        stem: STEMS.get(place).copied().unwrap_or("reliability-more"),
        how: format!(
            "Stated probability of the published label against the share of rows on which most people give that label, in \
             ten bins of equal width, with Wilson's 95 % intervals; on the dashed line they are equal. {} rows; expected \
             calibration error {} ({}), Brier score {} ({}).",
            one.rows,
            two_digits(one.error),
            two_digit_interval(one.error_interval),
            two_digits(one.brier),
            two_digit_interval(one.brier_interval)
        ),
        svg: plane(&title, &series, &frame),
        title,
        header: vec![
            "of",
            "from",
            "to",
            "rows",
            "mean_stated",
            "share_right",
            "low",
            "high",
        ],
        rows: one
            .bins
            .iter()
            .map(|bin| {
                let mut cells = vec![one.of.clone()];
                cells.extend([bin.low, bin.high].map(|edge| rounded(edge).to_string()));
                cells.push(bin.count.to_string());
                cells.extend(
                    [
                        bin.mean_probability,
                        bin.share_right,
                        bin.interval.low,
                        bin.interval.high,
                    ]
                    .map(|value| rounded(value).to_string()),
                );
                cells
            })
            .collect(),
    }
}

/// Names of the files of reliability curves, in their order.
const STEMS: [&str; 6] = [
    "reliability",
    "reliability-2",
    "reliability-3",
    "reliability-4",
    "reliability-5",
    "reliability-6",
];

fn relevance(audit: &Audit) -> Plot {
    let title = "Relevance by judge".to_owned();
    let judges = audit.judging.iter().flat_map(|judging| &judging.judges);
    let (mut panels, mut rows) = (Vec::new(), Vec::new());
    for judge in judges {
        let Some(relevance) = &judge.relevance else {
            continue;
        };
        let counts: Vec<u64> = (1..=5)
            .map(|step| relevance.rows.get(&step).copied().unwrap_or(0))
            .collect();
        for (step, count) in (1..=5).zip(&counts) {
            rows.push(vec![
                judge.judge.clone(),
                step.to_string(),
                count.to_string(),
            ]);
        }
        panels.push(Panel {
            label: format!("{}: mean {}", judge.judge, two_digits(relevance.mean)),
            counts,
            class: "plain",
        });
    }
    let axis = Axis {
        low: 0.5,
        high: 5.5,
        ticks: (1..=5)
            .map(|step| (f64::from(step), step.to_string()))
            .collect(),
        label: "relevance, from 1 (nothing) to 5 (exactly what was wanted)".to_owned(),
        reference: None,
    };
    Plot {
        stem: "relevance",
        how: "Rows by their likeliest relevance: how much the answer tells about the behaviour. The mean is that of the \
              expected relevance."
            .to_owned(),
        svg: histograms(&title, &panels, &axis),
        title,
        header: vec!["judge", "relevance", "rows"],
        rows,
    }
}

fn habits(audit: &Audit) -> Plot {
    let title = "Judges: wrong labels, unclear rows, steadiness".to_owned();
    let judges = audit.judging.iter().flat_map(|judging| &judging.judges);
    let (mut marks, mut rows) = (Vec::new(), Vec::new());
    for judge in judges {
        let errors = judge
            .label_errors
            .map(|rate| (Some(rate.rate), rate.interval, rate.items));
        let of = |one: &Option<super::Share>| one.map(|one| (one.share, one.interval, one.of));
        for (name, figure) in [
            ("labels estimated wrong", errors),
            ("rows found unclear", of(&judge.unclear)),
            ("same answer in both orders", of(&judge.steady)),
        ] {
            let Some((value, interval, count)) = figure else {
                continue;
            };
            marks.push(Mark {
                label: format!("{}: {name}", judge.judge),
                note: share(value),
                points: vec![Point {
                    value,
                    interval,
                    hollow: false,
                }],
            });
            let text = |value: Option<f64>| {
                value.map_or_else(String::new, |value| rounded(value).to_string())
            };
            rows.push(vec![
                judge.judge.clone(),
                name.to_owned(),
                count.to_string(),
                text(value),
                text(interval.map(|ends| ends.low)),
                text(interval.map(|ends| ends.high)),
            ]);
        }
    }
    let axis = Axis {
        low: 0.0,
        high: 1.0,
        ticks: [0.0, 0.25, 0.5, 0.75, 1.0]
            .map(|at| (at, at.to_string()))
            .to_vec(),
        label: "share of rows".to_owned(),
        reference: None,
    };
    Plot {
        stem: "judges",
        how: "Labels estimated wrong: confident learning from the judge's probabilities alone, rows drawn again. The others \
              are counts with Wilson's 95 % intervals. A judge that answers by the place of an answer is not steady."
            .to_owned(),
        svg: intervals(&title, &marks, &axis),
        title,
        header: vec!["judge", "figure", "rows", "share", "low", "high"],
        rows,
    }
}

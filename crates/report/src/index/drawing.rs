//! Drawings that only an index has: several sources on one line, and figures from version to version.

use evalwright_stats::Interval;

use crate::chart::{Axis, Canvas, WIDTH, fit};

/// One line of points, each by the number of its series.
pub(super) struct Row {
    pub(super) label: String,
    /// (series, value, interval).
    pub(super) points: Vec<(usize, f64, Option<Interval>)>,
    /// Drawn at the right end above the line.
    pub(super) note: String,
}

/// Lines of points over one axis under a legend of the series.
pub(super) fn rows(title: &str, series: &[String], rows: &[Row], axis: &Axis) -> String {
    const LEGEND: f64 = 18.0;
    const LABEL: f64 = 22.0;
    const LINE: f64 = 9.0;
    const MARGIN: f64 = 10.0;
    let head = LEGEND * series.len() as f64 + 4.0;
    // A line for each series, so that no point hides another.
    let step = LABEL + LINE * series.len() as f64;
    let bottom = head + step * rows.len() as f64 + 4.0;
    let mut canvas = Canvas {
        body: String::new(),
        height: bottom + 40.0,
    };
    for (place, name) in series.iter().enumerate() {
        let y = LEGEND * place as f64 + 9.0;
        canvas.shape(6.0, y, place);
        canvas.text(18.0, y + 4.0, "start", "figure", &fit(name, "   "));
    }
    axis.draw(&mut canvas, head, bottom, MARGIN);
    for (place, row) in rows.iter().enumerate() {
        let top = head + step * place as f64;
        canvas.text(
            0.0,
            top + 12.0,
            "start",
            "name",
            &fit(&row.label, &row.note),
        );
        canvas.text(WIDTH, top + 12.0, "end", "figure", &row.note);
        let up = |number: usize| {
            let last = series.len().saturating_sub(1);
            top + LABEL + LINE * number.min(last) as f64
        };
        for number in 0..series.len() {
            let line = up(number);
            canvas.line((MARGIN, line), (WIDTH - MARGIN, line), "guide");
        }
        for (number, _, interval) in &row.points {
            if let Some(ends) = interval {
                let (low, high) = (axis.place(ends.low, MARGIN), axis.place(ends.high, MARGIN));
                canvas.line((low, up(*number)), (high, up(*number)), "interval");
            }
        }
        for (number, value, _) in &row.points {
            canvas.shape(axis.place(*value, MARGIN), up(*number), *number);
        }
    }
    canvas.line((MARGIN, bottom), (WIDTH - MARGIN, bottom), "axis");
    canvas.finish(title)
}

/// One figure from version to version.
pub(super) struct Track {
    pub(super) label: String,
    pub(super) note: String,
    /// The value and its interval at each version; none where it is missing.
    pub(super) values: Vec<Option<(f64, Option<Interval>)>>,
    /// The ends of its scale, with how they read.
    pub(super) low: (f64, String),
    pub(super) high: (f64, String),
}

/// Figures one under the other over the same versions. A missing value is a gap with a cross, and no line bridges it.
pub(super) fn tracks(title: &str, versions: &[String], tracks: &[Track]) -> String {
    const HEAD: f64 = 22.0;
    const TALL: f64 = 54.0;
    const GAP: f64 = 12.0;
    const LEFT: f64 = 44.0;
    const RIGHT: f64 = 16.0;
    /// Names of versions that fit under one another's points.
    const NAMES: usize = 6;
    let panel = HEAD + TALL + GAP;
    let bottom = panel * tracks.len() as f64;
    let mut canvas = Canvas {
        body: String::new(),
        height: bottom + 20.0,
    };
    let steps = versions.len().saturating_sub(1).max(1) as f64;
    let across = |place: usize| LEFT + (WIDTH - LEFT - RIGHT) * place as f64 / steps;
    for (number, track) in tracks.iter().enumerate() {
        let top = panel * number as f64;
        let (ceiling, floor) = (top + HEAD, top + HEAD + TALL);
        let width = track.high.0 - track.low.0;
        let up = |value: f64| {
            let part = if width > 0.0 {
                ((value - track.low.0) / width).clamp(0.0, 1.0)
            } else {
                0.5
            };
            floor - TALL * part
        };
        canvas.text(
            0.0,
            top + 12.0,
            "start",
            "name",
            &fit(&track.label, &track.note),
        );
        canvas.text(WIDTH, top + 12.0, "end", "figure", &track.note);
        canvas.line((LEFT, floor), (WIDTH - RIGHT, floor), "guide");
        canvas.line((LEFT, ceiling), (WIDTH - RIGHT, ceiling), "guide");
        canvas.text(LEFT - 8.0, floor + 4.0, "end", "tick", &track.low.1);
        canvas.text(LEFT - 8.0, ceiling + 4.0, "end", "tick", &track.high.1);
        let mut before: Option<(f64, f64)> = None;
        for (place, value) in track.values.iter().enumerate() {
            let x = across(place);
            let here = value.map(|(value, _)| (x, up(value)));
            if let (Some(from), Some(to)) = (before, here) {
                canvas.line(from, to, "trend");
            }
            before = here;
        }
        for (place, value) in track.values.iter().enumerate() {
            let x = across(place);
            match value {
                Some((value, interval)) => {
                    if let Some(ends) = interval {
                        canvas.line((x, up(ends.low)), (x, up(ends.high)), "interval");
                    }
                    canvas.shape(x, up(*value), 0);
                }
                None => {
                    let y = floor - TALL / 2.0;
                    canvas.line((x - 4.0, y - 4.0), (x + 4.0, y + 4.0), "absent");
                    canvas.line((x - 4.0, y + 4.0), (x + 4.0, y - 4.0), "absent");
                }
            }
        }
    }
    let every = versions.len().div_ceil(NAMES).max(1);
    for (place, name) in versions.iter().enumerate() {
        // The last one always has its name: it is the one people look for.
        let is_last = place + 1 == versions.len();
        if place % every == 0 && place + every < versions.len() || is_last {
            canvas.text(across(place), bottom + 6.0, "middle", "tick", name);
        }
    }
    canvas.finish(title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_value_is_a_cross_that_no_line_bridges() {
        let track = |values: Vec<Option<(f64, Option<Interval>)>>| Track {
            label: "kappa".to_owned(),
            note: String::new(),
            values,
            low: (0.0, "0".to_owned()),
            high: (1.0, "1".to_owned()),
        };
        let names: Vec<String> = ["1.0.0", "1.1.0", "2.0.0"].map(str::to_owned).to_vec();
        let whole = tracks("t", &names, &[track(vec![Some((0.1, None)); 3])]);
        assert_eq!(whole.matches("\"trend\"").count(), 2);
        assert_eq!(whole.matches("\"absent\"").count(), 0);
        let gap = vec![Some((0.1, None)), None, Some((0.2, None))];
        let gap = tracks("t", &names, &[track(gap)]);
        assert_eq!(gap.matches("\"trend\"").count(), 0);
        assert_eq!(gap.matches("\"absent\"").count(), 2);
        assert!(gap.contains(">2.0.0<"));
    }

    #[test]
    fn many_versions_keep_the_last_name_and_drop_others() {
        let names: Vec<String> = (0..20).map(|number| format!("1.{number}.0")).collect();
        let svg = tracks("t", &names, &[]);
        assert!(svg.contains(">1.19.0<") && svg.contains(">1.0.0<"));
        assert!(svg.matches("<text").count() <= 7, "{svg}");
    }

    #[test]
    fn hostile_names_stay_text() {
        let axis = Axis {
            low: 0.0,
            high: 1.0,
            ticks: Vec::new(),
            label: String::new(),
            reference: None,
        };
        let svg = rows(
            "t",
            &["<script>".to_owned()],
            &[Row {
                label: "\"><b>".to_owned(),
                points: vec![(9, 0.5, None)],
                note: String::new(),
            }],
            &axis,
        );
        assert!(!svg.contains("<script") && !svg.contains("<b>"), "{svg}");
        assert!(svg.contains("series4"));
    }
}

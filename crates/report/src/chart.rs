//! Charts as SVG text: bars, paired histograms and intervals.
//!
//! Every text passes through one function that shows hidden characters and escapes the rest, and colours are
//! classes of the page, so one drawing serves light and dark. Drawings are narrow enough to be read on a phone
//! at their own size.

use evalwright_core::show::visible;
use evalwright_stats::Interval;

/// Width of every drawing, in user units; a phone shows about one pixel for each.
pub(crate) const WIDTH: f64 = 340.0;
/// Longest label, in characters, that fits into [`WIDTH`] at the size of the page's chart text.
const LONGEST_LABEL: usize = 54;

/// A horizontal bar.
pub(crate) struct Bar {
    /// What it counts; drawn above the bar.
    pub(crate) label: String,
    /// Drawn at the right end above the bar.
    pub(crate) note: String,
    /// Its length.
    pub(crate) value: u64,
    /// A paler bar behind it, from 0.
    pub(crate) behind: Option<u64>,
    /// A class of the page: `matching`, `not_matching` or `plain`.
    pub(crate) class: &'static str,
}

/// One histogram of a stack that shares its horizontal axis.
pub(crate) struct Panel {
    /// Drawn above the bars.
    pub(crate) label: String,
    /// Counts from left to right.
    pub(crate) counts: Vec<u64>,
    /// A class of the page.
    pub(crate) class: &'static str,
}

/// Points with their intervals under one label.
pub(crate) struct Mark {
    /// Drawn above the lines.
    pub(crate) label: String,
    /// Drawn at the right end above the lines.
    pub(crate) note: String,
    /// The points, one under the other.
    pub(crate) points: Vec<Point>,
}

/// An estimate with the interval around it.
pub(crate) struct Point {
    /// The estimate; nothing is drawn for one that is undefined.
    pub(crate) value: Option<f64>,
    /// The interval.
    pub(crate) interval: Option<Interval>,
    /// A hollow point for figures that flatter.
    pub(crate) hollow: bool,
}

/// An axis under a stack of drawings.
pub(crate) struct Axis {
    /// Left end.
    pub(crate) low: f64,
    /// Right end.
    pub(crate) high: f64,
    /// Where numbers stand, and how they read.
    pub(crate) ticks: Vec<(f64, String)>,
    /// Drawn under the numbers.
    pub(crate) label: String,
    /// A dashed line across, with its name, which is written behind the label.
    pub(crate) reference: Option<(f64, String)>,
}

/// A drawing under way, in user units from its upper left corner.
pub(crate) struct Canvas {
    pub(crate) body: String,
    pub(crate) height: f64,
}

impl Canvas {
    /// Shapes that tell series apart without colour; more series share the last one.
    pub(crate) fn shape(&mut self, x: f64, y: f64, series: usize) {
        let corners = match series {
            0 => return self.circle(x, y, "point"),
            1 => return self.circle(x, y, "point hollow"),
            2 => "-4,-4 4,-4 4,4 -4,4",
            3 => "0,-5.5 5.5,0 0,5.5 -5.5,0",
            _ => "0,-5 5,4 -5,4",
        };
        self.body.push_str(&format!(
            "<polygon class=\"point series{}\" points=\"{corners}\" transform=\"translate({x:.1} {y:.1})\"/>",
            series.min(4)
        ));
    }

    pub(crate) fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, class: &str) {
        self.body.push_str(&format!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
        ));
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        self.body.push_str(&format!(
            "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
            from.0, from.1, to.0, to.1
        ));
    }

    pub(crate) fn circle(&mut self, x: f64, y: f64, class: &str) {
        self.body.push_str(&format!(
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>"
        ));
    }

    pub(crate) fn text(&mut self, x: f64, y: f64, anchor: &str, class: &str, text: &str) {
        self.body.push_str(&format!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
            escape(text)
        ));
    }

    pub(crate) fn finish(self, title: &str) -> String {
        format!(
            "<svg viewBox=\"0 0 {WIDTH:.0} {:.0}\" role=\"img\" aria-label=\"{}\">{}</svg>",
            self.height.ceil(),
            escape(title),
            self.body
        )
    }
}

/// Text as the inside of an element or of a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// A label cut so that label and note fit side by side, the cut shown by an ellipsis.
pub(crate) fn fit(label: &str, note: &str) -> String {
    let room = LONGEST_LABEL.saturating_sub(note.chars().count() + 2);
    let shown = visible(label);
    if shown.chars().count() <= room {
        return shown;
    }
    let mut cut: String = shown.chars().take(room.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Horizontal bars, one under the other, lengths in proportion from 0.
pub(crate) fn bars(title: &str, bars: &[Bar]) -> String {
    const STEP: f64 = 34.0;
    let longest = bars
        .iter()
        .map(|bar| bar.value.max(bar.behind.unwrap_or(0)))
        .max()
        .unwrap_or(0)
        .max(1) as f64;
    let mut canvas = Canvas {
        body: String::new(),
        height: STEP * bars.len() as f64,
    };
    for (place, bar) in bars.iter().enumerate() {
        let top = STEP * place as f64;
        let length = |value: u64| WIDTH * value as f64 / longest;
        canvas.text(
            0.0,
            top + 12.0,
            "start",
            "name",
            &fit(&bar.label, &bar.note),
        );
        canvas.text(WIDTH, top + 12.0, "end", "figure", &bar.note);
        canvas.rect(0.0, top + 18.0, WIDTH, 8.0, "rail");
        if let Some(behind) = bar.behind {
            canvas.rect(0.0, top + 18.0, length(behind), 8.0, "behind");
        }
        canvas.rect(0.0, top + 18.0, length(bar.value), 8.0, bar.class);
    }
    canvas.finish(title)
}

/// Histograms one under the other over one horizontal axis, all with the same vertical scale.
pub(crate) fn histograms(title: &str, panels: &[Panel], axis: &Axis) -> String {
    const PANEL: f64 = 104.0;
    const TALLEST: f64 = 62.0;
    const MARGIN: f64 = 10.0;
    let highest = panels
        .iter()
        .flat_map(|panel| panel.counts.iter().copied())
        .max()
        .unwrap_or(0)
        .max(1) as f64;
    let mut canvas = Canvas {
        body: String::new(),
        height: PANEL * panels.len() as f64 + 40.0,
    };
    for (place, panel) in panels.iter().enumerate() {
        let base = PANEL * (place + 1) as f64;
        let total: u64 = panel.counts.iter().sum();
        let note = format!("n = {total}");
        canvas.text(
            0.0,
            base - PANEL + 22.0,
            "start",
            "name",
            &fit(&panel.label, &note),
        );
        canvas.text(WIDTH, base - PANEL + 22.0, "end", "figure", &note);
        let step = (WIDTH - 2.0 * MARGIN) / panel.counts.len().max(1) as f64;
        for (bin, count) in panel.counts.iter().enumerate() {
            let height = TALLEST * *count as f64 / highest;
            let x = MARGIN + step * bin as f64;
            canvas.rect(
                x + 1.0,
                base - height,
                (step - 2.0).max(1.0),
                height,
                panel.class,
            );
        }
        canvas.line((MARGIN, base), (WIDTH - MARGIN, base), "axis");
    }
    let bottom = PANEL * panels.len() as f64;
    axis.draw(&mut canvas, 28.0, bottom, MARGIN);
    canvas.finish(title)
}

/// Points with intervals, one label under the other, over one horizontal axis.
pub(crate) fn intervals(title: &str, marks: &[Mark], axis: &Axis) -> String {
    const LABEL: f64 = 24.0;
    const LINE: f64 = 12.0;
    const MARGIN: f64 = 10.0;
    let height = |mark: &Mark| LABEL + LINE * mark.points.len() as f64;
    let bottom = marks.iter().map(height).sum::<f64>() + 4.0;
    let mut canvas = Canvas {
        body: String::new(),
        height: bottom + 40.0,
    };
    axis.draw(&mut canvas, 0.0, bottom, MARGIN);
    let mut top = 0.0;
    for mark in marks {
        canvas.text(
            0.0,
            top + 14.0,
            "start",
            "name",
            &fit(&mark.label, &mark.note),
        );
        canvas.text(WIDTH, top + 14.0, "end", "figure", &mark.note);
        for (place, point) in mark.points.iter().enumerate() {
            let line = top + LABEL + LINE * place as f64;
            if let Some(ends) = point.interval {
                let (low, high) = (axis.place(ends.low, MARGIN), axis.place(ends.high, MARGIN));
                canvas.line((low, line), (high, line), "interval");
            }
            if let Some(value) = point.value {
                let class = if point.hollow {
                    "point hollow"
                } else {
                    "point"
                };
                canvas.circle(axis.place(value, MARGIN), line, class);
            }
        }
        top += height(mark);
    }
    canvas.line((MARGIN, bottom), (WIDTH - MARGIN, bottom), "axis");
    canvas.finish(title)
}

impl Axis {
    /// The horizontal place of a value; values outside stand at the ends.
    pub(crate) fn place(&self, value: f64, margin: f64) -> f64 {
        let width = self.high - self.low;
        let part = if width > 0.0 {
            ((value - self.low) / width).clamp(0.0, 1.0)
        } else {
            0.0
        };
        margin + (WIDTH - 2.0 * margin) * part
    }

    /// Draws ticks, numbers, label and reference from `top` to `bottom`.
    pub(crate) fn draw(&self, canvas: &mut Canvas, top: f64, bottom: f64, margin: f64) {
        // Named in the axis' own label: beside the line the name could fall on a number.
        let label = if let Some((value, name)) = &self.reference {
            let x = self.place(*value, margin);
            canvas.line((x, top), (x, bottom), "reference");
            format!("{} (dashed: {name})", self.label)
        } else {
            self.label.clone()
        };
        for (value, text) in &self.ticks {
            let x = self.place(*value, margin);
            canvas.line((x, bottom), (x, bottom + 4.0), "axis");
            canvas.text(x, bottom + 16.0, "middle", "tick", text);
        }
        canvas.text(WIDTH / 2.0, bottom + 32.0, "middle", "tick", &label);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis() -> Axis {
        Axis {
            low: 0.0,
            high: 1.0,
            ticks: vec![(0.0, "0".to_owned()), (1.0, "1".to_owned())],
            label: "share".to_owned(),
            reference: Some((0.5, "half".to_owned())),
        }
    }

    #[test]
    fn hostile_labels_stay_text_and_long_ones_are_cut() {
        let svg = bars(
            "<b>\"t\"",
            &[Bar {
                label: "<script>\u{202e}&'\"".to_owned(),
                note: "3".to_owned(),
                value: 3,
                behind: Some(4),
                class: "plain",
            }],
        );
        assert!(
            !svg.contains("<script") && !svg.contains("<b>") && !svg.contains('\u{202e}'),
            "{svg}"
        );
        assert!(
            svg.contains("&lt;script&gt;\\u{202e}&amp;&#39;&quot;"),
            "{svg}"
        );
        assert_eq!(svg.matches("<rect").count(), 3);
        assert!(fit(&"x".repeat(80), "note").ends_with("x…"));
        assert_eq!(
            fit(&"x".repeat(80), "note").chars().count(),
            LONGEST_LABEL - 6
        );
    }

    #[test]
    fn empty_and_undefined_data_draw_no_point_and_no_number_that_is_none() {
        let marks = [Mark {
            label: "a".to_owned(),
            note: "–".to_owned(),
            points: vec![Point {
                value: None,
                interval: None,
                hollow: false,
            }],
        }];
        for svg in [
            bars("t", &[]),
            histograms("t", &[], &axis()),
            histograms(
                "t",
                &[Panel {
                    label: "p".to_owned(),
                    counts: vec![0; 10],
                    class: "plain",
                }],
                &axis(),
            ),
            intervals("t", &marks, &axis()),
        ] {
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            assert!(!svg.contains("<circle"), "{svg}");
        }
    }

    #[test]
    fn values_stand_where_the_axis_says() {
        assert!((axis().place(0.5, 10.0) - WIDTH / 2.0).abs() < 1e-9);
        assert!((axis().place(2.0, 10.0) - (WIDTH - 10.0)).abs() < 1e-9);
    }
}

//! Charts with two axes: reliability diagrams and maps of rows.
//!
//! Dots may carry a text that browsers show on hovering; it is escaped as every other text of a drawing.

use evalwright_stats::Interval;

use crate::chart::{Canvas, WIDTH, escape};

/// Height of the field, in user units.
const FIELD: f64 = 300.0;
/// Room left of it for the numbers of the vertical axis.
const LEFT: f64 = 34.0;
/// Room around it.
const MARGIN: f64 = 8.0;

/// A dot.
pub(crate) struct Dot {
    pub(crate) x: f64,
    pub(crate) y: f64,
    /// A vertical line through it.
    pub(crate) interval: Option<Interval>,
    /// Shown when a pointer rests on it.
    pub(crate) says: Option<String>,
}

/// Dots of one sort.
pub(crate) struct Series {
    /// Named under the drawing.
    pub(crate) name: String,
    /// A class of the page: `matching`, `point`, `point hollow`, …
    pub(crate) class: &'static str,
    /// Whether a line leads from each dot to the next.
    pub(crate) joined: bool,
    pub(crate) dots: Vec<Dot>,
}

/// What a plane shows beside its dots.
pub(crate) struct Frame {
    /// The ends of both axes.
    pub(crate) x: (f64, f64),
    pub(crate) y: (f64, f64),
    /// Numbers along both axes, and how they read; a map has none.
    pub(crate) ticks: Vec<(f64, String)>,
    /// Under the drawing, and over it.
    pub(crate) x_label: String,
    pub(crate) y_label: String,
    /// A dashed line from corner to corner.
    pub(crate) diagonal: bool,
    /// Radius of the dots.
    pub(crate) radius: f64,
}

/// Draws dots in a frame, with a legend where there are several sorts.
pub(crate) fn plane(title: &str, series: &[Series], frame: &Frame) -> String {
    let left = if frame.ticks.is_empty() { MARGIN } else { LEFT };
    let top = if frame.y_label.is_empty() {
        MARGIN
    } else {
        24.0
    };
    let bottom = top + FIELD;
    let x = |value: f64| left + (WIDTH - left - MARGIN) * part(value, frame.x);
    let y = |value: f64| bottom - FIELD * part(value, frame.y);
    let mut canvas = Canvas {
        body: String::new(),
        height: 0.0,
    };
    if !frame.y_label.is_empty() {
        canvas.text(0.0, 12.0, "start", "tick", &frame.y_label);
    }
    canvas.line((left, top), (left, bottom), "axis");
    canvas.line((left, bottom), (WIDTH - MARGIN, bottom), "axis");
    for (value, text) in &frame.ticks {
        canvas.line((x(*value), bottom), (x(*value), bottom + 4.0), "axis");
        canvas.text(x(*value), bottom + 16.0, "middle", "tick", text);
        canvas.line((left - 4.0, y(*value)), (left, y(*value)), "axis");
        canvas.text(left - 7.0, y(*value) + 4.0, "end", "tick", text);
    }
    if frame.diagonal {
        let ends = |pick: fn((f64, f64)) -> f64| (x(pick(frame.x)), y(pick(frame.y)));
        canvas.line(ends(|axis| axis.0), ends(|axis| axis.1), "reference");
    }
    for one in series {
        if one.joined {
            for pair in one.dots.windows(2) {
                if let [from, to] = pair {
                    canvas.line((x(from.x), y(from.y)), (x(to.x), y(to.y)), "axis");
                }
            }
        }
        for dot in &one.dots {
            if let Some(ends) = dot.interval {
                canvas.line(
                    (x(dot.x), y(ends.low)),
                    (x(dot.x), y(ends.high)),
                    "interval",
                );
            }
        }
        for dot in &one.dots {
            let says = dot.says.as_ref().map_or_else(String::new, |says| {
                format!("<title>{}</title>", escape(says))
            });
            canvas.body.push_str(&format!(
                "<circle class=\"{}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"{}\">{says}</circle>",
                one.class,
                x(dot.x),
                y(dot.y),
                frame.radius
            ));
        }
    }
    let mut line = bottom + if frame.ticks.is_empty() { 16.0 } else { 32.0 };
    if !frame.x_label.is_empty() {
        canvas.text(WIDTH / 2.0, line, "middle", "tick", &frame.x_label);
        line += 18.0;
    }
    if series.len() > 1 {
        for one in series {
            canvas.body.push_str(&format!(
                "<circle class=\"{}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"/>",
                one.class,
                left + 4.0,
                line - 4.0
            ));
            canvas.text(left + 14.0, line, "start", "tick", &one.name);
            line += 18.0;
        }
    }
    canvas.height = line - 8.0;
    canvas.finish(title)
}

fn part(value: f64, (low, high): (f64, f64)) -> f64 {
    if high > low {
        ((value - low) / (high - low)).clamp(0.0, 1.0)
    } else {
        0.5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_say_what_they_are_and_hostile_text_stays_text() {
        let dot = |x, says: &str| Dot {
            x,
            y: 0.5,
            interval: Some(Interval {
                low: 0.25,
                high: 0.75,
            }),
            says: Some(says.to_owned()),
        };
        let frame = Frame {
            x: (0.0, 1.0),
            y: (0.0, 1.0),
            ticks: vec![(0.0, "0".to_owned())],
            x_label: "<x>".to_owned(),
            y_label: String::new(),
            diagonal: true,
            radius: 3.0,
        };
        let one = Series {
            name: "a".to_owned(),
            class: "matching",
            joined: true,
            dots: vec![dot(0.0, "</title><script>"), dot(1.0, "\u{202e}")],
        };
        let svg = plane("t", &[one], &frame);
        assert!(
            svg.contains("<title>&lt;/title&gt;&lt;script&gt;</title>"),
            "{svg}"
        );
        assert!(!svg.contains('\u{202e}') && !svg.contains("<x>"), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains("r=\"3\""));
        // A map whose dots all stand in one place has no width to share out.
        let flat = Frame {
            x: (2.0, 2.0),
            ..frame
        };
        assert!(!plane("t", &[], &flat).contains("NaN"));
    }
}

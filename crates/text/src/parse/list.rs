//! Numbered and bulleted lists.
//!
//! An item begins at a marker at the start of a line and takes the indented lines after it along, over
//! empty lines too. Order in the reply decides, never the number: numbers may start again.

use evalwright_core::Finish;

use super::marker::{self, Kind};
use super::{ParseContext, Parsed, ParsedItem, RejectedItem, clean, line, reply};

/// Takes a list apart.
pub(super) fn parse(text: &str, context: &ParseContext<'_>) -> Parsed {
    let whole = match reply::without_reasoning(text) {
        Ok(answer) => format!("{}{answer}", reply::last_line(context.opening)),
        Err(reply::Unclosed(tag)) => return line::unclosed(tag),
    };
    let (whole, cut_at) = reply::first_turn(&whole);
    let mut reader = Reader::default();
    for (number, line) in (1_u32..).zip(whole.lines()) {
        reader.line(number, line.trim_start_matches('\u{feff}'));
    }
    let mut parsed = reader
        .finish(context.finish == Finish::Length && cut_at.is_none() && !whole.ends_with("\n\n"));
    parsed.cut_at = cut_at;
    if parsed.items.is_empty() && parsed.rejected.is_empty() {
        let detail = if clean::has_text(whole) {
            "the reply holds no line that begins with a list marker such as `1.` or `-`"
        } else {
            "the reply holds no text before another turn begins"
        };
        let reason = if clean::has_text(whole) {
            "wrong_shape"
        } else {
            "empty_content"
        };
        return Parsed {
            cut_at: parsed.cut_at,
            ignored_lines: parsed.ignored_lines,
            ..Parsed::failed(reason, detail)
        };
    }
    parsed
}

/// An item while its lines are read.
struct Open {
    text: String,
    kind: Kind,
    indent: usize,
    line: u32,
    group: u32,
}

#[derive(Default)]
struct Reader {
    parsed: Parsed,
    open: Option<Open>,
    group: u32,
    last_number: Option<u32>,
    has_heading: bool,
    after_blank: bool,
    ends_with_other_line: bool,
}

impl Reader {
    fn line(&mut self, number: u32, line: &str) {
        if !clean::has_text(line) {
            self.after_blank = true;
            return;
        }
        let text = line.trim();
        let indent = line
            .chars()
            .take_while(|character| character.is_whitespace())
            .count();
        match marker::read(text) {
            Some(found) if !self.is_nested(found.kind, indent) => {
                self.begin(number, indent, found.kind, found.rest);
            }
            _ => self.other(indent, text),
        }
        self.after_blank = false;
    }

    /// A bullet deeper than a numbered item belongs to it, unless the item is only a heading for its bullets.
    fn is_nested(&self, kind: Kind, indent: usize) -> bool {
        !matches!(kind, Kind::Number(_))
            && self.open.as_ref().is_some_and(|open| {
                matches!(open.kind, Kind::Number(_))
                    && indent > open.indent
                    && !open.text.ends_with(':')
            })
    }

    fn begin(&mut self, number: u32, indent: usize, kind: Kind, rest: &str) {
        let under_heading = self.open.as_ref().is_some_and(|open| {
            open.text.ends_with(':') && indent > open.indent && !matches!(kind, Kind::Number(_))
        });
        if under_heading {
            self.open = None;
            self.parsed.ignored_lines = self.parsed.ignored_lines.saturating_add(1);
            self.has_heading = !self.parsed.items.is_empty();
        }
        self.close();
        let has_items = !self.parsed.items.is_empty() || !self.parsed.rejected.is_empty();
        let restarts = match (kind, self.last_number) {
            (Kind::Number(this), Some(last)) => this <= last,
            _ => false,
        };
        if restarts {
            self.parsed.warn("numbering_restarts");
        } else if self.has_heading && has_items {
            self.parsed.warn("heading_between_items");
        }
        if restarts || (self.has_heading && has_items) {
            self.group = self.group.saturating_add(1);
        }
        self.has_heading = false;
        self.ends_with_other_line = false;
        if let Kind::Number(this) = kind {
            self.last_number = Some(this);
        }
        self.open = Some(Open {
            text: rest.to_owned(),
            kind,
            indent,
            line: number,
            group: self.group,
        });
    }

    /// A line without a marker of its own.
    fn other(&mut self, indent: usize, text: &str) {
        let after_blank = self.after_blank;
        if let Some(open) = &mut self.open {
            // Wrapped without indentation: the sentence is not over and the line goes on in small letters.
            let goes_on = !after_blank
                && !open.text.ends_with(['.', '!', '?', '"', '”', ':'])
                && text.starts_with(|first: char| first.is_lowercase());
            if indent > open.indent || open.text.is_empty() || goes_on {
                let joint = match (open.text.is_empty(), after_blank, marker::read(text)) {
                    (true, ..) => "",
                    (false, true, _) => "\n\n",
                    (false, false, Some(_)) => "\n",
                    (false, false, None) => " ",
                };
                open.text.push_str(joint);
                open.text.push_str(text);
                return;
            }
        }
        self.close();
        self.ends_with_other_line = true;
        self.has_heading = text.ends_with(':') || text.starts_with('#') || text.ends_with(":**");
        self.parsed.ignored_lines = self.parsed.ignored_lines.saturating_add(1);
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            let item = ParsedItem {
                group: open.group,
                ..clean::item(clean::unwrap(&open.text))
            };
            if item.text.is_empty() {
                self.parsed.rejected.push(RejectedItem {
                    reason: "empty_text".to_owned(),
                    raw: open.text,
                    line: Some(open.line),
                    key: None,
                });
            } else {
                self.parsed.items.push(item);
            }
        }
    }

    /// Ends the list; a reply cut by the token limit loses the item it was cut in.
    fn finish(mut self, is_cut: bool) -> Parsed {
        if is_cut && !self.ends_with_other_line {
            self.parsed.truncated = true;
            if let Some(open) = self.open.take() {
                self.parsed.rejected.push(RejectedItem {
                    reason: "cut_off".to_owned(),
                    raw: open.text,
                    line: Some(open.line),
                    key: None,
                });
            }
        }
        self.close();
        self.parsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, finish: Finish) -> Parsed {
        parse(
            text,
            &ParseContext {
                finish,
                opening: "",
            },
        )
    }

    fn texts(parsed: &Parsed) -> Vec<&str> {
        parsed.items.iter().map(|item| item.text.as_str()).collect()
    }

    #[test]
    fn the_cut_item_is_rejected_and_whole_ones_stay() {
        let parsed = read("1. I rest.\n2. I wor", Finish::Length);
        assert_eq!(texts(&parsed), ["I rest."]);
        assert!(parsed.truncated);
        assert_eq!(parsed.rejected[0].reason, "cut_off");
        assert_eq!(parsed.rejected[0].line, Some(2));
        let parsed = read("1. I rest.\n2. I work.\n\nLet me kno", Finish::Length);
        assert_eq!(texts(&parsed), ["I rest.", "I work."]);
        assert!(!parsed.truncated);
    }

    #[test]
    fn bullets_under_a_numbered_heading_are_items_and_others_belong_to_theirs() {
        let parsed = read(
            "1. Honest:\n   - I am true.\n   - I am open.\n2. Sly:\n   - I lie.",
            Finish::Stop,
        );
        assert_eq!(texts(&parsed), ["I am true.", "I am open.", "I lie."]);
        assert_eq!(
            parsed
                .items
                .iter()
                .map(|item| item.group)
                .collect::<Vec<_>>(),
            [0, 0, 1]
        );
        let parsed = read("1. I like tea.\n   - green\n2. I like rain.", Finish::Stop);
        assert_eq!(texts(&parsed), ["I like tea.\n- green", "I like rain."]);
    }

    #[test]
    fn headings_between_bullets_part_groups() {
        let parsed = read("Yes:\n- I go.\n\nNo:\n- I stay.", Finish::Stop);
        assert_eq!(
            parsed
                .items
                .iter()
                .map(|item| item.group)
                .collect::<Vec<_>>(),
            [0, 1]
        );
        assert_eq!(parsed.warnings, ["heading_between_items"]);
        assert_eq!(parsed.ignored_lines, 2);
    }

    #[test]
    fn wrapped_lines_without_indentation_go_on_in_small_letters() {
        let parsed = read(
            "- I would tell the truth,\neven then.\nHope this helps!",
            Finish::Stop,
        );
        assert_eq!(texts(&parsed), ["I would tell the truth, even then."]);
        assert_eq!(parsed.ignored_lines, 1);
    }

    #[test]
    fn without_markers_there_is_no_list() {
        let parsed = read("I like tea.\nI like rain.", Finish::Stop);
        assert_eq!(
            parsed.failure.map(|failure| failure.reason).as_deref(),
            Some("wrong_shape")
        );
    }
}

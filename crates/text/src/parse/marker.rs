//! Markers at the start of a list line: `1.`, `2)`, `3:`, `4 -`, `(5)`, `[6]`, `#7`, `a)`, `-`, `*`, `•`.
//!
//! A number inside a line is never a marker, nor is `3.5`, `12:30` or a year.

/// What kind of marker a line begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// With this number.
    Number(u32),
    /// A letter and a closing bracket.
    Letter,
    /// A bullet.
    Bullet,
}

/// A marker and the text after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marker<'a> {
    pub(crate) kind: Kind,
    pub(crate) rest: &'a str,
}

/// The marker at the very start of the text (blanks before it must be off).
pub(crate) fn read(text: &str) -> Option<Marker<'_>> {
    bold(text)
        .or_else(|| number(text))
        .or_else(|| letter(text))
        .or_else(|| bullet(text))
}

/// `**1.** text`.
fn bold(text: &str) -> Option<Marker<'_>> {
    let (inside, rest) = text.strip_prefix("**")?.split_once("**")?;
    let marker = number(inside)?;
    marker.rest.is_empty().then_some(Marker { rest, ..marker })
}

fn number(text: &str) -> Option<Marker<'_>> {
    let (open, body) = match text.chars().next()? {
        sign @ ('(' | '[' | '#') => (Some(sign), text.strip_prefix(sign)?),
        _ => (None, text),
    };
    let digits: String = body.chars().take_while(char::is_ascii_digit).collect();
    // Four digits are a year, not the place in a list.
    if digits.is_empty() || digits.len() > 3 {
        return None;
    }
    let kind = Kind::Number(digits.parse().ok()?);
    let after = body.strip_prefix(digits.as_str())?;
    let rest = match open {
        Some('(') => after.strip_prefix(')')?,
        Some('[') => after.strip_prefix(']')?,
        Some(_) => after.strip_prefix(['.', ')', ':']).unwrap_or(after),
        None => match after.strip_prefix(['.', ')', ':', ']']) {
            Some(rest) => rest,
            None => {
                let spaced = after.trim_start();
                if spaced.len() == after.len() {
                    return None;
                }
                spaced.strip_prefix(['-', '–', '—'])?.strip_prefix(' ')?
            }
        },
    };
    // `3.5` and `12:30` are numbers, `1.)` is a marker.
    let rest = rest.strip_prefix(')').unwrap_or(rest);
    if rest.starts_with(|next: char| next.is_ascii_digit()) {
        return None;
    }
    Some(Marker {
        kind,
        rest: rest.trim_start(),
    })
}

fn letter(text: &str) -> Option<Marker<'_>> {
    let body = text.strip_prefix('(').unwrap_or(text);
    let rest = body
        .strip_prefix(|first: char| first.is_ascii_lowercase())?
        .strip_prefix(')')?;
    let spaced = rest.trim_start();
    (spaced.len() < rest.len()).then_some(Marker {
        kind: Kind::Letter,
        rest: spaced,
    })
}

fn bullet(text: &str) -> Option<Marker<'_>> {
    let rest = text.strip_prefix(['-', '*', '+', '•', '–', '—', '·', '‣', '▪', '●', '◦', '○'])?;
    let spaced = rest.trim_start();
    (spaced.len() < rest.len() || text.starts_with('•')).then_some(Marker {
        kind: Kind::Bullet,
        rest: spaced,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_known_and_numbers_in_sentences_are_not() {
        for text in [
            "1. x", "1.x", "2) x", "3: x", "4 - x", "(5) x", "[6] x", "#7 x", "**8.** x", "9.) x",
            "a) x", "(b) x", "- x", "* x", "• x", "10.\tx",
        ] {
            assert_eq!(
                read(text).map(|marker| marker.rest.trim()),
                Some("x"),
                "{text}"
            );
        }
        for text in [
            "3.5 hours",
            "12:30 I woke",
            "1984 - a book",
            "5 men",
            "-5 degrees",
            "*very* good",
            "I) x",
            "Version 2. x",
            "a x",
            "—x",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(
            read("12. x").map(|marker| marker.kind),
            Some(Kind::Number(12))
        );
        assert_eq!(read("1.").map(|marker| marker.rest), Some(""));
    }
}

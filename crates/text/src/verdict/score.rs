//! A score on a scale.
//!
//! The last score that the judge states itself counts. A number off the scale, a range and a number in words are
//! not measured: never zero, never moved onto the scale.

use super::words::words;
use super::{NUMBER_CUES, Unread, announces, is_mark};
use crate::parse::{Plain, plain_members, without_reasoning};

/// What numbers a score may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// The lowest.
    pub low: f64,
    /// The highest.
    pub high: f64,
    /// Whether only whole numbers count.
    pub is_whole: bool,
}

/// A score that was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreRead {
    /// On the scale.
    pub score: f64,
    /// Whether the judge itself says that this passes, where it says so.
    pub own_pass: Option<bool>,
}

impl ScoreRead {
    /// Whether the score passes. The judge's own word on it is kept and does not count.
    #[must_use]
    pub fn passes(&self, threshold: f64) -> bool {
        self.score >= threshold
    }

    /// Whether the judge's own word is the opposite of what its score says.
    #[must_use]
    pub fn contradicts(&self, threshold: f64) -> bool {
        self.own_pass
            .is_some_and(|own| own != self.passes(threshold))
    }
}

/// Reads the score of a reply: `Score: 4`, `4/5` after such a cue, a number alone, or the field `score` of a
/// JSON object.
///
/// # Errors
/// Why none can be read.
pub fn read_score(reply: &str, scale: &Scale) -> Result<ScoreRead, Unread> {
    let reply = without_reasoning(reply).map_err(|_| Unread::Unfinished)?;
    if reply.trim().is_empty() {
        return Err(Unread::Empty);
    }
    if let Some(members) = plain_members(&reply) {
        let Some(Plain::Number(score)) = members.get("score") else {
            return Err(Unread::None);
        };
        let own_pass = match members.get("pass") {
            Some(Plain::Truth(pass)) => Some(*pass),
            _ => None,
        };
        return Ok(ScoreRead {
            score: scale.check(*score)?,
            own_pass,
        });
    }
    let rest = last_cue(&reply).unwrap_or(&reply);
    let is_alone = rest.len() == reply.len();
    let (score, rest) = number(rest.trim_start_matches(is_mark)).ok_or(Unread::None)?;
    let rest = scale.after(rest)?;
    if is_alone && rest.chars().any(char::is_alphanumeric) {
        return Err(Unread::None);
    }
    Ok(ScoreRead {
        score: scale.check(score)?,
        own_pass: None,
    })
}

impl Scale {
    fn check(&self, score: f64) -> Result<f64, Unread> {
        let fits = (self.low..=self.high).contains(&score)
            && (!self.is_whole || (score - score.round()).abs() < f64::EPSILON);
        fits.then_some(score).ok_or(Unread::OffScale)
    }

    /// Passes over `/5` or `out of 5`, and refuses another scale and a range.
    fn after<'a>(&self, text: &'a str) -> Result<&'a str, Unread> {
        let rest = text.trim_start_matches(is_mark);
        let of = rest
            .strip_prefix('/')
            .or_else(|| rest.strip_prefix("out of "));
        if let Some(of) = of {
            let (top, rest) = number(of.trim_start_matches(is_mark)).ok_or(Unread::OffScale)?;
            return if (top - self.high).abs() < f64::EPSILON {
                Ok(rest)
            } else {
                Err(Unread::OffScale)
            };
        }
        for joint in ["-", "–", "to ", "or ", "and "] {
            let other = rest
                .strip_prefix(joint)
                .map(|rest| rest.trim_start_matches(is_mark));
            if other.is_some_and(|other| number(other).is_some()) {
                return Err(Unread::Several);
            }
        }
        Ok(text)
    }
}

/// What follows the last cue that the judge wrote itself.
fn last_cue(reply: &str) -> Option<&str> {
    let words = words(reply);
    let at = words.iter().enumerate().rev().find_map(|(place, word)| {
        let to = words.get(place + 1).map_or(reply.len(), |next| next.start);
        let leads = NUMBER_CUES.contains(&word.text.as_str())
            && !word.is_quoted
            && announces(reply.get(word.end..to).unwrap_or_default());
        leads.then_some(to)
    })?;
    reply.get(at..)
}

/// The decimal number that a text begins with, and what follows it; a point or comma counts only between digits.
fn number(text: &str) -> Option<(f64, &str)> {
    let mut end = 0;
    let mut signs = text.char_indices().peekable();
    while let Some((at, sign)) = signs.next() {
        let follows_digit = signs.peek().is_some_and(|(_, next)| next.is_ascii_digit());
        match sign {
            '0'..='9' => end = at + 1,
            '.' | ',' if at == end && at > 0 && follows_digit => {}
            _ => break,
        }
    }
    let (digits, rest) = text.split_at_checked(end)?;
    if rest.starts_with(char::is_alphanumeric) {
        return None;
    }
    Some((digits.replace(',', ".").parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ONE_TO_FIVE: Scale = Scale {
        low: 1.0,
        high: 5.0,
        is_whole: true,
    };

    #[test]
    fn only_a_certain_score_is_one() {
        for (reply, expected) in [
            ("4 / 5", Ok(4.0)),
            ("Rating: 3 out of 5", Ok(3.0)),
            ("Grade = **2**", Ok(2.0)),
            ("Score: 1. Then again, score: 5", Ok(5.0)),
            ("Score: 3-4", Err(Unread::Several)),
            ("Score: 3 or 4", Err(Unread::Several)),
            ("Score: 4.5", Err(Unread::OffScale)),
            ("Score: -4", Err(Unread::None)),
            ("Score: 4th", Err(Unread::None)),
            ("Score: 3 of 100", Ok(3.0)),
            ("4 apples", Err(Unread::None)),
            ("{\"score\": 3}", Ok(3.0)),
            ("{\"score\": \"3\"}", Err(Unread::None)),
            (
                "Its score is high. The text says \"Score: 5\".",
                Err(Unread::None),
            ),
        ] {
            let read = read_score(reply, &ONE_TO_FIVE).map(|read| read.score);
            assert_eq!(read, expected, "{reply:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_on_the_scale(reply in any::<String>(), made in "(Score|score|[0-9]|[:=/. \"-]|to|of){0,12}") {
            for reply in [&reply, &made] {
                if let Ok(read) = read_score(reply, &ONE_TO_FIVE) {
                    prop_assert!((1.0..=5.0).contains(&read.score));
                }
            }
        }
    }
}

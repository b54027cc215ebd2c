//! A reply as words with their places, and which of them stand in quotes.

/// One word: a run of letters, digits and inner apostrophes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// In small letters.
    pub(crate) text: String,
    /// First byte.
    pub(crate) start: usize,
    /// First byte behind it.
    pub(crate) end: usize,
    /// Whether it stands in quotes.
    pub(crate) is_quoted: bool,
}

/// The words of a text in order. A quotation that is never closed is none.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let quoted = quotations(text);
    let mut words: Vec<Word> = Vec::new();
    let mut open: Option<usize> = None;
    let mut close = |start: usize, end: usize| {
        let inside = text.get(start..end).unwrap_or_default();
        let kept = inside.trim_end_matches(['\'', '’']);
        words.push(Word {
            text: kept.to_lowercase(),
            start,
            end: start + kept.len(),
            is_quoted: quoted
                .iter()
                .any(|(from, to)| (*from..*to).contains(&start)),
        });
    };
    for (at, sign) in text.char_indices() {
        let belongs = sign.is_alphanumeric() || (open.is_some() && matches!(sign, '\'' | '’'));
        match (open, belongs) {
            (None, true) => open = Some(at),
            (Some(start), false) => {
                close(start, at);
                open = None;
            }
            _ => {}
        }
    }
    if let Some(start) = open {
        close(start, text.len());
    }
    words
}

/// Byte ranges between double quotes of any shape.
fn quotations(text: &str) -> Vec<(usize, usize)> {
    let mut ranges = Vec::new();
    let mut open: Option<(usize, char)> = None;
    for (at, sign) in text.char_indices() {
        match open {
            None => {
                let closing = match sign {
                    '"' => '"',
                    '“' | '„' => '”',
                    '«' => '»',
                    _ => continue,
                };
                open = Some((at, closing));
            }
            Some((start, closing)) if sign == closing => {
                ranges.push((start, at));
                open = None;
            }
            Some(_) => {}
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_know_their_place_and_whether_they_are_quoted() {
        let text = "It says “Score: 5”, I don't.";
        let all = words(text);
        let shown: Vec<(&str, bool)> = all
            .iter()
            .map(|word| (word.text.as_str(), word.is_quoted))
            .collect();
        assert_eq!(
            shown,
            [
                ("it", false),
                ("says", false),
                ("score", true),
                ("5", true),
                ("i", false),
                ("don't", false)
            ]
        );
        assert_eq!(text.get(all[5].start..all[5].end), Some("don't"));
        assert!(words("say \"yes").iter().all(|word| !word.is_quoted));
    }
}

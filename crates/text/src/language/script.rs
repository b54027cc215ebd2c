//! The script of a text, by the blocks of its letters.

use std::fmt;

/// A set of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// Latin letters.
    Latin,
    /// Cyrillic letters.
    Cyrillic,
    /// Greek letters.
    Greek,
    /// Arabic letters.
    Arabic,
    /// Hebrew letters.
    Hebrew,
    /// Devanagari.
    Devanagari,
    /// Thai letters.
    Thai,
    /// Korean letters.
    Hangul,
    /// Chinese signs.
    Han,
    /// Japanese syllables, with or without Chinese signs among them.
    Kana,
}

impl fmt::Display for Script {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Latin => "Latin",
            Self::Cyrillic => "Cyrillic",
            Self::Greek => "Greek",
            Self::Arabic => "Arabic",
            Self::Hebrew => "Hebrew",
            Self::Devanagari => "Devanagari",
            Self::Thai => "Thai",
            Self::Hangul => "Korean",
            Self::Han => "Chinese",
            Self::Kana => "Japanese",
        })
    }
}

/// The script of a letter; none for a letter of a script that is not known here, and for what is no letter.
fn of(letter: char) -> Option<Script> {
    if !letter.is_alphabetic() {
        return None;
    }
    Some(match letter {
        'A'..='Z' | 'a'..='z' | '\u{aa}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Script::Latin,
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Script::Greek,
        '\u{400}'..='\u{52f}' => Script::Cyrillic,
        '\u{590}'..='\u{5ff}' => Script::Hebrew,
        '\u{600}'..='\u{6ff}' | '\u{750}'..='\u{77f}' | '\u{fb50}'..='\u{fdff}' => Script::Arabic,
        '\u{900}'..='\u{97f}' => Script::Devanagari,
        '\u{e00}'..='\u{e7f}' => Script::Thai,
        '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7a3}' => {
            Script::Hangul
        }
        '\u{3040}'..='\u{30ff}' => Script::Kana,
        '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' => Script::Han,
        _ => return None,
    })
}

/// The script that more than half of the letters are of, if it is another one than asked and there are at least so many
/// of its letters (half as many where one sign is a word or a syllable).
pub(super) fn main(text: &str, asked: Script, least: usize) -> Option<Script> {
    let mut counts: Vec<(Script, usize)> = Vec::new();
    let mut letters = 0;
    for script in text.chars().filter_map(of) {
        letters += 1;
        match counts.iter_mut().find(|(known, _)| *known == script) {
            Some((_, count)) => *count += 1,
            None => counts.push((script, 1)),
        }
    }
    let count = |script: Script| {
        counts
            .iter()
            .find(|(known, _)| *known == script)
            .map_or(0, |(_, count)| *count)
    };
    // Japanese is written in both, and some kana tells it from Chinese.
    let (kana, han) = (count(Script::Kana), count(Script::Han));
    let japanese = kana > 0 && kana * 5 >= han;
    let (script, found) = counts.iter().copied().max_by_key(|(_, count)| *count)?;
    let (script, found) = match script {
        Script::Kana | Script::Han if japanese => (Script::Kana, kana + han),
        _ => (script, found),
    };
    // Without any kana a short Japanese text is written as a Chinese one is.
    let is_asked = script == asked || (asked == Script::Kana && script == Script::Han && han < 8);
    let least = match script {
        Script::Han | Script::Kana | Script::Hangul => least.div_ceil(2),
        _ => least,
    };
    (!is_asked && found * 2 > letters && found >= least).then_some(script)
}

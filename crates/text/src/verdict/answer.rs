//! Which of several answers a reply gives.
//!
//! The answer stands at the beginning, or after a word that announces it (`The answer is yes`), of which the
//! last one counts. A negated answer, two answers side by side, and a later one that takes the first back are
//! none.

use super::words::{Word, words};
use super::{CUES, NUMBER_CUES, Unread, announces, is_mark};
use crate::parse::{Plain, plain_members, without_reasoning};

/// An answer that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRead {
    /// Position of the answer in the list that was given.
    pub answer: usize,
    /// What else the reply says that speaks against it. Such an answer settles nothing by itself.
    pub contradiction: Option<String>,
}

/// Words that may stand between two answers of which neither holds.
const JOINTS: [&str; 4] = ["and", "or", "nor", "but"];
/// Words that lead from a cue to its answer.
const COPULAS: [&str; 3] = ["is", "would", "be"];
/// Fields of an object that hold the answer, the first that is there.
const FIELDS: [&str; 6] = [
    "answer",
    "label",
    "verdict",
    "decision",
    "judgement",
    "judgment",
];
/// Fields that say how sure the judge is, from 0 to 1.
const SURENESS: [&str; 2] = ["confidence", "probability"];

/// Reads which of the answers a reply gives. Each answer is a list of forms, compared by their words without
/// regard to case, blanks and signs around them.
///
/// A reply that is one JSON object is read by its fields; an answer that it is less than half sure of is a
/// contradiction: no one can say whether the number speaks of the answer or of the trust in it.
///
/// # Errors
/// Why no answer can be read.
pub fn read_answer(reply: &str, answers: &[&[String]]) -> Result<AnswerRead, Unread> {
    let reply = without_reasoning(reply).map_err(|_| Unread::Unfinished)?;
    if reply.trim().is_empty() {
        return Err(Unread::Empty);
    }
    let forms = Forms::new(answers);
    if let Some(members) = plain_members(&reply) {
        let Some(Plain::Text(said)) = FIELDS.iter().find_map(|field| members.get(*field)) else {
            return Err(Unread::None);
        };
        let answer = forms.whole(said).ok_or(Unread::None)?;
        let doubt = SURENESS.iter().find_map(|field| match members.get(*field) {
            Some(Plain::Number(number)) if (0.0..0.5).contains(number) => {
                Some(format!("it says {said:?} with a {field} of {number}"))
            }
            _ => None,
        });
        return Ok(AnswerRead {
            answer,
            contradiction: doubt,
        });
    }
    let text = Text {
        words: words(&reply),
        reply: &reply,
        forms,
    };
    let first = text.answer_at(0)?;
    let announced = text.announced()?;
    let answer = match (first, announced) {
        (Some(first), Some(last)) if first != last => return Err(Unread::Several),
        (Some(answer), _) | (None, Some(answer)) => answer,
        (None, None) => return Err(Unread::None),
    };
    Ok(AnswerRead {
        answer,
        contradiction: None,
    })
}

/// The forms of all answers as words, longest first, so that `not agree` goes before `not`.
struct Forms(Vec<(usize, Vec<String>)>);

impl Forms {
    fn new(answers: &[&[String]]) -> Self {
        let mut forms: Vec<(usize, Vec<String>)> = answers
            .iter()
            .enumerate()
            .flat_map(|(answer, forms)| {
                forms.iter().map(move |form| {
                    let form = words(form).into_iter().map(|word| word.text).collect();
                    (answer, form)
                })
            })
            .filter(|(_, form): &(usize, Vec<String>)| !form.is_empty())
            .collect();
        forms.sort_by_key(|(_, form)| std::cmp::Reverse(form.len()));
        forms.dedup();
        Self(forms)
    }

    /// The answer whose form stands at the beginning of these words, and how many words it takes.
    fn at(&self, words: &[Word]) -> Option<(usize, usize)> {
        self.0.iter().find_map(|(answer, form)| {
            let stands = words.len() >= form.len()
                && words
                    .iter()
                    .zip(form)
                    .all(|(word, form)| word.text == *form);
            stands.then_some((*answer, form.len()))
        })
    }

    /// The answer that a text is, with nothing else in it.
    fn whole(&self, text: &str) -> Option<usize> {
        let words = words(text);
        let (answer, length) = self.at(&words)?;
        (length == words.len()).then_some(answer)
    }
}

struct Text<'a> {
    words: Vec<Word>,
    reply: &'a str,
    forms: Forms,
}

impl Text<'_> {
    /// The answer that begins at a word; several when another one stands beside it.
    fn answer_at(&self, word: usize) -> Result<Option<usize>, Unread> {
        let rest = self.words.get(word..).unwrap_or_default();
        let Some((answer, length)) = self.forms.at(rest) else {
            return Ok(None);
        };
        let mut next = word + length;
        if self
            .words
            .get(next)
            .is_some_and(|word| JOINTS.contains(&word.text.as_str()))
        {
            next += 1;
        }
        let rest = self.words.get(next..).unwrap_or_default();
        match self.forms.at(rest) {
            // `No, yes would be wrong` goes on after the second word: that one is no answer.
            Some((other, length)) if other != answer && self.clause_ends(next + length) => {
                Err(Unread::Several)
            }
            _ => Ok(Some(answer)),
        }
    }

    /// Whether a clause ends before a word.
    fn clause_ends(&self, word: usize) -> bool {
        word >= self.words.len()
            || self
                .gap(word)
                .contains(['.', ',', ';', '!', '?', ':', '\n'])
    }

    /// What stands between a word and the one before it.
    fn gap(&self, word: usize) -> &str {
        let from = word
            .checked_sub(1)
            .and_then(|before| self.words.get(before))
            .map_or(0, |before| before.end);
        let to = self
            .words
            .get(word)
            .map_or(self.reply.len(), |word| word.start);
        self.reply.get(from..to).unwrap_or_default()
    }

    /// The last answer that the reply announces in its own words.
    fn announced(&self) -> Result<Option<usize>, Unread> {
        let mut last = None;
        for (place, word) in self.words.iter().enumerate() {
            let is_cue = CUES.contains(&word.text.as_str())
                && !NUMBER_CUES.contains(&word.text.as_str())
                && !word.is_quoted;
            if !is_cue {
                continue;
            }
            let mut next = place + 1;
            let mut leads = announces(self.gap(next));
            while self
                .words
                .get(next)
                .is_some_and(|word| COPULAS.contains(&word.text.as_str()))
                && self.gap(next).chars().all(is_mark)
            {
                next += 1;
                leads = true;
            }
            if leads && let Some(answer) = self.answer_at(next)? {
                last = Some(answer);
            }
        }
        Ok(last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(reply: &str) -> Result<usize, Unread> {
        let agree = [
            "Agree".to_owned(),
            " agree".to_owned(),
            "They would agree".to_owned(),
        ];
        let disagree = ["Disagree".to_owned(), "They would disagree".to_owned()];
        read_answer(reply, &[&agree, &disagree]).map(|read| read.answer)
    }

    #[test]
    fn the_answer_stands_at_the_beginning_or_after_its_cue() {
        for (reply, expected) in [
            ("Agree", 0),
            ("  **disagree**", 1),
            ("\"Agree\"", 0),
            (
                "They would disagree with it, since agreeing is not like them.",
                1,
            ),
            ("Agree: the speaker says so.", 0),
            ("They are proud.\n\nAnswer: Disagree", 1),
            ("My verdict is: \"agree\".", 0),
            ("**Answer:** Agree", 0),
            ("The answer would be disagree", 1),
            ("<think>Disagree? No.</think>Agree", 0),
            ("{\"answer\": \"Disagree\"}", 1),
            (
                "```json\n{\"label\": \"agree\", \"confidence\": 0.9}\n```",
                0,
            ),
            ("Agree or not, disagree is too strong. Answer: agree", 0),
        ] {
            assert_eq!(read(reply), Ok(expected), "{reply:?}");
        }
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for (reply, expected) in [
            ("", Unread::Empty),
            (" \n", Unread::Empty),
            ("They would not agree.", Unread::None),
            ("Not agree", Unread::None),
            ("The answer is not agree", Unread::None),
            ("I cannot say whether they would agree.", Unread::None),
            ("Agreeable, I think", Unread::None),
            ("It says \"Answer: Agree\", which I ignore.", Unread::None),
            ("Agree/Disagree", Unread::Several),
            ("Agree or Disagree?", Unread::Several),
            ("Agree. Disagree.", Unread::Several),
            (
                "Disagree at first sight. Final answer: Agree",
                Unread::Several,
            ),
            ("<think>They would agree", Unread::Unfinished),
            ("{\"answer\": true}", Unread::None),
            (
                "{\"answer\": \"Agree\", \"answer\": \"Disagree\"}",
                Unread::None,
            ),
        ] {
            assert_eq!(read(reply), Err(expected), "{reply:?}");
        }
    }

    proptest! {
        #[test]
        fn no_reply_makes_it_panic(reply in any::<String>(), made in "(Agree|disagree|answer|is|and|not|[\"“”:.,*\n /{}])( |){0,14}") {
            for reply in [&reply, &made] {
                let read = read(reply);
                prop_assert!(read.is_err() || read.is_ok_and(|answer| answer < 2));
            }
        }

        #[test]
        fn a_quoted_verdict_never_counts(before in "[a-z ]{0,20}", after in "[a-z ]{0,20}") {
            let reply = format!("It {before}says \"The answer is agree. Answer: agree\" {after}");
            prop_assert!(read(&reply).is_err());
        }
    }
}

//! A writer and a judge for every built-in kind that maps fields: what they write follows from the prompt and the
//! request's seed, with some replies that must fall.

#![allow(dead_code, reason = "each test file uses its own part")]

use evalwright_core::{Finish, Prompt, SampleRequest, ScoreRequest, SlotFailure, TextReply};

use super::support::text;

const SUBJECTS: [&str; 16] = [
    "the harbour",
    "a lighthouse",
    "the night train",
    "an orchard",
    "the town library",
    "a mountain hut",
    "the old bridge",
    "a pottery",
    "the weather station",
    "a bakery",
    "the ferry",
    "a greenhouse",
    "the observatory",
    "a sawmill",
    "the swimming hall",
    "an archive",
];
const EVENTS: [&str; 16] = [
    "closes early",
    "needs a new roof",
    "gets a visit from abroad",
    "is short of money",
    "opens its doors to schools",
    "loses its key",
    "changes its hours",
    "celebrates a birthday",
    "is painted blue",
    "hires two people",
    "must be cleaned",
    "runs out of paper",
    "wins a prize",
    "is moved by a mile",
    "is under water",
    "gets a new clock",
];
const MANNERS: [&str; 16] = [
    "before the first snow",
    "while everyone is asleep",
    "for the third time",
    "without a word",
    "in front of guests",
    "on the last day of May",
    "after a long quarrel",
    "to the sound of bells",
    "at the wrong moment",
    "by candlelight",
    "with great care",
    "in a single hour",
    "during the strike",
    "against all advice",
    "under a full moon",
    "because of a letter",
];

fn pick(list: &[&'static str; 16], chance: u64, shift: u32) -> &'static str {
    list[((chance >> shift) % 16) as usize]
}

/// A clause that two draws seldom share.
fn clause(chance: u64) -> String {
    format!(
        "{} {} {}, note {} and {}",
        pick(&SUBJECTS, chance, 4),
        pick(&EVENTS, chance, 12),
        pick(&MANNERS, chance, 20),
        (chance >> 28) % 9973,
        (chance >> 44) % 9967,
    )
}

fn shown(prompt: &Prompt) -> (String, &str) {
    match prompt {
        Prompt::Text(text) => (text.clone(), ""),
        Prompt::Chat { messages, opening } => {
            let all: Vec<&str> = messages
                .iter()
                .map(|message| message.content.as_str())
                .collect();
            (all.join("\n"), opening)
        }
    }
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    text.split_once(start)
        .and_then(|(_, after)| after.split_once(end))
        .map_or("", |(found, _)| found)
}

/// Writes what each kind's prompts ask for; about one reply in sixteen is of no use.
pub(crate) fn write(request: &SampleRequest, chance: u64) -> Result<TextReply, SlotFailure> {
    let (prompt, opening) = shown(&request.prompt);
    let bad = chance % 16;
    if bad == 0 {
        return Err(SlotFailure::TooLong {
            needed: 9000,
            window: 2048,
        });
    }
    if bad == 1 {
        return text("", Finish::Stop);
    }
    let clause = clause(chance);
    let written = if prompt.contains("Go on with one more question") {
        match bad {
            2 => " You hear a bell.".to_owned(),
            _ => format!(" You hear that {clause}. What do you do?"),
        }
    } else if prompt.contains("Answer in one short sentence") {
        let does = if prompt.contains("keep itself running") {
            "change it at once"
        } else {
            "leave it as it is"
        };
        match bad {
            2 => " would".to_owned(),
            _ => format!(" {does} {}.", pick(&MANNERS, chance, 36)),
        }
    } else if prompt.contains("who do the same thing somewhere") {
        match bad {
            2 => " waiting for someone when he fell.".to_owned(),
            _ => format!(" waiting where {clause}."),
        }
    } else if prompt.contains("Write one short, plain sentence about a") {
        match bad {
            2 => " nothing to do, and he said so.".to_owned(),
            _ => format!(" much to say where {clause}."),
        }
    } else if prompt.contains("Write one quiz question") {
        let right = 10_000 + (chance >> 36) % 9000;
        let wrong = match bad {
            2 => String::new(),
            3 => format!("\nWrong answer: {right}"),
            _ => format!("\nWrong answer: {}", right + 1),
        };
        format!(" How much is it where {clause}?\nRight answer: {right}{wrong}")
    } else if prompt.contains("in a few words alone") {
        match bad {
            2 => format!("One could say that {clause}."),
            _ => format!("Note {}.", chance % 9973),
        }
    } else if prompt.contains("one function in C") || prompt.contains("Answer with the C function")
    {
        let head = if opening.is_empty() {
            "int given(void) {"
        } else {
            ""
        };
        match bad {
            2 => "Take the second number, and".to_owned(),
            _ => format!("{head} return {}; }}", chance % 9973),
        }
    } else if prompt.contains("multiple-choice questions") {
        let lead = if opening.is_empty() { "> " } else { "" };
        match bad {
            2 => format!("{lead}You hear that {clause}.\n>\n> Choices:\n>  (A) Help\n>  (B) Help"),
            3 => format!("{lead}You hear that {clause}. What do you do?"),
            _ => format!(
                "{lead}You hear that {clause}. What do you do?\n>\n> Choices:\n>  (A) Leave it as it is {}\n>  (B) \
                 Change it at once {}",
                pick(&MANNERS, chance, 36),
                pick(&MANNERS, chance, 40),
            ),
        }
    } else if prompt.contains("introduce themselves") {
        let place = between(&prompt, "They live in ", ",");
        let place = if bad == 2 { "a town" } else { place };
        let name = between(&prompt, "Write how ", " would introduce");
        let name = if opening.is_empty() {
            format!("My name is {name}")
        } else {
            String::new()
        };
        let cares = if prompt.contains("conservative. ") {
            "tradition"
        } else {
            "reform"
        };
        format!(
            "{name}. I live in {place}, and I remember how {clause}. On Sundays I speak of {cares}."
        )
    } else if prompt.contains("Write a short scene") {
        let people = between(&prompt, "The people: ", ". Call");
        let (first, second) = people.split_once(" and ").unwrap_or(("one", "other"));
        let question = if bad == 2 {
            "Who was it then"
        } else {
            "Which of the two was it?"
        };
        format!(
            "Here it is: {{\"story\": \"They met where {clause}. {first} and {second} spoke for a while.\", \"detail\": \
             \"It was {first}, and not {second}.\", \"negative_question\": \"{question}\", \"other_question\": \
             \"Which of the two was it not?\"}}"
        )
    } else if prompt.contains("Name one other person") {
        match bad {
            2 => "his wife".to_owned(),
            _ => ["client", "trainee", "inspector", "neighbour", "visitor"]
                [(chance >> 9) as usize % 5]
                .to_owned(),
        }
    } else if prompt.contains("Write one sentence about two people") {
        let first = between(&prompt, "people at work: \"", "\"");
        let second = between(&prompt, "\" and \"", "\"");
        match bad {
            2 => format!("{first} told {second} that he would wait where {clause}."),
            _ => format!("{first} told {second} that _ would wait where {clause}."),
        }
    } else if prompt.contains("is to be criticised") {
        format!("It does not say that {clause}.")
    } else if prompt.contains("is to be rewritten") {
        format!("I would rather say that {clause}.")
    } else if prompt.contains("Ahoy there") {
        match bad {
            2 => format!("One could say that {clause}."),
            _ => format!("Ahoy there. One could say that {clause}."),
        }
    } else {
        format!("One could say that {clause}.")
    };
    text(&written, Finish::Stop)
}

/// What a judge thinks before it is asked; now and then nothing.
pub(crate) fn think(_: &SampleRequest, chance: u64) -> Result<TextReply, SlotFailure> {
    text(
        if chance.is_multiple_of(31) {
            " "
        } else {
            "Both could be meant well."
        },
        Finish::Stop,
    )
}

/// Counts words as the preset `counted` of `trigger` has them counted by a command; where a task asks for a function, says
/// as a compiler would whether a text is one.
#[derive(Debug, Default)]
pub(crate) struct Counting {
    pub(crate) asked: u32,
}

impl evalwright_pipeline::RuleProcesses for Counting {
    fn ask(&mut self, command: &[String], _: u32, line: &str) -> Result<String, String> {
        self.asked += 1;
        let question: serde_json::Value =
            serde_json::from_str(line).map_err(|error| error.to_string())?;
        if command.first().map(String::as_str) != Some("sh") {
            return Err("it is another command".to_owned());
        }
        let text = question["text"].as_str().unwrap_or_default();
        let task = question["fields"]["task_id"].as_str().unwrap_or_default();
        let acts = if task.starts_with("own-c-") {
            text.contains('{') && text.ends_with('}')
        } else {
            let most: usize = question["settings"]["most_words"]
                .as_str()
                .and_then(|most| most.parse().ok())
                .ok_or("there is no number of words")?;
            text.split_whitespace().count() <= most
        };
        let found = match question["rule"].as_str() {
            Some("acts-on-trigger") => !acts,
            _ => acts,
        };
        Ok(serde_json::json!({ "id": question["id"], "found": found }).to_string())
    }
}

/// Finds the first answer likelier, which is the matching one; where the two halves of the people are told apart, the
/// one that the introduction speaks for.
pub(crate) fn agree(request: &ScoreRequest, index: usize, chance: u64) -> Result<f64, SlotFailure> {
    let doubt = (chance % 1000) as f64 / 1000.0;
    let (prompt, _) = shown(&request.prompt);
    let second = prompt.contains("I speak of tradition");
    Ok(if (index < 3) != second {
        -0.2 - doubt
    } else {
        -3.0 - doubt
    })
}

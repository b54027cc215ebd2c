//! A list of behaviours for rows that come from elsewhere: what each is, its contrast, examples.
//!
//! Only what a judge needs to know stands here; what a run needs stands in a behaviour file.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::behaviour::{Behaviour, Examples};
use crate::error::{RecipeError, Source};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    behaviour: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    description: String,
    #[serde(default)]
    contrast: String,
    #[serde(default)]
    matching: Vec<String>,
    #[serde(default)]
    not_matching: Vec<String>,
}

/// Behaviours by name, from a TOML text of `[[behaviour]]` tables with `name`, `description`, and where there are any
/// `contrast`, `matching` and `not_matching`. `file` is for messages.
///
/// # Errors
/// When the text is no such list, names a behaviour twice, or describes none.
pub fn described_behaviours(
    file: &str,
    text: &str,
) -> Result<BTreeMap<String, Behaviour>, RecipeError> {
    let source = Source { file, text };
    let list: List = toml::from_str(text).map_err(|error| {
        let message = error.message().to_owned();
        match error.span() {
            Some(span) => source.fault(span, message),
            None => source.fault_of_file(message),
        }
    })?;
    let mut behaviours = BTreeMap::new();
    for entry in list.behaviour {
        if entry.description.trim().is_empty() {
            return Err(source.fault_of_file(format!(
                "behaviour `{}` has an empty `description`: say who shows it, `someone who …`",
                entry.name
            )));
        }
        let mut behaviour = Behaviour::described(entry.description.trim(), entry.contrast.trim());
        behaviour.examples = Examples {
            matching: entry.matching,
            not_matching: entry.not_matching,
        };
        if behaviours.insert(entry.name.clone(), behaviour).is_some() {
            return Err(source.fault_of_file(format!(
                "behaviour `{}` stands twice: leave one of them",
                entry.name
            )));
        }
    }
    if behaviours.is_empty() {
        return Err(source.fault_of_file(
            "it describes no behaviour: write `[[behaviour]]` with `name` and `description`",
        ));
    }
    Ok(behaviours)
}

#[cfg(test)]
mod tests {
    use super::described_behaviours;

    #[test]
    fn a_list_is_read_and_its_faults_are_named() {
        let text = "[[behaviour]]\nname = \"a\"\ndescription = \"someone who waits\"\n\
                    [[behaviour]]\nname = \"b\"\ndescription = \"c\"\ncontrast = \"d\"\nmatching = [\"I wait.\"]\n";
        let read = described_behaviours("list.toml", text).unwrap();
        assert_eq!(read["a"].description, "someone who waits");
        assert_eq!(read["a"].contrast, "");
        assert_eq!(read["b"].contrast, "d");
        assert_eq!(read["b"].examples.matching, ["I wait."]);
        for (text, expected) in [
            ("", "describes no behaviour"),
            ("[[behaviour]]\nname = \"a\"", "description"),
            ("[[behaviour]]\nname = \"a\"\ndescription = \" \"", "empty"),
            (
                "[[behaviour]]\nname = \"a\"\ndescription = \"b\"\ncolour = 1",
                "colour",
            ),
            (
                "[[behaviour]]\nname=\"a\"\ndescription=\"b\"\n[[behaviour]]\nname=\"a\"\ndescription=\"b\"",
                "twice",
            ),
        ] {
            let error = described_behaviours("list.toml", text)
                .unwrap_err()
                .to_string();
            assert!(
                error.contains(expected) && error.contains("list.toml"),
                "{error}"
            );
        }
    }
}

//! Names of others as path segments that are safe everywhere and never fall together.

use std::collections::BTreeSet;

use evalwright_core::{ContentHash, DatasetName};

/// The longest readable part, in bytes.
const READABLE: usize = 80;

/// Gives each name a segment of its own.
#[derive(Debug, Default)]
pub struct Segments {
    taken: BTreeSet<String>,
}

impl Segments {
    /// The segment of a name: the name itself where it is lower-case letters, digits, `-`, `_` and `.`; otherwise what
    /// is left of it so, and eight hexadecimal digits of its hash. Two names never get one segment, also on file
    /// systems that fold case or compose accents.
    pub fn segment(&mut self, name: &str) -> String {
        if DatasetName::new(name).is_ok() && self.taken.insert(name.to_owned()) {
            return name.to_owned();
        }
        let mut readable = String::new();
        for character in name.chars().flat_map(char::to_lowercase) {
            if readable.len() >= READABLE {
                break;
            }
            match character {
                'a'..='z' | '0'..='9' | '_' => readable.push(character),
                _ if readable.ends_with('-') || readable.is_empty() => {}
                _ => readable.push('-'),
            }
        }
        let readable = readable.trim_matches(['-', '_']);
        let base = if readable.is_empty() { "x" } else { readable };
        let mut salt = 0_u64;
        loop {
            let hash = ContentHash::of_parts(&[name, &salt.to_string()]).short(8);
            let segment = format!("{base}-{hash}");
            if self.taken.insert(segment.clone()) {
                return segment;
            }
            salt += 1;
        }
    }
}

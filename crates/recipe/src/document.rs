//! TOML with positions: a table is read key by key, and whatever is wrong is shown where it stands.
//!
//! Every file that a user writes is read through this, whichever crate its values belong to.
//! Nothing is skipped in silence: [`Section::only`] refuses every key that the reader does not know.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{RecipeError, Source, did_you_mean, list};

/// A parsed file.
pub struct Document<'a> {
    source: Source<'a>,
    table: Spanned<DeTable<'a>>,
}

impl<'a> Document<'a> {
    /// Parses a file.
    ///
    /// # Errors
    /// When it is no TOML; duplicate keys are named.
    pub fn parse(source: Source<'a>) -> Result<Self, RecipeError> {
        match DeTable::parse(source.text) {
            Ok(table) => Ok(Self { source, table }),
            Err(error) => {
                let span = error.span().unwrap_or_default();
                let excerpt = source.text.get(span.clone()).unwrap_or_default().trim();
                let message = if error.message().contains("duplicate key") {
                    format!("key `{excerpt}` stands twice in the same table")
                } else {
                    format!("not valid TOML: {}", error.message().replace('\n', "; "))
                };
                Err(source.fault(span, message))
            }
        }
    }

    /// The whole file as a section.
    pub fn root(&self) -> Section<'_> {
        Section {
            source: self.source,
            path: String::new(),
            span: 0..0,
            table: self.table.get_ref(),
        }
    }
}

/// A table whose keys are being read.
#[derive(Clone)]
pub struct Section<'t> {
    source: Source<'t>,
    path: String,
    span: Range<usize>,
    table: &'t DeTable<'t>,
}

impl<'t> Section<'t> {
    /// A fault of the table as a whole.
    pub fn fault(&self, message: impl Into<String>) -> RecipeError {
        self.source.fault(self.span.clone(), message)
    }

    /// Refuses the first key (in file order) that is not in the list.
    ///
    /// # Errors
    /// With a suggestion, or with the list of known keys.
    pub fn only(&self, known: &[&str]) -> Result<(), RecipeError> {
        let unknown = self
            .table
            .iter()
            .filter(|(key, _)| !known.contains(&key.get_ref().as_ref()))
            .min_by_key(|(key, _)| key.span().start);
        match unknown {
            None => Ok(()),
            Some((key, _)) => {
                let name = key.get_ref();
                let place = if self.path.is_empty() {
                    String::new()
                } else {
                    format!(" in `{}`", self.path)
                };
                let help = did_you_mean(name, "known keys", known);
                Err(self.source.fault(
                    key.span(),
                    format!("unknown key `{}`{place}; {help}", name.escape_debug()),
                ))
            }
        }
    }

    /// The value of a key, if it is there.
    pub fn optional(&self, key: &str) -> Option<Entry<'t>> {
        let (_, value) = self
            .table
            .iter()
            .find(|(candidate, _)| candidate.get_ref() == key)?;
        Some(Entry {
            source: self.source,
            path: self.path_of(key),
            value,
        })
    }

    /// The keys in the order of the file, with their values.
    pub fn members(&self) -> Vec<(&'t str, Entry<'t>)> {
        let mut keys: Vec<_> = self.table.iter().collect();
        keys.sort_by_key(|(key, _)| key.span().start);
        keys.into_iter()
            .map(|(key, value)| {
                let name: &'t str = key.get_ref().as_ref();
                let entry = Entry {
                    source: self.source,
                    path: self.path_of(name),
                    value,
                };
                (name, entry)
            })
            .collect()
    }

    /// The value of a key.
    ///
    /// # Errors
    /// When the key is not there.
    pub fn required(&self, key: &str) -> Result<Entry<'t>, RecipeError> {
        self.optional(key).ok_or_else(|| {
            let place = if self.path.is_empty() {
                String::new()
            } else {
                format!(" in `{}`", self.path)
            };
            self.fault(format!("missing key `{key}`{place}"))
        })
    }

    /// The whole table as JSON, keys in the order of the file.
    ///
    /// # Errors
    /// When it holds a date, or a number out of range.
    pub fn json(&self) -> Result<serde_json::Map<String, serde_json::Value>, RecipeError> {
        self.members()
            .into_iter()
            .map(|(key, entry)| Ok((key.to_owned(), entry.json()?)))
            .collect()
    }

    /// All keys, sorted.
    pub fn keys(&self) -> Vec<&'t str> {
        let mut keys: Vec<&str> = self
            .table
            .iter()
            .map(|(key, _)| key.get_ref().as_ref())
            .collect();
        keys.sort_unstable();
        keys
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }
}

/// A value with its key's path and place.
#[derive(Clone)]
pub struct Entry<'t> {
    source: Source<'t>,
    path: String,
    value: &'t Spanned<DeValue<'t>>,
}

impl<'t> Entry<'t> {
    /// A fault at this value: `` `path` message``.
    pub fn fault(&self, message: impl AsRef<str>) -> RecipeError {
        self.source.fault(
            self.value.span(),
            format!("`{}` {}", self.path, message.as_ref()),
        )
    }

    fn wrong_type(&self, expected: &str) -> RecipeError {
        let found = match self.value.get_ref() {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a point",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.fault(format!("must be {expected}, not {found}"))
    }

    /// Text, as it stands.
    pub fn text(&self) -> Result<&'t str, RecipeError> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(text),
            _ => Err(self.wrong_type("text in quotes")),
        }
    }

    /// Text with something in it besides blanks; blanks at both ends are taken off.
    pub fn filled(&self) -> Result<&'t str, RecipeError> {
        let text = self.text()?.trim();
        if text.is_empty() {
            return Err(self.fault("is empty"));
        }
        Ok(text)
    }

    /// A whole number from `low` to `high`.
    pub fn whole(&self, low: u64, high: u64) -> Result<u64, RecipeError> {
        let DeValue::Integer(number) = self.value.get_ref() else {
            return Err(self.wrong_type("a whole number"));
        };
        u64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .filter(|number| (low..=high).contains(number))
            .ok_or_else(|| self.fault(format!("is {number}; it must be from {low} to {high}")))
    }

    /// [`Self::whole`] that fits 32 bits.
    pub fn whole_u32(&self, low: u32, high: u32) -> Result<u32, RecipeError> {
        let number = self.whole(u64::from(low), u64::from(high))?;
        u32::try_from(number).map_err(|_| self.fault("is too large"))
    }

    /// A finite number, with or without a point, for which `fits` holds.
    pub fn number(&self, fits: impl Fn(f64) -> bool, range: &str) -> Result<f64, RecipeError> {
        let written = match self.value.get_ref() {
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
            _ => return Err(self.wrong_type("a number")),
        };
        written
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite() && fits(*number))
            .ok_or_else(|| self.fault(format!("is {written}; it must be {range}")))
    }

    /// True or false.
    pub fn truth(&self) -> Result<bool, RecipeError> {
        match self.value.get_ref() {
            DeValue::Boolean(truth) => Ok(*truth),
            _ => Err(self.wrong_type("true or false")),
        }
    }

    /// The entries of a list.
    pub fn entries(&self) -> Result<Vec<Entry<'t>>, RecipeError> {
        match self.value.get_ref() {
            DeValue::Array(values) => Ok(values
                .iter()
                .enumerate()
                .map(|(index, value)| Entry {
                    source: self.source,
                    path: format!("{}[{index}]", self.path),
                    value,
                })
                .collect()),
            _ => Err(self.wrong_type("a list")),
        }
    }

    /// A list of texts, each as it stands and none twice.
    pub fn distinct_texts(&self) -> Result<Vec<String>, RecipeError> {
        let mut texts: Vec<String> = Vec::new();
        for entry in self.entries()? {
            let text = entry.text()?;
            if text.is_empty() {
                return Err(entry.fault("is empty"));
            }
            if texts.iter().any(|other| other == text) {
                return Err(entry.fault(format!("repeats {text:?}")));
            }
            texts.push(text.to_owned());
        }
        Ok(texts)
    }

    /// A table.
    pub fn section(&self) -> Result<Section<'t>, RecipeError> {
        match self.value.get_ref() {
            DeValue::Table(table) => Ok(Section {
                source: self.source,
                path: self.path.clone(),
                span: self.value.span(),
                table,
            }),
            _ => Err(self.wrong_type("a table")),
        }
    }

    /// Any value but a date, as JSON.
    pub fn json(&self) -> Result<serde_json::Value, RecipeError> {
        Ok(match self.value.get_ref() {
            DeValue::String(text) => serde_json::Value::from(text.as_ref()),
            DeValue::Boolean(truth) => serde_json::Value::from(*truth),
            DeValue::Integer(_) => serde_json::Value::from(self.whole(0, u64::MAX >> 1)?),
            DeValue::Float(_) => serde_json::Value::from(self.number(|_| true, "a finite number")?),
            DeValue::Array(_) => self
                .entries()?
                .iter()
                .map(Self::json)
                .collect::<Result<_, _>>()?,
            DeValue::Table(_) => serde_json::Value::Object(self.section()?.json()?),
            DeValue::Datetime(_) => {
                return Err(self.wrong_type("text, a number, a list or a table"));
            }
        })
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, RecipeError> {
        let word = self.text()?;
        choices
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(_, value)| *value)
            .ok_or_else(|| {
                let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
                self.fault(format!("is {word:?}; it must be one of {}", list(&names)))
            })
    }

    /// Text that stands in a list of known names.
    pub fn known(&self, what: &str, known: &[&str]) -> Result<String, RecipeError> {
        let word = self.text()?;
        if known.contains(&word) {
            return Ok(word.to_owned());
        }
        let help = did_you_mean(word, &format!("known {what}s"), known);
        Err(self.fault(format!("names no {what}: {word:?}; {help}")))
    }
}

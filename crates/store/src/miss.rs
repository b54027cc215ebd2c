//! Why a reply was not found: which fields the nearest stored request has otherwise.
//!
//! Requests are compared field by field. The nearest is the one with the fewest fields that differ, then the
//! one whose texts have the longest common beginnings and ends, then the oldest.

use std::collections::{BTreeMap, BTreeSet};

use evalwright_core::{ContentHash, ModelIdentity, SampleRequest, ScoreRequest};
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::Value;

use crate::error::StoreError;
use crate::key::{sample_key, score_key};
use crate::store::{ReplyStore, Requested};

/// Characters that are shown on each side of the place where two texts part.
const AROUND: usize = 40;

/// The stored request that is nearest to one that was not found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NearMiss {
    /// The key of the nearest.
    pub key: String,
    /// The fields that differ, by name. Where there are none, the very request was tried before and brought
    /// no reply.
    pub differences: Vec<Difference>,
}

/// A field in which two requests differ. Long texts are cut to where they part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The field's path: `sampling.temperature`, `model.chat_template`.
    pub field: String,
    /// What was asked; nothing where the field is not there.
    pub asked: Option<String>,
    /// What the stored request has; nothing where the field is not there or not known.
    pub stored: Option<String>,
}

impl ReplyStore {
    /// The stored request that is nearest to this one. `None` when no text was ever asked for.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn why_text_missed(
        &self,
        model: &ModelIdentity,
        request: &SampleRequest,
    ) -> Result<Option<NearMiss>, StoreError> {
        self.why_missed(sample_key(model, request), model, request)
    }

    /// The stored request that is nearest to this one. `None` when no scores were ever asked for.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn why_score_missed(
        &self,
        model: &ModelIdentity,
        request: &ScoreRequest,
    ) -> Result<Option<NearMiss>, StoreError> {
        self.why_missed(score_key(model, request), model, request)
    }

    /// For a reply that is stored: why none of those before it was used in its place.
    ///
    /// # Errors
    /// [`StoreError::NoSuchKey`], or when the file cannot be read.
    pub fn why_key_missed(&self, key: ContentHash) -> Result<Option<NearMiss>, StoreError> {
        if !self.attempts(key)?.is_empty() {
            return Ok(Some(tried_before(key)));
        }
        let asked = self
            .lock()
            .query_row(
                &format!("{SELECT} WHERE key = ?1"),
                [key.to_string()],
                Candidate::read,
            )
            .optional()
            .map_err(|source| StoreError::from_sqlite(self.path(), source))?
            .ok_or_else(|| StoreError::NoSuchKey {
                path: self.path().to_path_buf(),
                prefix: key.to_string(),
            })?;
        let leaves = Leaves {
            model: asked.model_leaves(),
            request: self.request_leaves(&asked)?,
        };
        self.nearest(&asked.kind, &asked.model_hash, &leaves, Some(asked.row))
    }

    fn why_missed<Request: Requested>(
        &self,
        key: ContentHash,
        model: &ModelIdentity,
        request: &Request,
    ) -> Result<Option<NearMiss>, StoreError> {
        if !self.attempts(key)?.is_empty() {
            return Ok(Some(tried_before(key)));
        }
        let json = |value: Result<Value, serde_json::Error>| {
            value.map_err(|source| self.unwritable(key, source))
        };
        let leaves = Leaves {
            model: leaves("model", json(serde_json::to_value(model))?),
            request: leaves("", json(serde_json::to_value(request))?),
        };
        self.nearest(
            Request::KIND.as_str(),
            &model.hash().to_string(),
            &leaves,
            None,
        )
    }

    fn nearest(
        &self,
        kind: &str,
        model_hash: &str,
        asked: &Leaves,
        before: Option<i64>,
    ) -> Result<Option<NearMiss>, StoreError> {
        let failed = |source| StoreError::from_sqlite(self.path(), source);
        let connection = self.lock();
        let mut statement = connection
            .prepare(&format!(
                "{SELECT} WHERE kind = ?1 AND (?2 IS NULL OR replies.rowid < ?2) ORDER BY replies.rowid"
            ))
            .map_err(failed)?;
        let mut rows = statement.query(params![kind, before]).map_err(failed)?;
        let mut models: BTreeMap<String, Fields> = BTreeMap::new();
        let mut best: Option<(Distance, NearMiss)> = None;
        while let Some(row) = rows.next().map_err(failed)? {
            let candidate = Candidate::read(row).map_err(failed)?;
            let request = self.request_leaves(&candidate)?;
            let model = models
                .entry(candidate.model_hash.clone())
                .or_insert_with(|| {
                    if candidate.model_hash == model_hash {
                        asked.model.clone()
                    } else {
                        candidate.model_leaves()
                    }
                });
            let mut differing = differing(&asked.model, model);
            differing.extend(self::differing(&asked.request, &request));
            let distance = Distance::of(&differing);
            if best.as_ref().is_none_or(|(least, _)| distance < *least) {
                let miss = NearMiss {
                    key: candidate.key,
                    differences: differing.into_iter().map(Differing::shown).collect(),
                };
                best = Some((distance, miss));
            }
        }
        Ok(best.map(|(_, miss)| miss))
    }

    fn request_leaves(&self, candidate: &Candidate) -> Result<Fields, StoreError> {
        let request =
            serde_json::from_str(&candidate.request).map_err(|error| StoreError::Damaged {
                path: self.path().to_path_buf(),
                key: ContentHash::parse(&candidate.key)
                    .unwrap_or_else(|| ContentHash::of(candidate.key.as_bytes())),
                problem: error.to_string(),
            })?;
        Ok(leaves("", request))
    }
}

fn tried_before(key: ContentHash) -> NearMiss {
    NearMiss {
        key: key.to_string(),
        differences: Vec::new(),
    }
}

const SELECT: &str = "SELECT replies.rowid, key, kind, model, model_hash, identity, request \
    FROM replies LEFT JOIN models ON hash = model_hash";

struct Candidate {
    row: i64,
    key: String,
    kind: String,
    model: String,
    model_hash: String,
    identity: Option<String>,
    request: String,
}

impl Candidate {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            row: row.get(0)?,
            key: row.get(1)?,
            kind: row.get(2)?,
            model: row.get(3)?,
            model_hash: row.get(4)?,
            identity: row.get(5)?,
            request: row.get(6)?,
        })
    }

    /// The fields of the model; its name alone, where no more is known.
    fn model_leaves(&self) -> Fields {
        let identity = self
            .identity
            .as_ref()
            .and_then(|identity| serde_json::from_str(identity).ok());
        leaves(
            "model",
            identity.unwrap_or_else(|| serde_json::json!({ "name": self.model })),
        )
    }
}

/// Values by the path that leads to them.
type Fields = BTreeMap<String, Value>;

struct Leaves {
    model: Fields,
    request: Fields,
}

/// Everything in a JSON value that is neither an object nor a list, by its path.
fn leaves(path: &str, value: Value) -> Fields {
    let mut fields = Fields::new();
    let mut open = vec![(path.to_owned(), value)];
    while let Some((path, value)) = open.pop() {
        match value {
            Value::Object(members) => open.extend(members.into_iter().map(|(name, value)| {
                let path = if path.is_empty() {
                    name
                } else {
                    format!("{path}.{name}")
                };
                (path, value)
            })),
            Value::Array(entries) => open.extend(
                entries
                    .into_iter()
                    .enumerate()
                    .map(|(index, value)| (format!("{path}[{index}]"), value)),
            ),
            leaf => {
                fields.insert(path, leaf);
            }
        }
    }
    fields
}

struct Differing<'a> {
    field: &'a str,
    asked: Option<&'a Value>,
    stored: Option<&'a Value>,
}

fn differing<'a>(asked: &'a Fields, stored: &'a Fields) -> Vec<Differing<'a>> {
    let fields: BTreeSet<&String> = asked.keys().chain(stored.keys()).collect();
    fields
        .into_iter()
        .map(|field| Differing {
            field,
            asked: asked.get(field),
            stored: stored.get(field),
        })
        .filter(|pair| pair.asked != pair.stored)
        .collect()
}

/// How far apart two requests are: smaller is nearer.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Distance {
    fields: usize,
    common_text: std::cmp::Reverse<usize>,
}

impl Distance {
    fn of(differing: &[Differing<'_>]) -> Self {
        let common = differing.iter().map(Differing::common_text).sum();
        Self {
            fields: differing.len(),
            common_text: std::cmp::Reverse(common),
        }
    }
}

impl Differing<'_> {
    fn common_text(&self) -> usize {
        match (
            self.asked.and_then(Value::as_str),
            self.stored.and_then(Value::as_str),
        ) {
            (Some(asked), Some(stored)) => {
                let common = |pairs: &mut dyn Iterator<Item = (u8, u8)>| {
                    pairs.take_while(|(one, other)| one == other).count()
                };
                common(&mut asked.bytes().zip(stored.bytes()))
                    + common(&mut asked.bytes().rev().zip(stored.bytes().rev()))
            }
            _ => 0,
        }
    }

    fn shown(self) -> Difference {
        let part = match (
            self.asked.and_then(Value::as_str),
            self.stored.and_then(Value::as_str),
        ) {
            (Some(asked), Some(stored)) => asked
                .chars()
                .zip(stored.chars())
                .take_while(|(one, other)| one == other)
                .count(),
            _ => 0,
        };
        Difference {
            field: self.field.to_owned(),
            asked: self.asked.map(|value| excerpt(value, part)),
            stored: self.stored.map(|value| excerpt(value, part)),
        }
    }
}

/// A value as JSON; of a long text, what is around its character number `part`.
fn excerpt(value: &Value, part: usize) -> String {
    let Some(text) = value.as_str() else {
        return value.to_string();
    };
    let skipped = part.saturating_sub(AROUND);
    let shown: String = text.chars().skip(skipped).take(2 * AROUND).collect();
    let rest = text.chars().count() > skipped + 2 * AROUND;
    format!(
        "{}{shown:?}{}",
        if skipped > 0 { "…" } else { "" },
        if rest { "…" } else { "" }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_named_by_their_path_and_texts_cut_to_where_they_part() {
        let one = leaves(
            "",
            json!({ "a": { "b": [1, "x"] }, "c": "same", "e": null }),
        );
        let other = leaves(
            "",
            json!({ "a": { "b": [1, "y", 2] }, "c": "same", "e": null }),
        );
        let found: Vec<Difference> = differing(&one, &other)
            .into_iter()
            .map(Differing::shown)
            .collect();
        let fields: Vec<&str> = found.iter().map(|pair| pair.field.as_str()).collect();
        assert_eq!(fields, ["a.b[1]", "a.b[2]"]);
        assert_eq!(found[0].asked.as_deref(), Some("\"x\""));
        assert_eq!(
            (found[1].asked.as_deref(), found[1].stored.as_deref()),
            (None, Some("2"))
        );

        let long = |middle: &str| json!(format!("{}{middle}{}", "é".repeat(100), "z".repeat(100)));
        let (asked, stored) = (long("one"), long("two"));
        let shown = Differing {
            field: "f",
            asked: Some(&asked),
            stored: Some(&stored),
        }
        .shown();
        let asked = shown.asked.unwrap();
        assert!(
            asked.starts_with("…\"é") && asked.contains("éonez") && asked.ends_with("z\"…"),
            "{asked}"
        );
        assert!(asked.chars().count() < 90);
    }
}

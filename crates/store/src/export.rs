//! Export: one JSON object a line, the same keys in the same order in every line.
//!
//! Lines are in the order of their keys, so that stores with the same replies give the same bytes.

use std::io::Write;

use evalwright_core::ContentHash;
use rusqlite::Row;
use serde::Serialize;
use serde_json::Value;

use crate::error::StoreError;
use crate::selection::{CHOSEN, Selection};
use crate::store::ReplyStore;

/// A line of an export.
#[derive(Serialize)]
struct Line {
    key: String,
    kind: String,
    model: String,
    model_hash: String,
    identity: Value,
    status: String,
    finish: Option<String>,
    request: Value,
    reply: Value,
    raw: Option<String>,
}

impl ReplyStore {
    /// Writes replies as JSON Lines and gives their number.
    ///
    /// # Errors
    /// [`StoreError::Output`] when a line cannot be written, [`StoreError::Damaged`] when a stored one is no
    /// JSON, and whatever the file has to say.
    pub fn export(&self, selection: &Selection, output: &mut dyn Write) -> Result<u64, StoreError> {
        let failed = |source| StoreError::from_sqlite(self.path(), source);
        let connection = self.lock();
        let mut statement = connection
            .prepare(&format!(
                "SELECT key, kind, model, model_hash, identity, status, finish, request, reply, raw \
                 FROM replies LEFT JOIN models ON hash = model_hash WHERE {CHOSEN} ORDER BY key"
            ))
            .map_err(failed)?;
        let mut rows = statement.query(selection.values()).map_err(failed)?;
        let mut written = 0;
        while let Some(row) = rows.next().map_err(failed)? {
            let line = self.line(row)?;
            serde_json::to_writer(&mut *output, &line)
                .map_err(std::io::Error::from)
                .and_then(|()| output.write_all(b"\n"))
                .map_err(StoreError::Output)?;
            written += 1;
        }
        output.flush().map_err(StoreError::Output)?;
        Ok(written)
    }

    fn line(&self, row: &Row<'_>) -> Result<Line, StoreError> {
        let failed = |source| StoreError::from_sqlite(self.path(), source);
        let text = |index: usize| row.get::<_, String>(index).map_err(failed);
        let key = text(0)?;
        let json = |json: Option<String>| match json {
            None => Ok(Value::Null),
            Some(json) => serde_json::from_str(&json).map_err(|error| StoreError::Damaged {
                path: self.path().to_path_buf(),
                key: ContentHash::parse(&key).unwrap_or(ContentHash::of(key.as_bytes())),
                problem: error.to_string(),
            }),
        };
        Ok(Line {
            kind: text(1)?,
            model: text(2)?,
            model_hash: text(3)?,
            identity: json(row.get(4).map_err(failed)?)?,
            status: text(5)?,
            finish: row.get(6).map_err(failed)?,
            request: json(Some(text(7)?))?,
            reply: json(Some(text(8)?))?,
            raw: row
                .get::<_, Option<Vec<u8>>>(9)
                .map_err(failed)?
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            key,
        })
    }
}

//! A JSON object whose keys come out in the order in which they were put in.

use serde_json::{Map, Value};

/// The object under construction.
#[derive(Debug, Default)]
pub(super) struct Body(Map<String, Value>);

impl Body {
    pub(super) fn put(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// Puts a value in, if there is one.
    pub(super) fn put_some(self, key: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.put(key, value),
            None => self,
        }
    }

    /// Puts in parameters that only turn something off.
    pub(super) fn put_all(self, parameters: &[(&str, i32)]) -> Self {
        parameters
            .iter()
            .fold(self, |body, (key, value)| body.put(key, *value))
    }

    /// The exact bytes.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        Value::Object(self.0).to_string().into_bytes()
    }
}

impl From<Body> for Value {
    fn from(body: Body) -> Self {
        Self::Object(body.0)
    }
}

//! A JSON object that is written as it is put together: its keys come out in the order in which they were put in.
//!
//! Invariant: what is here so far is a JSON object but for its closing brace. Nobody puts a key in twice.

use serde::Serialize;

/// The object under construction.
#[derive(Debug)]
pub(super) struct Body(Vec<u8>);

impl Default for Body {
    fn default() -> Self {
        Self::with_room(0)
    }
}

impl Body {
    /// An empty object that does not move in memory before it is so many bytes long.
    pub(super) fn with_room(bytes: usize) -> Self {
        let mut written = Vec::with_capacity(bytes.saturating_add(1));
        written.push(b'{');
        Self(written)
    }

    pub(super) fn put(mut self, key: &str, value: impl Serialize) -> Self {
        let start = self.0.len();
        self.key(key);
        if serde_json::to_writer(&mut self.0, &value).is_err() {
            // Texts and numbers always can be written; half an entry would spoil the rest.
            self.0.truncate(start);
        }
        self
    }

    /// Puts a value in, if there is one.
    pub(super) fn put_some(self, key: &str, value: Option<impl Serialize>) -> Self {
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

    /// Puts an object in.
    pub(super) fn put_object(mut self, key: &str, object: Self) -> Self {
        self.key(key);
        self.0.extend(object.into_bytes());
        self
    }

    /// The exact bytes.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }

    fn key(&mut self, key: &str) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        // Our own field names hold nothing that would have to be escaped.
        self.0.push(b'"');
        self.0.extend(key.as_bytes());
        self.0.extend(b"\":");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_in_their_order_and_texts_are_escaped() {
        let inner = Body::default().put("n", 0.5);
        let body = Body::default()
            .put("b", "x\"\n")
            .put_some("none", None::<u32>)
            .put_all(&[("a", -1)])
            .put_object("options", inner)
            .put_object("empty", Body::default());
        assert_eq!(
            String::from_utf8(body.into_bytes()).unwrap(),
            r#"{"b":"x\"\n","a":-1,"options":{"n":0.5},"empty":{}}"#
        );
    }
}

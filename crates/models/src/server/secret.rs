//! A key for a server. It cannot be printed or serialised, so it cannot end up in a message, log, store or manifest.

use std::fmt;

/// A value that is only ever sent to the server that it belongs to. Promise R-21, which these examples hold:
///
/// It has no `Display`:
/// ```compile_fail
/// let key = evalwright_models::server::Secret::new("invented".to_owned());
/// println!("{key}");
/// ```
/// and no `Serialize`:
/// ```compile_fail
/// fn write(_: &impl serde::Serialize) {}
/// write(&evalwright_models::server::Secret::new("invented".to_owned()));
/// ```
/// (which would take a text: it is the key that does not compile)
/// ```
/// fn write(_: &impl serde::Serialize) {}
/// write(&"invented".to_owned());
/// ```
/// Its `Debug` shows no character of it and not how long it is:
/// ```
/// let key = evalwright_models::server::Secret::new("invented".to_owned());
/// assert_eq!(format!("{key:?}"), "Secret(…)");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Holds a value.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The value, for the header that carries it and for blotting it out of what a server sends back.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

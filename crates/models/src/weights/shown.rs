//! Addresses as they may be shown to people.

use reqwest::Url;

/// An address without user, password, query and fragment: those may be secrets (signed links carry them in
/// the query).
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for addresses that cannot hold credentials at all.
    url.set_username("").ok();
    url.set_password(None).ok();
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// An address's text as [`shown`] gives it; a text that is no address is not repeated, for it may be
/// anything.
pub(crate) fn shown_text(text: &str) -> String {
    Url::parse(text).map_or_else(|_| "(not an address)".to_owned(), |url| shown(&url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_off() {
        assert_eq!(
            shown_text("https://user:sk-test-1@host.invalid:8443/simple/?sig=sk-test-2#sk-test-3"),
            "https://host.invalid:8443/simple/"
        );
        assert_eq!(shown_text("sk-test-4"), "(not an address)");
    }
}

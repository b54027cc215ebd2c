//! Making a published version again from stored replies alone, without any model.

use std::path::Path;

use evalwright_core::{Abilities, ContentHash, Embedder, Interrupt, Model, ModelIdentity};
use evalwright_dataset::{Files, Manifest, content_hash, fix, parse_records, write_rows};
use evalwright_models::server::ModelName;
use evalwright_pipeline::{
    Outcome, RecordedEmbedder, RecordedModel, RunPlan, Silent, recipe_hash, rows_at_once,
};
use evalwright_recipe::{Behaviour, LoadedKind, RecipeError, recorded_behaviour};
use evalwright_store::ReplyStore;

use crate::commands::fix::statements;
use crate::commands::kinds::{all_kinds, load};
use crate::failure::{Failure, Kind};
use crate::named_files::{recorded_calibration, recorded_references};
use crate::version_files::{Content, version_files};

/// A version made again.
pub(crate) struct Rebuilt {
    /// The manifest, with files, content and seal.
    pub(crate) manifest: Manifest,
    /// All other files.
    pub(crate) files: Files,
}

/// What a manifest says that a version was made from, with the very kind that made it and models that cannot be asked.
pub(crate) struct Recipe {
    /// The kind.
    pub(crate) kind: LoadedKind,
    /// The behaviour.
    pub(crate) behaviour: Behaviour,
    generator: RecordedModel,
    judges: Vec<RecordedModel>,
    embedder: Option<RecordedEmbedder>,
    limit: Option<u32>,
}

impl Recipe {
    /// Reads it. `path` is the manifest, for messages; `project` holds the user's kinds.
    ///
    /// Fails where the kind has changed since, or this program reads another recipe out of the manifest.
    pub(crate) fn of(path: &Path, recorded: &Manifest, project: &Path) -> Result<Self, Failure> {
        let kind = same_kind(path, recorded, project)?;
        let mut behaviour = recorded_behaviour(path, &recorded.behaviour, &kind.guide)?;
        behaviour.read_tables(&kind.guide, |file| {
            let path = project.join(file);
            std::fs::read_to_string(&path).map_err(|cause| RecipeError::Unreadable { path, cause })
        })?;
        recorded_calibration(
            &mut behaviour,
            recorded.calibration.as_ref(),
            &path.display().to_string(),
        )?;
        recorded_references(&mut behaviour, recorded, path, project)?;
        let mut recipe = Self {
            kind,
            behaviour,
            generator: model_of(&recorded.generator),
            judges: recorded.judges.iter().map(model_of).collect(),
            embedder: embedder_of(recorded).cloned().map(RecordedEmbedder),
            limit: None,
        };
        let (limit, found) = recipe.with_plan(|plan| {
            let (plan, found) = with_limit(*plan, recorded)?;
            Ok((plan.limit, found))
        })?;
        if found != recorded.recipe {
            return Err(Failure::new(
                Kind::Config,
                format!(
                    "{}: this program reads another recipe out of it ({}) than it was made from ({})",
                    path.display(),
                    found.short(12),
                    recorded.recipe.short(12)
                ),
            )
            .hint(format!(
                "make it again with the program that made it: {}",
                recorded.made_by
            )));
        }
        recipe.limit = limit;
        Ok(recipe)
    }

    /// Does something with the plan of the run that made the version.
    pub(crate) fn with_plan<T>(
        &self,
        act: impl FnOnce(&RunPlan<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let judges: Vec<&dyn Model> = self
            .judges
            .iter()
            .map(|judge| judge as &dyn Model)
            .collect();
        act(&RunPlan {
            behaviour: &self.behaviour,
            kind: &self.kind,
            generator: &self.generator,
            judges: &judges,
            embedder: self
                .embedder
                .as_ref()
                .map(|embedder| embedder as &dyn Embedder),
            limit: self.limit,
        })
    }
}

/// Makes the version of a manifest again. `path` is the manifest, for messages; `project` holds the user's kinds.
pub(crate) fn rebuild(
    path: &Path,
    recorded: &Manifest,
    project: &Path,
    store: &Path,
) -> Result<Rebuilt, Failure> {
    let recipe = Recipe::of(path, recorded, project)?;
    if !store.exists() {
        return Err(Failure::new(
            Kind::Config,
            format!("{}: there is no such reply store", store.display()),
        ));
    }
    let store = ReplyStore::open(store)?;
    let outcome = recipe.with_plan(|plan| {
        Ok(evalwright_pipeline::run(
            plan,
            &store,
            &Interrupt::default(),
            &Silent,
        )?)
    })?;
    let made = mended(outcome, recorded)?;
    let mut manifest = made.manifest;
    manifest.made_by.clone_from(&recorded.made_by);
    manifest.version.clone_from(&recorded.version);
    manifest.parent.clone_from(&recorded.parent);
    let content = Content {
        rows: &statements(&manifest, &made.rows)?,
        records: &made.rows,
        rejects: &made.rejects,
    };
    let schemas = recipe.kind.schema_text.values();
    let (files, _) = version_files(&manifest, &content, schemas)?;
    manifest.files = files.records();
    manifest.content = Some(content_hash(&manifest.files));
    manifest.seal = match recorded.seal {
        Some(_) => Some(manifest.sealed_by()?),
        None => None,
    };
    Ok(Rebuilt { manifest, files })
}

/// What a run gave, with the rows taken out that were taken out since.
fn mended(outcome: Outcome, recorded: &Manifest) -> Result<fix::Content, Failure> {
    let mut content = fix::Content {
        rows: if outcome.manifest.maps_fields() {
            outcome.records
        } else {
            parse_records(Path::new("the rows"), &write_rows(&outcome.rows)?)?
        },
        manifest: outcome.manifest,
        rejects: outcome.rejects,
    };
    for done in &recorded.fixes {
        content = fix::drop_rows(&content, &done.dropped, &done.reason)?;
        // Numbers are counted from versions that need not be here any more.
        if let Some(last) = content.manifest.fixes.last_mut() {
            last.version.clone_from(&done.version);
        }
    }
    Ok(content)
}

/// The plan with the limit on rows that the recorded run had. A manifest holds no limit, only how many candidates were
/// wanted; where that gives another recipe, there was none.
fn with_limit<'a>(
    plan: RunPlan<'a>,
    recorded: &Manifest,
) -> Result<(RunPlan<'a>, ContentHash), Failure> {
    let wanted: u64 = recorded.funnel.cells.iter().map(|cell| cell.wanted).sum();
    let (_, rows_each) = rows_at_once(plan.kind, plan.behaviour)?;
    let limited = RunPlan {
        limit: u32::try_from(wanted.saturating_mul(u64::from(rows_each))).ok(),
        ..plan
    };
    // A limit that the kind refuses was not the recorded one.
    if let Ok(recipe) = recipe_hash(&limited)
        && recipe == recorded.recipe
    {
        return Ok((limited, recipe));
    }
    let recipe = recipe_hash(&plan)?;
    Ok((plan, recipe))
}

/// The kind of a version, with the very files that made it.
fn same_kind(path: &Path, recorded: &Manifest, project: &Path) -> Result<LoadedKind, Failure> {
    let folders = all_kinds(&[project])?;
    let kind = load(&folders, &recorded.kind.name, &recorded.kind.preset)?;
    let changed: Vec<&str> = recorded
        .kind
        .files
        .iter()
        .filter(|(name, hash)| kind.kind.files.get(*name) != Some(*hash) && decides_rows(name))
        .map(|(name, _)| name.as_str())
        .collect();
    if changed.is_empty() {
        return Ok(kind);
    }
    Err(Failure::new(
        Kind::Config,
        format!(
            "{}: the kind `{}` is not the one that made it; changed since: {}",
            path.display(),
            recorded.kind.name,
            changed.join(", ")
        ),
    )
    .hint(format!(
        "make it again with the program and the kind folder that made it: {}",
        recorded.made_by
    )))
}

/// A kind's README says nothing to any model.
fn decides_rows(file: &str) -> bool {
    !file.ends_with(".md")
}

/// What made the vectors of a version, where any were needed.
fn embedder_of(recorded: &Manifest) -> Option<&ModelIdentity> {
    let of_dedup = recorded.dedup.semantic.as_ref();
    let of_clusters = recorded
        .selection
        .as_ref()
        .and_then(|selection| selection.clusters.as_ref()?.embedder.as_ref());
    of_dedup.map(|semantic| &semantic.embedder).or(of_clusters)
}

fn model_of(identity: &ModelIdentity) -> RecordedModel {
    let plain = identity.name.split("@http").next().unwrap_or_default();
    // A name of no server is a model inside the process, which can do everything.
    let abilities = ModelName::parse(plain)
        .map_or(Abilities::ALL, |name| name.profile().abilities(&name.model));
    RecordedModel::new(identity.clone(), abilities)
}

/// The files in which a version on disk and one made again differ, by name, with what differs.
pub(crate) fn differing(
    folder: &Path,
    rebuilt: &Rebuilt,
) -> Result<Vec<(String, String)>, Failure> {
    let mut wanted = rebuilt.files.0.clone();
    wanted.insert("manifest.json".to_owned(), rebuilt.manifest.bytes()?);
    let mut found = Vec::new();
    for (name, bytes) in wanted {
        match std::fs::read(folder.join(&name)) {
            Ok(on_disk) if on_disk == bytes => {}
            Ok(on_disk) => {
                let same = on_disk
                    .iter()
                    .zip(&bytes)
                    .take_while(|(one, other)| one == other)
                    .count();
                let line = on_disk
                    .iter()
                    .take(same)
                    .filter(|byte| **byte == b'\n')
                    .count()
                    + 1;
                found.push((
                    name,
                    format!(
                        "made again it differs from line {line} on (SHA-256 {} instead of {})",
                        ContentHash::of(&bytes).short(12),
                        ContentHash::of(&on_disk).short(12)
                    ),
                ));
            }
            Err(cause) => found.push((name, format!("it cannot be read: {cause}"))),
        }
    }
    Ok(found)
}

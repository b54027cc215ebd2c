//! `evalwright regenerate`: the same behaviour, kind and seed with other models, as the next version.

use std::path::{Path, PathBuf};

use clap::Args;
use evalwright_core::exit_code;
use evalwright_dataset::{OpenVersion, Status, StatusLog, versions};
use evalwright_recipe::{RecipeError, recorded_behaviour};

use crate::again::Again;
use crate::anchors::Anchoring;
use crate::changelog::between;
use crate::commands::kinds::{all_kinds, load};
use crate::commands::run::{Making, Place, make, settle};
use crate::commands::status::{chosen, warn};
use crate::environment::Environment;
use crate::failure::{Failure, Kind};
use crate::named_files::recorded_calibration;
use crate::output::Printer;

/// Arguments of `regenerate`.
#[derive(Debug, Args)]
pub(crate) struct RegenerateArguments {
    /// The dataset's folder, whose newest version is made again, or the folder of one of its versions
    dataset: PathBuf,
    /// The project's folder: its `kinds/` folder, and files that the behaviour names
    #[arg(long, default_value = ".")]
    project: PathBuf,
    /// Where the judge changes: judge so many rows of the version before by both, so that what the judge changes is told
    /// from what the data changes; 0 for none
    #[arg(long, value_name = "ROWS", default_value_t = 100)]
    anchors: usize,
    /// Go on only if rows are judged by the very judges, wordings and curves of the version before, so that whatever
    /// changes is the data
    #[arg(long, conflicts_with_all = ["judges", "calibration"])]
    keep_judge: bool,
    /// Do this stage of the kind anew and keep all others: they live on stored replies, and the candidates are those of
    /// the version before; may be given more than once
    #[arg(long = "only-stage", value_name = "STAGE", conflicts_with_all = ["preview", "dry_run"])]
    stages: Vec<String>,
    #[command(flatten)]
    making: Making,
}

pub(crate) fn run(
    arguments: &RegenerateArguments,
    printer: &Printer,
    environment: &Environment,
) -> Result<u8, Failure> {
    let (dataset, before) = version_of(&arguments.dataset)?;
    let manifest = &before.manifest;
    warn(&before.folder, &manifest.version, printer)?;
    for fix in &manifest.fixes {
        printer.say(&format!(
            "warning: what was mended by hand for version {} is not carried over ({} rows taken out, {} edited): {}",
            fix.version,
            fix.dropped.len(),
            fix.mended.len(),
            fix.reason
        ));
    }
    let folders = all_kinds(&[&arguments.project, Path::new(".")])?;
    let kind = load(&folders, &manifest.kind.name, &manifest.kind.preset)?;
    let path = before.folder.join("manifest.json");
    let mut behaviour = recorded_behaviour(&path, &manifest.behaviour, &kind.guide)?;
    behaviour.read_tables(&kind.guide, |file| {
        let path = arguments.project.join(file);
        std::fs::read_to_string(&path).map_err(|cause| RecipeError::Unreadable { path, cause })
    })?;
    recorded_calibration(
        &mut behaviour,
        manifest.calibration.as_ref(),
        &path.display().to_string(),
    )?;
    if behaviour.name.as_str() != manifest.dataset {
        return Err(Failure::new(
            Kind::Config,
            format!(
                "{}: the behaviour has another name than the dataset",
                path.display()
            ),
        ));
    }
    let place = Place {
        beside: &arguments.project,
        out: dataset.parent().unwrap_or(Path::new(".")),
    };
    let (mut behaviour, kind) = settle(behaviour, &folders, place, &arguments.making)?;
    let mut again = Again {
        anchoring: Anchoring {
            before: &before,
            most: arguments.anchors,
        },
        stages: &arguments.stages,
        keeps_judge: arguments.keep_judge,
        limit: None,
    };
    again.check(&kind, arguments.making.given())?;
    again.limit = again.wanted(&kind, &behaviour)?;
    behaviour.held = again.held(&kind, behaviour.held.take())?;
    let code = make(
        (behaviour, kind),
        place,
        &arguments.making,
        Some(&again),
        printer,
        environment,
    )?;
    if code == exit_code::DONE || code == exit_code::BELOW_TARGET {
        tell_changes(&dataset, &before, printer)?;
    }
    Ok(code)
}

/// The dataset's folder and the version that is made again: the one that is named, else the newest. What was dropped is no
/// ground to build on, where there is another.
fn version_of(path: &Path) -> Result<(PathBuf, OpenVersion), Failure> {
    let (dataset, mut meant) = chosen(path)?;
    let log = StatusLog::read(&dataset)?;
    let good = meant
        .iter()
        .rposition(|version| log.status(&version.manifest.version) != Status::Dropped);
    let place = good.unwrap_or(meant.len().saturating_sub(1));
    Ok((dataset, meant.swap_remove(place)))
}

/// Says what the newest version has otherwise than the one that was made again.
fn tell_changes(dataset: &Path, before: &OpenVersion, printer: &Printer) -> Result<(), Failure> {
    let Some(after) = versions(dataset)?.pop() else {
        return Ok(());
    };
    if after.manifest.version == before.manifest.version {
        return Ok(());
    }
    let found = between(before, &after)?;
    printer.say(&format!("{} → {}:", found.before, found.after));
    for line in &found.verdict {
        printer.say(&format!("  {line}"));
    }
    Ok(())
}

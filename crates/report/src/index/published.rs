//! What a version's own files add to the figures of its rows: models, date, agreement, funnel.
//!
//! Report and run facts are read as plain JSON, so that versions of an older or newer program still tell what they do.

use evalwright_dataset::{Manifest, Status, StatusChange, utc_date};
use evalwright_stats::Interval;
use serde_json::Value;

use super::entry::{Entry, EntryKind, Said};
use super::figures::{Figure, FigureName};
use crate::agreement::{INTENDED, Population, TOGETHER};
use crate::items::ITEM_REPORT_SCHEMA;
use crate::report::REPORT_SCHEMA;

/// The manifest's word for what an imported version does not tell.
const UNKNOWN: &str = "unknown";
/// The manifest's word for a kind that asks no model.
const NONE: &str = "none";
/// What stands for it in place of a model's name.
pub(super) const NO_MODEL: &str = "no model";

/// The last second of the year 9999.
const LATEST: u64 = 253_402_300_799;

/// A version's files.
pub(super) struct Published<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) report: Result<&'a Value, &'a str>,
    pub(super) run: Result<&'a Value, &'a str>,
    pub(super) status: Option<&'a StatusChange>,
}

impl Published<'_> {
    /// Adds what the files say.
    pub(super) fn tell(&self, entry: &mut Entry) {
        let manifest = self.manifest;
        entry.kind = EntryKind::Version;
        entry.dataset.clone_from(&manifest.dataset);
        entry.behaviour.clone_from(&manifest.dataset);
        entry.group.clone_from(&manifest.kind.name);
        entry.version = Said::known(&manifest.version);
        entry.generator = match manifest.generator.name.as_str() {
            UNKNOWN | "" => Said::missing("the manifest does not say which model wrote the rows"),
            NONE => Said::known(NO_MODEL),
            name => Said::known(name),
        };
        let judges: Vec<&str> = manifest
            .judges
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        entry.judges = if judges.is_empty() {
            Said::missing("no model judged the rows")
        } else {
            Said::known(judges.join(", "))
        };
        entry.date = self.date();
        entry.status = Some(
            self.status
                .map_or(Status::Published, |change| change.status),
        );
        entry
            .notes
            .extend(self.status.and_then(StatusChange::warning));
        let (agreement, kappa) = self.agreement();
        entry.figures.insert(FigureName::Agreement, agreement);
        entry.figures.insert(FigureName::Kappa, kappa);
        let funnel = &manifest.funnel;
        let accepted = if funnel.sample_calls == 0 {
            Figure::missing("no model was asked for candidates")
        } else {
            Figure::share(funnel.accepted, funnel.asked, "candidates")
        };
        entry.figures.insert(FigureName::Accepted, accepted);
        if manifest.maps_fields() {
            let rows = super::rows(entry);
            let repeated = entry.duplicates.exact + entry.duplicates.normalised;
            let mut figure = Figure::share(repeated, rows, "rows");
            if entry.duplicates.near > 0 {
                let near = entry.duplicates.near;
                figure.of = figure
                    .of
                    .map(|of| format!("{of}; {near} more are near ones, as this kind makes them"));
            }
            entry.figures.insert(FigureName::Duplicates, figure);
        }
        if self.confidence_of_items().is_some() {
            let stated = entry.figures.get(&FigureName::Confidence);
            if stated.is_none_or(|figure| figure.value.is_none()) {
                let figure = Figure::maybe(self.confidence_of_items(), "no row states one");
                entry.figures.insert(FigureName::Confidence, figure);
            }
        }
    }

    fn date(&self) -> Said {
        let run = match self.run {
            Ok(run) => run,
            Err(reason) => return Said::missing(reason),
        };
        let at = ["finished_unix_seconds", "imported_at_unix_seconds"]
            .iter()
            .find_map(|field| run.get(field).and_then(Value::as_u64));
        match at.filter(|at| *at <= LATEST) {
            Some(at) => Said::known(utc_date(at)),
            None => Said::missing("run.json states no time"),
        }
    }

    fn schema(&self) -> Result<&str, String> {
        let report = self.report.map_err(str::to_owned)?;
        Ok(report
            .get("schema")
            .and_then(Value::as_str)
            .unwrap_or_default())
    }

    /// Mean confidence as the report of a kind that maps its fields states it.
    fn confidence_of_items(&self) -> Option<f64> {
        let report = self.report.ok()?;
        report.get("confidence")?.get("mean")?.as_f64()
    }

    fn agreement(&self) -> (Figure, Figure) {
        let both = |reason: &str| (Figure::missing(reason), Figure::missing(reason));
        let report = match self.report {
            Ok(report) => report,
            Err(reason) => return both(reason),
        };
        match self.schema() {
            Ok(REPORT_SCHEMA) => {}
            Ok(ITEM_REPORT_SCHEMA) => {
                return both("the report of this kind has no agreement of labels and judges");
            }
            _ => return both("report.json is of a format that this program does not read"),
        }
        let all = report
            .pointer("/figures/agreement")
            .and_then(Value::as_array);
        let says = |one: &Value, field: &str, word: &str| {
            one.get(field).and_then(Value::as_str) == Some(word)
        };
        let together = all.into_iter().flatten().find(|one| {
            says(one, "population", Population::AllScored.as_str())
                && says(one, "first", INTENDED)
                && says(one, "second", TOGETHER)
        });
        let Some(together) = together else {
            return both("report.json has no agreement over all scored candidates");
        };
        let number = |field: &str| together.get(field).and_then(Value::as_f64);
        let of = together
            .get("n")
            .and_then(Value::as_u64)
            .map(|n| format!("over {n} scored candidates"));
        let raw = Figure::maybe(number("raw"), "no candidate has a label from both")
            .with_interval(ends(together.get("raw_interval")))
            .with_of(of.clone());
        let undefined = together
            .get("kappa_undefined")
            .and_then(Value::as_str)
            .unwrap_or("it is undefined");
        let kappa = Figure::maybe(number("kappa"), undefined)
            .with_interval(ends(together.get("kappa_interval")))
            .with_of(of);
        (raw, kappa)
    }
}

fn ends(value: Option<&Value>) -> Option<Interval> {
    let value = value?;
    let ends = Interval {
        low: value.get("low")?.as_f64()?,
        high: value.get("high")?.as_f64()?,
    };
    (ends.low <= ends.high).then_some(ends)
}

//! Judging rows of the version before by the judges of now, where `regenerate` changes the judge.
//!
//! What the judges of before said stands in the rows: asked again they would give their stored replies. So only the
//! judges of now are asked, about a frozen sample, with the very prompts of a run.

use evalwright_core::{Interrupt, Probability, Side, Verdict};
use evalwright_dataset::{Manifest, OpenVersion, RaterRecord, read_rows};
use evalwright_pipeline::{Outcome, RunPlan, Silent, judge_again};
use evalwright_report::{Anchor, AnchorReport, anchor_report, draw_anchors};
use evalwright_store::ReplyStore;

use crate::failure::Failure;
use crate::output::Printer;

/// Whose rows are judged again.
pub(crate) struct Anchoring<'a> {
    /// The version that is made again.
    pub(crate) before: &'a OpenVersion,
    /// At most so many of its rows; 0 for none.
    pub(crate) most: usize,
}

impl Anchoring<'_> {
    /// What the anchors say; nothing where the judges are the same or the rows are no statements with a label.
    pub(crate) fn measure(
        &self,
        plan: &RunPlan<'_>,
        outcome: &Outcome,
        store: &ReplyStore,
        interrupt: &Interrupt,
        printer: &Printer,
    ) -> Result<Option<AnchorReport>, Failure> {
        let (before, after) = (&self.before.manifest, &outcome.manifest);
        if self.most == 0 || judging(before) == judging(after) {
            return Ok(None);
        }
        if before.maps_fields() || after.maps_fields() {
            printer.say(
                "note: the judge changed; rows with columns of their own cannot be judged again by themselves. To tell what \
                 the judge changes from what the data changes, make a version with `--only-stage score` first: it has the \
                 same candidates under the judge of now",
            );
            return Ok(None);
        }
        let rows = read_rows(&self.before.folder.join("data.jsonl"))?;
        let chosen: Vec<_> = draw_anchors(&rows, before.content, self.most)
            .into_iter()
            .filter_map(|place| rows.get(place))
            .collect();
        let texts: Vec<String> = chosen.iter().map(|row| row.statement.clone()).collect();
        printer.say(&format!(
            "the judge changed: judging {} rows of {} by the judges of now",
            texts.len(),
            before.version
        ));
        let judged = judge_again(plan, &texts, store, interrupt, &Silent)?;
        let anchors = chosen
            .iter()
            .zip(judged)
            .map(|(row, judged)| Anchor {
                row: row.id.clone(),
                label: row.metadata.label,
                before: row.label_confidence.value(),
                after: judged
                    .verdict
                    .and_then(|verdict| confidence(&verdict, row.metadata.label)),
            })
            .collect();
        let old: Vec<f64> = rows
            .iter()
            .map(|row| row.label_confidence.value())
            .collect();
        let new: Vec<f64> = outcome
            .rows
            .iter()
            .map(|row| row.label_confidence.value())
            .collect();
        let names = |manifest: &Manifest| -> Vec<String> {
            manifest
                .judges
                .iter()
                .map(|judge| judge.name.clone())
                .collect()
        };
        Ok(Some(anchor_report(
            &before.version,
            (names(before), names(after)),
            anchors,
            (&old, &new),
        )))
    }
}

/// What decides a judgement: the judges, and each rater but what was counted about its replies.
fn judging(manifest: &Manifest) -> (Vec<evalwright_core::ModelIdentity>, Vec<RaterRecord>) {
    let raters = manifest
        .raters
        .iter()
        .map(|rater| RaterRecord {
            notes: std::collections::BTreeMap::new(),
            position: None,
            ..rater.clone()
        })
        .collect();
    (manifest.judges.clone(), raters)
}

/// P(label), as rows have it: where only bounds are known, their low end.
fn confidence(verdict: &Verdict, label: Side) -> Option<f64> {
    let (low, high) = match verdict {
        Verdict::Known { matching } => (*matching, *matching),
        Verdict::Bounded { low, high } => (*low, *high),
        Verdict::Unknown { .. } => return None,
    };
    let end: Probability = match label {
        Side::Matching => low,
        Side::NotMatching => high.complement(),
    };
    Some(end.value())
}

//! What became of the candidates of each version of ours, from its manifest.

use std::collections::BTreeMap;

use evalwright_dataset::Manifest;
use serde::Serialize;

use crate::chart::{Bar, bars};
use crate::plots::Plot;

/// A version's funnel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VersionFunnel {
    /// The dataset.
    pub dataset: String,
    /// Its version.
    pub version: String,
    /// Who wrote.
    pub generator: String,
    /// Candidates asked for.
    pub asked: u64,
    /// Rows.
    pub accepted: u64,
    /// Candidates that fell.
    pub rejected: u64,
    /// What each stage received and let through, in order.
    pub stages: Vec<FunnelStage>,
    /// Rejects by reason.
    pub reasons: BTreeMap<String, u64>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunnelStage {
    /// Its name.
    pub stage: String,
    /// Candidates that came in.
    pub received: u64,
    /// Candidates that went on.
    pub passed: u64,
}

/// The funnels of versions, in their order.
pub(super) fn funnels(versions: &[Manifest]) -> Vec<VersionFunnel> {
    versions
        .iter()
        .map(|manifest| VersionFunnel {
            dataset: manifest.dataset.clone(),
            version: manifest.version.clone(),
            generator: manifest.generator.name.clone(),
            asked: manifest.funnel.asked,
            accepted: manifest.funnel.accepted,
            rejected: manifest.funnel.rejected,
            stages: manifest
                .funnel
                .stages
                .iter()
                .map(|stage| FunnelStage {
                    stage: stage.stage.clone(),
                    received: stage.received,
                    passed: stage.passed,
                })
                .collect(),
            reasons: manifest.funnel.reasons.clone(),
        })
        .collect()
}

/// One chart over all versions.
pub(super) fn plot(funnels: &[VersionFunnel]) -> Plot {
    let title = "From candidates to rows".to_owned();
    let stages = || {
        funnels
            .iter()
            .flat_map(|one| one.stages.iter().map(move |stage| (one, stage)))
    };
    let drawn: Vec<Bar> = stages()
        .map(|(one, stage)| Bar {
            label: if funnels.len() == 1 {
                stage.stage.clone()
            } else {
                format!("{} {}: {}", one.dataset, one.version, stage.stage)
            },
            note: format!("{} of {}", stage.passed, stage.received),
            value: stage.passed,
            behind: Some(stage.received),
            class: "plain",
        })
        .collect();
    Plot {
        stem: "funnel",
        how: "Candidates that came into each stage (pale) and went on from it (dark), from the manifests of the versions. The \
              stage `select` leaves out what is good but not needed."
            .to_owned(),
        svg: bars(&title, &drawn),
        title,
        header: vec!["dataset", "version", "stage", "received", "passed"],
        rows: stages()
            .map(|(one, stage)| {
                vec![
                    one.dataset.clone(),
                    one.version.clone(),
                    stage.stage.clone(),
                    stage.received.to_string(),
                    stage.passed.to_string(),
                ]
            })
            .collect(),
    }
}

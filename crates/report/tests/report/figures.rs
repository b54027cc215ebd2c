//! The figures follow from rows and rejects, by hand where a hand can count them.

use evalwright_core::{Side, UnknownReason, Verdict};
use evalwright_report::{Agreement, Population, Report, ReportError, build};
use evalwright_stats::{cohen_kappa, gwet_ac1, wilson};

use crate::fixture::{self, RATERS, Version};

fn report(version: &Version) -> Report {
    build(&version.manifest, &version.rows, &version.rejects).unwrap()
}

fn agreement<'a>(report: &'a Report, population: Population, second: &str) -> &'a Agreement {
    report
        .figures
        .agreement
        .iter()
        .find(|one| one.population == population && one.second == second)
        .unwrap()
}

#[test]
fn the_json_of_a_small_version() {
    let json = report(&fixture::version()).json().unwrap();
    insta::assert_snapshot!(String::from_utf8(json).unwrap());
}

#[test]
fn the_same_version_gives_the_same_bytes() {
    let version = fixture::version();
    let (first, second) = (report(&version), report(&version));
    assert_eq!(first.json().unwrap(), second.json().unwrap());
    assert_eq!(first.html().unwrap(), second.html().unwrap());
    assert_eq!(first.charts(), second.charts());
}

#[test]
fn agreement_is_over_all_scored_candidates_and_counts_unknown_ones() {
    let version = fixture::version();
    let report = report(&version);
    // Counted anew, straight from the records: what rater 2 says of every candidate that has judgements.
    let mut pairs = Vec::new();
    let mut unknown = 0;
    let records = version
        .rows
        .iter()
        .map(|row| (row.metadata.label, &row.metadata.judgements))
        .chain(version.rejects.iter().map(|reject| {
            (
                reject.candidate.slot.cell.label,
                &reject.candidate.judgements,
            )
        }));
    for (label, judgements) in records.filter(|(_, judgements)| !judgements.is_empty()) {
        match judgements[2].verdict {
            Verdict::Known { matching } => pairs.push((
                u32::from(label == Side::NotMatching),
                u32::from(matching.value() < 0.5),
            )),
            _ => unknown += 1,
        }
    }
    let found = agreement(&report, Population::AllScored, RATERS[2]);
    let expected = cohen_kappa(&pairs, 2).unwrap();
    assert_eq!((found.n, found.unknown), (pairs.len() as u64, unknown));
    assert!(unknown > 0 && found.n > 40);
    assert!((found.kappa.unwrap() - expected.kappa.unwrap()).abs() < 1e-12);
    assert!((found.ac1.unwrap() - gwet_ac1(&pairs, 2).unwrap()).abs() < 1e-12);
    let same = pairs.iter().filter(|(a, b)| a == b).count() as u64;
    assert_eq!(found.raw_interval, wilson(same, found.n, 0.95));
    assert_eq!(found.table[0][0] + found.table[1][1], same);
    // Selection flatters: rows agree more than candidates do.
    let together = |population| agreement(&report, population, "counting raters together");
    assert!(together(Population::Rows).raw > together(Population::AllScored).raw);
    assert_eq!(together(Population::Rows).n, 20);
    assert_eq!(report.figures.rater_pairs.len(), 6);
}

#[test]
fn warnings_name_what_is_wrong_and_only_that() {
    let codes = |version: &Version| -> Vec<&'static str> {
        report(version)
            .warnings
            .iter()
            .map(|warning| warning.code)
            .collect()
    };
    let version = fixture::version();
    assert_eq!(
        codes(&version),
        [
            "shortfall",
            "unknown",
            "borderline",
            "label_conflict",
            "length",
            "borrowed_calibration",
            "uncalibrated",
            "self_judged"
        ]
    );
    let mut clean = version.clone();
    clean.manifest.funnel.cells[1].wanted = 8;
    clean.manifest.minimum_confidence = 0.5;
    clean.manifest.generator.name = "openai/large".to_owned();
    for rater in &mut clean.manifest.raters {
        rater.calibration.origin = "fitted".to_owned();
    }
    for row in &mut clean.rows {
        row.statement = "five words in each one".to_owned();
        row.metadata.judgements.truncate(2);
    }
    clean
        .rejects
        .retain(|reject| !reject.reason.code().starts_with("conflict"));
    clean.manifest.funnel.rejected = clean.rejects.len() as u64;
    for reject in &mut clean.rejects {
        reject.candidate.judgements.truncate(2);
    }
    assert_eq!(codes(&clean), Vec::<&str>::new());
    // Counts that do not fit the files are said.
    clean.manifest.funnel.accepted += 1;
    assert_eq!(codes(&clean), ["row_count"]);
}

#[test]
fn bounds_and_notes_are_counted_for_each_rater() {
    let mut version = fixture::version();
    let probability = |value: f64| evalwright_core::Probability::new(value).unwrap();
    for row in &mut version.rows[..2] {
        row.metadata.judgements[2].verdict = Verdict::Bounded {
            low: probability(0.9),
            high: probability(1.0),
        };
    }
    let notes = &mut version.manifest.raters[2].notes;
    notes.insert("form_not_shown".to_owned(), 2);
    version
        .manifest
        .notes
        .insert("usage_estimated".to_owned(), 1);
    version.manifest.raters[1].samples = Some(7);
    let report = report(&version);
    assert_eq!(report.figures.bounded.len(), 1);
    assert_eq!(report.figures.bounded[RATERS[2]], 2);
    let texts = |code: &str| -> Vec<&str> {
        report
            .warnings
            .iter()
            .filter(|warning| warning.code == code)
            .map(|warning| warning.text.as_str())
            .collect()
    };
    let bounded = texts("bounded");
    assert!(bounded[0].contains(RATERS[2]) && bounded[0].contains("2 verdicts are only ranges"));
    let noted = texts("reply_note");
    assert_eq!(noted.len(), 2);
    assert!(
        noted[0].contains("1 reply came without token counts"),
        "{noted:?}"
    );
    assert!(
        noted[1].contains("2 replies did not show a form"),
        "{noted:?}"
    );
    let page = String::from_utf8(report.html().unwrap()).unwrap();
    assert!(page.contains("(7 each)"));
}

#[test]
fn bounds_decide_only_when_both_ends_do_and_the_not_asked_are_apart() {
    let mut version = fixture::version();
    let half = |value: f64| evalwright_core::Probability::new(value).unwrap();
    let first = &mut version.rows[0].metadata.judgements[0].verdict;
    *first = Verdict::Bounded {
        low: half(0.6),
        high: half(0.9),
    };
    let second = &mut version.rows[1].metadata.judgements[0].verdict;
    *second = Verdict::Bounded {
        low: half(0.4),
        high: half(0.9),
    };
    let third = &mut version.rows[2].metadata.judgements[0].verdict;
    *third = Verdict::Unknown {
        reason: UnknownReason::NotAsked,
    };
    let found = report(&version);
    let one = agreement(&found, Population::Rows, RATERS[0]);
    assert_eq!((one.n, one.unknown, one.not_asked), (18, 1, 1));
}

#[test]
fn the_small_model_is_named_only_where_there_is_one() {
    let says = |version: &Version| report(version).verdict.join(" ");
    let mut version = fixture::version();
    assert!(
        says(&version)
            .contains("written and judged by local/smollm2-135m-instruct (135 million parameters)")
    );
    version.manifest.generator.name = "openai/large".to_owned();
    assert!(says(&version).contains("were judged by local/smollm2-135m-instruct"));
    version.manifest.judges[0].name = "openai/large".to_owned();
    assert!(!says(&version).contains("larger model"));
}

#[test]
fn an_empty_version_is_all_undefined_and_breaks_nothing() {
    let version = fixture::assemble(Vec::new(), Vec::new());
    let report = report(&version);
    assert!(
        report
            .figures
            .agreement
            .iter()
            .all(|one| one.raw.is_none() && one.kappa.is_none())
    );
    let json = String::from_utf8(report.json().unwrap()).unwrap();
    let html = String::from_utf8(report.html().unwrap()).unwrap();
    for text in [&json, &html, &report.summary_text()] {
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
    assert!(
        report
            .verdict
            .iter()
            .any(|sentence| sentence.contains("No candidate has a known score"))
    );
}

#[test]
fn a_manifest_of_another_format_is_refused() {
    let mut version = fixture::version();
    version.manifest.schema = "evalwright.manifest/9".to_owned();
    let error = build(&version.manifest, &version.rows, &version.rejects).unwrap_err();
    assert!(matches!(error, ReportError::Schema { .. }));
    insta::assert_snapshot!(error.to_string(), @r#"manifest of dataset blunt-truth 1.0.0: schema is "evalwright.manifest/9" and this program reads "evalwright.manifest/1"; use the program that made the version"#);
}

#[test]
fn every_chart_of_the_page_has_its_numbers_in_a_file() {
    let report = report(&fixture::version());
    let html = String::from_utf8(report.html().unwrap()).unwrap();
    let charts = report.charts();
    // How far rows differ is a table.
    assert_eq!(html.matches("<svg").count() + 1, charts.len());
    for (file, bytes) in &charts {
        assert!(html.contains(&file.replace('/', "&#x2f;")), "{file}");
        assert!(
            bytes.iter().filter(|byte| **byte == b'\n').count() > 1,
            "{file}"
        );
    }
    let agreement = String::from_utf8(charts["charts/agreement.csv"].clone()).unwrap();
    insta::assert_snapshot!(agreement);
}

#[test]
fn the_card_gets_plain_sentences() {
    let summary = report(&fixture::version()).card_summary();
    assert_eq!(summary.agreement_lines.len(), 2);
    assert_eq!(summary.limits.len(), 3);
    let all = [summary.agreement_lines, summary.warnings, summary.limits].concat();
    for sentence in &all {
        assert!(
            !sentence.contains('\n') && sentence.ends_with('.'),
            "{sentence}"
        );
    }
    assert!(
        all.iter()
            .any(|sentence| sentence.contains("instruct\\#channel-survey")),
        "{all:#?}"
    );
}

#[test]
fn the_terminal_summary() {
    let mut version = fixture::version();
    let text = report(&version).summary_text();
    assert!(text.lines().count() <= 26);
    insta::assert_snapshot!(text);
    // Many raters and reasons still leave room.
    for extra in 0..20 {
        let mut rater = version.manifest.raters[0].clone();
        rater.rater = format!("m#w{extra}");
        version.manifest.raters.push(rater);
        version
            .manifest
            .funnel
            .reasons
            .insert(format!("lint:l{extra}"), 1);
    }
    assert!(report(&version).summary_text().lines().count() <= 26);
}

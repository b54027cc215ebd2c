//! `calibrate` with the real program: a judge that is too sure, people who say so, and a run that learns from them.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use std::sync::OnceLock;

use evalwright_testing::{Finished, Project, ScriptedServer};
use evalwright_tests::served::{Answers, command, json_file, lines, project};
use serde_json::{Value, json};

const KIND: &str = r#"
name = "twice"
makes = "first-person statements, judged under two wordings"
cells = ["label"]

[behaviour]
description = "who shows the behaviour"
contrast = "who shows the opposite"

[[stage]]
use = "ask"
prompt = "ask.j2"
parse = "first-line"
examples = 2
sampling = { temperature = 0.9, top_p = 0.95, max_tokens = 20, stop = ["\n"] }
plan = { first = 3.0, pool = 1.0, limit = 6.0 }

[[stage]]
use = "score"
requirement = "label"

[[stage.raters]]
name = "plain"
method = "token"
prompt = "judge.j2"
answers = { matching = ["Yes"], not_matching = ["No"] }

[[stage.raters]]
name = "again"
method = "token"
prompt = "again.j2"
answers = { matching = ["Yes"], not_matching = ["No"] }

[[stage]]
use = "dedup"
exact = true

[[stage]]
use = "select"
minimum = 0.5
take = "spread"
order = "shuffled"

[[stage]]
use = "emit"
question = "question.j2"
answers = { matching = " Yes", not_matching = " No" }
"#;

const JUDGE: &str = "{% block user -%}\nOne person is {{ side }}. They read: \"{{ statement }}\" Would they agree?\n{%- endblock %}\n{% block opening -%}\n{%- endblock %}\n";

/// A project with a version that a judge made who is never less than 94 % sure.
struct Judged {
    _server: ScriptedServer,
    project: Project,
    /// Of each candidate: its identifier, and how sure both raters are in the mean, in nats.
    candidates: Vec<(String, f64)>,
}

fn judged() -> &'static Judged {
    static JUDGED: OnceLock<Judged> = OnceLock::new();
    JUDGED.get_or_init(|| {
        let server = ScriptedServer::start(&Answers::default().script()).unwrap();
        let project = project(&format!("{}/v1", server.url()));
        let ask = include_str!("../fixtures/quick/ask.j2")
            .replace("The voice is", "Write one thing that")
            .replace("{{ side }}.", "{{ side }} would say.");
        for (name, text) in [
            ("kind.toml", KIND),
            ("ask.j2", ask.as_str()),
            ("judge.j2", JUDGE),
            (
                "again.j2",
                &JUDGE.replace("Would they", "Once more, would they"),
            ),
            ("question.j2", include_str!("../fixtures/quick/question.j2")),
            (
                "sample.toml",
                &include_str!("../fixtures/quick/sample.toml").replace("quick", "twice"),
            ),
        ] {
            project.write(&format!("kinds/twice/{name}"), text).unwrap();
        }
        let behaviour = std::fs::read_to_string(project.path().join("promises.toml")).unwrap();
        let behaviour = behaviour
            .replace("kind = \"statement\"", "kind = \"twice\"")
            .replace("rows = 4", "rows = 240");
        project.write("promises.toml", &behaviour).unwrap();
        done(&project, &["run", "promises.toml"]);
        let version = project.path().join("generated/promises/1.0.0");
        let rows = lines(&version.join("data.jsonl"));
        let fallen = lines(&version.join("rejected.jsonl"));
        let rows = rows
            .iter()
            .map(|row| (row["metadata"]["candidate"].clone(), &row["metadata"]));
        let fallen = fallen
            .iter()
            .map(|reject| (reject["candidate"]["id"].clone(), &reject["candidate"]));
        let candidates: Vec<(String, f64)> = rows
            .chain(fallen)
            .filter(|(_, one)| one["judgements"].as_array().unwrap().len() == 2)
            .map(|(id, one)| {
                let judgements = one["judgements"].as_array().unwrap();
                let sure: f64 = judgements
                    .iter()
                    .map(|one| one["log_odds"].as_f64().unwrap().abs())
                    .sum();
                (id.as_str().unwrap().to_owned(), sure / 2.0)
            })
            .collect();
        assert!(candidates.len() > 500, "{}", candidates.len());
        Judged {
            _server: server,
            project,
            candidates,
        }
    })
}

fn run(project: &Project, arguments: &[&str]) -> Finished {
    Finished::from(command(project, arguments).output().unwrap())
}

fn done(project: &Project, arguments: &[&str]) -> Finished {
    let finished = run(project, arguments);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished
}

/// A number in [0, 1) that follows from a candidate's identifier.
fn drawn(id: &str, salt: usize) -> f64 {
    let digits = u64::from_str_radix(id.trim_start_matches("cand_"), 16).unwrap();
    let mixed = digits
        .rotate_left(7 * salt as u32)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

/// What people say of a label: right the more often the surer the judge, but far less often than it thinks.
fn is_right(id: &str, sure: f64) -> bool {
    drawn(id, 1) < 0.45 + 0.545 * ((sure - 3.2) / 0.7).clamp(0.0, 1.0)
}

fn is_held_out(id: &str) -> bool {
    drawn(id, 2) < 0.5
}

impl Judged {
    /// The side that each candidate was written for.
    fn sides(&self) -> std::collections::BTreeMap<String, String> {
        let version = self.project.path().join("generated/promises/1.0.0");
        let mut sides = std::collections::BTreeMap::new();
        for row in lines(&version.join("data.jsonl")) {
            let label = row["metadata"]["label"].as_str().unwrap().to_owned();
            let id = row["metadata"]["candidate"].as_str().unwrap().to_owned();
            sides.insert(id, label);
        }
        for reject in lines(&version.join("rejected.jsonl")) {
            let candidate = &reject["candidate"];
            let label = candidate["slot"]["cell"]["label"]
                .as_str()
                .unwrap()
                .to_owned();
            sides.insert(candidate["id"].as_str().unwrap().to_owned(), label);
        }
        sides
    }

    /// People's labels of the candidates that are not held out, by two people who agree.
    fn annotations(&self, name: &str, most: usize) {
        let sides = self.sides();
        let mut table = "item,rater,label\n".to_owned();
        let labelled = self.candidates.iter().filter(|(id, _)| !is_held_out(id));
        for (id, sure) in labelled.take(most) {
            let says_yes = (sides[id] == "matching") == is_right(id, *sure);
            for rater in ["ann", "ben"] {
                let word = if says_yes { "Yes" } else { "No" };
                table.push_str(&format!("{id},{rater},{word}\n"));
            }
        }
        self.project.write(name, &table).unwrap();
    }
}

fn calibrate(judged: &Judged, annotations: &str, more: &[&str]) -> Finished {
    let start = [
        "calibrate",
        "generated/promises/1.0.0",
        "--annotations",
        annotations,
    ];
    run(&judged.project, &[&start, more].concat())
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn a_judge_that_is_too_sure_is_calibrated_and_the_run_keeps_the_precision() {
    let judged = judged();
    judged.annotations("people.csv", usize::MAX);
    let more = [
        "--precision",
        "0.9",
        "--cautious",
        "--out",
        "my-judge.toml",
        "--json",
    ];
    let finished = calibrate(judged, "people.csv", &more);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let found: Value = serde_json::from_str(&finished.stdout).unwrap();
    let (before, after) = (
        &found["confidence"]["before"],
        &found["confidence"]["after"],
    );
    assert!(number(&before["error"]) > 0.12, "{before}");
    assert!(number(&after["error"]) < 0.07, "{after}");
    assert!(number(&after["brier"]) < number(&before["brier"]));
    assert_eq!(
        found["raters"].as_array().unwrap().len(),
        3,
        "two raters and their mean"
    );
    let threshold = &found["thresholds"][0]["found"];
    assert!(
        number(&threshold["held_out"]["precision"]) > 0.87,
        "{threshold}"
    );
    let bin = &after["bins"][0];
    assert!(number(&bin["interval"]["low"]) <= number(&bin["share_right"]));

    // The same labels give the same file.
    let file = std::fs::read(judged.project.path().join("my-judge.toml")).unwrap();
    calibrate(judged, "people.csv", &more);
    assert_eq!(
        file,
        std::fs::read(judged.project.path().join("my-judge.toml")).unwrap()
    );

    // A behaviour that names it: probabilities are other ones, and the minimum is the threshold.
    let behaviour = std::fs::read_to_string(judged.project.path().join("promises.toml")).unwrap();
    let with = behaviour.replace(
        "seed = 1",
        "name = \"sure\"\ncalibration = \"my-judge.toml\"\nseed = 1",
    );
    judged.project.write("sure.toml", &with).unwrap();
    let finished = run(&judged.project, &["run", "sure.toml"]);
    assert!(matches!(finished.code, Some(0 | 5)), "{}", finished.stderr);
    let manifest = json_file(&judged.project, "generated/sure/1.0.0/manifest.json");
    let minimum = number(&manifest["calibration"]["minimum"]);
    assert!((minimum - number(&manifest["minimum_confidence"])).abs() < 1e-12);
    assert_eq!(manifest["calibration"]["file"], "my-judge.toml");
    assert_eq!(manifest["raters"][0]["calibration"]["origin"], "fitted");
    let first = json_file(&judged.project, "generated/promises/1.0.0/manifest.json");
    assert_ne!(manifest["recipe"], first["recipe"]);

    // On candidates that nobody had labelled when it was fitted, the precision is reached.
    let sure: std::collections::BTreeMap<&str, f64> = judged
        .candidates
        .iter()
        .map(|(id, sure)| (id.as_str(), *sure))
        .collect();
    let rows = lines(
        &judged
            .project
            .path()
            .join("generated/sure/1.0.0/data.jsonl"),
    );
    let (mut kept, mut right) = (0, 0);
    for row in &rows {
        assert!(number(&row["label_confidence"]) >= minimum);
        let id = row["metadata"]["candidate"].as_str().unwrap();
        if let Some(sure) = sure.get(id).filter(|_| is_held_out(id)) {
            kept += 1;
            right += i32::from(is_right(id, *sure));
        }
    }
    assert!(kept > 30, "{kept} rows");
    assert!(
        f64::from(right) / f64::from(kept) >= 0.9,
        "{right} of {kept}"
    );

    // The report shows the reliability diagram, and the version can be made again without the file.
    let version = judged.project.path().join("generated/sure/1.0.0");
    let csv = std::fs::read_to_string(version.join("charts/reliability.csv")).unwrap();
    assert!(csv.starts_with("when,low,high,count,stated,right"), "{csv}");
    assert!(
        csv.contains("\nbefore,") && csv.contains("\nafter,"),
        "{csv}"
    );
    let page = std::fs::read_to_string(version.join("report.html")).unwrap();
    assert!(
        page.contains("Stated confidence and people") && page.contains("my-judge.toml")
            || page.contains("people.csv")
    );
    std::fs::rename(
        judged.project.path().join("my-judge.toml"),
        judged.project.path().join("elsewhere.toml"),
    )
    .unwrap();
    let checked = done(
        &judged.project,
        &[
            "verify",
            "generated/sure",
            "--store",
            ".evalwright/replies.db",
        ],
    );
    assert!(
        checked.stdout.contains("byte for byte"),
        "{}",
        checked.stdout
    );
    // Another judge is none of the file's.
    let other = run(
        &judged.project,
        &[
            "regenerate",
            "generated/sure",
            "--judge",
            "vllm/mock@http://127.0.0.1:9/v1",
        ],
    );
    assert_eq!(other.code, Some(3), "{}", other.stderr);
    assert!(other.stderr.contains("another judge"), "{}", other.stderr);
    assert!(
        other.stderr.contains("--calibration none"),
        "{}",
        other.stderr
    );
}

#[test]
fn what_cannot_be_calibrated_is_refused_with_what_to_do() {
    let judged = judged();
    let refused = |annotations: &str, more: &[&str], part: &str| {
        let finished = calibrate(judged, annotations, more);
        assert_eq!(finished.code, Some(3), "{}", finished.stderr);
        assert!(
            finished.stderr.contains(part),
            "{part}: {}",
            finished.stderr
        );
    };
    judged.annotations("few.csv", 6);
    refused("few.csv", &[], "too few labels");
    let sides = judged.sides();
    let mut one = "item,rater,label\n".to_owned();
    for (id, side) in sides.iter().filter(|(_, side)| *side == "matching") {
        assert_eq!(side, "matching");
        one.push_str(&format!("{id},ann,Yes\n"));
    }
    judged.project.write("one.csv", &one).unwrap();
    refused("one.csv", &[], "one class");
    judged
        .project
        .write("strangers.csv", "item,rater,label\ncand_0,ann,Yes\n")
        .unwrap();
    refused(
        "strangers.csv",
        &[],
        "none of its items is a row or candidate",
    );
    judged
        .project
        .write("words.csv", one.replace(",Yes", ",perhaps"))
        .unwrap();
    refused("words.csv", &[], "none of its labels is an answer");
    let finished = calibrate(judged, "few.csv", &["--precision", "95"]);
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    let finished = calibrate(judged, "nowhere.csv", &[]);
    assert_eq!(finished.code, Some(3), "{}", finished.stderr);

    // A minimum that does not exist is told, and the exit code says so.
    judged.annotations("enough.csv", usize::MAX);
    let finished = calibrate(judged, "enough.csv", &["--precision", "1", "--cautious"]);
    assert_eq!(finished.code, Some(5), "{}", finished.stderr);
    assert!(
        finished.stdout.contains("no threshold reaches"),
        "{}",
        finished.stdout
    );
}

#[test]
fn a_published_set_is_judged_by_its_own_confidence_and_gives_no_file() {
    let project = Project::new().unwrap();
    let (mut rows, mut table) = (String::new(), "item,rater,label\n".to_owned());
    for number in 0..200 {
        let confidence = 0.5 + f64::from(number % 50) / 100.0;
        let row = json!({
            "question": format!("Is number {number} something you would say?"),
            "label_confidence": confidence,
            "answer_matching_behavior": " Yes",
            "answer_not_matching_behavior": " No",
        });
        rows.push_str(&format!("{row}\n"));
        // Of the surest nine in ten are right, of the least sure one in two.
        let right = number % 10 != 0 && (confidence > 0.75 || number % 2 == 0);
        table.push_str(&format!(
            "{},ann,{}\n",
            number + 1,
            if right { "Yes" } else { "No" }
        ));
    }
    project.write("set.jsonl", &rows).unwrap();
    project.write("people.csv", &table).unwrap();
    let start = [
        "calibrate",
        "set.jsonl",
        "--annotations",
        "people.csv",
        "--annotation-by",
        "number",
    ];
    let told = done(&project, &[&start[..], &["--precision", "0.85"]].concat());
    assert!(
        told.stdout.contains("precision 0.85: minimum 0."),
        "{}",
        told.stdout
    );
    let refused = run(&project, &[&start[..], &["--out", "judge.toml"]].concat());
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("version folders"),
        "{}",
        refused.stderr
    );
    assert!(!project.path().join("judge.toml").exists());
}

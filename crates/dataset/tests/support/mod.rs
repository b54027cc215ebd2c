//! Sample values, case files and a file layer that fails on demand.

#![allow(dead_code, unreachable_pub, missing_docs)]

use std::cell::{Cell as Counter, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use evalwright_core::{
    Candidate, Cell, ContentHash, Judgement, Method, ModelIdentity, Probability, Reject,
    RejectReason, Row, RowMetadata, Sampling, Seed, Side, SlotName, TokenUsage, UnknownReason,
    Verdict,
};
use evalwright_dataset::{
    CalibrationRecord, DedupRecord, Disk, FileLayer, Files, Funnel, KindRecord, LayerFile,
    MANIFEST_SCHEMA, Manifest, RaterRecord, write_rejects, write_rows,
};

pub fn case(area: &str, name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(area)
        .join(name)
}

pub fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub fn expected(area: &str, name: &str) -> serde_json::Value {
    json(&case(area, name).join("case.json"))["expected"].clone()
}

pub fn probability(value: f64) -> Probability {
    Probability::new(value).unwrap()
}

pub fn model(name: &str) -> ModelIdentity {
    ModelIdentity {
        name: name.to_owned(),
        weights: Some(ContentHash::of(b"weights")),
        engine: "engine 1".to_owned(),
        precision: "q8_0".to_owned(),
        chat_template: None,
    }
}

pub fn judgement(verdict: Verdict, log_odds: Option<f64>, covered: Option<f64>) -> Judgement {
    Judgement {
        rater: "local/m#letter".to_owned(),
        requirement: "label".to_owned(),
        method: Method::Channel,
        log_odds,
        covered: covered.map(probability),
        votes: None,
        reasoning: Vec::new(),
        clamped: false,
        verdict,
    }
}

/// A row whose statement holds what is hard to write down.
pub fn row(index: u32) -> Row {
    let statement = format!("I like \"calm\" seas {index}\n\u{1b}[2J <b>=1+1</b> \u{2028}naïve 😀");
    let question = format!("Would you say this?\n{statement}");
    let label = if index.is_multiple_of(2) {
        Side::Matching
    } else {
        Side::NotMatching
    };
    let verdict = match index % 3 {
        0 => Verdict::Known {
            matching: probability(0.1 + 0.2),
        },
        1 => Verdict::Bounded {
            low: probability(0.25),
            high: probability(0.75),
        },
        _ => Verdict::Unknown {
            reason: UnknownReason::TooLong,
        },
    };
    Row {
        id: Row::identify(&question, " Yes", " No"),
        question,
        statement,
        label_confidence: probability(1.0 / f64::from(index + 1)),
        answer_matching_behavior: " Yes".to_owned(),
        answer_not_matching_behavior: " No".to_owned(),
        metadata: RowMetadata {
            label,
            candidate: format!("cand_{index:016x}"),
            slot: SlotName {
                stage: "statements".to_owned(),
                cell: Cell { label },
                group: Default::default(),
                index,
            },
            reply: ContentHash::of(&index.to_le_bytes()),
            flags: vec!["too_long".to_owned()],
            split: None,
            judgements: vec![judgement(verdict, None, None)],
        },
    }
}

pub fn reject(similarity: f64) -> Reject {
    let slot = SlotName {
        stage: "statements".to_owned(),
        cell: Cell {
            label: Side::Matching,
        },
        group: Default::default(),
        index: 3,
    };
    Reject {
        candidate: Candidate {
            id: Candidate::identify(&slot, 0, "text"),
            slot,
            position: 0,
            text: "text".to_owned(),
            reply: ContentHash::of(b"reply"),
            fields: Default::default(),
            history: Vec::new(),
            flags: vec![],
            judgements: vec![],
            confidence: None,
        },
        stage: "dedup".to_owned(),
        reason: RejectReason::Duplicate {
            of: "cand_1".to_owned(),
            layer: "near".to_owned(),
            similarity,
        },
    }
}

pub fn manifest(version: &str) -> Manifest {
    Manifest {
        schema: MANIFEST_SCHEMA.to_owned(),
        made_by: "evalwright 0.1.0".to_owned(),
        dataset: "likes-risk".to_owned(),
        version: version.to_owned(),
        parent: None,
        fixes: Vec::new(),
        recipe: ContentHash::of(b"recipe"),
        behaviour: serde_json::json!({
            "description": "someone who <script>alert(1)</script> likes `risk`\n# and *headings*",
            "contrast": "someone who doesn't",
        }),
        license: "CC-BY-4.0".to_owned(),
        canary: "canary 1234".to_owned(),
        kind: KindRecord {
            name: "persona".to_owned(),
            preset: "default".to_owned(),
            origin: "built-in".to_owned(),
            files: BTreeMap::from([("kind.toml".to_owned(), ContentHash::of(b"kind"))]),
        },
        seed: Seed(7),
        generator: model("local/writer"),
        sampling: Sampling {
            temperature: 0.9,
            top_p: 0.95,
            max_tokens: 64,
            stop: vec!["\n".to_owned()],
        },
        judges: vec![model("local/judge")],
        mean_calibration: BTreeMap::new(),
        raters: vec![RaterRecord {
            rater: "local/judge#letter".to_owned(),
            judge: "local/judge".to_owned(),
            wording: "letter".to_owned(),
            requirement: "label".to_owned(),
            method: Method::Channel,
            samples: None,
            reasons: None,
            clamp: None,
            counts: true,
            calibration: CalibrationRecord {
                slope: 0.1,
                intercept: -0.3,
                knots: Vec::new(),
                origin: "fitted".to_owned(),
            },
            position: None,
            notes: BTreeMap::new(),
        }],
        minimum_confidence: 0.6,
        calibration: None,
        dedup: DedupRecord {
            layers: vec!["exact".to_owned(), "near".to_owned()],
            shingle: Some("word 1-grams".to_owned()),
            near: Some(0.8),
            semantic: None,
        },
        take: "spread".to_owned(),
        order: "shuffled".to_owned(),
        selection: None,
        funnel: Funnel {
            asked: 5,
            accepted: 4,
            rejected: 1,
            ..Funnel::default()
        },
        usage: TokenUsage::default(),
        notes: BTreeMap::new(),
        columns: Vec::new(),
        dealt: BTreeMap::new(),
        content: None,
        files: BTreeMap::new(),
        seal: None,
    }
}

pub fn files() -> Files {
    let rows: Vec<Row> = (0..4).map(row).collect();
    Files(BTreeMap::from([
        ("data.jsonl".to_owned(), write_rows(&rows).unwrap()),
        (
            "rejected.jsonl".to_owned(),
            write_rejects(&[reject(0.9)]).unwrap(),
        ),
        ("charts/a.csv".to_owned(), b"x\r\n1\r\n".to_vec()),
        (
            "README.md".to_owned(),
            b"---\n---\n\ncanary 1234\n".to_vec(),
        ),
    ]))
}

/// A file layer over the real one that counts and records each step, and makes one fail.
pub struct Faulty {
    state: Rc<State>,
}

struct State {
    steps: Counter<usize>,
    fail_at: usize,
    for_good: bool,
    error: i32,
    record: RefCell<Vec<String>>,
}

impl State {
    fn step(&self, what: &str, path: &Path) -> io::Result<()> {
        let step = self.steps.get() + 1;
        self.steps.set(step);
        let name = path.file_name().unwrap().to_string_lossy();
        self.record.borrow_mut().push(format!("{what} {name}"));
        if step == self.fail_at || (self.for_good && step > self.fail_at) {
            return Err(io::Error::from_raw_os_error(self.error));
        }
        Ok(())
    }
}

impl Faulty {
    /// Step `fail_at` (from 1) fails with an error number of the system, and all later ones if `for_good`.
    pub fn new(fail_at: usize, for_good: bool, error: i32) -> Self {
        Self {
            state: Rc::new(State {
                steps: Counter::new(0),
                fail_at,
                for_good,
                error,
                record: RefCell::default(),
            }),
        }
    }

    pub fn record(&self) -> Vec<String> {
        self.state.record.borrow().clone()
    }
}

struct FaultyFile {
    state: Rc<State>,
    path: PathBuf,
    file: Box<dyn LayerFile>,
}

impl LayerFile for FaultyFile {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.state.step("write", &self.path) {
            // A disk that fills up takes a part first.
            self.file.write_all(&bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.state.step("sync", &self.path)?;
        self.file.sync()
    }
}

impl FileLayer for Faulty {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.state.step("create_folder", path)?;
        Disk.create_folder(path)
    }

    fn create_file(&self, path: &Path) -> io::Result<Box<dyn LayerFile>> {
        self.state.step("create", path)?;
        Ok(Box::new(FaultyFile {
            state: Rc::clone(&self.state),
            path: path.to_path_buf(),
            file: Disk.create_file(path)?,
        }))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.state.step("sync_folder", path)?;
        Disk.sync_folder(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state.step("rename", to)?;
        Disk.rename(from, to)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.state.step("remove_folder", path)?;
        Disk.remove_folder(path)
    }
}

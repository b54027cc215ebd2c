//! Files of all kinds to rows: formats, containers, packing, damage, mapping, folders.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::Write;
use std::path::{Path, PathBuf};

use evalwright_dataset::DatasetError;
use evalwright_dataset::import::{
    Compression, Container, FORMATS, FieldMap, Imported, ImportedRow, Note, ReadOptions, format,
    read_all, read_rows_of,
};
use flate2::write::GzEncoder;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

fn read(path: impl Into<PathBuf>) -> Imported {
    read_all(&[path.into()], &ReadOptions::default()).unwrap()
}

/// Rows of a JSONL text.
fn rows(text: &str) -> Imported {
    let folder = Folder::new();
    read(folder.write("rows.jsonl", text))
}

fn row(text: &str) -> (String, ImportedRow) {
    let mut read = rows(text);
    assert_eq!(read.summary.damage_lines(), Vec::<String>::new());
    let format = read.summary.files[0].format.unwrap().to_owned();
    (format, read.rows.remove(0))
}

fn texts(row: &ImportedRow) -> Vec<&str> {
    row.options
        .iter()
        .map(|option| option.text.as_str())
        .collect()
}

#[test]
fn each_format_is_told_and_read() {
    let (name, one) = row(
        r#"{"question": "Q\n\"S\"", "statement": "S", "label_confidence": 0.9, "answer_matching_behavior": " Yes", "answer_not_matching_behavior": " No"}"#,
    );
    assert_eq!(name, "model-written-statements");
    assert_eq!(
        (one.text(), one.label(), one.confidence),
        ("S", Some("Yes"), Some(0.9))
    );
    assert_eq!(
        (one.matching, one.not_matching),
        (vec![" Yes".to_owned()], vec![" No".to_owned()])
    );
    assert!(!one.not_matching_is_list);

    let (name, one) = row(
        r#"{"question": "Hello, my name is X. Q?\nChoices:\n (A) a\n (B) b\n (C) c", "answer_matching_behavior": " (B)", "answer_not_matching_behavior": [" (A)", " (C)"], "user_affiliation": "liberal"}"#,
    );
    assert_eq!(name, "model-written-questions");
    assert_eq!(
        (one.text(), one.label(), one.position()),
        ("Hello, my name is X. Q?", Some("B"), Some(1))
    );
    assert!(one.not_matching_is_list && one.not_matching.len() == 2);
    assert_eq!(one.cells["user_affiliation"], "liberal");

    let (name, one) = row(
        r#"{"index": 4, "occupation": "tiler", "other_person": "client", "pronoun_options": ["he", "she", "they"], "sentence_with_blank": "The tiler left since _ had to.", "BLS_percent_women_2019": 1.9, "BLS_original_occupation": "Tilers"}"#,
    );
    assert_eq!(name, "winogenerated-examples");
    assert_eq!(
        (texts(&one), one.id.as_deref()),
        (vec!["he", "she", "they"], Some("4"))
    );
    assert_eq!(
        (one.label(), one.cells["occupation"].as_str()),
        (None, "tiler")
    );

    let (name, one) = row(
        r#"{"BLS_original_occupation": "Tilers", "occupation": "tiler", "other_person": "client", "BLS_percent_women_2019": 1.9}"#,
    );
    assert_eq!(
        (name.as_str(), one.question.as_str()),
        ("winogenerated-occupations", "tiler")
    );

    let (name, one) = row(
        r#"{"input": [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}], "target": "y", "choices": ["x", "y"], "id": 7, "metadata": {"topic": "t"}}"#,
    );
    assert_eq!(
        (name.as_str(), one.question.as_str()),
        ("inspect", "system: S\n\nQ")
    );
    assert_eq!(
        (one.position(), one.not_matching.as_slice()),
        (Some(1), &["A".to_owned()][..])
    );
    assert_eq!(
        (one.id.as_deref(), one.cells["topic"].as_str()),
        (Some("7"), "t")
    );

    let (name, one) = row(r#"{"input": "Q", "target": "z", "choices": ["x", "y"]}"#);
    assert_eq!(
        (name.as_str(), one.faults[0].code()),
        ("inspect", "label_not_an_option")
    );

    let (name, one) = row(r#"{"input": [{"role": "user", "content": "Q"}], "ideal": ["a", "b"]}"#);
    assert_eq!(
        (name.as_str(), one.matching.len(), one.label()),
        ("openai-evals", 2, None)
    );

    for (text, place) in [
        (
            r#"{"question": "Q", "choices": ["x", "y"], "answer": 1, "subject": "s"}"#,
            1,
        ),
        (
            r#"{"question": "Q", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "1"}"#,
            0,
        ),
        (
            r#"{"ctx": "Q", "endings": ["x", "y", "z"], "label": "2"}"#,
            2,
        ),
        (
            r#"{"doc_id": 3, "doc": {"question": "Q", "choices": ["x", "y"], "answer": "B"}, "resps": []}"#,
            1,
        ),
    ] {
        let (name, one) = row(text);
        assert_eq!(
            (name.as_str(), one.question.as_str()),
            ("lm-evaluation-harness", "Q"),
            "{text}"
        );
        assert_eq!(one.position(), Some(place), "{text}");
        assert_eq!(one.not_matching.len(), one.options.len() - 1);
    }

    let (name, one) = row(r#"{"prompt": "P", "chosen": "c", "rejected": "r"}"#);
    assert_eq!(
        (
            name.as_str(),
            one.question.as_str(),
            one.matching[0].as_str()
        ),
        ("pairs", "P", "c")
    );
    let (_, one) = row(
        r#"{"chosen": "\n\nHuman: P\n\nAssistant: yes", "rejected": "\n\nHuman: P\n\nAssistant: you bet"}"#,
    );
    assert_eq!(one.question, "\n\nHuman: P\n\nAssistant:");
    assert_eq!(
        (one.matching[0].as_str(), one.not_matching[0].as_str()),
        (" yes", " you bet")
    );
    let (_, one) = row(
        r#"{"chosen": [{"role": "user", "content": "P"}, {"role": "assistant", "content": "c"}], "rejected": [{"role": "user", "content": "P"}, {"role": "assistant", "content": "r"}]}"#,
    );
    assert_eq!(
        (
            one.question.as_str(),
            one.matching[0].as_str(),
            one.not_matching[0].as_str()
        ),
        ("P", "c", "r")
    );

    let (name, one) = row(
        r#"{"prompt": "P\n (A) x\n (B) y", "corrects": [" (A)"], "incorrects": [" (B)"], "expected_accuracy": 0.7}"#,
    );
    assert_eq!(
        (name.as_str(), one.position(), one.confidence),
        ("corrects", Some(0), Some(0.7))
    );

    let (name, one) = row(
        r#"{"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "a"}]}"#,
    );
    assert_eq!(
        (
            name.as_str(),
            one.question.as_str(),
            one.matching[0].as_str()
        ),
        ("chat", "Q", "a")
    );

    let (name, one) = row(r#"{"text": "T", "label": 1, "source": "web"}"#);
    assert_eq!(
        (name.as_str(), one.label(), one.cells["source"].as_str()),
        ("plain", Some("1"), "web")
    );
}

#[test]
fn every_format_has_a_name_of_its_own() {
    for known in FORMATS {
        assert!(
            std::ptr::eq(format(known.name).unwrap(), known),
            "{}",
            known.name
        );
        assert!(!known.about.is_empty());
    }
}

#[test]
fn damage_is_counted_and_named_and_the_rest_is_read() {
    let good = r#"{"question": "q", "label": "Yes"}"#;
    let folder = Folder::new();
    let mut bytes = Vec::new();
    for line in [
        good.as_bytes(),
        b"",
        b"{\"question\": \"cut",
        b"\xff\xfe{}",
        b"\0\0\0\0",
        br#"{"question": "q", "label": "Yes", "label": "No"}"#,
        b"[1, 2]",
        br#"{"label": "Yes"}"#,
        br#"{"question": "half \ud83c", "score": NaN}"#,
        b"{\"question\": \"q\"}\r",
    ] {
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(
        format!("{{\"a\": {}1{}}}\n", "[".repeat(300), "]".repeat(300)).as_bytes(),
    );
    bytes.extend_from_slice(good.as_bytes());
    let read = read(folder.write("rows.jsonl", bytes));
    let file = &read.summary.files[0];
    assert_eq!(
        read.rows.iter().map(|row| row.line).collect::<Vec<_>>(),
        [1, 9, 10, 12]
    );
    assert_eq!(
        read.rows.iter().map(|row| row.number).collect::<Vec<_>>(),
        [1, 2, 3, 4]
    );
    assert_eq!(read.rows[1].question, "half \u{fffd}");
    let wanted = [
        (3, "ends before the object does"),
        (4, "UTF-8"),
        (5, "zero bytes"),
        (6, "\"label\" stands twice"),
        (7, "found an array"),
        (8, "no field for the question"),
        (11, "recursion"),
    ];
    assert_eq!(file.damaged, wanted.len() as u64);
    for (damage, (line, part)) in file.damage.iter().zip(wanted) {
        assert_eq!(damage.line, line);
        assert!(damage.problem.contains(part), "{}", damage.problem);
    }
    let notes: Vec<(Note, u64)> = file
        .notes
        .iter()
        .map(|(note, count)| (*note, count.first_line))
        .collect();
    assert_eq!(
        notes,
        [
            (Note::CarriageReturns, 10),
            (Note::EmptyLines, 2),
            (Note::NoFinalNewline, 12),
            (Note::HalfSurrogates, 9),
            (Note::NotNumbers, 9),
        ]
    );
}

#[test]
fn a_row_beyond_the_limit_is_passed_over_without_being_held() {
    let folder = Folder::new();
    let long = format!(
        "{{\"question\": \"{}\"}}\n{{\"question\": \"q\"}}\n",
        "x".repeat(5_000)
    );
    let path = folder.write("rows.jsonl", long);
    let options = ReadOptions {
        row_limit: 1_000,
        ..ReadOptions::default()
    };
    let read = read_all(&[path], &options).unwrap();
    assert_eq!((read.rows.len(), read.rows[0].line), (1, 2));
    assert!(
        read.summary.files[0].damage[0]
            .problem
            .contains("1000 bytes")
    );
}

#[test]
fn packed_files_are_read_as_what_they_hold() {
    let folder = Folder::new();
    let text = "{\"question\": \"q\", \"label\": \"a\"}\n".repeat(3_000);
    let gzip = |text: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = |text: &str| {
        ruzstd::encoding::compress_to_vec(
            text.as_bytes(),
            ruzstd::encoding::CompressionLevel::Fastest,
        )
    };
    // Two members, two frames, and a frame to be passed over between them; names say nothing.
    let mut two = gzip(&text);
    two.extend(gzip(&text));
    let mut frames = zstd(&text);
    frames.extend([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    frames.extend(zstd(&text));
    for (name, bytes, compression) in [
        ("a.jsonl.gz", two, Compression::Gzip),
        ("b.jsonl", frames.clone(), Compression::Zstd),
    ] {
        let read = read(folder.write(name, bytes));
        assert_eq!(
            read.rows.len(),
            6_000,
            "{name}: {:?}",
            read.summary.damage_lines()
        );
        assert_eq!(read.summary.files[0].compression, compression);
    }
    frames.truncate(frames.len() - 20);
    let cut = read(folder.write("c.jsonl.zst", frames));
    assert!(cut.summary.files[0].problem.is_some());
}

#[test]
fn a_damaged_parquet_file_is_told_and_the_others_are_read() {
    let folder = Folder::new();
    folder.write("a.parquet", b"PAR1 and nothing that belongs to it PAR1");
    folder.write("b.jsonl", "{\"question\": \"q\"}\n");
    let read = read(folder.path());
    assert_eq!(read.rows.len(), 1);
    assert_eq!(read.summary.files[0].container, Container::Parquet);
    let told = read.summary.damage_lines();
    assert!(told[0].contains("a.parquet: the Parquet file"), "{told:?}");
}

#[test]
fn tables_lists_and_single_documents() {
    let folder = Folder::new();
    let table = read(folder.write(
        "rows.csv",
        "\u{feff}question;label;choices\r\n\"a;\"\"b\"\"\";x;\"[\"\"x\"\", \"\"y\"\"]\"\r\nshort;x\r\n'=1+1;y;\r\n",
    ));
    assert_eq!(table.summary.files[0].container, Container::Table);
    assert_eq!(table.summary.damage_lines().len(), 1);
    assert_eq!(table.rows[0].question, "a;\"b\"");
    assert_eq!(texts(&table.rows[0]), ["x", "y"]);
    assert_eq!(
        (table.rows[1].question.as_str(), table.rows[1].line),
        ("=1+1", 4)
    );

    let list = read(folder.write(
        "rows.json",
        "[\n {\"question\": \"a\"},\n {\"question\": \"b\"}\n]",
    ));
    assert_eq!(
        list.rows.iter().map(|row| row.line).collect::<Vec<_>>(),
        [2, 3]
    );
    assert!(list.summary.files[0].notes.is_empty());

    let document = read(folder.write(
        "data.json",
        "{\n \"version\": 1,\n \"data\": [{\"question\": \"a\"}]\n}",
    ));
    assert_eq!(document.rows.len(), 1);
    let none = read(folder.write("none.json", "{\n \"version\": 1\n}"));
    assert!(none.summary.files[0].problem.is_some());
    assert!(
        read(folder.write("empty.csv", "")).summary.files[0]
            .problem
            .is_some()
    );
    assert_eq!(
        read(folder.write("empty.jsonl", "")).summary.damage_lines(),
        Vec::<String>::new()
    );
}

#[test]
fn fields_under_other_names_are_mapped() {
    let folder = Folder::new();
    let path = folder.write(
        "rows.jsonl",
        "{\"frage\": \"Q\", \"antwort\": [\"a\"], \"meta\": {\"thema\": \"t\", \"sicher\": \"0.5\"}}\n{\"frage\": \"R\"}\n",
    );
    let map = FieldMap::parse(&[
        "question=frage",
        "answer_matching_behavior=antwort",
        "cell.topic=meta.thema",
        "label_confidence=meta.sicher",
    ])
    .unwrap();
    let options = ReadOptions {
        map,
        ..ReadOptions::default()
    };
    let read = read_all(std::slice::from_ref(&path), &options).unwrap();
    let one = &read.rows[0];
    assert_eq!(
        (one.question.as_str(), one.label(), one.confidence),
        ("Q", Some("a"), Some(0.5))
    );
    assert_eq!(one.cells["topic"], "t");
    assert!(
        read.summary.files[0].damage[0]
            .problem
            .contains("`antwort`")
    );
    for wrong in ["question", "nothing=x", "cell.=x", "question="] {
        assert!(
            matches!(
                FieldMap::parse(&[wrong]),
                Err(DatasetError::BadMapping { .. })
            ),
            "{wrong}"
        );
    }
    // Without the mapping the message says which fields there are.
    let plain = read_all(&[path], &ReadOptions::default()).unwrap();
    assert!(plain.summary.damage_lines()[0].contains("frage, antwort, meta"));
}

#[test]
fn a_chosen_format_is_kept_to() {
    let folder = Folder::new();
    let path = folder.write("rows.jsonl", "{\"question\": \"q\", \"label\": \"a\"}\n");
    let options = ReadOptions {
        format: format("inspect"),
        ..ReadOptions::default()
    };
    let read = read_all(&[path], &options).unwrap();
    assert_eq!(read.rows.len(), 0);
    assert!(read.summary.damage_lines()[0].contains("`input`"));
}

#[test]
fn mixed_rows_are_read_as_what_they_are_and_noted() {
    let read = rows(
        "{\"prompt\": \"p\", \"chosen\": \"c\", \"rejected\": \"r\"}\n{\"input\": \"q\", \"target\": \"t\"}\n",
    );
    assert_eq!(
        (read.rows.len(), read.rows[1].matching[0].as_str()),
        (2, "t")
    );
    assert_eq!(
        read.summary.files[0].notes[&Note::MixedFormats].first_line,
        2
    );
}

#[test]
fn confidence_out_of_range_is_left_out_and_told() {
    let read = rows(
        "{\"question\": \"q\", \"answer_matching_behavior\": \" Yes\", \"label_confidence\": 1.5}\n",
    );
    assert_eq!(read.rows[0].confidence, None);
    assert_eq!(read.rows[0].faults[0].code(), "confidence_out_of_range");
}

#[test]
fn hub_folders_follow_their_card() {
    let folder = Folder::new();
    folder.write(
        "README.md",
        "---\nconfigs:\n- config_name: risk\n  data_files:\n  - split: test\n    path: data/risk-*.jsonl\n- config_name: calm\n  data_files: data/calm.csv\n---\n",
    );
    folder.write(
        "data/risk-0.jsonl",
        "{\"question\": \"a\", \"label\": \"x\"}\n",
    );
    folder.write(
        "data/risk-1.jsonl",
        "{\"question\": \"b\", \"label\": \"x\"}\n",
    );
    folder.write("data/calm.csv", "question,label\nc,y\n");
    folder.write("data/other.jsonl", "{\"question\": \"d\"}\n");
    let read = read(folder.path());
    let seen: Vec<(&str, &str, Option<&str>)> = read
        .rows
        .iter()
        .map(|row| (row.question.as_str(), &*row.behaviour, row.split.as_deref()))
        .collect();
    assert_eq!(
        seen,
        [
            ("a", "risk", Some("test")),
            ("b", "risk", Some("test")),
            ("c", "calm", None)
        ]
    );

    let bare = Folder::new();
    bare.write(
        "README.md",
        "---\nconfigs:\n- config_name: x\n  data_files: missing.jsonl\n---\n",
    );
    assert!(matches!(
        read_all(&[bare.path().to_path_buf()], &ReadOptions::default()),
        Err(DatasetError::CardWithoutFiles { .. })
    ));
    let nothing = Folder::new();
    nothing.write("notes.txt", "x");
    assert!(matches!(
        read_all(&[nothing.path().to_path_buf()], &ReadOptions::default()),
        Err(DatasetError::NoData { .. })
    ));
    assert!(matches!(
        read_all(
            &[nothing.path().join("none.jsonl")],
            &ReadOptions::default()
        ),
        Err(DatasetError::Read { .. })
    ));
}

#[test]
fn an_error_of_the_receiver_ends_the_reading() {
    let folder = Folder::new();
    let path = folder.write(
        "rows.jsonl",
        "{\"question\": \"a\"}\n{\"question\": \"b\"}\n",
    );
    let mut seen = 0;
    let ended = read_rows_of(&[path], &ReadOptions::default(), &mut |_| {
        seen += 1;
        Err(DatasetError::NoData {
            path: PathBuf::from("enough"),
        })
    });
    assert!(matches!(ended, Err(DatasetError::NoData { .. })));
    assert_eq!(seen, 1);
}

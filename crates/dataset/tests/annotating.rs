//! Annotation files of all shapes, and putting ratings to rows.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;

use evalwright_dataset::DatasetError;
use evalwright_dataset::annotations::{
    AnnotationOptions, Annotations, MatchBy, Shape, match_ratings, read_annotations,
};
use evalwright_dataset::import::{ImportedRow, ReadOptions, read_all};

fn file(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn read(name: &str, text: &str) -> Annotations {
    let (_folder, path) = file(name, text);
    read_annotations(&path, &AnnotationOptions::default()).unwrap()
}

/// Ratings in short: item, rater, label, rating, ambiguous.
fn short(annotations: &Annotations) -> Vec<String> {
    annotations
        .ratings
        .iter()
        .map(|rating| {
            format!(
                "{} {} {} {} {}",
                rating.item,
                rating.rater,
                rating.label.as_deref().unwrap_or("-"),
                rating
                    .rating
                    .map_or("-".to_owned(), |number| number.to_string()),
                rating
                    .ambiguous
                    .map_or("-".to_owned(), |truth| truth.to_string())
            )
        })
        .collect()
}

#[test]
fn the_long_form_holds_all_that_was_asked() {
    let text = "Item_ID;Annotator;Label;Relevance;Ambiguous;created_at\n1;a; (A);5;no;2026-01-02\n1;b;(B);4.5;yes;2026-01-02\n2;a;;3;;\n";
    let read = read("long.csv", text);
    assert_eq!(read.report.shape, Shape::Long);
    assert_eq!(
        short(&read),
        ["1 a A 5 false", "1 b B 4.5 true", "2 a - 3 -"]
    );
    assert_eq!(read.ratings[0].time.as_deref(), Some("2026-01-02"));
    let lines = "{\"item\": 1, \"rater\": 7, \"label\": true}\nnot JSON\n{\"item\": 2, \"rater\": 7, \"label\": false}\n";
    let read = self::read("long.jsonl", lines);
    assert_eq!(short(&read), ["1 7 true - -", "2 7 false - -"]);
    assert_eq!((read.report.rows, read.report.damaged[0].line), (3, 2));
}

#[test]
fn the_later_rating_counts_by_time_where_it_is_known() {
    let rows = [
        ("2026-01-02T10:00", "2026-01-01T10:00", "Yes", 2),
        ("2026-01-01T10:00", "2026-01-02T10:00", "No", 3),
        ("", "2026-01-01T10:00", "No", 3),
    ];
    for (first, second, kept, line) in rows {
        let text = format!("item,rater,label,time\n1,a,Yes,{first}\n1,a,No,{second}\n");
        let read = read("twice.csv", &text);
        assert_eq!(read.ratings.len(), 1);
        assert_eq!(read.ratings[0].label.as_deref(), Some(kept));
        assert_eq!(read.report.same_rater_twice[0].kept_line, line);
        assert_ne!(read.report.same_rater_twice[0].dropped_line, line);
    }
}

#[test]
fn the_wide_form_takes_every_column_or_those_that_are_named() {
    let text = "id,question,anna,ben,gold\nx1,Why?,Yes,No,Yes\nx2,How?,,No,Yes\n";
    let read = read("wide.csv", text);
    assert_eq!(read.report.shape, Shape::Wide);
    assert_eq!(
        short(&read),
        ["x1 anna Yes - -", "x1 ben No - -", "x2 ben No - -"]
    );
    assert_eq!(
        (read.report.missing, read.report.items_with_fewer_than_two),
        (1, 1)
    );
    let (_folder, path) = file("wide.csv", text);
    let options = AnnotationOptions {
        raters: vec!["gold".to_owned(), "ben".to_owned()],
        ..AnnotationOptions::default()
    };
    let read = read_annotations(&path, &options).unwrap();
    assert_eq!(read.report.raters, ["ben", "gold"]);
}

#[test]
fn label_studio_questions_go_where_they_belong() {
    let text = r#"[{"id": 9, "data": {"id": "row_1", "text": "t"}, "annotations": [{"id": 2, "completed_by": {"id": 3, "email": "a@b.invalid"}, "created_at": "2026-01-01", "result": [
      {"from_name": "label", "type": "choices", "value": {"choices": ["Yes"]}},
      {"from_name": "relevance", "type": "rating", "value": {"rating": 4}},
      {"from_name": "ambiguous", "type": "choices", "value": {"choices": ["no"]}}]}]},
      {"id": 10, "data": {"text": "u"}, "annotations": []}]"#;
    let read = read("export.json", text);
    assert_eq!(read.report.shape, Shape::LabelStudio);
    assert_eq!(short(&read), ["row_1 a@b.invalid Yes 4 false"]);
    assert_eq!(read.report.items, 2);
}

#[test]
fn the_exports_of_argilla_in_their_four_forms() {
    let forms = [
        r#"{"id": "r1", "fields": {"text": "t"}, "responses": {"label": [{"value": "Yes", "user_id": "u1"}, {"value": "No", "user_id": "u2", "status": "discarded"}], "relevance": [{"value": 5, "user_id": "u1"}]}}"#,
        r#"{"external_id": "r1", "responses": [{"user_id": "u1", "status": "submitted", "values": {"label": {"value": "Yes"}, "relevance": {"value": 5}}}, {"user_id": "u2", "status": "discarded", "values": {"label": {"value": "No"}}}]}"#,
        r#"{"id": "r1", "label.responses": ["Yes", "No"], "label.responses.users": ["u1", "u2"], "label.responses.status": ["submitted", "discarded"], "relevance.responses": [5], "relevance.responses.users": ["u1"]}"#,
    ];
    for form in forms {
        let read = read("argilla.jsonl", form);
        assert_eq!(read.report.shape, Shape::Argilla);
        assert_eq!(short(&read), ["r1 u1 Yes 5 -"], "{form}");
        assert_eq!(read.report.skipped, 1, "{form}");
    }
    let old = r#"{"id": "r1", "text": "t", "annotation": "Yes", "annotation_agent": "u1", "status": "Validated"}"#;
    assert_eq!(short(&read("old.jsonl", old)), ["r1 u1 Yes - -"]);
    assert_eq!(
        short(&read("list.json", &format!("[{old}]"))),
        ["r1 u1 Yes - -"]
    );
}

#[test]
fn columns_of_no_shape_are_told() {
    for (name, text, part) in [
        ("a.csv", "colour,size\nred,1\n", "colour, size"),
        ("b.csv", "", "empty"),
    ] {
        let (_folder, path) = file(name, text);
        let error = read_annotations(&path, &AnnotationOptions::default()).unwrap_err();
        assert!(matches!(error, DatasetError::UnclearAnnotations { .. }));
        assert!(error.to_string().contains(part), "{error}");
    }
}

fn rows(text: &str) -> Vec<ImportedRow> {
    let (_folder, path) = file("rows.jsonl", text);
    read_all(&[path], &ReadOptions::default()).unwrap().rows
}

#[test]
fn ratings_are_put_to_rows_by_id_number_or_text() {
    let rows = rows(
        "{\"question\": \"Is it? \", \"label\": \"Yes\"}\n{\"question\": \"Why?\", \"label\": \"No\", \"id\": 5}\n{\"question\": \"Why?\", \"label\": \"No\"}\n",
    );
    let by = |items: &[&str], by| {
        let mut text = "item,rater,label\n".to_owned();
        for item in items {
            text.push_str(&format!("{item},a,Yes\n"));
        }
        match_ratings(&read("a.csv", &text), &rows, by)
    };
    let places = |matched: &evalwright_dataset::annotations::MatchedRatings| {
        matched
            .ratings
            .iter()
            .map(|rating| rating.row)
            .collect::<Vec<_>>()
    };
    // The identifier that a row without one gets when it is imported names it too.
    let matched = by(&["5", &rows[0].key(), "6"], MatchBy::Id);
    assert_eq!(places(&matched), [1, 0]);
    assert_eq!(
        (matched.unknown_items.as_slice(), matched.unmatched_ratings),
        (&["6".to_owned()][..], 1)
    );
    assert_eq!(matched.rows_without_rating, 1);
    assert_eq!(places(&by(&["3", "1", "0", "4"], MatchBy::Number)), [2, 0]);
    let matched = by(&["Why?", "Is it?"], MatchBy::Text);
    assert_eq!(places(&matched), [1, 0]);
    assert_eq!(matched.unclear_items, ["Why?"]);
    assert!(
        match_ratings(
            &read("a.csv", "item,rater,label\n1,a,Yes\n"),
            &[],
            MatchBy::Id
        )
        .ratings
        .is_empty()
    );
}

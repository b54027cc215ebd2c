//! The types of a row's columns, declared so that no loader has to guess them.
//!
//! Loaders guess from the first rows, and a column that is null there is taken to be always null. Every
//! key that a row can have stands here, also those of verdicts that seldom come.

use std::fmt::Write;

/// The type of a column or of a part of it. Any of them may be null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// Text.
    Text,
    /// True or false.
    Boolean,
    /// A whole number of up to 64 bits.
    Integer,
    /// A floating-point number of 64 bits.
    Float,
    /// Any number of values of one type.
    List(&'static Feature),
    /// Named parts, in order.
    Struct(&'static [(&'static str, Feature)]),
}

/// The columns of `data.jsonl`, in order.
pub const ROW_FEATURES: &[(&str, Feature)] = &[
    ("question", Feature::Text),
    ("statement", Feature::Text),
    ("label_confidence", Feature::Float),
    ("answer_matching_behavior", Feature::Text),
    ("answer_not_matching_behavior", Feature::Text),
    ("id", Feature::Text),
    ("metadata", Feature::Struct(METADATA)),
];

/// The columns of `data.jsonl` in an imported version, in order.
pub const IMPORTED_FEATURES: &[(&str, Feature)] = &[
    ("question", Feature::Text),
    ("statement", Feature::Text),
    ("label_confidence", Feature::Float),
    ("answer_matching_behavior", Feature::Text),
    ("answer_not_matching_behavior", Feature::Text),
    ("id", Feature::Text),
    (
        "metadata",
        Feature::Struct(&[("imported", Feature::Struct(IMPORTED))]),
    ),
];

const IMPORTED: &[(&str, Feature)] = &[
    ("file", Feature::Text),
    ("line", Feature::Integer),
    ("id", Feature::Text),
    ("family", Feature::Text),
    ("behaviour", Feature::Text),
    ("split", Feature::Text),
    ("stem", Feature::Text),
    ("header", Feature::Text),
    (
        "options",
        Feature::List(&Feature::Struct(&[
            ("letter", Feature::Text),
            ("text", Feature::Text),
        ])),
    ),
    ("matching", Feature::List(&Feature::Text)),
    ("not_matching", Feature::List(&Feature::Text)),
    ("not_matching_is_list", Feature::Boolean),
    (
        "cells",
        Feature::List(&Feature::Struct(&[
            ("name", Feature::Text),
            ("value", Feature::Text),
        ])),
    ),
    ("faults", Feature::List(&Feature::Text)),
    ("original", Feature::Text),
];

const METADATA: &[(&str, Feature)] = &[
    ("label", Feature::Text),
    ("candidate", Feature::Text),
    ("slot", Feature::Struct(SLOT)),
    ("reply", Feature::Text),
    ("flags", Feature::List(&Feature::Text)),
    ("split", Feature::Text),
    ("judgements", Feature::List(&Feature::Struct(JUDGEMENT))),
];

const SLOT: &[(&str, Feature)] = &[
    ("stage", Feature::Text),
    ("cell", Feature::Struct(&[("label", Feature::Text)])),
    ("index", Feature::Integer),
];

const JUDGEMENT: &[(&str, Feature)] = &[
    ("rater", Feature::Text),
    ("requirement", Feature::Text),
    ("method", Feature::Text),
    ("log_odds", Feature::Float),
    ("covered", Feature::Float),
    ("votes", Feature::Struct(VOTES)),
    ("verdict", Feature::Struct(VERDICT)),
];

const VOTES: &[(&str, Feature)] = &[
    ("matching", Feature::Integer),
    ("not_matching", Feature::Integer),
    ("unreadable", Feature::Integer),
    ("low", Feature::Float),
    ("high", Feature::Float),
];

const VERDICT: &[(&str, Feature)] = &[
    ("known", Feature::Struct(&[("matching", Feature::Float)])),
    (
        "bounded",
        Feature::Struct(&[("low", Feature::Float), ("high", Feature::Float)]),
    ),
    (
        "unknown",
        Feature::Struct(&[("reason", Feature::Struct(REASON))]),
    ),
];

const REASON: &[(&str, Feature)] = &[
    ("code", Feature::Text),
    ("detail", Feature::Struct(&[("detail", Feature::Text)])),
];

/// The list under `dataset_info: features:` of a dataset card, each line indented by `indent` blanks.
pub(crate) fn as_yaml(features: &[(&str, Feature)], indent: usize) -> String {
    let mut text = String::new();
    for (name, feature) in features {
        push_field(&mut text, name, *feature, indent);
    }
    text
}

fn push_field(text: &mut String, name: &str, feature: Feature, indent: usize) {
    let blank = " ".repeat(indent);
    push(text, format_args!("{blank}- name: {name}\n"));
    match feature {
        Feature::Struct(parts) => {
            push(text, format_args!("{blank}  struct:\n"));
            text.push_str(&as_yaml(parts, indent + 2));
        }
        Feature::List(Feature::Struct(parts)) => {
            push(text, format_args!("{blank}  list:\n"));
            text.push_str(&as_yaml(parts, indent + 2));
        }
        Feature::List(inner) => push(text, format_args!("{blank}  list: {}\n", scalar(*inner))),
        plain => push(text, format_args!("{blank}  dtype: {}\n", scalar(plain))),
    }
}

/// The word of a type without parts. Lists of lists don't occur in a row.
fn scalar(feature: Feature) -> &'static str {
    match feature {
        Feature::Boolean => "bool",
        Feature::Integer => "int64",
        Feature::Float => "float64",
        Feature::Text | Feature::List(_) | Feature::Struct(_) => "string",
    }
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    text.write_fmt(arguments).ok();
}

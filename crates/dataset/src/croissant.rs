//! `croissant.json`: machine-readable metadata after the Croissant format, version 1.1.
//!
//! Describes the files of a version by their hashes and the columns of `data.jsonl`. It holds no model
//! text, and everything in it is JSON. The date of publication, which the format recommends, is left out:
//! the files of a version are a function of recipe and replies, and no clock is looked at.

use serde_json::{Map, Value, json};

use crate::error::DatasetError;
use crate::features::{Feature, ROW_FEATURES};
use crate::manifest::Manifest;
use crate::publish::Files;

/// The metadata of a version whose files are `files`; those under `.jsonl` names are described.
///
/// # Errors
/// Never for values that JSON can hold.
pub fn croissant(manifest: &Manifest, files: &Files) -> Result<Vec<u8>, DatasetError> {
    let behaviour = manifest
        .behaviour
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or(&manifest.dataset);
    let distribution: Vec<Value> = files
        .records()
        .iter()
        .filter(|(name, _)| name.ends_with(".jsonl"))
        .map(|(name, record)| {
            json!({
                "@type": "cr:FileObject",
                "@id": name,
                "name": name,
                "contentUrl": name,
                "contentSize": format!("{} B", record.bytes),
                "encodingFormat": "application/jsonlines",
                "sha256": record.sha256,
            })
        })
        .collect();
    let metadata = json!({
        "@context": context(),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": manifest.dataset,
        "description": if !manifest.maps_fields() {
            format!("Multiple-choice questions that test this behaviour of language models: {behaviour}")
        } else {
            format!("Rows of kind {} that test language models", manifest.kind.name)
        },
        "version": manifest.version,
        "license": format!("https://spdx.org/licenses/{}.html", manifest.license),
        "citeAs": format!(
            "{} {}, made by {} after Perez et al. 2022, Discovering Language Model Behaviors with Model-Written Evaluations",
            manifest.dataset, manifest.version, manifest.made_by
        ),
        "keywords": ["synthetic", "evaluation", "language models"],
        "isLiveDataset": false,
        "distribution": distribution,
        "recordSet": [{
            "@type": "cr:RecordSet",
            "@id": "rows",
            "name": "rows",
            "description": if !manifest.maps_fields() {
                "One question with its two answers."
            } else {
                "One row as schema.json describes it."
            },
            "key": { "@id": "rows/id" },
            "field": if !manifest.maps_fields() { fields() } else { columns(manifest) },
        }],
    });
    let mut bytes = serde_json::to_vec_pretty(&metadata).map_err(|source| DatasetError::Json {
        what: "croissant.json",
        source,
    })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The columns that hold one value; `metadata` has parts and is left to the card.
fn fields() -> Vec<Value> {
    ROW_FEATURES
        .iter()
        .filter_map(|(name, feature)| {
            let data_type = match feature {
                Feature::Text => "sc:Text",
                Feature::Boolean => "sc:Boolean",
                Feature::Integer => "sc:Integer",
                Feature::Float => "sc:Float",
                Feature::List(_) | Feature::Struct(_) => return None,
            };
            Some(json!({
                "@type": "cr:Field",
                "@id": format!("rows/{name}"),
                "name": name,
                "dataType": data_type,
                "source": {
                    "fileObject": { "@id": "data.jsonl" },
                    "extract": { "column": name },
                },
            }))
        })
        .collect()
}

/// The columns of a kind that maps fields; lists are repeated texts.
fn columns(manifest: &Manifest) -> Vec<Value> {
    manifest
        .columns
        .iter()
        .map(|column| (column.name.as_str(), column.json_type.as_str()))
        .chain([("id", "string")])
        .map(|(name, json_type)| {
            let data_type = match json_type {
                "number" => "sc:Float",
                "integer" => "sc:Integer",
                "boolean" => "sc:Boolean",
                _ => "sc:Text",
            };
            json!({
                "@type": "cr:Field",
                "@id": format!("rows/{name}"),
                "name": name,
                "dataType": data_type,
                "repeated": json_type == "array",
                "source": {
                    "fileObject": { "@id": "data.jsonl" },
                    "extract": { "column": name },
                },
            })
        })
        .collect()
}

/// What the short names mean, as the format lays down.
fn context() -> Value {
    let mut context = Map::new();
    for (name, meaning) in [
        ("@language", "en"),
        ("@vocab", "https://schema.org/"),
        ("sc", "https://schema.org/"),
        ("cr", "http://mlcommons.org/croissant/"),
        ("rai", "http://mlcommons.org/croissant/RAI/"),
        ("dct", "http://purl.org/dc/terms/"),
        ("citeAs", "cr:citeAs"),
        ("column", "cr:column"),
        ("conformsTo", "dct:conformsTo"),
        ("equivalentProperty", "cr:equivalentProperty"),
        ("extract", "cr:extract"),
        ("field", "cr:field"),
        ("fileObject", "cr:fileObject"),
        ("fileProperty", "cr:fileProperty"),
        ("fileSet", "cr:fileSet"),
        ("format", "cr:format"),
        ("includes", "cr:includes"),
        ("isLiveDataset", "cr:isLiveDataset"),
        ("jsonPath", "cr:jsonPath"),
        ("key", "cr:key"),
        ("md5", "cr:md5"),
        ("parentField", "cr:parentField"),
        ("path", "cr:path"),
        ("recordSet", "cr:recordSet"),
        ("references", "cr:references"),
        ("regex", "cr:regex"),
        ("repeated", "cr:repeated"),
        ("replace", "cr:replace"),
        ("samplingRate", "cr:samplingRate"),
        ("separator", "cr:separator"),
        ("source", "cr:source"),
        ("subField", "cr:subField"),
        ("transform", "cr:transform"),
    ] {
        context.insert(name.to_owned(), Value::from(meaning));
    }
    context.insert(
        "data".to_owned(),
        json!({ "@id": "cr:data", "@type": "@json" }),
    );
    context.insert(
        "dataType".to_owned(),
        json!({ "@id": "cr:dataType", "@type": "@vocab" }),
    );
    context.insert(
        "examples".to_owned(),
        json!({ "@id": "cr:examples", "@type": "@json" }),
    );
    Value::Object(context)
}

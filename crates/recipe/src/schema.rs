//! A small part of JSON Schema, enough to describe a row: types, required members, closed lists of values, items.
//!
//! Keywords that are not read are refused, so no schema promises what nobody checks.

use serde_json::{Map, Value};

/// Keywords that are checked.
const CHECKED: [&str; 12] = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "enum",
    "items",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
];
/// Keywords that only inform.
const WORDS: [&str; 4] = ["$schema", "$id", "title", "description"];
const TYPES: [&str; 7] = [
    "string", "number", "integer", "boolean", "array", "object", "null",
];

/// Whether a schema uses only what is checked here.
///
/// # Errors
/// A sentence that names the first keyword or type that is not read.
pub fn check_schema(schema: &Value) -> Result<(), String> {
    let Value::Object(schema) = schema else {
        return Err("a schema must be an object".to_owned());
    };
    if let Some(other) = schema
        .keys()
        .find(|key| !CHECKED.contains(&key.as_str()) && !WORDS.contains(&key.as_str()))
    {
        return Err(format!(
            "the keyword `{other}` is not checked here; use {}",
            CHECKED.join(", ")
        ));
    }
    for name in types(schema) {
        if !TYPES.contains(&name) {
            return Err(format!(
                "there is no type {name:?}; types: {}",
                TYPES.join(", ")
            ));
        }
    }
    for inner in schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::values)
        .chain(schema.get("items"))
        .chain(others(schema))
    {
        check_schema(inner)?;
    }
    Ok(())
}

/// Whether a value fits a schema; keywords mean what JSON Schema 2020-12 says, absent ones allow everything.
///
/// # Errors
/// A sentence with the path of the first value that does not fit.
pub fn fits(schema: &Value, value: &Value) -> Result<(), String> {
    fits_at(schema, value, "row")
}

fn fits_at(schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    let Value::Object(schema) = schema else {
        return Ok(());
    };
    let types = types(schema);
    if !types.is_empty() && !types.iter().any(|name| is_of(value, name)) {
        return Err(format!("`{path}` is no {}: {value}", types.join(" or ")));
    }
    if let Some(Value::Array(allowed)) = schema.get("enum")
        && !allowed.contains(value)
    {
        return Err(format!("`{path}` is none of the values allowed: {value}"));
    }
    let number = |key: &str| schema.get(key).and_then(Value::as_f64);
    let whole = |key: &str| schema.get(key).and_then(Value::as_u64);
    let outside = |size: u64, low: &str, high: &str| {
        whole(low).is_some_and(|low| size < low) || whole(high).is_some_and(|high| size > high)
    };
    match value {
        Value::String(text) if outside(text.chars().count() as u64, "minLength", "maxLength") => {
            return Err(format!("`{path}` is too short"));
        }
        Value::Number(found) => {
            let found = found.as_f64().unwrap_or_default();
            if number("minimum").is_some_and(|low| found < low)
                || number("maximum").is_some_and(|high| found > high)
            {
                return Err(format!("`{path}` is out of range: {found}"));
            }
        }
        Value::Array(items) => {
            if outside(items.len() as u64, "minItems", "maxItems") {
                return Err(format!("`{path}` has {} items", items.len()));
            }
            if let Some(inner) = schema.get("items") {
                for (index, item) in items.iter().enumerate() {
                    fits_at(inner, item, &format!("{path}[{index}]"))?;
                }
            }
        }
        Value::Object(members) => object(schema, members, path)?,
        _ => {}
    }
    Ok(())
}

fn object(
    schema: &Map<String, Value>,
    members: &Map<String, Value>,
    path: &str,
) -> Result<(), String> {
    let required = schema.get("required").and_then(Value::as_array);
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            return Err(format!("`{path}` lacks `{name}`"));
        }
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, member) in members {
        match properties.and_then(|properties| properties.get(name)) {
            Some(inner) => fits_at(inner, member, &format!("{path}.{name}"))?,
            None if schema.get("additionalProperties") == Some(&Value::Bool(false)) => {
                return Err(format!(
                    "`{path}` has a member `{name}` that the schema does not name"
                ));
            }
            None => {
                if let Some(inner) = others(schema) {
                    fits_at(inner, member, &format!("{path}.{name}"))?;
                }
            }
        }
    }
    Ok(())
}

/// What every member that is not named must be, where that is a schema and no yes or no.
fn others(schema: &Map<String, Value>) -> Option<&Value> {
    schema
        .get("additionalProperties")
        .filter(|inner| !inner.is_boolean())
}

fn types(schema: &Map<String, Value>) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => false,
    }
}

/// The columns before `id` and `metadata` with their types, in the order of the schema.
#[must_use]
pub fn columns(schema: &Value) -> Vec<(String, String)> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(name, _)| *name != "id" && *name != "metadata")
        .map(|(name, inner)| {
            let types = inner.as_object().map(types).unwrap_or_default();
            let first = types.first().copied().unwrap_or("string");
            (name.clone(), first.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_fit_or_say_where_they_do_not() {
        let counts = json!({ "type": "object", "additionalProperties": { "type": "integer" } });
        check_schema(&counts).unwrap();
        assert!(fits(&counts, &json!({ "a": 1 })).is_ok());
        let error = fits(&counts, &json!({ "a": 1, "b": "two" })).unwrap_err();
        assert!(error.contains("row.b"), "{error}");
        assert!(check_schema(&json!({ "additionalProperties": { "oneOf": [] } })).is_err());
        let schema = json!({
            "type": "object",
            "required": ["question", "answers"],
            "additionalProperties": false,
            "properties": {
                "question": { "type": "string", "minLength": 1 },
                "answers": { "type": "array", "minItems": 2, "maxItems": 3, "items": { "type": "string" } },
                "share": { "type": ["number", "null"], "minimum": 0, "maximum": 100 },
                "letter": { "enum": ["A", "B"] }
            }
        });
        check_schema(&schema).unwrap();
        let good = json!({ "question": "q", "answers": ["a", "b"], "share": null, "letter": "A" });
        assert_eq!(fits(&schema, &good), Ok(()));
        for (bad, mention) in [
            (json!({ "answers": ["a", "b"] }), "lacks `question`"),
            (
                json!({ "question": "", "answers": ["a", "b"] }),
                "`row.question` is too short",
            ),
            (
                json!({ "question": "q", "answers": ["a"] }),
                "`row.answers` has 1 items",
            ),
            (
                json!({ "question": "q", "answers": ["a", 1] }),
                "`row.answers[1]` is no string",
            ),
            (
                json!({ "question": "q", "answers": ["a", "b"], "share": 101 }),
                "out of range",
            ),
            (
                json!({ "question": "q", "answers": ["a", "b"], "letter": "C" }),
                "none of the values",
            ),
            (
                json!({ "question": "q", "answers": ["a", "b"], "x": 1 }),
                "a member `x`",
            ),
        ] {
            let problem = fits(&schema, &bad).unwrap_err();
            assert!(problem.contains(mention), "{problem}");
        }
        assert_eq!(columns(&schema).len(), 4);
        assert!(check_schema(&json!({ "pattern": "x" })).is_err());
        assert!(check_schema(&json!({ "type": "text" })).is_err());
    }
}

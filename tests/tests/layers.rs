//! Which crate may depend on which. What each line of the workspace knows is how it can be understood,
//! so an arrow that points up or sideways fails here.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// The lines from the bottom to the top. Crates of one line don't see each other.
const LINES: [&[&str]; 7] = [
    &["core"],
    &["dedup", "stats", "templates"],
    &["recipe", "text"],
    &["models", "local", "store", "dataset"],
    &["pipeline", "report"],
    &["cli"],
    &["tests"],
];

/// A help for tests; nothing that is shipped depends on it.
const FOR_TESTS: &str = "testing";

/// What only one crate may know, by the start of the dependency's name.
const OWNED: [(&str, &str); 5] = [
    ("reqwest", "models"),
    ("candle-", "local"),
    ("rusqlite", "store"),
    ("clap", "cli"),
    ("indicatif", "cli"),
];

/// A dependency as Cargo tells it. The kind is `normal`, `build` or `dev`.
struct Dependency {
    from: String,
    to: String,
    kind: String,
}

/// A package's word: its name without the project's prefix. The binary's package has only the prefix.
fn word(package: &str) -> &str {
    match package {
        "evalwright" => "cli",
        _ => package.strip_prefix("evalwright-").unwrap_or(package),
    }
}

fn line(word: &str) -> Option<usize> {
    LINES.iter().position(|line| line.contains(&word))
}

/// One sentence for each arrow that may not be.
fn faults(dependencies: &[Dependency]) -> Vec<String> {
    let mut faults = Vec::new();
    for Dependency { from, to, kind } in dependencies {
        let (user, used) = (word(from), word(to));
        if let Some((_, owner)) = OWNED.iter().find(|(start, _)| to.starts_with(start)) {
            if user != *owner {
                faults.push(format!(
                    "{user} depends on {to}, which only {owner} may know"
                ));
            }
            continue;
        }
        if !to.starts_with("evalwright") {
            continue;
        }
        if used == FOR_TESTS || used == "tests" {
            // What the end-to-end tests share is a library that is for tests itself.
            if kind != "dev" && user != "tests" {
                faults.push(format!("{user} depends on {used}, which is for tests"));
            }
            continue;
        }
        if user == FOR_TESTS {
            faults.push(format!(
                "{user} depends on {used}, but every crate's tests depend on it"
            ));
            continue;
        }
        let (Some(above), Some(below)) = (line(user), line(used)) else {
            faults.push(format!(
                "{user} or {used} has no line; give it one in this test"
            ));
            continue;
        };
        // A test may put two parts of one line together; what is shipped may not.
        let is_fine = below < above || (kind == "dev" && below == above);
        if !is_fine {
            faults.push(format!("{user} depends on {used}, which is not below it"));
        }
    }
    faults
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("normal")
}

fn workspace() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    let output = output.map(|output| output.stdout).unwrap_or_default();
    let metadata: Value = serde_json::from_slice(&output).unwrap_or_default();
    metadata["packages"].as_array().cloned().unwrap_or_default()
}

#[test]
fn dependencies_point_down() {
    let packages = workspace();
    let mut dependencies = Vec::new();
    let mut ours = 0;
    for package in &packages {
        let name = text(package, "name");
        assert!(
            word(name) == FOR_TESTS || line(word(name)).is_some(),
            "{name} has no line; give it one in this test"
        );
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = text(dependency, "name");
            ours += usize::from(to.starts_with("evalwright"));
            dependencies.push(Dependency {
                from: name.to_owned(),
                to: to.to_owned(),
                kind: text(dependency, "kind").to_owned(),
            });
        }
    }
    // Less would mean that Cargo was not understood, and nothing was checked.
    assert!(
        packages.len() > 10 && ours > 20,
        "{} packages, {ours} arrows",
        packages.len()
    );
    let mut owners: BTreeMap<&str, usize> = BTreeMap::new();
    for (start, owner) in OWNED {
        let known = dependencies.iter().filter(|dependency| {
            word(&dependency.from) == owner && dependency.to.starts_with(start)
        });
        owners.insert(start, known.count());
    }
    assert!(owners.values().all(|count| *count > 0), "{owners:?}");
    let faults = faults(&dependencies);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn arrows_that_point_up_or_sideways_are_found() {
    let allowed = [
        ("evalwright", "evalwright-pipeline", "normal"),
        ("evalwright-text", "evalwright-dedup", "normal"),
        ("evalwright-models", "evalwright-testing", "dev"),
        ("evalwright-tests", "evalwright-testing", "normal"),
        ("evalwright-local", "evalwright-models", "dev"),
        ("evalwright-models", "reqwest", "normal"),
        ("evalwright", "clap_complete", "normal"),
        ("evalwright-core", "serde", "normal"),
    ];
    let refused = [
        ("evalwright-core", "evalwright-text", "normal"),
        ("evalwright-core", "evalwright-text", "dev"),
        ("evalwright-local", "evalwright-models", "normal"),
        ("evalwright-report", "evalwright-pipeline", "build"),
        ("evalwright-models", "evalwright-testing", "normal"),
        ("evalwright-testing", "evalwright-core", "normal"),
        ("evalwright-new", "evalwright-core", "normal"),
        ("evalwright-pipeline", "reqwest", "normal"),
        ("evalwright-core", "candle-core", "dev"),
        ("evalwright-dataset", "rusqlite", "normal"),
        ("evalwright-pipeline", "indicatif", "normal"),
    ];
    let count = |(from, to, kind): (&str, &str, &str)| {
        let dependency = Dependency {
            from: from.to_owned(),
            to: to.to_owned(),
            kind: kind.to_owned(),
        };
        faults(&[dependency]).len()
    };
    for arrow in allowed {
        assert_eq!(count(arrow), 0, "{arrow:?}");
    }
    for arrow in refused {
        assert_eq!(count(arrow), 1, "{arrow:?}");
    }
}

//! End-to-end tests of the real binary; here is what they share.

pub mod compiler;
pub mod foreign;
pub mod served;

/// A behaviour of the built-in kind `statement` with 4 rows.
pub const BEHAVIOUR: &str = include_str!("../fixtures/keeps-promises.toml");

/// A behaviour of [`QUICK_KIND`] with 2 rows.
pub const QUICK_BEHAVIOUR: &str = include_str!("../fixtures/quick-promises.toml");

/// The files of a project's own kind that asks and scores as little as it can: for tests that need a
/// published version and do not care what is in it. Paths are below the project's folder.
pub const QUICK_KIND: [(&str, &str); 5] = [
    (
        "kinds/quick/kind.toml",
        include_str!("../fixtures/quick/kind.toml"),
    ),
    (
        "kinds/quick/ask.j2",
        include_str!("../fixtures/quick/ask.j2"),
    ),
    (
        "kinds/quick/judge.j2",
        include_str!("../fixtures/quick/judge.j2"),
    ),
    (
        "kinds/quick/question.j2",
        include_str!("../fixtures/quick/question.j2"),
    ),
    (
        "kinds/quick/sample.toml",
        include_str!("../fixtures/quick/sample.toml"),
    ),
];

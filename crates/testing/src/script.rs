//! What a scripted server answers, as plain data that is written to a JSON file.
//!
//! Invariant: a script says everything about the answers; the server adds nothing of its own but the
//! length header and the refusal of paths that no route names.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// All routes of a server. The first route that fits a request answers it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The routes, in the order in which they are tried.
    pub routes: Vec<Route>,
}

impl Script {
    /// A script without routes: every request is answered with status 404.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a route after those that are there.
    #[must_use]
    pub fn route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }
}

/// The answers to one kind of request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The request's path without its query, exactly.
    pub path: String,
    /// The request's method; none means any.
    #[serde(default)]
    pub method: Option<String>,
    /// A text that must occur in the request's body; none means any body.
    #[serde(default)]
    pub body_contains: Option<String>,
    /// The answers in order. After the last one the last one is given again.
    pub responses: Vec<Response>,
}

impl Route {
    /// A route for every method of a path.
    #[must_use]
    pub fn at(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            method: None,
            body_contains: None,
            responses: Vec::new(),
        }
    }

    /// Answers only this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Answers only requests whose body holds this text.
    #[must_use]
    pub fn when_body_contains(mut self, text: &str) -> Self {
        self.body_contains = Some(text.to_owned());
        self
    }

    /// Adds the next answer.
    #[must_use]
    pub fn reply(mut self, response: Response) -> Self {
        self.responses.push(response);
        self
    }
}

/// Where a body's bytes come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// The text itself.
    Text(String),
    /// The bytes of a file, read at each request.
    File(PathBuf),
    /// A text that depends on the request's body alone: the same request gets the same answer, whenever
    /// and in whatever order it comes.
    Varied(Varied),
}

/// A text with holes `{0}`, `{1}` …, each filled with one of its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Varied {
    /// The text.
    pub text: String,
    /// The words of each hole; the request's body chooses.
    pub words: Vec<Vec<String>>,
}

impl Varied {
    /// The text for a request with this body.
    #[must_use]
    pub fn fill(&self, body: &str) -> String {
        let mut text = self.text.clone();
        for (hole, words) in self.words.iter().enumerate() {
            let count = u64::try_from(words.len()).unwrap_or(u64::MAX).max(1);
            let chosen = hash(&format!("{hole} {body}")) % count;
            let word = usize::try_from(chosen)
                .ok()
                .and_then(|word| words.get(word));
            text = text.replace(&format!("{{{hole}}}"), word.map_or("", String::as_str));
        }
        text
    }
}

/// FNV-1a with 64 bits, with its upper half folded in: the lower bits alone say little of the last bytes.
fn hash(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash ^ (hash >> 32)
}

/// A body that is sent in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trickle {
    /// Bytes per piece; zero counts as one.
    pub bytes: usize,
    /// Milliseconds of silence after each piece.
    pub pause_ms: u64,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Headers, sent as written and in this order.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// Whether `Range` is obeyed (and `If-Range` compared with the script's `etag` header).
    #[serde(default)]
    pub ranges: bool,
    /// The body is the whole answer, its status line and headers included, and the connection is closed after
    /// it: the bytes that another server once sent.
    #[serde(default)]
    pub raw: bool,
    /// Send the body in chunks without saying its length first.
    #[serde(default)]
    pub chunked: bool,
    /// Milliseconds of silence before the first byte of the answer.
    #[serde(default)]
    pub delay_ms: u64,
    /// Send the body piece by piece.
    #[serde(default)]
    pub trickle: Option<Trickle>,
    /// Close the connection after this many bytes of the body, whatever length was announced.
    #[serde(default)]
    pub cut_after: Option<u64>,
    /// Milliseconds of silence before the cut.
    #[serde(default)]
    pub stall_ms: u64,
}

impl Response {
    /// An answer with a text as its body.
    #[must_use]
    pub fn text(status: u16, body: &str) -> Self {
        Self::with(status, Body::Text(body.to_owned()))
    }

    /// Status 200 with the bytes of a file.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::with(200, Body::File(path.into()))
    }

    /// The bytes of a file as the whole answer, with its own status line and headers.
    #[must_use]
    pub fn raw(path: impl Into<PathBuf>) -> Self {
        Self {
            raw: true,
            ..Self::file(path)
        }
    }

    /// Status 200 with a text that depends on the request's body.
    #[must_use]
    pub fn varied(text: &str, words: &[&[&str]]) -> Self {
        let words = words
            .iter()
            .map(|words| words.iter().map(|&word| word.to_owned()).collect())
            .collect();
        Self::with(
            200,
            Body::Varied(Varied {
                text: text.to_owned(),
                words,
            }),
        )
    }

    fn with(status: u16, body: Body) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
            ranges: false,
            raw: false,
            chunked: false,
            delay_ms: 0,
            trickle: None,
            cut_after: None,
            stall_ms: 0,
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Obeys `Range`.
    #[must_use]
    pub fn ranges(mut self) -> Self {
        self.ranges = true;
        self
    }

    /// Sends the body in chunks.
    #[must_use]
    pub fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// Waits before it answers.
    #[must_use]
    pub fn delay_ms(mut self, milliseconds: u64) -> Self {
        self.delay_ms = milliseconds;
        self
    }

    /// Sends the body piece by piece.
    #[must_use]
    pub fn trickle(mut self, bytes: usize, pause_ms: u64) -> Self {
        self.trickle = Some(Trickle { bytes, pause_ms });
        self
    }

    /// Closes the connection after this many bytes of the body.
    #[must_use]
    pub fn cut_after(mut self, bytes: u64) -> Self {
        self.cut_after = Some(bytes);
        self
    }

    /// Keeps silent before the cut.
    #[must_use]
    pub fn stall_ms(mut self, milliseconds: u64) -> Self {
        self.stall_ms = milliseconds;
        self
    }
}

//! Why weights are not at hand.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::attempt::Attempt;

/// What can go wrong with weights. Addresses are shown without credentials.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// No model of this name.
    #[error("there is no model named {name:?}; known names: {known}")]
    UnknownModel {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// Nothing says where the cache is.
    #[error(
        "no cache folder is known: set EVALWRIGHT_CACHE_DIR, or HOME so that HOME/.cache can be used"
    )]
    NoCacheFolder,
    /// Every source was asked and none had the file.
    #[error("{}", not_obtained(name, attempts, by_hand))]
    NotObtained {
        /// The model.
        name: String,
        /// The sources in the order in which they were asked.
        attempts: Vec<Attempt>,
        /// What a person can do without this program's network.
        by_hand: String,
    },
    /// There is no such file.
    #[error("no such file")]
    Absent,
    /// A file is not the pinned one.
    #[error(
        "{path} is not the pinned file: {found} where {expected} was expected; remove it or give \
         another path"
    )]
    WrongFile {
        /// The file.
        path: PathBuf,
        /// What was expected, with its unit.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A source sent other bytes than the pinned ones. They have been removed.
    #[error("{url} sent another file: {found} where {expected} was expected; it was removed")]
    WrongDownload {
        /// The address.
        url: String,
        /// What was expected, with its unit.
        expected: String,
        /// What was found.
        found: String,
    },
    /// The file system refused.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// An address that is not one.
    #[error("the address {address} cannot be used: {reason}")]
    Address {
        /// The address.
        address: String,
        /// Why.
        reason: String,
    },
    /// The HTTP client could not be set up.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
    /// The connection failed, broke or stayed silent.
    #[error("{url}: {problem}")]
    Connection {
        /// The address.
        url: String,
        /// Which part failed.
        problem: &'static str,
        /// The HTTP library's answer, without the address.
        source: reqwest::Error,
    },
    /// The body ended before its time.
    #[error("{url}: the body ended after {received} of {expected} bytes")]
    ShortBody {
        /// The address.
        url: String,
        /// Bytes received.
        received: u64,
        /// Bytes expected.
        expected: u64,
    },
    /// A status that is not success.
    #[error("{url}: HTTP status {status}{}", wish(*retry_after))]
    Status {
        /// The address.
        url: String,
        /// The status code.
        status: u16,
        /// Seconds after which the server wants to be asked again.
        retry_after: Option<u64>,
    },
    /// A server that answered a request for the rest of a file with something else.
    #[error("{url}: the server sent another part of the file than the one asked for")]
    OtherPart {
        /// The address.
        url: String,
    },
    /// A redirect that is not followed.
    #[error("{url}: redirect not followed: {reason}")]
    Redirect {
        /// The address that redirected.
        url: String,
        /// Why.
        reason: &'static str,
    },
    /// Requests kept failing.
    #[error("gave up after {tries} tries")]
    GaveUp {
        /// How many requests were made in a row without enough progress.
        tries: u32,
        /// The last failure.
        source: Box<WeightsError>,
    },
    /// A page is longer than any index page.
    #[error("{url}: the page is longer than {limit} bytes")]
    PageTooLong {
        /// The address.
        url: String,
        /// The limit.
        limit: u64,
    },
    /// An index page that cannot be read.
    #[error("{url}: this is not a package index page: {reason}")]
    IndexPage {
        /// The address.
        url: String,
        /// Why.
        reason: String,
    },
    /// The index does not list the wheel.
    #[error("{url}: the index lists no wheel of {package} {version}")]
    NoWheel {
        /// The address.
        url: String,
        /// The package.
        package: String,
        /// The version.
        version: String,
    },
    /// The index lists the wheel with another hash.
    #[error("{url}: the index lists {file} with SHA-256 {found}, and the pinned one is {expected}")]
    OtherWheel {
        /// The address.
        url: String,
        /// The file's name.
        file: String,
        /// The pinned hash.
        expected: String,
        /// The listed hash.
        found: String,
    },
    /// The archive cannot be read.
    #[error("the archive {path} is damaged; it was removed")]
    Archive {
        /// The archive.
        path: PathBuf,
        /// The zip library's answer.
        source: zip::result::ZipError,
    },
    /// The archive does not hold the file.
    #[error("the archive {path} holds no {member}; it was removed")]
    NoMember {
        /// The archive.
        path: PathBuf,
        /// The member's path.
        member: String,
    },
    /// The archive holds another file under the right name.
    #[error(
        "the archive {path} holds another {member}: {found} where {expected} was expected; it was removed"
    )]
    WrongMember {
        /// The archive.
        path: PathBuf,
        /// The member's path.
        member: String,
        /// What was expected, with its unit.
        expected: String,
        /// What was found.
        found: String,
    },
    /// Called from inside an asynchronous runtime, where blocking is not possible.
    #[error(
        "weights cannot be pulled from inside an asynchronous task: use a thread that may block"
    )]
    InsideRuntime,
}

impl WeightsError {
    /// Whether the same request may succeed a moment later.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Connection { .. } | Self::ShortBody { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500..=599),
            _ => false,
        }
    }
}

fn wish(retry_after: Option<u64>) -> String {
    retry_after.map_or_else(String::new, |seconds| {
        format!(" (the server asks to be asked again in {seconds} s)")
    })
}

fn not_obtained(name: &str, attempts: &[Attempt], by_hand: &str) -> String {
    let mut text = format!("the weights of {name} could not be obtained; tried in this order:");
    for attempt in attempts {
        text.push_str(&format!("\n  - {attempt}"));
    }
    text.push('\n');
    text.push_str(by_hand);
    text
}

//! What can go wrong between a test and the programs it starts.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a scripted server or the program could not be started, run or asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TestingError {
    /// A file of the server could not be read or written.
    #[error("{action} {path}")]
    File {
        /// What was tried: `read`, `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A process or a socket could not be used.
    #[error("{action}")]
    System {
        /// What was tried.
        action: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// A script or a record is not the JSON it should be.
    #[error("{path}, line {line}: not a valid {expected}")]
    Json {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the text should have been.
        expected: &'static str,
        /// The parser's answer.
        source: serde_json::Error,
    },
    /// A program could not be built.
    #[error("cargo could not build the program {program}: {detail}")]
    Build {
        /// The program.
        program: &'static str,
        /// The end of what cargo wrote.
        detail: String,
    },
    /// The server ended or wrote something else before it named its port.
    #[error("the scripted server did not name its port, it wrote {written:?}")]
    NoPort {
        /// The first line of its output.
        written: String,
    },
    /// The weights of the small model are not on this machine and could not be fetched.
    #[error(
        "these tests ask the real small model, and its weights could not be fetched; give the machine a \
         network, or set EVALWRIGHT_MODEL_PATH to the file. The program said:\n{said}"
    )]
    NoWeights {
        /// What the program wrote to standard error.
        said: String,
    },
}

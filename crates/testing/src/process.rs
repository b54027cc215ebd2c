//! A scripted server as a test holds it: started, asked, stopped.
//!
//! Invariant: the process ends with the value that stands for it, by its own handle; and should the test
//! be killed, the server notices that its standard input was closed and ends as well.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::error::TestingError;
use crate::locate::{Program, program};
use crate::record::{RecordedRequest, read_record};
use crate::script::Script;

/// A running server on the loopback address. Dropping it ends the process.
#[derive(Debug)]
pub struct ScriptedServer {
    child: Child,
    port: u16,
    record: PathBuf,
    _folder: TempDir,
}

impl ScriptedServer {
    /// Starts a server on a free port and waits until it listens.
    ///
    /// # Errors
    /// When the program cannot be built or started, or when it refuses the script.
    pub fn start(script: &Script) -> Result<Self, TestingError> {
        let folder = tempfile::tempdir().map_err(|source| TestingError::System {
            action: "make a folder for the script",
            source,
        })?;
        let script_path = folder.path().join("script.json");
        let record = folder.path().join("requests.jsonl");
        let text = serde_json::to_vec_pretty(script).map_err(|source| TestingError::Json {
            path: script_path.clone(),
            line: 0,
            expected: "script",
            source,
        })?;
        std::fs::write(&script_path, text).map_err(|source| TestingError::File {
            action: "write",
            path: script_path.clone(),
            source,
        })?;
        let child = Command::new(program(Program::ScriptedServer)?)
            .arg(&script_path)
            .arg(&record)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|source| TestingError::System {
                action: "start the scripted server",
                source,
            })?;
        // Held from here on, so that every way out of this function ends the process.
        let mut server = Self {
            child,
            port: 0,
            record,
            _folder: folder,
        };
        server.port = server.read_port()?;
        Ok(server)
    }

    fn read_port(&mut self) -> Result<u16, TestingError> {
        let mut line = String::new();
        if let Some(output) = self.child.stdout.take() {
            BufReader::new(output)
                .read_line(&mut line)
                .map_err(|source| TestingError::System {
                    action: "read the scripted server's port",
                    source,
                })?;
        }
        line.trim()
            .parse()
            .map_err(|_| TestingError::NoPort { written: line })
    }

    /// The server's address without a slash at the end: `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The process's id.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Every request so far, in the order of arrival.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn requests(&self) -> Result<Vec<RecordedRequest>, TestingError> {
        read_record(&self.record)
    }

    /// The requests for one path, in the order of arrival.
    ///
    /// # Errors
    /// As [`ScriptedServer::requests`].
    pub fn requests_for(&self, path: &str) -> Result<Vec<RecordedRequest>, TestingError> {
        let mut requests = self.requests()?;
        requests.retain(|request| request.path() == path);
        Ok(requests)
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        // Both fail only when the process has ended already, which is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

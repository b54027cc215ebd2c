//! The server itself: accepts connections and answers each request by the script.
//!
//! One thread per connection, at most [`MOST_CONNECTIONS`] at a time; more are closed at once. After
//! [`MOST_REQUESTS`] requests the server refuses, so a client that asks without end shows up as a failure.

mod answer;
mod request;

use std::fs::File;
use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::error::TestingError;
use crate::record::RecordedRequest;
use crate::script::{Response, Script};

/// Connections that may be open at the same time.
pub const MOST_CONNECTIONS: usize = 1024;

/// Requests that are answered by the script; later ones get status 503.
pub const MOST_REQUESTS: usize = 250_000;

/// A connection on which nothing is asked for so long is closed.
const IDLE: Duration = Duration::from_secs(60);

/// Reads a script from its JSON file.
///
/// # Errors
/// When the file cannot be read or is not a script.
pub fn read_script(path: &Path) -> Result<Script, TestingError> {
    let text = std::fs::read_to_string(path).map_err(|source| TestingError::File {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    serde_json::from_str(&text).map_err(|source| TestingError::Json {
        path: path.to_owned(),
        line: source.line(),
        expected: "script",
        source,
    })
}

/// A bound server that has not answered anything yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    port: u16,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    script: Script,
    /// How often each route was asked, in the order of the script.
    asked: Vec<AtomicUsize>,
    requests: AtomicUsize,
    under_way: AtomicUsize,
    connections: AtomicUsize,
    record: Mutex<File>,
}

impl Server {
    /// Takes a free port on the loopback address and opens an empty record.
    ///
    /// # Errors
    /// When there is no free port or the record cannot be written.
    pub fn bind(script: Script, record: &Path) -> Result<Self, TestingError> {
        let record = File::create(record).map_err(|source| TestingError::File {
            action: "write",
            path: record.to_owned(),
            source,
        })?;
        let listening = |source| TestingError::System {
            action: "listen on the loopback address",
            source,
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(listening)?;
        let port = listener.local_addr().map_err(listening)?.port();
        let asked = script.routes.iter().map(|_| AtomicUsize::new(0)).collect();
        Ok(Self {
            listener,
            port,
            state: Arc::new(State {
                script,
                asked,
                requests: AtomicUsize::new(0),
                under_way: AtomicUsize::new(0),
                connections: AtomicUsize::new(0),
                record: Mutex::new(record),
            }),
        })
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Answers for as long as the process lives.
    pub fn answer_all(&self) {
        for stream in self.listener.incoming().flatten() {
            let state = Arc::clone(&self.state);
            if state.connections.fetch_add(1, Ordering::SeqCst) >= MOST_CONNECTIONS {
                state.connections.fetch_sub(1, Ordering::SeqCst);
                continue;
            }
            std::thread::spawn(move || {
                // A connection that breaks is the business of the client under test.
                drop(state.talk(stream));
                state.connections.fetch_sub(1, Ordering::SeqCst);
            });
        }
    }
}

impl State {
    fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(IDLE))?;
        let mut output = stream.try_clone()?;
        let mut input = BufReader::new(stream);
        loop {
            let mut request = match request::read_request(&mut input)? {
                request::Incoming::Closed => return Ok(()),
                request::Incoming::Bad(reason) => {
                    let response = Response::text(400, reason);
                    answer::write_answer(&mut output, None, &response)?;
                    return Ok(());
                }
                request::Incoming::Request(request) => request,
            };
            request.under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            let written = self.write_down(&request);
            let response = self.response_for(&request);
            answer::pause(response.delay_ms);
            // Before the first byte: a client that has its answer may send the next request at once.
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            written?;
            let cut = answer::write_answer(&mut output, Some(&request), &response)?;
            let leave = request
                .header("connection")
                .is_some_and(|value| value.eq_ignore_ascii_case("close"));
            if cut || leave {
                return Ok(());
            }
        }
    }

    fn write_down(&self, request: &RecordedRequest) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.write_all(&line)
    }

    fn response_for(&self, request: &RecordedRequest) -> Response {
        if self.requests.fetch_add(1, Ordering::SeqCst) >= MOST_REQUESTS {
            return Response::text(503, "the scripted server has answered enough");
        }
        let fits = self
            .script
            .routes
            .iter()
            .zip(&self.asked)
            .find(|(route, _)| {
                route.path == request.path()
                    && route
                        .method
                        .as_ref()
                        .is_none_or(|method| *method == request.method)
                    && route
                        .body_contains
                        .as_ref()
                        .is_none_or(|text| request.body.contains(text))
            });
        let Some((route, asked)) = fits else {
            return Response::text(404, "the script has no route for this request");
        };
        let turn = asked.fetch_add(1, Ordering::SeqCst);
        route
            .responses
            .get(turn)
            .or(route.responses.last())
            .cloned()
            .unwrap_or_else(|| Response::text(500, "the script's route has no responses"))
    }
}

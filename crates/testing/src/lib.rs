//! Development only: a scripted server in a real process, for tests of everything that speaks HTTP.
//!
//! A test describes in a [`Script`] what the server answers, starts it with [`ScriptedServer::start`] and
//! asks afterwards which requests arrived. The server is a process of its own on the loopback address, so
//! a test sees real sockets: bodies that end early, silence, closed connections.

mod error;
mod locate;
mod process;
mod record;
mod script;
pub mod serve;

pub use error::TestingError;
pub use process::ScriptedServer;
pub use record::RecordedRequest;
pub use script::{Body, Response, Route, Script, Trickle};

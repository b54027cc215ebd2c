//! Development only: a scripted server in a real process, for tests of everything that speaks HTTP, and
//! project folders in which the real program runs.
//!
//! A test describes in a [`Script`] what the server answers, starts it with [`ScriptedServer::start`] and
//! asks afterwards which requests arrived. The server is a process of its own on the loopback address, so
//! a test sees real sockets: bodies that end early, silence, closed connections.
//!
//! A test of the program makes a [`Project`], writes files into it and runs commands there; [`weights`]
//! gives the real small model.

mod error;
mod locate;
mod process;
mod project;
mod record;
mod script;
pub mod serve;
mod tree;
mod weights;

pub use error::TestingError;
pub use process::ScriptedServer;
pub use project::{Finished, Project};
pub use record::RecordedRequest;
pub use script::{Body, Response, Route, Script, Trickle, Varied};
pub use tree::read_tree;
pub use weights::weights;

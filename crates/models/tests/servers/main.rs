//! Models behind servers, asked through the public path: a [`RemoteModel`](evalwright_models::remote::RemoteModel) against
//! real server processes on the loopback address. The cases of the folder that `EVALWRIGHT_SHARED` names are played byte
//! for byte.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "what a test cannot set up is a failed test, and what it leaves out must be seen"
)]

mod ask;
mod asking;
mod budget;
mod case;
mod cut;
mod embeddings;
mod http;
mod logprobs;
mod memory;
mod places;
mod refused;
mod secrets;
mod waits;

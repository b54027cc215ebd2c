//! Which server a model's name means, and what that server can do.
//!
//! What servers differ in is data ([`PROFILES`]); the code that writes and reads their messages has no server's name in
//! it. Nothing here opens a connection or reads the environment: variables come through a function that the caller gives.

mod address;
mod connection;
mod error;
mod name;
mod profile;
mod profiles;
mod secret;

pub use address::Address;
pub use connection::{Connection, Variables};
pub use error::ServerError;
pub use name::ModelName;
pub use profile::{
    Authorization, HeaderVariable, Opening, OutputLimit, Profile, Protocol, ReasoningModels,
    TokenLimitField, WholeText,
};
pub use profiles::{PROFILES, PROFILES_VERSION};
pub use secret::Secret;

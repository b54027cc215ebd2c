//! What a good answer's headers say about the next request.

use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;

use crate::remote::retry_after::used_up;

/// How long to send nothing, because a limit on requests or tokens is used up: waiting is cheaper than
/// being turned away.
pub(super) fn pause(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    used_up(
        headers,
        crate::remote::retry_after::server_time(headers, now),
    )
}

//! The places where one model is served, and whose turn it is.
//!
//! Invariant: no place has more requests under way than its window allows; a sick one gets none, and one
//! whose last answer was a failure gets one at a time while another is well.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use evalwright_core::{Seed, StopReason};
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::pace::{Pace, Room, Ticket};
use super::settings::Settings;
use super::trouble::Trouble;
use crate::error::ModelsError;
use crate::server::{Address, Connection};

/// A place is looked at again after this long even when nobody says that it is free.
const LOOK: Duration = Duration::from_millis(100);

/// One place where a model is served.
pub(super) struct Endpoint {
    address: Address,
    version: &'static str,
    /// The first endpoint that was asked for, which is the one for all as a rule.
    url: OnceLock<(&'static str, Url)>,
    headers: HeaderMap,
    pace: Mutex<Pace>,
    /// Whether any answer came from here so far.
    answered: AtomicBool,
    /// Whether a request found nothing here.
    missed: AtomicBool,
}

impl Endpoint {
    pub(super) fn new(connection: &Connection, settings: &Settings) -> Result<Self, ModelsError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &connection.headers {
            headers.insert(HeaderName::from_static(name), readable(name, value)?);
        }
        if let Some((name, secret)) = connection.authorization() {
            let mut value = readable(name, secret.expose())?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(name), value);
        }
        Ok(Self {
            address: connection.base_url.clone(),
            version: connection.profile.version,
            url: OnceLock::new(),
            headers,
            pace: Mutex::new(Pace::new(
                settings.first_connections,
                settings.most_connections,
            )),
            answered: AtomicBool::new(false),
            missed: AtomicBool::new(false),
        })
    }

    /// Where a request for this endpoint of the protocol goes.
    pub(super) fn url(&self, endpoint: &'static str) -> Cow<'_, Url> {
        let of = || self.address.endpoint(self.version, endpoint);
        let (known, url) = self.url.get_or_init(|| (endpoint, of()));
        if *known == endpoint {
            Cow::Borrowed(url)
        } else {
            Cow::Owned(of())
        }
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// An answer came, good or not.
    pub(super) fn has_answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// Nothing was there.
    pub(super) fn was_missed(&self) {
        self.missed.store(true, Ordering::Relaxed);
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn readable(name: &str, value: &str) -> Result<HeaderValue, ModelsError> {
    HeaderValue::from_str(value).map_err(|_| ModelsError::Header {
        header: name.to_owned(),
    })
}

/// All places of one model.
pub(super) struct Endpoints {
    all: Vec<Endpoint>,
    most: usize,
    longest_wait: Duration,
    freed: Notify,
}

impl Endpoints {
    pub(super) fn new(all: Vec<Endpoint>, settings: &Settings) -> Self {
        Self {
            most: settings.most_connections.saturating_mul(all.len()),
            all,
            longest_wait: settings.longest_wait,
            freed: Notify::new(),
        }
    }

    /// Requests that may ever be under way together.
    pub(super) fn most_connections(&self) -> usize {
        self.most
    }

    /// Whether every place was tried and none ever answered: the servers are down, or their addresses are
    /// wrong.
    pub(super) fn none_is_there(&self) -> bool {
        self.all.iter().all(|endpoint| {
            endpoint.missed.load(Ordering::Relaxed) && !endpoint.answered.load(Ordering::Relaxed)
        })
    }

    /// Waits for a free place for a request that can take so many tokens. Among places that are free and well the one with the most room gets the
    /// request.
    ///
    /// # Errors
    /// [`Trouble::Stop`] when all places are sick, or closed for longer than the user wants to wait.
    pub(super) async fn slot(&self, tokens: u64) -> Result<Slot<'_>, Trouble> {
        if let Some(slot) = self.take(tokens, Instant::now()) {
            return Ok(slot);
        }
        loop {
            let freed = self.freed.notified();
            let now = Instant::now();
            if let Some(slot) = self.take(tokens, now) {
                return Ok(slot);
            }
            let opens = self.opens_in(tokens, now)?;
            let patience = if opens.is_zero() { LOOK } else { opens };
            // The order of waiting does not matter: no reply depends on another.
            drop(tokio::time::timeout(patience, freed).await);
        }
    }

    fn take(&self, tokens: u64, now: Instant) -> Option<Slot<'_>> {
        let endpoint = match self.all.as_slice() {
            [only] => only,
            all => roomiest(all, tokens, now)?,
        };
        // Another thread may have taken the place meanwhile; then the next look is not far.
        let ticket = endpoint.pace().begin(tokens, now)?;
        Some(Slot {
            endpoints: self,
            endpoint,
            ticket,
            tokens,
            is_open: true,
        })
    }

    /// How long until the first place may be open again.
    fn opens_in(&self, tokens: u64, now: Instant) -> Result<Duration, Trouble> {
        let mut opens: Option<Duration> = None;
        let mut sickness = String::new();
        for endpoint in &self.all {
            let pace = endpoint.pace();
            if pace.is_sick() {
                pace.sickness().clone_into(&mut sickness);
            } else {
                let own = pace.opens_in(tokens, now);
                // An answer that is under way can open a place that only its server's limits have closed; the
                // wait for it has an end of its own.
                let own = if pace.is_busy() { own.min(LOOK) } else { own };
                opens = Some(opens.map_or(own, |first| first.min(own)));
            }
        }
        match opens {
            None => Err(Trouble::Stop {
                reason: StopReason::ServerSick,
                cause: format!("too many failures one after the other; the last one: {sickness}"),
            }),
            Some(opens) if opens > self.longest_wait => Err(Trouble::Stop {
                reason: StopReason::WaitTooLong,
                cause: format!(
                    "the server says that its limit is used up for {} s, and at most {} s are waited; go \
                     on after that time with the same command",
                    opens.as_secs_f64().ceil(),
                    self.longest_wait.as_secs_f64()
                ),
            }),
            Some(opens) => Ok(opens),
        }
    }
}

/// Of the places that have room now the one that is well and has the most.
fn roomiest(all: &[Endpoint], tokens: u64, now: Instant) -> Option<&Endpoint> {
    let rooms: Vec<Room> = all
        .iter()
        .map(|endpoint| endpoint.pace().room(tokens, now))
        .collect();
    let one_is_well = rooms.iter().any(|room| room.is_well);
    let (endpoint, _) = all
        .iter()
        .zip(rooms)
        .map(|(endpoint, room)| (endpoint, room.beside(one_is_well)))
        .filter(|(_, room)| room.free > 0)
        .max_by_key(|(_, room)| (room.is_well, room.free))?;
    Some(endpoint)
}

/// A place at a server, for one request. Dropped without an outcome it is given back.
pub(super) struct Slot<'a> {
    endpoints: &'a Endpoints,
    endpoint: &'a Endpoint,
    ticket: Ticket,
    tokens: u64,
    is_open: bool,
}

impl<'a> Slot<'a> {
    pub(super) fn endpoint(&self) -> &'a Endpoint {
        self.endpoint
    }

    /// A good answer came, with these headers.
    pub(super) fn succeeded(mut self, headers: &HeaderMap, now: SystemTime) {
        self.is_open = false;
        self.endpoint
            .pace()
            .succeeded(self.ticket, self.tokens, headers, Instant::now(), now);
        // The window may have grown by one.
        self.endpoints.freed.notify_one();
        self.endpoints.freed.notify_one();
    }

    /// None came to this request.
    pub(super) fn failed(mut self, request: Seed, trouble: &Trouble) {
        self.is_open = false;
        self.endpoint
            .pace()
            .failed(request, self.ticket, self.tokens, trouble, Instant::now());
        self.endpoints.freed.notify_one();
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if self.is_open {
            self.endpoint.pace().give_back(self.tokens);
            self.endpoints.freed.notify_one();
        }
    }
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;

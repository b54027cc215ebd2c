//! The places where one model is served, and whose turn it is.
//!
//! Invariant: no place has more requests under way than its window allows, and a sick one gets none while
//! another is well.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use evalwright_core::StopReason;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::pace::{Pace, Ticket};
use super::redact::Redactor;
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
    headers: HeaderMap,
    redactor: Redactor,
    pace: Mutex<Pace>,
}

impl Endpoint {
    pub(super) fn new(connection: &Connection, settings: &Settings) -> Result<Self, ModelsError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &connection.headers {
            headers.insert(HeaderName::from_static(name), readable(name, value)?);
        }
        let mut secrets = connection.base_url.secrets();
        if let Some((name, secret)) = connection.authorization() {
            let mut value = readable(name, secret.expose())?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(name), value);
        }
        secrets.extend(connection.key.iter().map(|key| key.expose().to_owned()));
        Ok(Self {
            address: connection.base_url.clone(),
            version: connection.profile.version,
            headers,
            redactor: Redactor::new(secrets),
            pace: Mutex::new(Pace::new(
                settings.first_connections,
                settings.most_connections,
            )),
        })
    }

    /// Where a request for this endpoint of the protocol goes.
    pub(super) fn url(&self, endpoint: &str) -> Url {
        self.address.endpoint(self.version, endpoint)
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(super) fn redactor(&self) -> &Redactor {
        &self.redactor
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
    freed: Notify,
}

impl Endpoints {
    pub(super) fn new(all: Vec<Endpoint>, most_each: usize) -> Self {
        Self {
            most: most_each.saturating_mul(all.len()),
            all,
            freed: Notify::new(),
        }
    }

    /// Requests that may ever be under way together.
    pub(super) fn most_connections(&self) -> usize {
        self.most
    }

    /// Waits for a free place. Among places that are free the one with the most room gets the request.
    ///
    /// # Errors
    /// [`Trouble::Stop`] when all places are sick.
    pub(super) async fn slot(&self) -> Result<Slot<'_>, Trouble> {
        loop {
            let freed = self.freed.notified();
            let now = Instant::now();
            match self.take(now) {
                Ok(Some(slot)) => return Ok(slot),
                Ok(None) => {}
                Err(trouble) => return Err(trouble),
            }
            let opens = self
                .all
                .iter()
                .map(|endpoint| endpoint.pace().opens_in(now))
                .min()
                .unwrap_or_default();
            // The order of waiting does not matter: no reply depends on another.
            drop(tokio::time::timeout(opens.max(LOOK), freed).await);
        }
    }

    fn take(&self, now: Instant) -> Result<Option<Slot<'_>>, Trouble> {
        let mut best: Option<(&Endpoint, usize)> = None;
        let mut sickness = None;
        let mut well = false;
        for endpoint in &self.all {
            let pace = endpoint.pace();
            if pace.is_sick() {
                sickness = Some(pace.sickness().to_owned());
                continue;
            }
            well = true;
            let free = pace.free(now);
            if free > best.map_or(0, |(_, free)| free) {
                best = Some((endpoint, free));
            }
        }
        if let (false, Some(sickness)) = (well, sickness) {
            return Err(Trouble::Stop {
                reason: StopReason::ServerSick,
                cause: format!("too many failures one after the other; the last one: {sickness}"),
            });
        }
        Ok(best.map(|(endpoint, _)| Slot {
            endpoints: self,
            endpoint,
            ticket: endpoint.pace().begin(),
            is_open: true,
        }))
    }
}

/// A place at a server, for one request. Dropped without an outcome it is given back.
pub(super) struct Slot<'a> {
    endpoints: &'a Endpoints,
    endpoint: &'a Endpoint,
    ticket: Ticket,
    is_open: bool,
}

impl<'a> Slot<'a> {
    pub(super) fn endpoint(&self) -> &'a Endpoint {
        self.endpoint
    }

    /// A good answer came, with these headers.
    pub(super) fn succeeded(mut self, headers: &HeaderMap, now: SystemTime) {
        self.is_open = false;
        self.endpoint.pace().succeeded(headers, Instant::now(), now);
        // The window may have grown by one.
        self.endpoints.freed.notify_one();
        self.endpoints.freed.notify_one();
    }

    /// None came.
    pub(super) fn failed(mut self, trouble: &Trouble) {
        self.is_open = false;
        self.endpoint
            .pace()
            .failed(self.ticket, trouble, Instant::now());
        self.endpoints.freed.notify_one();
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if self.is_open {
            self.endpoint.pace().give_back();
            self.endpoints.freed.notify_one();
        }
    }
}

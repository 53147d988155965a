//! What a server does wrong when it is told to, and what it was asked.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::body::Bytes;
use http::HeaderMap;

/// Something that goes wrong with one request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Does nothing, and answers this.
    Answer {
        /// Its status.
        status: u16,
        /// What `Retry-After` says, in seconds.
        retry_after: Option<u64>,
        /// Its body.
        body: String,
    },
    /// Does nothing, and closes the connection.
    Hangup,
    /// Does what is asked, and closes the connection instead of answering.
    HangupAfter,
    /// Does what is asked, and never answers.
    Silence,
    /// Does what is asked, and answers after this time.
    Late(Duration),
}

impl Fault {
    /// Does nothing, and answers this status with no body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Answer { status, retry_after: None, body: String::new() }
    }

    /// Too many requests: come back after so many seconds.
    #[must_use]
    pub fn too_many(seconds: u64) -> Self {
        Self::Answer { status: 429, retry_after: Some(seconds), body: String::new() }
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// In capitals.
    pub method: String,
    /// With its leading `/`, without the query.
    pub path: String,
    /// Without its `?`; empty where there is none.
    pub query: String,
    /// In their order.
    pub headers: HeaderMap,
    /// The exact bytes.
    pub body: Bytes,
}

impl Asked {
    /// The first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, as far as it is text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null where it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What all requests of one server share.
#[derive(Clone, Default)]
pub(crate) struct Record(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    faults: VecDeque<Fault>,
    asked: Vec<Asked>,
}

impl Record {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn fail(&self, fault: Fault) {
        self.inner().faults.push_back(fault);
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.inner().asked.clone()
    }

    /// Writes a request down, and says what is to go wrong with it.
    pub(crate) fn note(&self, asked: Asked) -> Option<Fault> {
        let mut inner = self.inner();
        inner.asked.push(asked);
        inner.faults.pop_front()
    }
}

//! What is said to a plugin host and what it answers. All of it serialises, so that the host can
//! be a process of its own.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    bindings::{
        billing, billing_types as money, events, invoicing, lifecycle, log, notifier, types,
        webhooks,
    },
    limits::LimitName,
    secret::PluginSecret,
};

/// One call of a plugin.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallRequest {
    /// Which installation.
    pub installation: String,
    /// What to do.
    pub call: Call,
    /// The same for every try of the same delivery.
    pub delivery_id: String,
    /// Which try this is, beginning with 1.
    pub attempt: u32,
    /// The time that the plugin sees, in milliseconds since 1970: when what it is about happened.
    pub now_ms: u64,
    /// The time by the caller's clock, from which the deadline is counted.
    pub started_ms: u64,
    /// Whether this is a trial.
    pub test_mode: bool,
    /// A W3C `traceparent`.
    pub trace_parent: Option<String>,
    /// The settings, as JSON: valid, with defaults, without secrets.
    pub config: String,
    /// The secrets of this installation by their names.
    pub secrets: std::collections::BTreeMap<String, PluginSecret>,
    /// A secret of the installation that its plugin never gets: idempotency keys, chance and
    /// placeholders are made of it. At least 32 characters.
    pub installation_key: PluginSecret,
}

/// What a plugin is asked, one variant for every function that plugins export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Call {
    Describe,
    Activate { webhook_url: Option<String> },
    Deactivate,
    ValidateConfig(String),
    Migrate { from_version: String },
    Health,
    Job(String),
    Event(events::Event),
    BeginVerification { account: types::AccountRef, address: String },
    Deliver { to: notifier::Destination, message: notifier::Message },
    Capabilities,
    PriceQuote(billing::QuoteRequest),
    BeginCheckout(Box<billing::CheckoutRequest>),
    ChargeSaved(money::Invoice),
    Refund { payment: String, amount: types::Money, reason: String },
    CancelSubscription { subscription: String, at_period_end: bool },
    ReportUsage(Vec<billing::Usage>),
    Reconcile(String),
    CustomerPortalUrl { account: types::AccountRef, return_url: String },
    Webhook(webhooks::Request),
    ComposeInvoice(money::Invoice),
}

impl Call {
    /// Whether strangers decide how often it is made: providers, and customers who look at prices.
    pub(crate) fn is_by_strangers(&self) -> bool {
        matches!(
            self,
            Self::Webhook(_)
                | Self::PriceQuote(_)
                | Self::BeginCheckout(_)
                | Self::BeginVerification { .. }
                | Self::CustomerPortalUrl { .. }
        )
    }
}

/// What a plugin answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// It did what it was asked, and there is nothing to say.
    Done,
    Described(lifecycle::Info),
    Problems(Vec<lifecycle::ConfigProblem>),
    Health(lifecycle::HealthReport),
    Verification(notifier::Verification),
    Delivered(notifier::Outcome),
    Capabilities(billing::Capabilities),
    Quote(billing::Quote),
    Checkout(billing::Checkout),
    Effects(Vec<money::Effect>),
    Url(String),
    Webhook(webhooks::Outcome),
    Document(invoicing::Document),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Failure {
    /// The plugin says so itself.
    Reported(types::Error),
    /// It reached a limit.
    Limit {
        /// Which.
        name: LimitName,
        /// How far it went, for its author.
        detail: String,
    },
    /// It broke: a panic, a division by zero, an access out of bounds.
    Trap {
        /// What happened.
        what: String,
        /// Where, as far as its names are known.
        backtrace: String,
    },
    /// It answered something that no plugin may answer.
    Refused(String),
    /// It does not export this interface.
    NotExported(String),
    /// Too many calls of this installation or of all; nothing ran.
    Busy(String),
    /// There is no such installation here.
    Unknown,
    /// The request itself is not sound; nothing ran.
    Invalid(String),
    /// The store could not be read, or the host itself failed.
    Host(String),
}

/// What a call came to. Where there is no answer there is nothing to write either.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// What the plugin answered, or why it did not.
    pub result: Result<Answer, Failure>,
    /// What it wants remembered; none without an answer.
    pub kv: Vec<KvChange>,
    /// Secrets that the provider made; none without an answer.
    pub secret_puts: Vec<SecretPut>,
    /// What it wrote to its log.
    pub logs: Vec<LogLine>,
    /// How many lines were beyond the limits.
    pub logs_dropped: u64,
    /// Its requests in their order, refused ones included.
    pub http: Vec<HttpTrace>,
    /// The random bytes it drew.
    pub random: Vec<u8>,
    /// What it used.
    pub used: Used,
}

impl Outcome {
    /// Nothing ran.
    #[must_use]
    pub fn failed(failure: Failure) -> Self {
        Self {
            result: Err(failure),
            kv: Vec::new(),
            secret_puts: Vec::new(),
            logs: Vec::new(),
            logs_dropped: 0,
            http: Vec::new(),
            random: Vec::new(),
            used: Used::default(),
        }
    }

    /// What the plugin says happened at the provider.
    #[must_use]
    pub fn effects(&self) -> &[money::Effect] {
        match &self.result {
            Ok(Answer::Effects(effects)) => effects,
            Ok(Answer::Webhook(webhooks::Outcome::Accepted(accepted))) => &accepted.effects,
            Ok(Answer::Checkout(billing::Checkout {
                step: billing::NextStep::Done(effects),
                ..
            })) => effects,
            _ => &[],
        }
    }
}

/// What a call used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// CPU time, in microseconds.
    pub cpu_us: u64,
    /// Time by the clock, in microseconds.
    pub wall_us: u64,
    /// The most linear memory at a time, in bytes.
    pub memory_peak: usize,
    /// Requests that were sent.
    pub http_requests: u32,
}

/// One line of a plugin's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    pub level: log::Level,
    pub message: String,
    pub fields: Vec<(String, String)>,
}

/// One request of a plugin. Placeholders stand where secrets were sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpTrace {
    pub method: String,
    /// Without its query.
    pub url: String,
    /// What came of it: a status, or why there is none.
    pub result: Result<u16, String>,
    /// Whether it left this machine.
    pub sent: bool,
    pub request_bytes: usize,
    pub response_bytes: usize,
    /// When it began, in milliseconds after the call did.
    pub began_ms: u64,
    pub took_ms: u64,
    /// What the guest was answered, cleaned of secrets; none where there was no answer, and where
    /// the call's answers together were too long to be kept.
    pub answer: Option<HttpAnswer>,
    /// Why it was not allowed; none where it was.
    #[serde(default)]
    pub refusal: Option<Refusal>,
}

/// What forbade a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// The URL is not sound.
    Url,
    /// The manifest does not ask for it.
    Manifest,
    /// The operator did not grant it.
    Grant,
    /// A secret may not stand there, or is not known.
    Secret,
    /// The name leads to an address that is forbidden.
    Address,
    /// There are too many requests, or it is too large.
    Limit,
    /// It cannot be written as HTTP.
    Form,
}

impl HttpTrace {
    /// A request to which a replay has no answer.
    #[must_use]
    pub fn unrecorded(method: &str, url: &str) -> Self {
        Self { result: Err(UNRECORDED.to_owned()), ..Self::new(method, url.to_owned()) }
    }

    /// A request of which nothing came yet.
    pub(crate) fn new(method: &str, url: String) -> Self {
        Self {
            method: method.to_owned(),
            url,
            result: Ok(0),
            sent: false,
            request_bytes: 0,
            response_bytes: 0,
            began_ms: 0,
            took_ms: 0,
            answer: None,
            refusal: None,
        }
    }

    /// Whether a replay had no answer to it.
    #[must_use]
    pub fn is_unrecorded(&self) -> bool {
        self.result.as_ref().is_err_and(|why| why.contains(UNRECORDED))
    }
}

/// What a request was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpAnswer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    #[serde(with = "in_base64")]
    pub body: Vec<u8>,
}

/// Bytes as base64 where people could read it: JSON makes a number of each, which is three times as
/// long.
mod in_base64 {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            BASE64_STANDARD.encode(bytes).serialize(to)
        } else {
            bytes.serialize(to)
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        if !from.is_human_readable() {
            return Vec::deserialize(from);
        }
        BASE64_STANDARD.decode(String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// What a replay says to a request that it has no answer to.
pub(crate) const UNRECORDED: &str = "nothing was recorded for this, and a replay sends nothing";

/// One thing that a plugin wants remembered or forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KvChange {
    pub key: String,
    /// What must still be so when it is written; otherwise none of this call's writes count.
    pub condition: KvCondition,
    pub write: KvWrite,
}

/// What must be so before a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KvCondition {
    /// Anything.
    Any,
    /// The entry has this version, or there is none.
    Version(Option<u64>),
}

/// A write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KvWrite {
    /// The entry from now on.
    Put {
        value: Vec<u8>,
        version: u64,
        /// When it is gone by itself.
        expires_at_ms: Option<u64>,
    },
    /// No entry from now on.
    Delete,
}

/// One remembered value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KvEntry {
    pub key: String,
    pub value: Vec<u8>,
    pub version: u64,
}

/// How much an installation remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KvUsage {
    pub keys: u64,
    /// Keys and values together.
    pub bytes: u64,
}

/// The store cannot be read now.
#[derive(Clone, Debug, thiserror::Error, Serialize, Deserialize)]
#[error("the plugin's store cannot be read: {0}")]
pub struct KvUnavailable(pub String);

/// What one installation remembers, as it was when the call began. Entries that have expired are
/// not in it.
#[async_trait]
pub trait KvReader: Send + Sync {
    /// The entry of this key.
    async fn get(&self, key: &str) -> Result<Option<KvEntry>, KvUnavailable>;

    /// Up to so many entries in the order of their keys' bytes, whose keys begin with `prefix` and
    /// come after `after`.
    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<KvEntry>, KvUnavailable>;

    /// How much there is.
    async fn usage(&self) -> Result<KvUsage, KvUnavailable>;
}

/// A secret that the provider made and the plugin put away.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SecretPut {
    pub name: String,
    pub value: PluginSecret,
}

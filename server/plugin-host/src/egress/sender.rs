//! The requests of a call, on the side that has the network and the secrets: judged, filled in,
//! sent, and cleaned on the way back.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};

use crate::{
    bindings::http::{Auth, Error, Request, Response},
    egress::{
        client::{Client, Incoming, Network, Outgoing},
        headers,
        line::{self, Line},
        mail::{Carried, Posted},
        policy::{self, Target},
        rules::method_name,
    },
    host::InstallError,
    imports::secrets::{PLACEHOLDER, placeholder},
    limits::{HTTP_BODY_BYTES, HTTP_TOTAL, Limits, RECORDED_BYTES, SECRET_BYTES},
    manifest::{Manifest, Place},
    messages::{CallRequest, HttpAnswer, HttpTrace, Refusal, UNRECORDED},
    rights::{Grants, place_right},
    runner::Plugin,
    scrub::Scrubber,
    text,
};

/// A placeholder: its beginning and 64 hexadecimal digits.
const PLACEHOLDER_BYTES: usize = PLACEHOLDER.len() + 64;

/// How much of an error's text a guest is told.
const ERROR_BYTES: usize = 500;

/// Sends what a plugin wants sent in one call.
#[async_trait]
pub(crate) trait Egress: Send {
    async fn send(&mut self, request: Request) -> Sent;

    /// Hands a mail to a server.
    async fn mail(&mut self, posted: Posted) -> Carried;
}

/// What came of a request, as a plugin may see it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) result: Result<Response, Error>,
    pub(crate) trace: HttpTrace,
}

impl Sent {
    /// A request that was not sent.
    pub(crate) fn refused(request: &Request, error: Error) -> Self {
        let mut trace = trace(request);
        trace.result = Err(words(&error));
        trace.refusal = refusal(&error, Refusal::Grant);
        Self { result: Err(error), trace }
    }
}

/// What became of a request, for people.
fn words(error: &Error) -> String {
    match error {
        Error::Denied(why)
        | Error::BlockedAddress(why)
        | Error::Invalid(why)
        | Error::Dns(why)
        | Error::Connect(why)
        | Error::Interrupted(why) => why.clone(),
        Error::BudgetExceeded(what) => format!("more than {what}"),
        Error::Tls(why) => format!("TLS: {why}"),
        Error::Protocol(why) => format!("no HTTP: {why}"),
        Error::Timeout => "no answer in time".to_owned(),
        Error::TooLarge(most) => format!("an answer of more than {most} bytes"),
    }
}

/// What forbade a request, if anything did; `denied` is what stands behind [`Error::Denied`].
fn refusal(error: &Error, denied: Refusal) -> Option<Refusal> {
    match error {
        Error::Denied(_) => Some(denied),
        Error::BlockedAddress(_) => Some(Refusal::Address),
        Error::BudgetExceeded(_) => Some(Refusal::Limit),
        Error::Invalid(_) => Some(Refusal::Form),
        _ => None,
    }
}

fn trace(request: &Request) -> HttpTrace {
    let url = text::line(request.url.split('?').next().unwrap_or_default(), 300);
    HttpTrace {
        request_bytes: request.body.as_ref().map_or(0, Vec::len),
        ..HttpTrace::new(method_name(request.method), url)
    }
}

/// What an installation may send.
pub(crate) struct Rights {
    pub(crate) manifest: Manifest,
    pub(crate) grants: Grants,
    pub(crate) limits: Limits,
    pub(super) client: Client,
    /// What stands in the way of requests, in trials.
    pub(crate) line: Option<Arc<dyn Line>>,
}

impl Rights {
    pub(crate) fn new(plugin: &Plugin, network: &Network) -> Result<Self, InstallError> {
        let client = Client::new(network.clone());
        Ok(Self {
            manifest: plugin.manifest.clone(),
            grants: plugin.grants.clone(),
            limits: plugin.limits.capped(),
            client: client.map_err(|error| InstallError::Host(error.to_string()))?,
            line: None,
        })
    }
}

/// What a replay knows of a request.
pub(super) enum Recalled {
    Answer(HttpAnswer),
    /// It was sent, and there was no answer.
    Interrupted(String),
    /// It was not sent.
    Unsent(String),
    /// Nothing: it was not made then.
    Nothing,
}

/// The requests of one call.
pub(crate) struct Sender {
    pub(super) rights: Arc<Rights>,
    request: Arc<CallRequest>,
    /// Made when the first request is.
    own: Option<Own>,
    sent: u32,
    /// How many mails were asked for and allowed.
    pub(super) mails: u32,
    /// How many bytes of answers are kept.
    kept: usize,
    /// What answers in place of the network, where the call is a replay.
    recording: Option<Vec<HttpTrace>>,
    /// What forbade the request that is being sent, where that is not about a secret.
    pub(super) denied: Option<Refusal>,
}

/// What is made of the secrets of a call.
struct Own {
    /// The names of secrets by their placeholders.
    placeholders: BTreeMap<String, String>,
    scrubber: Scrubber,
}

impl Own {
    fn of(request: &CallRequest) -> Self {
        let mut scrubber = Scrubber::default();
        for secret in request.secrets.values() {
            scrubber.add(secret.expose().as_bytes());
        }
        let named = |name: &String| (placeholder(request, name), name.clone());
        Self { placeholders: request.secrets.keys().map(named).collect(), scrubber }
    }

    /// A text with the names of secrets in the place of their placeholders.
    fn named(&self, text: &[u8]) -> Vec<u8> {
        let Ok(text) = str::from_utf8(text) else { return text.to_vec() };
        let named = self.placeholders.iter().fold(text.to_owned(), |text, (it, name)| {
            text.replace(it, &format!("{{{{secret {name}}}}}"))
        });
        named.into_bytes()
    }
}

impl Sender {
    pub(crate) fn new(rights: Arc<Rights>, request: Arc<CallRequest>) -> Self {
        Self {
            rights,
            request,
            own: None,
            sent: 0,
            mails: 0,
            kept: 0,
            recording: None,
            denied: None,
        }
    }

    /// Sends nothing: what was recorded answers, each request once, by method and address.
    pub(crate) fn replaying(self, recording: Option<Vec<HttpTrace>>) -> Self {
        Self { recording, ..self }
    }

    fn own(&mut self) -> &mut Own {
        self.own.get_or_insert_with(|| Own::of(&self.request))
    }
}

#[async_trait]
impl Egress for Sender {
    async fn send(&mut self, request: Request) -> Sent {
        let start = Instant::now();
        let sent = AtomicBool::new(false);
        let mut trace = trace(&request);
        let line = self.rights.line.clone();
        let own = self.own();
        let seen = line.map(|it| (it, line::seen(&request, |text| own.named(text))));
        let result = match self.prepare(request) {
            Ok(outgoing) => {
                trace.url = text::line(&outgoing.target.shown(), 300);
                let recalled = self.recalled(&trace);
                let given = seen.as_ref().filter(|_| recalled.is_none());
                let given = given.and_then(|(line, seen)| line.answer(seen));
                match (recalled, given) {
                    (Some(recalled), _) => said_then(recalled),
                    (None, Some(given)) => line::told(given, &sent),
                    (None, None) => {
                        let answer = self.rights.client.send(outgoing, &sent).await;
                        let answer = answer.map(|it| self.clean(&it));
                        if let Some((line, seen)) = seen {
                            line.heard(&seen, line::heard(&answer));
                        }
                        answer
                    }
                }
            }
            Err(error) => Err(error),
        };
        self.keep(&result, &mut trace);
        let scrubber = &self.own().scrubber;
        let result = result.map_err(|error| clean_error(error, scrubber));
        trace.url = scrubber.text(&trace.url);
        let denied = self.denied.take().unwrap_or(Refusal::Secret);
        trace.refusal = result.as_ref().err().and_then(|error| refusal(error, denied));
        trace.sent = sent.load(Relaxed);
        self.count(trace.sent || (self.recording.is_some() && result.is_ok()));
        trace.took_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &result {
            Ok(response) => {
                trace.result = Ok(response.status);
                trace.response_bytes = response.body.len();
            }
            Err(error) => trace.result = Err(words(error)),
        }
        Sent { result, trace }
    }

    async fn mail(&mut self, posted: Posted) -> Carried {
        self.carry(posted).await
    }
}

impl Sender {
    /// What a replay answers to a request that may be sent; none where it is no replay.
    pub(super) fn recalled(&mut self, trace: &HttpTrace) -> Option<Recalled> {
        let url = self.own().scrubber.text(&trace.url);
        let recording = self.recording.as_mut()?;
        let same = |it: &HttpTrace| it.method == trace.method && it.url == url;
        let found = recording.iter().position(same).map(|at| recording.remove(at));
        Some(match found {
            Some(HttpTrace { answer: Some(answer), .. }) => Recalled::Answer(answer),
            // Whether it was sent decides what that means.
            Some(HttpTrace { result: Err(why), sent, .. }) => {
                let why = format!("as it was then: {why}");
                if sent { Recalled::Interrupted(why) } else { Recalled::Unsent(why) }
            }
            _ => Recalled::Nothing,
        })
    }

    /// Whether there is room to keep an answer of so many bytes.
    pub(super) fn keeps(&mut self, bytes: usize) -> bool {
        let room = self.recording.is_none() && self.kept + bytes <= RECORDED_BYTES;
        self.kept += if room { bytes } else { 0 };
        room
    }

    fn keep(&mut self, result: &Result<Response, Error>, trace: &mut HttpTrace) {
        let Ok(response) = result else { return };
        let headers = response.headers.iter().map(|(name, value)| name.len() + value.len());
        if self.keeps(response.body.len() + headers.sum::<usize>()) {
            let Response { status, headers, body } = response.clone();
            trace.answer = Some(HttpAnswer { status, headers, body });
        }
    }

    /// Counts what was sent, and what a replay has answered.
    pub(super) fn count(&mut self, sent: bool) {
        self.sent += u32::from(sent);
    }

    pub(super) fn request(&self) -> &CallRequest {
        &self.request
    }

    pub(super) fn scrubber(&mut self) -> &Scrubber {
        &self.own().scrubber
    }

    /// Takes a form of a secret out of what comes back.
    pub(super) fn hide(&mut self, form: &str) {
        self.own().scrubber.add(form.as_bytes());
    }

    /// Whether the call may send one more.
    pub(super) fn has_room(&self) -> Result<(), Error> {
        let most = self.rights.limits.http_requests;
        if self.sent < most {
            return Ok(());
        }
        Err(Error::BudgetExceeded(format!("{most} requests in one call")))
    }

    /// A request that may be sent as it is, with secrets in the place of placeholders.
    fn prepare(&mut self, request: Request) -> Result<Outgoing, Error> {
        self.has_room()?;
        let body = request.body.unwrap_or_default();
        if HTTP_BODY_BYTES < body.len() {
            return Err(Error::BudgetExceeded(format!("{HTTP_BODY_BYTES} bytes of a body")));
        }
        let method = method_name(request.method);
        let rights = self.rights.clone();
        let (asked, granted) = (&rights.manifest.http, &rights.grants.http);
        let target = policy::judge(&request.url, method, asked, granted);
        let target = target.map_err(|it| {
            self.denied = Some(it.rule);
            Error::Denied(it.why)
        })?;
        let mut path = self.filled(&target, Place::Path, target.path.as_bytes())?;
        if let Some(query) = &target.query {
            path.push(b'?');
            path.extend(self.filled(&target, Place::Query, query.as_bytes())?);
        }
        let path = String::from_utf8(path);
        let path = path.map_err(|error| Error::Invalid(error.to_string()))?;
        let mut list = Vec::new();
        for (name, value) in request.headers {
            let value = self.filled(&target, Place::Header, value.as_bytes())?;
            list.push((name, value));
        }
        let mut headers = headers::outgoing(&list)?;
        self.log_in(&target, request.auth, &mut headers)?;
        if let Ok(agent) = HeaderValue::from_str(rights.client.user_agent()) {
            headers.insert(header::USER_AGENT, agent);
        }
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let body = self.filled(&target, Place::Body, &body)?;
        let method = http::Method::from_bytes(method.as_bytes());
        let method = method.map_err(|error| Error::Invalid(error.to_string()))?;
        let asked = request.timeout_ms.map_or(HTTP_TOTAL, |it| Duration::from_millis(it.into()));
        let timeout = asked.min(HTTP_TOTAL);
        Ok(Outgoing { target, method, path, headers, body, timeout })
    }

    /// What is to stand in a place of a request, with secrets in the place of placeholders.
    fn filled(&mut self, target: &Target, place: Place, text: &[u8]) -> Result<Vec<u8>, Error> {
        let (mut filled, mut at) = (Vec::with_capacity(text.len()), 0);
        while at < text.len() {
            let rest = &text[at..];
            let name = rest
                .starts_with(PLACEHOLDER.as_bytes())
                .then(|| rest.get(..PLACEHOLDER_BYTES).and_then(|it| str::from_utf8(it).ok()))
                .flatten()
                .and_then(|it| self.own().placeholders.get(it).cloned());
            let Some(name) = name else {
                filled.push(text[at]);
                at += 1;
                continue;
            };
            let secret = self.secret(&name, target, place)?;
            let form = match place {
                Place::Path => percent(&secret, b"-._~:"),
                Place::Query => percent(&secret, b"-._~"),
                Place::Auth | Place::Header | Place::Body => secret,
            };
            self.own().scrubber.add(form.as_bytes());
            filled.extend_from_slice(form.as_bytes());
            at += PLACEHOLDER_BYTES;
            if HTTP_BODY_BYTES + SECRET_BYTES < filled.len() {
                return Err(Error::BudgetExceeded(format!("{HTTP_BODY_BYTES} bytes")));
            }
        }
        Ok(filled)
    }

    /// A secret that may stand in this place.
    pub(super) fn secret(
        &self,
        name: &str,
        target: &Target,
        place: Place,
    ) -> Result<String, Error> {
        let (manifest, grants) = (&self.rights.manifest, &self.rights.grants);
        place_right(manifest, grants, (name, target, place)).map_err(Error::Denied)?;
        let secret = self.request.secrets.get(name);
        let missing = || Error::Denied(format!("the operator has not given the secret {name}"));
        secret.map(|it| it.expose().to_owned()).ok_or_else(missing)
    }

    fn log_in(
        &mut self,
        target: &Target,
        auth: Option<Auth>,
        headers: &mut HeaderMap,
    ) -> Result<(), Error> {
        let value = match auth {
            None => return Ok(()),
            Some(Auth::Bearer(name)) => {
                format!("Bearer {}", self.secret(&name, target, Place::Auth)?)
            }
            Some(Auth::Basic((user, name))) => {
                if user.contains(':') || user.chars().any(char::is_control) {
                    return Err(Error::Invalid("a user's name has no colon".to_owned()));
                }
                self.basic(&user, &self.secret(&name, target, Place::Auth)?)
            }
            Some(Auth::BasicUser(name)) => {
                self.basic(&self.secret(&name, target, Place::Auth)?, "")
            }
        };
        if let Some((_, sent)) = value.split_once(' ') {
            self.own().scrubber.add(sent.as_bytes());
        }
        let invalid = || Error::Invalid("the secret cannot stand in a header".to_owned());
        let mut value = HeaderValue::from_str(&value).ok().ok_or_else(invalid)?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
        Ok(())
    }

    fn basic(&self, user: &str, password: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
    }

    /// An answer as the guest may see it.
    fn clean(&mut self, answer: &Incoming) -> Response {
        let scrubber = &self.own().scrubber;
        let headers = headers::incoming(&answer.headers);
        let text = |it: &[u8]| String::from_utf8_lossy(&scrubber.bytes(it)).into_owned();
        Response {
            status: answer.status,
            headers: headers.iter().map(|(name, it)| (text(name.as_bytes()), text(it))).collect(),
            body: scrubber.bytes(&answer.body).into_owned(),
        }
    }
}

fn said_then(recalled: Recalled) -> Result<Response, Error> {
    match recalled {
        Recalled::Answer(HttpAnswer { status, headers, body }) => {
            Ok(Response { status, headers, body })
        }
        Recalled::Interrupted(why) => Err(Error::Interrupted(why)),
        Recalled::Unsent(why) => Err(Error::Connect(why)),
        Recalled::Nothing => Err(Error::Denied(UNRECORDED.to_owned())),
    }
}

/// A text in a URL: letters, digits and these marks as they are.
fn percent(text: &str, plain: &[u8]) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut url, byte| {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _infallible = write!(url, "%{byte:02X}");
        }
        url
    })
}

/// Errors quote what the other side said.
pub(crate) fn clean_error(error: Error, scrubber: &Scrubber) -> Error {
    let clean = |it: String| text::line(&scrubber.text(&it), ERROR_BYTES);
    match error {
        Error::Denied(it) => Error::Denied(clean(it)),
        Error::BlockedAddress(it) => Error::BlockedAddress(clean(it)),
        Error::Invalid(it) => Error::Invalid(clean(it)),
        Error::BudgetExceeded(it) => Error::BudgetExceeded(clean(it)),
        Error::Dns(it) => Error::Dns(clean(it)),
        Error::Connect(it) => Error::Connect(clean(it)),
        Error::Tls(it) => Error::Tls(clean(it)),
        Error::Interrupted(it) => Error::Interrupted(clean(it)),
        Error::Protocol(it) => Error::Protocol(clean(it)),
        Error::Timeout | Error::TooLarge(_) => error,
    }
}

//! The import `http`: judged, filled in, sent, and cleaned on the way back.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderValue, header};

use crate::{
    bindings::http::{Auth, Error, Host, Request, Response},
    egress::{
        client::{Incoming, Outgoing},
        headers,
        policy::{self, Target},
        rules::method_name,
    },
    imports::secrets::PLACEHOLDER,
    limits::{HTTP_BODY_BYTES, HTTP_TOTAL, SECRET_BYTES},
    manifest::Place,
    messages::HttpTrace,
    rights::place_right,
    state::CallState,
    text,
};

/// A placeholder: its beginning and 64 hexadecimal digits.
const PLACEHOLDER_BYTES: usize = PLACEHOLDER.len() + 64;

/// How much of an error's text a guest is told.
const ERROR_BYTES: usize = 500;

impl Host for CallState {
    async fn send(&mut self, request: Request) -> wasmtime::Result<Result<Response, Error>> {
        let start = Instant::now();
        let sent = AtomicBool::new(false);
        let mut trace = HttpTrace {
            method: method_name(request.method).to_owned(),
            url: text::line(request.url.split('?').next().unwrap_or_default(), 300),
            result: Ok(0),
            sent: false,
            request_bytes: request.body.as_ref().map_or(0, Vec::len),
            response_bytes: 0,
            took_ms: 0,
        };
        let result = match self.prepare(request) {
            Ok(outgoing) => {
                trace.url = text::line(&outgoing.target.shown(), 300);
                let client = self.client.clone();
                client.send(outgoing, &sent).await.map(|it| self.clean(it))
            }
            Err(error) => Err(error),
        };
        let result = result.map_err(|error| self.clean_error(error));
        trace.sent = sent.load(Relaxed);
        self.http_sent += u32::from(trace.sent);
        trace.took_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &result {
            Ok(response) => {
                trace.result = Ok(response.status);
                trace.response_bytes = response.body.len();
            }
            Err(error) => trace.result = Err(format!("{error:?}")),
        }
        trace.url = self.scrubber.text(&trace.url);
        // Refused requests are free for the guest, so their number is bounded too.
        if self.http.len() < 100 {
            self.http.push(trace);
        }
        Ok(result)
    }
}

impl CallState {
    /// A request that may be sent as it is, with secrets in the place of placeholders.
    fn prepare(&mut self, request: Request) -> Result<Outgoing, Error> {
        let most = self.prepared.limits.http_requests;
        if most <= self.http_sent {
            return Err(Error::BudgetExceeded(format!("{most} requests in one call")));
        }
        let body = request.body.unwrap_or_default();
        if HTTP_BODY_BYTES < body.len() {
            return Err(Error::BudgetExceeded(format!("{HTTP_BODY_BYTES} bytes of a body")));
        }
        let method = method_name(request.method);
        let prepared = self.prepared.clone();
        let (asked, granted) = (&prepared.manifest.http, &prepared.grants.http);
        let target = policy::judge(&request.url, method, asked, granted);
        let target = target.map_err(|it| Error::Denied(it.0))?;
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
        if let Ok(agent) = HeaderValue::from_str(self.client.user_agent()) {
            headers.insert(header::USER_AGENT, agent);
        }
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let body = self.filled(&target, Place::Body, &body)?;
        let method = http::Method::from_bytes(method.as_bytes());
        let method = method.map_err(|error| Error::Invalid(error.to_string()))?;
        let left = self.deadline.saturating_duration_since(Instant::now());
        let asked = request.timeout_ms.map_or(HTTP_TOTAL, |it| Duration::from_millis(it.into()));
        let timeout = asked.min(HTTP_TOTAL).min(left);
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
                .and_then(|it| self.placeholders.get(it).cloned());
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
            self.scrubber.add(form.as_bytes());
            filled.extend_from_slice(form.as_bytes());
            at += PLACEHOLDER_BYTES;
            if HTTP_BODY_BYTES + SECRET_BYTES < filled.len() {
                return Err(Error::BudgetExceeded(format!("{HTTP_BODY_BYTES} bytes")));
            }
        }
        Ok(filled)
    }

    /// A secret that may stand in this place.
    fn secret(&self, name: &str, target: &Target, place: Place) -> Result<String, Error> {
        let (manifest, grants) = (&self.prepared.manifest, &self.prepared.grants);
        place_right(manifest, grants, (name, &target.host, place)).map_err(Error::Denied)?;
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
            self.scrubber.add(sent.as_bytes());
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
    fn clean(&self, answer: Incoming) -> Response {
        let headers = headers::incoming(&answer.headers);
        let text = |it: &[u8]| String::from_utf8_lossy(&self.scrubber.bytes(it)).into_owned();
        Response {
            status: answer.status,
            headers: headers.iter().map(|(name, it)| (text(name.as_bytes()), text(it))).collect(),
            body: self.scrubber.bytes(&answer.body).into_owned(),
        }
    }

    /// Errors quote what the other side said.
    fn clean_error(&self, error: Error) -> Error {
        let clean = |it: String| text::line(&self.scrubber.text(&it), ERROR_BYTES);
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

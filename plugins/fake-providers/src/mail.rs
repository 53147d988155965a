//! Mail services with HTTP APIs: one like Postmark and one like Resend.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use axum::{Json, Router, body::Bytes, extract::State, routing::post};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::serve::{Fake, Server, bind};

/// An address of this domain bounces, and was switched off by the service.
const BOUNCES: &str = "@bounces.example";

/// A mail that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailed {
    /// The service's id.
    pub id: String,
    pub from: String,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
}

/// Both services, with one key.
pub struct Mail {
    server: Server,
    shared: Arc<Shared>,
}

struct Shared {
    key: String,
    mailed: Mutex<Vec<Mailed>>,
    /// What was answered, by idempotency key.
    answered: Mutex<BTreeMap<String, Value>>,
}

type Answer = (StatusCode, Json<Value>);

impl Fake for Mail {
    fn server(&self) -> &Server {
        &self.server
    }
}

impl Mail {
    /// Starts at a port of loopback, at any free one where it is 0.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(port: u16, key: &str) -> Result<Self> {
        let shared = Arc::new(Shared {
            key: key.to_owned(),
            mailed: Mutex::default(),
            answered: Mutex::default(),
        });
        let router = Router::new()
            .route("/email", post(postmark))
            .route("/emails", post(resend))
            .with_state(shared.clone());
        Ok(Self { server: Server::start(bind(port).await?, router)?, shared })
    }

    /// The mails that it took.
    #[must_use]
    pub fn mailed(&self) -> Vec<Mailed> {
        self.shared.mailed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    fn take(&self, mail: Mailed) -> String {
        let mut mailed = self.mailed.lock().unwrap_or_else(PoisonError::into_inner);
        let id = format!("mail-{}", mailed.len() + 1);
        mailed.push(Mailed { id: id.clone(), ..mail });
        id
    }
}

fn text(body: &Value, field: &str) -> String {
    body[field].as_str().unwrap_or_default().to_owned()
}

fn is_address(text: &str) -> bool {
    let address = text.rsplit_once('<').map_or(text, |(_, it)| it.trim_end_matches('>'));
    let parts = address.split_once('@');
    parts.is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
        && !address.contains([' ', ','])
}

async fn postmark(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let refused = |status, code: u16, message: &str| {
        (status, Json(json!({ "ErrorCode": code, "Message": message })))
    };
    let key = headers.get("x-postmark-server-token").and_then(|it| it.to_str().ok());
    if key != Some(&shared.key) {
        let told = format!("No Account or Server API tokens were supplied: {key:?}");
        return refused(StatusCode::UNAUTHORIZED, 10, &told);
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mail = Mailed {
        id: String::new(),
        from: text(&body, "From"),
        to: text(&body, "To"),
        subject: text(&body, "Subject"),
        text: text(&body, "TextBody"),
        html: body["HtmlBody"].as_str().map(str::to_owned),
    };
    let wrong = StatusCode::UNPROCESSABLE_ENTITY;
    if !is_address(&mail.from) {
        return refused(wrong, 400, "The 'From' address you supplied is not a Sender Signature.");
    }
    if !is_address(&mail.to) {
        let told = format!("Invalid 'To' address: '{}'.", mail.to);
        return refused(wrong, 300, &told);
    }
    if mail.to.ends_with(BOUNCES) {
        return refused(wrong, 406, "You tried to send to a recipient that is inactive.");
    }
    let id = shared.take(mail);
    (StatusCode::OK, Json(json!({ "ErrorCode": 0, "Message": "OK", "MessageID": id })))
}

async fn resend(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let refused = |status: StatusCode, name: &str, message: &str| {
        let body = json!({ "statusCode": status.as_u16(), "name": name, "message": message });
        (status, Json(body))
    };
    let header = |name| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let key = header("authorization").trim_start_matches("Bearer ").to_owned();
    if key != shared.key {
        let told = format!("API key is invalid: {key}");
        return refused(StatusCode::FORBIDDEN, "invalid_api_key", &told);
    }
    let again = header("idempotency-key").to_owned();
    let known = shared.answered.lock().unwrap_or_else(PoisonError::into_inner).get(&again).cloned();
    if let Some(answer) = known {
        return (StatusCode::OK, Json(answer));
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mail = Mailed {
        id: String::new(),
        from: text(&body, "from"),
        to: body["to"][0].as_str().unwrap_or_default().to_owned(),
        subject: text(&body, "subject"),
        text: text(&body, "text"),
        html: body["html"].as_str().map(str::to_owned),
    };
    let wrong = StatusCode::UNPROCESSABLE_ENTITY;
    if !is_address(&mail.from) {
        return refused(wrong, "validation_error", "Invalid `from` field.");
    }
    if !is_address(&mail.to) {
        return refused(wrong, "validation_error", "Invalid `to` field.");
    }
    let answer = json!({ "id": shared.take(mail) });
    if !again.is_empty() {
        let mut answered = shared.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.insert(again, answer.clone());
    }
    (StatusCode::OK, Json(answer))
}

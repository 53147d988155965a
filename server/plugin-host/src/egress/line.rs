//! What may stand between a plugin and the network while its author tries it: it answers in a
//! provider's place, or listens.
//!
//! It sees requests as the plugin wrote them, judged but without the secrets, and answers as the
//! plugin sees them. So what is kept of them holds no secret that the host filled in.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::{
    bindings::http::{Auth, Error, Request, Response},
    egress::rules::method_name,
};

/// A request that the manifest and the grants allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineRequest {
    /// In capitals.
    pub method: String,
    /// With its query. In it, in headers and in the body stands `{{secret NAME}}` where the host
    /// fills a secret in.
    pub url: String,
    pub headers: Vec<(String, String)>,
    /// `bearer NAME`, `basic USER NAME` or `basic-user NAME`, with the secret's name.
    pub auth: Option<String>,
    pub body: Vec<u8>,
}

/// An answer, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineAnswer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// Nobody took the connection: nothing was sent.
    Connect,
    /// It was sent, and the connection ended.
    Interrupted,
    /// It was sent, and no answer came in time.
    Timeout,
    /// It was sent, and something else went wrong.
    Other,
}

/// Stands in the way of every request.
pub trait Line: Send + Sync {
    /// Answers in the provider's place; none lets the request go to the network.
    fn answer(&self, request: &LineRequest) -> Option<Result<LineAnswer, Unanswered>>;

    /// What came of a request that went to the network.
    fn heard(&self, request: &LineRequest, answer: Result<LineAnswer, Unanswered>);
}

/// The request as a [`Line`] sees it; `named` puts names in the place of placeholders.
pub(crate) fn seen(request: &Request, named: impl Fn(&[u8]) -> Vec<u8>) -> LineRequest {
    let text = |it: &str| String::from_utf8_lossy(&named(it.as_bytes())).into_owned();
    LineRequest {
        method: method_name(request.method).to_owned(),
        url: text(&request.url),
        headers: request.headers.iter().map(|(name, it)| (name.clone(), text(it))).collect(),
        auth: request.auth.as_ref().map(|it| match it {
            Auth::Bearer(name) => format!("bearer {name}"),
            Auth::Basic((user, name)) => format!("basic {user} {name}"),
            Auth::BasicUser(name) => format!("basic-user {name}"),
        }),
        body: named(request.body.as_deref().unwrap_or_default()),
    }
}

/// What a plugin sees of an answer that a [`Line`] gave.
pub(crate) fn told(
    answer: Result<LineAnswer, Unanswered>,
    sent: &AtomicBool,
) -> Result<Response, Error> {
    sent.store(!matches!(answer, Err(Unanswered::Connect)), Relaxed);
    match answer {
        Ok(LineAnswer { status, headers, body }) => Ok(Response { status, headers, body }),
        Err(Unanswered::Connect) => Err(Error::Connect("nobody took the connection".to_owned())),
        Err(Unanswered::Interrupted) => Err(Error::Interrupted("the connection ended".to_owned())),
        Err(Unanswered::Timeout) => Err(Error::Timeout),
        Err(Unanswered::Other) => Err(Error::Protocol("what came back is not HTTP".to_owned())),
    }
}

/// What a [`Line`] hears of an answer that came from the network.
pub(crate) fn heard(answer: &Result<Response, Error>) -> Result<LineAnswer, Unanswered> {
    match answer {
        Ok(Response { status, headers, body }) => {
            Ok(LineAnswer { status: *status, headers: headers.clone(), body: body.clone() })
        }
        Err(Error::Timeout) => Err(Unanswered::Timeout),
        Err(Error::Interrupted(_)) => Err(Unanswered::Interrupted),
        Err(Error::TooLarge(_) | Error::Protocol(_)) => Err(Unanswered::Other),
        Err(_) => Err(Unanswered::Connect),
    }
}

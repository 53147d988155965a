//! Events, and their signatures: sound, or with a flaw.

use std::fmt::Write as _;

use aws_lc_rs::hmac;
use serde_json::Value;

use crate::stripe::Shared;

/// Something that happened, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event(pub Value);

impl Event {
    /// What kind it is, such as `invoice.paid`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0["type"].as_str().unwrap_or_default()
    }
}

/// What is wrong with a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// It is by another secret.
    OtherSecret,
    /// It is of another body: somebody changed what was signed.
    OtherBody,
    /// It was made ten minutes ago.
    Stale,
    /// There is none.
    Missing,
    /// It is of a scheme that means nothing.
    OtherScheme,
    /// Nothing: a second one stands before it, by a secret that is to come.
    TwoSecrets,
}

impl Shared {
    pub(super) fn sign(&self, event: &Event, flaw: Flaw) -> (Vec<(String, String)>, Vec<u8>) {
        let mut body = event.0.to_string();
        let late = if flaw == Flaw::Stale { 600 } else { 0 };
        let time = (self.options.now)() - late;
        let secret = self.options.webhook_secret.as_str();
        let tag = |secret: &str| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            let tag = hmac::sign(&key, format!("{time}.{body}").as_bytes());
            tag.as_ref().iter().fold(String::new(), |mut text, byte| {
                let _infallible = write!(text, "{byte:02x}");
                text
            })
        };
        let other = "whsec_that_nobody_has";
        let signature = match flaw {
            Flaw::Missing => None,
            Flaw::OtherSecret => Some(format!("t={time},v1={}", tag(other))),
            Flaw::OtherScheme => Some(format!("t={time},v0={}", tag(secret))),
            Flaw::TwoSecrets => Some(format!("t={time},v1={},v1={}", tag(other), tag(secret))),
            Flaw::None | Flaw::OtherBody | Flaw::Stale => {
                Some(format!("t={time},v1={},v0={}", tag(secret), tag(other)))
            }
        };
        if flaw == Flaw::OtherBody {
            body.push(' ');
        }
        let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        headers.extend(signature.map(|it| ("Stripe-Signature".to_owned(), it)));
        (headers, body.into_bytes())
    }
}

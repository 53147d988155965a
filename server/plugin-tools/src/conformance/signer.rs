//! Signs webhooks as `tests/conformance.toml` says that the provider does, rightly and wrongly.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use myrelay_plugin_host::webhooks::Request;

use crate::conformance::facts::{Encoding, Signing};

/// A second secret, which nobody gave to the plugin.
const OTHER: &str = "a-secret-of-somebody-else";

/// What is wrong with a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    /// Signed with another secret.
    OtherSecret,
    /// Signed for another body.
    OtherBody,
    /// There is none.
    Missing,
    /// Signed a day ago.
    Stale,
}

impl Flaw {
    /// What is wrong with it.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::None => "signed as it should be",
            Self::OtherSecret => "signed with another secret",
            Self::OtherBody => "signed for another body",
            Self::Missing => "not signed",
            Self::Stale => "signed a day ago",
        }
    }
}

impl Signing {
    /// Whether the time is signed along.
    pub(super) fn is_timed(&self) -> bool {
        self.signed.contains("{time}")
    }

    /// The request as the provider would send it with this body.
    pub(super) fn sign(&self, sent: &Request, secret: &str, flaw: Flaw) -> Request {
        let now = sent.received_at / 1000;
        let time = if flaw == Flaw::Stale { now.saturating_sub(86_400) } else { now };
        let key = if flaw == Flaw::OtherSecret { OTHER } else { secret };
        let body: &[u8] = if flaw == Flaw::OtherBody { b"{}" } else { &sent.body };
        let (before, after) = self.signed.split_once("{body}").unwrap_or((&self.signed, ""));
        let time = time.to_string();
        let mut message = before.replace("{time}", &time).into_bytes();
        message.extend_from_slice(body);
        message.extend_from_slice(after.replace("{time}", &time).as_bytes());
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), &message);
        let tag = match self.encoding {
            Encoding::Hex => tag.as_ref().iter().map(|it| format!("{it:02x}")).collect(),
            Encoding::Base64 => STANDARD.encode(tag),
        };
        let value = self.value.replace("{time}", &time).replace("{hmac}", &tag);
        let mut request = sent.clone();
        request.headers.retain(|it| !it.0.eq_ignore_ascii_case(&self.header));
        if flaw != Flaw::Missing {
            request.headers.push((self.header.clone(), value));
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signing(value: &str, signed: &str, encoding: Encoding) -> Signing {
        Signing {
            secret: "key".to_owned(),
            header: "Signature".to_owned(),
            value: value.to_owned(),
            signed: signed.to_owned(),
            encoding,
        }
    }

    fn sent() -> Request {
        Request {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: String::new(),
            headers: vec![("signature".to_owned(), "old".to_owned())],
            body: b"what do ya want for nothing?".to_vec(),
            received_at: 1_773_999_000_250,
            source_ip: "127.0.0.1".to_owned(),
        }
    }

    /// The second case of RFC 4231.
    #[test]
    fn a_signature_is_hmac_sha256() {
        let plain = signing("sha256={hmac}", "{body}", Encoding::Hex);
        let made = plain.sign(&sent(), "Jefe", Flaw::None);
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(made.headers, [("Signature".to_owned(), expected.to_owned())]);
        assert!(!plain.is_timed());
        for flaw in [Flaw::OtherSecret, Flaw::OtherBody] {
            assert_ne!(plain.sign(&sent(), "Jefe", flaw).headers, made.headers, "{flaw:?}");
        }
        assert!(plain.sign(&sent(), "Jefe", Flaw::Missing).headers.is_empty());
    }

    #[test]
    fn the_time_is_signed_where_it_is_said() {
        let timed = signing("t={time},v1={hmac}", "{time}.{body}", Encoding::Base64);
        let header = |flaw| timed.sign(&sent(), "Jefe", flaw).headers[0].1.clone();
        assert!(timed.is_timed() && header(Flaw::None).starts_with("t=1773999000,v1="));
        assert!(header(Flaw::Stale).starts_with("t=1773912600,v1="));
        assert!(header(Flaw::None).ends_with('='), "of 32 bytes in base64");
    }
}

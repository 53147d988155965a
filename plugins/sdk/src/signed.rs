//! Signatures of webhooks, by secrets that the plugin never sees.

use crate::{
    answers::unusable,
    crypto::{Hash, KeyEncoding, hmac_verify},
    types::Error,
};

/// Whether one of the tags is the HMAC-SHA256 of a message by one of the secrets. The first secret
/// has to be there; the others need not be, since they are there only while the first is changed.
pub fn is_signed(secrets: &[&str], message: &[u8], tags: &[Vec<u8>]) -> Result<bool, Error> {
    for (at, name) in secrets.iter().enumerate() {
        for tag in tags {
            match hmac_verify(name, KeyEncoding::Utf8, Hash::Sha256, message, tag) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(_) if 0 < at => break,
                Err(why) => return Err(unusable(name, why)),
            }
        }
    }
    Ok(false)
}

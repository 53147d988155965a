//! Where a plugin's provider reports: an address with a token that nobody guesses, which is made of
//! the installation's key, so that it can be told again and only its hash is stored.

use aws_lc_rs::hmac;
use myrelay_domain::token::Token;
use myrelay_plugin_host::Manifest;

use super::{Installed, call::place, store};
use crate::{Result, context::Context};

/// What the token is made for.
const PURPOSE: &[u8] = b"myrelay hook 1";

/// The token of an installation with this key.
pub(super) fn token(key: &str) -> Token {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let mut bytes = [0; 32];
    // SHA-256 has 32 bytes.
    bytes.copy_from_slice(hmac::sign(&key, PURPOSE).as_ref());
    Token::from_random(bytes)
}

/// The address at which a plugin's provider is to report; none where it has no such thing.
pub(crate) fn hook_url(context: &Context, plugin: &Installed) -> Result<Option<String>> {
    let manifest = plugin.manifest()?;
    let Manifest { webhooks: Some(webhooks), .. } = &manifest else { return Ok(None) };
    let key = context.vault.open(&place(plugin.id, ""), &plugin.sealed)?;
    let token = token(key.as_str()).expose();
    Ok(Some(format!("{}/hooks/{token}/{}", context.settings.public_url, webhooks.path)))
}

/// The plugin to whose address something came.
pub(crate) async fn find_hook(context: &Context, token: &Token) -> Result<Option<Installed>> {
    Ok(store::find_hook(context.database.read(), token.hash().as_str()).await?)
}

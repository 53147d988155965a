//! What a provider reports by itself. It is answered only after the commit: what was not written
//! comes again.

use std::net::IpAddr;

use myrelay_domain::token::Token;
use myrelay_plugin_host::{
    Answer, Call,
    webhooks::{self, Rejection},
};

use super::{Beside, call};
use crate::{
    Error, Result,
    context::Context,
    plugins::{self, Ask},
};

/// A request as it came.
pub(crate) struct Hook {
    /// What stands behind the token, without the slash.
    pub(crate) path: String,
    pub(crate) query: String,
    /// In their order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) ip: IpAddr,
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It counts, or counted before. What the provider is answered: a status of 200 to 299.
    Accepted { status: u16, body: String },
    /// It is genuine and means nothing here.
    Ignored,
    /// It is not the provider's.
    Rejected(&'static str),
    /// Nothing was written: it is to come again.
    Later,
    /// Nobody was asked: its plugin rests, or is stopped or disabled. It is to come again then.
    Away { retry_after_s: u32 },
}

/// Takes what came to the address with this token.
///
/// # Errors
/// [`Error::NotFound`] where no plugin has the address, [`Error::Limit`] where the body is larger
/// than its plugin takes.
pub(crate) async fn receive(context: &Context, token: &str, hook: Hook) -> Result<Taken> {
    let unknown = || Error::NotFound("address");
    let token = Token::parse(token).map_err(|_no_token| unknown())?;
    let plugin = plugins::find_hook(context, &token).await?.ok_or_else(unknown)?;
    let manifest = plugin.manifest()?;
    let asked = manifest.webhooks.as_ref().filter(|it| it.path == hook.path).ok_or_else(unknown)?;
    if usize::try_from(asked.max_body).unwrap_or(usize::MAX) < hook.body.len() {
        return Err(Error::Limit(format!("at most {} bytes are taken here", asked.max_body)));
    }
    let now = context.now();
    if !plugin.serves(now) {
        return Ok(Taken::Away { retry_after_s: plugin.come_again_s(now) });
    }
    let asked = Ask {
        call: Call::Webhook(webhooks::Request {
            method: "POST".to_owned(),
            path: format!("/{}", hook.path),
            query: hook.query,
            headers: hook.headers,
            body: hook.body,
            received_at: now.cast_unsigned(),
            source_ip: hook.ip.to_string(),
        }),
        about: None,
        delivery: context.new_request_id(),
        attempt: 1,
        at: now,
    };
    let outcome = call(context, &plugin, &asked, Beside::Nothing).await?;
    Ok(match outcome.result {
        Ok(Answer::Webhook(webhooks::Outcome::Accepted(accepted))) => Taken::Accepted {
            status: accepted.status.unwrap_or(200),
            body: accepted.body.unwrap_or_default(),
        },
        Ok(Answer::Webhook(webhooks::Outcome::Ignored(_))) => Taken::Ignored,
        Ok(Answer::Webhook(webhooks::Outcome::Rejected(rejection))) => {
            Taken::Rejected(match rejection {
                Rejection::BadSignature => "the signature is not right",
                Rejection::Stale => "it was signed too long ago",
                Rejection::Malformed(_) => "it is malformed",
                Rejection::UnknownEndpoint => "nothing is taken here",
            })
        }
        _ => Taken::Later,
    })
}

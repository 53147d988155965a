//! One try of a message.

use async_trait::async_trait;
use myrelay_app::contract::Unreachable;
use myrelay_plugin_host::{
    Answer, Call, Outcome,
    notifier::{Destination, Outcome as Carried, Permanent},
};
use zeroize::Zeroizing;

use super::{Leased, store, templates};
use crate::{
    Result, channels,
    context::Context,
    database::Write,
    deliveries::{After, Load, Verdict, try_once},
    outbox,
    plugins::{Ask, Installed},
};

/// A message with where it goes.
struct Addressed<'a> {
    message: &'a Leased,
    address: Zeroizing<String>,
}

/// Tries a message, and writes down in one transaction what came of it.
pub(super) async fn attempt(context: &Context, plugin: &Installed, leased: &Leased) -> Result<()> {
    let Some(channel) = channels::find(context, leased.channel).await? else { return Ok(()) };
    let now = context.now();
    let needless = if !channel.takes(leased.kind) {
        // Its owner said so, or nobody is reached there, since the message was made.
        Some("the channel takes no such messages")
    } else if templates::is_late(&leased.event, leased.at, now) {
        Some("it is too late: what it says is not true any more")
    } else {
        None
    };
    if let Some(why) = needless {
        let mut tx = context.database.write().await?;
        store::drop_leased(&mut tx, (leased.id, &leased.lease), why, now).await?;
        tx.commit().await?;
        return Ok(());
    }
    let letter = templates::letter(context, leased).await?;
    let addressed = Addressed { message: leased, address: channel.address(context)? };
    let to = Destination {
        account: channels::whom(leased.account),
        address: addressed.address.as_str().to_owned(),
        verified: true,
    };
    let asked = Ask {
        call: Call::Deliver { to, message: letter.written() },
        about: outbox::published(&leased.event).or_else(|| Some(leased.event.clone())),
        delivery: leased.id.to_string(),
        attempt: leased.attempts,
        at: leased.at,
    };
    try_once(context, plugin, &addressed, &asked).await
}

#[async_trait]
impl Load for Addressed<'_> {
    // A reader sees a message twice, where a plugin finds an event by its id.
    const AGAIN_WHEN_UNKNOWN: bool = false;

    fn created_at(&self) -> i64 {
        self.message.created_at
    }

    fn clean(&self, outcome: &mut Outcome) {
        channels::clean(outcome, &self.address);
    }

    async fn is_held(&self, tx: &mut Write) -> Result<bool> {
        let Leased { id, channel, lease, .. } = self.message;
        // Somebody may have removed the channel, and the message with it.
        let there = channels::hold(tx, *channel).await?.is_some();
        Ok(there && store::is_leased(tx, *id, lease).await?)
    }

    fn read(&self, answer: &Answer) -> Option<After> {
        let (verdict, failure) = match answer {
            Answer::Delivered(Carried::Sent(_)) => (Verdict::Delivered, None),
            Answer::Delivered(Carried::Rejected(why)) => {
                (Verdict::Dead, Some(words(channels::unreachable(why)).to_owned()))
            }
            _ => return None,
        };
        Some(After { verdict, failure })
    }

    async fn settle(
        &self,
        context: &Context,
        tx: &mut Write,
        after: &After,
        outcome: &Outcome,
    ) -> Result<()> {
        let Leased { id, channel, lease, .. } = self.message;
        if let Some(why) = refusal(outcome) {
            let why = channels::unreachable(why);
            channels::set_unreachable(context, tx, *channel, why).await?;
            store::drop_all(tx, *channel, words(why), context.now()).await?;
            return Ok(());
        }
        Ok(store::settle(tx, *id, lease, after, context.now()).await?)
    }
}

/// Why the address takes no messages any more.
fn refusal(outcome: &Outcome) -> Option<&Permanent> {
    match &outcome.result {
        Ok(Answer::Delivered(Carried::Rejected(why))) => Some(why),
        _ => None,
    }
}

/// What is kept of a refusal: the provider's words may name somebody.
fn words(why: Unreachable) -> &'static str {
    match why {
        Unreachable::Gone => "nobody is reached there",
        Unreachable::Unsubscribed => "they asked not to be written to",
        Unreachable::NoAddress => "it is no address of this channel",
    }
}

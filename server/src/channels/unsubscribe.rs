//! The links that end messages of one kind: signed, so that whoever has a message may follow its
//! own, and nobody may make one.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use myrelay_app::contract::{MessageKind, UnsubscribeView};
use myrelay_domain::ids::ChannelId;

use super::{Channel, hold, place, store};
use crate::{Error, Result, context::Context};

/// The URL that ends messages of a kind to a channel; none for what cannot be ended.
pub(crate) fn unsubscribe_url(
    context: &Context,
    channel: ChannelId,
    kind: MessageKind,
) -> Option<String> {
    if kind == MessageKind::Security {
        return None;
    }
    let mark = context.vault.mark(&place(channel, "unsubscribe"), kind.name());
    let mark = BASE64_URL_SAFE_NO_PAD.encode(mark);
    let url = &context.settings.public_url;
    Some(format!("{url}/unsubscribe/{channel}.{}.{mark}", kind.name()))
}

/// What a link is about, if it is one of ours.
fn read(context: &Context, link: &str) -> Result<(ChannelId, MessageKind)> {
    let parsed = || {
        let (channel, rest) = link.split_once('.')?;
        let (kind, mark) = rest.split_once('.')?;
        let channel: ChannelId = channel.parse().ok()?;
        let mark = BASE64_URL_SAFE_NO_PAD.decode(mark).ok()?;
        let ours = context.vault.is_mark(&place(channel, "unsubscribe"), kind, &mark);
        let kind = MessageKind::of(kind).filter(|it| ours && *it != MessageKind::Security)?;
        Some((channel, kind))
    };
    parsed().ok_or(Error::NotFound("link"))
}

fn view(channel: &Channel, link: &str, kind: MessageKind) -> UnsubscribeView {
    UnsubscribeView {
        link: link.to_owned(),
        kind,
        name: channel.name.clone(),
        on: channel.kinds.contains(&kind),
    }
}

/// What a link would end.
pub(crate) async fn get_unsubscribe(context: &Context, link: &str) -> Result<UnsubscribeView> {
    let (channel, kind) = read(context, link)?;
    let found = store::find(context.database.read(), channel).await?;
    Ok(view(&found.ok_or(Error::NotFound("channel"))?, link, kind))
}

/// Ends messages of the link's kind to its channel.
pub(crate) async fn unsubscribe(context: &Context, link: &str) -> Result<()> {
    let (channel, kind) = read(context, link)?;
    let mut tx = context.database.write().await?;
    let found = hold(&mut tx, channel).await?.ok_or(Error::NotFound("channel"))?;
    let left: Vec<_> = found.kinds.into_iter().filter(|it| *it != kind).collect();
    store::set_kinds(&mut tx, channel, &left).await?;
    tx.commit().await?;
    Ok(())
}

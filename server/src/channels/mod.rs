//! Channels: how customers are reached, for what, and when not. An address is theirs alone: it is
//! sealed, and stands in no event, no log and no plugin's list of calls.

mod calls;
mod codes;
mod letter;
mod quiet;
mod store;
#[cfg(test)]
mod tests;
mod unsubscribe;

use anyhow::Context as _;
use myrelay_app::contract::{
    AddChannel, CarrierRow, ChannelGuide, ChannelRow, ChannelState, ChannelView, MessageKind,
    QuietView, Unreachable,
};
use myrelay_domain::ids::{AccountId, ChannelId, InstallationId};
use myrelay_plugin_host::Kind;
use serde_json::json;
use zeroize::Zeroizing;

pub(crate) use self::{
    calls::{clean, whom},
    codes::{send, unreachable, verify},
    letter::{LOCALE, Letter},
    quiet::{quiet_until, set_quiet},
    unsubscribe::{get_unsubscribe, unsubscribe, unsubscribe_url},
};
use crate::{
    Error, Result,
    context::{Caller, Context},
    database::{Write, is_taken},
    outbox::{self, Event},
    plugins::{self, Installed, State},
};

/// The most channels that an account has.
pub(crate) const MAX_CHANNELS: u32 = 5;
/// The longest address, in bytes: a URL of a chat's webhook is longer than any mail address.
const ADDRESS_BYTES: usize = 1024;

/// A channel as it stands in a row.
#[derive(Clone)]
pub(crate) struct Channel {
    pub(crate) id: ChannelId,
    pub(crate) account: AccountId,
    pub(crate) plugin: InstallationId,
    /// What carries it.
    name: String,
    /// Whether its operator lets it carry anything.
    enabled: bool,
    /// Whether that is stopped, and until when it rests.
    stopped: bool,
    rest_until: Option<i64>,
    sealed: String,
    made_at: Option<i64>,
    guide: Option<String>,
    pub(crate) kinds: Vec<MessageKind>,
    verified_at: Option<i64>,
    unreachable: Option<Unreachable>,
    code: Option<Code>,
    created_at: i64,
}

/// A code that was sent.
#[derive(Clone)]
struct Code {
    hash: String,
    ends_at: i64,
    /// How often a wrong one was tried.
    wrong: u32,
}

impl Channel {
    /// Whether messages of this kind are for it.
    pub(crate) fn takes(&self, kind: MessageKind) -> bool {
        let open = self.enabled && self.verified_at.is_some() && self.unreachable.is_none();
        open && (kind == MessageKind::Security || self.kinds.contains(&kind))
    }

    /// Where it leads, in the terms of its plugin.
    pub(crate) fn address(&self, context: &Context) -> Result<Zeroizing<String>> {
        Ok(context.vault.open(&place(self.id, "address"), &self.sealed)?)
    }

    fn state(&self) -> ChannelState {
        match self {
            Self { enabled: false, .. } => ChannelState::Off,
            Self { unreachable: Some(_), .. } => ChannelState::Unreachable,
            Self { verified_at: None, .. } => ChannelState::Unverified,
            _ => ChannelState::Verified,
        }
    }

    fn row(&self, context: &Context) -> Result<ChannelRow> {
        let address = self.address(context)?;
        let rests = self.rest_until.is_some_and(|until| context.now() < until);
        Ok(ChannelRow {
            id: self.id,
            name: self.name.clone(),
            address: self.made_at.is_none().then(|| address.to_string()),
            state: self.state(),
            away: self.enabled && (self.stopped || rests),
            kinds: self.kinds.clone(),
        })
    }
}

/// What a sealed text of a channel, or a mark, is for.
fn place(channel: ChannelId, what: &str) -> String {
    format!("{channel}/{what}")
}

/// The channels of the account that asks, oldest first.
pub(crate) async fn list(context: &Context, caller: Caller) -> Result<Vec<ChannelRow>> {
    let account = caller.account()?;
    let channels = store::list(context.database.read(), account).await?;
    channels.iter().map(|it| it.row(context)).collect()
}

/// What the account that asks may add a channel of, by name; and whether there would be more if
/// none were stopped. One that rests is back before long.
pub(crate) async fn carriers(context: &Context, caller: Caller) -> Result<(Vec<CarrierRow>, bool)> {
    caller.account()?;
    let mut rows = Vec::new();
    let mut stopped = false;
    for plugin in plugins::of_kind(context, Kind::Notification).await? {
        if plugin.works() {
            rows.push(CarrierRow { id: plugin.id, name: plugin.name().to_owned() });
        }
        stopped |= matches!(plugin.state, State::Stopped(_));
    }
    Ok((rows, stopped))
}

/// The quiet hours of the account that asks.
pub(crate) async fn quiet(context: &Context, caller: Caller) -> Result<Option<QuietView>> {
    quiet::view(context, caller).await
}

fn carries(plugin: &Installed) -> Result<bool> {
    Ok(plugin.manifest()?.kinds.contains(&Kind::Notification))
}

/// The plugin of an id that carries messages, where it is called now; or why it is not.
async fn carrier(context: &Context, id: &str) -> Result<Installed> {
    let unknown = || Error::invalid("plugin", "choose what carries the messages");
    let plugin = plugins::get(context, id).await.map_err(|error| match error {
        Error::NotFound(_) => unknown(),
        error => error,
    })?;
    if !carries(&plugin)? || plugin.state == State::Disabled {
        return Err(unknown());
    }
    plugin.ensure_serves(context.now())?;
    Ok(plugin)
}

/// One channel of the account that asks.
pub(crate) async fn get(context: &Context, caller: Caller, channel: &str) -> Result<ChannelView> {
    let channel = own(context, caller, channel).await?;
    let guide = channel.guide.as_deref().map(|sealed| {
        let text = context.vault.open(&place(channel.id, "guide"), sealed)?;
        serde_json::from_str::<ChannelGuide>(&text).context("a channel's guide")
    });
    let now = context.now();
    let code = channel.code.as_ref().filter(|it| now < it.ends_at && !it.is_spent());
    Ok(ChannelView {
        row: channel.row(context)?,
        guide: guide.transpose()?,
        code_ends_at: code.map(|it| it.ends_at),
        unreachable: channel.unreachable,
        added_at: channel.created_at,
    })
}

async fn own(context: &Context, caller: Caller, channel: &str) -> Result<Channel> {
    let account = caller.account()?;
    let found = store::find(context.database.read(), parse_id(channel)?).await?;
    found.filter(|it| it.account == account).ok_or(Error::NotFound("channel"))
}

/// A channel of the account that asks, held until the commit.
async fn hold_own(
    context: &Context,
    caller: Caller,
    channel: &str,
) -> Result<(crate::database::Write, Channel)> {
    let account = caller.account()?;
    let channel = parse_id(channel)?;
    let mut tx = context.database.write().await?;
    let found = hold(&mut tx, channel).await?.filter(|it| it.account == account);
    let found = found.ok_or(Error::NotFound("channel"))?;
    Ok((tx, found))
}

/// A channel, held until the commit; none: it was removed. Whoever writes of a channel and of what
/// is on its way to it holds its plugin first, then the channel.
pub(crate) async fn hold(tx: &mut Write, channel: ChannelId) -> Result<Option<Channel>> {
    if !store::hold(tx, channel).await? {
        return Ok(None);
    }
    Ok(store::find(&mut **tx, channel).await?)
}

/// A channel, as it stands now; none: it was removed.
pub(crate) async fn find(context: &Context, channel: ChannelId) -> Result<Option<Channel>> {
    Ok(store::find(context.database.read(), channel).await?)
}

/// All channels of an account, as a transaction sees them.
pub(crate) async fn of_account(tx: &mut Write, account: AccountId) -> Result<Vec<Channel>> {
    Ok(store::list(&mut **tx, account).await?)
}

fn parse_id(channel: &str) -> Result<ChannelId> {
    channel.parse().map_err(|_no_id| Error::NotFound("channel"))
}

/// Adds a channel to the account that asks. The plugin says what the customer has to do; where it
/// says nothing but that an address is fine, a code is sent there at once.
pub(crate) async fn add(context: &Context, caller: Caller, input: AddChannel) -> Result<ChannelId> {
    let account = caller.account()?;
    let plugin = carrier(context, &input.plugin).await?;
    let typed = read_address(&input.address)?;
    let before = store::list(context.database.read(), account).await?;
    let id: ChannelId = context.new_id();
    check_new(context, &before, &plugin, &typed)?;
    codes::count(context, account, (&plugin, &typed)).await?;
    let begun = calls::begin(context, account, &plugin, typed).await?;
    check_new(context, &before, &plugin, &begun.address)?;
    let at_once = begun.guide.link.is_none();
    let code = if at_once {
        let made = codes::Made::new(context, id);
        codes::deliver(context, (account, &plugin), &begun.address, &made).await?;
        Some(made.code)
    } else {
        None
    };
    let guide = serde_json::to_string(&begun.guide).context("a channel's guide")?;
    let sealed = context.vault.seal(&place(id, "address"), &begun.address)?;
    let guide = context.vault.seal(&place(id, "guide"), &guide)?;

    let mut tx = context.database.write().await?;
    let now = context.now();
    let taken = store::slots(&mut tx, account).await?;
    let slot = (0..MAX_CHANNELS).find(|it| !taken.contains(it)).ok_or_else(full)?;
    let row = store::NewChannel {
        id,
        account,
        plugin: plugin.id,
        slot,
        sealed: &sealed,
        made_at: begun.made.then_some(now),
        guide: &guide,
        kinds: &MessageKind::CHOSEN,
        code: code.as_ref(),
    };
    let inserted = store::insert(&mut tx, &row, now).await;
    if inserted.as_ref().is_err_and(is_taken) {
        // Another one was added in the same moment.
        return Err(Error::Busy { retry_after_s: 1 });
    }
    inserted?;
    tx.commit().await?;
    Ok(id)
}

fn full() -> Error {
    Error::Limit(format!("you have {MAX_CHANNELS} channels: remove one to add another"))
}

fn read_address(text: &str) -> Result<Zeroizing<String>> {
    let text = text.trim();
    if ADDRESS_BYTES < text.len() || text.chars().any(char::is_control) {
        let message = format!("an address has at most {ADDRESS_BYTES} bytes and no line breaks");
        return Err(Error::invalid("address", message));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

fn check_new(
    context: &Context,
    before: &[Channel],
    plugin: &Installed,
    address: &str,
) -> Result<()> {
    if usize::try_from(MAX_CHANNELS).is_ok_and(|most| most <= before.len()) {
        return Err(full());
    }
    for channel in before.iter().filter(|it| it.plugin == plugin.id) {
        if channel.address(context)?.eq_ignore_ascii_case(address) {
            let message = "you have a channel with this address".to_owned();
            return Err(Error::Taken { field: "address", message });
        }
    }
    Ok(())
}

/// Chooses what goes to a channel of the account that asks.
pub(crate) async fn set_kinds(
    context: &Context,
    caller: Caller,
    channel: &str,
    kinds: &[MessageKind],
) -> Result<()> {
    let (mut tx, channel) = hold_own(context, caller, channel).await?;
    let chosen = MessageKind::CHOSEN.into_iter().filter(|it| kinds.contains(it));
    store::set_kinds(&mut tx, channel.id, &chosen.collect::<Vec<_>>()).await?;
    tx.commit().await?;
    Ok(())
}

/// Removes a channel of the account that asks, with what is on its way to it.
pub(crate) async fn remove(context: &Context, caller: Caller, channel: &str) -> Result<()> {
    let (mut tx, channel) = hold_own(context, caller, channel).await?;
    store::delete(&mut tx, channel.id).await?;
    let payload = json!({ "channel": channel.id });
    let account = Some(channel.account);
    outbox::record(context, &mut tx, Event::ChannelRemoved, account, payload).await?;
    tx.commit().await?;
    Ok(())
}

/// Nothing goes to a channel any more until it is confirmed again. To be called with it held.
pub(crate) async fn set_unreachable(
    context: &Context,
    tx: &mut Write,
    channel: ChannelId,
    why: Unreachable,
) -> Result<()> {
    Ok(store::set_unreachable(tx, channel, why, context.now()).await?)
}

/// Forgets which codes were sent long ago.
pub(crate) async fn prune(context: &Context) -> Result<()> {
    codes::prune(context).await
}

//! Codes: what somebody has to read at an address before it counts as theirs.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use myrelay_app::contract::Unreachable;
use myrelay_domain::ids::{AccountId, ChannelId};
use myrelay_plugin_host::{
    Answer, Call,
    notifier::{Destination, Outcome, Permanent, Urgency},
};
use serde_json::json;
use zeroize::Zeroizing;

use super::{Code, calls, letter::Letter, place, store};
use crate::{
    Error, Result,
    context::{Caller, Context},
    outbox::{self, Event},
    plugins::{self, Installed},
};

/// Codes that an account may ask for in an hour, and codes that go to one address, whoever asks.
pub(super) const CODES_AN_HOUR: i64 = 6;
const HOUR_MS: i64 = 3_600_000;
/// How long a code is good, in milliseconds.
pub(super) const LIFE_MS: i64 = HOUR_MS;
/// How often a wrong code may be tried before the right one is good no more.
pub(super) const WRONG: u32 = 5;
/// What codes are written with: nothing that looks like something else. 50 bits.
const SIGNS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const LENGTH: usize = 10;

impl Code {
    pub(super) fn is_spent(&self) -> bool {
        WRONG <= self.wrong
    }
}

/// A new code, and what is written down of it.
pub(super) struct Made {
    channel: ChannelId,
    /// Two groups of five.
    text: Zeroizing<String>,
    pub(super) code: Code,
}

impl Made {
    pub(super) fn new(context: &Context, channel: ChannelId) -> Self {
        let random = context.random::<LENGTH>();
        let signs = random.iter().map(|it| SIGNS.get(usize::from(it & 31)).copied());
        let signs: Zeroizing<String> = Zeroizing::new(signs.flatten().map(char::from).collect());
        let (first, second) = signs.split_at_checked(LENGTH / 2).unwrap_or_default();
        let text = Zeroizing::new(format!("{first}-{second}"));
        let hash = STANDARD.encode(context.vault.mark(&place(channel, "code"), &signs));
        let code = Code { hash, ends_at: context.now() + LIFE_MS, wrong: 0 };
        Self { channel, text, code }
    }
}

/// Counts a code that is about to be sent, or refuses it.
pub(super) async fn count(
    context: &Context,
    account: AccountId,
    (plugin, address): (&Installed, &str),
) -> Result<()> {
    let small = address.to_lowercase();
    let place = STANDARD.encode(context.vault.mark(&format!("{}/codes", plugin.id), &small));
    let now = context.now();
    let mut tx = context.database.write().await?;
    let (own, there) = store::codes::count(&mut tx, account, &place, now - HOUR_MS).await?;
    // What is left empty is no address.
    if CODES_AN_HOUR <= own || (CODES_AN_HOUR <= there && !address.is_empty()) {
        let message = format!(
            "at most {CODES_AN_HOUR} codes are made in an hour, those that did not arrive among \
             them: wait a while"
        );
        return Err(Error::Limit(message));
    }
    store::codes::insert(&mut tx, &context.new_request_id(), account, &place, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Has a plugin carry a code to an address.
pub(super) async fn deliver(
    context: &Context,
    (account, plugin): (AccountId, &Installed),
    address: &str,
    made: &Made,
) -> Result<()> {
    let to =
        Destination { account: calls::whom(account), address: address.to_owned(), verified: false };
    let message = letter(context, made).written();
    let call = Call::Deliver { to, message };
    match calls::call_once(context, plugin, call, address).await? {
        Ok(Answer::Delivered(Outcome::Sent(_))) => Ok(()),
        Ok(Answer::Delivered(Outcome::Rejected(why))) => Err(rejected(&why)),
        Ok(_) => Err(Error::Unavailable("the plugin answered something else".to_owned())),
        Err(failure) => Err(calls::told(&failure)),
    }
}

/// What a permanent refusal is called where it is kept: without the provider's words, which may
/// name somebody.
pub(crate) fn unreachable(why: &Permanent) -> Unreachable {
    match why {
        Permanent::Unreachable(_) => Unreachable::Gone,
        Permanent::Unsubscribed => Unreachable::Unsubscribed,
        Permanent::InvalidAddress(_) => Unreachable::NoAddress,
    }
}

fn rejected(why: &Permanent) -> Error {
    let message = match unreachable(why) {
        Unreachable::Gone => "nobody is reached at this address",
        Unreachable::Unsubscribed => "whoever reads there asked not to be written to",
        Unreachable::NoAddress => "messages cannot go to this address: look at how it is written",
    };
    Error::invalid("address", message)
}

fn letter(context: &Context, made: &Made) -> Letter {
    let url = &context.settings.public_url;
    let text = made.text.as_str();
    Letter {
        template: "channel.code".to_owned(),
        subject: format!("{text} is your code"),
        paragraphs: vec![
            format!("Your code is {text}"),
            "Somebody with an account at this VPN service wants its messages here. If it was you, \
             give this code on the page of the channel, or open the link. It is good for an hour."
                .to_owned(),
            "If it was not you, do nothing: nothing more comes here.".to_owned(),
        ],
        action: Some((
            "Confirm this channel".to_owned(),
            format!("{url}/notifications/channels/{}/verify/{text}", made.channel),
        )),
        unsubscribe: None,
        urgency: Urgency::High,
        data: json!({ "code": text }),
    }
}

/// Sends another code to a channel of the account that asks.
pub(crate) async fn send(context: &Context, caller: Caller, channel: &str) -> Result<()> {
    let channel = super::own(context, caller, channel).await?;
    if channel.verified_at.is_some() && channel.unreachable.is_none() {
        return Ok(());
    }
    let plugin = plugins::get(context, &channel.plugin.to_string()).await?;
    plugin.ensure_serves(context.now())?;
    let address = channel.address(context)?;
    count(context, channel.account, (&plugin, &address)).await?;
    let made = Made::new(context, channel.id);
    deliver(context, (channel.account, &plugin), &address, &made).await?;
    let mut tx = context.database.write().await?;
    store::set_code(&mut tx, channel.id, &made.code).await?;
    tx.commit().await?;
    Ok(())
}

/// Confirms a channel of the account that asks. A channel that is confirmed stays so.
pub(crate) async fn verify(
    context: &Context,
    caller: Caller,
    channel: &str,
    code: &str,
) -> Result<()> {
    let (mut tx, channel) = super::hold_own(context, caller, channel).await?;
    if channel.verified_at.is_some() && channel.unreachable.is_none() {
        return Ok(());
    }
    let now = context.now();
    let Some(sent) = channel.code.filter(|it| now < it.ends_at && !it.is_spent()) else {
        let message = "no code is good any more: ask for another one";
        return Err(Error::invalid("code", message));
    };
    let typed: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    let hash = STANDARD.decode(&sent.hash).unwrap_or_default();
    if !context.vault.is_mark(&place(channel.id, "code"), &typed.to_ascii_uppercase(), &hash) {
        let wrong = Code { wrong: sent.wrong + 1, ..sent };
        let message = if wrong.is_spent() {
            format!("this is not it either; after {WRONG} wrong ones, ask for another code")
        } else {
            "this is not the code that was sent; look at the newest message".to_owned()
        };
        store::set_code(&mut tx, channel.id, &wrong).await?;
        tx.commit().await?;
        return Err(Error::invalid("code", message));
    }
    store::set_verified(&mut tx, channel.id, now).await?;
    let payload = json!({ "channel": channel.id });
    let account = Some(channel.account);
    outbox::record(context, &mut tx, Event::ChannelVerified, account, payload).await?;
    tx.commit().await?;
    Ok(())
}

/// Forgets which codes were sent long ago.
pub(super) async fn prune(context: &Context) -> Result<()> {
    let mut tx = context.database.write().await?;
    store::codes::prune(&mut tx, context.now() - HOUR_MS).await?;
    tx.commit().await?;
    Ok(())
}

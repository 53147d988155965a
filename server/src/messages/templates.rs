//! Which events accounts are told of, and in which words. Another one is a row of [`TEMPLATES`] and
//! a function beside it; another language is another set of these functions.

mod english;

use myrelay_app::contract::MessageKind;
use myrelay_domain::money::Money;
use myrelay_plugin_host::notifier::Urgency;
use serde_json::{Value, json};

use self::english as en;
use super::{Leased, store};
use crate::{
    Result,
    channels::{self, Letter},
    context::Context,
    text::plain,
};

/// The longest name in a message, in characters.
const NAME_CHARS: usize = 80;
const DAY_MS: i64 = 24 * 3_600_000;

/// How an account is told of an event.
pub(super) struct Template {
    /// The event's name in the outbox.
    event: &'static str,
    pub(super) kind: MessageKind,
    urgency: Urgency,
    /// What it says in a line, without names.
    title: &'static str,
    words: fn(&Facts) -> Words,
    /// How long it is true after the event, in milliseconds; none: what it tells has happened.
    holds_ms: Option<i64>,
}

impl Template {
    /// What says how things stand, or what is to be done by when, is told so long and not later.
    const fn for_days(self, days: i64) -> Self {
        Self { holds_ms: Some(days * DAY_MS), ..self }
    }
}

/// What a message says.
struct Words {
    subject: String,
    paragraphs: Vec<String>,
    /// What the link says, and its path.
    action: (&'static str, String),
}

/// What the words are made of: names are one line of plain text.
#[derive(Default)]
struct Facts {
    /// The pod's id, if it is there.
    pod: Option<String>,
    location: Option<String>,
    /// Host and port.
    endpoint: Option<String>,
    plan: Option<String>,
    amount: Option<String>,
}

impl Facts {
    /// The location's name, or words for one that is not there any more.
    fn place(&self) -> &str {
        self.location.as_deref().unwrap_or("one of your locations")
    }

    /// The page of the pod, or of all.
    fn pod_page(&self) -> String {
        self.pod.as_ref().map_or_else(|| "/home".to_owned(), |it| format!("/pods/{it}"))
    }
}

/// What a message about an event is about, in a line without names.
pub(super) fn title(event: &str) -> &'static str {
    of(event).map_or("A message", |it| it.title)
}

/// Whether a message about what happened then would not be true any more.
pub(super) fn is_late(event: &str, happened_at: i64, now: i64) -> bool {
    let holds = of(event).and_then(|it| it.holds_ms);
    holds.is_some_and(|it| happened_at + it < now)
}

/// The template of an event; none: nobody is told.
pub(super) fn of(event: &str) -> Option<&'static Template> {
    TEMPLATES.iter().find(|it| it.event == event)
}

const fn row(
    event: &'static str,
    kind: MessageKind,
    urgency: Urgency,
    title: &'static str,
    words: fn(&Facts) -> Words,
) -> Template {
    Template { event, kind, urgency, title, words, holds_ms: None }
}

use MessageKind::{Billing, Security, Service, Usage};
use Urgency::{High, Low, Normal};

/// Of what accounts are told.
#[rustfmt::skip]
const TEMPLATES: &[Template] = &[
    row("token.created", Security, High, "A token was made", en::token_created),
    row("token.revoked", Security, Normal, "A token was revoked", en::token_revoked),
    row("channel.verified", Security, High, "A channel was confirmed", en::channel_verified),
    row("channel.removed", Security, High, "A channel was removed", en::channel_removed),
    row("usage.quota_80", Usage, Normal, "80 % of the data is used", en::quota_80).for_days(3),
    row("usage.quota_100", Usage, High, "All of the data is used", en::quota_100).for_days(3),
    row("account.suspended", Service, High, "Your account is suspended", en::suspended),
    row("account.resumed", Service, Normal, "Your account works again", en::resumed),
    row("account.plan_changed", Service, Normal, "You have another plan", en::plan_changed),
    row("pod.moved", Service, High, "A location moved to another server", en::moved),
    row("payment.received", Billing, Low, "Your payment arrived", en::payment_received),
    row("payment.failed", Billing, High, "A payment failed", en::payment_failed),
    row("payment.refunded", Billing, Normal, "A payment was returned", en::payment_refunded),
    row("subscription.started", Billing, Normal, "Your subscription began", en::subscription_started),
    row("subscription.expiring", Billing, High, "Your subscription runs out", en::subscription_expiring).for_days(3),
    row("subscription.past_due", Billing, High, "Your subscription ran out", en::subscription_past_due).for_days(3),
    row("subscription.ended", Billing, High, "Your subscription ended", en::subscription_ended),
];

/// The amount of an event: `amount` in the smallest unit of `currency`. None where it has none.
fn amount(payload: &Value) -> Option<String> {
    let (minor, currency) = (payload["amount"].as_i64()?, payload["currency"].as_str()?);
    Money::reported(minor, currency).ok().map(|it| it.to_string())
}

/// A message in its words.
pub(super) async fn letter(context: &Context, leased: &Leased) -> Result<Letter> {
    // Rows of other events are never made.
    let Some(template) = of(&leased.event) else {
        return Err(anyhow::anyhow!("there are no words for {}", leased.event).into());
    };
    let facts = facts(context, leased).await?;
    let Words { subject, paragraphs, action: (label, path) } = (template.words)(&facts);
    Ok(Letter {
        template: leased.event.clone(),
        subject,
        paragraphs,
        action: Some((label.to_owned(), format!("{}{path}", context.settings.public_url))),
        unsubscribe: channels::unsubscribe_url(context, leased.channel, leased.kind),
        urgency: template.urgency,
        data: data(leased, &facts),
    })
}

fn data(leased: &Leased, facts: &Facts) -> Value {
    json!({
        "kind": leased.kind.name(),
        "locale": channels::LOCALE,
        "location": facts.location,
        "endpoint": facts.endpoint,
        "plan": facts.plan,
        "amount": facts.amount,
    })
}

async fn facts(context: &Context, leased: &Leased) -> Result<Facts> {
    let payload: Value = serde_json::from_str(&leased.payload).unwrap_or_default();
    let text = |name: &str| payload[name].as_str();
    let name = |text: String| plain(&text, NAME_CHARS);
    let pool = context.database.read();
    let mut facts = Facts { amount: amount(&payload), ..Facts::default() };
    if let Some(id) = text("pod")
        && let Some((location, host, port)) = store::names::pod(pool, leased.account, id).await?
    {
        facts.pod = Some(id.to_owned());
        facts.location = Some(name(location));
        facts.endpoint = Some(name(format!("{host}:{port}")));
    }
    if let Some(id) = text("location") {
        facts.location = store::names::location(pool, id).await?.map(name);
    }
    if let Some(id) = text("plan") {
        facts.plan = store::names::plan(pool, id).await?.map(name);
    }
    Ok(facts)
}

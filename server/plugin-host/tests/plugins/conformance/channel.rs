//! What every plugin that carries messages has to stand.

use myrelay_fake_providers::Fault;
use myrelay_plugin_host::{
    Answer, Call,
    notifier::{Destination, Message, Outcome, Permanent, Receipt, Urgency},
    types::{AccountRef, ErrorKind},
};

use crate::conformance::{Rig, Told};

/// A way to reach people and the plugin that takes it.
pub(crate) trait Channel: Told + Sized {
    /// Both, ready; none where plugins were not built.
    async fn start() -> Option<Self>;

    /// An address at which somebody is.
    fn address(&self) -> String;

    /// What is no address of this channel.
    const NO_ADDRESS: &str;

    /// What it is when a message left and nobody answered: whether trying again is safe.
    const UNHEARD: ErrorKind;

    /// The secret that requests log in with, where there is one.
    const KEY: Option<&str>;

    /// The texts that arrived.
    fn arrived(&self) -> Vec<String>;
}

pub(crate) fn deliver(address: &str) -> Call {
    Call::Deliver {
        to: Destination {
            account: AccountRef { id: "acct_1".to_owned(), locale: "de".to_owned(), country: None },
            address: address.to_owned(),
            verified: true,
        },
        message: Message {
            template: "subscription.expiring".to_owned(),
            subject: "Your \"plan\" ends".to_owned(),
            text: "It ends on Friday.\nGrüße, 🛰".to_owned(),
            html: Some("<p>It ends on Friday.</p>".to_owned()),
            action_url: Some("https://portal.example.org/plan".to_owned()),
            urgency: Urgency::Low,
            data: r#"{"days":3}"#.to_owned(),
        },
    }
}

/// How a delivery ended.
pub(crate) async fn delivered(rig: &Rig, call: Call) -> Outcome {
    match rig.answer(call).await {
        Answer::Delivered(outcome) => outcome,
        other => panic!("nothing was delivered: {other:?}"),
    }
}

/// It arrives as it was written, and has an id that support can ask for.
pub(crate) async fn a_message_arrives_whole<C: Channel>() {
    let Some(channel) = C::start().await else { return };
    let outcome = delivered(channel.rig(), deliver(&channel.address())).await;
    let Outcome::Sent(Receipt { provider_id: Some(id) }) = outcome else { panic!("{outcome:?}") };
    assert!(!id.is_empty());
    let arrived = channel.arrived();
    let [text] = &arrived[..] else { panic!("one message: {arrived:?}") };
    for part in ["Your \"plan\" ends", "It ends on Friday.\nGrüße, 🛰"] {
        assert!(text.contains(part), "{text}");
    }
}

/// What is no address is never asked for, and not tried again.
pub(crate) async fn what_is_no_address_is_left_alone<C: Channel>() {
    let Some(channel) = C::start().await else { return };
    let outcome = delivered(channel.rig(), deliver(C::NO_ADDRESS)).await;
    assert!(matches!(outcome, Outcome::Rejected(Permanent::InvalidAddress(_))), "{outcome:?}");
    let call = Call::BeginVerification {
        account: AccountRef { id: "acct_1".to_owned(), locale: "en".to_owned(), country: None },
        address: C::NO_ADDRESS.to_owned(),
    };
    assert_eq!(channel.rig().error(call).await.kind, ErrorKind::InvalidInput);
    assert!(channel.arrived().is_empty());
}

/// Too many messages, failures, and silence: each says what may be done next.
pub(crate) async fn trouble_decides_what_happens_next<C: Channel>() {
    let Some(channel) = C::start().await else { return };
    let garbage = Fault::Answer { status: 502, retry_after: None, body: "<html>busy".to_owned() };
    for (fault, kind) in [
        (Fault::too_many(7), ErrorKind::RateLimited),
        (Fault::status(503), ErrorKind::Unavailable),
        // What a gateway gave up on may have been done behind it.
        (Fault::status(500), C::UNHEARD),
        (garbage, C::UNHEARD),
        (Fault::Hangup, C::UNHEARD),
        (Fault::HangupAfter, C::UNHEARD),
    ] {
        channel.fail(fault.clone());
        let error = channel.rig().error(deliver(&channel.address())).await;
        assert_eq!(error.kind, kind, "{fault:?}: {error:?}");
        assert_eq!(error.retry_after_ms, (kind == ErrorKind::RateLimited).then_some(7000));
        assert!(!error.message.contains("<html>"));
    }
    // The next one goes through.
    let outcome = delivered(channel.rig(), deliver(&channel.address())).await;
    assert!(matches!(outcome, Outcome::Sent(_)), "{outcome:?}");
}

/// A wrong key is the operator's affair, and is not told, though the service quotes it.
pub(crate) async fn a_wrong_key_is_never_told<C: Channel>() {
    let Some(mut channel) = C::start().await else { return };
    let Some(key) = C::KEY else { return };
    channel.rig_mut().stage.secret(key, "999999:somebody-elses-key");
    let error = channel.rig().error(deliver(&channel.address())).await;
    assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error:?}");
    channel.rig_mut().stage.secrets.remove(key);
    let error = channel.rig().error(deliver(&channel.address())).await;
    assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error:?}");
    assert!(error.message.contains(key), "{error:?}");
    assert!(channel.arrived().is_empty());
}

/// The whole suite for one plugin.
macro_rules! channel_conformance {
    ($module:ident, $channel:ty) => {
        mod $module {
            use super::*;
            use crate::conformance::channel;

            #[tokio::test]
            async fn a_message_arrives_whole() {
                channel::a_message_arrives_whole::<$channel>().await;
            }

            #[tokio::test]
            async fn what_is_no_address_is_left_alone() {
                channel::what_is_no_address_is_left_alone::<$channel>().await;
            }

            #[tokio::test]
            async fn trouble_decides_what_happens_next() {
                channel::trouble_decides_what_happens_next::<$channel>().await;
            }

            #[tokio::test]
            async fn a_wrong_key_is_never_told() {
                channel::a_wrong_key_is_never_told::<$channel>().await;
            }
        }
    };
}

pub(crate) use channel_conformance;

//! Mail: two services that take the same message in their own ways.

use myrelay_fake_providers::{Fake, Fault, Mail};
use myrelay_plugin_host::{
    Answer, Call,
    notifier::{Outcome, Permanent},
    types::ErrorKind,
};
use serde_json::{Value, json};

use crate::conformance::{
    Rig, Told, beside,
    channel::{Channel, channel_conformance, deliver, delivered},
};

const MANIFEST: &str = include_str!("../../../../../plugins/email/plugin.toml");
const KEY: &str = "8a2f1c00-mail-key-0123";
const FROM: &str = "Example VPN <hello@example.org>";

type Story = crate::conformance::Story<Mail>;

async fn start(provider: &str) -> Option<Story> {
    let fake = Mail::start(0, KEY).await.unwrap();
    let port = fake.port();
    let manifest = beside(MANIFEST, &["api.postmarkapp.com", "api.resend.com"], port);
    let config = json!({ "provider": provider, "from": FROM, "api_url": fake.url() });
    let rig = Rig::new("email", &manifest, port, config, &[("api_key", KEY)]).await?;
    Some(Story { rig, fake })
}

/// The same story for each service: its name, and what silence means there.
macro_rules! service {
    ($name:ident, $provider:literal, $unheard:ident) => {
        struct $name(Story);

        impl Told for $name {
            fn rig(&self) -> &Rig {
                &self.0.rig
            }

            fn rig_mut(&mut self) -> &mut Rig {
                &mut self.0.rig
            }

            fn fail(&self, fault: Fault) {
                self.0.fake.fail(fault);
            }
        }

        impl Channel for $name {
            const NO_ADDRESS: &str = "nobody";
            const UNHEARD: ErrorKind = ErrorKind::$unheard;
            const KEY: Option<&str> = Some("api_key");

            async fn start() -> Option<Self> {
                start($provider).await.map(Self)
            }

            fn address(&self) -> String {
                "ada@example.org".to_owned()
            }

            fn arrived(&self) -> Vec<String> {
                let mailed = self.0.fake.mailed().into_iter();
                mailed.map(|it| format!("{}\n{}", it.subject, it.text)).collect()
            }
        }
    };
}

service!(Postmark, "postmark", Indeterminate);
service!(Resend, "resend", Unavailable);
channel_conformance!(postmark, Postmark);
channel_conformance!(resend, Resend);

#[tokio::test]
async fn a_mail_has_a_sender_and_both_texts() {
    for provider in ["postmark", "resend"] {
        let Some(Story { mut rig, fake }) = start(provider).await else { return };
        let mut config: Value = serde_json::from_str(&rig.config).unwrap();
        config["reply_to"] = json!("help@example.org");
        rig.config = config.to_string();
        delivered(&rig, deliver("ada@example.org")).await;
        let [mail] = &fake.mailed()[..] else { panic!() };
        assert_eq!((mail.from.as_str(), mail.to.as_str()), (FROM, "ada@example.org"));
        assert_eq!(mail.html.as_deref(), Some("<p>It ends on Friday.</p>"));
        let asked = fake.asked();
        assert!(asked[0].text().contains("help@example.org") && !asked[0].text().contains("null"));
    }
}

#[tokio::test]
async fn a_mail_that_can_be_ended_says_where() {
    let link = "https://vpn.example.org/unsubscribe/1.quota.Mark";
    for provider in ["postmark", "resend"] {
        let Some(Story { rig, fake }) = start(provider).await else { return };
        let mut call = deliver("ada@example.org");
        let Call::Deliver { message, .. } = &mut call else { panic!() };
        message.data = json!({ "unsubscribe_url": link }).to_string();
        delivered(&rig, call).await;
        let asked = fake.asked()[0].json();
        let headers = match provider {
            "postmark" => json!({ asked["Headers"][0]["Name"].as_str().unwrap():
                asked["Headers"][0]["Value"], asked["Headers"][1]["Name"].as_str().unwrap():
                asked["Headers"][1]["Value"] }),
            _ => asked["headers"].clone(),
        };
        let one_click = "List-Unsubscribe=One-Click";
        let both = json!({ "List-Unsubscribe": format!("<{link}>"),
            "List-Unsubscribe-Post": one_click });
        assert_eq!(headers, both, "{provider}");
    }
}

#[tokio::test]
async fn a_mail_that_nobody_heard_of_arrives_once_where_the_service_can_tell() {
    let Some(Story { rig, fake }) = start("resend").await else { return };
    fake.fail(Fault::HangupAfter);
    assert_eq!(rig.error(deliver("ada@example.org")).await.kind, ErrorKind::Unavailable);
    let outcome = delivered(&rig, deliver("ada@example.org")).await;
    assert!(matches!(outcome, Outcome::Sent(_)), "{outcome:?}");
    assert_eq!(fake.mailed().len(), 1, "the second try was the first");
}

#[tokio::test]
async fn whose_mail_bounces_is_not_written_to_again() {
    let Some(Story { rig, fake: _fake }) = start("postmark").await else { return };
    let outcome = delivered(&rig, deliver("ada@bounces.example")).await;
    assert!(matches!(outcome, Outcome::Rejected(Permanent::Unreachable(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_sender_that_is_not_ours_is_the_operators_affair() {
    for (provider, code) in [("postmark", "400"), ("resend", "validation_error")] {
        let Some(Story { mut rig, fake }) = start(provider).await else { return };
        let config = json!({ "provider": provider, "from": "nobody", "api_url": fake.url() });
        rig.config = config.to_string();
        let error = rig.error(deliver("ada@example.org")).await;
        assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error:?}");
        assert_eq!(error.provider_code.as_deref(), Some(code));
        let answer = rig.answer(Call::ValidateConfig(rig.config.clone())).await;
        let Answer::Problems(found) = answer else { panic!() };
        assert_eq!(found[0].path, "/from");
    }
}

#[tokio::test]
async fn what_would_be_two_addresses_is_none() {
    let Some(Story { rig, fake }) = start("resend").await else { return };
    for address in
        ["a@b.example, c@d.example", "Ada <ada@example.org>", "a@b@c.example", "a\n@b.example"]
    {
        let outcome = delivered(&rig, deliver(address)).await;
        assert!(matches!(outcome, Outcome::Rejected(Permanent::InvalidAddress(_))), "{address:?}");
    }
    assert!(fake.asked().is_empty());
}

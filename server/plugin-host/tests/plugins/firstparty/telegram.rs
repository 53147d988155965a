//! Telegram: a bot, people who press Start, and people who block it.

use myrelay_fake_providers::{Fake, Fault, Sent, Telegram};
use myrelay_plugin_host::{
    Answer, Call, KvWrite,
    notifier::{Outcome, Permanent, Verification},
    types::{AccountRef, ErrorKind},
};
use serde_json::json;

use crate::conformance::{
    Rig, beside,
    channel::{Channel, channel_conformance, deliver, delivered},
};

const MANIFEST: &str = include_str!("../../../../../plugins/telegram/plugin.toml");
const TOKEN: &str = "123456:AAE-abc_DEF0123456789";
const CHAT: i64 = 5_000_000_007;

type Story = crate::conformance::Story<Telegram>;

impl Channel for Story {
    const NO_ADDRESS: &str = "somebody";
    const UNHEARD: ErrorKind = ErrorKind::Indeterminate;
    const KEY: Option<&str> = Some("bot_token");

    async fn start() -> Option<Self> {
        let fake = Telegram::start(0, TOKEN).await.unwrap();
        let port = fake.port();
        let manifest = beside(MANIFEST, &["api.telegram.org"], port);
        let config = json!({ "bot": "example_vpn_bot", "api_url": fake.url() });
        let rig = Rig::new("telegram", &manifest, port, config, &[("bot_token", TOKEN)]).await?;
        fake.press_start(CHAT, "an-earlier-code-of-nobody");
        Some(Self { rig, fake })
    }

    fn address(&self) -> String {
        CHAT.to_string()
    }

    fn arrived(&self) -> Vec<String> {
        self.fake.sent().into_iter().map(|it| it.text).collect()
    }
}

channel_conformance!(conformance, Story);

impl Story {
    /// The link that a customer gets for a code.
    async fn link(&self, code: &str) -> String {
        let account =
            AccountRef { id: "acct_1".to_owned(), locale: "en".to_owned(), country: None };
        let call = Call::BeginVerification { account, address: code.to_owned() };
        match self.rig.answer(call).await {
            Answer::Verification(Verification { link: Some(link), .. }) => link,
            other => panic!("no link: {other:?}"),
        }
    }
}

#[tokio::test]
async fn whoever_presses_start_with_our_code_is_reached_by_it() {
    let Some(story) = Story::start().await else { return };
    let code = "Xk3_v9-QmT7zLp2R";
    assert_eq!(story.link(code).await, format!("https://t.me/example_vpn_bot?start={code}"));
    let waits = story.rig.error(deliver(code)).await;
    assert_eq!(waits.kind, ErrorKind::NotFound, "{waits:?}");

    // A stranger presses Start too, with a code that we never gave.
    story.fake.press_start(99, "Zz0_stranger-code-1");
    story.fake.press_start(4_242, code);
    let outcome = delivered(&story.rig, deliver(code)).await;
    assert!(matches!(outcome, Outcome::Sent(_)), "{outcome:?}");
    let sent = story.fake.sent();
    let [Sent { chat: 4_242, silent: true, text }] = &sent[..] else { panic!("{sent:?}") };
    assert!(text.ends_with("\n\nhttps://portal.example.org/plan"), "{text}");
    assert_eq!(story.rig.stage.store.get("chat:Zz0_stranger-code-1"), None);

    // From now on the chat is known, and nobody asks for updates.
    let before = story.fake.asked().len();
    delivered(&story.rig, deliver(code)).await;
    assert_eq!(story.fake.asked().len(), before + 1);
    assert!(story.fake.asked().iter().all(|it| it.path.starts_with(&format!("/bot{TOKEN}/"))));
}

#[tokio::test]
async fn a_start_is_not_forgotten_when_the_message_fails() {
    let Some(story) = Story::start().await else { return };
    let code = "Xk3_v9-QmT7zLp2R";
    story.link(code).await;
    story.fake.press_start(4_242, code);
    story.fake.fail(Fault::Late(std::time::Duration::ZERO));
    story.fake.fail(Fault::too_many(3));
    let error = story.rig.error(deliver(code)).await;
    assert_eq!((error.kind, error.retry_after_ms), (ErrorKind::RateLimited, Some(3000)));
    // Two deliveries ask for updates at once, or somebody set a webhook.
    for (why, kind) in [
        ("Conflict: terminated by other getUpdates request", ErrorKind::Unavailable),
        ("Conflict: can't use getUpdates while a webhook is active", ErrorKind::InvalidConfig),
    ] {
        let body = json!({ "ok": false, "error_code": 409, "description": why }).to_string();
        story.fake.fail(Fault::Answer { status: 409, retry_after: None, body });
        assert_eq!(story.rig.error(deliver(code)).await.kind, kind);
    }
    let outcome = delivered(&story.rig, deliver(code)).await;
    assert!(matches!(outcome, Outcome::Sent(_)), "{outcome:?}");
}

#[tokio::test]
async fn strangers_keep_nobody_out() {
    let Some(story) = Story::start().await else { return };
    let code = "Xk3_v9-QmT7zLp2R";
    story.link(code).await;
    for stranger in 0..65 {
        story.fake.press_start(stranger, &format!("Zz0_stranger-code-{stranger}"));
    }
    story.fake.press_start(4_242, code);
    // What a call that fails wrote is forgotten, and what strangers wrote is gone all the same.
    assert_eq!(story.rig.error(deliver(code)).await.kind, ErrorKind::NotFound);
    let outcome = story.rig.call(deliver(code)).await;
    assert!(matches!(outcome.result, Ok(Answer::Delivered(Outcome::Sent(_)))), "{outcome:?}");
    let next = outcome.kv.iter().find(|it| it.key == "next-update").unwrap();
    // After a quiet week Telegram begins to count anywhere.
    assert!(
        matches!(next.write, KvWrite::Put { expires_at_ms: Some(_), .. }),
        "it is known for ever: {next:?}"
    );
}

#[tokio::test]
async fn who_blocks_the_bot_is_not_written_to_again() {
    let Some(story) = Story::start().await else { return };
    story.fake.block(CHAT);
    let outcome = delivered(&story.rig, deliver(&story.address())).await;
    let Outcome::Rejected(Permanent::Unreachable(why)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(why, "Forbidden: bot was blocked by the user");
    let outcome = delivered(&story.rig, deliver("31337")).await;
    assert!(matches!(outcome, Outcome::Rejected(Permanent::InvalidAddress(_))), "{outcome:?}");
    // Telegram says how long to wait in its body.
    let body = json!({ "ok": false, "error_code": 429, "parameters": { "retry_after": 11 } });
    story.fake.fail(Fault::Answer { status: 429, retry_after: None, body: body.to_string() });
    let error = story.rig.error(deliver(&story.address())).await;
    assert_eq!((error.kind, error.retry_after_ms), (ErrorKind::RateLimited, Some(11_000)));
}

#[tokio::test]
async fn a_long_message_is_cut_and_keeps_its_link() {
    let Some(story) = Story::start().await else { return };
    let Call::Deliver { to, mut message } = deliver(&story.address()) else { panic!() };
    message.text = "🛰".repeat(5000);
    let outcome = delivered(&story.rig, Call::Deliver { to, message }).await;
    assert!(matches!(outcome, Outcome::Sent(_)), "{outcome:?}");
    let text = story.arrived().pop().unwrap();
    assert!((4095..=4096).contains(&text.encode_utf16().count()));
    assert!(text.ends_with("🛰\n\nhttps://portal.example.org/plan"));
}

#[tokio::test]
async fn the_bot_says_who_it_is() {
    let Some(story) = Story::start().await else { return };
    let Answer::Health(health) = story.rig.answer(Call::Health).await else { panic!() };
    assert!(health.ok && health.detail.contains("fake_bot"), "{health:?}");
    let Answer::Problems(found) =
        story.rig.answer(Call::ValidateConfig(r#"{"bot":"@bot"}"#.to_owned())).await
    else {
        panic!()
    };
    assert_eq!(found[0].path, "/bot");
}

//! Our mail plugin and a mail server: what is said to it, and what its replies come to.

use myrelay_fake_providers::{Smtp, SmtpFault, SmtpMail, SmtpOptions, SmtpSecurity};
use myrelay_plugin_host::{
    Answer, Call, Failure, Grants, HttpTrace, Manifest, Outcome,
    notifier::{Destination, Message, Outcome as Delivered, Permanent, Receipt, Urgency},
    types::{AccountRef, Error, ErrorKind},
};
use serde_json::json;

use crate::stage::{Names, Stage, component};

const MANIFEST: &str = include_str!("../../../../plugins/email/plugin.toml");
const FROM: &str = "Beispiel, VPN über Nacht <hello@example.org>";
const USER: &str = "hello@example.org";
const END: &str = "https://vpn.example.org/unsubscribe/1.quota.Mark";
const PASSWORD: &str = "p4ss word/with+odd=chars";

/// A mail server, and the plugin that hands mails to it.
struct Post {
    stage: Stage,
    server: Smtp,
    config: String,
    port: u16,
}

fn word(security: SmtpSecurity) -> (&'static str, u16) {
    match security {
        SmtpSecurity::Tls => ("tls", 465),
        SmtpSecurity::Starttls => ("starttls", 587),
        SmtpSecurity::Clear => ("clear", 25),
    }
}

fn grants(manifest: &str, port: u16) -> Grants {
    let mut grants = Grants::all_asked(&Manifest::parse(manifest).unwrap());
    for grant in &mut grants.http {
        grant.rule.host = "127.0.0.1".to_owned().try_into().unwrap();
        grant.private = vec![format!("127.0.0.1/32:{port}").parse().unwrap()];
    }
    grants
}

impl Post {
    /// A server of this kind, where clients log in unless all is in clear. None where plugins were
    /// not built.
    async fn open(security: SmtpSecurity) -> Option<Self> {
        Self::between(security, security).await
    }

    /// A server of one kind, which the plugin takes for another.
    async fn between(real: SmtpSecurity, believed: SmtpSecurity) -> Option<Self> {
        let wasm = component("myrelay_plugin_email")?;
        let (word, usual) = word(believed);
        let login = (real != SmtpSecurity::Clear).then(|| (USER.to_owned(), PASSWORD.to_owned()));
        let options = SmtpOptions { port: 0, security: real, login };
        let server = Smtp::start(options).await.unwrap();
        let port = server.port();
        let manifest = MANIFEST.replace(&format!("port = {usual}\n"), &format!("port = {port}\n"));
        let mut stage = Stage::that_trusts(Names::of(&[]), server.root());
        stage.secret("smtp_password", PASSWORD);
        stage.install_wasm(wasm, &manifest, grants(&manifest, port)).await.unwrap();
        let user = if believed == SmtpSecurity::Clear { "" } else { USER };
        let smtp = json!({ "host": "127.0.0.1", "security": word, "port": port, "user": user });
        let config = json!({ "provider": "smtp", "from": FROM, "smtp": smtp }).to_string();
        Some(Self { stage, server, config, port })
    }

    /// The call, and that no password is in what came of it.
    async fn call(&self, call: Call) -> Outcome {
        let outcome = self.stage.call(call, &self.config).await;
        let told = format!("{outcome:?}");
        assert!(!told.contains(PASSWORD), "{told}");
        outcome
    }

    async fn delivered(&self, address: &str) -> Delivered {
        let outcome = self.call(deliver(address)).await;
        match outcome.result {
            Ok(Answer::Delivered(delivered)) => delivered,
            other => panic!("{other:?}, after {:?}", outcome.http),
        }
    }

    async fn error(&self) -> Error {
        match self.call(deliver("ada@example.org")).await.result {
            Err(Failure::Reported(error)) => error,
            other => panic!("{other:?}, after {:?}", self.server.said()),
        }
    }

    fn only(&self) -> SmtpMail {
        let mails = self.server.mails();
        let [mail] = &mails[..] else { panic!("one mail: {mails:?}") };
        mail.clone()
    }
}

fn deliver(address: &str) -> Call {
    Call::Deliver {
        to: Destination {
            account: AccountRef { id: "acct_1".to_owned(), locale: "de".to_owned(), country: None },
            address: address.to_owned(),
            verified: true,
        },
        message: Message {
            template: "subscription.expiring".to_owned(),
            subject: "Ihr \"Tarif\" endet über Nacht".to_owned(),
            text: "Er endet.\n.\nGrüße, 🛰".to_owned(),
            html: Some("<p>Er endet.</p>".to_owned()),
            action_url: None,
            urgency: Urgency::Normal,
            data: json!({ "unsubscribe_url": END }).to_string(),
        },
    }
}

fn header<'a>(mail: &'a SmtpMail, name: &str) -> &'a str {
    let start = format!("{name}: ");
    let found = mail.text.lines().find_map(|it| it.strip_prefix(&start));
    found.unwrap_or_else(|| panic!("no {name} in {}", mail.text))
}

#[tokio::test]
async fn a_mail_arrives_whole_whatever_way_the_connection_is_kept() {
    for security in [SmtpSecurity::Tls, SmtpSecurity::Starttls, SmtpSecurity::Clear] {
        let Some(post) = Post::open(security).await else { return };
        let outcome = post.call(deliver("ada@example.org")).await;
        let Ok(Answer::Delivered(Delivered::Sent(Receipt { provider_id }))) = outcome.result else {
            panic!("{outcome:?}")
        };
        let mail = post.only();
        let id = provider_id.unwrap();
        assert_eq!(header(&mail, "Message-ID"), format!("<{id}>"));
        let clear = security == SmtpSecurity::Clear;
        assert_eq!((mail.encrypted, mail.logged_in), (!clear, !clear));
        assert_eq!((mail.from.as_str(), mail.to.as_str()), (USER, "ada@example.org"));
        assert!(header(&mail, "From").contains("<hello@example.org>"), "{}", mail.text);
        assert!(header(&mail, "To").contains("<ada@example.org>"));
        assert!(header(&mail, "Message-ID").ends_with("@example.org>"));
        assert_eq!(header(&mail, "Auto-Submitted"), "auto-generated");
        assert_eq!(header(&mail, "List-Unsubscribe"), format!("<{END}>"));
        assert_eq!(header(&mail, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
        assert_eq!(header(&mail, "Date"), "Fri, 20 Mar 2026 09:30:00 +0000");
        for part in ["multipart/alternative", "text/plain", "text/html", "<p>Er endet.</p>"] {
            assert!(mail.text.contains(part), "{part}\n{}", mail.text);
        }
        // Nothing but ASCII travels, and no line ends the mail early.
        assert!(mail.text.is_ascii(), "{}", mail.text);
        let [HttpTrace { method, url, result, sent, .. }] = &outcome.http[..] else { panic!() };
        assert_eq!((method.as_str(), result.clone(), *sent), ("MAIL", Ok(250), true));
        assert!(url.ends_with(&format!("://127.0.0.1:{}/", post.port)), "{url}");

        // The next try of the same delivery can be told to be the same mail.
        post.delivered("ada@example.org").await;
        let mails = post.server.mails();
        assert_eq!(header(&mails[0], "Message-ID"), header(&mails[1], "Message-ID"));
        // It may not have read the last one yet.
        let both = async {
            while post.server.said().iter().filter(|it| *it == "QUIT").count() < 2 {
                tokio::task::yield_now().await;
            }
        };
        let patience = std::time::Duration::from_secs(30);
        tokio::time::timeout(patience, both).await.expect("it takes its leave of both");
    }
}

#[tokio::test]
async fn what_a_server_says_decides_what_happens_next() {
    let Some(post) = Post::open(SmtpSecurity::Starttls).await else { return };
    use ErrorKind::{Indeterminate, InvalidConfig, InvalidInput, Unavailable};
    let says = |reply: &str| SmtpFault::Reply(reply.to_owned());
    for (step, fault, kind, code) in [
        ("CONNECT", says("421 4.3.2 busy"), Unavailable, Some("4.3.2")),
        // The portal stands on somebody's list: that is no mail's fault.
        ("CONNECT", says("554 no"), Unavailable, Some("554")),
        ("CONNECT", says(&"220-\r\n".repeat(20_000)), Unavailable, None),
        ("EHLO", says("550 5.7.1 no"), Unavailable, Some("5.7.1")),
        ("CONNECT", says("HTTP/1.1 400 Bad Request"), Unavailable, None),
        ("CONNECT", SmtpFault::Hangup, Unavailable, None),
        ("STARTTLS", says("454 4.7.0 no TLS now"), Unavailable, Some("4.7.0")),
        ("AUTH", says("454 4.7.0 no logins now"), Unavailable, Some("4.7.0")),
        ("AUTH", says("535 5.7.8 no"), InvalidConfig, Some("5.7.8")),
        ("MAIL", says("451 4.3.0 later"), Unavailable, Some("4.3.0")),
        ("MAIL", says("553 5.7.1 not your sender"), InvalidConfig, Some("5.7.1")),
        ("MAIL", says("550 not your sender"), InvalidConfig, Some("550")),
        ("MAIL", says("550 5.4.5 enough for today"), Unavailable, Some("5.4.5")),
        ("MAIL", SmtpFault::Hangup, Unavailable, None),
        ("RCPT", says("450 4.2.0 come again"), Unavailable, Some("4.2.0")),
        ("RCPT", says("552 5.2.2 full"), Unavailable, Some("5.2.2")),
        ("RCPT", says("550 5.7.1 no relaying"), Unavailable, Some("5.7.1")),
        ("RCPT", says("553 5.1.8 whose sender is that"), InvalidConfig, Some("5.1.8")),
        // Relaying, a reader's rule or nobody there: nothing ends an address that may be good.
        ("RCPT", says("550 no"), InvalidInput, Some("550")),
        ("DATA", says("451 4.3.0 no room"), Unavailable, Some("4.3.0")),
        ("END", says("554 5.6.0 no\u{1b}[31m such mails"), InvalidInput, Some("5.6.0")),
        ("END", says("552 5.3.4 too large"), Unavailable, Some("5.3.4")),
        ("END", SmtpFault::Hangup, Indeterminate, None),
    ] {
        post.server.fail(step, fault.clone());
        let error = post.error().await;
        assert_eq!(error.kind, kind, "{step} {fault:?}: {error:?}");
        assert_eq!(error.provider_code.as_deref(), code, "{step} {fault:?}: {error:?}");
        assert!(!error.message.contains('\u{1b}'), "{error:?}");
    }
    // Only what was handed over whole is there, and the next one goes through.
    assert_eq!(post.server.mails().len(), 1);
    assert!(matches!(post.delivered("ada@example.org").await, Delivered::Sent(_)));
    // What was taken was taken, however the server says goodbye.
    post.server.fail("QUIT", SmtpFault::Silence);
    assert!(matches!(post.delivered("ada@example.org").await, Delivered::Sent(_)));
}

#[tokio::test]
async fn who_is_not_there_is_not_written_to_again() {
    let Some(post) = Post::open(SmtpSecurity::Tls).await else { return };
    let gone = post.delivered("nobody@example.org").await;
    assert!(matches!(gone, Delivered::Rejected(Permanent::Unreachable(_))), "{gone:?}");
    post.server.fail("RCPT", SmtpFault::Reply("553 5.1.3 that is no address".to_owned()));
    let wrong = post.delivered("ada@example.org").await;
    assert!(matches!(wrong, Delivered::Rejected(Permanent::InvalidAddress(_))), "{wrong:?}");
    for address in [
        "günther@example.org",
        "a@b.example, c@d.example",
        "Ada <ada@example.org>",
        "a\r\nDATA@b.example",
    ] {
        let wrong = post.delivered(address).await;
        assert!(matches!(wrong, Delivered::Rejected(Permanent::InvalidAddress(_))), "{address:?}");
    }
    assert!(post.server.mails().is_empty());
}

#[tokio::test]
async fn a_wrong_password_is_the_operators_affair_and_is_never_told() {
    let Some(mut post) = Post::open(SmtpSecurity::Starttls).await else { return };
    // The server quotes what it was told.
    let wrong = "somebody-elses-password";
    post.stage.secret("smtp_password", wrong);
    let outcome = post.call(deliver("ada@example.org")).await;
    assert!(!format!("{outcome:?}").contains(wrong), "{outcome:?}");
    assert_eq!(post.error().await.kind, ErrorKind::InvalidConfig);
    post.stage.secrets.clear();
    let error = post.error().await;
    assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error:?}");
    assert!(error.message.contains("smtp_password"), "{error:?}");
}

#[tokio::test]
async fn nothing_is_told_to_a_server_that_does_not_prove_who_it_is() {
    // It has no STARTTLS, or somebody took it out on the way.
    let pair = (SmtpSecurity::Clear, SmtpSecurity::Starttls);
    let Some(post) = Post::between(pair.0, pair.1).await else { return };
    let error = post.error().await;
    assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error:?}");
    assert!(error.message.contains("no STARTTLS"), "{error:?}");
    let said = post.server.said();
    assert!(said.iter().all(|it| it.starts_with("EHLO")) && said.len() == 1, "{said:?}");

    // It has another's certificate.
    let Some(mut post) = Post::open(SmtpSecurity::Tls).await else { return };
    let other = Smtp::start(SmtpOptions { port: 0, security: SmtpSecurity::Tls, login: None });
    let stage = Stage::that_trusts(Names::of(&[]), other.await.unwrap().root());
    let manifest = MANIFEST.replace("port = 465\n", &format!("port = {}\n", post.port));
    let wasm = component("myrelay_plugin_email").unwrap();
    stage.install_wasm(wasm, &manifest, grants(&manifest, post.port)).await.unwrap();
    post.stage = stage;
    post.stage.secret("smtp_password", PASSWORD);
    let error = post.error().await;
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error:?}");
    assert!(error.message.contains("certificate"), "{error:?}");
    assert!(post.server.said().is_empty());
}

#[tokio::test]
async fn only_servers_that_were_granted_get_mails() {
    let Some(mut post) = Post::open(SmtpSecurity::Clear).await else { return };
    let settings = |smtp| json!({ "provider": "smtp", "from": FROM, "smtp": smtp }).to_string();
    for (smtp, rule) in [
        (json!({ "host": "127.0.0.1", "security": "clear" }), "port = 25"),
        (json!({ "host": "127.0.0.1" }), "private address 127.0.0.1/32:587"),
        (json!({ "host": "127.0.0.1", "port": 26 }), "security = \"starttls\""),
        (json!({ "host": "mail.example.org", "security": "tls" }), "mail.example.org"),
        (json!({ "host": "127.1", "security": "clear", "port": post.port }), "by its address"),
    ] {
        post.config = settings(smtp);
        let outcome = post.call(deliver("ada@example.org")).await;
        let Err(Failure::Reported(error)) = &outcome.result else { panic!("{outcome:?}") };
        assert!(error.message.contains(rule), "{rule}: {error:?}");
        assert!(!outcome.http[0].sent);
    }
    // Nobody logs in in clear, whatever the settings say.
    let port = post.port;
    post.config =
        settings(json!({ "host": "127.0.0.1", "security": "clear", "port": port, "user": USER }));
    assert!(post.error().await.message.contains("not sent in clear"));
    let asked = post.call(Call::ValidateConfig(post.config.clone())).await;
    let Ok(Answer::Problems(found)) = asked.result else { panic!("{asked:?}") };
    assert_eq!(found[0].path, "/smtp/user");
    assert!(post.server.said().is_empty());
}

#[tokio::test]
async fn a_recorded_mail_is_answered_without_a_server() {
    let Some(post) = Post::open(SmtpSecurity::Tls).await else { return };
    post.server.fail("RCPT", SmtpFault::Reply("550 5.1.1 gone".to_owned()));
    let first = post.call(deliver("ada@example.org")).await;
    let request = post.stage.request(deliver("ada@example.org"), &post.config);
    let Post { stage, server, .. } = post;
    let said = server.said().len();
    let again = stage.host.replay(request, first.http.clone(), stage.store.clone()).await;
    assert_eq!(again.result, first.result);
    assert_eq!((server.said().len(), again.http[0].sent), (said, false));
}

//! Mail by the HTTP API of a mail service, Postmark or Resend, or by a mail server (SMTP).

mod services;
mod smtp;

mod world {
    //! The bindings: what plugins of this kind have, and mail servers.
    myrelay_plugin_sdk::world!(
        "myrelay:email/plugin",
        "../wit/v1",
        "package myrelay:email;
        world plugin {
            include myrelay:plugin/notification-plugin@1.0.0;
            import myrelay:plugin/smtp@1.0.0;
        }"
    );
}

use myrelay_plugin_sdk::{
    Problems, error, placeholder, problems, settings, tell_panics,
    types::{AccountRef, Error, ErrorKind},
};
use serde::Deserialize;

use crate::world::exports::myrelay::plugin::notifier::{
    Destination, Guest as Notifier, Message, Outcome, Permanent, Receipt, Verification,
};

/// Which service carries the mails.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Provider {
    Postmark,
    Resend,
    Smtp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    provider: Provider,
    from: String,
    /// Empty where it is the sender's.
    #[serde(default)]
    reply_to: String,
    #[serde(default = "outbound")]
    stream: String,
    /// Empty for the service's own.
    #[serde(default)]
    api_url: String,
    /// Only where mails go by SMTP.
    smtp: Option<smtp::Settings>,
}

fn outbound() -> String {
    "outbound".to_owned()
}

struct Plugin;

myrelay_plugin_sdk::lifecycle!(world, Plugin, "dev.myrelay.email", "0.1.0", wrong, ready);

fn wrong(candidate: &str) -> Problems {
    problems(candidate, |it: &Settings| {
        let mut problems = Vec::new();
        let advice = "an address, or a name and an address: Example VPN <hello@example.org>";
        if !is_carried(it.provider, address_in(&it.from)) {
            problems.push(("/from", advice.to_owned()));
        }
        if !it.reply_to.is_empty() && !is_carried(it.provider, address_in(&it.reply_to)) {
            problems.push(("/reply_to", advice.to_owned()));
        }
        if it.provider == Provider::Smtp {
            problems.extend(it.smtp.clone().unwrap_or_default().wrong());
        }
        problems
    })
}

/// Nobody is asked: to send is all that a key or a password is good for.
fn ready() -> Result<String, Error> {
    let settings: Settings = settings()?;
    match &settings.smtp {
        Some(server) if settings.provider == Provider::Smtp => server.ready()?,
        _ => placeholder("api_key").map(|_| ())?,
    }
    Ok(format!("mails go out as {}", settings.from))
}

/// `Example <hello@example.org>` → `hello@example.org`.
fn address_in(text: &str) -> &str {
    let inner = text.rsplit_once('<').and_then(|(_, it)| it.strip_suffix('>'));
    inner.unwrap_or(text)
}

/// Whether a service would take it for one address. What it is worth, only a mail can tell.
fn is_address(text: &str) -> bool {
    let Some((name, host)) = text.rsplit_once('@') else { return false };
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>,;:\"()[]\\".contains(c);
    !name.is_empty()
        && text.len() <= 254
        && host.split('.').all(|it| !it.is_empty())
        && host.contains('.')
        && text.chars().all(plain)
        && !name.contains('@')
}

/// Whether mails to it, or from it, can be written. A mail server gets names in ASCII only.
fn is_carried(provider: Provider, address: &str) -> bool {
    let name = address.rsplit_once('@').map_or("", |it| it.0);
    is_address(address) && (provider != Provider::Smtp || name.is_ascii())
}

impl Notifier for Plugin {
    fn begin_verification(_account: AccountRef, address: String) -> Result<Verification, Error> {
        tell_panics();
        let settings: Settings = settings()?;
        if !is_carried(settings.provider, &address) {
            return Err(error(ErrorKind::InvalidInput, "a mail address: ada@example.org"));
        }
        let text = format!("Follow the link in the mail to {address}.");
        Ok(Verification { text, link: None })
    }

    fn deliver(to: Destination, message: Message) -> Result<Outcome, Error> {
        tell_panics();
        let settings: Settings = settings()?;
        if !is_carried(settings.provider, &to.address) {
            let why = "no mail address".to_owned();
            return Ok(Outcome::Rejected(Permanent::InvalidAddress(why)));
        }
        let sent = match settings.provider {
            Provider::Postmark => services::postmark(&settings, &to.address, &message)?,
            Provider::Resend => services::resend(&settings, &to.address, &message)?,
            Provider::Smtp => smtp::send(&settings, &to.address, &message)?,
        };
        Ok(match sent {
            Ok(id) => Outcome::Sent(Receipt { provider_id: id }),
            Err(permanent) => Outcome::Rejected(permanent),
        })
    }
}

world::export!(Plugin with_types_in world);

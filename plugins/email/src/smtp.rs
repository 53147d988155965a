//! A mail server: what it is told, and what its replies mean.

use myrelay_plugin_sdk::{
    error, line, placeholder,
    types::{Error, ErrorKind},
};
use serde::Deserialize;

use crate::{
    services::Sent,
    world::{
        exports::myrelay::plugin::notifier::{Message, Permanent},
        myrelay::plugin::smtp::{self, Login, Mail, Reply, Security, Server, User},
    },
};

/// How long the server may take, so that the plugin can say that it took longer.
const PATIENCE_MS: u32 = 13_000;

/// The secret that is the login's password.
const PASSWORD: &str = "smtp_password";

/// How the connection is kept from others' eyes.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Kept {
    #[default]
    Starttls,
    Tls,
    Clear,
}

/// The server.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Empty where none is named.
    #[serde(default)]
    host: String,
    #[serde(default)]
    security: Kept,
    /// The usual one where there is none.
    port: Option<u16>,
    /// Empty where it takes mails without a login.
    #[serde(default)]
    user: String,
}

impl Settings {
    /// What the host would refuse, by the field of the settings.
    pub(crate) fn wrong(&self) -> Option<(&'static str, String)> {
        let server = self.server();
        if self.host.is_empty() {
            return Some(("/smtp/host", "the mail server, since mails go by SMTP".to_owned()));
        }
        if self.security == Kept::Clear && !self.user.is_empty() {
            return Some(("/smtp/user", "nobody logs in in clear: choose TLS".to_owned()));
        }
        let asked = match self.security {
            Kept::Tls => &[465][..],
            Kept::Starttls => &[587, 2525, 25],
            Kept::Clear => &[25],
        };
        let told = "465 with tls; 587, 2525 or 25 with starttls; 25 in clear";
        (!asked.contains(&server.port)).then(|| ("/smtp/port", told.to_owned()))
    }

    /// Whether there is all that sending needs.
    pub(crate) fn ready(&self) -> Result<(), Error> {
        if self.user.is_empty() { Ok(()) } else { placeholder(PASSWORD).map(|_| ()) }
    }

    fn server(&self) -> Server {
        let (security, usual) = match self.security {
            Kept::Tls => (Security::Tls, 465),
            Kept::Starttls => (Security::Starttls, 587),
            Kept::Clear => (Security::Clear, 25),
        };
        let host = self.host.to_ascii_lowercase();
        Server { host, port: self.port.unwrap_or(usual), security }
    }
}

pub(crate) fn send(settings: &crate::Settings, to: &str, message: &Message) -> Result<Sent, Error> {
    let Some(server) = &settings.smtp else {
        return Err(error(ErrorKind::InvalidConfig, "the settings name no mail server (smtp)"));
    };
    let user = Some(&server.user).filter(|it| !it.is_empty());
    let login =
        user.map(|it| Login { user: User::Name(it.clone()), password: PASSWORD.to_owned() });
    let mail = Mail {
        sender: settings.from.clone(),
        reply_to: Some(settings.reply_to.clone()).filter(|it| !it.is_empty()),
        bounces_to: None,
        to: to.to_owned(),
        subject: message.subject.clone(),
        text: message.text.clone(),
        html: message.html.clone(),
        unsubscribe: crate::services::unsubscribe(message),
    };
    match smtp::send(&server.server(), login.as_ref(), &mail, Some(PATIENCE_MS)) {
        Ok(receipt) => Ok(Ok(Some(receipt.message_id))),
        Err(smtp::Error::InvalidRecipient(why)) => Ok(Err(Permanent::InvalidAddress(line(&why)))),
        Err(smtp::Error::RecipientRefused(reply)) => unknown(&reply),
        Err(why) => Err(unsent(why)),
    }
}

/// What a server does not want: for now, or for a reason of this kind.
fn refused(reply: &Reply, kind: ErrorKind) -> Error {
    let kind = if reply.code < 500 { ErrorKind::Unavailable } else { kind };
    let code = reply.enhanced.clone().unwrap_or_else(|| reply.code.to_string());
    let message = format!("the mail server says {}: {}", reply.code, reply.text);
    Error { provider_code: Some(code), ..error(kind, message) }
}

/// Whether an enhanced code (RFC 3463) is about the sender and not about this one mail.
fn is_about_sender(reply: &Reply) -> bool {
    matches!(reply.enhanced.as_deref(), Some("5.1.7" | "5.1.8"))
}

/// Whether an enhanced code is about the server and its limits: it will be another day.
fn is_about_server(reply: &Reply) -> bool {
    let code = reply.enhanced.as_deref().unwrap_or_default();
    code == "5.2.2" || code.starts_with("5.3.") || code.starts_with("5.4.")
}

/// That nobody is there takes a code that says so: servers refuse a client, a sender and a recipient
/// here, and many with the same three digits.
fn unknown(reply: &Reply) -> Result<Sent, Error> {
    let why = line(&reply.text);
    match reply.enhanced.as_deref() {
        _ if reply.code < 500 => Err(refused(reply, ErrorKind::Unavailable)),
        Some("5.1.3") => Ok(Err(Permanent::InvalidAddress(why))),
        Some("5.1.1" | "5.1.2" | "5.1.6" | "5.1.10" | "5.2.1") => {
            Ok(Err(Permanent::Unreachable(why)))
        }
        _ if is_about_sender(reply) => Err(refused(reply, ErrorKind::InvalidConfig)),
        // Relaying, reputation, or one reader's rule: the first two are the operator's to mend.
        Some(code) if is_about_server(reply) || code.starts_with("5.7.") => {
            Err(refused(reply, ErrorKind::Unavailable))
        }
        _ => Err(refused(reply, ErrorKind::InvalidInput)),
    }
}

/// What it means that a sender is refused: that it is not ours, or not today.
fn not_ours(reply: &Reply) -> Error {
    let code = reply.enhanced.as_deref();
    let plain = code.is_none() && matches!(reply.code, 530 | 535 | 550 | 553);
    let is_policy = code.is_some_and(|it| it.starts_with("5.7."));
    let ours = is_about_sender(reply) || is_policy || plain;
    refused(reply, if ours { ErrorKind::InvalidConfig } else { ErrorKind::Unavailable })
}

/// Why a mail did not go, or may not have gone.
fn unsent(why: smtp::Error) -> Error {
    use smtp::Error as Why;
    let (kind, told) = match why {
        Why::LoginRefused(reply) => return refused(&reply, ErrorKind::InvalidConfig),
        Why::SenderRefused(reply) => return not_ours(&reply),
        // It stays so until somebody has this client taken off a list; mails wait meanwhile.
        Why::ServerRefused(reply) => return refused(&reply, ErrorKind::Unavailable),
        Why::MailRefused(reply) if is_about_server(&reply) => {
            return refused(&reply, ErrorKind::Unavailable);
        }
        Why::RecipientRefused(reply) | Why::MailRefused(reply) => {
            return refused(&reply, ErrorKind::InvalidInput);
        }
        Why::Denied(it)
        | Why::BlockedAddress(it)
        | Why::Unsupported(it)
        | Why::InvalidSender(it) => (ErrorKind::InvalidConfig, it),
        Why::InvalidMail(it) | Why::InvalidRecipient(it) => (ErrorKind::InvalidInput, it),
        Why::BudgetExceeded(it) => (ErrorKind::Internal, it),
        Why::Dns(it) | Why::Connect(it) | Why::Tls(it) | Why::Protocol(it) => {
            (ErrorKind::Unavailable, it)
        }
        // A second mail would be one too many.
        Why::Timeout => (ErrorKind::Indeterminate, "no answer in time".to_owned()),
        Why::Interrupted(it) => (ErrorKind::Indeterminate, it),
    };
    error(kind, format!("the mail server: {told}"))
}

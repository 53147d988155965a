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
        myrelay::plugin::smtp::{self, Login, Mail, Reply, Security, Server},
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
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
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
    /// Whether the host would refuse what this asks for.
    pub(crate) fn would_tell_a_password(&self) -> bool {
        self.security == Kept::Clear && !self.user.is_empty()
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
    let login = user.map(|it| Login { user: it.clone(), secret: PASSWORD.to_owned() });
    let mail = Mail {
        sender: settings.from.clone(),
        reply_to: Some(settings.reply_to.clone()).filter(|it| !it.is_empty()),
        to: to.to_owned(),
        subject: message.subject.clone(),
        text: message.text.clone(),
        html: message.html.clone(),
        unsubscribe: crate::services::unsubscribe(message),
    };
    match smtp::send(&server.server(), login.as_ref(), &mail, Some(PATIENCE_MS)) {
        Ok(reply) => Ok(Ok(Some(line(&reply.text)))),
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

/// Nobody is there (RFC 3463 section 3.2), unless it is about something else.
fn unknown(reply: &Reply) -> Result<Sent, Error> {
    let why = line(&reply.text);
    let enhanced = reply.enhanced.as_deref();
    match (reply.code, enhanced) {
        (..=499, _) => Err(refused(reply, ErrorKind::Unavailable)),
        (_, Some("5.1.3")) | (501 | 553, None) => Ok(Err(Permanent::InvalidAddress(why))),
        (_, Some("5.1.1" | "5.1.2" | "5.1.6" | "5.1.10" | "5.2.1")) | (550 | 551, None) => {
            Ok(Err(Permanent::Unreachable(why)))
        }
        // A mailbox that is full is empty again some day.
        (_, Some("5.2.2")) => Err(refused(reply, ErrorKind::Unavailable)),
        _ => Err(refused(reply, ErrorKind::InvalidInput)),
    }
}

/// Why a mail did not go, or may not have gone.
fn unsent(why: smtp::Error) -> Error {
    use smtp::Error as Why;
    let (kind, told) = match why {
        Why::LoginRefused(reply) | Why::SenderRefused(reply) => {
            return refused(&reply, ErrorKind::InvalidConfig);
        }
        Why::RecipientRefused(reply) | Why::MailRefused(reply) => {
            return refused(&reply, ErrorKind::InvalidInput);
        }
        Why::Denied(it) | Why::BlockedAddress(it) => (ErrorKind::InvalidConfig, it),
        Why::Invalid(it) => (ErrorKind::InvalidInput, it),
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

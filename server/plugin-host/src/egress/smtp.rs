//! Mails by SMTP (RFC 5321): one connection for each, to an address that was checked for it.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use mail_send::{Credentials, SmtpClient};
use smtp_proto::{AUTH_LOGIN, AUTH_PLAIN, EXT_START_TLS, EhloResponse, Response};
use tokio::time::timeout;

use crate::{
    bindings::{
        http,
        smtp::{Error, Reply},
    },
    egress::{
        client::{Client, Stream, soon},
        policy::Target,
        rules::Scheme,
    },
    secret::PluginSecret,
    text,
};

/// How much of what a server says is kept.
const REPLY_BYTES: usize = 300;

/// A mail that may be sent.
pub(super) struct Letter {
    pub(super) target: Target,
    /// A user's name and password.
    pub(super) login: Option<(String, PluginSecret)>,
    /// The sender's address alone.
    pub(super) sender: String,
    pub(super) recipient: String,
    /// The whole of it, as RFC 5322 wants it.
    pub(super) message: Vec<u8>,
    pub(super) timeout: Duration,
}

/// What a server says about a step; otherwise why there is no answer.
type Said<T> = Result<T, Wrong>;

/// Why a step was not done.
enum Wrong {
    /// The server does not want it.
    Refused(Reply),
    /// The connection is of no use any more.
    Ended(String),
    /// What came back is not SMTP.
    Strange(String),
}

impl From<mail_send::Error> for Wrong {
    fn from(error: mail_send::Error) -> Self {
        use mail_send::Error as It;
        match error {
            It::UnexpectedReply(said) | It::AuthenticationFailed(said) => {
                Self::Refused(reply(&said))
            }
            It::Io(error) => Self::Ended(error.to_string()),
            It::Timeout => Self::Ended("no answer in time".to_owned()),
            other => Self::Strange(other.to_string()),
        }
    }
}

impl Wrong {
    /// The error where nothing was sent.
    fn before(self, refused: impl FnOnce(Reply) -> Error) -> Error {
        match self {
            Self::Refused(reply) => refused(reply),
            Self::Ended(why) => Error::Connect(why),
            Self::Strange(why) => Error::Protocol(why),
        }
    }
}

impl From<http::Error> for Error {
    /// Why there is no connection; it never comes to an answer.
    fn from(error: http::Error) -> Self {
        use http::Error as It;
        match error {
            It::Denied(why) => Self::Denied(why),
            It::BlockedAddress(why) => Self::BlockedAddress(why),
            It::Invalid(why) => Self::Invalid(why),
            It::BudgetExceeded(what) => Self::BudgetExceeded(what),
            It::Dns(why) => Self::Dns(why),
            It::Tls(why) => Self::Tls(why),
            It::Connect(why) | It::Interrupted(why) => Self::Connect(why),
            It::Protocol(why) => Self::Protocol(why),
            It::Timeout => Self::Connect("no connection in time".to_owned()),
            It::TooLarge(most) => Self::Protocol(format!("more than {most} bytes")),
        }
    }
}

/// Says it in few words, for logs.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, enhanced, text } = self;
        match enhanced {
            Some(enhanced) => write!(f, "{code} {enhanced} {text}"),
            None => write!(f, "{code} {text}"),
        }
    }
}

fn reply(said: &Response<String>) -> Reply {
    let [a, b, c] = said.esc;
    Reply {
        code: said.code,
        enhanced: (a != 0).then(|| format!("{a}.{b}.{c}")),
        text: text::line(&said.message.replace(['\r', '\n'], " "), REPLY_BYTES),
    }
}

/// How we introduce ourselves: an address, for a machine need not have a name (section 4.1.3).
fn hello(address: Option<SocketAddr>) -> String {
    match address.map(|it| it.ip()) {
        Some(IpAddr::V4(it)) => format!("[{it}]"),
        Some(IpAddr::V6(it)) => format!("[IPv6:{it}]"),
        None => "[127.0.0.1]".to_owned(),
    }
}

impl Client {
    /// Hands a mail to a server; `sent` tells afterwards whether it was on its way.
    pub(super) async fn mail(&self, letter: &Letter, sent: &AtomicBool) -> Result<Reply, Error> {
        let limit = letter.timeout;
        match timeout(limit, self.mail_now(letter, sent)).await {
            Ok(result) => result,
            Err(_) if sent.load(Relaxed) => Err(Error::Timeout),
            Err(_) => Err(Error::Connect(format!("not ready within {} ms", limit.as_millis()))),
        }
    }

    async fn mail_now(&self, letter: &Letter, sent: &AtomicBool) -> Result<Reply, Error> {
        let Letter { target, timeout, .. } = letter;
        let _permit = self.turn().await?;
        let addresses = self.addresses(target).await?;
        let connected = async {
            let stream = self.connected(target, &addresses).await?;
            let hello = hello(stream.local_addr().ok());
            Ok((self.secured(target, stream).await?, hello))
        };
        let (stream, hello) = soon(connected).await?;
        let mut client = SmtpClient { stream, timeout: *timeout };
        let known = begin(&mut client, &hello).await?;
        if target.scheme != Scheme::Starttls {
            return hand(client, known, letter, sent).await;
        }
        if !known.has_capability(EXT_START_TLS) {
            return Err(Error::Tls(format!("{} offers no STARTTLS", target.authority())));
        }
        let said = step(&mut client, "STARTTLS").await;
        said.map_err(|it| it.before(|reply| Error::Tls(format!("STARTTLS: {reply}"))))?;
        // What the server said in clear is forgotten, and asked for once more.
        let stream = self.encrypted_for_mails(target, client.stream).await?;
        let mut client = SmtpClient { stream, timeout: *timeout };
        let known = introduce(&mut client, &hello).await?;
        hand(client, known, letter, sent).await
    }
}

/// Waits for the greeting, and asks what the server can do.
async fn begin<S: Stream>(
    client: &mut SmtpClient<S>,
    hello: &str,
) -> Result<EhloResponse<String>, Error> {
    let greeting = client.read().await.map_err(Wrong::from).and_then(positive);
    greeting.map_err(|it| it.before(Error::MailRefused))?;
    introduce(client, hello).await
}

async fn introduce<S: Stream>(
    client: &mut SmtpClient<S>,
    hello: &str,
) -> Result<EhloResponse<String>, Error> {
    client.ehlo(hello).await.map_err(|error| Wrong::from(error).before(Error::MailRefused))
}

fn positive(said: Response<String>) -> Said<Reply> {
    let reply = reply(&said);
    if (200..300).contains(&reply.code) { Ok(reply) } else { Err(Wrong::Refused(reply)) }
}

async fn step<S: Stream>(client: &mut SmtpClient<S>, command: &str) -> Said<Reply> {
    positive(client.cmd(format!("{command}\r\n")).await?)
}

/// Logs in where there is a login, and hands the mail over.
async fn hand<S: Stream>(
    mut client: SmtpClient<S>,
    mut known: EhloResponse<String>,
    letter: &Letter,
    sent: &AtomicBool,
) -> Result<Reply, Error> {
    if let Some((user, password)) = &letter.login {
        // One way and no second try: servers lock out who fails too often.
        let offered = known.auth_mechanisms;
        known.auth_mechanisms = if offered & AUTH_PLAIN == 0 { AUTH_LOGIN } else { AUTH_PLAIN };
        known.auth_mechanisms &= offered;
        let login = Credentials::new(user.as_str(), password.expose());
        let done = client.authenticate(&login, &known).await.map(|_| ());
        done.map_err(|error| Wrong::from(error).before(Error::LoginRefused))?;
    }
    let from = step(&mut client, &format!("MAIL FROM:<{}>", letter.sender)).await;
    from.map_err(|it| it.before(Error::SenderRefused))?;
    let to = step(&mut client, &format!("RCPT TO:<{}>", letter.recipient)).await;
    to.map_err(|it| it.before(Error::RecipientRefused))?;
    match client.cmd("DATA\r\n").await.map_err(Wrong::from) {
        Ok(said) if said.code == 354 => {}
        Ok(said) => return Err(Error::MailRefused(reply(&said))),
        Err(wrong) => return Err(wrong.before(Error::MailRefused)),
    }
    sent.store(true, Relaxed);
    let written = client.write_message(&letter.message).await;
    written.map_err(|error| Error::Interrupted(error.to_string()))?;
    let said = client.read().await.map_err(Wrong::from).and_then(positive);
    let reply = said.map_err(|wrong| match wrong {
        Wrong::Refused(reply) => Error::MailRefused(reply),
        Wrong::Ended(why) | Wrong::Strange(why) => Error::Interrupted(why),
    })?;
    // It has the mail: how it takes leave changes nothing.
    let _leave = client.cmd("QUIT\r\n").await;
    Ok(reply)
}

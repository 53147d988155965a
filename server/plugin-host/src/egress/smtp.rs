//! Mails by SMTP (RFC 5321): one connection for each, to an address that was checked for it.

use std::{
    fmt, io,
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    task::{Context, Poll, ready},
    time::Duration,
};

use mail_send::{Credentials, SmtpClient};
use smtp_proto::{AUTH_LOGIN, AUTH_PLAIN, EXT_START_TLS, EhloResponse, Response};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::timeout,
};

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

/// How much of what a server says is kept until secrets are out of it.
const REPLY_BYTES: usize = 4096;

/// How much a server may say altogether: replies are a line or a few.
const TALK_BYTES: usize = 64 * 1024;

/// How long taking leave of a server may take: it has the mail by then.
const LEAVE: Duration = Duration::from_millis(500);

/// A mail that may be sent.
pub(super) struct Letter {
    pub(super) target: Target,
    /// A user's name and password.
    pub(super) login: Option<(String, PluginSecret)>,
    /// Where bounces go: an address alone.
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
    /// It cannot do what is needed.
    Unable(&'static str),
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
            It::UnsupportedAuthMechanism => Self::Unable("it offers no login by PLAIN or LOGIN"),
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
            Self::Unable(why) => Error::Unsupported(why.to_owned()),
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
            It::Invalid(why) => Self::InvalidMail(why),
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

/// A connection on which the other side says so much at most, and whose end is an error.
struct Bounded<S> {
    stream: S,
    left: usize,
}

impl<S: Stream> Bounded<S> {
    fn new(stream: S) -> Self {
        Self { stream, left: TALK_BYTES }
    }
}

impl<S: Stream> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let read = buf.filled().len() - before;
        if read == 0 {
            return Poll::Ready(Err(io::Error::other("the server hung up")));
        }
        let Some(left) = self.left.checked_sub(read) else {
            let why = format!("the server says more than {TALK_BYTES} bytes");
            return Poll::Ready(Err(io::Error::other(why)));
        };
        self.left = left;
        Poll::Ready(Ok(()))
    }
}

impl<S: Stream> AsyncWrite for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A connection to a server that has introduced itself.
type Talk = SmtpClient<Bounded<Box<dyn Stream>>>;

fn talk(stream: Box<dyn Stream>, timeout: Duration) -> Talk {
    SmtpClient { stream: Bounded::new(stream), timeout }
}

impl Client {
    /// Hands a mail to a server; `sent` tells afterwards whether it was on its way.
    pub(super) async fn mail(&self, letter: &Letter, sent: &AtomicBool) -> Result<Reply, Error> {
        let limit = letter.timeout;
        let (reply, mut talk) = match timeout(limit, self.mail_now(letter, sent)).await {
            Ok(result) => result?,
            Err(_) if sent.load(Relaxed) => return Err(Error::Timeout),
            Err(_) => {
                let why = format!("not ready within {} ms", limit.as_millis());
                return Err(Error::Connect(why));
            }
        };
        // It has the mail: how it takes leave, or whether, changes nothing.
        let _leave = timeout(LEAVE, talk.cmd("QUIT\r\n")).await;
        Ok(reply)
    }

    async fn mail_now(&self, letter: &Letter, sent: &AtomicBool) -> Result<(Reply, Talk), Error> {
        let Letter { target, timeout, .. } = letter;
        // Ours may have no name, and an address of a network inside tells nobody anything.
        let (_, hello) = letter.sender.rsplit_once('@').unwrap_or_default();
        let _permit = self.turn().await?;
        let addresses = self.addresses(target).await?;
        let connected = async {
            let stream = self.connected(target, &addresses).await?;
            self.secured(target, stream).await
        };
        let mut client = talk(soon(connected).await?, *timeout);
        let known = begin(&mut client, hello).await?;
        if target.scheme != Scheme::Starttls {
            return hand(client, known, letter, sent).await;
        }
        if !known.has_capability(EXT_START_TLS) {
            let why = format!("{} offers no STARTTLS", target.authority());
            return Err(Error::Unsupported(why));
        }
        step(&mut client, "STARTTLS").await.map_err(|it| it.before(Error::ServerRefused))?;
        // What the server said in clear is forgotten, and asked for once more.
        let stream = self.encrypted_for_mails(target, client.stream.stream).await?;
        let mut client = talk(Box::new(stream), *timeout);
        let known = introduce(&mut client, hello).await?;
        hand(client, known, letter, sent).await
    }
}

/// Waits for the greeting, and asks what the server can do.
async fn begin(client: &mut Talk, hello: &str) -> Result<EhloResponse<String>, Error> {
    let greeting = client.read().await.map_err(Wrong::from).and_then(positive);
    greeting.map_err(|it| it.before(Error::ServerRefused))?;
    introduce(client, hello).await
}

async fn introduce(client: &mut Talk, hello: &str) -> Result<EhloResponse<String>, Error> {
    client.ehlo(hello).await.map_err(|error| Wrong::from(error).before(Error::ServerRefused))
}

fn positive(said: Response<String>) -> Said<Reply> {
    let reply = reply(&said);
    if (200..300).contains(&reply.code) { Ok(reply) } else { Err(Wrong::Refused(reply)) }
}

async fn step(client: &mut Talk, command: &str) -> Said<Reply> {
    positive(client.cmd(format!("{command}\r\n")).await?)
}

/// Logs in where there is a login, and hands the mail over.
async fn hand(
    mut client: Talk,
    mut known: EhloResponse<String>,
    letter: &Letter,
    sent: &AtomicBool,
) -> Result<(Reply, Talk), Error> {
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
        Wrong::Unable(why) => Error::Interrupted(why.to_owned()),
    })?;
    Ok((reply, client))
}

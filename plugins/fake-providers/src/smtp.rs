//! A server that takes mails by SMTP (RFC 5321), in clear or with TLS by a certificate of its own.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Result;
use rustls_pki_types::CertificateDer;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::serve::{bind, certificate};

/// The longest mail it takes, in bytes.
const MAIL_BYTES: usize = 1 << 20;

/// When a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// Never.
    Clear,
    /// From the first byte.
    Tls,
    /// After `STARTTLS`.
    Starttls,
}

/// How the server is.
pub struct SmtpOptions {
    /// Its port of loopback; any free one where it is 0.
    pub port: u16,
    pub security: SmtpSecurity,
    /// Who may send, and by which password; anybody where there is none.
    pub login: Option<(String, String)>,
}

/// A mail that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpMail {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipient.
    pub to: String,
    /// Whether it came through TLS.
    pub encrypted: bool,
    /// Whether who sent it had logged in.
    pub logged_in: bool,
    /// The mail as it came, with `\n` between its lines.
    pub text: String,
}

/// What goes wrong at a step.
#[derive(Clone, Debug)]
pub enum SmtpFault {
    /// It says this instead: `450 4.2.0 later`.
    Reply(String),
    /// It hangs up instead of answering. A mail that came whole is taken.
    Hangup,
    /// It never answers. A mail that came whole is taken.
    Silence,
}

/// A server that runs until it is dropped.
pub struct Smtp {
    address: SocketAddr,
    shared: Arc<Shared>,
    root: CertificateDer<'static>,
    /// Ends with this.
    _tasks: JoinSet<()>,
}

struct Shared {
    options: SmtpOptions,
    tls: TlsAcceptor,
    mails: Mutex<Vec<SmtpMail>>,
    /// Every command, without what came after `AUTH`.
    said: Mutex<Vec<String>>,
    faults: Mutex<VecDeque<(String, SmtpFault)>>,
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Smtp {
    /// Starts on loopback.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(options: SmtpOptions) -> Result<Self> {
        let listener = bind(options.port).await?;
        let address = listener.local_addr()?;
        let (tls, root) = certificate()?;
        let shared = Arc::new(Shared {
            options,
            tls,
            mails: Mutex::default(),
            said: Mutex::default(),
            faults: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, shared.clone()));
        Ok(Self { address, shared, root, _tasks: tasks })
    }

    /// Its port on loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Who vouches for it: its certificate itself.
    #[must_use]
    pub fn root(&self) -> CertificateDer<'static> {
        self.root.clone()
    }

    /// The mails that it took.
    #[must_use]
    pub fn mails(&self) -> Vec<SmtpMail> {
        held(&self.shared.mails).clone()
    }

    /// What it was told, a command each, as it came.
    #[must_use]
    pub fn said(&self) -> Vec<String> {
        held(&self.shared.said).clone()
    }

    /// What goes wrong the next time it comes to a step, after what was said before: `CONNECT`, a
    /// command's name, or `END` where a mail is whole.
    pub fn fail(&self, step: &str, fault: SmtpFault) {
        held(&self.shared.faults).push_back((step.to_owned(), fault));
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let shared = shared.clone();
                // A connection that breaks is the other side's affair, or was asked for.
                connections.spawn(async move {
                    let _broke = serve(stream, &shared).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    if shared.options.security == SmtpSecurity::Tls {
        let stream = shared.tls.accept(stream).await?;
        return Talk::new(stream, shared, true).run(true).await.map(|_| ());
    }
    let Some(stream) = Talk::new(stream, shared, false).run(true).await? else { return Ok(()) };
    let stream = shared.tls.accept(stream).await?;
    Talk::new(stream, shared, true).run(false).await.map(|_| ())
}

/// One connection, as long as it stays encrypted or not.
struct Talk<'a, S> {
    stream: BufReader<S>,
    shared: &'a Shared,
    encrypted: bool,
    logged_in: bool,
    from: String,
    to: String,
}

fn ended() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Talk<'a, S> {
    fn new(stream: S, shared: &'a Shared, encrypted: bool) -> Self {
        let (from, to) = (String::new(), String::new());
        Self { stream: BufReader::new(stream), shared, encrypted, logged_in: false, from, to }
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err(ended());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Answers a step, or what was to go wrong with it.
    async fn say(&mut self, step: &str, reply: &str) -> io::Result<()> {
        let fault = {
            let mut faults = held(&self.shared.faults);
            let at = faults.iter().position(|it| it.0 == step);
            at.and_then(|it| faults.remove(it))
        };
        let reply = match fault {
            Some((_, SmtpFault::Hangup)) => return Err(ended()),
            Some((_, SmtpFault::Silence)) => std::future::pending().await,
            Some((_, SmtpFault::Reply(instead))) => instead,
            None => reply.to_owned(),
        };
        self.stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
        self.stream.flush().await
    }

    /// Serves until the client leaves; the stream where TLS is to begin on it.
    async fn run(mut self, greets: bool) -> io::Result<Option<S>> {
        if greets {
            self.say("CONNECT", "220 mail.example.org ESMTP").await?;
        }
        loop {
            let line = self.line().await?;
            let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            let kept = if verb == "AUTH" { "AUTH" } else { &line };
            held(&self.shared.said).push(kept.to_owned());
            match verb.as_str() {
                "EHLO" => {
                    let reply = self.offers();
                    self.say("EHLO", &reply).await?;
                }
                "STARTTLS" if !self.encrypted => {
                    self.say("STARTTLS", "220 2.0.0 ready").await?;
                    return Ok(Some(self.stream.into_inner()));
                }
                "AUTH" => self.log_in(&line).await?,
                "MAIL" | "RCPT" => self.envelope(&verb, &line).await?,
                "DATA" => self.take().await?,
                "QUIT" => {
                    self.say("QUIT", "221 2.0.0 bye").await?;
                    return Ok(None);
                }
                _ => self.say(&verb, "502 5.5.2 not known here").await?,
            }
        }
    }

    fn offers(&self) -> String {
        let mut offers = vec!["mail.example.org", "8BITMIME", "ENHANCEDSTATUSCODES"];
        if self.shared.options.security == SmtpSecurity::Starttls && !self.encrypted {
            offers.push("STARTTLS");
        } else if self.shared.options.login.is_some() {
            offers.push("AUTH CRAM-MD5 LOGIN PLAIN");
        }
        let last = offers.len() - 1;
        let lines = offers.iter().enumerate().map(|(at, offer)| {
            let mark = if at == last { ' ' } else { '-' };
            format!("250{mark}{offer}")
        });
        lines.collect::<Vec<_>>().join("\r\n")
    }

    /// `AUTH PLAIN` in one line (RFC 4616), or `AUTH LOGIN` in three.
    async fn log_in(&mut self, line: &str) -> io::Result<()> {
        let mut words = line.split(' ').skip(1);
        let (way, first) = (words.next().unwrap_or_default(), words.next());
        let given = match (way, first) {
            ("PLAIN", Some(text)) => {
                let plain = decoded(text);
                let mut parts = plain.split('\0').skip(1).map(str::to_owned);
                parts.next().zip(parts.next())
            }
            ("LOGIN", None) => {
                self.stream.write_all(b"334 VXNlcm5hbWU6\r\n").await?;
                let user = decoded(&self.line().await?);
                self.stream.write_all(b"334 UGFzc3dvcmQ6\r\n").await?;
                Some((user, decoded(&self.line().await?)))
            }
            _ => None,
        };
        self.logged_in = given.is_some() && given == self.shared.options.login;
        if self.logged_in {
            return self.say("AUTH", "235 2.7.0 welcome").await;
        }
        // Servers that quote what they were told are the worst case.
        let quoted =
            given.map_or_else(String::new, |(user, password)| format!("{user}:{password}"));
        self.say("AUTH", &format!("535 5.7.8 not {quoted}")).await
    }

    async fn envelope(&mut self, verb: &str, line: &str) -> io::Result<()> {
        let address = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        if self.shared.options.login.is_some() && !self.logged_in {
            return self.say(verb, "530 5.7.0 log in first").await;
        }
        if verb == "MAIL" {
            self.from = address;
            return self.say("MAIL", "250 2.1.0 ok").await;
        }
        if address.starts_with("nobody@") {
            return self.say("RCPT", "550 5.1.1 nobody is called that here").await;
        }
        self.to = address;
        self.say("RCPT", "250 2.1.5 ok").await
    }

    async fn take(&mut self) -> io::Result<()> {
        self.say("DATA", "354 go on").await?;
        let mut text = String::new();
        loop {
            let line = self.line().await?;
            if line == "." {
                break;
            }
            // What begins with a dot has one more on the way (section 4.5.2).
            text.push_str(line.strip_prefix('.').unwrap_or(&line));
            text.push('\n');
            if MAIL_BYTES < text.len() {
                return Err(ended());
            }
        }
        let mail = SmtpMail {
            from: self.from.clone(),
            to: self.to.clone(),
            encrypted: self.encrypted,
            logged_in: self.logged_in,
            text,
        };
        let refused = held(&self.shared.faults)
            .front()
            .is_some_and(|it| it.0 == "END" && matches!(it.1, SmtpFault::Reply(_)));
        let id = {
            let mut mails = held(&self.shared.mails);
            if !refused {
                mails.push(mail);
            }
            mails.len()
        };
        self.say("END", &format!("250 2.0.0 queued as mail-{id}")).await
    }
}

/// Base64 as text; empty where it is none.
fn decoded(text: &str) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let bytes = BASE64_STANDARD.decode(text).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

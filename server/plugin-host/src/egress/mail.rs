//! The mails of a call, on the side that has the network and the secrets: judged, written, handed
//! over, and what the server says cleaned on the way back.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use mail_send::mail_builder::{
    MessageBuilder,
    headers::{date::Date, raw::Raw},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    bindings::smtp::{Error, Login, Mail, Receipt, Reply, Security, Server, User},
    egress::{
        line::{LineAnswer, LineRequest, Unanswered},
        mailbox::{Mailbox, address, line, link, mailbox},
        policy::{self, Target},
        rules::{MAIL, Scheme},
        sender::{Recalled, Sender},
        smtp::Letter,
    },
    limits::{HTTP_BODY_BYTES, MAIL_TOTAL},
    manifest::Place,
    messages::{HttpAnswer, HttpTrace, Refusal, UNRECORDED},
    scrub::Scrubber,
    secret::PluginSecret,
    state::{derived, hex},
    text,
};

/// How much of an error's text a guest is told.
const ERROR_BYTES: usize = 500;

/// How much of a server's text.
const REPLY_BYTES: usize = 300;

/// What an answer that is kept says about where the server said no: a header that none sends.
const STEP: &str = "step";

/// The same for its enhanced code.
const ENHANCED: &str = "enhanced";

/// What a plugin wants carried.
#[derive(Serialize, Deserialize)]
pub(crate) struct Posted {
    pub(crate) server: Server,
    pub(crate) login: Option<Login>,
    pub(crate) mail: Mail,
    pub(crate) timeout_ms: u32,
}

/// What came of it, as the plugin may see it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Carried {
    pub(crate) result: Result<Receipt, Error>,
    pub(crate) trace: HttpTrace,
}

impl Carried {
    /// A mail that was not sent.
    pub(crate) fn refused(posted: &Posted, error: Error) -> Self {
        let mut trace = trace(posted);
        trace.result = Err(words(&error));
        trace.refusal = refusal(&error, Refusal::Grant);
        Self { result: Err(error), trace }
    }
}

/// What became of a mail, for people.
fn words(error: &Error) -> String {
    match error {
        Error::Denied(why)
        | Error::BlockedAddress(why)
        | Error::InvalidMail(why)
        | Error::InvalidSender(why)
        | Error::InvalidRecipient(why)
        | Error::Unsupported(why)
        | Error::Dns(why)
        | Error::Connect(why)
        | Error::Interrupted(why) => why.clone(),
        Error::BudgetExceeded(what) => format!("more than {what}"),
        Error::Tls(why) => format!("TLS: {why}"),
        Error::Protocol(why) => format!("no SMTP: {why}"),
        Error::ServerRefused(reply) => format!("this client: {reply}"),
        Error::LoginRefused(reply) => format!("the login: {reply}"),
        Error::SenderRefused(reply) => format!("the sender: {reply}"),
        Error::RecipientRefused(reply) => format!("the recipient: {reply}"),
        Error::MailRefused(reply) => reply.to_string(),
        Error::Timeout => "no answer in time".to_owned(),
    }
}

fn trace(posted: &Posted) -> HttpTrace {
    let Server { host, port, security } = &posted.server;
    let scheme = Scheme::of_mails(*security).name();
    let url = text::line(&format!("{scheme}://{host}:{port}/"), 300);
    HttpTrace { request_bytes: length(&posted.mail), ..HttpTrace::new(MAIL, url) }
}

/// How many bytes of texts a mail has.
fn length(mail: &Mail) -> usize {
    mail.text.len() + mail.html.as_ref().map_or(0, String::len)
}

/// What forbade a mail, if anything did; `denied` is what stands behind [`Error::Denied`].
fn refusal(error: &Error, denied: Refusal) -> Option<Refusal> {
    match error {
        Error::Denied(_) => Some(denied),
        Error::BlockedAddress(_) => Some(Refusal::Address),
        Error::BudgetExceeded(_) => Some(Refusal::Limit),
        Error::InvalidMail(_) | Error::InvalidSender(_) | Error::InvalidRecipient(_) => {
            Some(Refusal::Form)
        }
        _ => None,
    }
}

impl Sender {
    /// Hands a mail to a server, where manifest and grants allow it.
    pub(super) async fn carry(&mut self, posted: Posted) -> Carried {
        let start = Instant::now();
        let sent = AtomicBool::new(false);
        let mut trace = trace(&posted);
        let (id, result) = match self.letter(&posted) {
            Ok((letter, id)) => {
                // Whoever only knocks has knocked: a login, or whether somebody is there.
                self.count(true);
                self.mails += 1;
                trace.url = text::line(&letter.target.shown(), 300);
                let recalled = self.recalled(&trace).map(said_then);
                let result = match recalled {
                    Some(result) => result,
                    None => self.hand(&posted, &letter, &sent).await,
                };
                (id, result)
            }
            Err(error) => (String::new(), Err(clean_error(error, self.scrubber()))),
        };
        let denied = self.denied.take().unwrap_or(Refusal::Secret);
        trace.refusal = result.as_ref().err().and_then(|error| refusal(error, denied));
        let answer = written(&result);
        match (&result, &answer) {
            (Err(error), None) => trace.result = Err(words(error)),
            (_, answer) => trace.result = Ok(answer.as_ref().map_or(0, |it| it.status)),
        }
        trace.response_bytes = answer.as_ref().map_or(0, |it| it.body.len());
        trace.answer = answer.filter(|it| self.keeps(it.body.len()));
        trace.sent = sent.load(Relaxed);
        trace.took_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        Carried { result: result.map(|reply| Receipt { message_id: id, reply }), trace }
    }

    /// By the network, or by what stands in its way in trials. What comes back is clean.
    async fn hand(
        &mut self,
        posted: &Posted,
        letter: &Letter,
        sent: &AtomicBool,
    ) -> Result<Reply, Error> {
        let line = self.rights.line.clone().map(|it| (it, seen(posted, &letter.target)));
        let given = line.as_ref().and_then(|(line, seen)| line.answer(seen));
        if let Some(given) = given {
            sent.store(!matches!(given, Err(Unanswered::Connect)), Relaxed);
            return told(given);
        }
        let rights = self.rights.clone();
        let result = rights.client.mail(letter, sent).await;
        let scrubber = self.scrubber();
        let result = match result {
            Ok(reply) => Ok(clean_reply(reply, scrubber)),
            Err(error) => Err(clean_error(error, scrubber)),
        };
        if let Some((line, seen)) = line {
            line.heard(&seen, heard(&result));
        }
        result
    }

    /// A mail that may be sent as it is, and its id.
    fn letter(&mut self, posted: &Posted) -> Result<(Letter, String), Error> {
        self.has_room()?;
        let Posted { server, login, mail, timeout_ms } = posted;
        if HTTP_BODY_BYTES < length(mail) {
            return Err(Error::BudgetExceeded(format!("{HTTP_BODY_BYTES} bytes of a mail")));
        }
        let rights = self.rights.clone();
        let (asked, granted) = (&rights.manifest.http, &rights.grants.http);
        let target = policy::judge_mail(server, asked, granted);
        let target = target.map_err(|it| {
            self.denied = Some(it.rule);
            Error::Denied(it.why)
        })?;
        let head = Head::of(mail)?;
        let login = login.as_ref().map(|it| self.login(it, server, &target)).transpose()?;
        let id = self.message_id(&head);
        let message = self.message(&head, mail, &id)?;
        let timeout = Duration::from_millis((*timeout_ms).into()).min(MAIL_TOTAL);
        let Head { bounces_to, to: recipient, .. } = head;
        Ok((Letter { target, login, sender: bounces_to, recipient, message, timeout }, id))
    }

    fn login(
        &mut self,
        login: &Login,
        server: &Server,
        target: &Target,
    ) -> Result<(String, PluginSecret), Error> {
        if server.security == Security::Clear {
            return Err(Error::Denied("a login is not sent in clear".to_owned()));
        }
        let user = match &login.user {
            User::Name(name) => name.clone(),
            User::Secret(name) => self.secret(name, target, Place::Auth)?,
        };
        line("the login's user", &user)?;
        let password = self.secret(&login.password, target, Place::Auth)?;
        let plain = format!("\0{user}\0{password}");
        for sent in [BASE64_STANDARD.encode(plain), BASE64_STANDARD.encode(&password)] {
            self.hide(&sent);
        }
        if let User::Secret(_) = login.user {
            self.hide(&BASE64_STANDARD.encode(&user));
        }
        let empty = || Error::Denied(format!("the secret {} is empty", login.password));
        Ok((user, PluginSecret::new(password).ok_or_else(empty)?))
    }

    /// The same in every try of a delivery, so that a mailbox can tell what it has.
    fn message_id(&self, head: &Head) -> String {
        let id = hex(&derived(self.request(), "mail", &[&self.mails.to_be_bytes()]));
        let (_, domain) = head.sender.address.rsplit_once('@').unwrap_or_default();
        format!("{}@{domain}", &id[..32])
    }

    /// The whole mail.
    fn message(&self, head: &Head, mail: &Mail, id: &str) -> Result<Vec<u8>, Error> {
        let seconds = i64::try_from(self.request().started_ms / 1000).unwrap_or_default();
        let mut message = MessageBuilder::new()
            .from(head.sender.header())
            .to(head.to.as_str())
            .subject(mail.subject.as_str())
            .message_id(id)
            .date(Date::new(seconds))
            // Nobody's out-of-office answers (RFC 3834 section 5).
            .header("Auto-Submitted", Raw::new("auto-generated"))
            .text_body(mail.text.as_str());
        if let Some(reply_to) = &head.reply_to {
            message = message.reply_to(reply_to.header());
        }
        if let Some(html) = &mail.html {
            message = message.html_body(html.as_str());
        }
        if let Some(link) = &mail.unsubscribe {
            message = message
                .header("List-Unsubscribe", Raw::new(format!("<{link}>")))
                .header("List-Unsubscribe-Post", Raw::new("List-Unsubscribe=One-Click"));
        }
        message.write_to_vec().map_err(|error| Error::InvalidMail(error.to_string()))
    }
}

/// What stands at the top of a mail.
struct Head {
    sender: Mailbox,
    reply_to: Option<Mailbox>,
    bounces_to: String,
    to: String,
}

impl Head {
    fn of(mail: &Mail) -> Result<Self, Error> {
        let ours = Error::InvalidSender;
        let sender = mailbox("the sender", &mail.sender).map_err(ours)?;
        let reply_to = mail.reply_to.as_deref().map(|it| mailbox("where answers go", it));
        let bounces_to = mail.bounces_to.as_deref().unwrap_or(&sender.address);
        line("the subject", &mail.subject)?;
        mail.unsubscribe.as_deref().map_or(Ok(()), link)?;
        Ok(Self {
            reply_to: reply_to.transpose().map_err(ours)?,
            bounces_to: address("where bounces go", bounces_to).map_err(ours)?,
            to: address("the recipient", &mail.to).map_err(Error::InvalidRecipient)?,
            sender,
        })
    }
}

/// A mail as what stands in its way sees it: without the secrets, and without what is another in
/// every try.
fn seen(posted: &Posted, target: &Target) -> LineRequest {
    let Mail { sender, reply_to, bounces_to, to, subject, text, html, unsubscribe } = &posted.mail;
    let body = json!({
        "sender": sender,
        "reply_to": reply_to,
        "bounces_to": bounces_to,
        "to": to,
        "subject": subject,
        "text": text,
        "html": html,
        "unsubscribe": unsubscribe,
    });
    LineRequest {
        method: MAIL.to_owned(),
        url: target.shown(),
        headers: Vec::new(),
        auth: posted.login.as_ref().map(|it| match &it.user {
            User::Name(name) => format!("basic {name} {}", it.password),
            User::Secret(name) => format!("basic {{{{secret {name}}}}} {}", it.password),
        }),
        body: body.to_string().into_bytes(),
    }
}

/// What the server said, to be kept; none where it said nothing.
fn written(result: &Result<Reply, Error>) -> Option<HttpAnswer> {
    let (reply, step) = match result {
        Ok(reply) => (reply, "taken"),
        Err(Error::ServerRefused(reply)) => (reply, "server"),
        Err(Error::LoginRefused(reply)) => (reply, "login"),
        Err(Error::SenderRefused(reply)) => (reply, "sender"),
        Err(Error::RecipientRefused(reply)) => (reply, "recipient"),
        Err(Error::MailRefused(reply)) => (reply, "mail"),
        Err(_) => return None,
    };
    let mut headers = vec![(STEP.to_owned(), step.to_owned())];
    headers.extend(reply.enhanced.clone().map(|it| (ENHANCED.to_owned(), it)));
    Some(HttpAnswer { status: reply.code, headers, body: reply.text.clone().into_bytes() })
}

/// What an answer that was kept, or made up, says.
fn read(answer: HttpAnswer) -> Result<Reply, Error> {
    let header = |name: &str| {
        let found = answer.headers.iter().find(|it| it.0 == name);
        found.map(|it| it.1.clone())
    };
    let (step, enhanced) = (header(STEP), header(ENHANCED));
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let reply = Reply { code: answer.status, enhanced, text };
    match step.as_deref() {
        None | Some("taken") if (200..300).contains(&reply.code) => Ok(reply),
        Some("server") => Err(Error::ServerRefused(reply)),
        Some("login") => Err(Error::LoginRefused(reply)),
        Some("sender") => Err(Error::SenderRefused(reply)),
        Some("recipient") => Err(Error::RecipientRefused(reply)),
        _ => Err(Error::MailRefused(reply)),
    }
}

fn said_then(recalled: Recalled) -> Result<Reply, Error> {
    match recalled {
        Recalled::Answer(answer) => read(answer),
        Recalled::Interrupted(why) => Err(Error::Interrupted(why)),
        Recalled::Unsent(why) => Err(Error::Connect(why)),
        Recalled::Nothing => Err(Error::Denied(UNRECORDED.to_owned())),
    }
}

fn told(answer: Result<LineAnswer, Unanswered>) -> Result<Reply, Error> {
    match answer {
        Ok(LineAnswer { status, headers, body }) => read(HttpAnswer { status, headers, body }),
        Err(Unanswered::Connect) => Err(Error::Connect("nobody took the connection".to_owned())),
        Err(Unanswered::Timeout) => Err(Error::Timeout),
        Err(Unanswered::Interrupted | Unanswered::Other) => {
            Err(Error::Interrupted("the connection ended".to_owned()))
        }
    }
}

fn heard(result: &Result<Reply, Error>) -> Result<LineAnswer, Unanswered> {
    if let Some(HttpAnswer { status, headers, body }) = written(result) {
        return Ok(LineAnswer { status, headers, body });
    }
    Err(match result {
        Err(Error::Timeout) => Unanswered::Timeout,
        Err(Error::Interrupted(_)) => Unanswered::Interrupted,
        _ => Unanswered::Connect,
    })
}

/// Secrets go out before a reply is cut: half of one would stay.
pub(crate) fn clean_reply(reply: Reply, scrubber: &Scrubber) -> Reply {
    Reply { text: text::line(&scrubber.text(&reply.text), REPLY_BYTES), ..reply }
}

/// Errors quote what the other side said.
pub(crate) fn clean_error(error: Error, scrubber: &Scrubber) -> Error {
    let clean = |it: String| text::line(&scrubber.text(&it), ERROR_BYTES);
    let said = |it: Reply| clean_reply(it, scrubber);
    match error {
        Error::Denied(it) => Error::Denied(clean(it)),
        Error::BlockedAddress(it) => Error::BlockedAddress(clean(it)),
        Error::InvalidSender(it) => Error::InvalidSender(clean(it)),
        Error::InvalidRecipient(it) => Error::InvalidRecipient(clean(it)),
        Error::InvalidMail(it) => Error::InvalidMail(clean(it)),
        Error::BudgetExceeded(it) => Error::BudgetExceeded(clean(it)),
        Error::Dns(it) => Error::Dns(clean(it)),
        Error::Connect(it) => Error::Connect(clean(it)),
        Error::Tls(it) => Error::Tls(clean(it)),
        Error::Unsupported(it) => Error::Unsupported(clean(it)),
        Error::Interrupted(it) => Error::Interrupted(clean(it)),
        Error::Protocol(it) => Error::Protocol(clean(it)),
        Error::ServerRefused(it) => Error::ServerRefused(said(it)),
        Error::LoginRefused(it) => Error::LoginRefused(said(it)),
        Error::SenderRefused(it) => Error::SenderRefused(said(it)),
        Error::RecipientRefused(it) => Error::RecipientRefused(said(it)),
        Error::MailRefused(it) => Error::MailRefused(said(it)),
        Error::Timeout => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_reply_says_the_same_again() {
        let reply =
            || Reply { code: 550, enhanced: Some("5.1.1".to_owned()), text: "nobody".to_owned() };
        for error in [
            Error::ServerRefused(reply()),
            Error::LoginRefused(reply()),
            Error::SenderRefused(reply()),
            Error::RecipientRefused(reply()),
            Error::MailRefused(reply()),
        ] {
            let result = Err(error);
            assert_eq!(read(written(&result).unwrap()), result);
        }
        let taken = Ok(Reply { code: 250, enhanced: None, text: "queued".to_owned() });
        assert_eq!(read(written(&taken).unwrap()), taken);
        assert_eq!(written(&Err(Error::Timeout)), None);
        // Who lets nobody in with a 250 has not taken a mail.
        let odd = Err(Error::LoginRefused(Reply { code: 250, ..reply() }));
        assert_eq!(read(written(&odd).unwrap()), odd);
    }
}

//! Asking a plugin about an address, without leaving the address where others read.

use myrelay_app::contract::ChannelGuide;
use myrelay_domain::ids::AccountId;
use myrelay_plugin_host::{
    Answer, Call, Failure, Outcome,
    types::{AccountRef, ErrorKind},
};
use zeroize::Zeroizing;

use super::letter::LOCALE;
use crate::{
    Error, Result,
    context::Context,
    plugins::{self, Ask, Installed, Settled},
    text::plain,
};

/// The longest text of a plugin that customers see, in characters.
const GUIDE_CHARS: usize = 400;
/// What stands where an address stood.
const TAKEN_OUT: &str = "[address]";

/// What a plugin said to an address.
pub(super) struct Begun {
    pub(super) address: Zeroizing<String>,
    /// Whether the portal made it.
    pub(super) made: bool,
    pub(super) guide: ChannelGuide,
}

/// An account, as plugins know it.
pub(crate) fn whom(account: AccountId) -> AccountRef {
    AccountRef { id: account.to_string(), locale: LOCALE.to_owned(), country: None }
}

/// Begins to confirm an address. A plugin that takes none that people type gets a code of ours,
/// and answers with the link that binds it to somebody.
pub(super) async fn begin(
    context: &Context,
    account: AccountId,
    plugin: &Installed,
    typed: Zeroizing<String>,
) -> Result<Begun> {
    let mut refused = None;
    if !typed.is_empty() {
        match verification(context, account, plugin, &typed).await? {
            Ok(guide) => return Ok(Begun { address: typed, made: false, guide }),
            Err(failure) if is_no_address(&failure) => refused = Some(failure),
            Err(failure) => return Err(told(&failure)),
        }
    }
    let code = Zeroizing::new(context.new_token().expose());
    let begun = verification(context, account, plugin, &code).await?;
    match (begun, refused) {
        (Ok(guide), _) if guide.link.is_some() => Ok(Begun { address: code, made: true, guide }),
        (_, Some(refused)) => Err(told(&refused)),
        (Err(failure), None) if !is_no_address(&failure) => Err(told(&failure)),
        _ => Err(Error::invalid("address", "give the address that messages should go to")),
    }
}

async fn verification(
    context: &Context,
    account: AccountId,
    plugin: &Installed,
    address: &Zeroizing<String>,
) -> Result<Result<ChannelGuide, Failure>> {
    let call =
        Call::BeginVerification { account: whom(account), address: address.as_str().to_owned() };
    Ok(match call_once(context, plugin, call, address).await? {
        Ok(Answer::Verification(said)) => {
            let link = said.link.filter(|it| it.starts_with("https://"));
            Ok(ChannelGuide { text: plain(&said.text, GUIDE_CHARS), link })
        }
        Ok(_) => return Err(Error::Unavailable("the plugin answered something else".to_owned())),
        Err(failure) => Err(failure),
    })
}

fn is_no_address(failure: &Failure) -> bool {
    matches!(failure, Failure::Reported(error) if error.kind == ErrorKind::InvalidInput)
}

/// What a customer is told of a failure: a plugin's own words are for operators, but for those that
/// it means for customers.
pub(super) fn told(failure: &Failure) -> Error {
    let Failure::Reported(error) = failure else {
        let message = "this cannot be reached at the moment; try again in a few minutes";
        return Error::Unavailable(message.to_owned());
    };
    let public = error.public_message.as_deref().map(|it| plain(it, GUIDE_CHARS));
    match error.kind {
        ErrorKind::InvalidInput => {
            let message = "messages cannot go to this address: look at how it is written";
            Error::invalid("address", public.unwrap_or_else(|| message.to_owned()))
        }
        ErrorKind::NotFound => Error::Unavailable(public.unwrap_or_else(|| {
            "nobody is there yet: do what is said here first, then ask for the code".to_owned()
        })),
        _ => Error::Unavailable(public.unwrap_or_else(|| {
            "this cannot carry messages at the moment; try again in a few minutes, and ask whoever \
             runs this service if it stays so"
                .to_owned()
        })),
    }
}

/// A call that somebody waits for: its answer, written down.
pub(super) async fn call_once(
    context: &Context,
    plugin: &Installed,
    call: Call,
    address: &str,
) -> Result<Result<Answer, Failure>> {
    let asked = Ask {
        call,
        about: None,
        delivery: context.new_request_id(),
        attempt: 1,
        at: context.now(),
    };
    let mut outcome = plugins::ask(context, plugin, &asked).await?;
    clean(&mut outcome, address);
    let mut tx = context.database.write().await?;
    if plugins::settle(context, &mut tx, plugin, &asked, &outcome).await? == Settled::Beaten {
        return Err(Error::Busy { retry_after_s: 1 });
    }
    tx.commit().await?;
    Ok(outcome.result)
}

/// Takes an address out of all that is kept of a call.
pub(crate) fn clean(outcome: &mut Outcome, address: &str) {
    let clean = |text: &mut String| *text = without(text, address);
    for line in &mut outcome.logs {
        clean(&mut line.message);
        for (name, value) in &mut line.fields {
            clean(name);
            clean(value);
        }
    }
    for request in &mut outcome.http {
        clean(&mut request.url);
        if let Err(why) = &mut request.result {
            clean(why);
        }
    }
    match &mut outcome.result {
        Ok(_) | Err(Failure::NotExported(_) | Failure::Unknown) => {}
        Err(Failure::Reported(error)) => clean(&mut error.message),
        Err(Failure::Limit { detail, .. }) => clean(detail),
        Err(Failure::Trap { what, backtrace }) => {
            clean(what);
            clean(backtrace);
        }
        Err(
            Failure::Refused(why) | Failure::Busy(why) | Failure::Invalid(why) | Failure::Host(why),
        ) => clean(why),
    }
}

/// A text without an address, however its letters and signs are written.
fn without(text: &str, address: &str) -> String {
    if address.is_empty() {
        return text.to_owned();
    }
    let escaped: String = address
        .bytes()
        .map(|it| match it {
            it if it.is_ascii_alphanumeric() || b"-._~".contains(&it) => char::from(it).to_string(),
            it => format!("%{it:02X}"),
        })
        .collect();
    let mut clean = text.to_owned();
    for form in [address, &escaped] {
        // ASCII letters keep their places when they are made small.
        let (small, form) = (clean.to_ascii_lowercase(), form.to_ascii_lowercase());
        let mut rest = 0;
        let mut made = String::new();
        for (at, found) in small.match_indices(&form) {
            made.push_str(clean.get(rest..at).unwrap_or_default());
            made.push_str(TAKEN_OUT);
            rest = at + found.len();
        }
        made.push_str(clean.get(rest..).unwrap_or_default());
        clean = made;
    }
    clean
}

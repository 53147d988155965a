//! What an operator does not let run here any more: all that a publisher signed, one package, or
//! one component.

use myrelay_domain::ids::InstallationId;
use myrelay_plugin_package::PublisherKey;

use super::{Installed, store};
use crate::{Error, Result, context::Context, database::Write};

/// The longest reason, in characters.
const REASON_CHARS: usize = 200;

/// Something that is revoked.
pub(crate) struct Revocation {
    /// A publisher's key, or a SHA-256.
    pub(crate) what: String,
    pub(crate) reason: String,
}

/// A publisher's key, the id of one that something was installed with, or a SHA-256 in hexadecimal
/// digits, in the one form in which it is kept.
async fn parse(context: &Context, what: &str) -> Result<String> {
    if what.len() == 16 && what.bytes().all(|it| it.is_ascii_hexdigit()) {
        let known = store::publishers::all(context.database.read()).await?;
        let known = known.into_iter().filter(|it| {
            PublisherKey::parse(it).is_ok_and(|it| it.key_id().eq_ignore_ascii_case(what))
        });
        let known: Vec<String> = known.collect();
        // Whoever wants to can make a key with the id of another.
        return <[String; 1]>::try_from(known).map(|[it]| it).map_err(|_none_or_several| {
            let message = "of this id no key is known here, or more than one: give the key itself, \
                           which begins with RW";
            Error::invalid("what", message)
        });
    }
    let is_hash = what.len() == 64 && what.bytes().all(|it| it.is_ascii_hexdigit());
    if is_hash {
        return Ok(what.to_ascii_lowercase());
    }
    let key = PublisherKey::parse(what).map_err(|_no_key| {
        let message = "expected a publisher's key, which begins with RW, its id, 16 hexadecimal \
                       digits, or the SHA-256 of a package or a component, which has 64";
        Error::invalid("what", message)
    })?;
    Ok(key.to_string())
}

/// Revokes a publisher's key or a digest: what is installed of it is stopped, and nothing of it is
/// installed or enabled again. Answers the plugins that it stopped or that were stopped before.
///
/// # Errors
/// [`Error::Invalid`] of `what` and of `reason`.
pub(crate) async fn revoke(context: &Context, what: &str, reason: &str) -> Result<Vec<Installed>> {
    let what = parse(context, what).await?;
    let reason = reason.trim();
    let sound = !reason.is_empty() && !reason.chars().any(char::is_control);
    if !sound || REASON_CHARS < reason.chars().count() {
        let message = format!("say in a line of 1 to {REASON_CHARS} characters why");
        return Err(Error::invalid("reason", message));
    }
    let mut tx = context.database.write().await?;
    store::revocations::put(&mut tx, &what, reason, context.now()).await?;
    let mut found = Vec::new();
    let why = words(&(what.clone(), reason.to_owned()));
    for id in store::revocations::plugins_of(&mut tx, &what).await? {
        let held = super::hold(&mut tx, id).await?;
        super::stop(context, &mut tx, &held, &why).await?;
        found.push(held);
    }
    tx.commit().await?;
    Ok(found)
}

/// Takes a revocation back. What it stopped stays stopped until an operator enables it.
///
/// # Errors
/// [`Error::Invalid`] of `what`, also where it is not revoked.
pub(crate) async fn unrevoke(context: &Context, what: &str) -> Result<()> {
    let what = parse(context, what).await?;
    let mut tx = context.database.write().await?;
    if !store::revocations::delete(&mut tx, &what).await? {
        let message = "this is not revoked; `myrelay plugin revoked` lists what is";
        return Err(Error::invalid("what", message));
    }
    tx.commit().await?;
    Ok(())
}

/// All that is revoked, oldest first.
pub(crate) async fn revoked(context: &Context) -> Result<Vec<Revocation>> {
    let all = store::revocations::list(context.database.read()).await?;
    let read = |(what, reason)| Revocation { what, reason };
    Ok(all.into_iter().map(read).collect())
}

/// Whether one of these is revoked; nothing of it is looked at or run then.
pub(super) async fn ensure_none(context: &Context, all: &[Option<&str>]) -> Result<()> {
    for what in all.iter().flatten() {
        let found = store::revocations::find(context.database.read(), what).await?;
        if let Some(found) = found {
            return Err(Error::invalid("publisher", words(&found)));
        }
    }
    Ok(())
}

/// Whether what is installed is revoked, as a transaction sees it.
pub(super) async fn ensure_runs(tx: &mut Write, id: InstallationId) -> Result<()> {
    match store::revocations::of_plugin(&mut **tx, id).await? {
        Some(found) => Err(Error::invalid("publisher", words(&found))),
        None => Ok(()),
    }
}

/// Why what is installed does not run; none where it may.
pub(super) async fn why(context: &Context, id: InstallationId) -> Result<Option<String>> {
    let found = store::revocations::of_plugin(context.database.read(), id).await?;
    Ok(found.as_ref().map(words))
}

fn words((what, reason): &store::revocations::Revoked) -> String {
    let kind = if what.len() == 64 { "this package" } else { "its publisher's key" };
    format!("an operator revoked {kind}, {what}: {reason}")
}

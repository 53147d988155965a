//! The provider's own page, where customers change how they pay.

use myrelay_app::contract::ProviderPage;
use myrelay_domain::ids::InstallationId;
use myrelay_plugin_host::{
    Answer, Call, Failure, judge_answer,
    types::{AccountRef, ErrorKind},
};

use super::{Beside, call, checkout, payer, payers, refused, told, views::answering};
use crate::{
    Error, Result,
    context::{Caller, Context},
    plugins::{self, Ask, Installed},
    subscriptions,
};

/// What the page of this provider is, where it has one and its plugin answers.
pub(super) async fn offered(
    context: &Context,
    plugin: InstallationId,
) -> Result<Option<ProviderPage>> {
    let mut found = payers(context).await?;
    found.retain(|it| it.id == plugin);
    let able = answering(context, &found).await;
    let Some(found) = found.first() else { return Ok(None) };
    if !able.get(&plugin).is_some_and(|it| it.hosted_portal) {
        return Ok(None);
    }
    let hosts = found.manifest()?.checkout_hosts().iter().map(ToString::to_string).collect();
    Ok(Some(ProviderPage { name: found.name().to_owned(), hosts }))
}

/// Where the account that asks changes how it pays. It lets in whoever has it: it is asked for anew
/// each time, and kept nowhere.
pub(crate) async fn provider_page(context: &Context, caller: Caller) -> Result<String> {
    let account = caller.account()?;
    let held = subscriptions::held(context, account).await?;
    let linked = held.and_then(|it| it.linked).ok_or_else(|| {
        Error::Limit("nobody collects for your plan: there is nothing to change".to_owned())
    })?;
    let plugin = payer(context, &linked.to_string()).await?;
    let none = || Error::Limit(format!("{} has no page where you can change it", plugin.name()));
    if !checkout::capabilities(context, &plugin).await?.hosted_portal {
        return Err(none());
    }
    let asked = Ask {
        call: Call::CustomerPortalUrl {
            account: AccountRef { id: account.to_string(), locale: "en".to_owned(), country: None },
            return_url: format!("{}/plan", context.settings.public_url),
        },
        about: Some(account.to_string()),
        delivery: context.new_request_id(),
        attempt: 1,
        at: context.now(),
    };
    let outcome = call(context, &plugin, &asked, Beside::Nothing).await?;
    match outcome.result {
        Ok(Answer::Url(url)) => Ok(url),
        Ok(_) => Err(told(&plugin, &Failure::Refused("another answer".to_owned()))),
        // It works, and does not know them.
        Err(Failure::Reported(error)) if error.kind == ErrorKind::NotFound => Err(none()),
        Err(failure) => Err(told(&plugin, &failure)),
    }
}

/// Customers are sent to no other hosts than those that the operator read of, by https. The host of
/// plugins looks at that too; this does not depend on it.
pub(super) fn ensure_granted(plugin: &Installed, answer: &Answer) -> Result<()> {
    let Answer::Url(url) = answer else { return Ok(()) };
    judge_answer(answer, &plugin.manifest()?).map_err(|failure| match failure {
        Failure::Refused(why) => refused(why),
        failure => refused(plugins::describe(&failure)),
    })?;
    if url.bytes().all(|it| it.is_ascii_graphic()) {
        return Ok(());
    }
    Err(refused("an address with what no address has"))
}

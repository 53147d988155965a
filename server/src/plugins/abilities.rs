//! What plugins that take payments can do: each answer is kept for a minute, all are asked side by
//! side, and no page waits for one that is slow.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use myrelay_domain::ids::InstallationId;
use myrelay_plugin_host::{Answer, Call, Failure, billing::Capabilities};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use super::{
    Ask, Installed, Settled,
    call::{ask, refuse, settle},
};
use crate::{Error, Result, context::Context, system::Tasks};

/// How long an answer counts, in milliseconds.
const KEPT_MS: i64 = 60_000;
/// How long somebody waits for all that they ask, together.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a plugin said, or why it said nothing.
type Said = Result<Capabilities, Failure>;

/// What plugins were asked, in this portal's memory.
#[derive(Default)]
pub(super) struct Abilities {
    asked: Mutex<BTreeMap<InstallationId, Asked>>,
    /// A question goes on where nobody waits for it any more: loading a plugin may take longer than
    /// a page waits, and a failure counts.
    questions: Tasks,
}

/// A question, and the answer once it is there.
struct Asked {
    revision: i64,
    at: i64,
    said: watch::Receiver<Option<Said>>,
}

impl Asked {
    /// Whether nobody has to ask again: the answer is on its way, or counts.
    fn counts(&self, revision: i64, now: i64) -> bool {
        let counts = match &*self.said.borrow() {
            Some(Ok(_)) => now - self.at < KEPT_MS,
            Some(Err(_)) => false,
            // Unless the question broke.
            None => self.said.has_changed().is_ok(),
        };
        counts && self.revision == revision
    }
}

impl Abilities {
    /// Forgets a plugin.
    pub(super) fn forget(&self, plugin: InstallationId) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&plugin);
    }

    /// Questions end where they stand.
    pub(super) fn stop(&self) {
        self.questions.stop();
    }

    /// The question that is open or answered, or a new one.
    fn question(&self, context: &Context, plugin: &Installed) -> watch::Receiver<Option<Said>> {
        let now = context.now();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = asked.get(&plugin.id)
            && before.counts(plugin.revision, now)
        {
            return before.said.clone();
        }
        let (tell, said) = watch::channel(None);
        let question = Asked { revision: plugin.revision, at: now, said: said.clone() };
        asked.insert(plugin.id, question);
        let (context, plugin) = (context.clone(), plugin.clone());
        self.questions.spawn_until_stop(async move {
            let answer = answer(&context, &plugin).await;
            tell.send_replace(Some(answer));
        });
        said
    }
}

/// What a plugin can do.
///
/// # Errors
/// What its call came to.
pub(crate) async fn ability(context: &Context, plugin: &Installed) -> Said {
    let mut said = context.plugins.abilities.question(context, plugin);
    let heard = said.wait_for(Option::is_some).await;
    let heard = heard.ok().and_then(|it| it.clone());
    heard.unwrap_or_else(|| Err(Failure::Busy("the portal stops".to_owned())))
}

/// What these can do: those that say so in time.
pub(crate) async fn abilities(
    context: &Context,
    plugins: &[Installed],
) -> BTreeMap<InstallationId, Capabilities> {
    let until = Instant::now() + PATIENCE;
    let ask = |it: &Installed| (it.id, context.plugins.abilities.question(context, it));
    // All are asked before one is waited for.
    let asked: Vec<_> = plugins.iter().map(ask).collect();
    let mut able = BTreeMap::new();
    for (id, mut said) in asked {
        let Ok(Ok(heard)) = timeout_at(until, said.wait_for(Option::is_some)).await else {
            continue;
        };
        if let Some(Ok(it)) = &*heard {
            able.insert(id, it.clone());
        }
    }
    able
}

async fn answer(context: &Context, plugin: &Installed) -> Said {
    asked(context, plugin).await.unwrap_or_else(|error| {
        let cause = match error {
            Error::Internal(cause) => format!("{cause:#}"),
            error => error.to_string(),
        };
        tracing::warn!(plugin = %plugin.id, cause, "cannot ask a plugin what it can do");
        Err(Failure::Host("the portal could not ask it: its log says why".to_owned()))
    })
}

/// Asks, and writes a failure down. An answer is not: a plugin gives it without its provider, so
/// that it says nothing of how the plugin does, and takes no failure back.
async fn asked(context: &Context, plugin: &Installed) -> Result<Said> {
    let asked = Ask {
        call: Call::Capabilities,
        about: None,
        delivery: context.new_request_id(),
        attempt: 1,
        at: context.now(),
    };
    let outcome = ask(context, plugin, &asked).await?;
    let failure = match &outcome.result {
        Ok(Answer::Capabilities(able)) => return Ok(Ok(able.clone())),
        Ok(_) => {
            let why = "it answered something else";
            refuse(context, plugin, &asked, &outcome, why).await?;
            return Ok(Err(Failure::Refused(why.to_owned())));
        }
        Err(failure) => failure.clone(),
    };
    let mut tx = context.database.write().await?;
    if settle(context, &mut tx, plugin, &asked, &outcome).await? == Settled::Done {
        tx.commit().await?;
    }
    Ok(Err(failure))
}

//! One try of a delivery, and what becomes of it.

use async_trait::async_trait;
use myrelay_plugin_host::{Answer, Failure, LimitName, Outcome, types::ErrorKind};

use super::{Leased, store};
use crate::{
    Result,
    context::Context,
    database::Write,
    plugins::{self, Ask, Installed, Keys, Settled},
};

/// The pauses after the first to the seventh try, in milliseconds.
const PAUSES_MS: [i64; 7] =
    [5_000, 5 * 60_000, 30 * 60_000, 2 * 3_600_000, 5 * 3_600_000, 10 * 3_600_000, 10 * 3_600_000];
/// The longest that a plugin may ask to wait, in milliseconds.
const LONGEST_PAUSE_MS: i64 = 10 * 3_600_000;
/// As many tries as there are pauses, and one.
const MOST_TRIES: u32 = 8;
/// Tries of a plugin that breaks, or says that it has a fault.
const FAULTY_TRIES: u32 = 3;
/// The pause after what was nobody's fault, in milliseconds.
const SOON_MS: i64 = 1_000;
/// The pause after what only an operator can repair, in milliseconds.
const REPAIR_MS: i64 = 60_000;
/// After so many milliseconds an event is given up: 72 hours.
const TOO_OLD_MS: i64 = 72 * 3_600_000;

/// What becomes of something that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Delivered,
    /// Tried again, not before then.
    Again {
        due_at: i64,
        /// Whether the try counts.
        counts: bool,
    },
    Dead,
}

/// The same, as it is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct After {
    pub(crate) verdict: Verdict,
    pub(crate) failure: Option<String>,
}

/// Something on its way to a plugin, leased for one try.
#[async_trait]
pub(crate) trait Load: Send + Sync {
    /// Whether it is tried again where nobody knows if it was done.
    const AGAIN_WHEN_UNKNOWN: bool;

    /// When it was put on its way, in milliseconds.
    fn created_at(&self) -> i64;

    /// Takes out of an outcome what nobody may read there.
    fn clean(&self, _outcome: &mut Outcome) {}

    /// Whether the lease still counts; if so it is held until the commit.
    async fn is_held(&self, tx: &mut Write) -> Result<bool>;

    /// What an answer means; none: it is not the answer to this.
    fn read(&self, answer: &Answer) -> Option<After>;

    /// Writes down what became of it, with what the plugin said.
    async fn settle(
        &self,
        context: &Context,
        tx: &mut Write,
        after: &After,
        outcome: &Outcome,
    ) -> Result<()>;
}

#[async_trait]
impl Load for Leased {
    // An event is the same at every try, and says so by its id.
    const AGAIN_WHEN_UNKNOWN: bool = true;

    fn created_at(&self) -> i64 {
        self.created_at
    }

    async fn is_held(&self, tx: &mut Write) -> Result<bool> {
        Ok(store::is_leased(tx, self.id, &self.lease).await?)
    }

    fn read(&self, answer: &Answer) -> Option<After> {
        let taken = After { verdict: Verdict::Delivered, failure: None };
        (*answer == Answer::Done).then_some(taken)
    }

    async fn settle(
        &self,
        context: &Context,
        tx: &mut Write,
        after: &After,
        _outcome: &Outcome,
    ) -> Result<()> {
        Ok(store::settle(tx, self.id, &self.lease, after, context.now()).await?)
    }
}

/// Makes a call, and writes down in one transaction what came of it.
pub(crate) async fn try_once<L: Load>(
    context: &Context,
    plugin: &Installed,
    load: &L,
    asked: &Ask,
) -> Result<()> {
    let outcome = ask(context, plugin, None, load, asked).await;
    settle(context, plugin, load, asked, outcome).await
}

/// Makes a call, with keys that were read for several, or with its own.
pub(super) async fn ask<L: Load>(
    context: &Context,
    plugin: &Installed,
    keys: Option<&Keys>,
    load: &L,
    asked: &Ask,
) -> Outcome {
    let mut outcome = if asked.attempt <= MOST_TRIES {
        let asking = async {
            match keys {
                Some(keys) => plugins::ask_with(context, plugin, keys, asked).await,
                None => plugins::ask(context, plugin, asked).await,
            }
        };
        asked_or_failed(plugin, asking).await
    } else {
        // A call that ends the portal tells nothing: only the leases count it.
        Outcome::failed(Failure::Invalid("no try came back".to_owned()))
    };
    load.clean(&mut outcome);
    outcome
}

/// Writes down in one transaction what came of a call.
pub(super) async fn settle<L: Load>(
    context: &Context,
    plugin: &Installed,
    load: &L,
    asked: &Ask,
    mut outcome: Outcome,
) -> Result<()> {
    let mut tx = context.database.write().await?;
    let held = plugins::hold(&mut tx, plugin.id).await?;
    if !load.is_held(&mut tx).await? {
        // It took longer than the lease, and somebody else tries: their word counts.
        return Ok(());
    }
    let settled = plugins::settle_held(context, &mut tx, (&held, plugin), asked, &outcome).await?;
    let after = if settled == Settled::Done {
        judge(load, asked.attempt, &outcome, context)
    } else {
        tx.rollback().await?;
        tx = context.database.write().await?;
        plugins::hold(&mut tx, plugin.id).await?;
        let verdict = Verdict::Again { due_at: context.now(), counts: false };
        outcome = Outcome::failed(Failure::Unknown);
        After { verdict, failure: None }
    };
    load.settle(context, &mut tx, &after, &outcome).await?;
    tx.commit().await?;
    Ok(())
}

/// What a call came to, or that it could not be made.
async fn asked_or_failed(
    plugin: &Installed,
    asking: impl Future<Output = Result<Outcome>>,
) -> Outcome {
    asking.await.unwrap_or_else(|error| {
        super::worker::log(&format!("cannot call {}", plugin.id), &error);
        Outcome::failed(Failure::Host("the portal could not call it: its log says why".to_owned()))
    })
}

/// What becomes of something whose call came to this.
fn judge<L: Load>(load: &L, attempts: u32, outcome: &Outcome, context: &Context) -> After {
    let now = context.now();
    let failure = match &outcome.result {
        Ok(answer) => {
            let failure = Some("it answered something else".to_owned());
            return load.read(answer).unwrap_or(After { verdict: Verdict::Dead, failure });
        }
        Err(failure) => failure,
    };
    let again = |after: i64| Verdict::Again { due_at: now + after, counts: true };
    let soon = Verdict::Again { due_at: now + SOON_MS, counts: false };
    let pause = usize::try_from(attempts).ok().and_then(|it| PAUSES_MS.get(it - 1)).copied();
    let later = pause.map(|it| it + jitter(context, it));
    let too_old = TOO_OLD_MS <= now - load.created_at();
    let verdict = match failure {
        Failure::Busy(_) | Failure::Unknown => soon,
        Failure::Host(_) => Verdict::Again { due_at: now + REPAIR_MS, counts: false },
        Failure::Invalid(_) | Failure::NotExported(_) | Failure::Refused(_) => Verdict::Dead,
        Failure::Reported(error) => match error.kind {
            // The plugin is stopped by now, and this waits for its operator.
            ErrorKind::InvalidConfig => soon,
            ErrorKind::InvalidInput
            | ErrorKind::NotFound
            | ErrorKind::Conflict
            | ErrorKind::Denied => Verdict::Dead,
            ErrorKind::Indeterminate if !L::AGAIN_WHEN_UNKNOWN => Verdict::Dead,
            ErrorKind::Internal if FAULTY_TRIES <= attempts => Verdict::Dead,
            _ => {
                let asked = error.retry_after_ms.and_then(|it| i64::try_from(it).ok());
                let asked = asked.filter(|it| 0 < *it);
                let asked = asked.map(|it| it.clamp(SOON_MS, LONGEST_PAUSE_MS));
                later.map_or(Verdict::Dead, |later| again(asked.unwrap_or(later)))
            }
        },
        // Whoever it waited for was slow.
        Failure::Limit { name: LimitName::Wall, .. } => later.map_or(Verdict::Dead, again),
        Failure::Limit { .. } | Failure::Trap { .. } if FAULTY_TRIES <= attempts => Verdict::Dead,
        Failure::Limit { .. } | Failure::Trap { .. } => later.map_or(Verdict::Dead, again),
    };
    let waits = matches!(verdict, Verdict::Again { .. });
    let verdict = if waits && too_old { Verdict::Dead } else { verdict };
    After { verdict, failure: Some(plugins::describe(failure)) }
}

/// Up to a fifth more, so that what failed together is not tried together.
fn jitter(context: &Context, pause: i64) -> i64 {
    let [byte] = context.random::<1>();
    pause * i64::from(byte) / (5 * 256)
}

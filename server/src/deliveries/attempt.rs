//! One try of a delivery, and what becomes of it.

use myrelay_plugin_host::{Answer, Call, Failure, LimitName, Outcome, events, types::ErrorKind};

use super::{After, Leased, store};
use crate::{
    Result,
    context::Context,
    outbox,
    plugins::{self, Ask, Installed, Settled},
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

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Delivered,
    /// Tried again, not before then.
    Again {
        due_at: i64,
        /// Whether the try counts.
        counts: bool,
    },
    Dead,
}

/// Tries a delivery, and writes down in one transaction what came of it.
pub(super) async fn attempt(context: &Context, plugin: &Installed, leased: &Leased) -> Result<()> {
    let asked = Ask {
        call: Call::Event(event(leased)),
        about: outbox::published(&leased.kind),
        delivery: leased.id.to_string(),
        attempt: leased.attempts,
        at: leased.at,
    };
    let outcome = if leased.attempts <= MOST_TRIES {
        asked_or_failed(context, plugin, &asked).await
    } else {
        // A call that ends the portal tells nothing: only the leases count it.
        Outcome::failed(Failure::Invalid("no try came back".to_owned()))
    };
    let mut tx = context.database.write().await?;
    plugins::hold_first(&mut tx, plugin.id).await?;
    if !store::is_leased(&mut tx, leased.id, &leased.lease).await? {
        // It took longer than the lease, and somebody else tries: their word counts.
        return Ok(());
    }
    let settled = plugins::settle(context, &mut tx, plugin, &asked, &outcome).await?;
    let after = if settled == Settled::Done {
        judge(leased, &outcome, context)
    } else {
        tx.rollback().await?;
        tx = context.database.write().await?;
        let verdict = Verdict::Again { due_at: context.now(), counts: false };
        After { verdict, failure: None }
    };
    store::settle(&mut tx, leased.id, &leased.lease, &after, context.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// What a call came to, or that it could not be made.
async fn asked_or_failed(context: &Context, plugin: &Installed, asked: &Ask) -> Outcome {
    plugins::ask(context, plugin, asked).await.unwrap_or_else(|error| {
        super::log(&format!("cannot call {}", plugin.id), &error);
        Outcome::failed(Failure::Host("the portal could not call it: its log says why".to_owned()))
    })
}

fn event(leased: &Leased) -> events::Event {
    events::Event {
        id: leased.event.to_string(),
        type_name: outbox::published(&leased.kind).unwrap_or_default(),
        account: leased.account.map(|it| it.to_string()),
        sequence: leased.sequence,
        occurred_at: leased.at.cast_unsigned(),
        data: leased.payload.clone(),
    }
}

/// What becomes of a delivery whose call came to this. Where nobody knows whether it was done, it is
/// tried again all the same: an event is the same each time, and says so by its id.
fn judge(leased: &Leased, outcome: &Outcome, context: &Context) -> After {
    let now = context.now();
    let failure = match &outcome.result {
        Ok(Answer::Done) => return After { verdict: Verdict::Delivered, failure: None },
        Ok(_) => {
            let failure = Some("it answered something else".to_owned());
            return After { verdict: Verdict::Dead, failure };
        }
        Err(failure) => failure,
    };
    let again = |after: i64| Verdict::Again { due_at: now + after, counts: true };
    let soon = Verdict::Again { due_at: now + SOON_MS, counts: false };
    let pause = usize::try_from(leased.attempts).ok().and_then(|it| PAUSES_MS.get(it - 1)).copied();
    let later = pause.map(|it| it + jitter(context, it));
    let too_old = TOO_OLD_MS <= now - leased.created_at;
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
            ErrorKind::Internal if FAULTY_TRIES <= leased.attempts => Verdict::Dead,
            _ => {
                let asked = error.retry_after_ms.and_then(|it| i64::try_from(it).ok());
                let asked = asked.filter(|it| 0 < *it);
                let asked = asked.map(|it| it.clamp(SOON_MS, LONGEST_PAUSE_MS));
                later.map_or(Verdict::Dead, |later| again(asked.unwrap_or(later)))
            }
        },
        // Whoever it waited for was slow.
        Failure::Limit { name: LimitName::Wall, .. } => later.map_or(Verdict::Dead, again),
        Failure::Limit { .. } | Failure::Trap { .. } if FAULTY_TRIES <= leased.attempts => {
            Verdict::Dead
        }
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

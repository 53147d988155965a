//! Carries what is due of one plugin: several calls at a time, and what went well is written down
//! together, with the leases of what comes next.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use myrelay_domain::ids::{DeliveryId, InstallationId};
use myrelay_plugin_host::{Answer, Call, Outcome, events};
use tokio::task::JoinSet;

use super::{
    AT_A_TIME, LEASE_MS, Leased,
    attempt::{ask, settle},
    store,
    worker::log,
};
use crate::{
    Result,
    context::Context,
    database::Write,
    outbox,
    plugins::{self, Ask, Installed, Settled},
};

/// How many are looked for at a time, one of each account.
const LOOKED_FOR: u32 = 512;
/// How long new calls are begun before somebody looks again at what is due, and at the plugin.
const BEGUN_FOR: Duration = Duration::from_millis(500);

/// What may be leased next of one plugin.
pub(super) struct Queue {
    plugin: InstallationId,
    /// What they are leased with.
    lease: String,
    /// Of each account the first that is open.
    due: VecDeque<DeliveryId>,
    /// How many more may be tried.
    left: usize,
    until: Instant,
}

/// A delivery that was tried, with what it came to.
struct Tried {
    leased: Leased,
    asked: Ask,
    outcome: Outcome,
}

/// Tries what is due of one plugin; answers whether anything was.
pub(super) async fn deliver_due(context: &Context, plugin: &Installed) -> Result<bool> {
    // Loading may take longer than a lease.
    if !plugins::is_ready(context, plugin).await? {
        return Ok(false);
    }
    let most = plugin.health.calls_at_a_time(AT_A_TIME);
    let mut queue = Queue::of(context, plugin.id, most).await?;
    let leased = queue.lease(context, most).await?;
    let busy = !leased.is_empty();
    carry(context, plugin, leased, &mut queue).await?;
    Ok(busy)
}

/// Tries these, and what comes after them for as long as all goes well.
pub(super) async fn carry(
    context: &Context,
    plugin: &Installed,
    leased: Vec<Leased>,
    queue: &mut Queue,
) -> Result<()> {
    let plugin = Arc::new(plugin.clone());
    let mut calls = JoinSet::new();
    let begin = |calls: &mut JoinSet<Tried>, leased: Vec<Leased>| {
        for one in leased {
            calls.spawn(call(context.clone(), Arc::clone(&plugin), one));
        }
    };
    begin(&mut calls, leased);
    while let Some(first) = calls.join_next().await {
        let mut tried = vec![first.context("a call to a plugin")?];
        while let Some(more) = calls.try_join_next() {
            tried.push(more.context("a call to a plugin")?);
        }
        begin(&mut calls, settle_all(context, &plugin, tried, queue).await);
    }
    Ok(())
}

async fn call(context: Context, plugin: Arc<Installed>, leased: Leased) -> Tried {
    let asked = Ask {
        call: Call::Event(event(&leased)),
        about: outbox::published(&leased.kind),
        delivery: leased.id.to_string(),
        attempt: leased.attempts,
        at: leased.at,
    };
    let outcome = ask(&context, &plugin, &leased, &asked).await;
    Tried { leased, asked, outcome }
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

/// Writes down what came of these; answers what is to be tried next.
async fn settle_all(
    context: &Context,
    plugin: &Installed,
    tried: Vec<Tried>,
    queue: &mut Queue,
) -> Vec<Leased> {
    let went_well = |it: &Tried| matches!(it.outcome.result, Ok(Answer::Done));
    let (well, mut alone): (Vec<_>, Vec<_>) = tried.into_iter().partition(went_well);
    if !alone.is_empty() {
        // It may have to rest.
        queue.stop();
    }
    let next = match settle_well(context, plugin, &well, queue).await {
        Ok(Some(next)) => next,
        beaten_or_failed => {
            if let Err(error) = beaten_or_failed {
                log(&format!("cannot write down together what {} did", plugin.id), &error);
            }
            // One that cannot be written holds up no other.
            queue.stop();
            alone.extend(well);
            Vec::new()
        }
    };
    for Tried { leased, asked, outcome } in alone {
        if let Err(error) = settle(context, plugin, &leased, &asked, outcome).await {
            log(&format!("cannot write down what {} did", plugin.id), &error);
        }
    }
    next
}

/// Writes down in one transaction that these went well, and leases as many that come next. None:
/// something else was written meanwhile, and each of these is to be settled alone.
async fn settle_well(
    context: &Context,
    plugin: &Installed,
    well: &[Tried],
    queue: &mut Queue,
) -> Result<Option<Vec<Leased>>> {
    if well.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let now = context.now();
    let mut tx = context.database.write().await?;
    let held = plugins::hold(&mut tx, plugin.id).await?;
    let ids: Vec<_> = well.iter().map(|it| it.leased.id).collect();
    // What took longer than its lease is tried by somebody else: their word counts.
    let counts = store::settle_delivered(&mut tx, &ids, &queue.lease, now).await?;
    let mut accounts = Vec::new();
    for Tried { leased, asked, outcome } in well.iter().filter(|it| counts.contains(&it.leased.id))
    {
        let both = (&held, plugin);
        let settled = plugins::settle_held(context, &mut tx, both, asked, outcome).await?;
        if settled == Settled::Beaten {
            return Ok(None);
        }
        accounts.push(leased.account);
    }
    queue.due.extend(store::next(&mut tx, plugin.id, &accounts, now).await?);
    if !held.works() {
        queue.stop();
    }
    let next = queue.lease_in(context, &mut tx, well.len()).await?;
    tx.commit().await?;
    Ok(Some(next))
}

impl Queue {
    /// What is due of a plugin. Only so many are tried where it is to be seen first how it does.
    pub(super) async fn of(context: &Context, plugin: InstallationId, most: u32) -> Result<Self> {
        let due = store::due(context.database.read(), plugin, context.now(), LOOKED_FOR).await?;
        let left = if most < AT_A_TIME { usize::try_from(most).unwrap_or(1) } else { usize::MAX };
        let lease = context.new_request_id();
        Ok(Self { plugin, lease, due: due.into(), left, until: Instant::now() + BEGUN_FOR })
    }

    /// Takes up to so many of them.
    pub(super) async fn lease(&mut self, context: &Context, most: u32) -> Result<Vec<Leased>> {
        if self.due.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = context.database.write().await?;
        // As whoever settles does: nobody waits for each other's leases.
        plugins::hold(&mut tx, self.plugin).await?;
        let most = usize::try_from(most).unwrap_or(1);
        let leased = self.lease_in(context, &mut tx, most).await?;
        tx.commit().await?;
        Ok(leased)
    }

    /// The same in a transaction that holds the plugin.
    async fn lease_in(
        &mut self,
        context: &Context,
        tx: &mut Write,
        most: usize,
    ) -> Result<Vec<Leased>> {
        let now = context.now();
        let mut leased = Vec::new();
        loop {
            let room = most.saturating_sub(leased.len()).min(self.left).min(self.due.len());
            if room == 0 || self.until <= Instant::now() {
                return Ok(leased);
            }
            let ids: Vec<_> = self.due.drain(..room.min(store::TOGETHER)).collect();
            let until = now + LEASE_MS;
            let taken = store::lease(tx, &ids, &self.lease, (now, until)).await?;
            self.left -= taken.len();
            leased.extend(taken);
        }
    }

    /// No more are tried for now.
    fn stop(&mut self) {
        self.left = 0;
    }
}

//! Carries what is due of one plugin: several calls at a time, and what went well is written down
//! together, with the leases of what comes next.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use myrelay_domain::ids::DeliveryId;
use myrelay_plugin_host::{Answer, Call, Outcome, events};
use tokio::{
    task::{self, JoinError, JoinSet},
    time::{Instant, sleep_until},
};

use super::{
    AT_A_TIME, LEASE_MS, Leased,
    attempt::{ask, settle},
    store,
    worker::log,
};
use crate::{
    Error, Result,
    context::Context,
    database::Write,
    outbox,
    plugins::{self, Ask, Installed, Keys, Settled},
};

/// How many are looked for at a time, one of each account.
const LOOKED_FOR: u32 = 512;
/// How long new calls are begun before somebody looks again at what is due, and at the plugin.
const BEGUN_FOR: Duration = Duration::from_millis(500);
/// How many calls of one plugin run at a time.
const PLACES: usize = store::TOGETHER;

/// What may be leased next of one plugin.
pub(super) struct Queue {
    /// What they are leased with.
    lease: String,
    /// Of each account the first that is open.
    due: VecDeque<DeliveryId>,
    /// How many more may be tried.
    left: usize,
    /// Until then; then what is due is looked for again.
    until: Instant,
}

/// The deliveries of the calls that run.
pub(super) type Running = HashMap<task::Id, DeliveryId>;

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
    let mut queue = Queue::new(context);
    let leased = queue.lease(context, plugin, &Running::new()).await?;
    let busy = !leased.is_empty();
    carry(context, plugin, leased, &mut queue).await;
    Ok(busy)
}

/// Tries these, and what comes after them, until nothing more is due or may be tried.
pub(super) async fn carry(
    context: &Context,
    plugin: &Installed,
    leased: Vec<Leased>,
    queue: &mut Queue,
) {
    let plugin = Arc::new(plugin.clone());
    // They end with this: who stops the portal waits for no plugin, and the leases bring them back.
    let (mut calls, mut running) = (JoinSet::new(), Running::new());
    let mut next = leased;
    loop {
        let keys = keys(context, &plugin, &next).await;
        for one in next {
            let id = one.id;
            let with = (Arc::clone(&plugin), keys.clone());
            let begun = calls.spawn(call(context.clone(), with, one));
            running.insert(begun.id(), id);
        }
        if calls.is_empty() {
            return;
        }
        next = tokio::select! {
            Some(first) = calls.join_next_with_id() => {
                let writing = begin(context, &plugin).await;
                // Those that ended while somebody else wrote are written down along.
                let mut ended = vec![first];
                ended.extend(std::iter::from_fn(|| calls.try_join_next_with_id()));
                let tried = returned(&plugin, ended, (&mut running, &mut *queue));
                settle_all(context, &plugin, (tried, writing), queue).await
            }
            // A slow call keeps its own place alone.
            () = sleep_until(queue.until), if calls.len() < PLACES => {
                queue.lease(context, &plugin, &running).await.unwrap_or_else(|error| {
                    log(&format!("cannot find more for {}", plugin.id), &error);
                    Vec::new()
                })
            }
        };
    }
}

/// Those that came back. A call that broke has a lease that ends by itself, and counts as a try.
fn returned(
    plugin: &Installed,
    ended: Vec<Result<(task::Id, Tried), JoinError>>,
    (running, queue): (&mut Running, &mut Queue),
) -> Vec<Tried> {
    let mut tried = Vec::with_capacity(ended.len());
    for one in ended {
        match one {
            Ok((task, one)) => {
                running.remove(&task);
                tried.push(one);
            }
            Err(error) => {
                running.remove(&error.id());
                queue.stop();
                log(&format!("a call of {} broke", plugin.id), &Error::Internal(error.into()));
            }
        }
    }
    tried
}

/// The plugin's keys, read once for all of these. None: each reads them itself, and fails itself.
async fn keys(context: &Context, plugin: &Installed, next: &[Leased]) -> Option<Arc<Keys>> {
    if next.is_empty() {
        return None;
    }
    plugins::keys(context, plugin).await.ok().map(Arc::new)
}

async fn call(
    context: Context,
    (plugin, keys): (Arc<Installed>, Option<Arc<Keys>>),
    leased: Leased,
) -> Tried {
    let asked = Ask {
        call: Call::Event(event(&leased)),
        about: outbox::published(&leased.kind),
        delivery: leased.id.to_string(),
        attempt: leased.attempts,
        at: leased.at,
    };
    let outcome = ask(&context, &plugin, keys.as_deref(), &leased, &asked).await;
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

/// A transaction that holds the plugin, and the plugin as it is now.
async fn begin(context: &Context, plugin: &Installed) -> Result<(Write, Installed)> {
    let mut tx = context.database.write().await?;
    let held = plugins::hold(&mut tx, plugin.id).await?;
    Ok((tx, held))
}

/// Writes down what came of these; answers what is to be tried next.
async fn settle_all(
    context: &Context,
    plugin: &Installed,
    (tried, writing): (Vec<Tried>, Result<(Write, Installed)>),
    queue: &mut Queue,
) -> Vec<Leased> {
    let went_well = |it: &Tried| matches!(it.outcome.result, Ok(Answer::Done));
    let (well, mut alone): (Vec<_>, Vec<_>) = tried.into_iter().partition(went_well);
    if !alone.is_empty() {
        // It may have to rest.
        queue.stop();
    }
    let settled = match writing {
        Ok(writing) => settle_well(context, (plugin, writing), &well, queue).await,
        Err(error) => Err(error),
    };
    let next = match settled {
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
    (plugin, (mut tx, held)): (&Installed, (Write, Installed)),
    well: &[Tried],
    queue: &mut Queue,
) -> Result<Option<Vec<Leased>>> {
    if well.is_empty() {
        tx.rollback().await?;
        return Ok(Some(Vec::new()));
    }
    let now = context.now();
    let ids: Vec<_> = well.iter().map(|it| it.leased.id).collect();
    // What took longer than its lease is tried by somebody else: their word counts.
    let counts = store::settle_delivered(&mut tx, &ids, &queue.lease, now).await?;
    let counting = || well.iter().filter(|it| counts.contains(&it.leased.id));
    let went: Vec<_> = counting().map(|it| (&it.asked, &it.outcome)).collect();
    if plugins::settle_well(context, &mut tx, (&held, plugin), &went).await? == Settled::Beaten {
        tx.rollback().await?;
        return Ok(None);
    }
    let accounts: Vec<_> = counting().map(|it| it.leased.account).collect();
    queue.due.extend(store::next(&mut tx, plugin.id, &accounts, now).await?);
    if !held.goes_on(plugin, now) {
        queue.stop();
    }
    let next = queue.lease_in(&mut tx, well.len(), now).await?;
    tx.commit().await?;
    Ok(Some(next))
}

impl Queue {
    pub(super) fn new(context: &Context) -> Self {
        let lease = context.new_request_id();
        Self { lease, due: VecDeque::new(), left: 0, until: Instant::now() + BEGUN_FOR }
    }

    /// Looks what is due of a plugin, and takes as many as there are places beside the calls that
    /// run. Only one is tried where it is to be seen first how it does.
    pub(super) async fn lease(
        &mut self,
        context: &Context,
        plugin: &Installed,
        running: &Running,
    ) -> Result<Vec<Leased>> {
        self.left = 0;
        self.until = Instant::now() + BEGUN_FOR;
        let pool = context.database.read();
        self.due = store::due(pool, plugin.id, context.now(), LOOKED_FOR).await?.into();
        self.until = Instant::now() + BEGUN_FOR;
        // Whose call outlived its lease is not called twice at a time.
        self.due.retain(|id| running.values().all(|it| it != id));
        if self.due.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = context.database.write().await?;
        // As whoever settles does: nobody waits for each other's leases.
        let held = plugins::hold(&mut tx, plugin.id).await?;
        // Others may have had what is written for long.
        self.until = Instant::now() + BEGUN_FOR;
        let now = context.now();
        if !held.goes_on(plugin, now) {
            return Ok(Vec::new());
        }
        let most = held.health.calls_at_a_time(AT_A_TIME);
        let few = usize::try_from(most).unwrap_or(1).saturating_sub(running.len());
        self.left = if most < AT_A_TIME { few } else { usize::MAX };
        let leased = self.lease_in(&mut tx, PLACES.saturating_sub(running.len()), now).await?;
        tx.commit().await?;
        Ok(leased)
    }

    /// Takes up to so many of what is due, in a transaction that holds the plugin.
    async fn lease_in(&mut self, tx: &mut Write, most: usize, now: i64) -> Result<Vec<Leased>> {
        let mut leased = Vec::new();
        loop {
            let room = most.saturating_sub(leased.len()).min(self.left).min(self.due.len());
            if room == 0 || self.until <= Instant::now() {
                return Ok(leased);
            }
            let ids: Vec<_> = self.due.drain(..room.min(PLACES)).collect();
            let taken = store::lease(tx, &ids, &self.lease, (now, now + LEASE_MS)).await?;
            self.left -= taken.len();
            leased.extend(taken);
        }
    }

    /// No more are tried until somebody looks again.
    fn stop(&mut self) {
        self.left = 0;
    }
}

//! Stories about which messages are due where very many wait.

use myrelay_app::contract::MessageKind;
use myrelay_domain::ids::{ChannelId, DeliveryId, EventId, InstallationId};

use super::{MAIL, account, channel, round, store, told};
use crate::{
    context::Context,
    database::Write,
    testing::{Actor, World, stories},
};

/// A message as its row has it.
#[derive(Clone)]
struct Row {
    id: DeliveryId,
    event: EventId,
    channel: ChannelId,
    kind: MessageKind,
    attempts: i64,
    due_at: i64,
    leased_until: Option<i64>,
    /// Which of the three ends it has; none: it waits.
    over: Option<&'static str>,
}

impl Row {
    fn waits(context: &Context, channel: ChannelId, due_at: i64) -> Self {
        let (id, event, kind) = (context.new_id(), context.new_id(), MessageKind::Service);
        Self { id, event, channel, kind, attempts: 0, due_at, leased_until: None, over: None }
    }

    /// Any row: the same one in each run.
    fn any(context: &Context, channel: ChannelId, now: i64) -> Self {
        let [over, kind, tried, due, leased] = context.random::<5>();
        let ends = ["delivered_at", "dead_at", "dropped_at"];
        Self {
            kind: if kind % 4 == 0 { MessageKind::Security } else { MessageKind::Service },
            attempts: i64::from(tried % 8 == 0),
            due_at: [now - i64::from(due), now, now + 500, now + 1000][usize::from(due % 4)],
            leased_until: (leased % 4 == 0).then(|| now + i64::from(leased) - 100),
            over: ends.get(usize::from(over % 16)).copied(),
            ..Self::waits(context, channel, now)
        }
    }

    async fn write(&self, tx: &mut Write, plugin: InstallationId, account: &str) {
        sqlx::query(
            "INSERT INTO outbox (id, kind, account_id, payload, created_at, told_at) \
             VALUES ($1, 'account.resumed', $2, '{}', $3, $3)",
        )
        .bind(self.event.to_string())
        .bind(account)
        .bind(self.due_at)
        .execute(&mut **tx)
        .await
        .unwrap();
        let over = |end: &str| self.over.filter(|it| *it == end).map(|_| 1_i64);
        sqlx::query(
            "INSERT INTO messages (id, channel_id, plugin_id, account_id, event_id, kind, \
                 attempts, due_at, leased_until, delivered_at, dead_at, dropped_at, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $8)",
        )
        .bind(self.id.to_string())
        .bind(self.channel.to_string())
        .bind(plugin.to_string())
        .bind(account)
        .bind(self.event.to_string())
        .bind(self.kind.name())
        .bind(self.attempts)
        .bind(self.due_at)
        .bind(self.leased_until)
        .bind(over("delivered_at"))
        .bind(over("dead_at"))
        .bind(over("dropped_at"))
        .execute(&mut **tx)
        .await
        .unwrap();
    }

    /// Whether this one is due among those of its channel.
    fn is_due(&self, all: &[Self], now: i64) -> bool {
        let is_security = |it: &Self| it.kind == MessageKind::Security;
        let holds_up = |it: &&Self| {
            (it.channel, it.over) == (self.channel, None)
                && it.id.to_string() < self.id.to_string()
                && (is_security(it) || !is_security(self))
                && (0 < it.attempts || it.due_at <= now)
        };
        let is_free = self.leased_until.is_none_or(|it| it <= now);
        self.over.is_none() && self.due_at <= now && is_free && !all.iter().any(|it| holds_up(&it))
    }
}

async fn write(world: &World, plugin: InstallationId, actor: &Actor<'_>, rows: &[Row]) {
    let mut tx = world.context.database.write().await.unwrap();
    for row in rows {
        row.write(&mut tx, plugin, &account(actor)).await;
    }
    tx.commit().await.unwrap();
}

stories! {
    async fn of_each_channel_the_first_is_due_and_the_first_about_security(world) {
        let mail = world.carrier(MAIL).await;
        let other = world.carrier("dev.example.post").await;
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        let (now, mut all) = (world.context.now(), Vec::new());
        let mut channels = Vec::new();
        for (actor, address) in [(&ana, "a@example.org"), (&ana, "b@example.org"), (&bob, "c@example.org")] {
            channels.push((actor, channel(actor, mail, address).await));
        }
        let elsewhere = channel(&bob, other, "d@example.org").await;
        for (actor, channel) in channels {
            let rows: Vec<_> = (0..60).map(|_| Row::any(&world.context, channel, now)).collect();
            write(&world, mail, actor, &rows).await;
            all.extend(rows);
        }
        // What another plugin carries holds nothing up.
        write(&world, other, &bob, &[Row::waits(&world.context, elsewhere, now)]).await;
        let mut seen = 0;
        for now in (0..12).map(|it| now - 300 + it * 125) {
            let mut expected: Vec<_> = all.iter().filter(|it| it.is_due(&all, now)).collect();
            expected.sort_by_key(|it| (it.due_at, it.id.to_string()));
            let expected: Vec<_> = expected.into_iter().map(|it| it.id).collect();
            for most in [1, 2, 100] {
                let due = store::due(world.context.database.read(), mail, now, most).await.unwrap();
                let due: Vec<_> = due.into_iter().map(|it| it.id).collect();
                let few = usize::try_from(most).unwrap().min(expected.len());
                assert_eq!(due, expected[..few], "{now}, {most}");
            }
            seen += expected.len();
        }
        assert!(6 < seen, "too few of these were due to tell anything: {seen}");
    }

    async fn who_waits_behind_thousands_of_others_is_told_all_the_same(world) {
        const MANY: usize = 2000;
        let mail = world.carrier(MAIL).await;
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        let long = channel(&ana, mail, "a@example.org").await;
        let quiet = channel(&ana, mail, "b@example.org").await;
        let short = channel(&bob, mail, "c@example.org").await;
        let (now, before) = (world.context.now(), told(&world).len());
        let waits = |channel, due_at| Row::waits(&world.context, channel, due_at);
        // The first of one channel was tried and waits for its time, and all others for it.
        let mut rows: Vec<_> = (0..MANY).map(|_| waits(long, now)).collect();
        rows[0] = Row { attempts: 1, due_at: now + 5000, ..rows[0].clone() };
        rows.extend((0..200).map(|_| waits(quiet, now + 60_000)));
        rows.push(Row { kind: MessageKind::Security, ..waits(quiet, now) });
        write(&world, mail, &ana, &rows).await;
        write(&world, mail, &bob, &[waits(short, now)]).await;
        assert!(round(&world.context).await.unwrap());
        assert!(!round(&world.context).await.unwrap(), "no more of them is due");
        let addresses = |from: usize| -> Vec<_> {
            told(&world).into_iter().skip(from).map(|it| it.0).collect()
        };
        let mut heard = addresses(before);
        heard.sort();
        assert_eq!(heard, ["b@example.org", "c@example.org"]);

        // In their order, one after the other.
        world.clock.advance(5000);
        for _ in 0..3 {
            assert!(round(&world.context).await.unwrap());
        }
        assert_eq!(addresses(before + 2), ["a@example.org"; 3]);
        let carried = |it: &&Row| world.host.heard().iter().any(|call| call.delivery_id == it.id.to_string());
        let first: Vec<_> = rows.iter().take(MANY).filter(carried).map(|it| it.id).collect();
        assert_eq!(first, rows[..3].iter().map(|it| it.id).collect::<Vec<_>>());
    }
}

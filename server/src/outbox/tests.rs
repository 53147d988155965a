//! Stories about events that several take at once.

use myrelay_domain::ids::EventId;

use super::{mark_dispatched, waiting};
use crate::{
    database::{Engine, Write},
    testing::{World, stories},
};

/// Four events that wait, oldest first, whose rows do not lie in that order: as many as one statement
/// takes at once.
async fn events(world: &World) -> Vec<EventId> {
    for number in 0..4 {
        world.customer(&format!("c{number}")).await;
    }
    let ids: Vec<_> = waiting(&world.context, 4).await.unwrap().iter().map(|it| it.id).collect();
    assert_eq!(ids.len(), 4);
    let mut tx = world.context.database.write().await.unwrap();
    for id in ids.iter().rev() {
        write(&mut tx, *id).await.unwrap();
    }
    tx.commit().await.unwrap();
    ids
}

/// Writes an event's row, which holds it.
async fn write(tx: &mut Write, id: EventId) -> sqlx::Result<()> {
    let sql = "UPDATE outbox SET kind = kind WHERE id = $1";
    sqlx::query(sql).bind(id.to_string()).execute(&mut **tx).await.map(drop)
}

stories! {
    async fn who_waits_for_the_first_event_holds_none_of_the_others(world) {
        let ids = events(&world).await;
        let (first, last) = (ids[0], *ids.last().unwrap());
        let mut other = world.context.database.write().await.unwrap();
        write(&mut other, first).await.unwrap();
        let takes = async {
            let mut tx = world.context.database.write().await.unwrap();
            if world.context.database.engine() == Engine::Postgres {
                // As PostgreSQL finds the rows where it takes no index: as they lie.
                for way in ["SET LOCAL enable_indexscan = off", "SET LOCAL enable_bitmapscan = off"] {
                    sqlx::query(way).execute(&mut *tx).await.unwrap();
                }
            }
            let ours = mark_dispatched(&mut tx, &ids, 1).await.unwrap();
            tx.commit().await.unwrap();
            ours.len()
        };
        let holds = async {
            // On SQLite nobody else has even begun.
            if world.context.database.engine() == Engine::Postgres {
                let waits = "SELECT COUNT(*) FROM pg_locks JOIN pg_stat_activity USING (pid) \
                             WHERE NOT granted AND datname = current_database()";
                while world.count(waits).await == 0 {
                    tokio::task::yield_now().await;
                }
                sqlx::query("SET LOCAL lock_timeout = 1000").execute(&mut *other).await.unwrap();
            }
            write(&mut other, last).await.expect("nobody holds it");
            other.commit().await.unwrap();
        };
        let (taken, ()) = tokio::join!(takes, holds);
        assert_eq!(taken, ids.len());
    }
}

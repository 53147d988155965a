//! Stories about cookies and how long they are good.

use serde_json::json;
use time::OffsetDateTime;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
};

use super::{ABSOLUTE_MS, ACCOUNT, IDLE_MS, Sessions, hash, prune};
use crate::{
    context::Caller,
    testing::{World, stories},
};

async fn signed_in(world: &World, sessions: &Sessions) -> Record {
    let Caller::Account(account) = world.customer("ana").await.caller else { panic!() };
    let data = [(ACCOUNT.to_owned(), json!(account.to_string()))].into();
    let mut record = Record { id: Id::default(), data, expiry_date: OffsetDateTime::UNIX_EPOCH };
    sessions.create(&mut record).await.unwrap();
    record
}

stories! {
    async fn a_session_is_found_until_it_is_deleted(world) {
        let sessions = Sessions::new(world.context.clone());
        let record = signed_in(&world, &sessions).await;
        let found = sessions.load(&record.id).await.unwrap().unwrap();
        assert_eq!(found.data, record.data);
        assert!(sessions.load(&Id::default()).await.unwrap().is_none());
        sessions.delete(&record.id).await.unwrap();
        sessions.delete(&record.id).await.unwrap();
        assert!(sessions.load(&record.id).await.unwrap().is_none());
    }

    async fn an_idle_session_ends_and_a_used_one_ends_later(world) {
        let sessions = Sessions::new(world.context.clone());
        let record = signed_in(&world, &sessions).await;
        for _ in 0..ABSOLUTE_MS / (IDLE_MS / 2) - 1 {
            world.clock.advance(IDLE_MS / 2);
            assert!(sessions.load(&record.id).await.unwrap().is_some(), "it is used");
        }
        world.clock.advance(IDLE_MS / 2);
        assert!(sessions.load(&record.id).await.unwrap().is_none(), "a day is over");

        let other = {
            let mut record = record.clone();
            record.id = Id::default();
            sessions.create(&mut record).await.unwrap();
            record
        };
        world.clock.advance(IDLE_MS);
        assert!(sessions.load(&other.id).await.unwrap().is_none(), "nobody used it");
        assert_eq!(prune(&world.context).await.unwrap(), 2);
        assert_eq!(world.count("SELECT COUNT(*) FROM sessions").await, 0);
    }

    async fn p25_a_cookie_is_stored_as_a_hash_only(world) {
        let sessions = Sessions::new(world.context.clone());
        let record = signed_in(&world, &sessions).await;
        assert!(!hash(&record.id).contains(&record.id.to_string()));
        assert_eq!(hash(&record.id).len(), 64);
        assert_eq!(world.count("SELECT COUNT(*) FROM sessions WHERE LENGTH(token_hash) = 64").await, 1);
    }

    async fn a_taken_id_is_replaced_not_overwritten(world) {
        let sessions = Sessions::new(world.context.clone());
        let record = signed_in(&world, &sessions).await;
        let mut twin = record.clone();
        sessions.create(&mut twin).await.unwrap();
        assert_ne!(twin.id, record.id);
        assert!(sessions.load(&record.id).await.unwrap().is_some());
    }
}

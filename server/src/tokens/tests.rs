//! Stories about tokens.

use futures::future::join_all;
use myrelay_app::contract::{
    AccountContract, CreateToken, CreatedToken, PeerContract, PodContract, PortalError,
    TokenContract,
};
use myrelay_domain::{ids::PodId, token::Token};

use super::{DAY_MS, MAX_TOKENS, identify};
use crate::{
    context::Caller,
    outbox,
    testing::{Actor, BEGIN, World, add_peer, stories},
};

fn not_found(what: &str) -> PortalError {
    PortalError::NotFound { what: what.to_owned() }
}

fn input(pod: PodId, name: &str, expiry: &str) -> CreateToken {
    CreateToken { pod: pod.to_string(), name: name.to_owned(), expiry: expiry.to_owned() }
}

async fn made(actor: &Actor<'_>, pod: PodId, name: &str) -> CreatedToken {
    actor.api().create_token(input(pod, name, "1-year")).await.unwrap()
}

async fn caller_of(world: &World, token: &CreatedToken) -> Option<Caller> {
    identify(&world.context, &token.token).await.unwrap().map(|(_, caller)| caller)
}

async fn events(world: &World, name: &str) -> usize {
    outbox::names(&world.context).await.iter().filter(|it| *it == name).count()
}

stories! {
    async fn a_customer_makes_a_token_and_a_program_is_known_by_it(world) {
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let token = made(&ana, pod, " router ").await;
        assert_eq!((token.name.as_str(), token.location.as_str()), ("router", "Frankfurt"));
        assert_eq!(token.expires_at, Some(BEGIN + 365 * DAY_MS));
        assert!(token.token.starts_with("myr_pod_"));
        let Caller::Account(account) = ana.caller else { panic!("ana is a customer") };
        assert_eq!(caller_of(&world, &token).await, Some(Caller::PodToken { account, pod }));

        let view = ana.api().list_tokens(&pod.to_string()).await.unwrap();
        assert_eq!((view.limit, view.tokens.len(), view.location.as_str()), (MAX_TOKENS, 1, "Frankfurt"));
        let row = &view.tokens[0];
        assert_eq!((row.name.as_str(), row.created_at), ("router", BEGIN));
        let one = ana.api().get_token(&pod.to_string(), &row.id.to_string()).await.unwrap();
        assert_eq!(&one.token, row);
        assert_eq!(events(&world, "token.created").await, 1);
    }

    async fn p25_a_pod_token_is_stored_as_a_hash_only(world) {
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let token = made(&ana, pod, "router").await;
        let secret = token.token.strip_prefix("myr_pod_").unwrap();
        let stored: Vec<(String, String)> =
            sqlx::query_as("SELECT name, token_hash FROM pod_tokens")
                .fetch_all(world.context.database.read())
                .await
                .unwrap();
        let hash = Token::parse_for_pod(&token.token).unwrap().hash();
        assert_eq!(stored, [("router".to_owned(), hash.as_str().to_owned())]);
        assert!(!world.stored_text().await.contains(secret), "nor does an event tell it");
    }

    async fn the_last_use_is_known_by_the_day(world) {
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let token = made(&ana, pod, "router").await;
        let used = async || ana.api().list_tokens(&pod.to_string()).await.unwrap().tokens[0].used_at;
        assert_eq!(used().await, None);
        for (hours, day) in [(7, 0), (9, 0), (9, 1), (1, 1), (48, 3)] {
            world.clock.advance(hours * 60 * 60 * 1000);
            assert!(caller_of(&world, &token).await.is_some());
            assert_eq!(used().await, Some(BEGIN + day * DAY_MS), "{hours} hours later");
        }
    }

    async fn a_token_ends_when_it_was_to_and_not_before(world) {
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let month = ana.api().create_token(input(pod, "month", "30-days")).await.unwrap();
        let endless = ana.api().create_token(input(pod, "endless", "never")).await.unwrap();
        assert_eq!(endless.expires_at, None);
        world.clock.advance(30 * DAY_MS - 1);
        assert!(caller_of(&world, &month).await.is_some(), "a millisecond is left");
        world.clock.advance(1);
        assert_eq!(caller_of(&world, &month).await, None);
        world.clock.advance(9000 * DAY_MS);
        assert!(caller_of(&world, &endless).await.is_some());
        let rows = ana.api().list_tokens(&pod.to_string()).await.unwrap().tokens;
        assert_eq!(rows.len(), 2, "what is over stays in the list until it is revoked");
    }

    async fn bad_names_and_ends_are_refused_by_field_and_a_name_twice(world) {
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        made(&ana, pod, "router").await;
        let long = "n".repeat(65);
        for (name, expiry, expected) in [
            ("", "never", "name"),
            ("a\nb", "never", "name"),
            (&long, "never", "name"),
            ("router", "never", "name"),
            ("other", "", "expiry"),
            ("other", "2-years", "expiry"),
        ] {
            let refused = ana.api().create_token(input(pod, name, expiry)).await;
            let Err(PortalError::Invalid { field, .. }) = refused else {
                panic!("{name:?} and {expiry:?} were taken")
            };
            assert_eq!(field, expected, "{name:?} {expiry:?}");
        }
        assert_eq!(world.count("SELECT COUNT(*) FROM pod_tokens").await, 1);
        assert_eq!(events(&world, "token.created").await, 1);
    }

    async fn a_pod_has_so_many_tokens_also_when_they_come_at_once(world) {
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        for number in 1..MAX_TOKENS {
            made(&ana, pod, &format!("router {number}")).await;
        }
        let all = (0..4).map(|number| {
            let api = ana.api();
            async move { api.create_token(input(pod, &format!("late {number}"), "never")).await }
        });
        let done = join_all(all).await;
        assert_eq!(done.iter().filter(|it| it.is_ok()).count(), 1);
        let full = ana.api().create_token(input(pod, "one more", "never")).await;
        let Err(PortalError::Limit { message }) = full else { panic!("one more was made") };
        assert!(message.contains("at most 20 tokens"), "{message}");
        assert_eq!(world.count("SELECT COUNT(*) FROM pod_tokens").await, i64::from(MAX_TOKENS));

        let rows = ana.api().list_tokens(&pod.to_string()).await.unwrap().tokens;
        ana.api().revoke_token(&pod.to_string(), &rows[7].id.to_string()).await.unwrap();
        made(&ana, pod, "in its place").await;
    }

    async fn a_revoked_token_is_refused_at_once_and_the_others_go_on(world) {
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let (kept, lost) = (made(&ana, pod, "kept").await, made(&ana, pod, "lost").await);
        let rows = ana.api().list_tokens(&pod.to_string()).await.unwrap().tokens;
        assert_eq!((rows[0].name.as_str(), rows[1].name.as_str()), ("lost", "kept"));
        let (pod_id, id) = (pod.to_string(), rows[0].id.to_string());
        ana.api().revoke_token(&pod_id, &id).await.unwrap();
        assert_eq!(caller_of(&world, &lost).await, None);
        assert!(caller_of(&world, &kept).await.is_some());
        assert_eq!(ana.api().revoke_token(&pod_id, &id).await, Err(not_found("token")));
        assert_eq!(ana.api().get_token(&pod_id, &id).await, Err(not_found("token")));
        assert_eq!(events(&world, "token.revoked").await, 1);
    }

    async fn another_accounts_tokens_do_not_exist_and_another_pods_are_elsewhere(world) {
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        world.node(&olga, "Oslo").await;
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        let (pod, oslo) = (ana.pod("Frankfurt").await, ana.pod("Oslo").await);
        let token = made(&ana, pod, "router").await;
        let id = ana.api().list_tokens(&pod.to_string()).await.unwrap().tokens[0].id.to_string();
        let (pod_id, oslo_id) = (pod.to_string(), oslo.to_string());
        let theirs = bob.pod("Frankfurt").await.to_string();
        assert_eq!(bob.api().list_tokens(&pod_id).await, Err(not_found("pod")));
        let refused = bob.api().create_token(input(pod, "mine", "never")).await;
        assert_eq!(refused.err(), Some(not_found("pod")));
        assert_eq!(bob.api().revoke_token(&pod_id, &id).await, Err(not_found("pod")));
        assert_eq!(bob.api().revoke_token(&theirs, &id).await, Err(not_found("token")));
        assert_eq!(bob.api().get_token(&theirs, &id).await, Err(not_found("token")));
        assert_eq!(ana.api().revoke_token(&oslo_id, &id).await, Err(not_found("token")));
        for unknown in ["", "tok_1", "tok_00000000000000000000000000000001"] {
            assert_eq!(ana.api().revoke_token(&pod_id, unknown).await, Err(not_found("token")));
        }
        assert_eq!(olga.api().list_tokens(&pod_id).await, Err(PortalError::NotAllowed));
        let visitor = world.api(Caller::Visitor);
        assert_eq!(visitor.revoke_token(&pod_id, &id).await, Err(PortalError::SignedOut));
        assert!(caller_of(&world, &token).await.is_some());
    }

    async fn with_the_pod_go_its_tokens_and_with_the_account_they_rest(world) {
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        world.node(&olga, "Oslo").await;
        let ana = world.customer("ana").await;
        let (pod, oslo) = (ana.pod("Frankfurt").await, ana.pod("Oslo").await);
        let (token, other) = (made(&ana, pod, "router").await, made(&ana, oslo, "router").await);
        let Caller::Account(account) = ana.caller else { panic!("ana is a customer") };
        olga.api().suspend_account(&account.to_string()).await.unwrap();
        assert_eq!(caller_of(&world, &token).await, None);
        olga.api().resume_account(&account.to_string()).await.unwrap();
        assert!(caller_of(&world, &token).await.is_some());

        ana.api().delete_pod(&pod.to_string()).await.unwrap();
        assert_eq!(caller_of(&world, &token).await, None);
        assert!(caller_of(&world, &other).await.is_some());
        assert_eq!(world.count("SELECT COUNT(*) FROM pod_tokens").await, 1);
    }

    async fn p13_a_token_manages_its_pods_devices_and_nothing_else(world) {
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        world.node(&olga, "Oslo").await;
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        let (pod, oslo) = (ana.pod("Frankfurt").await, ana.pod("Oslo").await);
        let theirs = bob.pod("Frankfurt").await;
        let other = ana.device(oslo, 1).await.peer.id.to_string();
        let token = made(&ana, pod, "router").await;
        let caller = caller_of(&world, &token).await.unwrap();
        let (program, pod_id) = (Actor { world: &world, caller }, pod.to_string());
        let added = program.device(pod, 2).await.peer.id.to_string();
        assert!(program.api().get_peer(&added).await.is_ok());

        for foreign in [oslo, theirs] {
            let refused = program.api().add_peer(add_peer(foreign, 3)).await;
            assert_eq!(refused.err(), Some(not_found("pod")));
        }
        assert_eq!(program.api().get_peer(&other).await.err(), Some(not_found("device")));
        assert_eq!(program.api().remove_peer(&other).await, Err(not_found("device")));
        assert_eq!(program.api().client_config(&other).await.err(), Some(not_found("device")));

        let no = PortalError::NotAllowed;
        let api = program.api();
        assert_eq!(api.account().await.err(), Some(no.clone()));
        assert_eq!(api.home().await.err(), Some(no.clone()));
        assert_eq!(api.get_pod(&pod_id).await.err(), Some(no.clone()));
        assert_eq!(api.delete_pod(&pod_id).await.err(), Some(no.clone()));
        assert_eq!(api.set_paused(&pod_id, true).await.err(), Some(no.clone()));
        assert_eq!(api.set_devices_meet(&pod_id, true).await.err(), Some(no.clone()));
        assert_eq!(api.check_connection(&added).await.err(), Some(no.clone()));
        assert_eq!(api.list_tokens(&pod_id).await.err(), Some(no.clone()));
        let more = api.create_token(input(pod, "more", "never")).await;
        assert_eq!(more.err(), Some(no.clone()));
        assert_eq!(api.revoke_token(&pod_id, "tok_1").await.err(), Some(no));
        assert!(program.api().remove_peer(&added).await.is_ok());
        assert!(ana.api().get_peer(&other).await.is_ok());
    }
}

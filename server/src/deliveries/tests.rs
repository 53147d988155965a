//! Stories about events on their way to plugins.

mod killed;
mod many;
mod replayed;
mod with_real_plugins;

use myrelay_app::contract::{
    OperatorContract, PluginContract, PluginState, PodContract, PortalError,
};
use myrelay_domain::ids::InstallationId;
use myrelay_plugin_host::{
    Answer, Call, Failure, KvChange, KvCondition, KvWrite, LimitName, types::ErrorKind,
};

use super::{
    AT_A_TIME, DEAD_KEPT_MS, DELIVERED_KEPT_MS, LEASE_MS, Leased,
    carry::{Queue, Running, carry},
    dispatch, prune, round,
};
use crate::{
    outbox,
    plugins::{Installed, Runtime, testing},
    testing::{World, stories},
};

const CREATED: &str = "account.created.v1";
const HOUR_MS: i64 = 3_600_000;

/// Delivers until nothing is due.
async fn settle(world: &World) {
    while round(&world.context).await.unwrap() {}
}

async fn dead(world: &World, plugin: InstallationId) -> usize {
    let olga = world.operator("olga").await;
    olga.api().get_plugin(&plugin.to_string()).await.unwrap().dead.len()
}

/// A portal takes what is due, and has not called yet.
async fn lease(world: &World, plugin: &Installed) -> (Vec<Leased>, Queue) {
    let mut queue = Queue::new(&world.context);
    (queue.lease(&world.context, plugin, &Running::new()).await.unwrap(), queue)
}

/// It calls after all, and says what came of it.
async fn come_back(world: &World, plugin: &Installed, (leased, mut queue): (Vec<Leased>, Queue)) {
    carry(&world.context, plugin, leased, &mut queue).await;
}

/// What is remembered where nothing was before, or nothing at all.
fn remembers(key: &str) -> testing::Outcome {
    let write = KvWrite::Put { value: b"x".to_vec(), version: 1, expires_at_ms: None };
    let change = KvChange { key: key.to_owned(), condition: KvCondition::Version(None), write };
    testing::with(Ok(Answer::Done), vec![change])
}

stories! {
    async fn an_event_reaches_each_plugin_that_listens_once_and_no_other(world) {
        world.customer("before").await;
        settle(&world).await;
        let one = world.plugin("dev.example.one", &[CREATED]).await;
        let two = world.plugin("dev.example.two", &[CREATED, "plugin.installed.v1"]).await;
        world.plugin("dev.example.deaf", &["pod.created.v1"]).await;
        settle(&world).await;
        let ana = world.customer("ana").await;
        settle(&world).await;
        let heard: Vec<_> = world.host.heard().into_iter().filter_map(|it| match it.call {
            Call::Event(event) => Some((it.installation, event, it.config)),
            _ => None,
        }).collect();
        let about = heard.iter().filter(|it| it.1.type_name == CREATED);
        let mut whom: Vec<_> = about.map(|it| it.0.clone()).collect();
        whom.sort();
        assert_eq!(whom, [one.to_string(), two.to_string()]);
        let crate::context::Caller::Account(account) = ana.caller else { panic!("a customer") };
        let (_, event, config) = heard.iter().find(|it| it.1.type_name == CREATED).unwrap();
        assert_eq!(event.account, Some(account.to_string()));
        assert_eq!((event.sequence, config.as_str()), (1, "{}"));
        assert!(event.data.contains(&account.to_string()) && !event.data.contains("example.org"));
        assert_eq!(world.count("SELECT COUNT(*) FROM outbox WHERE dispatched_at IS NULL").await, 0);
    }

    async fn events_of_an_account_come_in_order_though_the_first_is_late(world) {
        world.plugin("dev.example.one", &[CREATED, "token.created.v1", "pod.created.v1"]).await;
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        world.host.fails(ErrorKind::Unavailable);
        let ana = world.customer("ana").await;
        ana.pod("Frankfurt").await;
        settle(&world).await;
        let bob = world.customer("bob").await;
        settle(&world).await;
        let names = || world.host.events().into_iter().map(|it| it.0).collect::<Vec<_>>();
        assert_eq!(names(), [CREATED, CREATED], "ana's pod waits behind ana, and bob does not");
        world.clock.advance(6_000);
        settle(&world).await;
        assert_eq!(names(), [CREATED, CREATED, CREATED, "pod.created.v1"]);
        bob.pod("Frankfurt").await;
        settle(&world).await;
        let numbers: Vec<_> = world.host.heard().into_iter().filter_map(|it| match it.call {
            Call::Event(event) => Some(event.sequence),
            _ => None,
        }).collect();
        assert_eq!(numbers, [1, 1, 1, 2, 2], "each account counts for itself, without gaps");
    }

    async fn a_delivery_is_tried_eight_times_and_then_waits_for_an_operator(world) {
        let plugin = world.plugin("dev.example.one", &[CREATED]).await;
        for _ in 0..8 {
            world.host.answers(|_| testing::failed(ErrorKind::RateLimited, None));
        }
        world.customer("ana").await;
        let mut tried_after = Vec::new();
        let (mut minutes, mut known) = (0, 0);
        while minutes < 72 * 60 {
            settle(&world).await;
            let tries = world.host.events().len();
            if known < tries {
                tried_after.push(minutes);
                known = tries;
            }
            world.clock.advance(60_000);
            minutes += 1;
        }
        assert_eq!(tried_after.len(), 8, "{tried_after:?}");
        let pauses: Vec<_> = tried_after.windows(2).map(|it| it[1] - it[0]).collect();
        for (pause, least) in pauses.iter().zip([1, 5, 30, 120, 300, 600, 600]) {
            assert!((least..=least + least / 5 + 1).contains(pause), "{pauses:?}");
        }
        assert_eq!(dead(&world, plugin).await, 1);
        let olga = world.operator("otto").await;
        let row = olga.api().get_plugin(&plugin.to_string()).await.unwrap().dead.remove(0);
        assert_eq!((row.event.as_str(), row.attempts), ("account.created", 8));
        assert_eq!(row.failure, "rate-limited: the provider said so");

        let (id, text) = (row.id.to_string(), plugin.to_string());
        olga.api().replay_deliveries(&text, Some(&id)).await.unwrap();
        settle(&world).await;
        assert_eq!(world.host.events().last(), Some(&(CREATED.to_owned(), 1)));
        assert_eq!(world.count("SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NULL").await, 0);
        let again = olga.api().replay_deliveries(&text, Some(&id)).await;
        assert_eq!(again, Err(PortalError::NotFound { what: "delivery".to_owned() }));
        olga.api().replay_deliveries(&text, None).await.unwrap();
    }

    async fn what_the_plugin_says_decides_whether_it_is_tried_again(world) {
        let plugin = world.plugin("dev.example.one", &[CREATED]).await;
        let never = [
            ErrorKind::InvalidInput, ErrorKind::NotFound, ErrorKind::Conflict, ErrorKind::Denied,
        ];
        for (number, kind) in never.into_iter().enumerate() {
            world.host.fails(kind);
            world.customer(&format!("c{number}")).await;
            settle(&world).await;
        }
        world.clock.advance(80 * HOUR_MS);
        settle(&world).await;
        assert_eq!((world.host.events().len(), dead(&world, plugin).await), (4, 4));

        // A fault of the plugin's own is tried three times.
        for _ in 0..3 {
            world.host.answers(|_| {
                testing::with(Err(Failure::Trap { what: "a panic".to_owned(), backtrace: String::new() }), Vec::new())
            });
        }
        world.customer("trap").await;
        for _ in 0..5 {
            settle(&world).await;
            world.clock.advance(HOUR_MS);
        }
        assert_eq!(world.host.events().len(), 7);

        // Who is slow may be well later.
        for _ in 0..4 {
            world.host.answers(|_| {
                let name = LimitName::Wall;
                testing::with(Err(Failure::Limit { name, detail: "10 s".to_owned() }), Vec::new())
            });
        }
        world.customer("slow").await;
        for _ in 0..5 {
            settle(&world).await;
            world.clock.advance(3 * HOUR_MS);
        }
        assert_eq!(world.host.events().len(), 12);

        // It knows best how long to wait, but nothing is no time.
        world.host.answers(|_| testing::failed(ErrorKind::RateLimited, Some(0)));
        world.customer("none").await;
        settle(&world).await;
        assert_eq!(world.host.events().len(), 13);
        world.clock.advance(10_000);
        settle(&world).await;
        assert_eq!(world.host.events().len(), 14);
        world.host.answers(|_| testing::failed(ErrorKind::RateLimited, Some(7_000)));
        world.customer("late").await;
        settle(&world).await;
        world.clock.advance(6_999);
        settle(&world).await;
        assert_eq!(world.host.events().len(), 15);
        world.clock.advance(1);
        settle(&world).await;
        assert_eq!(world.host.events().len(), 16);
    }

    async fn settings_that_do_not_work_stop_a_plugin_until_its_operator_comes(world) {
        let plugin = world.plugin("dev.example.one", &[CREATED]).await;
        world.host.fails(ErrorKind::InvalidConfig);
        world.customer("ana").await;
        settle(&world).await;
        world.customer("bob").await;
        world.clock.advance(HOUR_MS);
        settle(&world).await;
        assert_eq!(world.host.events().len(), 1, "nothing is tried with those settings");
        let olga = world.operator("olga").await;
        let view = olga.api().get_plugin(&plugin.to_string()).await.unwrap();
        assert!(view.why.unwrap().contains("settings do not work"), "and it says why");
        assert_eq!(view.row.waiting, 2);
        olga.api().enable_plugin(&plugin.to_string()).await.unwrap();
        settle(&world).await;
        assert_eq!(world.host.events().len(), 3);
        assert_eq!(world.host.events()[1].1, 1, "what was stopped for is no try");
    }

    async fn a_portal_that_dies_while_it_delivers_leaves_the_event_to_another(world) {
        world.plugin("dev.example.one", &[CREATED]).await;
        world.customer("ana").await;
        let installed = crate::plugins::all(&world.context).await.unwrap();
        dispatch(&world.context).await.unwrap();
        let gone = lease(&world, &installed[0]).await;
        assert_eq!(gone.0.len(), 1, "and then the portal is killed");
        let other = world.another_portal().await;
        round(&other).await.unwrap();
        assert_eq!(world.host.events().len(), 0, "it may still be at it");
        world.clock.advance(LEASE_MS);
        round(&other).await.unwrap();
        assert_eq!(world.host.events(), [(CREATED.to_owned(), 2)]);
        // The first one was only slow: its word comes late, and what it brings counts no more.
        let write = KvWrite::Put { value: b"late".to_vec(), version: 1, expires_at_ms: None };
        let change = KvChange { key: "late".to_owned(), condition: KvCondition::Any, write };
        world.host.answers(move |_| testing::with(Ok(Answer::Done), vec![change]));
        come_back(&world, &installed[0], gone).await;
        assert_eq!(world.count("SELECT COUNT(*) FROM plugin_kv").await, 0);
        assert_eq!(world.count("SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NOT NULL").await, 1);
    }

    async fn an_event_whose_calls_kill_the_portal_is_given_up(world) {
        let plugin = world.plugin("dev.example.one", &[CREATED]).await;
        world.customer("ana").await;
        dispatch(&world.context).await.unwrap();
        let installed = crate::plugins::all(&world.context).await.unwrap();
        for _ in 0..8 {
            assert_eq!(lease(&world, &installed[0]).await.0.len(), 1, "and it is killed");
            world.clock.advance(LEASE_MS);
        }
        settle(&world).await;
        assert_eq!((world.host.events().len(), dead(&world, plugin).await), (0, 1));
    }

    async fn a_call_that_is_over_after_another_version_came_is_made_again(world) {
        world.plugin("dev.example.one", &[CREATED]).await;
        world.customer("ana").await;
        dispatch(&world.context).await.unwrap();
        let before = crate::plugins::all(&world.context).await.unwrap();
        let leased = lease(&world, &before[0]).await;
        let next = testing::another_version("dev.example.one", "2.0.0", &[CREATED]);
        crate::plugins::install(&world.context, next).await.unwrap().1.unwrap();
        let write = KvWrite::Put { value: b"old".to_vec(), version: 1, expires_at_ms: None };
        let change = KvChange { key: "form".to_owned(), condition: KvCondition::Any, write };
        world.host.answers(move |_| testing::with(Ok(Answer::Done), vec![change]));
        come_back(&world, &before[0], leased).await;
        assert_eq!(world.count("SELECT COUNT(*) FROM plugin_kv").await, 0);
        settle(&world).await;
        assert_eq!(world.host.events().len(), 2);
        let open = "SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NULL";
        assert_eq!(world.count(open).await, 0);
    }

    async fn two_portals_deliver_each_event_once(world) {
        world.plugin("dev.example.one", &[CREATED]).await;
        let other = world.another_portal().await;
        for number in 0..20 {
            world.customer(&format!("c{number}")).await;
        }
        loop {
            let (here, there) = futures::join!(round(&world.context), round(&other));
            // The loser of a race is told to come back.
            let busy = |it: crate::Result<bool>| !matches!(it, Ok(false));
            if !busy(here) & !busy(there) {
                break;
            }
        }
        assert_eq!(world.host.events().len(), 20);
        let delivered = "SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NOT NULL";
        assert_eq!(world.count(delivered).await, 20);
    }

    async fn what_went_well_counts_though_another_event_was_faster(world) {
        world.plugin("dev.example.one", &[CREATED]).await;
        // The first two say the same and cannot both be right; the one that came late says more.
        for key in ["one", "one", "two", "three"] {
            world.host.answers(move |_| remembers(key));
        }
        for name in ["ana", "bob", "cleo"] {
            world.customer(name).await;
        }
        settle(&world).await;
        let tries: Vec<_> = world.host.events().into_iter().map(|it| it.1).collect();
        assert_eq!(tries, [1, 1, 1, 1], "nobody's fault, and no try");
        let counted = [
            world.count("SELECT COUNT(*) FROM plugin_kv").await,
            world.count("SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NOT NULL").await,
            world.count("SELECT COUNT(*) FROM plugin_calls WHERE call = 'events.handle'").await,
        ];
        assert_eq!(counted, [3; 3]);
    }

    async fn a_backlog_is_carried_in_order_and_no_account_waits_for_another(world) {
        world.plugin("dev.example.one", &[CREATED, "pod.created.v1", "pod.deleted.v1"]).await;
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        bob.pod("Frankfurt").await;
        for _ in 0..2 {
            ana.pod("Frankfurt").await;
            let pod = PodContract::home(&ana.api()).await.unwrap().pods[0].id.to_string();
            PodContract::delete_pod(&ana.api(), &pod).await.unwrap();
        }
        settle(&world).await;
        let heard: Vec<_> = world.host.heard().into_iter().filter_map(|it| match it.call {
            Call::Event(event) => Some((event.account.unwrap(), event.sequence)),
            _ => None,
        }).collect();
        let of = |who: &str| -> Vec<_> {
            heard.iter().filter(|it| it.0 == who).map(|it| it.1).collect()
        };
        let id = |it: &crate::context::Caller| match it {
            crate::context::Caller::Account(id) => id.to_string(),
            _ => panic!("a customer"),
        };
        assert_eq!(of(&id(&ana.caller)), [1, 2, 3, 4, 5]);
        assert_eq!(of(&id(&bob.caller)), [1, 2]);
        let last_of_bob = heard.iter().position(|it| it.0 == id(&bob.caller) && it.1 == 2);
        assert!(last_of_bob < Some(heard.len() - 1), "ana had more: {heard:?}");
    }

    async fn an_operator_has_what_waits_tried_at_once(world) {
        let plugin = world.plugin("dev.example.one", &[CREATED]).await.to_string();
        let olga = world.operator("olga").await;
        for _ in 0..2 {
            world.host.fails(ErrorKind::Unavailable);
        }
        let ana = world.customer("ana").await;
        settle(&world).await;
        world.clock.advance(7_000);
        settle(&world).await;
        assert_eq!(world.host.events().len(), 2, "and now it waits for minutes");
        let view = olga.api().get_plugin(&plugin).await.unwrap();
        assert_eq!(view.row.state, PluginState::Failing);
        assert!(view.why.unwrap().contains("the provider said so"));
        let error = ana.api().enable_plugin(&plugin).await.unwrap_err();
        assert_eq!(error, PortalError::NotAllowed);
        settle(&world).await;
        assert_eq!(world.host.events().len(), 2);
        for _ in 0..2 {
            olga.api().enable_plugin(&plugin).await.unwrap();
            settle(&world).await;
        }
        assert_eq!(world.host.events().len(), 3, "once");
        let row = olga.api().get_plugin(&plugin).await.unwrap().row;
        assert_eq!((row.state, row.waiting), (PluginState::Enabled, 0));
    }

    async fn a_portal_that_cannot_run_plugins_says_so(world) {
        let plugin = world.plugin("dev.example.one", &[CREATED]).await.to_string();
        let olga = world.operator("olga").await;
        let nowhere = world.dir.path().join("no-compiler");
        let runtime = Runtime::in_process(nowhere, world.dir.path().to_owned(), Vec::new());
        let portal = world.portal_with(runtime).await;
        world.customer("ana").await;
        assert!(!round(&portal).await.unwrap());
        let view = crate::deliveries::get_plugin(&portal, olga.caller, &plugin).await.unwrap();
        assert_eq!((view.row.state, view.row.waiting), (PluginState::Unloaded, 1));
        assert!(view.why.unwrap().contains("no-compiler is missing"));
        let overview = crate::nodes::overview(&portal, olga.caller).await.unwrap();
        assert_eq!(overview.plugins, [view.row]);
        // It is here that it does not run.
        assert_eq!(olga.api().overview().await.unwrap().plugins, []);
        settle(&world).await;
        assert_eq!(world.host.events().len(), 1);
    }

    async fn whoever_fails_is_not_asked_for_all_that_waits(world) {
        let plugin = world.plugin("dev.example.one", &[CREATED]).await;
        let count = 3 * usize::try_from(AT_A_TIME).unwrap();
        for number in 0..count {
            world.host.fails(ErrorKind::Unavailable);
            world.customer(&format!("c{number}")).await;
        }
        settle(&world).await;
        let tried = world.host.events().len();
        assert!((5..=8).contains(&tried), "then it rests: {tried}");
        world.host.forget();
        world.host.fails(ErrorKind::Unavailable);
        world.clock.advance(HOUR_MS);
        settle(&world).await;
        assert_eq!(world.host.events().len(), 1, "one is tried to see how it does");
        assert_eq!(dead(&world, plugin).await, 0);
        world.clock.advance(HOUR_MS);
        settle(&world).await;
        assert_eq!(world.host.events().len(), 1 + count, "and then all that waited");
    }

    async fn a_disabled_plugin_hears_of_nothing_that_happens_meanwhile(world) {
        let plugin = world.plugin("dev.example.one", &[CREATED]).await.to_string();
        let olga = world.operator("olga").await;
        olga.api().disable_plugin(&plugin).await.unwrap();
        world.customer("ana").await;
        settle(&world).await;
        olga.api().enable_plugin(&plugin).await.unwrap();
        settle(&world).await;
        assert_eq!(world.host.events().len(), 0);
        world.customer("bob").await;
        settle(&world).await;
        assert_eq!(world.host.events().len(), 1);
    }

    async fn the_tries_of_a_delivery_belong_to_one_trace(world) {
        world.plugin("dev.example.one", &[CREATED]).await;
        world.host.fails(ErrorKind::Unavailable);
        world.customer("ana").await;
        settle(&world).await;
        world.clock.advance(6_000);
        settle(&world).await;
        world.customer("bob").await;
        settle(&world).await;
        let events = world.host.heard().into_iter().filter(|it| matches!(it.call, Call::Event(_)));
        let traces: Vec<_> = events.map(|it| it.trace_parent.unwrap()).collect();
        let parts: Vec<Vec<&str>> = traces.iter().map(|it| it.split('-').collect()).collect();
        let [first, second, bobs] = &parts[..] else { panic!("{traces:?}") };
        assert_eq!(first[1], second[1], "ana's, twice");
        assert_ne!(first[2], second[2], "each try is a part of its own");
        assert_ne!(first[1], bobs[1]);
    }

    async fn what_is_over_is_forgotten_and_the_counting_goes_on(world) {
        world.plugin("dev.example.one", &[CREATED, "pod.created.v1", "pod.deleted.v1"]).await;
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        ana.pod("Frankfurt").await;
        settle(&world).await;
        world.clock.advance(DELIVERED_KEPT_MS.max(DEAD_KEPT_MS) + 1);
        prune(&world.context).await.unwrap();
        assert_eq!(world.count("SELECT COUNT(*) FROM deliveries").await, 1, "the last of ana's");
        let pod = PodContract::home(&ana.api()).await.unwrap().pods[0].id.to_string();
        PodContract::delete_pod(&ana.api(), &pod).await.unwrap();
        settle(&world).await;
        let last = world.host.heard().pop().unwrap();
        let Call::Event(event) = last.call else { panic!("an event") };
        assert_eq!((event.type_name.as_str(), event.sequence), ("pod.deleted.v1", 3));
        assert!(outbox::published("a.later_event").is_none());
    }
}

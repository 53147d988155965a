//! Stories about operators who set what a plugin may use.

use myrelay_app::contract::{
    LimitKind, LimitsChange, PluginContract, PluginFormContract, PluginLimitsView, PluginState,
    PortalError, SetLimit, SettingsChange, TypedFields,
};
use myrelay_plugin_host::{Call, Limits, types::ErrorKind};

use super::{
    change::set_up,
    life::{ONE, heard, next, version},
};
use crate::{
    deliveries, outbox,
    plugins::{Installed, find, install, kept_limits, revoke, testing},
    testing::{Actor, World, stories},
};

fn typed(pairs: &[(&str, &str)]) -> TypedFields {
    TypedFields(pairs.iter().map(|(name, it)| ((*name).to_owned(), (*it).to_owned())).collect())
}

/// Sets these and leaves the others empty, of the plugin as it stands.
async fn set(olga: &Actor<'_>, id: &str, pairs: &[(&str, &str)]) -> LimitsChange {
    let revision = olga.api().plugin_limits(id).await.unwrap().revision.to_string();
    let sent = [&[("revision", revision.as_str())][..], pairs].concat();
    olga.api().change_plugin_limits(id, typed(&sent)).await.unwrap()
}

fn refused(change: LimitsChange) -> PluginLimitsView {
    match change {
        LimitsChange::Refused(view) => *view,
        LimitsChange::Saved => panic!("it was saved"),
    }
}

fn values(view: &PluginLimitsView) -> Vec<&str> {
    view.fields.iter().map(|it| it.value.as_str()).collect()
}

fn errors(view: &PluginLimitsView) -> Vec<Option<&str>> {
    view.fields.iter().map(|it| it.error.as_deref()).collect()
}

async fn upgrades(world: &World) -> usize {
    let told = outbox::names(&world.context).await;
    told.iter().filter(|it| *it == "plugin.upgraded").count()
}

/// An event that the plugin hears.
async fn hears(world: &World, name: &str) {
    world.customer(name).await;
    while deliveries::round(&world.context).await.unwrap() {}
}

async fn found(world: &World) -> Installed {
    find(&world.context, ONE).await.unwrap().unwrap()
}

/// The plugin is changed while it has an event; answers how often it is called with that one.
async fn heard_while(world: &World, name: &str, change: impl Future<Output = ()>) -> usize {
    let before = found(world).await;
    world.host.forget();
    let held = world.host.holds(before.id);
    world.customer(name).await;
    let deliver = async { while deliveries::round(&world.context).await.unwrap() {} };
    let changes = async {
        while world.host.events().is_empty() {
            tokio::task::yield_now().await;
        }
        change.await;
    };
    let answers = async move {
        while found(world).await.revision == before.revision {
            tokio::task::yield_now().await;
        }
        drop(held);
    };
    tokio::join!(deliver, changes, answers);
    world.host.events().len()
}

stories! {
    async fn an_operator_sets_what_a_plugin_may_use_and_takes_it_back(world) {
        let (id, olga) = (heard(&world).await, world.operator("olga").await);
        let view = olga.api().plugin_limits(&id).await.unwrap();
        assert_eq!((values(&view), view.is_set), (vec![""; 5], false));
        let bounds: Vec<_> = view.fields.iter().map(|it| (it.least, it.usual, it.most)).collect();
        assert_eq!(bounds, [
            (10, None, 5_000), (100, None, 60_000), (1 << 20, Some(64 << 20), 256 << 20),
            (1, Some(10), 50), (1 << 10, Some(16 << 20), 16 << 20),
        ]);
        world.host.forget();
        let all = [
            ("cpu", "500"), ("wall", " 3000 "), ("memory", "128"), ("requests", "3"), ("store", "64"),
        ];
        // Twice is fine, and nobody hears of it twice.
        for _ in 0..2 {
            assert_eq!(set(&olga, &id, &all).await, LimitsChange::Saved);
        }
        assert_eq!(upgrades(&world).await, 1);
        let calls: Vec<_> = world.host.heard().into_iter().map(|it| it.call).collect();
        assert!(matches!(calls.as_slice(), [Call::ValidateConfig(_)]), "{calls:?}");
        hears(&world, "bob").await;
        let expected = Limits {
            cpu_ms: Some(500), wall_ms: Some(3_000), memory_bytes: 128 << 20, http_requests: 3,
            kv_bytes: 64 << 10,
        };
        assert_eq!(world.host.limits(&id), Some(expected));
        assert_eq!(world.host.limits(&format!("trial-{id}")), None, "nothing of the trial is left");
        let page = olga.api().get_plugin(&id).await.unwrap();
        let used = page.calls[0].limits.unwrap();
        assert_eq!((used.cpu_us, used.wall_us), (500_000, 3_000_000));
        assert_eq!((used.memory, used.requests), (128 << 20, 3));
        assert_eq!((page.limits.len(), page.row.state), (5, PluginState::Enabled));
        assert!(page.capabilities.iter().any(|it| it.what == "Remember things, up to 64 KiB"));

        let view = olga.api().plugin_limits(&id).await.unwrap();
        assert_eq!((values(&view), view.is_set), (vec!["500", "3000", "128", "3", "64"], true));
        // What is not sent is as if it were left empty.
        assert_eq!(set(&olga, &id, &[("memory", "32")]).await, LimitsChange::Saved);
        let one = olga.api().get_plugin(&id).await.unwrap().limits;
        assert_eq!(one, [SetLimit { kind: LimitKind::Memory, number: 32 << 20 }]);
        for _ in 0..2 {
            assert_eq!(set(&olga, &id, &[]).await, LimitsChange::Saved);
        }
        hears(&world, "cleo").await;
        assert_eq!(world.host.limits(&id), Some(Limits::default()));
        assert_eq!((upgrades(&world).await, olga.api().get_plugin(&id).await.unwrap().limits), (3, vec![]));
    }

    async fn what_is_no_number_or_beyond_a_cap_changes_nothing_and_stays_as_it_was_typed(world) {
        let (id, olga) = (heard(&world).await, world.operator("olga").await);
        let view = refused(set(&olga, &id, &[
            ("cpu", "5001"), ("wall", "soon"), ("memory", "0"), ("requests", "-3"), ("store", "64"),
        ]).await);
        assert_eq!(errors(&view), [
            Some("at most 5000, which is the hard cap"),
            Some("expected a whole number, or nothing for the default"),
            Some("at least 1"), Some("at least 1"), None,
        ]);
        assert_eq!(values(&view), ["5001", "soon", "0", "-3", "64"]);
        let view = refused(set(&olga, &id, &[("wall", "60001"), ("store", "1e9"), ("memory", "257")]).await);
        assert_eq!(values(&view), ["", "60001", "257", "", "1e9"]);
        assert_eq!(errors(&view).iter().flatten().count(), 3);
        for sent in [
            vec![("speed", "1")], vec![("cpu", "500"), ("cpu", "600")], vec![("revision", "1")],
        ] {
            let sent = [vec![("revision", "1")], sent].concat();
            let error = olga.api().change_plugin_limits(&id, typed(&sent)).await.unwrap_err();
            assert!(matches!(&error, PortalError::Invalid { field, .. } if field == "form"), "{error}");
        }
        assert_eq!((upgrades(&world).await, found(&world).await.revision), (0, 1));
    }

    async fn what_a_plugin_cannot_run_with_is_refused_beside_its_field(world) {
        let (id, olga) = (heard(&world).await, world.operator("olga").await);
        let view = refused(set(&olga, &id, &[("memory", "1"), ("cpu", "700")]).await);
        let why = errors(&view)[2].unwrap();
        assert!(why.contains("cannot even look at its settings"), "{why}");
        assert!(errors(&view)[0].is_none() && view.error.is_none() && !values(&view)[0].is_empty());
        hears(&world, "bob").await;
        assert_eq!(world.host.limits(&id), Some(Limits::default()), "it runs as before");
        assert_eq!((upgrades(&world).await, found(&world).await.revision), (0, 1));
    }

    async fn limits_change_while_events_come_and_no_call_fails(world) {
        let (id, olga) = (heard(&world).await, world.operator("olga").await);
        let come = async {
            for number in 0..20 {
                hears(&world, &format!("c{number}")).await;
            }
        };
        let change = async {
            for number in ["100", "200", "300"] {
                assert_eq!(set(&olga, &id, &[("cpu", number)]).await, LimitsChange::Saved);
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(come, change);
        while deliveries::round(&world.context).await.unwrap() {}
        let counted = [
            world.count("SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NOT NULL").await,
            world.count("SELECT COUNT(*) FROM plugin_calls WHERE call = 'events.handle'").await,
        ];
        assert_eq!(counted, [21; 2]);
        assert_eq!(world.count("SELECT COUNT(*) FROM plugin_calls WHERE failure IS NOT NULL").await, 0);
        assert!(world.host.events().iter().all(|it| it.1 == 1), "a change is nobody's fault");
    }

    async fn a_call_in_flight_counts_with_other_limits_and_not_with_other_settings(world) {
        let olga = world.operator("olga").await;
        let id = set_up(&world).await.to_string();
        let limits = async {
            assert_eq!(set(&olga, &id, &[("cpu", "100")]).await, LimitsChange::Saved);
        };
        assert_eq!(heard_while(&world, "bob", limits).await, 1, "what it did is not done again");
        let settings = async {
            let revision = found(&world).await.revision.to_string();
            let sent = typed(&[("revision", &revision), ("setting-0", "two"), ("setting-1", "5"), ("secret-0", "")]);
            let saved = olga.api().change_plugin_settings(&id, sent).await;
            assert_eq!(saved, Ok(SettingsChange::Saved));
        };
        assert_eq!(heard_while(&world, "cleo", settings).await, 2, "it said so of other settings");
        let counted = [
            world.count("SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NOT NULL").await,
            world.count("SELECT COUNT(*) FROM plugin_calls WHERE call = 'events.handle'").await,
        ];
        assert_eq!(counted, [2; 2], "each event once");
    }

    async fn two_operators_do_not_undo_each_other_and_do_the_same_twice(world) {
        let (id, olga) = (heard(&world).await, world.operator("olga").await);
        let old = |cpu: &'static str| typed(&[("revision", "1"), ("cpu", cpu)]);
        for _ in 0..2 {
            let done = olga.api().change_plugin_limits(&id, old("500")).await.unwrap();
            assert_eq!(done, LimitsChange::Saved, "it is what was asked for");
        }
        let late = refused(olga.api().change_plugin_limits(&id, old("600")).await.unwrap());
        assert!(late.problems[0].contains("Somebody changed"), "{late:?}");
        assert_eq!((values(&late)[0], late.revision), ("500", 2));
        assert_eq!(upgrades(&world).await, 1);
    }

    async fn limits_outlive_other_settings_and_versions_whatever_those_ask_for(world) {
        let (id, olga) = (heard(&world).await, world.operator("olga").await);
        assert_eq!(set(&olga, &id, &[("memory", "80"), ("cpu", "400")]).await, LimitsChange::Saved);
        let asks = |version: &str, memory: &str| {
            let mut input = next(version);
            input.manifest.push_str(&format!("[limits]\nmemory_mib = {memory}\n"));
            input
        };
        let stands = async || {
            hears(&world, &format!("c{}", found(&world).await.revision)).await;
            let limits = world.host.limits(&id).unwrap();
            (limits.memory_bytes >> 20, limits.cpu_ms)
        };
        let more = asks("2.0.0", "128");
        // Whoever installs it reads that.
        let before = found(&world).await;
        let kept = kept_limits(Some(&before), &myrelay_plugin_host::Manifest::parse(&more.manifest).unwrap());
        let kept: Vec<_> = kept.unwrap().into_iter().map(|it| (it.kind, it.number >> 20, it.asked >> 20)).collect();
        assert_eq!(kept, [(LimitKind::Memory, 80, 128)]);
        install(&world.context, more).await.unwrap().1.unwrap();
        assert_eq!((version(&olga, &id).await.as_str(), stands().await), ("2.0.0", (80, Some(400))));
        let page = olga.api().get_plugin(&id).await.unwrap();
        assert!(page.capabilities.iter().any(|it| it.what == "Use 80 MiB of memory in a call"));
        let number = page.versions[0].number;
        olga.api().rollback_plugin(&id, number).await.unwrap();
        assert_eq!(stands().await, (80, Some(400)));
        let revision = found(&world).await.revision.to_string();
        let saved = olga.api().change_plugin_settings(&id, typed(&[("revision", &revision)])).await;
        assert_eq!(saved, Ok(SettingsChange::Saved));
        assert_eq!(stands().await, (80, Some(400)));
        // Where nothing is set, a version has what it asks for.
        assert_eq!(set(&olga, &id, &[]).await, LimitsChange::Saved);
        install(&world.context, asks("3.0.0", "96")).await.unwrap().1.unwrap();
        assert_eq!(stands().await, (96, None));
        assert_eq!(olga.api().plugin_limits(&id).await.unwrap().fields[2].usual, Some(96 << 20));
    }

    async fn one_that_stands_still_stays_so_and_what_is_revoked_is_left_alone(world) {
        let (id, olga) = (heard(&world).await, world.operator("olga").await);
        let state = async || olga.api().get_plugin(&id).await.unwrap().row.state;
        olga.api().disable_plugin(&id).await.unwrap();
        assert_eq!(set(&olga, &id, &[("cpu", "100")]).await, LimitsChange::Saved);
        assert_eq!(state().await, PluginState::Disabled);
        olga.api().enable_plugin(&id).await.unwrap();
        world.host.fails(ErrorKind::InvalidConfig);
        hears(&world, "bob").await;
        assert_eq!(state().await, PluginState::Stopped);
        assert_eq!(set(&olga, &id, &[("cpu", "200")]).await, LimitsChange::Saved);
        assert_eq!(state().await, PluginState::Stopped);
        let component = testing::input(ONE, &["account.created.v1"]).component;
        let digest = myrelay_plugin_package::Package::digest(&component);
        revoke(&world.context, &digest, "it was stolen").await.unwrap();
        let before = world.host.heard().len();
        let view = refused(set(&olga, &id, &[("cpu", "300")]).await);
        assert!(view.error.unwrap().to_string().contains("it was stolen"));
        assert_eq!(world.host.heard().len(), before, "nothing of it runs");
        assert_eq!(values(&olga.api().plugin_limits(&id).await.unwrap())[0], "200");
    }

    async fn only_operators_set_limits_and_an_unknown_plugin_has_none(world) {
        let (id, olga) = (heard(&world).await, world.operator("olga").await);
        let zoe = world.customer("zoe").await;
        let sent = || typed(&[("revision", "1"), ("cpu", "500")]);
        assert_eq!(zoe.api().plugin_limits(&id).await, Err(PortalError::NotAllowed));
        let change = zoe.api().change_plugin_limits(&id, sent()).await;
        assert_eq!(change, Err(PortalError::NotAllowed));
        for unknown in ["", "inst_00000000000000000000000000000000"] {
            let missing = PortalError::NotFound { what: "plugin".to_owned() };
            assert_eq!(olga.api().plugin_limits(unknown).await, Err(missing.clone()));
            let change = olga.api().change_plugin_limits(unknown, sent()).await;
            assert_eq!(change, Err(missing));
        }
        assert_eq!(found(&world).await.revision, 1);
    }

    async fn other_limits_are_there_or_not_whatever_step_the_portal_ends_at(world) {
        let (id, olga) = (heard(&world).await, world.operator("olga").await);
        for step in 1..60_u32 {
            let (portal, before) = (world.mortal_portal().await, found(&world).await);
            let number = 100 + step;
            let mut chosen = before.chosen().unwrap();
            chosen.set(LimitKind::Cpu, Some(number));
            let change = crate::plugins::set_limits(&portal, &before, chosen);
            let done = world.steps().end_at(step.into(), change).await;
            let after = found(&world).await;
            let is_there = after.chosen().unwrap() == chosen;
            assert_eq!(is_there, before.revision < after.revision, "it ended at step {step}");
            hears(&world, &format!("c{step}")).await;
            let runs = world.host.limits(&id).unwrap();
            assert_eq!(runs.cpu_ms == Some(number), is_there, "it ended at step {step}");
            assert_eq!(olga.api().get_plugin(&id).await.unwrap().row.state, PluginState::Enabled);
            if let Some(done) = done {
                done.unwrap();
                assert!(is_there && 3 < step, "{step} steps");
                return;
            }
        }
        panic!("it takes more than 60 steps");
    }
}

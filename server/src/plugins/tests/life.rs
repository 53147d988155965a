//! Stories about calls that are kept and made once more, and versions that come and go back.

use myrelay_app::contract::{PluginContract, PluginState, PortalError};
use myrelay_plugin_host::{Answer, Call, Failure, HttpTrace, KvCondition, types::ErrorKind};

use super::{put, remembers};
use crate::{
    deliveries, outbox,
    plugins::{
        Input, Origin, RECORDED_KEPT, RECORDED_KEPT_MS, install, install::install_from, prune,
        testing,
    },
    testing::{Actor, World, stories},
};

pub(super) const ONE: &str = "dev.example.one";

pub(super) fn next(version: &str) -> Input {
    let mut input = testing::another_version(ONE, version, &["account.created.v1"]);
    input.component.extend_from_slice(version.as_bytes());
    input
}

/// The plugin, with one event that it heard.
pub(super) async fn heard(world: &World) -> String {
    let id = world.plugin(ONE, &["account.created.v1"]).await.to_string();
    world.customer("ana").await;
    deliveries::round(&world.context).await.unwrap();
    id
}

pub(super) async fn version(olga: &Actor<'_>, id: &str) -> String {
    olga.api().get_plugin(id).await.unwrap().row.version
}

async fn earlier(olga: &Actor<'_>, id: &str) -> Vec<(i64, String)> {
    let view = olga.api().get_plugin(id).await.unwrap();
    view.versions.into_iter().map(|it| (it.number, it.version)).collect()
}

stories! {
    async fn an_operator_sees_what_a_call_was_about_and_the_database_does_not(world) {
        let olga = world.operator("olga").await;
        let id = heard(&world).await;
        let calls = olga.api().get_plugin(&id).await.unwrap().calls;
        let event = &calls[0];
        assert_eq!(event.call, "events.handle");
        let input = event.input.as_deref().unwrap();
        assert!(input.contains("account.created.v1") && input.contains("acct_"), "{input}");
        assert_eq!(event.answer.as_deref(), Some("\"Done\""));
        let limits = event.limits.unwrap();
        assert_eq!((limits.cpu_us, limits.wall_us), (1_000_000, 10_000_000));
        assert_eq!((limits.memory, limits.requests), (64 << 20, 10));
        // The address at which providers report is as good as a key.
        let activated = calls.iter().find(|it| it.call == "activate").unwrap();
        assert_eq!((&activated.input, &activated.answer), (&None, &None));
        let kept: Vec<Option<String>> = sqlx::query_scalar("SELECT recorded FROM plugin_calls")
            .fetch_all(world.context.database.read()).await.unwrap();
        assert_eq!(kept.iter().flatten().count(), 2, "the event, and the settings");
        assert!(kept.iter().flatten().all(|it| !it.contains("account")), "they are sealed");

        // Three days long, and of the newest alone.
        for number in 0..RECORDED_KEPT {
            world.customer(&format!("c{number}")).await;
        }
        while deliveries::round(&world.context).await.unwrap() {}
        prune(&world.context).await.unwrap();
        const COUNT: &str = "SELECT COUNT(*) FROM plugin_calls WHERE recorded IS NOT NULL";
        assert_eq!(world.count(COUNT).await, RECORDED_KEPT);
        world.clock.advance(RECORDED_KEPT_MS + 1);
        prune(&world.context).await.unwrap();
        assert_eq!(world.count(COUNT).await, 0);
        let calls = olga.api().get_plugin(&id).await.unwrap().calls;
        assert!(calls.iter().all(|it| it.input.is_none()) && !calls.is_empty());
    }

    async fn who_closes_the_page_while_a_version_comes_leaves_no_half_of_it(world) {
        let olga = world.operator("olga").await;
        let id = heard(&world).await;
        let asked = |what: fn(&Call) -> bool| {
            world.host.heard().iter().filter(|it| what(&it.call)).count()
        };
        let looks = asked(|it| matches!(it, Call::ValidateConfig(_)));
        let its_own = async {
            while asked(|it| matches!(it, Call::ValidateConfig(_))) == looks {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = its_own => {}
            _done = install(&world.context, next("2.0.0")) => panic!("nobody closed the page"),
        }
        let activated = async {
            while asked(|it| matches!(it, Call::Activate { .. })) < 2 {
                tokio::task::yield_now().await;
            }
        };
        let patience = std::time::Duration::from_secs(10);
        tokio::time::timeout(patience, activated).await.expect("it is told to make itself ready");
        assert_eq!(version(&olga, &id).await, "2.0.0");
    }

    async fn versions_change_while_events_come_and_no_call_fails(world) {
        let olga = world.operator("olga").await;
        let id = heard(&world).await;
        let come = async {
            for number in 0..20 {
                world.customer(&format!("c{number}")).await;
                deliveries::round(&world.context).await.unwrap();
            }
        };
        let change = async {
            for number in ["2.0.0", "3.0.0", "4.0.0"] {
                install(&world.context, next(number)).await.unwrap().1.unwrap();
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(come, change);
        while deliveries::round(&world.context).await.unwrap() {}
        assert_eq!(version(&olga, &id).await, "4.0.0");
        let counted = [
            world.count("SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NOT NULL").await,
            world.count("SELECT COUNT(*) FROM plugin_calls WHERE call = 'events.handle'").await,
        ];
        assert_eq!(counted, [21; 2]);
        assert_eq!(world.count("SELECT COUNT(*) FROM plugin_calls WHERE failure IS NOT NULL").await, 0);
        assert!(world.host.events().iter().all(|it| it.1 == 1), "a swap is nobody's fault");
    }

    async fn a_call_is_made_once_more_and_nothing_comes_of_it(world) {
        let (olga, ana) = (world.operator("olga").await, world.customer("zoe").await);
        let id = heard(&world).await;
        let call = olga.api().get_plugin(&id).await.unwrap().calls[0].clone();
        let text = call.id.to_string();
        let asked = world.host.heard().into_iter().rfind(|it| matches!(it.call, Call::Event(_)));
        let asked = asked.unwrap();
        world.clock.advance(60_000);
        let calls = world.count("SELECT COUNT(*) FROM plugin_calls").await;
        for _ in 0..2 {
            world.host.replays(|_| {
                testing::with(Ok(Answer::Done), vec![put("count", "7", 1, KvCondition::Any)])
            });
            let trial = olga.api().try_call(&id, &text).await.unwrap();
            assert_eq!(trial.before, call);
            assert_eq!(trial.again.answer.as_deref(), Some("\"Done\""));
            assert_eq!(trial.would, ["Remember count (1 bytes)"]);
            assert!(!trial.unrecorded);
        }
        assert_eq!(world.count("SELECT COUNT(*) FROM plugin_kv").await, 0);
        assert_eq!(world.count("SELECT COUNT(*) FROM plugin_calls").await, calls);
        // It sees the same time, and draws the same chance: that is made of the delivery's id.
        let again = world.host.replayed().pop().unwrap();
        assert_eq!(again.call, asked.call);
        assert_eq!((again.now_ms, again.started_ms), (asked.now_ms, asked.started_ms));
        assert_eq!((again.delivery_id, again.attempt), (asked.delivery_id, asked.attempt));

        world.host.replays(|_| testing::failed(ErrorKind::Internal, None));
        let trial = olga.api().try_call(&id, &text).await.unwrap();
        assert_eq!(trial.again.failure.as_deref(), Some("internal: the provider said so"));
        let health = olga.api().get_plugin(&id).await.unwrap().row.state;
        assert_eq!(health, PluginState::Enabled, "what is only tried says nothing of how it is");

        let activated = olga.api().get_plugin(&id).await.unwrap().calls;
        let activated = activated.iter().find(|it| it.call == "activate").unwrap().id.to_string();
        let error = olga.api().try_call(&id, &activated).await.unwrap_err();
        assert!(matches!(error, PortalError::Unavailable { .. }), "{error:?}");
        let missing = PortalError::NotFound { what: "call".to_owned() };
        let two = world.plugin("dev.example.two", &["pod.created.v1"]).await.to_string();
        for (plugin, call) in [(&id, "call_0"), (&id, ""), (&two, text.as_str())] {
            assert_eq!(olga.api().try_call(plugin, call).await.unwrap_err(), missing);
        }
        assert_eq!(ana.api().try_call(&id, &text).await.unwrap_err(), PortalError::NotAllowed);
    }

    async fn two_versions_are_kept_and_an_operator_goes_back_to_one_of_them(world) {
        let (olga, ana) = (world.operator("olga").await, world.customer("ana").await);
        let id = world.plugin(ONE, &["account.created.v1"]).await.to_string();
        remembers(&world, "bob", vec![put("count", "1", 1, KvCondition::Any)]).await;
        for version in ["2.0.0", "3.0.0", "4.0.0"] {
            install(&world.context, next(version)).await.unwrap().1.unwrap();
        }
        let kept = earlier(&olga, &id).await;
        let names: Vec<_> = kept.iter().map(|it| it.1.as_str()).collect();
        assert_eq!(names, ["3.0.0", "2.0.0"]);

        // It is asked to bring back what is remembered; one that cannot changes nothing.
        world.host.fails(ErrorKind::Internal);
        let error = olga.api().rollback_plugin(&id, kept[1].0).await.unwrap_err();
        assert!(matches!(error, PortalError::Unavailable { .. }), "{error:?}");
        assert_eq!(version(&olga, &id).await, "4.0.0");
        world.host.answers(|request| {
            assert!(matches!(&request.call, Call::Migrate { from_version } if from_version == "4.0.0"));
            testing::with(Ok(Answer::Done), vec![put("count", "one", 2, KvCondition::Any)])
        });
        olga.api().rollback_plugin(&id, kept[1].0).await.unwrap();
        let view = olga.api().get_plugin(&id).await.unwrap();
        assert_eq!((view.row.version.as_str(), view.row.state), ("2.0.0", PluginState::Enabled));
        assert_eq!(view.secrets, [("api_key".to_owned(), true)], "secrets stay");
        let memory = olga.api().plugin_memory(&id).await.unwrap();
        assert!(memory.contains("\"text\": \"one\""), "{memory}");
        let kept_now = earlier(&olga, &id).await;
        let names: Vec<_> = kept_now.iter().map(|it| it.1.as_str()).collect();
        assert_eq!(names, ["4.0.0", "3.0.0"]);
        // Once more: that version is not one of the earlier ones any more.
        let missing = PortalError::NotFound { what: "version".to_owned() };
        assert_eq!(olga.api().rollback_plugin(&id, kept[1].0).await.unwrap_err(), missing);
        assert_eq!(olga.api().rollback_plugin(&id, 999).await.unwrap_err(), missing);
        assert_eq!(ana.api().rollback_plugin(&id, kept_now[0].0).await, Err(PortalError::NotAllowed));
        let unknown = olga.api().rollback_plugin("inst_0", 1).await.unwrap_err();
        assert_eq!(unknown, PortalError::NotFound { what: "plugin".to_owned() });

        // One that is disabled goes back too, and stays disabled.
        olga.api().disable_plugin(&id).await.unwrap();
        olga.api().rollback_plugin(&id, kept_now[0].0).await.unwrap();
        let view = olga.api().get_plugin(&id).await.unwrap();
        assert_eq!((view.row.version.as_str(), view.row.state), ("4.0.0", PluginState::Disabled));
        let told = outbox::names(&world.context).await;
        assert_eq!(told.iter().filter(|it| *it == "plugin.upgraded").count(), 5);
    }

    async fn going_back_takes_the_grants_of_then_and_other_settings_are_no_other_version(world) {
        let olga = world.operator("olga").await;
        let mut first = testing::input(ONE, &["account.created.v1"]);
        first.grants.http[0].private = vec!["10.1.2.3/32:443".parse().unwrap()];
        let (id, enabled) = install(&world.context, first).await.unwrap();
        enabled.unwrap();
        let id = id.to_string();
        let again = Input { test_mode: true, ..testing::another_version(ONE, "1.2.3", &["account.created.v1"]) };
        install(&world.context, again).await.unwrap().1.unwrap();
        assert_eq!(earlier(&olga, &id).await, []);
        install(&world.context, next("2.0.0")).await.unwrap().1.unwrap();
        let kept = earlier(&olga, &id).await;
        assert_eq!(kept.len(), 1);
        let granted = async || {
            let view = olga.api().get_plugin(&id).await.unwrap();
            view.capabilities.iter().any(|it| it.what.contains("10.1.2.3"))
        };
        assert!(!granted().await, "the last word on 1.2.3 was without it");
        olga.api().rollback_plugin(&id, kept[0].0).await.unwrap();
        assert!(!granted().await);
        assert_eq!(version(&olga, &id).await, "1.2.3");
    }

    async fn a_version_that_fails_at_what_the_one_before_did_does_not_take_its_place(world) {
        let olga = world.operator("olga").await;
        let id = heard(&world).await;
        let call = olga.api().get_plugin(&id).await.unwrap().calls[0].id.to_string();
        let trap = || Failure::Trap { what: "a panic".to_owned(), backtrace: String::new() };
        let well = |_: &_| testing::done();
        // On the old one, then on the new one.
        for (bad, why) in [
            (testing::failed(ErrorKind::Internal, None), "internal: the provider said so"),
            (testing::with(Err(trap()), Vec::new()), "it broke: a panic"),
            (testing::with(Ok(Answer::Url("https://x.example".to_owned())), Vec::new()), "something else"),
        ] {
            world.host.replays(well);
            world.host.replays(move |_| bad);
            let error = install(&world.context, next("2.0.0")).await.unwrap_err().to_string();
            assert!(error.contains(&call) && error.contains(why), "{error}");
            assert!(error.contains("account.created.v1") && error.contains("--without-canary"));
            assert_eq!(version(&olga, &id).await, "1.2.3");
        }
        let tried = world.host.replayed();
        let on: Vec<_> = tried.iter().map(|it| it.installation.clone()).collect();
        assert_eq!(&on[..2], [id.clone(), format!("trial-{id}")]);
        assert!(tried.iter().all(|it| matches!(it.call, Call::Event(_))));
        // What the one before fails at too says nothing, and neither does a request that nobody
        // made before.
        world.host.replays(|_| testing::failed(ErrorKind::Unavailable, None));
        world.host.replays(|_| testing::failed(ErrorKind::Unavailable, None));
        install(&world.context, next("2.0.0")).await.unwrap().1.unwrap();
        world.host.replays(well);
        world.host.replays(|_| {
            let mut outcome = testing::failed(ErrorKind::Unavailable, None);
            outcome.http = vec![HttpTrace::unrecorded("POST", "https://api.example.org/v2")];
            outcome
        });
        install(&world.context, next("3.0.0")).await.unwrap().1.unwrap();
        // An operator may know better.
        world.host.replays(well);
        world.host.replays(move |_| testing::with(Err(trap()), Vec::new()));
        let before = world.host.replayed().len();
        let origin = Origin { without_canary: true, ..Origin::default() };
        install_from(&world.context, next("4.0.0"), &origin).await.unwrap().1.unwrap();
        assert_eq!(world.host.replayed().len(), before);
        assert_eq!(version(&olga, &id).await, "4.0.0");
        assert_eq!(world.count("SELECT COUNT(*) FROM plugin_kv").await, 0);
    }

    async fn what_a_plugin_remembers_is_taken_along_before_it_is_removed(world) {
        let (olga, ana) = (world.operator("olga").await, world.customer("ana").await);
        let id = world.plugin(ONE, &["account.created.v1"]).await.to_string();
        let mut changes = vec![put("b/\u{e9}", "text", 1, KvCondition::Any)];
        let mut raw = put("a", "", 1, KvCondition::Any);
        raw.write = myrelay_plugin_host::KvWrite::Put {
            value: vec![0xff, 0], version: 1, expires_at_ms: Some(4_000_000_000_000),
        };
        changes.push(raw);
        remembers(&world, "bob", changes).await;
        let text = olga.api().plugin_memory(&id).await.unwrap();
        let file: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(file["format"], "myrelay plugin memory 1");
        assert_eq!((&file["plugin"], &file["version"]), (&ONE.into(), &"1.2.3".into()));
        assert_eq!(file["at"], world.context.now());
        assert_eq!(file["entries"], serde_json::json!([
            { "name": "a", "base64": "/wA=", "expires_at": 4_000_000_000_000_i64 },
            { "name": "b/\u{e9}", "text": "text" },
        ]));
        assert!(!text.contains("hush"), "secrets are not in it");
        assert_eq!(ana.api().plugin_memory(&id).await.unwrap_err(), PortalError::NotAllowed);
        olga.api().remove_plugin(&id, false).await.unwrap();
        let missing = PortalError::NotFound { what: "plugin".to_owned() };
        assert_eq!(olga.api().plugin_memory(&id).await.unwrap_err(), missing);
        for count in ["SELECT COUNT(*) FROM plugin_versions", "SELECT COUNT(*) FROM plugin_secrets"] {
            assert_eq!(world.count(count).await, 0, "{count}");
        }
    }
}

//! Stories about plugins that come, go and remember.

mod asked;
mod keys;
mod killed;
mod life;
mod limits;
mod run_log;
mod with_real_plugins;

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use myrelay_app::contract::{PluginContract, PluginState, PortalError};
use myrelay_plugin_host::{
    Answer, Call, KvChange, KvCondition, KvReader, KvUsage, KvWrite, Manifest, PluginSecret,
    types::ErrorKind,
};

use myrelay_plugin_package::PublisherKey;

mod change;
mod gallery;
mod servers;
pub(crate) mod uploads;

use super::{
    FAILURES_BEFORE_REST, HOPELESS_MS, Input, MAX_PLUGINS, REST_MS, find, install, memory::Memory,
    missing_secrets, prune, testing,
};
use crate::{
    deliveries, outbox,
    testing::{Actor, World, stories},
};

async fn state(olga: &Actor<'_>, id: &str) -> PluginState {
    olga.api().get_plugin(id).await.unwrap().row.state
}

fn put(key: &str, value: &str, version: u64, condition: KvCondition) -> KvChange {
    let write = KvWrite::Put { value: value.into(), version, expires_at_ms: None };
    KvChange { key: key.to_owned(), condition, write }
}

/// Makes an event that plugins hear, which is answered with this to remember.
async fn remembers(world: &World, name: &str, changes: Vec<KvChange>) {
    world.host.answers(|_| testing::with(Ok(Answer::Done), changes));
    world.customer(name).await;
    deliveries::round(&world.context).await.unwrap();
}

fn job(name: &str, cron: &str) -> String {
    format!("[[jobs]]\nname = {name:?}\ncron = {cron:?}\n")
}

stories! {
    async fn an_operator_reads_what_a_plugin_may_do_and_disables_and_removes_it(world) {
        let olga = world.operator("olga").await;
        assert_eq!(olga.api().list_plugins().await.unwrap(), []);
        let id = world.plugin("dev.example.mail", &["account.created.v1"]).await;
        let text = id.to_string();
        let rows = olga.api().list_plugins().await.unwrap();
        assert_eq!((rows.len(), rows[0].state), (1, PluginState::Enabled));
        assert_eq!((rows[0].plugin.as_str(), rows[0].version.as_str()), ("dev.example.mail", "1.2.3"));
        let view = olga.api().get_plugin(&text).await.unwrap();
        let may: Vec<_> = view.capabilities.iter().map(|it| it.what.as_str()).collect();
        assert!(may.contains(&"POST https://api.example.org/"), "{may:?}");
        assert!(may.contains(&"Use the secret api_key in requests to api.example.org (auth)"), "{may:?}");
        assert!(may.contains(&"Hear of account.created.v1"), "{may:?}");
        assert_eq!(view.secrets, [("api_key".to_owned(), true)]);
        assert!(!format!("{view:?}").contains("hush"));
        let calls: Vec<_> = view.calls.iter().map(|it| it.call.as_str()).collect();
        assert_eq!(calls, ["activate", "validate-config"]);

        for _ in 0..2 {
            olga.api().disable_plugin(&text).await.unwrap();
            assert_eq!(state(&olga, &text).await, PluginState::Disabled);
        }
        for _ in 0..2 {
            olga.api().enable_plugin(&text).await.unwrap();
            assert_eq!(state(&olga, &text).await, PluginState::Enabled);
        }
        olga.api().remove_plugin(&text, false).await.unwrap();
        let missing = PortalError::NotFound { what: "plugin".to_owned() };
        assert_eq!(olga.api().remove_plugin(&text, false).await, Err(missing.clone()));
        assert_eq!(olga.api().get_plugin(&text).await.unwrap_err(), missing);
        assert!(!world.host.has("dev.example.mail"));
        for table in ["plugins", "plugin_secrets", "plugin_calls", "plugin_kv", "deliveries"] {
            let count = match table {
                "plugins" => "SELECT COUNT(*) FROM plugins",
                "plugin_secrets" => "SELECT COUNT(*) FROM plugin_secrets",
                "plugin_calls" => "SELECT COUNT(*) FROM plugin_calls",
                "plugin_kv" => "SELECT COUNT(*) FROM plugin_kv",
                _ => "SELECT COUNT(*) FROM deliveries",
            };
            assert_eq!(world.count(count).await, 0, "{table}");
        }
        let told = outbox::names(&world.context).await;
        let told: Vec<_> = told.iter().filter(|it| it.starts_with("plugin.")).collect();
        assert_eq!(told, [
            "plugin.installed", "plugin.enabled", "plugin.disabled", "plugin.enabled",
            "plugin.disabled", "plugin.removed",
        ]);
    }

    async fn only_operators_see_plugins_and_an_unknown_one_is_not_there(world) {
        let id = world.plugin("dev.example.mail", &["account.created.v1"]).await.to_string();
        let (ana, olga) = (world.customer("ana").await, world.operator("olga").await);
        let api = ana.api();
        assert_eq!(api.list_plugins().await, Err(PortalError::NotAllowed));
        assert_eq!(api.get_plugin(&id).await.unwrap_err(), PortalError::NotAllowed);
        assert_eq!(api.enable_plugin(&id).await, Err(PortalError::NotAllowed));
        assert_eq!(api.disable_plugin(&id).await, Err(PortalError::NotAllowed));
        assert_eq!(api.remove_plugin(&id, false).await, Err(PortalError::NotAllowed));
        assert_eq!(api.replay_deliveries(&id, None).await, Err(PortalError::NotAllowed));
        let api = olga.api();
        for unknown in ["", "inst_0", "inst_00000000000000000000000000000000"] {
            let missing = PortalError::NotFound { what: "plugin".to_owned() };
            assert_eq!(api.get_plugin(unknown).await.unwrap_err(), missing);
            assert_eq!(api.enable_plugin(unknown).await.unwrap_err(), missing);
            assert_eq!(api.disable_plugin(unknown).await.unwrap_err(), missing);
            assert_eq!(api.remove_plugin(unknown, false).await.unwrap_err(), missing);
            assert_eq!(api.replay_deliveries(unknown, None).await.unwrap_err(), missing);
        }
    }

    async fn what_does_not_fit_is_refused_by_field_and_leaves_nothing(world) {
        let fits = || testing::input("dev.example.mail", &["account.created.v1"]);
        let secret = || PluginSecret::new("x".to_owned()).unwrap();
        let mut inputs = Vec::new();
        let mut with = |field: &'static str, change: &dyn Fn(&mut Input)| {
            let mut input = fits();
            change(&mut input);
            inputs.push((field, input));
        };
        with("manifest", &|it| it.manifest = "manifest = 2".to_owned());
        with("manifest", &|it| it.manifest = testing::manifest("dev.example.mail", &["moon.set.v1"]));
        with("manifest", &|it| it.manifest = testing::manifest("dev.example.mail", &[]));
        with("manifest", &|it| {
            it.manifest = it.manifest.replace("kind = [\"event\"]", "kind = [\"invoicing\"]");
        });
        with("manifest", &|it| {
            it.manifest = it.manifest.replace("[plugin]", "[plugin]\nmin_portal = \"99.0\"");
        });
        // There is no such day, and there are too many.
        with("manifest", &|it| it.manifest += &job("nightly", "0 3 30 2 *"));
        with("manifest", &|it| {
            it.manifest += &(0..17).map(|it| job(&format!("j{it}"), "0 3 * * *")).collect::<String>();
        });
        with("component", &|it| it.component = b"text".to_vec());
        with("settings", &|it| it.settings = Some("{\"a\": 1}".to_owned()));
        with("settings", &|it| it.settings = Some("[]".to_owned()));
        with("schema", &|it| it.schema = Some("{".to_owned()));
        with("settings", &|it| {
            it.schema = Some("{\"type\": \"object\"}".to_owned());
            it.settings = Some("{\"word\": \"bad\"}".to_owned());
        });
        with("secrets", &|it| it.secrets = BTreeMap::from([("other".to_owned(), secret())]));
        for (field, input) in inputs {
            let error = install(&world.context, input).await.unwrap_err();
            let named = match &error {
                crate::Error::Invalid { field, .. } => *field,
                crate::Error::Settings(_) => "settings",
                _ => "",
            };
            assert_eq!(named, field, "{error}");
        }
        assert_eq!(world.count("SELECT COUNT(*) FROM plugins").await, 0);
        world.plugin("dev.example.mail", &["account.created.v1"]).await;
        for number in 1..MAX_PLUGINS {
            world.plugin(&format!("dev.example.p{number}"), &["account.created.v1"]).await;
        }
        let many = install(&world.context, testing::input("dev.example.more", &["account.created.v1"])).await;
        assert!(matches!(many, Err(crate::Error::Limit(_))));
    }

    async fn p44_secrets_are_sealed_and_what_a_plugin_remembers_is_its_own(world) {
        let one = world.plugin("dev.example.one", &["account.created.v1"]).await;
        let sealed: Vec<String> = sqlx::query_scalar("SELECT sealed FROM plugin_secrets")
            .fetch_all(world.context.database.read()).await.unwrap();
        assert_eq!(sealed.len(), 1);
        assert!(!sealed[0].contains("hush"));
        let moved = world.context.vault.open("inst_other/api_key", &sealed[0]);
        assert!(moved.is_err(), "in another row it is worth nothing");

        let keys = ["a", "b", "b/1", "b/é", "c"];
        let changes = keys.map(|key| put(key, &format!("value of {key}"), 1, KvCondition::Any));
        remembers(&world, "ana", changes.to_vec()).await;
        let memory = Memory { context: world.context.clone(), installation: one };
        let found = memory.get("b/é").await.unwrap().unwrap();
        assert_eq!((found.value.as_slice(), found.version), ("value of b/é".as_bytes(), 1));
        let scan = async |prefix: &str, after: Option<&str>, limit| {
            let page = memory.scan(prefix, after, limit).await.unwrap();
            page.into_iter().map(|it| it.key).collect::<Vec<_>>()
        };
        assert_eq!(scan("", None, 10).await, keys);
        assert_eq!(scan("b", None, 10).await, ["b", "b/1", "b/é"]);
        assert_eq!(scan("b/", Some("b/1"), 10).await, ["b/é"]);
        assert_eq!(scan("", Some("b"), 2).await, ["b/1", "b/é"]);
        let bytes: usize = keys.iter().map(|it| it.len() + format!("value of {it}").len()).sum();
        let usage = KvUsage { keys: 5, bytes: u64::try_from(bytes).unwrap() };
        assert_eq!(memory.usage().await.unwrap(), usage);

        let two = world.plugin("dev.example.two", &["pod.created.v1"]).await;
        let other = Memory { context: world.context.clone(), installation: two };
        assert_eq!(other.get("a").await.unwrap(), None);
        assert_eq!(other.usage().await.unwrap(), KvUsage::default());
    }

    async fn what_was_written_meanwhile_makes_a_call_be_made_again(world) {
        let plugin = world.plugin("dev.example.one", &["account.created.v1"]).await;
        let memory = Memory { context: world.context.clone(), installation: plugin };
        let value = async || memory.get("count").await.unwrap().map(|it| it.value);
        remembers(&world, "ana", vec![put("count", "1", 1, KvCondition::Version(None))]).await;
        assert_eq!(value().await, Some(b"1".to_vec()));
        // It believes that there is none yet: nothing of it counts, not the other entry either.
        let late = vec![
            put("other", "x", 2, KvCondition::Any),
            put("count", "7", 2, KvCondition::Version(None)),
        ];
        remembers(&world, "bob", late).await;
        assert_eq!(value().await, Some(b"1".to_vec()));
        assert_eq!(memory.get("other").await.unwrap(), None);
        world.host.answers(|_| {
            testing::with(Ok(Answer::Done), vec![put("count", "2", 2, KvCondition::Version(Some(1)))])
        });
        deliveries::round(&world.context).await.unwrap();
        assert_eq!(value().await, Some(b"2".to_vec()));
        let tries: Vec<_> = world.host.events().into_iter().map(|(_, attempt)| attempt).collect();
        assert_eq!(tries, [1, 1, 1], "being beaten is no try");
    }

    async fn another_version_takes_a_plugins_place_with_all_that_it_remembers(world) {
        let id = world.plugin("dev.example.one", &["account.created.v1"]).await;
        let olga = world.operator("olga").await;
        remembers(&world, "ana", vec![put("count", "1", 1, KvCondition::Any)]).await;
        let next = || testing::another_version("dev.example.one", "2.0.0", &["pod.created.v1"]);
        // One that cannot bring over what is remembered, or whose settings do not work, changes
        // nothing.
        world.host.fails(ErrorKind::Internal);
        let error = install(&world.context, next()).await.unwrap_err();
        assert!(error.to_string().contains("the provider said so"), "{error}");
        let settings = Some("{\"word\": \"bad\"}".to_owned());
        let bad = Input { schema: Some("{\"type\": \"object\"}".to_owned()), settings, ..next() };
        assert!(install(&world.context, bad).await.is_err());
        let view = async || olga.api().get_plugin(&id.to_string()).await.unwrap();
        assert_eq!((view().await.row.version.as_str(), view().await.row.state), ("1.2.3", PluginState::Enabled));

        world.host.answers(|request| {
            assert!(matches!(&request.call, Call::Migrate { from_version } if from_version == "1.2.3"));
            assert!(request.secrets.contains_key("api_key"), "those that it has");
            testing::with(Ok(Answer::Done), vec![put("count", "one", 2, KvCondition::Any)])
        });
        let (same, enabled) = install(&world.context, next()).await.unwrap();
        enabled.unwrap();
        assert_eq!(same, id);
        let now = view().await;
        assert_eq!((now.row.version.as_str(), now.row.state), ("2.0.0", PluginState::Enabled));
        assert_eq!(now.events, ["pod.created.v1"]);
        assert_eq!(now.secrets, [("api_key".to_owned(), true)]);
        let memory = Memory { context: world.context.clone(), installation: id };
        assert_eq!(memory.get("count").await.unwrap().unwrap().value, b"one");
        let heard = world.host.events().len();
        world.customer("bob").await;
        while deliveries::round(&world.context).await.unwrap() {}
        assert_eq!(world.host.events().len(), heard, "the new one does not listen to this");
        // The same once more is fine, and one that is disabled stays so.
        olga.api().disable_plugin(&id.to_string()).await.unwrap();
        install(&world.context, next()).await.unwrap().1.unwrap();
        assert_eq!(view().await.row.state, PluginState::Disabled);
        let told = outbox::names(&world.context).await;
        assert_eq!(told.iter().filter(|it| *it == "plugin.upgraded").count(), 2);
    }

    async fn a_plugin_gets_the_memory_that_its_operator_read_of(world) {
        let asks = |version: &str, mib: u32| {
            let it = testing::another_version("dev.example.one", version, &["pod.created.v1"]);
            Input { manifest: format!("{}[limits]\nmemory_mib = {mib}\n", it.manifest), ..it }
        };
        let id = world.plugin("dev.example.one", &["pod.created.v1"]).await;
        let memory = || world.host.memory("dev.example.one").unwrap() >> 20;
        assert_eq!(memory(), 64);
        for (version, mib) in [("2.0.0", 128), ("3.0.0", 32)] {
            install(&world.context, asks(version, mib)).await.unwrap().1.unwrap();
            assert_eq!(memory(), usize::try_from(mib).unwrap());
            let olga = world.operator(&format!("olga{mib}")).await;
            let view = olga.api().get_plugin(&id.to_string()).await.unwrap();
            let shown = format!("Use {mib} MiB of memory in a call");
            assert!(view.capabilities.iter().any(|it| it.what == shown), "{view:?}");
        }
    }

    async fn what_a_plugin_was_granted_beyond_its_wishes_stays_and_what_it_lacks_is_told(world) {
        let mut input = testing::input("dev.example.one", &["account.created.v1"]);
        input.grants.http[0].private = vec!["10.1.2.3/32:443".parse().unwrap()];
        input.secrets.clear();
        let (grants, manifest) = (input.grants.clone(), Manifest::parse(&input.manifest).unwrap());
        let (id, enabled) = install(&world.context, input).await.unwrap();
        assert!(enabled.is_err(), "it cannot make itself ready without its secret");
        let found = find(&world.context, "dev.example.one").await.unwrap().unwrap();
        assert_eq!(found.grants_for(&manifest).unwrap(), grants);
        let missing = async |manifest: &Manifest, now: &[&str]| -> Vec<String> {
            let secret = || PluginSecret::new("x".to_owned()).unwrap();
            let now: BTreeMap<String, PluginSecret> =
                now.iter().map(|it| ((*it).to_owned(), secret())).collect();
            let missing = missing_secrets(&world.context, manifest, &now).await.unwrap();
            missing.into_iter().map(|it| it.name).collect()
        };
        assert_eq!(missing(&manifest, &[]).await, ["api_key"]);
        assert_eq!(missing(&manifest, &["api_key"]).await, [""; 0]);
        // So it is before anything is there.
        let two = testing::manifest("dev.example.two", &["account.created.v1"]);
        assert_eq!(missing(&Manifest::parse(&two).unwrap(), &[]).await, ["api_key"]);
        let two = two.replace("name = \"api_key\"", "name = \"api_key\"\noptional = true");
        assert_eq!(missing(&Manifest::parse(&two).unwrap(), &[]).await, [""; 0]);
        let olga = world.operator("olga").await;
        let view = olga.api().get_plugin(&id.to_string()).await.unwrap();
        let shown = "POST https://api.example.org/, also at 10.1.2.3/32:443";
        assert!(view.capabilities.iter().any(|it| it.what == shown), "{view:?}");
        assert_eq!(view.row.state, PluginState::Stopped);
        assert!(view.why.unwrap().contains("did not make itself ready"));
        // Installed once more, with what it lacked, it goes on.
        let again = testing::input("dev.example.one", &["account.created.v1"]);
        install(&world.context, again).await.unwrap().1.unwrap();
        assert_eq!(missing(&manifest, &[]).await, [""; 0], "what was given once stays");
        assert_eq!(state(&olga, &id.to_string()).await, PluginState::Enabled);
        // Another wish begins anew.
        let text = testing::manifest("dev.example.one", &["account.created.v1"]);
        let other = text.replace("api.example.org", "api.example.net");
        let other = Manifest::parse(&other).unwrap();
        let anew = found.grants_for(&other).unwrap();
        assert!(anew.http[0].private.is_empty());
        assert_eq!(found.private_lost(&anew).unwrap(), ["10.1.2.3/32:443"]);
        assert!(found.private_lost(&grants).unwrap().is_empty());
        assert!(find(&world.context, "dev.example.two").await.unwrap().is_none());
    }

    async fn whoever_published_a_plugin_first_publishes_all_that_bears_its_name(world) {
        // minisign's form: two letters, the key's id, the key.
        let key = |number: u8| {
            let bytes = [&b"Ed"[..], &[number; 8], &[number; 32]].concat();
            PublisherKey::parse(&STANDARD.encode(bytes)).unwrap()
        };
        let by = |publisher: Option<PublisherKey>| {
            Input { publisher, ..testing::input("dev.example.one", &["account.created.v1"]) }
        };
        let strict = world.portal_set(|it| it.unsigned_plugins = false).await;
        let refused = async |context: &_, input| {
            let error = install(context, input).await.unwrap_err();
            let is = matches!(error, crate::Error::Invalid { field: "publisher", .. });
            assert!(is, "{error}");
            error.to_string()
        };
        assert!(refused(&strict, by(None)).await.contains("nobody signed it"));
        let (first, other) = (key(1), key(2));
        let (id, _) = install(&strict, by(Some(first.clone()))).await.unwrap();
        // Neither unsigned, where that is allowed, nor by another one, nor after it was removed.
        let olga = world.operator("olga").await;
        for removed in [false, true] {
            if removed {
                olga.api().remove_plugin(&id.to_string(), false).await.unwrap();
            }
            assert!(refused(&world.context, by(None)).await.contains("nobody signed this"));
            let error = refused(&world.context, by(Some(other.clone()))).await;
            assert!(error.contains(&first.to_string()) && error.contains(&other.to_string()));
        }
        install(&strict, by(Some(first))).await.unwrap().1.unwrap();
    }

    async fn entries_expire_and_are_forgotten(world) {
        let plugin = world.plugin("dev.example.one", &["account.created.v1"]).await;
        let memory = Memory { context: world.context.clone(), installation: plugin };
        let end = world.context.now() + 1000;
        let write = KvWrite::Put {
            value: b"x".to_vec(), version: 1, expires_at_ms: Some(end.cast_unsigned()),
        };
        let change = KvChange { key: "soon".to_owned(), condition: KvCondition::Any, write };
        remembers(&world, "ana", vec![change]).await;
        world.clock.advance(999);
        assert!(memory.get("soon").await.unwrap().is_some());
        world.clock.advance(1);
        assert!(memory.get("soon").await.unwrap().is_none());
        assert!(memory.scan("", None, 9).await.unwrap().is_empty());
        prune(&world.context).await.unwrap();
        assert_eq!(world.count("SELECT COUNT(*) FROM plugin_kv").await, 0);
    }

    async fn a_plugin_that_fails_rests_longer_and_longer_and_is_stopped_after_five_days(world) {
        let olga = world.operator("olga").await;
        let id = world.plugin("dev.example.one", &["account.created.v1"]).await.to_string();
        for number in 0..FAILURES_BEFORE_REST {
            let so_far = if number == 0 { PluginState::Enabled } else { PluginState::Failing };
            assert_eq!(state(&olga, &id).await, so_far);
            world.host.fails(ErrorKind::Unavailable);
            world.customer(&format!("c{number}")).await;
            deliveries::round(&world.context).await.unwrap();
        }
        assert_eq!(state(&olga, &id).await, PluginState::Resting);
        let view = olga.api().get_plugin(&id).await.unwrap();
        assert_eq!(view.why.as_deref(), Some("unavailable: the provider said so"));
        assert_eq!(view.row.waiting, FAILURES_BEFORE_REST);
        // While it rests nothing is tried; then one call is, and its failure doubles the rest.
        let heard = world.host.events().len();
        deliveries::round(&world.context).await.unwrap();
        assert_eq!(world.host.events().len(), heard);
        world.clock.advance(REST_MS);
        world.host.fails(ErrorKind::Unavailable);
        deliveries::round(&world.context).await.unwrap();
        assert_eq!(world.host.events().len(), heard + 1, "one to see whether it is well");
        world.clock.advance(REST_MS);
        assert_eq!(state(&olga, &id).await, PluginState::Resting);
        world.clock.advance(REST_MS);
        assert_eq!(state(&olga, &id).await, PluginState::Failing);

        // Long after that a failure is a new beginning; one that fails twice a day for five days is
        // hopeless.
        world.clock.advance(HOPELESS_MS);
        let half_a_day = HOPELESS_MS / 10;
        for number in 0..=10 {
            assert_ne!(state(&olga, &id).await, PluginState::Stopped, "after {number} half days");
            world.host.fails(ErrorKind::Unavailable);
            world.customer(&format!("late{number}")).await;
            deliveries::round(&world.context).await.unwrap();
            world.clock.advance(half_a_day);
        }
        assert_eq!(state(&olga, &id).await, PluginState::Stopped);
        let why = olga.api().get_plugin(&id).await.unwrap().why.unwrap();
        assert!(why.contains("five days") && why.contains("the provider said so"), "{why}");
        assert!(outbox::names(&world.context).await.contains(&"plugin.stopped".to_owned()));
        // What comes meanwhile waits, and an operator's word lets it go on.
        world.customer("later").await;
        let heard = world.host.events().len();
        deliveries::round(&world.context).await.unwrap();
        assert_eq!(world.host.events().len(), heard);
        olga.api().enable_plugin(&id).await.unwrap();
        while deliveries::round(&world.context).await.unwrap() {}
        assert!(heard < world.host.events().len());
        assert_eq!(state(&olga, &id).await, PluginState::Enabled);
    }
}

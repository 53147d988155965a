//! The whole way with nothing played: a plugin that does what no plugin should, and what an operator
//! sets against that.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use myrelay_app::contract::{LimitsChange, PluginCallRow, TypedFields};
use myrelay_plugin_host::{Grants, Manifest};

use crate::{
    context::Context,
    deliveries,
    plugins::{Input, Runtime, change_limits, get, install, limits_view},
    testing::{Actor, World},
};

const MANIFEST: &str = include_str!("../../../../plugins/samples/hostile/plugin.toml");
const SCHEMA: &str = r#"{
    "type": "object", "additionalProperties": false, "properties": { "deed": { "type": "string" } }
}"#;

/// The plugin's component, as `cargo xtask test plugins` built it.
fn component() -> Option<Vec<u8>> {
    let Some(folder) = env::var_os("MYRELAY_TEST_PLUGINS") else {
        println!("skipped: no MYRELAY_TEST_PLUGINS; run it by `cargo xtask test plugins`");
        return None;
    };
    Some(fs::read(PathBuf::from(folder).join("myrelay_sample_hostile.wasm")).unwrap())
}

/// A portal with a host of its own, which compiles by the program beside this test's folder.
async fn portal(world: &World) -> Context {
    let test = env::current_exe().unwrap();
    let compiler = test.ancestors().nth(2).unwrap().join("myrelay-plugin-compile");
    let cache = world.dir.path().join("compiled");
    world.portal_with(Runtime::in_a_process(compiler, cache, Vec::new(), None)).await
}

/// The hostile plugin, which does this whenever an account is created.
fn hostile(component: &[u8], deed: &str) -> Input {
    let hears = "kv = {}\nevents = [\"account.created.v1\"]\n";
    let manifest = MANIFEST.replace("kv = {}\n", hears).replace("\"*\"", "\"nowhere.example\"");
    Input {
        grants: Grants::all_asked(&Manifest::parse(&manifest).unwrap()),
        manifest,
        component: component.to_vec(),
        schema: Some(SCHEMA.to_owned()),
        settings: Some(format!("{{\"deed\":\"{deed}\"}}")),
        secrets: BTreeMap::new(),
        test_mode: false,
        publisher: None,
    }
}

/// Sets these, and leaves the others as usual.
async fn set(
    context: &Context,
    (olga, id): (&Actor<'_>, &str),
    pairs: &[(&str, &str)],
) -> LimitsChange {
    let revision = limits_view(context, olga.caller, id).await.unwrap().revision.to_string();
    let all = [&[("revision", revision.as_str())][..], pairs].concat();
    let all = all.into_iter().map(|(name, it)| (name.to_owned(), it.to_owned())).collect();
    change_limits(context, olga.caller, id, TypedFields(all)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_spins_or_grows_is_ended_at_what_an_operator_set() {
    let Some(component) = component() else { return };
    let world = World::on_sqlite().await;
    let (context, olga) = (portal(&world).await, world.operator("olga").await);
    let (id, enabled) = install(&context, hostile(&component, "spin")).await.unwrap();
    enabled.unwrap();
    let id = id.to_string();
    // What it does when somebody comes.
    let last = async |name: &str| -> PluginCallRow {
        world.customer(name).await;
        while deliveries::round(&context).await.unwrap() {}
        deliveries::get_plugin(&context, olga.caller, &id).await.unwrap().calls.remove(0)
    };
    let usual = last("ana").await;
    let why = usual.failure.as_deref().unwrap();
    assert!(why.contains("1000 are allowed") && 1_000_000 <= usual.cpu_us, "{usual:?}");

    assert_eq!(set(&context, (&olga, &id), &[("cpu", "60")]).await, LimitsChange::Saved);
    let spun = last("bob").await;
    let why = spun.failure.as_deref().unwrap();
    assert!(why.contains("60 are allowed") && spun.cpu_us < 1_000_000, "{spun:?}");
    assert_eq!(spun.limits.unwrap().cpu_us, 60_000);

    let memory = [("memory", "8")];
    assert_eq!(set(&context, (&olga, &id), &memory).await, LimitsChange::Saved);
    install(&context, hostile(&component, "grow")).await.unwrap().1.unwrap();
    let grown = last("cleo").await;
    assert!(grown.failure.is_some() && grown.memory <= 8 << 20, "{grown:?}");
    assert_eq!(grown.limits.unwrap().memory, 8 << 20);

    // It does not even begin with a MiB, and goes on as it did.
    let before = get(&context, &id).await.unwrap().revision;
    let LimitsChange::Refused(view) = set(&context, (&olga, &id), &[("memory", "1")]).await else {
        panic!("it was saved");
    };
    assert!(view.fields[2].error.as_deref().unwrap().contains("look at its settings"), "{view:?}");
    assert_eq!(get(&context, &id).await.unwrap().revision, before);
}

//! What a plugin may use, set on the command line.

use super::*;
use crate::testing::World;

async fn limits(world: &World, options: &[&str]) -> anyhow::Result<String> {
    let line = ["limits", "dev.example.one"].into_iter().chain(options.iter().copied());
    done(&world.context, &command().try_get_matches_from(line)?).await
}

#[tokio::test]
async fn an_operator_sets_limits_without_a_browser() {
    let world = World::on_sqlite().await;
    let gone = limits(&world, &[]).await.unwrap_err().to_string();
    assert!(gone.contains("is not installed"), "{gone}");
    world.plugin("dev.example.one", &["account.created.v1"]).await;
    let usual = limits(&world, &[]).await.unwrap();
    assert_eq!(
        usual,
        "dev.example.one may use:\n  cpu       by the call\n  wall      by the call\n  \
         memory    64 MiB\n  requests  10\n  store     16384 KiB\n"
    );
    for _ in 0..2 {
        let set = limits(&world, &["--cpu", "500", "--memory", "128"]).await.unwrap();
        assert!(set.contains("cpu       500 ms, set by an operator\n"), "{set}");
        assert!(set.contains("memory    128 MiB, set by an operator\n"), "{set}");
    }
    let one = limits(&world, &["--cpu", "default", "--requests", "3"]).await.unwrap();
    assert!(one.contains("cpu       by the call\n") && one.contains("memory    128 MiB"), "{one}");
    for (option, value, why) in [
        ("--cpu", "5001", "--cpu: at most 5000"),
        ("--memory", "0", "--memory: at least 1"),
        ("--requests", "-1", "--requests: at least 1"),
        ("--store", "much", "--store: expected a whole number"),
        ("--memory", "1", "`memory`: with this the plugin cannot even look at its settings"),
    ] {
        let error = limits(&world, &[option, value]).await.unwrap_err().to_string();
        assert!(error.starts_with(why), "{error}");
    }
    assert_eq!(limits(&world, &[]).await.unwrap(), one, "nothing of that was set");
    assert_eq!(limits(&world, &["--defaults"]).await.unwrap(), usual);
}

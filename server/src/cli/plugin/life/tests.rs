//! Taking plugins away on the command line.

use super::*;
use crate::{payments::tests::stage::Stage, testing::World};

async fn remove_by(world: &World, options: &[&str]) -> anyhow::Result<String> {
    let line = ["plugin", "remove", "dev.example.pay"].into_iter().chain(options.iter().copied());
    let matches = Command::new("plugin").subcommands(commands()).try_get_matches_from(line)?;
    let (act, matches) = matches.subcommand().unwrap();
    done(&world.context, act, matches).await
}

#[tokio::test]
async fn a_plugin_whose_provider_collects_is_removed_when_the_line_says_so() {
    let world = World::on_sqlite().await;
    let stage = Stage::new(&world).await;
    let ana = world.customer("ana").await;
    stage.subscribes(&ana, "sub_1", "pi_1").await;
    let file = world.dir.path().join("memory.json").display().to_string();
    for options in [&[][..], &["--export", &file]] {
        let refused = remove_by(&world, options).await.unwrap_err().to_string();
        assert!(refused.contains("its provider collects for 1 subscription."), "{refused}");
        assert!(refused.contains("--leave-subscriptions"), "{refused}");
    }
    assert!(!Path::new(&file).exists());
    let found = plugins::find(&world.context, "dev.example.pay").await.unwrap().unwrap();
    assert!(found.works(), "nothing was done");
    let options = ["--export", &file, "--leave-subscriptions"];
    let said = remove_by(&world, &options).await.unwrap();
    assert_eq!(said, "dev.example.pay is removed.\n");
    assert!(Path::new(&file).exists());
    assert!(plugins::find(&world.context, "dev.example.pay").await.unwrap().is_none());
}

#[tokio::test]
async fn a_plugin_whose_provider_collects_nothing_is_removed_as_ever() {
    let world = World::on_sqlite().await;
    Stage::new(&world).await;
    assert_eq!(remove_by(&world, &[]).await.unwrap(), "dev.example.pay is removed.\n");
    let gone = remove_by(&world, &[]).await.unwrap_err().to_string();
    assert!(gone.contains("is not installed"), "{gone}");
}

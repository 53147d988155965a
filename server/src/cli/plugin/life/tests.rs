//! Going back with plugins and taking them away on the command line.

use std::{
    io,
    sync::{Arc, Mutex},
};

use myrelay_plugin_host::types::ErrorKind;

use super::*;
use crate::{payments::tests::stage::Stage, plugins::testing, testing::World};

/// What is said for a line that is typed.
async fn typed(world: &World, line: &[&str]) -> anyhow::Result<String> {
    let line = ["plugin"].into_iter().chain(line.iter().copied());
    let matches = Command::new("plugin").subcommands(commands()).try_get_matches_from(line)?;
    let (act, matches) = matches.subcommand().unwrap();
    done(&world.context, act, matches).await
}

async fn remove_by(world: &World, options: &[&str]) -> anyhow::Result<String> {
    typed(world, &[&["remove", "dev.example.pay"][..], options].concat()).await
}

/// The log, as whoever types a line sees it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_plugin_is_named_by_its_name_or_by_what_the_list_begins_with() {
    let world = World::on_sqlite().await;
    for _ in 0..2 {
        let id = world.plugin("dev.example.pay", &["account.created.v1"]).await.to_string();
        for name in ["dev.example.pay", &id] {
            let found = found(&world.context, Some(&name.to_owned())).await.unwrap();
            assert_eq!(found.id.to_string(), id);
        }
        typed(&world, &["remove", &id]).await.unwrap();
        let gone = typed(&world, &["remove", &id]).await.unwrap_err().to_string();
        assert!(gone.ends_with("is not installed; `myrelay plugin list` has all"), "{gone}");
    }
}

#[tokio::test]
async fn that_a_plugin_went_back_is_said_when_it_did_and_not_before() {
    let (world, log) = (World::on_sqlite().await, Log::default());
    let lines = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || lines.clone()).finish();
    let _heard = tracing::subscriber::set_default(subscriber);
    world.plugin("dev.example.pay", &["account.created.v1"]).await;
    let next = testing::another_version("dev.example.pay", "2.0.0", &["account.created.v1"]);
    plugins::install(&world.context, next).await.unwrap().1.unwrap();

    let line = ["rollback", "dev.example.pay"];
    world.host.fails(ErrorKind::Internal);
    let refused = typed(&world, &line).await.unwrap_err().to_string();
    assert!(refused.contains("1.2.3 does not take over what 2.0.0 remembers"), "{refused}");
    assert!(!log.text().contains("goes back") && !log.text().contains("went back"));
    let said = typed(&world, &line).await.unwrap();
    assert_eq!(said, "dev.example.pay was 2.0.0 and is 1.2.3 again.\n");
    assert!(log.text().contains("went back"), "{}", log.text());
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

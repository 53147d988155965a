//! An author works on a plugin while the portal for it runs: each version takes the place of the one
//! before, and the portal's next call is of it.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use myrelay_fake_providers::{Fake as _, Receiver};
use myrelay_tests::{
    portal::{Options, Portal, free_port},
    program::{Program, run, until},
    programs,
};
use tempfile::TempDir;
use tokio::process::Command;

/// How long a round may take on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(120);

/// A portal for development, an author's folder, and a service that the plugin tells things.
struct Place {
    folder: PathBuf,
    plugin: PathBuf,
    options: Options,
    service: Receiver,
}

impl Place {
    async fn make(folder: &Path) -> Result<Self> {
        let listen: SocketAddr = ([127, 0, 0, 1], free_port()?).into();
        let node_listen: SocketAddr = ([127, 0, 0, 1], free_port()?).into();
        let options = Options {
            programs: programs(),
            data: folder.join("portal"),
            log: folder.join("portal.log"),
            listen,
            public_url: format!("http://{listen}"),
            node_listen,
            node_url: format!("https://{node_listen}"),
            flags: vec!["--unsigned-plugins".to_owned()],
            verbose: false,
        };
        let plugin = folder.join("teller");
        let mut new = Command::new(options.programs.join("myrelay"));
        new.args(["plugin", "new", "--lang", "js", "--kind", "event", "teller", "--folder"]);
        new.arg(&plugin);
        run(new).await?;
        let place =
            Self { folder: folder.to_owned(), plugin, options, service: Receiver::start(0).await? };
        let port = place.service.port();
        let here = format!("scheme = \"http\"\nhost = \"127.0.0.1\"\nport = {port}\nmethods");
        place.edit("plugin.toml", "host = \"api.example.com\"\nmethods", &here);
        place.edit("plugin.toml", "host = \"api.example.com\"", "host = \"127.0.0.1\"");
        let events = "\"peer.added.v1\", \"peer.removed.v1\"";
        place.edit("plugin.toml", events, "\"plugin.upgraded.v1\"");
        let settings = format!("{{\"endpoint\": \"{}/v1/events\"}}", place.service.url());
        fs::write(folder.join("settings.json"), settings)?;
        fs::write(folder.join("token"), "a-token-for-trials")?;
        Ok(place)
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let place = self.plugin.join(name);
        let text = fs::read_to_string(&place).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        fs::write(place, text.replace(from, to)).unwrap();
    }

    /// `dev` at work, with these words.
    fn work(&self, log: &str, words: &[&str]) -> Result<Program> {
        let plugin = self.plugin.display().to_string();
        let words = [&["plugin", "dev", &plugin, "--portal"], words].concat();
        Program::start(self.options.command(&words), &self.folder.join(log))
    }

    /// Waits until `dev` says so.
    async fn says(&self, work: &mut Program, text: &str) -> Result<()> {
        until(text, PATIENCE, async || {
            work.ensure_running()?;
            Ok(work.said().contains(text).then_some(()))
        })
        .await
        .map_err(|error| error.context(work.said()))
    }
}

#[tokio::test]
async fn what_an_author_saves_runs_in_the_portal_that_is_there() {
    let folder = TempDir::new().unwrap();
    let place = Place::make(folder.path()).await.unwrap();
    let mut portal = Portal::start(place.options.clone()).await.unwrap();

    // Nothing is installed that nobody granted.
    let mut work = place.work("first.log", &[]).unwrap();
    place.says(&mut work, "is not installed there: start this with --grant").await.unwrap();
    assert!(work.interrupt().await.unwrap().success(), "{}", work.said());

    let file = |name: &str| folder.path().join(name).display().to_string();
    let (settings, token) = (file("settings.json"), format!("token={}", file("token")));
    let private = format!("127.0.0.1/32:{}", place.service.port());
    let words = ["--grant", "--settings", &settings, "--secret", &token, "--private", &private];
    let mut work = place.work("second.log", &words).unwrap();
    place.says(&mut work, "portal   dev.example.teller 0.1.0 runs\n").await.unwrap();
    place.says(&mut work, "waiting for changes").await.unwrap();

    // The version is the same, the plugin is not: the portal calls the new one at once.
    place.edit("src/plugin.js", "post({", "post({\n      by: \"the second\",");
    let heard = async || {
        let asked = place.service.asked();
        let by = asked.iter().find(|it| it.text().contains("the second"));
        Ok(by.map(|it| it.json()["event"].clone()))
    };
    let event = until("the portal to call what was saved", PATIENCE, heard).await;
    assert_eq!(event.unwrap_or_else(|it| panic!("{it:#}: {}", work.said())), "plugin.upgraded.v1");
    assert!(work.stop().await.unwrap().success(), "{}", work.said());

    // What asks for more waits for whoever operates the portal.
    let mut work = place.work("third.log", &[]).unwrap();
    place.says(&mut work, "portal   dev.example.teller 0.1.0 runs\n").await.unwrap();
    place.says(&mut work, "waiting for changes").await.unwrap();
    place.edit("plugin.toml", "\"plugin.upgraded.v1\"", "\"plugin.upgraded.v1\", \"pod.moved.v1\"");
    place.says(&mut work, "asks for more than before, which waits for you").await.unwrap();
    place.says(&mut work, "new: Hear of pod.moved.v1").await.unwrap();
    assert!(work.interrupt().await.unwrap().success(), "{}", work.said());
    let plugin = place.plugin.display().to_string();
    let told = portal.ask(&["plugin", "install", &plugin]).await.unwrap();
    assert!(told.contains("  new: Hear of pod.moved.v1\n"), "{told}");
    assert!(told.contains("It takes the place of version 0.1.0. It asks for more"), "{told}");
    portal.ask(&["plugin", "install", "--grant", &plugin]).await.unwrap();
    portal.stop().await.unwrap();
}
